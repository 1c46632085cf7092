#include "core/system_proxy.h"

#include <string.h>
#include <uv.h>

#include "base/errors.h"
#include "base/mem.h"
#include "base/span.h"
#include "core/http_url.h"

#define NS_PER_MS UINT64_C(1000000)

/* One state of the system's settings, for good. */
struct setting {
    char *proxy;             /* "http://host:port", or NULL */
    char *no_proxy;          /* or NULL */
    struct kp_error refusal; /* status not KP_OK: it cannot be used */
};

struct kpi_system_proxies {
    /* fixed at birth */
    kpi_system_proxy_read_fn *read;
    void *ctx;
    uv_mutex_t lock;

    /* under lock */
    struct setting settings[KPI_SYSTEM_PROXIES_MAX];
    uint32_t n;
    uint32_t current; /* below n, once has_read */
    bool has_read;
    uint64_t read_at_ns;
};

/* ---- Pure ---- */

static bool is_between(uint8_t c)
{
    return c == ';' || c <= ' ';
}

/* The next entry of a list, which text then stands behind; empty at the end. */
static kp_span next_entry(kp_span *text)
{
    size_t start = 0;
    size_t end;

    while (start < text->len && is_between(text->ptr[start]))
        start++;
    for (end = start; end < text->len && !is_between(text->ptr[end]);)
        end++;
    kp_span entry = kpb_span(text->ptr + start, end - start);
    *text = kpb_span(text->ptr + end, text->len - end);
    return entry;
}

static bool take_prefix(kp_span *text, const char *prefix)
{
    size_t len = strlen(prefix);

    if (text->len < len || !kpb_span_eq_nocase(kpb_span(text->ptr, len), kpb_span(prefix, len)))
        return false;
    *text = kpb_span(text->ptr + len, text->len - len);
    return true;
}

/* The one of "https=", else one without a scheme, which stands for all; empty: neither. */
static kp_span entry_for_https(kp_span text)
{
    kp_span all = {NULL, 0};

    for (kp_span entry = next_entry(&text); entry.len > 0; entry = next_entry(&text)) {
        if (take_prefix(&entry, "https="))
            return entry;
        if (all.len == 0 && !memchr(entry.ptr, '=', entry.len))
            all = entry;
    }
    return all;
}

kp_status kpi_system_proxy_choose(kp_span text, kp_buf *out, struct kp_error *reterr)
{
    kp_span entry = entry_for_https(text);
    struct kpi_url url;
    kp_status st;

    if (entry.len == 0)
        return KP_OK;
    (void)take_prefix(&entry, "http://");
    st = kp_buf_append_str(out, "http://");
    if (st == KP_OK)
        st = kp_buf_append(out, entry);
    if (st == KP_NO_MEMORY)
        return kpb_fail_memory(reterr, out->site);
    if (st == KP_OK)
        st = kpi_url_parse(kp_buf_view(out), &url, reterr);
    else
        (void)kpb_fail(reterr, KP_CONFIG, "it is longer than any");
    if (st != KP_OK)
        kpb_error_prefix(reterr, "the system's proxy");
    return st == KP_OK ? KP_OK : KP_CONFIG;
}

/* "*.corp" is ".corp" in a list of ours; "<local>" means names without a dot, which no vault
 * has. */
kp_status kpi_system_proxy_bypass(kp_span text, kp_buf *out)
{
    kp_status st = KP_OK;

    for (kp_span entry = next_entry(&text); st == KP_OK && entry.len > 0;
         entry = next_entry(&text)) {
        if (entry.ptr[0] == '<')
            continue;
        (void)take_prefix(&entry, "https://");
        if (entry.len > 1 && entry.ptr[0] == '*')
            entry = kpb_span(entry.ptr + 1, entry.len - 1);
        if (out->len > 0)
            st = kp_buf_append_byte(out, ',');
        if (st == KP_OK)
            st = kp_buf_append(out, entry);
    }
    return st;
}

/* ---- Settings ---- */

static void clear_setting(struct setting *setting)
{
    kpb_free(setting->proxy);
    kpb_free(setting->no_proxy);
    memset(setting, 0, sizeof *setting);
}

/* NULL for an empty text; *ok false when memory is out. */
static char *copy(const kp_buf *text, bool *ok)
{
    char *result = NULL;

    if (text->len > 0) {
        result = kpb_strdup_span("http.system_proxy", kp_buf_view(text));
        *ok = *ok && result;
    }
    return result;
}

struct texts {
    kp_buf proxy;
    kp_buf bypass;
    kp_buf chosen;
    kp_buf list;
};

static kp_status read_texts(struct kpi_system_proxies *p, struct texts *t, struct kp_error *err)
{
    kp_status st = p->read(p->ctx, &t->proxy, &t->bypass, err);

    if (st == KP_OK)
        st = kpi_system_proxy_choose(kp_buf_view(&t->proxy), &t->chosen, err);
    if (st == KP_OK)
        st = kpi_system_proxy_bypass(kp_buf_view(&t->bypass), &t->list);
    if (st == KP_USAGE)
        st = kpb_fail(err, KP_CONFIG, "the system's list of hosts without a proxy is too long");
    return st;
}

/* false: memory is out, and what held before goes on. */
static bool read_setting(struct kpi_system_proxies *p, struct setting *ret)
{
    struct texts t;
    kp_buf *const all[] = {&t.proxy, &t.bypass, &t.chosen, &t.list};
    bool ok = true;
    kp_status st;

    memset(ret, 0, sizeof *ret);
    kp_error_init(&ret->refusal);
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        kp_buf_init(all[i], "http.system_proxy", KPI_SYSTEM_PROXY_MAX_LEN);
    st = read_texts(p, &t, &ret->refusal);
    if (st == KP_OK) {
        kp_error_init(&ret->refusal);
        ret->proxy = copy(&t.chosen, &ok);
        ret->no_proxy = copy(&t.list, &ok);
    } else {
        ok = st != KP_NO_MEMORY;
    }
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        kp_buf_clear(all[i]);
    if (!ok)
        clear_setting(ret);
    return ok;
}

static bool same_text(const char *a, const char *b)
{
    return (!a && !b) || (a && b && strcmp(a, b) == 0);
}

static bool is_same(const struct setting *a, const struct setting *b)
{
    return same_text(a->proxy, b->proxy) && same_text(a->no_proxy, b->no_proxy) &&
           strcmp(a->refusal.text, b->refusal.text) == 0;
}

/* One that was in force before has its old place, so that connections made under it serve again. */
static void take_locked(struct kpi_system_proxies *p, struct setting *setting)
{
    uint32_t at = 0;

    while (at < p->n && !is_same(&p->settings[at], setting))
        at++;
    if (at == KPI_SYSTEM_PROXIES_MAX) { /* somebody plays with it: what held last holds on */
        clear_setting(setting);
        return;
    }
    if (at == p->n)
        p->settings[p->n++] = *setting; /* moved to the list */
    else
        clear_setting(setting);
    p->current = at;
    p->has_read = true;
}

static const struct setting *current_locked(struct kpi_system_proxies *p, uint64_t now_ns)
{
    static const struct setting none; /* nothing could be read yet, for want of memory */
    struct setting fresh;

    if (!p->has_read || now_ns - p->read_at_ns >= KPI_SYSTEM_PROXY_FRESH_MS * NS_PER_MS) {
        p->read_at_ns = now_ns;
        if (read_setting(p, &fresh))
            take_locked(p, &fresh);
    }
    return p->has_read ? &p->settings[p->current] : &none;
}

/* ---- Asking ---- */

/* A setting never changes once it is in the list. */
static const struct setting *current(struct kpi_system_proxies *p, uint64_t now_ns)
{
    const struct setting *setting;

    uv_mutex_lock(&p->lock);
    setting = current_locked(p, now_ns);
    uv_mutex_unlock(&p->lock);
    return setting;
}

const char *kpi_system_proxy(struct kpi_system_proxies *proxies, kp_span host, uint64_t now_ns)
{
    const struct setting *setting = current(proxies, now_ns);

    return setting->proxy && !kpi_host_is_listed(host, setting->no_proxy) ? setting->proxy : NULL;
}

const char *kpi_system_proxy_objection(struct kpi_system_proxies *proxies, kp_span host,
                                       uint64_t now_ns)
{
    const struct setting *setting = current(proxies, now_ns);

    (void)host; /* without a list nobody knows who would go straight */
    return setting->refusal.text[0] ? setting->refusal.text : NULL;
}

/* ---- Life ---- */

kp_status kpi_system_proxies_new(kpi_system_proxy_read_fn *read, void *ctx,
                                 struct kpi_system_proxies **ret, struct kp_error *reterr)
{
    struct kpi_system_proxies *p = kpb_alloc("http.system_proxy", sizeof *p);

    if (!p || uv_mutex_init(&p->lock) != 0) {
        kpb_free(p);
        return kpb_fail_memory(reterr, "http.system_proxy");
    }
    p->read = read;
    p->ctx = ctx;
    *ret = p; /* moved to the caller */
    return KP_OK;
}

void kpi_system_proxies_free(struct kpi_system_proxies *proxies)
{
    if (!proxies)
        return;
    for (uint32_t i = 0; i < proxies->n; i++)
        clear_setting(&proxies->settings[i]);
    uv_mutex_destroy(&proxies->lock);
    kpb_free(proxies);
}
