/*
 * This program again, in processes of its own: for what processes do to one another. Its main looks
 * at its arguments first.
 */
#ifndef KP_TESTS_SUPPORT_RERUN_H
#define KP_TESTS_SUPPORT_RERUN_H

/* n of them at once, each with the arguments word and its number from 0; fails the test unless all
 * end with 0. */
void rerun(unsigned n, const char *word);

#endif /* KP_TESTS_SUPPORT_RERUN_H */
