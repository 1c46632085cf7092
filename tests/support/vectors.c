#include "support/vectors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/encode.h"

/* RFC 7515 appendix A.2.1 */
const struct vec_jwk_text vec_rsa_rfc7515_a2 = {
    .kty = KP_KTY_RSA,
    .n = "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrc"
         "S2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGz"
         "jb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xs"
         "mtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8"
         "q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ",
    .e = "AQAB",
    .d = "Eq5xpGnNCivDflJsRQBXHx1hdR1k6Ulwe2JZD50LpXyWPEAeP88vLNO97IjlA7_GQ5sLKMgvfTeX"
         "Zx9SE-7YwVol2NXOoAJe46sui395IW_GO-pWJ1O0BkTGoVEn2bKVRUCgu-GjBVaYLU6f3l9kJfFN"
         "S3E0QbVdxzubSu3Mkqzjkn439X0M_V51gfpRLI9JYanrC4D4qAdGcopV_0ZHHzQlBjudU2QvXt4e"
         "hNYTCBr6XCLQUShb1juUO1ZdiYoFaFQT5Tw8bGUl_x_jTj3ccPDVZFD9pIuhLhBOneufuBiB4cS9"
         "8l2SR_RQyGWSeWjnczT0QU91p1DhOVRuOopznQ",
    .p = "4BzEEOtIpmVdVEZNCqS7baC4crd0pqnRH_5IB3jw3bcxGn6QLvnEtfdUdiYrqBdss1l58BQ3Khoo"
         "KeQTa9AB0Hw_Py5PJdTJNPY8cQn7ouZ2KKDcmnPGBY5t7yLc1QlQ5xHdwW1VhvKn-nXqhJTBgIPg"
         "tldC-KDV5z-y2XDwGUc",
    .q = "uQPEfgmVtjL0Uyyx88GZFF1fOunH3-7cepKmtH4pxhtCoHqpWmT8YAmZxaewHgHAjLYsp1ZSe7zF"
         "YHj7C6ul7TjeLQeZD_YwD66t62wDmpe_HlB-TnBA-njbglfIsRLtXlnDzQkv5dTltRJ11BKBBype"
         "eF6689rjcJIDEz9RWdc",
    .dp = "BwKfV3Akq5_MFZDFZCnW-wzl-CCo83WoZvnLQwCTeDv8uzluRSnm71I3QCLdhrqE2e9YkxvuxdBf"
          "pT_PI7Yz-FOKnu1R6HsJeDCjn12Sk3vmAktV2zb34MCdy7cpdTh_YVr7tss2u6vneTwrA86rZtu5"
          "Mbr1C1XsmvkxHQAdYo0",
    .dq = "h_96-mK1R_7glhsum81dZxjTnYynPbZpHziZjeeHcXYsXaaMwkOlODsWa7I9xXDoRwbKgB719rrm"
          "I2oKr6N3Do9U0ajaHF-NKJnwgjMd2w9cjz3_-kyNlxAr2v4IKhGNpmM5iIgOS1VZnOZ68m6_pbLB"
          "Sp3nssTdlqvd0tIiTHU",
    .qi = "IYd7DHOhrWvxkwPQsRM2tOgrjbcrfvtQJipd-DlcxyVuuM9sQLdgjVk2oy26F0EmpScGLq2MowX7"
          "fhd_QJQ3ydy5cY7YIBi87w93IKLEdfnbJtoOPLUW0ITrJReOgo1cq9SbsxYawBgfp_gh6A5603k2"
          "-ZQwVK0JKSHuLFkuQ3U",
};

/* RFC 7516 appendix A.1.3 */
const struct vec_jwk_text vec_rsa_rfc7516_a1 = {
    .kty = KP_KTY_RSA,
    .n = "oahUIoWw0K0usKNuOR6H4wkf4oBUXHTxRvgb48E-BVvxkeDNjbC4he8rUWcJoZmds2h7M70imEVh"
         "RU5djINXtqllXI4DFqcI1DgjT9LewND8MW2Krf3Spsk_ZkoFnilakGygTwpZ3uesH-PFABNIUYpO"
         "iN15dsQRkgr0vEhxN92i2asbOenSZeyaxziK72UwxrrKoExv6kc5twXTq4h-QChLOln0_mtUZwfs"
         "RaMStPs6mS6XrgxnxbWhojf663tuEQueGC-FCMfra36C9knDFGzKsNa7LZK2djYgyD3JR_MB_4NU"
         "JW_TqOQtwHYbxevoJArm-L5StowjzGy-_bq6Gw",
    .e = "AQAB",
    .d = "kLdtIj6GbDks_ApCSTYQtelcNttlKiOyPzMrXHeI-yk1F7-kpDxY4-WY5NWV5KntaEeXS1j82E37"
         "5xxhWMHXyvjYecPT9fpwR_M9gV8n9Hrh2anTpTD93Dt62ypW3yDsJzBnTnrYu1iwWRgBKrEYY46q"
         "AZIrA2xAwnm2X7uGR1hghkqDp0Vqj3kbSCz1XyfCs6_LehBwtxHIyh8Ripy40p24moOAbgxVw3rx"
         "T_vlt3UVe4WO3JkJOzlpUf-KTVI2Ptgm-dARxTEtE-id-4OJr0h-K-VFs3VSndVTIznSxfyrj8IL"
         "L6MG_Uv8YAu7VILSB3lOW085-4qE3DzgrTjgyQ",
    .p = "1r52Xk46c-LsfB5P442p7atdPUrxQSy4mti_tZI3Mgf2EuFVbUoDBvaRQ-SWxkbkmoEzL7JXroSB"
         "jSrK3YIQgYdMgyAEPTPjXv_hI2_1eTSPVZfzL0lffNn03IXqWF5MDFuoUYE0hzb2vhrlN_rKrbfD"
         "IwUbTrjjgieRbwC6Cl0",
    .q = "wLb35x7hmQWZsWJmB_vle87ihgZ19S8lBEROLIsZG4ayZVe9Hi9gDVCOBmUDdaDYVTSNx_8Fyw1Y"
         "Ya9XGrGnDew00J28cRUoeBB_jKI1oma0Orv1T9aXIWxKwd4gvxFImOWr3QRL9KEBRzk2RatUBnmD"
         "ZJTIAfwTs0g68UZHvtc",
    .dp = "ZK-YwE7diUh0qR1tR7w8WHtolDx3MZ_OTowiFvgfeQ3SiresXjm9gZ5KLhMXvo-uz-KUJWDxS5pF"
          "Q_M0evdo1dKiRTjVw_x4NyqyXPM5nULPkcpU827rnpZzAJKpdhWAgqrXGKAECQH0Xt4taznjnd_z"
          "VpAmZZq60WPMBMfKcuE",
    .dq = "Dq0gfgJ1DdFGXiLvQEZnuKEN0UUmsJBxkjydc3j4ZYdBiMRAy86x0vHCjywcMlYYg4yoC4YZa9hN"
          "VcsjqA3FeiL19rk8g6Qn29Tt0cj8qqyFpz9vNDBUfCAiJVeESOjJDZPYHdHY8v1b-o-Z2X5tvLx-"
          "TCekf7oxyeKDUqKWjis",
    .qi = "VIMpMYbPf47dT1w_zDUXfPimsSegnMOA1zTaX7aGk_8urY6R8-ZW1FxU7AlWAyLWybqq6t16VFd7"
          "hQd0y6flUK4SlOydB61gwanOsXGOAOv82cHq0E3eL4HrtZkUuKvnPrMnsUUFlfUdybVzxyjz9JF_"
          "XyaY14ardLSjf4L_FNY",
};

/* RFC 7516 appendix A.2.3 */
const struct vec_jwk_text vec_rsa_rfc7516_a2 = {
    .kty = KP_KTY_RSA,
    .n = "sXchDaQebHnPiGvyDOAT4saGEUetSyo9MKLOoWFsueri23bOdgWp4Dy1WlUzewbgBHod5pcM9H95"
         "GQRV3JDXboIRROSBigeC5yjU1hGzHHyXss8UDprecbAYxknTcQkhslANGRUZmdTOQ5qTRsLAt6BT"
         "YuyvVRdhS8exSZEy_c4gs_7svlJJQ4H9_NxsiIoLwAEk7-Q3UXERGYw_75IDrGA84-lA_-Ct4eTl"
         "XHBIY2EaV7t7LjJaynVJCpkv4LKjTTAumiGUIuQhrNhZLuF_RJLqHpM2kgWFLU7-VTdL1VbC2tej"
         "vcI2BlMkEpk1BzBZI0KQB0GaDWFLN-aEAw3vRw",
    .e = "AQAB",
    .d = "VFCWOqXr8nvZNyaaJLXdnNPXZKRaWCjkU5Q2egQQpTBMwhprMzWzpR8Sxq1OPThh_J6MUD8Z35wk"
         "y9b8eEO0pwNS8xlh1lOFRRBoNqDIKVOku0aZb-rynq8cxjDTLZQ6Fz7jSjR1Klop-YKaUHc9GsEo"
         "fQqYruPhzSA-QgajZGPbE_0ZaVDJHfyd7UUBUKunFMScbflYAAOYJqVIVwaYR5zWEEceUjNnTNo_"
         "CVSj-VvXLO5VZfCUAVLgW4dpf1SrtZjSt34YLsRarSb127reG_DUwg9Ch-KyvjT1SkHgUWRVGcyl"
         "y7uvVGRSDwsXypdrNinPA4jlhoNdizK2zF2CWQ",
    .p = "9gY2w6I6S6L0juEKsbeDAwpd9WMfgqFoeA9vEyEUuk4kLwBKcoe1x4HG68ik918hdDSE9vDQSccA"
         "3xXHOAFOPJ8R9EeIAbTi1VwBYnbTp87X-xcPWlEPkrdoUKW60tgs1aNd_Nnc9LEVVPMS390zbFxt"
         "8TN_biaBgelNgbC95sM",
    .q = "uKlCKvKv_ZJMVcdIs5vVSU_6cPtYI1ljWytExV_skstvRSNi9r66jdd9-yBhVfuG4shsp2j7rGnI"
         "io901RBeHo6TPKWVVykPu1iYhQXw1jIABfw-MVsN-3bQ76WLdt2SDxsHs7q7zPyUyHXmps7ycZ5c"
         "72wGkUwNOjYelmkiNS0",
    .dp = "w0kZbV63cVRvVX6yk3C8cMxo2qCM4Y8nsq1lmMSYhG4EcL6FWbX5h9yuvngs4iLEFk6eALoUS4vI"
          "WEwcL4txw9LsWH_zKI-hwoReoP77cOdSL4AVcraHawlkpyd2TWjE5evgbhWtOxnZee3cXJBkAi64"
          "Ik6jZxbvk-RR3pEhnCs",
    .dq = "o_8V14SezckO6CNLKs_btPdFiO9_kC1DsuUTd2LAfIIVeMZ7jn1Gus_Ff7B7IVx3p5KuBGOVF8L-"
          "qifLb6nQnLysgHDh132NDioZkhH7mI7hPG-PYE_odApKdnqECHWw0J-F0JWnUd6D2B_1TvF9mXA2"
          "Qx-iGYn8OVV1Bsmp6qU",
    .qi = "eNho5yRBEBxhGBtQRww9QirZsB66TrfFReG_CcteI1aCneT0ELGhYlRlCtUkTRclIfuEPmNsNDPb"
          "LoLqqCVznFbvdB7x-Tl-m0l_eFTj2KiqwGqE9PZB9nNTwMVvH3VRRSLWACvPnSiwP8N5Usy-WRXS"
          "-V7TbpxIhvepTfE0NNo",
};

/* RFC 7515 appendix A.3.1 */
const struct vec_jwk_text vec_ec_rfc7515_a3 = {
    .kty = KP_KTY_EC,
    .curve = KP_CURVE_P256,
    .d = "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI",
    .x = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    .y = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
};

/* RFC 7515 appendix A.4.1 */
const struct vec_jwk_text vec_ec_rfc7515_a4 = {
    .kty = KP_KTY_EC,
    .curve = KP_CURVE_P521,
    .d = "AY5pb7A0UFiB3RELSD64fTLOSV_jazdF7fLYyuTw8lOfRhWg6Y6rUrPAxerEzgdRhajnu0ferB0d"
         "53vM9mE15j2C",
    .x = "AekpBQ8ST8a8VcfVOTNl353vSrDCLLJXmPk06wTjxrrjcBpXp5EOnYG_NjFZ6OvLFV1jSfS9tsz4"
         "qUxcWceqwQGk",
    .y = "ADSmRA43Z1DSNx_RvcLI87cdL07l6jQyyBXMoxVg_l2Th-x3S1WDhjDly79ajL4Kkd0AZMaZmh9u"
         "bmf63e3kyMj2",
};

/* RFC 7515 appendix A.1.1 */
const struct vec_jwk_text vec_oct_rfc7515_a1 = {
    .kty = KP_KTY_OCT,
    .k = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjA"
         "zZr1Z9CAow",
};

/* RFC 7516 appendix A.3.3 */
const struct vec_jwk_text vec_oct_rfc7516_a3 = {
    .kty = KP_KTY_OCT,
    .k = "GawgguFyGrWKav7AX4VKUg",
};

/* RFC 6979 appendix A.2.6 */
const struct vec_jwk_text vec_ec_rfc6979_p384 = {
    .kty = KP_KTY_EC,
    .curve = KP_CURVE_P384,
    .d = "a509rS4bjBwFsZh1tmWfTeI8O2Z78pe6mqR3QHhxN9iW1XJOTHCoJfhyyepg0u31",
    .x = "7DpOQVtOGaRWhhgCn0J_pdqai8SukuAuBqrlKGswDGTe-PDqkFWGYGSiVFFUgLwT",
    .y = "gBXZty19VyROqO-awMYhiWcIpZNn-d-59UyoSz8cnbEoiyMcOuDU_nNE_SUzJkcg",
};

/* Project Wycheproof, ecdsa_secp256k1_sha256_p1363, first group (public only) */
const struct vec_jwk_text vec_ec_p256k = {
    .kty = KP_KTY_EC,
    .curve = KP_CURVE_P256K,
    .x = "uDj_ROW8F3vyEYnQdmCC_J2EMiaIf8l2A3EQC37iCm8",
    .y = "8MnXW_unsxpryhl0SW7rVt41cHGVXYPEsbraoLIYMuk",
};

struct vec vec_b64(const char *text)
{
    struct vec v = {0};
    kp_buf buf;
    kp_buf_init(&buf, "test.vectors", VEC_MAX_LEN);
    assert_int_equal(kpb_base64url_decode(kpb_span_str(text), &buf), KP_OK);
    if (buf.len > 0)
        memcpy(v.b, buf.ptr, buf.len);
    v.len = buf.len;
    kp_buf_clear(&buf);
    return v;
}

struct vec vec_hex(const char *digits)
{
    struct vec v = {.len = strlen(digits) / 2};
    assert_true(v.len <= VEC_MAX_LEN);
    assert_int_equal(kpb_hex_decode(kpb_span_str(digits), v.b, v.len), KP_OK);
    return v;
}

kp_span vec_span(const struct vec *v)
{
    return kpb_span(v->b, v->len);
}

static kp_span load_member(struct vec *v, const char *text)
{
    if (!text)
        return kpb_span(NULL, 0);
    *v = vec_b64(text);
    return vec_span(v);
}

void vec_jwk_load(struct vec_jwk *jwk, const struct vec_jwk_text *text)
{
    struct kp_key_params *params = &jwk->params;
    memset(params, 0, sizeof *params);
    params->struct_size = sizeof *params;
    params->kty = text->kty;
    params->curve = text->curve;
    params->n = load_member(&jwk->n, text->n);
    params->e = load_member(&jwk->e, text->e);
    params->d = load_member(&jwk->d, text->d);
    params->p = load_member(&jwk->p, text->p);
    params->q = load_member(&jwk->q, text->q);
    params->dp = load_member(&jwk->dp, text->dp);
    params->dq = load_member(&jwk->dq, text->dq);
    params->qi = load_member(&jwk->qi, text->qi);
    params->x = load_member(&jwk->x, text->x);
    params->y = load_member(&jwk->y, text->y);
    params->k = load_member(&jwk->k, text->k);
}
