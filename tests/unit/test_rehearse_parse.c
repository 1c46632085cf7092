/* tools/ekm-rehearse/parse: every statement in every form, refusals, and scripts that are
 * damaged. */
#include "tools/ekm-rehearse/parse.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/span.h"
#include "tools/ekm-rehearse/dice.h"

static struct rh_memory memory;

static struct rh_script parse(const char *text)
{
    struct rh_script script = {NULL, 0, NULL, 0};
    struct kp_error err;
    kp_status st = rh_parse(kpb_span_str(text), &memory, &script, &err);

    if (st != KP_OK)
        fail_msg("%s: %s", text, err.text);
    return script;
}

static const struct rh_statement *parse_one(const char *text, enum rh_verb verb)
{
    struct rh_script script = parse(text);
    const struct rh_statement *s = script.statements;

    assert_int_equal(script.n_statements, 1);
    assert_int_equal(s->verb, verb);
    return s;
}

static void assert_text(kp_span span, const char *text)
{
    assert_true(kpb_span_eq_str(span, text));
}

static void assert_refused(const char *text, const char *sentence)
{
    struct rh_script script;
    struct kp_error err;

    assert_int_equal(rh_parse(kpb_span_str(text), &memory, &script, &err), KP_USAGE);
    if (!strstr(err.text, sentence))
        fail_msg("'%s' instead of '%s'", err.text, sentence);
}

static void parse_reads_every_statement(void **state)
{
    static const struct {
        const char *text;
        enum rh_verb verb;
    } known[] = {
        {"EXEC sp_configure 'a', 1", RH_CONFIGURE},
        {"execute sys.sp_configure", RH_CONFIGURE},
        {"sp_configure 'a'", RH_CONFIGURE},
        {"RECONFIGURE WITH OVERRIDE;", RH_RECONFIGURE},
        {"CREATE CRYPTOGRAPHIC PROVIDER p FROM FILE = 'x'", RH_CREATE_PROVIDER},
        {"ALTER CRYPTOGRAPHIC PROVIDER p FROM FILE = 'x'", RH_ALTER_PROVIDER},
        {"ALTER CRYPTOGRAPHIC PROVIDER p ENABLE", RH_ALTER_PROVIDER},
        {"DROP CRYPTOGRAPHIC PROVIDER p", RH_DROP_PROVIDER},
        {"CREATE CREDENTIAL c WITH IDENTITY = 'i'", RH_CREATE_CREDENTIAL},
        {"ALTER CREDENTIAL c WITH IDENTITY = 'i', SECRET = 's'", RH_ALTER_CREDENTIAL},
        {"DROP CREDENTIAL c", RH_DROP_CREDENTIAL},
        {"CREATE LOGIN l FROM ASYMMETRIC KEY k", RH_CREATE_LOGIN},
        {"ALTER LOGIN [D\\l] ADD CREDENTIAL c", RH_ALTER_LOGIN},
        {"DROP LOGIN l", RH_DROP_LOGIN},
        {"CREATE ASYMMETRIC KEY k WITH ALGORITHM = RSA_2048", RH_CREATE_KEY},
        {"DROP ASYMMETRIC KEY k REMOVE PROVIDER KEY", RH_DROP_KEY},
        {"CREATE DATABASE d", RH_CREATE_DATABASE},
        {"DROP DATABASE d", RH_DROP_DATABASE},
        {"ALTER DATABASE d SET ENCRYPTION OFF", RH_SET_ENCRYPTION},
        {"USE d", RH_USE},
        {"CREATE DATABASE ENCRYPTION KEY WITH ALGORITHM = AES_256 ENCRYPTION BY SERVER ASYMMETRIC "
         "KEY k",
         RH_CREATE_DEK},
        {"ALTER DATABASE ENCRYPTION KEY REGENERATE WITH ALGORITHM = AES_128", RH_ALTER_DEK},
        {"ALTER DATABASE ENCRYPTION KEY ENCRYPTION BY SERVER ASYMMETRIC KEY k", RH_ALTER_DEK},
        {"DROP DATABASE ENCRYPTION KEY", RH_DROP_DEK},
        {"BACKUP DATABASE d TO DISK = 'x'", RH_BACKUP},
        {"RESTORE DATABASE d FROM DISK = 'x' WITH REPLACE, STATS = 5", RH_RESTORE},
        {"DECLARE @v varbinary(MAX) = 0x01", RH_DECLARE},
        {"SET @v = CAST(N'a' AS varbinary(10))", RH_SET},
        {"PRINT 'a' + 'b'", RH_PRINT},
        {"SELECT a.*, 1 FROM sys.credentials", RH_N_VERBS},
        {"SELECT * FROM sys.dm_cryptographic_provider_keys(65536) AS k WHERE key_name = 'a' AND "
         "key_id = 1",
         RH_SELECT},
    };

    (void)state;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (known[i].verb == RH_N_VERBS)
            assert_refused(known[i].text, "expected");
        else
            (void)parse_one(known[i].text, known[i].verb);
    }
}

static void parse_key_reads_options_in_any_order(void **state)
{
    const struct rh_statement *s =
        parse_one("create asymmetric key [my key] from provider p with CREATION_DISPOSITION = "
                  "open_existing, provider_key_name = N'k/1'",
                  RH_CREATE_KEY);

    (void)state;
    assert_text(s->as.key.name, "my key");
    assert_text(s->as.key.key_name, "k/1");
    assert_int_equal(s->as.key.disposition, RH_OPEN_EXISTING);
    s = parse_one("CREATE ASYMMETRIC KEY k FROM PROVIDER p WITH PROVIDER_KEY_NAME='n'",
                  RH_CREATE_KEY);
    assert_int_equal(s->as.key.disposition, RH_CREATE_NEW);
}

static void parse_backup_reads_encryption(void **state)
{
    const struct rh_statement *s =
        parse_one("BACKUP DATABASE d TO DISK = 'a' WITH INIT, ENCRYPTION (ALGORITHM = AES_256, "
                  "SERVER ASYMMETRIC KEY = k), STATS",
                  RH_BACKUP);

    (void)state;
    assert_text(s->as.backup.algorithm, "AES_256");
    assert_text(s->as.backup.key, "k");
}

static void parse_go_ends_batches(void **state)
{
    struct rh_script s = parse("GO\nUSE a\nUSE b\nGO 2\n;;\nGO\nUSE c");

    (void)state;
    assert_int_equal(s.n_batches, 2);
    assert_int_equal(s.batches[0].n, 2);
    assert_int_equal(s.batches[0].count, 2);
    assert_int_equal(s.batches[1].first, 2);
    assert_int_equal(s.statements[2].place.line, 7);
}

static void parse_refuses_with_line_and_column(void **state)
{
    (void)state;
    assert_refused("USE a;\n  SHUTDOWN", "line 2, column 3: expected a statement");
    assert_refused("USE", "found the end of the script");
    assert_refused("USE\nGO", "found GO");
    assert_refused("CREATE TABLE t", "column 1");
    assert_refused("CREATE LOGIN l WITH PASSWORD = 'x'", "column 16: expected FROM");
    assert_refused("[USE] a", "expected a statement");
    assert_refused("CREATE ASYMMETRIC KEY k FROM PROVIDER p WITH ALGORITHM = RSA_2048",
                   "needs PROVIDER_KEY_NAME");
    assert_refused("CREATE ASYMMETRIC KEY k FROM PROVIDER p WITH ALGORITHM = A, ALGORITHM = B",
                   "twice");
    assert_refused("DECLARE @v varchar(8001)", "1 to 8000");
    assert_refused("DECLARE @v datetime", "expected a type");
    assert_refused("SELECT *", "expected FROM");
    assert_refused("SELECT 1 FROM dbo.credentials", "schema sys");
    assert_refused("SELECT name FROM sys.credentials WHERE name LIKE 'a'", "expected '='");
    assert_refused("ALTER DATABASE d SET RECOVERY SIMPLE", "column 22: expected ENCRYPTION");
}

/* A SECRET never shows in a refusal. */
static void parse_refusal_keeps_strings_to_itself(void **state)
{
    struct rh_script script;
    struct kp_error err;

    (void)state;
    assert_int_equal(
        rh_parse(kpb_span_str("CREATE CREDENTIAL c WITH 'hunter2'"), &memory, &script, &err),
        KP_USAGE);
    assert_null(strstr(err.text, "hunter2"));
}

static void parse_bounds_depth(void **state)
{
    char text[256];

    (void)state;
    memset(text, '(', sizeof text);
    memcpy(text, "PRINT ", 6);
    text[sizeof text - 1] = '\0';
    assert_refused(text, "32 deep");
    for (size_t i = 0; i < 40; i++)
        memcpy(text + 6 + i * 2, "1+", 3);
    assert_refused(text, "33 terms");
}

/* ---- Damage ---- */

static const char *const seeds[] = {
    "CREATE CRYPTOGRAPHIC PROVIDER [p]]q] FROM FILE = N'C:\\a''b.dll';\nGO 2\n",
    "CREATE CREDENTIAL c WITH IDENTITY = 'v', SECRET = N'\xc3\xa4' FOR CRYPTOGRAPHIC PROVIDER p;",
    "CREATE ASYMMETRIC KEY k FROM PROVIDER p WITH PROVIDER_KEY_NAME = 'n', "
    "CREATION_DISPOSITION = OPEN_EXISTING; /* a /* b */ */ -- c\n",
    "DECLARE @c varbinary(8000) = ENCRYPTBYASYMKEY(ASYMKEY_ID('k'), 0xAB + 0x01);",
    "SELECT DB_NAME(database_id) AS [d], CONVERT(nvarchar(10), (@c)) FROM "
    "sys.dm_database_encryption_keys WHERE encryption_state = 3 AND key_length = 256\nGO\n",
    "BACKUP DATABASE d TO DISK = 'x' WITH FORMAT, ENCRYPTION (ALGORITHM = AES_256, SERVER "
    "ASYMMETRIC KEY = k), STATS = 10",
    "EXEC sp_configure 'EKM provider enabled', 1; RECONFIGURE\nGO\nUSE \"a\"\"b\"\n",
};

#define N_SEEDS (sizeof seeds / sizeof seeds[0])
#define DAMAGED_LEN 1024u

static const char *const snippets[] = {"'",    "[",    "]", "/*", "*/", "--", "\nGO\n",
                                       "0x",   "@",    "(", ")",  "N'", ";",  "=",
                                       "\xff", "\x80", " ", "\"", ",",  "+"};

static size_t splice(struct rh_dice *dice, char *text, size_t len)
{
    const char *with = rh_dice_roll(dice, 2)
                           ? snippets[rh_dice_roll(dice, sizeof snippets / sizeof snippets[0])]
                           : seeds[rh_dice_roll(dice, N_SEEDS)];
    const size_t n = strlen(with);
    const size_t at = rh_dice_roll(dice, (uint32_t)len + 1);

    if (len + n > DAMAGED_LEN)
        return len;
    memmove(text + at + n, text + at, len - at);
    memcpy(text + at, with, n);
    return len + n;
}

static size_t damage(struct rh_dice *dice, char *text, size_t len)
{
    const size_t at = len ? rh_dice_roll(dice, (uint32_t)len) : 0;

    switch (rh_dice_roll(dice, 4)) {
    case 0: /* another byte */
        if (len)
            text[at] = (char)rh_dice_roll(dice, 256);
        return len;
    case 1: /* the end is missing */
        return at;
    case 2: /* a piece is missing */
        if (len)
            memmove(text + at, text + at + 1, len - at - 1);
        return len ? len - 1 : 0;
    default:
        return splice(dice, text, len);
    }
}

/* Whatever the bytes: an answer, with a sentence when it is no. Reads exactly the bytes given. */
static void parse_damaged_scripts_are_read_or_refused(void **state)
{
    struct rh_dice dice;
    unsigned n_read = 0;

    (void)state;
    rh_dice_seed(&dice, 20261128);
    for (unsigned round = 0; round < 20000; round++) {
        char text[DAMAGED_LEN];
        struct rh_script script;
        struct kp_error err;
        const char *seed = seeds[rh_dice_roll(&dice, N_SEEDS)];
        size_t len = strlen(seed);

        memcpy(text, seed, len);
        for (uint32_t n = rh_dice_roll(&dice, 6); n > 0; n--)
            len = damage(&dice, text, len);
        char *exact = rh_memory_take(&memory, len + 1);
        assert_non_null(exact);
        memcpy(exact, text, len);
        kp_status st = rh_parse(kpb_span(exact, len), &memory, &script, &err);
        assert_true(st == KP_OK || (st == KP_USAGE && err.text[0]));
        n_read += st == KP_OK;
        rh_memory_clear(&memory);
    }
    assert_true(n_read > 1000 && n_read < 19000); /* both ways are walked */
}

static int set_up(void **state)
{
    (void)state;
    rh_memory_init(&memory, 1u << 24);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    rh_memory_clear(&memory);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(parse_reads_every_statement, set_up, tear_down),
        cmocka_unit_test_setup_teardown(parse_key_reads_options_in_any_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(parse_backup_reads_encryption, set_up, tear_down),
        cmocka_unit_test_setup_teardown(parse_go_ends_batches, set_up, tear_down),
        cmocka_unit_test_setup_teardown(parse_refuses_with_line_and_column, set_up, tear_down),
        cmocka_unit_test_setup_teardown(parse_refusal_keeps_strings_to_itself, set_up, tear_down),
        cmocka_unit_test_setup_teardown(parse_bounds_depth, set_up, tear_down),
        cmocka_unit_test_setup_teardown(parse_damaged_scripts_are_read_or_refused, set_up,
                                        tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
