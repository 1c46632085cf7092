#include "tools/kp-emulator/certs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include "base/errors.h"
#include "base/span.h"

#define DAY_S 86400L
#define YEARS_10_DAYS 3650

static kp_status fail_tls(struct kp_error *reterr, const char *what)
{
    return kpb_fail(reterr, KP_INTERNAL, "OpenSSL could not make %s", what);
}

/* ---- Certificates ---- */

static bool add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509V3_set_ctx_nodb(&ctx);
    X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    bool ok = extension && X509_add_ext(cert, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return ok;
}

static bool set_serial(X509 *cert)
{
    uint8_t bytes[8];
    uint64_t number = 0;
    if (RAND_bytes(bytes, sizeof bytes) != 1)
        return false;
    for (size_t i = 0; i < sizeof bytes; i++)
        number = number << 8 | bytes[i];
    return ASN1_INTEGER_set_uint64(X509_get_serialNumber(cert), number >> 1) == 1;
}

/* A certificate with everything but extensions and signature. issuer NULL: its own. */
static X509 *begin_certificate(EVP_PKEY *key, const char *name, X509 *issuer)
{
    X509 *cert = X509_new();
    X509_NAME *subject = cert ? X509_get_subject_name(cert) : NULL;
    if (subject && X509_set_version(cert, X509_VERSION_3) == 1 && set_serial(cert) &&
        X509_gmtime_adj(X509_getm_notBefore(cert), -DAY_S) &&
        X509_time_adj_ex(X509_getm_notAfter(cert), YEARS_10_DAYS, 0, NULL) &&
        X509_set_pubkey(cert, key) == 1 &&
        X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1,
                                   0) == 1 &&
        X509_set_issuer_name(cert, issuer ? X509_get_subject_name(issuer) : subject) == 1)
        return cert;
    X509_free(cert);
    return NULL;
}

/* ---- The authority ---- */

kp_status emu_ca_init(struct emu_ca *ca, struct kp_error *reterr)
{
    ca->key = EVP_EC_gen("P-256");
    ca->cert = ca->key ? begin_certificate(ca->key, "kp-emulator test CA", NULL) : NULL;
    if (ca->cert &&
        add_extension(ca->cert, ca->cert, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
        add_extension(ca->cert, ca->cert, NID_key_usage, "critical,keyCertSign,cRLSign") &&
        add_extension(ca->cert, ca->cert, NID_subject_key_identifier, "hash") &&
        X509_sign(ca->cert, ca->key, EVP_sha256()) > 0)
        return KP_OK;
    emu_ca_clear(ca);
    return fail_tls(reterr, "the certificate authority");
}

void emu_ca_clear(struct emu_ca *ca)
{
    X509_free(ca->cert);
    EVP_PKEY_free(ca->key);
    ca->cert = NULL;
    ca->key = NULL;
}

static X509 *issue(const struct emu_ca *ca, EVP_PKEY *key, const char *alt_names)
{
    X509 *cert = begin_certificate(key, "kp-emulator", ca->cert);
    if (cert && add_extension(cert, ca->cert, NID_subject_alt_name, alt_names) &&
        add_extension(cert, ca->cert, NID_basic_constraints, "critical,CA:FALSE") &&
        add_extension(cert, ca->cert, NID_key_usage, "critical,digitalSignature") &&
        add_extension(cert, ca->cert, NID_ext_key_usage, "serverAuth") &&
        add_extension(cert, ca->cert, NID_authority_key_identifier, "keyid") &&
        X509_sign(cert, ca->key, EVP_sha256()) > 0)
        return cert;
    X509_free(cert);
    return NULL;
}

static SSL_CTX *context_with(X509 *cert, EVP_PKEY *key)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    if (ctx && SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) == 1 &&
        SSL_CTX_use_certificate(ctx, cert) == 1 && SSL_CTX_use_PrivateKey(ctx, key) == 1)
        return ctx;
    SSL_CTX_free(ctx);
    return NULL;
}

kp_status emu_ca_server(const struct emu_ca *ca, const char *alt_names, SSL_CTX **ret_ctx,
                        uint8_t digest[20], struct kp_error *reterr)
{
    unsigned int len = 0;
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = key ? issue(ca, key, alt_names) : NULL;
    SSL_CTX *ctx = cert ? context_with(cert, key) : NULL;
    bool ok = ctx && X509_digest(cert, EVP_sha1(), digest, &len) == 1;
    X509_free(cert);
    EVP_PKEY_free(key);
    if (!ok) {
        SSL_CTX_free(ctx);
        return fail_tls(reterr, "the server's certificate; check the host names of the vaults");
    }
    *ret_ctx = ctx;
    return KP_OK;
}

/* ---- Files ---- */

static FILE *create_private(const char *path, struct kp_error *reterr)
{
    (void)unlink(path);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (!file) {
        (void)kpb_fail(reterr, KP_VAULT, "%s cannot be written: %s", path, strerror(errno));
        if (fd >= 0)
            (void)close(fd);
    }
    return file;
}

static kp_status finish_file(FILE *file, bool ok, const char *path, struct kp_error *reterr)
{
    bool closed = fclose(file) == 0;
    return ok && closed ? KP_OK : kpb_fail(reterr, KP_VAULT, "%s could not be written", path);
}

kp_status emu_ca_write(const struct emu_ca *ca, const char *path, struct kp_error *reterr)
{
    FILE *file = create_private(path, reterr);
    return file ? finish_file(file, PEM_write_X509(file, ca->cert) == 1, path, reterr) : KP_VAULT;
}

static bool read_pair(FILE *file, struct emu_ca *ca)
{
    ca->key = PEM_read_PrivateKey(file, NULL, NULL, NULL);
    ca->cert = ca->key ? PEM_read_X509(file, NULL, NULL, NULL) : NULL;
    if (ca->cert && X509_check_private_key(ca->cert, ca->key) == 1)
        return true;
    emu_ca_clear(ca);
    return false;
}

static kp_status write_pair(const char *path, EVP_PKEY *key, X509 *cert, struct kp_error *reterr)
{
    FILE *file = create_private(path, reterr);
    if (!file)
        return KP_VAULT;
    bool ok = PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL) == 1 &&
              PEM_write_X509(file, cert) == 1;
    return finish_file(file, ok, path, reterr);
}

kp_status emu_ca_open(struct emu_ca *ca, const char *path, struct kp_error *reterr)
{
    FILE *file = fopen(path, "r");
    bool is_there = file && read_pair(file, ca);
    if (file)
        (void)fclose(file);
    if (is_there)
        return KP_OK;
    kp_status st = emu_ca_init(ca, reterr);
    return st == KP_OK ? write_pair(path, ca->key, ca->cert, reterr) : st;
}

kp_status emu_client_certificate(const char *path, const char *common_name, struct kp_error *reterr)
{
    EVP_PKEY *key = EVP_RSA_gen(2048);
    X509 *cert = key ? begin_certificate(key, common_name, NULL) : NULL;
    kp_status st = KP_OK;
    if (!cert || X509_sign(cert, key, EVP_sha256()) <= 0)
        st = fail_tls(reterr, "a client's certificate");
    if (st == KP_OK)
        st = write_pair(path, key, cert, reterr);
    X509_free(cert);
    EVP_PKEY_free(key);
    return st;
}

kp_status emu_certificate_read(const char *path, X509 **ret, struct kp_error *reterr)
{
    FILE *file = fopen(path, "r");
    if (!file)
        return kpb_fail(reterr, KP_CONFIG, "%s cannot be read: %s", path, strerror(errno));
    *ret = PEM_read_X509(file, NULL, NULL, NULL);
    (void)fclose(file);
    return *ret ? KP_OK : kpb_fail(reterr, KP_CONFIG, "%s holds no certificate in PEM form", path);
}

kp_status emu_ca_text(const struct emu_ca *ca, kp_buf *out)
{
    char *text = NULL;
    BIO *bio = BIO_new(BIO_s_mem());
    kp_status st = KP_INTERNAL;
    if (bio && PEM_write_bio_X509(bio, ca->cert) == 1) {
        long len = BIO_get_mem_data(bio, &text);
        st = kp_buf_append(out, kpb_span(text, (size_t)len));
    }
    BIO_free(bio);
    return st;
}
