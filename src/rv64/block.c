/* block.c - a page's instructions made into a block of operations (view.h).
 *
 * A block begins wherever the hart arrives and goes on until an instruction that ends it, the end
 * of the page, or VM_RV64_BLOCK_MAX. An instruction that reaches into the next page is a block of
 * its own, which belongs to both pages.
 *
 * Where there is a log, a fetch that needed refill has been logged by its owner: the first fetch
 * group of that block is not to be logged again. So the hart executes a block made for this once,
 * which nothing leads to.
 */
#include "base/assert.h"
#include "rv64/run.h"
#include <string.h>

#define REACH 0xffe /* place in a page of an instruction that may end in the next page */

/* A block as it is made. */
struct draft {
    struct rv64_op op[VM_RV64_BLOCK_MAX + 1];
    unsigned code[VM_RV64_BLOCK_MAX + 1];
    bool carried[VM_RV64_BLOCK_MAX + 1]; /* its first operand is what was computed last */
    unsigned computed;                   /* the register of that; 0: none has it */
    unsigned nops, insns;
    unsigned bytes, group; /* from the block's beginning: its end, and that of the last group */
    vm_va taken;           /* where its last instruction leads, if it branches */
    bool refilled;         /* the first fetch is in the log */
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

/* The operation that leaves a block which no instruction ends: it has an empty fetch group. */
static void draft_onward(struct draft *d)
{
    d->code[d->nops] = RV64_onward;
    d->op[d->nops++] = (struct rv64_op){
        .at = (uint8_t)(d->bytes / 2),
        .group = (uint8_t)(d->group / 2),
        .counted = d->bytes > d->group && !(d->refilled && !d->group),
        .fetch = vm_ref_meta(VM_FETCH, d->bytes - d->group),
    };
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

static void draft_insn(struct draft *d, const struct rv64_insn *insn, vm_va pc)
{
    unsigned end = d->bytes + insn->bytes;
    d->code[d->nops] = insn->code;
    struct rv64_op *op = &d->op[d->nops++];
    *op = (struct rv64_op){
        .imm = insn->imm,
        .rd = insn->rd,
        .rs1 = insn->rs1,
        .rs2 = insn->rs2,
        .counted = !(d->refilled && !d->group),
        .at = (uint8_t)(d->bytes / 2),
        .group = (uint8_t)(d->group / 2),
        .fetch = vm_ref_meta(VM_FETCH, end - d->group),
    };
    if (insn->code == RV64_auipc)
        op->imm += d->bytes; /* of the block's pc */
    draft_carry(d, d->nops - 1);
    d->taken = pc + d->bytes + (uint64_t)(int64_t)insn->imm;
    d->insns++;
    d->bytes = end;
    if (rv64_is_data(insn->code))
        d->group = end;
}

static void draft_fill(struct draft *d, const struct vm_rv64_view *v, vm_va pc)
{
    uint64_t room = RV64_PAGE - (pc & ~RV64_PAGE_MASK);
    for (;;) {
        uint32_t bits = half_at(v, pc + d->bytes);
        unsigned bytes = rv64_bytes((uint16_t)bits);
        bool fits = d->bytes + bytes <= room;
        if (!fits && d->insns)
            break;
        if (bytes == 4)
            bits |= (uint32_t)half_at(v, pc + d->bytes + 2) << 16;
        struct rv64_insn insn = rv64_decode(bits);
        draft_insn(d, &insn, pc);
        if (rv64_ends_block(insn.code))
            return;
        if (d->bytes >= room || d->insns == VM_RV64_BLOCK_MAX)
            break;
    }
    draft_onward(d);
}

/* The number of operation i's handler: one of it and the next, if there is such. */
static unsigned draft_handler(const struct draft *d, unsigned i)
{
    static const struct {
        unsigned first, second, both;
    } pair[] = {
#define PAIR(first, second) {RV64_##first, RV64_##second, RV64_##first##_##second},
#include "rv64/pairs.def"
#undef PAIR
    };
    for (unsigned k = 0; i + 1 < d->nops && k < sizeof pair / sizeof *pair; k++)
        if (pair[k].first == d->code[i] && pair[k].second == d->code[i + 1])
            return pair[k].both + d->carried[i] + 2 * d->carried[i + 1];
    return d->carried[i] ? carried_handler(d->code[i]) : d->code[i];
}

static struct rv64_block *draft_finish(const struct draft *d, struct rv64_run *run, vm_va pc)
{
    struct rv64_block *block = rv64_view_take(run->view, d->nops);
    *block = (struct rv64_block){
        .pc = pc,
        .link = {[RV64_ONWARD] = {.pc = pc + d->bytes}, [RV64_TAKEN] = {.pc = d->taken}},
        .insns = d->insns,
    };
    for (unsigned i = 0; i < d->nops; i++) {
        block->ops[i] = d->op[i];
        block->ops[i].handler = run->handler[draft_handler(d, i)];
    }
    if (!d->refilled || !run->bus->log)
        rv64_view_add(run->view, block);
    return block;
}

static struct rv64_block *block_make(struct rv64_run *run, vm_va pc)
{
    struct draft d = {.nops = 0};
    if (pc & 1) {
        rv64_trap(run, VM_RV64_FETCH_MISALIGNED, pc);
        return NULL;
    }
    if (!draft_fetch(&d, run, pc))
        return NULL;
    draft_fill(&d, run->view, pc);
    return draft_finish(&d, run, pc);
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
