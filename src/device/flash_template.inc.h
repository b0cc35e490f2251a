/* flash_template.inc.h - a solid-state drive: a time for a small request, then bandwidth.
 *
 *      ns = time of a 4 KiB request + (bytes beyond 4 KiB) / bandwidth
 *
 * A small request costs as much as one of 4 KiB, the unit that drives are quoted and measured in.
 * Position does not matter. Of that time the bytes, at the bandwidth, are the bus's; what is left
 * is latency, which overlaps with other requests'. So a drive with many requests under way comes as
 * near to its bandwidth as its depth allows.
 *
 * Before including it a row defines FLASH_OPS (its symbol), FLASH_NAME, FLASH_SUMMARY and the
 * defaults, as text: FLASH_READ_US, FLASH_WRITE_US (of 4 KiB, at queue depth 1), FLASH_READ_MBPS,
 * FLASH_WRITE_MBPS, FLASH_DEPTH.
 *
 * Not here: garbage collection, wear, a write cache that fills up; reads and writes share one bus.
 */
#include <pagoda/device.h>

#define FLASH_UNIT_BYTES 4096

static const struct vm_param params[] = {
    {"read_us", VM_PARAM_REAL, FLASH_READ_US, 0, 1e6, NULL, "a read of 4 KiB, microseconds"},
    {"write_us", VM_PARAM_REAL, FLASH_WRITE_US, 0, 1e6, NULL, "a write of 4 KiB, microseconds"},
    {"read_mbps", VM_PARAM_REAL, FLASH_READ_MBPS, 1e-3, 1e6, NULL,
     "bandwidth of large reads, 10^6 bytes a second"},
    {"write_mbps", VM_PARAM_REAL, FLASH_WRITE_MBPS, 1e-3, 1e6, NULL,
     "bandwidth of large writes, 10^6 bytes a second"},
    {"depth", VM_PARAM_COUNT, FLASH_DEPTH, 1, VM_QUEUE_DEPTH_MAX, NULL,
     "requests under way at once"},
};

struct flash {
    double unit_ns[VM_TRANSFERS], byte_ns[VM_TRANSFERS];
    uint32_t depth;
};

static size_t flash_size(void)
{
    return sizeof(struct flash);
}

static void flash_init(void *state, const struct vm_params *p)
{
    *(struct flash *)state = (struct flash){
        .unit_ns = {vm_params_real(p, "read_us") * 1e3, vm_params_real(p, "write_us") * 1e3},
        .byte_ns = {1e3 / vm_params_real(p, "read_mbps"), 1e3 / vm_params_real(p, "write_mbps")},
        .depth = (uint32_t)vm_params_count(p, "depth"),
    };
}

static uint32_t flash_depth(const void *state)
{
    return ((const struct flash *)state)->depth;
}

static struct vm_service flash_service(void *state, enum vm_transfer kind, uint64_t position,
                                       uint64_t bytes, uint64_t start_ns)
{
    (void)position, (void)start_ns;
    const struct flash *d = state;
    uint64_t more = bytes > FLASH_UNIT_BYTES ? bytes - FLASH_UNIT_BYTES : 0;
    uint64_t ns = (uint64_t)(d->unit_ns[kind] + (double)more * d->byte_ns[kind] + 0.5);
    uint64_t bus = (uint64_t)((double)(more + FLASH_UNIT_BYTES) * d->byte_ns[kind] + 0.5);
    if (bus > ns) /* a small request that takes less than its bytes at the bandwidth */
        bus = ns;
    return (struct vm_service){.latency_ns = ns - bus, .bus_ns = bus};
}

const struct vm_device_ops FLASH_OPS = {
    .name = FLASH_NAME,
    .summary = FLASH_SUMMARY,
    .param = params,
    .nparams = sizeof params / sizeof params[0],
    .server = VM_SERVED_BY_DEVICE,
    .size = flash_size,
    .init = flash_init,
    .depth = flash_depth,
    .service = flash_service,
    .kept = vm_device_kept_outside,
};
