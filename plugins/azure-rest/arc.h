/*
 * Azure Arc's proof: the agent answers 401 with the path of a file that only privileged accounts
 * can read, and wants its content. Whoever listens on the agent's port could name any file and be
 * sent it; so the path is checked before anything is read. Pure functions, any thread.
 *
 *   WWW-Authenticate: Basic realm=/var/opt/azcmagent/tokens/GUID.key
 */
#ifndef KP_PLUGINS_AZURE_REST_ARC_H
#define KP_PLUGINS_AZURE_REST_ARC_H

#include <keyprovider/plugin.h>

#include "base/buf.h"

#define AZR_ARC_KEY_MAX_LEN 4096u /* bytes of a key file: the bound to read it with */

/* Where the agent keeps its key files. */
#define AZR_ARC_DIR_LINUX "/var/opt/azcmagent/tokens"
/* Under %ProgramData% on Windows. */
#define AZR_ARC_DIR_WINDOWS "AzureConnectedMachineAgent\\Tokens"

/*
 * Gives the path that a 401 of the agent names, a view into the reply, if it is exactly one file
 * name ending in ".key" in the agent's folder. program_data: %ProgramData% on Windows, where
 * letters compare without case and both slashes count; empty elsewhere. The file is to be read with
 * AZR_ARC_KEY_MAX_LEN as its bound and KP_READ_SECRET.
 * Errors: auth 3304, naming the rule that was broken.
 */
kp_status azr_arc_key_path(const struct kp_http_reply *reply, kp_span program_data,
                           kp_span *ret_path, struct kp_error *reterr) KP_MUST_USE;

/*
 * Checks the file's content: 1 to AZR_ARC_KEY_MAX_LEN bytes, blanks around it dropped, visible
 * ASCII. *ret_key: a view. Errors: auth 3304.
 */
kp_status azr_arc_key_check(kp_span content, kp_span *ret_key, struct kp_error *reterr) KP_MUST_USE;

#endif /* KP_PLUGINS_AZURE_REST_ARC_H */
