/* A folder below /tmp that only this user can write, and its end with everything in it. */
#ifndef KP_TESTS_SUPPORT_TEMP_DIR_H
#define KP_TESTS_SUPPORT_TEMP_DIR_H

#define TEMP_DIR_LEN 32

/* Makes a new one, mode 0700, and writes its name to out. Fails the test where it cannot. */
void temp_dir_make(char out[TEMP_DIR_LEN]);
/* Removes it, following no link. A folder that is gone already is allowed. */
void temp_dir_remove(const char *dir);

#endif /* KP_TESTS_SUPPORT_TEMP_DIR_H */
