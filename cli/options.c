#include "cli/options.h"

#include <getopt.h>
#include <string.h>

#include "base/errors.h"
#include "base/span.h"
#include "cli/values.h"

#define OPT_VALUE_BASE 256 /* above every short option's character */
#define WORD_VALUE 1 /* what getopt_long answers for a word when the short options start with - */

static const struct cli_opt_info OPTIONS[CLI_OPT_COUNT] = {
#define XX(symbol, letter, name, argument, doc) {name, argument, doc, letter},
    CLI_OPT_MAP(XX)
#undef XX
};

const struct cli_opt_info *cli_opt_info(enum cli_opt opt)
{
    return &OPTIONS[opt];
}

static void fill_long_options(struct option *longs)
{
    for (int i = 0; i < CLI_OPT_COUNT; i++) {
        longs[i].name = OPTIONS[i].name;
        longs[i].has_arg = OPTIONS[i].argument ? required_argument : no_argument;
        longs[i].flag = NULL;
        longs[i].val = OPT_VALUE_BASE + i;
    }
    memset(&longs[CLI_OPT_COUNT], 0, sizeof longs[CLI_OPT_COUNT]);
}

static kp_status add_word(struct cli_args *args, const char *word, struct kp_error *reterr)
{
    if (args->n_words == CLI_WORDS_MAX) {
        return kpb_fail(reterr, KP_USAGE, "too many arguments, from '%s' on", word);
    }
    args->words[args->n_words++] = word;
    return KP_OK;
}

static kp_status add_option(struct cli_args *args, enum cli_opt opt, const char *value,
                            struct kp_error *reterr)
{
    if (opt == CLI_OPT_TAG) {
        if (args->n_tags == KP_TAGS_MAX) {
            return kpb_fail(reterr, KP_USAGE, "more than %u tags", KP_TAGS_MAX);
        }
        args->tags[args->n_tags++] = value;
    } else if (args->given & CLI_OPT_BIT(opt)) {
        return kpb_fail(reterr, KP_USAGE, "--%s is given twice", OPTIONS[opt].name);
    }
    args->given |= CLI_OPT_BIT(opt);
    args->value[opt] = value;
    return KP_OK;
}

static kp_status refuse_unknown(const char *text, struct kp_error *reterr)
{
    const char *names[CLI_OPT_COUNT];
    for (int i = 0; i < CLI_OPT_COUNT; i++) {
        names[i] = OPTIONS[i].name;
    }
    const char *word = text + strspn(text, "-");
    const char *near = cli_nearest(word, names, CLI_OPT_COUNT);
    if (near) {
        return kpb_fail(reterr, KP_USAGE, "unknown option '%s'; did you mean --%s?", text, near);
    }
    return kpb_fail(reterr, KP_USAGE, "unknown option '%s'", text);
}

/*
 * getopt_long answered '?' or ':' for the argument before optind. For a value that is one too many
 * some answer the first, some the second.
 */
static kp_status refuse_option(int answer, char *const *argv, struct kp_error *reterr)
{
    const char *text = argv[optind - 1];
    if (optopt >= OPT_VALUE_BASE && strchr(text, '=')) {
        return kpb_fail(reterr, KP_USAGE, "--%s takes no value",
                        OPTIONS[optopt - OPT_VALUE_BASE].name);
    }
    if (answer == ':') {
        return kpb_fail(reterr, KP_USAGE, "%s needs a value", text);
    }
    return refuse_unknown(text, reterr);
}

static int option_of_letter(int letter)
{
    for (int i = 0; i < CLI_OPT_COUNT; i++) {
        if (OPTIONS[i].letter == letter) {
            return i;
        }
    }
    return -1;
}

static kp_status take_answer(int answer, char *const *argv, struct cli_args *ret,
                             struct kp_error *reterr)
{
    if (answer == WORD_VALUE) {
        return add_word(ret, optarg, reterr);
    }
    const int opt = answer >= OPT_VALUE_BASE ? answer - OPT_VALUE_BASE : option_of_letter(answer);
    if (opt < 0) {
        return refuse_option(answer, argv, reterr);
    }
    return add_option(ret, (enum cli_opt)opt, optarg, reterr);
}

kp_status cli_args_parse(int argc, char *const *argv, struct cli_args *ret, struct kp_error *reterr)
{
    struct option longs[CLI_OPT_COUNT + 1];
    int answer = 0;
    fill_long_options(longs);
    memset(ret, 0, sizeof *ret);
    optind = 0; /* makes getopt_long start afresh */
    while ((answer = getopt_long(argc, argv, "-:V:h", longs, NULL)) != -1) {
        const kp_status st = take_answer(answer, argv, ret, reterr);
        if (st != KP_OK) {
            return st;
        }
    }
    for (int i = optind; i < argc; i++) {
        const kp_status st = add_word(ret, argv[i], reterr);
        if (st != KP_OK) {
            return st;
        }
    }
    return KP_OK;
}
