/*
 * Between our UTF-8 and the UTF-16 of Windows; for the win_*.c twins of every room. Text that is
 * neither is refused, never mended: two names must not become one. Any thread.
 */
#ifndef KP_BASE_WIN_TEXT_H
#define KP_BASE_WIN_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <keyprovider/status.h>
#include <keyprovider/types.h>

/*
 * text (NUL-terminated UTF-8) as UTF-16 in new memory, freed with kpb_free. NULL: memory is out, or
 * text is no UTF-8.
 */
wchar_t *kpb_win_wide(const char *site, const char *text) KP_MUST_USE;
/* The same for a path, saying which of the two it is. Errors: no_memory, usage. */
kp_status kpb_win_wide_path(const char *site, const char *path, wchar_t **ret,
                            struct kp_error *reterr) KP_MUST_USE;
/* The same into room for cap units, NUL included. false: no UTF-8, or no room. */
bool kpb_win_wide_fill(const char *text, wchar_t *out, size_t cap) KP_MUST_USE;
/* UTF-16 into room for cap bytes of UTF-8, NUL included. false: no UTF-16, or no room. */
bool kpb_win_utf8_fill(const wchar_t *text, char *out, size_t cap) KP_MUST_USE;

/*
 * What the system says of one of its error codes (GetLastError), in one line without its full stop,
 * or "error N". Writes at most cap bytes, NUL included.
 */
void kpb_win_reason(uint32_t code, char *out, size_t cap);

#endif /* KP_BASE_WIN_TEXT_H */
