/*
 * The library as the engine loads it: by path, its names looked up, Initialize, Free, unload, a
 * thousand times in a process of its own. What is left each time is nothing: no thread, no
 * descriptor.
 */
#define _GNU_SOURCE

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>
#include <dirent.h>
#include <dlfcn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ekm/abi.h"
#include "support/temp_dir.h"

#define LIBRARY KP_TEST_BIN_DIR "/../lib/libkeyprovider-ekm.so"

/* ---- In the child: no test framework, an exit status says all ---- */

static int count_entries(const char *path)
{
    DIR *dir = opendir(path);
    int n = 0;

    if (!dir)
        return -1;
    while (readdir(dir))
        n++;
    (void)closedir(dir);
    return n;
}

#define XX(number, name, parameters) SqlCrypt##name##_fn *name; /* NOLINT */
struct functions {
    KP_EKM_EXPORT_MAP(XX)
};
#undef XX

static int find_all(void *library, struct functions *f)
{
    void *symbol;

#define XX(number, name, parameters)                                                               \
    symbol = dlsym(library, "SqlCrypt" #name);                                                     \
    if (!symbol)                                                                                   \
        return number;                                                                             \
    memcpy(&f->name, &symbol, sizeof symbol);
    KP_EKM_EXPORT_MAP(XX)
#undef XX
    return 0;
}

static int use_library(void)
{
    void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
    struct functions f;
    SqlCpProviderInfo info = {0};
    SqlCpAlgId alg = 0;

    if (!library) {
        fprintf(stderr, "%s\n", dlerror());
        return 20;
    }
    if (find_all(library, &f) != 0)
        return 21;
    if (f.InitializeProvider() != scp_err_Success)
        return 22;
    if (f.GetProviderInfo(&info) != scp_err_InsufficientBuffer)
        return 23;
    if (f.GetNextAlgorithmId(&alg) != scp_err_Success)
        return 24;
    if (f.FreeProvider() != scp_err_Success)
        return 25;
    return dlclose(library) == 0 ? 0 : 26;
}

/*
 * Whether this thread is the only one left. The kernel wakes whoever joins a thread a moment before
 * it takes the thread off its list, so one that is on its way out gets the time for that.
 */
static bool is_alone(void)
{
#if defined(__SANITIZE_THREAD__)
    const int expected = 4; /* . .. this thread and the sanitizer's own */
#else
    const int expected = 3; /* . .. and this thread */
#endif
    for (time_t end = time(NULL) + 30; count_entries("/proc/self/task") != expected;)
        if (time(NULL) >= end)
            return false;
    return true;
}

static int child(int n_loads)
{
    int n_files = 0;

    for (int i = 0; i < n_loads; i++) {
        int st = use_library();

        if (st != 0)
            return st;
        if (i == 0)
            n_files = count_entries("/proc/self/fd");
    }
    if (count_entries("/proc/self/fd") != n_files)
        return 30;
    return is_alone() ? 0 : 31;
}

/* ---- The parent ---- */

static char dir[TEMP_DIR_LEN];

static void write_config(const char *path)
{
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    assert_true(fprintf(f,
                        "{\"provider\": {\"max_operations\": 16, \"secret_arena_kib\": 64}, "
                        "\"plugin_dir\": \"%s\", \"ekm\": {\"key_map\": \"%s/map.json\", "
                        "\"log_file\": \"%s/log\", \"event_level\": 2}}",
                        dir, dir, dir) > 0);
    assert_int_equal(fclose(f), 0);
}

static int run_child(const char *n_loads, mode_t mode)
{
    char config[TEMP_DIR_LEN + 16];
    int status = 0;
    pid_t pid;

    snprintf(config, sizeof config, "%s/kp.json", dir);
    write_config(config);
    assert_int_equal(chmod(config, mode), 0);
    assert_int_equal(setenv("KP_EKM_CONFIG", config, 1), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)execl("/proc/self/exe", "test_ekm_load", n_loads, (char *)NULL);
        _exit(99);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static int begin(void **state)
{
    (void)state;
    temp_dir_make(dir);
    return 0;
}

static int end(void **state)
{
    (void)state;
    temp_dir_remove(dir);
    return 0;
}

static void library_is_loaded_and_unloaded_a_thousand_times(void **state)
{
    (void)state;
    assert_int_equal(run_child("1000", 0600), 0);
}

/* What the file says reaches the provider; a file others could write does not. */
static void configuration_others_can_write_is_refused(void **state)
{
    (void)state;
    assert_int_equal(run_child("1", 0666), 22); /* Initialize failed */
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(library_is_loaded_and_unloaded_a_thousand_times, begin,
                                        end),
        cmocka_unit_test_setup_teardown(configuration_others_can_write_is_refused, begin, end),
    };

    if (argc > 1)
        return child((int)strtol(argv[1], NULL, 10));
    return cmocka_run_group_tests_name("ekm_load", tests, NULL, NULL);
}
