/* cli/options and cli/commands: what the command line may say. */
#include "cli/commands.h"
#include "cli/options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* Arguments, found command and error of one reading. */
struct reading {
    struct cli_args args;
    const struct cli_command *command;
    struct kp_error err;
    kp_status status;
};

static void read_args(struct reading *r, int argc, const char *const *argv)
{
    memset(r, 0, sizeof *r);
    kp_error_init(&r->err);
    r->status = cli_args_parse(argc, (char *const *)(uintptr_t)argv, &r->args, &r->err);
    if (r->status == KP_OK) {
        r->status = cli_command_find(&r->args, &r->command, &r->err);
    }
    if (r->status == KP_OK) {
        r->status = cli_command_check(r->command, &r->args, &r->err);
    }
}

#define READ(r, ...)                                                                               \
    do {                                                                                           \
        const char *const argv_[] = {"kp", __VA_ARGS__, NULL};                                     \
        read_args((r), (int)(sizeof argv_ / sizeof argv_[0]) - 1, argv_);                          \
    } while (0)

static void assert_refused(const struct reading *r, const char *part)
{
    assert_int_equal(r->status, KP_USAGE);
    if (!strstr(r->err.text, part)) {
        fail_msg("'%s' lacks '%s'", r->err.text, part);
    }
}

static void options_mix_with_words(void **state)
{
    struct reading r;
    (void)state;
    READ(&r, "-V", "file:./vault", "key", "create", "app", "--type", "RSA", "--size=3072");
    assert_int_equal(r.status, KP_OK);
    assert_string_equal(r.command->name, "key create");
    assert_int_equal(r.args.n_operands, 1);
    assert_string_equal(r.args.operands[0], "app");
    assert_string_equal(r.args.value[CLI_OPT_VAULT], "file:./vault");
    assert_string_equal(r.args.value[CLI_OPT_TYPE], "RSA");
    assert_string_equal(r.args.value[CLI_OPT_SIZE], "3072");
}

static void letters_stand_together_and_touch_their_value(void **state)
{
    struct reading r;
    (void)state;
    READ(&r, "wrap", "app", "-hVx");
    assert_int_equal(r.status, KP_OK);
    assert_true(r.args.given & CLI_OPT_BIT(CLI_OPT_HELP));
    assert_string_equal(r.args.value[CLI_OPT_VAULT], "x");
    READ(&r, "wrap", "app", "-hV", "-y");
    assert_int_equal(r.status, KP_OK);
    assert_string_equal(r.args.value[CLI_OPT_VAULT], "-y");
}

static void value_may_be_empty_or_hold_an_equals_sign(void **state)
{
    struct reading r;
    (void)state;
    READ(&r, "wrap", "app", "--alg=", "--out=a=b");
    assert_int_equal(r.status, KP_OK);
    assert_string_equal(r.args.value[CLI_OPT_ALG], "");
    assert_string_equal(r.args.value[CLI_OPT_OUT], "a=b");
}

static void double_dash_ends_options(void **state)
{
    struct reading r;
    (void)state;
    READ(&r, "wrap", "--", "--raw");
    assert_int_equal(r.status, KP_OK);
    assert_string_equal(r.args.operands[0], "--raw");
    assert_false(r.args.given & CLI_OPT_BIT(CLI_OPT_RAW));
}

static void dash_alone_is_a_value(void **state)
{
    struct reading r;
    (void)state;
    READ(&r, "wrap", "app", "--out", "-", "--in", "-");
    assert_int_equal(r.status, KP_OK);
    assert_string_equal(r.args.value[CLI_OPT_OUT], "-");
}

static void tags_repeat_up_to_the_limit(void **state)
{
    const char *argv[3 + 2 * (KP_TAGS_MAX + 1) + 1] = {"kp", "key", "create"};
    struct reading r;
    int n = 3;
    (void)state;
    argv[n++] = "app";
    for (unsigned i = 0; i < KP_TAGS_MAX; i++) {
        argv[n++] = "--tag";
        argv[n++] = "a=b";
    }
    read_args(&r, n, argv);
    assert_int_equal(r.status, KP_OK);
    assert_int_equal(r.args.n_tags, KP_TAGS_MAX);
    argv[n++] = "--tag=a=b";
    read_args(&r, n, argv);
    assert_refused(&r, "more than 15 tags");
}

static void wrong_options_are_named(void **state)
{
    struct reading r;
    (void)state;
    READ(&r, "wrap", "app", "--alg", "A", "--alg", "B");
    assert_refused(&r, "--alg is given twice");
    READ(&r, "wrap", "app", "--alg");
    assert_refused(&r, "--alg needs a value");
    READ(&r, "-V");
    assert_refused(&r, "-V needs a value");
    READ(&r, "wrap", "app", "--raw=1");
    assert_refused(&r, "--raw takes no value");
    READ(&r, "wrap", "app", "--vualt", "x");
    assert_refused(&r, "did you mean --vault?");
    READ(&r, "wrap", "app", "--vaul", "x");
    assert_refused(&r, "unknown option '--vaul'; did you mean --vault?");
    READ(&r, "wrap", "app", "-x");
    assert_refused(&r, "unknown option '-x'");
    READ(&r, "wrap", "app", "-hx");
    assert_refused(&r, "unknown option '-hx'");
    READ(&r, "wrap", "app", "-hV");
    assert_refused(&r, "-hV needs a value");
    READ(&r, "wrap", "app", "--size", "1");
    assert_refused(&r, "--size is not an option of 'wrap'");
}

static void wrong_commands_are_named(void **state)
{
    struct reading r;
    (void)state;
    READ(&r, "--json");
    assert_refused(&r, "no command given");
    READ(&r, "warp", "app");
    assert_refused(&r, "did you mean 'wrap'?");
    READ(&r, "frobnicate");
    assert_refused(&r, "there is no command 'frobnicate'");
    READ(&r, "key");
    assert_refused(&r, "'key' needs one more word: create, import, list");
    READ(&r, "key", "rotat", "app");
    assert_refused(&r, "did you mean 'key rotate'?");
    READ(&r, "config", "chekc");
    assert_refused(&r, "did you mean 'config check'?");
}

static void wrong_number_of_operands_is_named(void **state)
{
    struct reading r;
    (void)state;
    READ(&r, "wrap");
    assert_refused(&r, "KEY is missing");
    READ(&r, "wrap", "a", "b");
    assert_refused(&r, "one argument too many: 'b'");
    READ(&r, "key", "list", "x");
    assert_refused(&r, "one argument too many: 'x'");
    READ(&r, "wrap", "1", "2", "3", "4", "5", "6", "7", "8");
    assert_refused(&r, "too many arguments, from '8' on");
}

static void every_command_is_found_by_its_name(void **state)
{
    (void)state;
    for (size_t i = 0; cli_command_at(i); i++) {
        const struct cli_command *command = cli_command_at(i);
        assert_ptr_equal(cli_command_named(command->name), command);
        assert_non_null(command->run);
        assert_true(command->summary[0] != '\0');
        assert_true(command->n_operands_min <= command->n_operands_max);
        assert_int_equal(command->options & CLI_OPTS_COMMON, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_mix_with_words),
        cmocka_unit_test(letters_stand_together_and_touch_their_value),
        cmocka_unit_test(value_may_be_empty_or_hold_an_equals_sign),
        cmocka_unit_test(double_dash_ends_options),
        cmocka_unit_test(dash_alone_is_a_value),
        cmocka_unit_test(tags_repeat_up_to_the_limit),
        cmocka_unit_test(wrong_options_are_named),
        cmocka_unit_test(wrong_commands_are_named),
        cmocka_unit_test(wrong_number_of_operands_is_named),
        cmocka_unit_test(every_command_is_found_by_its_name),
    };
    return cmocka_run_group_tests_name("cli_args", tests, NULL, NULL);
}
