/*
 * The door between a plugin and one vault of ours: the host table the plugin holds, and a latch
 * that lets calls through only while the vault lives. Doors are never unmapped, so a plugin that
 * calls late, even after the provider is gone, is refused and harms nobody.
 *
 * Threads: enter and leave from any.
 */
#ifndef KP_CORE_DOOR_H
#define KP_CORE_DOOR_H

#include <stdatomic.h>

#include <keyprovider/plugin.h>

struct kp_vault;

struct kpi_door {
    struct kp_host host;
    _Atomic uint64_t latch; /* KPI_DOOR_OPEN and the number of calls inside */
    struct kp_vault *vault; /* fixed while open */
    struct kpi_door *next;  /* list of doors that wait to be used again */
};

/* An open door to vault with its host table filled in (core/host.c), or NULL when memory is out. */
struct kpi_door *kpi_door_open(struct kp_vault *vault) KP_MUST_USE;
/* Lets nobody in any more and waits for those inside, who are on their way out. NULL allowed. */
void kpi_door_close(struct kpi_door *door);

/* The vault behind it, or NULL once closed; pair with leave. */
struct kp_vault *kpi_door_enter(struct kpi_door *door);
void kpi_door_leave(struct kpi_door *door);

/* In a forked child: the lock may be held by a thread that is not here. */
void kpi_doors_recover_in_child(void);

/* Calls that came too late or with an id never given, since the process began. */
uint64_t kpi_door_refused(void);
void kpi_door_count_refusal(void);

#endif /* KP_CORE_DOOR_H */
