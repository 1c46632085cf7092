/* base/signature: what a signature is worth, for each thing the system may say of it. */
#include "base/signature.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define PATH "C:\\plugins\\one.dll"
#define LEN(array) (sizeof(array) / sizeof(array)[0])

static struct kpb_signature signed_by(uint8_t first)
{
    struct kpb_signature signature = {.has_signer = true};

    memset(signature.signer, 0x5a, sizeof signature.signer);
    signature.signer[0] = first;
    return signature;
}

static kp_status judge(const struct kpb_signature *file, const uint8_t *pinned,
                       const struct kpb_signature *own, struct kp_error *err)
{
    kp_error_init(err);
    return kpb_signature_judge(file, pinned, own, PATH, err);
}

static void assert_refused(const struct kpb_signature *file, const uint8_t *pinned,
                           const struct kpb_signature *own, const char *why)
{
    struct kp_error err;

    assert_int_equal(judge(file, pinned, own, &err), KP_CONFIG);
    assert_int_equal(strncmp(err.text, PATH ": ", sizeof PATH + 1), 0);
    if (!strstr(err.text, why))
        fail_msg("'%s' says nothing of '%s'", err.text, why);
}

static void file_of_the_same_signer_is_taken(void **state)
{
    const struct kpb_signature own = signed_by(1);
    const struct kpb_signature file = signed_by(1);
    struct kp_error err;

    (void)state;
    assert_int_equal(judge(&file, NULL, &own, &err), KP_OK);
}

/* One bit is another certificate, whatever name stands in it. */
static void file_of_another_signer_is_refused(void **state)
{
    const struct kpb_signature own = signed_by(1);
    struct kpb_signature file = signed_by(1);

    (void)state;
    for (size_t i = 0; i < KPB_SIGNER_LEN; i++) {
        file.signer[i] ^= 0x80;
        assert_refused(&file, NULL, &own, "another certificate signed it");
        file.signer[i] ^= 0x80;
    }
}

static void pinned_signer_is_the_only_one(void **state)
{
    const struct kpb_signature own = signed_by(1);
    const struct kpb_signature other = signed_by(2);
    struct kp_error err;

    (void)state;
    assert_int_equal(judge(&other, other.signer, &own, &err), KP_OK);
    assert_refused(&own, other.signer, &own,
                   "015a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a");
}

/* A pin stands for itself: what loads the file need not be signed. */
static void pinned_signer_needs_no_signature_of_ours(void **state)
{
    const struct kpb_signature own = {.verdict = KPB_VERDICT_UNSEEN};
    const struct kpb_signature file = signed_by(2);
    struct kp_error err;

    (void)state;
    assert_int_equal(judge(&file, file.signer, &own, &err), KP_OK);
    assert_refused(&file, NULL, &own, "what loads it has no signature that counts");
}

static void unsigned_loader_has_no_fellow(void **state)
{
    const struct kpb_signature nobody = {.verdict = 0};
    const struct kpb_signature no_signature = {.verdict = 0x800B0100u};

    (void)state;
    assert_refused(&nobody, NULL, &nobody, "it names no signer");
    assert_refused(&no_signature, NULL, &no_signature, "there is none (0x800b0100)");
}

static void every_verdict_but_0_is_refused(void **state)
{
    static const struct {
        uint32_t verdict;
        const char *says;
    } cases[] = {
        {0x800B0100u, "there is none"},
        {0x80096010u, "changed after it was signed"},
        {0x800B0109u, "none this machine trusts"},
        {0x800B010Au, "not complete"},
        {0x800B0101u, "has expired"},
        {0x800B010Cu, "was revoked"},
        {0x80092010u, "was revoked"},
        {0x800B0111u, "bans"},
        {0x800B0110u, "not for signing code"},
        {0x80096005u, "time stamp"},
        {0x800B0003u, "none that could have one"},
        {0x800B0001u, "cannot check signatures"},
        {0x800B010Eu, "(0x800b010e)"},
        {1u, "does not accept it (0x00000001)"},
        {0xffffffffu, "does not accept it"},
    };

    (void)state;
    for (size_t i = 0; i < LEN(cases); i++) {
        struct kpb_signature file = signed_by(1);
        const struct kpb_signature own = signed_by(1);

        file.verdict = cases[i].verdict;
        assert_refused(&file, NULL, &own, cases[i].says);
        assert_refused(&file, file.signer, &own, cases[i].says);
        assert_refused(&own, NULL, &file, "what loads it");
    }
}

/* Some settings of an account make the verdict 0 all the same. */
static void chain_with_an_error_is_refused_in_spite_of_the_verdict(void **state)
{
    static const uint32_t bits[] = {0x1u, 0x4u, 0x8u, 0x10u, 0x20u, 0x80u, 0x10000u, 0x04000000u};
    const struct kpb_signature own = signed_by(1);

    (void)state;
    for (size_t i = 0; i < LEN(bits); i++) {
        struct kpb_signature file = signed_by(1);

        file.chain_errors = bits[i];
        assert_non_null(kpb_signature_problem(&file));
        assert_refused(&file, NULL, &own, "its signature does not count");
    }
}

/* CERT_TRUST_REVOCATION_STATUS_UNKNOWN and IS_OFFLINE_REVOCATION: no list is at hand. */
static void chain_without_lists_of_revoked_ones_is_taken(void **state)
{
    struct kpb_signature file = signed_by(1);

    (void)state;
    file.chain_errors = 0x40u | 0x01000000u;
    assert_null(kpb_signature_problem(&file));
}

static void only_missing_lists_are_asked_about_again(void **state)
{
    (void)state;
    assert_true(kpb_signature_lacks_lists(0x80092012u));
    assert_true(kpb_signature_lacks_lists(0x80092013u));
    assert_true(kpb_signature_lacks_lists(0x800B010Eu));
    assert_false(kpb_signature_lacks_lists(0));
    assert_false(kpb_signature_lacks_lists(0x800B010Cu));
    assert_false(kpb_signature_lacks_lists(0x80092010u));
}

static void file_that_nobody_looked_at_has_a_problem(void **state)
{
    const struct kpb_signature unseen = {.verdict = KPB_VERDICT_UNSEEN};

    (void)state;
    assert_non_null(kpb_signature_problem(&unseen));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(file_of_the_same_signer_is_taken),
        cmocka_unit_test(file_of_another_signer_is_refused),
        cmocka_unit_test(pinned_signer_is_the_only_one),
        cmocka_unit_test(pinned_signer_needs_no_signature_of_ours),
        cmocka_unit_test(unsigned_loader_has_no_fellow),
        cmocka_unit_test(every_verdict_but_0_is_refused),
        cmocka_unit_test(chain_with_an_error_is_refused_in_spite_of_the_verdict),
        cmocka_unit_test(chain_without_lists_of_revoked_ones_is_taken),
        cmocka_unit_test(only_missing_lists_are_asked_about_again),
        cmocka_unit_test(file_that_nobody_looked_at_has_a_problem),
    };

    return cmocka_run_group_tests_name("signature", tests, NULL, NULL);
}
