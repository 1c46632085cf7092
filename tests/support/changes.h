/*
 * Inputs changed a little, always in the same way: what fuzzers' entries are run over in an
 * ordinary test. Single thread.
 */
#ifndef KP_TESTS_SUPPORT_CHANGES_H
#define KP_TESTS_SUPPORT_CHANGES_H

#include <keyprovider/types.h>

#define CHANGES_MAX_LEN 65536u /* bytes of an input, changed or not */

typedef int changes_entry_fn(const uint8_t *bytes, size_t len);

/*
 * Calls entry with each seed, then `rounds` times with one that was changed in 1 to 4 places: bits
 * turned, bytes put in their place, between them or taken out, pieces repeated, the end of another
 * seed in place of its own. Each input lies in memory of its exact length. A failure of entry, or a
 * return other than 0, fails the running test.
 *
 * Where KP_FUZZ_SEEDS names a folder, each seed is written to FOLDER/NAME/NUMBER too, for libFuzzer
 * to begin with (`./dev fuzz`); name NULL: never.
 */
void changes_run(changes_entry_fn *entry, const char *name, const kp_span *seeds, size_t n_seeds,
                 unsigned rounds);

#endif /* KP_TESTS_SUPPORT_CHANGES_H */
