/*
 * Internal to the reader: the place in the tokens, and what every statement family reads with.
 * The first failure sticks in st; later calls do nothing. One thread.
 */
#ifndef KP_TOOLS_EKM_REHEARSE_GRAMMAR_H
#define KP_TOOLS_EKM_REHEARSE_GRAMMAR_H

#include "tools/ekm-rehearse/ast.h"

#define RH_NAME_MAX_LEN 512u /* bytes; 128 characters of the engine */

struct rh_parser {
    const struct rh_token *at;
    struct rh_memory *m;
    struct kp_error *err;
    kp_status st;
    uint32_t depth; /* of the expression being read */
};

/* Reads what follows the words of its row into s->as. */
typedef void rh_parse_fn(struct rh_parser *p, struct rh_statement *s);

struct rh_rule {
    const char *words; /* "CREATE LOGIN" */
    enum rh_verb verb;
    rh_parse_fn *parse;
};

/* The families; each list ends with a row without words. */
extern const struct rh_rule rh_rules_server[];
extern const struct rh_rule rh_rules_provider[];
extern const struct rh_rule rh_rules_credential[];
extern const struct rh_rule rh_rules_login[];
extern const struct rh_rule rh_rules_key[];
extern const struct rh_rule rh_rules_database[];
extern const struct rh_rule rh_rules_dek[];
extern const struct rh_rule rh_rules_backup[];
extern const struct rh_rule rh_rules_query[];

/* The functions and the views of the schema sys that the engine has; NULL ends each list. */
extern const char *const rh_function_names[];
extern const char *const rh_view_names[];

/* Whether name (any case) is in such a list. */
bool rh_is_listed(const char *const *list, kp_span name);

/* Ends reading at the current token: "line L, column C: expected X, found Y". */
void rh_refuse(struct rh_parser *p, const char *expected);
/* The same for a token that is already behind. */
void rh_refuse_at(struct rh_parser *p, struct rh_place place, const char *why);

/* Whether the next tokens are these words (any case, separated by one blank); nothing is read. */
bool rh_at_words(const struct rh_parser *p, const char *words);
bool rh_at_mark(const struct rh_parser *p, char mark);
/* Reads them if they are there. */
bool rh_accept(struct rh_parser *p, const char *words);
bool rh_accept_mark(struct rh_parser *p, char mark);
/* Reads them or refuses. */
void rh_expect(struct rh_parser *p, const char *words);
void rh_expect_mark(struct rh_parser *p, char mark);

/* A name: a word or a quoted name of at most RH_NAME_MAX_LEN bytes. */
void rh_read_name(struct rh_parser *p, kp_span *ret);
/* A word that is no quoted name: an algorithm, a disposition. */
void rh_read_word(struct rh_parser *p, kp_span *ret);
/* 'text' or N'text'. */
void rh_read_string(struct rh_parser *p, kp_span *ret);
void rh_read_number(struct rh_parser *p, int64_t *ret);
/* ON or OFF. */
void rh_read_switch(struct rh_parser *p, enum rh_switch *ret);
/* varchar(n), nvarchar(n), char, nchar, varbinary(n|MAX), binary, int. */
void rh_read_type(struct rh_parser *p, enum rh_type *ret_type, uint32_t *ret_max_len);
/* An expression; NULL after a failure. */
struct rh_expr *rh_read_expr(struct rh_parser *p);

#endif /* KP_TOOLS_EKM_REHEARSE_GRAMMAR_H */
