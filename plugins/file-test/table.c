#include "plugins/file-test/table.h"

#include <stdatomic.h>

#include "base/errors.h"
#include "base/mem.h"
#include "base/plugin_entry.h"
#include "plugins/file-test/file_test.h"
#include "plugins/file-test/op.h"

#define PLUGIN_VERSION "0.1.0"

/* ---- How each operation is carried out ---- */

static const struct ft_op_kind KINDS[KP_OP_MAX + 1] = {
    [KP_OP_GET_KEY] = {NULL, ft_op_get_key, false},
    [KP_OP_LIST_KEYS] = {NULL, ft_op_list_keys, false},
    [KP_OP_LIST_VERSIONS] = {NULL, ft_op_list_versions, false},
    [KP_OP_CREATE] = {ft_op_create_prepare, ft_op_add_version, true},
    [KP_OP_IMPORT] = {ft_op_import_prepare, ft_op_add_version, true},
    [KP_OP_UPDATE] = {NULL, ft_op_update, true},
    [KP_OP_DELETE] = {NULL, ft_op_delete, true},
    [KP_OP_GET_DELETED] = {NULL, ft_op_get_deleted, false},
    [KP_OP_LIST_DELETED] = {NULL, ft_op_list_deleted, false},
    [KP_OP_RECOVER] = {NULL, ft_op_recover, true},
    [KP_OP_PURGE] = {NULL, ft_op_purge, true},
    [KP_OP_BACKUP] = {NULL, ft_op_backup, false},
    [KP_OP_RESTORE] = {NULL, ft_op_restore, true},
    [KP_OP_ROTATE] = {ft_op_rotate_prepare, ft_op_rotate, true},
    [KP_OP_GET_ROTATION_POLICY] = {NULL, ft_op_get_policy, false},
    [KP_OP_SET_ROTATION_POLICY] = {NULL, ft_op_set_policy, true},
    [KP_OP_ENCRYPT] = {NULL, ft_op_use, false},
    [KP_OP_DECRYPT] = {NULL, ft_op_use, false},
    [KP_OP_WRAP] = {NULL, ft_op_use, false},
    [KP_OP_UNWRAP] = {NULL, ft_op_use, false},
    [KP_OP_SIGN] = {NULL, ft_op_use, false},
    [KP_OP_VERIFY] = {NULL, ft_op_use, false},
    [KP_OP_RANDOM] = {NULL, ft_op_random, false},
};

const struct ft_op_kind *ft_op_kind_of(uint32_t op)
{
    return op <= KP_OP_MAX && KINDS[op].perform ? &KINDS[op] : NULL;
}

/* ---- Memory ---- */

#ifdef KP_PLUGIN_STATIC
/* Linked into a program we share its base library, and with it the memory that is in use there. */
static void use_memory(const struct kp_host *host)
{
    (void)host;
}
#else
/* Once per process: the host's memory stays valid, and other vaults may be at work already. */
static void use_memory(const struct kp_host *host)
{
    enum { UNSET, SETTING, SET };
    static atomic_int state = UNSET;
    const struct kp_memory *m = host->memory;
    int expected = UNSET;
    if (m && atomic_compare_exchange_strong(&state, &expected, SETTING)) {
        const struct kpb_mem_hooks hooks = {m->ctx, m->alloc, m->free, m->secret_alloc,
                                            m->secret_free};
        kpb_mem_use(&hooks);
        atomic_store(&state, SET);
    }
    while (m && atomic_load(&state) != SET) {
        /* Another loop opens its first vault this very moment. */
    }
}
#endif

/* ---- Slots ---- */

static kp_status open_vault(const struct kp_host *host, const struct kp_vault_settings *settings,
                            void **ret_vault, struct kp_error *reterr)
{
    use_memory(host);
    return ft_vault_open(&ft_fs_real, host, settings, ret_vault, reterr);
}

static void close_vault(void *vault)
{
    const struct kp_host host = ((struct ft_vault *)vault)->host;
    ft_vault_free(vault);
    host.closed(host.self);
}

static kp_status reload_vault(void *vault, const struct kp_vault_settings *settings,
                              struct kp_error *reterr)
{
    struct ft_vault *v = vault;
    struct ft_settings s;
    kp_status st = ft_settings_read(settings, &s, reterr);
    if (st != KP_OK)
        return st;
    v->lock_timeout_ms = s.lock_timeout_ms;
    ft_faults_use(&v->faults, &s.faults, v->host.clock_ns(v->host.self));
    return KP_OK;
}

const struct kp_plugin ft_plugin = {
    .struct_size = sizeof(struct kp_plugin),
    .abi_major = KP_ABI_MAJOR,
    .abi_minor = KP_ABI_MINOR,
    .name = "file-test",
    .version = PLUGIN_VERSION,
    .doc = "Keys in a directory of files: the offline vault for development and tests.",
    .caps = &ft_caps,
    .open = open_vault,
    .submit = ft_op_submit,
    .cancel = ft_op_cancel,
    .done = ft_op_done,
    .close = close_vault,
    .run = ft_run,
    .reload = reload_vault,
};

KPB_PLUGIN_ENTRY(kp_file_test_plugin_get, ft_plugin)
