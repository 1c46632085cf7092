#include "tools/kp-emulator/regions.h"

#include <string.h>

#include "base/errors.h"
#include "base/span.h"
#include "tools/kp-emulator/clock.h"
#include "tools/kp-emulator/failure.h"
#include "tools/kp-emulator/operation.h"
#include "tools/kp-emulator/server.h"

#define DELAY_MAX_S 86400

static const char *const STATES[] = {
    [EMU_REGION_OPEN] = "open", [EMU_REGION_CUT] = "cut", [EMU_REGION_SILENT] = "silent"};

kp_status emu_regions_open(struct emu *emu, const char *address, struct kp_error *reterr)
{
    emu->n_regions = EMU_REGIONS_MAX;
    emu->far_hsm.region = 1;
    return emu_listen(emu, &emu->far_hsm, EMU_ROLE_HSM, address, emu->listeners[EMU_ROLE_HSM].port,
                      reterr);
}

static struct emu_listener *listener_of(struct emu *emu, size_t region)
{
    return region == 0 ? &emu->listeners[EMU_ROLE_HSM] : &emu->far_hsm;
}

/* ---- Cut off ---- */

/* Who is connected is reset with the next request; nobody else gets a connection. */
static bool cut_or_join(struct emu *emu, size_t region, enum emu_region_state state)
{
    struct emu_listener *listener = listener_of(emu, region);
    if (state == EMU_REGION_CUT)
        emu_listener_pause(listener);
    else if (!emu_listener_resume(listener))
        return false;
    emu->regions[region].state = state;
    return true;
}

bool emu_region_meets(struct emu_exchange *x)
{
    struct emu_region *region = &x->emu->regions[x->region];
    if (x->role != EMU_ROLE_HSM)
        return false;
    region->n_requests++;
    if (region->state == EMU_REGION_OPEN)
        return false;
    x->fault.kind = region->state == EMU_REGION_CUT ? EMU_FAULT_RESET : EMU_FAULT_DROP;
    emu_send_empty(x, 500);
    return true;
}

/* ---- Late ---- */

void emu_region_stamp(const struct emu_exchange *x, json_t *facts)
{
    if (!facts)
        return;
    (void)json_object_set_new(facts, "made_in", json_integer((json_int_t)x->region));
    (void)json_object_set_new(facts, "made_at", json_integer(emu_clock_unix_s()));
}

void emu_region_stamp_all(const struct emu_exchange *x, json_t *entry)
{
    const char *id;
    json_t *facts;
    json_object_foreach(json_object_get(entry, "versions"), id, facts)
        emu_region_stamp(x, facts);
}

static bool has_arrived(const struct emu_exchange *x, const json_t *facts)
{
    const json_t *made_at = json_object_get(facts, "made_at");
    return !made_at || json_integer_value(json_object_get(facts, "made_in")) == x->region ||
           emu_clock_unix_s() >= json_integer_value(made_at) + x->emu->region_delay_s;
}

/* The id of the newest version that has arrived; NULL for none. */
static const char *newest(const struct emu_exchange *x, const json_t *versions)
{
    const char *id;
    const char *found = NULL;
    json_t *facts;
    json_object_foreach((json_t *)(uintptr_t)versions, id, facts)
        found = has_arrived(x, facts) ? id : found;
    return found;
}

bool emu_region_knows(const struct emu_exchange *x, kp_span name, kp_span version)
{
    const struct emu_book *book = &x->vault->book;
    const json_t *versions = json_object_get(emu_book_entry(book, name), "versions");
    if (json_object_size(versions) == 0)
        return true; /* what is not in the book is for the vault to know */
    return version.len > 0 ? has_arrived(x, emu_book_version(book, name, version))
                           : newest(x, versions) != NULL;
}

static bool makes_or_lists(uint32_t op)
{
    return op == KP_OP_CREATE || op == KP_OP_IMPORT || op == KP_OP_RESTORE ||
           op == KP_OP_LIST_KEYS || op == KP_OP_LIST_DELETED || op == KP_OP_RANDOM;
}

/* The current one may be on its way still. */
static void take_newest(struct emu_exchange *x)
{
    const json_t *entry = emu_book_entry(&x->vault->book, x->name);
    const kp_span current = emu_json_member(entry, "current");
    const char *id = newest(x, json_object_get(entry, "versions"));
    const bool takes_version = x->operation->op == KP_OP_GET_KEY ||
                               x->operation->op == KP_OP_ATTEST ||
                               (kp_op_traits(x->operation->op) & KP_TRAIT_PAYLOAD) != 0;
    if (id && takes_version && !kpb_span_eq_str(current, id))
        x->version = kpb_span_str(id);
}

bool emu_region_hides(struct emu_exchange *x)
{
    if (x->emu->region_delay_s == 0 || x->name.len == 0 || makes_or_lists(x->operation->op))
        return false;
    if (!emu_region_knows(x, x->name, x->version)) {
        emu_fail_not_found(x, false);
        return true;
    }
    if (x->version.len == 0)
        take_newest(x);
    return false;
}

/* ---- What tests tell ---- */

static void send_regions(struct emu_exchange *x)
{
    json_t *list = json_array();
    for (size_t i = 0; i < x->emu->n_regions; i++)
        (void)json_array_append_new(list, json_pack("{s:I,s:s}", "requests",
                                                    (json_int_t)x->emu->regions[i].n_requests,
                                                    "state", STATES[x->emu->regions[i].state]));
    emu_send_json(
        x, 200,
        json_pack("{s:o,s:I}", "regions", list, "delay_s", (json_int_t)x->emu->region_delay_s));
}

/* False: the body asks for what cannot be. */
static bool set_state(struct emu_exchange *x, const json_t *region)
{
    const kp_span state = emu_json_member(x->body, "state");
    const json_int_t number = json_integer_value(region);
    if (!json_is_integer(region) || number < 0 || number >= (json_int_t)x->emu->n_regions)
        return false;
    for (size_t i = 0; i < sizeof STATES / sizeof STATES[0]; i++) {
        if (kpb_span_eq_str(state, STATES[i]))
            return cut_or_join(x->emu, (size_t)number, (enum emu_region_state)i);
    }
    return false;
}

static bool set_delay(struct emu_exchange *x, const json_t *delay)
{
    const json_int_t seconds = json_integer_value(delay);
    if (!json_is_integer(delay) || seconds < 0 || seconds > DELAY_MAX_S)
        return false;
    x->emu->region_delay_s = seconds;
    return true;
}

void emu_serve_regions(struct emu_exchange *x)
{
    const json_t *region = json_object_get(x->body, "region");
    const json_t *delay = json_object_get(x->body, "delay_s");
    bool ok = x->request.method != EMU_POST || region || delay;
    if (delay)
        ok = set_delay(x, delay);
    if (ok && region)
        ok = set_state(x, region);
    if (ok)
        send_regions(x);
    else
        emu_fail_parameter(x, "give delay_s, or the region's number and its state: open, cut or "
                              "silent");
}
