/*
 * Checks a plugin from outside, over a vault it serves: makes two versions of a new RSA key, and
 * tries what every plugin owes and what this one's capabilities promise.
 *
 *     check CONFIG PLUGIN VAULT KEY [PLUGIN_DIR]
 *
 * One line for each check: ok, FAILED and why, or - where the plugin or the vault does not offer
 * it. Exits with 0 when none failed. The key must be new, and stays.
 */
#include <stdio.h>
#include <string.h>

#include <keyprovider/keyprovider.h>

#define TIME_LIMIT_MS 60000
#define N_VERSIONS 2
#define N_UNDER_WAY 32

struct checker {
    kp_vault *vault;
    kp_span key;
    const char *plugin; /* its name */
    const struct kp_caps *caps;
    char versions[N_VERSIONS][KP_KEY_VERSION_MAX_LEN + 1]; /* the second is the current one */
    int n_failed;
};

static const uint8_t PLAIN[32] = "thirty-two bytes of a data key.";

static kp_span span(const void *ptr, size_t len)
{
    const kp_span s = {ptr, len};
    return s;
}

static kp_span text(const char *s)
{
    return span(s, strlen(s));
}

static int same(kp_span a, kp_span b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static void call(const struct checker *c, const struct kp_request *request, struct kp_result *ret)
{
    const kp_status st = kp_call(c->vault, request, ret);
    ret->status = st;
}

/* ---- Saying ---- */

static void say(struct checker *c, int is_good, const char *what, const char *why)
{
    c->n_failed += is_good ? 0 : 1;
    printf("%-7s %s%s%s\n", is_good ? "ok" : "FAILED", what, is_good ? "" : ": ",
           is_good ? "" : why);
}

static void say_none(const char *what)
{
    printf("%-7s %s\n", "-", what);
}

/* Whether the call ended as wanted; says it when not. */
static int ended(struct checker *c, kp_status wanted, const struct kp_result *got, const char *what)
{
    char why[KP_ERROR_TEXT_LEN + 64];
    if (got->status == wanted) {
        return 1;
    }
    (void)snprintf(why, sizeof why, "%s instead of %s: %s", kp_status_text(got->status),
                   kp_status_text(wanted), got->status == KP_OK ? "" : got->error.text);
    say(c, 0, what, why);
    return 0;
}

/* Makes the call and says whether it ended as wanted. */
static void expect(struct checker *c, kp_status wanted, const struct kp_request *request,
                   const char *what)
{
    struct kp_result result = {0};
    call(c, request, &result);
    if (ended(c, wanted, &result, what)) {
        say(c, 1, what, "");
    }
    kp_result_clear(&result);
}

/* ---- Asking ---- */

static struct kp_request ask(const struct checker *c, uint32_t op, const char *version)
{
    struct kp_request request;
    kp_request_init(&request, op);
    request.name = c->key;
    request.version = text(version);
    request.timeout_ms = TIME_LIMIT_MS;
    return request;
}

static int offers(const struct checker *c, uint32_t op)
{
    return (c->caps->ops & KP_OP_BIT(op)) != 0;
}

/* ---- Versions ---- */

static void make_version(struct checker *c, char out[KP_KEY_VERSION_MAX_LEN + 1])
{
    struct kp_key_params params;
    struct kp_result result = {0};
    struct kp_request request = ask(c, KP_OP_CREATE, "");
    kp_key_params_init(&params);
    params.kty = c->caps->ktys & 1u << KP_KTY_RSA ? KP_KTY_RSA : KP_KTY_RSA_HSM;
    request.params = &params;
    call(c, &request, &result);
    if (ended(c, KP_OK, &result, "create")) {
        const kp_span version = result.reply.key->version;
        say(c, result.reply.key->bits == 2048, "create without a size makes 2048 bits", "others");
        memcpy(out, version.ptr, version.len); /* the host has looked at its length */
        out[version.len] = '\0';
    }
    kp_result_clear(&result);
}

static void get(struct checker *c, const char *asked, const char *wanted, const char *what)
{
    struct kp_result result = {0};
    const struct kp_request request = ask(c, KP_OP_GET_KEY, asked);
    call(c, &request, &result);
    if (ended(c, KP_OK, &result, what)) {
        const struct kp_key_info *key = result.reply.key;
        say(c, same(key->version, text(wanted)), what, "it tells another");
        say(c, key->n.len > 0 && key->e.len > 0, "get_key tells the public part", "it is empty");
    }
    kp_result_clear(&result);
}

/* How often wanted is in a list, which is read page by page, one item each. */
static int count_listed(struct checker *c, uint32_t op, kp_span wanted, const char *what)
{
    struct kp_result page = {0};
    struct kp_result next = {0};
    struct kp_request request = ask(c, op, "");
    int n = 0;
    request.page_size = 1;
    do {
        request.page_token = page.reply.next_page;
        call(c, &request, &next);
        kp_result_clear(&page);
        page = next;
        for (uint32_t i = 0; page.status == KP_OK && i < page.reply.n_keys; i++) {
            const struct kp_key_info *key = page.reply.keys[i];
            n += same(op == KP_OP_LIST_KEYS ? key->name : key->version, wanted);
        }
    } while (page.status == KP_OK && page.reply.next_page.len > 0);
    (void)ended(c, KP_OK, &page, what);
    kp_result_clear(&page);
    return n;
}

static void check_lists(struct checker *c)
{
    if (offers(c, KP_OP_LIST_KEYS)) {
        say(c, count_listed(c, KP_OP_LIST_KEYS, c->key, "list_keys") == 1,
            "list_keys has the key once", "it has not");
    }
    for (size_t i = 0; offers(c, KP_OP_LIST_VERSIONS) && i < N_VERSIONS; i++) {
        const kp_span version = text(c->versions[i]);
        say(c, count_listed(c, KP_OP_LIST_VERSIONS, version, "list_versions") == 1,
            "list_versions has each version once", "it has not");
    }
}

static void check_missing(struct checker *c)
{
    struct kp_request request = ask(c, KP_OP_GET_KEY, "ffffffffffffffffffffffffffffffff");
    expect(c, KP_NOT_FOUND, &request, "get_key of a version that is not there");
    request = ask(c, KP_OP_GET_KEY, "");
    request.name = text("a-key-that-nobody-makes");
    expect(c, KP_NOT_FOUND, &request, "get_key of a key that is not there");
}

/* ---- Wrapping ---- */

static struct kp_request undoing(const struct checker *c, uint32_t op, const char *version,
                                 const struct kp_reply *made)
{
    struct kp_request request = ask(c, op, version);
    request.alg = made->alg;
    request.value = made->value;
    return request;
}

static void undo(struct checker *c, const struct kp_request *request)
{
    static const char what[] = "the version that made it undoes it";
    struct kp_result result = {0};
    call(c, request, &result);
    if (ended(c, KP_OK, &result, what)) {
        say(c, same(result.reply.value, span(PLAIN, sizeof PLAIN)), what, "something else came");
    }
    kp_result_clear(&result);
}

static void undo_damaged(struct checker *c, struct kp_request request)
{
    uint8_t copy[2048];
    if (request.value.len <= sizeof copy) {
        memcpy(copy, request.value.ptr, request.value.len);
        copy[request.value.len / 2] ^= 1;
        request.value.ptr = copy;
        expect(c, KP_INTEGRITY, &request, "a damaged value is refused");
    }
}

/* With the older version, which must be the one that undoes it. */
static void check_pair(struct checker *c, uint32_t op, uint32_t undo_op, uint32_t alg)
{
    char what[64];
    struct kp_result made = {0};
    struct kp_request request = ask(c, op, c->versions[0]);
    request.alg = alg;
    request.value = span(PLAIN, sizeof PLAIN);
    (void)snprintf(what, sizeof what, "%s with %s", kp_op_text(op), kp_alg_text(alg));
    call(c, &request, &made);
    if (made.status == KP_UNSUPPORTED) {
        say_none(what);
    } else if (ended(c, KP_OK, &made, what)) {
        say(c, 1, what, "");
        request = undoing(c, undo_op, c->versions[0], &made.reply);
        undo(c, &request);
        undo_damaged(c, request);
        request.version = text(c->versions[1]);
        expect(c, KP_INTEGRITY, &request, "another version is refused");
    }
    kp_result_clear(&made);
}

static void check_crypt(struct checker *c)
{
    for (uint32_t alg = 1; alg <= KP_ALG_MAX; alg++) {
        const int is_offered = (c->caps->algs & KP_ALG_BIT(alg)) != 0;
        /* RSA1_5 has nothing by which another key would notice for sure. */
        if (!is_offered || alg == KP_ALG_RSA1_5 || kp_alg_family_of(alg) != KP_FAMILY_RSA_CRYPT) {
            continue;
        }
        if (offers(c, KP_OP_WRAP) && offers(c, KP_OP_UNWRAP)) {
            check_pair(c, KP_OP_WRAP, KP_OP_UNWRAP, alg);
        }
        if (offers(c, KP_OP_ENCRYPT) && offers(c, KP_OP_DECRYPT)) {
            check_pair(c, KP_OP_ENCRYPT, KP_OP_DECRYPT, alg);
        }
    }
}

/* ---- The end ---- */

static void count_end(void *ctx, kp_op_id id, struct kp_result *result)
{
    (void)id;
    (void)result;
    ++*(int *)ctx;
}

/* Closes while operations are under way: each must still end, and the plugin must let go. */
static void check_close(struct checker *c, kp_provider *provider)
{
    struct kp_close_report report = {0};
    struct kp_error err;
    int n_ended = 0; /* the loop's; close ends its thread before this one looks */
    int n = 0;
    const struct kp_request request = ask(c, KP_OP_GET_KEY, c->versions[0]);
    for (int i = 0; i < N_UNDER_WAY; i++) {
        n += kp_submit(c->vault, &request, count_end, &n_ended, NULL, &err) == KP_OK;
    }
    kp_vault_release(c->vault);
    kp_provider_close_wait(provider, TIME_LIMIT_MS, &report);
    say(c, report.abandoned == 0, "everything ends when the provider closes", report.text);
    say(c, n_ended == n, "each operation under way ends once", "it does not");
}

/* ---- Beginning ---- */

static void note_caps(void *ctx, const struct kp_plugin *plugin, const char *origin)
{
    struct checker *c = ctx;
    (void)origin;
    if (strcmp(plugin->name, c->plugin) == 0) {
        c->caps = plugin->caps;
    }
}

static void check_all(struct checker *c)
{
    for (size_t i = 0; i < N_VERSIONS; i++) {
        make_version(c, c->versions[i]);
    }
    if (c->n_failed > 0) {
        return;
    }
    say(c, strcmp(c->versions[0], c->versions[1]) != 0, "each create makes another version",
        c->versions[0]);
    get(c, "", c->versions[1], "get_key without a version tells the last one");
    get(c, c->versions[0], c->versions[0], "get_key tells an older version");
    check_lists(c);
    check_missing(c);
    check_crypt(c);
}

static int fail(const char *what, const char *why)
{
    fprintf(stderr, "check: %s: %s\n", what, why);
    return 2;
}

/* Takes the provider over. */
static int check_vault(struct checker *c, kp_provider *provider, const char *vault)
{
    const uint64_t needed = KP_OP_BIT(KP_OP_CREATE) | KP_OP_BIT(KP_OP_GET_KEY);
    const uint32_t ktys = 1u << KP_KTY_RSA | 1u << KP_KTY_RSA_HSM;
    struct kp_error err;
    kp_plugins_each(provider, note_caps, c);
    if (!c->caps || (c->caps->ops & needed) != needed || (c->caps->ktys & ktys) == 0) {
        kp_provider_close_wait(provider, TIME_LIMIT_MS, NULL);
        return fail(c->plugin, c->caps ? "does not create RSA keys and get them, which all checks "
                                         "begin with"
                                       : "there is no such plugin");
    }
    if (kp_vault_acquire(provider, vault, NULL, &c->vault, &err) != KP_OK) {
        kp_provider_close_wait(provider, TIME_LIMIT_MS, NULL);
        return fail(vault, err.text);
    }
    check_all(c);
    check_close(c, provider);
    return c->n_failed > 0 ? 1 : 0;
}

int main(int argc, char **argv)
{
    struct checker c = {0};
    struct kp_options options;
    struct kp_error err;
    kp_provider *provider = NULL;
    if (argc < 5 || argc > 6) {
        fprintf(stderr, "usage: check CONFIG PLUGIN VAULT KEY [PLUGIN_DIR]\n");
        return 2;
    }
    c.plugin = argv[2];
    c.key = text(argv[4]);
    kp_options_init(&options);
    options.config_path = argv[1];
    options.plugin_dir = argc > 5 ? argv[5] : NULL;
    if (kp_provider_open(&options, &provider, &err) != KP_OK) {
        return fail(argv[1], err.text);
    }
    return check_vault(&c, provider, argv[3]);
}
