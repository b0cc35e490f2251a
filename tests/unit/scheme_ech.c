/* scheme_ech.c - elastic cuckoo page tables: where lines stand, what walks read, resizing, and
 * what is left when a frame is not to be had.
 *
 * The oracle is an array of all entries; lines are looked for in memory by their tags alone, as
 * src/scheme/ech.c describes these: bits 58:52 of each word are seven bits of {used, line number}.
 */
#include "base/bits.h"
#include "base/random.h"
#include "oracle/scheme_world.h"
#include "rounds.h"

#include "test.h"

#include <stdlib.h>
#include <string.h>

#define TABLES 0x100
#define WAYS   3
#define NPAGES 8192
#define PAGE   UINT64_C(4096)

struct ech_world {
    struct scheme_world *w;
    struct vm_random random;
    struct vm_pte pte[NPAGES]; /* of the page at va_of(i) */
};

static vm_va va_of(unsigned i)
{
    return (vm_va)i * 3 << 14; /* the lines are numbers 3/2 i: most have one page or none */
}

static struct ech_world *ech_world_open(const char *spec)
{
    struct ech_world *x = test_calloc(1, sizeof *x);
    x->w = world_open(spec, TABLES, 1);
    vm_random_seed(&x->random, 23);
    assert_true(x->w->ops->open(x->w->state, 0));
    return x;
}

static void ech_world_close(struct ech_world *x)
{
    x->w->ops->check(x->w->state);
    x->w->ops->close(x->w->state, 0);
    x->w->ops->check(x->w->state);
    world_close(x->w);
    test_free(x);
}

static bool put(struct ech_world *x, unsigned i, struct vm_pte pte)
{
    if (!x->w->ops->ensure(x->w->state, 0, va_of(i), 0))
        return false;
    x->w->ops->set(x->w->state, 0, va_of(i), pte);
    x->pte[i] = pte;
    return true;
}

static void drop(struct ech_world *x, unsigned i)
{
    x->pte[i] = (struct vm_pte){.state = VM_PTE_EMPTY};
    x->w->ops->set(x->w->state, 0, va_of(i), x->pte[i]);
}

static bool present(const struct ech_world *x, unsigned i)
{
    return x->pte[i].state == VM_PTE_PRESENT;
}

static uint64_t line_at(const struct ech_world *x, vm_pa at)
{
    uint64_t tag = 0, word;
    for (unsigned i = 0; i < 8; i++) {
        memcpy(&word, x->w->memory + at + 8 * i, sizeof word);
        tag |= (word >> 52 & 0x7f) << 7 * i;
    }
    return tag;
}

/* In all taken frames: how many lines there are, and how many with page i's number. */
static void count_lines(const struct ech_world *x, unsigned i, uint64_t *all, uint64_t *of_i)
{
    const uint64_t used = UINT64_C(1) << 55, tag = used | va_of(i) >> 15;
    *all = *of_i = 0;
    for (vm_pfn f = TABLES; f < WORLD_FRAMES; f++)
        for (vm_pa at = f * PAGE; x->w->taken[f] && at < (f + 1) * PAGE; at += 64) {
            uint64_t found = line_at(x, at);
            *all += found != 0;
            *of_i += found == tag;
        }
}

/* Everything about page i, from its entry down to the place of its line. */
static void compare(const struct ech_world *x, unsigned i)
{
    struct vm_walk walk;
    struct vm_pte pte = x->w->ops->get(x->w->state, 0, va_of(i));
    assert_int_equal(pte.state, x->pte[i].state);
    if (pte.state == VM_PTE_PRESENT)
        assert_int_equal(pte.pfn, x->pte[i].pfn);
    if (pte.state == VM_PTE_SWAPPED)
        assert_int_equal(pte.slot, x->pte[i].slot);
    x->w->ops->walk(x->w->state, 0, va_of(i), VM_READ, VM_MODE_MARK_TRAPS, &walk);
    assert_int_equal(walk.nloads, WAYS);
    unsigned nleaves = 0, nhere = 0;
    for (unsigned k = 0; k < WAYS; k++) {
        assert_int_equal(walk.load[k].step, 0);
        nleaves += walk.load[k].role == VM_LOAD_LEAF;
        nhere +=
            line_at(x, walk.load[k].at & ~UINT64_C(63)) == (UINT64_C(1) << 55 | va_of(i) >> 15);
    }
    assert_int_equal(nleaves, present(x, i));
    assert_in_range(nhere, x->pte[i].state != VM_PTE_EMPTY, 1);
    assert_int_equal(walk.fault, present(x, i) ? VM_WALK_UNMARKED : VM_WALK_ABSENT);
}

static void compare_all(const struct ech_world *x)
{
    for (unsigned i = 0; i < NPAGES; i++)
        compare(x, i);
    x->w->ops->check(x->w->state);
}

/* The word of a page, by hand: 0x2a << 12 | U W P = 0x2a007 with XD; the line of page 0x812345 is
 * 0x102468: its low seven bits, in word 0, are 0x68, the next 0x48, the next 0x40; the top bit of
 * the last word says used. The page is word 5, which has none of these. */
static void a_line_is_laid_out_in_the_ignored_bits_of_x86_64(void **unused)
{
    (void)unused;
    struct ech_world *x = ech_world_open("ech");
    struct vm_walk walk;
    uint64_t word[8];
    static const uint64_t want[8] = {UINT64_C(0x68) << 52,
                                     UINT64_C(0x48) << 52,
                                     UINT64_C(0x40) << 52,
                                     0,
                                     0,
                                     0x800000000002a007,
                                     0,
                                     UINT64_C(0x40) << 52};
    assert_true(x->w->ops->ensure(x->w->state, 0, 0x812345000, 0));
    x->w->ops->set(x->w->state, 0, 0x812345000, pte_present(0x2a, VM_PROT_READ | VM_PROT_WRITE));
    x->w->ops->walk(x->w->state, 0, 0x812345678, VM_WRITE, VM_MODE_USER, &walk);
    assert_int_equal(walk.fault, VM_WALK_OK);
    assert_int_equal(walk.nstores, 1);
    unsigned k = 0;
    while (walk.load[k].role != VM_LOAD_LEAF)
        k++;
    assert_int_equal(walk.load[k].word, want[5]);
    assert_int_equal(walk.load[k].at % 64, 5 * 8);
    memcpy(word, x->w->memory + walk.load[k].at - 5 * 8, sizeof word);
    for (unsigned i = 0; i < 8; i++)
        assert_int_equal(word[i], want[i] | (i == 5 ? 0x60 : 0)); /* D and A */
    ech_world_close(x);
}

static void non_canonical_addresses_are_out_of_bounds(void **unused)
{
    (void)unused;
    struct ech_world *x = ech_world_open("ech");
    struct vm_walk walk;
    static const vm_va out[] = {UINT64_C(1) << 47, UINT64_C(0xffff7fffffffffff), UINT64_C(1) << 63};
    static const vm_va in[] = {0, (UINT64_C(1) << 47) - 1, UINT64_C(0xffff800000000000),
                               UINT64_MAX};
    for (size_t i = 0; i < sizeof out / sizeof out[0]; i++) {
        x->w->ops->walk(x->w->state, 0, out[i], VM_READ, VM_MODE_USER, &walk);
        assert_int_equal(walk.fault, VM_WALK_BOUNDS);
        assert_int_equal(walk.nloads, 0);
        assert_false(x->w->ops->ensure(x->w->state, 0, out[i], 0));
        assert_int_equal(x->w->ops->get(x->w->state, 0, out[i]).state, VM_PTE_EMPTY);
    }
    for (size_t i = 0; i < sizeof in / sizeof in[0]; i++) {
        x->w->ops->walk(x->w->state, 0, in[i], VM_READ, VM_MODE_USER, &walk);
        assert_int_equal(walk.fault, VM_WALK_ABSENT);
        assert_true(x->w->ops->ensure(x->w->state, 0, in[i], 0));
    }
    ech_world_close(x);
}

/* Every insertion, so that each state of a resize is seen: a few pages each time, all now and then.
 * Table frames tell the size: 6 with 128 lines a way, 18 while they become 256, and so on. */
static void lines_stay_found_while_the_table_grows_and_shrinks(void **unused)
{
    (void)unused;
    struct ech_world *x = ech_world_open("ech");
    uint32_t most = 0;
    assert_int_equal(x->w->ntaken, 6);
    for (unsigned i = 0; i < NPAGES; i++) {
        assert_true(put(x, i, i % 5 ? pte_present(i, VM_PROT_READ) : pte_swapped(i + 1)));
        compare(x, i);
        compare(x, (unsigned)vm_random_below(&x->random, NPAGES));
        if (i % 512 == 0)
            compare_all(x);
        most = x->w->ntaken > most ? x->w->ntaken : most;
    }
    assert_int_equal(most, 3 * (64 + 128)); /* 4096 and 8192 lines a way */
    for (unsigned i = 0; i < NPAGES; i++) {
        drop(x, i);
        assert_true(put(x, i, pte_present(i, VM_PROT_READ))); /* a line that comes moves others */
        if (i % 7)
            drop(x, i);
        compare(x, (unsigned)vm_random_below(&x->random, NPAGES));
        if (i % 512 == 0)
            compare_all(x);
    }
    compare_all(x);
    assert_true(x->w->ntaken <= 3 * (32 + 16)); /* 2048 lines a way, which may be becoming 1024 */
    for (unsigned i = 0; i < NPAGES; i++)
        drop(x, i);
    x->w->ops->trim(x->w->state, 0, 0, UINT64_C(1) << 47);
    for (unsigned i = 0; x->w->ntaken > 6 && i < NPAGES; i++) {
        assert_true(put(x, i, pte_present(i, VM_PROT_READ)));
        drop(x, i);
    }
    assert_int_equal(x->w->ntaken, 6); /* back where it began */
    ech_world_close(x);
}

static void a_table_is_doubled_when_it_would_be_more_than_six_tenths_full(void **unused)
{
    (void)unused;
    struct ech_world *x = ech_world_open("ech"); /* 3 * 128 lines, of which 230 may be in use */
    uint64_t all, of_i;
    unsigned nlines = 0, i = 0;
    for (; nlines < 230; i++) {
        assert_true(put(x, i, pte_present(i, VM_PROT_READ)));
        count_lines(x, i, &all, &of_i);
        assert_int_equal(of_i, 1);
        nlines = (unsigned)all;
        assert_int_equal(x->w->ntaken, 6);
    }
    while (all == 230)
        assert_true(put(x, i++, pte_present(7, VM_PROT_READ)) &&
                    (count_lines(x, 0, &all, &of_i), true));
    assert_int_equal(x->w->ntaken, 6 + 12);
    /* Four lines a way with each line that comes: the 128 have moved with the 32nd, this one. */
    for (unsigned k = 1; k < 32; k++) {
        assert_int_equal(x->w->ntaken, 6 + 12);
        uint64_t before = all;
        while (all == before)
            assert_true(put(x, i++, pte_present(7, VM_PROT_READ)) &&
                        (count_lines(x, 0, &all, &of_i), true));
    }
    assert_int_equal(x->w->ntaken, 12);
    ech_world_close(x);
}

static void an_empty_table_is_resized_no_further(void **unused)
{
    (void)unused;
    struct ech_world *x = ech_world_open("ech");
    unsigned n = 0;
    while (x->w->ntaken == 6)
        assert_true(put(x, n++, pte_present(7, VM_PROT_READ)));
    while (n-- > 0)
        drop(x, n);
    assert_int_equal(x->w->ntaken, 6 + 12);
    x->w->ops->trim(x->w->state, 0, 0, PAGE);
    assert_int_equal(x->w->ntaken, 12);
    ech_world_close(x);
}

static void every_line_stands_once(void **unused)
{
    (void)unused;
    struct ech_world *x = ech_world_open("ech:lines=64");
    uint64_t all, of_i;
    for (unsigned i = 0; i < 700; i++) {
        assert_true(put(x, i, pte_present(i, VM_PROT_READ)));
        for (unsigned k = 0; k < 4; k++) {
            unsigned j = (unsigned)vm_random_below(&x->random, i + 1);
            count_lines(x, j, &all, &of_i);
            assert_int_equal(of_i, 1);
        }
    }
    ech_world_close(x);
}

static void no_frame_for_a_larger_table_leaves_the_smaller_one(void **unused)
{
    (void)unused;
    for (uint32_t n = 0; n < 12; n++) { /* each resize takes three times */
        struct ech_world *x = ech_world_open("ech");
        x->w->takes_left = n;
        unsigned i = 0;
        while (i < 4000 && put(x, i, pte_present(i, VM_PROT_READ)))
            i++;
        assert_int_equal(x->w->takes_left, 0);
        assert_int_equal(world_footprint(x->w, 0), x->w->ntaken);
        assert_int_equal(x->w->ntaken, 6 << n / 3);
        compare_all(x);
        x->w->takes_left = UINT32_MAX;
        assert_true(put(x, i, pte_present(i, VM_PROT_READ)));
        compare_all(x);
        ech_world_close(x);
    }
}

/* ---- lines that find no place ---- */

#define NTRIES 100000

struct places {
    uint64_t triple; /* of a line: its places in the three ways */
    unsigned i;
};

static int places_compare(const void *a, const void *b)
{
    const struct places *p = a, *q = b;
    return (p->triple > q->triple) - (p->triple < q->triple);
}

static vm_va try_va(unsigned i)
{
    return (vm_va)i << 15 | UINT64_C(1) << 45;
}

/* Four lines whose three places are the same in a table of 64 lines a way. A walk tells places. */
static void four_alike(struct ech_world *x, vm_va out[4])
{
    struct places *p = test_calloc(NTRIES, sizeof *p);
    struct vm_walk walk;
    for (unsigned i = 0; i < NTRIES; i++) {
        x->w->ops->walk(x->w->state, 0, try_va(i), VM_READ, VM_MODE_USER, &walk);
        p[i].i = i;
        for (unsigned way = 0; way < WAYS; way++)
            p[i].triple = p[i].triple << 6 | (walk.load[way].at >> 6 & 63);
    }
    qsort(p, NTRIES, sizeof *p, places_compare);
    unsigned i = 3;
    while (i < NTRIES && p[i].triple != p[i - 3].triple)
        i++;
    assert_in_range(i, 3, NTRIES - 1);
    for (unsigned k = 0; k < 4; k++)
        out[k] = try_va(p[i - k].i);
    test_free(p);
}

static void alike_put(struct ech_world *x, const vm_va va[4], unsigned n)
{
    for (unsigned k = 0; k < n; k++) {
        assert_true(x->w->ops->ensure(x->w->state, 0, va[k], 0));
        x->w->ops->set(x->w->state, 0, va[k], pte_present(k, VM_PROT_READ));
    }
}

static void alike_compare(struct ech_world *x, const vm_va va[4], unsigned n)
{
    for (unsigned k = 0; k < n; k++)
        assert_int_equal(x->w->ops->get(x->w->state, 0, va[k]).pfn, k);
    x->w->ops->check(x->w->state);
}

static void four_lines_for_three_places_make_a_larger_table(void **unused)
{
    (void)unused;
    struct ech_world *x = ech_world_open("ech:lines=64");
    vm_va va[4];
    four_alike(x, va);
    alike_put(x, va, 3);
    assert_int_equal(x->w->ntaken, 3);
    for (uint32_t n = 0; n < 3; n++) {
        x->w->takes_left = n;
        assert_false(x->w->ops->ensure(x->w->state, 0, va[3], 0));
        assert_int_equal(x->w->ntaken, 3);
        alike_compare(x, va, 3);
        assert_int_equal(x->w->ops->get(x->w->state, 0, va[3]).state, VM_PTE_EMPTY);
    }
    x->w->takes_left = UINT32_MAX;
    alike_put(x, va, 4);
    alike_compare(x, va, 4);
    assert_int_equal(x->w->ntaken, 6);
    ech_world_close(x);
}

/* They have places in 128 lines a way; halving that finds the fourth one none, and is undone. */
static void a_table_that_cannot_be_halved_is_rebuilt(void **unused)
{
    (void)unused;
    struct ech_world *x = ech_world_open("ech:lines=64");
    vm_va va[4];
    four_alike(x, va);
    for (unsigned i = 0; x->w->ntaken != 6; i++) /* 6: doubled, and nothing left of the smaller */
        assert_true(put(x, i, pte_present(i, VM_PROT_READ)));
    alike_put(x, va, 4);
    for (unsigned i = 0; i < NPAGES; i++)
        drop(x, i);
    bool halving = false, rebuilt = false;
    for (unsigned i = 0; i < 40; i++) {
        assert_true(put(x, i, pte_present(i, VM_PROT_READ)));
        alike_compare(x, va, 4);
        rebuilt |= halving && x->w->ntaken == 6;
        halving = x->w->ntaken == 9;
    }
    assert_true(rebuilt);
    ech_world_close(x);
}

/* ---- pages of several sizes ---- */

#define NLARGE     4 /* large pages' worth of addresses */
#define LARGE_BASE (UINT64_C(5) << 30)
#define LARGE      (UINT64_C(1) << 21)

struct large_world {
    struct ech_world *x;
    struct vm_pte pte[NLARGE * 512]; /* of each base page; large ones in each of theirs */
};

static vm_va large_va(unsigned i)
{
    return LARGE_BASE + i * PAGE;
}

static void large_set(struct large_world *l, unsigned i, struct vm_pte pte)
{
    struct scheme_world *w = l->x->w;
    assert_true(w->ops->ensure(w->state, 0, large_va(i), pte.order));
    w->ops->set(w->state, 0, large_va(i), pte);
    for (unsigned k = 0; k < 1u << pte.order; k++)
        l->pte[i + k] = pte;
}

static void large_compare(struct large_world *l, unsigned i)
{
    struct scheme_world *w = l->x->w;
    struct vm_pte want = l->pte[i], got = w->ops->get(w->state, 0, large_va(i));
    struct vm_walk walk;
    unsigned next = i;
    assert_int_equal(got.state, want.state);
    w->ops->walk(w->state, 0, large_va(i) + 5, VM_READ, VM_MODE_USER, &walk);
    assert_int_equal(walk.fault, want.state == VM_PTE_PRESENT ? VM_WALK_OK : VM_WALK_ABSENT);
    if (want.state == VM_PTE_PRESENT) {
        assert_int_equal(got.pfn, want.pfn);
        assert_int_equal(got.order, want.order);
        assert_int_equal(walk.pfn, want.pfn);
        assert_int_equal(walk.order, want.order);
        assert_int_equal(walk.end, 1u << want.order);
    }
    while (next < NLARGE * 512 && l->pte[next].state == VM_PTE_EMPTY)
        next++;
    assert_int_equal(w->ops->next(w->state, 0, large_va(i), large_va(NLARGE * 512)),
                     large_va(next));
}

static void large_step(struct large_world *l)
{
    struct vm_random *random = &l->x->random;
    unsigned i = (unsigned)vm_random_below(random, NLARGE * 512), first = i & ~511u;
    uint64_t what = vm_random_below(random, 200);
    struct vm_pte pte = pte_present((vm_pfn)vm_random_below(random, WORLD_FRAMES), VM_PROT_READ);
    if (what == 0) { /* one large page in place of whatever is there */
        for (unsigned k = first; k < first + 512; k++) {
            struct vm_pte none = {.state = VM_PTE_EMPTY, .order = l->pte[k].order};
            if (l->pte[k].state != VM_PTE_EMPTY)
                large_set(l, k, none);
        }
        pte.order = 9;
        pte.pfn &= ~511u;
        large_set(l, first, pte);
    } else if (l->pte[i].order == 0) {
        struct vm_pte none = {.state = VM_PTE_EMPTY};
        large_set(l, i, what % 3 ? pte : what % 2 ? pte_swapped(i + 1) : none);
    } else if (what < 5) {
        large_set(l, first, (struct vm_pte){.state = VM_PTE_EMPTY, .order = 9});
    }
    for (unsigned k = 0; what == 0 && k < NLARGE * 512; k++)
        if (l->pte[k].state == VM_PTE_EMPTY)
            l->pte[k].order = 0;
    large_compare(l, (unsigned)vm_random_below(random, NLARGE * 512));
    large_compare(l, i);
}

static void pages_of_two_sizes_live_in_two_tables(void **unused)
{
    (void)unused;
    struct large_world *l = test_calloc(1, sizeof *l);
    l->x = ech_world_open("ech:lines=64");
    for (unsigned i = 0; i < test_rounds(20000); i++) {
        large_step(l);
        if (i % 64 == 0)
            l->x->w->ops->check(l->x->w->state);
    }
    ech_world_close(l->x);
    test_free(l);
}

/* PS is bit 7: frame 0x200 to read with U, P and XD is 0x800000000200085. A second table is read
 * beside the first from the first large page on, and goes with the last. */
static void a_large_page_s_table_comes_and_goes_with_it(void **unused)
{
    (void)unused;
    struct ech_world *x = ech_world_open("ech");
    struct scheme_world *w = x->w;
    struct vm_walk walk;
    struct vm_pte pte = pte_present(0x200, VM_PROT_READ);
    pte.order = 9;
    assert_int_equal(w->ntaken, 6);
    assert_true(w->ops->ensure(w->state, 0, LARGE_BASE, 9));
    w->ops->set(w->state, 0, LARGE_BASE, pte);
    assert_int_equal(w->ntaken, 12);
    w->ops->walk(w->state, 0, LARGE_BASE + 0x12345, VM_READ, VM_MODE_MARK_TRAPS, &walk);
    assert_int_equal(walk.nloads, 2 * WAYS);
    for (unsigned k = 0; k < walk.nloads; k++) {
        assert_int_equal(walk.load[k].step, 0);
        if (walk.load[k].role != VM_LOAD_LEAF)
            continue;
        assert_int_equal(walk.load[k].covers, 21);
        assert_int_equal(walk.load[k].word & ~(UINT64_C(0x7f) << 52), 0x8000000000200085);
    }
    pte.state = VM_PTE_EMPTY;
    w->ops->set(w->state, 0, LARGE_BASE, pte);
    w->ops->trim(w->state, 0, LARGE_BASE, LARGE_BASE + LARGE);
    assert_int_equal(w->ntaken, 6);
    ech_world_close(x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_is_laid_out_in_the_ignored_bits_of_x86_64),
        cmocka_unit_test(non_canonical_addresses_are_out_of_bounds),
        cmocka_unit_test(lines_stay_found_while_the_table_grows_and_shrinks),
        cmocka_unit_test(a_table_is_doubled_when_it_would_be_more_than_six_tenths_full),
        cmocka_unit_test(an_empty_table_is_resized_no_further),
        cmocka_unit_test(every_line_stands_once),
        cmocka_unit_test(no_frame_for_a_larger_table_leaves_the_smaller_one),
        cmocka_unit_test(four_lines_for_three_places_make_a_larger_table),
        cmocka_unit_test(a_table_that_cannot_be_halved_is_rebuilt),
        cmocka_unit_test(pages_of_two_sizes_live_in_two_tables),
        cmocka_unit_test(a_large_page_s_table_comes_and_goes_with_it),
    };
    return cmocka_run_group_tests_name("scheme_ech", tests, NULL, NULL);
}
