#include "tools/ekm-rehearse/engine.h"

#include "base/mem.h"

#define STATEMENT_MAX_LEN (16u * 1024u * 1024u) /* memory of one statement, bytes */

static rh_exec_fn *const verbs[RH_N_VERBS] = {
    [RH_CONFIGURE] = rh_exec_configure,
    [RH_RECONFIGURE] = rh_exec_reconfigure,
    [RH_CREATE_PROVIDER] = rh_exec_create_provider,
    [RH_ALTER_PROVIDER] = rh_exec_alter_provider,
    [RH_DROP_PROVIDER] = rh_exec_drop_provider,
    [RH_CREATE_CREDENTIAL] = rh_exec_create_credential,
    [RH_ALTER_CREDENTIAL] = rh_exec_alter_credential,
    [RH_DROP_CREDENTIAL] = rh_exec_drop_credential,
    [RH_CREATE_LOGIN] = rh_exec_create_login,
    [RH_ALTER_LOGIN] = rh_exec_alter_login,
    [RH_DROP_LOGIN] = rh_exec_drop_login,
    [RH_CREATE_KEY] = rh_exec_create_key,
    [RH_DROP_KEY] = rh_exec_drop_key,
    [RH_CREATE_DATABASE] = rh_exec_create_database,
    [RH_DROP_DATABASE] = rh_exec_drop_database,
    [RH_SET_ENCRYPTION] = rh_exec_set_encryption,
    [RH_USE] = rh_exec_use,
    [RH_CREATE_DEK] = rh_exec_create_dek,
    [RH_ALTER_DEK] = rh_exec_alter_dek,
    [RH_DROP_DEK] = rh_exec_drop_dek,
    [RH_BACKUP] = rh_exec_backup,
    [RH_RESTORE] = rh_exec_restore,
    [RH_DECLARE] = rh_exec_declare,
    [RH_SET] = rh_exec_set,
    [RH_SELECT] = rh_exec_select,
    [RH_PRINT] = rh_exec_print,
};

void rh_engine_init(struct rh_engine *e, const struct rh_options *options, FILE *out,
                    struct rh_catalog *catalog, kp_buf *service_key)
{
    memset(e, 0, sizeof *e);
    e->options = options;
    e->out = out;
    e->catalog = *catalog;
    memset(catalog, 0, sizeof *catalog); /* moved to e */
    kp_buf_init_secret(&e->service_key, "rehearse.service_key", RH_DEK_LEN);
    kp_buf_move(&e->service_key, service_key);
    rh_dice_seed(&e->dice, options->seed);
    rh_memory_init(&e->memory, STATEMENT_MAX_LEN);
    rh_memory_init(&e->batch, STATEMENT_MAX_LEN);
    e->deks.size = sizeof(struct rh_open_dek);
    e->database_id = RH_MASTER;
}

void rh_engine_clear(struct rh_engine *e)
{
    for (size_t i = 0; i < RH_INSTANCES_MAX; i++) {
        if (e->instances[i].provider_id)
            rh_instance_unload(e, &e->instances[i]);
    }
    rh_memory_clear(&e->memory);
    rh_memory_clear(&e->batch);
    kpb_secret_free(e->deks.items, e->deks.cap * e->deks.size);
    e->deks = (struct rh_list){0};
    rh_catalog_clear(&e->catalog);
    kp_buf_clear(&e->service_key);
}

static bool run_statement(struct rh_engine *e, const struct rh_statement *s)
{
    e->line = s->place.line;
    const bool ok = verbs[s->verb](e, s);
    rh_memory_clear(&e->memory);
    (void)fflush(e->out);
    return ok || !e->options->stop_at_error;
}

static void end_batch(struct rh_engine *e)
{
    e->n_variables = 0;
    rh_memory_clear(&e->batch);
}

static bool run_batch(struct rh_engine *e, const struct rh_statement *first, size_t n)
{
    bool go_on = true;
    for (size_t i = 0; i < n && go_on; i++)
        go_on = run_statement(e, &first[i]);
    end_batch(e);
    return go_on;
}

bool rh_engine_run(struct rh_engine *e, const struct rh_script *script)
{
    for (size_t i = 0; i < script->n_batches; i++) {
        const struct rh_batch *b = &script->batches[i];
        for (int64_t n = 0; n < b->count; n++) {
            if (!run_batch(e, &script->statements[b->first], b->n))
                return false;
        }
    }
    return true;
}
