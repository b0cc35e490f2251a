/* layout.c - see layout.h. */
#include "engine/layout.h"
#include "base/assert.h"
#include "base/bits.h"
#include "base/intern.h"

#include <stdlib.h>
#include <string.h>

#define NSPACES     (VM_ASID_MAX + 1)
#define NEAR        256 /* blocks looked at lately in an address space */
#define UNPLACED    UINT32_MAX
#define AS_IT_IS    48 /* address bits from which every program's addresses can be named */
#define GAPS_BITS   24 /* in a space of segments up to here, gaps cost little memory */
#define SIGNED_BITS 32 /* above these, a scheme may name the upper half by negative numbers */

enum area_kind { CODE, HEAP, STACK, AREAS };

/* Blocks [start, end) of the machine's space. */
struct area {
    uint32_t start, end;
    bool down; /* runs begin at its end */
};

/* Where the blocks of one address space lie. */
struct space {
    struct vm_intern ids; /* of the trace's blocks */
    uint32_t *place;      /* [cap] by id; UNPLACED: not (any more) */
    uint32_t cap;
    uint64_t *used; /* bitmap of the machine's blocks */
    uint32_t nused;
    /* The block in slot (block mod NEAR), UINT64_MAX: none, and what to add to its addresses. */
    uint64_t near_block[NEAR];
    vm_va near_delta[NEAR];
};

struct vm_layout {
    unsigned shift;   /* of a block */
    uint32_t nblocks; /* of the machine's space */
    uint32_t stride;  /* new runs begin at multiples of it, while there are such */
    bool packs;       /* a block that could stay where it is moves all the same */
    struct area area[AREAS];
    struct space *space[NSPACES]; /* NULL: nothing laid out */
};

/* ---- opening ---- */

/* The machine's space in about as many blocks as a block has bytes, so that neither the map nor
 * what is lost at the ends of runs is large; 64 KiB of 4 GiB. */
static unsigned block_shift(unsigned bits, unsigned page_shift)
{
    unsigned shift = bits > 2 * 16 ? bits - 16 : bits / 2;
    return shift > page_shift ? shift : page_shift;
}

static void area_of_span(struct vm_layout *l, const struct vm_span *span)
{
    static const enum area_kind kinds[] = {
        [VM_SPAN_CODE] = CODE, [VM_SPAN_HEAP] = HEAP, [VM_SPAN_STACK] = STACK};
    l->area[kinds[span->role]] = (struct area){.start = (uint32_t)(span->start >> l->shift),
                                               .end = (uint32_t)((span->end - 1) >> l->shift) + 1,
                                               .down = span->grows_down};
}

/* The spans of segments that have roles are areas of their own; code and heap may share one. */
static void set_areas(struct vm_layout *l, const struct vm_segment_ops *segments, const void *state)
{
    struct vm_span span;
    vm_va end = (vm_va)l->nblocks << l->shift;
    l->area[CODE].end = 0;
    for (vm_va va = 0; va < end; va = span.end)
        if (segments->span(state, va, &span))
            area_of_span(l, &span);
    if (l->area[CODE].end == 0)
        l->area[CODE] = l->area[HEAP];
}

static void set_space(struct vm_layout *l, unsigned bits, unsigned page_shift)
{
    l->shift = block_shift(bits, page_shift);
    l->nblocks = UINT32_C(1) << (bits - l->shift);
    l->stride = l->nblocks > 1024 ? l->nblocks / 1024 : 1; /* runs have room to grow */
    for (enum area_kind k = 0; k < AREAS; k++)
        l->area[k] = (struct area){0, l->nblocks, false};
}

/* Of equal segments, which are many, each run gets one, or some in a row. */
static void set_segmented_space(struct vm_layout *l, unsigned bits, unsigned page_shift,
                                const struct vm_segment_ops *segments, const void *state)
{
    struct vm_span span;
    segments->span(state, 0, &span);
    set_space(l, bits, page_shift);
    if (span.end >> l->shift == 0) {
        l->shift = vm_log2(span.end);
        l->nblocks = UINT32_C(1) << (bits - l->shift);
        l->area[CODE].end = l->area[HEAP].end = l->area[STACK].end = l->nblocks;
    }
    l->stride = span.end < (vm_va)l->nblocks << l->shift ? (uint32_t)(span.end >> l->shift) : 1;
    if (span.role == VM_SPAN_ANY)
        return;
    l->stride = 1;
    set_areas(l, segments, state);
}

bool vm_layout_open(struct vm_layout **out, enum vm_layout_option option,
                    const struct vm_scheme_ops *scheme, const void *scheme_state, unsigned va_bits,
                    unsigned page_shift, struct vm_error *e)
{
    *out = NULL;
    if (option == VM_LAYOUT_AS_IS || (option == VM_LAYOUT_AUTO && va_bits >= AS_IT_IS))
        return true;
    struct vm_layout *l = calloc(1, sizeof *l);
    if (!l)
        return vm_fail(e, VM_ESYSTEM, "no memory for a layout of addresses");
    bool gaps_cost = scheme->unit == VM_UNIT_SEGMENT && va_bits > GAPS_BITS;
    l->packs = option == VM_LAYOUT_PACKED || gaps_cost;
    if (scheme->unit == VM_UNIT_SEGMENT)
        set_segmented_space(l, va_bits, page_shift, scheme->segments, scheme_state);
    else
        set_space(l, va_bits > SIGNED_BITS ? va_bits - 1 : va_bits, page_shift);
    *out = l;
    return true;
}

static void space_close(struct space *s)
{
    if (!s)
        return;
    vm_intern_close(&s->ids);
    free(s->place);
    free(s->used);
    free(s);
}

void vm_layout_close(struct vm_layout *l)
{
    for (unsigned asid = 0; l && asid < NSPACES; asid++)
        space_close(l->space[asid]);
    free(l);
}

static bool fail_memory(struct vm_error *e)
{
    return vm_fail(e, VM_ESYSTEM, "no memory for the layout of an address space");
}

static size_t used_bytes(const struct vm_layout *l)
{
    return ((size_t)l->nblocks + 63) / 64 * sizeof(uint64_t);
}

/* The space, made if it is not there yet; or NULL. */
static struct space *space_of(struct vm_layout *l, vm_asid asid, struct vm_error *e)
{
    struct space *s = l->space[asid];
    if (s)
        return s;
    s = calloc(1, sizeof *s);
    if (s)
        s->used = calloc(1, used_bytes(l));
    if (!s || !s->used || !vm_intern_open(&s->ids, e)) {
        space_close(s);
        fail_memory(e);
        return NULL;
    }
    memset(s->near_block, 0xff, sizeof s->near_block);
    l->space[asid] = s;
    return s;
}

void vm_layout_forget(struct vm_layout *l, vm_asid asid)
{
    space_close(l->space[asid]);
    l->space[asid] = NULL;
}

bool vm_layout_fork(struct vm_layout *l, vm_asid parent, vm_asid child, struct vm_error *e)
{
    const struct space *from = l->space[parent];
    vm_layout_forget(l, child);
    if (!from)
        return true;
    struct space *s = space_of(l, child, e);
    if (!s)
        return false;
    for (uint32_t id = 0; id < from->ids.n; id++)
        if (vm_intern_id(&s->ids, from->ids.keys[id]) == UINT32_MAX)
            return fail_memory(e);
    s->place = malloc(from->cap * sizeof *s->place);
    if (from->cap && !s->place)
        return fail_memory(e);
    if (from->cap)
        memcpy(s->place, from->place, from->cap * sizeof *s->place);
    s->cap = from->cap;
    memcpy(s->used, from->used, used_bytes(l));
    s->nused = from->nused;
    return true;
}

/* ---- where blocks lie ---- */

static bool is_used(const struct space *s, uint32_t b)
{
    return s->used[b / 64] >> b % 64 & 1;
}

static bool is_free_in(const struct space *s, const struct area *a, uint32_t b)
{
    return a->start <= b && b < a->end && !is_used(s, b);
}

static uint32_t place_of(const struct space *s, uint64_t block)
{
    uint32_t id = vm_intern_peek(&s->ids, block);
    return id == UINT32_MAX ? UNPLACED : s->place[id];
}

static bool put(struct space *s, uint64_t block, uint32_t b, struct vm_error *e)
{
    uint32_t id = vm_intern_id(&s->ids, block);
    if (id == UINT32_MAX)
        return fail_memory(e);
    if (id >= s->cap) {
        uint32_t cap = id < 64 ? 64 : 2 * id;
        uint32_t *grown = realloc(s->place, cap * sizeof *grown);
        if (!grown) {
            vm_intern_forget(&s->ids, block);
            return fail_memory(e);
        }
        memset(grown + s->cap, 0xff, (cap - s->cap) * sizeof *grown);
        s->place = grown;
        s->cap = cap;
    }
    s->place[id] = b;
    s->used[b / 64] |= UINT64_C(1) << b % 64;
    s->nused++;
    return true;
}

/* [b, b + n) of the area is free. */
static bool has_room(const struct space *s, const struct area *a, uint32_t b, uint32_t n)
{
    if (a->end - b < n)
        return false;
    for (uint32_t i = 0; i < n; i++)
        if (is_used(s, b + i))
            return false;
    return true;
}

/* Where a new run of n blocks begins; UNPLACED: nowhere. */
static uint32_t new_run(const struct space *s, const struct area *a, uint32_t n, uint32_t stride)
{
    if (a->end - a->start < n)
        return UNPLACED;
    uint32_t steps = (a->end - a->start - n) / stride;
    for (uint32_t i = 0; i <= steps; i++) {
        uint32_t b = a->down ? a->end - n - i * stride : a->start + i * stride;
        if (has_room(s, a, b, n))
            return b;
    }
    return UNPLACED;
}

/* The place for a block that begins a run of n, by layout.h's rules. */
static uint32_t choose(const struct vm_layout *l, const struct space *s, const struct area *a,
                       uint64_t block, uint32_t n)
{
    if (!l->packs && block < l->nblocks && is_free_in(s, a, (uint32_t)block))
        return (uint32_t)block;
    uint32_t before = block > 0 ? place_of(s, block - 1) : UNPLACED;
    if (before != UNPLACED && is_free_in(s, a, before + 1))
        return before + 1;
    uint32_t behind = place_of(s, block + 1);
    if (behind != UNPLACED && behind > 0 && is_free_in(s, a, behind - 1))
        return behind - 1;
    uint32_t rounded = (n + l->stride - 1) / l->stride * l->stride, b;
    if ((b = new_run(s, a, rounded, l->stride)) != UNPLACED ||
        (b = new_run(s, a, n, 1)) != UNPLACED)
        return b;
    return new_run(s, a, 1, 1);
}

/* Programs' stacks begin just below these addresses: of Linux on 32 bits (i386; a 32-bit program on
 * a 64-bit kernel), of a program that Valgrind runs, of Linux on x86-64, Sv48 and AArch64's 47
 * bits with the gap that it leaves for random stacks. */
static bool is_stack(vm_va va)
{
    static const struct {
        vm_va end, bytes;
    } tops[] = {
        {UINT64_C(0xc0000000), UINT64_C(1) << 24},
        {UINT64_C(1) << 32, UINT64_C(1) << 24},
        {(UINT64_C(1) << 37), UINT64_C(1) << 28},
        {UINT64_C(1) << 47, UINT64_C(1) << 35},
    };
    for (size_t i = 0; i < sizeof tops / sizeof tops[0]; i++)
        if (va < tops[i].end && tops[i].end - va <= tops[i].bytes)
            return true;
    return false;
}

static const struct area *area_for(const struct vm_layout *l, uint64_t block, unsigned prot)
{
    if (prot & VM_PROT_FETCH)
        return &l->area[CODE]; /* near the top of the space there are libraries, too */
    return &l->area[is_stack(block << l->shift) ? STACK : HEAP];
}

static bool fail_full(const struct vm_layout *l, const struct space *s, const struct area *a,
                      uint64_t block, struct vm_error *e)
{
    char all[32], area[32], size[32];
    bool whole = a->end - a->start == l->nblocks;
    vm_fail(e, VM_EMACHINE,
            "address 0x%llx does not fit: the machine's address space of %s has %u of %u blocks of "
            "%s laid out%s%s: expected a program that fits in it",
            (unsigned long long)(block << l->shift),
            vm_text_bytes((uint64_t)l->nblocks << l->shift, all, sizeof all), s->nused, l->nblocks,
            vm_text_bytes(UINT64_C(1) << l->shift, size, sizeof size),
            whole ? "" : ", and its segment all of ",
            whole ? ""
                  : vm_text_bytes((uint64_t)(a->end - a->start) << l->shift, area, sizeof area));
    return vm_hint(e, "give the scheme more address bits, see `pagoda list schemes`");
}

/* Lay out `block`, which was not yet, in front of n - 1 others. */
static bool lay_out(const struct vm_layout *l, struct space *s, uint64_t block, uint32_t n,
                    unsigned prot, struct vm_error *e)
{
    const struct area *a = area_for(l, block, prot);
    uint32_t b = choose(l, s, a, block, n);
    return b == UNPLACED ? fail_full(l, s, a, block, e) : put(s, block, b, e);
}

/* ---- references ---- */

/* The block's place, laid out if it is not, and in the near ones. UNPLACED: an error. */
static uint32_t look_up(const struct vm_layout *l, struct space *s, uint64_t block,
                        enum vm_access access, struct vm_error *e)
{
    uint32_t b = place_of(s, block);
    if (b == UNPLACED && !lay_out(l, s, block, 1, vm_access_needs(access), e))
        return UNPLACED;
    b = place_of(s, block);
    s->near_block[block % NEAR] = block;
    s->near_delta[block % NEAR] = ((vm_va)b - block) << l->shift;
    return b;
}

/* The first of [first, last] that is not one behind the block before; last + 1: none. All are laid
 * out. UINT64_MAX: an error. */
static uint64_t break_in(const struct vm_layout *l, struct space *s, uint64_t first, uint64_t last,
                         enum vm_access access, struct vm_error *e)
{
    uint64_t broken = last + 1;
    uint32_t before = look_up(l, s, first, access, e);
    if (before == UNPLACED)
        return UINT64_MAX;
    for (uint64_t block = first + 1; block <= last; block++) {
        uint32_t b = look_up(l, s, block, access, e);
        if (b == UNPLACED)
            return UINT64_MAX;
        if (b != before + 1 && broken > last)
            broken = block;
        before = b;
    }
    return broken;
}

bool vm_layout_refs(struct vm_layout *l, vm_asid asid, const vm_va *va, const uint16_t *meta,
                    uint32_t n, vm_va *out, uint32_t *done, struct vm_error *e)
{
    struct space *s = space_of(l, asid, e);
    const unsigned shift = l->shift;
    uint32_t i = 0;
    if (!s)
        return false;
    for (; i < n; i++) {
        uint64_t first = va[i] >> shift, last = (va[i] + vm_ref_bytes(meta[i]) - 1) >> shift;
        uint32_t slot = (uint32_t)first % NEAR;
        if (__builtin_expect(((s->near_block[slot] ^ first) | (first ^ last)) != 0, 0)) {
            uint64_t broken = break_in(l, s, first, last, vm_ref_access(meta[i]), e);
            if (broken == UINT64_MAX)
                return false;
            if (broken <= last)
                break;
            /* Of a reference over more blocks than are near, the first may be out again. */
            out[i] = va[i] + (((vm_va)place_of(s, first) - first) << shift);
            continue;
        }
        out[i] = va[i] + s->near_delta[slot];
    }
    *done = i;
    return true;
}

unsigned vm_layout_part(struct vm_layout *l, vm_asid asid, vm_va va, unsigned bytes, vm_va *out)
{
    const struct space *s = l->space[asid];
    uint64_t block = va >> l->shift, last = (va + bytes - 1) >> l->shift;
    uint32_t b = place_of(s, block);
    VM_ASSERT(b != UNPLACED); /* vm_layout_refs met it */
    *out = va + (((vm_va)b - block) << l->shift);
    while (block < last && place_of(s, block + 1) == b + 1) {
        block++;
        b++;
    }
    if (block == last)
        return bytes;
    return (unsigned)(((block + 1) << l->shift) - va);
}

/* ---- events ---- */

/* Blocks [first, last], before a map of them: those that have no place get one. */
static bool place_range(struct vm_layout *l, struct space *s, uint64_t first, uint64_t last,
                        unsigned prot, struct vm_error *e)
{
    if (last - first >= l->nblocks)
        return fail_full(l, s, area_for(l, first, prot), first, e);
    for (uint64_t block = first; block <= last; block++)
        if (place_of(s, block) == UNPLACED &&
            !lay_out(l, s, block, (uint32_t)(last - block) + 1, prot, e))
            return false;
    return true;
}

/* The part of *rest that begins in its first block: up to a block that lies elsewhere. */
static void cut(const struct vm_layout *l, const struct space *s, struct vm_event *rest,
                struct vm_event *part)
{
    uint64_t first = rest->va >> l->shift, last = (rest->va + rest->bytes - 1) >> l->shift;
    uint64_t block = first;
    uint32_t b = place_of(s, first);
    while (block < last && place_of(s, block + 1) == b + (uint32_t)(block - first) + 1)
        block++;
    *part = *rest;
    part->va += ((vm_va)b - first) << l->shift;
    if (block < last)
        part->bytes = ((block + 1) << l->shift) - rest->va;
    rest->va += part->bytes;
    rest->bytes -= part->bytes;
}

/* The lowest block of [first, last] that has a place, or last + 1. A range of more blocks than were
 * ever laid out is not searched block by block: an event may be on all addresses. */
static uint64_t next_placed(const struct space *s, uint64_t first, uint64_t last)
{
    uint64_t next = last + 1;
    if (last - first <= s->ids.n) {
        while (first <= last && place_of(s, first) == UNPLACED)
            first++;
        return first;
    }
    for (uint32_t id = 0; id < s->ids.n; id++)
        if (s->place[id] != UNPLACED && s->ids.keys[id] >= first && s->ids.keys[id] < next)
            next = s->ids.keys[id];
    return next;
}

/* Pass over blocks at the front of *rest that have no place. */
static void skip_unplaced(const struct vm_layout *l, const struct space *s, struct vm_event *rest)
{
    uint64_t first = rest->va >> l->shift, last = (rest->va + rest->bytes - 1) >> l->shift;
    uint64_t next = next_placed(s, first, last);
    if (next == first)
        return;
    uint64_t step = next > last ? rest->bytes : (next << l->shift) - rest->va;
    rest->va += step;
    rest->bytes -= step;
}

bool vm_layout_event(struct vm_layout *l, struct vm_event *rest, struct vm_event *part,
                     bool *failed, struct vm_error *e)
{
    *failed = false;
    if (rest->bytes == 0)
        return false;
    struct space *s = space_of(l, rest->asid, e);
    *failed = !s || (rest->kind == VM_EVENT_MAP &&
                     !place_range(l, s, rest->va >> l->shift,
                                  (rest->va + rest->bytes - 1) >> l->shift, rest->prot, e));
    if (*failed)
        return false;
    skip_unplaced(l, s, rest);
    if (rest->bytes == 0)
        return false;
    cut(l, s, rest, part);
    return true;
}

static bool maps_something(const struct vm_space *space, vm_va start, vm_va end)
{
    size_t low = 0, high = space->nvmas;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (space->vma[middle].end > start)
            high = middle;
        else
            low = middle + 1;
    }
    return low < space->nvmas && space->vma[low].start < end;
}

static void give_up(struct space *s, uint64_t block, uint32_t b)
{
    s->place[vm_intern_peek(&s->ids, block)] = UNPLACED;
    s->used[b / 64] &= ~(UINT64_C(1) << b % 64);
    s->nused--;
    if (s->near_block[block % NEAR] == block)
        s->near_block[block % NEAR] = UINT64_MAX;
}

void vm_layout_unmapped(struct vm_layout *l, const struct vm_event *unmap,
                        const struct vm_space *space)
{
    struct space *s = l->space[unmap->asid];
    if (!s || !space)
        return;
    uint64_t first = unmap->va >> l->shift, last = (unmap->va + unmap->bytes - 1) >> l->shift;
    while ((first = next_placed(s, first, last)) <= last) {
        uint32_t b = place_of(s, first);
        vm_va start = (vm_va)b << l->shift;
        if (!maps_something(space, start, start + (UINT64_C(1) << l->shift)))
            give_up(s, first, b);
        first++;
    }
}

/* ---- the check ---- */

static void check_space(const struct vm_layout *l, const struct space *s)
{
    uint32_t nused = 0, nplaced = 0;
    for (uint32_t b = 0; b < l->nblocks; b++)
        nused += is_used(s, b);
    for (uint32_t id = 0; id < s->ids.n; id++) {
        uint32_t b = s->place[id];
        if (b == UNPLACED)
            continue;
        VM_ASSERT(b < l->nblocks && is_used(s, b));
        nplaced++;
    }
    VM_ASSERT(nplaced == s->nused &&
              nused == s->nused); /* as many places as blocks: no two alike */
}

void vm_layout_check(const struct vm_layout *l)
{
    for (unsigned asid = 0; asid < NSPACES; asid++)
        if (l->space[asid])
            check_space(l, l->space[asid]);
}
