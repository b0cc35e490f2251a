/* frame.c - frames: free ones, and the pages that map a frame.
 *
 * Most frames have one mapper, kept in the frame itself; only copy-on-write siblings make a chain.
 * A frame that nobody maps any more keeps its page while an entry that is swapped to its home may
 * come for it. Free frames come from alloc/. Where none is free a page is evicted for one
 * (reclaim.c); where a flat table needs more frames in a row than are free together, they are
 * claimed from the top of memory, whatever pages are there being evicted.
 */
#include "base/assert.h"
#include "space/memory.h"

#include <string.h>

/* ---- who maps a frame ---- */

uint32_t vm_sharer_fresh(struct vm_memory *m)
{
    if (m->sharer_fresh < m->sharer_cap)
        return m->sharer_fresh++;
    vm_fail(&m->out, VM_EMACHINE,
            "more than %u shared mappings of frames: too many forks for this memory",
            m->sharer_cap - 1);
    return 0;
}

bool vm_frame_share(struct vm_memory *m, vm_pfn f, uint64_t key)
{
    uint32_t node = vm_sharer_take(m);
    if (!node)
        return false;
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
        vm_sharer_free(m, node);
        return true;
    }
    for (uint32_t *link = &frame->sharers;; link = &m->sharer[*link].next) {
        VM_ASSERT(*link);
        if (m->sharer[*link].owner == key) {
            uint32_t node = *link;
            *link = m->sharer[node].next;
            vm_sharer_free(m, node);
            return true;
        }
    }
}

void vm_frame_free_sharers(struct vm_memory *m, uint32_t chain)
{
    while (chain) {
        uint32_t node = chain;
        chain = m->sharer[node].next;
        vm_sharer_free(m, node);
    }
}

uint64_t vm_frame_users(const struct vm_memory *m, vm_pfn f)
{
    vm_slot s = vm_frame_slot(&m->frame[f]);
    uint64_t users = s ? vm_slot_refs(m, s) : 0;
    if (vm_is_unmapped(m, f))
        return users;
    for (uint32_t node = m->frame[f].sharers; node; node = m->sharer[node].next)
        users++;
    return users + 1;
}

/* Nobody maps the frame any more: somebody may come for the page by its home. */
static bool is_awaited(struct vm_memory *m, vm_pfn f, uint64_t key)
{
    vm_home_settle(m, f);
    uint32_t home = m->frame[f].home;
    if (home & VM_HOME_FILE)
        return vm_file_is_awaited(m, home, key);
    return home && vm_slot_refs(m, home) > 0;
}

/* What was written to a shared page is the file's, whoever maps it. */
static void write_shared(struct vm_memory *m, vm_pfn f)
{
    if (!(m->frame[f].home & VM_HOME_SHARED) || !(m->bits[f] & VM_FRAME_DIRTY))
        return;
    vm_home_write(m, f);
    m->c.counts->shared_writes++;
}

/* The page `key` in `f`, which nobody maps or comes for any more, is gone: the frame is freed. */
static void leave_unmapped(struct vm_memory *m, vm_pfn f, uint64_t key)
{
    bool huge = vm_huge_has(m, f);
    if (vm_is_leaving(m, f))
        vm_writeback_forget(m, f);
    else
        vm_unit_remove(m, f);
    m->c.left(m->c.host, &(struct vm_leaving){.pfn = f,
                                              .key = key,
                                              .why = VM_LEAVES_MAPPING,
                                              .how = VM_LEFT_UNMAPPED,
                                              .order = huge ? (uint8_t)m->huge.order : 0,
                                              .ahead = vm_is_ahead(m, f)});
    m->c.emptied(m->c.host, f, huge ? UINT32_C(1) << m->huge.order : 1);
    if (huge) {
        vm_huge_free(m, f);
        return;
    }
    write_shared(m, f);
    m->nresident--;
    vm_home_leave(m, f);
    vm_frame_free(m, f);
}

/* The last mapper of `f` has gone. */
static void __attribute__((noinline)) unmap_last(struct vm_memory *m, vm_pfn f, uint64_t key)
{
    if (vm_huge_has(m, f) || !is_awaited(m, f, key)) {
        leave_unmapped(m, f, key);
        return;
    }
    m->frame[f].sharers = VM_UNMAPPED;
    vm_lock_settle(m, f);
}

void vm_frame_unmap(struct vm_memory *m, vm_pfn f, uint64_t key)
{
    m->space[vm_key_asid(key)].resident -= vm_huge_pages_of(m, f);
    if (unshare(m, &m->frame[f], key))
        vm_lock_settle(m, f);
    else
        unmap_last(m, f, key);
}

void vm_frame_drop(struct vm_memory *m, vm_pfn f)
{
    VM_ASSERT(vm_is_unmapped(m, f));
    leave_unmapped(m, f, m->frame[f].owner);
}

/* ---- the policy ---- */

void vm_unit_insert(struct vm_memory *m, vm_pfn f, uint64_t key)
{
    m->c.settle(m->c.host);
    if (vm_lock_holds(m, f)) {
        vm_lock_add(m, f);
        return;
    }
    m->c.policy->insert(m->policy, f, key);
    m->c.joined(m->c.host, f, key);
    m->nunits++;
}

void vm_unit_remove(struct vm_memory *m, vm_pfn f)
{
    m->c.settle(m->c.host);
    if (vm_is_locked(m, f)) {
        vm_lock_remove(m, f);
        return;
    }
    m->c.policy->remove(m->policy, f);
    m->c.parted(m->c.host, f);
    m->nunits--;
}

void vm_unit_stays(struct vm_memory *m, vm_pfn f)
{
    m->c.parted(m->c.host, f);
    vm_unit_insert(m, f, m->frame[f].owner);
}

/* ---- getting and freeing frames ---- */

void vm_frame_note_used(struct vm_memory *m, uint32_t n)
{
    m->nused += n;
    if (m->nused > m->c.counts->frames_peak)
        m->c.counts->frames_peak = m->nused;
}

/* `free` is a free frame that was taken, or VM_NOFRAME: then reservations end, and at last the
 * policy's victim leaves for the page `incoming`. */
static vm_pfn frame_or_victim(struct vm_memory *m, vm_pfn free, uint64_t incoming)
{
    if (free == VM_NOFRAME && vm_reserve_break_first(m))
        free = vm_frames_take(m->frames, vm_frame_use_of(incoming), 0);
    if (free == VM_NOFRAME)
        return vm_reclaim_frame(m, incoming);
    vm_frame_note_used(m, 1);
    m->frame[free] = (struct vm_frame){.owner = VM_FRAME_FREE};
    return free;
}

vm_pfn vm_frame_get(struct vm_memory *m, vm_va va, uint64_t key)
{
    uint32_t last = m->c.colours ? m->c.colours - 1 : 0;
    uint32_t colour = (uint32_t)(va >> m->c.page_shift) & last;
    vm_writeback_ahead(m);
    vm_pfn f = vm_frames_take_colour(m->frames, vm_frame_use_of(key), colour);
    f = frame_or_victim(m, f, key);
    m->c.counts->colour_misses += f != VM_NOFRAME && (f & last) != colour;
    return f;
}

void vm_frame_free(struct vm_memory *m, vm_pfn f)
{
    if (vm_store_owes(m)) {
        vm_store_add_frame(m, f);
        return;
    }
    m->frame[f] = (struct vm_frame){.owner = VM_FRAME_FREE};
    m->bits[f] = 0;
    m->nused--;
    vm_frames_give(m->frames, f, 1);
}

/* ---- frames for tables ---- */

static void note_tables(struct vm_memory *m, vm_pfn first, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        m->frame[first + i] = (struct vm_frame){.owner = VM_FRAME_TABLE};
        vm_contents_zero(m, first + i);
    }
    m->ntables += n;
    vm_frame_note_used(m, n);
    if (m->ntables > m->c.counts->table_frames_peak)
        m->c.counts->table_frames_peak = m->ntables;
}

/* A frame that nothing can be evicted from: a table's, the store's, one of a huge page that is
 * being made or split at this moment, or of a page that is locked. */
static bool stands(const struct vm_memory *m, vm_pfn f)
{
    uint64_t owner = m->frame[f].owner;
    return owner == VM_FRAME_TABLE || owner == VM_FRAME_STORE ||
           (owner == VM_FRAME_TAIL && !vm_huge_has(m, f)) ||
           (vm_is_locked(m, f) && !vm_huge_has(m, f));
}

/* The highest n consecutive frames of which none stands, or VM_NOFRAME; *longest is how many lie
 * together at most then. */
static vm_pfn window_find(const struct vm_memory *m, uint32_t n, uint32_t *longest)
{
    uint32_t run = 0;
    *longest = 0;
    for (vm_pfn f = vm_frames_end_for(m->frames, VM_FRAME_FOR_KERNEL); f-- > 0;) {
        run = stands(m, f) ? 0 : run + 1;
        *longest = run > *longest ? run : *longest;
        if (run == n)
            return f;
    }
    return VM_NOFRAME;
}

/* The first huge page that has a frame in [first, end), or VM_NOFRAME. */
static vm_pfn window_huge(const struct vm_memory *m, vm_pfn first, vm_pfn end)
{
    for (vm_pfn f = first; f < end; f++)
        if (vm_huge_has(m, f))
            return vm_memory_unit(m, f);
    return VM_NOFRAME;
}

bool vm_frame_vacate(struct vm_memory *m, vm_pfn f)
{
    if (vm_is_leaving(m, f))
        vm_writeback_rescue(m, f);
    else
        vm_unit_remove(m, f);
    if (!vm_evict(m, f, VM_LEAVES_CLAIMED)) {
        vm_unit_stays(m, f);
        return false;
    }
    vm_frame_free(m, f);
    return true;
}

/* Every base page in [first, end), where no tables are, leaves memory. */
static bool window_empty(struct vm_memory *m, vm_pfn first, vm_pfn end)
{
    for (vm_pfn f = first; f < end; f++) {
        if (!vm_frames_is_free(m->frames, f) && !stands(m, f) && !vm_frame_vacate(m, f))
            return false;
    }
    return true;
}

/* A window without huge pages: they are split, and as their tables may come to lie in it, it is
 * looked for again. VM_NOFRAME: m->out. */
static vm_pfn window_choose(struct vm_memory *m, uint32_t n)
{
    uint32_t longest;
    vm_pfn first, huge;
    while ((first = window_find(m, n, &longest)) != VM_NOFRAME &&
           (huge = window_huge(m, first, first + n)) != VM_NOFRAME)
        if (!vm_huge_demote(m, huge))
            return VM_NOFRAME;
    if (first == VM_NOFRAME) {
        vm_fail(&m->out, VM_EMACHINE,
                "page tables do not fit in memory: a table of %u consecutive frames, and at most "
                "%u of %u lie together between other tables%s",
                n, longest, m->c.nframes, m->store.nframes ? " and compressed pages" : "");
        vm_hint(&m->out, "give more memory (--memory), or keep tables outside it (--tables apart)");
    }
    return first;
}

/* n consecutive frames, where as many are not free together. The store may get one of those that
 * are emptied: then another window is looked for, in a memory of fewer pages. */
static vm_pfn window_claim(struct vm_memory *m, uint32_t n)
{
    vm_pfn first;
    while (vm_reserve_break_first(m))
        ;
    do {
        first = window_choose(m, n);
        if (first == VM_NOFRAME || !window_empty(m, first, first + n))
            return VM_NOFRAME;
    } while (!vm_frames_take_at(m->frames, first, n));
    return first;
}

static vm_pfn take_inside(struct vm_memory *m, uint32_t n)
{
    vm_pfn first = vm_frames_take_run(m->frames, VM_FRAME_FOR_KERNEL, n);
    if (n > 1)
        return first == VM_NOFRAME ? window_claim(m, n) : first;
    first = frame_or_victim(m, first, VM_NOPAGE);
    m->nused -= first != VM_NOFRAME; /* note_tables counts it */
    return first;
}

uint32_t vm_frame_promise(struct vm_memory *m, uint32_t n)
{
    uint32_t first = 0;
    if (vm_frames_free_for(m->frames, VM_FRAME_FOR_KERNEL) < n)
        return 0;
    for (uint32_t i = 0; i < n; i++) {
        vm_pfn f = vm_frames_take(m->frames, VM_FRAME_FOR_KERNEL, 0);
        note_tables(m, f, 1);
        m->frame[f].sharers = first;
        first = f + 1;
    }
    return first;
}

void vm_frame_unpromise(struct vm_memory *m, uint32_t promised)
{
    while (promised) {
        vm_pfn f = promised - 1;
        promised = m->frame[f].sharers;
        m->ntables--;
        vm_frame_free(m, f);
    }
}

static vm_pfn take_apart(struct vm_memory *m, uint32_t n)
{
    vm_pfn first = vm_frames_take_run(m->apart, VM_FRAME_FOR_KERNEL, n);
    if (first == VM_NOFRAME) {
        vm_fail(&m->out, VM_EMACHINE,
                "page tables do not fit: %u more consecutive frames wanted, %u of the %u kept "
                "apart are left",
                n, vm_frames_free(m->apart), m->frames_all - m->c.nframes);
        return VM_NOFRAME;
    }
    first += m->c.nframes;
    if (first + n > m->apart_end)
        m->apart_end = first + n;
    return first;
}

vm_pfn vm_frame_take(void *memory, uint32_t n)
{
    struct vm_memory *m = memory;
    vm_pfn first = m->apart ? take_apart(m, n) : take_inside(m, n);
    if (first != VM_NOFRAME)
        note_tables(m, first, n);
    return first;
}

bool vm_frame_extend(void *memory, vm_pfn first, uint32_t n, uint32_t more)
{
    struct vm_memory *m = memory;
    vm_pfn next = first + n;
    vm_pfn end = m->apart ? m->frames_all : vm_frames_end_for(m->frames, VM_FRAME_FOR_KERNEL);
    if (more > end - next || !vm_frames_take_at(m->apart ? m->apart : m->frames,
                                                m->apart ? next - m->c.nframes : next, more))
        return false;
    if (m->apart && next + more > m->apart_end)
        m->apart_end = next + more;
    note_tables(m, next, more);
    return true;
}

void vm_frame_table_moved(void *memory, uint64_t bytes)
{
    ((struct vm_memory *)memory)->c.counts->table_moved_bytes += bytes;
}

void vm_frame_give(void *memory, vm_pfn first, uint32_t n)
{
    struct vm_memory *m = memory;
    for (uint32_t i = 0; i < n; i++)
        vm_table_page_freed(m, first + i);
    memset(m->physical + ((size_t)first << m->c.page_shift), 0, (size_t)n << m->c.page_shift);
    for (uint32_t i = 0; i < n; i++)
        m->frame[first + i] = (struct vm_frame){.owner = VM_FRAME_FREE};
    m->ntables -= n;
    m->c.emptied(m->c.host, first, n);
    m->nused -= n;
    if (m->apart)
        vm_frames_give(m->apart, first - m->c.nframes, n);
    else
        vm_frames_give(m->frames, first, n);
}
