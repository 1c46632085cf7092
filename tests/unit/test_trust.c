#define _XOPEN_SOURCE 700 /* S_ISVTX */

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/span.h"
#include "core/posix_trust.h"
#include "core/trust.h"
#include "support/temp_dir.h"

#define LIST_LEN 400

/* A folder of our own, removed with everything in it by `leave`. */
struct place {
    char root[TEMP_DIR_LEN];
    struct kp_error err;
};

static int enter(void **state)
{
    struct place *p = calloc(1, sizeof *p);

    assert_non_null(p);
    temp_dir_make(p->root);
    *state = p;
    return 0;
}

static int leave(void **state)
{
    struct place *p = *state;

    temp_dir_remove(p->root);
    free(p);
    return 0;
}

/* Path of a name in the place; the last five stay valid. */
static const char *at(struct place *p, const char *name)
{
    static char paths[5][512];
    static unsigned next;
    char *path = paths[next++ % 5];

    snprintf(path, sizeof paths[0], "%s/%s", p->root, name);
    return path;
}

static void make_file(struct place *p, const char *name, const char *text, mode_t mode)
{
    FILE *f = fopen(at(p, name), "w");

    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(chmod(at(p, name), mode), 0);
}

static void make_folder(struct place *p, const char *name, mode_t mode)
{
    assert_int_equal(mkdir(at(p, name), 0700), 0);
    assert_int_equal(chmod(at(p, name), mode), 0);
}

static void make_link(struct place *p, const char *name, const char *target)
{
    assert_int_equal(symlink(target, at(p, name)), 0);
}

static kp_status try_open(struct place *p, const char *path, enum kpi_trust_kind kind)
{
    int fd = -1;
    kp_status st;

    kp_error_init(&p->err);
    st = kpi_trust_open(path, kind, &fd, &p->err);
    assert_int_equal(fd >= 0, st == KP_OK);
    assert_int_equal(p->err.text[0] != '\0', st != KP_OK);
    kpi_trust_close(fd);
    return st;
}

static void assert_says(const struct place *p, const char *part)
{
    if (!strstr(p->err.text, part))
        fail_msg("\"%s\" does not say \"%s\"", p->err.text, part);
}

static void assert_content(struct place *p, const char *path, const char *text)
{
    kp_buf out;

    kp_buf_init(&out, "test", 100);
    assert_int_equal(kpi_trust_read(path, &out, &p->err), KP_OK);
    assert_true(kpb_span_eq_str(kp_buf_view(&out), text));
    kp_buf_clear(&out);
}

/* ---- The verdict ---- */

struct verdict {
    mode_t mode;
    uid_t owner;
    kp_status status;
    const char *mend; /* in the sentence */
};

static void judge_each_owner_and_mode_gives_its_verdict(void **state)
{
    static const struct verdict verdicts[] = {
        {S_IFREG | 0644, 0, KP_OK, NULL},
        {S_IFREG | 0600, 1000, KP_OK, NULL},
        {S_IFREG | 0444, 1000, KP_OK, NULL},
        {S_IFREG | 0600, 1001, KP_CONFIG, "chown 1000 '/x/y'"},
        {S_IFREG | 0664, 1000, KP_CONFIG, "chmod g-w '/x/y'"},
        {S_IFREG | 0646, 1000, KP_CONFIG, "chmod o-w '/x/y'"},
        {S_IFREG | 0666, 0, KP_CONFIG, "chmod go-w '/x/y'"},
        {S_IFREG | S_ISVTX | 0666, 0, KP_CONFIG, "chmod go-w '/x/y'"},
        {S_IFDIR | 0755, 0, KP_OK, NULL},
        {S_IFDIR | 0775, 0, KP_CONFIG, "chmod g-w '/x/y'"},
        {S_IFDIR | 0777, 1000, KP_CONFIG, "chmod go-w '/x/y'"},
        {S_IFDIR | S_ISVTX | 0777, 0, KP_OK, NULL},
        {S_IFDIR | S_ISVTX | 0777, 1001, KP_CONFIG, "chown 1000 '/x/y'"},
        {S_IFLNK | 0777, 1000, KP_OK, NULL},
        {S_IFLNK | 0777, 1001, KP_CONFIG, "chown -h 1000 '/x/y'"},
    };
    struct place *p = *state;

    for (size_t i = 0; i < sizeof verdicts / sizeof verdicts[0]; i++) {
        const struct verdict *v = &verdicts[i];
        struct stat found = {.st_mode = v->mode, .st_uid = v->owner};

        kp_error_init(&p->err);
        assert_int_equal(kpi_trust_judge("/x/y", &found, 1000, &p->err), v->status);
        if (v->mend)
            assert_says(p, v->mend);
    }
}

static void judge_refused_mode_is_named(void **state)
{
    struct place *p = *state;
    struct stat found = {.st_mode = S_IFREG | 0666, .st_uid = 7};

    assert_int_equal(kpi_trust_judge("/x", &found, 7, &p->err), KP_CONFIG);
    assert_says(p, "/x (mode 0666, owner 7)");
}

/* ---- Opening ---- */

static void open_private_file_reads_it(void **state)
{
    struct place *p = *state;

    make_file(p, "f", "text", 0600);
    assert_content(p, at(p, "f"), "text");
}

static void open_missing_path_is_not_found(void **state)
{
    struct place *p = *state;

    assert_int_equal(try_open(p, at(p, "none"), KPI_TRUST_FILE), KP_NOT_FOUND);
    assert_says(p, at(p, "none"));
    assert_int_equal(try_open(p, at(p, "none/f"), KPI_TRUST_FILE), KP_NOT_FOUND);
}

static void open_file_others_can_write_is_refused(void **state)
{
    struct place *p = *state;

    make_file(p, "g", "", 0660);
    make_file(p, "o", "", 0606);
    assert_int_equal(try_open(p, at(p, "g"), KPI_TRUST_FILE), KP_CONFIG);
    assert_says(p, "by its group; run: chmod g-w");
    assert_int_equal(try_open(p, at(p, "o"), KPI_TRUST_FILE), KP_CONFIG);
    assert_says(p, "by everybody; run: chmod o-w");
}

static void open_below_folder_others_can_write_is_refused(void **state)
{
    struct place *p = *state;

    make_folder(p, "loose", 0777);
    make_folder(p, "loose/tight", 0700);
    make_file(p, "loose/tight/f", "", 0600);
    assert_int_equal(try_open(p, at(p, "loose/tight/f"), KPI_TRUST_FILE), KP_CONFIG);
    assert_says(p, at(p, "loose ("));
    assert_int_equal(try_open(p, at(p, "loose/tight"), KPI_TRUST_FOLDER), KP_CONFIG);
}

static void open_below_sticky_folder_is_no_objection(void **state)
{
    struct place *p = *state;

    make_folder(p, "sticky", 01777);
    make_file(p, "sticky/f", "text", 0600);
    assert_content(p, at(p, "sticky/f"), "text");
}

static void open_file_of_another_user_is_refused(void **state)
{
    struct place *p = *state;

    if (geteuid() != 0)
        skip(); /* only root can give a file away; the verdict itself is tested above */
    make_file(p, "f", "", 0600);
    assert_int_equal(chown(at(p, "f"), 12345, (gid_t)-1), 0);
    assert_int_equal(try_open(p, at(p, "f"), KPI_TRUST_FILE), KP_CONFIG);
    assert_says(p, "belongs to user 12345");
}

static void open_link_of_another_user_is_refused(void **state)
{
    struct place *p = *state;

    if (geteuid() != 0)
        skip(); /* as above */
    make_file(p, "f", "", 0600);
    make_link(p, "link", "f");
    assert_int_equal(lchown(at(p, "link"), 12345, (gid_t)-1), 0);
    assert_int_equal(try_open(p, at(p, "link"), KPI_TRUST_FILE), KP_CONFIG);
    assert_says(p, "chown -h");
}

static void open_links_are_followed(void **state)
{
    struct place *p = *state;

    make_folder(p, "a", 0700);
    make_folder(p, "a/b", 0700);
    make_file(p, "a/f", "text", 0600);
    make_link(p, "relative", "a/b/../f");
    make_link(p, "absolute", at(p, "relative"));
    make_link(p, "folder", "./a/");
    assert_content(p, at(p, "relative"), "text");
    assert_content(p, at(p, "absolute"), "text");
    assert_content(p, at(p, "folder/b/..//f"), "text");
}

static void open_link_through_loose_folder_is_refused(void **state)
{
    struct place *p = *state;

    make_folder(p, "loose", 0777);
    make_file(p, "loose/f", "", 0600);
    make_link(p, "link", "loose/f");
    assert_int_equal(try_open(p, at(p, "link"), KPI_TRUST_FILE), KP_CONFIG);
    assert_says(p, at(p, "loose ("));
}

static void open_link_to_itself_is_refused(void **state)
{
    struct place *p = *state;

    make_link(p, "loop", "loop");
    assert_int_equal(try_open(p, at(p, "loop"), KPI_TRUST_FILE), KP_CONFIG);
    assert_says(p, "symbolic links");
}

static void open_wrong_kind_is_refused(void **state)
{
    struct place *p = *state;

    make_folder(p, "d", 0700);
    make_link(p, "dot", "d/.");
    make_link(p, "up", "d/..");
    make_file(p, "f", "", 0600);
    assert_int_equal(mkfifo(at(p, "fifo"), 0600), 0);
    assert_int_equal(try_open(p, at(p, "d"), KPI_TRUST_FILE), KP_CONFIG);
    assert_says(p, "not a regular file");
    assert_int_equal(try_open(p, at(p, "dot"), KPI_TRUST_FILE), KP_CONFIG);
    assert_int_equal(try_open(p, at(p, "up"), KPI_TRUST_FILE), KP_CONFIG);
    assert_int_equal(try_open(p, "/", KPI_TRUST_FILE), KP_CONFIG);
    assert_int_equal(try_open(p, at(p, "fifo"), KPI_TRUST_FILE), KP_CONFIG);
    assert_int_equal(try_open(p, at(p, "f"), KPI_TRUST_FOLDER), KP_NOT_FOUND);
}

static void open_path_too_long_is_refused(void **state)
{
    struct place *p = *state;
    char *path = malloc(KPI_PATH_MAX_LEN + 3);

    assert_non_null(path);
    memset(path, 'x', KPI_PATH_MAX_LEN + 2);
    path[0] = '/';
    path[KPI_PATH_MAX_LEN + 2] = '\0';
    assert_int_equal(try_open(p, path, KPI_TRUST_FILE), KP_CONFIG);
    free(path);
    assert_int_equal(try_open(p, "", KPI_TRUST_FILE), KP_CONFIG);
}

static void opened_file_replaced_meanwhile_still_reads_what_was_checked(void **state)
{
    struct place *p = *state;
    kp_buf out;
    int fd = -1;

    kp_buf_init(&out, "test", 100);
    make_file(p, "f", "checked", 0600);
    assert_int_equal(kpi_trust_open(at(p, "f"), KPI_TRUST_FILE, &fd, &p->err), KP_OK);
    make_file(p, "other", "swapped", 0600);
    assert_int_equal(rename(at(p, "other"), at(p, "f")), 0);
    assert_int_equal(kpi_trust_read_fd(fd, "f", &out, &p->err), KP_OK);
    assert_true(kpb_span_eq_str(kp_buf_view(&out), "checked"));
    kpi_trust_close(fd);
    kp_buf_clear(&out);
}

static void opened_descriptor_is_not_inherited(void **state)
{
    struct place *p = *state;
    int fd = -1;

    make_file(p, "f", "", 0600);
    assert_int_equal(kpi_trust_open(at(p, "f"), KPI_TRUST_FILE, &fd, &p->err), KP_OK);
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    kpi_trust_close(fd);
}

static void read_longer_than_the_limit_is_refused(void **state)
{
    struct place *p = *state;
    kp_buf out;

    make_file(p, "f", "12345", 0600);
    kp_buf_init(&out, "test", 4);
    assert_int_equal(kpi_trust_read(at(p, "f"), &out, &p->err), KP_CONFIG);
    assert_says(p, "more than 4 bytes");
    kp_buf_clear(&out);
    kp_buf_init(&out, "test", 5);
    assert_int_equal(kpi_trust_read(at(p, "f"), &out, &p->err), KP_OK);
    kp_buf_clear(&out);
}

/* ---- Listing ---- */

static kp_status collect(void *ctx, const char *name)
{
    char *all = ctx;
    size_t len = strlen(all);

    snprintf(all + len, LIST_LEN - len, "%s ", name);
    return strcmp(name, "stop.so") == 0 ? KP_CANCELED : KP_OK;
}

static kp_status list(struct place *p, char *all)
{
    int fd = -1;
    kp_status st;

    all[0] = '\0';
    assert_int_equal(kpi_trust_open(p->root, KPI_TRUST_FOLDER, &fd, &p->err), KP_OK);
    st = kpi_trust_list(fd, p->root, ".so", collect, all, &p->err);
    assert_true(fcntl(fd, F_GETFD) >= 0); /* still the caller's */
    kpi_trust_close(fd);
    return st;
}

static void list_names_come_in_order_and_end_in_suffix(void **state)
{
    struct place *p = *state;
    char all[LIST_LEN];

    assert_int_equal(list(p, all), KP_OK);
    assert_string_equal(all, "");
    make_file(p, "b.so", "", 0600);
    make_file(p, "a.so", "", 0600);
    make_file(p, ".so", "", 0600);
    make_file(p, "c.so.1", "", 0600);
    assert_int_equal(list(p, all), KP_OK);
    assert_string_equal(all, "a.so b.so ");
}

static void list_more_names_than_first_room_gives_all(void **state)
{
    struct place *p = *state;
    char all[LIST_LEN];

    for (int i = 0; i < 40; i++) {
        char name[16];

        snprintf(name, sizeof name, "%02d.so", i);
        make_file(p, name, "", 0600);
    }
    assert_int_equal(list(p, all), KP_OK);
    assert_int_equal(strlen(all), 40 * strlen("00.so "));
}

static void list_ends_with_what_the_callback_returns(void **state)
{
    struct place *p = *state;
    char all[LIST_LEN];

    make_file(p, "stop.so", "", 0600);
    make_file(p, "z.so", "", 0600);
    assert_int_equal(list(p, all), KP_CANCELED);
    assert_string_equal(all, "stop.so ");
}

/* ---- Paths ---- */

static void assert_absolute(const char *path, const char *expected)
{
    kp_buf out;

    kp_buf_init(&out, "test", KPI_PATH_MAX_LEN);
    assert_int_equal(kpi_path_absolute(kpb_span_str(path), &out, NULL), KP_OK);
    assert_int_equal(out.len, strlen(expected));
    assert_memory_equal(out.ptr, expected, out.len);
    kp_buf_clear(&out);
}

static void absolute_path_is_tidied(void **state)
{
    (void)state;
    assert_absolute("/", "/");
    assert_absolute("/a", "/a");
    assert_absolute("//a/./b//", "/a/b");
    assert_absolute("/a/../b", "/a/../b");
    assert_absolute("/.a/..b/...", "/.a/..b/...");
}

static void relative_path_starts_at_the_current_folder(void **state)
{
    char here[400];
    char expected[512];

    (void)state;
    assert_non_null(getcwd(here, sizeof here));
    snprintf(expected, sizeof expected, "%s/v", here);
    assert_absolute("v", expected);
    assert_absolute("./v", expected);
    assert_absolute(".", here);
}

static void impossible_path_is_usage(void **state)
{
    struct place *p = *state;
    kp_buf out;

    kp_buf_init(&out, "test", 8);
    assert_int_equal(kpi_path_absolute(kpb_span("", 0), &out, &p->err), KP_USAGE);
    assert_int_equal(kpi_path_absolute(kpb_span("a\0b", 3), &out, &p->err), KP_USAGE);
    assert_int_equal(kpi_path_absolute(kpb_span_str("/12345678"), &out, &p->err), KP_USAGE);
    kp_buf_clear(&out);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, enter, leave)
    const struct CMUnitTest tests[] = {
        TEST(judge_each_owner_and_mode_gives_its_verdict),
        TEST(judge_refused_mode_is_named),
        TEST(open_private_file_reads_it),
        TEST(open_missing_path_is_not_found),
        TEST(open_file_others_can_write_is_refused),
        TEST(open_below_folder_others_can_write_is_refused),
        TEST(open_below_sticky_folder_is_no_objection),
        TEST(open_file_of_another_user_is_refused),
        TEST(open_link_of_another_user_is_refused),
        TEST(open_links_are_followed),
        TEST(open_link_through_loose_folder_is_refused),
        TEST(open_link_to_itself_is_refused),
        TEST(open_wrong_kind_is_refused),
        TEST(open_path_too_long_is_refused),
        TEST(opened_file_replaced_meanwhile_still_reads_what_was_checked),
        TEST(opened_descriptor_is_not_inherited),
        TEST(read_longer_than_the_limit_is_refused),
        TEST(list_names_come_in_order_and_end_in_suffix),
        TEST(list_more_names_than_first_room_gives_all),
        TEST(list_ends_with_what_the_callback_returns),
        TEST(absolute_path_is_tidied),
        TEST(relative_path_starts_at_the_current_folder),
        TEST(impossible_path_is_usage),
    };
#undef TEST

    return cmocka_run_group_tests_name("trust", tests, NULL, NULL);
}
