#include "plugins/file-test/settings.h"
#include "plugins/file-test/table.h"

#include <stddef.h>

static const char *const SCHEMES[] = {"file", NULL};
static const char *const HOST_SUFFIXES[] = {NULL};

#define USE_OPS                                                                                    \
    (KP_OP_BIT(KP_OP_ENCRYPT) | KP_OP_BIT(KP_OP_DECRYPT) | KP_OP_BIT(KP_OP_WRAP) |                 \
     KP_OP_BIT(KP_OP_UNWRAP) | KP_OP_BIT(KP_OP_SIGN) | KP_OP_BIT(KP_OP_VERIFY) |                   \
     KP_OP_BIT(KP_OP_RANDOM))

/* Everything but import_byok, release and attest. */
#define ALL_OPS                                                                                    \
    (USE_OPS | KP_OP_BIT(KP_OP_GET_KEY) | KP_OP_BIT(KP_OP_LIST_KEYS) |                             \
     KP_OP_BIT(KP_OP_LIST_VERSIONS) | KP_OP_BIT(KP_OP_CREATE) | KP_OP_BIT(KP_OP_IMPORT) |          \
     KP_OP_BIT(KP_OP_UPDATE) | KP_OP_BIT(KP_OP_DELETE) | KP_OP_BIT(KP_OP_GET_DELETED) |            \
     KP_OP_BIT(KP_OP_LIST_DELETED) | KP_OP_BIT(KP_OP_RECOVER) | KP_OP_BIT(KP_OP_PURGE) |           \
     KP_OP_BIT(KP_OP_BACKUP) | KP_OP_BIT(KP_OP_RESTORE) | KP_OP_BIT(KP_OP_ROTATE) |                \
     KP_OP_BIT(KP_OP_GET_ROTATION_POLICY) | KP_OP_BIT(KP_OP_SET_ROTATION_POLICY))

#define ALG_BIT(symbol, number, text, family) | KP_ALG_BIT(number)
#define KTY_BIT(symbol, number, text) | (1u << (number))
#define CURVE_BIT(symbol, number, text, bits, coord_len) | (1u << (number))

const struct kp_caps ft_caps = {
    .struct_size = sizeof(struct kp_caps),
    .flags = KP_CAP_CANCEL,
    .ops = ALL_OPS,
    .run_ops = USE_OPS,
    .algs = 0 KP_ALG_MAP(ALG_BIT),
    .ktys = 0 KP_KTY_MAP(KTY_BIT),
    .curves = 0 KP_CURVE_MAP(CURVE_BIT),
    .rsa_bits_min = 2048,
    .rsa_bits_max = 4096,
    .max_payload_len = KP_PAYLOAD_MAX_LEN, /* no backup of it is longer */
    .schemes = SCHEMES,
    .host_suffixes = HOST_SUFFIXES,
    .settings = ft_setting_specs,
};
