/*
 * Every limit, time-out and default of a vault and of a provider, one row each. The structs, their
 * defaults, the parser, the effective configuration, the JSON Schema and the tables of
 * docs/CONFIG.md are all made from these rows.
 *
 * Row: XX(member, "path in JSON", default, min, max, unit, reloadable, "doc")
 * unit: the tail of an enum kpi_unit. reloadable: 1 when a running provider takes a new value.
 */
#ifndef KP_CORE_CONFIG_LIMITS_H
#define KP_CORE_CONFIG_LIMITS_H

#include <stdint.h>

/* XX(SYMBOL, number, "text"). A BOOLEAN is true or false in JSON, 1 or 0 in the struct. */
#define KPI_UNIT_MAP(XX)                                                                           \
    XX(NONE, 0, "")                                                                                \
    XX(COUNT, 1, "count")                                                                          \
    XX(MS, 2, "ms")                                                                                \
    XX(PERCENT, 3, "percent")                                                                      \
    XX(KIB, 4, "KiB")                                                                              \
    XX(BOOLEAN, 5, "boolean")

enum kpi_unit {
#define XX(symbol, number, text) KPI_UNIT_##symbol = (number),
    KPI_UNIT_MAP(XX)
#undef XX
};

/* Limits of one vault; in JSON members of "defaults" and of each vault. */
#define KPI_VAULT_LIMIT_MAP(XX)                                                                    \
    XX(timeout_ms, "timeout_ms", 30000, 1, 3600000, MS, 1,                                         \
       "deadline of an operation whose caller gives none")                                         \
    XX(open_timeout_ms, "open_timeout_ms", 30000, 1, 3600000, MS, 1,                               \
       "time the plugin has to open the vault")                                                    \
    XX(fetch_timeout_ms, "fetch_timeout_ms", 10000, 1, 3600000, MS, 1,                             \
       "deadline of a metadata fetch that several operations share")                               \
    XX(max_in_flight, "max_in_flight", 0, 0, 65535, COUNT, 1,                                      \
       "operations handed to the plugin at once; 0: the plugin's own default, else 256")           \
    XX(max_queued, "max_queued", 4096, 0, 1048576, COUNT, 1,                                       \
       "operations that may wait for a place in flight; one more is refused")                      \
    XX(retry_max_attempts, "retry.max_attempts", 5, 1, 100, COUNT, 1,                              \
       "attempts of one operation, the first included")                                            \
    XX(retry_base_ms, "retry.base_ms", 100, 1, 60000, MS, 1,                                       \
       "upper bound of the first random pause; doubles with each attempt")                         \
    XX(retry_cap_ms, "retry.cap_ms", 10000, 1, 600000, MS, 1, "upper bound of any random pause")   \
    XX(retry_budget_percent, "retry.budget_percent", 20, 0, 1000, PERCENT, 1,                      \
       "retries allowed per first attempts, over time")                                            \
    XX(retry_budget_burst, "retry.budget_burst", 10, 0, 100000, COUNT, 1,                          \
       "retries that may be saved up for a bad moment")                                            \
    XX(breaker_failures, "breaker.failures", 5, 1, 10000, COUNT, 1,                                \
       "failures in a row that open the circuit breaker")                                          \
    XX(breaker_open_ms, "breaker.open_ms", 5000, 1, 3600000, MS, 1,                                \
       "time an open breaker refuses before the first probe")                                      \
    XX(breaker_open_max_ms, "breaker.open_max_ms", 60000, 1, 3600000, MS, 1,                       \
       "longest time between probes; the time doubles with each failed one")                       \
    XX(cache_metadata_ms, "cache.metadata_ms", 300000, 0, 300000, MS, 1,                           \
       "time key metadata is answered from memory; 0: never")                                      \
    XX(cache_entries, "cache.entries", 1024, 1, 1048576, COUNT, 0,                                 \
       "key versions whose metadata is kept")                                                      \
    XX(cache_stale_ms, "cache.stale_ms", 0, 0, 86400000, MS, 1,                                    \
       "time past its lifetime that metadata still serves while the vault is unreachable")         \
    XX(local_public_ops, "local_public_ops", 0, 0, 1, BOOLEAN, 1,                                  \
       "encrypt, wrap and verify here with the public part of the key")

/* Limits of the provider; in JSON members of the root. */
#define KPI_PROVIDER_LIMIT_MAP(XX)                                                                 \
    XX(loops, "provider.loops", 1, 1, 64, COUNT, 0, "loop threads; a vault belongs to one")        \
    XX(workers, "provider.workers", 0, 0, 1024, COUNT, 0,                                          \
       "worker threads for files and computation; 0: one per core")                                \
    XX(inline_permits, "provider.inline_permits", 0, 0, 65535, COUNT, 0,                           \
       "computations on callers' threads at once; 0: two to eight per core, the more the longer "  \
       "they take")                                                                                \
    XX(max_operations, "provider.max_operations", 16384, 16, 1048576, COUNT, 0,                    \
       "operations a loop holds at once, queued ones included")                                    \
    XX(max_vaults, "provider.max_vaults", 1024, 1, 65536, COUNT, 0, "vaults in use at once")       \
    XX(secret_arena_kib, "provider.secret_arena_kib", 16384, 64, 4194304, KIB, 0,                  \
       "locked memory kept for secrets")                                                           \
    XX(close_timeout_ms, "provider.close_timeout_ms", 10000, 1, 3600000, MS, 1,                    \
       "time the end of the process waits for a provider left open")                               \
    XX(log_lines_per_second, "log.lines_per_second", 1000, 1, 1000000, COUNT, 1,                   \
       "log lines written per second; what is above is counted")                                   \
    XX(http_connect_timeout_ms, "http.connect_timeout_ms", 10000, 1, 3600000, MS, 0,               \
       "time to get a connection, TLS included, where the plugin says nothing")                    \
    XX(http_timeout_ms, "http.timeout_ms", 60000, 1, 3600000, MS, 0,                               \
       "time of a request that belongs to no operation, where the plugin says nothing")            \
    XX(http_max_connections, "http.max_connections", 256, 1, 4096, COUNT, 0,                       \
       "HTTP/1.1 connections of a loop to one server")                                             \
    XX(http_max_connections_h2, "http.max_connections_h2", 4, 1, 256, COUNT, 0,                    \
       "HTTP/2 connections of a loop to one server")                                               \
    XX(http_max_streams, "http.max_streams", 100, 1, 1000, COUNT, 0,                               \
       "requests at once on one HTTP/2 connection")                                                \
    XX(http_h2_framing, "http.h2_framing", 1, 0, 1, BOOLEAN, 0,                                    \
       "frames of HTTP/2 are our own; false leaves them to libcurl")                               \
    XX(http_max_queued, "http.max_queued", 16384, 1, 1048576, COUNT, 0,                            \
       "requests that may wait for a connection to one server; one more is refused")               \
    XX(http_max_reply_kib, "http.max_reply_kib", 4096, 1, 1048576, KIB, 0,                         \
       "longest body of an answer, where the plugin says nothing")                                 \
    XX(http_max_headers_kib, "http.max_headers_kib", 64, 1, 1024, KIB, 0,                          \
       "longest headers of an answer, all together")                                               \
    XX(http_idle_ms, "http.idle_ms", 60000, 1, 3600000, MS, 0,                                     \
       "time without a request after which connections are not used again")                        \
    XX(http_max_age_ms, "http.max_age_ms", 600000, 1, 86400000, MS, 0,                             \
       "age at which connections are replaced")                                                    \
    XX(http_dns_lifetime_ms, "http.dns.lifetime_ms", 30000, 1, 3600000, MS, 0,                     \
       "time an address is used before its name is looked up again")                               \
    XX(http_dns_stale_ms, "http.dns.stale_ms", 300000, 0, 86400000, MS, 0,                         \
       "time past its lifetime that the last good address serves while the look-up takes or "      \
       "fails")                                                                                    \
    XX(http_dns_max_lookups, "http.dns.max_lookups", 16, 1, 1024, COUNT, 0,                        \
       "names looked up at once; one more fails at once")

/* Numbers and switches of the SQL Server provider; in JSON members of "ekm". */
#define KPI_EKM_LIMIT_MAP(XX)                                                                      \
    XX(timeout_ms, "timeout_ms", 30000, 1000, 3600000, MS, 0, "time of one call of SQL Server")    \
    XX(patience_ms, "patience_ms", 45000, 0, 3600000, MS, 0,                                       \
       "time from the start of the process, for each vault, during which calls that fail for "     \
       "passing reasons are tried again")                                                          \
    XX(bad_credential_ms, "bad_credential_ms", 60000, 0, 86400000, MS, 0,                          \
       "time a credential that its vault refused is refused without asking again")                 \
    XX(report_3072_as_2048, "report_3072_as_2048", 1, 0, 1, BOOLEAN, 0,                            \
       "RSA keys of 3072 bits are shown as RSA_2048")                                              \
    XX(create_keys, "create_keys", 1, 0, 1, BOOLEAN, 0,                                            \
       "CREATION_DISPOSITION = CREATE_NEW may create keys")                                        \
    XX(drop_keys, "drop_keys", 0, 0, 1, BOOLEAN, 0, "REMOVE PROVIDER KEY may delete keys")         \
    XX(unwrap_cache_ms, "unwrap_cache_ms", 0, 0, 86400000, MS, 0,                                  \
       "time an unwrapped value is kept in secret memory; 0: never")                               \
    XX(unwrap_cache_entries, "unwrap_cache_entries", 256, 1, 65536, COUNT, 0,                      \
       "unwrapped values of one credential kept at once")                                          \
    XX(max_sessions, "max_sessions", 65536, 1, 1048576, COUNT, 0, "sessions open at once")         \
    XX(event_level, "event_level", 0, 0, 2, NONE, 0,                                               \
       "events of the system: 0 information and errors, 1 errors, 2 none")

#define XX(member, path, fallback, min, max, unit, reloadable, doc) uint32_t member;
struct kpi_vault_limits {
    KPI_VAULT_LIMIT_MAP(XX)
};
struct kpi_provider_limits {
    KPI_PROVIDER_LIMIT_MAP(XX)
};
struct kpi_ekm_limits {
    KPI_EKM_LIMIT_MAP(XX)
};
#undef XX

/* Fill in every default. Pure functions, any thread. */
void kpi_vault_limits_init(struct kpi_vault_limits *limits);
void kpi_provider_limits_init(struct kpi_provider_limits *limits);
void kpi_ekm_limits_init(struct kpi_ekm_limits *limits);

#endif /* KP_CORE_CONFIG_LIMITS_H */
