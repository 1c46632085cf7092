/*
 * Reading one value of the configuration. The reader knows where it stands, as text, so that every
 * refusal names the value; what is allowed there says a row of core/config_fields.
 *
 * Threads: one reader, one thread. Borrowed: JSON values, for the call. Every function answers
 * config for a value that is not allowed and no_memory, with the sentence in the reader's err.
 */
#ifndef KP_CORE_CONFIG_READER_H
#define KP_CORE_CONFIG_READER_H

#include "base/errors.h"
#include "core/config.h"
#include "core/config_fields.h"
#include "core/config_json.h"

#define KPI_READER_PATH_MAX_LEN 511u

/* path: from the root to the value being read, "vaults.prod.retry". */
struct kpi_reader {
    struct kpi_config *config;
    struct kp_error *err;
    size_t len;
    char path[KPI_READER_PATH_MAX_LEN + 1];
};

/* Goes down to a member or list item and returns what leave takes. A path too long is cut. */
size_t kpi_reader_enter(struct kpi_reader *r, const char *name);
size_t kpi_reader_enter_item(struct kpi_reader *r, size_t i);
void kpi_reader_leave(struct kpi_reader *r, size_t before);

/* Fail with config and a sentence that begins with the path. */
kp_status kpi_reader_refuse(struct kpi_reader *r, const char *fmt, ...) KPB_PRINTF(2, 3);
kp_status kpi_reader_refuse_kind(struct kpi_reader *r, const char *expected, const json_t *found);
kp_status kpi_reader_refuse_unknown(struct kpi_reader *r, const struct kpi_guess *guess);
kp_status kpi_reader_fail_memory(struct kpi_reader *r);

/* Read one value into the place its kind of field has. Texts and secrets there are replaced. */
kp_status kpi_read_flag(struct kpi_reader *r, const json_t *value, bool *ret_flag) KP_MUST_USE;
kp_status kpi_read_limit(struct kpi_reader *r, const struct kpi_field *f, const json_t *value,
                         uint32_t *ret_limit) KP_MUST_USE;
kp_status kpi_read_text(struct kpi_reader *r, const struct kpi_field *f, const json_t *value,
                        char **ret_text) KP_MUST_USE;
kp_status kpi_read_texts(struct kpi_reader *r, const struct kpi_field *f, json_t *value,
                         struct kpi_texts *ret_texts) KP_MUST_USE;
kp_status kpi_read_choice(struct kpi_reader *r, const struct kpi_field *f, const json_t *value,
                          bool *ret_choice) KP_MUST_USE;
kp_status kpi_read_pin(struct kpi_reader *r, const json_t *value, struct kpi_pin *pin) KP_MUST_USE;
kp_status kpi_read_secret(struct kpi_reader *r, json_t *value, struct kpi_secret_ref *ref)
    KP_MUST_USE;

#endif /* KP_CORE_CONFIG_READER_H */
