/* The frames of a server over seeds, one for each kind of them, and changed ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/span.h"
#include "support/changes.h"
#include "tests/fuzz/entries.h"

#define ROUNDS 3000

/* A frame: length, type, flags and stream, then what it carries. */
#define FRAME(len, type, flags, stream) "\0\0" len type flags "\0\0\0" stream
#define SETTINGS FRAME("\0", "\4", "\0", "\0")
#define SETTINGS_ACK FRAME("\0", "\4", "\1", "\0")
#define NARROW FRAME("\6", "\4", "\0", "\0") "\0\3\0\0\0\1"
#define HEADERS_200(flags, stream) FRAME("\1", "\1", flags, stream) "\x88"
#define DATA_5(flags, stream) FRAME("\5", "\0", flags, stream) "hello"
#define SEED(text)                                                                                 \
    {                                                                                              \
        (const uint8_t *)(text), sizeof(text) - 1                                                  \
    }

static const kp_span SEEDS[] = {
    SEED("\x08" SETTINGS SETTINGS_ACK HEADERS_200("\4", "\1") DATA_5("\1", "\1")),
    SEED("\x20" NARROW HEADERS_200("\5", "\3") HEADERS_200("\5", "\5") HEADERS_200("\5", "\1")),
    /* more body than the third request takes, then its end */
    SEED("\x00" SETTINGS HEADERS_200("\4", "\5") DATA_5("\0", "\5") DATA_5("\0", "\5")
             DATA_5("\1", "\5")),
    /* content-length: 5, in the static table as 28; an interim answer before it */
    SEED("\xff" SETTINGS FRAME("\5", "\1", "\4", "\3") "\x08\x03"
                                                       "103" FRAME("\4", "\1", "\4",
                                                                   "\3") "\x88\x5c\x01"
                                                                         "5" DATA_5("\1", "\3")),
    /* headers in two pieces; trailers */
    SEED("\x05" SETTINGS FRAME("\0", "\1", "\0", "\1") FRAME(
        "\1", "\x09", "\4", "\1") "\x88" DATA_5("\0", "\1") FRAME("\4", "\1", "\5", "\1") "\x40\x01"
                                                                                          "a\x00"),
    SEED("\x30" SETTINGS FRAME("\4", "\3", "\0", "\1") "\0\0\0\7" FRAME(
        "\4", "\3", "\0", "\3") "\0\0\0\x0d" HEADERS_200("\5", "\5")),
    SEED(
        "\x12" SETTINGS FRAME("\x08", "\7", "\0", "\0") "\0\0\0\1\0\0\0\0" HEADERS_200("\5", "\1")),
    SEED("\x40" SETTINGS FRAME("\x08", "\6", "\0", "\0") "12345678" FRAME(
        "\4", "\x08", "\0", "\0") "\0\1\0\0" HEADERS_200("\4", "\3")
             FRAME("\x08", "\0", "\x09", "\3") "\2hello\0\0"),
    SEED("\x10" SETTINGS FRAME("\5", "\5", "\4", "\1") "\0\0\0\2\x88"),
};

#define N_SEEDS (sizeof SEEDS / sizeof SEEDS[0])

static int begin(void **state)
{
    (void)state;
    fuzz_h2_begin();
    return 0;
}

static int end(void **state)
{
    (void)state;
    fuzz_h2_end();
    return 0;
}

/* Nine of the answers in them are whole. */
static void seeds_are_understood(void **state)
{
    uint64_t n = fuzz_n_taken();
    (void)state;
    for (size_t i = 0; i < N_SEEDS; i++)
        assert_int_equal(fuzz_h2_frames(SEEDS[i].ptr, SEEDS[i].len), 0);
    assert_int_equal(fuzz_n_taken() - n, 9);
}

static void changed_frames_end_every_request_once(void **state)
{
    (void)state;
    changes_run(fuzz_h2_frames, "fuzz_h2_frames", SEEDS, N_SEEDS, ROUNDS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(seeds_are_understood),
        cmocka_unit_test(changed_frames_end_every_request_once),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
