/*
 * A page of docs/ that a test writes anew from what it found: when the one that is there differs,
 * the right one is left in the folder the test runs in, to be copied over it.
 */
#ifndef KP_TESTS_SUPPORT_PAGE_H
#define KP_TESTS_SUPPORT_PAGE_H

#include "base/buf.h"

#define PAGE_MAX_LEN (256u * 1024u)

/* Appends; no room fails the test. */
void page_put(kp_buf *page, const char *text);
/* Fails the test when docs/NAME is not what right holds. */
void page_expect(const char *name, const kp_buf *right);

#endif /* KP_TESTS_SUPPORT_PAGE_H */
