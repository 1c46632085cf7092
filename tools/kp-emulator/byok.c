/*
 * Import of a key that was wrapped elsewhere: key_hsm is base64url of
 * {"schema_version", "header": {"kid", "alg": "dir", "enc"}, "ciphertext", "generator"}, wrapped
 * under the key that kid names, an RSA-HSM key of this vault whose one operation is import.
 */
#include "tools/kp-emulator/operation.h"

#include <stdio.h>
#include <string.h>

#include "base/errors.h"
#include "base/mem.h"
#include "base/span.h"
#include "crypto/algs.h"
#include "tools/kp-emulator/failure.h"
#include "tools/kp-emulator/key_opener.h"
#include "tools/kp-emulator/transfer.h"

#define SITE "emulator.byok"
#define BLOB_MAX_LEN 65536u
#define PARTS_MAX_LEN 8192u

/* ---- The blob ---- */

static json_t *read_blob(const struct emu_exchange *x)
{
    kp_buf text;
    json_t *blob = NULL;
    kp_buf_init(&text, SITE, BLOB_MAX_LEN);
    if (emu_json_bytes(json_object_get(json_object_get(x->body, "key"), "key_hsm"), &text) == KP_OK)
        blob = emu_json_parse(kp_buf_view(&text));
    kp_buf_clear(&text);
    return blob;
}

/* What was unwrapped becomes the members of the JWK that is imported. */
static void set_part(json_t *jwk, const char *name, kp_span part)
{
    if (part.len > 0)
        (void)json_object_set_new(jwk, name, emu_json_base64url(part));
}

static void set_parts(json_t *jwk, const struct kp_key_params *p)
{
    set_part(jwk, "n", p->n);
    set_part(jwk, "e", p->e);
    set_part(jwk, "d", p->d);
    set_part(jwk, "p", p->p);
    set_part(jwk, "q", p->q);
    set_part(jwk, "dp", p->dp);
    set_part(jwk, "dq", p->dq);
    set_part(jwk, "qi", p->qi);
    set_part(jwk, "x", p->x);
    set_part(jwk, "y", p->y);
    if (p->curve != KP_CURVE_NONE)
        (void)json_object_set_new(jwk, "crv", json_string(kp_curve_text(p->curve)));
}

static kp_status fill_jwk(json_t *jwk, kp_span target, struct kp_error *reterr)
{
    kp_buf parts;
    struct kp_key_params params = {.struct_size = sizeof params};
    params.kty = kpc_plain_kty(kp_kty_from_text(emu_json_member(jwk, "kty")));
    params.curve = kp_curve_from_text(emu_json_member(jwk, "crv"));
    (void)json_object_del(jwk, "key_hsm");
    if (params.kty == KP_KTY_OCT) {
        set_part(jwk, "k", target);
        return KP_OK;
    }
    kp_buf_init_secret(&parts, SITE, PARTS_MAX_LEN);
    kp_status st = emu_pkcs8_read(target, &parts, &params, reterr);
    if (st == KP_OK)
        set_parts(jwk, &params);
    kp_buf_clear(&parts);
    return st;
}

/* ---- The KEK ---- */

static kp_status check_kek(const struct emu_exchange *x, const char *version,
                           struct kp_error *reterr)
{
    const json_t *facts = emu_book_version(&x->vault->book, x->kek.name, kpb_span_str(version));
    if (emu_is_hsm(x->vault) || json_is_true(json_object_get(facts, "hsm")))
        return KP_OK;
    return kpb_fail(reterr, KP_USAGE, "the key exchange key is not of an HSM kind");
}

static kp_status unwrap(struct emu_exchange *x, kp_span backup, kp_buf *target,
                        struct kp_error *reterr)
{
    char version[KP_KEY_VERSION_MAX_LEN + 1];
    struct kpc_key *kek = NULL;
    kp_buf cipher;
    json_t *blob = read_blob(x);
    const char *digest =
        emu_transfer_digest(emu_json_member(json_object_get(blob, "header"), "enc"));
    kp_buf_init(&cipher, SITE, BLOB_MAX_LEN);
    kp_status st = emu_key_open(x, backup, x->kek.version, &kek, version, reterr);
    if (st == KP_OK)
        st = check_kek(x, version, reterr);
    if (st == KP_OK && (!digest || strcmp(digest, "SHA384") == 0 ||
                        emu_json_bytes(json_object_get(blob, "ciphertext"), &cipher) != KP_OK))
        st = kpb_fail(reterr, KP_USAGE, "key_hsm has no ciphertext, or an enc that is none");
    if (st == KP_OK)
        st = emu_transfer_unwrap(kek, kp_buf_view(&cipher), digest, target, reterr);
    kp_buf_clear(&cipher);
    kpc_key_release(kek);
    json_decref(blob);
    return st;
}

static void on_backup(struct emu_exchange *x, struct kp_result *result)
{
    kp_buf target;
    struct kp_error err = result->error;
    kp_status st = result->status;
    kp_buf_init_secret(&target, SITE, PARTS_MAX_LEN);
    if (st == KP_OK)
        st = unwrap(x, result->reply.value, &target, &err);
    if (st == KP_OK)
        st = fill_jwk(json_object_get(x->body, "key"), kp_buf_view(&target), &err);
    kp_buf_clear(&target);
    if (st == KP_OK)
        st = kp_buf_reserve(&x->bytes, PARTS_MAX_LEN);
    if (st == KP_OK)
        emu_operation_resume(x);
    else
        emu_fail_parameter(x, "the wrapped key cannot be imported: %s", err.text);
}

void emu_byok_begin(struct emu_exchange *x)
{
    struct kp_request request;
    struct kp_key_ref ref;
    json_t *blob = read_blob(x);
    kp_span kid = emu_json_member(json_object_get(blob, "header"), "kid");
    bool ok = kp_key_ref_parse(kid, &ref, NULL) == KP_OK;
    if (ok) {
        x->kek_text = kpb_strdup_span(SITE, kid);
        ok = x->kek_text && kp_key_ref_parse(kpb_span_str(x->kek_text), &x->kek, NULL) == KP_OK;
    }
    json_decref(blob);
    if (!ok) {
        emu_fail_parameter(x, "key_hsm is no transfer blob with the kid of a key of this service");
        return;
    }
    kp_request_init(&request, KP_OP_BACKUP);
    request.name = emu_book_name(&x->vault->book, x->kek.name);
    emu_operation_submit(x, &request, on_backup);
}
