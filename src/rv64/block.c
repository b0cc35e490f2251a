/* block.c - a page's instructions made into a block of operations (view.h).
 *
 * A block begins wherever the hart arrives and goes on, behind branches and along jumps in its
 * page, until an instruction that ends it, the end of the page, or VM_RV64_BLOCK_MAX. So the same
 * instruction may be in many blocks; that costs less than leaving them. An instruction that reaches
 * into the next page is a block of its own, which belongs to both pages.
 *
 * Where there is a log, a fetch that needed refill has been logged by its owner: the first fetch
 * group of that block is not to be logged again. So the hart executes a block made for this once,
 * which nothing leads to.
 */
#include "base/assert.h"
#include "rv64/run.h"
#include <string.h>

#define REACH 0xffe /* place in a page of an instruction that may end in the next page */

#define BRANCHES_MAX 4 /* what follows more of them is seldom reached */

/* A block as it is made. */
struct draft {
    struct rv64_op op[VM_RV64_BLOCK_MAX + 1];
    unsigned code[VM_RV64_BLOCK_MAX + 1];
    bool carried[VM_RV64_BLOCK_MAX + 1]; /* its first operand is what was computed last */
    struct rv64_place place[VM_RV64_BLOCK_MAX + 1];
    vm_va target[VM_RV64_BLOCK_MAX + 1]; /* of a branch */
    unsigned computed; /* the register of what was computed last; 0: none has it */
    unsigned nops, insns, nbranches;
    vm_va pc, end, group; /* where it begins and ends; where its last fetch group begins */
    vm_va last;           /* where its last operation leads */
    bool refilled;        /* the first fetch is in the log */
    bool first_group;     /* it is the one under way */
    bool logs;
    unsigned most; /* instructions that it may have */
};

static uint16_t half_at(const struct vm_rv64_view *v, vm_va va)
{
    uint8_t *place = rv64_view_byte(v, va, VM_FETCH);
    uint16_t half;
    VM_ASSERT(place); /* refill promised so */
    memcpy(&half, place, sizeof half);
    return half;
}

/* Let the first instruction of the block be in the view; false: its fetch traps. */
static bool draft_fetch(struct draft *d, struct rv64_run *run, vm_va pc)
{
    if (!rv64_view_byte(run->view, pc, VM_FETCH)) {
        d->refilled = true;
        if (!rv64_refill(run, pc, vm_ref_meta(VM_FETCH, 2)))
            return false;
    }
    bool straddles = (pc & ~RV64_PAGE_MASK) == REACH && rv64_bytes(half_at(run->view, pc)) == 4;
    if (!straddles || rv64_view_byte(run->view, pc + 2, VM_FETCH))
        return true;
    d->refilled = true;
    return rv64_refill(run, pc, vm_ref_meta(VM_FETCH, 4));
}

/* The units of 2 bytes from the beginning of the block's page to `va`. */
static uint16_t draft_place(const struct draft *d, vm_va va)
{
    return (uint16_t)((va - (d->pc & RV64_PAGE_MASK)) / 2);
}

/* Add an operation that is executed after those before it, and whose code is at [d->end, end). */
static struct rv64_op *draft_op(struct draft *d, unsigned code, vm_va end)
{
    unsigned i = d->nops++;
    d->code[i] = code;
    d->carried[i] = false;
    d->place[i] = (struct rv64_place){draft_place(d, d->end), (uint16_t)d->insns};
    d->op[i] = (struct rv64_op){
        .group = draft_place(d, d->group),
        .counted = end > d->group && !(d->refilled && d->first_group),
        .fetch = vm_ref_meta(VM_FETCH, end - d->group),
    };
    return &d->op[i];
}

/* The operation that leaves a block which no instruction ends: its fetch group may be empty. */
static void draft_onward(struct draft *d)
{
    draft_op(d, RV64_onward, d->end);
    d->last = d->end;
}

static void draft_group_ends(struct draft *d)
{
    d->group = d->end;
    d->first_group = false;
}

/* The handler that takes a carried operand; 0: there is none. */
static unsigned carried_handler(unsigned code)
{
    static const uint16_t handler[RV64_CODES] = {
#define CARRIED(name) [RV64_##name] = RV64_##name##_c,
#include "rv64/carried.def"
#undef CARRIED
    };
    return handler[code];
}

static bool commutes(unsigned code)
{
    return code == RV64_add || code == RV64_addw || code == RV64_and || code == RV64_or ||
           code == RV64_xor || code == RV64_mul || code == RV64_beq || code == RV64_bne;
}

/* Let operation i take what was computed before it, if it can, and leave what it computes. */
static void draft_carry(struct draft *d, unsigned i)
{
    struct rv64_op *op = &d->op[i];
    unsigned code = d->code[i];
    if (d->computed && op->rs2 == d->computed && op->rs1 != d->computed && commutes(code)) {
        op->rs2 = op->rs1;
        op->rs1 = (uint8_t)d->computed;
    }
    d->carried[i] = d->computed && op->rs1 == d->computed && carried_handler(code);
    if (rv64_computes(code))
        d->computed = op->rd;
    else if (rv64_writes_integer(code))
        d->computed = 0;
}

static void draft_insn(struct draft *d, const struct rv64_insn *insn)
{
    vm_va target = d->end + (uint64_t)(int64_t)insn->imm;
    struct rv64_op *op = draft_op(d, insn->code, d->end + insn->bytes);
    op->imm = insn->imm;
    op->rd = insn->rd;
    op->rs1 = insn->rs1;
    op->rs2 = insn->rs2;
    if (insn->code == RV64_auipc)
        op->imm += (int64_t)(d->end - d->pc);
    draft_carry(d, d->nops - 1);
    d->target[d->nops - 1] = target;
    d->nbranches += rv64_branches(insn->code);
    d->insns++;
    d->end += insn->bytes;
    d->last = insn->code == RV64_jal ? target : d->end;
    if (rv64_is_data(insn->code))
        draft_group_ends(d);
}

static bool draft_is_full(const struct draft *d)
{
    return (d->end & RV64_PAGE_MASK) != (d->pc & RV64_PAGE_MASK) || d->insns == d->most ||
           d->nbranches == BRANCHES_MAX;
}

/* Let the jump be one along the block: false if it leaves the page, if there is no room, or if it
 * closes a loop. One that leaves nothing in a register is nothing to do, but for the log. */
static bool draft_along(struct draft *d)
{
    unsigned i = d->nops - 1;
    bool calls = d->op[i].rd != RV64_NOWHERE, back = d->last < d->end;
    bool stays = (d->last & RV64_PAGE_MASK) == (d->pc & RV64_PAGE_MASK);
    if (draft_is_full(d) || !stays || (back && !calls))
        return false;
    if (!calls && !d->logs)
        d->nops--;
    d->code[i] = RV64_along;
    d->op[i].imm = (int64_t)d->end;
    d->computed = 0; /* rd may be its register */
    d->end = d->last;
    draft_group_ends(d);
    return true;
}

static void draft_fill(struct draft *d, const struct vm_rv64_view *v)
{
    while (!draft_is_full(d)) {
        uint32_t bits = half_at(v, d->end);
        bool whole = (d->end & ~RV64_PAGE_MASK) != REACH || rv64_bytes((uint16_t)bits) == 2;
        if (!whole && d->insns)
            break;
        if (rv64_bytes((uint16_t)bits) == 4)
            bits |= (uint32_t)half_at(v, d->end + 2) << 16;
        struct rv64_insn insn = rv64_decode(bits);
        draft_insn(d, &insn);
        if (rv64_ends_block(insn.code) || (insn.code == RV64_jal && !draft_along(d)))
            return;
    }
    draft_onward(d);
}

/* The first handler of the two operations together; 0: they are no pair. */
static unsigned pair_handler(unsigned a, unsigned b)
{
    static const uint16_t handler[RV64_CODES][RV64_CODES] = {
#define PAIR(a, b) [RV64_##a][RV64_##b] = RV64_##a##_##b,
#define TRIPLE(a, b, c)
#include "rv64/pairs.def"
#undef PAIR
#undef TRIPLE
    };
    return handler[a][b];
}

/* The number of a pair, by its first handler. */
#define PAIR_NUMBER(pair) (((pair)-RV64_PAIRS) / 4)

/* Likewise of three, of which the last two are a pair. */
static unsigned triple_handler(unsigned a, unsigned pair)
{
    static const uint16_t handler[PAIR_NUMBER(RV64_TRIPLES)][RV64_CODES] = {
#define PAIR(a, b)
#define TRIPLE(a, b, c) [PAIR_NUMBER(RV64_##b##_##c)][RV64_##a] = RV64_##a##_##b##_##c,
#include "rv64/pairs.def"
#undef PAIR
#undef TRIPLE
    };
    return handler[PAIR_NUMBER(pair)][a];
}

/* A way to execute the operations from one on: `jumps` by table, the first to `handler`. */
struct path {
    unsigned jumps, handler;
};

static void path_try(struct path *best, unsigned jumps_after, unsigned handler)
{
    if (handler && jumps_after + 1 < best->jumps)
        *best = (struct path){jumps_after + 1, handler};
}

/* The shortest path from operation i on, if those after it have theirs. */
static void draft_path(const struct draft *d, unsigned i, struct path *path)
{
    const unsigned *code = &d->code[i];
    const bool *carried = &d->carried[i];
    unsigned alone = carried[0] ? carried_handler(code[0]) : code[0];
    unsigned two = i + 1 < d->nops ? pair_handler(code[0], code[1]) : 0;
    unsigned rest = i + 2 < d->nops ? pair_handler(code[1], code[2]) : 0;
    unsigned three = rest ? triple_handler(code[0], rest) : 0;
    path[i] = (struct path){path[i + 1].jumps + 1, alone};
    if (two)
        path_try(&path[i], path[i + 2].jumps, two + carried[0] + 2 * carried[1]);
    if (three)
        path_try(&path[i], path[i + 3].jumps, three + carried[0] + 2 * carried[1] + 4 * carried[2]);
}

static struct rv64_block *draft_finish(const struct draft *d, struct rv64_run *run)
{
    uint32_t nops = d->nops + d->nbranches * (uint32_t)RV64_LINK_OPS, n = 0, nbranches = 0;
    struct rv64_block *block = rv64_view_take(run->view, nops, d->nbranches);
    block->pc = d->pc;
    block->page = d->pc & RV64_PAGE_MASK;
    block->end = d->end;
    block->last = (struct rv64_link){.pc = d->last, .insns = d->insns};
    struct path path[VM_RV64_BLOCK_MAX + 2];
    path[d->nops].jumps = 0;
    for (unsigned i = d->nops; i-- > 0;)
        draft_path(d, i, path);
    for (unsigned i = 0; i < d->nops; i++, n++) {
        block->ops[n] = d->op[i];
        block->ops[n].handler = run->handler[path[i].handler];
        block->place[n] = d->place[i];
        if (!rv64_branches(d->code[i]))
            continue;
        *rv64_link_of(&block->ops[n]) =
            (struct rv64_link){.pc = d->target[i], .insns = d->place[i].insns + 1};
        block->branch[nbranches++] = (uint16_t)n;
        n += RV64_LINK_OPS;
    }
    if (!d->refilled || !d->logs)
        rv64_view_add(run->view, block);
    return block;
}

static struct rv64_block *block_make(struct rv64_run *run, vm_va pc)
{
    struct draft d;
    d.nops = d.insns = d.nbranches = d.computed = 0;
    d.pc = d.end = d.group = pc;
    d.refilled = false;
    d.first_group = true;
    d.logs = run->bus->log;
    d.most = run->bus->block_insns ? run->bus->block_insns : VM_RV64_BLOCK_MAX;
    if (pc & 1) {
        rv64_trap(run, VM_RV64_FETCH_MISALIGNED, pc);
        return NULL;
    }
    if (!draft_fetch(&d, run, pc))
        return NULL;
    draft_fill(&d, run->view);
    return draft_finish(&d, run);
}

struct rv64_block *rv64_block_next(struct rv64_run *run, vm_va pc, struct rv64_link *link)
{
    struct vm_rv64_view *v = run->view;
    struct rv64_block *block = rv64_view_find_block(v, pc);
    if (!block)
        block = block_make(run, pc);
    /* Whatever was killed, before or now, may have been what the link is in. */
    if (block && link && !v->stale && rv64_view_block(v, pc) == block)
        rv64_link_set(link, block);
    v->stale = false;
    return block;
}
