/*
 * Asks Windows about Authenticode signatures; for win_*.c twins. Any thread; reads the file, shows
 * no window and fetches nothing from a network.
 */
#ifndef KP_BASE_WIN_SIGNATURE_H
#define KP_BASE_WIN_SIGNATURE_H

#include <wchar.h>

#include "base/signature.h"

/*
 * Looks at the signature of the file behind handle, open for reading; path is its name, which the
 * system chooses a reader by. Revoked certificates are known from the lists this machine holds.
 * Whatever goes wrong is a verdict, too.
 */
void kpb_win_signature(void *handle, const wchar_t *path, struct kpb_signature *ret);

/* The same of the module, program or DLL, that this function is linked into. */
void kpb_win_signature_own(struct kpb_signature *ret);

#endif /* KP_BASE_WIN_SIGNATURE_H */
