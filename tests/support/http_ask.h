/*
 * HTTP requests through a plugin's eyes: each runs inside an operation of the scripted plugin,
 * which sends it with host->http and ends when its callback has come. What came is kept for the
 * test.
 *
 * Threads: the test's.
 */
#ifndef KP_TESTS_SUPPORT_HTTP_ASK_H
#define KP_TESTS_SUPPORT_HTTP_ASK_H

#include "support/client.h"

struct ask {
    /* ---- what is asked; zero means a GET without anything ---- */
    char url[512];
    struct kp_http_request request; /* url and method are filled in */
    const char *method;
    kp_vault *vault;
    struct script_vault *script;

    /* ---- what came ---- */
    struct latch sent;     /* host->http has returned */
    struct latch answered; /* the callback has come; must be exactly once */
    kp_status refused;     /* what host->http returned */
    kp_http_id id;
    kp_status status;
    struct kp_error error;
    uint32_t http_status;
    char *body;
    size_t body_len;
    char headers[4096]; /* "name: value\n" each, as many as fit */
    uint32_t n_headers;
    struct kp_http_times times;
    struct outcome outcome; /* of the operation */
    uint32_t timeout_ms;    /* of the operation; 0: the default */
};

/* Puts a cancel into the script's table that takes back the request of the operation, as a plugin
 * should. Before any provider is opened. */
void ask_serve_cancel(void);
/* Prepares a request to https://HOST:PORT/PATH; change it as you like before ask_begin. */
void ask_init(struct ask *ask, kp_vault *vault, struct script_vault *script, const char *host,
              uint16_t port, const char *path);
/* The same to a URL. */
void ask_init_url(struct ask *ask, kp_vault *vault, struct script_vault *script, const char *url);
/* Sends it. */
void ask_begin(struct ask *ask);
/* Waits for the callback; the class it came with. */
kp_status ask_wait(struct ask *ask);
/* host->http_cancel, on the loop. */
void ask_cancel(struct ask *ask);
/* Frees what came. Fails the test when the callback did not come exactly once. */
void ask_clear(struct ask *ask);
/* Waits, expects this class, number and exposure, and clears it. */
void ask_expect_failure(struct ask *ask, kp_status status, uint32_t code, uint32_t exposure);
/* Begins and waits. */
kp_status ask_do(struct ask *ask);

#endif /* KP_TESTS_SUPPORT_HTTP_ASK_H */
