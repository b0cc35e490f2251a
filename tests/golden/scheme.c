/* scheme.c - translations worked out in textbooks, and what large pages take and save.
 *
 * OSTEP is R. and A. Arpaci-Dusseau, Operating Systems: Three Easy Pieces. Of its exercise
 * paging-multilevel-translate the numbers are what the program prints for seed 0.
 */
#include "oracle/scheme_world.h"

#include "unit/test.h"

#include <string.h>

#define READ  VM_PROT_READ
#define WRITE VM_PROT_WRITE
#define NO_PA UINT64_MAX

/* Where va is in physical memory, or NO_PA. */
static vm_pa translate(struct scheme_world *w, vm_va va, struct vm_walk *walk)
{
    w->ops->walk(w->state, 0, va, VM_READ, VM_MODE_USER, walk);
    vm_va offset = va & ((UINT64_C(1) << (w->page_shift + walk->order)) - 1);
    return walk->fault ? NO_PA : ((vm_pa)walk->pfn << w->page_shift) + offset;
}

static void map(struct scheme_world *w, vm_va va, vm_pfn pfn, unsigned order)
{
    struct vm_pte pte = pte_present(pfn, READ | WRITE);
    pte.order = (uint8_t)order;
    va &= ~((UINT64_C(1) << (w->page_shift + order)) - 1);
    assert_true(w->ops->ensure(w->state, 0, va, order));
    w->ops->set(w->state, 0, va, pte);
}

static void world_end(struct scheme_world *w)
{
    w->ops->check(w->state);
    w->ops->close(w->state, 0);
    world_close(w);
}

/* OSTEP, chapter 18: a space of 64 bytes in pages of 16, a memory of 8 frames. */
static void the_byte_21_of_a_tiny_space_is_at_117(void **unused)
{
    (void)unused;
    static const vm_pfn frames[] = {3, 7, 5, 2};
    static const char *const specs[] = {"linear:bits=6", "two-level:dir=1,table=1,entry=1"};
    for (size_t k = 0; k < 2; k++) {
        struct scheme_world *w = world_open_frames(specs[k], 4, 32, 8, 1);
        struct vm_walk walk;
        assert_true(w->ops->open(w->state, 0));
        for (unsigned i = 0; i < 4; i++)
            map(w, 16 * i, frames[i], 0);
        assert_int_equal(translate(w, 21, &walk), 117);
        assert_int_equal(translate(w, 63, &walk), 47);
        world_end(w);
    }
}

/* 20 bits of page number in front of 12 of offset: the hexadecimal digits show both. */
static void the_frame_replaces_the_five_digits_of_the_page_number(void **unused)
{
    (void)unused;
    static const char *const specs[] = {"linear", "two-level", "sv32", "sv39", "x86-64", "arm64"};
    for (size_t i = 0; i < sizeof specs / sizeof specs[0]; i++) {
        struct scheme_world *w = world_open_frames(specs[i], 12, 0x100000, 0, 1);
        struct vm_walk walk;
        assert_true(w->ops->open(w->state, 0));
        map(w, 0x12345678, 0xabcde, 0);
        assert_int_equal(translate(w, 0x12345678, &walk), 0xabcde678);
        world_end(w);
    }
}

/* OSTEP, chapter 20: 16 KiB in pages of 64 bytes, entries of 4 bytes; directory, tables and pages
 * in the frames of its figures. */
static void the_last_page_but_one_of_a_small_space_is_in_frame_55(void **unused)
{
    (void)unused;
    static const vm_pfn tables[] = {200, 100, 101};
    struct scheme_world *w = world_open_frames("two-level:dir=4,table=4,entry=4", 6, 256, 0, 1);
    struct vm_walk walk;
    w->script = tables;
    assert_true(w->ops->open(w->state, 0));
    map(w, 0, 10, 0);
    map(w, 0x3f80, 55, 0);
    map(w, 0x3fc0, 45, 0);
    assert_int_equal(translate(w, 0x3f80, &walk), 0x0dc0);
    assert_int_equal(walk.nloads, 2);
    assert_int_equal(walk.load[0].at, 200 * 64 + 15 * 4);
    assert_int_equal(walk.load[1].at, 101 * 64 + 14 * 4);
    assert_int_equal(translate(w, 0x3fc5, &walk), 45 * 64 + 5);
    assert_int_equal(translate(w, 0x0040, &walk), NO_PA); /* page 1 is not there */
    assert_int_equal(translate(w, 0x1000, &walk), NO_PA); /* nor the whole of the fifth table */
    assert_int_equal(walk.nloads, 1);
    world_end(w);
}

/* OSTEP's exercise with seed 0: pages of 32 bytes, PDBR 108, entries of a byte. */
static void the_exercise_of_seed_0_is_solved_as_its_program_solves_it(void **unused)
{
    (void)unused;
    static const vm_pfn tables[] = {108, 33, 86, 84, 127, 96, 66, 85, 120, 30};
    static const struct {
        vm_va va;
        uint8_t pde, pte; /* contents; 0: not valid, which the exercise has as 0x7f */
        vm_pa pa;
    } c[] = {
        {0x611c, 0xa1, 0xb5, 0x6bc}, {0x3da8, 0xd6, 0, NO_PA}, {0x17f5, 0xd4, 0xce, 0x9d5},
        {0x7f6c, 0xff, 0, NO_PA},    {0x0bad, 0xe0, 0, NO_PA}, {0x6d60, 0xc2, 0, NO_PA},
        {0x2a5b, 0xd5, 0, NO_PA},    {0x4c5e, 0xf8, 0, NO_PA}, {0x2592, 0x9e, 0xbd, 0x7b2},
        {0x3e99, 0xd6, 0xca, 0x959},
    };
    struct scheme_world *w = world_open_frames("two-level:dir=5,table=5,entry=1", 5, 128, 0, 1);
    w->script = tables;
    assert_true(w->ops->open(w->state, 0));
    for (size_t i = 0; i < sizeof c / sizeof c[0]; i++) {
        assert_true(w->ops->ensure(w->state, 0, c[i].va, 0));
        if (c[i].pte)
            map(w, c[i].va, c[i].pte & 0x7f, 0);
    }
    for (size_t i = 0; i < sizeof c / sizeof c[0]; i++) {
        struct vm_walk walk;
        assert_int_equal(translate(w, c[i].va, &walk), c[i].pa);
        assert_int_equal(walk.nloads, 2);
        assert_int_equal(walk.load[0].at, 108 * 32 + (c[i].va >> 10));
        assert_int_equal(walk.load[0].word, c[i].pde);
        assert_int_equal(walk.load[1].at, (c[i].pde & 0x7f) * 32 + (c[i].va >> 5 & 31));
        assert_int_equal(walk.load[1].word, c[i].pte);
        assert_int_equal(w->memory[walk.load[1].at], c[i].pte);
        assert_int_equal(walk.nstores, 0); /* the marks are beside the byte */
    }
    struct vm_footprint footprint;
    w->ops->footprint(w->state, 0, &footprint);
    assert_int_equal(footprint.own_bytes, 10 * 32);
    assert_int_equal(footprint.kernel_bytes, 10 * 32 * 8);
    world_end(w);
}

/* A table takes whole frames: less than one is one, more are consecutive. */
static void tables_of_any_split_take_whole_frames(void **unused)
{
    (void)unused;
    static const struct {
        const char *spec;
        unsigned root, both; /* frames of the directory, and of it and one table */
    } c[] = {
        {"two-level:dir=10,table=10,entry=4", 1, 2},
        {"two-level:dir=2,table=3,entry=4", 1, 2},
        {"two-level:dir=12,table=9,entry=8", 8, 9},
        {"two-level:dir=9,table=12,entry=8", 1, 9},
        {"two-level:dir=20,table=1,entry=4", 1024, 1025},
    };
    for (size_t i = 0; i < sizeof c / sizeof c[0]; i++) {
        struct scheme_world *w = world_open(c[i].spec, 0, 1);
        assert_true(w->ops->open(w->state, 0));
        assert_int_equal(world_footprint(w, 0), c[i].root);
        map(w, (UINT64_C(1) << w->va_bits) - 1, 3, 0);
        assert_int_equal(world_footprint(w, 0), c[i].both);
        world_end(w);
    }
}

/* ---- large pages ---- */

struct large {
    const char *spec;
    unsigned order;
    unsigned nloads;
    uint64_t word; /* in frame 2^order, read and written */
};

/* Bits by hand: RISC-V 0xd7 is D A U W R V, x86-64 0xe7 is PS D A U/S R/W P under XD, Arm the
 * block of 0xf41: nG AF SH AP[1] valid, under UXN PXN DBM. */
static const struct large larges[] = {
    {"sv32", 10, 1, (UINT64_C(1) << 20) + 0xd7},
    {"sv39", 9, 2, (UINT64_C(1) << 19) + 0xd7},
    {"sv39", 18, 1, (UINT64_C(1) << 28) + 0xd7},
    {"sv48", 9, 3, (UINT64_C(1) << 19) + 0xd7},
    {"sv48", 18, 2, (UINT64_C(1) << 28) + 0xd7},
    {"sv48", 27, 1, (UINT64_C(1) << 37) + 0xd7},
    {"sv57", 27, 2, (UINT64_C(1) << 37) + 0xd7},
    {"x86-64", 9, 3, (UINT64_C(1) << 21) + 0x80000000000000e7},
    {"x86-64", 18, 2, (UINT64_C(1) << 30) + 0x80000000000000e7},
    {"x86-64-la57", 18, 3, (UINT64_C(1) << 30) + 0x80000000000000e7},
    {"arm64", 9, 3, (UINT64_C(1) << 21) + 0x68000000000f41},
    {"arm64", 18, 2, (UINT64_C(1) << 30) + 0x68000000000f41},
    {"arm64-16k", 11, 2, (UINT64_C(1) << 25) + 0x68000000000f41},
    {"two-level:dir=4,table=7,entry=8", 7, 1, (UINT64_C(1) << 17) + 0xd7},
};
#define NLARGES (sizeof larges / sizeof larges[0])

static struct scheme_world *large_world(const struct large *l)
{
    uint32_t frames = l->order > 13 ? UINT32_C(2) << l->order : WORLD_FRAMES;
    struct scheme_world *w = world_open_frames(l->spec, 0, frames, 0, 1);
    assert_true(w->orders >> l->order & 1);
    assert_true(w->ops->open(w->state, 0));
    return w;
}

static vm_va large_bytes(const struct scheme_world *w, const struct large *l)
{
    return UINT64_C(1) << (w->page_shift + l->order);
}

static void a_large_page_is_one_leaf_higher_up(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < NLARGES; i++) {
        const struct large *l = &larges[i];
        struct scheme_world *w = large_world(l);
        struct vm_walk walk;
        vm_va bytes = large_bytes(w, l), last = 2 * bytes - 1;
        map(w, bytes, 1u << l->order, l->order);
        w->ops->walk(w->state, 0, last, VM_WRITE, VM_MODE_USER, &walk);
        assert_int_equal(translate(w, last, &walk), 2 * bytes - 1);
        assert_int_equal(walk.nloads, l->nloads);
        assert_int_equal(walk.order, l->order);
        assert_int_equal(walk.pfn, 1u << l->order);
        assert_int_equal(walk.end, 1u << l->order);
        const struct vm_walk_load *leaf = &walk.load[walk.nloads - 1];
        assert_int_equal(leaf->word, l->word);
        assert_int_equal(leaf->role, VM_LOAD_LEAF);
        assert_int_equal(leaf->covers, w->page_shift + l->order);
        assert_int_equal(world_footprint(w, 0), l->nloads); /* no table below the leaf */
        assert_int_equal(translate(w, 2 * bytes, &walk), NO_PA);
        assert_int_equal(w->ops->next(w->state, 0, 0, 4 * bytes), bytes);
        world_end(w);
    }
}

static void ensuring_a_large_page_frees_the_empty_tables_in_its_way(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < NLARGES; i++) {
        const struct large *l = &larges[i];
        struct scheme_world *w = large_world(l);
        vm_va bytes = large_bytes(w, l);
        map(w, 0, 5, 0); /* a neighbour, which stays */
        uint64_t before = world_footprint(w, 0);
        map(w, bytes, 1, 0);
        map(w, 2 * bytes - 1, 2, 0);
        assert_true(world_footprint(w, 0) > before);
        struct vm_pte empty = {.state = VM_PTE_EMPTY};
        w->ops->set(w->state, 0, bytes, empty);
        w->ops->set(w->state, 0, 2 * bytes - (UINT64_C(1) << w->page_shift), empty);
        assert_true(w->ops->ensure(w->state, 0, 2 * bytes, 0)); /* another neighbour's, empty */
        assert_true(w->ops->ensure(w->state, 0, 2 * bytes - 1, l->order));
        uint64_t tables = world_footprint(w, 0);
        w->ops->trim(w->state, 0, 2 * bytes, 2 * bytes + 1);
        assert_true(world_footprint(w, 0) < tables);
        map(w, bytes, 1u << l->order, l->order);
        assert_int_equal(world_footprint(w, 0), before);
        assert_int_equal(w->ops->get(w->state, 0, 0).pfn, 5);
        world_end(w);
    }
}

static void a_large_page_is_split_by_emptying_it_and_mapping_its_parts(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < NLARGES; i++) {
        const struct large *l = &larges[i];
        struct scheme_world *w = large_world(l);
        struct vm_walk walk;
        vm_va bytes = large_bytes(w, l), page = UINT64_C(1) << w->page_shift;
        map(w, bytes, 1u << l->order, l->order);
        w->ops->set(w->state, 0, bytes,
                    (struct vm_pte){.state = VM_PTE_EMPTY, .order = (uint8_t)l->order});
        for (unsigned k = 0; k < 4; k++)
            map(w, bytes + k * page, (1u << l->order) + k, 0);
        assert_int_equal(translate(w, bytes + 3 * page + 1, &walk), bytes + 3 * page + 1);
        assert_int_equal(walk.order, 0);
        world_end(w);
    }
}

static void a_large_page_without_rights_is_held_and_absent(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < NLARGES; i++) {
        const struct large *l = &larges[i];
        struct scheme_world *w = large_world(l);
        struct vm_walk walk;
        struct vm_pte pte = pte_present(1u << l->order, VM_PROT_NONE), got;
        vm_va bytes = large_bytes(w, l);
        pte.order = (uint8_t)l->order;
        pte.dirty = true;
        assert_true(w->ops->ensure(w->state, 0, bytes, l->order));
        w->ops->set(w->state, 0, bytes, pte);
        got = w->ops->get(w->state, 0, 2 * bytes - 1);
        assert_int_equal(got.state, VM_PTE_PRESENT);
        assert_int_equal(got.pfn, pte.pfn);
        assert_int_equal(got.order, l->order);
        assert_true(got.dirty);
        assert_int_equal(translate(w, bytes, &walk), NO_PA);
        assert_int_equal(walk.fault, VM_WALK_ABSENT);
        world_end(w);
    }
}

static void orders_are_the_architecture_s(void **unused)
{
    (void)unused;
    static const struct {
        const char *spec;
        uint64_t orders;
    } c[] = {
        {"sv32", 1 | 1 << 10},
        {"sv39", 1 | 1 << 9 | 1 << 18},
        {"sv48", 1 | 1 << 9 | 1 << 18 | 1 << 27},
        {"sv57", 1 | 1 << 9 | 1 << 18 | 1 << 27}, /* 2^36 frames cannot be numbered */
        {"x86-64", 1 | 1 << 9 | 1 << 18},
        {"x86-64-la57", 1 | 1 << 9 | 1 << 18},
        {"arm64", 1 | 1 << 9 | 1 << 18},
        {"arm64-16k", 1 | 1 << 11},
        {"two-level", 1 | 1 << 10},
        {"two-level:entry=1", 1}, /* a byte does not tell a leaf from a pointer */
        {"linear", 1},
    };
    for (size_t i = 0; i < sizeof c / sizeof c[0]; i++) {
        struct scheme_world *w = world_open_frames(c[i].spec, 0, 128, 0, 1);
        assert_int_equal(w->orders, c[i].orders);
        world_close(w);
    }
}

/* ---- what cannot be built ---- */

static void what_cannot_be_built_is_refused_with_what_could_be(void **unused)
{
    (void)unused;
    static const struct {
        const char *spec;
        unsigned page_shift;
        uint32_t nframes;
        const char *message;
    } c[] = {
        {"two-level:dir=20,table=20", 24, 64, "dir and table together at most 39"},
        {"two-level:entry=1", 12, 129, "129 frames, page tables included: expected at most 128"},
        {"sv32", 12, (1 << 22) + 1, "expected at most 4194304"},
        {"two-level:entry=4", 12, (1 << 22) + 1, "an entry of 4 bytes"},
        {"linear:bits=12", 12, 64, "expected 13 to 43 bits"},
    };
    for (size_t i = 0; i < sizeof c / sizeof c[0]; i++) {
        struct vm_error e;
        struct vm_params params;
        char name[32];
        const char *text = vm_spec_split(c[i].spec, name, sizeof name);
        const struct vm_scheme_ops *ops = vm_scheme_find(name, &e);
        assert_true(vm_params_parse(&params, name, ops->param, ops->nparams, text, &e));
        struct vm_scheme_env env = {
            .page_shift = c[i].page_shift, .nframes = c[i].nframes, .params = &params};
        assert_false(ops->accept(&env, &e));
        assert_int_equal(e.code, VM_EUSAGE);
        assert_non_null(strstr(e.text, c[i].message));
        assert_memory_equal(e.text, name, strlen(name));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_byte_21_of_a_tiny_space_is_at_117),
        cmocka_unit_test(the_frame_replaces_the_five_digits_of_the_page_number),
        cmocka_unit_test(the_last_page_but_one_of_a_small_space_is_in_frame_55),
        cmocka_unit_test(the_exercise_of_seed_0_is_solved_as_its_program_solves_it),
        cmocka_unit_test(tables_of_any_split_take_whole_frames),
        cmocka_unit_test(a_large_page_is_one_leaf_higher_up),
        cmocka_unit_test(ensuring_a_large_page_frees_the_empty_tables_in_its_way),
        cmocka_unit_test(a_large_page_is_split_by_emptying_it_and_mapping_its_parts),
        cmocka_unit_test(a_large_page_without_rights_is_held_and_absent),
        cmocka_unit_test(orders_are_the_architecture_s),
        cmocka_unit_test(what_cannot_be_built_is_refused_with_what_could_be),
    };
    return cmocka_run_group_tests_name("golden_scheme", tests, NULL, NULL);
}
