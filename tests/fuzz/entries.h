/*
 * What the fuzzers feed. Each entry takes any bytes, must come back, and checks what always holds
 * of the outcome. With KP_LIBFUZZER its file is a program of libFuzzer's; without, test_fuzz_*.c
 * runs it over its seeds and over changed ones.
 */
#ifndef KP_TESTS_FUZZ_ENTRIES_H
#define KP_TESTS_FUZZ_ENTRIES_H

#include <stddef.h>
#include <stdint.h>

/* Byte 0: the operation; the rest: the body of a reply of status 200. */
int fuzz_azr_answer(const uint8_t *bytes, size_t len);
/* Byte 0: the operation; bytes 1 and 2: the HTTP status; then Retry-After to a line feed; body. */
int fuzz_azr_refusal(const uint8_t *bytes, size_t len);
/* A page token to a line feed, then a link. */
int fuzz_azr_page(const uint8_t *bytes, size_t len);

/* A WWW-Authenticate header. */
int fuzz_azr_challenge(const uint8_t *bytes, size_t len);
/* The body of a reply to a token request. */
int fuzz_azr_token(const uint8_t *bytes, size_t len);
/* A file with a private key, its password "pass". */
int fuzz_azr_credential(const uint8_t *bytes, size_t len);

/*
 * Byte 0: the port's role (enum emu_role), with 0x80 a token comes along; byte 1: the method; then
 * the request's target, headers and body, as lines, an empty one before the body.
 */
int fuzz_emu_request(const uint8_t *bytes, size_t len);
#define FUZZ_EMU_CLIENT "00000000-0000-0000-0000-00000000000a"
/* The emulator it asks: begun with the first request, ended by whoever wants it gone. */
void fuzz_emu_begin(void);
void fuzz_emu_end(void);

/* Byte 0: where to cut; the rest: what a server sends over HTTP/2 to a client with three requests
 * under way. */
int fuzz_h2_frames(const uint8_t *bytes, size_t len);
/* The loop it needs: begun with the first input, ended by whoever wants it gone. */
void fuzz_h2_begin(void);
void fuzz_h2_end(void);

/* A script of T-SQL. */
int fuzz_rehearse_sql(const uint8_t *bytes, size_t len);
/* Choices for one call of the SQL Server provider and its arguments; begins the provider once. */
int fuzz_ekm_call(const uint8_t *bytes, size_t len);
void fuzz_ekm_begin(void);
void fuzz_ekm_end(void);
/* Calls since begin that answered Success. */
uint32_t fuzz_ekm_n_success(void);

#ifdef KP_LIBFUZZER
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);
#define FUZZ_ENTRY(name)                                                                           \
    int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)                                   \
    {                                                                                              \
        return name(bytes, len);                                                                   \
    }
#else
#define FUZZ_ENTRY(name)
#endif

/* Ends the run: what always holds did not. */
void fuzz_fail(const char *what);
#define FUZZ_CHECK(condition) ((condition) ? (void)0 : fuzz_fail(#condition))

/*
 * An entry says that a reader took its input for what it should be, to the last byte; a test sees
 * by the count that its seeds get past the checks at the door. Single thread.
 */
void fuzz_took(void);
uint64_t fuzz_n_taken(void);

#endif /* KP_TESTS_FUZZ_ENTRIES_H */
