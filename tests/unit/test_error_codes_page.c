/*
 * docs/ERROR-CODES.md is written from the rows of status.h and codes.h. When it differs, the right
 * page is left in the folder the test runs in, to be copied over it.
 */
#include <keyprovider/status.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/span.h"

#define PAGE KP_TEST_SRC_DIR "/docs/ERROR-CODES.md"
#define RIGHT_PAGE "ERROR-CODES.md"
#define PAGE_MAX_LEN (256u * 1024u)

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

static void put(kp_buf *page, const char *text)
{
    assert_int_equal(kp_buf_append_str(page, text), KP_OK);
}

/* A cell of a table: a bar would end it. */
static void put_cell(kp_buf *page, const char *text)
{
    put(page, " ");
    for (; *text; text++) {
        if (*text == '|')
            put(page, "\\");
        assert_int_equal(kp_buf_append_byte(page, (uint8_t)*text), KP_OK);
    }
    put(page, " |");
}

static void put_classes(kp_buf *page)
{
    put(page, "\n## Classes\n\n| Number | Class | Meaning |\n|---|---|---|\n");
#define XX(symbol, number, text, meaning)                                                          \
    put(page, "| " #number " |");                                                                  \
    put_cell(page, "`" text "`");                                                                  \
    put_cell(page, meaning);                                                                       \
    put(page, "\n");
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
    put(page, "\n");
}

static void put_codes(kp_buf *page)
{
    const char *area = "";

    put(page, "\n## Codes\n");
    for (size_t i = 0; i < KP_CODE_COUNT; i++) {
        const struct kp_code_info *info = kp_code_at(i);

        if (strcmp(info->area, area) != 0) {
            area = info->area;
            put(page, "\n### ");
            put(page, area);
            put(page, "\n\n| Code | Symbol | Class | Where from | What happened | What to do |\n");
            put(page, "|---|---|---|---|---|---|\n");
        }
        put_code(page, info);
    }
}

/* The file's bytes; empty when there is none. */
static void read_page(kp_buf *ret)
{
    FILE *f = fopen(PAGE, "rb");
    uint8_t bytes[4096];
    size_t n;

    while (f && (n = fread(bytes, 1, sizeof bytes, f)) > 0)
        assert_int_equal(kp_buf_append(ret, kpb_span(bytes, n)), KP_OK);
    if (f)
        fclose(f);
}

static void write_right_page(const kp_buf *page)
{
    FILE *f = fopen(RIGHT_PAGE, "wb");

    assert_non_null(f);
    assert_int_equal(fwrite(page->ptr, 1, page->len, f), page->len);
    assert_int_equal(fclose(f), 0);
}

static void page_is_what_the_rows_say(void **state)
{
    kp_buf there;
    kp_buf right;
    bool same;

    (void)state;
    kp_buf_init(&there, "test", PAGE_MAX_LEN);
    kp_buf_init(&right, "test", PAGE_MAX_LEN);
    put(&right, intro);
    put_classes(&right);
    put_codes(&right);
    read_page(&there);
    same = kpb_span_eq(kp_buf_view(&there), kp_buf_view(&right));
    if (!same)
        write_right_page(&right);
    kp_buf_clear(&there);
    kp_buf_clear(&right);
    if (!same)
        fail_msg("docs/ERROR-CODES.md is not what the rows say; copy %s over it", RIGHT_PAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(page_is_what_the_rows_say),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
