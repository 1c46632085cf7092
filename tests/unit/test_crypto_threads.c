/* One key, many threads: first uses at the same moment, steady use, references coming and going. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>
#include <pthread.h>

#include "crypto/hash.h"
#include "crypto/init.h"
#include "crypto/ops.h"
#include "support/vectors_keys.h"

#define N_THREADS 8
#define N_ROUNDS 20
#define N_FRESH_KEYS 10

/* What one thread does with the shared keys; failures are counted, asserted by the main thread. */
struct crew {
    pthread_barrier_t start;
    struct kpc_key *rsa;
    struct kpc_key *ec;
    struct kpc_key *aes;
    struct kpc_key *hmac;
    int n_rounds;
};

typedef int member_fn(struct crew *crew);

struct member {
    struct crew *crew;
    member_fn *run;
    int failures;
    pthread_t thread;
};

static void *run_member(void *arg)
{
    struct member *member = arg;
    (void)pthread_barrier_wait(&member->crew->start);
    member->failures = member->run(member->crew);
    return NULL;
}

static void run_crew(struct crew *crew, member_fn *run)
{
    struct member members[N_THREADS];
    assert_int_equal(pthread_barrier_init(&crew->start, NULL, N_THREADS), 0);
    for (int i = 0; i < N_THREADS; i++) {
        members[i] = (struct member){.crew = crew, .run = run};
        assert_int_equal(pthread_create(&members[i].thread, NULL, run_member, &members[i]), 0);
    }
    for (int i = 0; i < N_THREADS; i++) {
        assert_int_equal(pthread_join(members[i].thread, NULL), 0);
        assert_int_equal(members[i].failures, 0);
    }
    pthread_barrier_destroy(&crew->start);
}

static bool wraps(struct kpc_key *key, uint32_t alg)
{
    uint8_t plain[32] = {1, 2, 3};
    struct vec_result wrapped, opened;
    struct kpc_input in = {.alg = alg, .value = {plain, sizeof plain}};
    if (vec_encrypt(key, &in, &wrapped, NULL) != KP_OK)
        return false;
    struct kpc_input back = {.alg = alg, .value = vec_span(&wrapped.value)};
    back.iv = kpb_span(wrapped.r.iv, wrapped.r.iv_len);
    back.tag = kpb_span(wrapped.r.tag, wrapped.r.tag_len);
    return vec_decrypt(key, &back, &opened, NULL) == KP_OK &&
           kpb_span_eq(vec_span(&opened.value), kpb_span(plain, sizeof plain));
}

static bool signs(struct kpc_key *key, uint32_t alg)
{
    uint8_t digest[32] = {9};
    struct vec made;
    bool valid = false;
    kp_span value = kpb_span(digest, sizeof digest);
    return vec_sign(key, alg, value, &made, NULL) == KP_OK &&
           kpc_verify(key, alg, value, vec_span(&made), &valid, NULL) == KP_OK && valid;
}

static int use_all(struct crew *crew)
{
    int failures = 0;
    for (int i = 0; i < crew->n_rounds; i++) {
        failures += !wraps(crew->rsa, KP_ALG_RSA_OAEP_256);
        failures += !wraps(crew->rsa, KP_ALG_RSA_OAEP);
        failures += !wraps(crew->rsa, KP_ALG_RSA1_5);
        failures += !wraps(crew->aes, KP_ALG_A256KW);
        failures += !wraps(crew->aes, KP_ALG_A256GCM);
        failures += !signs(crew->rsa, KP_ALG_PS256);
        failures += !signs(crew->rsa, KP_ALG_RS256);
        failures += !signs(crew->ec, KP_ALG_ES256);
        failures += !signs(crew->hmac, KP_ALG_HS512);
    }
    return failures;
}

static int initialise(struct crew *crew)
{
    uint8_t out[KPC_SHA256_LEN];
    (void)crew;
    return (kpc_init(NULL) != KP_OK) + (kpc_sha256(kpb_span_str("x"), out, NULL) != KP_OK);
}

static struct kpc_key *stored_key(const struct vec_jwk_text *text)
{
    struct vec_jwk jwk;
    struct kpc_key *key = NULL;
    vec_jwk_load(&jwk, text);
    assert_int_equal(kpc_key_from_jwk(&jwk.params, KPC_STORED, &key, NULL), KP_OK);
    return key;
}

static void open_crew(struct crew *crew, int n_rounds)
{
    crew->rsa = stored_key(&vec_rsa_rfc7515_a2);
    crew->ec = stored_key(&vec_ec_rfc7515_a3);
    crew->aes = vec_new_key(KP_KTY_OCT, 256, 0);
    crew->hmac = stored_key(&vec_oct_rfc7515_a1);
    crew->n_rounds = n_rounds;
}

static void close_crew(struct crew *crew)
{
    kpc_key_release(crew->rsa);
    kpc_key_release(crew->ec);
    kpc_key_release(crew->aes);
    kpc_key_release(crew->hmac);
}

/* First in this program on purpose: nothing of OpenSSL has been touched yet. */
static void init_from_all_threads_at_once_agrees(void **state)
{
    struct crew crew = {0};
    (void)state;
    run_crew(&crew, initialise);
    assert_int_equal(kpc_init(NULL), KP_OK);
}

static void keys_first_use_from_all_threads_at_once_works(void **state)
{
    (void)state;
    for (int i = 0; i < N_FRESH_KEYS; i++) {
        struct crew crew = {0};
        open_crew(&crew, 1);
        run_crew(&crew, use_all);
        close_crew(&crew);
    }
}

static void keys_shared_by_all_threads_stay_right(void **state)
{
    struct crew crew = {0};
    (void)state;
    open_crew(&crew, N_ROUNDS);
    run_crew(&crew, use_all);
    close_crew(&crew);
}

static int use_own_reference(struct crew *crew)
{
    int failures = 0;
    for (int i = 0; i < 200; i++) {
        struct kpc_key *mine = kpc_key_acquire(crew->aes);
        failures += !wraps(mine, KP_ALG_A256KW);
        kpc_key_release(mine);
    }
    kpc_key_release(crew->aes); /* the one the main thread gave */
    return failures;
}

static void key_last_release_comes_from_whichever_thread(void **state)
{
    struct crew crew = {0};
    (void)state;
    crew.aes = vec_new_key(KP_KTY_OCT, 256, 0);
    for (int i = 0; i < N_THREADS; i++)
        (void)kpc_key_acquire(crew.aes);
    kpc_key_release(crew.aes); /* the threads hold the rest */
    run_crew(&crew, use_own_reference);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(init_from_all_threads_at_once_agrees),
        cmocka_unit_test(keys_first_use_from_all_threads_at_once_works),
        cmocka_unit_test(keys_shared_by_all_threads_stay_right),
        cmocka_unit_test(key_last_release_comes_from_whichever_thread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
