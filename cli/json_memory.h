/* Memory of the JSON reader, wiped when freed: a JWK that is imported passes through it. */
#ifndef KP_CLI_JSON_MEMORY_H
#define KP_CLI_JSON_MEMORY_H

/*
 * Makes Jansson allocate wiped memory in this process. Call it first, from the only thread. No JSON
 * value may live across kp_provider_open: the library may bring an allocator of its own.
 */
void cli_json_memory_use(void);

#endif /* KP_CLI_JSON_MEMORY_H */
