/*
 * A piece of secret memory with its length, and deep copies of requests and replies into one: the
 * struct comes first, everything it points to follows, so that a block is copied, moved and wiped
 * as a whole.
 *
 * Threads: one owner at a time. Copies read no byte of a caller's struct beyond its struct_size.
 */
#ifndef KP_CORE_BLOCK_H
#define KP_CORE_BLOCK_H

#include <string.h>

#include <keyprovider/keyprovider.h>

/* Requests lie in an area of one of three lengths; a longer one gets a block of its own length. */
#define KPI_REQUEST_AREA_MIN_LEN 256u   /* a data encryption key to wrap */
#define KPI_REQUEST_AREA_USUAL_LEN 640u /* a wrapped one, of RSA-2048 or RSA-3072 */
#define KPI_REQUEST_AREA_MAX_LEN 1024u
/* What a reply or an error finds reserved; a longer reply gets a block of its length. */
#define KPI_REPLY_AREA_LEN 1024u

/* A zeroed one is empty. */
struct kpi_block {
    void *ptr;
    size_t len;
    size_t used; /* bytes that copies have written since the last wipe */
};

/* Room for len bytes of zeroed secret memory. Errors: no_memory. */
kp_status kpi_block_alloc(struct kpi_block *block, const char *site, size_t len) KP_MUST_USE;
/* Wipes and frees; the block is then empty. */
void kpi_block_free(struct kpi_block *block);
/* Wipes what copies have written; the block is then ready for another. */
void kpi_block_wipe(struct kpi_block *block);

/*
 * Copies request, which is as this build knows it (see kpi_request_check), into block where it
 * fits, else into a new one that takes its place. *ret_request is written on success and points
 * into it. Errors: no_memory.
 */
kp_status kpi_block_copy_request(struct kpi_block *block, const struct kp_request *request,
                                 const struct kp_request **ret_request) KP_MUST_USE;

/*
 * The same for a reply, whose spans need not be those of a checked one.
 * Errors: no_memory (block keeps its place, not its content).
 */
kp_status kpi_block_copy_reply(struct kpi_block *block, const struct kp_reply *reply,
                               const struct kp_reply **ret_reply) KP_MUST_USE;

/* Room for an error at the start of a block of KPI_REPLY_AREA_LEN or more: no reply lies there. */
static inline struct kp_error *kpi_block_error(struct kpi_block *block)
{
    if (block->used < sizeof(struct kp_error))
        block->used = sizeof(struct kp_error);
    return block->ptr;
}

/*
 * Reads a struct of ours as somebody else may know it: the first min(struct_size, len) bytes of
 * src, zeros for the rest, struct_size set to len. Inline: with len a constant both copies are a
 * few moves.
 */
static inline void kpi_struct_read(void *dst, size_t len, const void *src)
{
    uint32_t given;
    memcpy(&given, src, sizeof given);
    if (given < len) {
        memset(dst, 0, len);
        memcpy(dst, src, given);
    } else {
        memcpy(dst, src, len);
    }
    given = (uint32_t)len;
    memcpy(dst, &given, sizeof given);
}

#endif /* KP_CORE_BLOCK_H */
