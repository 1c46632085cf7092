/*
 * Reading our own JSON documents strictly: every member known, of the right type, bounded in depth.
 * Secret members never reach the JSON library: ft_json_redact takes their texts out first.
 *
 * Errors are `integrity` and name the member or the line; the caller names the file. One thread.
 */
#ifndef KP_PLUGINS_FILE_TEST_JSON_READ_H
#define KP_PLUGINS_FILE_TEST_JSON_READ_H

#include <stdbool.h>

#include <jansson.h>

#include "base/buf.h"
#include "plugins/file-test/arena.h"

#define FT_JSON_DEPTH_MAX 8u

/*
 * Copies a JSON text to out, in which the string value of each member named "private", down to the
 * level of a version and not among its tags, is replaced by its ordinal ("0", "1", ...), and points
 * secrets[i] to the i-th value inside text. Also checks the depth of nesting. Strings that are cut
 * and other mistakes of grammar are left to ft_json_load. *n_secrets: room of secrets before,
 * number found after. Errors: integrity (too deep, more secrets than there is room for), no_memory.
 */
kp_status ft_json_redact(kp_span text, kp_buf *out, kp_span *secrets, size_t *n_secrets,
                         struct kp_error *reterr) KP_MUST_USE;

/* Parses an object; duplicate members are refused. *ret is the caller's reference. */
kp_status ft_json_load(kp_span text, json_t **ret, struct kp_error *reterr) KP_MUST_USE;

/* Refuses members that are not in the NULL-terminated list. */
kp_status ft_json_only(const json_t *object, const char *const *names, struct kp_error *reterr)
    KP_MUST_USE;

/*
 * Each reads one member. Where absent is allowed, *ret keeps its value. Texts are borrowed from the
 * object and hold no NUL.
 */
kp_status ft_json_text(const json_t *object, const char *name, bool required, kp_span *ret,
                       struct kp_error *reterr) KP_MUST_USE;
kp_status ft_json_int(const json_t *object, const char *name, bool required, int64_t *ret,
                      struct kp_error *reterr) KP_MUST_USE;
kp_status ft_json_bool(const json_t *object, const char *name, bool *ret, struct kp_error *reterr)
    KP_MUST_USE;
/* *ret is borrowed, NULL when absent. */
kp_status ft_json_array(const json_t *object, const char *name, bool required, json_t **ret,
                        struct kp_error *reterr) KP_MUST_USE;
kp_status ft_json_object(const json_t *object, const char *name, bool required, json_t **ret,
                         struct kp_error *reterr) KP_MUST_USE;
/* base64url, decoded into the arena. Absent gives the empty span. */
kp_status ft_json_bytes(const json_t *object, const char *name, struct ft_arena *arena,
                        kp_span *ret, struct kp_error *reterr) KP_MUST_USE;

#endif /* KP_PLUGINS_FILE_TEST_JSON_READ_H */
