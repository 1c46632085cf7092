/*
 * The bare RSA loop: as fast as OpenSSL goes on this machine with the call pattern that costs
 * least, one shared key, a prepared context duplicated for each operation, digests fetched once.
 *
 *     wrap    RSA-OAEP-256 encryption of 32 bytes
 *     unwrap  the same, decrypted
 *     verify  PKCS #1 v1.5 check of a signature over 32 bytes: what `openssl speed` calls verify
 *     sign    ... and what it calls sign
 *
 * SIZE is the bits of the key; keys are made when first asked for.
 */
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "bench/yardsticks/job.h"

#define SECRET_LEN 32
#define BLOCK_MAX_LEN 512 /* RSA-4096 */
#define KEYS_MAX 4

enum mode { WRAP, UNWRAP, VERIFY, SIGN, N_MODES };

static const char *const MODES[N_MODES] = {"wrap", "unwrap", "verify", "sign"};

/* A key with everything prepared; read-only while lanes run. */
struct key {
    unsigned bits;
    EVP_PKEY *pkey;
    EVP_PKEY_CTX *prepared[N_MODES];
    uint8_t ciphertext[BLOCK_MAX_LEN];
    size_t ciphertext_len;
    uint8_t signature[BLOCK_MAX_LEN];
    size_t signature_len;
};

struct load {
    const struct key *key;
    enum mode mode;
};

static const uint8_t SECRET[SECRET_LEN] = {1, 2, 3};
static struct key keys[KEYS_MAX];

/* ---- One operation ---- */

static bool use_context(EVP_PKEY_CTX *ctx, const struct load *load)
{
    const struct key *key = load->key;
    uint8_t out[BLOCK_MAX_LEN];
    size_t len = sizeof out;
    switch (load->mode) {
    case WRAP:
        return EVP_PKEY_encrypt(ctx, out, &len, SECRET, sizeof SECRET) == 1;
    case UNWRAP:
        return EVP_PKEY_decrypt(ctx, out, &len, key->ciphertext, key->ciphertext_len) == 1;
    case SIGN:
        return EVP_PKEY_sign(ctx, out, &len, SECRET, sizeof SECRET) == 1;
    default:
        return EVP_PKEY_verify(ctx, key->signature, key->signature_len, SECRET, sizeof SECRET) == 1;
    }
}

static bool run_lane(struct bench_lane *lane)
{
    const struct load *load = lane->ctx;
    bool ok = true;
    for (uint64_t n = 0; ok && bench_lane_goes_on(lane, n); n++) {
        EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_dup(load->key->prepared[load->mode]);
        ok = ctx && use_context(ctx, load);
        EVP_PKEY_CTX_free(ctx);
        bench_lane_count(lane, ok);
    }
    return ok;
}

/* ---- Keys ---- */

static bool set_padding(EVP_PKEY_CTX *ctx, enum mode mode, const EVP_MD *sha256)
{
    if (mode == VERIFY || mode == SIGN)
        return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1 &&
               EVP_PKEY_CTX_set_signature_md(ctx, sha256) == 1;
    return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) == 1 &&
           EVP_PKEY_CTX_set_rsa_oaep_md(ctx, sha256) == 1 &&
           EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, sha256) == 1;
}

static bool prepare_mode(struct key *key, enum mode mode, const EVP_MD *sha256)
{
    static int (*const init[N_MODES])(EVP_PKEY_CTX *) = {
        EVP_PKEY_encrypt_init, EVP_PKEY_decrypt_init, EVP_PKEY_verify_init, EVP_PKEY_sign_init};
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key->pkey, NULL);
    key->prepared[mode] = ctx;
    return ctx && init[mode](ctx) == 1 && set_padding(ctx, mode, sha256);
}

/* What unwrap and verify work on. */
static bool prepare_inputs(struct key *key)
{
    EVP_PKEY_CTX *wrap = EVP_PKEY_CTX_dup(key->prepared[WRAP]);
    EVP_PKEY_CTX *sign = EVP_PKEY_CTX_dup(key->prepared[SIGN]);
    key->ciphertext_len = sizeof key->ciphertext;
    key->signature_len = sizeof key->signature;
    bool ok =
        wrap && sign &&
        EVP_PKEY_encrypt(wrap, key->ciphertext, &key->ciphertext_len, SECRET, sizeof SECRET) == 1 &&
        EVP_PKEY_sign(sign, key->signature, &key->signature_len, SECRET, sizeof SECRET) == 1;
    EVP_PKEY_CTX_free(wrap);
    EVP_PKEY_CTX_free(sign);
    return ok;
}

static bool make_key(struct key *key, unsigned bits)
{
    EVP_MD *sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    key->pkey = EVP_RSA_gen(bits);
    bool ok = sha256 && key->pkey;
    for (enum mode mode = 0; ok && mode < N_MODES; mode++)
        ok = prepare_mode(key, mode, sha256);
    ok = ok && prepare_inputs(key);
    EVP_MD_free(sha256);
    key->bits = ok ? bits : 0;
    return ok;
}

static const struct key *find_key(unsigned bits)
{
    for (size_t i = 0; i < KEYS_MAX; i++) {
        if (keys[i].bits == bits)
            return &keys[i];
        if (keys[i].bits == 0)
            return make_key(&keys[i], bits) ? &keys[i] : NULL;
    }
    return NULL;
}

/* ---- Jobs ---- */

static bool run_job(const struct bench_job *job, uint64_t *ret_ops, struct bench_cost *ret_cost)
{
    struct load load = {.mode = 0};
    while (load.mode < N_MODES && strcmp(MODES[load.mode], job->mode) != 0)
        load.mode++;
    if (load.mode == N_MODES || job->size < 1024 || job->size > BLOCK_MAX_LEN * 8)
        return false;
    load.key = find_key(job->size);
    return load.key && bench_lanes_run(job, run_lane, &load, ret_ops, ret_cost);
}

int main(void)
{
    int status = bench_serve("bare_oaep", run_job);
    for (size_t i = 0; i < KEYS_MAX; i++) {
        for (enum mode mode = 0; mode < N_MODES; mode++)
            EVP_PKEY_CTX_free(keys[i].prepared[mode]);
        EVP_PKEY_free(keys[i].pkey);
    }
    return status;
}
