#include "core/access.h"

#include "base/errors.h"
#include "base/mem.h"
#include "base/span.h"
#include "core/clock.h"

/* A file that holds a secret, and its one reader. Under the lock, but for what is fixed. */
struct kpi_access_file {
    struct kpi_access_file *next;
    struct kpi_access *access;        /* fixed */
    const struct kpi_secret_ref *ref; /* fixed */
    struct kpi_job job;
    uint64_t n_begun; /* readings; one more than n_ended while one is under way */
    uint64_t n_ended;
    uint32_t n_askers;
    kp_buf secret; /* of the last reading, as long as somebody asks */
    kp_status status;
    struct kp_error error;
};

kp_status kpi_access_init(struct kpi_access *access, struct kpi_workers *workers)
{
    *access = (struct kpi_access){.workers = workers};
    if (uv_mutex_init(&access->lock) != 0)
        return KP_NO_MEMORY;
    if (uv_cond_init(&access->ended) != 0) {
        uv_mutex_destroy(&access->lock);
        return KP_NO_MEMORY;
    }
    access->ready = true;
    return KP_OK;
}

void kpi_access_clear(struct kpi_access *access)
{
    if (!access->ready)
        return;
    while (access->files) {
        struct kpi_access_file *file = access->files;
        access->files = file->next;
        kp_buf_clear(&file->secret);
        kpb_free(file);
    }
    uv_cond_destroy(&access->ended);
    uv_mutex_destroy(&access->lock);
    access->ready = false;
}

/* ---- Reading ---- */

static void end_reading(struct kpi_access_file *file, kp_status status,
                        const struct kp_error *error, kp_buf *fresh)
{
    struct kpi_access *access = file->access;
    uv_mutex_lock(&access->lock);
    file->n_ended++;
    file->status = status;
    file->error = *error;
    kp_buf_clear(&file->secret);
    if (file->n_askers > 0)
        file->secret = *fresh; /* moved to the file */
    else
        kp_buf_clear(fresh); /* they have all given up */
    uv_cond_broadcast(&access->ended);
    uv_mutex_unlock(&access->lock);
}

static void read_aside(struct kpi_job *job)
{
    struct kpi_access_file *file = KPI_HOLDER(job, struct kpi_access_file, job);
    struct kp_error error;
    kp_buf fresh;
    kp_error_init(&error);
    kp_buf_init_secret(&fresh, "access.secret", KPI_SECRET_MAX_LEN);
    kp_status st = kpi_secret_fetch(file->ref, &fresh, &error);
    end_reading(file, st, &error, &fresh);
}

static kp_status begin_reading_locked(struct kpi_access_file *file, struct kp_error *reterr)
{
    file->job.run = read_aside;
    if (kpi_workers_submit(file->access->workers, &file->job) != KP_OK)
        return kpb_fail_memory(reterr, "access.worker");
    file->n_begun++;
    return KP_OK;
}

static kp_status fail_late(const struct kpi_access_file *file, uint32_t timeout_ms,
                           struct kp_error *reterr)
{
    return kpb_fail(reterr, KP_TIMEOUT,
                    "the file %s of the secret was not read within %u ms: is its disk or share "
                    "away?",
                    file->ref->source, timeout_ms);
}

/* Waits for the end of a reading that begins from now on. */
static kp_status wait_locked(struct kpi_access_file *file, uint32_t timeout_ms,
                             struct kp_error *reterr)
{
    uint64_t wanted = file->n_begun + 1;
    uint64_t end = uv_hrtime() + timeout_ms * KPI_NS_PER_MS;
    while (file->n_ended < wanted) {
        if (file->n_begun == file->n_ended) {
            kp_status st = begin_reading_locked(file, reterr);
            if (st != KP_OK)
                return st;
        }
        uint64_t now = uv_hrtime();
        if (now >= end)
            return fail_late(file, timeout_ms, reterr);
        (void)uv_cond_timedwait(&file->access->ended, &file->access->lock, end - now);
    }
    return KP_OK;
}

/* ---- Comparing ---- */

static kp_status compare(const kp_buf *expected, kp_span secret, struct kp_error *reterr)
{
    if (kpb_span_eq_secret(kp_buf_view(expected), secret))
        return KP_OK;
    return kpb_fail(reterr, KP_AUTH, "what was given is another secret");
}

static kp_status judge_locked(const struct kpi_access_file *file, kp_span secret,
                              struct kp_error *reterr)
{
    if (file->status == KP_OK)
        return compare(&file->secret, secret, reterr);
    if (reterr)
        *reterr = file->error;
    return file->status;
}

static struct kpi_access_file *hold_locked(struct kpi_access *access,
                                           const struct kpi_secret_ref *ref)
{
    struct kpi_access_file *file = access->files;
    while (file && file->ref != ref)
        file = file->next;
    if (file)
        return file;
    file = kpb_alloc("access.file", sizeof *file);
    if (!file)
        return NULL;
    file->access = access;
    file->ref = ref;
    kp_buf_init_secret(&file->secret, "access.secret", KPI_SECRET_MAX_LEN);
    file->next = access->files;
    access->files = file; /* moved to the list */
    return file;
}

static kp_status check_locked(struct kpi_access *access, const struct kpi_secret_ref *ref,
                              kp_span secret, uint32_t timeout_ms, struct kp_error *reterr)
{
    struct kpi_access_file *file = hold_locked(access, ref);
    if (!file)
        return kpb_fail_memory(reterr, "access.file");
    file->n_askers++;
    kp_status st = wait_locked(file, timeout_ms, reterr);
    if (st == KP_OK)
        st = judge_locked(file, secret, reterr);
    if (--file->n_askers == 0)
        kp_buf_clear(&file->secret);
    return st;
}

/* What is in memory already, or in the environment. */
static kp_status check_here(const struct kpi_secret_ref *ref, kp_span secret,
                            struct kp_error *reterr)
{
    kp_buf expected;
    kp_buf_init_secret(&expected, "access.secret", KPI_SECRET_MAX_LEN);
    kp_status st = kpi_secret_fetch(ref, &expected, reterr);
    if (st == KP_OK)
        st = compare(&expected, secret, reterr);
    kp_buf_clear(&expected);
    return st;
}

kp_status kpi_access_check(struct kpi_access *access, const struct kpi_secret_ref *ref,
                           kp_span secret, uint32_t timeout_ms, struct kp_error *reterr)
{
    if (!kpi_secret_is_on_disk(ref))
        return check_here(ref, secret, reterr);
    uv_mutex_lock(&access->lock);
    kp_status st = check_locked(access, ref, secret, timeout_ms, reterr);
    uv_mutex_unlock(&access->lock);
    return st;
}
