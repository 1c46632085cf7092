/*
 * Reads a plugin's settings into a struct of its own, as its specifications say: one list of
 * XX(member, type, flags, "name", fallback, min, max, "doc") makes the specifications, which the
 * host reads too, and the members' places.
 *
 * A text or a secret becomes a kp_span, an integer an int64_t, a boolean a bool. What is neither
 * given nor has a fallback is zero. Pure functions; any thread.
 */
#ifndef KP_BASE_SETTINGS_H
#define KP_BASE_SETTINGS_H

#include <stddef.h>

#include <keyprovider/plugin.h>

/* SPEC_member, one setting's specification; a row of the list without its member. */
#define KPB_SETTING_SPEC(member, type_, flags_, name_, fallback_, min_, max_, doc_)                \
    static const struct kp_setting_spec SPEC_##member = {                                          \
        .struct_size = sizeof(struct kp_setting_spec),                                             \
        .type = (type_),                                                                           \
        .flags = (flags_),                                                                         \
        .name = (name_),                                                                           \
        .fallback = (fallback_),                                                                   \
        .doc = (doc_),                                                                             \
        .min = (min_),                                                                             \
        .max = (max_),                                                                             \
    };
#define KPB_SETTING_REF(member, type, flags, name, fallback, min, max, doc) &SPEC_##member,

struct kpb_settings_table {
    const struct kp_setting_spec *const *specs; /* NULL-terminated */
    const size_t *offsets;                      /* of the member of each */
    size_t size;                                /* of the struct that holds the members */
};

/*
 * Fills table->size bytes at ret_values. Spans are borrowed from in, or from a fallback.
 * Errors: config naming the setting: unknown, no number or out of its bounds, not true or false.
 */
kp_status kpb_settings_read(const struct kpb_settings_table *table,
                            const struct kp_vault_settings *in, void *ret_values,
                            struct kp_error *reterr) KP_MUST_USE;

#endif /* KP_BASE_SETTINGS_H */
