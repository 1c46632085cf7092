/*
 * What is there before anything else: the lock over the pointer to the provider, held for a few
 * instructions, the one by which Initialize and Free exclude each other, and the code. Any thread.
 */
#ifndef KP_EKM_GLOBAL_H
#define KP_EKM_GLOBAL_H

/* Over the pointer. */
void ekm_global_lock(void);
void ekm_global_unlock(void);
/* Over Initialize and Free; taken before the other. */
void ekm_lifetime_lock(void);
void ekm_lifetime_unlock(void);

/* Whatever the host unloads later, this code stays in the process. */
void ekm_module_stay(void);

#endif /* KP_EKM_GLOBAL_H */
