/*
 * The options of kp: one table for all commands, read in one pass. A command says with a bit mask
 * which it takes, so that an option means the same everywhere.
 */
#ifndef KP_CLI_OPTIONS_H
#define KP_CLI_OPTIONS_H

#include <keyprovider/status.h>

/* XX(SYMBOL, short name or 0, "long name", "ARGUMENT" or NULL, "what it does") */
#define CLI_OPT_MAP(XX)                                                                            \
    XX(VAULT, 'V', "vault", "VAULT", "a configured name, file:DIR, or a host")                     \
    XX(IN, 0, "in", "FILE", "read from FILE instead of stdin; - is stdin")                         \
    XX(OUT, 0, "out", "FILE", "write to FILE instead of stdout; - is stdout, even a terminal")     \
    XX(RAW, 0, "raw", NULL, "bare bytes instead of an envelope")                                   \
    XX(ALG, 0, "alg", "NAME", "algorithm; the default follows from the key's type")                \
    XX(AAD, 0, "aad", "TEXT", "additional authenticated data of AES-GCM; not secret")              \
    XX(DIGEST, 0, "digest", "NAME", "SHA-256, SHA-384 or SHA-512: hash the input first")           \
    XX(RAW_DIGEST, 0, "raw-digest", NULL, "the input is the digest itself")                        \
    XX(SIGNATURE, 0, "signature", "FILE", "the signature to check")                                \
    XX(TYPE, 0, "type", "TYPE", "RSA, EC, oct, or the same with -HSM")                             \
    XX(SIZE, 0, "size", "BITS", "RSA 2048, 3072, 4096; oct 128, 192, 256")                         \
    XX(CURVE, 0, "curve", "NAME", "P-256, P-256K, P-384, P-521")                                   \
    XX(OPS, 0, "ops", "LIST", "what the key may do, such as wrapKey,unwrapKey")                    \
    XX(TAG, 0, "tag", "NAME=VALUE", "a tag; may be repeated")                                      \
    XX(NO_TAGS, 0, "no-tags", NULL, "remove every tag")                                            \
    XX(ENABLED, 0, "enabled", NULL, "the key may be used")                                         \
    XX(DISABLED, 0, "disabled", NULL, "the key may not be used")                                   \
    XX(NOT_BEFORE, 0, "not-before", "TIME", "first moment of use; none clears it")                 \
    XX(EXPIRES, 0, "expires", "TIME", "last moment of use; none clears it")                        \
    XX(EXPORTABLE, 0, "exportable", NULL, "the private part may leave the vault")                  \
    XX(ROTATE_AFTER, 0, "rotate-after", "SPAN", "rotate when a version is that old (P90D, P2Y)")   \
    XX(ROTATE_BEFORE, 0, "rotate-before", "SPAN", "rotate that long before a version expires")     \
    XX(NOTIFY_BEFORE, 0, "notify-before", "SPAN", "notify that long before a version expires")     \
    XX(VALID_FOR, 0, "valid-for", "SPAN", "life of the versions that rotation makes")              \
    XX(KEY, 0, "key", "LIST", "keys to work on, with commas between; doctor takes one")            \
    XX(MIX, 0, "mix", "LIST", "operations by weight; the default is wrap:1,unwrap:1")              \
    XX(RATE, 0, "rate", "LIST", "operations to start per second; several are steps")               \
    XX(ARRIVALS, 0, "arrivals", "KIND", "constant or poisson; the default is constant")            \
    XX(CALLERS, 0, "callers", "N", "operations under way; in an open loop at most")                \
    XX(SYNC, 0, "sync", NULL, "blocking callers, one thread each")                                 \
    XX(DURATION, 0, "duration", "SPAN", "length of the run; the default is 10s")                   \
    XX(WARM_UP, 0, "warm-up", "SPAN", "run that long before counting")                             \
    XX(RAMP, 0, "ramp", "SPAN", "let the load grow evenly, before the warm-up")                    \
    XX(N_OPS, 0, "count", "N",                                                                     \
       "end after N measured operations; the only limit without a duration")                       \
    XX(PAYLOAD, 0, "payload", "LIST", "bytes to wrap or encrypt, in turns; the default is 32")     \
    XX(ZIPF, 0, "zipf", "SKEW", "choose keys unevenly, such as 1.0; else all alike")               \
    XX(SEED, 0, "seed", "N", "of arrivals, operations and keys; the default is 1")                 \
    XX(SLO, 0, "slo", "LIST", "what must hold: p99=50ms,errors=0.1%")                              \
    XX(SEARCH, 0, "search", NULL, "find the highest rate that holds the SLO")                      \
    XX(CAPACITY, 0, "capacity", "RATE",                                                            \
       "what that load needs of the services; found: the rate searched for")                       \
    XX(REPORT, 0, "report", "FILE", "write a page for a browser")                                  \
    XX(HDR, 0, "hdr", "FILE", "write a percentile log for HdrHistogram plotters")                  \
    XX(COMPARE, 0, "compare", "FILE", "set this JSON result against another")                      \
    XX(YES_REAL, 0, "yes-this-is-a-real-vault", NULL, "load a vault that is no file vault")        \
    XX(MAP, 0, "map", "FILE", "key map; without it ekm.key_map of the configuration")              \
    XX(THUMBPRINT, 0, "thumbprint", "HEX", "what SQL Server knows the key by")                     \
    XX(DATABASE, 0, "database", "NAME", "the database to encrypt")                                 \
    XX(ROTATE, 0, "rotate", NULL, "the database has another key, which this one replaces")         \
    XX(LIBRARY, 0, "library", "FILE", "path of the provider on the server")                        \
    XX(LOGIN, 0, "login", "NAME", "login that runs the script; the default is sa")                 \
    XX(MANAGED_IDENTITY, 0, "managed-identity", NULL, "reach the vault as the machine")            \
    XX(FROM, 0, "from", "DIR", "the new files; without it the folder of this program")             \
    XX(FOLDER, 0, "folder", "DIR", "where the program is to lie")                                  \
    XX(SERVICE, 0, "service", "ACCOUNT", "the account that SQL Server runs as")                    \
    XX(YES, 0, "yes", NULL, "confirm what cannot be undone")                                       \
    XX(TIMEOUT, 0, "timeout", "SPAN", "give up after SPAN: 500ms, 30s, 2m")                        \
    XX(CONFIG, 0, "config", "FILE", "configuration file")                                          \
    XX(PLUGIN_DIR, 0, "plugin-dir", "DIR", "where plugins are loaded from")                        \
    XX(LOG, 0, "log", "LEVELS", "log to stderr, such as info or warn,pipeline=debug")              \
    XX(JSON, 0, "json", NULL, "write JSON, errors too")                                            \
    XX(VERSION, 0, "version", NULL, "the same as 'kp version'")                                    \
    XX(HELP, 'h', "help", NULL, "explain the command")

enum cli_opt {
#define XX(symbol, letter, name, argument, doc) CLI_OPT_##symbol,
    CLI_OPT_MAP(XX)
#undef XX
        CLI_OPT_COUNT
};

/* Bit of an option in a 64-bit mask. */
#define CLI_OPT_BIT(opt) (UINT64_C(1) << (unsigned)(opt))

/* What every command takes. */
#define CLI_OPTS_COMMON                                                                            \
    (CLI_OPT_BIT(CLI_OPT_CONFIG) | CLI_OPT_BIT(CLI_OPT_PLUGIN_DIR) | CLI_OPT_BIT(CLI_OPT_LOG) |    \
     CLI_OPT_BIT(CLI_OPT_JSON) | CLI_OPT_BIT(CLI_OPT_HELP))
/* What a command that talks to a vault takes. */
#define CLI_OPTS_VAULT (CLI_OPT_BIT(CLI_OPT_VAULT) | CLI_OPT_BIT(CLI_OPT_TIMEOUT))

struct cli_opt_info {
    const char *name;
    const char *argument; /* NULL: takes none */
    const char *doc;
    char letter; /* 0: none */
};

/* Row of an option. Static storage. */
const struct cli_opt_info *cli_opt_info(enum cli_opt opt);

#define CLI_WORDS_MAX 8u /* command words and operands together */

/* Arguments as read. Everything is borrowed from argv. */
struct cli_args {
    uint64_t given; /* CLI_OPT_BIT of each option */
    const char *value[CLI_OPT_COUNT];
    const char *tags[KP_TAGS_MAX];
    uint32_t n_tags;
    const char *words[CLI_WORDS_MAX]; /* everything that is no option, in order */
    uint32_t n_words;
    const char *const *operands; /* the words behind the command's own */
    uint32_t n_operands;
};

/*
 * Reads argv[1..], which ends with NULL, into *ret; options and words may mix, "--" ends the
 * options. An option is --NAME VALUE, --NAME=VALUE, -L VALUE or -LVALUE; names are written in full.
 * Errors: usage, naming the option. *ret holds what was read until then.
 */
kp_status cli_args_parse(int argc, char *const *argv, struct cli_args *ret, struct kp_error *reterr)
    KP_MUST_USE;

#endif /* KP_CLI_OPTIONS_H */
