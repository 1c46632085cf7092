/* sp_configure and RECONFIGURE: the two options the walkthroughs set. */
#include "base/span.h"
#include "tools/ekm-rehearse/engine.h"

static const char advanced[] = "show advanced options";
static const char ekm[] = "EKM provider enabled";

static void show(struct rh_engine *e, const char *option, bool configured, bool in_use)
{
    rh_note(e, "%-24s config_value %d, run_value %d", option, configured, in_use);
}

static bool set(struct rh_engine *e, const struct rh_configure *c, const char *option, bool *field)
{
    if (c->value != 0 && c->value != 1)
        return rh_msg(e, 15129, 16, 1, "'%lld' is not a valid value for configuration option '%s'.",
                      (long long)c->value, option);
    rh_note(e,
            "Configuration option '%s' changed from %d to %d. Run the RECONFIGURE statement to "
            "install.",
            option, *field, c->value != 0);
    *field = c->value != 0;
    return true;
}

bool rh_exec_configure(struct rh_engine *e, const struct rh_statement *s)
{
    const struct rh_configure *c = &s->as.configure;
    struct rh_catalog *k = &e->catalog;
    const bool is_advanced = kpb_span_eq_nocase(c->option, kpb_span_str(advanced));
    const bool is_ekm = kpb_span_eq_nocase(c->option, kpb_span_str(ekm));
    if (c->option.len && !is_advanced && !is_ekm)
        return rh_msg(e, 15123, 16, 1, "The configuration option '%.*s' does not exist here.",
                      RH_S(c->option));
    if (is_ekm && !k->advanced)
        return rh_msg(
            e, 15123, 16, 2,
            "The configuration option '%s' is an advanced one; set 'show advanced options' "
            "to 1 and RECONFIGURE first.",
            ekm);
    if (c->has_value)
        return is_ekm ? set(e, c, ekm, &k->ekm_configured)
                      : set(e, c, advanced, &k->advanced_configured);
    if (!is_ekm)
        show(e, advanced, k->advanced_configured, k->advanced);
    if (!is_advanced && k->advanced)
        show(e, ekm, k->ekm_configured, k->ekm_enabled);
    return true;
}

bool rh_exec_reconfigure(struct rh_engine *e, const struct rh_statement *s)
{
    (void)s;
    e->catalog.advanced = e->catalog.advanced_configured;
    e->catalog.ekm_enabled = e->catalog.ekm_configured;
    return true;
}
