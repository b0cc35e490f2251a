/* segment.c - the rows of schemes.def whose unit is the segment: against the contract of scheme.h,
 * and against the worked examples of a textbook.
 *
 * Arpaci-Dusseau & Arpaci-Dusseau, Operating Systems: Three Easy Pieces, ch. 15 and 16: the
 * homework's relocation and segmentation problems (an address space of 1 KiB, a memory of 16 KiB),
 * as the simulators set them for the seeds named, with base pages of 1 byte.
 */
#include "base/random.h"
#include "oracle/scheme_world.h"
#include "rounds.h"
#include "unit/test.h"

#include <string.h>

enum { SPACES = 3, NSPANS = 16, FRAMES = 4096 };

/* ---- a host for any page size ---- */

struct host {
    const struct vm_scheme_ops *ops;
    struct vm_params params;
    struct vm_error refusal;
    uint8_t *memory;
    vm_pfn fresh;
    void *state;
    unsigned shift;
};

static vm_pfn take(void *host, uint32_t n)
{
    struct host *h = host;
    h->fresh += n;
    return h->fresh - n;
}

static void give(void *host, vm_pfn first, uint32_t n)
{
    (void)host, (void)first, (void)n;
}

static struct vm_scheme_env env_of(struct host *h)
{
    return (struct vm_scheme_env){.memory = h->memory,
                                  .page_shift = h->shift,
                                  .nframes = FRAMES,
                                  .nasids = SPACES,
                                  .host = h,
                                  .take = take,
                                  .give = give,
                                  .refusal = &h->refusal,
                                  .params = &h->params};
}

static void host_find(struct host *h, const char *spec)
{
    struct vm_error e;
    char name[32];
    const char *text = vm_spec_split(spec, name, sizeof name);
    h->ops = vm_scheme_find(name, &e);
    assert_non_null(h->ops);
    assert_true(vm_params_parse(&h->params, name, h->ops->param, h->ops->nparams, text, &e));
}

static struct host *host_open(const char *spec, unsigned shift)
{
    struct host *h = test_calloc(1, sizeof *h);
    struct vm_error e;
    h->shift = shift;
    h->memory = test_calloc(FRAMES, (size_t)1 << shift);
    host_find(h, spec);
    struct vm_scheme_env env = env_of(h);
    assert_true(h->ops->accept(&env, &e));
    h->state = test_calloc(1, h->ops->size(&env));
    h->ops->init(h->state, &env);
    for (vm_asid asid = 0; asid < (vm_asid)SPACES; asid++)
        assert_true(h->ops->open(h->state, asid));
    return h;
}

static void host_close(struct host *h)
{
    h->ops->check(h->state);
    for (vm_asid asid = 0; asid < (vm_asid)SPACES; asid++)
        h->ops->close(h->state, asid);
    test_free(h->state);
    test_free(h->memory);
    test_free(h);
}

static void set(struct host *h, vm_va va, vm_pfn pfn, uint32_t pages, uint8_t prot)
{
    struct vm_segment g = {.state = VM_PTE_PRESENT, .prot = prot, .pages = pages, .pfn = pfn};
    h->ops->segments->set(h->state, 0, va, g);
}

/* The physical address, or -1: a fault. */
static int64_t translate(struct host *h, vm_asid asid, vm_va va, enum vm_access access)
{
    struct vm_walk w;
    struct vm_span span;
    h->ops->walk(h->state, asid, va, access, VM_MODE_USER, &w);
    if (w.fault != VM_WALK_OK)
        return -1;
    h->ops->segments->span(h->state, va, &span);
    uint32_t index = (uint32_t)((va - span.start) >> h->shift);
    assert_in_range(index, w.first, w.end - 1);
    vm_pfn frame = w.pfn + index;
    return (int64_t)((uint64_t)frame << h->shift | (va & ((1u << h->shift) - 1)));
}

/* ---- worked examples ---- */

struct example {
    vm_va va;
    int64_t pa; /* -1: a segmentation violation */
};

static void check_examples(struct host *h, const struct example *example, size_t n)
{
    for (size_t i = 0; i < n; i++)
        assert_int_equal(translate(h, 0, example[i].va, VM_READ), example[i].pa);
}

static void three_easy_pieces_relocates(void **unused)
{
    (void)unused;
    static const struct {
        vm_pfn base;
        uint32_t limit;
        struct example example[5];
    } seeds[] = {
        {12418, 472, {{430, 12848}, {265, 12683}, {523, -1}, {414, 12832}, {802, -1}}}, /* 0 */
        {13884, 290, {{782, -1}, {261, 14145}, {507, -1}, {460, -1}, {667, -1}}},       /* 1 */
        {15529, 500, {{57, 15586}, {86, 15615}, {855, -1}, {753, -1}, {685, -1}}},      /* 2 */
        {8916, 316, {{378, -1}, {618, -1}, {640, -1}, {67, 8983}, {13, 8929}}},         /* 3 */
    };
    for (size_t i = 0; i < 4; i++) {
        struct host *h = host_open("base-bounds:bits=10", 0);
        set(h, 0, seeds[i].base, seeds[i].limit, VM_PROT_ALL);
        check_examples(h, seeds[i].example, 5);
        host_close(h);
    }
}

/* Two segments, the upper of which grows down from the end of the address space; the simulator's
 * base of it is one past its highest byte. */
static void three_easy_pieces_segments(void **unused)
{
    (void)unused;
    static const struct {
        vm_pfn base0;
        uint32_t limit0;
        vm_pfn base1;
        uint32_t limit1;
        struct example example[5];
    } seeds[] = {
        {6890, 472, 4692, 450, {{523, -1}, {414, 7304}, {802, 4470}, {310, 7200}, {488, -1}}},
        {12513, 290, 4651, 472, {{507, -1}, {460, -1}, {667, 4294}, {807, 4434}, {96, 12609}}},
        {926,
         500,
         14186,
         498,
         {{753, 13915}, {685, 13847}, {315, 1241}, {620, 13782}, {621, 13783}}},
    };
    for (size_t i = 0; i < 3; i++) {
        struct host *h = host_open("segmentation:bits=10,segments=1", 0);
        set(h, 0, seeds[i].base0, seeds[i].limit0, VM_PROT_ALL);
        set(h, 1023, seeds[i].base1 - seeds[i].limit1, seeds[i].limit1, VM_PROT_ALL);
        check_examples(h, seeds[i].example, 5);
        host_close(h);
    }
}

/* Ch. 16, figures 16.1 to 16.4: code of 2 KiB at 32 KiB, heap at virtual 4 KiB of 3 KiB at 34 KiB,
 * stack of 2 KiB that ends at 28 KiB; 14 bits, the top two choose. */
static void three_easy_pieces_chapter_16(void **unused)
{
    (void)unused;
    static const struct example examples[] = {
        {100, 32 * 1024 + 100},  /* code */
        {4200, 34 * 1024 + 104}, /* heap: offset 104 */
        {7 * 1024, -1},          /* beyond the heap */
        {15 * 1024, 27 * 1024},  /* stack: 11 1100 0000 0000, offset 3 KiB - 4 KiB */
        {14 * 1024, 26 * 1024},  {14 * 1024 - 1, -1}, {8 * 1024, -1}, {16 * 1024, -1},
    };
    struct host *h = host_open("segmentation:bits=14", 0);
    struct vm_walk w;
    set(h, 0, 32 * 1024, 2048, VM_PROT_READ | VM_PROT_FETCH);
    set(h, 4096, 34 * 1024, 3072, VM_PROT_READ | VM_PROT_WRITE);
    set(h, 16 * 1024 - 1, 26 * 1024, 2048, VM_PROT_READ | VM_PROT_WRITE);
    check_examples(h, examples, sizeof examples / sizeof examples[0]);
    assert_int_equal(translate(h, 0, 100, VM_WRITE), -1);
    assert_int_equal(translate(h, 0, 100, VM_FETCH), 32 * 1024 + 100);
    assert_int_equal(translate(h, 0, 15 * 1024, VM_WRITE), 27 * 1024);
    h->ops->walk(h->state, 0, 8 * 1024, VM_READ, VM_MODE_USER, &w);
    assert_int_equal(w.fault, VM_WALK_BOUNDS); /* 10: no segment */
    host_close(h);
}

static void a_descriptor_is_as_documented(void **unused)
{
    (void)unused;
    struct host *h = host_open("segment-table:bits=16,segments=4", 4);
    struct vm_walk w;
    uint64_t word;
    set(h, 0x3000, 0x123, 0x45, VM_PROT_READ | VM_PROT_WRITE);
    memcpy(&word, h->memory + 3 * 8, sizeof word);
    assert_true(word == (UINT64_C(0x123) << 34 | 0x45 << 8 | 0x7));
    h->ops->walk(h->state, 0, 0x3448, VM_WRITE, VM_MODE_USER, &w);
    assert_int_equal(w.nloads, 1);
    assert_int_equal(w.load[0].at, 3 * 8);
    assert_int_equal(w.load[0].covers, 12);
    assert_int_equal(w.order, 8);
    assert_int_equal(w.end, 0x45);
    memcpy(&word, h->memory + 3 * 8, sizeof word);
    assert_true(word == (UINT64_C(0x123) << 34 | 0x45 << 8 | 0x37)); /* A and D */
    assert_int_equal(translate(h, 0, 0x344f, VM_READ), 0x1230 + 0x44f);
    assert_int_equal(translate(h, 0, 0x3450, VM_READ), -1);
    host_close(h);
}

/* ---- the contract ---- */

struct model {
    struct vm_segment segment[SPACES][NSPANS];
};

static const char *const specs[] = {"base-bounds:bits=16", "segmentation:bits=16",
                                    "segmentation:bits=16,segments=1",
                                    "segment-table:bits=16,segments=4"};

/* The page's place in its segment by counting, or -1. */
static int64_t place_of(const struct vm_span *span, const struct vm_segment *g, vm_va va)
{
    int64_t place = 0;
    if (g->state == VM_PTE_EMPTY)
        return -1;
    vm_va page = va >> 6 << 6, all = span->end - span->start, held = (vm_va)g->pages << 6;
    vm_va start = span->grows_down ? span->start + all - held : span->start;
    for (vm_va at = start; at < start + held; at += 64, place++)
        if (at == page)
            return place;
    return -1;
}

static void compare(struct host *h, const struct model *m, vm_asid asid, vm_va va)
{
    struct vm_span span;
    struct vm_walk w;
    const struct vm_scheme_ops *ops = h->ops;
    ops->walk(h->state, asid, va, VM_READ, VM_MODE_USER, &w);
    struct vm_pte pte = ops->get(h->state, asid, va);
    if (!ops->segments->span(h->state, va, &span)) {
        assert_true(span.start <= va && va < span.end);
        assert_int_equal(w.fault, VM_WALK_BOUNDS);
        assert_int_equal(pte.state, VM_PTE_EMPTY);
        return;
    }
    const struct vm_segment *g = &m->segment[asid][span.start >> 12];
    int64_t place = place_of(&span, g, va);
    if (place < 0) {
        assert_int_equal(w.fault, VM_WALK_ABSENT);
        assert_int_equal(pte.state, VM_PTE_EMPTY);
        return;
    }
    assert_int_equal(pte.state, g->state);
    assert_int_equal(w.fault, g->state == VM_PTE_PRESENT ? VM_WALK_OK : VM_WALK_ABSENT);
    if (g->state == VM_PTE_SWAPPED) {
        assert_int_equal(pte.slot, g->slot);
        return;
    }
    assert_int_equal(pte.pfn, g->pfn + place);
    assert_int_equal(translate(h, asid, va, VM_READ),
                     (int64_t)(((g->pfn + (uint64_t)place) << 6) + va % 64));
    assert_int_equal(w.end - w.first, g->pages);
    assert_int_equal(w.nloads, !ops->in_registers);
}

static void compare_next(struct host *h, vm_asid asid, vm_va va, vm_va end)
{
    vm_va at = va;
    while (at < end && h->ops->get(h->state, asid, at).state == VM_PTE_EMPTY)
        at += 64;
    assert_int_equal(h->ops->next(h->state, asid, va, end), at < end ? at : end);
}

static struct vm_segment random_segment(struct vm_random *r, uint32_t most)
{
    struct vm_segment g = {.state = VM_PTE_EMPTY};
    uint64_t what = vm_random_below(r, 4);
    if (what == 0)
        return g;
    g.pages = 1 + (uint32_t)vm_random_below(r, most);
    g.state = what == 1 ? VM_PTE_SWAPPED : VM_PTE_PRESENT;
    g.prot = VM_PROT_READ;
    if (what == 1)
        g.slot = 1 + (vm_slot)vm_random_below(r, 1 << 29);
    else
        g.pfn = (vm_pfn)vm_random_below(r, 1 << 29);
    return g;
}

static void every_row_of_segments_answers_as_the_model_does(void **unused)
{
    (void)unused;
    for (size_t k = 0; k < 4; k++) {
        struct vm_random r;
        struct model m = {0};
        struct host *h = host_open(specs[k], 6);
        vm_random_seed(&r, k + 1);
        for (unsigned i = test_rounds(20000); i-- > 0;) {
            vm_asid asid = (vm_asid)vm_random_below(&r, SPACES);
            vm_va va = vm_random_below(&r, 17 << 12);
            struct vm_span span;
            compare(h, &m, asid, va);
            if (i % 16 == 0)
                compare_next(h, asid, va >> 6 << 6, 1 << 16);
            if (i % 3 || !h->ops->segments->span(h->state, va, &span))
                continue;
            struct vm_segment g = random_segment(&r, (uint32_t)((span.end - span.start) >> 6));
            h->ops->segments->set(h->state, asid, va, g);
            m.segment[asid][span.start >> 12] = g;
            h->ops->check(h->state);
        }
        host_close(h);
    }
}

/* Every row of schemes.def of this unit is in `specs`. */
static void no_row_of_segments_is_left_out(void **unused)
{
    (void)unused;
    for (size_t row = 0; vm_scheme_at(row); row++) {
        const struct vm_scheme_ops *ops = vm_scheme_at(row);
        bool listed = ops->unit != VM_UNIT_SEGMENT;
        for (size_t k = 0; k < 4; k++)
            listed |= !strncmp(specs[k], ops->name, strlen(ops->name));
        assert_true(listed);
        assert_true((ops->unit == VM_UNIT_SEGMENT) == (ops->segments != NULL));
    }
}

/* Within its bounds, base and bounds is a linear table whose frames are consecutive. */
static void base_and_bounds_is_linear_within_its_bounds(void **unused)
{
    (void)unused;
    struct host *b = host_open("base-bounds:bits=14", 6);
    struct scheme_world *l = world_open("linear:bits=20", 0, 1);
    assert_true(l->ops->open(l->state, 0));
    set(b, 0, 77, 100, VM_PROT_ALL);
    for (vm_va page = 0; page < 100; page++)
        l->ops->set(l->state, 0, page << 12, pte_present((vm_pfn)(77 + page), VM_PROT_ALL));
    for (vm_va va = 0; va < 1 << 14; va++) {
        struct vm_walk w;
        l->ops->walk(l->state, 0, va / 64 << 12, VM_WRITE, VM_MODE_USER, &w);
        int64_t pa = translate(b, 0, va, VM_WRITE);
        assert_true((w.fault == VM_WALK_OK) == (pa >= 0));
        assert_true(pa < 0 || (uint64_t)pa == (uint64_t)w.pfn * 64 + va % 64);
    }
    l->ops->close(l->state, 0);
    world_close(l);
    host_close(b);
}

static void an_impossible_split_says_what_would_be_possible(void **unused)
{
    (void)unused;
    static const struct {
        const char *spec;
        unsigned shift;
        const char *text;
    } rows[] = {
        {"base-bounds:bits=12", 12,
         "base-bounds: 12 bits of address with pages of 4096 bytes: expected 13 to 43 bits, at "
         "least two pages and at most 2^31"},
        {"segmentation:bits=40", 0,
         "segmentation: 40 bits of address, 2 of them for the segment, with pages of 1 bytes: "
         "expected 3 to 33 bits, at least two pages a segment and at most 2^31"},
        {"segment-table:bits=20,segments=10", 12,
         "segment-table: 20 bits of address, 10 of them for the segment, with pages of 4096 bytes: "
         "expected 23 to 47 bits, at least two pages a segment and at most 2^25"},
        {"paged-segments:bits=14", 12,
         "paged-segments: 14 bits of address, 2 of them for the segment, with pages of 4096 "
         "bytes: expected 15 to 45 bits, at least two pages a segment and at most 2^31"},
    };
    for (size_t i = 0; i < 4; i++) {
        struct host h = {.shift = rows[i].shift};
        struct vm_error e = {0};
        host_find(&h, rows[i].spec);
        struct vm_scheme_env env = env_of(&h);
        assert_false(h.ops->accept(&env, &e));
        assert_int_equal(e.code, VM_EUSAGE);
        assert_string_equal(e.text, rows[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(three_easy_pieces_relocates),
        cmocka_unit_test(three_easy_pieces_segments),
        cmocka_unit_test(three_easy_pieces_chapter_16),
        cmocka_unit_test(a_descriptor_is_as_documented),
        cmocka_unit_test(every_row_of_segments_answers_as_the_model_does),
        cmocka_unit_test(no_row_of_segments_is_left_out),
        cmocka_unit_test(base_and_bounds_is_linear_within_its_bounds),
        cmocka_unit_test(an_impossible_split_says_what_would_be_possible),
    };
    return cmocka_run_group_tests_name("conform_segment", tests, NULL, NULL);
}
