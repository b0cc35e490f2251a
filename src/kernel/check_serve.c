/* check_serve.c - see heapcheck.h: malloc and its like, served by the kernel.
 *
 * They answer as glibc's do: malloc(0) is a block, realloc to 0 bytes frees. realloc always moves,
 * so that a pointer to the old place is seen. Fresh memory happens to be zero; only calloc's is
 * said to be.
 */
#include "kernel/heapcheck.h"

#include <stdlib.h>
#include <string.h>

#define A(n) c->t->hart.x[10 + (n)]

/* ---- blocks ---- */

#define MAP_STEP (UINT64_C(1) << 20)

/* The heap has memory up to `end` at least, and not much beyond: who runs away faults there. */
static bool has_memory(const struct checked *c, vm_va end)
{
    vm_va *mapped = &c->space->mapped, to = (end + MAP_STEP - 1) & ~(MAP_STEP - 1);
    to = to < c->space->heap.end ? to : c->space->heap.end;
    if (end <= *mapped)
        return true;
    if (vm_space_map(c->k, c->t->space, *mapped, to - *mapped, VM_PROT_READ | VM_PROT_WRITE, false,
                     NULL, 0) != 0)
        return false;
    *mapped = to;
    return true;
}

static vm_va take(const struct checked *c, uint64_t bytes, uint64_t align)
{
    struct heap_findings *f = c->all->findings;
    vm_va start = vm_guarded_take(&c->space->heap, bytes, align, vm_check_stack(c));
    if (!start)
        return 0;
    if (!has_memory(c, start + bytes + HEAP_GUARD)) {
        struct guarded_block *block = &c->space->heap.block[c->space->heap.n - 1];
        block->freed = block->allocated;
        return 0;
    }
    vm_shadow_give(c->space->shadow, start, bytes);
    f->blocks++;
    f->bytes += bytes;
    return start;
}

/* Pages that no block will be in again are given back to the machine. */
static void give_up_pages(const struct checked *c, vm_va start, uint64_t bytes)
{
    vm_va page = start & ~(SHADOW_PAGE - 1), used = c->space->heap.next & ~(SHADOW_PAGE - 1);
    vm_va end = (start + bytes + SHADOW_PAGE - 1) & ~(SHADOW_PAGE - 1);
    if (c->k->parts.page_shift != SHADOW_PAGE_SHIFT)
        return;
    while (page < end && vm_shadow_lives(c->space->shadow, page))
        page += SHADOW_PAGE;
    while (end > page && (end > used || vm_shadow_lives(c->space->shadow, end - SHADOW_PAGE)))
        end -= SHADOW_PAGE;
    if (page < end)
        vm_space_advise(c->k, c->t->space, page, end - page, VM_ADVICE_DONTNEED);
}

static void give(const struct checked *c, struct guarded_block *block)
{
    block->freed = vm_check_stack(c);
    vm_shadow_take(c->space->shadow, block->start, block->bytes);
    give_up_pages(c, block->start, block->bytes);
}

/* The block that begins at `va` and lives; NULL: what is wrong with it has been told. */
static struct guarded_block *living(const struct checked *c, vm_va va)
{
    struct guarded_block *block;
    enum guarded_place place = vm_guarded_find(&c->space->heap, va, &block);
    if (place == PLACE_START && !block->freed)
        return block;
    bool near = place == PLACE_START || place == PLACE_INSIDE;
    enum heap_mistake mistake = place == PLACE_START    ? HEAP_FREE_TWICE
                                : place == PLACE_INSIDE ? HEAP_FREE_INSIDE
                                                        : HEAP_FREE_STRANGER;
    vm_check_free(c, mistake, va, near ? block : NULL);
    return NULL;
}

/* ---- the functions ---- */

static void use_arguments(const struct checked *c, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        vm_check_use_register(c, HEAP_USE_ARGUMENT, 10 + i);
}

static bool serve_malloc(const struct checked *c)
{
    use_arguments(c, 1);
    A(0) = take(c, A(0), HEAP_ALIGN);
    return true;
}

static bool serve_calloc(const struct checked *c)
{
    uint64_t bytes;
    use_arguments(c, 2);
    bool fits = !__builtin_mul_overflow(A(0), A(1), &bytes);
    A(0) = fits ? take(c, bytes, HEAP_ALIGN) : 0;
    if (A(0))
        vm_shadow_define(c->space->shadow, A(0), bytes);
    return true;
}

static bool serve_free(const struct checked *c)
{
    use_arguments(c, 1);
    struct guarded_block *block = A(0) ? living(c, A(0)) : NULL;
    if (block)
        give(c, block);
    return true;
}

static bool serve_realloc(const struct checked *c)
{
    use_arguments(c, 2);
    uint64_t bytes = A(1);
    vm_va from = A(0), to = 0;
    if (!from) {
        A(0) = take(c, bytes, HEAP_ALIGN);
        return true;
    }
    if (!living(c, from)) {
        A(0) = 0;
        return true;
    }
    to = bytes ? take(c, bytes, HEAP_ALIGN) : 0;
    struct guarded_block *block = living(c, from); /* taking may have moved the table */
    if (to)
        vm_check_move(c, to, from, bytes < block->bytes ? bytes : block->bytes);
    if (to || !bytes)
        give(c, block);
    A(0) = to;
    return true;
}

static bool is_power(uint64_t n)
{
    return n && !(n & (n - 1));
}

static uint64_t power_above(uint64_t n)
{
    uint64_t power = 1;
    while (power < n && power << 1)
        power <<= 1;
    return power;
}

static bool serve_memalign(const struct checked *c)
{
    use_arguments(c, 2);
    A(0) = take(c, A(1), power_above(A(0)));
    return true;
}

static bool serve_posix_memalign(const struct checked *c)
{
    vm_va at = A(0);
    use_arguments(c, 3);
    if (!is_power(A(1)) || A(1) % sizeof(uint64_t)) {
        A(0) = EINVAL;
        return true;
    }
    uint64_t start = take(c, A(2), A(1));
    A(0) = start ? 0 : ENOMEM;
    if (!start)
        return true;
    vm_check_touch(c, at, sizeof start, VM_WRITE);
    vm_user_write(c->k, c->t, at, &start, sizeof start);
    vm_shadow_define(c->space->shadow, at, sizeof start);
    return true;
}

static bool serve_valloc(const struct checked *c)
{
    use_arguments(c, 1);
    A(0) = take(c, A(0), vm_page_bytes(c->k));
    return true;
}

static bool serve_pvalloc(const struct checked *c)
{
    use_arguments(c, 1);
    A(0) = take(c, vm_page_up(c->k, A(0)), vm_page_bytes(c->k));
    return true;
}

static bool serve_usable_size(const struct checked *c)
{
    use_arguments(c, 1);
    const struct guarded_block *block = A(0) ? living(c, A(0)) : NULL;
    A(0) = block ? block->bytes : 0;
    return true;
}

const struct served *vm_check_served_heap(size_t i)
{
    static const struct served all[] = {
        {"malloc", serve_malloc},
        {"calloc", serve_calloc},
        {"realloc", serve_realloc},
        {"free", serve_free},
        {"cfree", serve_free},
        {"memalign", serve_memalign},
        {"aligned_alloc", serve_memalign},
        {"posix_memalign", serve_posix_memalign},
        {"valloc", serve_valloc},
        {"pvalloc", serve_pvalloc},
        {"malloc_usable_size", serve_usable_size},
    };
    return i < sizeof all / sizeof all[0] ? &all[i] : NULL;
}
