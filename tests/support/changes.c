#include "support/changes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct input {
    size_t len;
    uint8_t bytes[CHANGES_MAX_LEN];
};

static uint64_t state;

/* G. Marsaglia's xorshift64. */
static uint64_t draw(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static size_t draw_below(size_t n)
{
    return n > 0 ? (size_t)(draw() % n) : 0;
}

/* Bytes that mean something to one format or another. */
static uint8_t draw_byte(void)
{
    static const uint8_t bytes[] = {0,   1,   0x7f, 0x80, 0xff, '"', '\\', ',',
                                    '=', ' ', '{',  '}',  '[',  ']', ':',  '/',
                                    '.', '0', '9',  '-',  '\n', '@', 0x02, 0x04};
    return bytes[draw_below(sizeof bytes)];
}

/* Opens a gap of n bytes; false when there is no room. */
static bool open_gap(struct input *in, size_t at, size_t n)
{
    if (at > in->len || in->len > CHANGES_MAX_LEN || n > CHANGES_MAX_LEN - in->len)
        return false;
    memmove(in->bytes + at + n, in->bytes + at, in->len - at);
    in->len += n;
    return true;
}

static void insert_byte(struct input *in)
{
    size_t at = draw_below(in->len + 1);
    uint8_t byte = draw_byte();
    if (open_gap(in, at, 1))
        in->bytes[at] = byte;
}

/* Texts that mean something to a reader of JSON, of addresses or of headers. */
static void insert_text(struct input *in)
{
    static const char *const texts[] = {
        "{\"a\":", "[[[[[[[[[[", "null",     "true",   "-1e9", "9999999999999999999",
        "\\u0000", "\\ud83d",    "https://", "/keys/", "/../", "%2f",
        "Bearer ", "a=b, ",
    };
    const char *text = texts[draw_below(sizeof texts / sizeof texts[0])];
    size_t at = draw_below(in->len + 1);
    if (open_gap(in, at, strlen(text)))
        memcpy(in->bytes + at, text, strlen(text));
}

static void repeat_piece(struct input *in)
{
    uint8_t piece[64];
    size_t n = 1 + draw_below(in->len < sizeof piece ? in->len : sizeof piece);
    size_t from = draw_below(in->len - n + 1);
    size_t at = draw_below(in->len + 1);
    memcpy(piece, in->bytes + from, n);
    if (open_gap(in, at, n))
        memcpy(in->bytes + at, piece, n);
}

static void drop_piece(struct input *in)
{
    size_t at = draw_below(in->len);
    size_t most = in->len - at < 64 ? in->len - at : 64;
    size_t n = 1 + draw_below(most);
    memmove(in->bytes + at, in->bytes + at + n, in->len - at - n);
    in->len -= n;
}

static void take_end_of(struct input *in, kp_span other)
{
    size_t at = draw_below(in->len + 1);
    size_t from = draw_below(other.len + 1);
    if (other.len - from > CHANGES_MAX_LEN - at)
        return;
    memcpy(in->bytes + at, other.ptr + from, other.len - from);
    in->len = at + (other.len - from);
}

static void change_once(struct input *in, kp_span other)
{
    size_t kind = in->len > 0 ? draw_below(8) : 2;
    switch (kind) {
    case 0:
        in->bytes[draw_below(in->len)] ^= (uint8_t)(1u << draw_below(8));
        break;
    case 1:
        in->bytes[draw_below(in->len)] = draw_byte();
        break;
    case 2:
        insert_byte(in);
        break;
    case 3:
        drop_piece(in);
        break;
    case 4:
        repeat_piece(in);
        break;
    case 5:
        take_end_of(in, other);
        break;
    case 6:
        insert_text(in);
        break;
    default:
        in->len = draw_below(in->len + 1);
        break;
    }
}

static void feed(changes_entry_fn *entry, const uint8_t *bytes, size_t len)
{
    uint8_t *exact = malloc(len > 0 ? len : 1);
    assert_non_null(exact);
    if (len > 0)
        memcpy(exact, bytes, len);
    assert_int_equal(entry(exact, len), 0);
    free(exact);
}

/* The folder is made by whoever wants the seeds. */
static void keep(const char *folder, const char *name, size_t number, kp_span seed)
{
    char path[1024];
    assert_true(snprintf(path, sizeof path, "%s/%s/%zu", folder, name, number) < (int)sizeof path);
    FILE *f = fopen(path, "wb");
    if (!f)
        fail_msg("%s cannot be written", path);
    assert_int_equal(fwrite(seed.ptr, 1, seed.len, f), seed.len);
    assert_int_equal(fclose(f), 0);
}

static void begin(changes_entry_fn *entry, const char *name, const kp_span *seeds, size_t n_seeds)
{
    const char *folder = name ? getenv("KP_FUZZ_SEEDS") : NULL;
    state = UINT64_C(0x9e3779b97f4a7c15);
    for (size_t i = 0; i < n_seeds; i++) {
        assert_true(seeds[i].len > 0 && seeds[i].len <= CHANGES_MAX_LEN);
        feed(entry, seeds[i].ptr, seeds[i].len);
        if (folder)
            keep(folder, name, i, seeds[i]);
    }
}

void changes_run(changes_entry_fn *entry, const char *name, const kp_span *seeds, size_t n_seeds,
                 unsigned rounds)
{
    static struct input in;
    begin(entry, name, seeds, n_seeds);
    for (unsigned i = 0; n_seeds > 0 && i < rounds; i++) {
        kp_span seed = seeds[i % n_seeds];
        memcpy(in.bytes, seed.ptr, seed.len);
        in.len = seed.len;
        for (size_t n = 1 + draw_below(4); n > 0; n--)
            change_once(&in, seeds[draw_below(n_seeds)]);
        feed(entry, in.bytes, in.len);
    }
}
