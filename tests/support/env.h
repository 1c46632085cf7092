/* The environment of this process, as everything in it sees it. */
#ifndef KP_TESTS_SUPPORT_ENV_H
#define KP_TESTS_SUPPORT_ENV_H

/* Sets a variable, or takes it away where value is NULL. Fails the test where it cannot. */
void env_set(const char *name, const char *value);

#endif /* KP_TESTS_SUPPORT_ENV_H */
