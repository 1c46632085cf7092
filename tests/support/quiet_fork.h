/* fork() for a child that goes on to allocate while its parent had threads. */
#ifndef KP_TESTS_SUPPORT_QUIET_FORK_H
#define KP_TESTS_SUPPORT_QUIET_FORK_H

#include <sys/types.h>

/*
 * As fork(). Under AddressSanitizer only once every other thread sleeps: its allocator does not
 * mind forks, and a lock of it that a thread held would be held in the child for good. The C
 * library's own allocator does mind them, so without it nothing is waited for.
 */
pid_t quiet_fork(void);

#endif /* KP_TESTS_SUPPORT_QUIET_FORK_H */
