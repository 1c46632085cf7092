#include "support/file_vault.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* Memory rather than a disk where there is one: most tests sync hundreds of times. */
void fv_make_temp(char out[FV_PATH_LEN])
{
    const char *base = getenv("TMPDIR");
    if (!base || !base[0])
        base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    (void)snprintf(out, FV_PATH_LEN, "%s/kp-ft-XXXXXX", base);
    assert_non_null(mkdtemp(out));
}

void fv_remove_temp(const char *dir)
{
    char path[FV_PATH_LEN + 300];
    (void)chmod(dir, 0700);
    DIR *stream = opendir(dir);
    const struct dirent *entry;
    while (stream && (entry = readdir(stream)) != NULL) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        (void)snprintf(path, sizeof path, "%s/%s", dir, entry->d_name);
        if (unlink(path) != 0)
            fv_remove_temp(path);
    }
    if (stream)
        (void)closedir(stream);
    assert_int_equal(rmdir(dir), 0);
}
