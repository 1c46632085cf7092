/*
 * Date text in old App Service replies: "12/31/2026 11:59:59 PM +00:00". Pure functions, any
 * thread. Internal to token replies.
 */
#ifndef KP_PLUGINS_AZURE_REST_TOKEN_DATE_H
#define KP_PLUGINS_AZURE_REST_TOKEN_DATE_H

#include <stdbool.h>

#include <keyprovider/types.h>

/*
 * Reads M/D/YYYY H:MM:SS with AM or PM or neither (then 24 hours), and "+00:00" or nothing behind.
 * *ret_unix_s: seconds since 1970. False: anything else.
 * Source: azure-sdk-for-cpp, managed identity tests.
 */
bool azr_date_parse(kp_span text, int64_t *ret_unix_s);

#endif /* KP_PLUGINS_AZURE_REST_TOKEN_DATE_H */
