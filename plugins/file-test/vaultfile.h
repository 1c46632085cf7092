/*
 * vault.json, the file that makes a directory a vault: its format, its id and, where it has a
 * passphrase, how the sealing key is derived and how a wrong passphrase is told.
 * Pure but for ft_vaultfile_derive, which computes for a tenth of a second: workers only.
 */
#ifndef KP_PLUGINS_FILE_TEST_VAULTFILE_H
#define KP_PLUGINS_FILE_TEST_VAULTFILE_H

#include <stdbool.h>

#include "base/buf.h"
#include "crypto/kdf.h"
#include "crypto/seal.h"

#define FT_VAULTFILE_FORMAT 1
#define FT_VAULTFILE_MAX_LEN 4096u
#define FT_VAULT_ID_LEN 16u
#define FT_SALT_LEN 32u
#define FT_CHECK_LEN 32u

struct ft_vaultfile {
    uint8_t id[FT_VAULT_ID_LEN];
    int64_t created_unix_s;
    bool is_sealed; /* what follows is there */
    struct kpc_scrypt_cost cost;
    uint8_t salt[FT_SALT_LEN];
    uint8_t check[FT_CHECK_LEN]; /* second half of what scrypt derives; the first is the key */
};

/* Writes the JSON text. Errors: no_memory. */
kp_status ft_vaultfile_encode(const struct ft_vaultfile *v, kp_buf *out, struct kp_error *reterr)
    KP_MUST_USE;
/* Reads one. Errors: integrity naming the member, unsupported for a newer format, no_memory. */
kp_status ft_vaultfile_decode(kp_span text, struct ft_vaultfile *ret, struct kp_error *reterr)
    KP_MUST_USE;

/*
 * Derives the sealing key (KPC_SEAL_KEY_LEN bytes of secret memory) and the check value from a
 * passphrase by cost and salt of v. Errors: usage, no_memory, internal.
 */
kp_status ft_vaultfile_derive(const struct ft_vaultfile *v, kp_span passphrase, uint8_t *ret_key,
                              uint8_t ret_check[FT_CHECK_LEN], struct kp_error *reterr) KP_MUST_USE;

#endif /* KP_PLUGINS_FILE_TEST_VAULTFILE_H */
