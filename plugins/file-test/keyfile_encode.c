#include "plugins/file-test/keyfile.h"

#include "base/errors.h"
#include "base/span.h"
#include "plugins/file-test/json_write.h"
#include "plugins/file-test/policy.h"

static void put_key_ops(struct ft_json_writer *w, uint32_t key_ops)
{
    ft_json_open(w, "key_ops", '[');
    for (uint32_t bit = 1; bit <= key_ops; bit <<= 1) {
        if (key_ops & bit)
            ft_json_put_text(w, NULL, kpb_span_str(kp_key_op_text(bit)));
    }
    ft_json_close(w, ']');
}

static void put_tags(struct ft_json_writer *w, const struct ft_version *v)
{
    if (v->n_tags == 0)
        return;
    ft_json_open(w, "tags", '{');
    for (uint32_t i = 0; i < v->n_tags; i++)
        ft_json_put_tag(w, v->tags[i].name, v->tags[i].value);
    ft_json_close(w, '}');
}

static void put_version(struct ft_json_writer *w, const struct ft_version *v)
{
    ft_json_open(w, NULL, '{');
    ft_json_put_text(w, "version", kpb_span_str(v->id));
    ft_json_put_text(w, "kty", kpb_span_str(kp_kty_text(v->kty)));
    if (v->curve != KP_CURVE_NONE)
        ft_json_put_text(w, "crv", kpb_span_str(kp_curve_text(v->curve)));
    ft_json_put_int(w, "bits", v->bits);
    put_key_ops(w, v->key_ops);
    ft_json_put_bool(w, "enabled", v->enabled);
    ft_json_put_time(w, "nbf", v->not_before_unix_s);
    ft_json_put_time(w, "exp", v->expires_unix_s);
    ft_json_put_int(w, "created", v->created_unix_s);
    ft_json_put_int(w, "updated", v->updated_unix_s);
    put_tags(w, v);
    ft_json_put_bytes(w, "n", v->n);
    ft_json_put_bytes(w, "e", v->e);
    ft_json_put_bytes(w, "x", v->x);
    ft_json_put_bytes(w, "y", v->y);
    ft_json_put_text(w, "private", v->sealed);
    ft_json_close(w, '}');
}

static void put_policy(struct ft_json_writer *w, const struct kp_rotation_policy *p)
{
    ft_json_open(w, "rotation_policy", '{');
    ft_json_open(w, "rules", '[');
    for (uint32_t i = 0; i < p->n_rules; i++) {
        ft_json_open(w, NULL, '{');
        ft_json_put_text(w, "action", kpb_span_str(ft_policy_action_text(p->rules[i].action)));
        ft_json_put_text(w, "trigger", kpb_span_str(ft_policy_trigger_text(p->rules[i].trigger)));
        ft_json_put_text(w, "duration", p->rules[i].duration);
        ft_json_close(w, '}');
    }
    ft_json_close(w, ']');
    if (p->expiry.len > 0)
        ft_json_put_text(w, "expiry", p->expiry);
    ft_json_put_int(w, "created", p->created_unix_s);
    ft_json_put_int(w, "updated", p->updated_unix_s);
    ft_json_close(w, '}');
}

static void put_deleted(struct ft_json_writer *w, const struct ft_keyfile *file)
{
    ft_json_open(w, "deleted", '{');
    ft_json_put_int(w, "at", file->deleted_unix_s);
    ft_json_put_int(w, "purge_at", file->purge_unix_s);
    ft_json_close(w, '}');
}

kp_status ft_keyfile_encode(const struct ft_keyfile *file, kp_buf *out, struct kp_error *reterr)
{
    struct ft_json_writer w;
    ft_json_writer_init(&w, out);
    ft_json_open(&w, NULL, '{');
    ft_json_put_int(&w, "format", FT_KEYFILE_FORMAT);
    ft_json_put_text(&w, "name", kpb_span_str(file->name));
    ft_json_open(&w, "versions", '[');
    for (size_t i = 0; i < file->n_versions; i++)
        put_version(&w, &file->versions[i]);
    ft_json_close(&w, ']');
    if (file->has_policy)
        put_policy(&w, &file->policy);
    if (file->deleted_unix_s != KP_TIME_NONE)
        put_deleted(&w, file);
    ft_json_close(&w, '}');
    kp_status st = ft_json_finish(&w);
    if (st == KP_USAGE)
        return kpb_fail(reterr, KP_CONFLICT,
                        "key '%.127s' would need more than the %zu bytes a key file can have; "
                        "create a key of another name",
                        file->name, out->limit);
    return st == KP_OK ? KP_OK : kpb_fail_memory(reterr, "file-test.keyfile");
}
