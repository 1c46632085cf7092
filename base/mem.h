/*
 * The one door to memory. Every allocation names its site, so that a test can make exactly that one
 * fail. Hooks are set once, before the first allocation: by the provider for itself, by a plugin
 * from the host table it is handed. Without hooks: the C heap, and for secrets the C heap wiped on
 * free.
 *
 * Threads: allocation from any; kpb_mem_use before any other thread exists.
 */
#ifndef KP_BASE_MEM_H
#define KP_BASE_MEM_H

#include <keyprovider/types.h>

struct kpb_mem_hooks {
    void *ctx;
    /* Returns n zeroed bytes or NULL; n is never 0. */
    void *(*alloc)(void *ctx, const char *site, size_t n);
    void (*free)(void *ctx, void *p);
    /* The same for memory that will hold secrets; free wipes the n bytes. */
    void *(*secret_alloc)(void *ctx, const char *site, size_t n);
    void (*secret_free)(void *ctx, void *p, size_t n);
};

/* Installs hooks (copied); NULL restores the defaults. */
void kpb_mem_use(const struct kpb_mem_hooks *hooks);

/* The C heap, to start from when replacing a part. */
struct kpb_mem_hooks kpb_mem_defaults(void);

/* n zeroed bytes (n 0 counts as 1), or NULL. site: a literal such as "pipeline.table". */
void *kpb_alloc(const char *site, size_t n) KP_MUST_USE;
/* The same, of whatever content: for what is written before it is read. */
void *kpb_alloc_raw(const char *site, size_t n) KP_MUST_USE;
/* count * size with overflow check. */
void *kpb_alloc_array(const char *site, size_t count, size_t size) KP_MUST_USE;
/* Copies text into a new NUL-terminated string; NULL when memory is out. */
char *kpb_strdup_span(const char *site, kp_span text) KP_MUST_USE;
void kpb_free(void *p);

void *kpb_secret_alloc(const char *site, size_t n) KP_MUST_USE;
/* Wipes n bytes and frees. NULL is allowed. */
void kpb_secret_free(void *p, size_t n);

/* Wipes in a way the compiler keeps. */
void kpb_wipe(void *p, size_t n);

#endif /* KP_BASE_MEM_H */
