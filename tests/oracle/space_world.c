/* space_world.c - see space_world.h. */
#include "oracle/space_world.h"

#include "base/assert.h"
#include "space/segment.h"

#include <string.h>

/* A segment's transfer is of one run of slots: no other begins in it. */
static void check_run(const struct space_world *w, uint64_t slot, uint64_t end)
{
    for (uint64_t s = slot + 1; w->memory->seg && s < end; s++)
        VM_ASSERT(w->memory->seg->run[s].slots == 0);
}

/* ---- the device that writes down ---- */

struct log_device {
    struct space_world *world;
    enum vm_swap_level level;
};

static size_t device_size(void)
{
    return sizeof(struct log_device);
}

static void device_init(void *state, const struct vm_params *params)
{
    (void)state, (void)params; /* the world comes later */
}

static uint32_t device_depth(const void *state)
{
    (void)state;
    return 1;
}

static struct vm_service device_service(void *state, enum vm_transfer kind, uint64_t position,
                                        uint64_t bytes, uint64_t start_ns)
{
    VM_ASSERT(start_ns >= ((struct log_device *)state)->world->time_ns);
    struct space_world *w = ((struct log_device *)state)->world;
    unsigned shift = w->memory->c.page_shift;
    uint64_t slot = position >> shift, end = slot + (bytes >> shift);
    uint64_t npages = w->memory->seg ? 1 : bytes >> shift; /* a segment counts as one */
    enum vm_swap_level level = ((struct log_device *)state)->level;
    uint64_t *written_at = w->written_at[level];
    if (level == VM_SWAP_SLOW)
        *(kind == VM_TRANSFER_READ ? &w->slow_reads : &w->slow_writes) += npages;
    if (slot >= WORLD_SLOTS + 2) {
        VM_ASSERT(level == VM_SWAP_FAST);
        *(kind == VM_TRANSFER_READ ? &w->file_reads : &w->file_writes) += npages;
        for (; kind == VM_TRANSFER_WRITE && slot < end; slot++)
            w->file_written_at[slot % WORLD_FILE_PAGES] = w->now;
    } else if (kind == VM_TRANSFER_WRITE) {
        w->writes += npages;
        w->requests++;
        check_run(w, slot, end);
        while (slot < end)
            written_at[slot++] = w->now;
    } else {
        w->reads += npages;
        while (slot < end)
            VM_ASSERT(written_at[slot++]);
    }
    return (struct vm_service){.latency_ns = 1};
}

static uint64_t device_kept(const void *state, uint64_t bytes)
{
    const struct space_world *w = ((const struct log_device *)state)->world;
    VM_ASSERT(bytes == UINT64_C(1) << w->memory->c.page_shift);
    return w->kept[((const struct log_device *)state)->level];
}

static const struct vm_device_ops log_device = {
    .name = "log",
    .summary = "writes down what it is told",
    .size = device_size,
    .init = device_init,
    .depth = device_depth,
    .service = device_service,
    .kept = device_kept,
};

/* ---- the host ---- */

static void forget_entry(struct space_world *w, size_t i)
{
    w->entry[i] = w->entry[--w->nentries];
}

/* Whether the page with this entry has the address. */
static bool entry_has(const struct space_world *w, const struct world_entry *e, vm_asid asid,
                      vm_va va)
{
    return e->asid == asid && va >= e->va &&
           va - e->va < UINT64_C(1) << (w->memory->c.page_shift + e->order);
}

static void shootdown(void *host, uint64_t page_key)
{
    struct space_world *w = host;
    vm_va va = vm_key_va(page_key, w->memory->c.page_shift);
    w->shootdowns++;
    for (size_t i = w->nentries; i-- > 0;)
        if (entry_has(w, &w->entry[i], vm_key_asid(page_key), va))
            forget_entry(w, i);
}

static void shootdown_pages(void *host, uint64_t page_key, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        shootdown(host, page_key + ((uint64_t)i << 12));
}

static void shootdown_space(void *host, vm_asid asid)
{
    struct space_world *w = host;
    w->space_shootdowns++;
    for (size_t i = w->nentries; i-- > 0;)
        if (w->entry[i].asid == asid && !(w->entry[i].prot & VM_PROT_GLOBAL))
            forget_entry(w, i);
}

/* Of page tables only: a segment's entry has bounds. */
static void note_entry(struct space_world *w, vm_asid asid, vm_va va, const struct vm_walk *walk)
{
    unsigned shift = w->memory->c.page_shift + walk->order;
    struct world_entry e = {asid, va >> shift << shift, walk->order, walk->prot, walk->pfn};
    if (w->scheme->unit == VM_UNIT_SEGMENT)
        return;
    for (size_t i = w->nentries; i-- > 0;)
        if (entry_has(w, &w->entry[i], asid, va))
            forget_entry(w, i);
    VM_ASSERT(w->nentries < WORLD_ENTRIES);
    w->entry[w->nentries++] = e;
}

/* What was read ahead was touched, or left untouched, or is there and nobody has touched it. */
static void check_ahead(const struct space_world *w)
{
    uint64_t there = 0;
    for (vm_pfn f = 0; f < w->memory->c.nframes; f++)
        there += w->memory->frame[f].owner < VM_FRAME_NO_PAGE && vm_is_ahead(w->memory, f);
    VM_ASSERT(w->came_ahead == w->counts.readaheads);
    VM_ASSERT(w->came_ahead == w->counts.readahead_hits + w->left_ahead + there);
}

static void check_entries(const struct space_world *w)
{
    for (size_t i = 0; i < w->nentries; i++) {
        const struct world_entry *e = &w->entry[i];
        struct vm_pte pte = w->scheme->get(w->scheme_state, e->asid, e->va);
        VM_ASSERT(pte.state == VM_PTE_PRESENT && pte.pfn == e->pfn && pte.order == e->order);
        VM_ASSERT(!(e->prot & ~pte.prot));
    }
}

static void settle(void *host)
{
    (void)host; /* the policy is told at once */
}

static void left(void *host, const struct vm_leaving *leaving)
{
    struct space_world *w = host;
    w->left += leaving->how <= VM_LEFT_WRITTEN;
    w->left_ahead += leaving->how <= VM_LEFT_WRITTEN && leaving->ahead;
}

static void cleaned(void *host, vm_pfn pfn, uint64_t key, vm_slot slot)
{
    struct space_world *w = host;
    (void)key, (void)slot;
    VM_ASSERT(pfn < w->memory->c.nframes && !(w->memory->bits[pfn] & VM_FRAME_DIRTY));
    w->cleaned++;
}

static void wished(void *host, const struct vm_fault *f, vm_slot slot,
                   const struct vm_readahead_wish *wish)
{
    (void)host, (void)f, (void)slot;
    VM_ASSERT(wish->n > 0);
}

static void came_ahead(void *host, vm_pfn pfn, uint64_t key, vm_slot slot)
{
    struct space_world *w = host;
    (void)slot;
    VM_ASSERT(w->memory->frame[pfn].owner == key);
    w->came_ahead++;
}

static void joined(void *host, vm_pfn unit, uint64_t key)
{
    (void)host, (void)key;
    VM_ASSERT(unit < VM_NOFRAME);
}

static void parted(void *host, vm_pfn unit)
{
    (void)host;
    VM_ASSERT(unit < VM_NOFRAME);
}

static void trimmed(void *host, vm_asid asid, vm_va start, vm_va end)
{
    (void)host, (void)asid;
    VM_ASSERT(start < end);
}

static void emptied(void *host, vm_pfn first, uint32_t n)
{
    const struct space_world *w = host;
    VM_ASSERT(n > 0);
    (void)w, (void)first;
}

/* Time passes only in waits. */
static uint64_t time_now(void *host, enum vm_server server)
{
    VM_ASSERT(server == VM_SERVED_BY_DEVICE);
    return ((const struct space_world *)host)->time_ns;
}

static void time_wait(void *host, uint64_t ns, enum vm_server server, enum vm_wait why)
{
    struct space_world *w = host;
    VM_ASSERT(ns > 0 && server == VM_SERVED_BY_DEVICE);
    w->waits_ns[why] += ns;
    w->time_ns += ns;
}

static void find_parts(struct space_world *w, const struct space_plan *plan)
{
    char name[64];
    const char *params = vm_spec_split(plan->scheme, name, sizeof name);
    w->scheme = vm_scheme_find(name, &w->error);
    VM_ASSERT(w->scheme);
    bool good = vm_params_parse(&w->scheme_params, name, w->scheme->param, w->scheme->nparams,
                                params, &w->error);
    params = vm_spec_split(plan->policy, name, sizeof name);
    w->policy = plan->policy_ops ? plan->policy_ops : vm_policy_find(name, &w->error);
    VM_ASSERT(good && w->policy);
    good = vm_params_parse(&w->policy_params, name, w->policy->param, w->policy->nparams, params,
                           &w->error);
    VM_ASSERT(good);
    const char *ahead = plan->readahead ? plan->readahead : "none";
    const char *ahead_params = vm_spec_split(ahead, name, sizeof name);
    w->readahead = vm_readahead_find(name, &w->error);
    good = w->readahead && vm_params_parse(&w->readahead_params, name, w->readahead->param,
                                           w->readahead->nparams, ahead_params, &w->error);
    VM_ASSERT(good);
    w->fit = vm_alloc_find(plan->fit ? plan->fit : "first-fit", &w->error);
    good = w->fit && vm_params_parse(&w->fit_params, w->fit->name, w->fit->param, w->fit->nparams,
                                     NULL, &w->error);
    VM_ASSERT(good);
}

bool space_world_open(struct space_world *w, const struct space_plan *plan)
{
    memset(w, 0, sizeof *w);
    find_parts(w, plan);
    struct vm_memory_config c = {
        .nframes = plan->nframes,
        .page_shift = plan->page_shift ? plan->page_shift : 12,
        .tables = plan->tables,
        .stray = plan->stray,
        .colours = plan->colours,
        .frames = plan->frames,
        .huge = plan->huge,
        .swap_cluster = plan->swap_cluster ? plan->swap_cluster : 1,
        .oom = plan->oom,
        .flush_ns = plan->flush_ns,
        .flush_age_ns = plan->flush_age_ns,
        .flush = plan->flush,
        .watermark_low = plan->low,
        .watermark_high = plan->high,
        .seed = plan->seed,
        .scheme = w->scheme,
        .scheme_params = &w->scheme_params,
        .policy = w->policy,
        .policy_params = &w->policy_params,
        .fit = w->fit,
        .fit_params = &w->fit_params,
        .compact = plan->compact,
        .readahead = w->readahead,
        .readahead_params = &w->readahead_params,
        .swap = {{.device = &log_device,
                  .device_params = &w->device_params,
                  .nslots = plan->nslots ? plan->nslots : WORLD_SLOTS},
                 {.device = plan->slow_slots ? &log_device : NULL,
                  .device_params = &w->device_params,
                  .nslots = plan->slow_slots}},
        .counts = &w->counts,
        .clock = &w->clock,
        .host = w,
        .shootdown = shootdown,
        .shootdown_pages = shootdown_pages,
        .shootdown_space = shootdown_space,
        .settle = settle,
        .left = left,
        .cleaned = cleaned,
        .wished = wished,
        .came_ahead = came_ahead,
        .trimmed = trimmed,
        .emptied = emptied,
        .joined = joined,
        .parted = parted,
        .now = time_now,
        .wait = time_wait,
    };
    w->memory = vm_memory_open(&c, &w->error);
    if (!w->memory)
        return false;
    for (int level = 0; level < (plan->slow_slots ? 2 : 1); level++)
        *(struct log_device *)w->memory->swap[level].state =
            (struct log_device){w, (enum vm_swap_level)level};
    w->scheme_state = vm_memory_scheme_state(w->memory);
    w->policy_state = vm_memory_policy_state(w->memory);
    struct vm_policy_env env = {
        .nframes = plan->nframes, .capacity = plan->nframes, .params = &w->policy_params};
    uint64_t first = w->policy->tick_first(&env);
    w->tick_next = first ? first : UINT64_MAX;
    w->scan_every = plan->scan_every;
    w->kept[VM_SWAP_FAST] = plan->kept;
    w->kept[VM_SWAP_SLOW] = plan->slow_kept;
    return true;
}

void space_world_close(struct space_world *w)
{
    vm_memory_close(w->memory);
}

static bool touched(struct space_world *w, struct touch t, enum vm_access access, bool told)
{
    uint8_t *bits = vm_memory_bits(w->memory);
    bool huge = w->memory->c.huge.pages != VM_HUGE_NEVER && t.order > 0;
    vm_pfn unit = vm_memory_unit(w->memory, t.pfn);
    if (!told) /* else the memory has set them, and the policy may have cleared one */
        bits[unit] |= VM_FRAME_REFERENCED | (access == VM_WRITE ? VM_FRAME_DIRTY : 0);
    if (huge && !(bits[t.pfn] & VM_FRAME_TOUCHED))
        vm_memory_note_touched(w->memory, t.pfn);
    if (!told && w->policy->touch_kind >= VM_TOUCH_ORDER)
        w->policy->touch(w->policy_state, &unit, 1);
    w->clock.touches = ++w->counts.touches;
    if (w->clock.touches == w->tick_next) {
        uint64_t after;
        if (!vm_memory_tick(w->memory, &after, &w->error))
            return false;
        w->tick_next = after ? w->clock.touches + after : UINT64_MAX;
    }
    return true;
}

static bool resolve(struct space_world *w, struct vm_fault *f, struct touch *t)
{
    if (!vm_memory_fault(w->memory, f, &w->error)) {
        t->outcome = TOUCH_FAILED;
        return false;
    }
    if (!f->vma) {
        VM_ASSERT(f->kind == VM_FAULT_VIOLATION || f->kind == VM_FAULT_DENIED ||
                  f->kind == VM_FAULT_KILLED);
        t->outcome = f->kind == VM_FAULT_DENIED   ? TOUCH_DENIED
                     : f->kind == VM_FAULT_KILLED ? TOUCH_KILLED
                                                  : TOUCH_VIOLATION;
        return false;
    }
    t->nfaults++;
    t->kind = f->kind;
    VM_ASSERT(t->nfaults <= 2); /* a fault that resolves nothing would be met for ever */
    return true;
}

/* The number of va's base page in a page of that order. */
static vm_pfn part_of(const struct space_world *w, vm_va va, unsigned order)
{
    return (vm_pfn)(va >> w->memory->c.page_shift) & ((UINT32_C(1) << order) - 1);
}

/* The daemons' turns, if they are that. */
static bool scan(struct space_world *w)
{
    if (w->now % 3 == 0)
        vm_memory_flush(w->memory);
    return !w->scan_every || w->now % w->scan_every || vm_memory_scan(w->memory, &w->error);
}

/* The walk found no table page: bring it back. */
static bool bring_table(struct space_world *w, vm_va kva, struct touch *t)
{
    struct vm_fault f;
    VM_ASSERT(t->ntables++ == 0); /* no fault recurses: once in, it stays for this touch */
    if (vm_memory_table_fault(w->memory, kva, &f, &w->error))
        return true;
    t->outcome = TOUCH_FAILED;
    return false;
}

struct touch space_world_touch(struct space_world *w, vm_asid asid, vm_va va, enum vm_access access)
{
    struct touch t = {.outcome = TOUCH_DONE, .pfn = VM_NOFRAME};
    struct vm_fault f = {.asid = asid, .va = va, .access = access};
    struct vm_walk walk;
    bool told = false;
    w->now++;
    if (!scan(w) || !vm_memory_use_space(w->memory, asid, &w->error)) {
        t.outcome = TOUCH_FAILED;
        return t;
    }
    for (;;) {
        w->scheme->walk(w->scheme_state, asid, va, access, VM_MODE_USER, &walk);
        if (walk.fault == VM_WALK_OK || walk.fault == VM_WALK_BOUNDS)
            break;
        if (walk.missing) {
            if (!bring_table(w, walk.missing, &t))
                return t;
            continue;
        }
        if (!resolve(w, &f, &t))
            return t;
        told |= f.told;
    }
    if (walk.fault == VM_WALK_BOUNDS) {
        t.outcome = TOUCH_UNNAMED;
        return t;
    }
    t.order = walk.order;
    t.pfn = walk.pfn + part_of(w, va, walk.order);
    note_entry(w, asid, va, &walk);
    if (!touched(w, t, access, told))
        t.outcome = TOUCH_FAILED;
    return t;
}

bool space_world_event(struct space_world *w, struct vm_event event)
{
    w->now++;
    return scan(w) && vm_memory_event(w->memory, &event, &w->error);
}

uint64_t space_world_written_at(const struct space_world *w, vm_slot slot)
{
    const struct vm_slots *map = &w->memory->swap[vm_slot_level(w->memory, slot)].slots;
    return w->written_at[vm_slot_level(w->memory, slot)][slot - map->first + 2];
}

struct vm_pte space_world_pte(const struct space_world *w, vm_asid asid, vm_va va)
{
    if (!vm_memory_space(w->memory, asid))
        return (struct vm_pte){.state = VM_PTE_EMPTY};
    struct vm_pte pte = w->scheme->get(w->scheme_state, asid, va);
    if (pte.state == VM_PTE_PRESENT)
        pte.pfn += part_of(w, va, pte.order);
    return pte;
}

void space_world_check(const struct space_world *w)
{
    const struct vm_counts *c = &w->counts;
    vm_memory_check(w->memory);
    check_entries(w);
    check_ahead(w);
    VM_ASSERT(c->demand_zero + c->soft_faults + c->cow_breaks + c->swap_ins + c->file_ins ==
              c->faults);
    VM_ASSERT(c->writebacks + c->clean_drops == c->evictions);
    VM_ASSERT(c->cleanings == w->cleaned && c->flushes <= c->cleanings);
    VM_ASSERT(c->table_frames_peak <= c->frames_peak);
    VM_ASSERT(c->store_frames_peak <= c->frames_peak && c->store_frames_peak <= c->slots_peak);
    VM_ASSERT(c->huge_faults <= c->demand_zero && c->huge_copies <= c->page_copies);
    VM_ASSERT(c->demotions <= c->huge_faults + c->promotions);
    VM_ASSERT(c->reservation_breaks <= c->reservations);
    VM_ASSERT(c->huge_untouched <= c->huge_untouched_peak);
    VM_ASSERT(w->writes + w->file_writes ==
              c->writebacks + c->table_writes + c->cleanings + c->shared_writes);
    VM_ASSERT(w->reads + w->file_reads ==
              c->swap_ins + c->table_faults + c->table_reads + c->file_ins + c->readaheads);
    VM_ASSERT(c->readaheads || w->file_reads == c->file_ins);
    VM_ASSERT(c->slow_reads == w->slow_reads && c->slow_writes == w->slow_writes);
    VM_ASSERT(c->readahead_hits <= c->readaheads && c->readahead_hits <= c->soft_faults);
    bool alone = !c->cleanings && !c->queued && !c->readaheads;
    VM_ASSERT(!alone || w->waits_ns[VM_WAIT_WRITE] == w->writes + w->file_writes);
    VM_ASSERT(c->frame_waits || w->waits_ns[VM_WAIT_FRAME] == 0);
    VM_ASSERT(!alone || w->waits_ns[VM_WAIT_READ] == w->reads + w->file_reads);
    VM_ASSERT(c->table_faults <= c->table_evictions);
    VM_ASSERT(vm_memory_resident(w->memory) <= w->memory->c.nframes);
    VM_ASSERT(w->memory->c.tables == VM_TABLES_APART || c->frames_peak <= w->memory->c.nframes);
}
