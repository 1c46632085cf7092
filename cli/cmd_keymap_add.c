#include <string.h>

#include "base/span.h"
#include "cli/cmd.h"
#include "cli/key_call.h"
#include "cli/keymap.h"
#include "cli/session.h"

/* What kind of thumbprint of this key it is. */
static uint32_t scheme_of(const struct ekm_record *record)
{
    struct ekm_thumb by_name;
    if (ekm_thumb_eq(&record->thumb, &record->key)) {
        return EKM_SCHEME_PUBLIC_KEY;
    }
    if (ekm_thumb_of_name(kpb_span_str(record->name), &by_name, NULL) == KP_OK &&
        ekm_thumb_eq(&record->thumb, &by_name)) {
        return EKM_SCHEME_NAME;
    }
    return EKM_SCHEME_FOREIGN;
}

static kp_status fill_thumbs(struct cli *c, const struct kp_key_info *key,
                             struct ekm_record *record)
{
    const char *text = cli_opt(c, CLI_OPT_THUMBPRINT);
    kp_status st = ekm_thumb_of_key(key->n, key->e, &record->key, &c->fault.error);
    if (st == KP_USAGE) {
        return kpb_fail(&c->fault.error, KP_UNSUPPORTED, "%s is no RSA key", record->name);
    }
    record->thumb = record->key;
    if (st == KP_OK && text) {
        st = ekm_thumb_parse(kpb_span_str(text), &record->thumb, &c->fault.error);
    }
    record->scheme = scheme_of(record);
    record->origin = EKM_ORIGIN_ADDED;
    return st;
}

static kp_status fill_record(struct cli *c, const struct kp_reply *reply, struct ekm_record *record)
{
    char vault[EKM_VAULT_MAX_LEN + 1];
    if (!reply->key) {
        return kpb_fail(&c->fault.error, KP_PROTOCOL, "the vault's answer has no key in it");
    }
    kp_status st = cli_keymap_vault(kpb_span_str(c->vault_text), vault, &c->fault.error);
    if (st == KP_OK) {
        st = ekm_record_init(record, kpb_span_str(vault), reply->key->name, reply->key->version,
                             &c->fault.error);
    }
    return st == KP_OK ? fill_thumbs(c, reply->key, record) : st;
}

static kp_status add(struct cli *c, const struct kp_reply *reply)
{
    struct ekm_put_report report = {0};
    struct ekm_record record;
    ekm_map *map = NULL;
    kp_status st = fill_record(c, reply, &record);
    if (st == KP_OK) {
        st = cli_keymap_open(c, &map);
    }
    if (st == KP_OK) {
        st = ekm_map_put(map, &record, 1, 0, &report, &c->fault.error);
    }
    ekm_map_close(map);
    return st == KP_OK ? cli_keymap_tell(c, &report) : st;
}

static kp_status run(struct cli *c)
{
    struct kp_key_ref key;
    struct kp_request request;
    kp_status st = cli_key_open(c, cli_operand(c, 0), 0, &key);
    if (st == KP_OK) {
        st = cli_request_init(c, KP_OP_GET_KEY, &key, &request);
    }
    return st == KP_OK ? cli_key_call(c, &request, add) : st;
}

const struct cli_command cli_cmd_keymap_add = {
    .name = "keymap add",
    .operands = "KEY",
    .summary = "record a key version, so that nothing has to search for it",
    .details =
        "Asks the vault for the key and records its version (without one: the current) under\n"
        "the thumbprint computed from the public key, or under --thumbprint: what\n"
        "sys.asymmetric_keys shows of a key that another provider made.\n",
    .n_operands_min = 1,
    .n_operands_max = 1,
    .options = CLI_OPTS_VAULT | CLI_OPTS_KEYMAP | CLI_OPT_BIT(CLI_OPT_THUMBPRINT),
    .run = run,
};
