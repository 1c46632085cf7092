#include "cli/envelope.h"

#include <jansson.h>

#include "base/encode.h"
#include "base/errors.h"
#include "base/span.h"
#include "base/utf8.h"
#include "cli/digest.h"

#define SUM_LEN 32u
#define KEY_TEXT_MAX_LEN (KP_KEY_NAME_MAX_LEN + 1u + KP_KEY_VERSION_MAX_LEN)
#define TEXT_MAX_LEN (KP_PAYLOAD_MAX_LEN / 3u * 4u + 4u)

/* Members in the order they are written and summed; sum itself comes last and stands apart. */
enum member { M_KP, M_OP, M_KEY, M_VAULT, M_ALG, M_VALUE, M_IV, M_TAG, M_AAD, M_COUNT };

static const char *const NAMES[M_COUNT] = {"kp",    "op", "key", "vault", "alg",
                                           "value", "iv", "tag", "aad"};

#define IS_OPTIONAL(m) ((m) == M_IV || (m) == M_TAG || (m) == M_AAD)

void cli_envelope_init(struct cli_envelope *e)
{
    e->op = KP_OP_NONE;
    e->alg = KP_ALG_NONE;
    kp_buf_init(&e->name, "cli.envelope", KP_KEY_NAME_MAX_LEN);
    kp_buf_init(&e->version, "cli.envelope", KP_KEY_VERSION_MAX_LEN);
    kp_buf_init(&e->vault, "cli.envelope", KP_VAULT_TEXT_MAX_LEN);
    kp_buf_init(&e->value, "cli.envelope", KP_PAYLOAD_MAX_LEN);
    kp_buf_init(&e->iv, "cli.envelope", 64);
    kp_buf_init(&e->tag, "cli.envelope", 64);
    kp_buf_init(&e->aad, "cli.envelope", KP_PAYLOAD_MAX_LEN);
}

void cli_envelope_clear(struct cli_envelope *e)
{
    kp_buf *const bufs[] = {&e->name, &e->version, &e->vault, &e->value, &e->iv, &e->tag, &e->aad};
    for (size_t i = 0; i < sizeof bufs / sizeof bufs[0]; i++) {
        kp_buf_clear(bufs[i]);
    }
}

/* ---- Writing ---- */

static kp_status write_key_text(const struct kp_reply *reply, kp_buf *out)
{
    kp_status st = kp_buf_append(out, reply->name);
    if (st == KP_OK) {
        st = kp_buf_append_byte(out, '/');
    }
    return st == KP_OK ? kp_buf_append(out, reply->version) : st;
}

/* The text of each member; byte members are encoded. */
static kp_status fill_texts(const struct cli_envelope_source *source, kp_buf *texts)
{
    const struct kp_reply *reply = source->reply;
    const kp_span bytes[M_COUNT] = {
        [M_VALUE] = reply->value, [M_IV] = reply->iv, [M_TAG] = reply->tag, [M_AAD] = source->aad};
    kp_status st = kp_buf_append_fmt(&texts[M_KP], "%d", CLI_ENVELOPE_VERSION);
    if (st == KP_OK) {
        st = kp_buf_append_str(&texts[M_OP], kp_op_text(source->op));
    }
    if (st == KP_OK) {
        st = write_key_text(reply, &texts[M_KEY]);
    }
    if (st == KP_OK && kpb_utf8_is_valid(source->vault)) { /* JSON could not hold any other text */
        st = kp_buf_append(&texts[M_VAULT], source->vault);
    }
    if (st == KP_OK) {
        st = kp_buf_append_str(&texts[M_ALG], kp_alg_text(reply->alg));
    }
    for (int m = M_VALUE; st == KP_OK && m < M_COUNT; m++) {
        st = kpb_base64url_encode(bytes[m], &texts[m]);
    }
    return st;
}

static void write_line(const kp_buf *texts, const uint8_t *sum, struct cli_out *o)
{
    cli_json_begin(o, '{');
    cli_json_member_int(o, NAMES[M_KP], CLI_ENVELOPE_VERSION);
    for (int m = M_OP; m < M_COUNT; m++) {
        if (texts[m].len > 0 || !IS_OPTIONAL(m)) {
            cli_json_member_str(o, NAMES[m], kp_buf_view(&texts[m]));
        }
    }
    cli_json_member_bytes(o, "sum", kpb_span(sum, SUM_LEN));
    cli_json_end(o, '}');
    cli_out_text(o, "\n");
}

static kp_status sum_texts(const kp_span *texts, uint8_t *sum)
{
    return cli_digest_lines(texts, M_COUNT, sum);
}

kp_status cli_envelope_write(const struct cli_envelope_source *source, struct cli_out *o)
{
    kp_buf texts[M_COUNT];
    kp_span views[M_COUNT];
    uint8_t sum[SUM_LEN];
    for (int m = 0; m < M_COUNT; m++) {
        kp_buf_init(&texts[m], "cli.envelope", TEXT_MAX_LEN);
    }
    kp_status st = fill_texts(source, texts);
    for (int m = 0; m < M_COUNT; m++) {
        views[m] = kp_buf_view(&texts[m]);
    }
    if (st == KP_OK) {
        st = sum_texts(views, sum);
    }
    if (st == KP_OK) {
        write_line(texts, sum, o);
        st = o->st;
    }
    for (int m = 0; m < M_COUNT; m++) {
        kp_buf_clear(&texts[m]);
    }
    return st;
}

/* ---- Reading ---- */

static kp_status refuse(struct kp_error *err, const char *what)
{
    return kpb_fail(err, KP_INTEGRITY, "this is no envelope of kp: %s", what);
}

static kp_status refuse_member(struct kp_error *err, const char *name, const char *what)
{
    return kpb_fail(err, KP_INTEGRITY, "this is no envelope of kp: member '%s' %s", name, what);
}

static kp_status check_version(const json_t *root, struct kp_error *err)
{
    const json_t *version = json_object_get(root, NAMES[M_KP]);
    if (!json_is_integer(version)) {
        return refuse_member(err, NAMES[M_KP], "is missing");
    }
    if (json_integer_value(version) != CLI_ENVELOPE_VERSION) {
        return kpb_fail(err, KP_UNSUPPORTED,
                        "the envelope has version %lld; this kp reads version %d",
                        (long long)json_integer_value(version), CLI_ENVELOPE_VERSION);
    }
    return KP_OK;
}

/* Views of every member's text; absent optional ones are empty. */
static kp_status view_texts(const json_t *root, kp_span *texts, kp_span *sum, struct kp_error *err)
{
    size_t n_seen = 2; /* kp and sum */
    texts[M_KP] = kpb_span_str("1");
    for (int m = M_OP; m <= M_COUNT; m++) { /* M_COUNT stands for sum */
        const char *name = m < M_COUNT ? NAMES[m] : "sum";
        const json_t *value = json_object_get(root, name);
        kp_span *to = m < M_COUNT ? &texts[m] : sum;
        if (!value && IS_OPTIONAL(m)) {
            *to = kpb_span(NULL, 0);
            continue;
        }
        if (!json_is_string(value)) {
            return refuse_member(err, name, value ? "is no string" : "is missing");
        }
        *to = kpb_span(json_string_value(value), json_string_length(value));
        n_seen += m < M_COUNT ? 1 : 0;
    }
    return n_seen == json_object_size(root) ? KP_OK : refuse(err, "it has an unknown member");
}

static kp_status check_sum(const kp_span *texts, kp_span sum, struct kp_error *err)
{
    uint8_t want[SUM_LEN];
    kp_buf got;
    kp_buf_init(&got, "cli.envelope", SUM_LEN);
    kp_status st = sum_texts(texts, want);
    if (st == KP_OK && (kpb_base64url_decode(sum, &got) != KP_OK ||
                        !kpb_span_eq(kp_buf_view(&got), kpb_span(want, SUM_LEN)))) {
        st = kpb_fail(err, KP_INTEGRITY,
                      "the envelope is damaged or was altered: its sum does not match");
    }
    kp_buf_clear(&got);
    return st;
}

static kp_status decode(kp_span text, const char *name, kp_buf *out, struct kp_error *err)
{
    const kp_status st = kpb_base64url_decode(text, out);
    if (st == KP_NO_MEMORY) {
        return kpb_fail_memory(err, out->site);
    }
    return st == KP_OK ? KP_OK : refuse_member(err, name, "is not base64url of a fitting length");
}

static kp_status copy(kp_span text, kp_buf *out, const char *name, struct kp_error *err)
{
    const kp_status st = kp_buf_append(out, text);
    if (st == KP_NO_MEMORY) {
        return kpb_fail_memory(err, out->site);
    }
    return st == KP_OK ? KP_OK : refuse_member(err, name, "is too long");
}

static kp_status take_key(kp_span text, struct cli_envelope *e, struct kp_error *err)
{
    struct kp_key_ref ref;
    if (kp_key_name_parse(text, &ref, NULL) != KP_OK || ref.version.len == 0) {
        return refuse_member(err, NAMES[M_KEY], "is not NAME/VERSION");
    }
    const kp_status st = copy(ref.name, &e->name, NAMES[M_KEY], err);
    return st == KP_OK ? copy(ref.version, &e->version, NAMES[M_KEY], err) : st;
}

static kp_status take_names(const kp_span *texts, struct cli_envelope *e, struct kp_error *err)
{
    e->op = kp_op_from_text(texts[M_OP]);
    if (e->op != KP_OP_WRAP && e->op != KP_OP_ENCRYPT && e->op != KP_OP_SIGN) {
        return refuse_member(err, NAMES[M_OP], "is neither wrap, encrypt nor sign");
    }
    e->alg = kp_alg_from_text(texts[M_ALG]);
    if (e->alg == KP_ALG_NONE) {
        return refuse_member(err, NAMES[M_ALG], "is no algorithm known here");
    }
    const kp_status st = take_key(texts[M_KEY], e, err);
    return st == KP_OK ? copy(texts[M_VAULT], &e->vault, NAMES[M_VAULT], err) : st;
}

static kp_status take_texts(const kp_span *texts, struct cli_envelope *e, struct kp_error *err)
{
    kp_buf *const to[M_COUNT] = {
        [M_VALUE] = &e->value, [M_IV] = &e->iv, [M_TAG] = &e->tag, [M_AAD] = &e->aad};
    kp_status st = take_names(texts, e, err);
    for (int m = M_VALUE; st == KP_OK && m < M_COUNT; m++) {
        st = decode(texts[m], NAMES[m], to[m], err);
    }
    return st;
}

kp_status cli_envelope_read(kp_span text, struct cli_envelope *ret, struct kp_error *reterr)
{
    kp_span texts[M_COUNT];
    kp_span sum;
    json_error_t why;
    json_t *root = json_loadb((const char *)text.ptr, text.len, JSON_REJECT_DUPLICATES, &why);
    kp_status st = KP_OK;
    if (!json_is_object(root)) {
        st = refuse(reterr, text.len == 0 ? "it is empty" : "it is not a JSON object");
        goto out;
    }
    st = check_version(root, reterr);
    if (st == KP_OK) {
        st = view_texts(root, texts, &sum, reterr);
    }
    if (st == KP_OK) {
        st = check_sum(texts, sum, reterr);
    }
    if (st == KP_OK) {
        st = take_texts(texts, ret, reterr);
    }
out:
    json_decref(root);
    return st;
}
