#include "tools/kp-emulator/book.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/errors.h"
#include "base/mem.h"
#include "base/span.h"
#include "tools/kp-emulator/json.h"

#define SITE "emulator.book"
#define PATH_MAX_LEN 1024u

/* ---- The file ---- */

kp_status emu_book_open(struct emu_book *book, const char *path, struct kp_error *reterr)
{
    book->path = kpb_strdup_span(SITE, kpb_span_str(path));
    bool is_there = access(path, F_OK) == 0;
    book->keys = is_there ? json_load_file(path, JSON_REJECT_DUPLICATES, NULL) : json_object();
    if (book->path && json_is_object(book->keys))
        return KP_OK;
    emu_book_close(book);
    return kpb_fail(reterr, KP_CONFIG,
                    "%s is no book of an emulated vault; remove the state folder", path);
}

void emu_book_close(struct emu_book *book)
{
    json_decref(book->keys);
    kpb_free(book->path);
    book->keys = NULL;
    book->path = NULL;
}

kp_status emu_book_save(const struct emu_book *book)
{
    char fresh[PATH_MAX_LEN];
    int len = snprintf(fresh, sizeof fresh, "%s.new", book->path);
    if (len < 0 || (size_t)len >= sizeof fresh)
        return KP_VAULT;
    if (json_dump_file(book->keys, fresh, JSON_COMPACT) != 0 || rename(fresh, book->path) != 0)
        return KP_VAULT;
    return KP_OK;
}

/* ---- Entries ---- */

static const char *key_of(kp_span name, char out[KP_KEY_NAME_MAX_LEN + 1])
{
    size_t len = name.len < KP_KEY_NAME_MAX_LEN ? name.len : KP_KEY_NAME_MAX_LEN;
    for (size_t i = 0; i < len; i++) {
        char c = (char)name.ptr[i];
        out[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
    }
    out[len] = 0;
    return out;
}

json_t *emu_book_entry(const struct emu_book *book, kp_span name)
{
    char key[KP_KEY_NAME_MAX_LEN + 1];
    return json_object_get(book->keys, key_of(name, key));
}

static json_t *entry_or_new(struct emu_book *book, kp_span name)
{
    char key[KP_KEY_NAME_MAX_LEN + 1];
    json_t *entry = emu_book_entry(book, name);
    if (entry)
        return entry;
    entry = json_pack("{s:o,s:{}}", "name", emu_json_string(name), "versions");
    return json_object_set_new(book->keys, key_of(name, key), entry) == 0 ? entry : NULL;
}

kp_span emu_book_name(const struct emu_book *book, kp_span name)
{
    kp_span known = emu_json_member(emu_book_entry(book, name), "name");
    return known.len > 0 ? known : name;
}

static json_t *noted_of(const json_t *entry, kp_span version)
{
    char id[KP_KEY_VERSION_MAX_LEN + 1];
    if (version.len > KP_KEY_VERSION_MAX_LEN)
        return NULL;
    (void)snprintf(id, sizeof id, "%.*s", (int)version.len, (const char *)version.ptr);
    return json_object_get(json_object_get(entry, "versions"), id);
}

/* A version that a rotation policy made is unknown here, and is what the one before it was. */
json_t *emu_book_version(const struct emu_book *book, kp_span name, kp_span version)
{
    const json_t *entry = emu_book_entry(book, name);
    json_t *noted = noted_of(entry, version);
    return noted ? noted : noted_of(entry, emu_json_member(entry, "current"));
}

kp_status emu_book_add(struct emu_book *book, kp_span name, kp_span version, json_t *facts)
{
    char id[KP_KEY_VERSION_MAX_LEN + 1];
    json_t *entry = entry_or_new(book, name);
    json_t *own = facts ? facts : json_object();
    size_t len = version.len < KP_KEY_VERSION_MAX_LEN ? version.len : KP_KEY_VERSION_MAX_LEN;
    (void)snprintf(id, sizeof id, "%.*s", (int)len, (const char *)version.ptr);
    if (!entry) {
        json_decref(own);
        return KP_NO_MEMORY;
    }
    if (json_object_set_new(json_object_get(entry, "versions"), id, own) != 0 ||
        json_object_set_new(entry, "current", json_string(id)) != 0)
        return KP_NO_MEMORY;
    return emu_book_save(book);
}

kp_status emu_book_put(struct emu_book *book, kp_span name, json_t *entry)
{
    char key[KP_KEY_NAME_MAX_LEN + 1];
    if (json_object_set_new(book->keys, key_of(name, key), entry) != 0)
        return KP_NO_MEMORY;
    return emu_book_save(book);
}

kp_status emu_book_set(struct emu_book *book, kp_span name, const char *member, int64_t value)
{
    json_t *entry = entry_or_new(book, name);
    if (!entry || json_object_set_new(entry, member, json_integer(value)) != 0)
        return KP_NO_MEMORY;
    return emu_book_save(book);
}

int64_t emu_book_get(const struct emu_book *book, kp_span name, const char *member)
{
    return json_integer_value(json_object_get(emu_book_entry(book, name), member));
}
