/* zram.c - compressed memory: a page swapped out is compressed, one swapped in is decompressed.
 *
 *      ns = pages of 4 KiB, begun ones counted whole * (compress or decompress)
 *
 * Each processor compresses one page at a time; there is no bus. What a page takes of the
 * machine's memory meanwhile is its size / ratio, whole bytes.
 *
 * Defaults: LZ4 on 4 KiB pages half of random bytes, measured: 3.7 us to compress, 0.39 us to
 * decompress, ratio 1.97.
 */
#include <pagoda/device.h>

#include <math.h>

#define UNIT_BYTES 4096

static const struct vm_param params[] = {
    {"compress_us", VM_PARAM_REAL, "3.7", 0, 1e6, NULL, "to compress 4 KiB, microseconds"},
    {"decompress_us", VM_PARAM_REAL, "0.39", 0, 1e6, NULL, "to decompress 4 KiB, microseconds"},
    {"depth", VM_PARAM_COUNT, "1", 1, VM_QUEUE_DEPTH_MAX, NULL,
     "pages under way at once: processors that compress"},
    {"ratio", VM_PARAM_REAL, "1.97", 1, 4096, NULL, "size of a page to what it takes of memory"},
};

struct zram {
    double unit_ns[VM_TRANSFERS];
    double ratio;
    uint32_t depth;
};

static size_t zram_size(void)
{
    return sizeof(struct zram);
}

static void zram_init(void *state, const struct vm_params *p)
{
    struct zram *d = state;
    d->unit_ns[VM_TRANSFER_READ] = vm_params_real(p, "decompress_us") * 1e3;
    d->unit_ns[VM_TRANSFER_WRITE] = vm_params_real(p, "compress_us") * 1e3;
    d->depth = (uint32_t)vm_params_count(p, "depth");
    d->ratio = vm_params_real(p, "ratio");
}

static uint32_t zram_depth(const void *state)
{
    return ((const struct zram *)state)->depth;
}

static struct vm_service zram_service(void *state, enum vm_transfer kind, uint64_t position,
                                      uint64_t bytes, uint64_t start_ns)
{
    (void)position, (void)start_ns;
    const struct zram *d = state;
    uint64_t units = bytes / UNIT_BYTES + (bytes % UNIT_BYTES != 0);
    return (struct vm_service){.latency_ns = (uint64_t)((double)units * d->unit_ns[kind] + 0.5)};
}

static uint64_t zram_kept(const void *state, uint64_t bytes)
{
    return (uint64_t)ceil((double)bytes / ((const struct zram *)state)->ratio);
}

const struct vm_device_ops vm_device_zram = {
    .name = "zram",
    .summary = "compressed memory (LZ4)",
    .param = params,
    .nparams = sizeof params / sizeof params[0],
    .server = VM_SERVED_BY_PROCESSOR,
    .size = zram_size,
    .init = zram_init,
    .depth = zram_depth,
    .service = zram_service,
    .kept = zram_kept,
};
