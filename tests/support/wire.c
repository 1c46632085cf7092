#include "support/wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

void wire_path(const struct wire *wire, const char *name, char *out)
{
    (void)snprintf(out, 128, "%s/%s", wire->dir, name);
}

void wire_begin(struct wire *wire, const struct tls_server_options *options)
{
    struct tls_server_options wanted = options ? *options : (struct tls_server_options){0};
    char path[128];
    memset(wire, 0, sizeof *wire);
    temp_dir_make(wire->dir);
    wire->authority = cert_authority("an authority for tests");
    wire_path(wire, "ca.pem", path);
    cert_write(&wire->authority, path);
    wire->cert = cert_server(&wire->authority, "DNS:localhost,DNS:server.test,IP:127.0.0.1", 0);
    if (!wanted.cert)
        wanted.cert = &wire->cert;
    wire->server = tls_server_start(&wanted);
}

void wire_open(struct wire *wire, const char *http, bool real)
{
    char config[2048];
    (void)snprintf(config, sizeof config,
                   CLIENT_CONFIG(", \"http\": {\"ca_file\": \"%s/ca.pem\"%s%s}"), wire->dir,
                   strstr(http, "\"proxy\"") ? "" : ", \"proxy\": \"none\"", http);
    script_begin();
    ask_serve_cancel();
    if (real)
        client_begin_real(&wire->client, config);
    else
        client_begin(&wire->client, config);
    wire->script = script_vault("a");
    wire->vault = client_vault(&wire->client, "script:a");
    wire->has_client = true;
}

void wire_end(struct wire *wire)
{
    if (wire->has_client) {
        kp_vault_release(wire->vault);
        client_end(&wire->client);
    }
    tls_server_stop(wire->server);
    cert_clear(&wire->cert);
    cert_clear(&wire->authority);
    temp_dir_remove(wire->dir);
}

void wire_ask(struct wire *wire, struct ask *ask, const char *path)
{
    ask_init(ask, wire->vault, wire->script, "localhost", tls_server_port(wire->server), path);
}

void wire_ask_by(struct wire *wire, struct relay *relay, struct ask *ask, const char *path)
{
    ask_init(ask, wire->vault, wire->script, "localhost", relay_port(relay), path);
}

void wire_expect(struct wire *wire, const char *path, kp_status status, uint32_t code)
{
    struct ask ask;
    wire_ask(wire, &ask, path);
    kp_status st = ask_do(&ask);
    if (st != status || (st != KP_OK && ask.error.code != code))
        fail_msg("%s: %s %u, %s", path, kp_status_text(st), ask.error.code, ask.error.text);
    ask_clear(&ask);
}

void wire_begin_framed(struct wire *wire, const char *http)
{
    wire_begin(wire, &(struct tls_server_options){.h2 = true});
    wire_open(wire, http, false);
    wire_expect(wire, "/bytes/1", KP_OK, 0);
}

#if defined(__SANITIZE_THREAD__)
/* The name is the sanitizer's. */
__attribute__((visibility("default"))) const char *__tsan_default_suppressions(void);

/*
 * A socket that has not connected yet libcurl closes by itself (lib/cf-socket.c of 7.88, where it
 * is "not active"), and only then says that it needs no watch any more. In between a thread of the
 * test may get the number; ending the watch asks the kernel to forget what is no member of the
 * loop's set then, which it refuses.
 */
const char *__tsan_default_suppressions(void)
{
    return "race:on_socket\n";
}
#endif
