/* pkcs11:token=LABEL;serial=NUMBER, a part of RFC 7512: which token a vault is. */
#ifndef KP_EXAMPLES_PLUGIN_PKCS11_LOCATION_H
#define KP_EXAMPLES_PLUGIN_PKCS11_LOCATION_H

#include "text.h"

/* Text with a NUL; an empty serial fits every token. As long as in CK_TOKEN_INFO. */
struct p11_location {
    char label[33];
    char serial[17];
};

/* Errors: config, with the place in the location. */
kp_status p11_location_parse(kp_span text, struct p11_location *ret, struct kp_error *reterr);
/* Whether it is that token; in CK_TOKEN_INFO texts are padded with blanks. */
int p11_location_fits(const struct p11_location *location, const CK_TOKEN_INFO *info);

#endif /* KP_EXAMPLES_PLUGIN_PKCS11_LOCATION_H */
