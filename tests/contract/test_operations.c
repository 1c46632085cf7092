/*
 * One suite over every plugin: the same cases for the file vault, the key vault and the Managed
 * HSM, the latter two over TLS in an emulator that this program starts. Each cell of
 * docs/OPERATIONS.md is what a case of this run said (support/page.h).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <keyprovider/keyprovider.h>

#include "base/buf.h"
#include "base/span.h"
#include "support/emulator.h"
#include "support/page.h"
#include "support/plugin_suite.h"

#define CELLS_MAX 400u
#define NAME_LEN 96

static const char INTRO[] =
    "# What each plugin does\n"
    "\n"
    "One suite of cases runs over every plugin: `tests/contract/test_operations.c`, with the key "
    "vault\n"
    "and the Managed HSM played by [the emulator](EMULATOR.md) over TLS. Each cell below is what a "
    "case\n"
    "found, and the test fails when this page says anything else. *yes*: done, and the result was\n"
    "checked. *no*: refused with `unsupported` before anything was sent.\n";

/* ---- Cells ---- */

struct cell {
    const struct suite_row *row;
    struct suite_vault *vault;
    const char *text; /* NULL: the case did not end well */
    char name[NAME_LEN];
};

static struct suite suite;
static const struct suite_row *key_rows;
static size_t n_key_rows;
static struct cell cells[CELLS_MAX];
static struct CMUnitTest tests[CELLS_MAX + 2];
static size_t n_cells;

static void fill_cell(void **state)
{
    struct cell *cell = *state;
    cell->text = cell->row->run(cell->vault, cell->row->number);
}

static void add_rows(const struct suite_row *rows, size_t n)
{
    for (size_t i = 0; i < n * SUITE_N_VAULTS; i++) {
        if (n_cells == CELLS_MAX)
            abort(); /* more rows than room */
        struct cell *cell = &cells[n_cells];
        cell->row = &rows[i / SUITE_N_VAULTS];
        cell->vault = &suite.vaults[i % SUITE_N_VAULTS];
        (void)snprintf(cell->name, sizeof cell->name, "%s over %s", cell->row->name,
                       cell->vault->plugin);
        tests[n_cells++] = (struct CMUnitTest){cell->name, fill_cell, NULL, NULL, cell};
    }
}

/* ---- The page ---- */

/* The cells of a table's rows follow each other; at says where the first stands. */
static void put_table(kp_buf *page, const char *title, const char *what, size_t n, size_t *at)
{
    assert_int_equal(kp_buf_append_fmt(page, "\n## %s\n\n| %s |", title, what), KP_OK);
    for (size_t i = 0; i < SUITE_N_VAULTS; i++)
        assert_int_equal(kp_buf_append_fmt(page, " `%s` |", suite.vaults[i].plugin), KP_OK);
    page_put(page, "\n|---|---|---|---|\n");
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(kp_buf_append_fmt(page, "| %s |", cells[*at].row->name), KP_OK);
        for (size_t k = 0; k < SUITE_N_VAULTS; k++) {
            const char *text = cells[(*at)++].text;
            assert_int_equal(kp_buf_append_fmt(page, " %s |", text ? text : "failed"), KP_OK);
        }
        page_put(page, "\n");
    }
}

static void put_page(kp_buf *page)
{
    size_t at = 0;
    page_put(page, INTRO);
    put_table(page, "Operations", "Operation", suite_n_operations, &at);
    put_table(page, "Algorithms", "Algorithm", suite_n_algorithms, &at);
    page_put(page,
             "\nWrapped and unwrapped, encrypted and decrypted, or signed and verified, with a key "
             "that fits.\n`RSNULL` signs its input without naming a digest.\n");
    put_table(page, "Key types", "Asked for", suite_n_key_types, &at);
    page_put(page, "\nThe cell is the type that the key then has. With its setting `hsm` the file "
                   "vault makes HSM types\nof all of them.\n");
    put_table(page, "Keys", "Key", n_key_rows, &at);
    page_put(page,
             "\nEach key does every algorithm for its type, size or curve: 10 algorithms with an "
             "RSA key, one with\nan EC key, 9 with a symmetric one. Algorithms for another size or "
             "curve are refused with `usage`.\n");
    put_table(page, "Rules", "Case", suite_n_rules, &at);
    page_put(
        page,
        "\nThe cell is *yes*, or the class of the refusal; `kp help exit-codes` lists them.\n");
}

static void page_is_what_the_cases_found(void **state)
{
    kp_buf right;
    (void)state;
    kp_buf_init(&right, "test", PAGE_MAX_LEN);
    put_page(&right);
    page_expect("OPERATIONS.md", &right);
    kp_buf_clear(&right);
}

/* A new operation gets a row, and the rows' names are the operations'. */
static void every_operation_has_its_row(void **state)
{
    (void)state;
    assert_int_equal(suite_n_operations, KP_OP_MAX);
    for (size_t i = 0; i < suite_n_operations; i++) {
        assert_int_equal(suite_operations[i].number, i + 1);
        assert_string_equal(suite_operations[i].name, kp_op_text((uint32_t)i + 1));
    }
}

static int begin(void **state)
{
    (void)state;
    suite_begin(&suite);
    return 0;
}

static int end(void **state)
{
    (void)state;
    suite_end(&suite);
    return 0;
}

int main(int argc, char **argv)
{
    (void)argc;
    emulator_enter(argv, NULL);
    suite_name(&suite);
    add_rows(suite_operations, suite_n_operations);
    add_rows(suite_algorithms, suite_n_algorithms);
    add_rows(suite_key_types, suite_n_key_types);
    key_rows = suite_keys(&n_key_rows);
    add_rows(key_rows, n_key_rows);
    add_rows(suite_rules, suite_n_rules);
    tests[n_cells] = (struct CMUnitTest)cmocka_unit_test(every_operation_has_its_row);
    tests[n_cells + 1] = (struct CMUnitTest)cmocka_unit_test(page_is_what_the_cases_found);
    return _cmocka_run_group_tests("operations", tests, n_cells + 2, begin, end);
}
