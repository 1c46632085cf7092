#include "cli/options.h"

#include <string.h>

#include "base/errors.h"
#include "base/span.h"
#include "cli/values.h"

static const struct cli_opt_info OPTIONS[CLI_OPT_COUNT] = {
#define XX(symbol, letter, name, argument, doc) {name, argument, doc, letter},
    CLI_OPT_MAP(XX)
#undef XX
};

const struct cli_opt_info *cli_opt_info(enum cli_opt opt)
{
    return &OPTIONS[opt];
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

static kp_status refuse_without_value(const char *text, struct kp_error *reterr)
{
    return kpb_fail(reterr, KP_USAGE, "%s needs a value", text);
}

static int option_named(const char *name, size_t len)
{
    for (int i = 0; i < CLI_OPT_COUNT; i++) {
        if (strncmp(OPTIONS[i].name, name, len) == 0 && OPTIONS[i].name[len] == '\0') {
            return i;
        }
    }
    return -1;
}

static int option_of_letter(char letter)
{
    for (int i = 0; i < CLI_OPT_COUNT; i++) {
        if (OPTIONS[i].letter == letter) {
            return i;
        }
    }
    return -1;
}

/* Where the reading stands; argv ends with NULL. */
struct reading {
    char *const *next;
    struct cli_args *args;
};

/* The argument that comes next, or NULL where none does. */
static const char *take_argument(struct reading *r)
{
    return *r->next ? *r->next++ : NULL;
}

/* --NAME, --NAME=VALUE or --NAME VALUE; names are written in full, so that a new one changes
 * none. */
static kp_status take_long(struct reading *r, const char *text, struct kp_error *reterr)
{
    const char *name = text + 2;
    const size_t len = strcspn(name, "=");
    const char *value = name[len] == '=' ? name + len + 1 : NULL;
    const int opt = option_named(name, len);
    if (opt < 0) {
        return refuse_unknown(text, reterr);
    }
    if (!OPTIONS[opt].argument && value) {
        return kpb_fail(reterr, KP_USAGE, "--%s takes no value", OPTIONS[opt].name);
    }
    if (OPTIONS[opt].argument && !value && !(value = take_argument(r))) {
        return refuse_without_value(text, reterr);
    }
    return add_option(r->args, (enum cli_opt)opt, value, reterr);
}

/* -h, -V VALUE or -VVALUE; several letters may stand together, the last may take a value. */
static kp_status take_letters(struct reading *r, const char *text, struct kp_error *reterr)
{
    kp_status st = KP_OK;
    for (const char *at = text + 1; *at && st == KP_OK; at++) {
        const int opt = option_of_letter(*at);
        if (opt < 0) {
            return refuse_unknown(text, reterr);
        }
        if (OPTIONS[opt].argument) {
            const char *value = at[1] ? at + 1 : take_argument(r);
            return value ? add_option(r->args, (enum cli_opt)opt, value, reterr)
                         : refuse_without_value(text, reterr);
        }
        st = add_option(r->args, (enum cli_opt)opt, NULL, reterr);
    }
    return st;
}

static kp_status take_one(struct reading *r, const char *text, struct kp_error *reterr)
{
    if (text[0] != '-' || text[1] == '\0') { /* - alone is stdin or stdout */
        return add_word(r->args, text, reterr);
    }
    return text[1] == '-' ? take_long(r, text, reterr) : take_letters(r, text, reterr);
}

kp_status cli_args_parse(int argc, char *const *argv, struct cli_args *ret, struct kp_error *reterr)
{
    struct reading r = {argc > 0 ? argv + 1 : argv, ret};
    bool options_ended = false;
    const char *text = NULL;
    kp_status st = KP_OK;
    memset(ret, 0, sizeof *ret);
    while (st == KP_OK && (text = take_argument(&r)) != NULL) {
        if (options_ended) {
            st = add_word(ret, text, reterr);
        } else if (strcmp(text, "--") == 0) {
            options_ended = true;
        } else {
            st = take_one(&r, text, reterr);
        }
    }
    return st;
}
