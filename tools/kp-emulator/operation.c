#include "tools/kp-emulator/operation.h"

#include <stdio.h>
#include <string.h>

#include "base/errors.h"
#include "base/span.h"
#include "crypto/algs.h"
#include "tools/kp-emulator/clock.h"
#include "tools/kp-emulator/failure.h"
#include "tools/kp-emulator/regions.h"

/* ---- The table ---- */

static const struct emu_operation OPERATIONS[] = {
    {KP_OP_CREATE, "create", "create", "create/action", emu_fill_create, emu_answer_new_key},
    {KP_OP_IMPORT, "import", "import", "import/action", emu_fill_import, emu_answer_new_key},
    {KP_OP_GET_KEY, "get_key", "get", "read/action", NULL, emu_answer_key},
    {KP_OP_LIST_KEYS, "list_keys", "list", "read/action", emu_fill_list, emu_answer_list},
    {KP_OP_LIST_VERSIONS, "list_versions", "list", "read/action", emu_fill_list, emu_answer_list},
    {KP_OP_UPDATE, "update", "update", "write/action", emu_fill_update, emu_answer_updated},
    {KP_OP_DELETE, "delete", "delete", "delete", NULL, emu_answer_deleted},
    {KP_OP_GET_DELETED, "get_deleted", "get", "deletedKeys/read/action", NULL,
     emu_answer_get_deleted},
    {KP_OP_LIST_DELETED, "list_deleted", "list", "deletedKeys/read/action", emu_fill_list,
     emu_answer_list},
    {KP_OP_RECOVER, "recover", "recover", "deletedKeys/recover/action", NULL, emu_answer_recovered},
    {KP_OP_PURGE, "purge", "purge", "deletedKeys/delete", NULL, emu_answer_purged},
    {KP_OP_BACKUP, "backup", "backup", "backup/action", NULL, emu_answer_backup},
    {KP_OP_RESTORE, "restore", "restore", "restore/action", emu_fill_restore, emu_answer_restored},
    {KP_OP_ENCRYPT, "encrypt", "encrypt", "encrypt/action", emu_fill_use, emu_answer_use},
    {KP_OP_DECRYPT, "decrypt", "decrypt", "decrypt/action", emu_fill_use, emu_answer_use},
    {KP_OP_WRAP, "wrap", "wrapKey", "wrap/action", emu_fill_use, emu_answer_use},
    {KP_OP_UNWRAP, "unwrap", "unwrapKey", "unwrap/action", emu_fill_use, emu_answer_use},
    {KP_OP_SIGN, "sign", "sign", "sign/action", emu_fill_use, emu_answer_use},
    {KP_OP_VERIFY, "verify", "verify", "verify/action", emu_fill_verify, emu_answer_verify},
    {KP_OP_RELEASE, "release", "release", "release/action", NULL, NULL},
    {KP_OP_ATTEST, "attest", "get", "read/action", NULL, emu_answer_attested},
    {KP_OP_ROTATE, "rotate", "rotate", "rotate/action", emu_fill_rotate, emu_answer_new_key},
    {KP_OP_GET_ROTATION_POLICY, "get_rotation_policy", "getrotationpolicy", "read/action", NULL,
     emu_answer_policy},
    {KP_OP_SET_ROTATION_POLICY, "set_rotation_policy", "setrotationpolicy", "write/action",
     emu_fill_policy, emu_answer_policy},
    {KP_OP_RANDOM, "random", "random", "random/action", emu_fill_random, emu_answer_random},
};

const struct emu_operation *emu_operation_of(uint32_t op)
{
    for (size_t i = 0; i < sizeof OPERATIONS / sizeof OPERATIONS[0]; i++) {
        if (OPERATIONS[i].op == op)
            return &OPERATIONS[i];
    }
    return NULL;
}

/* ---- Submitting ---- */

static void on_landed(void *ctx, struct kp_result *result)
{
    struct emu_exchange *x = ctx;
    x->on_answer(x, result);
}

void emu_operation_submit(struct emu_exchange *x, const struct kp_request *request,
                          emu_answer_fn *answer)
{
    struct kp_error err;
    kp_error_init(&err);
    x->on_answer = answer;
    kp_status st =
        emu_backend_submit(&x->emu->backend, x->vault->handle, request, on_landed, x, &err);
    if (st != KP_OK)
        emu_fail_operation(x, &err);
}

/* ---- Why a use was forbidden ---- */

static bool needs_window(uint32_t op)
{
    return op == KP_OP_ENCRYPT || op == KP_OP_WRAP || op == KP_OP_SIGN;
}

/* The inner code for the key as it is. The codes of the window are a choice: none is known. */
static const char *reason_of(const struct emu_exchange *x, const struct kp_key_info *key)
{
    const int64_t now = emu_clock_unix_s();
    if (!(key->flags & KP_KEY_ENABLED))
        return "KeyDisabled";
    if (!(key->key_ops & kpc_alg_key_op(x->operation->op)))
        return "KeyOperationForbidden";
    if (!needs_window(x->operation->op))
        return NULL;
    if (key->not_before_unix_s != KP_TIME_NONE && now < key->not_before_unix_s)
        return "KeyNotYetValid";
    return key->expires_unix_s != KP_TIME_NONE && now >= key->expires_unix_s ? "KeyExpired" : NULL;
}

static void on_reason(struct emu_exchange *x, struct kp_result *result)
{
    const char *inner = result->status == KP_OK ? reason_of(x, result->reply.key) : NULL;
    emu_fail(x, 403, "Forbidden", inner, "%s", x->error.text);
}

static void look_into(struct emu_exchange *x, const struct kp_error *error)
{
    struct kp_request request;
    x->error = *error;
    kp_request_init(&request, KP_OP_GET_KEY);
    request.name = emu_book_name(&x->vault->book, x->name);
    request.version = x->version;
    emu_operation_submit(x, &request, on_reason);
}

/* ---- Failures ---- */

static bool makes_versions(uint32_t op)
{
    return op == KP_OP_CREATE || op == KP_OP_IMPORT || op == KP_OP_IMPORT_BYOK;
}

static void fail_conflict(struct emu_exchange *x, const struct kp_error *error)
{
    if (makes_versions(x->operation->op))
        emu_fail(x, 409, "Conflict", "ObjectIsDeletedButRecoverable", "%s", error->text);
    else
        emu_fail(x, 409, "Conflict", NULL, "%s", error->text);
}

static void fail_restore(struct emu_exchange *x)
{
    bool is_hsm = emu_is_hsm(x->vault);
    emu_fail(x, 400, is_hsm ? "MalformedBackupBlob" : "Malformed backup blob", NULL,
             "the backup is damaged, or of another %s",
             is_hsm ? "security domain" : "subscription or geography");
}

void emu_operation_failed(struct emu_exchange *x, struct kp_result *result)
{
    const struct kp_error *error = &result->error;
    const uint32_t op = x->operation->op;
    bool is_deleted = op == KP_OP_GET_DELETED || op == KP_OP_PURGE || op == KP_OP_RECOVER;
    if (result->status == KP_NOT_FOUND)
        emu_fail_not_found(x, is_deleted);
    else if (result->status == KP_CONFLICT)
        fail_conflict(x, error);
    else if (result->status == KP_FORBIDDEN && x->name.len > 0 && op != KP_OP_PURGE)
        look_into(x, error);
    else if (op == KP_OP_RESTORE && (result->status == KP_INTEGRITY || result->status == KP_CONFIG))
        fail_restore(x);
    else
        emu_fail_operation(x, error);
}

static void on_answer(struct emu_exchange *x, struct kp_result *result)
{
    if (result->status == KP_OK)
        x->operation->answer(x, result);
    else
        emu_operation_failed(x, result);
}

/* ---- Changes that take a while to spread ---- */

static bool is_within_delay(const struct emu_exchange *x, kp_span name, const char *member)
{
    int64_t at = emu_book_get(&x->vault->book, name, member);
    return at != 0 && emu_clock_unix_s() < at + x->vault->settings->delete_delay_s;
}

/* Whether a change that has not spread yet decides the answer, which has been sent then. */
static bool is_decided_by_delay(struct emu_exchange *x)
{
    const uint32_t op = x->operation->op;
    if (emu_is_hsm(x->vault) || x->name.len == 0)
        return false;
    if (makes_versions(op) && is_within_delay(x, x->name, "deleted_at")) {
        emu_fail(x, 409, "Conflict", "ObjectIsBeingDeleted",
                 "key %.*s is being deleted; its name is not free yet", (int)x->name.len,
                 (const char *)x->name.ptr);
        return true;
    }
    bool hides_deleted = op == KP_OP_GET_DELETED && is_within_delay(x, x->name, "deleted_at");
    if (!hides_deleted && !(op == KP_OP_GET_KEY && is_within_delay(x, x->name, "recovered_at")))
        return false;
    emu_fail_not_found(x, hides_deleted);
    return true;
}

/* ---- Beginning ---- */

static bool has_body(uint32_t op)
{
    switch (op) {
    case KP_OP_CREATE:
    case KP_OP_IMPORT:
    case KP_OP_UPDATE:
    case KP_OP_RESTORE:
    case KP_OP_ENCRYPT:
    case KP_OP_DECRYPT:
    case KP_OP_WRAP:
    case KP_OP_UNWRAP:
    case KP_OP_SIGN:
    case KP_OP_VERIFY:
    case KP_OP_RELEASE:
    case KP_OP_SET_ROTATION_POLICY:
    case KP_OP_RANDOM:
        return true;
    default:
        return false;
    }
}

/* Parses the body and makes room for what it holds in binary form. */
static bool take_body(struct emu_exchange *x)
{
    if (!has_body(x->operation->op))
        return true;
    x->body = emu_json_parse(x->request.body);
    if (!x->body) {
        emu_fail_parameter(x, "the body is no JSON object");
        return false;
    }
    if (kp_buf_reserve(&x->bytes, x->request.body.len) == KP_OK)
        return true;
    emu_fail(x, 500, "InternalServerError", NULL, "no memory");
    return false;
}

void emu_operation_resume(struct emu_exchange *x)
{
    struct emu_order order;
    memset(&order, 0, sizeof order);
    kp_request_init(&order.request, x->operation->op);
    kp_key_params_init(&order.params);
    order.request.name = emu_book_name(&x->vault->book, x->name);
    order.request.version = x->version;
    if (x->operation->op == KP_OP_ATTEST)
        order.request.op = KP_OP_GET_KEY;
    if (x->operation->fill && !x->operation->fill(x, &order))
        return;
    emu_operation_submit(x, &order.request, on_answer);
}

/* ---- The current version, where the path names none ---- */

static bool needs_version(const struct emu_exchange *x)
{
    return x->version.len == 0 &&
           (x->operation->op == KP_OP_DECRYPT || x->operation->op == KP_OP_UNWRAP);
}

static void on_current(struct emu_exchange *x, struct kp_result *result)
{
    if (result->status != KP_OK) {
        emu_operation_failed(x, result);
        return;
    }
    const kp_span version = result->reply.version;
    (void)snprintf(x->version_text, sizeof x->version_text, "%.*s", (int)version.len,
                   (const char *)version.ptr);
    x->version = kpb_span_str(x->version_text);
    emu_operation_resume(x);
}

static void look_up_version(struct emu_exchange *x)
{
    struct kp_request request;
    kp_request_init(&request, KP_OP_GET_KEY);
    request.name = emu_book_name(&x->vault->book, x->name);
    emu_operation_submit(x, &request, on_current);
}

void emu_operation_begin(struct emu_exchange *x)
{
    const uint32_t op = x->operation->op;
    if (is_decided_by_delay(x) || emu_region_hides(x) || !take_body(x))
        return;
    if (op == KP_OP_RELEASE)
        emu_release_begin(x);
    else if (op == KP_OP_IMPORT && !emu_json_lacks(json_object_get(x->body, "key"), "key_hsm"))
        emu_byok_begin(x);
    else if (needs_version(x))
        look_up_version(x);
    else
        emu_operation_resume(x);
}
