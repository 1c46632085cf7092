/* The machine's own folders; for win_*.c twins. Any thread. */
#ifndef KP_BASE_WIN_FOLDER_H
#define KP_BASE_WIN_FOLDER_H

#include <stdbool.h>
#include <stddef.h>

#include <keyprovider/types.h>

/*
 * %ProgramData% in UTF-8, without a backslash at its end. It is read from the registry, where only
 * administrators write; the variable of the environment, which belongs to whoever started this,
 * counts only where the registry has none. false: there is none, or it has no room in cap bytes.
 */
bool kpb_win_program_data(char *out, size_t cap) KP_MUST_USE;

/* Whether there is such a path; anything but a clear "no such file" counts as there. */
bool kpb_win_is_there(const char *path);

#endif /* KP_BASE_WIN_FOLDER_H */
