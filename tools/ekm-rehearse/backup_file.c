#include "tools/ekm-rehearse/backup_file.h"

#include <stdio.h>

#include <jansson.h>

#include "base/encode.h"
#include "base/mem.h"
#include "base/span.h"
#include "crypto/seal.h"
#include "tools/ekm-rehearse/catalog_record.h"
#include "tools/ekm-rehearse/store.h"

#define FILE_MAX_LEN (256u * 1024u)
#define PATH_LEN 4096u
#define KEY_LEN 32u

static const char label[] = "backup";

/* ---- The place ---- */

/* Backups of T-SQL paths lie side by side under their last part, be the path one of Windows. */
static kp_span last_part(kp_span disk)
{
    size_t at = disk.len;
    while (at > 0 && disk.ptr[at - 1] != '/' && disk.ptr[at - 1] != '\\')
        at--;
    return kpb_span(disk.ptr + at, disk.len - at);
}

static kp_status find_path(const char *folder, kp_span disk, char path[PATH_LEN],
                           struct kp_error *err)
{
    const kp_span name = last_part(disk);
    if (name.len == 0 || name.ptr[0] == '.' || memchr(name.ptr, 0, name.len))
        return kpb_fail(err, KP_USAGE, "the path names no file");
    if (snprintf(path, PATH_LEN, "%s/backup", folder) >= (int)PATH_LEN)
        return kpb_fail(err, KP_USAGE, "the path is too long");
    const kp_status st = rh_store_folder(path, err);
    if (st != KP_OK)
        return st;
    if (snprintf(path, PATH_LEN, "%s/backup/%.*s", folder, (int)name.len, (const char *)name.ptr) >=
        (int)PATH_LEN)
        return kpb_fail(err, KP_USAGE, "the path is too long");
    return KP_OK;
}

/* ---- Writing ---- */

static int append(const char *text, size_t len, void *ctx)
{
    return kp_buf_append(ctx, kpb_span(text, len)) == KP_OK ? 0 : -1;
}

static kp_status dump(json_t *json, kp_buf *out, struct kp_error *err)
{
    const bool ok = json && json_dump_callback(json, append, out, JSON_INDENT(1)) == 0;
    json_decref(json);
    return ok ? KP_OK : kpb_fail_memory(err, "rehearse.backup");
}

static json_t *hex_of(kp_span bytes)
{
    char *hex = kpb_alloc("rehearse.backup", bytes.len * 2 + 1);
    if (!hex)
        return NULL;
    kpb_hex_encode(bytes, hex);
    json_t *text = json_string(hex);
    kpb_free(hex);
    return text;
}

static kp_status seal_body(kp_buf *body, const uint8_t *key, struct kp_error *err)
{
    kp_buf sealed;
    uint8_t *room = NULL;
    kp_buf_init(&sealed, "rehearse.backup", FILE_MAX_LEN);
    if (kp_buf_extend(&sealed, body->len + KPC_SEAL_OVERHEAD, &room) != KP_OK)
        return kpb_fail_memory(err, "rehearse.backup");
    struct kpc_out out = {room, sealed.len, 0};
    const kp_status st =
        kpc_seal(kpb_span(key, KEY_LEN), kpb_span_str(label), kp_buf_view(body), &out, err);
    if (st == KP_OK)
        kp_buf_move(body, &sealed);
    kp_buf_clear(&sealed);
    return st;
}

static kp_status print_file(const struct rh_backup *b, const kp_buf *body, kp_buf *out,
                            struct kp_error *err)
{
    return dump(json_pack("{s:b, s:o, s:o, s:o}", "encrypted", (int)b->is_encrypted, "encryptor",
                          hex_of(rh_blob_view(&b->encryptor)), "wrapped",
                          hex_of(rh_blob_view(&b->wrapped)), "body", hex_of(kp_buf_view(body))),
                out, err);
}

kp_status rh_backup_write(const char *folder, kp_span disk, const struct rh_backup *b,
                          const uint8_t *key, struct kp_error *reterr)
{
    char path[PATH_LEN];
    kp_buf body;
    kp_buf file;
    kp_buf_init(&body, "rehearse.backup", FILE_MAX_LEN);
    kp_buf_init(&file, "rehearse.backup", FILE_MAX_LEN);
    kp_status st = find_path(folder, disk, path, reterr);
    if (st == KP_OK)
        st = dump(rh_database_to_json(&b->database), &body, reterr);
    if (st == KP_OK && b->is_encrypted)
        st = seal_body(&body, key, reterr);
    if (st == KP_OK)
        st = print_file(b, &body, &file, reterr);
    if (st == KP_OK)
        st = rh_store_write(path, kp_buf_view(&file), reterr);
    kp_buf_clear(&body);
    kp_buf_clear(&file);
    return st;
}

/* ---- Reading ---- */

static bool read_hex(const json_t *value, kp_buf *out)
{
    const kp_span hex = kpb_span(json_string_value(value), json_string_length(value));
    uint8_t *room = NULL;
    if (!json_is_string(value) || hex.len % 2)
        return false;
    if (hex.len == 0)
        return true;
    return kp_buf_extend(out, hex.len / 2, &room) == KP_OK &&
           kpb_hex_decode(hex, room, hex.len / 2) == KP_OK;
}

static bool read_blob(const json_t *value, struct rh_blob *ret)
{
    kp_buf bytes;
    kp_buf_init(&bytes, "rehearse.backup", RH_BYTES_LEN);
    const bool ok = read_hex(value, &bytes) && rh_put_blob(ret, kp_buf_view(&bytes));
    kp_buf_clear(&bytes);
    return ok;
}

static kp_status fail_file(struct kp_error *err)
{
    return kpb_fail(err, KP_CONFIG, "the file is no backup of this program");
}

static kp_status read_outside(struct rh_backup *b, kp_span file, struct kp_error *err)
{
    json_t *root = json_loadb((const char *)file.ptr, file.len, JSON_REJECT_DUPLICATES, NULL);
    b->is_encrypted = json_is_true(json_object_get(root, "encrypted"));
    const bool ok = read_blob(json_object_get(root, "encryptor"), &b->encryptor) &&
                    read_blob(json_object_get(root, "wrapped"), &b->wrapped) &&
                    read_hex(json_object_get(root, "body"), &b->body);
    json_decref(root);
    return ok ? KP_OK : fail_file(err);
}

void rh_backup_clear(struct rh_backup *b)
{
    kp_buf_clear(&b->body);
}

kp_status rh_backup_read(const char *folder, kp_span disk, struct rh_backup *b,
                         struct kp_error *reterr)
{
    char path[PATH_LEN];
    kp_buf file;
    memset(b, 0, sizeof *b);
    kp_buf_init(&b->body, "rehearse.backup", FILE_MAX_LEN);
    kp_buf_init(&file, "rehearse.backup", FILE_MAX_LEN);
    kp_status st = find_path(folder, disk, path, reterr);
    if (st == KP_OK)
        st = rh_store_read(path, &file, reterr);
    if (st == KP_OK)
        st = read_outside(b, kp_buf_view(&file), reterr);
    kp_buf_clear(&file);
    if (st != KP_OK)
        rh_backup_clear(b);
    return st;
}

static kp_status unseal_body(kp_buf *body, const uint8_t *key, struct kp_error *err)
{
    kp_buf plain;
    uint8_t *room = NULL;
    kp_buf_init(&plain, "rehearse.backup", FILE_MAX_LEN);
    if (kp_buf_extend(&plain, body->len + 1, &room) != KP_OK)
        return kpb_fail_memory(err, "rehearse.backup");
    struct kpc_out out = {room, plain.len, 0};
    const kp_status st =
        kpc_open(kpb_span(key, KEY_LEN), kpb_span_str(label), kp_buf_view(body), &out, err);
    plain.len = st == KP_OK ? out.len : 0;
    if (st == KP_OK)
        kp_buf_move(body, &plain);
    kp_buf_clear(&plain);
    return st;
}

kp_status rh_backup_open(struct rh_backup *b, const uint8_t *key, struct kp_error *reterr)
{
    kp_status st = b->is_encrypted ? unseal_body(&b->body, key, reterr) : KP_OK;
    if (st == KP_OK) {
        json_t *object = json_loadb((const char *)b->body.ptr, b->body.len, 0, NULL);
        st = object ? rh_database_from_json(object, &b->database, reterr) : fail_file(reterr);
        json_decref(object);
    }
    rh_backup_clear(b);
    return st;
}
