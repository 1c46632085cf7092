/* docs/ERROR-CODES.md is written from the rows of status.h and codes.h. */
#include <keyprovider/status.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "support/page.h"

static const char intro[] =
    "# Error codes\n"
    "\n"
    "Every failure has a class, which programs decide on; many have a documented number too, the "
    "one\n"
    "that SQL Server prints and that people look up. `kp explain CODE` prints a row of this page.\n"
    "VAULT, HOST and KEY stand for your own.\n"
    "\n"
    "This page is written from `include/keyprovider/status.h` and `codes.h`, and a test keeps it "
    "so.\n";

static const char *const origins[] = {
    [KP_ORIGIN_EMITTED] = "returned",
    [KP_ORIGIN_SUCCESS] = "success",
    [KP_ORIGIN_ENGINE] = "SQL Server's own",
    [KP_ORIGIN_EVENT_LOG] = "event log only",
    [KP_ORIGIN_LEGACY] = "old numbering, never returned",
};

/* A cell of a table: a bar would end it. */
static void put_cell(kp_buf *page, const char *text)
{
    page_put(page, " ");
    for (; *text; text++) {
        if (*text == '|')
            page_put(page, "\\");
        assert_int_equal(kp_buf_append_byte(page, (uint8_t)*text), KP_OK);
    }
    page_put(page, " |");
}

static void put_classes(kp_buf *page)
{
    page_put(page, "\n## Classes\n\n| Number | Class | Meaning |\n|---|---|---|\n");
#define XX(symbol, number, text, meaning)                                                          \
    page_put(page, "| " #number " |");                                                             \
    put_cell(page, "`" text "`");                                                                  \
    put_cell(page, meaning);                                                                       \
    page_put(page, "\n");
    KP_STATUS_MAP(XX)
#undef XX
}

static void put_code(kp_buf *page, const struct kp_code_info *info)
{
    assert_int_equal(kp_buf_append_fmt(page, "| %u | `%s` |", info->code, info->symbol), KP_OK);
    put_cell(page, kp_status_text((kp_status)info->status));
    put_cell(page, origins[info->origin]);
    put_cell(page, info->cause);
    put_cell(page, info->advice);
    page_put(page, "\n");
}

static void put_codes(kp_buf *page)
{
    const char *area = "";

    page_put(page, "\n## Codes\n");
    for (size_t i = 0; i < KP_CODE_COUNT; i++) {
        const struct kp_code_info *info = kp_code_at(i);

        if (strcmp(info->area, area) != 0) {
            area = info->area;
            page_put(page, "\n### ");
            page_put(page, area);
            page_put(page,
                     "\n\n| Code | Symbol | Class | Where from | What happened | What to do |\n");
            page_put(page, "|---|---|---|---|---|---|\n");
        }
        put_code(page, info);
    }
}

static void page_is_what_the_rows_say(void **state)
{
    kp_buf right;

    (void)state;
    kp_buf_init(&right, "test", PAGE_MAX_LEN);
    page_put(&right, intro);
    put_classes(&right);
    put_codes(&right);
    page_expect("ERROR-CODES.md", &right);
    kp_buf_clear(&right);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(page_is_what_the_rows_say),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
