/* Addresses that a layout moves: a program that is laid out must do what it does where it is. */
#include "engine/layout.h"
#include "base/random.h"
#include "oracle/machine_trace.h"
#include "rounds.h"
#include "unit/test.h"

#include <pagoda/scheme.h>
#include <string.h>

#define PAGE UINT64_C(4096)

enum { ALL_EVENTS = TRACE_PROTECTS | TRACE_MAPS | TRACE_FORKS };

static struct machine_outcome play(struct vm_config c, const struct machine_trace *t,
                                   const char *scheme, const char *layout, uint32_t batch)
{
    machine_set(&c, "scheme", scheme);
    machine_set(&c, "layout", layout);
    machine_set(&c, "stray",
                "faults"); /* first-touch mappings cover neighbours, whoever they are */
    return machine_play(&c, t, batch);
}

/* What depends on the tables themselves, or on how many of them there are. */
static void forget_tables(struct machine_outcome *o)
{
    o->counts.walk_loads = o->counts.walk_stores = 0;
    o->counts.walk_steps = o->counts.walk_waits = 0;
    o->counts.table_frames_peak = o->counts.frames_peak = 0;
}

static void assert_same(struct machine_outcome a, struct machine_outcome b)
{
    forget_tables(&a);
    forget_tables(&b);
#define SAME(field, what) assert_int_equal(a.counts.field, b.counts.field);
    VM_COUNTS(SAME)
#undef SAME
    assert_memory_equal(a.tlb, b.tlb, sizeof a.tlb);
}

/* linear:bits=24 has blocks of one page, laid out as they come: pages that were neighbours are
 * hardly ever, references and events fall apart. */
static void a_packed_program_counts_as_it_does_where_it_is(void **unused)
{
    (void)unused;
    static const char *const policies[] = {"lru", "clock", "lfu",
                                           "fifo"}; /* nru asks for frame numbers */
    struct machine_trace t;
    for (unsigned i = test_rounds(400); i-- > 0;) {
        struct vm_config c = machine_config(policies[i % 4], 6 + i % 20);
        machine_set(&c, "tlb", i % 3 ? "l1=6:lru" : "none"); /* no sets to tell pages apart by */
        machine_trace_fill(&t, i % 2 ? ALL_EVENTS : TRACE_PROTECTS | TRACE_FORKS, 7000 + i);
        struct machine_outcome there = play(c, &t, "x86-64", "as-is", 4096);
        assert_same(there, play(c, &t, "linear:bits=24", "packed", 4096));
        assert_same(there, play(c, &t, "linear:bits=24", "auto", 4096));
        assert_same(there, play(c, &t, "sv32", "packed", 4096));
    }
}

/* Far away, no 24 bits can name the addresses. */
static void a_program_from_anywhere_runs_in_24_bits(void **unused)
{
    (void)unused;
    struct machine_trace near, far;
    for (unsigned i = test_rounds(100); i-- > 0;) {
        struct vm_config c = machine_config("lru", 12);
        machine_set(&c, "tlb", "l1=6:lru");
        machine_trace_fill(&near, ALL_EVENTS, 8000 + i);
        far = near;
        vm_va away = (UINT64_C(0x7f1234) + i) << 24;
        for (uint32_t k = 0; k < far.nrefs; k++)
            far.va[k] += away;
        for (uint32_t k = 0; k < far.nevents; k++)
            far.event[k].va += away;
        assert_same(play(c, &near, "x86-64", "as-is", 4096),
                    play(c, &far, "linear:bits=24", "auto", 4096));
    }
}

static void a_layout_does_not_depend_on_the_batch_size(void **unused)
{
    (void)unused;
    struct machine_trace t;
    for (unsigned i = test_rounds(40); i-- > 0;) {
        struct vm_config c = machine_config("clock", 12);
        machine_trace_fill(&t, ALL_EVENTS, 9000 + i);
        struct machine_outcome whole = play(c, &t, "linear:bits=24", "packed", 4096);
        struct machine_outcome ones = play(c, &t, "linear:bits=24", "packed", 1);
        assert_memory_equal(&whole, &ones, sizeof whole);
    }
}

/* ---- a layout alone ---- */

static struct vm_layout *open_layout(const char *spec, enum vm_layout_option option)
{
    struct vm_error e;
    struct vm_layout *l;
    const struct vm_scheme_ops *scheme = vm_scheme_find("linear", &e);
    unsigned bits = (unsigned)atoi(spec);
    assert_true(vm_layout_open(&l, option, scheme, NULL, bits, 12, &e));
    return l;
}

static vm_va laid(struct vm_layout *l, vm_asid asid, vm_va va)
{
    struct vm_error e = {0};
    uint16_t meta = vm_ref_meta(VM_READ, 1);
    uint32_t done;
    vm_va out;
    if (!vm_layout_refs(l, asid, &va, &meta, 1, &out, &done, &e))
        fail_msg("%s", e.text);
    assert_int_equal(done, 1);
    return out;
}

static void an_address_that_can_be_named_stays_where_it_is(void **unused)
{
    (void)unused;
    struct vm_layout *l = open_layout("32", VM_LAYOUT_AUTO);
    assert_int_equal(laid(l, 0, 0x12345678), 0x12345678);
    assert_int_equal(laid(l, 0, 0xfffff000), 0xfffff000);
    vm_va moved = laid(l, 0, 0x7f0012345678);
    assert_true(moved < UINT64_C(1) << 32 && moved >> 16 != 0x1234 && moved >> 16 != 0xffff);
    assert_int_equal(moved & 0xffff, 0x5678);
    assert_int_equal(laid(l, 0, 0x12345678), 0x12345678);
    vm_layout_close(l);
}

static void neighbours_stay_neighbours_where_there_is_room(void **unused)
{
    (void)unused;
    struct vm_layout *l = open_layout("32", VM_LAYOUT_PACKED);
    vm_va first = laid(l, 0, 0x7f0000000000), up = laid(l, 0, 0x7f0000010000);
    vm_va other = laid(l, 0, 0x560000010000), below = laid(l, 0, 0x560000000000);
    assert_int_equal(up, first + 0x10000);
    assert_int_equal(other - first, 4 << 20); /* a run of its own, with room between */
    assert_int_equal(below, other - 0x10000);
    vm_layout_close(l);
}

/* However blocks come and go, each has a place of its own, and keeps it. */
static void no_two_blocks_lie_in_one_place(void **unused)
{
    (void)unused;
    for (unsigned round = test_rounds(40); round-- > 0;) {
        struct vm_random random;
        struct vm_layout *l = open_layout("20", round % 2 ? VM_LAYOUT_PACKED : VM_LAYOUT_AUTO);
        vm_va place[256] = {0};
        vm_random_seed(&random, round);
        for (unsigned i = 0; i < 2000; i++) {
            unsigned page = (unsigned)vm_random_below(&random, 200); /* of 256 */
            vm_va va = (page % 3 ? UINT64_C(0x7f0000000000) : 0) + page * PAGE;
            vm_va at = laid(l, 0, va + 5) - 5;
            assert_true(at < 256 * PAGE && at % PAGE == 0);
            assert_true(!place[page] || place[page] == at + 1);
            for (unsigned k = 0; k < 200; k++)
                assert_true(k == page || place[k] != at + 1);
            place[page] = at + 1;
            if (vm_random_below(&random, 8) == 0) { /* nothing is mapped there: it is given up */
                struct vm_event unmap = {.va = va, .bytes = PAGE};
                vm_layout_unmapped(l, &unmap, &(struct vm_space){0});
                place[page] = 0;
            }
        }
        vm_layout_check(l);
        vm_layout_close(l);
    }
}

static void a_full_space_says_what_did_not_fit(void **unused)
{
    (void)unused;
    struct vm_layout *l = open_layout("16", VM_LAYOUT_PACKED);
    struct vm_error e = {0};
    uint16_t meta = vm_ref_meta(VM_READ, 1);
    uint32_t done;
    vm_va out;
    for (vm_va page = 0; page < 16; page++)
        laid(l, 0, page << 30);
    laid(l, 1, 0); /* another address space has its own */
    vm_va va = UINT64_C(16) << 30;
    assert_false(vm_layout_refs(l, 0, &va, &meta, 1, &out, &done, &e));
    assert_int_equal(e.code, VM_EMACHINE);
    assert_string_equal(e.text,
                        "address 0x400000000 does not fit: the machine's address space of 64 KiB "
                        "has 16 of 16 blocks of 4 KiB laid out: expected a program that fits in "
                        "it");
    vm_layout_close(l);
}

/* On more blocks than could be gone through one by one. */
static void an_event_on_all_addresses_finds_what_is_laid_out(void **unused)
{
    (void)unused;
    struct vm_layout *l = open_layout("32", VM_LAYOUT_PACKED);
    struct vm_error e = {0};
    vm_va a = laid(l, 0, 0x7f0000000123), b = laid(l, 0, 0x560000000000);
    struct vm_event part, rest = {.kind = VM_EVENT_UNMAP, .bytes = UINT64_MAX};
    bool failed;
    assert_true(vm_layout_event(l, &rest, &part, &failed, &e));
    assert_int_equal(part.va, b);
    assert_int_equal(part.bytes, 0x10000);
    assert_true(vm_layout_event(l, &rest, &part, &failed, &e));
    assert_int_equal(part.va, a & ~UINT64_C(0xffff));
    assert_false(vm_layout_event(l, &rest, &part, &failed, &e));
    assert_false(failed);
    vm_layout_close(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_packed_program_counts_as_it_does_where_it_is),
        cmocka_unit_test(a_program_from_anywhere_runs_in_24_bits),
        cmocka_unit_test(a_layout_does_not_depend_on_the_batch_size),
        cmocka_unit_test(an_address_that_can_be_named_stays_where_it_is),
        cmocka_unit_test(neighbours_stay_neighbours_where_there_is_room),
        cmocka_unit_test(no_two_blocks_lie_in_one_place),
        cmocka_unit_test(a_full_space_says_what_did_not_fit),
        cmocka_unit_test(an_event_on_all_addresses_finds_what_is_laid_out),
    };
    return cmocka_run_group_tests_name("diff_layout", tests, NULL, NULL);
}
