/* Intrusive doubly-linked list with a sentinel. One thread at a time; O(1) everywhere. */
#ifndef KP_CORE_LIST_H
#define KP_CORE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct kpi_link {
    struct kpi_link *prev;
    struct kpi_link *next;
};

/* The struct that holds a link. */
#define KPI_HOLDER(link, type, member) ((type *)(void *)((char *)(link)-offsetof(type, member)))

/* Makes an empty list of a sentinel, or an unlinked node of a node. */
static inline void kpi_list_init(struct kpi_link *list)
{
    list->prev = list;
    list->next = list;
}

static inline bool kpi_list_empty(const struct kpi_link *list)
{
    return list->next == list;
}

static inline void kpi_list_append(struct kpi_link *list, struct kpi_link *node)
{
    node->prev = list->prev;
    node->next = list;
    list->prev->next = node;
    list->prev = node;
}

/* Takes a node out of whatever list it is in; an unlinked node stays one. */
static inline void kpi_list_remove(struct kpi_link *node)
{
    node->prev->next = node->next;
    node->next->prev = node->prev;
    kpi_list_init(node);
}

/* First node, taken out; NULL when empty. */
static inline struct kpi_link *kpi_list_pop(struct kpi_link *list)
{
    struct kpi_link *node = list->next;
    if (node == list)
        return NULL;
    kpi_list_remove(node);
    return node;
}

/* Moves all nodes of from to the end of to. */
static inline void kpi_list_splice(struct kpi_link *to, struct kpi_link *from)
{
    if (kpi_list_empty(from))
        return;
    from->next->prev = to->prev;
    to->prev->next = from->next;
    from->prev->next = to;
    to->prev = from->prev;
    kpi_list_init(from);
}

#endif /* KP_CORE_LIST_H */
