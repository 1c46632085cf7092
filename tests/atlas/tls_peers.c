/*
 * Servers that something is wrong with, at localhost. Writes to the folder that is named ca.pem,
 * whose authority vouches for them, and crl.pem, its list of revoked certificates; prints "NAME
 * PORT" for each and an empty line, and serves until its input ends.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "support/tls_server.h"

#define NAMES "DNS:localhost"
#define PATH_LEN 512

/* What is wrong with the certificate, besides enum-like CERT_ faults. */
enum trouble { NONE, OTHER_NAME, UNKNOWN_ISSUER, SELF_SIGNED, LISTED, STAPLED };

static const struct row {
    const char *name;
    enum trouble trouble;
    unsigned faults;
    int version;
    const char *always;
} rows[] = {
    {"other-name", OTHER_NAME, 0, 0, "/status/503"},
    {"expired", NONE, CERT_EXPIRED, 0, "/status/503"},
    {"not-yet-valid", NONE, CERT_NOT_YET, 0, "/status/503"},
    {"unknown-issuer", UNKNOWN_ISSUER, 0, 0, "/status/503"},
    {"self-signed", SELF_SIGNED, 0, 0, "/status/503"},
    {"listed", LISTED, 0, 0, "/status/503"},
    {"stapled", STAPLED, 0, 0, "/status/503"},
    {"tls-1-0", NONE, 0, TLS1_VERSION, "/status/503"},
    {"tls-1-1", NONE, 0, TLS1_1_VERSION, "/status/503"},
    {"close", NONE, 0, 0, "/close"},
    {"garbage", NONE, 0, 0, "/garbage"},
    {"close-headers", NONE, 0, 0, "/close-headers"},
    {"many-headers", NONE, 0, 0, "/headers/700"},
    {"close-body", NONE, 0, 0, "/close-body"},
    {"unbounded", NONE, 0, 0, "/unbounded"},
};

#define N_ROWS (sizeof rows / sizeof rows[0])

static struct cert authority;
static struct cert stranger;
static struct cert certs[N_ROWS];
static struct tls_server *servers[N_ROWS];

static void write_authority(const char *folder)
{
    char path[PATH_LEN];
    (void)snprintf(path, sizeof path, "%s/ca.pem", folder);
    cert_write(&authority, path);
}

static void write_list(const char *folder, const struct cert *revoked)
{
    char path[PATH_LEN];
    (void)snprintf(path, sizeof path, "%s/crl.pem", folder);
    cert_write_list(&authority, revoked, false, path);
}

static struct cert make_cert(const struct row *row)
{
    if (row->trouble == SELF_SIGNED)
        return cert_authority("localhost");
    return cert_server(row->trouble == UNKNOWN_ISSUER ? &stranger : &authority,
                       row->trouble == OTHER_NAME ? "DNS:elsewhere.test" : NAMES, row->faults);
}

static struct tls_server *start(const struct row *row, struct cert *cert)
{
    struct tls_server_options options = {.cert = cert,
                                         .min_version = row->version,
                                         .max_version = row->version,
                                         .always = row->always};
    *cert = make_cert(row);
    if (row->trouble == STAPLED)
        options.staple_len = cert_staple(&authority, cert, false, false, &options.staple);
    return tls_server_start(&options);
}

static void stop_all(void)
{
    for (size_t i = 0; i < N_ROWS; i++) {
        tls_server_stop(servers[i]);
        cert_clear(&certs[i]);
    }
    cert_clear(&stranger);
    cert_clear(&authority);
}

int main(int argc, char **argv)
{
    if (argc != 2)
        return 2;
    authority = cert_authority("an authority for tests");
    stranger = cert_authority("a stranger");
    write_authority(argv[1]);
    for (size_t i = 0; i < N_ROWS; i++) {
        servers[i] = start(&rows[i], &certs[i]);
        if (rows[i].trouble == LISTED)
            write_list(argv[1], &certs[i]);
        (void)printf("%s %u\n", rows[i].name, (unsigned)tls_server_port(servers[i]));
    }
    (void)printf("\n");
    (void)fflush(stdout);
    while (getchar() != EOF) {
        /* whoever started us closes it when all is done */
    }
    stop_all();
    return 0;
}
