#include "tools/kp-emulator/start.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/encode.h"
#include "base/errors.h"
#include "base/span.h"
#include "crypto/init.h"
#include "crypto/random.h"
#include "tools/kp-emulator/exchange.h"
#include "tools/kp-emulator/guid.h"
#include "tools/kp-emulator/proxy.h"
#include "tools/kp-emulator/regions.h"
#include "tools/kp-emulator/server.h"

#define SITE "emulator.start"
#define PATH_MAX_LEN EMU_PATH_ROOM
#define NAMES_MAX_LEN 16384u

/* ---- Folder ---- */

static kp_status make_folder(struct emu *emu, const struct emu_options *options,
                             struct kp_error *reterr)
{
    if (options->ephemeral) {
        const char *below = getenv("TMPDIR");
        (void)snprintf(emu->folder, sizeof emu->folder, "%s/kp-emulator-XXXXXX",
                       below && below[0] == '/' ? below : "/tmp");
        if (mkdtemp(emu->folder))
            return KP_OK;
        emu->folder[0] = 0;
        return kpb_fail(reterr, KP_VAULT, "no folder for temporary files: %s", strerror(errno));
    }
    char resolved[PATH_MAX_LEN * 4];
    bool ok = mkdir(options->state, 0700) == 0 || errno == EEXIST;
    if (!ok || !realpath(options->state, resolved) || strlen(resolved) >= sizeof emu->folder)
        return kpb_fail(reterr, KP_CONFIG, "%s cannot be the state folder: %s", options->state,
                        strerror(errno));
    memcpy(emu->folder, resolved, strlen(resolved) + 1);
    return KP_OK;
}

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *at)
{
    (void)info;
    (void)kind;
    (void)at;
    return remove(path);
}

static kp_status path_in(const struct emu *emu, const char *name, char out[PATH_MAX_LEN],
                         struct kp_error *reterr)
{
    int n = snprintf(out, PATH_MAX_LEN, "%s/%s", emu->folder, name);
    return n > 0 && (size_t)n < PATH_MAX_LEN
               ? KP_OK
               : kpb_fail(reterr, KP_CONFIG, "the path of the state folder is too long");
}

/* ---- Settings ---- */

static void new_secret(char out[33])
{
    uint8_t bytes[16] = {0};
    kpb_ignore(kpc_random(bytes, sizeof bytes, NULL)); /* zeros do for a test's secret */
    kpb_hex_encode(kpb_span(bytes, sizeof bytes), out);
}

/* One vault, one HSM, an application with a secret and a certificate, two managed identities. */
static json_t *built_in(const char *certificate)
{
    char tenant[EMU_GUID_LEN];
    char ids[3][EMU_GUID_LEN];
    char secret[33];
    emu_guid_new(tenant);
    for (size_t i = 0; i < 3; i++)
        emu_guid_new(ids[i]);
    new_secret(secret);
    return json_pack("{s:s,s:[{s:s,s:[s],s:[s],s:[s]},{s:s,s:b},{s:s,s:b}],s:[{s:s},{s:s,s:s}]}",
                     "tenant", tenant, "apps", "client_id", ids[0], "secrets", secret,
                     "certificates", certificate, "federated", "workload", "client_id", ids[1],
                     "system_identity", 1, "client_id", ids[2], "user_identity", 1, "vaults",
                     "name", "emulated", "name", "emulatedhsm", "mode", "hsm");
}

/* A file that cannot be opened has no line. */
static kp_status refuse_json(const char *path, const json_error_t *why, struct kp_error *reterr)
{
    if (why->line < 1)
        return kpb_fail(reterr, KP_CONFIG, "%s", why->text);
    return kpb_fail(reterr, KP_CONFIG, "%s, line %d: %s", path, why->line, why->text);
}

static kp_status read_settings(struct emu *emu, const struct emu_options *options,
                               struct kp_error *reterr)
{
    char kept[PATH_MAX_LEN];
    char certificate[PATH_MAX_LEN];
    json_error_t why;
    kp_status st = path_in(emu, "settings.json", kept, reterr);
    if (st == KP_OK)
        st = path_in(emu, "client.pem", certificate, reterr);
    if (st != KP_OK)
        return st;
    /* Without a file of settings the built-in ones are made once and kept with the state. */
    const char *path = options->config ? options->config : kept;
    if (!options->config && access(kept, F_OK) != 0) {
        st = emu_client_certificate(certificate, "kp-emulator client", reterr);
        json_t *fresh = st == KP_OK ? built_in(certificate) : NULL;
        if (fresh && json_dump_file(fresh, kept, JSON_INDENT(4)) != 0)
            st = kpb_fail(reterr, KP_VAULT, "%s could not be written", kept);
        json_decref(fresh);
    }
    if (st != KP_OK)
        return st;
    json_t *root = json_load_file(path, JSON_REJECT_DUPLICATES, &why);
    if (!root)
        return refuse_json(path, &why, reterr);
    st = emu_settings_read(root, &emu->settings, reterr);
    if (st != KP_OK)
        kpb_error_prefix(reterr, "%s", path);
    return st;
}

static kp_status read_scenario(struct emu *emu, const char *path, struct kp_error *reterr)
{
    json_error_t why;
    json_t *root = json_load_file(path, JSON_REJECT_DUPLICATES, &why);
    if (!root)
        return refuse_json(path, &why, reterr);
    kp_status st = emu_scenario_add(&emu->scenario, root, reterr);
    json_decref(root);
    return st;
}

/* ---- TLS ---- */

static kp_status append_hosts(const struct emu_vault_settings *v, kp_buf *names)
{
    kp_status st = KP_OK;
    for (size_t i = 0; st == KP_OK && i < json_array_size(v->hosts); i++)
        st = kp_buf_append_fmt(names, ",DNS:%s", json_string_value(json_array_get(v->hosts, i)));
    return st;
}

static kp_status make_tls(struct emu *emu, struct kp_error *reterr)
{
    static const char NAMES[] =
        "DNS:localhost,IP:127.0.0.1,IP:::1,DNS:*.vault.localhost,DNS:*.managedhsm.localhost,"
        "DNS:login.localhost,DNS:*.vault.azure.net,DNS:*.managedhsm.azure.net,"
        "DNS:*.vault.usgovcloudapi.net,DNS:*.managedhsm.usgovcloudapi.net,DNS:*.vault.azure.cn,"
        "DNS:*.managedhsm.azure.cn,DNS:login.microsoftonline.com,DNS:login.windows.net,"
        "DNS:login.microsoftonline.us,DNS:login.partner.microsoftonline.cn";
    char path[PATH_MAX_LEN];
    kp_buf names;
    kp_buf_init(&names, SITE, NAMES_MAX_LEN);
    kp_status st = kp_buf_append_str(&names, NAMES);
    for (size_t i = 0; st == KP_OK && i < emu->settings.n_vaults; i++)
        st = append_hosts(&emu->settings.vaults[i], &names);
    if (st == KP_OK)
        st = kp_buf_append_byte(&names, 0);
    if (st != KP_OK)
        st = kpb_fail(reterr, KP_CONFIG, "the vaults have too many hosts");
    if (st == KP_OK)
        st = path_in(emu, "ca-key.pem", path, reterr);
    if (st == KP_OK)
        st = emu_ca_open(&emu->ca, path, reterr);
    if (st == KP_OK)
        st = emu_ca_server(&emu->ca, (const char *)names.ptr, &emu->tls, emu->tls_sha1, reterr);
    if (st == KP_OK)
        st = path_in(emu, "ca.pem", path, reterr);
    if (st == KP_OK)
        st = emu_ca_write(&emu->ca, path, reterr);
    kp_buf_clear(&names);
    return st;
}

/* ---- Vaults ---- */

static kp_status open_vault(struct emu *emu, size_t i, struct kp_error *reterr)
{
    char name[EMU_NAME_MAX_LEN + 16];
    char path[PATH_MAX_LEN];
    struct emu_vault *vault = &emu->vaults[i];
    vault->settings = &emu->settings.vaults[i];
    (void)snprintf(name, sizeof name, "book-%s.json", vault->settings->name);
    kp_status st = path_in(emu, name, path, reterr);
    if (st == KP_OK)
        st = emu_book_open(&vault->book, path, reterr);
    if (st == KP_OK)
        emu->n_vaults++;
    return st == KP_OK ? kp_vault_acquire(emu->backend.provider, vault->settings->name, NULL,
                                          &vault->handle, reterr)
                       : st;
}

static kp_status open_vaults(struct emu *emu, struct kp_error *reterr)
{
    kp_status st = emu_backend_open(&emu->backend, &emu->settings, emu->folder, emu->base, reterr);
    for (size_t i = 0; st == KP_OK && i < emu->settings.n_vaults; i++)
        st = open_vault(emu, i, reterr);
    return st;
}

/* ---- All ---- */

/* Clients take a key file from one folder only, which a test may have to offer. */
static kp_status place_arc(struct emu *emu, const struct emu_options *options,
                           struct kp_error *reterr)
{
    if (!options->arc_folder)
        return path_in(emu, "arc", emu->arc_folder, reterr);
    if (strlen(options->arc_folder) >= sizeof emu->arc_folder)
        return kpb_fail(reterr, KP_CONFIG, "the path of --arc-folder is too long");
    memcpy(emu->arc_folder, options->arc_folder, strlen(options->arc_folder) + 1);
    return KP_OK;
}

static kp_status prepare(struct emu *emu, const struct emu_options *options,
                         struct kp_error *reterr)
{
    kp_status st = make_folder(emu, options, reterr);
    emu->logs_refusals = options->logs_refusals;
    if (st == KP_OK)
        st = place_arc(emu, options, reterr);
    if (st == KP_OK && mkdir(emu->arc_folder, 0700) != 0 && errno != EEXIST)
        st = kpb_fail(reterr, KP_VAULT, "%s cannot be made", emu->arc_folder);
    if (st == KP_OK)
        st = read_settings(emu, options, reterr);
    if (st == KP_OK && options->scenario)
        st = read_scenario(emu, options->scenario, reterr);
    if (st == KP_OK)
        st = make_tls(emu, reterr);
    if (st == KP_OK)
        st = emu_signer_init(&emu->signer, reterr);
    return st == KP_OK ? emu_signer_init(&emu->attestation, reterr) : st;
}

kp_status emu_init(struct emu *emu, struct kp_error *reterr)
{
    memset(emu, 0, sizeof *emu);
    emu->n_regions = 1;
    emu->base = event_base_new();
    emu->counts = json_object();
    return emu->base && emu->counts ? KP_OK : kpb_fail_memory(reterr, SITE);
}

kp_status emu_start(struct emu *emu, const struct emu_options *options, struct kp_error *reterr)
{
    new_secret(emu->identity_secret);
    new_secret(emu->arc_secret);
    kp_status st = prepare(emu, options, reterr);
    if (st == KP_OK)
        st = open_vaults(emu, reterr);
    for (size_t i = 0; st == KP_OK && i < EMU_N_ROLES; i++)
        st = emu_listen(emu, &emu->listeners[i], (enum emu_role)i, options->address,
                        options->ports[i], reterr);
    if (st == KP_OK && options->region)
        st = emu_regions_open(emu, options->region, reterr);
    if (st == KP_OK)
        st = emu_proxy_open(emu, options->address, options->ports[EMU_PORT_PROXY], &emu->proxy,
                            reterr);
    return st;
}

void emu_stop(struct emu *emu, const struct emu_options *options)
{
    for (size_t i = 0; i < emu->n_vaults; i++) {
        kp_vault_release(emu->vaults[i].handle);
        emu_book_close(&emu->vaults[i].book);
    }
    emu_backend_close(&emu->backend);
    emu_proxy_close(emu->proxy);
    emu_exchanges_abandon(emu);
    emu_unlisten(emu);
    if (emu->base) /* connections end in two steps, the second of which is the loop's */
        (void)event_base_loop(emu->base, EVLOOP_NONBLOCK);
    emu_scenario_clear(&emu->scenario);
    emu_signer_clear(&emu->attestation);
    emu_signer_clear(&emu->signer);
    SSL_CTX_free(emu->tls);
    emu_ca_clear(&emu->ca);
    emu_settings_clear(&emu->settings);
    json_decref(emu->counts);
    if (emu->base)
        event_base_free(emu->base);
    if (options->ephemeral && emu->folder[0])
        (void)nftw(emu->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}
