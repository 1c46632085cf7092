#include "plugins/file-test/fail.h"

#include <stdio.h>

/* What each outcome means to whoever has to put it right. */
static const struct {
    kp_status status;
    uint32_t code;
    const char *text;
} IO_FAILURES[] = {
    [FT_IO_OK] = {KP_INTERNAL, 0, "failed without a reason"},
    [FT_IO_NOT_FOUND] = {KP_NOT_FOUND, KP_CODE_ErrorHttpResourceNotFound, "is not there any more"},
    [FT_IO_EXISTS] = {KP_CONFLICT, 0, "is there already"},
    [FT_IO_FULL] = {KP_VAULT, 0, "found no space left on the disk; free some and repeat"},
    [FT_IO_READ_ONLY] = {KP_VAULT, 0, "is on a read-only file system; mount it writable"},
    [FT_IO_DENIED] = {KP_FORBIDDEN, KP_CODE_ErrorHttpOperationForbidden,
                      "was denied; check the owner and permissions"},
    [FT_IO_LOCKED] = {KP_TRANSIENT, 0, "is locked by another process"},
    [FT_IO_LINK] = {KP_FORBIDDEN, KP_CODE_ErrorHttpOperationForbidden,
                    "is a symbolic link, which a vault never holds; remove it"},
    [FT_IO_NOT_DIR] = {KP_CONFIG, 0, "is not a directory"},
    [FT_IO_EXHAUSTED] = {KP_TRANSIENT, 0, "met a limit of the system on open files or memory"},
    [FT_IO_FAILED] = {KP_VAULT, 0, "met an input/output error; check the disk"},
};

kp_status ft_fail_io(struct kp_error *reterr, enum ft_io io, const char *label, const char *what)
{
    kp_status st = kpb_fail_code(reterr, IO_FAILURES[io].status, IO_FAILURES[io].code,
                                 "%s of vault %s %s", what, label, IO_FAILURES[io].text);
    if (reterr)
        reterr->exposure = KP_ANSWERED_REFUSED;
    return st;
}

kp_status ft_fail_name(struct kp_error *reterr, kp_span name)
{
    int shown = name.len > KP_KEY_NAME_MAX_LEN ? (int)KP_KEY_NAME_MAX_LEN : (int)name.len;
    return FT_FAIL_USAGE(reterr,
                         "'%.*s' is no key name: it takes 1 to 127 letters of a-z and A-Z, digits "
                         "and hyphens",
                         shown, (const char *)name.ptr);
}

void ft_label(kp_span name, kp_span location, char out[FT_LABEL_LEN])
{
    kp_span text = name.len > 0 ? name : location;
    size_t room = FT_LABEL_LEN - 1;
    if (text.len <= room) {
        (void)snprintf(out, FT_LABEL_LEN, "%.*s", (int)text.len, (const char *)text.ptr);
        return;
    }
    room -= 3;
    (void)snprintf(out, FT_LABEL_LEN, "...%.*s", (int)room,
                   (const char *)text.ptr + text.len - room);
}
