/* docs/HTTP.md shows the table of core/http_codes.c, row by row. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "core/http_codes.h"

#define PAGE KP_TEST_SRC_DIR "/docs/HTTP.md"
#define PAGE_MAX_LEN 65536u

static void put(kp_buf *table, const char *text)
{
    assert_int_equal(kp_buf_append_str(table, text), KP_OK);
}

static void put_row(kp_buf *table, const struct kpi_http_code *row)
{
    assert_int_equal(kp_buf_append_fmt(table, "| %s | %s | %s | %u | %s |\n", row->cause_text,
                                       kpi_http_phase_text(row->phase), kp_status_text(row->status),
                                       row->code, row->sentence),
                     KP_OK);
}

static void put_table(kp_buf *table)
{
    const struct kpi_http_code *row;
    put(table,
        "<!-- failures -->\n| Cause | At | Class | Number | Sentence |\n|---|---|---|---|---|\n");
    for (size_t i = 0; (row = kpi_http_code_at(i)) != NULL; i++)
        put_row(table, row);
    put(table, "<!-- end -->\n");
    assert_int_equal(kp_buf_append_byte(table, '\0'), KP_OK);
}

static void page_has_the_table_of_failures(void **state)
{
    char *page = calloc(1, PAGE_MAX_LEN + 1);
    FILE *f = fopen(PAGE, "r");
    kp_buf table;
    (void)state;
    assert_non_null(page);
    assert_non_null(f);
    assert_true(fread(page, 1, PAGE_MAX_LEN, f) > 0);
    assert_int_equal(fclose(f), 0);
    kp_buf_init(&table, "test", PAGE_MAX_LEN);
    put_table(&table);
    if (!strstr(page, (const char *)table.ptr)) {
        printf("docs/HTTP.md should have:\n%s", (const char *)table.ptr);
        fail();
    }
    kp_buf_clear(&table);
    free(page);
}

/* A number that a row gives is one that kp explain knows. */
static void every_number_is_documented(void **state)
{
    const struct kpi_http_code *row;
    (void)state;
    for (size_t i = 0; (row = kpi_http_code_at(i)) != NULL; i++)
        if (row->code != 0 && !kp_code_find(row->code))
            fail_msg("%s: %u", row->cause_text, row->code);
}

/* Whatever libcurl comes up with has a row, and one with a number of its own phase. */
static void every_result_has_a_row_at_every_phase(void **state)
{
    (void)state;
    for (int cause = 1; cause < 200; cause++)
        for (uint32_t phase = 0; phase < KPI_HTTP_PHASES; phase++) {
            const struct kpi_http_code *row = kpi_http_code_of(cause, (enum kpi_http_phase)phase);
            assert_non_null(row);
            assert_true(row->status != KP_OK && row->code != 0);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(page_has_the_table_of_failures),
        cmocka_unit_test(every_number_is_documented),
        cmocka_unit_test(every_result_has_a_row_at_every_phase),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
