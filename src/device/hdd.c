/* hdd.c - a hard disk: the arm moves, the platter turns, the bytes pass under the head.
 *
 *      ns = seek + half a turn + bytes / bandwidth
 *
 * A request that begins where the last one ended pays only for its bytes: the head is there. The
 * first request of all pays in full. Half a turn is what a head waits on average for a place
 * anywhere on its track; seek is the data sheet's average over all pairs of places.
 *
 * Defaults: an enterprise drive of 7200 rpm, HGST Ultrastar 7K4000 (OEM specification, section 4.4
 * "Performance characteristics": average seek 8.2 ms typical for reads and writes, 7200 rpm, so
 * 4.17 ms half a turn; data sheet: 171 MB/s sustained at the outer edge).
 *
 * Not here: seeks by distance, zones, a write cache, queues.
 */
#include <pagoda/device.h>

static const struct vm_param params[] = {
    {"seek_us", VM_PARAM_REAL, "8200", 0, 1e6, NULL, "average seek, microseconds"},
    {"rpm", VM_PARAM_REAL, "7200", 1, 1e6, NULL, "turns a minute"},
    {"mbps", VM_PARAM_REAL, "171", 1e-3, 1e6, NULL, "bandwidth, 10^6 bytes a second"},
};

struct hdd {
    double reach_ns; /* seek and half a turn */
    double byte_ns;
    uint64_t head; /* the position it is at */
};

static size_t hdd_size(void)
{
    return sizeof(struct hdd);
}

static void hdd_init(void *state, const struct vm_params *p)
{
    double half_turn_ns = 60e9 / vm_params_real(p, "rpm") / 2;
    *(struct hdd *)state =
        (struct hdd){.reach_ns = vm_params_real(p, "seek_us") * 1e3 + half_turn_ns,
                     .byte_ns = 1e3 / vm_params_real(p, "mbps"),
                     .head = UINT64_MAX};
}

static uint32_t hdd_depth(const void *state)
{
    (void)state;
    return 1; /* one arm */
}

static struct vm_service hdd_service(void *state, enum vm_transfer kind, uint64_t position,
                                     uint64_t bytes, uint64_t start_ns)
{
    (void)kind, (void)start_ns;
    struct hdd *d = state;
    double reach_ns = position == d->head ? 0 : d->reach_ns;
    d->head = position + bytes;
    return (struct vm_service){.latency_ns = (uint64_t)(reach_ns + 0.5),
                               .bus_ns = (uint64_t)((double)bytes * d->byte_ns + 0.5)};
}

const struct vm_device_ops vm_device_hdd = {
    .name = "hdd",
    .summary = "hard disk: a seek and half a turn, unless the request follows the last one",
    .param = params,
    .nparams = sizeof params / sizeof params[0],
    .server = VM_SERVED_BY_DEVICE,
    .size = hdd_size,
    .init = hdd_init,
    .depth = hdd_depth,
    .service = hdd_service,
};
