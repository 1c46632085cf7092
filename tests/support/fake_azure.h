/*
 * Azure as the fake host's server: a vault, its login service and the machine's identity endpoint,
 * each with a count and with answers that a test puts in line. What is not scripted works: the
 * login service gives token N, the vault takes the last one given and answers what the test set.
 */
#ifndef KP_TESTS_SUPPORT_FAKE_AZURE_H
#define KP_TESTS_SUPPORT_FAKE_AZURE_H

#include "support/fake_host.h"

#define FAKE_VAULT_HOST "v.vault.azure.net"
#define FAKE_TENANT "72f988bf-86f1-41af-91ab-2d7cd011db47"
#define FAKE_CLIENT "11111111-2222-3333-4444-555555555555"
#define FAKE_SECRET "s3cret~value"
#define FAKE_VERSION "0123456789abcdef0123456789abcdef"
#define FAKE_KID "https://" FAKE_VAULT_HOST "/keys/app/" FAKE_VERSION
#define FAKE_CHALLENGE                                                                             \
    "Bearer authorization=\"https://login.microsoftonline.com/" FAKE_TENANT                        \
    "\", resource=\"https://vault.azure.net\""

#define FAKE_SCRIPT_MAX 32
#define FAKE_URL_MAX 512

enum fake_azure_part {
    FAKE_PROBE = 1, /* the vault, without a token */
    FAKE_TOKEN,     /* the login service */
    FAKE_METADATA,  /* the identity endpoint */
    FAKE_KEYS,      /* the vault, with a token */
    FAKE_ELSEWHERE, /* any other host */
    FAKE_N_PARTS
};

/* One answer in line. http_status 0 with status KP_OK: hold the request. */
struct fake_azure_step {
    enum fake_azure_part part;
    uint32_t http_status;
    kp_status status;
    uint32_t code;
    uint32_t exposure;
    const char *body;
    const char *header; /* name */
    const char *value;
    bool refuse_token; /* 401 with the challenge; the token given last is good no more */
};

struct fake_azure {
    struct fake_host host;
    unsigned n[FAKE_N_PARTS];
    unsigned n_tokens; /* given */
    int expires_in_s;
    bool is_holding_tokens; /* token and metadata requests are held */
    const char *vault_host; /* FAKE_VAULT_HOST unless changed before open */
    const char *challenge;
    uint32_t key_status; /* of what is not scripted; 200 */
    const char *key_body;
    struct fake_azure_step steps[FAKE_SCRIPT_MAX];
    size_t n_steps;
    char last_url[FAKE_N_PARTS][FAKE_URL_MAX];
    char last_body[FAKE_N_PARTS][FAKE_URL_MAX];
    char last_method[16];
    uint32_t dns_lifetime_ms; /* of the last request to the vault */
    char token_body[128];
    char bearer[64];
};

/* plugin is borrowed. Nothing is open yet. */
void fake_azure_init(struct fake_azure *azure, const struct kp_plugin *plugin);
/* Closes the vault and fails the test when something is left. */
void fake_azure_clear(struct fake_azure *azure);

/* Opens the vault of vault_host with name-value pairs, NULL at the end; status of open. */
kp_status fake_azure_open(struct fake_azure *azure, const char *const *pairs);
/* The same with a credential handed over. */
kp_status fake_azure_open_as(struct fake_azure *azure, const char *const *pairs,
                             const char *identity, const char *secret);
/* reload with these pairs. */
kp_status fake_azure_reload(struct fake_azure *azure, const char *const *pairs);

/* Settings of a client secret. */
extern const char *const fake_secret_settings[];

/* Puts an answer in line. */
void fake_azure_then(struct fake_azure *azure, const struct fake_azure_step *step);

/* A wrap of 32 bytes with RSA-OAEP-256 under "app". */
void fake_azure_wrap(struct kp_request *request);
/* Its answer, for key_body. */
extern const char *const fake_wrap_body;

#endif /* KP_TESTS_SUPPORT_FAKE_AZURE_H */
