/* packer_zstd.c - Zstandard frames (RFC 8878) without magic number, length and checksum: all of it
 * is known beside them.
 *
 * Static contexts lie in memory that is given, and never ask for more: zstd.h, "static allocation".
 * A context whose parameters suit a page's length is small, and quick to begin anew.
 */
#define ZSTD_STATIC_LINKING_ONLY
#include "live/packer.h"

#include <string.h>
#include <zstd.h>

struct contexts {
    ZSTD_CCtx *pack;
    ZSTD_DCtx *unpack;
};
#define HEAD 64 /* of `work`: struct contexts; what follows stays aligned */

static size_t pack_bytes(uint32_t page_bytes, int level)
{
    /* A level's parameters for longer input may be larger; some libraries check for those. */
    size_t suited = ZSTD_estimateCCtxSize_usingCParams(ZSTD_getCParams(level, page_bytes, 0));
    size_t any = ZSTD_estimateCCtxSize(level);
    return ((suited > any ? suited : any) + 63) & ~(size_t)63;
}

static size_t work_bytes(uint32_t page_bytes, int level)
{
    return HEAD + pack_bytes(page_bytes, level) + ((ZSTD_estimateDCtxSize() + 63) & ~(size_t)63);
}

static bool prepare(void *work, uint32_t page_bytes, int level)
{
    struct contexts *c = work;
    size_t bytes = pack_bytes(page_bytes, level);
    c->pack = ZSTD_initStaticCCtx((char *)work + HEAD, bytes);
    c->unpack = ZSTD_initStaticDCtx((char *)work + HEAD + bytes, ZSTD_estimateDCtxSize());
    return c->pack && c->unpack &&
           !ZSTD_isError(ZSTD_CCtx_setParameter(c->pack, ZSTD_c_compressionLevel, level)) &&
           !ZSTD_isError(ZSTD_CCtx_setParameter(c->pack, ZSTD_c_format, ZSTD_f_zstd1_magicless)) &&
           !ZSTD_isError(ZSTD_CCtx_setParameter(c->pack, ZSTD_c_contentSizeFlag, 0)) &&
           !ZSTD_isError(ZSTD_DCtx_setParameter(c->unpack, ZSTD_d_format, ZSTD_f_zstd1_magicless));
}

static uint32_t pack(void *work, const void *page, uint32_t page_bytes, int level, void *out,
                     uint32_t cap)
{
    struct contexts *c = work;
    (void)level; /* the context's */
    size_t bytes = ZSTD_compress2(c->pack, out, cap, page, page_bytes);
    return ZSTD_isError(bytes) ? 0 : (uint32_t)bytes;
}

static bool unpack(void *work, const void *packed, uint32_t bytes, void *page, uint32_t page_bytes)
{
    struct contexts *c = work;
    return ZSTD_decompressDCtx(c->unpack, page, page_bytes, packed, bytes) == page_bytes;
}

const struct vm_packer vm_packer_zstd = {
    .name = "zstd",
    .work_bytes = work_bytes,
    .prepare = prepare,
    .pack = pack,
    .unpack = unpack,
};
