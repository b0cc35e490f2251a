/* packer_lz4.c - the block format of LZ4 (lz4_Block_format.md), without a frame: lengths are known
 * beside it. Level n is the library's acceleration: 1 packs best. */
#include "live/packer.h"

#include <lz4.h>

static size_t work_bytes(uint32_t page_bytes, int level)
{
    (void)page_bytes, (void)level;
    return (size_t)LZ4_sizeofState();
}

static bool prepare(void *work, uint32_t page_bytes, int level)
{
    (void)work, (void)page_bytes, (void)level;
    return true;
}

static uint32_t pack(void *work, const void *page, uint32_t page_bytes, int level, void *out,
                     uint32_t cap)
{
    int bytes = LZ4_compress_fast_extState(work, page, out, (int)page_bytes, (int)cap, level);
    return bytes > 0 ? (uint32_t)bytes : 0;
}

static bool unpack(void *work, const void *packed, uint32_t bytes, void *page, uint32_t page_bytes)
{
    (void)work;
    return LZ4_decompress_safe(packed, page, (int)bytes, (int)page_bytes) == (int)page_bytes;
}

const struct vm_packer vm_packer_lz4 = {
    .name = "lz4",
    .work_bytes = work_bytes,
    .prepare = prepare,
    .pack = pack,
    .unpack = unpack,
};
