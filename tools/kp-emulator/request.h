/*
 * A request as the handlers see it, free of the server library: method, path in segments, query,
 * headers, body. Everything is borrowed from the exchange it belongs to.
 */
#ifndef KP_TOOLS_KP_EMULATOR_REQUEST_H
#define KP_TOOLS_KP_EMULATOR_REQUEST_H

#include "tools/kp-emulator/fields.h"

#define EMU_SEGMENTS_MAX 8u
#define EMU_PATH_MAX_LEN 2048u
#define EMU_HEADERS_MAX 64u

enum emu_method { EMU_GET = 1, EMU_POST, EMU_PUT, EMU_PATCH, EMU_DELETE, EMU_HEAD, EMU_OTHER };

struct emu_request {
    enum emu_method method;
    kp_span host; /* of the Host header, without the port */
    uint8_t path_text[EMU_PATH_MAX_LEN];
    kp_span segments[EMU_SEGMENTS_MAX]; /* decoded, empty ones left out */
    size_t n_segments;
    struct emu_fields query;
    struct emu_field headers[EMU_HEADERS_MAX];
    size_t n_headers;
    kp_span body;
};

/*
 * Reads path and query of a request target (origin or absolute form). Empty segments are dropped,
 * so that double and trailing slashes do not matter. Errors: usage for a target that is none or too
 * long.
 */
kp_status emu_request_target(struct emu_request *request, kp_span target) KP_MUST_USE;
/* Takes the name out of a Host header; the port is dropped, "[::1]" keeps its brackets. */
kp_span emu_host_name(kp_span host);
/* The first header of that name, without case; empty when absent. */
kp_span emu_request_header(const struct emu_request *request, const char *name);
/* Whether segment i is this word, without case. */
bool emu_segment_is(const struct emu_request *request, size_t i, const char *word);
/* The method a tunnelled request stands for: X-HTTP-METHOD or X-HTTP-REQUEST on a POST. */
enum emu_method emu_request_method(const struct emu_request *request);

#endif /* KP_TOOLS_KP_EMULATOR_REQUEST_H */
