/*
 * A mutex, held for a few hundred instructions at most and never during input or output. Twin files
 * hold the platform's own: posix_mutex.c here. Any thread.
 */
#ifndef KP_PLUGINS_FILE_TEST_MUTEX_H
#define KP_PLUGINS_FILE_TEST_MUTEX_H

#include <keyprovider/status.h>

struct ft_mutex;

/* A new mutex, or NULL when memory is out. */
struct ft_mutex *ft_mutex_new(void);
/* Nobody may hold it. NULL allowed. */
void ft_mutex_free(struct ft_mutex *mutex);
void ft_mutex_lock(struct ft_mutex *mutex);
void ft_mutex_unlock(struct ft_mutex *mutex);

#endif /* KP_PLUGINS_FILE_TEST_MUTEX_H */
