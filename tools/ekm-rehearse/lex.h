/*
 * T-SQL text into tokens. A pure function over bytes: nothing is executed, looked up or skipped.
 * Reads words, [names] and "names" with doubled closing marks, 'text' and N'text' with doubled
 * quotes, decimal numbers, 0x bytes, @variables, -- and nested block comments, and GO on a line of
 * its own. Everything else is refused with its line and column (both from 1, in characters).
 */
#ifndef KP_TOOLS_EKM_REHEARSE_LEX_H
#define KP_TOOLS_EKM_REHEARSE_LEX_H

#include "tools/ekm-rehearse/memory.h"

#define RH_SCRIPT_MAX_LEN (1024u * 1024u) /* bytes of a script */
#define RH_TOKENS_MAX 100000u             /* tokens of a script */
#define RH_COMMENT_MAX_DEPTH 64u          /* block comments inside each other */

enum rh_token_kind {
    RH_TOKEN_END = 0,
    RH_TOKEN_WORD = 1,     /* an unquoted name or keyword */
    RH_TOKEN_QUOTED = 2,   /* [name] or "name", never a keyword */
    RH_TOKEN_STRING = 3,   /* 'text' */
    RH_TOKEN_NSTRING = 4,  /* N'text' */
    RH_TOKEN_NUMBER = 5,   /* decimal, up to 2^63 - 1 */
    RH_TOKEN_BINARY = 6,   /* 0x bytes, decoded */
    RH_TOKEN_VARIABLE = 7, /* text includes the @ */
    RH_TOKEN_PUNCT = 8,    /* one character of ( ) , ; = . * + */
    RH_TOKEN_GO = 9        /* end of a batch; number: how often it runs */
};

struct rh_place {
    uint32_t line;
    uint32_t column;
};

/* text: what it stands for, quotes gone and doubled marks made single; lives in the memory
 * given. */
struct rh_token {
    enum rh_token_kind kind;
    struct rh_place place;
    kp_span text;
    int64_t number;
};

struct rh_tokens {
    struct rh_token *items;
    size_t n;
};

/*
 * Reads all of script, which must be UTF-8 of at most RH_SCRIPT_MAX_LEN bytes; a byte order mark is
 * allowed. The last token is RH_TOKEN_END. Errors: usage with "line L, column C: ..."; no_memory.
 */
kp_status rh_lex(kp_span script, struct rh_memory *m, struct rh_tokens *ret,
                 struct kp_error *reterr) KP_MUST_USE;

#endif /* KP_TOOLS_EKM_REHEARSE_LEX_H */
