#include "cli/recorded.h"

#include "base/span.h"
#include "cli/io.h"
#include "cli/session.h"

/* The command that undoes what an operation made. */
static const char *undo_text(uint32_t made_by)
{
    switch (made_by) {
    case KP_OP_WRAP:
        return "unwrap";
    case KP_OP_ENCRYPT:
        return "decrypt";
    default:
        return "verify";
    }
}

kp_status cli_recorded_read(struct cli *c, const char *path, uint32_t made_by,
                            struct cli_envelope *ret)
{
    kp_buf text;
    kp_buf_init(&text, "cli.input", CLI_ENVELOPE_MAX_LEN);
    kp_status st = cli_read(path, &text, &c->fault);
    if (st == KP_OK) {
        st = cli_envelope_read(kp_buf_view(&text), ret, &c->fault.error);
    }
    if (st == KP_OK && ret->op != made_by) {
        st = kpb_fail(&c->fault.error, KP_USAGE, "the envelope was made by '%s'; use 'kp %s'",
                      kp_op_text(ret->op), undo_text(ret->op));
    }
    kp_buf_clear(&text);
    return st;
}

static kp_status check_operand(struct cli *c, const struct cli_envelope *e,
                               const struct kp_key_ref *key)
{
    const kp_span name = kp_buf_view(&e->name);
    const kp_span version = kp_buf_view(&e->version);
    if (kpb_span_eq(key->name, name) &&
        (key->version.len == 0 || kpb_span_eq(key->version, version))) {
        return KP_OK;
    }
    return kpb_fail(&c->fault.error, KP_USAGE, "the envelope was made with another key: %.*s/%.*s",
                    (int)name.len, (const char *)name.ptr, (int)version.len,
                    (const char *)version.ptr);
}

kp_status cli_recorded_open(struct cli *c, const struct cli_envelope *e, const char *operand)
{
    struct kp_key_ref key;
    if (operand) {
        const kp_status st = cli_key_open(c, operand, 0, &key);
        return st == KP_OK ? check_operand(c, e, &key) : st;
    }
    if (cli_opt(c, CLI_OPT_VAULT)) {
        return cli_vault_open_named(c, 0);
    }
    if (e->vault.len == 0) {
        return kpb_fail(&c->fault.error, KP_USAGE, "the envelope names no vault; say -V VAULT");
    }
    return cli_vault_open(c, kp_buf_view(&e->vault), 0);
}
