/*
 * What tests of the HTTP service begin with: an authority, a server it vouches for, and a client
 * that trusts it through http.ca_file.
 */
#ifndef KP_TESTS_SUPPORT_WIRE_H
#define KP_TESTS_SUPPORT_WIRE_H

#include "support/http_ask.h"
#include "support/relay.h"
#include "support/temp_dir.h"
#include "support/tls_server.h"

struct wire {
    char dir[TEMP_DIR_LEN];
    struct cert authority;
    struct cert cert;
    struct tls_server *server;
    struct client client;
    struct script_vault *script;
    kp_vault *vault;
    bool has_client;
};

/* Certificates and a server with options (its cert is filled in; NULL: HTTP/1.1). */
void wire_begin(struct wire *wire, const struct tls_server_options *options);
/* Opens the client. http: members of "http" to add, each with a comma before it; real: by the
 * machine's clock. */
void wire_open(struct wire *wire, const char *http, bool real);
/* Both, with a server that speaks HTTP/2, which a first answer has shown: what follows is framed by
 * us. */
void wire_begin_framed(struct wire *wire, const char *http);
/* Closes the client, expects quiet, stops the server. */
void wire_end(struct wire *wire);

/* A request to the server at localhost. */
void wire_ask(struct wire *wire, struct ask *ask, const char *path);
/* The same by way of a relay. */
void wire_ask_by(struct wire *wire, struct relay *relay, struct ask *ask, const char *path);

/* What is asked for, and how it fails. */
struct wire_fault {
    const char *path;
    kp_status status;
    uint32_t code;
    uint32_t exposure;
};
/* Asks for path, expects this class and number. */
void wire_expect(struct wire *wire, const char *path, kp_status status, uint32_t code);
/* Writes a path below the folder to out, of 128 bytes. */
void wire_path(const struct wire *wire, const char *name, char *out);

#endif /* KP_TESTS_SUPPORT_WIRE_H */
