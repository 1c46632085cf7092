/*
 * Identifiers of the service: https://HOST/keys/NAME[/VERSION], in deleted ones /deletedkeys/. The
 * host is only compared, never followed. Pure functions over bytes, any thread.
 */
#ifndef KP_PLUGINS_AZURE_REST_KID_H
#define KP_PLUGINS_AZURE_REST_KID_H

#include <stdbool.h>

#include <keyprovider/types.h>

/* Views into the text. */
struct azr_kid {
    kp_span authority; /* HOST or HOST:PORT */
    kp_span name;
    kp_span version; /* empty: none */
};

/* False: it is none. */
bool azr_kid_parse(kp_span text, struct azr_kid *ret);

/*
 * Cuts an https URL into HOST[:PORT] and what follows it, from its first slash on. False: another
 * scheme, or no slash. Views.
 */
bool azr_cut_authority(kp_span url, kp_span *ret_authority, kp_span *ret_rest);

/*
 * Whether HOST[:PORT] is that of base (https://HOST[:PORT]): letters without case, the port 443 may
 * be named or not.
 */
bool azr_is_authority_of(const char *base, kp_span authority);

#endif /* KP_PLUGINS_AZURE_REST_KID_H */
