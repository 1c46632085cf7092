#include "support/rerun.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <uv.h>

#define PATH_LEN 4096u
#define N_MAX 16u

static void ended(uv_process_t *process, int64_t status, int signal)
{
    unsigned *n_good = process->data;
    *n_good += status == 0 && signal == 0;
    uv_close((uv_handle_t *)process, NULL);
}

static void start(uv_loop_t *loop, uv_process_t *process, const char *word, unsigned i)
{
    char program[PATH_LEN];
    char number[16];
    size_t len = sizeof program;
    char *args[] = {program, (char *)(uintptr_t)word, number, NULL};
    uv_stdio_container_t streams[3] = {
        {.flags = UV_IGNORE}, {.flags = UV_IGNORE}, {.flags = UV_INHERIT_FD, .data.fd = 2}};
    const uv_process_options_t options = {
        .exit_cb = ended, .file = program, .args = args, .stdio_count = 3, .stdio = streams};
    (void)snprintf(number, sizeof number, "%u", i);
    assert_int_equal(uv_exepath(program, &len), 0);
    assert_int_equal(uv_spawn(loop, process, &options), 0);
}

void rerun(unsigned n, const char *word)
{
    static uv_process_t processes[N_MAX];
    unsigned n_good = 0;
    uv_loop_t loop;
    assert_true(n <= N_MAX);
    assert_int_equal(uv_loop_init(&loop), 0);
    for (unsigned i = 0; i < n; i++) {
        processes[i].data = &n_good;
        start(&loop, &processes[i], word, i);
    }
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
    assert_int_equal(n_good, n);
}
