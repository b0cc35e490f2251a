/* buddy.c - the binary buddy system as a range allocator: a block of the next power of two serves.
 *
 * A run of n units, aligned, is the low part of a block of the smallest 2^order that is at least n
 * and at least the alignment; the rest of the block is held in vain. So it must be given back
 * whole: the order of each block that is held is written down at its start.
 *
 * A run grows in place while it stays in its block, and beyond it as long as the block is the low
 * half of the next one and the high half is free.
 */
#include "alloc/blocks.h"

#include "base/bits.h"

struct buddy {
    struct blocks free;
    uint8_t *order; /* [units] order + 1 of the block that begins here and is held, else 0 */
    uint64_t internal, takes, failures, searched;
};

static size_t blocks_at(void)
{
    return vm_arena_room(sizeof(struct buddy));
}

static size_t size(const struct vm_alloc_env *env)
{
    return blocks_at() + vm_blocks_size(env->units, 1) + vm_arena_room(env->units);
}

static void init(void *state, const struct vm_alloc_env *env)
{
    struct buddy *s = state;
    uint8_t *memory = (uint8_t *)state + blocks_at();
    vm_blocks_init(&s->free, memory, env->units, 1);
    vm_blocks_give(&s->free, 0, env->units);
    s->order = memory + vm_blocks_size(env->units, 1);
}

static uint64_t take(void *state, uint64_t n, uint64_t align)
{
    struct buddy *s = state;
    uint64_t start, least = n > align ? n : align;
    VM_ASSERT(n >= 1 && vm_is_pow2(align));
    unsigned order = vm_bits_below(least), found = vm_blocks_find(&s->free, order, &start);
    if (found == BLOCKS_NONE) {
        s->searched += order < s->free.norders ? s->free.norders - order : 0;
        s->failures++;
        return VM_ALLOC_NONE;
    }
    vm_blocks_cut(&s->free, found, start, start, UINT64_C(1) << order);
    s->searched += found - order + 1;
    s->takes++;
    s->order[start] = (uint8_t)(order + 1);
    s->internal += (UINT64_C(1) << order) - n;
    return start;
}

/* The units of the block that [start, start + n) is the low part of. */
static uint64_t block_units(const struct buddy *s, uint64_t start, uint64_t n)
{
    VM_ASSERT(start < s->free.end && s->order[start]);
    uint64_t units = UINT64_C(1) << (s->order[start] - 1);
    VM_ASSERT(n >= 1 && n <= units);
    return units;
}

static void give(void *state, uint64_t start, uint64_t n)
{
    struct buddy *s = state;
    uint64_t units = block_units(s, start, n);
    s->order[start] = 0;
    s->internal -= units - n;
    vm_blocks_give(&s->free, start, start + units);
}

/* Whether all high halves are free by which the block `start` grows from `units` to `wanted`. */
static bool can_double(const struct buddy *s, uint64_t start, uint64_t units, uint64_t wanted)
{
    if (wanted > s->free.end || start & (wanted - 1) || start + wanted > s->free.end)
        return false;
    while (units < wanted && vm_blocks_has(&s->free, vm_log2(units), start + units))
        units *= 2;
    return units == wanted;
}

static bool extend(void *state, uint64_t start, uint64_t n, uint64_t more)
{
    struct buddy *s = state;
    uint64_t units = block_units(s, start, n), order = vm_bits_below(n + more);
    uint64_t wanted = order < 64 ? UINT64_C(1) << order : UINT64_MAX;
    VM_ASSERT(more >= 1);
    if (wanted > units && !can_double(s, start, units, wanted))
        return false;
    for (; units < wanted; units *= 2) {
        vm_blocks_cut(&s->free, vm_log2(units), start + units, start + units, units);
        s->order[start]++;
        s->internal += units;
    }
    s->internal -= more;
    return true;
}

static void usage(const void *state, struct vm_alloc_usage *out)
{
    const struct buddy *s = state;
    *out = (struct vm_alloc_usage){
        .free_units = s->free.nfree,
        .internal_units = s->internal,
        .takes = s->takes,
        .failures = s->failures,
        .searched = s->searched,
    };
    for (unsigned k = 0; k < s->free.norders; k++) {
        out->free_blocks += s->free.nblocks[k];
        out->free_max = s->free.nblocks[k] ? UINT64_C(1) << k : out->free_max;
    }
}

static uint64_t next_free(const void *state, uint64_t at, uint64_t *n)
{
    const struct buddy *s = state;
    uint64_t first = VM_ALLOC_NONE;
    for (unsigned k = 0; k < s->free.norders; k++) {
        uint64_t start = vm_blocks_next(&s->free, k, at);
        if (start < first) {
            first = start;
            *n = UINT64_C(1) << k;
        }
    }
    return first;
}

static void check(const void *state)
{
    const struct buddy *s = state;
    uint64_t held = 0, unit = 0, start;
    while (unit < s->free.end) { /* free blocks and held ones follow each other without a gap */
        unsigned order = vm_blocks_around(&s->free, unit, &start);
        if (order == BLOCKS_NONE) {
            VM_ASSERT(s->order[unit]);
            order = s->order[unit] - 1u;
            held += UINT64_C(1) << order;
        } else {
            VM_ASSERT(start == unit && !s->order[unit]);
        }
        unit += UINT64_C(1) << order;
    }
    VM_ASSERT(unit == s->free.end && held + s->free.nfree == s->free.end && s->internal < held + 1);
    vm_blocks_check(&s->free);
}

const struct vm_alloc_ops vm_alloc_buddy = {
    .name = "buddy",
    .summary = "a block of the next power of two, halved from the smallest that is free",
    .give_kind = VM_GIVE_WHOLE,
    .size = size,
    .init = init,
    .take = take,
    .give = give,
    .extend = extend,
    .usage = usage,
    .next_free = next_free,
    .check = check,
};
