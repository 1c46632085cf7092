/* Spans, hexadecimal and failures: what the other files write again and again. */
#ifndef KP_EXAMPLES_PLUGIN_PKCS11_TEXT_H
#define KP_EXAMPLES_PLUGIN_PKCS11_TEXT_H

#include <p11-kit/pkcs11.h>

#include <keyprovider/plugin.h>

#if defined(__GNUC__)
#define P11_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#else
#define P11_PRINTF(fmt, args)
#endif

kp_span p11_span(const void *ptr, size_t len);
/* Of text that ends with a NUL. */
kp_span p11_span_str(const char *text);
int p11_span_eq(kp_span a, kp_span b);
/* Copies a span into out as text with a NUL; 0 when it does not fit or holds a NUL itself. */
int p11_text_copy(kp_span from, char *out, size_t size);

/* Writes 2 * n small hexadecimal digits and a NUL. */
void p11_hex_encode(const uint8_t *bytes, size_t n, char *out);

/* Fills err with the sentence and returns status. exposure is one of enum kp_exposure. */
kp_status p11_fail(struct kp_error *err, kp_status status, uint32_t exposure, const char *fmt, ...)
    P11_PRINTF(4, 5);
/* The same for what a function of the module returned; step is its name, such as "C_Login". */
kp_status p11_fail_rv(struct kp_error *err, const char *step, CK_RV rv);

#endif /* KP_EXAMPLES_PLUGIN_PKCS11_TEXT_H */
