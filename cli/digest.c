#include "cli/digest.h"

#include <string.h>

#include <openssl/evp.h>

#include "cli/platform.h"

uint32_t cli_digest_bits(const char *name)
{
    static const struct {
        const char *name;
        uint32_t bits;
    } digests[] = {{"SHA-256", 256}, {"SHA-384", 384}, {"SHA-512", 512}};
    for (size_t i = 0; i < sizeof digests / sizeof digests[0]; i++) {
        if (strcmp(name, digests[i].name) == 0) {
            return digests[i].bits;
        }
    }
    return 0;
}

static const EVP_MD *md_of(uint32_t bits)
{
    return bits == 256 ? EVP_sha256() : bits == 384 ? EVP_sha384() : EVP_sha512();
}

static kp_status hash_chunk(void *ctx, kp_span bytes, struct cli_fault *f)
{
    if (EVP_DigestUpdate(ctx, bytes.ptr, bytes.len) == 1) {
        return KP_OK;
    }
    return kpb_fail(&f->error, KP_INTERNAL, "the digest could not be computed");
}

kp_status cli_digest_file(uint32_t bits, const char *path, uint8_t out[CLI_DIGEST_MAX_LEN],
                          struct cli_fault *f)
{
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    kp_status st = KP_INTERNAL;
    if (!md || EVP_DigestInit_ex(md, md_of(bits), NULL) != 1) {
        st = kpb_fail(&f->error, KP_INTERNAL, "the digest is not available");
        goto out;
    }
    st = cli_platform_read(path, hash_chunk, md, f);
    if (st == KP_OK && EVP_DigestFinal_ex(md, out, NULL) != 1) {
        st = kpb_fail(&f->error, KP_INTERNAL, "the digest could not be computed");
    }
out:
    EVP_MD_CTX_free(md);
    return st;
}

kp_status cli_digest_lines(const kp_span *lines, size_t n, uint8_t out[32])
{
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    bool ok = md && EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1;
    for (size_t i = 0; ok && i < n; i++) {
        ok = EVP_DigestUpdate(md, lines[i].ptr, lines[i].len) == 1 &&
             EVP_DigestUpdate(md, "\n", 1) == 1;
    }
    ok = ok && EVP_DigestFinal_ex(md, out, NULL) == 1;
    EVP_MD_CTX_free(md);
    return ok ? KP_OK : KP_INTERNAL;
}
