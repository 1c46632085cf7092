/* ekm-rehearse: reads every script before any runs, opens the node, runs, writes the node back. */
#include <inttypes.h>

#include "base/mem.h"
#include "base/span.h"
#include "crypto/random.h"
#include "tools/ekm-rehearse/node.h"
#include "tools/ekm-rehearse/options.h"
#include "tools/ekm-rehearse/parse.h"
#include "tools/ekm-rehearse/store.h"

#define READER_MAX_LEN (64u * 1024u * 1024u) /* memory of one script as statements */

enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_REFUSED = 2, EXIT_STORE = 3 };

struct reading {
    kp_buf text[RH_SCRIPTS_MAX];
    struct rh_memory memory[RH_SCRIPTS_MAX];
    struct rh_script script[RH_SCRIPTS_MAX];
};

static int say(int status, const char *where, const struct kp_error *err)
{
    (void)fprintf(stderr, "ekm-rehearse: %s%s%s\n", where, *where ? ": " : "", err->text);
    return status;
}

/* ---- Reading ---- */

static int read_script(const char *path, struct reading *r, size_t i)
{
    struct kp_error err;
    kp_buf_init_secret(&r->text[i], "rehearse.script", RH_SCRIPT_MAX_LEN);
    rh_memory_init(&r->memory[i], READER_MAX_LEN);
    kp_status st = rh_store_read(path, &r->text[i], &err);
    if (st != KP_OK)
        return say(EXIT_REFUSED, "", &err);
    st = rh_parse(kp_buf_view(&r->text[i]), &r->memory[i], &r->script[i], &err);
    return st == KP_OK ? EXIT_OK : say(EXIT_REFUSED, path, &err);
}

static int read_scripts(const struct rh_command *c, struct reading *r)
{
    int status = EXIT_OK;
    for (size_t i = 0; i < c->n_scripts && status == EXIT_OK; i++)
        status = read_script(c->scripts[i], r, i);
    return status;
}

static void forget_scripts(struct reading *r)
{
    for (size_t i = 0; i < RH_SCRIPTS_MAX; i++) {
        kp_buf_clear(&r->text[i]);
        rh_memory_clear(&r->memory[i]);
    }
}

/* ---- Running ---- */

static void run(struct rh_engine *e, const struct rh_command *c, const struct reading *r)
{
    bool go_on = true;
    rh_note(e, "-- node %s, seed %" PRIu64, c->options.node, c->options.seed);
    if (c->options.restart)
        rh_engine_start(e);
    for (size_t i = 0; i < c->n_scripts && go_on; i++)
        go_on = rh_engine_run(e, &r->script[i]);
}

static int play(const struct rh_command *c, const struct reading *r)
{
    static struct rh_engine e; /* too large for a stack */
    struct rh_catalog catalog = {0};
    kp_buf key = {0};
    struct kp_error err;
    if (rh_node_open(&c->options, &catalog, &key, &err) != KP_OK) {
        rh_catalog_clear(&catalog);
        kp_buf_clear(&key);
        return say(EXIT_STORE, "", &err);
    }
    rh_engine_init(&e, &c->options, stdout, &catalog, &key);
    run(&e, c, r);
    const kp_status st = rh_node_save(&c->options, &e.catalog, &err);
    const unsigned n_errors = e.n_errors;
    rh_engine_clear(&e);
    if (st != KP_OK)
        return say(EXIT_STORE, "", &err);
    return n_errors ? EXIT_FAILED : EXIT_OK;
}

static int choose_seed(struct rh_command *c)
{
    struct kp_error err;
    uint32_t seed = 0;
    if (c->has_seed)
        return EXIT_OK;
    if (kpc_random((uint8_t *)&seed, sizeof seed, &err) != KP_OK)
        return say(EXIT_STORE, "", &err);
    c->options.seed = seed;
    return EXIT_OK;
}

int main(int argc, char **argv)
{
    static struct reading r;
    struct rh_command c;
    struct kp_error err;
    if (rh_options_read(argc, argv, &c, &err) != KP_OK)
        return say(EXIT_REFUSED, "", &err);
    if (c.wants_help) {
        rh_options_help(stdout);
        return EXIT_OK;
    }
    int status = read_scripts(&c, &r);
    if (status == EXIT_OK && !c.check_only)
        status = choose_seed(&c);
    if (status == EXIT_OK && !c.check_only)
        status = play(&c, &r);
    forget_scripts(&r);
    return status;
}
