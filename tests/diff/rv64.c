/* The interpreter against the naive one on random programs: registers, memory, traps and references
 * are the same, with any budgets, with and without a log, whatever the view is made to forget. */
#include "oracle/rv64_world.h"
#include "rounds.h"
#include "rv64/decode.h"
#include "unit/test.h"

#include <pagoda/trace.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE RV64_WORLD_PAGE
#define BASE UINT64_C(0x7fffffe000)

enum { CODE_PAGES = 4, PAGES = 12, INSNS = 4000 };

struct pair {
    struct rv64_world fast, naive;
    struct vm_rv64 hart, naive_hart;
    struct vm_rv64_bus bus;
    struct naive_rv64_bus naive_bus;
    struct vm_random random;
    unsigned result; /* the register that the word before writes */
};

static uint64_t below(struct pair *p, uint64_t n)
{
    return vm_random_below(&p->random, n);
}

/* --- random programs ---------------------------------------------------------------------- */

/* Registers that point into the data, so that accesses find something. */
static const unsigned pointers[] = {2, 8, 9};

static bool is_pointer(unsigned reg)
{
    return reg == 2 || reg == 8 || reg == 9;
}

static bool touches_memory(enum rv64_format format)
{
    return format == RV64_LOAD || format == RV64_STORE || format == RV64_LR || format == RV64_AMO ||
           format == RV64_FLOAD || format == RV64_FSTORE;
}

static bool is_csr(enum rv64_format format)
{
    return format == RV64_CSR || format == RV64_CSRI;
}

/* A word of some row, its other bits random, but: addresses from a pointer, which is no result;
 * jumps that stay near; CSRs that exist. One in 32 is any word. */
static uint32_t random_word(struct pair *p)
{
    uint32_t bits = (uint32_t)vm_random_u64(&p->random);
    const struct rv64_row *row = &rv64_rows[below(p, RV64_illegal)];
    if (!below(p, 32))
        return bits | 3;
    if (touches_memory(row->format) && below(p, 8))
        bits = (bits & ~(31u << 15)) | pointers[below(p, 3)] << 15;
    else if (below(p, 2)) /* operations that take what the one before has computed */
        bits = (bits & ~(31u << (below(p, 4) ? 15 : 20))) | p->result << 15;
    if (is_pointer(bits >> 7 & 31))
        bits ^= 16u << 7;
    p->result = bits >> 7 & 31;
    if (row->format == RV64_B)
        bits = bits & 1u << 31 ? bits | 0x7eu << 24 : bits & 0x01ffffff;
    if (row->format == RV64_J)
        bits = (bits & 0x80000000) ? bits | 0x600ff000 : bits & 0x0fe00fff;
    if (is_csr(row->format) && below(p, 8)) {
        uint32_t csr = below(p, 2) ? 1 + (uint32_t)below(p, 3) : 0xc00 + (uint32_t)below(p, 3);
        bits = (bits & 0xfffff & ~(below(p, 2) ? 31u << 15 : 0)) | csr << 20;
    }
    if (below(p, 2))
        bits |= 7u << 12; /* rounding as the hart says */
    return (bits & ~row->mask) | row->match;
}

static uint16_t random_half(struct pair *p)
{
    for (;;) {
        uint16_t bits = (uint16_t)vm_random_u64(&p->random);
        bool jumps = (bits & 3) == 2 && bits >> 13 == 4 && !(bits >> 2 & 31);
        if ((bits & 3) != 3 && (!jumps || !below(p, 4)))
            return bits;
    }
}

/* Both worlds get it. */
static void put(struct pair *p, vm_va va, const void *from, size_t bytes)
{
    rv64_world_put(&p->fast, va, from, bytes);
    rv64_world_put(&p->naive, va, from, bytes);
}

static void put_program(struct pair *p)
{
    for (vm_va va = BASE; va < BASE + CODE_PAGES * PAGE - 4;) {
        uint32_t word = random_word(p);
        uint16_t half = random_half(p);
        if (below(p, 3)) {
            put(p, va, &word, 4);
            va += 4;
        } else {
            put(p, va, &half, 2);
            va += 2;
        }
    }
}

/* Numbers that arithmetic finds hard are among them. */
static uint64_t random_value(struct pair *p)
{
    static const uint64_t edge[] = {0,
                                    1,
                                    UINT64_MAX,
                                    INT64_MAX,
                                    (uint64_t)INT64_MIN,
                                    INT32_MAX,
                                    0x80000000,
                                    UINT32_MAX,
                                    0x7ff0000000000000,
                                    0x7ff8000000000000,
                                    0x7ff0000000000001,
                                    0x3ff0000000000000,
                                    0xffffffff7f800000,
                                    0xffffffff7fc00000,
                                    0xffffffff3f800000,
                                    0xffffffff00000001,
                                    0x8000000000000000,
                                    1,
                                    0x000fffffffffffff,
                                    0xffffffff80000000};
    if (below(p, 3))
        return edge[below(p, sizeof edge / sizeof *edge)];
    return vm_random_u64(&p->random) >> below(p, 64);
}

static void set_pointers(struct pair *p)
{
    for (unsigned i = 0; i < 3; i++) {
        uint64_t va = BASE + CODE_PAGES * PAGE + below(p, (PAGES - CODE_PAGES) * PAGE);
        p->hart.x[pointers[i]] = below(p, 4) ? va & ~UINT64_C(7) : va;
    }
}

static void change_rights(struct pair *p, vm_va va, bool allow, unsigned rights)
{
    void (*change)(struct rv64_world *, vm_va, unsigned) =
        allow ? rv64_world_allow : rv64_world_forbid;
    change(&p->fast, va, rights);
    change(&p->naive, va, rights);
}

static void open_pair(struct pair *p, uint64_t seed, uint32_t log_room)
{
    memset(p, 0, sizeof *p);
    vm_random_seed(&p->random, seed);
    rv64_world_open(&p->fast, BASE, PAGES, log_room);
    rv64_world_open(&p->naive, BASE, PAGES, log_room);
    p->fast.forget_one_in = (unsigned)below(p, 4);
    vm_random_seed(&p->fast.random, seed + 1);
    p->bus = rv64_world_bus(&p->fast);
    p->naive_bus = rv64_world_naive_bus(&p->naive);
    p->naive_bus.misaligned_traps = below(p, 2);
    p->bus.misaligned =
        p->naive_bus.misaligned_traps ? VM_RV64_MISALIGNED_TRAPS : VM_RV64_MISALIGNED_WORKS;
    put_program(p);
    for (vm_va va = BASE + CODE_PAGES * PAGE; va < BASE + PAGES * PAGE; va += 8) {
        uint64_t value = random_value(p);
        put(p, va, &value, 8);
    }
    for (unsigned i = 1; i < 32; i++)
        p->hart.x[i] = random_value(p);
    for (unsigned i = 0; i < 32; i++)
        p->hart.f[i] = random_value(p);
    for (unsigned i = 0; i < PAGES; i++)
        change_rights(p, BASE + i * PAGE, false, i < CODE_PAGES ? VM_PROT_WRITE : VM_PROT_FETCH);
    set_pointers(p);
    p->hart.pc = BASE;
    p->hart.time_ns = 12345;
    p->naive_hart = p->hart;
}

static void close_pair(struct pair *p)
{
    rv64_world_close(&p->fast);
    rv64_world_close(&p->naive);
}

/* --- one kernel for both ------------------------------------------------------------------ */

/* Code is not written, nor data fetched: blocks need not be those of the bytes before fence.i. */
static bool may_have(const struct pair *p, vm_va va, unsigned rights)
{
    unsigned never = va < BASE + CODE_PAGES * PAGE ? VM_PROT_WRITE : VM_PROT_FETCH;
    return rv64_world_has(&p->fast, va) && !(rights & never);
}

/* What the trap asks for is given, or the program goes on elsewhere; now and then a page loses
 * rights, or the rounding mode is put right. */
static void resolve(struct pair *p, const struct vm_rv64_trap *trap)
{
    bool page_fault = trap->cause >= VM_RV64_FETCH_PAGE;
    unsigned needs = vm_access_needs(vm_ref_access(trap->meta));
    if (page_fault && may_have(p, trap->tval, needs)) {
        change_rights(p, trap->tval, true, needs);
    } else {
        set_pointers(p);
        p->hart.pc = BASE + below(p, CODE_PAGES * PAGE - 4) / 2 * 2;
    }
    if (!below(p, 3))
        change_rights(p, BASE + below(p, PAGES) * PAGE, false, 1u << below(p, 3));
    p->hart.frm = (uint8_t)below(p, 6);
    if (!below(p, 4))
        p->hart.reserved_bytes = 0;
    for (unsigned i = 0; i < 32; i++)
        if (!below(p, 4))
            p->hart.f[i] = random_value(p);
    p->naive_hart = p->hart;
}

/* --- what must be the same ---------------------------------------------------------------- */

static void compare_harts(const struct pair *p)
{
    const struct vm_rv64 *a = &p->hart, *b = &p->naive_hart;
    assert_int_equal(a->pc, b->pc);
    assert_int_equal(a->instret, b->instret);
    for (unsigned i = 0; i < 32; i++)
        assert_int_equal(a->x[i], b->x[i]);
    for (unsigned i = 0; i < 32; i++)
        assert_int_equal(a->f[i], b->f[i]);
    assert_int_equal(a->fflags, b->fflags);
    assert_int_equal(a->frm, b->frm);
    assert_int_equal(a->reserved_bytes, b->reserved_bytes);
}

static void compare_traps(const struct vm_rv64_trap *a, const struct vm_rv64_trap *b)
{
    assert_int_equal(a->cause, b->cause);
    assert_int_equal(a->tval, b->tval);
    if (a->cause < VM_RV64_FETCH_PAGE)
        return;
    assert_int_equal(a->va, b->va);
    assert_int_equal(vm_ref_access(a->meta), vm_ref_access(b->meta));
    if (a->cause != VM_RV64_FETCH_PAGE)
        assert_int_equal(a->meta, b->meta);
}

static void compare_logs(struct pair *p)
{
    rv64_world_drain(&p->fast);
    assert_true(rv64_world_same_logs(&p->fast, &p->naive));
    p->fast.seen.n = p->naive.seen.n = 0;
}

/* Run to a trap or to the end of a budget, and let the naive hart do as many instructions. */
static void run_once(struct pair *p)
{
    struct vm_rv64_trap trap, naive_trap;
    uint64_t budget = below(p, 2) ? below(p, 8) : below(p, 500), before = p->hart.instret;
    enum vm_rv64_stop stop = vm_rv64_run(&p->hart, p->fast.view, &p->bus, budget, &trap);
    if (stop == VM_RV64_SPENT) {
        assert_true(p->hart.instret - before >= budget);
        assert_true(p->hart.instret - before < budget + VM_RV64_BLOCK_MAX);
    }
    while (p->naive_hart.instret < p->hart.instret)
        assert_true(naive_rv64_step(&p->naive_hart, &p->naive_bus, &naive_trap));
    if (stop == VM_RV64_TRAPPED) {
        assert_false(naive_rv64_step(&p->naive_hart, &p->naive_bus, &naive_trap));
        compare_traps(&trap, &naive_trap);
    }
    compare_harts(p);
    if (p->fast.log.cap)
        compare_logs(p);
    if (stop == VM_RV64_TRAPPED)
        resolve(p, &trap);
}

static void run_world(uint64_t seed, uint32_t log_room)
{
    struct pair p;
    open_pair(&p, seed, log_room);
    while (p.hart.instret < INSNS)
        run_once(&p);
    assert_memory_equal(p.fast.bytes, p.naive.bytes, PAGES * PAGE);
    close_pair(&p);
}

static void random_programs_run_as_the_naive_hart_runs_them(void **state)
{
    (void)state;
    for (unsigned seed = 0; seed < test_rounds(400); seed++)
        run_world(seed, 0);
}

static void with_a_log_too_and_make_the_same_references(void **state)
{
    (void)state;
    for (unsigned seed = 0; seed < test_rounds(400); seed++)
        run_world(1000000 + seed, VM_RV64_LOG_MIN + seed % 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_programs_run_as_the_naive_hart_runs_them),
        cmocka_unit_test(with_a_log_too_and_make_the_same_references),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
