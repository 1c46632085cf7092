#include "tools/kp-emulator/scenario.h"

#include <stdio.h>
#include <string.h>

#include "base/errors.h"
#include "base/span.h"

#define COUNT_MAX 1000000000
#define DELAY_MAX_MS 600000

static const struct {
    const char *text;
    enum emu_fault_kind kind;
} FAULTS[] = {
    {"status", EMU_FAULT_STATUS}, {"delay", EMU_FAULT_DELAY},
    {"reset", EMU_FAULT_RESET},   {"drop", EMU_FAULT_DROP},
    {"slow", EMU_FAULT_SLOW},     {"truncate", EMU_FAULT_TRUNCATE},
    {"html", EMU_FAULT_HTML},     {"headers", EMU_FAULT_HEADERS},
    {"body", EMU_FAULT_BODY},     {"challenge", EMU_FAULT_CHALLENGE},
    {"cae", EMU_FAULT_CAE},
};

/* ---- Reading ---- */

static enum emu_fault_kind kind_from_text(kp_span text)
{
    for (size_t i = 0; i < sizeof FAULTS / sizeof FAULTS[0]; i++) {
        if (kpb_span_eq_str(text, FAULTS[i].text))
            return FAULTS[i].kind;
    }
    return EMU_FAULT_NONE;
}

static bool number(const json_t *object, const char *name, int64_t min, int64_t max,
                   int64_t fallback, int64_t *ret)
{
    const json_t *value = json_object_get(object, name);
    *ret = value ? (int64_t)json_integer_value(value) : fallback;
    return !value || (json_is_integer(value) && *ret >= min && *ret <= max);
}

static bool copy_text(const json_t *object, const char *name, const char *fallback, char *out,
                      size_t cap)
{
    const json_t *value = json_object_get(object, name);
    const char *text = value ? json_string_value(value) : fallback;
    if (!text || strlen(text) >= cap)
        return false;
    (void)snprintf(out, cap, "%s", text);
    return true;
}

static const char *const MEMBERS[] = {"kind",     "vault", "nth",     "times", "fault",    "status",
                                      "delay_ms", "after", "headers", "body",  "challenge"};

static bool has_only_known(const json_t *object)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)object, name, value) {
        size_t i = 0;
        while (i < sizeof MEMBERS / sizeof MEMBERS[0] && strcmp(MEMBERS[i], name) != 0)
            i++;
        if (i == sizeof MEMBERS / sizeof MEMBERS[0])
            return false;
    }
    return json_is_object(object);
}

/* Values of headers are texts, or null for one to leave out. */
static bool is_header_object(const json_t *headers)
{
    const char *name;
    json_t *value;
    bool ok = !headers || json_is_object(headers);
    json_object_foreach((json_t *)(uintptr_t)headers, name, value) {
        ok = ok && (json_is_string(value) || json_is_null(value)) && !strpbrk(name, "\r\n: ");
        ok = ok && (!json_is_string(value) || !strpbrk(json_string_value(value), "\r\n"));
    }
    return ok;
}

static bool read_fault(const json_t *object, struct emu_fault *fault)
{
    int64_t status;
    const json_t *body = json_object_get(object, "body");
    const json_t *challenge = json_object_get(object, "challenge");
    const json_t *text = body ? body : challenge;
    const json_t *headers = json_object_get(object, "headers");
    fault->kind = kind_from_text(emu_json_member(object, "fault"));
    fault->after = json_is_true(json_object_get(object, "after"));
    if (fault->kind == EMU_FAULT_NONE || (text && !json_is_string(text)) ||
        !is_header_object(headers))
        return false;
    if (fault->kind == EMU_FAULT_CHALLENGE && !json_is_string(challenge))
        return false;
    if (!number(object, "status", 200, 599, 0, &status) ||
        !number(object, "delay_ms", 0, DELAY_MAX_MS, 0, &fault->delay_ms))
        return false;
    fault->status = (int)status;
    fault->headers = json_incref((json_t *)(uintptr_t)headers);
    fault->text = json_incref((json_t *)(uintptr_t)text);
    return true;
}

static bool read_rule(const json_t *object, struct emu_rule *rule)
{
    return has_only_known(object) &&
           copy_text(object, "kind", "*", rule->kind, sizeof rule->kind) &&
           copy_text(object, "vault", "", rule->vault, sizeof rule->vault) &&
           number(object, "nth", 1, COUNT_MAX, 1, &rule->nth) &&
           number(object, "times", 1, COUNT_MAX, 1, &rule->times) &&
           read_fault(object, &rule->fault);
}

kp_status emu_scenario_add(struct emu_scenario *scenario, const json_t *root,
                           struct kp_error *reterr)
{
    const json_t *rules = json_object_get(root, "rules");
    const size_t old_n = scenario->n;
    if (!json_is_array(rules) || json_array_size(rules) > EMU_RULES_MAX - old_n)
        return kpb_fail(reterr, KP_CONFIG, "a scenario is an object with at most %zu rules",
                        EMU_RULES_MAX - old_n);
    for (size_t i = 0; i < json_array_size(rules); i++) {
        struct emu_rule *rule = &scenario->rules[scenario->n];
        memset(rule, 0, sizeof *rule);
        scenario->n++;
        if (read_rule(json_array_get(rules, i), rule))
            continue;
        while (scenario->n > old_n)
            emu_fault_release(&scenario->rules[--scenario->n].fault);
        return kpb_fail(reterr, KP_CONFIG, "rules[%zu] is no rule of a scenario; see EMULATOR.md",
                        i);
    }
    return KP_OK;
}

/* ---- Playing ---- */

void emu_fault_release(struct emu_fault *fault)
{
    json_decref(fault->headers);
    json_decref(fault->text);
    memset(fault, 0, sizeof *fault);
}

static bool fits(const struct emu_rule *rule, const char *kind, const char *vault)
{
    return (strcmp(rule->kind, "*") == 0 || strcmp(rule->kind, kind) == 0) &&
           (rule->vault[0] == 0 || strcmp(rule->vault, vault) == 0);
}

static void remove_rule(struct emu_scenario *scenario, size_t i)
{
    emu_fault_release(&scenario->rules[i].fault);
    memmove(&scenario->rules[i], &scenario->rules[i + 1],
            (scenario->n - i - 1) * sizeof scenario->rules[0]);
    scenario->n--;
}

struct emu_fault emu_scenario_draw(struct emu_scenario *scenario, const char *kind,
                                   const char *vault)
{
    struct emu_fault fault = {.kind = EMU_FAULT_NONE};
    size_t i = 0;
    while (i < scenario->n && !fits(&scenario->rules[i], kind, vault))
        i++;
    if (i == scenario->n)
        return fault;
    struct emu_rule *rule = &scenario->rules[i];
    if (rule->nth > 1) {
        rule->nth--;
        return fault;
    }
    fault = rule->fault;
    json_incref(fault.headers);
    json_incref(fault.text);
    if (--rule->times == 0)
        remove_rule(scenario, i);
    return fault;
}

void emu_scenario_clear(struct emu_scenario *scenario)
{
    while (scenario->n > 0)
        emu_fault_release(&scenario->rules[--scenario->n].fault);
}
