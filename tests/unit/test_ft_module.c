/*
 * The plugin as it is installed: one exported symbol, the host's memory and nothing else of the
 * host.
 */
#include <dlfcn.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/span.h"
#include "support/fake_host.h"

static unsigned n_allocs;
static unsigned n_live;

static void *counting_alloc(void *ctx, const char *site, size_t n)
{
    (void)ctx;
    (void)site;
    n_allocs++;
    n_live++;
    return calloc(1, n);
}

static void counting_free(void *ctx, void *p)
{
    (void)ctx;
    n_live--;
    free(p);
}

static void counting_secret_free(void *ctx, void *p, size_t n)
{
    (void)ctx;
    memset(p, 0, n);
    n_live--;
    free(p);
}

static const struct kp_plugin *load(void **ret_library)
{
    const struct kp_plugin *(*get)(uint32_t, uint32_t);
    *ret_library = dlopen(KP_TEST_BUILT_PLUGIN_DIR "/file-test.so", RTLD_NOW | RTLD_LOCAL);
    if (!*ret_library)
        fail_msg("%s", dlerror());
    void *symbol = dlsym(*ret_library, "kp_plugin_get");
    assert_non_null(symbol);
    memcpy(&get, &symbol, sizeof get);
    assert_null(get(KP_ABI_MAJOR + 1, 0));
    return get(KP_ABI_MAJOR, KP_ABI_MINOR);
}

static void make_key(struct fake_host *host)
{
    struct fake_result result;
    const struct kp_key_params params = {
        .struct_size = sizeof params, .kty = KP_KTY_OCT, .bits = 256};
    const struct kp_request request = {.struct_size = sizeof request,
                                       .op = KP_OP_CREATE,
                                       .name = kpb_span_str("app"),
                                       .params = &params};
    if (fake_host_call(host, &request, &result) != KP_OK)
        fail_msg("create: %s", result.error.text);
    fake_result_clear(&result);
}

static void remove_vault(const char *dir)
{
    static const char *const FILES[] = {"vault.json", "vault.lock", "key-app.json"};
    char path[128];
    for (size_t i = 0; i < sizeof FILES / sizeof FILES[0]; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", dir, FILES[i]);
        assert_int_equal(unlink(path), 0);
    }
    assert_int_equal(rmdir(dir), 0);
}

static void module_uses_the_memory_of_the_host_and_gives_all_back(void **state)
{
    void *library;
    struct fake_host host;
    struct kp_error err;
    char dir[] = "/tmp/kp-ft-XXXXXX";
    (void)state;
    const struct kp_plugin *plugin = load(&library);
    assert_non_null(plugin);
    assert_null(dlsym(library, "ft_plugin"));
    assert_null(dlsym(library, "kpb_alloc"));
    assert_non_null(mkdtemp(dir));
    const struct kp_vault_settings wish = {
        .struct_size = sizeof wish, .flags = KP_VAULT_MAY_CREATE, .location = kpb_span_str(dir)};
    fake_host_init(&host, plugin);
    host.memory.alloc = host.memory.secret_alloc = counting_alloc;
    host.memory.free = counting_free;
    host.memory.secret_free = counting_secret_free;
    assert_int_equal(plugin->open(&host.host, &wish, &host.vault, &err), KP_OK);
    fake_host_drain(&host);
    assert_int_equal(host.opened_status, KP_OK);
    make_key(&host);
    assert_true(n_allocs > 20);
    fake_host_close(&host);
    fake_host_clear(&host);
    assert_int_equal(n_live, 0);
    remove_vault(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(module_uses_the_memory_of_the_host_and_gives_all_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
