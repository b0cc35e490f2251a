/* region.c - see region.h. */
#include "base/region.h"

#include "base/assert.h"
#include "base/bits.h"

#include <stdint.h>
#include <sys/mman.h>

bool vm_region_open(struct vm_region *r, size_t limit, size_t align, struct vm_error *e)
{
    VM_ASSERT(vm_is_pow2(align));
    size_t bytes = limit + align;
    /* NORESERVE: what heaps may come to need exceeds the host's memory. */
    void *block = bytes < limit ? MAP_FAILED
                                : mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    *r = (struct vm_region){0};
    if (block == MAP_FAILED)
        return vm_fail(e, VM_ESYSTEM, "cannot reserve %zu bytes of address space for a heap",
                       limit);
    uintptr_t base = ((uintptr_t)block + align - 1) & ~(uintptr_t)(align - 1);
    *r = (struct vm_region){
        .base = (unsigned char *)base,
        .limit = limit,
        .block = block,
        .block_bytes = bytes,
    };
    return true;
}

bool vm_region_move_end(void *host, size_t end)
{
    struct vm_region *r = host;
    if (end > r->limit)
        return false;
    /* If the host cannot give pages back it has no memory for its own notes; they are made zero. */
    if (end < r->end && madvise(r->base + end, r->end - end, MADV_DONTNEED) != 0)
        __builtin_memset(r->base + end, 0, r->end - end);
    r->end = end;
    return true;
}

void vm_region_close(struct vm_region *r)
{
    if (r->block)
        munmap(r->block, r->block_bytes);
    *r = (struct vm_region){0};
}
