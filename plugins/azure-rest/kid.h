/*
 * Key identifiers: https://HOST/keys/NAME[/VERSION], in the deleted ones /deletedkeys/. The host is
 * kept where it stands and never followed. Pure function over bytes.
 */
#ifndef KP_PLUGINS_AZURE_REST_KID_H
#define KP_PLUGINS_AZURE_REST_KID_H

#include <stdbool.h>

#include <keyprovider/types.h>

/* Views into the text. */
struct azr_kid {
    kp_span name;
    kp_span version; /* empty: none */
};

/* False: it is none. */
bool azr_kid_parse(kp_span text, struct azr_kid *ret);

#endif /* KP_PLUGINS_AZURE_REST_KID_H */
