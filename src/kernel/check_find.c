/* check_find.c - mistakes become findings (base/heap_findings.h), calls become stacks.
 *
 * A mistake is told once for each place in the program: its kind, and the innermost calls that led
 * to it. Stacks are kept once each, too: a block has a number.
 */
#include "base/assert.h"
#include "kernel/heapcheck.h"

#include <stdlib.h>
#include <string.h>

#define ALIKE_DEPTH 4 /* calls that make two findings the same */

/* ---- stacks ---- */

static uint64_t stack_hash(const struct heap_stack *s)
{
    uint64_t hash = s->n;
    for (uint32_t i = 0; i < s->n; i++)
        hash = (hash ^ s->pc[i]) * UINT64_C(0x9e3779b97f4a7c15);
    return hash >> 32;
}

static bool same_stack(const struct heap_stack *a, const struct heap_stack *b)
{
    return a->n == b->n && memcmp(a->pc, b->pc, a->n * sizeof a->pc[0]) == 0;
}

/* The slot that has the stack's number, or is to have it. */
static uint32_t *stack_slot(const struct heapcheck *all, const struct heap_stack *s)
{
    uint64_t at = stack_hash(s);
    for (;; at++) {
        uint32_t *slot = &all->stack_of[at & (all->stack_slots - 1)];
        if (!*slot || same_stack(&all->stack[*slot - 1], s))
            return slot;
    }
}

static bool grow_stacks(struct heapcheck *all)
{
    uint32_t cap = all->stacks_cap ? 2 * all->stacks_cap : 1024;
    struct heap_stack *stack = realloc(all->stack, cap * sizeof *stack);
    uint32_t *slots = calloc(2 * (size_t)cap, sizeof *slots);
    all->stack = stack ? stack : all->stack;
    if (!stack || !slots) {
        free(slots);
        return false;
    }
    free(all->stack_of);
    all->stack_of = slots;
    all->stacks_cap = cap;
    all->stack_slots = 2 * cap;
    for (uint32_t n = 1; n <= all->nstacks; n++)
        *stack_slot(all, &all->stack[n - 1]) = n;
    return true;
}

static uint32_t keep_stack(struct heapcheck *all, const struct heap_stack *s)
{
    if (all->nstacks == all->stacks_cap && !grow_stacks(all)) {
        all->starved = true;
        return 0;
    }
    uint32_t *slot = stack_slot(all, s);
    if (!*slot) {
        all->stack[all->nstacks++] = *s;
        *slot = all->nstacks;
    }
    return *slot;
}

static void add_calls(const struct checked *c, struct heap_stack *s)
{
    const struct check_thread *known = c->known;
    for (uint32_t i = known->ncalls; i-- > 0 && s->n < HEAP_STACK_DEPTH;)
        s->pc[s->n++] = known->call[i].back;
}

uint32_t vm_check_stack(const struct checked *c)
{
    struct heap_stack s = {0};
    add_calls(c, &s);
    return keep_stack(c->all, &s);
}

const struct heap_stack *vm_check_stack_of(const struct heapcheck *all, uint32_t number)
{
    static const struct heap_stack none;
    VM_ASSERT(number <= all->nstacks);
    return number ? &all->stack[number - 1] : &none;
}

/* ---- findings ---- */

static bool is_alike(const struct heap_finding *a, const struct heap_finding *b)
{
    uint32_t n = a->misuse.n < ALIKE_DEPTH ? a->misuse.n : ALIKE_DEPTH;
    return a->kind == b->kind && a->image == b->image && a->access == b->access &&
           a->use == b->use && (b->misuse.n < ALIKE_DEPTH ? b->misuse.n : ALIKE_DEPTH) == n &&
           memcmp(a->misuse.pc, b->misuse.pc, n * sizeof a->misuse.pc[0]) == 0;
}

static void add(struct heap_findings *all, const struct heap_finding *f)
{
    for (uint32_t i = 0; i < all->n; i++)
        if (is_alike(&all->finding[i], f))
            return;
    if (all->n < HEAP_FINDINGS_MAX)
        all->finding[all->n++] = *f;
    else
        all->lost++;
}

static struct heap_finding finding_of(const struct checked *c, enum heap_mistake kind, vm_va va,
                                      const struct guarded_block *block)
{
    struct heap_finding f = {.kind = kind,
                             .process = c->t->process->pid,
                             .thread = c->t->tid,
                             .image = c->space->image->number,
                             .address = va};
    if (!block)
        return f;
    f.start = block->start;
    f.bytes = block->bytes;
    f.allocated = *vm_check_stack_of(c->all, block->allocated);
    f.freed = *vm_check_stack_of(c->all, block->freed);
    return f;
}

/* The instruction itself, and the calls that led to it. */
static void add_at_pc(const struct checked *c, struct heap_finding *f)
{
    f->misuse.pc[f->misuse.n++] = c->t->hart.pc;
    add_calls(c, &f->misuse);
    add(c->all->findings, f);
}

static enum heap_mistake mistake_at(enum guarded_place place, const struct guarded_block *block)
{
    switch (place) {
    case PLACE_BEFORE:
        return HEAP_UNDERFLOW;
    case PLACE_BEHIND:
        return HEAP_OVERFLOW;
    case PLACE_NOWHERE:
        return HEAP_WILD_ACCESS;
    default: /* the start of a block of 0 bytes is its end */
        return block->freed ? HEAP_USE_AFTER_FREE : HEAP_OVERFLOW;
    }
}

/* A program may ask for more bytes than there are addresses: how many there are. */
static uint64_t bytes_there(const struct checked *c, vm_va va, uint64_t bytes)
{
    uint64_t most = va < c->k->user_end ? c->k->user_end - va : 0;
    return bytes < most ? bytes : most;
}

void vm_check_touch(const struct checked *c, vm_va va, uint64_t bytes, enum vm_access access)
{
    struct guarded_block *block;
    bytes = bytes_there(c, va, bytes);
    vm_va at = vm_shadow_barrier(c->space->shadow, va, bytes);
    if (at == va + bytes || c->known->unheard_until)
        return;
    enum guarded_place place = vm_guarded_find(&c->space->heap, at, &block);
    struct heap_finding f = finding_of(c, mistake_at(place, block), at, block);
    f.access = access == VM_WRITE ? HEAP_ACCESS_WRITE : HEAP_ACCESS_READ;
    add_at_pc(c, &f);
}

void vm_check_use(const struct checked *c, enum heap_use use, vm_va origin)
{
    struct guarded_block *block;
    if (c->known->unheard_until)
        return;
    vm_guarded_find(&c->space->heap, origin, &block);
    struct heap_finding f = finding_of(c, HEAP_UNINITIALISED, origin, block);
    f.use = use;
    add_at_pc(c, &f);
}

void vm_check_use_bytes(const struct checked *c, enum heap_use use, vm_va va, uint64_t bytes)
{
    vm_va origin = 0;
    bytes = bytes_there(c, va, bytes);
    if (vm_shadow_gap(c->space->shadow, va, bytes, &origin) < va + bytes)
        vm_check_use(c, use, origin);
}

void vm_check_use_register(const struct checked *c, enum heap_use use, unsigned x)
{
    struct undefined_register *r = &c->known->x[x];
    if (!r->bits)
        return;
    vm_check_use(c, use, r->origin);
    *r = (struct undefined_register){0}; /* it is told; what comes of it is no other mistake */
}

void vm_check_free(const struct checked *c, enum heap_mistake mistake, vm_va va,
                   const struct guarded_block *block)
{
    struct heap_finding f = finding_of(c, mistake, va, block);
    add_calls(c, &f.misuse);
    add(c->all->findings, &f);
}

void vm_check_left(const struct checked *c, const struct guarded_block *block, bool reached)
{
    struct heap_findings *all = c->all->findings;
    struct heap_finding f =
        finding_of(c, reached ? HEAP_REACHABLE : HEAP_LEAK, block->start, block);
    f.blocks = 1;
    f.total = block->bytes;
    all->live_blocks++;
    all->live_bytes += block->bytes;
    for (uint32_t i = 0; i < all->n; i++) {
        struct heap_finding *other = &all->finding[i];
        if (other->kind != f.kind || other->image != f.image || other->process != f.process ||
            !same_stack(&other->allocated, &f.allocated))
            continue;
        other->blocks++;
        other->total += block->bytes;
        return;
    }
    if (all->n < HEAP_FINDINGS_MAX)
        all->finding[all->n++] = f;
    else
        all->lost++;
}
