#include "core/config_fields.h"
#include "tests/unit/config_samples.h"

/* ---- The page ---- */

static void add_row(kp_buf *out, const char *path, uint32_t fallback, uint32_t min, uint32_t max,
                    enum kpi_unit unit, bool reloadable, const char *doc)
{
    const char *after = reloadable ? "yes" : "no";

    if (unit == KPI_UNIT_BOOLEAN)
        assert_int_equal(kp_buf_append_fmt(out, "| `%s` | %s | true, false | | %s | %s |\n", path,
                                           fallback ? "true" : "false", after, doc),
                         KP_OK);
    else
        assert_int_equal(kp_buf_append_fmt(out, "| `%s` | %u | %u..%u | %s | %s | %s |\n", path,
                                           fallback, min, max, kpi_unit_text(unit), after, doc),
                         KP_OK);
}

static void start_table(kp_buf *out, const char *marker)
{
    assert_int_equal(kp_buf_append_fmt(out,
                                       "<!-- %s -->\n"
                                       "| Member | Default | Range | Unit | On reload | Meaning |\n"
                                       "|---|---|---|---|---|---|\n",
                                       marker),
                     KP_OK);
}

static char *read_page(void)
{
    FILE *f = fopen(KP_TEST_SRC_DIR "/docs/CONFIG.md", "r");
    char *page = calloc(1, 65536);

    assert_non_null(f);
    assert_non_null(page);
    assert_true(fread(page, 1, 65535, f) > 0);
    assert_int_equal(fclose(f), 0);
    return page;
}

static void assert_on_page(const char *page, kp_buf *table)
{
    assert_int_equal(kp_buf_append_str(table, "<!-- end -->\n"), KP_OK);
    assert_int_equal(kp_buf_append_byte(table, '\0'), KP_OK);
    if (!strstr(page, (const char *)table->ptr)) {
        printf("docs/CONFIG.md should have:\n%s", (const char *)table->ptr);
        fail();
    }
    kp_buf_reset(table);
}

static void page_has_the_tables_of_limits(void **state)
{
    char *page = read_page();
    kp_buf table;

    (void)state;
    kp_buf_init(&table, "test", 65536);
#define XX(member, path, fallback, min, max, unit, reloadable, doc)                                \
    add_row(&table, path, fallback, min, max, KPI_UNIT_##unit, reloadable, doc);
    start_table(&table, "limits of the provider");
    KPI_PROVIDER_LIMIT_MAP(XX)
    assert_on_page(page, &table);
    start_table(&table, "limits of a vault");
    KPI_VAULT_LIMIT_MAP(XX)
    assert_on_page(page, &table);
#undef XX
#define XX(member, path, fallback, min, max, unit, reloadable, doc)                                \
    add_row(&table, "ekm." path, fallback, min, max, KPI_UNIT_##unit, reloadable, doc);
    start_table(&table, "limits of the SQL Server provider");
    KPI_EKM_LIMIT_MAP(XX)
#undef XX
    assert_on_page(page, &table);
    kp_buf_clear(&table);
    free(page);
}

/* The first JSON example of the page is one a reader will copy. */
static void page_example_is_accepted(void **state)
{
    char *page = read_page();
    char *start = strstr(page, "```json\n");
    char *end = start ? strstr(start, "\n```\n") : NULL;
    struct kpi_config c;

    (void)state;
    if (!end) {
        fail_msg("docs/CONFIG.md has no example");
        return;
    }
    *end = '\0';
    parse_ok(start + strlen("```json\n"), &c);
    kpi_config_clear(&c);
    free(page);
}

static void page_names_every_other_member(void **state)
{
    static const struct kpi_fields *const tables[] = {&kpi_config_fields, &kpi_vault_fields,
                                                      &kpi_plugin_fields};
    char *page = read_page();
    char row[128];

    (void)state;
    for (size_t t = 0; t < LEN(tables); t++) {
        for (size_t i = 0; i < tables[t]->n; i++) {
            const struct kpi_field *f = &tables[t]->at[i];

            snprintf(row, sizeof row, "| `%s` |", f->path);
            if (f->kind != KPI_FIELD_LIMIT && !strstr(page, row))
                fail_msg("docs/CONFIG.md has no row for %s", f->path);
        }
    }
    free(page);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(page_has_the_tables_of_limits),
        cmocka_unit_test(page_example_is_accepted),
        cmocka_unit_test(page_names_every_other_member),
    };

    return cmocka_run_group_tests_name("config_page", tests, NULL, NULL);
}
