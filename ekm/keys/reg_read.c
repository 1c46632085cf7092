/*
 * An export of the registry:
 *
 *     Windows Registry Editor Version 5.00
 *
 *     [HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\SQL Server Cryptographic Provider\Azure Key Vault\
 *      https://HOST\373B314B78E8D59A0925494558FEF14B726216C5]          (one line)
 *     "KeyUri"="https://HOST/keys/NAME/VERSION"
 *
 * In UTF-16 little-endian with a mark, lines end in CR LF; REGEDIT4 files are in bytes.
 */
#include <string.h>

#include <keyprovider/keyprovider.h>

#include "base/errors.h"
#include "base/span.h"
#include "base/utf8.h"
#include "ekm/keys/map_text.h"

#define MAP_KEY "\\SQL Server Cryptographic Provider\\Azure Key Vault\\"
#define VALUE_MAX_LEN 2048u

/* ---- UTF-16 to UTF-8 ---- */

static uint32_t unit_at(kp_span text, size_t i)
{
    return i + 1 < text.len ? (uint32_t)text.ptr[i] | (uint32_t)text.ptr[i + 1] << 8 : 0;
}

/* The character at *at, which moves behind it; a half of a pair alone is U+FFFD. */
static uint32_t next_character(kp_span text, size_t *at)
{
    uint32_t high = unit_at(text, *at);
    uint32_t low = unit_at(text, *at + 2);

    *at += 2;
    if (high < 0xd800 || high > 0xdfff)
        return high;
    if (high > 0xdbff || low < 0xdc00 || low > 0xdfff)
        return 0xfffd;
    *at += 2;
    return 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
}

static kp_status to_utf8(kp_span text, kp_buf *out)
{
    uint8_t bytes[KPB_UTF8_MAX_LEN];
    kp_status st = KP_OK;

    for (size_t at = 0; st == KP_OK && at + 1 < text.len;)
        st = kp_buf_append(out, kpb_span(bytes, kpb_utf8_put(bytes, next_character(text, &at))));
    return st;
}

/* ---- Lines ---- */

/* What has been read so far. The thumbprint key under way has a vault; it waits for its KeyUri. */
struct reg {
    kp_span rest;
    size_t line; /* number of the current one, from 1 */
    kp_span vault;
    struct ekm_thumb thumb;
    bool is_waiting;
    size_t waiting_line;
    struct ekm_table *table;
    struct kp_error *err;
};

static kp_span trim(kp_span text)
{
    while (text.len > 0 && text.ptr[text.len - 1] <= ' ')
        text.len--;
    while (text.len > 0 && text.ptr[0] <= ' ') {
        text.ptr++;
        text.len--;
    }
    return text;
}

static bool next_line(struct reg *reg, kp_span *ret)
{
    const uint8_t *end;
    size_t len;

    if (reg->rest.len == 0)
        return false;
    end = memchr(reg->rest.ptr, '\n', reg->rest.len);
    len = end ? (size_t)(end - reg->rest.ptr) : reg->rest.len;
    *ret = trim(kpb_span(reg->rest.ptr, len));
    len += end ? 1 : 0;
    reg->rest = kpb_span(reg->rest.ptr + len, reg->rest.len - len);
    reg->line++;
    return true;
}

static kp_status refuse(struct reg *reg, size_t line, const char *what)
{
    return kpb_fail(reg->err, KP_USAGE, "line %zu: %s", line, what);
}

/* ---- Keys ---- */

/* What follows MAP_KEY in a key's path; empty where it is not below it. */
static kp_span below_map(kp_span path)
{
    size_t len = strlen(MAP_KEY);

    for (size_t i = 0; i + len <= path.len; i++) {
        if (kpb_span_eq_nocase(kpb_span(path.ptr + i, len), kpb_span_str(MAP_KEY)))
            return kpb_span(path.ptr + i + len, path.len - i - len);
    }
    return kpb_span(path.ptr, 0);
}

static kp_status end_key(struct reg *reg)
{
    if (reg->is_waiting)
        return refuse(reg, reg->waiting_line, "this key has no KeyUri");
    reg->vault.len = 0;
    return KP_OK;
}

/* VAULT\THUMBPRINT; Log and a vault alone are keys of the connector too, without a record. */
static kp_status begin_record(struct reg *reg, kp_span below)
{
    const uint8_t *slash = memchr(below.ptr, '\\', below.len);
    kp_span thumb;

    if (!slash)
        return KP_OK;
    thumb = kpb_span(slash + 1, below.len - (size_t)(slash + 1 - below.ptr));
    if (ekm_thumb_parse(thumb, &reg->thumb, NULL) != KP_OK)
        return refuse(reg, reg->line, "this key below a vault is no thumbprint in hex");
    reg->vault = kpb_span(below.ptr, (size_t)(slash - below.ptr));
    reg->is_waiting = true;
    reg->waiting_line = reg->line;
    return KP_OK;
}

static kp_status take_key(struct reg *reg, kp_span line)
{
    kp_status st = end_key(reg);
    kp_span below;

    if (st != KP_OK)
        return st;
    if (line.len < 2 || line.ptr[line.len - 1] != ']')
        return refuse(reg, reg->line, "a key's line does not end in ]");
    below = below_map(kpb_span(line.ptr + 1, line.len - 2));
    if (below.len == 0)
        return KP_OK;
    if (line.ptr[1] == '-')
        return refuse(reg, reg->line, "this takes a key out of the registry; it is no export");
    return begin_record(reg, below);
}

/* ---- Values ---- */

/* Reads a quoted text with \\ and \" in it; *ret_len bytes of it were quoted, quotes included. */
static bool unquote(kp_span text, char out[VALUE_MAX_LEN], size_t *ret_len)
{
    size_t n = 0;

    for (size_t i = 1; i < text.len && n + 1 < VALUE_MAX_LEN; i++) {
        if (text.ptr[i] == '"') {
            out[n] = '\0';
            *ret_len = i + 1;
            return true;
        }
        if (text.ptr[i] == '\\' && ++i == text.len)
            return false;
        out[n++] = (char)text.ptr[i];
    }
    return false;
}

static uint32_t scheme_of(const struct ekm_record *record)
{
    char name[EKM_THUMB_NAME_MAX_LEN + 1];
    bool is_name =
        ekm_thumb_to_name(&record->thumb, name, NULL) == KP_OK && strcmp(name, record->name) == 0;

    return is_name ? EKM_SCHEME_NAME : EKM_SCHEME_FOREIGN;
}

static kp_status put_record(struct reg *reg, const struct kp_key_ref *uri)
{
    struct ekm_put_report report = {0};
    struct ekm_record record;
    char vault[EKM_VAULT_MAX_LEN + 1];
    kp_status st = ekm_record_init(&record, uri->vault, uri->name, uri->version, reg->err);

    if (st == KP_OK)
        st = ekm_vault_text(reg->vault, vault, reg->err);
    if (st == KP_OK && strcmp(vault, record.vault) != 0)
        return refuse(reg, reg->line, "the KeyUri names another vault than the key it stands in");
    if (st == KP_OK) {
        record.thumb = reg->thumb;
        record.scheme = scheme_of(&record);
        record.origin = EKM_ORIGIN_IMPORTED;
        st = ekm_table_put(reg->table, &record, 0, &report, reg->err);
    }
    if (st != KP_OK && st != KP_NO_MEMORY)
        kpb_error_prefix(reg->err, "line %zu", reg->line);
    return st;
}

static kp_status take_uri(struct reg *reg, const char *uri)
{
    struct kp_key_ref ref;
    kp_span text = kpb_span_str(uri);

    if (!kpb_span_starts_with(text, "https://") || kp_key_ref_parse(text, &ref, NULL) != KP_OK)
        return refuse(reg, reg->line, "the KeyUri is not https://HOST/keys/NAME[/VERSION]");
    reg->is_waiting = false;
    return put_record(reg, &ref);
}

static kp_status take_value(struct reg *reg, kp_span line)
{
    char name[VALUE_MAX_LEN];
    char value[VALUE_MAX_LEN];
    size_t len;
    kp_span rest;

    if (!reg->is_waiting || line.ptr[0] != '"')
        return KP_OK;
    if (!unquote(line, name, &len))
        return refuse(reg, reg->line, "a value's name has no end or is too long");
    if (!kpb_span_eq_nocase(kpb_span_str(name), kpb_span_str("KeyUri")))
        return KP_OK;
    rest = kpb_span(line.ptr + len, line.len - len);
    if (!kpb_span_starts_with(rest, "=\""))
        return refuse(reg, reg->line, "the KeyUri is no string value");
    if (!unquote(kpb_span(rest.ptr + 1, rest.len - 1), value, &len) || len + 1 != rest.len)
        return refuse(reg, reg->line, "the KeyUri has no end, is too long, or is not all");
    return take_uri(reg, value);
}

static bool is_first_line(kp_span line)
{
    return kpb_span_eq_str(line, "Windows Registry Editor Version 5.00") ||
           kpb_span_eq_str(line, "REGEDIT4");
}

static kp_status read_lines(struct reg *reg)
{
    kp_span line = {NULL, 0};
    kp_status st = KP_OK;

    if (!next_line(reg, &line) || !is_first_line(line))
        return refuse(reg, 1, "neither a key map (JSON) nor an export of the registry");
    while (st == KP_OK && next_line(reg, &line)) {
        if (line.len > 0 && line.ptr[0] == '[')
            st = take_key(reg, line);
        else if (line.len > 0)
            st = take_value(reg, line);
    }
    return st == KP_OK ? end_key(reg) : st;
}

kp_status ekm_reg_read(kp_span text, struct ekm_table *table, struct kp_error *reterr)
{
    struct reg reg = {.table = table, .err = reterr};
    kp_buf utf8;
    kp_status st = KP_OK;

    kp_buf_init(&utf8, "ekm.reg", 2 * (size_t)EKM_MAP_IMPORT_MAX_LEN);
    reg.rest = text;
    if (text.len >= 2 && text.ptr[0] == 0xff && text.ptr[1] == 0xfe) {
        st = to_utf8(kpb_span(text.ptr + 2, text.len - 2), &utf8);
        reg.rest = kp_buf_view(&utf8);
    } else if (kpb_span_starts_with(text, "\xef\xbb\xbf")) {
        reg.rest = kpb_span(text.ptr + 3, text.len - 3);
    }
    if (st == KP_OK)
        st = read_lines(&reg);
    else
        st = kpb_fail_memory(reterr, utf8.site);
    kp_buf_clear(&utf8);
    return st;
}
