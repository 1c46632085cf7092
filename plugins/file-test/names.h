/*
 * File names of a vault. Pure functions, any thread.
 *
 * A key's file is "key-" + the name in lower case + ".json"; where the name has upper-case letters,
 * "." and a hexadecimal mask stand before ".json", in which bit i (the last digit holds bits 0-3)
 * is set when character i is upper case: app -> key-app.json, App -> key-app.1.json,
 * APP -> key-app.7.json. So two names never share a file, on file systems that ignore case too, and
 * no file is called CON or COM1 or ends in a dot. At most 127 + 42 bytes.
 */
#ifndef KP_PLUGINS_FILE_TEST_NAMES_H
#define KP_PLUGINS_FILE_TEST_NAMES_H

#include <stdbool.h>

#include <keyprovider/status.h>

#define FT_VAULT_FILE "vault.json"
#define FT_LOCK_FILE "vault.lock"
#define FT_TEMP_PREFIX "tmp-"
#define FT_FILE_NAME_LEN 192u /* bytes of a buffer for any name made here, NUL included */
#define FT_TEMP_RANDOM_LEN 16u

/* Writes the file name of a valid key name (kpb_is_key_name) to out. Errors: usage for others. */
kp_status ft_name_encode(kp_span name, char out[FT_FILE_NAME_LEN]) KP_MUST_USE;
/* Reads a key name back, with a NUL. False for a name ft_name_encode does not make. */
bool ft_name_decode(const char *file, char out[KP_KEY_NAME_MAX_LEN + 1]) KP_MUST_USE;

/* Writes the name of a temporary file made of random bytes. */
void ft_name_temp(const uint8_t random[FT_TEMP_RANDOM_LEN], char out[FT_FILE_NAME_LEN]);
/* True for the name of a temporary file. */
bool ft_name_is_temp(const char *file);

#endif /* KP_PLUGINS_FILE_TEST_NAMES_H */
