/*
 * What an emulated vault knows about its keys that a file vault does not keep: the spelling of a
 * name (the service compares names without case), whether a version is of an HSM kind, exportable
 * and under which release policy, and when a deletion or a purge will have spread. One JSON file,
 * replaced as a whole at each change.
 */
#ifndef KP_TOOLS_KP_EMULATOR_BOOK_H
#define KP_TOOLS_KP_EMULATOR_BOOK_H

#include <jansson.h>

#include "base/buf.h"

struct emu_book {
    json_t *keys; /* object: name in lower case -> entry */
    char *path;
};

/* Reads the file where there is one. Errors: config, no_memory. */
kp_status emu_book_open(struct emu_book *book, const char *path, struct kp_error *reterr)
    KP_MUST_USE;
void emu_book_close(struct emu_book *book);
/* The entry of a key, NULL when unknown. Borrowed until the book changes. */
json_t *emu_book_entry(const struct emu_book *book, kp_span name);
/* The name as it was first spelt, or as given for an unknown key. Borrowed likewise. */
kp_span emu_book_name(const struct emu_book *book, kp_span name);
/* What is noted of a version (empty, or unknown: of the current one), NULL for nothing. Borrowed
 * likewise. */
json_t *emu_book_version(const struct emu_book *book, kp_span name, kp_span version);
/* Notes a version, and it becomes the current one; takes facts (which may be NULL: none). */
kp_status emu_book_add(struct emu_book *book, kp_span name, kp_span version, json_t *facts)
    KP_MUST_USE;
/* Puts a whole entry in place, as a restore does; takes entry. */
kp_status emu_book_put(struct emu_book *book, kp_span name, json_t *entry) KP_MUST_USE;
/* Sets a number of an entry: "deleted_at", "purged_at"; makes the entry if need be. */
kp_status emu_book_set(struct emu_book *book, kp_span name, const char *member, int64_t value)
    KP_MUST_USE;
/* That number, or 0. */
int64_t emu_book_get(const struct emu_book *book, kp_span name, const char *member);
/* Writes the file after a change made through a borrowed entry. */
kp_status emu_book_save(const struct emu_book *book) KP_MUST_USE;

#endif /* KP_TOOLS_KP_EMULATOR_BOOK_H */
