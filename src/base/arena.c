/* arena.c - see arena.h. The one place that reserves address space from the host. */
#include "base/arena.h"
#include "base/assert.h"

#include <sys/mman.h>
#include <unistd.h>

bool vm_arena_open(struct vm_arena *a, size_t bytes, struct vm_error *e)
{
    *a = (struct vm_arena){.bytes = vm_arena_room(bytes ? bytes : 1)};
    /* NORESERVE: the sum of all that might be needed may exceed the host's memory. */
    void *block = mmap(NULL, a->bytes, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (block == MAP_FAILED) {
        *a = (struct vm_arena){0};
        return vm_fail(e, VM_ESYSTEM, "cannot reserve %zu bytes of address space for the machine",
                       bytes);
    }
    a->block = block;
    return true;
}

void *vm_arena_take(struct vm_arena *a, size_t bytes)
{
    size_t room = vm_arena_room(bytes);
    VM_ASSERT(a->used + room <= a->bytes);
    void *taken = a->block + a->used;
    a->used += room;
    return taken;
}

void vm_arena_wants_large(void *taken, size_t bytes)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), first = (uintptr_t)taken;
    uintptr_t begin = (first + page - 1) & ~(page - 1), end = (first + bytes) & ~(page - 1);
    if (begin < end)
        madvise((void *)begin, end - begin, MADV_HUGEPAGE); /* refused, it costs nothing */
}

void vm_arena_close(struct vm_arena *a)
{
    if (a->block)
        munmap(a->block, a->bytes);
    *a = (struct vm_arena){0};
}
