/* The plugin table and its capabilities. Static storage. */
#ifndef KP_PLUGINS_FILE_TEST_TABLE_H
#define KP_PLUGINS_FILE_TEST_TABLE_H

#include <keyprovider/plugin.h>

extern const struct kp_caps ft_caps;
extern const struct kp_plugin ft_plugin;

/* run of the table; run.c. */
kp_status ft_run(void *vault, const struct kp_request *request, kp_answer_fn *answer,
                 void *answer_ctx, struct kp_error *reterr) KP_MUST_USE;

#endif /* KP_PLUGINS_FILE_TEST_TABLE_H */
