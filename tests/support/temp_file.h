/* A file in a folder of its own, below temp_dir's place. */
#ifndef KP_TESTS_SUPPORT_TEMP_FILE_H
#define KP_TESTS_SUPPORT_TEMP_FILE_H

/* One with this text that only the account that runs this may write. The name is of use until the
 * next is made. */
const char *temp_file_make(const char *text);
/* Takes it and its folder away; the file may be gone already. */
void temp_file_remove(const char *path);

#endif /* KP_TESTS_SUPPORT_TEMP_FILE_H */
