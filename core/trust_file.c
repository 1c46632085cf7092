#include "core/trust_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/errors.h"
#include "base/mem.h"
#include "base/span.h"

#define READ_STEP 4096u

/* ---- Reading ---- */

static kp_status fail_too_long(const char *path, size_t max_len, struct kp_error *reterr)
{
    return kpb_fail(reterr, KP_CONFIG, "%s has more than %zu bytes", path, max_len);
}

/* Where the pieces go, and how many bytes may still come. */
struct feed {
    const char *path;
    size_t max_len;
    size_t left;
    kpi_trust_piece_fn *each;
    void *ctx;
};

static kp_status feed_to_end(int fd, uint8_t *chunk, struct feed *f, struct kp_error *reterr)
{
    ptrdiff_t got;

    while ((got = kpi_trust_read_some(fd, chunk, READ_STEP)) > 0) {
        kp_status st;

        if ((size_t)got > f->left)
            return fail_too_long(f->path, f->max_len, reterr);
        f->left -= (size_t)got;
        st = f->each(f->ctx, kpb_span(chunk, (size_t)got), reterr);
        if (st != KP_OK)
            return st;
    }
    if (got == 0)
        return KP_OK;
    return kpb_fail(reterr, KP_CONFIG, "%s cannot be read: %s", f->path, strerror(errno));
}

kp_status kpi_trust_feed(int fd, const char *path, size_t max_len, kpi_trust_piece_fn *each,
                         void *ctx, struct kp_error *reterr)
{
    struct feed f = {path, max_len, max_len, each, ctx};
    /* Secret memory for every file: a secret may pass through, and a key file is as short as
     * any. */
    uint8_t *chunk = kpb_secret_alloc("trust.read", READ_STEP);
    kp_status st;

    if (!chunk)
        return kpb_fail_memory(reterr, "trust.read");
    st = feed_to_end(fd, chunk, &f, reterr);
    kpb_secret_free(chunk, READ_STEP);
    return st;
}

static kp_status append_piece(void *ctx, kp_span piece, struct kp_error *reterr)
{
    return kp_buf_append(ctx, piece) == KP_OK ? KP_OK : kpb_fail_memory(reterr, "trust.read");
}

kp_status kpi_trust_read_fd(int fd, const char *path, kp_buf *out, struct kp_error *reterr)
{
    return kpi_trust_feed(fd, path, out->limit - out->len, append_piece, out, reterr);
}

kp_status kpi_trust_read(const char *path, kp_buf *out, struct kp_error *reterr)
{
    int fd = -1;
    kp_status st = kpi_trust_open(path, KPI_TRUST_FILE, &fd, reterr);

    if (st != KP_OK)
        return st;
    st = kpi_trust_read_fd(fd, path, out, reterr);
    kpi_trust_close(fd);
    return st;
}

/* ---- Listing ---- */

struct names {
    const char *suffix;
    char **at;
    size_t n;
    size_t cap;
};

static void clear_names(struct names *names)
{
    for (size_t i = 0; i < names->n; i++)
        kpb_free(names->at[i]);
    kpb_free(names->at);
}

static kp_status reserve_name(struct names *names)
{
    size_t cap = names->cap ? names->cap * 2 : 16;
    char **grown;

    if (names->n < names->cap)
        return KP_OK;
    grown = kpb_alloc_array("trust.names", cap, sizeof *grown);
    if (!grown)
        return KP_NO_MEMORY;
    if (names->n)
        memcpy(grown, names->at, names->n * sizeof *grown);
    kpb_free(names->at);
    names->at = grown;
    names->cap = cap;
    return KP_OK;
}

static bool ends_in(const char *name, const char *suffix)
{
    size_t len = strlen(name);
    size_t suffix_len = strlen(suffix);

    return len > suffix_len && strcmp(name + len - suffix_len, suffix) == 0;
}

static kp_status add_name(void *ctx, const char *name)
{
    struct names *names = ctx;
    kp_status st;

    if (!ends_in(name, names->suffix))
        return KP_OK;
    st = reserve_name(names);
    if (st != KP_OK)
        return st;
    names->at[names->n] = kpb_strdup_span("trust.names", kpb_span_str(name));
    if (!names->at[names->n])
        return KP_NO_MEMORY;
    names->n++;
    return KP_OK;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

kp_status kpi_trust_list(int fd, const char *path, const char *suffix, kpi_trust_name_fn *each,
                         void *ctx, struct kp_error *reterr)
{
    struct names names = {.suffix = suffix};
    kp_status st = kpi_trust_each_name(fd, path, add_name, &names, reterr);

    if (st == KP_OK && names.n)
        qsort(names.at, names.n, sizeof *names.at, compare_names);
    for (size_t i = 0; i < names.n && st == KP_OK; i++)
        st = each(ctx, names.at[i]);
    clear_names(&names);
    return st;
}
