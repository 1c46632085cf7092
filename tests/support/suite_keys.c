/*
 * The rows of keys: every type in every size and on every curve, made by the vault and brought to
 * it; each then does all that is for such a key, and nothing that is for another.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/span.h"
#include "crypto/algs.h"
#include "crypto/key.h"
#include "support/plugin_suite.h"

#define NAME_LEN 48

/* n_algs: how many algorithms are for it, counted in the services' documentation. */
struct kind {
    uint32_t kty;
    uint32_t bits;
    uint32_t curve;
    uint32_t n_algs;
};

static const struct kind KINDS[] = {
    {KP_KTY_RSA, 2048, 0, 10},
    {KP_KTY_RSA, 3072, 0, 10},
    {KP_KTY_RSA, 4096, 0, 10},
    {KP_KTY_RSA_HSM, 2048, 0, 10},
    {KP_KTY_RSA_HSM, 3072, 0, 10},
    {KP_KTY_RSA_HSM, 4096, 0, 10},
    {KP_KTY_EC, 0, KP_CURVE_P256, 1},
    {KP_KTY_EC, 0, KP_CURVE_P256K, 1},
    {KP_KTY_EC, 0, KP_CURVE_P384, 1},
    {KP_KTY_EC, 0, KP_CURVE_P521, 1},
    {KP_KTY_EC_HSM, 0, KP_CURVE_P256, 1},
    {KP_KTY_EC_HSM, 0, KP_CURVE_P256K, 1},
    {KP_KTY_EC_HSM, 0, KP_CURVE_P384, 1},
    {KP_KTY_EC_HSM, 0, KP_CURVE_P521, 1},
    {KP_KTY_OCT, 128, 0, 9},
    {KP_KTY_OCT, 192, 0, 9},
    {KP_KTY_OCT, 256, 0, 9},
    {KP_KTY_OCT_HSM, 128, 0, 9},
    {KP_KTY_OCT_HSM, 192, 0, 9},
    {KP_KTY_OCT_HSM, 256, 0, 9},
};
#define N_KINDS (sizeof KINDS / sizeof KINDS[0])

/* ---- A key that is brought along ---- */

/* A pair that is known here; a size is made once for all vaults. */
struct pair {
    struct kpc_key *key;
    struct kp_key_info open;
    struct kpc_private secret;
    kp_buf bytes; /* of secret */
};

static struct pair *pair_of(const struct kind *kind)
{
    static struct pair pairs[N_KINDS];
    const uint32_t kty = kpc_plain_kty(kind->kty);
    struct kp_key_params params;
    struct kp_error error;
    struct pair *pair = pairs;
    while (pair->key && (kpc_key_kty(pair->key) != kty || kpc_key_curve(pair->key) != kind->curve ||
                         (kind->bits != 0 && kpc_key_bits(pair->key) != kind->bits)))
        pair++;
    if (pair->key)
        return pair;
    kp_key_params_init(&params);
    params.kty = kty;
    params.bits = kind->bits;
    params.curve = kind->curve;
    assert_int_equal(kpc_key_generate(&params, &pair->key, &error), KP_OK);
    kpc_key_describe(pair->key, &pair->open);
    kp_buf_init_secret(&pair->bytes, "test", KPC_PRIVATE_MAX_LEN);
    assert_int_equal(kpc_key_export_private(pair->key, &pair->bytes, &pair->secret, &error), KP_OK);
    return pair;
}

static void bring_along(struct kp_key_params *params, const struct pair *pair)
{
    params->n = pair->open.n;
    params->e = pair->open.e;
    params->x = pair->open.x;
    params->y = pair->open.y;
    params->d = pair->secret.d;
    params->p = pair->secret.p;
    params->q = pair->secret.q;
    params->dp = pair->secret.dp;
    params->dq = pair->secret.dq;
    params->qi = pair->secret.qi;
    params->k = pair->secret.k;
}

static void expect_same(const struct kp_key_info *key, const struct pair *pair)
{
    assert_true(kpb_span_eq(key->n, pair->open.n));
    assert_true(kpb_span_eq(key->e, pair->open.e));
    assert_true(kpb_span_eq(key->x, pair->open.x));
    assert_true(kpb_span_eq(key->y, pair->open.y));
}

/* ---- The cases ---- */

static void expect_kind(const struct kp_key_info *key, const struct kind *kind)
{
    assert_int_equal(kpc_plain_kty(key->kty), kpc_plain_kty(kind->kty));
    assert_int_equal(key->curve, kind->curve);
    if (kpc_plain_kty(kind->kty) == KP_KTY_RSA)
        assert_int_equal(key->bits, kind->bits);
}

/* False: the vault has no such keys. */
static bool make(struct suite_vault *vault, uint32_t op, const struct kind *kind, const char *name)
{
    struct kp_result result;
    struct kp_key_params params;
    struct kp_request request = suite_request(op, name);
    const struct pair *pair = op == KP_OP_IMPORT ? pair_of(kind) : NULL;
    kp_key_params_init(&params);
    params.kty = kind->kty;
    params.bits = pair ? 0 : kind->bits;
    params.curve = kind->curve;
    if (pair)
        bring_along(&params, pair);
    request.params = &params;
    kp_status st = suite_call(vault, &request, &result);
    if (st != KP_OK && st != KP_UNSUPPORTED)
        fail_msg("%s over %s: %s", name, vault->plugin, result.error.text);
    if (st == KP_OK)
        expect_kind(result.reply.key, kind);
    if (st == KP_OK && pair)
        expect_same(result.reply.key, pair);
    kp_result_clear(&result);
    return st == KP_OK;
}

/* How many algorithms of the key's type it serves; another size's or curve's it must refuse. */
static uint32_t use(struct suite_vault *vault, const struct kind *kind, const char *name)
{
    uint32_t n = 0;
    for (uint32_t alg = 1; alg <= KP_ALG_MAX; alg++) {
        const struct kp_request request = suite_use(name, alg);
        if (kpc_alg_find(alg)->kty != kpc_plain_kty(kind->kty))
            continue;
        if (kpc_alg_fits(kind->kty, kind->bits, kind->curve, alg))
            n += suite_round_trip(vault, name, alg);
        else
            assert_int_equal(suite_status(vault, &request), KP_USAGE);
    }
    return n;
}

static const char *do_all(struct suite_vault *vault, uint32_t op, uint32_t number)
{
    const struct kind *kind = &KINDS[number];
    char name[NAME_LEN];
    (void)snprintf(name, sizeof name, "key-%u-%u", op, number);
    if (!make(vault, op, kind, name))
        return SUITE_NO;
    assert_int_equal(use(vault, kind, name), kind->n_algs);
    return SUITE_YES;
}

static const char *with_created(struct suite_vault *vault, uint32_t number)
{
    return do_all(vault, KP_OP_CREATE, number);
}

static const char *with_imported(struct suite_vault *vault, uint32_t number)
{
    return do_all(vault, KP_OP_IMPORT, number);
}

/* ---- Rows ---- */

/* Long RSA keys take seconds to be made: tests/e2e/azure_keyvault.sh has some of them made. */
static bool is_created(const struct kind *kind)
{
    return kind->bits <= 2048;
}

static const char *name_of(const struct kind *kind, const char *how, char out[NAME_LEN])
{
    const char *kty = kp_kty_text(kind->kty);
    if (kind->bits != 0)
        (void)snprintf(out, NAME_LEN, "%s %u, %s", kty, kind->bits, how);
    else
        (void)snprintf(out, NAME_LEN, "%s %s, %s", kty, kp_curve_text(kind->curve), how);
    return out;
}

const struct suite_row *suite_keys(size_t *ret_n)
{
    static struct suite_row rows[2 * N_KINDS];
    static char names[2 * N_KINDS][NAME_LEN];
    size_t n = 0;
    for (uint32_t i = 0; i < N_KINDS; i++) {
        const struct kind *kind = &KINDS[i];
        if (is_created(kind)) {
            rows[n] = (struct suite_row){name_of(kind, "created", names[n]), i, with_created};
            n++;
        }
        rows[n] = (struct suite_row){name_of(kind, "imported", names[n]), i, with_imported};
        n++;
    }
    *ret_n = n;
    return rows;
}
