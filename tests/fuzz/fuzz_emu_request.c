/*
 * Requests as the emulator gets them, all the way through: an emulator is set up once and each
 * input is one request of its server library, with a token or without one. What always holds: the
 * request ends, and the emulator has none left.
 */
#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>
#include <event2/http.h>
#include <event2/http_struct.h>
#include <event2/keyvalq_struct.h>

#include "base/errors.h"
#include "base/span.h"
#include "tests/fuzz/entries.h"
#include "tools/kp-emulator/exchange.h"
#include "tools/kp-emulator/start.h"
#include "tools/kp-emulator/token.h"

#define TURNS_MAX 100000 /* of the loop, for one request */
#define TOKEN_S 3600
#define WITH_TOKEN 0x80u

static struct emu emu;
static const struct emu_options OPTIONS = {.address = "127.0.0.1", .ephemeral = true};

/* Before libFuzzer's first input; a test calls it itself. */
void fuzz_emu_begin(void)
{
    struct kp_error err;
    if (emu.base)
        return;
    FUZZ_CHECK(emu_init(&emu, &err) == KP_OK);
    FUZZ_CHECK(emu_start(&emu, &OPTIONS, &err) == KP_OK);
    emu.settings.apps[0].client_id = FUZZ_EMU_CLIENT; /* else a random one, that no input has */
}

/* The first request of the test makes this key: the others would not come far without it. */
void fuzz_emu_end(void)
{
    FUZZ_CHECK(emu_book_entry(&emu.vaults[0].book, kpb_span_str("ec")) != NULL);
    emu_stop(&emu, &OPTIONS);
    memset(&emu, 0, sizeof emu);
}

/* ---- An input ---- */

/* Up to the next line feed, which is dropped; everything when there is none. */
static kp_span take_line(kp_span *rest)
{
    const uint8_t *end = rest->len > 0 ? memchr(rest->ptr, '\n', rest->len) : NULL;
    const size_t len = end ? (size_t)(end - rest->ptr) : rest->len;
    const size_t used = end ? len + 1 : len;
    const kp_span line = kpb_span(rest->ptr, len);
    *rest = kpb_span(rest->ptr + used, rest->len - used);
    return line;
}

/* A copy that ends in NUL, as the server library's texts do: what follows a NUL is not there. */
static char *text_of(kp_span span)
{
    char *text = malloc(span.len + 1);
    FUZZ_CHECK(text != NULL);
    if (span.len > 0)
        memcpy(text, span.ptr, span.len);
    text[span.len] = 0;
    return text;
}

/* The server library takes no other headers: none without a name, none with a line's end. */
static void add_header(struct evhttp_request *http, kp_span line)
{
    char *text = text_of(line);
    char *colon = strchr(text, ':');
    if (colon && colon != text) {
        *colon = 0;
        colon += 1 + strspn(colon + 1, " ");
        (void)evhttp_add_header(http->input_headers, text, colon);
    }
    free(text);
}

static void add_token(struct evhttp_request *http, enum emu_role role)
{
    const char *audience = emu_audience_of(kpb_span_str(
        role == EMU_ROLE_HSM ? "https://managedhsm.azure.net" : "https://vault.azure.net"));
    kp_buf header;
    kp_buf_init(&header, "fuzz", EMU_JWT_MAX_LEN);
    FUZZ_CHECK(kp_buf_append_str(&header, "Bearer ") == KP_OK);
    FUZZ_CHECK(emu_token_make(&emu, &emu.settings.apps[0], audience, TOKEN_S, &header) == KP_OK);
    FUZZ_CHECK(kp_buf_append_byte(&header, 0) == KP_OK);
    (void)evhttp_add_header(http->input_headers, "Authorization", (const char *)header.ptr);
    kp_buf_clear(&header);
}

/* Nothing is connected, so whoever answers frees it. */
static struct evhttp_request *request_of(uint8_t method, kp_span rest)
{
    static const enum evhttp_cmd_type METHODS[] = {EVHTTP_REQ_GET,    EVHTTP_REQ_POST,
                                                   EVHTTP_REQ_PATCH,  EVHTTP_REQ_PUT,
                                                   EVHTTP_REQ_DELETE, EVHTTP_REQ_HEAD};
    struct evhttp_request *http = evhttp_request_new(NULL, NULL);
    FUZZ_CHECK(http != NULL);
    http->kind = EVHTTP_REQUEST;
    http->type = METHODS[method % (sizeof METHODS / sizeof METHODS[0])];
    http->uri = text_of(take_line(&rest));
    for (kp_span line = take_line(&rest); line.len > 0; line = take_line(&rest))
        add_header(http, line);
    (void)evbuffer_add(http->input_buffer, rest.ptr, rest.len);
    return http;
}

static void end_all(void)
{
    int n = 0;
    while (emu.exchanges && n++ < TURNS_MAX)
        (void)event_base_loop(emu.base, EVLOOP_ONCE);
    FUZZ_CHECK(emu.n_exchanges == 0 && emu.exchanges == NULL);
}

int fuzz_emu_request(const uint8_t *bytes, size_t len)
{
    if (len < 2)
        return 0;
    fuzz_emu_begin();
    emu_scenario_clear(&emu.scenario); /* of the input before: it might delay this one */
    const enum emu_role role = (enum emu_role)((bytes[0] & 0x7fu) % EMU_N_ROLES);
    struct evhttp_request *http = request_of(bytes[1], kpb_span(bytes + 2, len - 2));
    if (bytes[0] & WITH_TOKEN)
        add_token(http, role);
    struct emu_exchange *x = emu_exchange_new(&emu.listeners[role], http);
    FUZZ_CHECK(x != NULL);
    emu_dispatch(x);
    end_all();
    return 0;
}

FUZZ_ENTRY(fuzz_emu_request)
