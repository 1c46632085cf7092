#include "tools/kp-emulator/route.h"

#include <string.h>

#include "base/span.h"

/* What follows the name, or the name and a version. */
static const struct {
    const char *word;
    enum emu_method method;
    uint32_t op;
    bool takes_version;
} WORDS[] = {
    {"create", EMU_POST, KP_OP_CREATE, false},
    {"versions", EMU_GET, KP_OP_LIST_VERSIONS, false},
    {"backup", EMU_POST, KP_OP_BACKUP, false},
    {"rotate", EMU_POST, KP_OP_ROTATE, false},
    {"rotationpolicy", EMU_GET, KP_OP_GET_ROTATION_POLICY, false},
    {"rotationpolicy", EMU_PUT, KP_OP_SET_ROTATION_POLICY, false},
    {"encrypt", EMU_POST, KP_OP_ENCRYPT, true},
    {"decrypt", EMU_POST, KP_OP_DECRYPT, true},
    {"wrapkey", EMU_POST, KP_OP_WRAP, true},
    {"unwrapkey", EMU_POST, KP_OP_UNWRAP, true},
    {"sign", EMU_POST, KP_OP_SIGN, true},
    {"verify", EMU_POST, KP_OP_VERIFY, true},
    {"release", EMU_POST, KP_OP_RELEASE, true},
    {"attestation", EMU_GET, KP_OP_ATTEST, true},
};

/* A path of its own, or a method on a key. */
struct method_op {
    enum emu_method method;
    uint32_t op;
};

static enum emu_route_result by_method(const struct method_op *rows, size_t n,
                                       enum emu_method method, uint32_t *ret)
{
    for (size_t i = 0; i < n; i++) {
        if (rows[i].method == method) {
            *ret = rows[i].op;
            return EMU_ROUTED;
        }
    }
    return EMU_NO_METHOD;
}

#define BY_METHOD(rows, method, ret) by_method(rows, sizeof(rows) / sizeof((rows)[0]), method, ret)

static enum emu_route_result by_word(const struct emu_request *request, size_t at,
                                     enum emu_method method, uint32_t *ret)
{
    bool is_known = false;
    for (size_t i = 0; i < sizeof WORDS / sizeof WORDS[0]; i++) {
        if (!emu_segment_is(request, at, WORDS[i].word) || (at == 3 && !WORDS[i].takes_version))
            continue;
        is_known = true;
        if (WORDS[i].method == method) {
            *ret = WORDS[i].op;
            return EMU_ROUTED;
        }
    }
    return is_known ? EMU_NO_METHOD : EMU_NO_PATH;
}

/* /keys/NAME */
static enum emu_route_result route_key(enum emu_method method, uint32_t *ret)
{
    static const struct method_op ROWS[] = {{EMU_GET, KP_OP_GET_KEY},
                                            {EMU_PUT, KP_OP_IMPORT},
                                            {EMU_PATCH, KP_OP_UPDATE},
                                            {EMU_DELETE, KP_OP_DELETE}};
    return method == EMU_POST ? EMU_NO_OPERATION : BY_METHOD(ROWS, method, ret);
}

/* /keys/NAME/VERSION, unless the third segment is a word. */
static enum emu_route_result route_version(const struct emu_request *request,
                                           enum emu_method method, struct emu_route *ret)
{
    static const struct method_op ROWS[] = {{EMU_GET, KP_OP_GET_KEY}, {EMU_PATCH, KP_OP_UPDATE}};
    enum emu_route_result result = by_word(request, 2, method, &ret->op);
    if (result != EMU_NO_PATH)
        return result;
    ret->version = request->segments[2];
    return BY_METHOD(ROWS, method, &ret->op);
}

static enum emu_route_result route_keys(const struct emu_request *request, enum emu_method method,
                                        struct emu_route *ret)
{
    static const struct method_op LIST[] = {{EMU_GET, KP_OP_LIST_KEYS}};
    if (request->n_segments == 1)
        return BY_METHOD(LIST, method, &ret->op);
    if (request->n_segments == 2 && method == EMU_POST && emu_segment_is(request, 1, "restore")) {
        ret->op = KP_OP_RESTORE;
        return EMU_ROUTED;
    }
    ret->name = request->segments[1];
    if (request->n_segments == 2)
        return route_key(method, &ret->op);
    if (request->n_segments == 3)
        return route_version(request, method, ret);
    ret->version = request->segments[2];
    return request->n_segments == 4 ? by_word(request, 3, method, &ret->op) : EMU_NO_PATH;
}

static enum emu_route_result route_deleted(const struct emu_request *request,
                                           enum emu_method method, struct emu_route *ret)
{
    static const struct method_op LIST[] = {{EMU_GET, KP_OP_LIST_DELETED}};
    static const struct method_op KEY[] = {{EMU_GET, KP_OP_GET_DELETED}, {EMU_DELETE, KP_OP_PURGE}};
    static const struct method_op RECOVER[] = {{EMU_POST, KP_OP_RECOVER}};
    if (request->n_segments == 1)
        return BY_METHOD(LIST, method, &ret->op);
    ret->name = request->segments[1];
    if (request->n_segments == 2)
        return BY_METHOD(KEY, method, &ret->op);
    if (request->n_segments == 3 && emu_segment_is(request, 2, "recover"))
        return BY_METHOD(RECOVER, method, &ret->op);
    return EMU_NO_PATH;
}

enum emu_route_result emu_route(const struct emu_request *request, bool is_hsm,
                                struct emu_route *ret)
{
    static const struct method_op RNG[] = {{EMU_POST, KP_OP_RANDOM}};
    const enum emu_method method = emu_request_method(request);
    memset(ret, 0, sizeof *ret);
    if (emu_segment_is(request, 0, "keys"))
        return route_keys(request, method, ret);
    if (emu_segment_is(request, 0, "deletedkeys"))
        return route_deleted(request, method, ret);
    if (is_hsm && request->n_segments == 1 && emu_segment_is(request, 0, "rng"))
        return BY_METHOD(RNG, method, &ret->op);
    return EMU_NO_PATH;
}
