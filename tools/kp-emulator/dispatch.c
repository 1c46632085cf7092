/* From a complete request to whoever answers it. */
#include "tools/kp-emulator/exchange.h"

#include <string.h>

#include "base/errors.h"
#include "base/span.h"
#include "tools/kp-emulator/control.h"
#include "tools/kp-emulator/failure.h"
#include "tools/kp-emulator/guard.h"
#include "tools/kp-emulator/hosts.h"
#include "tools/kp-emulator/identity.h"
#include "tools/kp-emulator/login.h"
#include "tools/kp-emulator/operation.h"
#include "tools/kp-emulator/regions.h"
#include "tools/kp-emulator/route.h"

#define EXCHANGES_MAX 4096u

/* ---- Faults that take the answer over ---- */

static void count(struct emu_exchange *x)
{
    json_t *counts = x->emu->counts;
    json_int_t n = json_integer_value(json_object_get(counts, x->kind));
    (void)json_object_set_new(counts, x->kind, json_integer(n + 1));
}

static void send_fault_status(struct emu_exchange *x)
{
    static const struct {
        int status;
        const char *code;
    } CODES[] = {{400, "BadParameter"},      {403, "Forbidden"}, {404, "KeyNotFound"},
                 {409, "Conflict"},          {429, "Throttled"}, {500, "InternalServerError"},
                 {503, "ServiceUnavailable"}};
    const char *code = "Unknown";
    for (size_t i = 0; i < sizeof CODES / sizeof CODES[0]; i++)
        code = CODES[i].status == x->fault.status ? CODES[i].code : code;
    emu_fail(x, x->fault.status ? x->fault.status : 503, code, NULL, "a fault of the scenario");
}

/* Strikes before the request is carried out; true when the exchange is over. */
static bool strike(struct emu_exchange *x)
{
    switch (x->fault.kind) {
    case EMU_FAULT_STATUS:
        send_fault_status(x);
        return true;
    case EMU_FAULT_HTML:
        emu_send_empty(x, x->fault.status ? x->fault.status : 503);
        return true;
    case EMU_FAULT_RESET:
    case EMU_FAULT_DROP:
        if (x->fault.after)
            return false;
        emu_send_empty(x, 500);
        return true;
    case EMU_FAULT_CHALLENGE:
        if (!x->vault)
            return false;
        emu_send_challenge(x, json_string_value(x->fault.text), "a challenge of the scenario");
        return true;
    case EMU_FAULT_CAE:
        if (!x->vault)
            return false;
        emu_send_claims_challenge(x);
        return true;
    default:
        return false;
    }
}

bool emu_meet_fault(struct emu_exchange *x, const char *kind)
{
    x->kind = kind;
    count(x);
    x->fault = emu_scenario_draw(&x->emu->scenario, kind, x->vault ? x->vault->settings->name : "");
    return strike(x);
}

/* ---- Vaults ---- */

static struct emu_vault *vault_named(struct emu *emu, kp_span label, bool is_hsm)
{
    for (size_t i = 0; i < emu->n_vaults; i++) {
        const struct emu_vault_settings *s = emu->vaults[i].settings;
        if (kpb_span_eq_nocase(label, kpb_span_str(s->name)) && (s->mode == EMU_HSM) == is_hsm)
            return &emu->vaults[i];
    }
    return NULL;
}

static struct emu_vault *vault_of_host(struct emu *emu, kp_span host)
{
    for (size_t i = 0; i < emu->n_vaults; i++) {
        const json_t *hosts = emu->vaults[i].settings->hosts;
        for (size_t k = 0; k < json_array_size(hosts); k++) {
            if (kpb_span_eq_nocase(host, emu_json_text(json_array_get(hosts, k))))
                return &emu->vaults[i];
        }
    }
    return NULL;
}

static struct emu_vault *first_of_mode(struct emu *emu, enum emu_mode mode)
{
    for (size_t i = 0; i < emu->n_vaults; i++) {
        if (emu->vaults[i].settings->mode == mode)
            return &emu->vaults[i];
    }
    return NULL;
}

struct emu_vault *emu_find_vault(struct emu *emu, kp_span host, enum emu_role role)
{
    bool is_hsm = false;
    kp_span label = emu_vault_label(host, &is_hsm);
    struct emu_vault *vault = vault_of_host(emu, host);
    if (vault || label.len > 0)
        return vault ? vault : vault_named(emu, label, is_hsm);
    return first_of_mode(emu, role == EMU_ROLE_HSM ? EMU_HSM : EMU_VAULT);
}

static void send_unrouted(struct emu_exchange *x, enum emu_route_result result)
{
    switch (result) {
    case EMU_NO_OPERATION:
        emu_fail_parameter(x, "the path names no operation");
        return;
    case EMU_NO_METHOD:
        emu_fail(x, 405, "MethodNotAllowed", NULL, "not with this method");
        return;
    default:
        emu_fail(x, 404, "NotFound", NULL, "nothing is at this path");
        return;
    }
}

/* The order of the checks is the service's: who, which version, what, whether, how often. */
static void serve_vault(struct emu_exchange *x)
{
    struct emu_route route;
    enum emu_route_result result = emu_route(&x->request, emu_is_hsm(x->vault), &route);
    emu_service_headers(x);
    x->operation = result == EMU_ROUTED ? emu_operation_of(route.op) : NULL;
    x->name = route.name;
    x->version = route.version;
    if (emu_region_meets(x) || emu_meet_fault(x, x->operation ? x->operation->kind : "unknown"))
        return;
    if (!emu_check_token(x) || !emu_check_api_version(x))
        return;
    if (!x->operation)
        send_unrouted(x, result);
    else if (emu_check_permission(x) && emu_check_throttle(x))
        emu_operation_begin(x);
}

static void serve_vault_host(struct emu_exchange *x)
{
    x->vault = emu_find_vault(x->emu, x->request.host, x->role);
    if (x->vault)
        serve_vault(x);
    else
        emu_fail(x, 404, "NotFound", NULL, "no vault of that host is emulated");
}

/* ---- All ---- */

/* The Host header comes back in identifiers and links. */
static bool is_host_plain(const struct emu_exchange *x)
{
    kp_span host = emu_request_header(&x->request, "Host");
    bool ok = host.len > 0 && host.len < 256;
    for (size_t i = 0; ok && i < host.len; i++) {
        const uint8_t c = host.ptr[i];
        ok = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
             c == '-' || c == '_' || c == '.' || c == ':' || c == '[' || c == ']';
    }
    return ok;
}

void emu_dispatch(struct emu_exchange *x)
{
    const char *target = evhttp_request_get_uri(x->http);
    kp_status st = emu_request_target(&x->request, kpb_span_str(target));
    if (x->emu->n_exchanges > EXCHANGES_MAX)
        emu_fail(x, 503, "ServiceUnavailable", NULL, "too many requests at once");
    else if (st != KP_OK || !is_host_plain(x))
        emu_fail_parameter(x, "the request target or its host is malformed or too long");
    else if (x->role == EMU_ROLE_METADATA && emu_segment_is(&x->request, 0, "emulator"))
        emu_serve_control(x);
    else if (x->role == EMU_ROLE_METADATA ||
             (x->role == EMU_ROLE_LOGIN && emu_segment_is(&x->request, 0, "fabric")))
        emu_serve_identity(x);
    else if (emu_is_login_host(x->request.host) ||
             (x->role == EMU_ROLE_LOGIN && !emu_is_vault_host(x->request.host)))
        emu_serve_login(x);
    else
        serve_vault_host(x);
}
