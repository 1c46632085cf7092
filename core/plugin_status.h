/*
 * What a slot of a plugin, or a plugin's call of ours, hands over as the way it went. Nothing of it
 * is believed: numbers that are no status index our tables, and texts without an end are read on
 * for ever.
 */
#ifndef KP_CORE_PLUGIN_STATUS_H
#define KP_CORE_PLUGIN_STATUS_H

#include <keyprovider/status.h>

/*
 * returned as a status of ours: a number that is none is internal, with a sentence naming slot.
 * error, which the plugin may have written, gets its size, its class and an end to each text; an
 * empty sentence stays empty.
 */
kp_status kpi_plugin_status(kp_status returned, struct kp_error *error, const char *slot)
    KP_MUST_USE;

#endif /* KP_CORE_PLUGIN_STATUS_H */
