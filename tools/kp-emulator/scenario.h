/*
 * Faults on order: a list of rules, each of which strikes the nth request of a kind and some after
 * it, and is then gone. Rules of one kind play one after another, first in first out. One owner.
 */
#ifndef KP_TOOLS_KP_EMULATOR_SCENARIO_H
#define KP_TOOLS_KP_EMULATOR_SCENARIO_H

#include "tools/kp-emulator/json.h"

#define EMU_RULES_MAX 256u

enum emu_fault_kind {
    EMU_FAULT_NONE = 0,
    EMU_FAULT_STATUS,    /* answers with a status and the service's error body */
    EMU_FAULT_DELAY,     /* answers, later */
    EMU_FAULT_RESET,     /* resets the connection */
    EMU_FAULT_DROP,      /* never answers; the connection stays open */
    EMU_FAULT_SLOW,      /* the body comes in pieces, a pause before each */
    EMU_FAULT_TRUNCATE,  /* half of the body, then the connection ends */
    EMU_FAULT_HTML,      /* a page of HTML, as a proxy or a front door sends */
    EMU_FAULT_HEADERS,   /* headers are added or, with null, left out */
    EMU_FAULT_BODY,      /* another body, with the status of the rule or of the answer */
    EMU_FAULT_CHALLENGE, /* 401 with another challenge */
    EMU_FAULT_CAE        /* 401 that asks for further claims */
};

struct emu_fault {
    enum emu_fault_kind kind;
    int status;
    int64_t delay_ms;
    bool after;      /* the request is carried out first, and its answer lost */
    json_t *headers; /* object; owned by whoever took the fault */
    json_t *text;    /* body or challenge; likewise */
};

struct emu_rule {
    char kind[32]; /* of requests: "wrap", "token", ...; "*" is any */
    char vault[64];
    int64_t nth;   /* counted from 1 */
    int64_t times; /* how often it strikes */
    struct emu_fault fault;
};

struct emu_scenario {
    struct emu_rule rules[EMU_RULES_MAX];
    size_t n;
};

/* Appends the rules of {"rules": [...]}; all or none. Errors: config, names the rule. */
kp_status emu_scenario_add(struct emu_scenario *scenario, const json_t *root,
                           struct kp_error *reterr) KP_MUST_USE;
/*
 * What strikes this request; EMU_FAULT_NONE mostly. The first rule that fits counts it and no other
 * does. vault is "" for what belongs to none. Release the fault.
 */
struct emu_fault emu_scenario_draw(struct emu_scenario *scenario, const char *kind,
                                   const char *vault);
void emu_fault_release(struct emu_fault *fault);
void emu_scenario_clear(struct emu_scenario *scenario);

#endif /* KP_TOOLS_KP_EMULATOR_SCENARIO_H */
