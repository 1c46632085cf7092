/*
 * For tests whose point is a thread that is left behind or a child that goes on after a fork: the
 * thread sanitizer takes both for mistakes unless told. Include it in one file of a program.
 */
#ifndef KP_TESTS_SUPPORT_TSAN_OPTIONS_H
#define KP_TESTS_SUPPORT_TSAN_OPTIONS_H

#if defined(__SANITIZE_THREAD__)
#define KP_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define KP_TSAN 1
#endif
#endif

#if defined(KP_TSAN)
/* The name is the sanitizer's. */
__attribute__((visibility("default"))) const char *__tsan_default_options(void);

const char *__tsan_default_options(void)
{
    return "report_thread_leaks=0:die_after_fork=0";
}
#endif

#endif /* KP_TESTS_SUPPORT_TSAN_OPTIONS_H */
