#include "plugins/azure-rest/token_flight.h"

#include <string.h>

#include "plugins/azure-rest/platform.h"

struct flight {
    uint64_t serial; /* 0: free */
    uint8_t fingerprint[AZR_FINGERPRINT_LEN];
    uint64_t deadline_ns;
    uint32_t n_followers;
    bool is_over; /* its leader has landed; kept until the last follower has looked */
    kp_status status;
    struct kp_error error;
};

/* All under the lock of platform.h. */
static struct {
    uint64_t last_serial;
    struct flight flights[AZR_FLIGHTS_MAX];
} air;

/* The flight of a place, unless it is another's by now. */
static struct flight *flight_of(const struct azr_flight *place)
{
    struct flight *flight = &air.flights[place->slot];
    return place->serial != 0 && flight->serial == place->serial ? flight : NULL;
}

static struct flight *find_flight(const uint8_t fingerprint[AZR_FINGERPRINT_LEN], uint64_t now_ns)
{
    for (size_t i = 0; i < AZR_FLIGHTS_MAX; i++) {
        struct flight *flight = &air.flights[i];
        if (flight->serial != 0 && !flight->is_over && now_ns < flight->deadline_ns &&
            memcmp(flight->fingerprint, fingerprint, AZR_FINGERPRINT_LEN) == 0)
            return flight;
    }
    return NULL;
}

/* Free, or past its deadline: those that still follow that one find it lost. */
static struct flight *find_room(uint64_t now_ns)
{
    for (size_t i = 0; i < AZR_FLIGHTS_MAX; i++) {
        struct flight *flight = &air.flights[i];
        if (flight->serial == 0 || now_ns >= flight->deadline_ns)
            return flight;
    }
    return NULL;
}

static struct azr_flight place_in(const struct flight *flight, bool leads)
{
    struct azr_flight place = {0, 0, leads};
    place.serial = flight->serial;
    place.slot = (uint32_t)(flight - air.flights);
    return place;
}

void azr_flight_join(const uint8_t fingerprint[AZR_FINGERPRINT_LEN], uint64_t now_ns,
                     uint64_t deadline_ns, struct azr_flight *ret)
{
    memset(ret, 0, sizeof *ret);
    azr_platform_lock();
    struct flight *flight = find_flight(fingerprint, now_ns);
    if (flight) {
        flight->n_followers++;
        *ret = place_in(flight, false);
    } else if ((flight = find_room(now_ns)) != NULL) {
        memset(flight, 0, sizeof *flight);
        memcpy(flight->fingerprint, fingerprint, AZR_FINGERPRINT_LEN);
        flight->serial = ++air.last_serial;
        flight->deadline_ns = deadline_ns;
        *ret = place_in(flight, true);
    }
    azr_platform_unlock();
}

void azr_flight_land(struct azr_flight *place, kp_status status, const struct kp_error *error)
{
    azr_platform_lock();
    struct flight *flight = place->leads ? flight_of(place) : NULL;
    if (flight && flight->n_followers > 0) {
        flight->is_over = true;
        flight->status = status;
        if (status != KP_OK)
            flight->error = *error;
    } else if (flight) {
        flight->serial = 0;
    }
    azr_platform_unlock();
    if (place->leads)
        memset(place, 0, sizeof *place);
}

enum azr_flight_view azr_flight_look(const struct azr_flight *place, uint64_t now_ns,
                                     kp_status *ret_status, struct kp_error *reterr)
{
    enum azr_flight_view view = AZR_FLIGHT_LOST;
    azr_platform_lock();
    const struct flight *flight = flight_of(place);
    if (flight && flight->is_over && flight->status != KP_OK) {
        *ret_status = flight->status;
        *reterr = flight->error;
        view = AZR_FLIGHT_FAILED;
    } else if (flight && flight->is_over) {
        view = AZR_FLIGHT_LANDED;
    } else if (flight && now_ns < flight->deadline_ns) {
        view = AZR_FLIGHT_UNDER_WAY;
    }
    azr_platform_unlock();
    return view;
}

void azr_flight_leave(struct azr_flight *place)
{
    azr_platform_lock();
    struct flight *flight = flight_of(place);
    if (flight && place->leads)
        flight->serial = 0;
    else if (flight && --flight->n_followers == 0 && flight->is_over)
        flight->serial = 0;
    azr_platform_unlock();
    memset(place, 0, sizeof *place);
}
