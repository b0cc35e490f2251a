/* check_leak.c - see heapcheck.h: blocks that live at the end, and whether anything points to them.
 *
 * A word that could be an address of a block, of its start or inside it, points to it: in a
 * register of a thread, in memory that the program may read (a C library protects what it has set
 * up from writes), in a block that is pointed to. Code does not count, nor what lies below the
 * stack pointer of the main stack. So a leak may be missed, where a number looks
 * like an address; what is told is one.
 *
 * Source: Boehm and Weiser, "Garbage collection in an uncooperative environment", 1988.
 */
#include "kernel/heapcheck.h"

#include <stdlib.h>
#include <string.h>

struct marks {
    const struct checked *c;
    uint8_t *reached; /* [heap.n] */
    size_t *todo;     /* [heap.n] blocks that were reached and not looked into yet */
    size_t ntodo;
};

static void point_to(struct marks *m, vm_va va)
{
    const struct guarded_heap *heap = &m->c->space->heap;
    struct guarded_block *block;
    if (va - heap->first >= heap->next - heap->first)
        return;
    enum guarded_place place = vm_guarded_find(heap, va, &block);
    if ((place != PLACE_START && place != PLACE_INSIDE) || block->freed)
        return;
    size_t i = (size_t)(block - heap->block);
    if (m->reached[i])
        return;
    m->reached[i] = 1;
    m->todo[m->ntodo++] = i;
}

/* A page that nobody touched has no pointers. One that is swapped out has a frame no more. */
static bool is_there(const struct checked *c, vm_va va)
{
    return c->k->parts.counts->evictions > 0 || vm_machine_has(c->k, c->t->space, va);
}

/* The words of [va, end), of whole pages of the machine and parts of them. */
static void look_into(struct marks *m, vm_va va, vm_va end)
{
    const struct checked *c = m->c;
    uint64_t page = vm_page_bytes(c->k), word;
    for (va = (va + 7) & ~UINT64_C(7); va + sizeof word <= end && !c->k->failed;) {
        vm_va next = (va & ~(page - 1)) + page;
        next = next < end ? next : end;
        const uint8_t *bytes =
            is_there(c, va) ? vm_machine_reach(c->k, c->t->space->asid, va, VM_READ) : NULL;
        for (vm_va at = va; bytes && at + sizeof word <= next; at += sizeof word) {
            memcpy(&word, bytes + (at - va), sizeof word);
            point_to(m, word);
        }
        va = (next + 7) & ~UINT64_C(7);
    }
}

static void look_into_blocks(struct marks *m)
{
    while (m->ntodo) {
        const struct guarded_block *block = &m->c->space->heap.block[m->todo[--m->ntodo]];
        look_into(m, block->start, block->start + block->bytes);
    }
}

/* A mapping, but the checked heap, and what lies below the stack pointer in the main stack. */
static void look_into_mapping(struct marks *m, const struct vm_vma *v)
{
    const struct guarded_heap *heap = &m->c->space->heap;
    vm_va sp = m->c->t->hart.x[2], from = v->start;
    if (sp > v->start && sp < v->end && v->start >= m->c->t->space->stack_low)
        from = sp;
    look_into(m, from, v->end < heap->first ? v->end : heap->first);
    look_into(m, from > heap->end ? from : heap->end, v->end);
}

static void look_into_mappings(struct marks *m)
{
    const struct checked *c = m->c;
    for (vm_va va = 0;;) {
        const struct vm_space *space = vm_space_of(c->k, c->t->space);
        size_t i = 0;
        while (i < space->nvmas && space->vma[i].end <= va)
            i++;
        if (i == space->nvmas)
            return;
        const struct vm_vma v = space->vma[i]; /* a look may change the table */
        va = v.end;
        if ((v.prot & VM_PROT_READ) && !(v.prot & VM_PROT_FETCH))
            look_into_mapping(m, &v);
    }
}

static void look_into_registers(struct marks *m)
{
    for (const struct thread *t = m->c->t->process->threads; t; t = t->next)
        for (unsigned i = 1; i < 32; i++)
            point_to(m, t->hart.x[i]);
}

void vm_check_leaks(const struct checked *c)
{
    const struct guarded_heap *heap = &c->space->heap;
    struct marks m = {
        .c = c, .reached = calloc(heap->n + 1, 1), .todo = malloc((heap->n + 1) * sizeof *m.todo)};
    c->all->starved = c->all->starved || !m.reached || !m.todo;
    if (m.reached && m.todo) {
        look_into_registers(&m);
        look_into_mappings(&m);
        look_into_blocks(&m);
    }
    for (size_t i = heap->inherited; m.reached && m.todo && i < heap->n; i++)
        if (!heap->block[i].freed)
            vm_check_left(c, &heap->block[i], m.reached[i]);
    free(m.reached);
    free(m.todo);
}
