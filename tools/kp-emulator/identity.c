#include "tools/kp-emulator/identity.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/errors.h"
#include "base/iso8601.h"
#include "base/span.h"
#include "tools/kp-emulator/clock.h"
#include "tools/kp-emulator/token.h"

#define SITE "emulator.identity"
#define LIFETIME_S 86400

enum source { SOURCE_IMDS, SOURCE_APP_2019, SOURCE_APP_2017, SOURCE_ARC, SOURCE_FABRIC };

static kp_span query(const struct emu_exchange *x, const char *name)
{
    return emu_fields_get(&x->request.query, name, NULL);
}

static void fail(struct emu_exchange *x, int status, const char *error, const char *text)
{
    emu_send_json(x, status, json_pack("{s:s,s:s}", "error", error, "error_description", text));
}

/* ---- Which identity ---- */

static kp_span first_of(const struct emu_exchange *x, const char *const *names)
{
    kp_span value = {NULL, 0};
    for (size_t i = 0; names[i] && value.len == 0; i++)
        value = query(x, names[i]);
    return value;
}

static bool is_identity(const struct emu_app *app, kp_span wanted)
{
    if (wanted.len == 0)
        return app->is_system_identity;
    return (app->is_system_identity || app->is_user_identity) &&
           (kpb_span_eq_nocase(wanted, kpb_span_str(app->client_id)) ||
            kpb_span_eq_nocase(wanted, kpb_span_str(app->object_id)));
}

static const struct emu_app *find_identity(const struct emu_exchange *x)
{
    static const char *const SELECTORS[] = {
        "client_id", "object_id", "principal_id", "clientid", "msi_res_id", "mi_res_id", NULL};
    const struct emu_settings *settings = &x->emu->settings;
    kp_span wanted = first_of(x, SELECTORS);
    for (size_t i = 0; i < settings->n_apps; i++) {
        if (is_identity(&settings->apps[i], wanted))
            return &settings->apps[i];
    }
    return NULL;
}

/* ---- The answer ---- */

static void set(json_t *object, const char *name, json_t *value)
{
    (void)json_object_set_new(object, name, value);
}

static json_t *as_text(int64_t number)
{
    return json_sprintf("%lld", (long long)number);
}

/* "01/31/2026 23:59:58 +00:00", as the older App Service version writes its dates. */
static json_t *as_date(int64_t unix_s)
{
    char iso[KPB_TIME_TEXT_LEN];
    kpb_time_format(unix_s, iso);
    return json_sprintf("%.2s/%.2s/%.4s %.8s +00:00", iso + 5, iso + 8, iso, iso + 11);
}

static void set_times(json_t *reply, int64_t now)
{
    set(reply, "expires_in", as_text(LIFETIME_S));
    set(reply, "expires_on", as_text(now + LIFETIME_S));
    set(reply, "not_before", as_text(now));
}

static json_t *reply_of(enum source source, const struct emu_app *app, int64_t now)
{
    json_t *reply = json_object();
    switch (source) {
    case SOURCE_APP_2017:
        set(reply, "expires_on", as_date(now + LIFETIME_S));
        return reply;
    case SOURCE_APP_2019:
        set(reply, "expires_on", as_text(now + LIFETIME_S));
        set(reply, "client_id", json_string(app->client_id));
        return reply;
    case SOURCE_FABRIC:
        set(reply, "expires_on", json_integer(now + LIFETIME_S));
        return reply;
    case SOURCE_ARC:
        set_times(reply, now);
        set(reply, "refresh_token", json_string(""));
        return reply;
    default:
        set_times(reply, now);
        set(reply, "client_id", json_string(app->client_id));
        set(reply, "ext_expires_in", as_text(LIFETIME_S - 1));
        return reply;
    }
}

static void send_token(struct emu_exchange *x, enum source source, const struct emu_app *app,
                       const char *audience)
{
    kp_buf token;
    kp_buf_init(&token, SITE, EMU_JWT_MAX_LEN);
    json_t *reply = reply_of(source, app, emu_clock_unix_s());
    kp_status st = emu_token_make(x->emu, app, audience, LIFETIME_S, &token);
    set(reply, "access_token", emu_json_string(kp_buf_view(&token)));
    set(reply, "resource", emu_json_string(query(x, "resource")));
    set(reply, "token_type", json_string("Bearer"));
    kp_buf_clear(&token);
    if (st == KP_OK) {
        emu_send_json(x, 200, reply);
        return;
    }
    json_decref(reply);
    fail(x, 500, "server_error", "the token could not be made");
}

static void serve_token(struct emu_exchange *x, enum source source)
{
    const struct emu_app *app = find_identity(x);
    const char *audience = emu_audience_of(query(x, "resource"));
    if (!audience)
        fail(x, 400, "invalid_resource", "resource is missing or none of a vault");
    else if (!app)
        fail(x, 400, "invalid_request", "Identity not found");
    else
        send_token(x, source, app, audience);
}

/* ---- Sources ---- */

static bool has_metadata_header(const struct emu_exchange *x)
{
    return kpb_span_eq_nocase(emu_request_header(&x->request, "Metadata"), kpb_span_str("true"));
}

static bool is_secret(kp_span given, const char *wanted)
{
    return kpb_span_eq_secret(given, kpb_span_str(wanted));
}

static bool write_arc_file(const struct emu_exchange *x, const char *path)
{
    const char *secret = x->emu->arc_secret;
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return false;
    bool ok = write(fd, secret, strlen(secret)) == (ssize_t)strlen(secret);
    return close(fd) == 0 && ok;
}

/* The proof that the caller can read what only root and the agent's group may. */
static void send_arc_challenge(struct emu_exchange *x)
{
    char path[EMU_PATH_ROOM + 16];
    char header[EMU_PATH_ROOM + 48];
    (void)snprintf(path, sizeof path, "%s/emulator.key", x->emu->arc_folder);
    (void)snprintf(header, sizeof header, "Basic realm=%s", path);
    if (!write_arc_file(x, path)) {
        fail(x, 500, "server_error", strerror(errno));
        return;
    }
    emu_set_header(x, "WWW-Authenticate", header);
    fail(x, 401, "unauthorized_client", "Missing Basic Authorization header");
}

static void serve_arc(struct emu_exchange *x)
{
    char wanted[64];
    kp_span given = emu_request_header(&x->request, "Authorization");
    (void)snprintf(wanted, sizeof wanted, "Basic %s", x->emu->arc_secret);
    if (emu_meet_fault(x, "arc"))
        return;
    if (!has_metadata_header(x))
        fail(x, 403, "invalid_request", "Required metadata header not specified");
    else if (given.len == 0)
        send_arc_challenge(x);
    else if (!is_secret(given, wanted))
        fail(x, 401, "unauthorized_client", "the secret is not the one in the file");
    else
        serve_token(x, SOURCE_ARC);
}

static void serve_imds(struct emu_exchange *x)
{
    emu_set_header(x, "Server", "IMDS/150.870.65.1475");
    if (emu_meet_fault(x, "imds"))
        return;
    if (!has_metadata_header(x))
        fail(x, 400, "invalid_request", "Required metadata header not specified");
    else if (!kpb_span_eq_str(query(x, "api-version"), "2018-02-01"))
        fail(x, 400, "bad_request_102", "api-version is missing or unknown");
    else
        serve_token(x, SOURCE_IMDS);
}

static void serve_app_service(struct emu_exchange *x)
{
    bool is_2017 = kpb_span_eq_str(query(x, "api-version"), "2017-09-01");
    kp_span given = emu_request_header(&x->request, is_2017 ? "secret" : "X-IDENTITY-HEADER");
    if (emu_meet_fault(x, "app_service"))
        return;
    if (!is_2017 && !kpb_span_eq_str(query(x, "api-version"), "2019-08-01"))
        fail(x, 400, "invalid_request", "api-version is missing or unknown");
    else if (!is_secret(given, x->emu->identity_secret))
        fail(x, 401, "unauthorized_client", "the identity header is missing or wrong");
    else
        serve_token(x, is_2017 ? SOURCE_APP_2017 : SOURCE_APP_2019);
}

static void serve_fabric(struct emu_exchange *x)
{
    if (emu_meet_fault(x, "service_fabric"))
        return;
    if (!kpb_span_eq_str(query(x, "api-version"), "2019-07-01-preview"))
        fail(x, 400, "invalid_request", "api-version is missing or unknown");
    else if (!is_secret(emu_request_header(&x->request, "Secret"), x->emu->identity_secret))
        fail(x, 401, "unauthorized_client", "the secret is missing or wrong");
    else
        serve_token(x, SOURCE_FABRIC);
}

static bool is_arc_version(kp_span version)
{
    return kpb_span_eq_str(version, "2019-11-01") || kpb_span_eq_str(version, "2020-06-01");
}

void emu_serve_identity(struct emu_exchange *x)
{
    const struct emu_request *r = &x->request;
    bool is_metadata = r->n_segments == 4 && emu_segment_is(r, 0, "metadata") &&
                       emu_segment_is(r, 1, "identity") && emu_segment_is(r, 2, "oauth2") &&
                       emu_segment_is(r, 3, "token");
    if (r->method != EMU_GET)
        fail(x, 405, "invalid_request", "only GET is served here");
    else if (is_metadata && is_arc_version(query(x, "api-version")))
        serve_arc(x);
    else if (is_metadata)
        serve_imds(x);
    else if (r->n_segments == 2 && emu_segment_is(r, 0, "msi") && emu_segment_is(r, 1, "token"))
        serve_app_service(x);
    else if (r->n_segments == 2 && emu_segment_is(r, 0, "fabric") && emu_segment_is(r, 1, "token"))
        serve_fabric(x);
    else
        fail(x, 404, "not_found", "nothing is at this path");
}
