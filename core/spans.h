/*
 * Which members of the structs of types.h are spans, one list a struct: XX(member). Whoever checks,
 * counts or copies all of them does it from here, so that a member added later is forgotten
 * nowhere.
 */
#ifndef KP_CORE_SPANS_H
#define KP_CORE_SPANS_H

#define KPI_REQUEST_SPANS(XX)                                                                      \
    XX(name)                                                                                       \
    XX(version)                                                                                    \
    XX(value)                                                                                      \
    XX(iv)                                                                                         \
    XX(aad)                                                                                        \
    XX(tag)                                                                                        \
    XX(signature)                                                                                  \
    XX(page_token)                                                                                 \
    XX(nonce)                                                                                      \
    XX(enc)

#define KPI_REPLY_SPANS(XX)                                                                        \
    XX(name)                                                                                       \
    XX(version)                                                                                    \
    XX(kid)                                                                                        \
    XX(value)                                                                                      \
    XX(iv)                                                                                         \
    XX(tag)                                                                                        \
    XX(aad)                                                                                        \
    XX(next_page)

#define KPI_KEY_INFO_SPANS(XX)                                                                     \
    XX(name)                                                                                       \
    XX(version)                                                                                    \
    XX(kid)                                                                                        \
    XX(n)                                                                                          \
    XX(e)                                                                                          \
    XX(x)                                                                                          \
    XX(y)                                                                                          \
    XX(recovery_level)                                                                             \
    XX(recovery_id)                                                                                \
    XX(hsm_platform)                                                                               \
    XX(release_policy)

#define KPI_KEY_PARAMS_SPANS(XX)                                                                   \
    XX(release_policy)                                                                             \
    XX(n)                                                                                          \
    XX(e)                                                                                          \
    XX(d)                                                                                          \
    XX(p)                                                                                          \
    XX(q)                                                                                          \
    XX(dp)                                                                                         \
    XX(dq)                                                                                         \
    XX(qi)                                                                                         \
    XX(x)                                                                                          \
    XX(y)                                                                                          \
    XX(k)                                                                                          \
    XX(key_hsm)

#endif /* KP_CORE_SPANS_H */
