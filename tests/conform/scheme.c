/* scheme.c - every row of schemes.def against the contract of scheme.h.
 *
 * A world of a scheme and naive_map are told the same thousands of random operations in some
 * address spaces, whose pages, of every order that the scheme has, crowd where tables begin and
 * end, and must answer alike.
 */
#include "base/bits.h"
#include "base/random.h"
#include "oracle/naive_map.h"
#include "oracle/scheme_world.h"

#include "unit/test.h"

#include <string.h>

#define NASIDS 3

/* Every row as it is by default, then rows with parameters that make other cases common. */
static const char *spec_at(size_t i)
{
    static const char *const variants[] = {
        "inverted:anchors=4",
        "clustered:pages=1,buckets=16",
        "clustered:pages=4",
        "ech:lines=64",
        NULL,
    };
    size_t nrows = 0;
    while (nrows < i && vm_scheme_at(nrows))
        nrows++;
    return vm_scheme_at(nrows) ? vm_scheme_at(nrows)->name : variants[i - nrows];
}

/* The next of those from `row` on whose unit is the page: those of segments are held to theirs in
 * segment.c. False: no more. */
static bool page_row(size_t *row)
{
    while (vm_scheme_at(*row) && vm_scheme_at(*row)->unit != VM_UNIT_PAGE)
        ++*row;
    return spec_at(*row);
}

struct pair {
    struct scheme_world *w;
    struct naive_map map;
    struct vm_random random;
    bool open[NASIDS];
    bool signed_addresses; /* the scheme names an upper half */
    vm_va page;            /* bytes of a base page */
    vm_va end;             /* of what next() and trim() may be asked about: the last page */
};

static struct pair *pair_of(struct scheme_world *w, uint64_t seed)
{
    struct pair *p = test_calloc(1, sizeof *p);
    p->w = w;
    p->page = UINT64_C(1) << p->w->page_shift;
    p->end = 0 - p->page;
    p->map.page_shift = p->w->page_shift;
    p->map.marks = p->w->ops->marks;
    vm_random_seed(&p->random, seed);
    for (vm_asid asid = 0; asid < NASIDS; asid++)
        p->open[asid] = p->w->ops->open(p->w->state, asid);
    p->signed_addresses = p->w->ops->ensure(p->w->state, 0, p->end, 0);
    return p;
}

static struct pair *pair_open(size_t row, uint64_t seed)
{
    return pair_of(world_open(spec_at(row), 0, NASIDS), seed);
}

static void pair_close_asid(struct pair *p, vm_asid asid)
{
    p->w->ops->close(p->w->state, asid);
    naive_map_close(&p->map, asid);
    p->open[asid] = false;
}

static void pair_close(struct pair *p)
{
    p->w->ops->check(p->w->state);
    for (vm_asid asid = 0; asid < NASIDS; asid++)
        if (p->open[asid])
            pair_close_asid(p, asid);
    world_close(p->w);
    test_free(p);
}

/* A page next to where a table of some level begins, in either half. */
static vm_va random_page(struct pair *p)
{
    unsigned va_bits = p->w->va_bits;
    unsigned least = p->w->page_shift + 1;
    unsigned shift = (unsigned)vm_random_below(&p->random, va_bits - least) + least;
    vm_va edge = vm_random_below(&p->random, 4) << shift;
    vm_va va = edge + vm_random_below(&p->random, 6) * p->page - 3 * p->page;
    va &= vm_low_bits(va_bits) & ~(p->page - 1);
    if (p->signed_addresses)
        va = (vm_va)((int64_t)(va << (64 - va_bits)) >> (64 - va_bits));
    return va;
}

/* One of the scheme's orders; mostly that of base pages. */
static unsigned random_order(struct pair *p)
{
    uint64_t orders = p->w->orders;
    if (vm_random_below(&p->random, 4) > 0)
        return 0;
    for (;;) {
        unsigned order = (unsigned)vm_random_below(&p->random, 64);
        if (orders >> order & 1)
            return order;
    }
}

/* Only base pages are swapped. A page larger than the world's memory lies at its beginning. */
static struct vm_pte random_pte_of(struct pair *p, unsigned order)
{
    uint64_t r = vm_random_u64(&p->random), nplaces = p->w->nframes >> order;
    if (r % 4 == 0)
        return (struct vm_pte){.state = VM_PTE_EMPTY, .order = (uint8_t)order};
    if (r % 4 == 1 && order == 0)
        return pte_swapped(1 + (vm_slot)(r >> 40));
    struct vm_pte pte = pte_present(0, (r >> 8) % 16);
    pte.order = (uint8_t)order;
    pte.pfn = nplaces > 0 ? (vm_pfn)((r >> 32) % nplaces << order) : 0;
    pte.accessed = r >> 16 & 1 && (p->w->ops->marks & VM_FRAME_REFERENCED);
    pte.dirty = r >> 17 & 1 && (p->w->ops->marks & VM_FRAME_DIRTY);
    return pte;
}

static struct vm_pte random_pte(struct pair *p)
{
    return random_pte_of(p, 0);
}

/* The scheme has set it: the same in the list. What the architecture cannot say it may only round
 * up to reading, and to what it says comes with reading. */
static void pair_note(struct pair *p, vm_asid asid, vm_va va, struct vm_pte pte)
{
    struct vm_pte granted = p->w->ops->get(p->w->state, asid, va);
    if (pte.state == VM_PTE_PRESENT) {
        assert_int_equal(granted.prot & pte.prot, pte.prot);
        if (granted.prot != pte.prot) {
            assert_true(pte.prot & VM_PROT_ALL);
            assert_int_equal(granted.prot, pte.prot | VM_PROT_READ | p->w->ops->with_read);
        }
        pte.prot = granted.prot;
    }
    assert_true(naive_pte_equal(granted, pte));
    naive_map_set(&p->map, asid, va, pte);
}

static void pair_set(struct pair *p, vm_asid asid, vm_va va, struct vm_pte pte)
{
    p->w->ops->set(p->w->state, asid, va, pte);
    pair_note(p, asid, va, pte);
}

/* Empty in both what overlaps the page of `order` at va, unless that is the very page. */
static void pair_clear(struct pair *p, vm_asid asid, vm_va va, unsigned order)
{
    vm_va last = va + ((p->page << order) - 1);
    for (size_t i = p->map.n; i-- > 0;) {
        vm_va begin = p->map.entry[i].va;
        struct vm_pte pte = p->map.entry[i].pte;
        bool overlaps = begin <= last && begin + ((p->page << pte.order) - 1) >= va;
        if (p->map.entry[i].asid != asid || !overlaps || pte.order == order)
            continue;
        pte = (struct vm_pte){.state = VM_PTE_EMPTY, .order = pte.order};
        p->w->ops->set(p->w->state, asid, begin, pte);
        naive_map_set(&p->map, asid, begin, pte);
    }
}

static void pair_map(struct pair *p, vm_asid asid, vm_va va, unsigned order)
{
    va &= ~((p->page << order) - 1);
    pair_clear(p, asid, va, order);
    assert_true(p->w->ops->ensure(p->w->state, asid, va, order));
    pair_set(p, asid, va, random_pte_of(p, order));
}

static void pair_compare(struct pair *p, vm_asid asid, vm_va va)
{
    assert_true(
        naive_pte_equal(p->w->ops->get(p->w->state, asid, va), naive_map_get(&p->map, asid, va)));
}

/* The whole of both maps, by next; also from and to places in between. */
static void pair_compare_all(struct pair *p, vm_asid asid, vm_va va, vm_va end)
{
    while (va < end) {
        vm_va at = p->w->ops->next(p->w->state, asid, va, end);
        assert_int_equal(at, naive_map_next(&p->map, asid, va, end));
        if (at == end)
            return;
        pair_compare(p, asid, at);
        unsigned order = naive_map_get(&p->map, asid, at).order;
        bool inside = order > 0 && vm_random_below(&p->random, 2);
        va = inside ? at + p->page : (at | ((p->page << order) - 1)) + 1;
        if (va <= at)
            return; /* the last page of all */
    }
}

static void walk_and_compare(struct pair *p, vm_asid asid, vm_va va)
{
    enum vm_access access = (enum vm_access)vm_random_below(&p->random, VM_ACCESSES);
    struct vm_walk walk, again;
    p->w->ops->walk(p->w->state, asid, va + vm_random_below(&p->random, p->page), access,
                    VM_MODE_USER, &walk);
    assert_int_equal(walk.fault, naive_map_access(&p->map, asid, va, access));
    /* Bounds in registers say that a page is absent without a load. */
    assert_in_range(walk.nloads, walk.fault == VM_WALK_ABSENT ? 0 : 1, VM_WALK_LOADS);
    if (walk.fault == VM_WALK_OK || walk.fault == VM_WALK_DENIED) {
        struct vm_pte pte = naive_map_get(&p->map, asid, va);
        assert_int_equal(walk.pfn, pte.pfn);
        assert_int_equal(walk.prot, pte.prot);
        assert_int_equal(walk.dirty, pte.dirty);
        assert_int_equal(walk.order, pte.order);
        assert_int_equal(walk.first, 0);
        assert_int_equal(walk.end, UINT64_C(1) << pte.order);
    } else {
        assert_int_equal(walk.pfn, VM_NOFRAME);
    }
    unsigned nstores = 0;
    p->w->ops->walk(p->w->state, asid, va, access, VM_MODE_USER, &again);
    assert_int_equal(again.fault, walk.fault);
    assert_int_equal(again.nloads, walk.nloads);
    assert_int_equal(again.nstores, 0); /* what was to be marked is */
    for (unsigned i = 0; i < walk.nloads; i++) {
        assert_int_equal(again.load[i].at, walk.load[i].at);
        assert_true(p->w->taken[walk.load[i].at / p->page]);
        nstores += again.load[i].word != walk.load[i].word;
    }
    assert_int_equal(walk.nstores, nstores);
}

/* ---- strips ---- */

/* The frame of the table in which the entry of va stands. */
static vm_pa frame_of_entry(struct pair *p, vm_asid asid, vm_va va)
{
    struct vm_walk walk;
    p->w->ops->walk(p->w->state, asid, va, VM_READ, VM_MODE_USER | VM_MODE_MARK_TRAPS, &walk);
    assert_in_range(walk.nloads, 1, VM_WALK_LOADS);
    return walk.load[walk.nloads - 1].at / p->page;
}

/* Entries of base pages from va on, as far as none is empty. */
static uint32_t naive_strip(const struct pair *p, vm_asid asid, vm_va va, vm_va end)
{
    uint32_t n = 0;
    for (; va < end && n <= VM_STRIP_MAX; va += p->page, n++) {
        struct vm_pte pte = naive_map_get(&p->map, asid, va);
        if (pte.state == VM_PTE_EMPTY || pte.order > 0)
            break;
    }
    return n;
}

/* A strip has the entries that the list has, and ends only where one is empty or of a large page,
 * at VM_STRIP_MAX, or with the frame. */
static uint32_t pair_compare_strip(struct pair *p, vm_asid asid, vm_va va, vm_va end)
{
    struct vm_pte pte[VM_STRIP_MAX + 1];
    pte[VM_STRIP_MAX].pfn = 0x5a5a5a5a;
    uint32_t n = p->w->ops->strips->get(p->w->state, asid, va, end, pte);
    uint32_t there = naive_strip(p, asid, va, end);
    assert_in_range(n, there > 0, there < VM_STRIP_MAX ? there : VM_STRIP_MAX);
    assert_int_equal(pte[VM_STRIP_MAX].pfn, 0x5a5a5a5a);
    for (uint32_t i = 0; i < n; i++) {
        assert_true(naive_pte_equal(pte[i], naive_map_get(&p->map, asid, va + i * p->page)));
        assert_int_equal(frame_of_entry(p, asid, va + i * p->page), frame_of_entry(p, asid, va));
    }
    if (n > 0 && n < there && n < VM_STRIP_MAX)
        assert_int_not_equal(frame_of_entry(p, asid, va + n * p->page),
                             frame_of_entry(p, asid, va));
    return n;
}

/* Other entries where a strip is, in the space `to`, whose tables are made for the first. */
static void pair_set_strip(struct pair *p, vm_asid to, vm_va va, uint32_t n)
{
    struct vm_pte pte[VM_STRIP_MAX];
    for (uint32_t i = 0; i < n; i++) {
        pair_clear(p, to, va + i * p->page, 0);
        pte[i] = random_pte(p);
    }
    assert_true(p->w->ops->ensure(p->w->state, to, va, 0));
    p->w->ops->strips->set(p->w->state, to, va, n, pte);
    for (uint32_t i = 0; i < n; i++)
        pair_note(p, to, va + i * p->page, pte[i]);
}

/* Pages behind each other, most of them with an entry, somewhere in the lower half. */
static vm_va map_some(struct pair *p, vm_asid asid, uint32_t *n)
{
    uint64_t named = UINT64_C(1) << (p->w->va_bits - p->w->page_shift - 1);
    uint64_t most = named < 3 * VM_STRIP_MAX / 2 ? named : 3 * VM_STRIP_MAX / 2;
    *n = (uint32_t)vm_random_below(&p->random, most) + 1;
    vm_va va = vm_random_below(&p->random, 3) ? random_page(p) : 0;
    uint64_t first = va / p->page % named;
    first = first > named - *n ? named - *n : first;
    for (uint32_t i = 0; i < *n; i++) {
        vm_va at = (first + i) * p->page;
        pair_clear(p, asid, at, 0);
        assert_true(p->w->ops->ensure(p->w->state, asid, at, 0));
        pair_set(p, asid, at,
                 vm_random_below(&p->random, 200) ? pte_present(i, 1 + i % 7) : random_pte(p));
    }
    return first * p->page;
}

/* The list would be full soon. */
static void empty_spaces(struct pair *p)
{
    for (vm_asid asid = 0; asid < NASIDS; asid++) {
        pair_close_asid(p, asid);
        p->open[asid] = p->w->ops->open(p->w->state, asid);
        assert_true(p->open[asid]);
    }
}

static void strip_round(struct pair *p)
{
    vm_asid from = (vm_asid)vm_random_below(&p->random, NASIDS);
    vm_asid to = (vm_asid)vm_random_below(&p->random, NASIDS);
    uint32_t n;
    vm_va va = map_some(p, from, &n);
    if (p->w->orders & 2 && vm_random_below(&p->random, 2))
        pair_map(p, from, va + vm_random_below(&p->random, n) * p->page, random_order(p));
    uint32_t skipped = (uint32_t)vm_random_below(&p->random, n);
    vm_va start = va + skipped * p->page;
    vm_va end = start + (vm_random_below(&p->random, n - skipped) + 1) * p->page;
    uint32_t strip = pair_compare_strip(p, from, start, end);
    if (strip > 0)
        pair_set_strip(p, to, start, strip);
    pair_compare_all(p, to, va, va + n * p->page);
    p->w->ops->check(p->w->state);
    if (vm_random_below(&p->random, 2) || p->map.n > NAIVE_MAP_MAX / 2)
        empty_spaces(p);
}

static void a_strip_is_its_entries(void **unused)
{
    (void)unused;
    static const char *const others[] = {"two-level:dir=3,table=13,entry=8",
                                         "two-level:dir=5,table=2,entry=8"};
    size_t nschemes = 0;
    for (size_t row = 0; page_row(&row); row++) {
        struct pair *p = pair_open(row, row + 3);
        for (unsigned i = 0; p->w->ops->strips && i < 60; i++)
            strip_round(p);
        nschemes += p->w->ops->strips != NULL;
        pair_close(p);
    }
    assert_true(nschemes > 5);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        struct pair *p = pair_of(world_open(others[i], 0, NASIDS), i);
        for (unsigned k = 0; k < 60; k++)
            strip_round(p);
        pair_close(p);
    }
}

static void open_or_close(struct pair *p, vm_asid asid)
{
    if (p->open[asid])
        pair_close_asid(p, asid);
    else
        p->open[asid] = p->w->ops->open(p->w->state, asid);
}

static void range_random(struct pair *p, vm_va *va, vm_va *end)
{
    vm_va a = random_page(p), b = random_page(p);
    *va = a < b ? a : b;
    *end = a < b ? b : a;
}

/* Own tables are counted once each, shared ones once in all. */
static uint64_t footprints(const struct pair *p)
{
    uint64_t sum = 0, shared = 0;
    for (vm_asid asid = 0; asid < NASIDS; asid++)
        if (p->open[asid]) {
            sum += world_footprint(p->w, asid);
            shared = world_shared(p->w, asid);
        }
    return sum + shared;
}

static void step(struct pair *p)
{
    vm_asid asid = (vm_asid)vm_random_below(&p->random, NASIDS);
    uint64_t what = vm_random_below(&p->random, 256);
    vm_va va = random_page(p), end;
    if (what == 0 || !p->open[asid]) {
        open_or_close(p, asid);
    } else if (what < 110) {
        pair_map(p, asid, va, random_order(p));
    } else if (what < 200) {
        walk_and_compare(p, asid, va);
    } else if (what < 230) {
        pair_compare(p, asid, va);
    } else if (what < 245) {
        range_random(p, &va, &end);
        pair_compare_all(p, asid, va, end);
    } else {
        range_random(p, &va, &end);
        p->w->ops->trim(p->w->state, asid, va, end);
        pair_compare_all(p, asid, 0, p->end);
    }
    assert_int_equal(footprints(p), p->w->ntaken);
}

static void every_scheme_answers_as_the_list_does(void **unused)
{
    (void)unused;
    for (size_t row = 0; page_row(&row); row++) {
        struct pair *p = pair_open(row, row + 1);
        for (unsigned i = 0; i < 6000; i++) {
            step(p);
            if (i % 64 == 0) /* not at each: linear looks at a million entries a space */
                p->w->ops->check(p->w->state);
        }
        pair_close(p);
    }
}

/* Parameters make other tables of a row. */
static void so_do_schemes_with_other_parameters_and_pages(void **unused)
{
    (void)unused;
    static const struct {
        const char *spec;
        unsigned page_shift;
        uint32_t nframes;
    } variants[] = {
        {"two-level:dir=3,table=13,entry=8", 12, WORLD_FRAMES}, /* tables of 16 frames */
        {"two-level:dir=14,table=4,entry=4", 12,
         WORLD_FRAMES}, /* a directory of 16, small tables */
        {"two-level:dir=5,table=9,entry=8", 9, WORLD_FRAMES},
        {"two-level:dir=1,table=1", 5, WORLD_FRAMES},
        {"two-level:dir=5,table=5,entry=1", 5, 128},
        {"two-level:dir=3,table=7,entry=1", 6, 128},
        {"linear:bits=20", 10, WORLD_FRAMES},
    };
    for (size_t i = 0; i < sizeof variants / sizeof variants[0]; i++) {
        struct pair *p = pair_of(world_open_frames(variants[i].spec, variants[i].page_shift,
                                                   variants[i].nframes, 0, NASIDS),
                                 i);
        for (unsigned k = 0; k < 6000; k++) {
            step(p);
            if (k % 16 == 0)
                p->w->ops->check(p->w->state);
        }
        pair_close(p);
    }
}

/* A flat table with pages of the row's size: paged where it would be too long for a world. */
static struct pair *reference_open(const struct pair *b)
{
    const char *flat = b->page < 4096 ? "paged-linear:processes=3" : "linear";
    return pair_of(world_open_with(flat, b->w->page_shift, 0, NASIDS), 7);
}

/* Two worlds of different schemes on the same maps below 4 GiB, with rights that each can say. */
static void every_scheme_translates_alike_below_4_gib(void **unused)
{
    (void)unused;
    static const uint8_t prots[] = {0, 1, 3, 5, 7, 9, 15};
    for (size_t row = 1; page_row(&row); row++) {
        struct pair *b = pair_open(row, 7), *a = reference_open(b);
        const vm_va named = (UINT64_C(1) << (b->w->va_bits < 32 ? b->w->va_bits : 32)) - 1;
        for (unsigned i = 0; i < 3000; i++) {
            uint64_t r = vm_random_u64(&a->random);
            vm_va va = random_page(a) & named;
            enum vm_access access = (enum vm_access)(r % VM_ACCESSES);
            vm_asid asid = (vm_asid)(r >> 8) % NASIDS;
            struct vm_walk wa, wb;
            a->w->ops->walk(a->w->state, asid, va, access, VM_MODE_USER, &wa);
            b->w->ops->walk(b->w->state, asid, va, access, VM_MODE_USER, &wb);
            assert_int_equal(wa.fault, wb.fault);
            assert_int_equal(wa.pfn, wb.pfn);
            assert_int_equal(wa.prot, wb.prot);
            assert_int_equal(wa.dirty, wb.dirty);
            assert_int_equal(a->w->ops->next(a->w->state, asid, va, UINT64_C(1) << 32),
                             b->w->ops->next(b->w->state, asid, va, UINT64_C(1) << 32));
            if (r >> 60 > 8)
                continue;
            struct vm_pte pte = pte_present((vm_pfn)(r >> 40) % WORLD_FRAMES, prots[r % 7]);
            if (r >> 60 == 1)
                pte = pte_swapped(1 + (vm_slot)(r >> 40 & 0xfffff));
            else if (r >> 60 < 4)
                pte = (struct vm_pte){.state = VM_PTE_EMPTY};
            assert_true(a->w->ops->ensure(a->w->state, asid, va, 0));
            assert_true(b->w->ops->ensure(b->w->state, asid, va, 0));
            b->w->ops->set(b->w->state, asid, va, pte);
            pte.prot |= pte.prot & VM_PROT_READ ? b->w->ops->with_read : 0;
            a->w->ops->set(a->w->state, asid, va, pte);
            if (r >> 60 == 0)
                b->w->ops->trim(b->w->state, asid, va, named - (named & (b->page - 1)));
        }
        pair_close(a);
        pair_close(b);
    }
}

/* Walks of every base page of the large one at va, in the world that has it and in the flat one. */
static void compare_parts(struct pair *flat, struct pair *large, vm_va va, unsigned order)
{
    for (vm_va at = va; at < va + (large->page << order); at += large->page) {
        enum vm_access access = (enum vm_access)vm_random_below(&large->random, VM_ACCESSES);
        struct vm_walk wf, wl;
        flat->w->ops->walk(flat->w->state, 0, at, access, VM_MODE_USER, &wf);
        large->w->ops->walk(large->w->state, 0, at, access, VM_MODE_USER, &wl);
        assert_int_equal(wl.fault, wf.fault);
        assert_int_equal(wl.prot, wf.prot);
        assert_int_equal(wl.order, order);
        assert_int_equal(wl.pfn + (at - va) / large->page, wf.pfn);
    }
}

static void a_large_page_translates_as_its_base_pages_do(void **unused)
{
    (void)unused;
    static const uint8_t prots[] = {1, 3, 5, 7, 9, 15};
    for (size_t row = 0; page_row(&row); row++) {
        struct pair *b = pair_open(row, 17), *a = reference_open(b);
        for (unsigned order = 1; order < 12; order++) {
            if (!(b->w->orders >> order & 1))
                continue;
            vm_va va = b->page << order << 1;
            struct vm_pte pte = pte_present(UINT32_C(3) << order, prots[order % 6]);
            for (unsigned i = 0; i < 1U << order; i++, pte.pfn++)
                a->w->ops->set(a->w->state, 0, va + i * b->page, pte);
            pte.pfn = UINT32_C(3) << order;
            pte.order = (uint8_t)order;
            assert_true(b->w->ops->ensure(b->w->state, 0, va, order));
            b->w->ops->set(b->w->state, 0, va, pte);
            compare_parts(a, b, va, order);
        }
        pair_close(a);
        pair_close(b);
    }
}

/* Trimmed, a space holds the tables that a fresh one with the same entries does. */
static void trim_leaves_what_a_fresh_space_would_have(void **unused)
{
    (void)unused;
    for (size_t row = 0; page_row(&row); row++) {
        struct pair *p = pair_open(row, 11);
        const struct vm_scheme_ops *ops = p->w->ops;
        const vm_va end = p->end;
        for (unsigned i = 0; i < 200; i++) {
            vm_va va = random_page(p);
            assert_true(ops->ensure(p->w->state, 0, va, 0));
            pair_set(p, 0, va, i < 100 ? pte_present(i, VM_PROT_READ) : random_pte(p));
        }
        for (unsigned i = 0; i < 400; i++)
            assert_true(ops->ensure(p->w->state, 0, random_page(p), 0));
        ops->trim(p->w->state, 0, 0, end);
        for (size_t i = 0; i < p->map.n; i++)
            assert_true(ops->ensure(p->w->state, 1, p->map.entry[i].va, 0));
        assert_int_equal(world_footprint(p->w, 0), world_footprint(p->w, 1));
        while (p->map.n > 0)
            pair_set(p, 0, p->map.entry[0].va, (struct vm_pte){.state = VM_PTE_EMPTY});
        ops->trim(p->w->state, 0, 0, end);
        assert_int_equal(world_footprint(p->w, 0), world_footprint(p->w, 2));
        pair_close(p);
    }
}

static void no_frame_at_any_take_leaves_every_entry_and_frame_in_place(void **unused)
{
    (void)unused;
    for (size_t row = 0; page_row(&row); row++) {
        bool failed = true;
        for (uint32_t n = 0; failed; n++) {
            struct scheme_world *w = world_open(spec_at(row), 0, 1);
            const vm_va page = UINT64_C(1) << w->page_shift;
            vm_va last = (UINT64_C(1) << (w->va_bits - 1)) - page, done = 0;
            w->takes_left = n;
            failed = !w->ops->open(w->state, 0);
            if (failed) {
                assert_int_equal(w->ntaken, 0);
                w->takes_left = UINT32_MAX;
                assert_true(w->ops->open(w->state, 0));
            }
            for (vm_va va = last; va > page; va = va / 8 & ~(page - 1)) {
                if (!w->ops->ensure(w->state, 0, va, 0)) {
                    failed = true;
                    w->ops->check(w->state);
                    assert_int_equal(world_footprint(w, 0) + world_shared(w, 0), w->ntaken);
                    assert_int_equal(w->ops->get(w->state, 0, va).state, VM_PTE_EMPTY);
                    w->takes_left = UINT32_MAX;
                    assert_true(w->ops->ensure(w->state, 0, va, 0));
                }
                w->ops->set(w->state, 0, va, pte_swapped((vm_slot)(va / page) & 0xffff));
                done++;
            }
            for (vm_va va = last; va > page; va = va / 8 & ~(page - 1), done--)
                assert_int_equal(w->ops->get(w->state, 0, va).slot, va / page & 0xffff);
            assert_int_equal(done, 0);
            w->ops->check(w->state);
            w->ops->close(w->state, 0);
            world_close(w);
        }
    }
}

/* Making room for a table: pages of every space leave, as eviction does from inside take. */
static void evict_some(void *arg)
{
    struct pair *p = arg;
    for (unsigned i = 0; i < 3 && p->map.n > 0; i++) {
        size_t k = vm_random_below(&p->random, p->map.n);
        vm_slot slot = 1 + (vm_slot)vm_random_below(&p->random, 1000);
        struct vm_pte gone = {.state = VM_PTE_EMPTY, .order = p->map.entry[k].pte.order};
        pair_set(p, p->map.entry[k].asid, p->map.entry[k].va,
                 gone.order > 0 ? gone : pte_swapped(slot));
    }
}

static void taking_a_frame_may_change_other_entries(void **unused)
{
    (void)unused;
    for (size_t row = 0; page_row(&row); row++) {
        struct pair *p = pair_open(row, 13);
        p->w->on_take = evict_some;
        p->w->on_take_arg = p;
        for (unsigned i = 0; i < 3000; i++)
            step(p);
        for (vm_asid asid = 0; asid < NASIDS; asid++)
            if (p->open[asid])
                pair_compare_all(p, asid, 0, p->end);
        pair_close(p);
    }
}

static void rows_have_names_and_are_found_by_them(void **unused)
{
    (void)unused;
    struct vm_listed listed;
    struct vm_error e;
    for (size_t row = 0; vm_scheme_at(row); row++) {
        assert_true(vm_scheme_list(row, &listed));
        assert_ptr_equal(vm_scheme_find(listed.name, &e), vm_scheme_at(row));
        assert_true(strlen(listed.summary) > 0);
    }
    assert_null(vm_scheme_find("sv40", &e));
    assert_int_equal(e.code, VM_EUSAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_scheme_answers_as_the_list_does),
        cmocka_unit_test(a_strip_is_its_entries),
        cmocka_unit_test(so_do_schemes_with_other_parameters_and_pages),
        cmocka_unit_test(every_scheme_translates_alike_below_4_gib),
        cmocka_unit_test(a_large_page_translates_as_its_base_pages_do),
        cmocka_unit_test(trim_leaves_what_a_fresh_space_would_have),
        cmocka_unit_test(no_frame_at_any_take_leaves_every_entry_and_frame_in_place),
        cmocka_unit_test(taking_a_frame_may_change_other_entries),
        cmocka_unit_test(rows_have_names_and_are_found_by_them),
    };
    return cmocka_run_group_tests_name("conform_scheme", tests, NULL, NULL);
}
