/*
 * The clouds: which host suffix belongs to which service, whose login host gets a credential, what
 * a token is asked for. And the machine's own additions, which are the only way to leave the table.
 * Constant tables and pure functions, any thread.
 * Source: azure-sdk-for-cpp and MSAL cloud tables; instance discovery replies of the login service.
 */
#ifndef KP_PLUGINS_AZURE_REST_CLOUD_H
#define KP_PLUGINS_AZURE_REST_CLOUD_H

#include "plugins/azure-rest/names.h"

enum azr_service { AZR_SERVICE_NONE = 0, AZR_SERVICE_VAULT = 1, AZR_SERVICE_MANAGED_HSM = 2 };

/* One cloud. Static storage. */
struct azr_cloud {
    const char *name;           /* "public", for sentences and settings */
    const char *login_host;     /* NULL: closed, nobody to log in with */
    const char *vault_suffix;   /* "vault.azure.net" */
    const char *hsm_suffix;     /* NULL: has none */
    const char *const *aliases; /* NULL-terminated login host names that mean this cloud */
};

/*
 * What the machine's configuration adds. A zeroed one adds nothing. Borrowed for the call.
 * suffix admits hosts that are suffix itself or end in "." and suffix, as hosts of `service`.
 */
struct azr_trust {
    uint32_t service;  /* enum azr_service of hosts under suffix */
    kp_span suffix;    /* host name without port; empty: none */
    kp_span authority; /* https://HOST[:PORT] of a login service; empty: the cloud's */
    kp_span resource;  /* https://HOST[:PORT] a token is asked for; empty: from suffix or table */
};

/* A request host, classified. */
struct azr_place {
    uint32_t service;              /* enum azr_service */
    const struct azr_cloud *cloud; /* NULL: under the configured suffix only */
    struct azr_host_port at;       /* borrowed from the text classified */
    kp_span suffix;                /* the one that matched: static, or borrowed from the trust */
};

/* The i-th cloud, NULL from the end on. */
const struct azr_cloud *azr_cloud_at(size_t i);
/* "public", "us-government", "china"; NULL for another name. Germany is closed but found. */
const struct azr_cloud *azr_cloud_find(kp_span name);
/* The cloud whose login host or alias this is (letters without case), NULL for none. */
const struct azr_cloud *azr_cloud_of_login(kp_span login_host);
/* Suffix of a service in a cloud, NULL where it has none. */
const char *azr_cloud_suffix(const struct azr_cloud *cloud, uint32_t service);

/*
 * The configuration's additions as such: suffix is a host name, authority and resource are https
 * URLs without a path. Errors: config naming the setting.
 */
kp_status azr_trust_check(const struct azr_trust *trust, struct kp_error *reterr) KP_MUST_USE;

/*
 * Says what a request host, HOST[:PORT], is. Every host of the table has port 443; another port
 * needs the configured suffix. The configuration wins over the table. trust: NULL for none.
 * Errors: config, code 3206, with what to do: not a host name, no known suffix, a private link name
 * (the public name leads there too, and only that one has a certificate).
 */
kp_status azr_place_find(kp_span host_port, const struct azr_trust *trust, struct azr_place *ret,
                         struct kp_error *reterr) KP_MUST_USE;

#endif /* KP_PLUGINS_AZURE_REST_CLOUD_H */
