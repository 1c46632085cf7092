#include "support/page.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/span.h"

#define PATH_LEN 1024

void page_put(kp_buf *page, const char *text)
{
    assert_int_equal(kp_buf_append_str(page, text), KP_OK);
}

/* The file's bytes; none when there is no such file. */
static void read_page(const char *name, kp_buf *ret)
{
    char path[PATH_LEN];
    uint8_t bytes[4096];
    size_t n;
    (void)snprintf(path, sizeof path, "%s/docs/%s", KP_TEST_SRC_DIR, name);
    FILE *f = fopen(path, "rb");
    while (f && (n = fread(bytes, 1, sizeof bytes, f)) > 0)
        assert_int_equal(kp_buf_append(ret, kpb_span(bytes, n)), KP_OK);
    if (f)
        fclose(f);
}

static void leave(const char *name, const kp_buf *right)
{
    FILE *f = fopen(name, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(right->ptr, 1, right->len, f), right->len);
    assert_int_equal(fclose(f), 0);
}

void page_expect(const char *name, const kp_buf *right)
{
    kp_buf there;
    kp_buf_init(&there, "test", PAGE_MAX_LEN);
    read_page(name, &there);
    bool is_same = kpb_span_eq(kp_buf_view(&there), kp_buf_view(right));
    kp_buf_clear(&there);
    if (is_same)
        return;
    leave(name, right);
    fail_msg("docs/%s is not what the test found; copy %s over it", name, name);
}
