/*
 * The exports under mutated arguments: lengths that lie, halves of characters, NULLs in every
 * place, buffers too small, handles from elsewhere. Whatever comes: an answer that is documented,
 * nothing written outside a buffer (each is allocated to its length, so that a sanitizer sees the
 * next byte), nothing read that was not handed over.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "support/ekm_engine.h"
#include "tests/fuzz/entries.h"

#define CB_MAX 700u

static struct engine engine;
static SqlCpSession sessions[4];
static struct engine_key key;
static bool is_begun;
static uint32_t n_success;

/* ---- Choices: the input's bytes, and what follows from them where they end ---- */

static const uint8_t *input;
static size_t input_len;
static uint32_t state;

static uint32_t pick(uint32_t n)
{
    state = state * 1664525u + 1013904223u;
    if (input_len > 0) {
        state ^= (uint32_t)*input << 8;
        input++;
        input_len--;
    }
    return (state >> 8) % n;
}

/* ---- Arguments; all memory of a round is freed at its end ---- */

static void *owned[64];
static size_t n_owned;

static void *own(size_t n)
{
    void *p = malloc(n ? n : 1);

    FUZZ_CHECK(p != NULL && n_owned < sizeof owned / sizeof owned[0]);
    owned[n_owned++] = p;
    return p;
}

static void free_owned(void)
{
    while (n_owned)
        free(owned[--n_owned]);
}

static uint32_t length(void)
{
    static const uint32_t edges[] = {0, 1, 2, 3, 9, 15, 16, 19, 20, 21, 32, 33, 255, 256, 257, 512};

    return pick(3) ? edges[pick(sizeof edges / sizeof edges[0])] : pick(CB_MAX);
}

/* Bytes at random, but now and then ones that mean something. */
static void fill(uint8_t *p, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        p[i] = (uint8_t)pick(256);
    if (n >= 2 && pick(2) == 0)
        memcpy(p, "k\0", 2);
    if (n >= 20 && pick(2) == 0)
        memcpy(p, key.thumb, 20);
}

static SqlCpData data(void)
{
    SqlCpData d = {length(), NULL};

    if (pick(8)) {
        d.pb = own(d.cb);
        fill(d.pb, d.cb);
    }
    return d;
}

static SqlCpStr str(void)
{
    SqlCpData d = data();
    SqlCpStr s = {d.cb, (uint16_t *)(void *)d.pb};

    return s;
}

/* Well-formed more often than not, so that calls get past the door. */
static SqlCpKeyThumbprint thumb(void)
{
    SqlCpData d = {20, NULL};

    if (pick(4) == 0)
        return data();
    d.pb = own(20);
    memcpy(d.pb, key.thumb, 20);
    return d;
}

static SqlCpStr name(void)
{
    static const char *const names[] = {"k", "k/1", "k/", "/", "K", "no_such", "a//b", ""};
    uint16_t units[ENGINE_TEXT_MAX];
    SqlCpStr s;

    if (pick(3) == 0)
        return str();
    s = engine_str(names[pick(8)], units);
    s.ws = own(s.cb);
    if (s.cb)
        memcpy(s.ws, units, s.cb);
    return s;
}

static SqlCpStr identity(void)
{
    static const char *const texts[] = {"config:s", "contoso", "file:", "Managed Identity",
                                        "\\\\x",    "config:", "a.b.c", "https://x",
                                        ""};
    uint16_t units[ENGINE_TEXT_MAX];
    SqlCpStr s;

    if (pick(3) == 0)
        return str();
    s = engine_str(texts[pick(9)], units);
    s.ws = own(s.cb);
    if (s.cb)
        memcpy(s.ws, units, s.cb);
    return s;
}

static SqlCpSession session(void)
{
    return pick(8) ? sessions[pick(4)] : (void *)(uintptr_t)pick(UINT32_MAX);
}

#define OR_NULL(pointer) (pick(10) ? (pointer) : NULL)

/* ---- One call of each ---- */

static SqlCpError call_open(void)
{
    SqlCpCredential credential = {identity(), pick(2) ? identity() : str()};
    SqlCpSession opened = NULL;
    SqlCpError st = SqlCryptOpenSession(OR_NULL(&credential), OR_NULL(&opened));

    if (st == 0 && opened)
        FUZZ_CHECK(SqlCryptCloseSession(&opened, (SqlCpBoolean)pick(256)) == 0);
    return st;
}

static SqlCpError call_close(void)
{
    SqlCpSession s = (void *)(uintptr_t)(pick(1000) + 1000000u);

    return SqlCryptCloseSession(OR_NULL(&s), (SqlCpBoolean)pick(256));
}

static SqlCpError call_provider_info(void)
{
    SqlCpProviderInfo info;

    fill((uint8_t *)&info, sizeof info);
    info.name = str();
    return SqlCryptGetProviderInfo(OR_NULL(&info));
}

static SqlCpError call_algorithm(void)
{
    SqlCpAlgorithmInfo info;
    SqlCpAlgId id = pick(2) ? pick(5) : pick(UINT32_MAX);

    if (pick(2))
        return SqlCryptGetNextAlgorithmId(OR_NULL(&id));
    fill((uint8_t *)&info, sizeof info);
    info.algTag = str();
    return SqlCryptGetAlgorithmInfo(id, OR_NULL(&info));
}

static SqlCpError call_create(void)
{
    SqlCpSession s = session();
    SqlCpStr n = name();
    SqlCpData t = data();

    return SqlCryptCreateKey(OR_NULL(&s), OR_NULL(&n), pick(6), pick(2) ? 0 : pick(UINT32_MAX),
                             OR_NULL(&t));
}

static SqlCpError call_drop(void)
{
    SqlCpSession s = session();
    SqlCpData t = thumb();

    return SqlCryptDropKey(OR_NULL(&s), OR_NULL(&t));
}

static SqlCpError call_next_key(void)
{
    SqlCpSession s = session();
    SqlCpKeyId id = pick(2) ? pick(3) : pick(UINT32_MAX);

    return SqlCryptGetNextKeyId(OR_NULL(&s), OR_NULL(&id));
}

static SqlCpError call_key_info(void)
{
    SqlCpSession s = session();
    SqlCpKeyInfo info;
    SqlCpStr n = name();
    SqlCpData t = thumb();

    fill((uint8_t *)&info, sizeof info);
    info.name = str();
    info.thumb = data();
    switch (pick(3)) {
    case 0:
        return SqlCryptGetKeyInfoByKeyId(OR_NULL(&s), pick(4), OR_NULL(&info));
    case 1:
        return SqlCryptGetKeyInfoByThumb(OR_NULL(&s), OR_NULL(&t), OR_NULL(&info));
    default:
        return SqlCryptGetKeyInfoByName(OR_NULL(&s), OR_NULL(&n), OR_NULL(&info));
    }
}

static SqlCpError call_export(void)
{
    SqlCpSession s = session();
    SqlCpData t = thumb();
    SqlCpData other = thumb();
    SqlCpData blob = data();
    SqlCpKeyBlobType type = pick(4) ? scp_kb_PublicKeyBlob : (SqlCpKeyBlobType)pick(UINT32_MAX);

    return SqlCryptExportKey(OR_NULL(&s), OR_NULL(&t), pick(4) ? NULL : &other, type,
                             OR_NULL(&blob));
}

static SqlCpError call_import(void)
{
    SqlCpSession s = session();
    SqlCpStr n = name();
    SqlCpData t = thumb();
    SqlCpData blob = data();

    return SqlCryptImportKey(OR_NULL(&s), OR_NULL(&n), OR_NULL(&t), (SqlCpKeyBlobType)pick(9),
                             pick(UINT32_MAX), OR_NULL(&blob));
}

static SqlCpError call_crypt(void)
{
    SqlCpSession s = session();
    SqlCpData t = thumb();
    SqlCpData in = data();
    SqlCpData out = data();
    SqlCpEncryptionParam param = {(SqlCpEncParamType)pick(3), pick(20), NULL};
    uint32_t n = pick(6) ? 0 : pick(UINT32_MAX);
    SqlCryptEncrypt_fn *crypt = pick(2) ? SqlCryptEncrypt : SqlCryptDecrypt;

    /* A count of more than is there would be the engine's lie about its own memory. */
    return crypt(OR_NULL(&s), OR_NULL(&t), (SqlCpBoolean)(pick(8) ? 1 : 0),
                 n ? OR_NULL(&param) : NULL, n, OR_NULL(&in), OR_NULL(&out));
}

/* ---- Many of them ---- */

static SqlCpError (*const calls[])(void) = {
    call_open,   call_close,    call_provider_info, call_algorithm, call_create,
    call_drop,   call_next_key, call_key_info,      call_key_info,  call_export,
    call_import, call_crypt,    call_crypt,         call_crypt};

static bool is_documented(SqlCpError number)
{
    const struct kp_code_info *info = kp_code_find((uint32_t)number);

    return info && (info->origin == KP_ORIGIN_EMITTED || info->origin == KP_ORIGIN_SUCCESS);
}

void fuzz_ekm_begin(void)
{
    engine_begin(&engine, ", \"event_level\": 2, \"drop_keys\": true");
    engine_answers(script_vault("s"));
    for (int i = 0; i < 4; i++)
        sessions[i] = engine_script_session(&engine);
    FUZZ_CHECK(engine_key_by_name(sessions[0], "k", &key) == 0);
    is_begun = true;
    n_success = 0;
}

void fuzz_ekm_end(void)
{
    for (int i = 0; i < 4; i++)
        engine_close(sessions[i]);
    engine_end(&engine);
    is_begun = false;
}

uint32_t fuzz_ekm_n_success(void)
{
    return n_success;
}

int fuzz_ekm_call(const uint8_t *bytes, size_t len)
{
    if (!is_begun) {
        fuzz_ekm_begin();
        FUZZ_CHECK(atexit(fuzz_ekm_end) == 0); /* of a program of libFuzzer's */
    }
    input = bytes;
    input_len = len;
    state = 20261128;
    SqlCpError number = calls[pick(sizeof calls / sizeof calls[0])]();
    FUZZ_CHECK(is_documented(number));
    n_success += number == scp_err_Success;
    free_owned();
    return 0;
}

FUZZ_ENTRY(fuzz_ekm_call)
