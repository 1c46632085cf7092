/*
 * Backup blobs as the services hand them out: opaque text. Inside is a blob of the file vault with
 * the book's entry of the key before it, both under one HMAC of the domain's backup key.
 *
 *     vault:       base64url("&AzureKeyVaultKeyBackupV1.microsoft.com" ENTRY "." BLOB "." MAC)
 *     Managed HSM: base64url("emulated-hsm-backup" ENTRY "." BLOB "." MAC)
 *
 * The entry ends in blanks, as many as give a backup the length that the service's have.
 */
#include "tools/kp-emulator/operation.h"

#include <string.h>

#include "base/encode.h"
#include "base/errors.h"
#include "base/span.h"
#include "crypto/hash.h"
#include "tools/kp-emulator/bundle.h"
#include "tools/kp-emulator/clock.h"
#include "tools/kp-emulator/failure.h"
#include "tools/kp-emulator/regions.h"

#define SITE "emulator.backup"
#define BLOB_MAX_LEN KP_BACKUP_MAX_LEN
/* Bytes of JSON that a version takes: about 10 kB in a vault, 20 kB in a Managed HSM. */
#define VAULT_VERSION_LEN 9800u
#define HSM_VERSION_LEN 20000u

static const char *prefix_of(const struct emu_exchange *x)
{
    return emu_is_hsm(x->vault) ? "emulated-hsm-backup" : "&AzureKeyVaultKeyBackupV1.microsoft.com";
}

static kp_status mac_of(const struct emu_exchange *x, kp_span text, uint8_t mac[KPC_SHA256_LEN])
{
    uint8_t key[32];
    const struct emu_vault_settings *v = x->vault->settings;
    kp_status st = emu_backup_key(x->emu->folder, v->mode, v->domain, key, NULL);
    return st == KP_OK ? kpc_hmac_sha256(kpb_span(key, sizeof key), text, mac, NULL) : st;
}

/* ---- Out ---- */

static kp_status append_encoded(kp_span bytes, kp_buf *out)
{
    kp_status st = kpb_base64url_encode(bytes, out);
    return st == KP_OK ? kp_buf_append_byte(out, '.') : st;
}

/* It is encoded twice: nine bytes of it are sixteen of the answer. */
static kp_status pad_entry(const struct emu_exchange *x, size_t n_versions, kp_buf *text)
{
    uint8_t *blanks;
    const size_t wanted =
        n_versions * (emu_is_hsm(x->vault) ? HSM_VERSION_LEN : VAULT_VERSION_LEN) / 16 * 9;
    const size_t n = wanted > text->len ? wanted - text->len : 0;
    kp_status st = kp_buf_extend(text, n, &blanks);
    if (st == KP_OK && n > 0)
        memset(blanks, ' ', n);
    return st;
}

static kp_status append_entry(const struct emu_exchange *x, kp_buf *out)
{
    kp_buf text;
    const json_t *entry = emu_book_entry(&x->vault->book, x->name);
    kp_buf_init(&text, SITE, BLOB_MAX_LEN);
    kp_status st = entry ? emu_json_write(entry, &text) : kp_buf_append_str(&text, "{}");
    if (st == KP_OK)
        st = pad_entry(x, json_object_size(json_object_get(entry, "versions")), &text);
    if (st == KP_OK)
        st = append_encoded(kp_buf_view(&text), out);
    kp_buf_clear(&text);
    return st;
}

static kp_status write_backup(const struct emu_exchange *x, kp_span blob, kp_buf *out)
{
    uint8_t mac[KPC_SHA256_LEN];
    kp_status st = kp_buf_append_str(out, prefix_of(x));
    if (st == KP_OK)
        st = append_entry(x, out);
    if (st == KP_OK)
        st = append_encoded(blob, out);
    if (st == KP_OK)
        st = mac_of(x, kp_buf_view(out), mac);
    return st == KP_OK ? kpb_base64url_encode(kpb_span(mac, sizeof mac), out) : st;
}

void emu_answer_backup(struct emu_exchange *x, struct kp_result *result)
{
    kp_buf text;
    kp_buf_init(&text, SITE, BLOB_MAX_LEN);
    if (write_backup(x, result->reply.value, &text) == KP_OK)
        emu_send_json(x, 200, json_pack("{s:o}", "value", emu_json_base64url(kp_buf_view(&text))));
    else
        emu_fail(x, 500, "InternalServerError", NULL, "the backup is too large");
    kp_buf_clear(&text);
}

/* ---- In ---- */

struct parts {
    kp_span entry;
    kp_span blob;
    kp_span signed_part;
    kp_span mac;
};

static bool split(kp_span text, struct parts *ret)
{
    const uint8_t *end = text.ptr + text.len;
    const uint8_t *first = memchr(text.ptr, '.', text.len);
    const uint8_t *second = first ? memchr(first + 1, '.', (size_t)(end - first - 1)) : NULL;
    if (!second)
        return false;
    ret->entry = kpb_span(text.ptr, (size_t)(first - text.ptr));
    ret->blob = kpb_span(first + 1, (size_t)(second - first - 1));
    ret->mac = kpb_span(second + 1, (size_t)(end - second - 1));
    return true;
}

static bool is_genuine(const struct emu_exchange *x, kp_span signed_part, kp_span mac)
{
    uint8_t wanted[KPC_SHA256_LEN];
    kp_buf given;
    kp_buf_init(&given, SITE, 64);
    bool same = kpb_base64url_decode(mac, &given) == KP_OK &&
                mac_of(x, signed_part, wanted) == KP_OK &&
                kpb_span_eq_secret(kp_buf_view(&given), kpb_span(wanted, sizeof wanted));
    kp_buf_clear(&given);
    return same;
}

static json_t *decode_entry(kp_span text)
{
    kp_buf bytes;
    json_t *entry = NULL;
    kp_buf_init(&bytes, SITE, BLOB_MAX_LEN);
    if (kpb_base64url_decode(text, &bytes) == KP_OK)
        entry = emu_json_parse(kp_buf_view(&bytes));
    kp_buf_clear(&bytes);
    return entry;
}

/* Opens the text of a backup: the entry becomes the exchange's facts, the blob *ret. */
static bool open_backup(struct emu_exchange *x, kp_span text, kp_span *ret)
{
    struct parts parts = {{NULL, 0}, {NULL, 0}, {NULL, 0}, {NULL, 0}};
    const size_t prefix = strlen(prefix_of(x));
    size_t start;
    if (!kpb_span_starts_with(text, prefix_of(x)) ||
        !split(kpb_span(text.ptr + prefix, text.len - prefix), &parts))
        return false;
    parts.signed_part = kpb_span(text.ptr, (size_t)(parts.mac.ptr - text.ptr));
    if (!is_genuine(x, parts.signed_part, parts.mac))
        return false;
    x->facts = decode_entry(parts.entry);
    start = x->content.len;
    if (!x->facts || kpb_base64url_decode(parts.blob, &x->content) != KP_OK)
        return false;
    *ret = kpb_span(x->content.ptr + start, x->content.len - start);
    return true;
}

static bool is_settling(const struct emu_exchange *x)
{
    kp_span name = emu_json_member(x->facts, "name");
    int64_t at = emu_book_get(&x->vault->book, name, "purged_at");
    return !emu_is_hsm(x->vault) && at != 0 &&
           emu_clock_unix_s() < at + x->vault->settings->delete_delay_s;
}

bool emu_fill_restore(struct emu_exchange *x, struct emu_order *order)
{
    bool is_hsm = emu_is_hsm(x->vault);
    bool ok = emu_json_bytes(json_object_get(x->body, "value"), &x->bytes) == KP_OK &&
              open_backup(x, kp_buf_view(&x->bytes), &order->request.value);
    if (!ok)
        emu_fail(x, 400, is_hsm ? "MalformedBackupBlob" : "Malformed backup blob", NULL,
                 "the backup is damaged, or of another %s",
                 is_hsm ? "security domain" : "subscription or geography");
    else if (is_settling(x))
        emu_fail(x, 409, "Conflict", NULL, "the purge of a key of that name has not ended yet");
    else
        return true;
    return false;
}

void emu_answer_restored(struct emu_exchange *x, struct kp_result *result)
{
    const struct kp_key_info *key = result->reply.key;
    json_t *entry = x->facts;
    x->facts = NULL; /* moved to the book */
    kp_buf_reset(&x->content);
    (void)json_object_del(entry, "deleted_at");
    (void)json_object_del(entry, "purged_at");
    emu_region_stamp_all(x, entry);
    if (emu_book_put(&x->vault->book, key->name, entry) == KP_OK)
        emu_send_json(x, 200, emu_bundle(x, key));
    else
        emu_fail(x, 500, "InternalServerError", NULL, "the book of the vault could not be written");
}
