/* The three forms of a date in an HTTP header. Pure function, any thread. */
#ifndef KP_PLUGINS_AZURE_REST_HTTP_DATE_H
#define KP_PLUGINS_AZURE_REST_HTTP_DATE_H

#include <stdbool.h>

#include <keyprovider/types.h>

/*
 * Reads "Sun, 06 Nov 1994 08:49:37 GMT", or its old forms "Sunday, 06-Nov-94 08:49:37 GMT" (years
 * below 70 are of this century) and "Sun Nov  6 08:49:37 1994". The day of the week is not looked
 * at. False: anything else; *ret_unix_s is then untouched. Source: RFC 9110 section 5.6.7.
 */
bool azr_http_date_read(kp_span text, int64_t *ret_unix_s);

#endif /* KP_PLUGINS_AZURE_REST_HTTP_DATE_H */
