/* ahead.c - pages that are read before anybody asks for them, beside the one that a fault reads.
 *
 * A fault that will read its page asks the machine's readahead (readahead/) which others to read.
 * Those that are out of memory come into frames that no entry maps yet: to the policy newcomers, to
 * the next fault on them soft. They come before the fault's own page does, so that bringing them
 * cannot evict it. Frames are got as for any page, and may cost others theirs; so at most a quarter
 * of the pages in memory are brought at once.
 *
 * Places that follow one another on the device, the fault's own among them, are one request. The
 * fault waits for its own; who touches a page while it is still on its way waits for that one.
 * Pages of a process that comes back (vm_memory_prepage) come in the same way; it waits for all of
 * them, those on two devices at once.
 *
 *     swapped  --wished for-->  unmapped, ahead  --touched-->  mapped (a hit)
 *                                      |
 *                                      +--chosen by the policy-->  dropped, clean
 *
 * Not here: anything while pages of tables are out (to look at an entry could take a transfer
 * itself); segments.
 *
 * Source: Linux 6.1, mm/swap_state.c (swapin_readahead), mm/memory.c (do_swap_page).
 */
#include "base/assert.h"
#include "space/memory.h"

#include <stdlib.h>

/* A page that is to be read, and where it is on the device, in pages. */
struct wanted {
    uint64_t key, place;
    vm_slot slot; /* or VM_SLOT_FILE */
    vm_pfn pfn;   /* that it comes into; VM_NOFRAME: the fault's own, which gets its frame later */
};

struct wanted_list {
    uint32_t n;
    struct wanted page[VM_READAHEAD_MAX + 1];
    uint64_t last_ns[VM_SWAP_LEVELS]; /* when the last one of each device is read; 0: none is */
};

/* ---- the arrays ---- */

static bool has_readahead(const struct vm_memory *m)
{
    return m->c.readahead && m->c.readahead->size() > 0 && !m->seg;
}

size_t vm_ahead_bytes(const struct vm_memory *m)
{
    size_t times = vm_arena_room(sizeof(uint64_t) * m->c.nframes);
    if (!has_readahead(m))
        return times;
    return times + vm_arena_room(m->c.readahead->size() * (VM_ASID_MAX + 1)) +
           vm_arena_room(sizeof(uint32_t) * (VM_ASID_MAX + 1)) +
           vm_arena_room(sizeof(uint64_t) * m->swap[VM_SWAP_FAST].slots.n) +
           vm_arena_room(sizeof(uint64_t) * m->swap[VM_SWAP_SLOW].slots.n);
}

void vm_ahead_init(struct vm_memory *m, struct vm_arena *a)
{
    m->ahead.own_key = VM_NOPAGE;
    m->ahead.done_ns = vm_arena_take(a, sizeof(uint64_t) * m->c.nframes);
    if (!has_readahead(m))
        return;
    m->ahead.state = vm_arena_take(a, m->c.readahead->size() * (VM_ASID_MAX + 1));
    m->ahead.hits = vm_arena_take(a, sizeof(uint32_t) * (VM_ASID_MAX + 1));
    for (int level = 0; level < VM_SWAP_LEVELS; level++)
        m->ahead.slot_key[level] = vm_arena_take(a, sizeof(uint64_t) * m->swap[level].slots.n);
}

/* ---- which pages ---- */

/* The page `key` is out of memory and would have to be read: *out but its frame. */
static bool is_out(struct vm_memory *m, uint64_t key, struct wanted *out)
{
    vm_va va = vm_key_va(key, m->c.page_shift);
    struct vm_space *s = &m->space[vm_key_asid(key)];
    const struct vm_vma *v = s->open ? vm_vma_find(s, va) : NULL;
    struct vm_pte pte = {.state = VM_PTE_EMPTY};
    if (v)
        pte = m->c.scheme->get(m->scheme, vm_key_asid(key), va);
    bool in_file =
        v && (pte.state == VM_PTE_EMPTY ? vm_file_is_named(v->file) : pte.slot == VM_SLOT_FILE);
    if (pte.state == VM_PTE_PRESENT || (pte.state == VM_PTE_EMPTY && !in_file))
        return false;
    *out =
        (struct wanted){.key = key, .slot = in_file ? VM_SLOT_FILE : pte.slot, .pfn = VM_NOFRAME};
    if (!in_file) {
        out->place = vm_swap_position(m, pte.slot) >> m->c.page_shift;
        return vm_slot_frame(m, pte.slot) == VM_NOFRAME && !vm_slot_is_zero(m, pte.slot);
    }
    uint32_t home = vm_file_home(v);
    uint64_t page = vm_file_page(m, v, va);
    out->place = vm_swap_file_position(m, home, page) >> m->c.page_shift;
    return home && vm_page_cache_find(m, home, page) == VM_NOFRAME;
}

/* The page whose entry is that of the slot of this number; VM_NOPAGE: none. One that lost it there
 * last may have come back since, and be in another slot by now. */
static uint64_t key_in_slot(struct vm_memory *m, uint64_t number)
{
    struct wanted w;
    if (!vm_slot_is_touched(m, number))
        return VM_NOPAGE;
    vm_slot s = (vm_slot)number;
    uint64_t key = m->ahead.slot_key[vm_slot_level(m, s)][vm_slot_index(m, s)];
    return key && is_out(m, key, &w) && w.slot == s ? w.key : VM_NOPAGE;
}

/* The page that a number of a wish means, beside the fault's `own`; VM_NOPAGE: none. Places of a
 * file are numbered as its pages are. */
static uint64_t key_of(struct vm_memory *m, const struct vm_fault *f, const struct wanted *own,
                       const struct vm_readahead_wish *wish, uint64_t number)
{
    unsigned shift = m->c.page_shift;
    if (wish->of == VM_READAHEAD_PLACES && own->slot != VM_SLOT_FILE)
        return key_in_slot(m, number);
    if (number < f->vma->start >> shift || number >= f->vma->end >> shift)
        return VM_NOPAGE;
    return vm_memory_key(m, number << shift, f->asid);
}

static void ask(struct vm_memory *m, const struct vm_fault *f, const struct wanted *own,
                struct vm_readahead_wish *wish)
{
    unsigned shift = m->c.page_shift;
    struct vm_readahead_fault asked = {
        .page = f->va >> shift,
        .first = f->vma->start >> shift,
        .end = f->vma->end >> shift,
        .place = own->slot == VM_SLOT_FILE ? f->va >> shift : own->slot,
        .hits = m->ahead.hits[f->asid],
    };
    m->ahead.hits[f->asid] = 0;
    m->c.readahead->ask(m->ahead.state + f->asid * m->c.readahead->size(), m->c.readahead_params,
                        &asked, wish);
    if (wish->n > 0)
        m->c.wished(m->c.host, f, own->slot == VM_SLOT_FILE ? 0 : own->slot, wish);
}

/* ---- bringing them ---- */

/* The page has come into frame `pfn`, though nobody has asked for it. */
static void place(struct vm_memory *m, const struct wanted *w, vm_pfn pfn, enum vm_unmapped why)
{
    vm_va va = vm_key_va(w->key, m->c.page_shift);
    const struct vm_vma *v = vm_vma_find(&m->space[vm_key_asid(w->key)], va);
    m->frame[pfn].owner = w->key;
    m->frame[pfn].sharers = VM_UNMAPPED | why;
    m->bits[pfn] = 0;
    if (w->slot != VM_SLOT_FILE) {
        vm_contents_load(m, pfn, w->slot);
        vm_slot_attach(m, w->slot, pfn);
    } else {
        vm_page_cache_add(m, pfn, vm_file_home(v), vm_file_page(m, v, va));
        vm_contents_load_file(m, pfn, vm_file_home(v), vm_file_page(m, v, va));
    }
    m->nresident++;
    vm_unit_insert(m, pfn, w->key);
    m->c.came_ahead(m->c.host, pfn, w->key, vm_frame_slot(&m->frame[pfn]));
}

/* Into a frame, whose getting may have changed anything: then the page need not come. */
static bool bring(struct vm_memory *m, uint64_t key, struct wanted_list *list, enum vm_unmapped why)
{
    struct wanted *w = &list->page[list->n];
    if (!is_out(m, key, w))
        return true;
    if (!vm_policy_release(m, key))
        return false;
    vm_pfn pfn = vm_frame_get(m, vm_key_va(key, m->c.page_shift), key);
    if (pfn == VM_NOFRAME)
        return false;
    if (!is_out(m, key, w)) {
        vm_frame_free(m, pfn);
        return true;
    }
    w->pfn = pfn;
    list->n++;
    place(m, w, pfn, why);
    return true;
}

static int by_place(const void *a, const void *b)
{
    const struct wanted *x = a, *y = b;
    return x->place < y->place ? -1 : x->place > y->place;
}

/* One request for each run of places. */
static void read_runs(struct vm_memory *m, struct wanted_list *list)
{
    unsigned shift = m->c.page_shift;
    qsort(list->page, list->n, sizeof list->page[0], by_place);
    for (uint32_t i = 0, end; i < list->n; i = end) {
        const struct wanted *first = &list->page[i];
        for (end = i + 1; end < list->n && list->page[end].place == first->place + (end - i);)
            end++;
        uint64_t done_ns = vm_swap_submit(m, VM_TRANSFER_READ, first->place << shift,
                                          (uint64_t)(end - i) << shift);
        for (const struct wanted *w = first; w < &list->page[end]; w++)
            if (w->pfn == VM_NOFRAME)
                m->ahead.own_done_ns = done_ns;
            else
                m->ahead.done_ns[w->pfn] = done_ns;
        uint64_t *last_ns = &list->last_ns[vm_slot_level(m, first->slot)];
        *last_ns = done_ns > *last_ns ? done_ns : *last_ns;
    }
}

/* The fault will read its page `own`. False: m->out. */
static bool read_beside(struct vm_memory *m, const struct vm_fault *f, struct wanted own)
{
    uint64_t key = own.key, most = m->nunits / 4;
    struct vm_readahead_wish wish = {.n = 0};
    struct wanted_list list = {0};
    bool good = true;
    ask(m, f, &own, &wish);
    for (uint32_t i = 0; good && i < wish.n && list.n < most; i++) {
        uint64_t other = key_of(m, f, &own, &wish, wish.number[i]);
        if (other != VM_NOPAGE && other != key)
            good = bring(m, other, &list, VM_UNMAPPED_AHEAD);
    }
    m->c.counts->readaheads += list.n;
    if (list.n == 0)
        return good;
    if (good && is_out(m, key, &own)) {
        list.page[list.n++] = own;
        m->ahead.own_key = key;
    }
    read_runs(m, &list); /* even where memory ran out behind some */
    return good;
}

bool vm_ahead_read(struct vm_memory *m, const struct vm_fault *f)
{
    struct wanted own;
    m->ahead.own_key = VM_NOPAGE;
    if (!m->ahead.state || m->ntables_out > 0 || !is_out(m, vm_memory_key(m, f->va, f->asid), &own))
        return true;
    return read_beside(m, f, own);
}

bool vm_ahead_has(struct vm_memory *m, vm_slot s, uint64_t key)
{
    if (key != m->ahead.own_key)
        return false;
    m->ahead.own_key = VM_NOPAGE;
    vm_swap_wait(m, vm_slot_level(m, s), m->ahead.own_done_ns, VM_WAIT_READ);
    return true;
}

/* ---- with a process that comes back ---- */

/* For those on the devices that are served so. */
static void wait_for(struct vm_memory *m, const struct wanted_list *list, enum vm_server server)
{
    for (int level = 0; level < VM_SWAP_LEVELS; level++)
        if (list->last_ns[level] && m->c.swap[level].device->server == server)
            vm_swap_wait(m, (enum vm_swap_level)level, list->last_ns[level], VM_WAIT_READ);
}

bool vm_memory_prepage(struct vm_memory *m, const uint64_t *key, size_t n, struct vm_error *e)
{
    struct wanted_list list = {0};
    VM_ASSERT(n <= VM_READAHEAD_MAX);
    if (m->seg || m->ntables_out > 0)
        return true;
    bool good = true;
    for (size_t i = 0; good && i < n; i++)
        good = bring(m, key[i], &list, VM_UNMAPPED_PREPAGED);
    m->c.counts->prepages += list.n;
    read_runs(m, &list);
    /* What the processor fetches takes the machine's own time: the device works meanwhile, so that
     * only what is left of its work then is waited for. */
    wait_for(m, &list, VM_SERVED_BY_PROCESSOR);
    wait_for(m, &list, VM_SERVED_BY_DEVICE);
    if (!good)
        *e = m->out;
    return good;
}

/* ---- what becomes of them ---- */

void vm_ahead_touched(struct vm_memory *m, vm_asid asid, vm_pfn pfn, uint32_t why)
{
    if (why & VM_UNMAPPED_PREPAGED) {
        m->c.counts->prepage_hits++;
    } else {
        m->c.counts->readahead_hits++;
        m->ahead.hits[asid]++;
    }
    vm_swap_wait(m, vm_home_level(m, pfn), m->ahead.done_ns[pfn], VM_WAIT_READ);
}
