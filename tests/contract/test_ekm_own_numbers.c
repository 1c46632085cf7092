/*
 * The numbers that are the provider's own and no vault's: each is provoked through the exports, by
 * what a DBA or an engine can do. That the table is whole is checked against the documented rows;
 * what a vault answers with is test_ekm_numbers.c's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/span.h"
#include "support/ekm_engine.h"
#include "support/memory_hooks.h"

#define FIRST_OF_VAULTS 3000u

static struct engine engine;

static SqlCpSession begin_on_script(const char *ekm)
{
    engine_begin(&engine, ekm);
    engine_answers(script_vault("s"));
    return engine_script_session(&engine);
}

static void end(SqlCpSession session)
{
    if (session)
        engine_close(session);
    engine_end(&engine);
}

/* ---- Provoking ---- */

static SqlCpError call_before_initialize(void)
{
    SqlCpAlgId id = x_scp_AlgIdBad;
    SqlCpError number;

    engine_prepare(&engine, NULL);
    number = SqlCryptGetNextAlgorithmId(&id);
    assert_int_equal(SqlCryptInitializeProvider(), 0);
    end(NULL);
    return number;
}

static SqlCpError ask_for_a_size(void)
{
    SqlCpProviderInfo info;
    SqlCpError number;

    memset(&info, 0, sizeof info);
    engine_begin(&engine, NULL);
    number = SqlCryptGetProviderInfo(&info);
    end(NULL);
    return number;
}

static SqlCpError import_a_key(void)
{
    SqlCpSession session = begin_on_script(NULL);
    uint16_t units[ENGINE_TEXT_MAX];
    SqlCpStr name = engine_str("k", units);
    uint8_t bytes[4] = {1};
    SqlCpKeyBlob blob = {sizeof bytes, bytes};
    SqlCpError number = SqlCryptImportKey(&session, &name, NULL, scp_kb_PublicKeyBlob, 0, &blob);

    end(session);
    return number;
}

static SqlCpError ask_for_an_unknown_algorithm(void)
{
    SqlCpAlgorithmInfo info;
    SqlCpError number;

    memset(&info, 0, sizeof info);
    engine_begin(&engine, NULL);
    number = SqlCryptGetAlgorithmInfo(99, &info);
    end(NULL);
    return number;
}

static SqlCpError open_with(const char *identity, const char *secret)
{
    SqlCpSession session = NULL;
    SqlCpError number;

    engine_begin(&engine, NULL);
    number = engine_open(&engine, identity, secret, &session);
    assert_null(session);
    end(NULL);
    return number;
}

static SqlCpError open_what_is_not_allowed(void)
{
    return open_with("file:/etc", "");
}

static SqlCpError open_with_a_short_secret(void)
{
    return open_with("contoso", "short");
}

static SqlCpError give_null(void)
{
    SqlCpError number;

    engine_begin(&engine, NULL);
    number = SqlCryptOpenSession(NULL, NULL);
    end(NULL);
    return number;
}

static SqlCpError name_a_key(const char *name)
{
    SqlCpSession session = begin_on_script(", \"thumbprint\": \"name\"");
    struct engine_key key;
    SqlCpError number = engine_key_by_name(session, name, &key);

    end(session);
    return number;
}

static SqlCpError name_a_key_of_27_characters(void)
{
    return name_a_key("abcdefghijklmnopqrstuvwxyz0");
}

static SqlCpError name_a_key_with_another_character(void)
{
    return name_a_key("under_score");
}

static SqlCpError open_without_memory(void)
{
    SqlCpSession session = NULL;
    SqlCpError number;

    engine_begin(&engine, NULL);
    memory_hooks_fail("ekm.session", 1);
    number = engine_open(&engine, "config:s", "open", &session);
    memory_hooks_fail(NULL, 0);
    end(NULL);
    return number;
}

/* The same version with another public key. */
static kp_status answer_another_key(struct script_op *op)
{
    static uint8_t n[256];
    static const uint8_t e[] = {1, 0, 1};
    const struct kp_host *host = script_host(script_op_vault(op));
    const struct kp_request *request = script_op_request(op);
    const struct kp_key_info key = {.struct_size = sizeof key,
                                    .kty = KP_KTY_RSA,
                                    .bits = 2048,
                                    .key_ops = KP_KEY_OP_WRAP | KP_KEY_OP_UNWRAP,
                                    .flags = KP_KEY_ENABLED,
                                    .name = request->name,
                                    .version = kpb_span_str("1"),
                                    .n = kpb_span(n, sizeof n),
                                    .e = kpb_span(e, sizeof e),
                                    .not_before_unix_s = KP_TIME_NONE,
                                    .expires_unix_s = KP_TIME_NONE,
                                    .created_unix_s = KP_TIME_NONE,
                                    .updated_unix_s = KP_TIME_NONE,
                                    .deleted_unix_s = KP_TIME_NONE,
                                    .scheduled_purge_unix_s = KP_TIME_NONE};
    const struct kp_reply reply = {.struct_size = sizeof reply, .key = &key};

    memset(n, 0xd7, sizeof n);
    script_op_mark_finished(op);
    return host->finish(host->self, script_op_id(op), KP_OK, &reply, NULL);
}

static SqlCpError open_a_key_that_became_another(void)
{
    SqlCpSession session = begin_on_script(NULL);
    struct engine_key key;
    SqlCpError number;

    assert_int_equal(engine_key_by_name(session, "k", &key), 0);
    engine_close(session);
    script_usually(script_vault("s"),
                   (struct script_act){.how = SCRIPT_CALL, .call = answer_another_key});
    session = engine_script_session(&engine);
    number = engine_key_by_thumb(session, &key);
    end(session);
    return number;
}

/* Two versions of one name have one thumbprint where that is made of the name. */
static SqlCpError open_a_second_version_of_a_name(void)
{
    SqlCpSession session = begin_on_script(", \"thumbprint\": \"name\"");
    struct engine_key key;
    SqlCpError number;

    assert_int_equal(engine_key_by_name(session, "k", &key), 0);
    number = engine_key_by_name(session, "k/2", &key);
    end(session);
    return number;
}

static SqlCpError record_where_nothing_can_be_written(void)
{
    SqlCpSession session;
    struct engine_key key;
    SqlCpError number;
    char *path;

    engine_prepare(&engine, NULL);
    path = strstr(engine.config, "/map.json");
    assert_non_null(path);
    memcpy(path, "/x/m.json", strlen("/x/m.json")); /* in a folder that is not there */
    assert_int_equal(SqlCryptInitializeProvider(), 0);
    engine_answers(script_vault("s"));
    session = engine_script_session(&engine);
    number = engine_key_by_name(session, "k", &key);
    end(session);
    return number;
}

/* ---- The table ---- */

static const struct {
    uint32_t number;
    SqlCpError (*provoke)(void);
} rows[] = {
    {scp_err_Failure, call_before_initialize},
    {scp_err_InsufficientBuffer, ask_for_a_size},
    {scp_err_NotSupported, import_a_key},
    {scp_err_NotFound, ask_for_an_unknown_algorithm},
    {scp_err_AuthFailure, open_what_is_not_allowed},
    {scp_err_InvalidArgument, give_null},
    {2049, name_a_key_of_27_characters},
    {2050, open_with_a_short_secret},
    {2051, open_without_memory},
    {2052, name_a_key_with_another_character},
    {2053, open_a_key_that_became_another},
    {2057, open_a_second_version_of_a_name},
    {2058, record_where_nothing_can_be_written},
};

#define N_ROWS (sizeof rows / sizeof rows[0])

static void each_number_of_the_providers_own_is_provoked(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_ROWS; i++) {
        SqlCpError number = rows[i].provoke();

        if ((uint32_t)number != rows[i].number)
            fail_msg("%d instead of %u", (int)number, rows[i].number);
    }
}

static bool is_in_table(uint32_t number)
{
    size_t i = 0;

    while (i < N_ROWS && rows[i].number != number)
        i++;
    return i < N_ROWS;
}

static void no_number_of_the_providers_own_is_missing(void **state)
{
    (void)state;
    for (size_t i = 0; kp_code_at(i); i++) {
        const struct kp_code_info *info = kp_code_at(i);

        if (info->origin == KP_ORIGIN_EMITTED && info->code < FIRST_OF_VAULTS &&
            !is_in_table(info->code))
            fail_msg("%u is documented and provoked by nobody", info->code);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_number_of_the_providers_own_is_provoked),
        cmocka_unit_test(no_number_of_the_providers_own_is_missing),
    };

    memory_hooks_install();
    return cmocka_run_group_tests_name("ekm_own_numbers", tests, NULL, NULL);
}
