/* What the engine expects of a provider's algorithms: the tag says how many bits a key has. */
#include "base/span.h"
#include "tools/ekm-rehearse/engine.h"

static const struct {
    const char *tag;
    uint32_t bits;
    SqlCpKeyType type;
} known[] = {
    {"RSA_512", 512, scp_kt_Asymmetric},   {"RSA_1024", 1024, scp_kt_Asymmetric},
    {"RSA_2048", 2048, scp_kt_Asymmetric}, {"RSA_3072", 3072, scp_kt_Asymmetric},
    {"RSA_4096", 4096, scp_kt_Asymmetric}, {"RC2", 128, scp_kt_Symmetric},
    {"RC4", 40, scp_kt_Symmetric},         {"RC4_128", 128, scp_kt_Symmetric},
    {"DES", 64, scp_kt_Symmetric},         {"TRIPLE_DES", 128, scp_kt_Symmetric},
    {"DESX", 192, scp_kt_Symmetric},       {"TRIPLE_DES_3KEY", 192, scp_kt_Symmetric},
    {"AES_128", 128, scp_kt_Symmetric},    {"AES_192", 192, scp_kt_Symmetric},
    {"AES_256", 256, scp_kt_Symmetric},
};

#define N_KNOWN (sizeof known / sizeof known[0])

static size_t find_tag(const char *tag)
{
    size_t i = 0;
    while (i < N_KNOWN && strcmp(known[i].tag, tag) != 0)
        i++;
    return i;
}

bool rh_check_algorithm(struct rh_engine *e, struct rh_instance *i, SqlCpAlgId id,
                        struct rh_algorithm *ret)
{
    const struct rh_verdict v = rh_dll_algorithm(&i->dll, &e->memory, id, ret);
    if (!rh_verdict_ok(&v))
        return rh_msg_verdict(e, 33089, 1, &v,
                              "Key validation failed: the provider says nothing "
                              "of algorithm id %u.",
                              id);
    const size_t at = find_tag(ret->tag);
    if (at == N_KNOWN)
        return rh_msg(e, 33088, 16, 1, "The algorithm '%s' is not supported for EKM.", ret->tag);
    if (known[at].type != ret->type)
        return rh_msg(e, 33087, 16, 1,
                      "Property key type of the key returned by the provider does not match the "
                      "expected value: %s is of another kind.",
                      ret->tag);
    if (known[at].bits != ret->bits)
        return rh_msg(e, 33087, 16, 2,
                      "Property bit length of the key returned by the provider does not match the "
                      "expected value: %u for %s.",
                      ret->bits, ret->tag);
    return true;
}
