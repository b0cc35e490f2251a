/* memory.c - a machine's memory: opening, closing, and the check of the whole structure. */
#include "space/memory.h"
#include "base/assert.h"
#include "space/segment.h"

#include <stdlib.h>
#include <string.h>

#define NASIDS          (VM_ASID_MAX + 1)
#define TABLES_APART    (UINT32_C(1) << 20) /* 4 GiB of 4 KiB tables, reserved, not used up */
#define SHARERS_A_FRAME 16

static bool has_segments(const struct vm_memory *m)
{
    return m->c.scheme->unit == VM_UNIT_SEGMENT;
}

static struct vm_scheme_env scheme_env(struct vm_memory *m)
{
    bool among = has_segments(m) && m->c.tables == VM_TABLES_INSIDE;
    return (struct vm_scheme_env){
        .memory = m->physical,
        .page_shift = m->c.page_shift,
        .nasids = NASIDS,
        .nframes = m->frames_all,
        .page_frames = m->c.nframes,
        .host = m,
        .take = among ? vm_segments_take : vm_frame_take,
        .give = among ? vm_segments_give : vm_frame_give,
        .extend = vm_frame_extend,
        .moved = vm_frame_table_moved,
        .unmapped = vm_table_page_unmapped,
        .pager = vm_table_pager(m),
        .refusal = &m->out,
        .params = m->c.scheme_params,
    };
}

static struct vm_policy_env policy_env(struct vm_memory *m)
{
    return (struct vm_policy_env){
        .nframes = m->c.nframes,
        .capacity = m->c.nframes,
        .clock = m->c.clock,
        .host = &m->policy_host,
        .bits = m->bits,
        .seed = m->c.seed,
        .params = m->c.policy_params,
        .allotment = m->c.allotment,
        .future = m->c.future,
    };
}

static struct vm_frames_config frames_config(const struct vm_memory *m)
{
    struct vm_frames_config c = m->c.frames;
    c.nframes = m->c.nframes;
    c.ncolours = m->c.colours ? m->c.colours : 1;
    c.processors = c.processors ? c.processors : 1;
    return c;
}

/* Of frames that tables alone have. */
static struct vm_frames_config apart_config(const struct vm_memory *m)
{
    return (struct vm_frames_config){.nframes = m->frames_all - m->c.nframes, .ncolours = 1};
}

static size_t frames_bytes(const struct vm_memory *m)
{
    struct vm_frames_config c = frames_config(m);
    return vm_arena_room(vm_frames_size(&c));
}

static size_t apart_bytes(const struct vm_memory *m)
{
    struct vm_frames_config c = apart_config(m);
    return c.nframes ? vm_arena_room(vm_frames_size(&c)) : 0;
}

/* Frames that the tables of one huge page's base pages take: one for each page of every order in
 * between. None inside the memory where tables lie apart. */
static uint32_t split_tables(struct vm_memory *m)
{
    struct vm_scheme_env env = scheme_env(m);
    uint64_t orders = m->c.scheme->orders(&env), n = 0;
    VM_ASSERT(m->c.huge.order > 0 && m->c.huge.order < 32 && orders >> m->c.huge.order & 1);
    for (unsigned order = 1; order <= m->c.huge.order; order++)
        n += (orders >> order & 1) << (m->c.huge.order - order);
    return m->c.tables == VM_TABLES_INSIDE ? (uint32_t)n : 0;
}

/* How many there are. */
static int devices(const struct vm_memory *m)
{
    return m->c.swap[VM_SWAP_SLOW].device ? 2 : 1;
}

static size_t devices_bytes(const struct vm_memory *m)
{
    size_t bytes = 0;
    for (int level = 0; level < devices(m); level++)
        bytes += vm_arena_room(m->c.swap[level].device->size());
    return bytes;
}

/* Everything in one arena; the order is that of take_all. */
static size_t room(struct vm_memory *m)
{
    struct vm_scheme_env scheme = scheme_env(m);
    struct vm_policy_env policy = policy_env(m);
    return vm_arena_room(sizeof *m->frame * m->frames_all) + vm_arena_room(m->c.nframes) +
           vm_arena_room(sizeof *m->sharer * m->sharer_cap) + frames_bytes(m) + apart_bytes(m) +
           vm_huge_bytes(m) + vm_slots_bytes(m) + vm_page_cache_bytes(m) + vm_ahead_bytes(m) +
           vm_writeback_bytes(m) + vm_flusher_bytes(m) + vm_contents_bytes(m) +
           vm_arena_room(sizeof *m->space * NASIDS) + vm_arena_room(m->c.scheme->size(&scheme)) +
           vm_arena_room(m->c.policy->size(&policy)) + devices_bytes(m) +
           ((size_t)m->frames_all << m->c.page_shift);
}

static void take_all(struct vm_memory *m)
{
    struct vm_arena *a = &m->arena;
    struct vm_scheme_env scheme = scheme_env(m);
    struct vm_policy_env policy = policy_env(m);
    struct vm_frames_config frames = frames_config(m), apart = apart_config(m);
    m->physical = vm_arena_take(a, (size_t)m->frames_all << m->c.page_shift);
    m->frame = vm_arena_take(a, sizeof *m->frame * m->frames_all);
    m->bits = vm_arena_take(a, m->c.nframes);
    m->frames = vm_frames_init(vm_arena_take(a, frames_bytes(m)), &frames);
    if (apart_bytes(m))
        m->apart = vm_frames_init(vm_arena_take(a, apart_bytes(m)), &apart);
    if (m->c.huge.pages != VM_HUGE_NEVER)
        vm_huge_init(m, split_tables(m), vm_arena_take(a, vm_huge_bytes(m)));
    m->sharer = vm_arena_take(a, sizeof *m->sharer * m->sharer_cap);
    vm_slots_init(m, a);
    vm_writeback_init(m, a);
    vm_flusher_init(m, a);
    vm_page_cache_init(m, a);
    vm_ahead_init(m, a);
    vm_contents_init(m, a);
    m->space = vm_arena_take(a, sizeof *m->space * NASIDS);
    m->scheme = vm_arena_take(a, m->c.scheme->size(&scheme));
    m->policy = vm_arena_take(a, m->c.policy->size(&policy));
    for (int level = 0; level < devices(m); level++)
        m->swap[level].state = vm_arena_take(a, m->c.swap[level].device->size());
}

static void init_devices(struct vm_memory *m)
{
    for (int level = 0; level < devices(m); level++) {
        const struct vm_swap_config *c = &m->c.swap[level];
        c->device->init(m->swap[level].state, c->device_params);
        vm_queue_init(&m->swap[level].queue, c->device, m->swap[level].state);
    }
}

/* ---- what the policy may ask ---- */

#define PLACE_BITS 52 /* of a page number; the address space is above them */

static uint64_t place_of(void *memory, uint64_t page)
{
    (void)memory;
    return (uint64_t)vm_key_asid(page) << PLACE_BITS | page >> 12;
}

/* What leaf tables map; a huge page, in the first of its places among these. Of segments, and of
 * the kernel's pages, none adjoins another. A page is where it came in: of a space that has gone,
 * whose child has the page still, nothing is there. */
static void frames_of(void *memory, uint64_t first, size_t n, vm_pfn *frame)
{
    const struct vm_memory *m = memory;
    vm_asid asid = (vm_asid)(first >> PLACE_BITS);
    vm_va start = (first & vm_low_bits(PLACE_BITS)) << m->c.page_shift;
    vm_va end = start + ((vm_va)n << m->c.page_shift);
    for (size_t i = 0; i < n; i++)
        frame[i] = VM_NOFRAME;
    if (m->seg || asid > VM_ASID_MAX || !m->space[asid].open)
        return;
    if (end == 0) /* behind the last address */
        end = UINT64_MAX << m->c.page_shift;
    struct vm_pte pte;
    for (vm_va va = start; (va = m->c.scheme->next(m->scheme, asid, va, end)) < end;
         va = vm_memory_behind(m, va, pte)) {
        pte = m->c.scheme->get(m->scheme, asid, va);
        if (pte.state == VM_PTE_PRESENT && !vm_is_locked(m, pte.pfn))
            frame[(va - start) >> m->c.page_shift] = pte.pfn;
    }
}

static vm_asid owner_of(void *memory, uint64_t page)
{
    (void)memory;
    return vm_key_asid(page);
}

static uint64_t pages_of(void *memory, vm_asid owner)
{
    const struct vm_memory *m = memory;
    uint64_t bytes = 0;
    for (size_t i = 0; i < m->space[owner].nvmas; i++)
        bytes += m->space[owner].vma[i].end - m->space[owner].vma[i].start;
    return bytes >> m->c.page_shift;
}

struct vm_memory *vm_memory_open(const struct vm_memory_config *c, struct vm_error *e)
{
    struct vm_memory *m = calloc(1, sizeof *m);
    if (!m) {
        vm_fail(e, VM_ESYSTEM, "no memory for a machine");
        return NULL;
    }
    VM_ASSERT(c->nframes > 0 && c->page_shift >= c->scheme->page_shift_min &&
              c->page_shift <= c->scheme->page_shift_max);
    m->c = *c;
    m->policy_host =
        (struct vm_policy_host){m, place_of, frames_of, owner_of, pages_of, vm_policy_clean};
    bool apart = c->tables == VM_TABLES_APART;
    m->frames_all = c->nframes + (apart ? TABLES_APART : 0);
    m->apart_end = c->nframes;
    VM_ASSERT(c->swap_cluster > 0);
    vm_slots_plan(m);
    m->sharer_cap =
        c->nframes < (UINT32_C(1) << 26) ? 1024 + c->nframes * SHARERS_A_FRAME : UINT32_C(1) << 30;
    m->sharer_fresh = 1;
    struct vm_scheme_env asked = scheme_env(m);
    if (!c->scheme->accept(&asked, e) || !vm_arena_open(&m->arena, room(m), e)) {
        free(m);
        return NULL;
    }
    if (has_segments(m) && !(m->seg = vm_segments_open(m, e))) {
        vm_arena_close(&m->arena);
        free(m);
        return NULL;
    }
    take_all(m);
    struct vm_scheme_env scheme = scheme_env(m);
    struct vm_policy_env policy = policy_env(m);
    c->scheme->init(m->scheme, &scheme);
    c->policy->init(m->policy, &policy);
    init_devices(m);
    return m;
}

void vm_memory_close(struct vm_memory *m)
{
    if (!m)
        return;
    for (unsigned asid = 0; asid < NASIDS; asid++)
        free(m->space[asid].vma);
    vm_segments_close(m->seg);
    vm_arena_close(&m->arena);
    free(m);
}

bool vm_memory_use_space(struct vm_memory *m, vm_asid asid, struct vm_error *e)
{
    if (asid > VM_ASID_MAX)
        return vm_fail(e, VM_EINPUT, "address space %u: expected at most %u", asid, VM_ASID_MAX);
    if (m->space[asid].open)
        return true;
    while (!m->c.scheme->open(m->scheme, asid)) {
        *e = m->out;
        if (!vm_oom_relieve(m))
            return false;
    }
    m->space[asid].open = true;
    m->space[asid].killed = false;
    m->space[asid].born = ++m->nborn;
    m->space[asid].image = m->c.huge.pages == VM_HUGE_NEVER ? vm_file_new(m) : 0;
    if (asid >= m->asid_end)
        m->asid_end = asid + 1u;
    return true;
}

uint8_t *vm_memory_frame(struct vm_memory *m, vm_pfn pfn)
{
    VM_ASSERT(m->c.contents && pfn < m->c.nframes);
    return m->physical + ((size_t)pfn << m->c.page_shift);
}

uint8_t *vm_memory_bits(struct vm_memory *m)
{
    return m->bits;
}

void *vm_memory_scheme_state(struct vm_memory *m)
{
    return m->scheme;
}

void *vm_memory_policy_state(struct vm_memory *m)
{
    return m->policy;
}

const struct vm_space *vm_memory_space(const struct vm_memory *m, vm_asid asid)
{
    return asid <= VM_ASID_MAX && m->space[asid].open ? &m->space[asid] : NULL;
}

uint64_t vm_memory_resident(const struct vm_memory *m)
{
    return m->nresident;
}

uint64_t vm_memory_table_frames(const struct vm_memory *m)
{
    return m->ntables;
}

void vm_memory_footprint(const struct vm_memory *m, struct vm_footprint *out)
{
    *out = (struct vm_footprint){0};
    for (unsigned asid = 0; asid < NASIDS; asid++) {
        struct vm_footprint f;
        if (!m->space[asid].open)
            continue;
        m->c.scheme->footprint(m->scheme, (vm_asid)asid, &f);
        out->own_bytes += f.own_bytes;
        out->kernel_bytes += f.kernel_bytes;
        out->shared_bytes = f.shared_bytes;
    }
}

void vm_memory_holes(const struct vm_memory *m, struct vm_holes *out)
{
    struct vm_alloc_usage usage;
    *out = (struct vm_holes){0};
    if (!m->seg)
        return;
    m->seg->fit->usage(m->seg->frames, &usage);
    out->segments = m->seg->nunits;
    out->holes = usage.free_blocks;
    out->free_bytes = usage.free_units << m->c.page_shift;
    out->free_max_bytes = usage.free_max << m->c.page_shift;
    out->internal_bytes = usage.internal_units << m->c.page_shift;
    if (usage.free_units)
        out->fragmentation = (double)(usage.free_units - usage.free_max) / (double)usage.free_units;
    if (m->c.counts->misfits)
        out->fragmentation_misfits = m->seg->fragmentation / (double)m->c.counts->misfits;
}

void vm_memory_processor(struct vm_memory *m, uint32_t n)
{
    vm_frames_processor(m->frames, n);
}

const struct vm_frames *vm_memory_frames(const struct vm_memory *m)
{
    return m->seg ? NULL : m->frames;
}

const struct vm_queue *vm_memory_queue(const struct vm_memory *m, enum vm_swap_level level)
{
    return m->swap[level].state ? &m->swap[level].queue : NULL;
}

void vm_memory_transfers(const struct vm_memory *m, struct vm_queue_counts out[VM_SWAP_LEVELS])
{
    for (int level = 0; level < VM_SWAP_LEVELS; level++)
        out[level] = m->swap[level].queue.counts;
}

/* ---- the check ---- */

/* What the entries of all address spaces say, gathered to be held against the frames and slots. */
struct census {
    const struct vm_memory *m;
    uint32_t *mappers;                 /* [nframes] present entries */
    uint32_t *swapped[VM_SWAP_LEVELS]; /* swapped entries, of the slots ever used */
    uint8_t *awaited;                  /* [nframes] an entry that is in its file leads to it */
    uint64_t resident;
};

static bool is_mapper(const struct vm_memory *m, vm_pfn f, uint64_t key)
{
    if (vm_is_unmapped(m, f))
        return false;
    if (m->frame[f].owner == key)
        return true;
    for (uint32_t node = m->frame[f].sharers; node; node = m->sharer[node].next)
        if (m->sharer[node].owner == key)
            return true;
    return false;
}

static void count_swapped(struct census *c, vm_slot s)
{
    VM_ASSERT(vm_slot_is_touched(c->m, s));
    c->swapped[vm_slot_level(c->m, s)][vm_slot_index(c->m, s)]++;
}

static void check_swapped(struct census *c, const struct vm_vma *v, struct vm_pte pte, uint64_t key)
{
    if (pte.slot != VM_SLOT_FILE) {
        count_swapped(c, pte.slot);
        return;
    }
    vm_pfn f = v->file
                   ? vm_page_cache_look(c->m, vm_file_home(v),
                                        vm_file_page(c->m, v, vm_key_va(key, c->m->c.page_shift)))
                   : VM_NOFRAME;
    if (f != VM_NOFRAME)
        c->awaited[f] = 1;
}

static void check_entry(struct census *c, vm_asid asid, const struct vm_vma *v, vm_va va,
                        struct vm_pte pte)
{
    const struct vm_memory *m = c->m;
    if (pte.state == VM_PTE_SWAPPED) {
        check_swapped(c, v, pte, vm_memory_key(m, va, asid));
        return;
    }
    VM_ASSERT(vm_huge_has(m, pte.pfn) == (pte.order > 0) && vm_memory_unit(m, pte.pfn) == pte.pfn);
    VM_ASSERT(pte.order == 0 || vm_huge_fits(m, v, va));
    VM_ASSERT(pte.pfn < m->c.nframes && is_mapper(m, pte.pfn, vm_memory_key(m, va, asid)));
    VM_ASSERT(!(pte.prot & VM_PROT_WRITE) || vm_frame_users(m, pte.pfn) == 1 ||
              (m->frame[pte.pfn].home & VM_HOME_SHARED));
    VM_ASSERT(!(pte.prot & VM_PROT_WRITE) || (v->prot & VM_PROT_WRITE));
    VM_ASSERT(!(pte.prot & VM_PROT_WRITE) || !(m->frame[pte.pfn].home & VM_HOME_SHARED) ||
              v->backing == VM_BACKING_SHARED);
    c->mappers[pte.pfn]++;
    c->resident += vm_huge_pages_of(m, pte.pfn);
}

static void check_space(struct census *c, vm_asid asid)
{
    const struct vm_memory *m = c->m;
    const struct vm_space *s = &m->space[asid];
    if (!s->open)
        return;
    vm_vma_check(s, m->c.page_shift);
    uint64_t before = c->resident, entries = 0, inside = 0;
    vm_va top = UINT64_MAX << m->c.page_shift;
    struct vm_pte pte;
    for (vm_va va = 0; (va = m->c.scheme->next(m->scheme, asid, va, top)) < top;
         va = vm_memory_behind(m, va, m->c.scheme->get(m->scheme, asid, va)))
        entries++;
    for (size_t i = 0; i < s->nvmas; i++)
        for (vm_va va = s->vma[i].start, end = s->vma[i].end;
             (va = m->c.scheme->next(m->scheme, asid, va, end)) < end;
             va = vm_memory_behind(m, va, pte)) {
            pte = m->c.scheme->get(m->scheme, asid, va);
            check_entry(c, asid, &s->vma[i], va, pte);
            inside++;
        }
    VM_ASSERT(entries == inside); /* no entry outside every VMA */
    VM_ASSERT(c->resident - before == s->resident);
}

/* The kernel's own entries, of table pages: loose ones and those in slots are the host's affair. */
static void check_tables(struct census *c)
{
    const struct vm_memory *m = c->m;
    vm_va page = UINT64_C(1) << m->c.page_shift, top = UINT64_MAX << m->c.page_shift;
    uint64_t loose = 0, out = 0;
    if (m->ntables_loose + m->ntables_out == 0) /* most schemes have no entries of the kernel's */
        return;
    for (vm_va va = 0; (va = m->c.scheme->next(m->scheme, VM_ASID_KERNEL, va, top)) < top;
         va += page) {
        struct vm_pte pte = m->c.scheme->get(m->scheme, VM_ASID_KERNEL, va);
        if (pte.state == VM_PTE_SWAPPED) {
            count_swapped(c, pte.slot);
            out++;
        } else if (m->frame[pte.pfn].owner != VM_FRAME_TABLE) {
            VM_ASSERT(m->frame[pte.pfn].owner == vm_memory_key(m, va, VM_ASID_KERNEL));
            loose++;
        }
    }
    VM_ASSERT(loose == m->ntables_loose && out == m->ntables_out);
}

static bool is_free(const struct vm_memory *m, vm_pfn f)
{
    bool inside = f < m->c.nframes;
    return vm_frames_is_free(inside ? m->frames : m->apart, inside ? f : f - m->c.nframes);
}

/* What may lie only where the kernel has addresses. Compressed pages may lie anywhere: they are
 * mapped for as long as they are read (Linux's zsmalloc takes highmem, too). */
static bool stays(const struct vm_memory *m, vm_pfn f)
{
    return m->frame[f].owner == VM_FRAME_TABLE || vm_is_table_page(m, f);
}

static void check_page_frame(const struct census *c, vm_pfn f)
{
    const struct vm_memory *m = c->m;
    const struct vm_frame *frame = &m->frame[f];
    VM_ASSERT(f < m->c.nframes && frame->owner < VM_FRAME_NO_PAGE);
    VM_ASSERT((c->mappers[f] > 0) != vm_is_unmapped(m, f));
    VM_ASSERT(!frame->home || !vm_huge_has(m, f));
    VM_ASSERT(vm_is_locked(m, f) == vm_lock_holds(m, f));
    if (!vm_is_unmapped(m, f))
        return;
    if (frame->home & VM_HOME_FILE)
        VM_ASSERT((c->awaited[f] || vm_file_is_named(frame->home)) &&
                  (frame->home & VM_HOME_SHARED || !(m->bits[f] & VM_FRAME_DIRTY)));
    else
        VM_ASSERT(frame->home && vm_slot_refs(m, frame->home) > 0);
}

static void check_frames(const struct census *c)
{
    const struct vm_memory *m = c->m;
    uint64_t holding = 0, unmapped = 0, tables = 0, loose = 0, units = 0, reserved = 0, store = 0,
             locked = 0;
    for (vm_pfn f = 0; f < m->apart_end; f++) {
        const struct vm_frame *frame = &m->frame[f];
        if (is_free(m, f))
            continue;
        loose += vm_is_table_page(m, f);
        tables += frame->owner == VM_FRAME_TABLE || vm_is_table_page(m, f);
        VM_ASSERT(!stays(m, f) || f < vm_frames_end_for(m->frames, VM_FRAME_FOR_KERNEL) ||
                  f >= m->c.nframes);
        reserved += frame->owner == VM_FRAME_RESERVED;
        store += frame->owner == VM_FRAME_STORE;
        VM_ASSERT(frame->owner == VM_FRAME_FREE || !vm_frame_slot(frame) ||
                  vm_slot_frame(m, frame->home) == f);
        if (frame->owner == VM_FRAME_TABLE || frame->owner == VM_FRAME_RESERVED ||
            frame->owner == VM_FRAME_STORE || vm_is_table_page(m, f))
            continue;
        holding++;
        VM_ASSERT((frame->owner == VM_FRAME_TAIL) == (vm_memory_unit(m, f) != f));
        if (frame->owner == VM_FRAME_TAIL)
            continue;
        units++;
        locked += vm_is_locked(m, f) ? vm_huge_pages_of(m, f) : 0;
        unmapped += vm_is_unmapped(m, f);
        check_page_frame(c, f);
    }
    VM_ASSERT(c->resident + unmapped >= holding);
    VM_ASSERT(holding == m->nresident && loose == m->ntables_loose);
    VM_ASSERT(units + loose - vm_writeback_check(m) == m->nunits + m->lock.nunits);
    VM_ASSERT(reserved == m->huge.nreserved);
    VM_ASSERT(locked == m->lock.npages);
    VM_ASSERT(tables == m->ntables && store == m->store.nframes);
    VM_ASSERT(m->nused == holding + tables + store);
    vm_frames_check(m->frames);
    if (m->huge.run) {
        vm_huge_check(m);
        vm_reserve_check(m);
    }
}

/* Every node of the pool of sharers is free or in one chain. */
static void check_sharers(const struct vm_memory *m)
{
    uint32_t nodes = 0;
    for (vm_pfn f = 0; f < m->c.nframes; f++)
        for (uint32_t node = vm_frames_is_free(m->frames, f) ||
                                     m->frame[f].owner >= VM_FRAME_NO_PAGE || vm_is_unmapped(m, f)
                                 ? 0
                                 : m->frame[f].sharers;
             node; node = m->sharer[node].next)
            nodes++;
    for (uint32_t node = m->sharer_head; node; node = m->sharer[node].next)
        nodes++;
    VM_ASSERT(nodes == m->sharer_fresh - 1);
}

void vm_memory_check(const struct vm_memory *m)
{
    for (int level = 0; level < devices(m); level++)
        vm_queue_check(&m->swap[level].queue);
    if (m->seg) {
        vm_segments_check(m);
        return;
    }
    struct census c = {
        .m = m,
        .mappers = calloc(m->c.nframes, sizeof *c.mappers),
        .awaited = calloc(m->c.nframes, sizeof *c.awaited),
    };
    VM_ASSERT(c.mappers && c.awaited);
    for (int level = 0; level < VM_SWAP_LEVELS; level++) {
        size_t n = vm_slots_touched(m, (enum vm_swap_level)level) + (size_t)1;
        c.swapped[level] = calloc(n, sizeof *c.swapped[level]);
        VM_ASSERT(c.swapped[level]);
    }
    for (unsigned asid = 0; asid < NASIDS; asid++)
        check_space(&c, (vm_asid)asid);
    check_tables(&c);
    check_frames(&c);
    vm_slots_check(m, c.swapped);
    vm_store_check(m);
    vm_page_cache_check(m);
    check_sharers(m);
    vm_flusher_check(m);
    m->c.policy->check(m->policy);
    m->c.scheme->check(m->scheme);
    free(c.mappers);
    free(c.swapped[VM_SWAP_FAST]);
    free(c.swapped[VM_SWAP_SLOW]);
    free(c.awaited);
}
