/*
 * The one lock that is there before anything else: over the pointer to the provider. Held for a few
 * instructions, but by Initialize and Free, which exclude each other. Any thread.
 */
#ifndef KP_EKM_GLOBAL_H
#define KP_EKM_GLOBAL_H

/* Over the pointer. */
void ekm_global_lock(void);
void ekm_global_unlock(void);
/* Over Initialize and Free; taken before the other. */
void ekm_lifetime_lock(void);
void ekm_lifetime_unlock(void);

#endif /* KP_EKM_GLOBAL_H */
