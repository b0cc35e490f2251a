/* slots.c - the swap maps: which slots are used, by how many entries, and which frame holds a
 * slot's page.
 *
 * A slot is taken for a frame whose page is about to lose its entries, and kept while an entry is
 * swapped to it or a frame has it as its home: a page that comes back and is not written to again
 * leaves without a transfer. Copy-on-write siblings share a slot, and count in it.
 *
 * Where there are two devices, a slot is one of the fast one's while it has a free one, and of the
 * slow one's only then. What lies on the slow device stays there until it is dirty and takes a new
 * slot: nothing is moved from one device to the other, whatever is hot or cold by now (as in Linux,
 * where the priorities of swap areas say no more than which one is filled first).
 *
 * Slots are given out in clusters: one after the other from a cluster of which all are free, so
 * that pages that leave together lie together and one request writes them all; from what is left
 * of others only where no whole cluster of the device is free.
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
 * (clusters of SWAPFILE_CLUSTER slots, nonfull_clusters, swap_avail_heads), mm/page_io.c
 * (swap_zeromap); swapon(2) (SWAP_FLAG_PREFER).
 */
#include "base/assert.h"
#include "space/memory.h"

#define FIRST_SLOT    (VM_SLOT_FILE + 1)
#define SLOTS_DEFAULT (UINT32_C(1) << 26) /* 256 GiB of swap */
#define SLOTS_MAX     (UINT32_C(1) << 30) /* a segment's descriptor has 30 bits; so has a home */
#define SLOT_ZERO     UINT32_C(0x80000000)
#define SLOT_STORED   UINT32_C(0x40000000)
#define SLOT_FLAGS    (SLOT_ZERO | SLOT_STORED)
#define NO_CLUSTER    UINT32_MAX
#define NO_SLOT       UINT32_MAX

/* ---- the arrays ---- */

static void plan_alone(struct vm_memory *m)
{
    struct vm_slots *s = &m->swap[VM_SWAP_FAST].slots;
    s->first = FIRST_SLOT;
    s->n = m->c.swap[VM_SWAP_FAST].nslots;
    if (s->n == 0)
        s->n = SLOTS_DEFAULT;
    if (s->n > SLOTS_MAX - FIRST_SLOT)
        s->n = SLOTS_MAX - FIRST_SLOT;
}

static void plan_both(struct vm_memory *m)
{
    VM_ASSERT(m->c.swap[VM_SWAP_FAST].nslots > 0);
    for (int level = 0; level < VM_SWAP_LEVELS; level++) {
        struct vm_slots *s = &m->swap[level].slots;
        uint32_t n = m->c.swap[level].nslots;
        s->first = FIRST_SLOT + (level == VM_SWAP_SLOW ? VM_SLOT_SLOW : 0);
        s->n = n ? n : VM_SWAP_SLOTS_BOTH;
        VM_ASSERT(s->n <= VM_SWAP_SLOTS_BOTH);
    }
}

void vm_slots_plan(struct vm_memory *m)
{
    if (m->c.swap[VM_SWAP_SLOW].device)
        plan_both(m);
    else
        plan_alone(m);
    for (int level = 0; level < VM_SWAP_LEVELS; level++) {
        struct vm_slots *s = &m->swap[level].slots;
        s->cluster = m->c.swap_cluster;
        s->nclusters = s->n / s->cluster + (s->n % s->cluster != 0);
    }
}

static size_t map_bytes(const struct vm_slots *s)
{
    return 2 * vm_arena_room(sizeof(uint32_t) * s->n) +
           vm_arena_room(sizeof(uint32_t) * s->nclusters) +
           vm_arena_room(sizeof(struct vm_links) * ((size_t)s->nclusters + 1));
}

size_t vm_slots_bytes(const struct vm_memory *m)
{
    return map_bytes(&m->swap[VM_SWAP_FAST].slots) + map_bytes(&m->swap[VM_SWAP_SLOW].slots);
}

static void init_map(struct vm_slots *s, struct vm_arena *a)
{
    s->refs = vm_arena_take(a, sizeof *s->refs * s->n);
    s->frame = vm_arena_take(a, sizeof *s->frame * s->n);
    s->used = vm_arena_take(a, sizeof *s->used * s->nclusters);
    s->links = vm_arena_take(a, sizeof *s->links * ((size_t)s->nclusters + 1));
    s->current = s->free_head = NO_CLUSTER;
    vm_links_head(s->links, s->nclusters);
}

void vm_slots_init(struct vm_memory *m, struct vm_arena *a)
{
    init_map(&m->swap[VM_SWAP_FAST].slots, a);
    init_map(&m->swap[VM_SWAP_SLOW].slots, a);
}

static struct vm_slots *map_of(struct vm_memory *m, vm_slot s)
{
    return &m->swap[vm_slot_level(m, s)].slots;
}

/* Its word of refs[]; of frame[]. */
static uint32_t *refs_of(const struct vm_memory *m, vm_slot s)
{
    return &m->swap[vm_slot_level(m, s)].slots.refs[vm_slot_index(m, s)];
}

static uint32_t *frame_of(const struct vm_memory *m, vm_slot s)
{
    return &m->swap[vm_slot_level(m, s)].slots.frame[vm_slot_index(m, s)];
}

/* ---- clusters, by the numbers of slots on their device ---- */

static uint32_t cluster_first(const struct vm_slots *s, uint32_t c)
{
    return c * s->cluster;
}

static uint32_t cluster_end(const struct vm_slots *s, uint32_t c)
{
    uint32_t left = s->n - cluster_first(s, c);
    return cluster_first(s, c) + (left < s->cluster ? left : s->cluster);
}

static uint32_t cluster_slots(const struct vm_slots *s, uint32_t c)
{
    return cluster_end(s, c) - cluster_first(s, c);
}

static bool is_used(const struct vm_slots *s, uint32_t i)
{
    return (s->refs[i] & ~SLOT_FLAGS) || s->frame[i];
}

static void push_free(struct vm_slots *s, uint32_t c)
{
    s->links[c].next = s->free_head;
    s->free_head = c;
}

/* Cluster `c` ceases to be the current one. */
static void retire(struct vm_slots *s, uint32_t c)
{
    s->current = NO_CLUSTER;
    if (s->used[c] == 0)
        push_free(s, c);
    else if (s->used[c] < cluster_slots(s, c))
        vm_links_push_last(s->links, s->nclusters, c);
}

static bool begin_cluster(struct vm_slots *s)
{
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
    s->at = cluster_first(s, s->current);
    return true;
}

/* ---- taking and freeing ---- */

/* The device whose slot is taken next. */
static enum vm_swap_level level_next(const struct vm_memory *m)
{
    const struct vm_slots *fast = &m->swap[VM_SWAP_FAST].slots;
    bool spills = m->swap[VM_SWAP_SLOW].state && fast->used_all == fast->n;
    return spills ? VM_SWAP_SLOW : VM_SWAP_FAST;
}

/* A free slot, the next of the current cluster if it can be; NO_SLOT: there is none. */
static uint32_t find_free(struct vm_slots *s)
{
    for (;;) {
        if (s->current == NO_CLUSTER && !begin_cluster(s))
            return NO_SLOT;
        while (s->at < cluster_end(s, s->current) && is_used(s, s->at))
            s->at++;
        if (s->at < cluster_end(s, s->current))
            return s->at++;
        retire(s, s->current);
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

/* No slot is free: m->out. */
static void refuse(struct vm_memory *m)
{
    bool both = m->swap[VM_SWAP_SLOW].state;
    m->starved = true;
    vm_fail(&m->out, VM_EMACHINE,
            "out of swap: all %u slots are in use and a dirty page must leave memory",
            m->swap[VM_SWAP_FAST].slots.n + m->swap[VM_SWAP_SLOW].slots.n);
    vm_hint(&m->out, "give more memory (--memory) or more swap (--swap-size%s)",
            both ? ", --swap-slow-size" : "");
}

bool vm_slot_take(struct vm_memory *m, vm_pfn f)
{
    struct vm_slots *s = &m->swap[level_next(m)].slots;
    uint32_t i = find_free(s);
    VM_ASSERT(m->frame[f].home == 0);
    if (i == NO_SLOT) {
        refuse(m);
        return false;
    }
    s->frame[i] = f + 1;
    m->frame[f].home = s->first + i;
    s->used[s->current]++;
    s->used_all++;
    if (i + 1 == cluster_end(s, s->current))
        retire(s, s->current);
    vm_slots_note(m, 1, 0);
    return true;
}

/* A slot of cluster `c` has been freed: where the cluster is linked now. */
static void relink(struct vm_slots *s, uint32_t c)
{
    bool was_full = s->used[c]-- == cluster_slots(s, c);
    s->used_all--;
    if (c == s->current)
        return;
    if (!was_full)
        vm_links_remove(s->links, c);
    if (s->used[c] == 0)
        push_free(s, c);
    else
        vm_links_push_last(s->links, s->nclusters, c);
}

static void free_if_unused(struct vm_memory *m, vm_slot slot)
{
    struct vm_slots *s = map_of(m, slot);
    uint32_t i = vm_slot_index(m, slot);
    if (is_used(s, i))
        return;
    if (s->refs[i] & SLOT_STORED)
        vm_store_remove(m, vm_slot_level(m, slot));
    s->refs[i] = 0;
    vm_slots_note(m, 0, 1);
    relink(s, i / s->cluster);
}

/* ---- who uses a slot ---- */

uint32_t vm_slot_refs(const struct vm_memory *m, vm_slot s)
{
    return *refs_of(m, s) & ~SLOT_FLAGS;
}

vm_pfn vm_slot_frame(const struct vm_memory *m, vm_slot s)
{
    return *frame_of(m, s) - 1;
}

void vm_slot_ref(struct vm_memory *m, vm_slot s)
{
    ++*refs_of(m, s);
}

void vm_slot_unref(struct vm_memory *m, vm_slot s)
{
    VM_ASSERT(vm_slot_refs(m, s) > 0);
    --*refs_of(m, s);
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
    *frame_of(m, s) = f + 1;
}

void vm_slot_detach(struct vm_memory *m, vm_pfn f)
{
    vm_slot s = m->frame[f].home;
    VM_ASSERT(vm_slot_frame(m, s) == f);
    m->frame[f].home = 0;
    *frame_of(m, s) = 0;
    free_if_unused(m, s);
}

void vm_slot_note_zero(struct vm_memory *m, vm_slot s)
{
    *refs_of(m, s) |= SLOT_ZERO;
}

void vm_slot_note_written(struct vm_memory *m, vm_slot s)
{
    *refs_of(m, s) &= ~SLOT_ZERO;
}

bool vm_slot_may_store(const struct vm_memory *m, vm_slot s)
{
    if (s && (*refs_of(m, s) & SLOT_STORED))
        return true;
    return vm_store_may_add(m, s ? vm_slot_level(m, s) : level_next(m));
}

void vm_slot_store(struct vm_memory *m, vm_slot s)
{
    if (*refs_of(m, s) & SLOT_STORED)
        return;
    *refs_of(m, s) |= SLOT_STORED;
    vm_store_add(m, vm_slot_level(m, s));
}

bool vm_slot_is_zero(const struct vm_memory *m, vm_slot s)
{
    return *refs_of(m, s) & SLOT_ZERO;
}

uint32_t vm_slots_touched(const struct vm_memory *m, enum vm_swap_level level)
{
    const struct vm_slots *s = &m->swap[level].slots;
    return s->fresh ? cluster_end(s, s->fresh - 1) : 0;
}

bool vm_slot_is_touched(const struct vm_memory *m, uint64_t number)
{
    for (int level = 0; level < VM_SWAP_LEVELS; level++) {
        uint32_t first = m->swap[level].slots.first;
        uint32_t n = vm_slots_touched(m, (enum vm_swap_level)level);
        if (number >= first && number - first < n)
            return true;
    }
    return false;
}

/* ---- the check ---- */

static void check_slot(const struct vm_memory *m, const struct vm_slots *s, uint32_t i,
                       uint32_t swapped)
{
    vm_pfn f = s->frame[i] - 1;
    VM_ASSERT((s->refs[i] & ~SLOT_FLAGS) == swapped);
    VM_ASSERT(f == VM_NOFRAME || m->frame[f].home == s->first + i);
    VM_ASSERT(is_used(s, i) || s->refs[i] == 0);
    VM_ASSERT(!is_used(s, i) || f != VM_NOFRAME || (s->refs[i] & SLOT_FLAGS));
}

static uint32_t check_cluster(const struct vm_memory *m, const struct vm_slots *s, uint32_t c,
                              const uint32_t *swapped, uint64_t *stored)
{
    uint32_t used = 0;
    for (uint32_t i = cluster_first(s, c); i < cluster_end(s, c); i++) {
        check_slot(m, s, i, swapped[i]);
        *stored += (s->refs[i] & SLOT_STORED) != 0;
        used += is_used(s, i);
    }
    VM_ASSERT(used == s->used[c]);
    return used;
}

static uint32_t count_linked(const struct vm_slots *s)
{
    uint32_t n = s->current != NO_CLUSTER;
    for (uint32_t c = s->free_head; c != NO_CLUSTER; c = s->links[c].next, n++)
        VM_ASSERT(s->used[c] == 0 && c != s->current);
    for (uint32_t c = s->links[s->nclusters].next; c != s->nclusters; c = s->links[c].next, n++)
        VM_ASSERT(s->used[c] > 0 && s->used[c] < cluster_slots(s, c) && c != s->current);
    return n;
}

static void check_map(const struct vm_memory *m, enum vm_swap_level level, const uint32_t *swapped)
{
    const struct vm_slots *s = &m->swap[level].slots;
    uint64_t used = 0, full = 0, stored = 0;
    for (uint32_t c = 0; c < s->fresh; c++) {
        used += check_cluster(m, s, c, swapped, &stored);
        full += s->used[c] == cluster_slots(s, c) && c != s->current;
    }
    VM_ASSERT(used == s->used_all && stored == m->store.npages[level]);
    VM_ASSERT(full + count_linked(s) == s->fresh);
}

void vm_slots_check(const struct vm_memory *m, uint32_t *const swapped[VM_SWAP_LEVELS])
{
    uint64_t used = 0;
    for (int level = 0; level < VM_SWAP_LEVELS; level++) {
        check_map(m, (enum vm_swap_level)level, swapped[level]);
        used += m->swap[level].slots.used_all;
    }
    VM_ASSERT(used == m->slots_used);
}
