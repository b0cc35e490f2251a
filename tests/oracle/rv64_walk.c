/* rv64_walk.c - see rv64_walk.h.
 *
 *     s0   middle of a page of data, another one now and then
 *     s1   frame of the function: 0 return address, 8 to 32 loop counters, 40 of a child
 *
 * Everything else is data: what a statement needs beside it (an address, a counter) it loads into a
 * register that has one value more for it.
 */
#include "oracle/rv64_walk.h"

#include "base/assert.h"

#include <signal.h>
#include <string.h>
#include <sys/mman.h>

enum {
    DATA = 0x18000, /* to the frames */
    FRAMES = 0x3e000,
    T3 = 28,
    FRAME = 64, /* bytes */
    PAGE = RV64_WORLD_PAGE,
    DATA_PAGES = (FRAMES - DATA) / PAGE,
    FUNCTIONS = 6,
    DEPTH = 4, /* of loops and branches */
    COST_MOST = 20000,
    CHILD_COST = 1500, /* at which a child is reckoned: not many of them */
    ZONE = 0x10000000, /* what is mapped */
    ZONE_PAGES = 32,
    SYS_EXIT = 93,
    SYS_MUNMAP = 215,
    SYS_CLONE = 220,
    SYS_MMAP = 222,
    SYS_MPROTECT = 226,
    SYS_MADVISE = 233,
    SYS_WAIT4 = 260,
};

struct walk {
    struct rv64_program *p;
    struct vm_random random;
    unsigned function[FUNCTIONS]; /* where they begin, in words */
    uint64_t cost[FUNCTIONS];     /* instructions of a call */
    unsigned nfunctions;
    uint64_t most; /* that the function being made may cost yet */
};

static uint64_t below(struct walk *w, uint64_t n)
{
    return vm_random_below(&w->random, n);
}

static struct asm_code *code(struct walk *w)
{
    return &w->p->code;
}

/* Any register but s0 and s1, and not zero. */
static unsigned any(struct walk *w)
{
    unsigned reg = 1 + (unsigned)below(w, 29);
    return reg < S0 ? reg : reg + 2;
}

static int32_t address_of(unsigned word)
{
    return (int32_t)(RV64_PROGRAM_BASE + RV64_PROGRAM_CODE + 4 * word);
}

static void jump_back(struct walk *w, unsigned reg, unsigned to)
{
    asm_put(code(w), ASM_BNE(reg, ZERO, ((int32_t)to - (int32_t)code(w)->n) * 4));
}

/* The jump or branch at `at`, made with distance 0, goes to what comes next. */
static void aim(struct walk *w, unsigned at)
{
    int32_t distance = (int32_t)(code(w)->n - at) * 4;
    uint32_t *word = &code(w)->word[at];
    bool jumps = (*word & 0x7f) == 0x6f;
    *word = jumps ? ASM_JAL(*word >> 7 & 31, distance) : asm_b(*word, 0, 0, distance);
}

/* ---- statements: each answers how many instructions it costs at most ---- */

static uint64_t put_block(struct walk *w, unsigned depth);

/* Where the instruction's rounding mode is its own it may be the hart's as well. */
static uint32_t any_word(struct walk *w)
{
    uint32_t word = rv64_random_word(&w->random);
    enum rv64_format format = rv64_rows[rv64_decode(word).code].format;
    return rv64_format_rounds(format) && below(w, 4) == 0 ? word | 7u << 12 : word;
}

static uint64_t put_straight(struct walk *w)
{
    unsigned n = 2 + (unsigned)below(w, 12);
    for (unsigned i = 0; i < n; i++) {
        uint32_t first = below(w, 3) ? any_word(w) : rv64_random_half(&w->random);
        if ((first & 3) != 3)
            first |= rv64_random_half(&w->random) << 16;
        asm_put(code(w), first);
    }
    return 2 * (uint64_t)n;
}

static uint64_t put_move(struct walk *w)
{
    int32_t page = (int32_t)(RV64_PROGRAM_BASE + DATA + below(w, DATA_PAGES) * PAGE);
    asm_li(code(w), S0, page + PAGE / 2);
    return 2;
}

static uint64_t put_rounding(struct walk *w)
{
    unsigned reg = any(w);
    asm_li(code(w), reg, (int32_t)below(w, 5));
    asm_put(code(w), ASM_CSRRW(any(w), 2, reg)); /* frm */
    return 3;
}

static uint64_t put_loop(struct walk *w, unsigned depth)
{
    struct asm_code *c = code(w);
    unsigned turns = 1 + (unsigned)below(w, 6), reg = any(w);
    int32_t counter = (int32_t)(8 * depth);
    uint64_t most = w->most;
    asm_li(c, reg, (int32_t)turns);
    asm_put(c, ASM_SD(reg, counter, S1));
    unsigned top = c->n;
    w->most = most / turns;
    uint64_t body = put_block(w, depth - 1);
    w->most = most;
    reg = any(w);
    asm_put(c, ASM_LD(reg, counter, S1));
    asm_put(c, ASM_ADDI(reg, reg, -1));
    asm_put(c, ASM_SD(reg, counter, S1));
    jump_back(w, reg, top);
    return 3 + turns * (body + 4);
}

static uint64_t put_branch(struct walk *w, unsigned depth)
{
    static const uint32_t match[] = {0x63, 0x1063, 0x4063, 0x5063, 0x6063, 0x7063};
    struct asm_code *c = code(w);
    unsigned branch = c->n;
    asm_put(c, asm_b(match[below(w, 6)], any(w), any(w), 0));
    uint64_t one = put_block(w, depth - 1), other = 0;
    if (below(w, 2)) {
        unsigned over = c->n;
        asm_put(c, ASM_JAL(ZERO, 0));
        aim(w, branch);
        other = put_block(w, depth - 1);
        aim(w, over);
    } else {
        aim(w, branch);
    }
    return 2 + (one > other ? one : other);
}

/* By its distance, or by its address in a register. */
static uint64_t put_call(struct walk *w)
{
    struct asm_code *c = code(w);
    if (w->nfunctions == 0)
        return 0;
    unsigned callee = (unsigned)below(w, w->nfunctions), reg = any(w);
    if (w->cost[callee] > w->most)
        return 0;
    if (below(w, 2)) {
        asm_put(c, ASM_JAL(RA, ((int32_t)w->function[callee] - (int32_t)c->n) * 4));
    } else {
        asm_li(c, reg, address_of(w->function[callee]) - 4);
        asm_put(c, ASM_JALR(RA, 4, reg));
    }
    return 3 + w->cost[callee];
}

/* Writes an instruction over the one behind it, which is there to be overwritten. */
static uint64_t put_code_writer(struct walk *w)
{
    struct asm_code *c = code(w);
    unsigned at = any(w), word = any(w), reg = any(w);
    while (word == at)
        word = any(w);
    unsigned slot = c->n + 2 + 2 + 1 + 1;
    asm_li(c, at, address_of(slot));
    asm_li(c, word, (int32_t)ASM_ADDI(reg, any(w), (int32_t)below(w, 2048)));
    asm_put(c, ASM_SW(word, 0, at));
    asm_put(c, ASM_FENCE_I);
    VM_ASSERT(c->n == slot);
    asm_put(c, ASM_EBREAK);
    return 7;
}

/* ---- memory that comes and goes ---- */

static void put_range_call(struct walk *w, int number, uint64_t page, uint64_t npages)
{
    asm_li(code(w), A1, (int32_t)(npages * PAGE));
    rv64_program_call(w->p, number, (int32_t)(ZONE + page * PAGE));
}

/* The two instructions for each page, one after the other, whose address is in t0. */
static uint64_t put_sweep(struct walk *w, uint64_t npages, uint32_t one, uint32_t other)
{
    struct asm_code *c = code(w);
    asm_li(c, T0, ZONE);
    asm_li(c, T1, (int32_t)npages);
    asm_put(c, ASM_LUI(T2, 1));
    unsigned top = c->n;
    asm_put(c, one);
    asm_put(c, other);
    asm_put(c, ASM_ADD(T0, T0, T2));
    asm_put(c, ASM_ADDI(T1, T1, -1));
    jump_back(w, T1, top);
    return 5 + 5 * npages;
}

/* Pages of zeros come, are written to, half of them and some others change, all are read and go. */
static uint64_t put_mapping(struct walk *w)
{
    static const int change[] = {SYS_MUNMAP, SYS_MADVISE, SYS_MPROTECT};
    struct asm_code *c = code(w);
    uint64_t npages = 2 + below(w, ZONE_PAGES - 2), half = npages / 2, cost = 0;
    int how = change[below(w, 3)];
    asm_li(c, A2, PROT_READ | PROT_WRITE);
    asm_li(c, A3, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED);
    asm_li(c, A4, -1);
    asm_li(c, A5, 0);
    put_range_call(w, SYS_MMAP, 0, npages);
    int32_t at = 8 * (int32_t)below(w, 256), beside = 8 * (int32_t)below(w, 256);
    cost += put_sweep(w, npages, ASM_SD(any(w), at, T0), ASM_SW(T0, beside, T0));
    asm_li(c, A2, how == SYS_MPROTECT ? PROT_READ : MADV_DONTNEED);
    put_range_call(w, how, half, npages - half);
    uint64_t left = how == SYS_MUNMAP ? half : npages;
    asm_li(c, A0, 0);
    cost += put_sweep(w, left, ASM_LD(T3, at, T0), ASM_ADD(A0, A0, T3));
    asm_put(c, ASM_SD(A0, 0, S0));
    put_range_call(w, SYS_MUNMAP, 0, npages);
    return cost + 40;
}

/* ---- processes ---- */

/* The child goes through a block of its own, writes half a page and ends; its parent waits, and
 * keeps how it ended. */
static uint64_t put_child(struct walk *w, unsigned depth)
{
    struct asm_code *c = code(w);
    unsigned reg = any(w);
    asm_li(c, A1, 0);
    asm_li(c, A2, 0);
    asm_li(c, A3, 0);
    asm_li(c, A4, 0);
    rv64_program_call(w->p, SYS_CLONE, SIGCHLD);
    unsigned branch = c->n;
    asm_put(c, ASM_BNE(A0, ZERO, 0));
    uint64_t block = put_block(w, depth - 1);
    asm_put(c, ASM_SD(any(w), 8, S0));
    asm_put(c, asm_i(0x13, A1, S0, 0));
    asm_li(c, A2, PAGE / 2);
    rv64_program_call(w->p, 64, 1);
    asm_put(c, asm_i(0x7013, A0, reg, 63)); /* andi */
    asm_li(c, A7, SYS_EXIT);
    asm_put(c, ASM_ECALL);
    aim(w, branch);
    asm_put(c, ASM_ADDI(A1, S1, 40));
    asm_li(c, A2, 0);
    asm_li(c, A3, 0);
    rv64_program_call(w->p, SYS_WAIT4, -1);
    asm_put(c, ASM_LW(A0, 40, S1));
    asm_put(c, ASM_SD(A0, 16, S0));
    return CHILD_COST + block;
}

/* ---- all of it ---- */

static uint64_t put_statement(struct walk *w, unsigned depth)
{
    unsigned kind = (unsigned)below(w, 32);
    if (depth > 0 && kind < 4)
        return put_loop(w, depth);
    if (depth > 0 && kind < 8)
        return put_branch(w, depth);
    if (depth > 0 && kind == 8 && w->most > 2 * CHILD_COST)
        return put_child(w, depth);
    if (kind == 9 && w->most > 400)
        return put_mapping(w);
    if (kind < 14)
        return put_call(w);
    if (kind < 16)
        return put_code_writer(w);
    if (kind < 19)
        return put_move(w);
    return kind == 19 ? put_rounding(w) : put_straight(w);
}

static uint64_t put_block(struct walk *w, unsigned depth)
{
    uint64_t sum = 0, had = w->most;
    for (unsigned n = 1 + (unsigned)below(w, depth + 3); n > 0; n--) {
        uint64_t cost = put_statement(w, depth);
        sum += cost;
        w->most = w->most > cost ? w->most - cost : 0;
    }
    w->most = had;
    return sum;
}

static void put_function(struct walk *w)
{
    struct asm_code *c = code(w);
    unsigned start = c->n;
    w->most = COST_MOST / 4;
    asm_put(c, ASM_ADDI(S1, S1, -FRAME));
    asm_put(c, ASM_SD(RA, 0, S1));
    uint64_t cost = put_block(w, DEPTH);
    asm_put(c, ASM_LD(RA, 0, S1));
    asm_put(c, ASM_ADDI(S1, S1, FRAME));
    asm_put(c, ASM_JALR(ZERO, 0, RA));
    w->cost[w->nfunctions] = cost + 5;
    w->function[w->nfunctions++] = start;
}

static void put_data(struct walk *w)
{
    for (unsigned at = DATA; at < FRAMES; at += 8) {
        uint64_t value = at % 16 ? rv64_random_double(&w->random) : rv64_random_integer(&w->random);
        memcpy(w->p->image + at, &value, sizeof value);
    }
}

/* All registers have values. */
static void put_beginning(struct walk *w)
{
    asm_li(code(w), S1, (int32_t)RV64_PROGRAM_BASE + FRAMES + PAGE);
    put_move(w);
    for (unsigned i = 0; i < 32; i++) {
        asm_put(code(w), ASM_FLD(i, (int32_t)(i * 8), S0));
        if (i && i != S0 && i != S1)
            asm_put(code(w), ASM_LD(i, (int32_t)(i * 8) - 256, S0));
    }
}

struct rv64_program *rv64_walk_make(uint64_t seed)
{
    struct walk w = {.p = rv64_program_open(DATA)};
    vm_random_seed(&w.random, seed);
    put_data(&w);
    asm_put(code(&w), ASM_JAL(ZERO, 0));
    for (unsigned n = (unsigned)below(&w, FUNCTIONS + 1); n > 0; n--)
        put_function(&w);
    aim(&w, 0);
    put_beginning(&w);
    w.most = COST_MOST;
    for (unsigned n = 4 + (unsigned)below(&w, 12); n > 0; n--)
        put_block(&w, DEPTH);
    asm_li(code(&w), S1, (int32_t)RV64_PROGRAM_BASE + FRAMES);
    rv64_program_store_registers(w.p);
    rv64_program_write(w.p, DATA, FRAMES - DATA + RV64_PROGRAM_REGISTERS);
    rv64_program_exit(w.p);
    return w.p;
}
