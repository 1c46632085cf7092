/*
 * The 145 documented codes, one row each, in ascending order:
 *
 *     XX(symbol, number, class, area, origin, cause, advice)
 *
 * symbol is the documented name; class a kp_status and origin an enum kp_code_origin (status.h).
 * cause says in one sentence what happened; advice what to check and what to type. VAULT, HOST and
 * KEY in an advice stand for the reader's own. Texts are one line of ASCII, printed as they are.
 *
 * The enum, `kp explain`, docs/ERROR-CODES.md and the exhaustiveness test all come from these rows.
 */
#ifndef KP_KEYPROVIDER_CODES_H
#define KP_KEYPROVIDER_CODES_H

#define KP_CODE_COUNT 145

/* ---- Advice that fits many rows ---- */

#define KP_CODE_ADVICE_MEMORY                                                                      \
    "Free memory on this machine. Under SQL Server leave some outside its own pool: `EXEC "        \
    "sp_configure 'max server memory (MB)', N; RECONFIGURE` with a lower N, then repeat the "      \
    "statement."

#define KP_CODE_ADVICE_ANSWER                                                                      \
    "Most likely a proxy or a TLS inspector alters answers: exempt the vault's host from it. `kp " \
    "-V VAULT key show KEY --json` on this machine shows whether it is cured."

#define KP_CODE_ADVICE_LOGIN                                                                       \
    "Most likely a proxy answers instead of the login service, or the configuration names a "      \
    "wrong authority: run `kp config check` and exempt the login host from inspection."

#define KP_CODE_ADVICE_CHALLENGE                                                                   \
    "Most likely something other than the vault answers. `curl -i "                                \
    "https://HOST/keys?api-version=7.4` must print 401 and a WWW-Authenticate line; check "        \
    "IDENTITY and the proxy."

#define KP_CODE_ADVICE_CUT                                                                         \
    "Retries run by themselves. If it goes on, look for a firewall or proxy that cuts "            \
    "connections to the vault's host, and try `kp -V VAULT key list` on this machine."

#define KP_CODE_ADVICE_CRYPTO                                                                      \
    "Look for an OpenSSL or FIPS setting that switches it off (OPENSSL_CONF, `openssl list "       \
    "-providers`)."

#define KP_CODE_ADVICE_REPORT                                                                      \
    "This is a fault of the software: please report it with the output of `kp version` and the "   \
    "log line."

/* ---- Rows ---- */

/* The EKM interface, its event log and the provider itself. */
#define KP_CODE_MAP_EKM(XX)                                                                        \
    XX(scp_err_Success, 0, KP_OK, "ekm", KP_ORIGIN_SUCCESS,                                        \
       "The call succeeded. SQL Server also prints 0 when it turns a provider down although "      \
       "every call went well.",                                                                    \
       "If CREATE CRYPTOGRAPHIC PROVIDER failed with it, check that this machine trusts the "      \
       "DLL's signature (`Get-AuthenticodeSignature DLL`) and read the SQL Server error log "      \
       "(`EXEC sp_readerrorlog`).")                                                                \
    XX(scp_err_Failure, 1, KP_INTERNAL, "ekm", KP_ORIGIN_EMITTED,                                  \
       "Something failed for which there is no better number.",                                    \
       "Read the log line written at that moment, and run `kp config check`. While registering "   \
       "the DLL: check that this machine trusts its signature (`Get-AuthenticodeSignature DLL`).") \
    XX(scp_err_InsufficientBuffer, 2, KP_USAGE, "ekm", KP_ORIGIN_EMITTED,                          \
       "The caller offered no buffer or one that is too small; it was told the size it needs.",    \
       "SQL Server repeats such a call by itself. If a statement ends with it, report it with "    \
       "`kp version` and SELECT @@VERSION.")                                                       \
    XX(scp_err_NotSupported, 3, KP_UNSUPPORTED, "ekm", KP_ORIGIN_EMITTED,                          \
       "The provider does not serve this key type, key size, algorithm or statement.",             \
       "Use an RSA or RSA-HSM key of 2048 or 3072 bits (`kp -V VAULT key show KEY` tells) and "    \
       "CREATION_DISPOSITION = OPEN_EXISTING.")                                                    \
    XX(scp_err_NotFound, 4, KP_NOT_FOUND, "ekm", KP_ORIGIN_EMITTED,                                \
       "There is no key or algorithm of that name, number or thumbprint. Listing keys also ends "  \
       "with it.",                                                                                 \
       "Compare PROVIDER_KEY_NAME with `kp -V VAULT key list`. After a restore to another "        \
       "server, create the asymmetric key there from the same vault key.")                         \
    XX(scp_err_AuthFailure, 5, KP_AUTH, "ekm", KP_ORIGIN_EMITTED,                                  \
       "The provider could not authenticate the session.",                                         \
       "Check that the login has a credential for this provider (`SELECT * FROM "                  \
       "sys.server_principal_credentials`) and that IDENTITY names a vault of ekm.allow: `kp "     \
       "config check`.")                                                                           \
    XX(scp_err_InvalidArgument, 6, KP_USAGE, "ekm", KP_ORIGIN_EMITTED,                             \
       "An argument was missing, out of range or at odds with another one.",                       \
       "Look for an empty key name or IDENTITY, a wrong ALGORITHM or a missing "                   \
       "CREATION_DISPOSITION = OPEN_EXISTING in the statement; `SELECT name, "                     \
       "credential_identity FROM sys.credentials` shows IDENTITY.")                                \
    XX(scp_err_ProviderError, 7, KP_INTERNAL, "ekm", KP_ORIGIN_ENGINE,                             \
       "SQL Server caught a fault inside a provider call. The provider itself never returns "      \
       "this number.",                                                                             \
       "Keep the dump from SQL Server's LOG folder and report it with the output of `kp "          \
       "version`.")                                                                                \
    XX(acquireToken, 401, KP_AUTH, "event-log", KP_ORIGIN_EVENT_LOG,                               \
       "Event log only: the login service answered a token request with HTTP 401. The client "     \
       "secret is wrong or has expired, or SECRET is badly put together.",                         \
       "Go by the number the statement itself printed, most often 3303: `kp explain 3303`.")       \
    XX(getKeyByName, 404, KP_NOT_FOUND, "event-log", KP_ORIGIN_EVENT_LOG,                          \
       "Event log only: the vault answered a key look-up with HTTP 404. The vault that the "       \
       "credential names has no such key.",                                                        \
       "Go by the number the statement itself printed, most often 3112: `kp explain 3112`.")       \
    XX(scp_err_KeyNameDoesNotFitThumbprint, 2049, KP_USAGE, "provider", KP_ORIGIN_EMITTED,         \
       "The key name is longer than 26 characters, too long to be encoded into a thumbprint.",     \
       "Use a key with a shorter name: `kp -V VAULT key create NAME --type RSA --size 3072`.")     \
    XX(scp_err_PasswordTooShort, 2050, KP_AUTH, "provider", KP_ORIGIN_EMITTED,                     \
       "The credential's SECRET is shorter than 32 characters, so not even the client id fits "    \
       "in.",                                                                                      \
       "Set it again: `ALTER CREDENTIAL name WITH IDENTITY = 'VAULT', SECRET = 'the client id "    \
       "without its hyphens, directly followed by the client secret'`.")                           \
    XX(scp_err_OutOfMemory, 2051, KP_NO_MEMORY, "provider", KP_ORIGIN_EMITTED,                     \
       "The process had no memory left for the provider.", KP_CODE_ADVICE_MEMORY)                  \
    XX(scp_err_ConvertKeyNameToThumbprint, 2052, KP_USAGE, "provider", KP_ORIGIN_EMITTED,          \
       "The key name has a character that a thumbprint cannot carry.",                             \
       "Key names consist of letters, digits and hyphens: compare PROVIDER_KEY_NAME with `kp -V "  \
       "VAULT key list`.")                                                                         \
    XX(scp_err_ConvertThumbprintToKeyName, 2053, KP_INTEGRITY, "provider", KP_ORIGIN_EMITTED,      \
       "A recorded thumbprint gives no key name: it is damaged, or another provider made it.",     \
       "Compare `SELECT name, thumbprint FROM sys.asymmetric_keys` in master with `kp keymap "     \
       "list`, then create that asymmetric key again from the same vault key with "                \
       "CREATION_DISPOSITION = OPEN_EXISTING.")                                                    \
    XX(scp_err_ThumbprintExistedInRegistry, 2057, KP_CONFLICT, "provider", KP_ORIGIN_EMITTED,      \
       "The thumbprint is already recorded for a different key URI, for instance because one "     \
       "key was restored into two vaults.",                                                        \
       "See what is recorded with `kp keymap list` (the file of ekm.key_map, on Windows the "      \
       "registry) and compare the keys with `kp -V VAULT key show KEY`. If no database or backup " \
       "needs the recorded one: `kp keymap export`, then `kp keymap remove`.")                     \
    XX(scp_err_FailureInRegistry, 2058, KP_CONFIG, "provider", KP_ORIGIN_EMITTED,                  \
       "The record of key URIs could not be written: its registry key is missing, or the "         \
       "service account has no right to it.",                                                      \
       "Look up ekm.key_map with `kp config check` and give the account of SQL Server the right "  \
       "to write that file and its folder; `kp keymap list` reads it. In the registry create "     \
       "HKLM\\SOFTWARE\\Microsoft\\SQL "                                                           \
       "Server "                                                                                   \
       "Cryptographic Provider with full control for it, in a failover cluster with "              \
       "`Add-ClusterCheckpoint`.")

/* Vault calls in general. */
#define KP_CODE_MAP_VAULT(XX)                                                                      \
    XX(ErrorSuccess, 3000, KP_OK, "akv-common", KP_ORIGIN_SUCCESS,                                 \
       "The vault did what it was asked to do.", "Nothing to do.")                                 \
    XX(ErrorUnknown, 3001, KP_VAULT, "akv-common", KP_ORIGIN_EMITTED,                              \
       "The vault call failed for a reason without a number of its own.",                          \
       "The sentence beside the number has the HTTP status and the vault's request id. Repeat "    \
       "the call outside SQL Server: `kp -V VAULT key show KEY`.")

/*
 * HTTP in the numbering of connectors up to 1.0.4.0, never returned. The symbols are those of the
 * rows of today, so the constants are named KP_CODE_LEGACY_ and the symbol.
 */
#define KP_CODE_MAP_LEGACY(XX)                                                                     \
    XX(ErrorHttpCreateHttpClientOutOfMemory, 3002, KP_NO_MEMORY, "http-legacy", KP_ORIGIN_LEGACY,  \
       "Connectors up to 1.0.4.0: memory ran out while an HTTP client was set up.",                \
       "Today this is 3100: `kp explain 3100`.")                                                   \
    XX(ErrorHttpOpenSession, 3003, KP_TRANSIENT, "http-legacy", KP_ORIGIN_LEGACY,                  \
       "Connectors up to 1.0.4.0: the HTTP library could not be started.",                         \
       "Today this is 3101: `kp explain 3101`.")                                                   \
    XX(ErrorHttpConnectSession, 3004, KP_TRANSIENT, "http-legacy", KP_ORIGIN_LEGACY,               \
       "Connectors up to 1.0.4.0: a connection to the vault's host could not be prepared.",        \
       "Today this is 3102: `kp explain 3102`.")                                                   \
    XX(ErrorHttpAttemptConnect, 3005, KP_TRANSIENT, "http-legacy", KP_ORIGIN_LEGACY,               \
       "Connectors up to 1.0.4.0: the machine had no usable network connection.",                  \
       "Today this is 3103: `kp explain 3103`.")                                                   \
    XX(ErrorHttpOpenRequest, 3006, KP_INTERNAL, "http-legacy", KP_ORIGIN_LEGACY,                   \
       "Connectors up to 1.0.4.0: a request could not be put together.",                           \
       "Today this is 3104: `kp explain 3104`.")                                                   \
    XX(ErrorHttpAddRequestHeader, 3007, KP_INTERNAL, "http-legacy", KP_ORIGIN_LEGACY,              \
       "Connectors up to 1.0.4.0: a header could not be added to a request.",                      \
       "Today this is 3105: `kp explain 3105`.")                                                   \
    XX(ErrorHttpSendRequest, 3008, KP_TRANSIENT, "http-legacy", KP_ORIGIN_LEGACY,                  \
       "Connectors up to 1.0.4.0: the request did not get out.",                                   \
       "Today this is 3106: `kp explain 3106`.")                                                   \
    XX(ErrorHttpGetResponseCode, 3009, KP_TRANSIENT, "http-legacy", KP_ORIGIN_LEGACY,              \
       "Connectors up to 1.0.4.0: no status line came back.",                                      \
       "Today this is 3107: `kp explain 3107`.")                                                   \
    XX(ErrorHttpResponseCodeUnauthorized, 3010, KP_AUTH, "http-legacy", KP_ORIGIN_LEGACY,          \
       "Connectors up to 1.0.4.0: the vault answered HTTP 401.",                                   \
       "Today this is 3108: `kp explain 3108`.")                                                   \
    XX(ErrorHttpResponseCodeThrottled, 3011, KP_THROTTLED, "http-legacy", KP_ORIGIN_LEGACY,        \
       "Connectors up to 1.0.4.0: the vault answered HTTP 429, too many requests.",                \
       "Today this is 3109: `kp explain 3109`.")                                                   \
    XX(ErrorHttpResponseCodeClientError, 3012, KP_USAGE, "http-legacy", KP_ORIGIN_LEGACY,          \
       "Connectors up to 1.0.4.0: the vault found fault with the request (HTTP 4xx).",             \
       "Today this is 3110: `kp explain 3110`.")                                                   \
    XX(ErrorHttpResponseCodeServerError, 3013, KP_TRANSIENT, "http-legacy", KP_ORIGIN_LEGACY,      \
       "Connectors up to 1.0.4.0: the vault failed on its side (HTTP 5xx).",                       \
       "Today this is 3111: `kp explain 3111`.")                                                   \
    XX(ErrorHttpQueryHeader, 3014, KP_PROTOCOL, "http-legacy", KP_ORIGIN_LEGACY,                   \
       "Connectors up to 1.0.4.0: a header of the answer could not be read.",                      \
       "Today this is 3114: `kp explain 3114`.")                                                   \
    XX(ErrorHttpQueryHeaderOutOfMemoryCopyHeader, 3015, KP_NO_MEMORY, "http-legacy",               \
       KP_ORIGIN_LEGACY,                                                                           \
       "Connectors up to 1.0.4.0: memory ran out while a header of the answer was copied.",        \
       "Today this is 3115: `kp explain 3115`.")                                                   \
    XX(ErrorHttpQueryHeaderOutOfMemoryReallocBuffer, 3016, KP_NO_MEMORY, "http-legacy",            \
       KP_ORIGIN_LEGACY,                                                                           \
       "Connectors up to 1.0.4.0: memory ran out while the buffer for a header grew.",             \
       "Today this is 3116: `kp explain 3116`.")                                                   \
    XX(ErrorHttpQueryHeaderNotFound, 3017, KP_PROTOCOL, "http-legacy", KP_ORIGIN_LEGACY,           \
       "Connectors up to 1.0.4.0: the answer lacked a header it had to have.",                     \
       "Today this is 3117: `kp explain 3117`.")                                                   \
    XX(ErrorHttpQueryHeaderUpdateBufferLength, 3018, KP_PROTOCOL, "http-legacy", KP_ORIGIN_LEGACY, \
       "Connectors up to 1.0.4.0: the size of a header of the answer could not be settled.",       \
       "Today this is 3118: `kp explain 3118`.")                                                   \
    XX(ErrorHttpReadData, 3019, KP_TRANSIENT, "http-legacy", KP_ORIGIN_LEGACY,                     \
       "Connectors up to 1.0.4.0: the body of the answer broke off.",                              \
       "Today this is 3119: `kp explain 3119`.")                                                   \
    XX(ErrorHttpResourceNotFound, 3076, KP_NOT_FOUND, "http-legacy", KP_ORIGIN_LEGACY,             \
       "Connectors up to 1.0.4.0: the vault answered HTTP 404, no such key.",                      \
       "Today this is 3112: `kp explain 3112`.")                                                   \
    XX(ErrorHttpOperationForbidden, 3077, KP_FORBIDDEN, "http-legacy", KP_ORIGIN_LEGACY,           \
       "Connectors up to 1.0.4.0: the vault answered HTTP 403, a permission is missing.",          \
       "Today this is 3113: `kp explain 3113`.")

/* HTTP. */
#define KP_CODE_MAP_HTTP(XX)                                                                       \
    XX(ErrorHttpCreateHttpClientOutOfMemory, 3100, KP_NO_MEMORY, "http", KP_ORIGIN_EMITTED,        \
       "Memory ran out while an HTTP client was set up.", KP_CODE_ADVICE_MEMORY)                   \
    XX(ErrorHttpOpenSession, 3101, KP_TRANSIENT, "http", KP_ORIGIN_EMITTED,                        \
       "The HTTP library could not be started.",                                                   \
       "Check that the process is not out of sockets or file handles and that the machine is on "  \
       "the network, then try `kp -V VAULT key list`.")                                            \
    XX(ErrorHttpConnectSession, 3102, KP_TRANSIENT, "http", KP_ORIGIN_EMITTED,                     \
       "A connection to the vault's host could not be prepared.",                                  \
       "Check the proxy setting with `kp config check`, then try `kp -V HOST key list` on this "   \
       "machine.")                                                                                 \
    XX(ErrorHttpAttemptConnect, 3103, KP_TRANSIENT, "http", KP_ORIGIN_EMITTED,                     \
       "This machine has no network connection that could reach the vault.",                       \
       "Check its route and firewall, then try `kp -V HOST key list` as the account SQL Server "   \
       "runs under.")                                                                              \
    XX(ErrorHttpOpenRequest, 3104, KP_INTERNAL, "http", KP_ORIGIN_EMITTED,                         \
       "A request could not be put together.",                                                     \
       "Look for stray characters in IDENTITY and in the vault's entry (`kp config check`). If "   \
       "there are none, report it with the output of `kp version`.")                               \
    XX(ErrorHttpAddRequestHeader, 3105, KP_INTERNAL, "http", KP_ORIGIN_EMITTED,                    \
       "A header could not be added to a request.", KP_CODE_ADVICE_REPORT)                         \
    XX(ErrorHttpSendRequest, 3106, KP_TRANSIENT, "http", KP_ORIGIN_EMITTED,                        \
       "The request did not get out: name, route, port, proxy or TLS is in the way.",              \
       "`kp -V HOST key list`, run on this machine as the service account, says which step "       \
       "fails. Allow TCP 443 to the vault and to its login host, and name the proxy in the "       \
       "configuration.")                                                                           \
    XX(ErrorHttpGetResponseCode, 3107, KP_TRANSIENT, "http", KP_ORIGIN_EMITTED,                    \
       "The request was sent, but the connection ended before a status line came back.",           \
       KP_CODE_ADVICE_CUT)                                                                         \
    XX(ErrorHttpResponseCodeUnauthorized, 3108, KP_AUTH, "http", KP_ORIGIN_EMITTED,                \
       "The vault answered HTTP 401: client id or client secret is wrong, or SECRET is badly "     \
       "put together.",                                                                            \
       "Set SECRET again, the client id without its hyphens and the client secret directly "       \
       "behind it: `ALTER CREDENTIAL name WITH IDENTITY = 'VAULT', SECRET = '...'`. The app "      \
       "registration must be in the vault's tenant.")                                              \
    XX(ErrorHttpResponseCodeThrottled, 3109, KP_THROTTLED, "http", KP_ORIGIN_EMITTED,              \
       "The vault answered HTTP 429: more requests than it accepts.",                              \
       "Retries run by themselves, and `kp metrics` counts them. If it goes on, lower the "        \
       "vault's max_in_flight or give busy databases a vault of their own.")                       \
    XX(ErrorHttpResponseCodeClientError, 3110, KP_USAGE, "http", KP_ORIGIN_EMITTED,                \
       "The vault found fault with the request (HTTP 4xx), most often with a character in the "    \
       "key name.",                                                                                \
       "Key names consist of letters, digits and hyphens: compare PROVIDER_KEY_NAME with `kp -V "  \
       "VAULT key list`. The vault's own reason is in the sentence beside the number.")            \
    XX(ErrorHttpResponseCodeServerError, 3111, KP_TRANSIENT, "http", KP_ORIGIN_EMITTED,            \
       "The vault failed on its side (HTTP 5xx).",                                                 \
       "Retries run by themselves. If it goes on, look at the cloud's status page and give its "   \
       "support the request id that `kp -V VAULT key list --json` prints.")                        \
    XX(ErrorHttpResourceNotFound, 3112, KP_NOT_FOUND, "http", KP_ORIGIN_EMITTED,                   \
       "The vault answered HTTP 404: it has no key of that name, or not that version.",            \
       "Compare with `kp -V VAULT key list` and `kp -V VAULT key versions KEY`. A deleted key "    \
       "comes back with `kp -V VAULT key recover KEY`.")                                           \
    XX(ErrorHttpOperationForbidden, 3113, KP_FORBIDDEN, "http", KP_ORIGIN_EMITTED,                 \
       "The vault answered HTTP 403: the identity lacks a permission, the key is disabled or "     \
       "out of its dates, or the vault's firewall shuts this machine out.",                        \
       "Grant get, wrapKey and unwrapKey, for instance with the role Key Vault Crypto Service "    \
       "Encryption User, and let this machine's address in. Then try `kp -V VAULT key show KEY`.") \
    XX(ErrorHttpQueryHeader, 3114, KP_PROTOCOL, "http", KP_ORIGIN_EMITTED,                         \
       "A header of the vault's answer could not be read.", KP_CODE_ADVICE_ANSWER)                 \
    XX(ErrorHttpQueryHeaderOutOfMemoryCopyHeader, 3115, KP_NO_MEMORY, "http", KP_ORIGIN_EMITTED,   \
       "Memory ran out while a header of the answer was copied.", KP_CODE_ADVICE_MEMORY)           \
    XX(ErrorHttpQueryHeaderOutOfMemoryReallocBuffer, 3116, KP_NO_MEMORY, "http",                   \
       KP_ORIGIN_EMITTED, "Memory ran out while the buffer for a header of the answer grew.",      \
       KP_CODE_ADVICE_MEMORY)                                                                      \
    XX(ErrorHttpQueryHeaderNotFound, 3117, KP_PROTOCOL, "http", KP_ORIGIN_EMITTED,                 \
       "The answer lacks a header it has to have.", KP_CODE_ADVICE_ANSWER)                         \
    XX(ErrorHttpQueryHeaderUpdateBufferLength, 3118, KP_PROTOCOL, "http", KP_ORIGIN_EMITTED,       \
       "The size of a header of the answer could not be settled.", KP_CODE_ADVICE_ANSWER)          \
    XX(ErrorHttpReadData, 3119, KP_TRANSIENT, "http", KP_ORIGIN_EMITTED,                           \
       "The body of the answer broke off.", KP_CODE_ADVICE_CUT)                                    \
    XX(ErrorHttpGetResponseOutOfMemoryCreateTempBuffer, 3120, KP_NO_MEMORY, "http",                \
       KP_ORIGIN_EMITTED, "Memory ran out for the buffer that an answer is read into.",            \
       KP_CODE_ADVICE_MEMORY)                                                                      \
    XX(ErrorHttpGetResponseOutOfMemoryGetResultString, 3121, KP_NO_MEMORY, "http",                 \
       KP_ORIGIN_EMITTED, "Memory ran out while the text of an answer was put together.",          \
       KP_CODE_ADVICE_MEMORY)                                                                      \
    XX(ErrorHttpGetResponseOutOfMemoryAppendResponse, 3122, KP_NO_MEMORY, "http",                  \
       KP_ORIGIN_EMITTED, "Memory ran out while the next piece of an answer was added.",           \
       KP_CODE_ADVICE_MEMORY)

/* Finding the login service, and getting a token. */
#define KP_CODE_MAP_LOGIN(XX)                                                                      \
    XX(ErrorGetAADValuesOutOfMemoryConcatPath, 3200, KP_NO_MEMORY, "aad-challenge",                \
       KP_ORIGIN_EMITTED,                                                                          \
       "Memory ran out while the address of the first, still unauthenticated request was built.",  \
       KP_CODE_ADVICE_MEMORY)                                                                      \
    XX(ErrorGetAADDomainUrlStartPosition, 3201, KP_PROTOCOL, "aad-challenge", KP_ORIGIN_EMITTED,   \
       "In the vault's WWW-Authenticate challenge the login address has no beginning.",            \
       KP_CODE_ADVICE_CHALLENGE)                                                                   \
    XX(ErrorGetAADDomainUrlStopPosition, 3202, KP_PROTOCOL, "aad-challenge", KP_ORIGIN_EMITTED,    \
       "In the vault's WWW-Authenticate challenge the login address has no end.",                  \
       KP_CODE_ADVICE_CHALLENGE)                                                                   \
    XX(ErrorGetAADDomainUrlMalformatted, 3203, KP_PROTOCOL, "aad-challenge", KP_ORIGIN_EMITTED,    \
       "The vault's WWW-Authenticate challenge names no login address.", KP_CODE_ADVICE_CHALLENGE) \
    XX(ErrorGetAADDomainUrlOutOfMemoryAlloc, 3204, KP_NO_MEMORY, "aad-challenge",                  \
       KP_ORIGIN_EMITTED, "Memory ran out while the login address was taken from the challenge.",  \
       KP_CODE_ADVICE_MEMORY)                                                                      \
    XX(ErrorGetAADTenantIdOutOfMemoryAlloc, 3205, KP_NO_MEMORY, "aad-challenge",                   \
       KP_ORIGIN_EMITTED, "Memory ran out while the tenant id was taken from the login address.",  \
       KP_CODE_ADVICE_MEMORY)                                                                      \
    XX(ErrorGetAKVResourceUrlStartPosition, 3206, KP_PROTOCOL, "aad-challenge", KP_ORIGIN_EMITTED, \
       "In the vault's WWW-Authenticate challenge the resource has no beginning.",                 \
       KP_CODE_ADVICE_CHALLENGE)                                                                   \
    XX(ErrorGetAKVResourceUrlStopPosition, 3207, KP_PROTOCOL, "aad-challenge", KP_ORIGIN_EMITTED,  \
       "In the vault's WWW-Authenticate challenge the resource has no end.",                       \
       KP_CODE_ADVICE_CHALLENGE)                                                                   \
    XX(ErrorGetAKVResourceUrlOutOfMemoryAlloc, 3208, KP_NO_MEMORY, "aad-challenge",                \
       KP_ORIGIN_EMITTED, "Memory ran out while the resource was taken from the challenge.",       \
       KP_CODE_ADVICE_MEMORY)                                                                      \
    XX(ErrorGetTokenOutOfMemoryConcatPath, 3300, KP_NO_MEMORY, "aad-token", KP_ORIGIN_EMITTED,     \
       "Memory ran out while the address of the token request was built.", KP_CODE_ADVICE_MEMORY)  \
    XX(ErrorGetTokenOutOfMemoryConcatBody, 3301, KP_NO_MEMORY, "aad-token", KP_ORIGIN_EMITTED,     \
       "Memory ran out while the body of the token request was built.", KP_CODE_ADVICE_MEMORY)     \
    XX(ErrorGetTokenOutOfMemoryConvertResponseString, 3302, KP_NO_MEMORY, "aad-token",             \
       KP_ORIGIN_EMITTED, "Memory ran out while the answer to the token request was converted.",   \
       KP_CODE_ADVICE_MEMORY)                                                                      \
    XX(ErrorGetTokenBadCredentials, 3303, KP_AUTH, "aad-token", KP_ORIGIN_EMITTED,                 \
       "The login service refused the identity: its client secret has expired, is wrong or is "    \
       "badly put together, or its certificate is not valid.",                                     \
       "Look up the secret's expiry in the app registration and make a new one. Then, on every "   \
       "node: ALTER CREDENTIAL name WITH IDENTITY = 'VAULT', SECRET = 'client id without "         \
       "hyphens, then the secret'. Test with `kp -V VAULT key show KEY`.")                         \
    XX(ErrorGetTokenFailedToGetToken, 3304, KP_AUTH, "aad-token", KP_ORIGIN_EMITTED,               \
       "The login service accepted the identity and still gave no usable token.",                  \
       "Look at the app's sign-in log in Entra: a conditional access rule, a disabled app or a "   \
       "tenant that is not the vault's. Then try `kp -V VAULT key list`.")                         \
    XX(ErrorGetTokenRejected, 3305, KP_AUTH, "aad-token", KP_ORIGIN_EMITTED,                       \
       "A token was issued, but the vault refused it.",                                            \
       "Compare the app's tenant with the vault's, and this machine's clock with the true time "   \
       "(`w32tm /query /status` or `timedatectl`).")                                               \
    XX(ErrorGetTokenNotFound, 3306, KP_PROTOCOL, "aad-token", KP_ORIGIN_EMITTED,                   \
       "The login service's answer has no token in it.", KP_CODE_ADVICE_LOGIN)                     \
    XX(ErrorGetTokenJsonParser, 3307, KP_PROTOCOL, "aad-token", KP_ORIGIN_EMITTED,                 \
       "The login service's answer is not JSON.", KP_CODE_ADVICE_LOGIN)                            \
    XX(ErrorGetTokenExtractToken, 3308, KP_PROTOCOL, "aad-token", KP_ORIGIN_EMITTED,               \
       "The token in the login service's answer could not be read.", KP_CODE_ADVICE_LOGIN)

/* Reading a key, backing it up. */
#define KP_CODE_MAP_KEY(XX)                                                                        \
    XX(ErrorGetKeyByNameOutOfMemoryConvertResponseString, 3400, KP_NO_MEMORY, "key-get",           \
       KP_ORIGIN_EMITTED, "Memory ran out while the answer to a key request was converted.",       \
       KP_CODE_ADVICE_MEMORY)                                                                      \
    XX(ErrorGetKeyByNameOutOfMemoryConcatPath, 3401, KP_NO_MEMORY, "key-get", KP_ORIGIN_EMITTED,   \
       "Memory ran out while the address of a key request was built.", KP_CODE_ADVICE_MEMORY)      \
    XX(ErrorGetKeyByNameOutOfMemoryConcatHeader, 3402, KP_NO_MEMORY, "key-get", KP_ORIGIN_EMITTED, \
       "Memory ran out while the header of a key request was built.", KP_CODE_ADVICE_MEMORY)       \
    XX(ErrorGetKeyByNameNoResponse, 3403, KP_TRANSIENT, "key-get", KP_ORIGIN_EMITTED,              \
       "The vault gave no answer when asked for the key.", KP_CODE_ADVICE_CUT)                     \
    XX(ErrorGetKeyByNameJsonParser, 3404, KP_PROTOCOL, "key-get", KP_ORIGIN_EMITTED,               \
       "The vault's answer to a key request is not JSON.", KP_CODE_ADVICE_ANSWER)                  \
    XX(ErrorGetKeyByNameExtractKeyNode, 3405, KP_PROTOCOL, "key-get", KP_ORIGIN_EMITTED,           \
       "The vault's answer to a key request has no key in it.", KP_CODE_ADVICE_ANSWER)             \
    XX(ErrorGetKeyByNameExtractKeyId, 3406, KP_PROTOCOL, "key-get", KP_ORIGIN_EMITTED,             \
       "The key in the vault's answer has no identifier (kid).", KP_CODE_ADVICE_ANSWER)            \
    XX(ErrorGetKeyByNameExtractKeyType, 3407, KP_PROTOCOL, "key-get", KP_ORIGIN_EMITTED,           \
       "The key in the vault's answer has no type (kty).", KP_CODE_ADVICE_ANSWER)                  \
    XX(ErrorGetKeyByNameExtractKeyN, 3408, KP_PROTOCOL, "key-get", KP_ORIGIN_EMITTED,              \
       "The key in the vault's answer has no modulus (n).",                                        \
       "Only RSA keys have one: check the type with `kp -V VAULT key show KEY`. If it says RSA "   \
       "or RSA-HSM, look for a proxy that alters answers.")                                        \
    XX(ErrorGetKeyByNameBase64DecodeN, 3409, KP_PROTOCOL, "key-get", KP_ORIGIN_EMITTED,            \
       "The modulus (n) in the vault's answer is not base64url.", KP_CODE_ADVICE_ANSWER)           \
    XX(ErrorGetKeyByNameExtractKeyE, 3410, KP_PROTOCOL, "key-get", KP_ORIGIN_EMITTED,              \
       "The key in the vault's answer has no public exponent (e).",                                \
       "Only RSA keys have one: check the type with `kp -V VAULT key show KEY`. If it says RSA "   \
       "or RSA-HSM, look for a proxy that alters answers.")                                        \
    XX(ErrorGetKeyByNameBase64DecodeE, 3411, KP_PROTOCOL, "key-get", KP_ORIGIN_EMITTED,            \
       "The public exponent (e) in the vault's answer is not base64url.", KP_CODE_ADVICE_ANSWER)   \
    XX(ErrorGetKeyByNameExtractKeyUri, 3412, KP_PROTOCOL, "key-get", KP_ORIGIN_EMITTED,            \
       "The key's URI in the vault's answer could not be read.", KP_CODE_ADVICE_ANSWER)            \
    XX(ErrorBackupKeyOutOfMemoryConvertResponseString, 3500, KP_NO_MEMORY, "key-backup",           \
       KP_ORIGIN_EMITTED, "Memory ran out while the answer to a backup request was converted.",    \
       KP_CODE_ADVICE_MEMORY)                                                                      \
    XX(ErrorBackupKeyOutOfMemoryConcatPath, 3501, KP_NO_MEMORY, "key-backup", KP_ORIGIN_EMITTED,   \
       "Memory ran out while the address of a backup request was built.", KP_CODE_ADVICE_MEMORY)   \
    XX(ErrorBackupKeyOutOfMemoryConcatHeader, 3502, KP_NO_MEMORY, "key-backup", KP_ORIGIN_EMITTED, \
       "Memory ran out while the header of a backup request was built.", KP_CODE_ADVICE_MEMORY)    \
    XX(ErrorBackupKeyNoResponse, 3503, KP_TRANSIENT, "key-backup", KP_ORIGIN_EMITTED,              \
       "The vault gave no answer to a backup request.", KP_CODE_ADVICE_CUT)                        \
    XX(ErrorBackupKeyJsonParser, 3504, KP_PROTOCOL, "key-backup", KP_ORIGIN_EMITTED,               \
       "The vault's answer to a backup request is not JSON.", KP_CODE_ADVICE_ANSWER)               \
    XX(ErrorBackupKeyExtractValue, 3505, KP_PROTOCOL, "key-backup", KP_ORIGIN_EMITTED,             \
       "The vault's answer to a backup request has no blob (value) in it.", KP_CODE_ADVICE_ANSWER) \
    XX(ErrorBackupKeyBase64DecodeValue, 3506, KP_PROTOCOL, "key-backup", KP_ORIGIN_EMITTED,        \
       "The backup blob in the vault's answer is not base64url.", KP_CODE_ADVICE_ANSWER)

/* Wrap and unwrap. */
#define KP_CODE_MAP_WRAP(XX)                                                                       \
    XX(ErrorWrapKeyOutOfMemoryConvertResponseString, 3600, KP_NO_MEMORY, "wrap",                   \
       KP_ORIGIN_EMITTED, "Memory ran out while the answer to a wrap request was converted.",      \
       KP_CODE_ADVICE_MEMORY)                                                                      \
    XX(ErrorWrapKeyOutOfMemoryConcatPath, 3601, KP_NO_MEMORY, "wrap", KP_ORIGIN_EMITTED,           \
       "Memory ran out while the address of a wrap request was built.", KP_CODE_ADVICE_MEMORY)     \
    XX(ErrorWrapKeyOutOfMemoryConcatHeader, 3602, KP_NO_MEMORY, "wrap", KP_ORIGIN_EMITTED,         \
       "Memory ran out while the header of a wrap request was built.", KP_CODE_ADVICE_MEMORY)      \
    XX(ErrorWrapKeyOutOfMemoryConcatBody, 3603, KP_NO_MEMORY, "wrap", KP_ORIGIN_EMITTED,           \
       "Memory ran out while the body of a wrap request was built.", KP_CODE_ADVICE_MEMORY)        \
    XX(ErrorWrapKeyOutOfMemoryConvertEncodedBody, 3604, KP_NO_MEMORY, "wrap", KP_ORIGIN_EMITTED,   \
       "Memory ran out while the encoded body of a wrap request was converted.",                   \
       KP_CODE_ADVICE_MEMORY)                                                                      \
    XX(ErrorWrapKeyBase64EncodeKey, 3605, KP_INTERNAL, "wrap", KP_ORIGIN_EMITTED,                  \
       "The bytes to wrap could not be written as base64url.", KP_CODE_ADVICE_REPORT)              \
    XX(ErrorWrapKeyBase64DecodeValue, 3606, KP_PROTOCOL, "wrap", KP_ORIGIN_EMITTED,                \
       "The result in the vault's answer to a wrap request is not base64url.",                     \
       KP_CODE_ADVICE_ANSWER)                                                                      \
    XX(ErrorWrapKeyJsonParser, 3607, KP_PROTOCOL, "wrap", KP_ORIGIN_EMITTED,                       \
       "The vault's answer to a wrap request is not JSON.", KP_CODE_ADVICE_ANSWER)                 \
    XX(ErrorWrapKeyExtractValue, 3608, KP_PROTOCOL, "wrap", KP_ORIGIN_EMITTED,                     \
       "The vault's answer to a wrap request has no result (value) in it.", KP_CODE_ADVICE_ANSWER) \
    XX(ErrorWrapKeyNoResponse, 3609, KP_TRANSIENT, "wrap", KP_ORIGIN_EMITTED,                      \
       "The vault gave no answer to a wrap request.", KP_CODE_ADVICE_CUT)                          \
    XX(ErrorUnwrapKeyOutOfMemoryConvertResponseString, 3700, KP_NO_MEMORY, "unwrap",               \
       KP_ORIGIN_EMITTED, "Memory ran out while the answer to an unwrap request was converted.",   \
       KP_CODE_ADVICE_MEMORY)                                                                      \
    XX(ErrorUnwrapKeyOutOfMemoryConcatPath, 3701, KP_NO_MEMORY, "unwrap", KP_ORIGIN_EMITTED,       \
       "Memory ran out while the address of an unwrap request was built.", KP_CODE_ADVICE_MEMORY)  \
    XX(ErrorUnwrapKeyOutOfMemoryConcatHeader, 3702, KP_NO_MEMORY, "unwrap", KP_ORIGIN_EMITTED,     \
       "Memory ran out while the header of an unwrap request was built.", KP_CODE_ADVICE_MEMORY)   \
    XX(ErrorUnwrapKeyOutOfMemoryConcatBody, 3703, KP_NO_MEMORY, "unwrap", KP_ORIGIN_EMITTED,       \
       "Memory ran out while the body of an unwrap request was built.", KP_CODE_ADVICE_MEMORY)     \
    XX(ErrorUnwrapKeyOutOfMemoryConvertEncodedBody, 3704, KP_NO_MEMORY, "unwrap",                  \
       KP_ORIGIN_EMITTED,                                                                          \
       "Memory ran out while the encoded body of an unwrap request was converted.",                \
       KP_CODE_ADVICE_MEMORY)                                                                      \
    XX(ErrorUnwrapKeyBase64EncodeKey, 3705, KP_INTERNAL, "unwrap", KP_ORIGIN_EMITTED,              \
       "The bytes to unwrap could not be written as base64url.", KP_CODE_ADVICE_REPORT)            \
    XX(ErrorUnwrapKeyBase64DecodeValue, 3706, KP_PROTOCOL, "unwrap", KP_ORIGIN_EMITTED,            \
       "The result in the vault's answer to an unwrap request is not base64url.",                  \
       KP_CODE_ADVICE_ANSWER)                                                                      \
    XX(ErrorUnwrapKeyJsonParser, 3707, KP_PROTOCOL, "unwrap", KP_ORIGIN_EMITTED,                   \
       "The vault's answer to an unwrap request is not JSON.", KP_CODE_ADVICE_ANSWER)              \
    XX(ErrorUnwrapKeyExtractValue, 3708, KP_PROTOCOL, "unwrap", KP_ORIGIN_EMITTED,                 \
       "The vault's answer to an unwrap request has no result (value) in it.",                     \
       KP_CODE_ADVICE_ANSWER)                                                                      \
    XX(ErrorUnwrapKeyNoResponse, 3709, KP_TRANSIENT, "unwrap", KP_ORIGIN_EMITTED,                  \
       "The vault gave no answer to an unwrap request.", KP_CODE_ADVICE_CUT)

/* Proving the identity, with a secret or with a certificate. */
#define KP_CODE_MAP_IDENTITY(XX)                                                                   \
    XX(ErrorSecretAuthParamsGetRequestBody, 3800, KP_AUTH, "aad-auth", KP_ORIGIN_EMITTED,          \
       "No token request could be made from the client id and the client secret.",                 \
       "SECRET starts with the 32 hexadecimal digits of the client id, without hyphens, and the "  \
       "client secret follows directly: `ALTER CREDENTIAL name WITH IDENTITY = 'VAULT', SECRET "   \
       "= '...'`. For a configured identity run `kp config check`.")                               \
    XX(ErrorJWTTokenCreateHeader, 3801, KP_INTERNAL, "aad-auth", KP_ORIGIN_EMITTED,                \
       "The header of the signed login statement (client assertion) could not be written.",        \
       KP_CODE_ADVICE_REPORT)                                                                      \
    XX(ErrorJWTTokenCreatePayloadGUID, 3802, KP_INTERNAL, "aad-auth", KP_ORIGIN_EMITTED,           \
       "The client assertion got no unique id: the system's random source failed.",                \
       "`openssl rand -hex 16` has to print something on this machine. If it does, report it "     \
       "with the output of `kp version` and the log line.")                                        \
    XX(ErrorJWTTokenCreatePayload, 3803, KP_INTERNAL, "aad-auth", KP_ORIGIN_EMITTED,               \
       "The payload of the client assertion could not be written.", KP_CODE_ADVICE_REPORT)         \
    XX(ErrorJWTTokenCreateSignature, 3804, KP_AUTH, "aad-auth", KP_ORIGIN_EMITTED,                 \
       "The client assertion could not be signed.",                                                \
       "Run `kp config check`, and see that the certificate's private key can be read by this "    \
       "account and is RSA.")                                                                      \
    XX(ErrorJWTTokenSignatureHashAlg, 3805, KP_UNSUPPORTED, "aad-auth", KP_ORIGIN_EMITTED,         \
       "The cryptographic library offers no SHA-256 for the client assertion.",                    \
       KP_CODE_ADVICE_CRYPTO)                                                                      \
    XX(ErrorJWTTokenSignatureHash, 3806, KP_INTERNAL, "aad-auth", KP_ORIGIN_EMITTED,               \
       "The SHA-256 digest of the client assertion could not be computed.", KP_CODE_ADVICE_REPORT) \
    XX(ErrorJWTTokenSignatureSignHash, 3807, KP_AUTH, "aad-auth", KP_ORIGIN_EMITTED,               \
       "The identity's private key would not sign the digest of the client assertion.",            \
       "Certificate and key must belong together: `openssl x509 -in CERT -noout -modulus` and "    \
       "`openssl rsa -in KEY -noout -modulus` print the same value.")                              \
    XX(ErrorJWTTokenCreateToken, 3808, KP_INTERNAL, "aad-auth", KP_ORIGIN_EMITTED,                 \
       "The finished client assertion could not be put together.", KP_CODE_ADVICE_REPORT)          \
    XX(ErrorPfxCertAuthParamsImportPfx, 3809, KP_CONFIG, "aad-auth", KP_ORIGIN_EMITTED,            \
       "The identity's PFX file could not be opened: wrong password or damaged file.",             \
       "`openssl pkcs12 -in FILE -info -noout` asks for the password and tells the two apart. "    \
       "Then run `kp config check`.")                                                              \
    XX(ErrorPfxCertAuthParamsGetThumbprint, 3810, KP_CONFIG, "aad-auth", KP_ORIGIN_EMITTED,        \
       "The thumbprint of the certificate in the PFX file could not be read.",                     \
       "`openssl pkcs12 -in FILE -nokeys` has to show a certificate. If it does not, export the "  \
       "PFX file again.")                                                                          \
    XX(ErrorPfxCertAuthParamsGetPrivateKey, 3811, KP_CONFIG, "aad-auth", KP_ORIGIN_EMITTED,        \
       "The PFX file gave no private key.",                                                        \
       "Export the PFX file again together with its private key. `openssl pkcs12 -in FILE -info "  \
       "-noout` lists what is inside.")                                                            \
    XX(ErrorPfxCertAuthParamsSignAlg, 3812, KP_UNSUPPORTED, "aad-auth", KP_ORIGIN_EMITTED,         \
       "The cryptographic library offers no RSA signature for the PFX certificate.",               \
       KP_CODE_ADVICE_CRYPTO)                                                                      \
    XX(ErrorPfxCertAuthParamsImportForSign, 3813, KP_CONFIG, "aad-auth", KP_ORIGIN_EMITTED,        \
       "The private key of the PFX file could not be loaded for signing.",                         \
       "Use a certificate with an RSA key of 2048, 3072 or 4096 bits (`openssl pkcs12 -in FILE "   \
       "-nokeys | openssl x509 -noout -text` shows it) and see that this account may read the "    \
       "file.")                                                                                    \
    XX(ErrorPfxCertAuthParamsCreateRequestBody, 3814, KP_INTERNAL, "aad-auth", KP_ORIGIN_EMITTED,  \
       "No token request could be made with the PFX certificate.", KP_CODE_ADVICE_REPORT)          \
    XX(ErrorPEMCertAuthParamsGetThumbprint, 3815, KP_CONFIG, "aad-auth", KP_ORIGIN_EMITTED,        \
       "The thumbprint that goes with the PEM certificate is not base64.",                         \
       "Make it again: `openssl x509 -in CERT -outform DER | openssl dgst -sha1 -binary | "        \
       "openssl base64`. Then run `kp config check`.")                                             \
    XX(ErrorPEMCertAuthParamsGetPrivateKey, 3816, KP_CONFIG, "aad-auth", KP_ORIGIN_EMITTED,        \
       "The PEM file gave no RSA private key.",                                                    \
       "`openssl rsa -in KEY -check -noout` has to say that the key is ok. A key with a "          \
       "passphrase needs the passphrase in the configuration.")                                    \
    XX(ErrorPEMCertAuthParamsSignAlg, 3817, KP_UNSUPPORTED, "aad-auth", KP_ORIGIN_EMITTED,         \
       "The cryptographic library offers no RSA signature for the PEM certificate.",               \
       KP_CODE_ADVICE_CRYPTO)                                                                      \
    XX(ErrorPEMCertAuthParamsImportForSign, 3818, KP_CONFIG, "aad-auth", KP_ORIGIN_EMITTED,        \
       "The private key of the PEM file could not be loaded for signing.",                         \
       "Use an RSA key of at least 2048 bits (`openssl rsa -in KEY -text -noout` tells its "       \
       "size) and see that this account may read the file.")                                       \
    XX(ErrorPEMCertAuthParamsCreateRequestBody, 3819, KP_INTERNAL, "aad-auth", KP_ORIGIN_EMITTED,  \
       "No token request could be made with the PEM certificate.", KP_CODE_ADVICE_REPORT)          \
    XX(ErrorLegacyPrivateKeyAuthParamsSignAlg, 3820, KP_UNSUPPORTED, "aad-auth",                   \
       KP_ORIGIN_EMITTED,                                                                          \
       "The cryptographic library offers no RSA signature for a private key in the old form.",     \
       KP_CODE_ADVICE_CRYPTO)                                                                      \
    XX(ErrorLegacyPrivateKeyAuthParamsImportForSign, 3821, KP_CONFIG, "aad-auth",                  \
       KP_ORIGIN_EMITTED, "The private key in the old form could not be loaded for signing.",      \
       "Convert it with `openssl pkey -in KEY -out NEW`, name the new file in the configuration "  \
       "and run `kp config check`.")                                                               \
    XX(ErrorLegacyPrivateKeyAuthParamsCreateRequestBody, 3822, KP_INTERNAL, "aad-auth",            \
       KP_ORIGIN_EMITTED, "No token request could be made with a private key in the old form.",    \
       KP_CODE_ADVICE_REPORT)

/* Name resolution and retries. */
#define KP_CODE_MAP_REST(XX)                                                                       \
    XX(ErrorAKVDoesNotExist, 3900, KP_NOT_FOUND, "dns", KP_ORIGIN_EMITTED,                         \
       "The vault's host name has no address: the vault was deleted, the name is misspelt or "     \
       "has another cloud's suffix, or a private DNS entry is missing.",                           \
       "Type `nslookup HOST` on this machine. IDENTITY without a dot stands for "                  \
       "NAME.vault.azure.net; a Managed HSM and the other clouds need the full host name.")        \
    XX(ErrorCreateKeyVaultRetryManagerOutOfMemory, 4000, KP_NO_MEMORY, "retry", KP_ORIGIN_EMITTED, \
       "Memory ran out while the retry of a request was prepared.", KP_CODE_ADVICE_MEMORY)

/* ---- All of them ---- */

/* Every row, ascending: LX for the legacy rows, XX for the others. */
#define KP_CODE_MAP_SPLIT(XX, LX)                                                                  \
    KP_CODE_MAP_EKM(XX)                                                                            \
    KP_CODE_MAP_VAULT(XX)                                                                          \
    KP_CODE_MAP_LEGACY(LX)                                                                         \
    KP_CODE_MAP_HTTP(XX)                                                                           \
    KP_CODE_MAP_LOGIN(XX)                                                                          \
    KP_CODE_MAP_KEY(XX)                                                                            \
    KP_CODE_MAP_WRAP(XX)                                                                           \
    KP_CODE_MAP_IDENTITY(XX)                                                                       \
    KP_CODE_MAP_REST(XX)

#define KP_CODE_MAP(XX) KP_CODE_MAP_SPLIT(XX, XX)

#endif /* KP_KEYPROVIDER_CODES_H */
