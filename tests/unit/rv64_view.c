/* Traps, the view and the log of a hart: what is exact, what is forgotten, what is written down. */
#include "oracle/rv64_machine.h"
#include "unit/test.h"

#include <pagoda/trace.h>
#include <string.h>

#define PAGE RV64_WORLD_PAGE
#define RW   (VM_PROT_READ | VM_PROT_WRITE)

/* --- traps -------------------------------------------------------------------------------- */

static void environment_traps_are_at_their_own_address(void **state)
{
    (void)state;
    struct rv64_machine m;
    machine_open(&m, 0);
    MACHINE_PUT(&m, RV64_CODE, ASM_NOP, ASM_ECALL);
    assert_int_equal(machine_run_to_trap(&m), VM_RV64_ECALL_USER);
    assert_int_equal(m.hart.pc, RV64_CODE + 4);
    assert_int_equal(m.hart.instret, 1);
    m.hart.pc += 4;
    assert_int_equal(machine_run_to_trap(&m), VM_RV64_BREAKPOINT);
    assert_int_equal(m.hart.pc, RV64_CODE + 8);
    assert_int_equal(m.hart.instret, 1);
    machine_close(&m);
}

struct fault {
    uint32_t word;
    unsigned lost; /* rights that the data's second page has not */
    vm_va va;      /* a0 */
    enum vm_rv64_cause cause;
    uint64_t tval;
    uint16_t meta;
};

#define SECOND (RV64_DATA + PAGE)

/* The trap is exact: the instruction has done nothing, and does all once the page is there. */
static void check_fault(const struct fault *f)
{
    struct rv64_machine m;
    machine_open(&m, 0);
    MACHINE_PUT(&m, RV64_CODE, ASM_ADDI(A5, ZERO, 1), f->word, ASM_ADDI(A5, A5, 1));
    memset(rv64_world_byte(&m.w, RV64_DATA), 0x55, 2 * PAGE);
    rv64_world_forbid(&m.w, SECOND, f->lost);
    m.hart.x[A0] = f->va;
    m.hart.x[A1] = m.hart.f[1] = 0x1122334455667788;
    m.hart.x[A2] = m.hart.f[2] = 99;
    assert_int_equal(machine_run_to_trap(&m), f->cause);
    assert_int_equal(m.trap.tval, f->tval);
    assert_int_equal(m.trap.va, f->va);
    assert_int_equal(m.trap.meta, f->meta);
    assert_int_equal(m.hart.pc, RV64_CODE + 4);
    assert_int_equal(m.hart.instret, 1);
    assert_int_equal(m.hart.x[A2], 99);
    assert_int_equal(m.hart.f[2], 99);
    assert_int_equal(m.hart.reserved_bytes, 0);
    for (unsigned i = 0; i < 2 * PAGE; i++)
        assert_int_equal(*rv64_world_byte(&m.w, RV64_DATA + i), 0x55);
    rv64_world_allow(&m.w, SECOND, VM_PROT_ALL);
    assert_int_equal(machine_run_to_trap(&m), VM_RV64_BREAKPOINT);
    assert_int_equal(m.hart.x[A5], 2);
    assert_int_equal(m.hart.instret, 3);
    machine_close(&m);
}

#define META(access, bytes) (uint16_t)((bytes) << 2 | (access))

static void a_refused_access_changes_nothing_and_restarts(void **state)
{
    (void)state;
    const struct fault faults[] = {
        {ASM_LD(A2, 0, A0), RW, SECOND, VM_RV64_LOAD_PAGE, SECOND, META(VM_READ, 8)},
        {ASM_LD(ZERO, 0, A0), RW, SECOND, VM_RV64_LOAD_PAGE, SECOND, META(VM_READ, 8)},
        {ASM_LD(A2, 0, A0), RW, SECOND - 3, VM_RV64_LOAD_PAGE, SECOND, META(VM_READ, 8)},
        {ASM_LW(A2, 0, A0), RW, SECOND - 2, VM_RV64_LOAD_PAGE, SECOND, META(VM_READ, 4)},
        {ASM_FLD(2, 0, A0), RW, SECOND - 1, VM_RV64_LOAD_PAGE, SECOND, META(VM_READ, 8)},
        {ASM_SD(A1, 0, A0), VM_PROT_WRITE, SECOND, VM_RV64_STORE_PAGE, SECOND, META(VM_WRITE, 8)},
        {ASM_SD(A1, 0, A0), VM_PROT_WRITE, SECOND - 5, VM_RV64_STORE_PAGE, SECOND,
         META(VM_WRITE, 8)},
        {ASM_FSD(1, 0, A0), VM_PROT_WRITE, SECOND - 7, VM_RV64_STORE_PAGE, SECOND,
         META(VM_WRITE, 8)},
        /* AMOs and SC want to write before they read; LR reads. */
        {asm_r(0x302f, A2, A0, A1), VM_PROT_WRITE, SECOND, VM_RV64_STORE_PAGE, SECOND,
         META(VM_WRITE, 8)},
        {asm_r(0x202f, A2, A0, A1), VM_PROT_WRITE, SECOND, VM_RV64_STORE_PAGE, SECOND,
         META(VM_WRITE, 4)},
        {asm_r(0x1000302f, A2, A0, 0), VM_PROT_READ, SECOND, VM_RV64_LOAD_PAGE, SECOND,
         META(VM_READ, 8)},
    };
    for (unsigned i = 0; i < sizeof faults / sizeof *faults; i++)
        check_fault(&faults[i]);
}

static void a_store_conditional_that_faults_keeps_its_reservation(void **state)
{
    (void)state;
    struct rv64_machine m;
    machine_open(&m, 0);
    MACHINE_PUT(&m, RV64_CODE, asm_r(0x1000302f, A2, A0, 0), asm_r(0x1800302f, A3, A0, A1));
    rv64_world_forbid(&m.w, RV64_DATA, VM_PROT_WRITE);
    m.hart.x[A0] = RV64_DATA;
    m.hart.x[A1] = 7;
    m.hart.x[A3] = 99;
    assert_int_equal(machine_run_to_trap(&m), VM_RV64_STORE_PAGE);
    assert_int_equal(m.hart.x[A3], 99);
    rv64_world_allow(&m.w, RV64_DATA, VM_PROT_WRITE);
    machine_run_to_trap(&m);
    assert_int_equal(m.hart.x[A3], 0);
    assert_int_equal(machine_word(&m, RV64_DATA), 7);
    machine_close(&m);
}

static void misaligned_accesses_trap_where_the_bus_says_so(void **state)
{
    (void)state;
    const struct {
        uint32_t word;
        enum vm_rv64_cause cause;
        bool always;
    } access[] = {
        {ASM_LD(A2, 1, A0), VM_RV64_LOAD_MISALIGNED, false},
        {ASM_SW(A2, 1, A0), VM_RV64_STORE_MISALIGNED, false},
        {asm_i(0x1003, A2, A0, 1), VM_RV64_LOAD_MISALIGNED, false},
        {ASM_FLD(1, 1, A0), VM_RV64_LOAD_MISALIGNED, false},
        {asm_r(0x302f, A2, A4, A1), VM_RV64_STORE_MISALIGNED, true},
        {asm_r(0x1000202f, A2, A4, 0), VM_RV64_LOAD_MISALIGNED, true},
        {asm_r(0x1800202f, A2, A4, A1), VM_RV64_STORE_MISALIGNED, true},
    };
    for (unsigned i = 0; i < 2 * sizeof access / sizeof *access; i++) {
        struct rv64_machine m;
        bool works = i % 2;
        machine_open(&m, 0);
        m.bus.misaligned = works ? VM_RV64_MISALIGNED_WORKS : VM_RV64_MISALIGNED_TRAPS;
        MACHINE_PUT(&m, RV64_CODE, access[i / 2].word);
        m.hart.x[A0] = RV64_DATA;
        m.hart.x[A4] = RV64_DATA + 1;
        enum vm_rv64_cause cause = machine_run_to_trap(&m);
        if (works && !access[i / 2].always) {
            assert_int_equal(cause, VM_RV64_BREAKPOINT);
        } else {
            assert_int_equal(cause, access[i / 2].cause);
            assert_int_equal(m.trap.tval, RV64_DATA + 1);
            assert_int_equal(m.hart.instret, 0);
        }
        machine_close(&m);
    }
}

static void misaligned_bytes_are_those_of_both_pages(void **state)
{
    (void)state;
    struct rv64_machine m;
    machine_open(&m, 0);
    MACHINE_PUT(&m, RV64_CODE, ASM_SD(A1, 0, A0), ASM_LD(A2, 0, A0), ASM_LW(A3, 2, A0));
    m.hart.x[A0] = SECOND - 5;
    m.hart.x[A1] = 0x8877665544332211;
    machine_run_to_trap(&m);
    assert_int_equal(machine_word(&m, SECOND - 5), 0x8877665544332211);
    assert_int_equal(m.hart.x[A2], 0x8877665544332211);
    assert_int_equal(m.hart.x[A3], 0x66554433);
    machine_close(&m);
}

static void a_fetch_can_fault_in_either_page(void **state)
{
    (void)state;
    struct rv64_machine m;
    uint32_t word = ASM_ADDI(A0, A0, 1);
    vm_va across = RV64_CODE + PAGE - 2;
    machine_open(&m, 0);
    rv64_world_put(&m.w, across, &word, 4);
    machine_end(&m, across + 4);
    m.hart.pc = across;
    rv64_world_forbid(&m.w, RV64_CODE + PAGE, VM_PROT_FETCH);
    assert_int_equal(machine_run_to_trap(&m), VM_RV64_FETCH_PAGE);
    assert_int_equal(m.trap.tval, RV64_CODE + PAGE);
    assert_int_equal(m.trap.va, across);
    assert_int_equal(m.trap.meta, META(VM_FETCH, 4));
    rv64_world_allow(&m.w, RV64_CODE + PAGE, VM_PROT_FETCH);
    assert_int_equal(machine_run_to_trap(&m), VM_RV64_BREAKPOINT);
    assert_int_equal(m.hart.x[A0], 1);
    rv64_world_forbid(&m.w, RV64_CODE, VM_PROT_FETCH);
    m.hart.pc = across;
    assert_int_equal(machine_run_to_trap(&m), VM_RV64_FETCH_PAGE);
    assert_int_equal(m.trap.tval, across);
    m.hart.pc = RV64_CODE + 1;
    assert_int_equal(machine_run_to_trap(&m), VM_RV64_FETCH_MISALIGNED);
    assert_int_equal(m.trap.tval, RV64_CODE + 1);
    machine_close(&m);
}

/* --- budgets ------------------------------------------------------------------------------ */

static void a_run_stops_within_a_block_of_its_budget(void **state)
{
    (void)state;
    struct rv64_machine m;
    machine_open(&m, 0);
    MACHINE_PUT(&m, RV64_CODE, ASM_ADDI(A0, A0, 1), ASM_ADDI(A1, A1, 1), ASM_JAL(ZERO, -8));
    assert_int_equal(machine_run(&m, 0), VM_RV64_SPENT);
    assert_int_equal(m.hart.instret, 0);
    assert_int_equal(m.w.refills, 0);
    assert_int_equal(machine_run(&m, 1), VM_RV64_SPENT);
    assert_int_equal(m.hart.instret, 3);
    assert_int_equal(machine_run(&m, 299998), VM_RV64_SPENT);
    assert_int_equal(m.hart.instret, 300003);
    assert_int_equal(m.hart.x[A0], 100001);
    assert_int_equal(m.hart.pc, RV64_CODE);
    machine_close(&m);
}

/* --- what a view forgets ------------------------------------------------------------------ */

static uint64_t fetches(struct rv64_machine *m)
{
    uint64_t before = m->w.refills;
    m->hart.pc = RV64_CODE;
    machine_run_to_trap(m);
    return m->w.refills - before;
}

static void a_page_is_asked_for_once_until_it_is_forgotten(void **state)
{
    (void)state;
    struct rv64_machine m;
    machine_open(&m, 0);
    MACHINE_PUT(&m, RV64_CODE, ASM_LD(A1, 0, A0), ASM_SD(A1, 0, A0));
    m.hart.x[A0] = RV64_DATA;
    assert_int_equal(fetches(&m), 2); /* the code and the data: all rights come at once */
    assert_int_equal(fetches(&m), 0);
    vm_rv64_view_forget(m.w.view, RV64_DATA + 123);
    assert_null(vm_rv64_view_find(m.w.view, RV64_DATA, VM_READ));
    assert_int_equal(fetches(&m), 1);
    assert_ptr_equal(vm_rv64_view_find(m.w.view, RV64_DATA + 5, VM_WRITE),
                     rv64_world_byte(&m.w, RV64_DATA));
    vm_rv64_view_forget_all(m.w.view);
    assert_int_equal(fetches(&m), 2);
    machine_close(&m);
}

static void blocks_go_with_their_page(void **state)
{
    (void)state;
    struct rv64_machine m;
    machine_open(&m, 0);
    MACHINE_PUT(&m, RV64_CODE, ASM_ADDI(A0, ZERO, 1), ASM_JAL(ZERO, PAGE - 4));
    MACHINE_PUT(&m, RV64_CODE + PAGE, ASM_ADDI(A1, ZERO, 1));
    fetches(&m);
    fetches(&m); /* now they are linked */
    MACHINE_PUT(&m, RV64_CODE + PAGE, ASM_ADDI(A1, ZERO, 2));
    vm_rv64_view_forget(m.w.view, RV64_CODE + PAGE);
    assert_int_equal(fetches(&m), 1);
    assert_int_equal(m.hart.x[A1], 2);
    machine_close(&m);
}

static void an_instruction_in_two_pages_goes_with_either(void **state)
{
    (void)state;
    vm_va across = RV64_CODE + PAGE - 2;
    for (unsigned which = 0; which < 2; which++) {
        struct rv64_machine m;
        uint32_t one = ASM_ADDI(A0, ZERO, 0x11), two = ASM_ADDI(A0, ZERO, 0x22);
        machine_open(&m, 0);
        MACHINE_PUT(&m, RV64_CODE, ASM_JAL(ZERO, PAGE - 2));
        rv64_world_put(&m.w, across, &one, 4);
        machine_end(&m, across + 4);
        fetches(&m);
        fetches(&m);
        rv64_world_put(&m.w, across, &two, 4);
        vm_rv64_view_forget(m.w.view, RV64_CODE + which * PAGE);
        fetches(&m);
        assert_int_equal(m.hart.x[A0], 0x22);
        machine_close(&m);
    }
}

static void fence_i_shows_what_was_written(void **state)
{
    (void)state;
    struct rv64_machine m;
    machine_open(&m, 0);
    MACHINE_PUT(&m, RV64_CODE, ASM_JAL(RA, 20), ASM_SW(A1, 20, A0), ASM_FENCE_I, ASM_JAL(RA, 8),
                ASM_EBREAK, ASM_ADDI(A2, A2, 1), ASM_JALR(ZERO, 0, RA));
    m.hart.x[A0] = RV64_CODE;
    m.hart.x[A1] = ASM_ADDI(A2, A2, 100);
    assert_int_equal(machine_run_to_trap(&m), VM_RV64_BREAKPOINT);
    assert_int_equal(m.hart.x[A2], 101);
    machine_close(&m);
}

static void a_mapping_replaces_the_one_before(void **state)
{
    (void)state;
    struct rv64_machine m;
    machine_open(&m, 0);
    MACHINE_PUT(&m, RV64_CODE, ASM_LD(A1, 0, A0));
    MACHINE_PUT(&m, RV64_CODE + PAGE, ASM_ADDI(A1, ZERO, 5));
    m.hart.x[A0] = RV64_DATA;
    *rv64_world_byte(&m.w, SECOND) = 9;
    fetches(&m);
    vm_rv64_view_map(m.w.view, RV64_DATA, VM_PROT_READ, rv64_world_byte(&m.w, SECOND));
    assert_int_equal(fetches(&m), 0);
    assert_int_equal(m.hart.x[A1], 9);
    vm_rv64_view_map(m.w.view, RV64_CODE, VM_PROT_FETCH, rv64_world_byte(&m.w, RV64_CODE + PAGE));
    assert_int_equal(fetches(&m), 0);
    assert_int_equal(m.hart.x[A1], 5);
    machine_close(&m);
}

/* Rights are given one by one: what may be read may not be written. */
static void a_view_gives_the_rights_that_it_was_given(void **state)
{
    (void)state;
    struct rv64_machine m;
    machine_open(&m, 0);
    vm_rv64_view_map(m.w.view, RV64_DATA, VM_PROT_READ, rv64_world_byte(&m.w, RV64_DATA));
    assert_non_null(vm_rv64_view_find(m.w.view, RV64_DATA, VM_READ));
    assert_null(vm_rv64_view_find(m.w.view, RV64_DATA, VM_WRITE));
    assert_null(vm_rv64_view_find(m.w.view, RV64_DATA, VM_FETCH));
    assert_null(vm_rv64_view_find(m.w.view, 0, VM_READ));
    vm_rv64_view_map(m.w.view, 0, VM_PROT_READ, rv64_world_byte(&m.w, RV64_DATA));
    assert_non_null(vm_rv64_view_find(m.w.view, 0, VM_READ));
    vm_rv64_view_forget(m.w.view, 0);
    assert_null(vm_rv64_view_find(m.w.view, 0, VM_READ));
    machine_close(&m);
}

static void an_empty_view_has_no_page_0(void **state)
{
    (void)state;
    struct rv64_machine m;
    machine_open(&m, 0);
    MACHINE_PUT(&m, RV64_CODE, ASM_LD(A0, 8, ZERO));
    for (unsigned times = 0; times < 3; times++) {
        assert_int_equal(machine_run_to_trap(&m), VM_RV64_LOAD_PAGE);
        assert_int_equal(m.trap.tval, 8);
        if (times == 1)
            vm_rv64_view_forget_all(m.w.view);
        else
            vm_rv64_view_forget(m.w.view, 0);
    }
    machine_close(&m);
}

/* More blocks than a view has places for: each word is a block of its own. */
static void a_full_view_begins_anew(void **state)
{
    (void)state;
    struct rv64_world w;
    struct vm_rv64_trap trap;
    uint32_t jump = ASM_JAL(ZERO, 4), end = ASM_EBREAK;
    enum { WORDS = RV64_WORLD_PAGES * PAGE / 4 };
    rv64_world_open(&w, RV64_CODE, RV64_WORLD_PAGES, 0);
    struct vm_rv64_bus bus = rv64_world_bus(&w);
    for (unsigned i = 0; i < WORDS; i++)
        rv64_world_put(&w, RV64_CODE + 4 * i, i < WORDS - 1 ? &jump : &end, 4);
    for (unsigned times = 0; times < 3; times++) {
        struct vm_rv64 hart = {.pc = RV64_CODE};
        assert_int_equal(vm_rv64_run(&hart, w.view, &bus, UINT64_MAX, &trap), VM_RV64_TRAPPED);
        assert_int_equal(trap.cause, VM_RV64_BREAKPOINT);
        assert_int_equal(hart.instret, WORDS - 1);
    }
    rv64_world_close(&w);
}

/* --- the bus in the middle of a block ----------------------------------------------------- */

struct meddler {
    struct rv64_machine m;
    bool (*refill)(void *host, vm_va va, uint16_t meta, uint64_t *tval);
    vm_va forgets;
};

static bool meddle(void *host, vm_va va, uint16_t meta, uint64_t *tval)
{
    struct meddler *d = host;
    if (vm_ref_access(meta) != VM_FETCH) {
        MACHINE_PUT(&d->m, RV64_CODE + 4, ASM_ADDI(A2, ZERO, 22));
        vm_rv64_view_forget(d->m.w.view, d->forgets);
    }
    return d->refill(&d->m.w, va, meta, tval);
}

static void a_block_whose_page_goes_is_left_after_its_instruction(void **state)
{
    (void)state;
    struct meddler d;
    machine_open(&d.m, 0);
    MACHINE_PUT(&d.m, RV64_CODE, ASM_LD(A1, 0, A0), ASM_ADDI(A2, ZERO, 11));
    d.m.hart.x[A0] = RV64_DATA;
    d.refill = d.m.bus.refill;
    d.m.bus.refill = meddle;
    d.m.bus.host = &d;
    d.forgets = RV64_CODE;
    *rv64_world_byte(&d.m.w, RV64_DATA) = 3;
    machine_run_to_trap(&d.m);
    assert_int_equal(d.m.hart.x[A1], 3);
    assert_int_equal(d.m.hart.x[A2], 22);
    assert_int_equal(d.m.hart.instret, 2);
    assert_int_equal(d.m.w.refills, 3);
    machine_close(&d.m);
}

static bool refill_with_fractions(void *host, vm_va va, uint16_t meta, uint64_t *tval)
{
    struct meddler *d = host;
    volatile double third = 1.0;
    third /= 3;
    assert_true(third < 1);
    return d->refill(&d->m.w, va, meta, tval);
}

/* The host's flags are the program's only while it runs. */
static void what_the_bus_computes_raises_no_flag(void **state)
{
    (void)state;
    struct meddler d;
    machine_open(&d.m, 0);
    MACHINE_PUT(&d.m, RV64_CODE, asm_r(0x1a007053, 3, 1, 2) /* fdiv.d */, ASM_LD(A1, 0, A0));
    d.m.hart.x[A0] = RV64_DATA;
    d.m.hart.f[1] = 0x3ff0000000000000;
    d.refill = d.m.bus.refill;
    d.m.bus.refill = refill_with_fractions;
    d.m.bus.host = &d;
    assert_int_equal(machine_run_to_trap(&d.m), VM_RV64_BREAKPOINT);
    assert_int_equal(d.m.hart.fflags, 8); /* 1 / 0 */
    machine_close(&d.m);
}

/* --- the log ------------------------------------------------------------------------------ */

struct reference {
    vm_va va;
    enum vm_access access;
    unsigned bytes;
};

static void check_log(struct rv64_machine *m, const struct reference *r, size_t n)
{
    rv64_world_drain(&m->w);
    for (size_t i = 0; i < n && i < m->w.seen.n; i++) {
        assert_int_equal(m->w.seen.va[i], r[i].va);
        assert_int_equal(m->w.seen.meta[i], vm_ref_meta(r[i].access, r[i].bytes));
    }
    assert_int_equal(m->w.seen.n, n);
}
#define CHECK_LOG(m, ...)                                                                          \
    check_log(m, (const struct reference[]){__VA_ARGS__},                                          \
              sizeof((const struct reference[]){__VA_ARGS__}) / sizeof(struct reference))

/* Run once unlogged pages in, so that refill logs nothing; then from the start. */
static void run_warm(struct rv64_machine *m)
{
    struct vm_rv64 hart = m->hart;
    machine_run_to_trap(m);
    rv64_world_drain(&m->w);
    m->w.seen.n = 0;
    m->hart = hart;
    machine_run_to_trap(m);
}

static void fetch_groups_end_with_accesses_and_blocks(void **state)
{
    (void)state;
    struct rv64_machine m;
    machine_open(&m, VM_RV64_LOG_MIN);
    MACHINE_PUT(&m, RV64_CODE, ASM_NOP, ASM_LD(A1, 8, A0), ASM_SD(A1, 16, A0), ASM_NOP, ASM_NOP,
                ASM_JAL(ZERO, 8), ASM_EBREAK, asm_r(0x302f, A1, A0, A1));
    m.hart.x[A0] = RV64_DATA;
    run_warm(&m);
    CHECK_LOG(&m, {RV64_CODE, VM_FETCH, 8}, {RV64_DATA + 8, VM_READ, 8},
              {RV64_CODE + 8, VM_FETCH, 4}, {RV64_DATA + 16, VM_WRITE, 8},
              {RV64_CODE + 12, VM_FETCH, 12}, {RV64_CODE + 28, VM_FETCH, 4},
              {RV64_DATA, VM_WRITE, 8}, {RV64_CODE + 32, VM_FETCH, 4});
    machine_close(&m);
}

static void a_branch_ends_a_group_only_if_it_is_taken(void **state)
{
    (void)state;
    struct rv64_machine m;
    machine_open(&m, VM_RV64_LOG_MIN);
    MACHINE_PUT(&m, RV64_CODE, ASM_NOP, ASM_BNE(A0, A0, 8), ASM_BNE(A0, ZERO, 8), ASM_EBREAK,
                ASM_NOP, ASM_BNE(A0, A0, 8), ASM_LD(A1, 8, A0), ASM_EBREAK);
    m.hart.x[A0] = RV64_DATA;
    run_warm(&m);
    CHECK_LOG(&m, {RV64_CODE, VM_FETCH, 12}, {RV64_CODE + 16, VM_FETCH, 12},
              {RV64_DATA + 8, VM_READ, 8}, {RV64_CODE + 28, VM_FETCH, 4});
    machine_close(&m);
}

/* A call and a jump within the page are executed in the block that they stand in. */
static void a_trap_behind_jumps_knows_its_address_and_count(void **state)
{
    (void)state;
    for (uint32_t log = 0; log <= VM_RV64_LOG_MIN; log += VM_RV64_LOG_MIN) {
        struct rv64_machine m;
        machine_open(&m, log);
        MACHINE_PUT(&m, RV64_CODE, ASM_NOP, ASM_JAL(RA, 12), ASM_EBREAK, ASM_EBREAK,
                    ASM_JAL(ZERO, 8), ASM_EBREAK, ASM_BNE(ZERO, ZERO, 8), ASM_LD(A1, 0, A0));
        rv64_world_forbid(&m.w, RV64_DATA, VM_PROT_READ);
        m.hart.x[A0] = RV64_DATA;
        for (uint64_t runs = 1; runs <= 2; runs++) {
            m.hart.pc = RV64_CODE;
            machine_run_to_trap(&m);
            assert_int_equal(m.hart.pc, RV64_CODE + 28);
            assert_int_equal(m.hart.x[RA], RV64_CODE + 8);
            assert_int_equal(m.hart.instret, 4 * runs);
        }
        machine_close(&m);
    }
}

static void groups_do_not_cross_pages_but_an_instruction_may(void **state)
{
    (void)state;
    struct rv64_machine m;
    uint16_t nop = 1;
    uint32_t word = ASM_NOP;
    vm_va end = RV64_CODE + PAGE;
    machine_open(&m, VM_RV64_LOG_MIN);
    rv64_world_put(&m.w, end - 4, &nop, 2);
    rv64_world_put(&m.w, end - 2, &word, 4);
    machine_put(&m, end + 2, &word, 1);
    m.hart.pc = end - 4;
    run_warm(&m);
    CHECK_LOG(&m, {end - 4, VM_FETCH, 2}, {end - 2, VM_FETCH, 4}, {end + 2, VM_FETCH, 8});
    machine_close(&m);
}

static void a_refused_reference_is_not_logged_but_its_fetch_is(void **state)
{
    (void)state;
    struct rv64_machine m;
    machine_open(&m, VM_RV64_LOG_MIN);
    MACHINE_PUT(&m, RV64_CODE, ASM_NOP, ASM_SD(A1, 0, A0));
    rv64_world_forbid(&m.w, RV64_DATA, VM_PROT_WRITE);
    m.hart.x[A0] = RV64_DATA;
    run_warm(&m);
    CHECK_LOG(&m, {RV64_CODE, VM_FETCH, 8});
    machine_close(&m);
}

static void what_refill_logged_the_hart_does_not(void **state)
{
    (void)state;
    struct rv64_machine m;
    machine_open(&m, VM_RV64_LOG_MIN);
    MACHINE_PUT(&m, RV64_CODE, ASM_NOP, ASM_LD(A1, 0, A0), ASM_LD(A1, 8, A0));
    m.hart.x[A0] = RV64_DATA;
    machine_run_to_trap(&m);
    /* The world notes a fetch that it is asked for as one of 0 bytes. */
    CHECK_LOG(&m, {RV64_CODE, VM_FETCH, 0}, {RV64_DATA, VM_READ, 8}, {RV64_CODE + 8, VM_FETCH, 4},
              {RV64_DATA + 8, VM_READ, 8}, {RV64_CODE + 12, VM_FETCH, 4});
    machine_close(&m);
}

static void a_failed_store_conditional_makes_no_reference(void **state)
{
    (void)state;
    struct rv64_machine m;
    machine_open(&m, VM_RV64_LOG_MIN);
    MACHINE_PUT(&m, RV64_CODE, asm_r(0x1800302f, A3, A0, A1));
    m.hart.x[A0] = RV64_DATA;
    run_warm(&m);
    CHECK_LOG(&m, {RV64_CODE, VM_FETCH, 4}, {RV64_CODE + 4, VM_FETCH, 4});
    machine_close(&m);
}

static void a_full_log_is_drained_and_nothing_is_lost(void **state)
{
    (void)state;
    struct rv64_machine m;
    machine_open(&m, VM_RV64_LOG_MIN);
    MACHINE_PUT(&m, RV64_CODE, ASM_LD(A1, 0, A0), ASM_ADDI(A2, A2, -1), ASM_BNE(A2, ZERO, -8));
    m.hart.x[A0] = RV64_DATA;
    m.hart.x[A2] = 10000;
    machine_run_to_trap(&m);
    rv64_world_drain(&m.w);
    assert_int_equal(m.w.seen.n, 3 * 10000); /* the trap is of the last iteration's second group */
    assert_true(m.w.drains > 10);
    machine_close(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(environment_traps_are_at_their_own_address),
        cmocka_unit_test(a_refused_access_changes_nothing_and_restarts),
        cmocka_unit_test(a_store_conditional_that_faults_keeps_its_reservation),
        cmocka_unit_test(misaligned_accesses_trap_where_the_bus_says_so),
        cmocka_unit_test(misaligned_bytes_are_those_of_both_pages),
        cmocka_unit_test(a_fetch_can_fault_in_either_page),
        cmocka_unit_test(a_run_stops_within_a_block_of_its_budget),
        cmocka_unit_test(a_page_is_asked_for_once_until_it_is_forgotten),
        cmocka_unit_test(blocks_go_with_their_page),
        cmocka_unit_test(an_instruction_in_two_pages_goes_with_either),
        cmocka_unit_test(fence_i_shows_what_was_written),
        cmocka_unit_test(a_mapping_replaces_the_one_before),
        cmocka_unit_test(a_view_gives_the_rights_that_it_was_given),
        cmocka_unit_test(an_empty_view_has_no_page_0),
        cmocka_unit_test(a_full_view_begins_anew),
        cmocka_unit_test(a_block_whose_page_goes_is_left_after_its_instruction),
        cmocka_unit_test(what_the_bus_computes_raises_no_flag),
        cmocka_unit_test(fetch_groups_end_with_accesses_and_blocks),
        cmocka_unit_test(a_branch_ends_a_group_only_if_it_is_taken),
        cmocka_unit_test(a_trap_behind_jumps_knows_its_address_and_count),
        cmocka_unit_test(groups_do_not_cross_pages_but_an_instruction_may),
        cmocka_unit_test(a_refused_reference_is_not_logged_but_its_fetch_is),
        cmocka_unit_test(what_refill_logged_the_hart_does_not),
        cmocka_unit_test(a_failed_store_conditional_makes_no_reference),
        cmocka_unit_test(a_full_log_is_drained_and_nothing_is_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
