/* frame.c - frames: free ones, the pages that map a frame, and eviction.
 *
 * Most frames have one mapper, kept in the frame itself; only copy-on-write siblings make a chain.
 * Single frames come from a free list, else from the frames never used, lowest first; consecutive
 * ones for flat tables are claimed from the top of memory, whoever is there being evicted.
 */
#include "base/assert.h"
#include "space/memory.h"

#include <string.h>

/* ---- who maps a frame ---- */

static uint32_t sharer_take(struct vm_memory *m)
{
    uint32_t node = m->sharer_head;
    if (node) {
        m->sharer_head = m->sharer[node].next;
        return node;
    }
    return m->sharer_fresh < m->sharer_cap ? m->sharer_fresh++ : 0;
}

static void sharer_free(struct vm_memory *m, uint32_t node)
{
    m->sharer[node] = (struct vm_sharer){.next = m->sharer_head};
    m->sharer_head = node;
}

bool vm_frame_share(struct vm_memory *m, vm_pfn f, uint64_t key)
{
    uint32_t node = sharer_take(m);
    if (!node)
        return vm_fail(&m->out, VM_EMACHINE,
                       "more than %u shared mappings of frames: too many forks for this memory",
                       m->sharer_cap - 1);
    m->sharer[node] = (struct vm_sharer){key, m->frame[f].sharers};
    m->frame[f].sharers = node;
    return true;
}

/* Take `key` off the frame's mappers; false if it was the last. */
static bool unshare(struct vm_memory *m, struct vm_frame *frame, uint64_t key)
{
    if (!frame->sharers) {
        VM_ASSERT(frame->owner == key);
        return false;
    }
    if (frame->owner == key) { /* the first sharer takes its place */
        uint32_t node = frame->sharers;
        frame->owner = m->sharer[node].owner;
        frame->sharers = m->sharer[node].next;
        sharer_free(m, node);
        return true;
    }
    for (uint32_t *link = &frame->sharers;; link = &m->sharer[*link].next) {
        VM_ASSERT(*link);
        if (m->sharer[*link].owner == key) {
            uint32_t node = *link;
            *link = m->sharer[node].next;
            sharer_free(m, node);
            return true;
        }
    }
}

uint64_t vm_frame_users(const struct vm_memory *m, vm_pfn f)
{
    const struct vm_frame *frame = &m->frame[f];
    uint64_t users = 1 + (frame->slot ? m->slot_refs[frame->slot] : 0);
    for (uint32_t node = frame->sharers; node; node = m->sharer[node].next)
        users++;
    return users;
}

void vm_frame_unmap(struct vm_memory *m, vm_pfn f, uint64_t key)
{
    m->space[vm_key_asid(key)].resident--;
    if (unshare(m, &m->frame[f], key))
        return;
    m->c.settle(m->c.host);
    m->c.policy->remove(m->policy, f);
    m->nresident--;
    m->c.left(m->c.host,
              &(struct vm_leaving){
                  .pfn = f, .key = key, .why = VM_LEAVES_MAPPING, .how = VM_LEFT_UNMAPPED});
    vm_swap_detach(m, f);
    vm_frame_free(m, f);
}

/* ---- eviction ---- */

/* What the entry of an evicted clean page without a slot becomes: a page that its file still has,
 * or an anonymous page that was never written and is zero again when next touched. */
static struct vm_pte dropped_entry(struct vm_memory *m, uint64_t key)
{
    const struct vm_vma *v =
        vm_vma_find(&m->space[vm_key_asid(key)], vm_key_va(key, m->c.page_shift));
    VM_ASSERT(v);
    if (v->backing == VM_BACKING_ANON)
        return (struct vm_pte){.state = VM_PTE_EMPTY};
    return (struct vm_pte){.state = VM_PTE_SWAPPED, .prot = v->prot, .slot = VM_SLOT_FILE};
}

static void swap_out_entry(struct vm_memory *m, uint64_t key, vm_slot s)
{
    vm_asid asid = vm_key_asid(key);
    struct vm_pte pte =
        s ? (struct vm_pte){.state = VM_PTE_SWAPPED, .slot = s} : dropped_entry(m, key);
    if (s)
        m->slot_refs[s]++;
    m->c.scheme->set(m->scheme, asid, vm_key_va(key, m->c.page_shift), pte);
    m->space[asid].resident--;
    m->c.shootdown(m->c.host, key);
}

/* Every mapper of `f` loses it to slot `s` (0: dropped). */
static void swap_out_mappers(struct vm_memory *m, vm_pfn f, vm_slot s)
{
    struct vm_frame *frame = &m->frame[f];
    swap_out_entry(m, frame->owner, s);
    while (frame->sharers) {
        uint32_t node = frame->sharers;
        swap_out_entry(m, m->sharer[node].owner, s);
        frame->sharers = m->sharer[node].next;
        sharer_free(m, node);
    }
}

/* The page in `f`, which the policy has given up, leaves memory; `f` is nobody's then. False: it
 * is dirty and swap is full; nothing has changed but that the policy no longer has it. */
static bool evict(struct vm_memory *m, vm_pfn f, enum vm_leaves why)
{
    struct vm_frame *frame = &m->frame[f];
    struct vm_leaving leaving = {.pfn = f, .key = frame->owner, .why = why, .how = VM_LEFT_DROPPED};
    if (m->bits[f] & VM_FRAME_DIRTY) {
        VM_ASSERT(!frame->slot || m->slot_refs[frame->slot] == 0);
        if (!frame->slot && !(frame->slot = vm_swap_take(m)))
            return false;
        vm_swap_write(m, frame->slot);
        m->c.counts->writebacks++;
        leaving.how = VM_LEFT_WRITTEN;
    } else {
        m->c.counts->clean_drops++;
    }
    m->c.counts->evictions++;
    m->nresident--;
    vm_slot s = frame->slot;
    leaving.slot = s;
    m->c.left(m->c.host, &leaving);
    swap_out_mappers(m, f, s);
    if (s) {
        m->slot_frame[s] = 0;
        frame->slot = 0;
    }
    m->bits[f] = 0;
    return true;
}

/* ---- getting and freeing frames ---- */

static void note_used(struct vm_memory *m)
{
    if (m->nused > m->c.counts->frames_peak)
        m->c.counts->frames_peak = m->nused;
}

static vm_pfn frame_unused(struct vm_memory *m)
{
    vm_pfn f = m->free_head;
    if (f)
        m->free_head = m->frame[--f].slot;
    else if (m->fresh < m->fresh_end)
        f = m->fresh++;
    else
        return VM_NOFRAME;
    m->nused++;
    return f;
}

static vm_pfn frame_of_victim(struct vm_memory *m)
{
    if (m->nresident == 0) {
        vm_fail(&m->out, VM_EMACHINE,
                "out of memory: page tables hold %llu of %u frames and no page is left to evict",
                (unsigned long long)m->ntables, m->c.nframes);
        vm_hint(&m->out, "give more memory (--memory), or keep tables outside it (--tables apart)");
        return VM_NOFRAME;
    }
    m->c.settle(m->c.host);
    vm_pfn f = m->c.policy->victim(m->policy);
    VM_ASSERT(f < m->c.nframes && m->frame[f].owner < VM_FRAME_TABLE);
    return evict(m, f, VM_LEAVES_CHOSEN) ? f : VM_NOFRAME;
}

vm_pfn vm_frame_get(struct vm_memory *m)
{
    vm_pfn f = frame_unused(m);
    if (f == VM_NOFRAME)
        f = frame_of_victim(m);
    if (f == VM_NOFRAME)
        return f;
    m->frame[f] = (struct vm_frame){.owner = VM_FRAME_FREE};
    note_used(m);
    return f;
}

void vm_frame_free(struct vm_memory *m, vm_pfn f)
{
    m->frame[f] = (struct vm_frame){.owner = VM_FRAME_FREE, .slot = m->free_head};
    m->free_head = f + 1;
    m->bits[f] = 0;
    m->nused--;
}

/* ---- frames for tables ---- */

static void note_tables(struct vm_memory *m, vm_pfn first, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        m->frame[first + i] = (struct vm_frame){.owner = VM_FRAME_TABLE};
    m->ntables += n;
    m->nused += n;
    note_used(m);
    if (m->ntables > m->c.counts->table_frames_peak)
        m->c.counts->table_frames_peak = m->ntables;
}

/* A range of exactly `n` that was given back: flat tables of one machine are all of one size. */
static vm_pfn range_reuse(struct vm_memory *m, uint32_t n)
{
    for (uint32_t *link = &m->range_head; *link; link = &m->frame[*link - 1].slot) {
        vm_pfn first = *link - 1;
        if (m->frame[first].sharers == n) {
            *link = m->frame[first].slot;
            return first;
        }
    }
    return VM_NOFRAME;
}

static void range_free(struct vm_memory *m, vm_pfn first, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        m->frame[first + i] = (struct vm_frame){.owner = VM_FRAME_FREE};
    m->frame[first].slot = m->range_head;
    m->frame[first].sharers = n;
    m->range_head = first + 1;
}

/* Take the frames from `first` up off the free list. */
static void forget_free_from(struct vm_memory *m, vm_pfn first)
{
    for (uint32_t *link = &m->free_head; *link;) {
        if (*link - 1 >= first)
            *link = m->frame[*link - 1].slot;
        else
            link = &m->frame[*link - 1].slot;
    }
}

/* Empty the top `n` frames of the part that pages may use, and take them out of it. */
static vm_pfn claim_top(struct vm_memory *m, uint32_t n)
{
    if (m->fresh_end < n) {
        vm_fail(&m->out, VM_EMACHINE,
                "page tables do not fit in memory: a table of %u consecutive frames, and %u of %u "
                "frames are left below other tables",
                n, m->fresh_end, m->c.nframes);
        vm_hint(&m->out, "give more memory (--memory), or keep tables outside it (--tables apart)");
        return VM_NOFRAME;
    }
    vm_pfn first = m->fresh_end - n;
    forget_free_from(m, first);
    for (vm_pfn f = first; f < m->fresh; f++) {
        if (m->frame[f].owner >= VM_FRAME_TABLE)
            continue;
        m->c.settle(m->c.host);
        m->c.policy->remove(m->policy, f);
        if (!evict(m, f, VM_LEAVES_CLAIMED))
            return VM_NOFRAME;
        m->nused--;
    }
    m->fresh_end = first;
    if (m->fresh > first)
        m->fresh = first;
    return first;
}

static vm_pfn take_inside(struct vm_memory *m, uint32_t n)
{
    if (n == 1) {
        vm_pfn f = vm_frame_get(m);
        m->nused -= f != VM_NOFRAME; /* note_tables counts it */
        return f;
    }
    vm_pfn first = range_reuse(m, n);
    return first != VM_NOFRAME ? first : claim_top(m, n);
}

static vm_pfn take_apart(struct vm_memory *m, uint32_t n)
{
    vm_pfn first = range_reuse(m, n);
    if (first != VM_NOFRAME)
        return first;
    if (m->frames_all - m->apart_fresh < n) {
        vm_fail(&m->out, VM_EMACHINE,
                "page tables do not fit: %u more frames wanted, %u of the %u kept apart are left",
                n, m->frames_all - m->apart_fresh, m->frames_all - m->c.nframes);
        return VM_NOFRAME;
    }
    first = m->apart_fresh;
    m->apart_fresh += n;
    return first;
}

vm_pfn vm_frame_take(void *memory, uint32_t n)
{
    struct vm_memory *m = memory;
    vm_pfn first = m->c.tables == VM_TABLES_INSIDE ? take_inside(m, n) : take_apart(m, n);
    if (first != VM_NOFRAME)
        note_tables(m, first, n);
    return first;
}

void vm_frame_give(void *memory, vm_pfn first, uint32_t n)
{
    struct vm_memory *m = memory;
    memset(m->physical + ((size_t)first << m->c.page_shift), 0, (size_t)n << m->c.page_shift);
    m->ntables -= n;
    m->c.tables_left(m->c.host, first, n);
    if (m->c.tables == VM_TABLES_INSIDE && n == 1) {
        vm_frame_free(m, first);
        return;
    }
    m->nused -= n;
    range_free(m, first, n);
}
