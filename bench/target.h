/*
 * A vault to load, opened from a configuration, and the canned server it may ask.
 *
 * Threads: one at a time. The plugins of the benchmarks are linked in.
 */
#ifndef KP_BENCH_TARGET_H
#define KP_BENCH_TARGET_H

#include <keyprovider/keyprovider.h>

#include "bench/yardstick.h"

struct bench_target {
    kp_provider *provider;
    kp_vault *vault;
    struct kp_request request; /* a wrap of 32 bytes; may be changed */
};

/*
 * Opens a provider with this configuration and its vault `vault`, a name or a location. plugin_dir
 * NULL: only the linked plugins are known. False, said on standard error; close it all the same.
 */
bool bench_target_open(struct bench_target *target, const char *config, const char *vault,
                       const char *plugin_dir);
/* Closes it. One that did not open is allowed. */
void bench_target_close(struct bench_target *target);

/* A wrap of 32 bytes that live for ever. */
void bench_request_init(struct kp_request *ret);

/*
 * Starts canned_server and sets KP_BENCH_CA (its certificate, in folder), KP_BENCH_H1, KP_BENCH_H2
 * and KP_BENCH_HELD (its URLs) in the environment. False, said on standard error; end it all the
 * same, with bench_yardstick_end.
 */
bool bench_server_start(struct bench_yardstick *server, const char *folder);

/* A command of a program, beside the server; the server may be ended early. */
typedef bool bench_command_fn(struct bench_yardstick *server, const char *what);
/* The main of `PROGRAM FOLDER WHAT`: the command beside a server of its own; its exit status.
 * usage: what stands for WHAT. */
int bench_main_with_server(int argc, char **argv, const char *usage, bench_command_fn *command);

#endif /* KP_BENCH_TARGET_H */
