#include "tools/kp-emulator/control.h"

#include <string.h>

#include "base/errors.h"
#include "base/span.h"
#include "tools/kp-emulator/attestation.h"
#include "tools/kp-emulator/clock.h"
#include "tools/kp-emulator/failure.h"
#include "tools/kp-emulator/regions.h"

static void send_clock(struct emu_exchange *x)
{
    emu_send_json(x, 200,
                  json_pack("{s:I,s:I}", "unix_s", (json_int_t)emu_clock_unix_s(), "offset_s",
                            (json_int_t)emu_clock_offset_s()));
}

/* GET: what time it is. POST {"advance_s": N}: moves it. */
static void serve_clock(struct emu_exchange *x)
{
    const json_t *advance = json_object_get(x->body, "advance_s");
    if (x->request.method == EMU_POST && !json_is_integer(advance)) {
        emu_fail_parameter(x, "advance_s must be a number of seconds");
        return;
    }
    emu_clock_advance((int64_t)json_integer_value(advance));
    send_clock(x);
}

/* GET: how many rules are left. POST {"rules": [...]}: adds some. DELETE: drops all. */
static void serve_scenario(struct emu_exchange *x)
{
    struct emu_scenario *scenario = &x->emu->scenario;
    struct kp_error err;
    kp_error_init(&err);
    if (x->request.method == EMU_DELETE)
        emu_scenario_clear(scenario);
    if (x->request.method == EMU_POST && emu_scenario_add(scenario, x->body, &err) != KP_OK)
        emu_fail_parameter(x, "%s", err.text);
    else
        emu_send_json(x, 200, json_pack("{s:I}", "rules", (json_int_t)scenario->n));
}

/* GET: requests by kind since the start, or since the last DELETE. */
static void serve_counts(struct emu_exchange *x)
{
    if (x->request.method == EMU_DELETE)
        (void)json_object_clear(x->emu->counts);
    emu_send_json(x, 200, json_deep_copy(x->emu->counts));
}

static const struct {
    const char *word;
    void (*serve)(struct emu_exchange *x);
} PLACES[] = {
    {"clock", serve_clock},         {"scenario", serve_scenario},
    {"requests", serve_counts},     {"attestation", emu_serve_attestation},
    {"regions", emu_serve_regions},
};

void emu_serve_control(struct emu_exchange *x)
{
    if (x->request.method == EMU_POST && !(x->body = emu_json_parse(x->request.body))) {
        emu_fail_parameter(x, "the body is no JSON object");
        return;
    }
    for (size_t i = 0; i < sizeof PLACES / sizeof PLACES[0]; i++) {
        if (x->request.n_segments == 2 && emu_segment_is(&x->request, 1, PLACES[i].word)) {
            PLACES[i].serve(x);
            return;
        }
    }
    emu_fail(x, 404, "NotFound", NULL,
             "the emulator has clock, scenario, requests, attestation, "
             "regions");
}
