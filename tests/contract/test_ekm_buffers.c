/*
 * The engine's buffers: NULL, short, exact and long ones, poisoned all around; what is not asked
 * for stays as it is. And arguments that are none.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/ekm_engine.h"

#define POISON 0xa5

static struct engine engine;
static struct script_vault *script;
static SqlCpSession session;
static struct engine_key key;

static int begin(void **state)
{
    (void)state;
    engine_begin(&engine, NULL);
    script = script_vault("s");
    engine_answers(script);
    session = engine_script_session(&engine);
    assert_int_equal(engine_key_by_name(session, "k", &key), 0);
    return 0;
}

static int end(void **state)
{
    (void)state;
    engine_close(session);
    engine_end(&engine);
    return 0;
}

/* Exactly n bytes, so that a sanitizer sees one more; the caller frees. */
static void *poisoned(size_t n)
{
    void *p = malloc(n ? n : 1);

    assert_non_null(p);
    memset(p, POISON, n ? n : 1);
    return p;
}

static void assert_poison(const void *p, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++)
        assert_int_equal(((const uint8_t *)p)[i], POISON);
}

/* ---- Provider info ---- */

static void provider_info_is_asked_twice(void **state)
{
    SqlCpProviderInfo info;
    uint16_t *name;
    uint32_t need;

    (void)state;
    memset(&info, POISON, sizeof info);
    info.name.ws = NULL;
    assert_int_equal(SqlCryptGetProviderInfo(&info), scp_err_InsufficientBuffer);
    need = info.name.cb;
    assert_true(need > 0 && need % 2 == 0 && need <= x_cbFriendlyNameMaxLen);
    name = poisoned(need);
    info.name.ws = name;
    info.name.cb = need - 1;
    assert_int_equal(SqlCryptGetProviderInfo(&info), scp_err_InsufficientBuffer);
    assert_int_equal(info.name.cb, need);
    assert_poison(name, 0, need);
    assert_int_equal(SqlCryptGetProviderInfo(&info), 0);
    assert_ptr_equal(info.name.ws, name);
    assert_int_equal(info.name.cb, need);
    assert_int_equal(info.scpVersion.major, 1);
    assert_int_equal(info.scpVersion.minor, 1);
    assert_int_equal(info.authType, scp_auth_Basic);
    assert_int_equal(info.asymmKeySupport, scp_kf_Supported);
    assert_int_equal(info.cbKeyThumbLen, 20);
    assert_int_equal(info.fAcceptsKeyName, 1);
    assert_int_equal(((uint8_t *)&info)[63], 0); /* padding too */
    free(name);
}

/* They stand in the catalogue of every server that ever registered us. */
static void provider_guid_and_version_never_change(void **state)
{
    static const uint8_t guid[16] = {0x52, 0x9f, 0x0c, 0x6d, 0x1e, 0x3b, 0x7a, 0x4d,
                                     0x9c, 0x41, 0x2e, 0x85, 0xd1, 0x7f, 0x0a, 0x63};
    uint16_t name[64];
    SqlCpProviderInfo info = {.name = {sizeof name, name}};

    (void)state;
    assert_int_equal(SqlCryptGetProviderInfo(&info), 0);
    assert_memory_equal(&info.guid, guid, sizeof guid);
    assert_int_equal(info.version.major, 1);
    assert_int_equal(info.version.minor, 0);
    assert_int_equal(info.version.build, 0);
    assert_int_equal(info.version.revision, 0);
}

static void algorithm_info_is_asked_twice(void **state)
{
    SqlCpAlgId id = 0;
    SqlCpAlgorithmInfo info = {0};
    uint16_t *tag;

    (void)state;
    assert_int_equal(SqlCryptGetNextAlgorithmId(&id), 0);
    assert_int_equal(id, 1);
    assert_int_equal(SqlCryptGetAlgorithmInfo(id, &info), scp_err_InsufficientBuffer);
    assert_int_equal(info.algTag.cb, 16);
    tag = poisoned(16);
    info.algTag.ws = tag;
    assert_int_equal(SqlCryptGetAlgorithmInfo(id, &info), 0);
    assert_int_equal(info.bitLen, 2048);
    assert_int_equal(info.type, scp_kt_Asymmetric);
    assert_int_equal(info.ivLen, 0);
    free(tag);
    info.algTag = (SqlCpStr){0, NULL};
    assert_int_equal(SqlCryptGetNextAlgorithmId(&id), 0);
    assert_int_equal(id, 3); /* RSA_3072 is not offered */
    assert_int_equal(SqlCryptGetNextAlgorithmId(&id), scp_err_NotFound);
    assert_int_equal(SqlCryptGetAlgorithmInfo(2, &info), scp_err_InsufficientBuffer);
    assert_int_equal(SqlCryptGetAlgorithmInfo(9, &info), scp_err_NotFound);
}

/* ---- Key info ---- */

/* Both are looked at in one pass, and nothing is written while either is too small. */
static void key_info_tells_both_sizes_at_once(void **state)
{
    SqlCpKeyThumbprint thumb = {key.thumb_len, key.thumb};
    uint8_t *pb = poisoned(20);
    uint16_t *ws = poisoned(2);
    SqlCpKeyInfo info = {.name = {0, NULL}, .thumb = {19, pb}, .algId = 77};

    (void)state;
    assert_int_equal(SqlCryptGetKeyInfoByThumb(&session, &thumb, &info),
                     scp_err_InsufficientBuffer);
    assert_int_equal(info.name.cb, 2);
    assert_int_equal(info.thumb.cb, 20);
    assert_int_equal(info.algId, 77);
    info.name.cb = 1;
    info.name.ws = ws;
    assert_int_equal(SqlCryptGetKeyInfoByThumb(&session, &thumb, &info),
                     scp_err_InsufficientBuffer);
    assert_poison(pb, 0, 20);
    assert_poison(ws, 0, 2);
    assert_int_equal(SqlCryptGetKeyInfoByThumb(&session, &thumb, &info), 0);
    assert_ptr_equal(info.name.ws, ws);
    assert_ptr_equal(info.thumb.pb, pb);
    assert_memory_equal(pb, key.thumb, 20);
    assert_int_equal(info.algId, 1);
    free(ws);
    free(pb);
}

/* A probe and the call after it: one fetch. The next pair asks again, for the key may have gone. */
static void a_pair_of_calls_fetches_once(void **state)
{
    struct engine_key again;
    uint32_t before = script_counts(script).n_submit;
    uint32_t one;

    (void)state;
    assert_int_equal(engine_key_by_name(session, "k", &again), 0);
    one = script_counts(script).n_submit - before;
    assert_true(one >= 1);
    assert_int_equal(engine_export(session, &again), 0); /* from the copy */
    assert_int_equal(script_counts(script).n_submit - before, one);
    assert_int_equal(engine_key_by_name(session, "k", &again), 0);
    assert_int_equal(script_counts(script).n_submit - before, 2 * one);
}

static void long_buffers_are_written_as_far_as_needed(void **state)
{
    SqlCpKeyThumbprint thumb = {key.thumb_len, key.thumb};
    uint8_t *bytes = poisoned(1000);
    SqlCpKeyBlob blob = {1000, bytes};

    (void)state;
    assert_int_equal(SqlCryptExportKey(&session, &thumb, NULL, scp_kb_PublicKeyBlob, &blob), 0);
    assert_int_equal(blob.cb, 283);
    assert_poison(bytes, 283, 1000);
    free(bytes);
}

/* ---- Encrypt and decrypt ---- */

static void probes_never_reach_the_vault(void **state)
{
    SqlCpKeyThumbprint thumb = {key.thumb_len, key.thumb};
    uint8_t in[256] = {1};
    SqlCpData data = {16, in};
    SqlCpData out = {0, NULL};
    uint32_t before = script_counts(script).n_submit;

    (void)state;
    assert_int_equal(SqlCryptEncrypt(&session, &thumb, 1, NULL, 0, &data, &out),
                     scp_err_InsufficientBuffer);
    assert_int_equal(out.cb, 256);
    out = (SqlCpData){255, in};
    assert_int_equal(SqlCryptEncrypt(&session, &thumb, 1, NULL, 0, &data, &out),
                     scp_err_InsufficientBuffer);
    assert_int_equal(out.cb, 256);
    out = (SqlCpData){0, NULL};
    assert_int_equal(SqlCryptDecrypt(&session, &thumb, 1, NULL, 0, &data, &out),
                     scp_err_InsufficientBuffer);
    assert_int_equal(out.cb, 256);
    assert_int_equal(script_counts(script).n_submit, before);
}

static void decrypt_into_too_small_a_buffer_tells_the_size_and_writes_nothing(void **state)
{
    SqlCpKeyThumbprint thumb = {key.thumb_len, key.thumb};
    uint8_t in[32] = {3};
    uint8_t *value = poisoned(31);
    SqlCpData data = {32, in};
    SqlCpData out = {31, value};

    (void)state;
    assert_int_equal(SqlCryptDecrypt(&session, &thumb, 1, NULL, 0, &data, &out),
                     scp_err_InsufficientBuffer);
    assert_int_equal(out.cb, 32);
    assert_poison(value, 0, 31);
    free(value);
    value = poisoned(32);
    out = (SqlCpData){32, value};
    assert_int_equal(SqlCryptDecrypt(&session, &thumb, 1, NULL, 0, &data, &out), 0);
    assert_memory_equal(value, in, 32);
    free(value);
}

/* ---- Arguments that are none ---- */

static void null_and_nonsense_are_invalid_arguments(void **state)
{
    SqlCpSession none = NULL;
    SqlCpKeyThumbprint thumb = {key.thumb_len, key.thumb};
    SqlCpKeyThumbprint lies = {20, NULL};
    uint8_t bytes[33] = {1};
    SqlCpKeyThumbprint long_thumb = {33, bytes};
    SqlCpData data = {16, bytes};
    SqlCpData no_data = {16, NULL};
    SqlCpData out = {33, bytes};
    uint16_t units[] = {'k'};
    SqlCpStr name = {2, units};
    SqlCpStr half = {1, units};
    SqlCpStr lying_name = {2, NULL};
    SqlCpKeyInfo info = {0};
    SqlCpEncryptionParam iv = {scp_ep_IV, 16, bytes};
    SqlCpCredential credential = {lying_name, name};
    const SqlCpError bad = scp_err_InvalidArgument;

    (void)state;
    assert_int_equal(SqlCryptOpenSession(NULL, &none), bad);
    assert_int_equal(SqlCryptOpenSession(&credential, &none), bad);
    assert_int_equal(SqlCryptOpenSession(&credential, NULL), bad);
    assert_int_equal(SqlCryptCloseSession(NULL, 0), bad);
    assert_int_equal(SqlCryptGetProviderInfo(NULL), bad);
    assert_int_equal(SqlCryptGetNextAlgorithmId(NULL), bad);
    assert_int_equal(SqlCryptGetAlgorithmInfo(1, NULL), bad);
    assert_int_equal(SqlCryptCreateKey(&session, &name, 1, 0, NULL), bad);
    assert_int_equal(SqlCryptCreateKey(&session, NULL, 1, 0, &thumb), bad);
    assert_int_equal(SqlCryptCreateKey(NULL, &name, 1, 0, &thumb), bad);
    assert_int_equal(SqlCryptDropKey(&session, NULL), bad);
    assert_int_equal(SqlCryptDropKey(&session, &lies), bad);
    assert_int_equal(SqlCryptGetNextKeyId(&session, NULL), bad);
    assert_int_equal(SqlCryptGetKeyInfoByKeyId(&session, 1, NULL), bad);
    assert_int_equal(SqlCryptGetKeyInfoByThumb(&session, NULL, &info), bad);
    assert_int_equal(SqlCryptGetKeyInfoByThumb(&session, &long_thumb, &info), bad);
    assert_int_equal(SqlCryptGetKeyInfoByThumb(&session, &thumb, NULL), bad);
    assert_int_equal(SqlCryptGetKeyInfoByName(&session, NULL, &info), bad);
    assert_int_equal(SqlCryptGetKeyInfoByName(&session, &half, &info), bad);
    assert_int_equal(SqlCryptGetKeyInfoByName(&session, &lying_name, &info), bad);
    assert_int_equal(SqlCryptGetKeyInfoByName(&none, &name, &info), bad);
    assert_int_equal(SqlCryptExportKey(&session, &thumb, NULL, scp_kb_PublicKeyBlob, NULL), bad);
    assert_int_equal(SqlCryptImportKey(&session, NULL, NULL, 0, 0, NULL), bad);
    assert_int_equal(SqlCryptEncrypt(&session, &thumb, 1, NULL, 0, NULL, &out), bad);
    assert_int_equal(SqlCryptEncrypt(&session, &thumb, 1, NULL, 0, &no_data, &out), bad);
    assert_int_equal(SqlCryptEncrypt(&session, &thumb, 1, NULL, 0, &data, NULL), bad);
    assert_int_equal(SqlCryptEncrypt(&session, &thumb, 1, NULL, 1, &data, &out), bad);
    assert_int_equal(SqlCryptEncrypt(&session, &thumb, 1, &iv, 1, &data, &out), bad);
    assert_int_equal(SqlCryptEncrypt(&session, NULL, 1, NULL, 0, &data, &out), bad);
    assert_int_equal(SqlCryptDecrypt(&session, &lies, 1, NULL, 0, &data, &out), bad);
}

static void what_is_not_served_is_said_so(void **state)
{
    SqlCpKeyThumbprint thumb = {key.thumb_len, key.thumb};
    uint16_t units[] = {'k'};
    SqlCpStr name = {2, units};
    uint8_t bytes[300];
    SqlCpData data = {16, bytes};
    SqlCpData out = {sizeof bytes, bytes};
    SqlCpKeyBlob blob = {sizeof bytes, bytes};
    const SqlCpError no = scp_err_NotSupported;

    (void)state;
    memset(bytes, 1, sizeof bytes);
    assert_int_equal(SqlCryptImportKey(&session, &name, NULL, 1, 0, &blob), no);
    assert_int_equal(SqlCryptExportKey(&session, &thumb, NULL, scp_kb_SimpleBlob, &blob), no);
    assert_int_equal(SqlCryptExportKey(&session, &thumb, &thumb, scp_kb_PublicKeyBlob, &blob), no);
    assert_int_equal(SqlCryptEncrypt(&session, &thumb, 0, NULL, 0, &data, &out), no);
    data.cb = 191; /* one more than OAEP with SHA-256 leaves of 256 */
    assert_int_equal(SqlCryptEncrypt(&session, &thumb, 1, NULL, 0, &data, &out),
                     scp_err_InvalidArgument);
    data.cb = 190;
    assert_int_equal(SqlCryptEncrypt(&session, &thumb, 1, NULL, 0, &data, &out), scp_err_Success);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(provider_info_is_asked_twice, begin, end),
        cmocka_unit_test_setup_teardown(provider_guid_and_version_never_change, begin, end),
        cmocka_unit_test_setup_teardown(algorithm_info_is_asked_twice, begin, end),
        cmocka_unit_test_setup_teardown(key_info_tells_both_sizes_at_once, begin, end),
        cmocka_unit_test_setup_teardown(a_pair_of_calls_fetches_once, begin, end),
        cmocka_unit_test_setup_teardown(long_buffers_are_written_as_far_as_needed, begin, end),
        cmocka_unit_test_setup_teardown(probes_never_reach_the_vault, begin, end),
        cmocka_unit_test_setup_teardown(
            decrypt_into_too_small_a_buffer_tells_the_size_and_writes_nothing, begin, end),
        cmocka_unit_test_setup_teardown(null_and_nonsense_are_invalid_arguments, begin, end),
        cmocka_unit_test_setup_teardown(what_is_not_served_is_said_so, begin, end),
    };

    return cmocka_run_group_tests_name("ekm_buffers", tests, NULL, NULL);
}
