/* packer.h - how a page is made smaller, by code that may run where a fault happened: all memory is
 * given beforehand. Private to live/.
 */
#ifndef LIVE_PACKER_H
#define LIVE_PACKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vm_packer {
    const char *name;
    /* Bytes that `work` of the functions below needs, for pages of so many bytes. */
    size_t (*work_bytes)(uint32_t page_bytes, int level);
    /* Once before the others; work[work_bytes] is aligned to 64. False: the library refuses. */
    bool (*prepare)(void *work, uint32_t page_bytes, int level);
    /* The page in out[cap]: bytes, or 0: it does not become so small. */
    uint32_t (*pack)(void *work, const void *page, uint32_t page_bytes, int level, void *out,
                     uint32_t cap);
    /* False: what is packed is no whole page. */
    bool (*unpack)(void *work, const void *packed, uint32_t bytes, void *page, uint32_t page_bytes);
};

extern const struct vm_packer vm_packer_lz4, vm_packer_zstd;

#endif
