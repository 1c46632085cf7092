#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/span.h"
#include "plugins/file-test/seal.h"

#define ID_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define ID_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static uint8_t seal_key[KPC_SEAL_KEY_LEN] = {1, 2, 3};
static const struct ft_sealer SEALED = {{seal_key, sizeof seal_key}};
static const struct ft_sealer CLEAR = {{NULL, 0}};

struct sealed {
    struct kpc_key *key;
    struct ft_version version;
    kp_buf text;
};

static void make(struct sealed *s, uint32_t kty, uint32_t curve, const struct ft_sealer *sealer)
{
    const struct kp_key_params params = {.struct_size = sizeof params, .kty = kty, .curve = curve};
    struct kp_key_info info = {.struct_size = sizeof info};
    struct kp_error err;
    memset(s, 0, sizeof *s);
    assert_int_equal(kpc_key_generate(&params, &s->key, &err), KP_OK);
    kpc_key_describe(s->key, &info);
    (void)snprintf(s->version.id, sizeof s->version.id, "%s", ID_A);
    s->version.kty = kty;
    s->version.curve = info.curve;
    s->version.bits = info.bits;
    s->version.n = info.n;
    s->version.e = info.e;
    s->version.x = info.x;
    s->version.y = info.y;
    kp_buf_init_secret(&s->text, "test", FT_SEALED_MAX_LEN);
    assert_int_equal(ft_seal_key(sealer, "app", &s->version, s->key, &s->text, &err), KP_OK);
    s->version.sealed = kp_buf_view(&s->text);
}

static void drop(struct sealed *s)
{
    kp_buf_clear(&s->text);
    kpc_key_release(s->key);
}

static kp_status unseal(const struct ft_sealer *sealer, const char *name,
                        const struct ft_version *v)
{
    struct kpc_key *key = NULL;
    struct kp_error err;
    kp_error_init(&err);
    kp_status st = ft_unseal_key(sealer, name, v, &key, &err);
    assert_int_equal(st == KP_OK, key != NULL);
    if (st != KP_OK)
        assert_true(err.text[0] != '\0');
    kpc_key_release(key);
    return st;
}

static const struct {
    uint32_t kty;
    uint32_t curve;
} TYPES[] = {{KP_KTY_RSA, 0},
             {KP_KTY_EC, KP_CURVE_P256},
             {KP_KTY_EC, KP_CURVE_P521},
             {KP_KTY_OCT, 0},
             {KP_KTY_OCT_HSM, 0}};
#define N_TYPES (sizeof TYPES / sizeof TYPES[0])

static void seal_opens_for_its_own_name_and_version_only(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2 * N_TYPES; i++) {
        const struct ft_sealer *sealer = i % 2 ? &SEALED : &CLEAR;
        struct sealed s;
        make(&s, TYPES[i / 2].kty, TYPES[i / 2].curve, sealer);
        assert_int_equal(unseal(sealer, "app", &s.version), KP_OK);
        assert_int_equal(unseal(sealer, "App", &s.version), KP_INTEGRITY);
        struct ft_version other = s.version;
        (void)snprintf(other.id, sizeof other.id, "%s", ID_B);
        assert_int_equal(unseal(sealer, "app", &other), KP_INTEGRITY);
        other = s.version;
        other.bits ^= 1;
        assert_int_equal(unseal(sealer, "app", &other), KP_INTEGRITY);
        drop(&s);
    }
}

static void seal_of_another_public_part_does_not_open(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        const struct ft_sealer *sealer = i % 2 ? &SEALED : &CLEAR;
        struct sealed a, b;
        make(&a, KP_KTY_EC, KP_CURVE_P256, sealer);
        make(&b, KP_KTY_EC, KP_CURVE_P256, sealer);
        struct ft_version mixed = a.version;
        mixed.sealed = b.version.sealed;
        assert_int_equal(unseal(sealer, "app", &mixed), KP_INTEGRITY);
        drop(&a);
        drop(&b);
    }
}

static void seal_that_was_altered_anywhere_does_not_open(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        const struct ft_sealer *sealer = i % 2 ? &SEALED : &CLEAR;
        struct sealed s;
        make(&s, KP_KTY_OCT, 0, sealer);
        for (size_t at = 0; at < s.text.len; at++) {
            uint8_t was = s.text.ptr[at];
            s.text.ptr[at] = was == 'B' ? 'C' : 'B';
            assert_int_equal(unseal(sealer, "app", &s.version), KP_INTEGRITY);
            s.text.ptr[at] = was;
        }
        for (size_t n = 0; n < s.text.len; n++) {
            struct ft_version cut = s.version;
            cut.sealed.len = n;
            assert_int_equal(unseal(sealer, "app", &cut), KP_INTEGRITY);
        }
        drop(&s);
    }
}

/* Not only does it not open: the sentence says which of the two is the matter. */
static void assert_other_kind(const struct ft_sealer *from, const struct ft_sealer *to,
                              const char *says)
{
    struct sealed s;
    struct kpc_key *key = NULL;
    struct kp_error err;
    make(&s, KP_KTY_OCT, 0, from);
    assert_int_equal(ft_unseal_key(to, "app", &s.version, &key, &err), KP_INTEGRITY);
    assert_non_null(strstr(err.text, says));
    drop(&s);
}

static void seal_in_clear_is_refused_by_a_vault_with_a_passphrase(void **state)
{
    (void)state;
    assert_other_kind(&CLEAR, &SEALED, "this vault has a passphrase");
    assert_other_kind(&SEALED, &CLEAR, "this vault has no passphrase");
}

static void seal_under_another_key_does_not_open(void **state)
{
    static uint8_t other_key[KPC_SEAL_KEY_LEN] = {9};
    const struct ft_sealer other = {{other_key, sizeof other_key}};
    struct sealed s;
    (void)state;
    make(&s, KP_KTY_OCT, 0, &SEALED);
    assert_int_equal(unseal(&other, "app", &s.version), KP_INTEGRITY);
    drop(&s);
}

static void seal_same_key_twice_never_looks_alike(void **state)
{
    struct sealed s;
    struct kp_error err;
    kp_buf again;
    (void)state;
    make(&s, KP_KTY_OCT, 0, &SEALED);
    kp_buf_init_secret(&again, "test", FT_SEALED_MAX_LEN);
    assert_int_equal(ft_seal_key(&SEALED, "app", &s.version, s.key, &again, &err), KP_OK);
    assert_false(kpb_span_eq(kp_buf_view(&s.text), kp_buf_view(&again)));
    kp_buf_clear(&again);
    drop(&s);
}

static void reseal_moves_a_key_between_vaults(void **state)
{
    static const struct ft_sealer *const WAYS[][2] = {
        {&CLEAR, &SEALED}, {&SEALED, &CLEAR}, {&SEALED, &SEALED}, {&CLEAR, &CLEAR}};
    (void)state;
    for (size_t i = 0; i < sizeof WAYS / sizeof WAYS[0]; i++) {
        struct sealed s;
        struct kp_error err;
        kp_buf moved;
        make(&s, KP_KTY_OCT, 0, WAYS[i][0]);
        kp_buf_init_secret(&moved, "test", FT_SEALED_MAX_LEN);
        assert_int_equal(ft_reseal(WAYS[i][0], WAYS[i][1], "app", &s.version, &moved, &err), KP_OK);
        s.version.sealed = kp_buf_view(&moved);
        assert_int_equal(unseal(WAYS[i][1], "app", &s.version), KP_OK);
        kp_buf_clear(&moved);
        drop(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(seal_opens_for_its_own_name_and_version_only),
        cmocka_unit_test(seal_of_another_public_part_does_not_open),
        cmocka_unit_test(seal_that_was_altered_anywhere_does_not_open),
        cmocka_unit_test(seal_in_clear_is_refused_by_a_vault_with_a_passphrase),
        cmocka_unit_test(seal_under_another_key_does_not_open),
        cmocka_unit_test(seal_same_key_twice_never_looks_alike),
        cmocka_unit_test(reseal_moves_a_key_between_vaults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
