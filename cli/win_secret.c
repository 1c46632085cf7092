#include "cli/win_secret.h"

#include <stdio.h>
#include <windows.h>

#include "base/mem.h"
#include "base/win_text.h"
#include "cli/io.h"

#define LINE_UNITS 4096u /* NUL included; a longer line would come in pieces, and is refused */
#define LINE_LEN (3u * LINE_UNITS) /* a unit has three bytes at most */

/* ---- A console ---- */

/* The mode is the console's, not ours: it comes back as it was. */
static bool read_line(HANDLE console, DWORD mode, wchar_t *line)
{
    DWORD n = 0;
    BOOL ok = SetConsoleMode(console, ENABLE_LINE_INPUT | ENABLE_PROCESSED_INPUT);
    if (ok) {
        ok = ReadConsoleW(console, line, LINE_UNITS - 1, &n, NULL);
        (void)SetConsoleMode(console, mode);
    }
    line[ok ? n : 0] = L'\0';
    return ok;
}

static kp_status append_line(const wchar_t *line, kp_buf *out, struct cli_fault *f)
{
    char *text = kpb_secret_alloc("cli.secret", LINE_LEN);
    kp_status st = KP_OK;
    if (!text) {
        return kpb_fail_memory(&f->error, "cli.secret");
    }
    if (wcslen(line) == LINE_UNITS - 1) {
        st = kpb_fail(&f->error, KP_USAGE, "the line is too long; pipe the secret in");
    } else if (!kpb_win_utf8_fill(line, text, LINE_LEN)) {
        st = kpb_fail(&f->error, KP_USAGE, "what was typed is no text");
    } else if (kp_buf_append_str(out, text) != KP_OK) {
        st = kpb_fail_memory(&f->error, "cli.secret");
    }
    kpb_secret_free(text, LINE_LEN);
    return st;
}

static kp_status read_console(HANDLE console, DWORD mode, kp_buf *out, struct cli_fault *f)
{
    wchar_t *line = kpb_secret_alloc("cli.secret", LINE_UNITS * sizeof *line);
    kp_status st = KP_OK;
    if (!line) {
        return kpb_fail_memory(&f->error, "cli.secret");
    }
    (void)fprintf(stderr, "secret: ");
    (void)fflush(stderr);
    if (!read_line(console, mode, line)) {
        st = cli_fail_io(f, "cannot read from the console: error %lu", GetLastError());
    } else {
        st = append_line(line, out, f);
    }
    (void)fprintf(stderr, "\n");
    kpb_secret_free(line, LINE_UNITS * sizeof *line);
    return st;
}

/* ---- Either ---- */

static void cut_line_end(kp_buf *out)
{
    if (out->len > 0 && out->ptr[out->len - 1] == '\n') {
        out->len--;
    }
    if (out->len > 0 && out->ptr[out->len - 1] == '\r') {
        out->len--;
    }
}

kp_status win_secret_read(kp_buf *out, struct cli_fault *f)
{
    const HANDLE in = GetStdHandle(STD_INPUT_HANDLE);
    DWORD mode = 0;
    const kp_status st =
        GetConsoleMode(in, &mode) ? read_console(in, mode, out, f) : cli_read(NULL, out, f);
    if (st != KP_OK) {
        return st;
    }
    cut_line_end(out);
    return out->len > 0 ? KP_OK : kpb_fail(&f->error, KP_USAGE, "the secret is empty");
}
