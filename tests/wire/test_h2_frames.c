/*
 * HTTP/2 by frames of our own, against frames as no honest server sends them, or hardly ever: each
 * row is what a server says to the first request of a connection, byte for byte. And a server that
 * goes away while it takes no more: nothing is sent twice.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/span.h"
#include "support/wire.h"

static struct wire wire;

/* The first answer says that the server speaks HTTP/2; what follows is framed by us. */
static void begin(const char *http)
{
    wire_begin(&wire, &(struct tls_server_options){.h2 = true});
    wire_open(&wire, http, false);
    wire_expect(&wire, "/bytes/1", KP_OK, 0);
}

/* ---- What a server says ---- */

struct part {
    const char *name;
    const char *say; /* behind SETTINGS */
    size_t say_len;
    const char *repeat;
    size_t repeat_len;
    size_t times;
    const char *end;
    size_t end_len;
    bool closes; /* else it hangs */
    kp_status status;
    uint32_t code;
    uint32_t exposure;
    uint32_t http_status;
    uint64_t n_heard; /* 0: once */
};

#define SAY(text) .say = (text), .say_len = sizeof(text) - 1
#define REPEAT(text, n) .repeat = (text), .repeat_len = sizeof(text) - 1, .times = (n)
#define END(text) .end = (text), .end_len = sizeof(text) - 1
#define ANSWER(number) .status = KP_OK, .http_status = (number)
#define FAIL(as, number, where) .status = (as), .code = (number), .exposure = (where)

/* Frames of the first stream: length, type, flags, stream. */
#define STREAM "\0\0\0\1"
#define ALL "\0\0\0\0"
#define OK "\0\0\1\1\4" STREAM "\x88"
#define OK_END "\0\0\1\1\5" STREAM "\x88"
#define LENGTH_10                                                                                  \
    "\x0f\x0d\x02"                                                                                 \
    "10"
#define DATA_5 "\0\0\5\0\0" STREAM "hello"
#define DATA_5_END "\0\0\5\0\1" STREAM "hello"
#define RESET(code) "\0\0\4\3\0" STREAM "\0\0\0" code
#define GOAWAY(last, code) "\0\0\x8\7\0" ALL "\0\0\0" last "\0\0\0" code

#define TEN(text) text text text text text text text text text text

static const struct part parts[] = {
    {"nothing but the end of the connection", SAY(""), FAIL(KP_TRANSIENT, 3107, KP_MAYBE_SENT),
     .closes = true},
    {"status 099",
     SAY("\0\0\5\1\5" STREAM "\x08\x03"
         "099"),
     FAIL(KP_PROTOCOL, 3107, KP_ANSWERED)},
    {"status 000",
     SAY("\0\0\5\1\5" STREAM "\x08\x03"
         "000"),
     FAIL(KP_PROTOCOL, 3107, KP_MAYBE_SENT)},
    {"status 000 with a body",
     SAY("\0\0\5\1\4" STREAM "\x08\x03"
         "000" DATA_5_END),
     FAIL(KP_PROTOCOL, 3107, KP_MAYBE_SENT)},
    {"status 1000",
     SAY("\0\0\6\1\5" STREAM "\x08\x04"
         "1000"),
     FAIL(KP_TRANSIENT, 3107, KP_MAYBE_SENT)},
    {"status 101",
     SAY("\0\0\5\1\5" STREAM "\x08\x03"
         "101"),
     FAIL(KP_TRANSIENT, 3107, KP_MAYBE_SENT)},
    {"no status", SAY("\0\0\0\1\5" STREAM), FAIL(KP_TRANSIENT, 3107, KP_MAYBE_SENT)},
    {"two of them", SAY("\0\0\2\1\5" STREAM "\x88\x88"), FAIL(KP_TRANSIENT, 3114, KP_ANSWERED)},
    {"204 with a body", SAY("\0\0\1\1\4" STREAM "\x89" DATA_5_END),
     FAIL(KP_TRANSIENT, 3119, KP_ANSWERED)},
    {"304", SAY("\0\0\1\1\5" STREAM "\x8b"), ANSWER(304)},
    {"304 with a length", SAY("\0\0\6\1\5" STREAM "\x8b" LENGTH_10), ANSWER(304)},
    {"a length and no body", SAY("\0\0\6\1\5" STREAM "\x88" LENGTH_10),
     FAIL(KP_TRANSIENT, 3114, KP_ANSWERED)},
    {"a body shorter than its length", SAY("\0\0\6\1\4" STREAM "\x88" LENGTH_10 DATA_5_END),
     FAIL(KP_TRANSIENT, 3119, KP_ANSWERED)},
    {"a body longer than its length",
     SAY("\0\0\6\1\4" STREAM "\x88" LENGTH_10 DATA_5 DATA_5 DATA_5_END),
     FAIL(KP_TRANSIENT, 3119, KP_ANSWERED)},
    {"a body as long as it", SAY("\0\0\6\1\4" STREAM "\x88" LENGTH_10 DATA_5 DATA_5_END),
     ANSWER(200)},
    {"two lengths", SAY("\0\0\xb\1\5" STREAM "\x88" LENGTH_10 LENGTH_10),
     FAIL(KP_TRANSIENT, 3114, KP_ANSWERED)},
    {"hints, then an answer with trailers",
     SAY("\0\0\5\1\4" STREAM "\x08\x03"
         "103" OK DATA_5 "\0\0\5\1\5" STREAM "\0\1x\1y"),
     ANSWER(200)},
    {"hints and no answer",
     SAY("\0\0\5\1\5" STREAM "\x08\x03"
         "103"),
     FAIL(KP_TRANSIENT, 3114, KP_ANSWERED)},
    {"a body between hints and answer",
     SAY("\0\0\5\1\4" STREAM "\x08\x03"
         "103" DATA_5 OK_END),
     FAIL(KP_TRANSIENT, 3114, KP_ANSWERED)},
    {"a body before the headers", SAY(DATA_5), FAIL(KP_TRANSIENT, 3107, KP_MAYBE_SENT)},
    {"two answers", SAY(OK OK_END), FAIL(KP_TRANSIENT, 3119, KP_ANSWERED)},
    {"an answer, then a reset", SAY(OK_END RESET("\0")), ANSWER(200)},
    {"half an answer, then a refusal", SAY(OK RESET("\7")), FAIL(KP_TRANSIENT, 3119, KP_ANSWERED)},
    {"half an answer, then a wish for HTTP/1.1", SAY(OK RESET("\xd")),
     FAIL(KP_TRANSIENT, 3119, KP_ANSWERED)},
    {"half an answer, then the end", SAY(OK DATA_5), FAIL(KP_TRANSIENT, 3119, KP_ANSWERED),
     .closes = true},
    {"half a frame, then the end", SAY(OK "\0\0\5\0\1" STREAM "he"),
     FAIL(KP_TRANSIENT, 3119, KP_ANSWERED), .closes = true},
    {"a promise", SAY("\0\0\7\5\4" STREAM "\0\0\0\2\x82\x87\x84" OK_END), ANSWER(200)},
    {"it goes away each time", SAY(GOAWAY("\0", "\xb")), FAIL(KP_TRANSIENT, 3107, KP_NOT_SENT),
     .n_heard = 4, .closes = true},
    {"it goes away twice and answers", SAY(GOAWAY("\3", "\0") GOAWAY("\1", "\2") OK_END),
     ANSWER(200)},
    {"it goes away, and names a later stream", SAY(GOAWAY("\1", "\0") GOAWAY("\3", "\0")),
     FAIL(KP_TRANSIENT, 3107, KP_MAYBE_SENT)},
    {"a window beyond all bounds", SAY("\0\0\4\x8\0" ALL "\x7f\xff\xff\xff"),
     FAIL(KP_TRANSIENT, 3107, KP_MAYBE_SENT)},
    {"first windows beyond all bounds", SAY("\0\0\6\4\0" ALL "\0\4\x80\0\0\0"),
     FAIL(KP_TRANSIENT, 3107, KP_MAYBE_SENT)},
    {"tables of no size and of all",
     SAY("\0\0\6\4\0" ALL "\0\1\0\0\0\0"
         "\0\0\6\4\0" ALL "\0\1\xff\xff\xff\xff" OK_END),
     ANSWER(200)},
    {"a table beyond what was agreed on", SAY("\0\0\5\1\5" STREAM "\x3f\xe1\xff\x03\x88"),
     FAIL(KP_TRANSIENT, 3107, KP_MAYBE_SENT)},
    {"a frame of another stream", SAY("\0\0\1\1\5\0\0\0\3\x88"),
     FAIL(KP_TRANSIENT, 3107, KP_MAYBE_SENT)},
    {"HTTP/1.1", SAY("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
     FAIL(KP_TRANSIENT, 3107, KP_MAYBE_SENT)},
    {"a thousand empty frames", SAY(OK), REPEAT("\0\0\0\0\0" STREAM, 1000), END(DATA_5_END),
     ANSWER(200)},
    {"a thousand hints", SAY(""),
     REPEAT("\0\0\5\1\4" STREAM "\x08\x03"
            "103",
            1000),
     END(OK_END), ANSWER(200)},
    {"a thousand frames that nobody knows", SAY(""), REPEAT("\0\0\1\x20\0" STREAM "x", 1000),
     END(OK_END), ANSWER(200)},
    {"a header that unpacks to megabytes",
     SAY("\0\x13\x8f\1\5" STREAM "\x88\x40\1x\x7f\xa1\x1e" TEN(TEN(TEN("0000")))),
     REPEAT("\xbe", 1000), FAIL(KP_PROTOCOL, 3114, KP_ANSWERED)},
};

/* What is returned must outlive the server. */
static uint8_t *teach(const struct part *part)
{
    static const uint8_t settings[] = {0, 0, 0, 4, 0, 0, 0, 0, 0};
    size_t n = sizeof settings;
    uint8_t *text = malloc(n + part->say_len + part->times * part->repeat_len + part->end_len);
    assert_non_null(text);
    memcpy(text, settings, n);
    memcpy(text + n, part->say, part->say_len);
    n += part->say_len;
    for (size_t i = 0; i < part->times; i++, n += part->repeat_len)
        memcpy(text + n, part->repeat, part->repeat_len);
    if (part->end_len > 0)
        memcpy(text + n, part->end, part->end_len);
    tls_server_teach(wire.server, text, n + part->end_len, part->closes);
    return text;
}

static void expect(const struct part *part, struct ask *ask)
{
    kp_status st = ask_wait(ask);
    uint64_t n_heard = latch_count(tls_server_requests(wire.server)) - 1;
    if (st != part->status || (st == KP_OK && ask->http_status != part->http_status) ||
        (st != KP_OK && (ask->error.code != part->code || ask->error.exposure != part->exposure)) ||
        n_heard != (part->n_heard > 0 ? part->n_heard : 1))
        fail_msg("%s: %s, %u, %u, exposure %u, heard %u times: %s", part->name, kp_status_text(st),
                 ask->http_status, ask->error.code, ask->error.exposure, (unsigned)n_heard,
                 st == KP_OK ? "" : ask->error.text);
    ask_clear(ask);
}

static void frames_are_what_they_are(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        struct ask ask;
        begin(", \"max_headers_kib\": 8");
        uint8_t *text = teach(&parts[i]);
        tls_server_behave(wire.server, MANNER_RECITES);
        wire_ask(&wire, &ask, "/");
        ask.method = "POST";
        ask_begin(&ask);
        expect(&parts[i], &ask);
        wire_end(&wire);
        free(text);
    }
}

/* ---- A server that takes no more ---- */

#define MANY 100

static struct ask asks[MANY];
static char large[60000];
static const struct kp_http_header header = {.name = {(const uint8_t *)"x-large", 7},
                                             .value = {(const uint8_t *)large, sizeof large}};

/*
 * The headers of so many requests are more than a socket holds: one of them stands half in the
 * socket as the server says that it goes away, and that it serves what it will hear. The others
 * go elsewhere; that one must not.
 */
static void request_that_is_half_out_is_not_sent_twice(void **state)
{
    uint64_t n;
    (void)state;
    begin("");
    memset(large, 'x', sizeof large);
    tls_server_behave(wire.server, MANNER_DEAF);
    for (int i = 0; i < MANY; i++) {
        wire_ask(&wire, &asks[i], "/bytes/1");
        asks[i].method = "POST";
        asks[i].request.headers = &header;
        asks[i].request.n_headers = 1;
        ask_begin(&asks[i]);
    }
    tls_server_admit(wire.server);
    latch_wait(tls_server_requests(wire.server), 2); /* one went elsewhere */
    tls_server_listen(wire.server);
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(ask_wait(&asks[i]), KP_OK);
        ask_clear(&asks[i]);
    }
    n = latch_count(tls_server_requests(wire.server));
    wire_end(&wire);
    assert_int_equal(n, 1 + MANY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_are_what_they_are),
        cmocka_unit_test(request_that_is_half_out_is_not_sent_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
