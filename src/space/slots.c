/* slots.c - the swap map: which slots are used, by how many entries, and which frame holds a slot's
 * page.
 *
 * A slot is taken for a frame whose page is about to lose its entries, and kept while an entry is
 * swapped to it or a frame has it as its home: a page that comes back and is not written to again
 * leaves without a transfer. Copy-on-write siblings share a slot, and count in it.
 *
 * Slots are given out in clusters: one after the other from a cluster of which all are free, so
 * that pages that leave together lie together and one request writes them all; from what is left
 * of others only where no whole cluster is free.
 *
 *      free     no slot used; a stack, or never used at all (from `fresh` on)
 *      current  the one that slots come from
 *      nonfull  some used, some not; full: in no list
 *
 * Invariants (vm_slots_check)
 *  1. A slot is free iff no entry counts in it and no frame has it.
 *  2. used[c] is the number of used slots of cluster c, which says where it is linked.
 *  3. A page of zeros (SLOT_ZERO) was never written to its slot and needs no transfer.
 *  4. The pages that the store counts are those of the slots whose write is done (SLOT_STORED); a
 *     slot that no frame has is one of them, or of zeros.
 *
 * Source: Gorman, Understanding the Linux Virtual Memory Manager, ch. 11; Linux mm/swapfile.c
 * (clusters of SWAPFILE_CLUSTER slots, nonfull_clusters), mm/page_io.c (swap_zeromap).
 */
#include "base/assert.h"
#include "space/memory.h"

#define FIRST_SLOT  (VM_SLOT_FILE + 1)
#define SLOT_ZERO   UINT32_C(0x80000000)
#define SLOT_STORED UINT32_C(0x40000000)
#define SLOT_FLAGS  (SLOT_ZERO | SLOT_STORED)
#define NO_CLUSTER  UINT32_MAX

/* ---- the arrays ---- */

static uint32_t cluster_count(const struct vm_memory *m)
{
    return m->nslots / m->c.swap_cluster + (m->nslots % m->c.swap_cluster != 0);
}

size_t vm_slots_bytes(const struct vm_memory *m)
{
    size_t n = (size_t)m->nslots + FIRST_SLOT, clusters = cluster_count(m);
    return 2 * vm_arena_room(sizeof(uint32_t) * n) + vm_arena_room(sizeof(uint32_t) * clusters) +
           vm_arena_room(sizeof(struct vm_links) * (clusters + 1));
}

void vm_slots_init(struct vm_memory *m, struct vm_arena *a)
{
    struct vm_slots *s = &m->slots;
    size_t n = (size_t)m->nslots + FIRST_SLOT;
    s->nclusters = cluster_count(m);
    s->refs = vm_arena_take(a, sizeof *s->refs * n);
    s->frame = vm_arena_take(a, sizeof *s->frame * n);
    s->used = vm_arena_take(a, sizeof *s->used * s->nclusters);
    s->links = vm_arena_take(a, sizeof *s->links * ((size_t)s->nclusters + 1));
    s->current = s->free_head = NO_CLUSTER;
    vm_links_head(s->links, s->nclusters);
}

/* ---- clusters ---- */

static uint32_t cluster_of(const struct vm_memory *m, vm_slot s)
{
    return (s - FIRST_SLOT) / m->c.swap_cluster;
}

static vm_slot cluster_first(const struct vm_memory *m, uint32_t c)
{
    return FIRST_SLOT + c * m->c.swap_cluster;
}

static vm_slot cluster_end(const struct vm_memory *m, uint32_t c)
{
    uint32_t left = m->nslots - c * m->c.swap_cluster;
    return cluster_first(m, c) + (left < m->c.swap_cluster ? left : m->c.swap_cluster);
}

static uint32_t cluster_slots(const struct vm_memory *m, uint32_t c)
{
    return cluster_end(m, c) - cluster_first(m, c);
}

static bool is_used(const struct vm_memory *m, vm_slot s)
{
    return vm_slot_refs(m, s) || m->slots.frame[s];
}

static void push_free(struct vm_slots *s, uint32_t c)
{
    s->links[c].next = s->free_head;
    s->free_head = c;
}

/* Cluster `c` ceases to be the current one. */
static void retire(struct vm_memory *m, uint32_t c)
{
    struct vm_slots *s = &m->slots;
    s->current = NO_CLUSTER;
    if (s->used[c] == 0)
        push_free(s, c);
    else if (s->used[c] < cluster_slots(m, c))
        vm_links_push_last(s->links, s->nclusters, c);
}

static bool begin_cluster(struct vm_memory *m)
{
    struct vm_slots *s = &m->slots;
    if (s->free_head != NO_CLUSTER) {
        s->current = s->free_head;
        s->free_head = s->links[s->current].next;
    } else if (s->fresh < s->nclusters) {
        s->current = s->fresh++;
    } else if (!vm_links_empty(s->links, s->nclusters)) {
        s->current = s->links[s->nclusters].next;
        vm_links_remove(s->links, s->current);
    } else {
        return false;
    }
    s->at = cluster_first(m, s->current);
    return true;
}

/* ---- taking and freeing ---- */

/* A free slot, the next of the current cluster if it can be; 0: there is none. */
static vm_slot find_free(struct vm_memory *m)
{
    struct vm_slots *s = &m->slots;
    for (;;) {
        if (s->current == NO_CLUSTER && !begin_cluster(m))
            return 0;
        while (s->at < cluster_end(m, s->current) && is_used(m, s->at))
            s->at++;
        if (s->at < cluster_end(m, s->current))
            return s->at++;
        retire(m, s->current);
    }
}

void vm_slots_note(struct vm_memory *m, uint32_t taken, uint32_t freed)
{
    struct vm_counts *c = m->c.counts;
    m->slots_used += taken;
    m->slots_used -= freed;
    c->slots_taken += taken;
    c->slots_freed += freed;
    c->slots_used = m->slots_used;
    if (c->slots_used > c->slots_peak)
        c->slots_peak = c->slots_used;
}

bool vm_slot_take(struct vm_memory *m, vm_pfn f)
{
    struct vm_slots *slots = &m->slots;
    vm_slot s = find_free(m);
    VM_ASSERT(m->frame[f].home == 0);
    if (!s) {
        m->starved = true;
        vm_fail(&m->out, VM_EMACHINE,
                "out of swap: all %u slots are in use and a dirty page must leave memory",
                m->nslots);
        vm_hint(&m->out, "give more memory (--memory) or more swap (--swap-size)");
        return false;
    }
    slots->frame[s] = f + 1;
    m->frame[f].home = s;
    slots->used[slots->current]++;
    if (s + 1 == cluster_end(m, slots->current))
        retire(m, slots->current);
    vm_slots_note(m, 1, 0);
    return true;
}

static void free_if_unused(struct vm_memory *m, vm_slot slot)
{
    struct vm_slots *s = &m->slots;
    uint32_t c = cluster_of(m, slot);
    if (is_used(m, slot))
        return;
    if (s->refs[slot] & SLOT_STORED)
        vm_store_remove(m);
    s->refs[slot] = 0;
    bool was_full = s->used[c]-- == cluster_slots(m, c);
    vm_slots_note(m, 0, 1);
    if (c == s->current)
        return;
    if (!was_full)
        vm_links_remove(s->links, c);
    if (s->used[c] == 0)
        push_free(s, c);
    else
        vm_links_push_last(s->links, s->nclusters, c);
}

/* ---- who uses a slot ---- */

uint32_t vm_slot_refs(const struct vm_memory *m, vm_slot s)
{
    return m->slots.refs[s] & ~SLOT_FLAGS;
}

vm_pfn vm_slot_frame(const struct vm_memory *m, vm_slot s)
{
    return m->slots.frame[s] - 1;
}

void vm_slot_ref(struct vm_memory *m, vm_slot s)
{
    m->slots.refs[s]++;
}

void vm_slot_unref(struct vm_memory *m, vm_slot s)
{
    VM_ASSERT(vm_slot_refs(m, s) > 0);
    m->slots.refs[s]--;
    vm_pfn f = vm_slot_frame(m, s);
    if (vm_slot_refs(m, s) == 0 && f != VM_NOFRAME && vm_is_unmapped(m, f))
        vm_frame_drop(m, f); /* its contents are nobody's any more */
    else
        free_if_unused(m, s);
}

void vm_slot_attach(struct vm_memory *m, vm_slot s, vm_pfn f)
{
    VM_ASSERT(vm_slot_frame(m, s) == VM_NOFRAME && m->frame[f].home == 0);
    m->frame[f].home = s;
    m->slots.frame[s] = f + 1;
}

void vm_slot_detach(struct vm_memory *m, vm_pfn f)
{
    vm_slot s = m->frame[f].home;
    VM_ASSERT(vm_slot_frame(m, s) == f);
    m->frame[f].home = 0;
    m->slots.frame[s] = 0;
    free_if_unused(m, s);
}

void vm_slot_note_zero(struct vm_memory *m, vm_slot s)
{
    m->slots.refs[s] |= SLOT_ZERO;
}

void vm_slot_note_written(struct vm_memory *m, vm_slot s)
{
    m->slots.refs[s] &= ~SLOT_ZERO;
}

bool vm_slot_may_store(const struct vm_memory *m, vm_slot s)
{
    return (s && (m->slots.refs[s] & SLOT_STORED)) || vm_store_may_add(m);
}

void vm_slot_store(struct vm_memory *m, vm_slot s)
{
    if (m->slots.refs[s] & SLOT_STORED)
        return;
    m->slots.refs[s] |= SLOT_STORED;
    vm_store_add(m);
}

bool vm_slot_is_zero(const struct vm_memory *m, vm_slot s)
{
    return m->slots.refs[s] & SLOT_ZERO;
}

/* ---- the check ---- */

static uint32_t check_cluster(const struct vm_memory *m, uint32_t c, const uint32_t *swapped,
                              uint64_t *stored)
{
    uint32_t used = 0;
    for (vm_slot s = cluster_first(m, c); s < cluster_end(m, c); s++) {
        vm_pfn f = vm_slot_frame(m, s);
        VM_ASSERT(vm_slot_refs(m, s) == swapped[s]);
        VM_ASSERT(f == VM_NOFRAME || m->frame[f].home == s);
        VM_ASSERT(is_used(m, s) || m->slots.refs[s] == 0);
        VM_ASSERT(!is_used(m, s) || f != VM_NOFRAME || (m->slots.refs[s] & SLOT_FLAGS));
        *stored += (m->slots.refs[s] & SLOT_STORED) != 0;
        used += is_used(m, s);
    }
    VM_ASSERT(used == m->slots.used[c]);
    return used;
}

static uint32_t count_linked(const struct vm_memory *m)
{
    const struct vm_slots *s = &m->slots;
    uint32_t n = s->current != NO_CLUSTER;
    for (uint32_t c = s->free_head; c != NO_CLUSTER; c = s->links[c].next, n++)
        VM_ASSERT(s->used[c] == 0 && c != s->current);
    for (uint32_t c = s->links[s->nclusters].next; c != s->nclusters; c = s->links[c].next, n++)
        VM_ASSERT(s->used[c] > 0 && s->used[c] < cluster_slots(m, c) && c != s->current);
    return n;
}

vm_slot vm_slots_end(const struct vm_memory *m)
{
    return m->slots.fresh ? cluster_end(m, m->slots.fresh - 1) : FIRST_SLOT;
}

void vm_slots_check(const struct vm_memory *m, const uint32_t *swapped)
{
    uint64_t used = 0, full = 0, stored = 0;
    for (uint32_t c = 0; c < m->slots.fresh; c++) {
        used += check_cluster(m, c, swapped, &stored);
        full += m->slots.used[c] == cluster_slots(m, c) && c != m->slots.current;
    }
    VM_ASSERT(used == m->slots_used && stored == m->store.npages);
    VM_ASSERT(full + count_linked(m) == m->slots.fresh);
}
