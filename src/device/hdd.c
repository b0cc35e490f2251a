/* hdd.c - a hard disk: the arm moves, the platter turns, the bytes pass under the head.
 *
 *      latency = seek(distance) + the turn until the place comes by;  bus = bytes / bandwidth
 *
 * Positions lie on tracks of one turn's bytes each. The seek over a part x of all tracks is
 *
 *      0                      on the same track
 *      settle + k shape(x)    shape: 0.4 sqrt(d) to d = 383, then on with slope 0.008; d = 1962 x
 *
 * the curve that Ruemmler and Wilkes measured of an HP 97560 (3.24 + 0.400 sqrt(d) ms, 8.00 + 0.008
 * d beyond 383 of its 1962 cylinders), with a start of its own and stretched by k so that the mean
 * over all pairs of tracks is the data sheet's average seek. The platter's angle is a matter of
 * time: whoever comes a little late waits a whole turn. A request that begins where the last one
 * ended pays only for its bytes, however late: the drive has read on into its buffer, or gathers
 * what is written there. The first request of all takes the average seek and half a turn.
 *
 * Defaults: an enterprise drive of 7200 rpm, HGST Ultrastar 7K4000 (OEM specification, section 4.4
 * "Performance characteristics": average seek 8.2 ms typical for reads and writes, 7200 rpm; data
 * sheet: 4 TB, 171 MB/s sustained at the outer edge). It does not state a single-track seek: 1.0 ms
 * is that of the maker's 5K320 (OEM specification, table 7).
 *
 * C. Ruemmler, J. Wilkes, "An introduction to disk drive modeling", IEEE Computer 27(3) 1994.
 *
 * Not here: zones, heads and their skew, a buffer that fills up, requests served out of their
 * order.
 */
#include "base/assert.h"

#include <math.h>
#include <pagoda/device.h>

static const struct vm_param params[] = {
    {"seek_us", VM_PARAM_REAL, "8200", 0, 1e6, NULL, "average seek, microseconds"},
    {"settle_us", VM_PARAM_REAL, "1000", 0, 1e6, NULL,
     "the shortest seek, to the next track; at most the average"},
    {"rpm", VM_PARAM_REAL, "7200", 1, 1e6, NULL, "turns a minute"},
    {"mbps", VM_PARAM_REAL, "171", 1e-3, 1e6, NULL, "bandwidth, 10^6 bytes a second"},
    {"bytes", VM_PARAM_BYTES, "4000000000000", 1, 9e18, NULL, "capacity"},
};

struct hdd {
    double seek_ns, settle_ns;
    double shape_ns; /* k */
    double turn_ns, byte_ns;
    double tracks, track_bytes;
    uint64_t bytes;
    uint64_t head; /* the position it is at; UINT64_MAX: not known yet */
};

#define CYLINDERS 1962.0 /* of the HP 97560 */
#define BEND      383.0

static double shape(double d)
{
    return d <= BEND ? 0.4 * sqrt(d) : 0.4 * sqrt(BEND) + 0.008 * (d - BEND);
}

/* The mean of shape over all pairs of places: a distance x of the whole has the density 2 (1 - x).
 */
static double shape_mean(void)
{
    double b = BEND / CYLINDERS, root = 0.4 * sqrt(CYLINDERS), slope = 0.008 * CYLINDERS;
    double at0 = 0.4 * sqrt(BEND) - 0.008 * BEND; /* the straight part's value at x = 0 */
    double curved = 2 * root * (2.0 / 3 * pow(b, 1.5) - 2.0 / 5 * pow(b, 2.5));
    double straight =
        2 * (at0 * (1 - b) + (slope - at0) * (1 - b * b) / 2 - slope * (1 - b * b * b) / 3);
    return curved + straight;
}

static size_t hdd_size(void)
{
    return sizeof(struct hdd);
}

static void hdd_init(void *state, const struct vm_params *p)
{
    struct hdd *d = state;
    *d = (struct hdd){.seek_ns = vm_params_real(p, "seek_us") * 1e3,
                      .settle_ns = vm_params_real(p, "settle_us") * 1e3,
                      .turn_ns = 60e9 / vm_params_real(p, "rpm"),
                      .byte_ns = 1e3 / vm_params_real(p, "mbps"),
                      .bytes = vm_params_count(p, "bytes"),
                      .head = UINT64_MAX};
    if (d->settle_ns > d->seek_ns)
        d->settle_ns = d->seek_ns;
    d->shape_ns = (d->seek_ns - d->settle_ns) / shape_mean();
    d->track_bytes = d->turn_ns / d->byte_ns;
    d->tracks = (double)d->bytes / d->track_bytes;
}

static uint32_t hdd_depth(const void *state)
{
    (void)state;
    return 1; /* one arm */
}

static double seek_ns(const struct hdd *d, double from, double to)
{
    double tracks = fabs(floor(to / d->track_bytes) - floor(from / d->track_bytes));
    return tracks < 1 ? 0 : d->settle_ns + d->shape_ns * shape(tracks / d->tracks * CYLINDERS);
}

/* Until the place comes under the head that is above its track at time `now`. */
static double turn_ns(const struct hdd *d, double place, double now)
{
    double wanted = fmod(place, d->track_bytes) / d->track_bytes;
    double there = fmod(now, d->turn_ns) / d->turn_ns;
    return (wanted - there + (wanted < there)) * d->turn_ns;
}

static double latency_ns(const struct hdd *d, uint64_t position, uint64_t start_ns)
{
    if (d->head == UINT64_MAX)
        return d->seek_ns + d->turn_ns / 2;
    if (position == d->head)
        return 0;
    double place = (double)(position % d->bytes);
    double seek = seek_ns(d, (double)(d->head % d->bytes), place);
    return seek + turn_ns(d, place, (double)start_ns + seek);
}

static struct vm_service hdd_service(void *state, enum vm_transfer kind, uint64_t position,
                                     uint64_t bytes, uint64_t start_ns)
{
    (void)kind;
    struct hdd *d = state;
    double latency = latency_ns(d, position, start_ns);
    VM_ASSERT(latency >= 0);
    d->head = position + bytes;
    return (struct vm_service){.latency_ns = (uint64_t)(latency + 0.5),
                               .bus_ns = (uint64_t)((double)bytes * d->byte_ns + 0.5)};
}

const struct vm_device_ops vm_device_hdd = {
    .name = "hdd",
    .summary = "hard disk: a seek by its distance, a turn by the time, unless the request follows",
    .param = params,
    .nparams = sizeof params / sizeof params[0],
    .server = VM_SERVED_BY_DEVICE,
    .size = hdd_size,
    .init = hdd_init,
    .depth = hdd_depth,
    .service = hdd_service,
    .kept = vm_device_kept_outside,
};
