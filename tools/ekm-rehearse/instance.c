/* Provider libraries: loading, and what the engine checks before it believes one. */
#include <inttypes.h>

#include "base/span.h"
#include "tools/ekm-rehearse/engine.h"

#define PATH_MAX_CHARACTERS 256u

/* ---- Finding ---- */

struct rh_instance *rh_instance_find(struct rh_engine *e, int64_t provider_id)
{
    for (size_t i = 0; i < RH_INSTANCES_MAX; i++) {
        if (provider_id && e->instances[i].provider_id == provider_id)
            return &e->instances[i];
    }
    return NULL;
}

static struct rh_instance *find_free(struct rh_engine *e)
{
    for (size_t i = 0; i < RH_INSTANCES_MAX; i++) {
        if (!e->instances[i].provider_id && !e->instances[i].dll.handle)
            return &e->instances[i];
    }
    return NULL;
}

/* The file here that stands for the one T-SQL names. */
static const char *library_for(const struct rh_options *o, const char *file)
{
    for (size_t i = 0; i < o->n_maps; i++) {
        if (kpb_span_eq_nocase(o->maps[i].dll, kpb_span_str(file)))
            return o->maps[i].path;
    }
    return o->library ? o->library : file;
}

/* ---- Loading ---- */

static void trace(void *ctx, const char *api, uint32_t code)
{
    struct rh_engine *e = ctx;
    if (e->options->trace)
        rh_note(e, "-- SqlCrypt%s: %u", api, code);
}

static bool load(struct rh_engine *e, struct rh_instance *i, const char *file)
{
    struct kp_error err;
    unsigned missing = 0;
    i->dll.dice = &e->dice;
    i->dll.seen = trace;
    i->dll.seen_ctx = e;
    const kp_status st = rh_dll_open(&i->dll, library_for(e->options, file), &missing, &err);
    if (st == KP_OK)
        return true;
    if (missing)
        (void)rh_msg(e, 33085, 10, missing, "A method is missing in the provider library '%s'.",
                     file);
    return rh_msg(e, 33027, 16, 1, "Cannot load library '%s'. %s", file, err.text);
}

static bool initialize(struct rh_engine *e, struct rh_instance *i, const char *name,
                       struct rh_provider_info *info)
{
    struct rh_verdict v = rh_dll_initialize(&i->dll);
    if (!rh_verdict_ok(&v))
        return rh_msg_verdict(e, 33029, 1, &v, "Cannot initialize cryptographic provider '%s'.",
                              name);
    v = rh_dll_info(&i->dll, &e->memory, info);
    if (v.broken)
        return rh_msg_verdict(e, 33029, 2, &v, "Cannot initialize cryptographic provider '%s'.",
                              name);
    if (v.code != scp_err_Success)
        return rh_msg_verdict(e, 33022, 1, &v,
                              "Cannot obtain information about cryptographic provider '%s'.", name);
    return true;
}

/* ---- Believing ---- */

static bool check_info(struct rh_engine *e, const SqlCpProviderInfo *info, const char *name)
{
    const SqlCpVersion v = info->scpVersion;
    if (v.major != x_scp_SqlCpVerMajor || v.minor != x_scp_SqlCpVerMinor)
        return rh_msg(
            e, 33032, 16, 1,
            "The interface version of cryptographic provider '%s' is %02u.%02u; the engine "
            "needs 01.01.",
            name, v.major, v.minor);
    const char *wrong = NULL;
    if (info->authType != scp_auth_Basic && info->authType != scp_auth_Other)
        wrong = "authentication type";
    else if (info->cbKeyThumbLen == 0 || info->cbKeyThumbLen > x_cbKeyThumbprintMaxLen)
        wrong = "thumbprint length";
    else if (!((info->asymmKeySupport | info->symmKeySupport) & scp_kf_Supported))
        wrong = "key support";
    if (wrong)
        return rh_msg(e, 33025, 16, 1, "Invalid property of cryptographic provider '%s': %s.", name,
                      wrong);
    return true;
}

static void print_identity(const SqlCpProviderInfo *info, struct rh_provider *row)
{
    const SqlCpGuid g = info->guid;
    const SqlCpVersion v = info->version;
    (void)snprintf(row->guid, sizeof row->guid,
                   "%08" PRIX32 "-%04X-%04X-%02X%02X-%02X%02X%02X%02X%02X%02X", g.data1,
                   (unsigned)g.data2, (unsigned)g.data3, g.data4[0], g.data4[1], g.data4[2],
                   g.data4[3], g.data4[4], g.data4[5], g.data4[6], g.data4[7]);
    (void)snprintf(row->version, sizeof row->version, "%u.%02u.%04u.%02u", v.major, v.minor,
                   v.build, v.revision);
}

static bool list_algorithms(struct rh_engine *e, struct rh_instance *i)
{
    SqlCpAlgId id = x_scp_AlgIdBad;
    for (;;) {
        struct rh_algorithm algorithm = {.id = id};
        struct rh_verdict v = rh_dll_next_algorithm(&i->dll, &id);
        if (!v.broken && v.code == scp_err_NotFound)
            return true;
        if (rh_verdict_ok(&v))
            v = rh_dll_algorithm(&i->dll, &e->memory, id, &algorithm);
        if (!rh_verdict_ok(&v))
            return rh_msg_verdict(e, 33039, 1, &v,
                                  "The algorithms of the provider cannot be read.");
    }
}

/* Loads row's file and writes what the library says of itself into row. */
static struct rh_instance *load_row(struct rh_engine *e, struct rh_provider *row)
{
    struct rh_provider_info info = {.name = {NULL, 0}};
    struct rh_instance *i = find_free(e);
    if (!i) {
        (void)rh_msg(e, 33027, 16, 2, "The rehearsal loads at most 16 libraries.");
        return NULL;
    }
    if (load(e, i, row->path) && initialize(e, i, row->name, &info) &&
        check_info(e, &info.raw, row->name)) {
        print_identity(&info.raw, row);
        i->thumb_len = info.raw.cbKeyThumbLen;
        i->accepts_names = info.raw.fAcceptsKeyName != 0;
        return i;
    }
    rh_dll_close(&i->dll);
    return NULL;
}

struct rh_instance *rh_instance_register(struct rh_engine *e, struct rh_provider *ret_row)
{
    if (strlen(ret_row->path) > PATH_MAX_CHARACTERS) {
        (void)rh_msg(e, 33023, 16, 1,
                     "The path of the provider library has more than 256 characters.");
        return NULL;
    }
    struct rh_instance *i = load_row(e, ret_row);
    if (i && e->options->orders.is_b[RH_ORDER_REGISTER] && !list_algorithms(e, i)) {
        rh_dll_close(&i->dll);
        return NULL;
    }
    if (i)
        i->provider_id = ret_row->id;
    return i;
}

static bool check_usable(struct rh_engine *e, const struct rh_provider *p)
{
    if (!e->catalog.ekm_enabled)
        return rh_msg(e, 33053, 16, 1,
                      "Extensible Key Management is disabled. Use sp_configure 'EKM provider "
                      "enabled' to enable it.");
    if (!p->is_enabled)
        return rh_msg(e, 33031, 16, 1, "Cryptographic provider '%s' is disabled.", p->name);
    return true;
}

/* A library may be replaced, but not by another provider and not by another version. */
static bool check_same(struct rh_engine *e, const struct rh_provider *p,
                       const struct rh_provider *loaded)
{
    if (strcmp(p->guid, loaded->guid) != 0)
        return rh_msg(e, 33024, 16, 1,
                      "The GUID of cryptographic provider '%s' is %s, in the catalogue %s.",
                      p->name, loaded->guid, p->guid);
    if (strcmp(p->version, loaded->version) != 0)
        return rh_msg(
            e, 33024, 16, 2,
            "The version of cryptographic provider '%s' is %s, in the catalogue %s; ALTER "
            "CRYPTOGRAPHIC PROVIDER ... FROM FILE takes a new one over.",
            p->name, loaded->version, p->version);
    return true;
}

struct rh_instance *rh_instance_of(struct rh_engine *e, const struct rh_provider *p)
{
    struct rh_instance *i = rh_instance_find(e, p->id);
    if (!check_usable(e, p))
        return NULL;
    if (i)
        return i;
    struct rh_provider loaded = *p;
    i = load_row(e, &loaded);
    if (!i)
        return NULL;
    if (!check_same(e, p, &loaded)) {
        rh_dll_close(&i->dll);
        return NULL;
    }
    i->provider_id = p->id;
    return i;
}

void rh_instance_unload(struct rh_engine *e, struct rh_instance *i)
{
    if (!i)
        return;
    for (size_t n = 0; n < RH_SESSIONS_MAX; n++) {
        struct rh_session *s = &e->sessions[n];
        if (s->instance != i)
            continue;
        (void)rh_dll_close_session(&i->dll, &s->handle, false);
        memset(s, 0, sizeof *s);
    }
    rh_dll_close(&i->dll);
    memset(i, 0, sizeof *i);
}
