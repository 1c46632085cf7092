/*
 * The SQL Server provider's exports and the rehearsal's reader of T-SQL under the fuzzers' entries:
 * what libFuzzer found worth keeping (corpus/), the walkthroughs and changed ones, and calls drawn
 * at random. The draw is fixed, so that a failure comes again; KP_TEST_SEED and KP_TEST_ROUNDS
 * choose others.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <dirent.h>

#include "base/span.h"
#include "support/changes.h"
#include "support/ekm_engine.h"
#include "tests/fuzz/entries.h"
#include "tools/ekm-rehearse/parse.h"

#define CORPUS KP_TEST_SRC_DIR "/tests/fuzz/corpus/"
#define SCRIPTS KP_TEST_SRC_DIR "/examples/sql"
#define FILES_MAX 400u
#define DRAW_LEN 64u

/* ---- Files ---- */

struct files {
    kp_span at[FILES_MAX];
    size_t n;
};

static kp_span read_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    uint8_t *bytes = malloc(CHANGES_MAX_LEN);
    size_t len;

    assert_non_null(f);
    assert_non_null(bytes);
    len = fread(bytes, 1, CHANGES_MAX_LEN, f);
    assert_int_equal(fclose(f), 0);
    return kpb_span(bytes, len);
}

static void read_folder(const char *folder, struct files *files)
{
    char path[1024];
    DIR *dir = opendir(folder);
    struct dirent *entry;

    files->n = 0;
    assert_non_null(dir);
    while ((entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        assert_true(files->n < FILES_MAX);
        (void)snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        files->at[files->n++] = read_file(path);
    }
    assert_int_equal(closedir(dir), 0);
    assert_true(files->n > 0);
}

static void clear(struct files *files)
{
    for (size_t i = 0; i < files->n; i++)
        free((void *)(uintptr_t)files->at[i].ptr);
    files->n = 0;
}

static void replay(const char *folder, changes_entry_fn *entry)
{
    static struct files files;

    read_folder(folder, &files);
    for (size_t i = 0; i < files.n; i++)
        assert_int_equal(entry(files.at[i].ptr, files.at[i].len), 0);
    clear(&files);
}

/* ---- T-SQL ---- */

static void kept_scripts_are_read_or_refused(void **state)
{
    (void)state;
    replay(CORPUS "rehearse_sql", fuzz_rehearse_sql);
}

static void changed_scripts_are_read_or_refused(void **state)
{
    static struct files files;

    (void)state;
    read_folder(SCRIPTS, &files);
    changes_run(fuzz_rehearse_sql, "fuzz_rehearse_sql", files.at, files.n, 4000);
    clear(&files);
}

/* ---- The exports ---- */

static int begin(void **state)
{
    (void)state;
    fuzz_ekm_begin();
    return 0;
}

static int end(void **state)
{
    (void)state;
    fuzz_ekm_end();
    return 0;
}

static void kept_arguments_get_documented_answers(void **state)
{
    (void)state;
    replay(CORPUS "ekm_call", fuzz_ekm_call);
}

static uint32_t from_environment(const char *variable, uint32_t fallback)
{
    const char *text = getenv(variable);

    return text ? (uint32_t)strtoul(text, NULL, 10) : fallback;
}

static void mutated_arguments_get_documented_answers(void **state)
{
    uint32_t n_rounds = from_environment("KP_TEST_ROUNDS", 6000);
    uint32_t seed = from_environment("KP_TEST_SEED", 20261128);
    uint8_t draw[DRAW_LEN];

    (void)state;
    for (uint32_t i = 0; i < n_rounds; i++) {
        for (size_t k = 0; k < sizeof draw; k++) {
            seed = seed * 1664525u + 1013904223u;
            draw[k] = (uint8_t)(seed >> 24);
        }
        assert_int_equal(fuzz_ekm_call(draw, sizeof draw), 0);
    }
    assert_true(fuzz_ekm_n_success() >
                n_rounds / 50); /* some is more than the checks at the door */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kept_scripts_are_read_or_refused),
        cmocka_unit_test(changed_scripts_are_read_or_refused),
        cmocka_unit_test_setup_teardown(kept_arguments_get_documented_answers, begin, end),
        cmocka_unit_test_setup_teardown(mutated_arguments_get_documented_answers, begin, end),
    };

    return cmocka_run_group_tests_name("fuzz_ekm", tests, NULL, NULL);
}
