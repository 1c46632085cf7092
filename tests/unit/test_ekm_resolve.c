/* The resolver over a vault that is a table: its order, its scan, its trials. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <uv.h>

#include "base/mem.h"
#include "base/span.h"
#include "ekm/keys/resolve.h"

#define HOST "team.vault.azure.net"
#define OTHER "spare.vault.azure.net"
#define KEYS_MAX 200
#define PAGE 3

/* ---- A vault ---- */

struct entry {
    char name[32];
    char version[32];
    uint8_t seed; /* of the modulus; 0: no RSA key */
    int64_t created;
    bool is_disabled;
    bool is_forbidden;
};

static struct vault {
    struct entry keys[KEYS_MAX];
    uint32_t n;
    uint32_t n_gets;
    uint32_t n_missed; /* gets of what is not there: thumbprints that read as names */
    uint32_t n_lists;
    uint32_t fail_call; /* that one of the calls fails */
    kp_status fail_with;
    bool lists_forbidden;
    bool is_canceled;
    uint64_t now_ms;
    uint32_t call_ms; /* each call takes */
    char first_gets[8][64];
    uv_mutex_t mutex;
    uv_barrier_t *barrier; /* the first list waits for it */
    uint32_t n_in_list;
    uint32_t n_in_list_max;
    char note[KP_ERROR_TEXT_LEN];
    uint32_t n_notes;
} vault;

static ekm_map *map;
static ekm_resolver *resolver;

static void add_key(const char *name, const char *version, uint8_t seed, int64_t created)
{
    struct entry *entry = &vault.keys[vault.n++];
    assert_true(vault.n <= KEYS_MAX);
    memset(entry, 0, sizeof *entry);
    (void)snprintf(entry->name, sizeof entry->name, "%s", name);
    (void)snprintf(entry->version, sizeof entry->version, "%s", version);
    entry->seed = seed;
    entry->created = created;
}

static const struct entry *find_key(kp_span name, kp_span version)
{
    const struct entry *found = NULL;
    for (uint32_t i = 0; i < vault.n; i++) {
        const struct entry *entry = &vault.keys[i];
        if (kpb_span_eq_str(name, entry->name) &&
            (version.len == 0 || kpb_span_eq_str(version, entry->version)) &&
            (!found || entry->created >= found->created))
            found = entry;
    }
    return found;
}

static kp_status fill_key(const struct entry *entry, struct ekm_key *ret, struct kp_error *reterr)
{
    uint8_t n[256];
    static const uint8_t E[3] = {1, 0, 1};
    struct kp_key_info info = {.struct_size = sizeof info, .kty = KP_KTY_RSA, .bits = 2048};
    memset(n, entry->seed, sizeof n);
    info.name = kpb_span_str(entry->name);
    info.version = kpb_span_str(entry->version);
    info.flags = entry->is_disabled ? 0 : KP_KEY_ENABLED;
    info.created_unix_s = entry->created;
    if (entry->seed == 0) {
        info.kty = KP_KTY_EC;
    } else {
        info.n = kpb_span(n, sizeof n);
        info.e = kpb_span(E, sizeof E);
    }
    return ekm_key_fill(&info, ret, reterr);
}

/* Counts a call, lets its time pass, and says whether it fails. */
static kp_status begin_call(struct kp_error *reterr)
{
    kp_status st = KP_OK;
    uv_mutex_lock(&vault.mutex);
    vault.now_ms += vault.call_ms;
    if (vault.fail_call == vault.n_gets + vault.n_lists)
        st = vault.fail_with;
    uv_mutex_unlock(&vault.mutex);
    return st == KP_OK ? KP_OK : kpb_fail_code(reterr, st, 3111, "the vault failed");
}

static kp_status get(void *ctx, kp_span name, kp_span version, uint32_t timeout_ms,
                     struct ekm_key *ret, struct kp_error *reterr)
{
    (void)ctx;
    assert_true(timeout_ms > 0);
    uv_mutex_lock(&vault.mutex);
    if (vault.n_gets < 8)
        (void)snprintf(vault.first_gets[vault.n_gets], 64, "%.*s/%.*s", (int)name.len,
                       (const char *)name.ptr, (int)version.len,
                       version.ptr ? (const char *)version.ptr : "");
    vault.n_gets++;
    uv_mutex_unlock(&vault.mutex);
    const kp_status st = begin_call(reterr);
    if (st != KP_OK)
        return st;
    const struct entry *entry = find_key(name, version);
    if (!entry) {
        uv_mutex_lock(&vault.mutex);
        vault.n_missed++;
        uv_mutex_unlock(&vault.mutex);
        return kpb_fail_code(reterr, KP_NOT_FOUND, 3112, "there is no such key");
    }
    if (entry->is_forbidden)
        return kpb_fail_code(reterr, KP_FORBIDDEN, 3113, "this key is closed");
    return fill_key(entry, ret, reterr);
}

static bool is_first_of_name(uint32_t i)
{
    for (uint32_t k = 0; k < i; k++) {
        if (strcmp(vault.keys[k].name, vault.keys[i].name) == 0)
            return false;
    }
    return true;
}

static kp_status list(void *ctx, kp_span name, kp_span page_token, uint32_t timeout_ms,
                      ekm_listed_fn *each, void *each_ctx, kp_buf *next, struct kp_error *reterr)
{
    uint32_t at = 0;
    uint32_t n = 0;
    (void)ctx;
    assert_true(timeout_ms > 0);
    uv_mutex_lock(&vault.mutex);
    vault.n_lists++;
    vault.n_in_list++;
    if (vault.n_in_list > vault.n_in_list_max)
        vault.n_in_list_max = vault.n_in_list;
    const bool is_first = vault.n_lists == 1;
    uv_mutex_unlock(&vault.mutex);
    if (is_first && vault.barrier)
        (void)uv_barrier_wait(vault.barrier);
    uv_mutex_lock(&vault.mutex);
    vault.n_in_list--;
    uv_mutex_unlock(&vault.mutex);
    kp_status st = begin_call(reterr);
    if (st == KP_OK && vault.lists_forbidden)
        st = kpb_fail_code(reterr, KP_FORBIDDEN, 3113, "no list for you");
    for (uint32_t i = 0; i < page_token.len; i++)
        at = at * 10 + (page_token.ptr[i] - '0');
    for (; st == KP_OK && at < vault.n && n < PAGE; at++) {
        const struct entry *entry = &vault.keys[at];
        if (name.len > 0 ? !kpb_span_eq_str(name, entry->name) : !is_first_of_name(at))
            continue;
        const struct ekm_listed listed = {.name = kpb_span_str(entry->name),
                                          .version =
                                              kpb_span_str(name.len > 0 ? entry->version : ""),
                                          .flags = entry->is_disabled ? 0 : KP_KEY_ENABLED,
                                          .created_unix_s = entry->created};
        st = each(each_ctx, &listed, reterr);
        n++;
    }
    if (st == KP_OK && at < vault.n)
        st = kp_buf_append_fmt(next, "%u", at);
    return st == KP_NO_MEMORY ? kpb_fail_memory(reterr, "test") : st;
}

static bool is_canceled(void *ctx)
{
    (void)ctx;
    return vault.is_canceled;
}

static uint64_t now_ms(void *ctx)
{
    (void)ctx;
    uv_mutex_lock(&vault.mutex);
    const uint64_t now = vault.now_ms;
    uv_mutex_unlock(&vault.mutex);
    return now;
}

static void pause_ms(void *ctx, uint32_t ms)
{
    (void)ctx;
    uv_mutex_lock(&vault.mutex);
    vault.now_ms += ms;
    uv_mutex_unlock(&vault.mutex);
}

static void note(void *ctx, kp_status status, uint32_t code, const char *where, const char *text)
{
    (void)ctx;
    (void)status;
    (void)code;
    assert_non_null(where);
    uv_mutex_lock(&vault.mutex);
    (void)snprintf(vault.note, sizeof vault.note, "%s", text);
    vault.n_notes++;
    uv_mutex_unlock(&vault.mutex);
}

static const struct ekm_clock CLOCK = {NULL, now_ms, pause_ms};

static void begin_with(const struct ekm_resolver_options *options)
{
    memset(&vault, 0, sizeof vault);
    assert_int_equal(uv_mutex_init(&vault.mutex), 0);
    vault.fail_call = UINT32_MAX;
    vault.now_ms = 1000000;
    assert_int_equal(ekm_map_open(NULL, &map, NULL), KP_OK);
    assert_int_equal(ekm_resolver_new(map, options, note, NULL, &resolver, NULL), KP_OK);
}

static int begin(void **state)
{
    struct ekm_resolver_options options;
    (void)state;
    ekm_resolver_options_init(&options);
    options.clock = &CLOCK;
    begin_with(&options);
    return 0;
}

static int end(void **state)
{
    (void)state;
    ekm_resolver_free(resolver);
    ekm_map_close(map);
    uv_mutex_destroy(&vault.mutex);
    return 0;
}

static void begin_bounded(uint32_t max_calls)
{
    struct ekm_resolver_options options;
    (void)end(NULL);
    ekm_resolver_options_init(&options);
    options.clock = &CLOCK;
    options.scan_max_calls = max_calls;
    begin_with(&options);
}

static struct ekm_query query_of(const char *where)
{
    struct ekm_query query = {.lookup = {NULL, get, list, is_canceled}, .vault = where};
    query.deadline_ms = ekm_resolver_now_ms(resolver) + 30000;
    return query;
}

static struct ekm_thumb thumb_of_seed(uint8_t seed)
{
    const struct entry entry = {.name = "k", .version = "v", .seed = seed};
    struct ekm_key key;
    assert_int_equal(fill_key(&entry, &key, NULL), KP_OK);
    return key.thumb;
}

static struct ekm_thumb thumb_of_name(const char *name)
{
    struct ekm_thumb thumb;
    assert_int_equal(ekm_thumb_of_name(kpb_span_str(name), &thumb, NULL), KP_OK);
    return thumb;
}

static kp_status ask(const struct ekm_thumb *thumb, uint32_t flags, struct ekm_resolved *ret,
                     struct kp_error *err)
{
    const struct ekm_query query = query_of(HOST);
    return ekm_resolve_thumb(resolver, &query, thumb, flags, ret, err);
}

static void ask_ok(const struct ekm_thumb *thumb, const char *name, const char *version,
                   enum ekm_step step)
{
    struct ekm_resolved found;
    struct kp_error err;
    if (ask(thumb, EKM_RESOLVE_WITH_KEY, &found, &err) != KP_OK)
        fail_msg("%s", err.text);
    assert_string_equal(found.record.name, name);
    assert_string_equal(found.record.version, version);
    assert_int_equal(found.step, step);
    assert_true(found.has_key);
    assert_string_equal(found.key.version, version);
}

/* ---- Order ---- */

static bool session_find(void *ctx, const struct ekm_thumb *thumb, struct ekm_resolved *ret)
{
    (void)thumb;
    (void)snprintf(ret->record.name, sizeof ret->record.name, "copy");
    ret->has_key = true;
    ++*(unsigned *)ctx;
    return true;
}

static void session_is_asked_first(void **state)
{
    const struct ekm_thumb thumb = thumb_of_seed(1);
    struct ekm_query query = query_of(HOST);
    struct ekm_resolved found;
    unsigned n = 0;
    (void)state;
    add_key("tde", "v1", 1, 1);
    query.session_find = session_find;
    query.session_ctx = &n;
    assert_int_equal(ekm_resolve_thumb(resolver, &query, &thumb, 0, &found, NULL), KP_OK);
    assert_string_equal(found.record.name, "copy");
    assert_int_equal(found.step, EKM_STEP_SESSION);
    assert_int_equal(n, 1);
    assert_int_equal(vault.n_gets + vault.n_lists, 0);
}

static void scan_answers_once_and_the_map_from_then_on(void **state)
{
    const struct ekm_thumb one = thumb_of_seed(1);
    const struct ekm_thumb two = thumb_of_seed(2);
    struct ekm_resolved found;
    (void)state;
    add_key("tde", "v1", 1, 1);
    add_key("tde", "v2", 2, 2);
    ask_ok(&one, "tde", "v1", EKM_STEP_SCAN);
    const uint32_t n = vault.n_gets + vault.n_lists;
    assert_int_equal(ask(&one, 0, &found, NULL), KP_OK);
    assert_int_equal(found.step, EKM_STEP_MAP);
    assert_int_equal(ask(&two, 0, &found, NULL), KP_OK); /* passed on the way */
    assert_string_equal(found.record.version, "v2");
    assert_int_equal(vault.n_gets + vault.n_lists, n);
}

static void configured_name_is_asked_before_a_scan(void **state)
{
    static const char *const NAMES[] = {"none", "other", "tde/v1", NULL};
    const struct ekm_thumb thumb = thumb_of_seed(1);
    struct ekm_query query = query_of(HOST);
    struct ekm_resolved found;
    (void)state;
    add_key("other", "v1", 9, 1);
    add_key("tde", "v1", 1, 1);
    add_key("tde", "v2", 2, 2);
    query.names = NAMES;
    assert_int_equal(ekm_resolve_thumb(resolver, &query, &thumb, 0, &found, NULL), KP_OK);
    assert_int_equal(found.step, EKM_STEP_CONFIGURED);
    assert_string_equal(found.record.version, "v1");
    assert_int_equal(vault.n_lists, 0);
    assert_int_equal(ekm_map_count(map), 2);
}

static void name_in_a_thumbprint_is_asked_before_the_configured(void **state)
{
    static const char *const NAMES[] = {"other", NULL};
    const struct ekm_thumb thumb = thumb_of_name("tde");
    struct ekm_query query = query_of(HOST);
    struct ekm_resolved found;
    (void)state;
    add_key("other", "v1", 9, 1);
    add_key("tde", "v1", 1, 1);
    query.names = NAMES;
    assert_int_equal(ekm_resolve_thumb(resolver, &query, &thumb, 0, &found, NULL), KP_OK);
    assert_int_equal(found.step, EKM_STEP_NAME);
    assert_false(found.is_proven); /* which version it is, the bytes do not say */
    assert_string_equal(vault.first_gets[0], "tde/");
    assert_int_equal(vault.n_gets, 1);
}

static void recorded_version_that_is_gone_is_3112_and_no_other_is_taken(void **state)
{
    const struct ekm_thumb thumb = thumb_of_seed(1);
    struct ekm_resolved found;
    struct kp_error err;
    (void)state;
    add_key("tde", "v1", 1, 1);
    ask_ok(&thumb, "tde", "v1", EKM_STEP_SCAN);
    (void)snprintf(vault.keys[0].version, sizeof vault.keys[0].version, "v7");
    assert_int_equal(ask(&thumb, EKM_RESOLVE_WITH_KEY, &found, &err), KP_NOT_FOUND);
    assert_int_equal(err.code, 3112);
    assert_non_null(strstr(err.text, "recorded for this thumbprint; recover or restore it"));
    assert_non_null(strstr(err.text, ": there is no such key")); /* the vault's own words */
    (void)snprintf(vault.keys[0].version, sizeof vault.keys[0].version, "v1");
    vault.keys[0].seed = 5; /* another key under the recorded version */
    assert_int_equal(ask(&thumb, EKM_RESOLVE_WITH_KEY, &found, &err), KP_INTEGRITY);
}

/* ---- By name ---- */

static void name_pins_the_version_of_the_day(void **state)
{
    const struct ekm_query query = query_of(HOST);
    const struct ekm_thumb one = thumb_of_seed(1);
    const kp_span name = kpb_span_str("tde");
    const kp_span none = {NULL, 0};
    struct ekm_resolved found;
    struct kp_error err;
    (void)state;
    add_key("tde", "v1", 1, 1);
    assert_int_equal(
        ekm_resolve_name(resolver, &query, name, none, EKM_SCHEME_PUBLIC_KEY, 1, &found, NULL),
        KP_OK);
    assert_true(ekm_thumb_eq(&found.record.thumb, &one));
    assert_int_equal(
        ekm_resolve_name(resolver, &query, name, none, EKM_SCHEME_NAME, 1, &found, NULL), KP_OK);
    add_key("tde", "v2", 2, 2);
    ask_ok(&one, "tde", "v1", EKM_STEP_MAP);
    const struct ekm_thumb by_name = thumb_of_name("tde");
    ask_ok(&by_name, "tde", "v1", EKM_STEP_MAP);
    /* The name thumbprint cannot also be the new version's. */
    assert_int_equal(
        ekm_resolve_name(resolver, &query, name, none, EKM_SCHEME_NAME, 1, &found, &err),
        KP_CONFLICT);
    assert_int_equal(err.code, 2057);
    assert_int_equal(
        ekm_resolve_name(resolver, &query, name, none, EKM_SCHEME_PUBLIC_KEY, 2, &found, NULL),
        KP_OK);
    assert_string_equal(found.record.version, "v2");
    /* Reported again as something else, it stays what it was. */
    assert_int_equal(ekm_resolve_name(resolver, &query, name, kpb_span_str("v2"),
                                      EKM_SCHEME_PUBLIC_KEY, 3, &found, NULL),
                     KP_OK);
    assert_int_equal(found.record.reported_alg, 2);
}

static void name_that_cannot_be_reported_has_its_number(void **state)
{
    const struct ekm_query query = query_of(HOST);
    const kp_span none = {NULL, 0};
    struct ekm_resolved found;
    struct kp_error err;
    (void)state;
    add_key("curve", "v1", 0, 1);
    assert_int_equal(ekm_resolve_name(resolver, &query, kpb_span_str("curve"), none,
                                      EKM_SCHEME_PUBLIC_KEY, 1, &found, &err),
                     KP_UNSUPPORTED);
    assert_int_equal(err.code, 3);
    assert_int_equal(ekm_resolve_name(resolver, &query, kpb_span_str("a-name-of-twenty-seven-char"),
                                      none, EKM_SCHEME_NAME, 1, &found, &err),
                     KP_USAGE);
    assert_int_equal(err.code, 2049);
    assert_int_equal(ekm_resolve_name(resolver, &query, kpb_span_str("a_b"), none, EKM_SCHEME_NAME,
                                      1, &found, &err),
                     KP_USAGE);
    assert_int_equal(err.code, 2052);
}

/* ---- A moved vault ---- */

static void restored_into_another_vault_is_found_there_and_told(void **state)
{
    const struct ekm_thumb thumb = thumb_of_seed(1);
    const struct ekm_query there = query_of(OTHER);
    struct ekm_resolved found;
    (void)state;
    add_key("tde", "v1", 1, 1);
    ask_ok(&thumb, "tde", "v1", EKM_STEP_SCAN);
    const uint32_t n_lists = vault.n_lists;
    assert_int_equal(ekm_resolve_thumb(resolver, &there, &thumb, 0, &found, NULL), KP_OK);
    assert_string_equal(found.record.vault, OTHER);
    assert_int_equal(vault.n_lists, n_lists);
    assert_non_null(strstr(vault.note, "has moved"));
    struct ekm_record record;
    assert_false(ekm_map_find(map, &thumb, HOST, &record));
    assert_true(ekm_map_find(map, &thumb, OTHER, &record));
}

/* Restores that number versions anew: the public key says that it is the one. */
static void restored_with_other_versions_is_found_by_its_public_key(void **state)
{
    const struct ekm_thumb thumb = thumb_of_seed(1);
    const struct ekm_query there = query_of(OTHER);
    struct ekm_resolved found;
    (void)state;
    add_key("tde", "v1", 1, 1);
    ask_ok(&thumb, "tde", "v1", EKM_STEP_SCAN);
    (void)snprintf(vault.keys[0].version, sizeof vault.keys[0].version, "w1");
    assert_int_equal(ekm_resolve_thumb(resolver, &there, &thumb, 0, &found, NULL), KP_OK);
    assert_string_equal(found.record.version, "w1");
    assert_non_null(strstr(vault.note, "has moved"));
    assert_int_equal(ekm_map_count(map), 1);
}

/* ---- Scans ---- */

static void scan_takes_current_versions_first(void **state)
{
    const struct ekm_thumb thumb = thumb_of_seed(99);
    struct ekm_resolved found;
    (void)state;
    add_key("a", "v1", 1, 1);
    add_key("a", "v2", 2, 2);
    add_key("b", "v1", 3, 1);
    add_key("b", "v2", 4, 2);
    assert_int_equal(ask(&thumb, 0, &found, NULL), KP_NOT_FOUND);
    assert_string_equal(vault.first_gets[0], "a/");
    assert_string_equal(vault.first_gets[1], "b/");
    assert_string_equal(vault.first_gets[2], "a/v1");
    assert_string_equal(vault.first_gets[3], "b/v1");
    assert_int_equal(vault.n_gets, 4); /* the current ones are known by then */
    assert_int_equal(ekm_map_count(map), 4);
}

static void scan_through_everything_says_not_found_and_rests(void **state)
{
    const struct ekm_thumb thumb = thumb_of_seed(99);
    struct ekm_resolved found;
    struct kp_error err;
    (void)state;
    for (unsigned i = 0; i < 60; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "k%u", i);
        add_key(name, "v1", (uint8_t)(1 + i % 90), 1);
    }
    assert_int_equal(ask(&thumb, 0, &found, &err), KP_NOT_FOUND);
    assert_int_equal(err.code, 4);
    const uint32_t n = vault.n_gets + vault.n_lists;
    assert_int_equal(ask(&thumb, 0, &found, &err), KP_NOT_FOUND);
    assert_int_equal(vault.n_gets + vault.n_lists, n); /* rests */
    add_key("late", "v1", 99, 1);
    vault.now_ms += 10001;
    ask_ok(&thumb, "late", "v1", EKM_STEP_SCAN);
}

static void scan_with_bounds_says_so_and_goes_on(void **state)
{
    const struct ekm_thumb last = thumb_of_seed(60);
    struct ekm_resolved found;
    struct kp_error err;
    unsigned n_rests = 0;
    (void)state;
    begin_bounded(10);
    for (uint8_t i = 1; i <= 60; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "k%u", i);
        add_key(name, "v1", i, 1);
    }
    kp_status st = ask(&last, 0, &found, &err);
    for (; st != KP_OK && n_rests < 100; n_rests++) {
        assert_int_equal(st, KP_TRANSIENT);
        assert_int_equal(err.code, 3403);
        const uint32_t n = vault.n_gets + vault.n_lists;
        assert_int_equal(ask(&last, 0, &found, NULL), KP_TRANSIENT);
        assert_int_equal(vault.n_gets + vault.n_lists, n);
        vault.now_ms += 10001;
        st = ask(&last, 0, &found, &err);
        assert_in_range(vault.n_gets + vault.n_lists - n, 1, 10);
    }
    assert_int_equal(st, KP_OK);
    assert_string_equal(found.record.name, "k60");
    assert_int_equal(vault.n_gets, 60); /* nothing was fetched twice */
}

/* The bounds are about what the vault bears, not about how long ago the first one asked. */
static void scan_that_waited_for_somebody_to_ask_has_used_nothing_up(void **state)
{
    (void)state;
    for (uint8_t i = 1; i <= 60; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "k%u", i);
        add_key(name, "v1", i, 1);
    }
    for (uint8_t i = 1; i <= 60; i++) {
        const struct ekm_thumb thumb = thumb_of_seed(i);
        struct ekm_resolved found;
        struct kp_error err;
        if (ask(&thumb, 0, &found, &err) != KP_OK)
            fail_msg("key %u: %s", i, err.text);
        vault.now_ms += 9000;
    }
    assert_int_equal(vault.n_gets - vault.n_missed, 60);
}

static void scan_is_bounded_in_time(void **state)
{
    const struct ekm_thumb thumb = thumb_of_seed(99);
    struct ekm_resolved found;
    struct kp_error err;
    (void)state;
    for (uint8_t i = 1; i <= 60; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "k%u", i);
        add_key(name, "v1", i, 1);
    }
    vault.call_ms = 1000;
    const uint64_t began = vault.now_ms;
    assert_int_equal(ask(&thumb, 0, &found, &err), KP_TRANSIENT);
    assert_int_equal(err.code, 3403);
    assert_true(vault.now_ms - began < 22000);
}

/* 5 ms between two calls: of what a vault bears in ten seconds, most is left to the databases. */
static void scan_pauses_after_each_call(void **state)
{
    const struct ekm_thumb thumb = thumb_of_seed(99);
    struct ekm_resolved found;
    (void)state;
    for (uint8_t i = 1; i <= 60; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "k%u", i);
        add_key(name, "v1", i, 1);
    }
    const uint64_t began = vault.now_ms;
    assert_int_equal(ask(&thumb, 0, &found, NULL), KP_NOT_FOUND);
    assert_int_equal(vault.now_ms - began, 5 * (uint64_t)(vault.n_gets + vault.n_lists));
    assert_true(vault.n_gets + vault.n_lists >= 120); /* a key and its versions each */
}

static void scan_with_gaps_is_forbidden_not_not_found(void **state)
{
    const struct ekm_thumb thumb = thumb_of_seed(99);
    struct ekm_resolved found;
    struct kp_error err;
    (void)state;
    add_key("a", "v1", 1, 1);
    add_key("b", "v1", 2, 1);
    vault.keys[1].is_forbidden = true;
    assert_int_equal(ask(&thumb, 0, &found, &err), KP_FORBIDDEN);
    assert_int_equal(err.code, 3113);
    assert_non_null(strstr(err.text, "closed"));
    vault.now_ms += 10001;
    vault.lists_forbidden = true;
    assert_int_equal(ask(&thumb, 0, &found, &err), KP_FORBIDDEN);
    assert_int_equal(err.code, 3113);
    assert_non_null(strstr(err.text, "'list'"));
}

static void scan_that_fails_anywhere_never_says_not_found(void **state)
{
    const struct ekm_thumb thumb = thumb_of_seed(99);
    struct ekm_resolved found;
    struct kp_error err;
    bool more = true;
    (void)state;
    for (uint32_t at = 1; more; at++) {
        begin_bounded(2000);
        add_key("a", "v1", 1, 1);
        add_key("a", "v2", 2, 2);
        add_key("b", "v1", 3, 1);
        add_key("c", "v1", 4, 1);
        add_key("d", "v1", 5, 1);
        vault.fail_call = at;
        vault.fail_with = KP_TRANSIENT;
        const kp_status st = ask(&thumb, 0, &found, &err);
        more = st != KP_NOT_FOUND;
        if (more) {
            assert_int_equal(st, KP_TRANSIENT);
            assert_int_equal(err.code, 3111);
            vault.now_ms += 10001;
            assert_int_equal(ask(&thumb, 0, &found, &err), KP_NOT_FOUND);
            assert_int_equal(ekm_map_count(map), 5);
        }
    }
}

static void scan_canceled_or_late_ends_for_the_asker_alone(void **state)
{
    const struct ekm_thumb thumb = thumb_of_seed(3);
    struct ekm_query query = query_of(HOST);
    struct ekm_resolved found;
    struct kp_error err;
    (void)state;
    add_key("a", "v1", 1, 1);
    add_key("b", "v1", 2, 1);
    add_key("c", "v1", 3, 1);
    vault.call_ms = 10;
    query.deadline_ms = vault.now_ms + 25;
    assert_int_equal(ekm_resolve_thumb(resolver, &query, &thumb, 0, &found, &err), KP_TIMEOUT);
    vault.is_canceled = true;
    assert_int_equal(ask(&thumb, 0, &found, &err), KP_CANCELED);
    vault.is_canceled = false;
    ask_ok(&thumb, "c", "v1", EKM_STEP_SCAN); /* at once: nothing rests */
    assert_int_equal(ask(&thumb, EKM_RESOLVE_NO_SCAN, &found, NULL), KP_OK);
    const struct ekm_thumb none = thumb_of_seed(77);
    assert_int_equal(ask(&none, EKM_RESOLVE_NO_SCAN, &found, &err), KP_TRANSIENT);
    assert_int_equal(err.code, 3403);
}

#define N_THREADS 16

static void ask_from_thread(void *ctx)
{
    const uint8_t seed = *(const uint8_t *)ctx;
    const struct ekm_thumb thumb = thumb_of_seed(seed);
    struct ekm_resolved found;
    if (ask(&thumb, 0, &found, NULL) != KP_OK || found.record.name[0] != 'k')
        abort();
}

static void let_scan_go(void *ctx)
{
    (void)ctx;
    (void)uv_barrier_wait(vault.barrier);
}

static void threads_share_one_scan(void **state)
{
    uv_thread_t threads[N_THREADS];
    uint8_t seeds[N_THREADS];
    uv_thread_t opener;
    uv_barrier_t barrier;
    (void)state;
    for (uint8_t i = 1; i <= 60; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "k%u", i);
        add_key(name, "v1", i, 1);
    }
    assert_int_equal(uv_barrier_init(&barrier, 2), 0);
    vault.barrier = &barrier;
    for (unsigned i = 0; i < N_THREADS; i++) {
        seeds[i] = (uint8_t)(60 - i);
        assert_int_equal(uv_thread_create(&threads[i], ask_from_thread, &seeds[i]), 0);
    }
    assert_int_equal(uv_thread_create(&opener, let_scan_go, NULL), 0);
    for (unsigned i = 0; i < N_THREADS; i++)
        assert_int_equal(uv_thread_join(&threads[i]), 0);
    assert_int_equal(uv_thread_join(&opener), 0);
    uv_barrier_destroy(&barrier);
    assert_int_equal(vault.n_in_list_max, 1);
    assert_int_equal(vault.n_gets - vault.n_missed, 60);
}

/* ---- Trials ---- */

struct sealed {
    const char *version; /* which unwraps it */
    uint32_t alg;
    kp_status refusal;
    uint32_t exposure;
    unsigned n;
    bool saw_rsa1_5;
    char order[128];
};

static kp_status unseal(void *ctx, kp_span name, kp_span version, uint32_t alg,
                        struct kp_error *reterr)
{
    struct sealed *sealed = ctx;
    const size_t at = strlen(sealed->order);
    (void)name;
    sealed->n++;
    sealed->saw_rsa1_5 |= alg == KP_ALG_RSA1_5;
    (void)snprintf(sealed->order + at, sizeof sealed->order - at, "%.*s ", (int)version.len,
                   (const char *)version.ptr);
    if (kpb_span_eq_str(version, sealed->version) && alg == sealed->alg)
        return KP_OK;
    (void)kpb_fail_code(reterr, sealed->refusal, 3110, "this does not unwrap");
    reterr->exposure = sealed->exposure;
    return sealed->refusal;
}

static const uint32_t ALGS[] = {KP_ALG_RSA1_5, KP_ALG_RSA_OAEP_256, KP_ALG_RSA_OAEP};

static struct ekm_resolved ask_by_name(void)
{
    const struct ekm_thumb thumb = thumb_of_name("tde");
    struct ekm_resolved found;
    assert_int_equal(ask(&thumb, 0, &found, NULL), KP_OK);
    assert_int_equal(found.step, EKM_STEP_NAME);
    assert_false(found.is_proven);
    return found;
}

static void add_four_versions(void)
{
    add_key("tde", "v1", 1, 10);
    add_key("tde", "v3", 3, 30);
    add_key("tde", "v2", 2, 20);
    add_key("tde", "v4", 4, 40);
    vault.keys[2].is_disabled = true;
}

static void name_without_a_record_is_found_by_trying_newest_first(void **state)
{
    const struct ekm_query query = query_of(HOST);
    const struct ekm_thumb thumb = thumb_of_name("tde");
    struct sealed sealed = {"v1", KP_ALG_RSA_OAEP, KP_USAGE, KP_ANSWERED_REFUSED, 0, false, ""};
    (void)state;
    add_four_versions();
    struct ekm_resolved found = ask_by_name();
    assert_string_equal(found.record.version, "v4");
    assert_int_equal(ekm_map_count(map), 0); /* nothing is recorded that is not proven */
    assert_int_equal(ekm_resolve_unwrap(resolver, &query, &found, ALGS, 3, unseal, &sealed, NULL),
                     KP_OK);
    assert_string_equal(sealed.order, "v4 v4 v3 v3 v1 v1 ");
    assert_false(sealed.saw_rsa1_5);
    assert_true(found.is_proven);
    ask_ok(&thumb, "tde", "v1", EKM_STEP_MAP);
    /* From then on it goes to that version, with that algorithm first. */
    assert_int_equal(ask(&thumb, 0, &found, NULL), KP_OK);
    assert_int_equal(found.record.wrap_alg, KP_ALG_RSA_OAEP);
    assert_int_equal(found.record.origin, EKM_ORIGIN_PROVEN);
    sealed.n = 0;
    assert_int_equal(ekm_resolve_unwrap(resolver, &query, &found, ALGS, 3, unseal, &sealed, NULL),
                     KP_OK);
    assert_int_equal(sealed.n, 1);
}

static void trial_goes_on_after_an_answered_refusal_only(void **state)
{
    static const struct {
        kp_status refusal;
        uint32_t exposure;
    } ENDS[] = {{KP_TRANSIENT, KP_MAYBE_SENT},
                {KP_TIMEOUT, KP_MAYBE_SENT},
                {KP_THROTTLED, KP_ANSWERED_REFUSED},
                {KP_FORBIDDEN, KP_ANSWERED_REFUSED},
                {KP_USAGE, KP_NOT_SENT},
                {KP_AUTH, KP_ANSWERED_REFUSED}};
    const struct ekm_query query = query_of(HOST);
    (void)state;
    add_four_versions();
    for (size_t i = 0; i < sizeof ENDS / sizeof ENDS[0]; i++) {
        struct sealed sealed = {"v1", KP_ALG_RSA_OAEP, ENDS[i].refusal, ENDS[i].exposure, 0, false,
                                ""};
        struct ekm_resolved found = ask_by_name();
        assert_int_equal(
            ekm_resolve_unwrap(resolver, &query, &found, ALGS, 3, unseal, &sealed, NULL),
            ENDS[i].refusal);
        assert_int_equal(sealed.n, 1);
        assert_false(found.is_proven);
    }
    assert_int_equal(ekm_map_count(map), 0);
}

static void trial_of_every_version_in_vain_is_the_last_refusal(void **state)
{
    const struct ekm_query query = query_of(HOST);
    static const uint32_t RSA1_5[] = {KP_ALG_RSA1_5};
    struct sealed sealed = {"none", 0, KP_INTEGRITY, KP_ANSWERED, 0, false, ""};
    struct kp_error err;
    (void)state;
    add_four_versions();
    struct ekm_resolved found = ask_by_name();
    assert_int_equal(ekm_resolve_unwrap(resolver, &query, &found, ALGS, 3, unseal, &sealed, &err),
                     KP_INTEGRITY);
    assert_int_equal(sealed.n, 6);
    assert_non_null(strstr(err.text, "1 disabled"));
    assert_int_equal(err.code, 3110);
    sealed.n = 0;
    assert_int_equal(ekm_resolve_unwrap(resolver, &query, &found, RSA1_5, 1, unseal, &sealed, &err),
                     KP_FORBIDDEN);
    assert_int_equal(sealed.n, 0);
    assert_int_equal(ekm_map_count(map), 0);
}

static void known_version_tries_rsa1_5_last_and_remembers(void **state)
{
    const struct ekm_query query = query_of(HOST);
    const struct ekm_thumb thumb = thumb_of_seed(1);
    struct sealed sealed = {"v1", KP_ALG_RSA1_5, KP_USAGE, KP_ANSWERED_REFUSED, 0, false, ""};
    struct ekm_resolved found;
    (void)state;
    add_key("tde", "v1", 1, 1);
    add_key("tde", "v2", 2, 2);
    assert_int_equal(ask(&thumb, 0, &found, NULL), KP_OK);
    assert_int_equal(ekm_resolve_unwrap(resolver, &query, &found, ALGS, 3, unseal, &sealed, NULL),
                     KP_OK);
    assert_string_equal(sealed.order, "v1 v1 v1 ");
    assert_int_equal(ask(&thumb, 0, &found, NULL), KP_OK);
    assert_int_equal(found.record.wrap_alg, KP_ALG_RSA1_5);
    sealed.n = 0;
    assert_int_equal(ekm_resolve_unwrap(resolver, &query, &found, ALGS, 3, unseal, &sealed, NULL),
                     KP_OK);
    assert_int_equal(sealed.n, 1);
    /* A remembered algorithm that is no longer allowed is not used. */
    sealed.n = 0;
    assert_int_equal(
        ekm_resolve_unwrap(resolver, &query, &found, ALGS + 1, 1, unseal, &sealed, NULL), KP_USAGE);
    assert_int_equal(sealed.n, 1);
    assert_false(strcmp(sealed.order, "") == 0);
}

/* ---- Memory ---- */

static unsigned fail_at;
static unsigned n_allocs;
static bool did_fail;

static void *failing_alloc(void *ctx, const char *site, size_t n)
{
    (void)ctx;
    (void)site;
    if (fail_at != 0 && ++n_allocs == fail_at) {
        did_fail = true;
        return NULL;
    }
    return calloc(1, n);
}

static void plain_free(void *ctx, void *p)
{
    (void)ctx;
    free(p);
}

static void sized_free(void *ctx, void *p, size_t n)
{
    (void)ctx;
    (void)n;
    free(p);
}

/* A scan whose memory runs out is not through: it must not say that the key is not there. */
static void memory_that_runs_out_never_says_not_found(void **state)
{
    static const struct kpb_mem_hooks hooks = {NULL, failing_alloc, plain_free, failing_alloc,
                                               sized_free};
    const struct ekm_thumb thumb = thumb_of_seed(60);
    bool more = true;
    unsigned n = 0;
    (void)state;
    (void)end(NULL);
    kpb_mem_use(&hooks);
    for (unsigned at = 1; more; at++, n++) {
        struct ekm_resolved found;
        struct kp_error err;
        (void)begin(NULL);
        for (uint8_t i = 1; i <= 60; i++) {
            char name[16];
            (void)snprintf(name, sizeof name, "k%u", (unsigned)i / 2);
            add_key(name, i % 2 ? "v1" : "v2", i, i);
        }
        fail_at = at;
        n_allocs = 0;
        did_fail = false;
        const kp_status st = ask(&thumb, EKM_RESOLVE_WITH_KEY, &found, &err);
        more = did_fail;
        fail_at = 0;
        if (st != KP_OK && (!more || st != KP_NO_MEMORY))
            fail_msg("allocation %u: %s: %s", at, kp_status_text(st), err.text);
        if (st != KP_OK)
            assert_int_equal(ask(&thumb, EKM_RESOLVE_WITH_KEY, &found, &err), KP_OK);
        (void)end(NULL);
    }
    kpb_mem_use(NULL);
    assert_true(n > 10);
    (void)begin(NULL);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(session_is_asked_first),
        TEST(scan_answers_once_and_the_map_from_then_on),
        TEST(configured_name_is_asked_before_a_scan),
        TEST(name_in_a_thumbprint_is_asked_before_the_configured),
        TEST(recorded_version_that_is_gone_is_3112_and_no_other_is_taken),
        TEST(name_pins_the_version_of_the_day),
        TEST(name_that_cannot_be_reported_has_its_number),
        TEST(restored_into_another_vault_is_found_there_and_told),
        TEST(restored_with_other_versions_is_found_by_its_public_key),
        TEST(scan_takes_current_versions_first),
        TEST(scan_through_everything_says_not_found_and_rests),
        TEST(scan_with_bounds_says_so_and_goes_on),
        TEST(scan_that_waited_for_somebody_to_ask_has_used_nothing_up),
        TEST(scan_is_bounded_in_time),
        TEST(scan_pauses_after_each_call),
        TEST(scan_with_gaps_is_forbidden_not_not_found),
        TEST(scan_that_fails_anywhere_never_says_not_found),
        TEST(scan_canceled_or_late_ends_for_the_asker_alone),
        TEST(threads_share_one_scan),
        TEST(name_without_a_record_is_found_by_trying_newest_first),
        TEST(trial_goes_on_after_an_answered_refusal_only),
        TEST(trial_of_every_version_in_vain_is_the_last_refusal),
        TEST(known_version_tries_rsa1_5_last_and_remembers),
        TEST(memory_that_runs_out_never_says_not_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
