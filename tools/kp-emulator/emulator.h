/*
 * The parts of one running emulator. Everything here belongs to the server's loop, one thread; key
 * operations run in the library's own threads and come back through the backend's queue.
 */
#ifndef KP_TOOLS_KP_EMULATOR_EMULATOR_H
#define KP_TOOLS_KP_EMULATOR_EMULATOR_H

#include <event2/event.h>
#include <event2/http.h>

#include "tools/kp-emulator/backend.h"
#include "tools/kp-emulator/certs.h"
#include "tools/kp-emulator/jwt.h"
#include "tools/kp-emulator/scenario.h"
#include "tools/kp-emulator/settings.h"
#include "tools/kp-emulator/vault.h"

#define EMU_FOLDER_MAX_LEN 512u
#define EMU_PATH_ROOM 1024u

/* What a port stands for when the Host header does not say. */
enum emu_role { EMU_ROLE_VAULT = 0, EMU_ROLE_HSM, EMU_ROLE_LOGIN, EMU_ROLE_METADATA, EMU_N_ROLES };

/* Ports of the command line: the roles', and the proxy's. */
enum { EMU_PORT_PROXY = EMU_N_ROLES, EMU_N_PORTS };

struct emu_listener {
    struct emu *emu;
    enum emu_role role;
    uint32_t region; /* of a Managed HSM's: 0 or 1 */
    struct evhttp *http;
    const char *address;
    uint16_t port;
    struct evhttp_bound_socket *bound; /* NULL: nobody gets a connection */
};

enum emu_region_state {
    EMU_REGION_OPEN = 0,
    EMU_REGION_CUT,   /* connections are reset and refused */
    EMU_REGION_SILENT /* connections come about, answers do not */
};

struct emu_region {
    enum emu_region_state state;
    uint64_t n_requests;
};

#define EMU_REGIONS_MAX 2u

struct emu {
    struct emu_settings settings;
    struct event_base *base;
    struct emu_listener listeners[EMU_N_ROLES];
    struct emu_listener far_hsm; /* the second region of the Managed HSMs */
    struct emu_region regions[EMU_REGIONS_MAX];
    size_t n_regions;       /* 1, or 2 */
    int64_t region_delay_s; /* until a new key version shows in the other region */
    struct emu_proxy *proxy;
    SSL_CTX *tls;
    uint8_t tls_sha1[20]; /* thumbprint of the server's certificate */
    struct emu_ca ca;
    struct emu_signer signer;      /* of access tokens */
    struct emu_signer attestation; /* of the test attestation authority */
    struct emu_backend backend;
    struct emu_vault vaults[EMU_VAULTS_MAX];
    size_t n_vaults;
    struct emu_scenario scenario;
    json_t *counts;                 /* requests by kind */
    struct emu_exchange *exchanges; /* all that have not ended, newest first */
    size_t n_exchanges;
    bool logs_refusals;
    char folder[EMU_FOLDER_MAX_LEN];
    char identity_secret[33]; /* App Service, Service Fabric */
    char arc_secret[33];
    char arc_folder[EMU_PATH_ROOM];
};

/* The vault a host name stands for, or the first of the role's mode; NULL when there is none. */
struct emu_vault *emu_find_vault(struct emu *emu, kp_span host, enum emu_role role);

#endif /* KP_TOOLS_KP_EMULATOR_EMULATOR_H */
