#include "crypto/random.h"

#include <openssl/rand.h>

#include "base/mem.h"
#include "crypto/lib.h"

typedef int random_fn(OSSL_LIB_CTX *ctx, unsigned char *out, size_t len, unsigned int strength);

static kp_status fill(random_fn *generator, uint8_t *out, size_t len, struct kp_error *reterr)
{
    kpc_lib_enter();
    kp_status st = KP_OK;
    OSSL_LIB_CTX *ctx = kpc_lib_ctx(); /* NULL would mean the host's context */
    if (!ctx || generator(ctx, out, len, 0) <= 0) {
        kpb_wipe(out, len);
        st = kpc_fail_openssl(reterr, "the random generator failed");
    }
    kpc_lib_leave();
    return st;
}

kp_status kpc_random(uint8_t *out, size_t len, struct kp_error *reterr)
{
    return fill(RAND_bytes_ex, out, len, reterr);
}

kp_status kpc_random_secret(uint8_t *out, size_t len, struct kp_error *reterr)
{
    return fill(RAND_priv_bytes_ex, out, len, reterr);
}
