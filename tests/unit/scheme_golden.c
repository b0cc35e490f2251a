/* scheme_golden.c - the words of each architecture's tables and the addresses a walk reads, worked
 * out by hand from the formats in the manuals that src/scheme/ cites.
 *
 * In each world tables take frames 0x100, 0x101, ... in turn, and one page is mapped to frame 0x2a.
 */
#include "oracle/scheme_world.h"

#include "test.h"

#include <string.h>

#define TABLES 0x100
#define READ   VM_PROT_READ
#define WRITE  VM_PROT_WRITE
#define FETCH  VM_PROT_FETCH
#define GLOBAL VM_PROT_GLOBAL

struct golden {
    const char *spec;
    vm_va va;
    unsigned nloads;
    vm_pa at[5];
    uint64_t word[5];  /* before any walk; read, write and user allowed */
    uint64_t after[5]; /* after a walk for a write */
};

/* Index 3 is 3 * 8 = 0x18 in a table, index 5 0x28, 7 0x38, 11 0x58. A pointer to frame 0x101 is
 * 0x101 << 10 | V = 0x40401. The page: 0x2a << 10 | U W R V = 0xa817, with D and A 0xa8d7. */
static const struct golden golden[] = {
    {"sv32", /* index 768 and 0x155, of 4 bytes each */
     0xc0155123,
     2,
     {0x100c00, 0x101554},
     {0x40401, 0xa817},
     {0x40401, 0xa8d7}},
    {"sv39",
     UINT64_C(3) << 30 | 5 << 21 | 7 << 12 | 0xabc,
     3,
     {0x100018, 0x101028, 0x102038},
     {0x40401, 0x40801, 0xa817},
     {0x40401, 0x40801, 0xa8d7}},
    {"sv48", /* the last page: index 511 everywhere */
     0xfffffffffffff123,
     4,
     {0x100ff8, 0x101ff8, 0x102ff8, 0x103ff8},
     {0x40401, 0x40801, 0x40c01, 0xa817},
     {0x40401, 0x40801, 0x40c01, 0xa8d7}},
    {"sv57",
     UINT64_C(2) << 48 | UINT64_C(3) << 39 | UINT64_C(5) << 30 | 7 << 21 | 11 << 12,
     5,
     {0x100010, 0x101018, 0x102028, 0x103038, 0x104058},
     {0x40401, 0x40801, 0x40c01, 0x41001, 0xa817},
     {0x40401, 0x40801, 0x40c01, 0x41001, 0xa8d7}},
    {"x86-64", /* pointers: U/S, R/W and P are 7, A makes 0x27; the page: also XD, then A and D */
     UINT64_C(1) << 39 | UINT64_C(2) << 30 | 3 << 21 | 4 << 12 | 0xfff,
     4,
     {0x100008, 0x101010, 0x102018, 0x103020},
     {0x101007, 0x102007, 0x103007, 0x800000000002a007},
     {0x101027, 0x102027, 0x103027, 0x800000000002a067}},
    {"x86-64-la57", /* the first page of the upper half: index 256, then 0 */
     0xff00000000000000,
     5,
     {0x100800, 0x101000, 0x102000, 0x103000, 0x104000},
     {0x101007, 0x102007, 0x103007, 0x104007, 0x800000000002a007},
     {0x101027, 0x102027, 0x103027, 0x104027, 0x800000000002a067}},
    {"arm64", /* clean: nG SH AP[2] AP[1] page, UXN PXN DBM; then AF, and AP[2] is cleared */
     UINT64_C(1) << 39 | UINT64_C(2) << 30 | 3 << 21 | 4 << 12 | 0xfff,
     4,
     {0x100008, 0x101010, 0x102018, 0x103020},
     {0x101003, 0x102003, 0x103003, 0x6800000002abc3},
     {0x101003, 0x102003, 0x103003, 0x6800000002af43}},
    {"arm64-16k", /* frame 0x2a is at 0xa8000, table 0x101 at 0x404000 */
     UINT64_C(1) << 36 | 2 << 25 | 3 << 14 | 0x3fff,
     3,
     {0x400008, 0x404010, 0x408018},
     {0x404003, 0x408003, 0x680000000a8bc3},
     {0x404003, 0x408003, 0x680000000a8f43}},
    {"two-level:dir=6,table=14,entry=4", /* a table of 16 frames, and index 0x155 in it */
     0xc0155123,
     2,
     {0x1000c0, 0x101554},
     {0x40401, 0xa817},
     {0x40401, 0xa8d7}},
    {"linear:bits=24", 0x345678, 1, {0x100000 + 0x345 * 8}, {0xa817}, {0xa8d7}},
};
#define NGOLDEN (sizeof golden / sizeof golden[0])

static struct scheme_world *world_with_page(const char *spec, vm_va va, struct vm_pte pte)
{
    struct scheme_world *w = world_open(spec, TABLES, 1);
    assert_true(w->ops->open(w->state, 0));
    assert_true(w->ops->ensure(w->state, 0, va, 0));
    w->ops->set(w->state, 0, va, pte);
    return w;
}

static void world_end(struct scheme_world *w)
{
    w->ops->check(w->state);
    w->ops->close(w->state, 0);
    world_close(w);
}

static void words_and_load_addresses_are_the_architecture_s(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < NGOLDEN; i++) {
        const struct golden *g = &golden[i];
        struct scheme_world *w = world_with_page(g->spec, g->va, pte_present(0x2a, READ | WRITE));
        struct vm_walk walk;
        w->ops->walk(w->state, 0, g->va, VM_WRITE, VM_MODE_USER, &walk);
        assert_int_equal(walk.fault, VM_WALK_OK);
        assert_int_equal(walk.pfn, 0x2a);
        assert_int_equal(walk.order, 0);
        assert_int_equal(walk.dirty, 1);
        assert_int_equal(walk.nloads, g->nloads);
        unsigned nstores = 0;
        for (unsigned k = 0; k < g->nloads; k++) {
            assert_int_equal(walk.load[k].at, g->at[k]);
            assert_int_equal(walk.load[k].word, g->word[k]);
            nstores += g->word[k] != g->after[k];
        }
        assert_int_equal(walk.nstores, nstores);
        w->ops->walk(w->state, 0, g->va, VM_READ, VM_MODE_USER, &walk);
        for (unsigned k = 0; k < g->nloads; k++)
            assert_int_equal(walk.load[k].word, g->after[k]);
        assert_int_equal(walk.nstores, 0);
        world_end(w);
    }
}

static uint64_t leaf_word(const char *spec, struct vm_pte pte)
{
    struct vm_walk walk;
    struct scheme_world *w = world_with_page(spec, 0x7000, pte);
    w->ops->walk(w->state, 0, 0x7000, VM_READ, VM_MODE_USER, &walk);
    world_end(w);
    return walk.load[walk.nloads - 1].word;
}

static void protections_are_the_architecture_s_bits(void **unused)
{
    (void)unused;
    static const struct {
        unsigned prot;
        uint64_t riscv, x86, arm;
    } row[] = {
        {READ, 0xa813, 0x800000000002a005, 0x6000000002abc3},
        {READ | WRITE, 0xa817, 0x800000000002a007, 0x6800000002abc3},
        {READ | FETCH, 0xa81b, 0x2a005, 0x2000000002abc3},
        {READ | WRITE | FETCH, 0xa81f, 0x2a007, 0x2800000002abc3},
        /* W without R is reserved, or has no encoding */
        {WRITE, 0xa817, 0x800000000002a007, 0x6800000002abc3},
        /* RISC-V and Arm can fetch without reading, x86 cannot */
        {FETCH, 0xa819, 0x2a005, 0x2000000002ab83},
        {READ | GLOBAL, 0xa833, 0x800000000002a105, 0x6000000002a3c3},
        /* not present; the frame and U stay */
        {VM_PROT_NONE, 0xa810, 0x2a004, 0x2a8c0},
    };
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct vm_pte pte = pte_present(0x2a, row[i].prot);
        assert_int_equal(leaf_word("sv32", pte), row[i].riscv);
        assert_int_equal(leaf_word("sv39", pte), row[i].riscv);
        assert_int_equal(leaf_word("linear", pte), row[i].riscv);
        assert_int_equal(leaf_word("x86-64", pte), row[i].x86);
        pte.accessed = true; /* so that the walk which looks leaves it alone */
        assert_int_equal(leaf_word("arm64", pte), row[i].arm | 0x400);
    }
}

static void a_swapped_entry_is_its_slot_and_a_tag(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < NGOLDEN; i++)
        assert_int_equal(leaf_word(golden[i].spec, pte_swapped(0x1234)), 0x12342);
    assert_int_equal(leaf_word("sv32", pte_swapped(0xfffffff)), 0xfffffff2);
    assert_int_equal(leaf_word("sv39", pte_swapped(UINT32_MAX)), 0xffffffff2);
}

static void a_page_without_rights_keeps_its_frame_and_dirty_bit(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < NGOLDEN; i++) {
        struct vm_pte pte = pte_present(0, VM_PROT_NONE), got;
        struct vm_walk walk;
        struct scheme_world *w = world_with_page(golden[i].spec, 0x7000, pte);
        got = w->ops->get(w->state, 0, 0x7000);
        assert_int_equal(got.state, VM_PTE_PRESENT); /* even of frame 0, whose number has no bits */
        assert_int_equal(got.pfn, 0);
        pte.dirty = true;
        w->ops->set(w->state, 0, 0x7000, pte);
        assert_true(w->ops->get(w->state, 0, 0x7000).dirty);
        assert_int_equal(w->ops->get(w->state, 0, 0x7000).prot, VM_PROT_NONE);
        w->ops->walk(w->state, 0, 0x7000, VM_READ, VM_MODE_USER, &walk);
        assert_int_equal(walk.fault, VM_WALK_ABSENT);
        world_end(w);
    }
}

static void a_denied_access_leaves_the_page_s_word_alone(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < NGOLDEN; i++) {
        struct vm_walk walk;
        struct scheme_world *w = world_with_page(golden[i].spec, 0x7000, pte_present(9, READ));
        w->ops->walk(w->state, 0, 0x7000, VM_WRITE, VM_MODE_USER, &walk);
        assert_int_equal(walk.fault, VM_WALK_DENIED);
        assert_int_equal(walk.pfn, 9);
        assert_int_equal(walk.prot, READ);
        assert_int_equal(walk.dirty, 0);
        assert_false(w->ops->get(w->state, 0, 0x7000).accessed);
        w->ops->walk(w->state, 0, 0x7000, VM_FETCH, VM_MODE_USER, &walk);
        assert_int_equal(walk.fault, VM_WALK_DENIED);
        world_end(w);
    }
}

static void an_absent_walk_stops_at_the_empty_word(void **unused)
{
    (void)unused;
    struct vm_walk walk;
    struct scheme_world *w = world_with_page("x86-64", 0x7000, pte_present(9, READ));
    w->ops->walk(w->state, 0, UINT64_C(1) << 39, VM_READ, VM_MODE_USER, &walk);
    assert_int_equal(walk.fault, VM_WALK_ABSENT);
    assert_int_equal(walk.nloads, 1);
    assert_int_equal(walk.nstores, 0);
    w->ops->walk(w->state, 0, UINT64_C(1) << 30, VM_READ, VM_MODE_USER, &walk);
    assert_int_equal(walk.nloads, 2);
    assert_int_equal(walk.nstores, 1); /* the pointer followed is marked accessed */
    w->ops->walk(w->state, 0, 0x8000, VM_READ, VM_MODE_USER, &walk);
    assert_int_equal(walk.nloads, 4);
    assert_int_equal(walk.nstores, 2);
    world_end(w);
}

static void addresses_outside_the_space_are_out_of_bounds(void **unused)
{
    (void)unused;
    static const struct {
        const char *spec;
        vm_va last_low, first_high; /* 0: no upper half */
    } row[] = {
        {"sv32", 0xffffffff, 0},
        {"sv39", 0x3fffffffff, 0xffffffc000000000},
        {"sv48", 0x7fffffffffff, 0xffff800000000000},
        {"sv57", 0xffffffffffffff, 0xff00000000000000},
        {"x86-64", 0x7fffffffffff, 0xffff800000000000},
        {"x86-64-la57", 0xffffffffffffff, 0xff00000000000000},
        {"arm64", 0xffffffffffff, 0},
        {"arm64-16k", 0x7fffffffffff, 0},
        {"two-level", 0xffffffff, 0},
        {"two-level:dir=3,table=2", 0x1ffff, 0},
        {"linear", 0xffffffff, 0},
        {"linear:bits=13", 0x1fff, 0},
    };
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct scheme_world *w = world_open(row[i].spec, TABLES, 1);
        const struct {
            vm_va va;
            enum vm_walk_fault fault;
        } probe[] = {
            {0, VM_WALK_ABSENT},
            {row[i].last_low, VM_WALK_ABSENT},
            {row[i].last_low + 1, VM_WALK_BOUNDS},
            {row[i].first_high - 1, VM_WALK_BOUNDS}, /* without an upper half: the last of all */
            {row[i].first_high, VM_WALK_ABSENT},
            {row[i].first_high ? UINT64_MAX : 0, VM_WALK_ABSENT},
        };
        assert_true(w->ops->open(w->state, 0));
        for (size_t k = 0; k < sizeof probe / sizeof probe[0]; k++) {
            struct vm_walk walk;
            w->ops->walk(w->state, 0, probe[k].va, VM_READ, VM_MODE_USER, &walk);
            assert_int_equal(walk.fault, probe[k].fault);
            assert_int_equal(walk.nloads == 0, probe[k].fault == VM_WALK_BOUNDS);
            assert_int_equal(w->ops->ensure(w->state, 0, probe[k].va, 0),
                             probe[k].fault != VM_WALK_BOUNDS);
            assert_int_equal(w->ops->get(w->state, 0, probe[k].va).state, VM_PTE_EMPTY);
        }
        world_end(w);
    }
}

static void tables_are_taken_once_a_region_and_trimmed_when_empty(void **unused)
{
    (void)unused;
    struct scheme_world *w = world_open("sv39", TABLES, 1);
    const vm_va near = 0x200000, far = UINT64_C(1) << 30;
    w->ops->open(w->state, 0);
    assert_int_equal(world_footprint(w, 0), 1);
    assert_true(w->ops->ensure(w->state, 0, 0, 0));
    assert_int_equal(world_footprint(w, 0), 3);
    assert_true(w->ops->ensure(w->state, 0, near - 4096, 0)); /* the last page of the first 2 MiB */
    assert_int_equal(world_footprint(w, 0), 3);
    assert_true(w->ops->ensure(w->state, 0, near, 0));
    assert_int_equal(world_footprint(w, 0), 4);
    assert_true(w->ops->ensure(w->state, 0, far, 0));
    assert_int_equal(world_footprint(w, 0), 6);
    w->ops->trim(w->state, 0, 0, 4096); /* not the empty table of `near` */
    assert_int_equal(world_footprint(w, 0), 5);
    assert_true(w->ops->ensure(w->state, 0, 0, 0));
    assert_int_equal(world_footprint(w, 0), 6);
    w->ops->set(w->state, 0, near, pte_present(1, READ));
    w->ops->trim(w->state, 0, 0, far); /* only the first 2 MiB are empty in the range */
    assert_int_equal(world_footprint(w, 0), 5);
    w->ops->trim(w->state, 0, far, far + 4096);
    assert_int_equal(world_footprint(w, 0), 3);
    w->ops->set(w->state, 0, near, (struct vm_pte){.state = VM_PTE_EMPTY});
    w->ops->trim(w->state, 0, 0, far);
    assert_int_equal(world_footprint(w, 0), 1);
    world_end(w);
}

static void linear_takes_its_whole_table_in_consecutive_frames(void **unused)
{
    (void)unused;
    struct scheme_world *w = world_open("linear", TABLES, 2);
    assert_true(w->ops->open(w->state, 0));
    assert_int_equal(w->ntaken, 2048); /* 2^20 entries of 8 bytes */
    assert_int_equal(world_footprint(w, 0), 2048);
    assert_true(w->ops->open(w->state, 1));
    assert_int_equal(w->ntaken, 4096);
    w->ops->close(w->state, 1);
    world_end(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_and_load_addresses_are_the_architecture_s),
        cmocka_unit_test(protections_are_the_architecture_s_bits),
        cmocka_unit_test(a_swapped_entry_is_its_slot_and_a_tag),
        cmocka_unit_test(a_page_without_rights_keeps_its_frame_and_dirty_bit),
        cmocka_unit_test(a_denied_access_leaves_the_page_s_word_alone),
        cmocka_unit_test(an_absent_walk_stops_at_the_empty_word),
        cmocka_unit_test(addresses_outside_the_space_are_out_of_bounds),
        cmocka_unit_test(tables_are_taken_once_a_region_and_trimmed_when_empty),
        cmocka_unit_test(linear_takes_its_whole_table_in_consecutive_frames),
    };
    return cmocka_run_group_tests_name("scheme_golden", tests, NULL, NULL);
}
