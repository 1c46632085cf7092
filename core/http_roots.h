/* The system's root certificates; one twin per platform. */
#ifndef KP_CORE_HTTP_ROOTS_H
#define KP_CORE_HTTP_ROOTS_H

#include <openssl/x509_vfy.h>

/*
 * Adds the issuers that the system trusts for servers to store. A system without any adds none:
 * then only what else is in the store counts. Any thread; blocks.
 */
void kpi_http_roots_add(X509_STORE *store);

#endif /* KP_CORE_HTTP_ROOTS_H */
