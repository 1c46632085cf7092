/* Opening and closing: what the configuration says, and then the module's part on a worker. */
#include <string.h>

#include "vault.h"

/* ---- Settings ---- */

/* A module is code that this process runs, with the PIN in its hands: the host looks at the file
 * and all folders above it as it does with plugins, and opens nothing when others can write one. */
static const struct kp_setting_spec SETTING_MODULE = {
    .struct_size = sizeof SETTING_MODULE,
    .type = KP_SETTING_TEXT,
    .flags = KP_SETTING_TRUSTED_FILE,
    .name = "module",
    .doc = "Path of the PKCS #11 library, such as /usr/lib/softhsm/libsofthsm2.so.",
};

static const struct kp_setting_spec SETTING_PIN = {
    .struct_size = sizeof SETTING_PIN,
    .type = KP_SETTING_SECRET,
    .name = "pin",
    .doc = "The token's user PIN.",
};

const struct kp_setting_spec *const p11_settings[] = {&SETTING_MODULE, &SETTING_PIN, NULL};

static kp_span setting(const struct kp_vault_settings *settings, const char *name)
{
    for (uint32_t i = 0; i < settings->n_settings; i++) {
        if (p11_span_eq(settings->settings[i].name, p11_span_str(name))) {
            return settings->settings[i].value;
        }
    }
    return p11_span(NULL, 0);
}

static kp_status take_module(struct p11_vault *v, kp_span path, struct kp_error *reterr)
{
    if (v->host->abi_minor < 2) {
        return p11_fail(reterr, KP_CONFIG, KP_NOT_SENT,
                        "this host does not check who could have written the module; it takes one "
                        "with plugin ABI 0.2");
    }
    /* Without a slash the linker would search for it elsewhere than the host looked. */
    if (path.len > 0 && path.ptr[0] == '/' && p11_text_copy(path, v->path, sizeof v->path)) {
        return KP_OK;
    }
    return p11_fail(reterr, KP_CONFIG, KP_NOT_SENT,
                    "the vault's settings.module must be the absolute path of a PKCS #11 library; "
                    "name the vault in the configuration");
}

static kp_status take_pin(struct p11_vault *v, kp_span pin, struct kp_error *reterr)
{
    const struct kp_memory *memory = v->host->memory;
    if (pin.len == 0) {
        return p11_fail(reterr, KP_CONFIG, KP_NOT_SENT,
                        "the vault's settings.pin is missing; give {\"file\": PATH} or "
                        "{\"env\": NAME}");
    }
    v->pin = memory->secret_alloc(memory->ctx, "pkcs11.pin", pin.len);
    if (!v->pin) {
        return p11_fail(reterr, KP_NO_MEMORY, KP_NOT_SENT, "no memory for the PIN");
    }
    v->pin_len = pin.len;
    memcpy(v->pin, pin.ptr, pin.len);
    v->token.pin = p11_span(v->pin, v->pin_len);
    return KP_OK;
}

/* A credential that was passed over would let in whoever brings a wrong one. */
static kp_status refuse_identity(const struct kp_vault_settings *settings, struct kp_error *reterr)
{
    if (settings->identity.len == 0 && settings->secret.len == 0) {
        return KP_OK;
    }
    return p11_fail(reterr, KP_CONFIG, KP_NOT_SENT,
                    "a token knows no identity and secret; its PIN is the setting pin");
}

static kp_status take_settings(struct p11_vault *v, const struct kp_vault_settings *settings,
                               struct kp_error *reterr)
{
    kp_status st = refuse_identity(settings, reterr);
    if (st == KP_OK) {
        st = p11_location_parse(settings->location, &v->token.location, reterr);
    }
    if (st == KP_OK) {
        st = take_module(v, setting(settings, "module"), reterr);
    }
    return st == KP_OK ? take_pin(v, setting(settings, "pin"), reterr) : st;
}

/* ---- Life ---- */

static void free_vault(struct p11_vault *v)
{
    const struct kp_memory *memory = v->host->memory;
    (void)pthread_mutex_destroy(&v->token.login);
    memory->secret_free(memory->ctx, v->pin, v->pin_len);
    memory->free(memory->ctx, v);
}

static void open_on_worker(void *arg)
{
    struct p11_vault *v = arg;
    v->opened = p11_module_acquire(v->host->memory, v->path, &v->module, &v->error);
    if (v->opened == KP_OK) {
        v->opened = p11_token_open(&v->token, p11_module_functions(v->module), &v->error);
    }
}

static void tell_opened(void *arg)
{
    struct p11_vault *v = arg;
    v->host->opened(v->host->self, v->opened, v->opened == KP_OK ? NULL : &v->error);
}

kp_status p11_open(const struct kp_host *host, const struct kp_vault_settings *settings,
                   void **ret_vault, struct kp_error *reterr)
{
    struct p11_vault *v = host->memory->alloc(host->memory->ctx, "pkcs11.vault", sizeof *v);
    if (!v) {
        return KP_NO_MEMORY;
    }
    v->host = host;
    v->token.kept = CK_INVALID_HANDLE;
    (void)pthread_mutex_init(&v->token.login, NULL);
    *ret_vault = v;
    kp_status st = take_settings(v, settings, reterr);
    if (st == KP_OK) {
        st = host->work(host->self, 0, open_on_worker, tell_opened, v);
    }
    if (st != KP_OK) {
        free_vault(v);
    }
    return st;
}

static void close_on_worker(void *arg)
{
    struct p11_vault *v = arg;
    p11_token_close(&v->token);
    p11_module_release(v->module);
}

static void tell_closed(void *arg)
{
    struct p11_vault *v = arg;
    const struct kp_host *host = v->host;
    free_vault(v);
    host->closed(host->self);
}

/* Without a worker it happens here: better that the loop waits for once than that nothing ends. */
void p11_close(void *vault)
{
    struct p11_vault *v = vault;
    if (v->host->work(v->host->self, 0, close_on_worker, tell_closed, v) != KP_OK) {
        close_on_worker(v);
        tell_closed(v);
    }
}
