/* Who may write a file or folder, in either system's terms. What fails fails the test. */
#ifndef KP_TESTS_SUPPORT_RIGHTS_H
#define KP_TESTS_SUPPORT_RIGHTS_H

/* A part of the sentence that refuses what others can write. */
#if defined(_WIN32)
#define RIGHTS_REFUSED "can be written by"
#else
#define RIGHTS_REFUSED "chmod go-w"
#endif

/* Everybody may from now on; or only the account that runs this. */
void rights_give(const char *path);
void rights_take(const char *path);
/* Fails the test where a file is not for that account alone, to read and to write. */
void rights_expect_private(const char *path);

#endif /* KP_TESTS_SUPPORT_RIGHTS_H */
