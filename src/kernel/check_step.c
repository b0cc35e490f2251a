/* check_step.c - see heapcheck.h: programs executed one instruction at a time.
 *
 *     pc --hook?--> served, and back where it was called
 *      |
 *      +--> fetch, decode --> foresee: what it touches, what decides it, what its result will be
 *                                |
 *                             execute (rv64) --trap--> nothing was done, nothing is known anew
 *                                |
 *                             follow: the result's undefined bits, calls and returns
 */
#include "kernel/definedness.h"
#include "kernel/heapcheck.h"

#include <pagoda/trace.h>
#include <stdlib.h>
#include <string.h>

#define LINK      1 /* ra */
#define LINK_ALT  5 /* t0, where routines that save registers are called */
#define CALLS_MAX 100000

/* What will be known anew once the instruction has retired. */
struct outcome {
    enum { TO_NOTHING, TO_X, TO_F, TO_MEMORY, TO_MEMORY_AND_X } to;
    uint8_t rd;
    struct undefined_register value; /* of the register */
    vm_va va;                        /* of memory */
    unsigned bytes;
    struct undefined_register stored;
    bool conditional; /* stored only if x[rd] is 0 then */
};

/* ---- fetching ---- */

static const uint8_t *half_at(const struct vm_rv64_view *v, vm_va va)
{
    const uint8_t *page = vm_rv64_view_find(v, va, VM_FETCH);
    return page ? page + (va & ((UINT64_C(1) << VM_RV64_PAGE_SHIFT) - 1)) : NULL;
}

/* The view is to have the `bytes` of an instruction; false: *trap. */
static bool fetch(const struct checked *c, vm_va va, unsigned bytes, struct vm_rv64_trap *trap)
{
    uint64_t tval = va;
    uint16_t meta = vm_ref_meta(VM_FETCH, bytes);
    if (half_at(c->t->space->view, va) && half_at(c->t->space->view, va + bytes - 2))
        return true;
    if (c->k->bus.refill(c->k->bus.host, va, meta, &tval))
        return true;
    *trap =
        (struct vm_rv64_trap){.cause = VM_RV64_FETCH_PAGE, .tval = tval, .meta = meta, .va = va};
    return false;
}

static bool fetch_bits(const struct checked *c, uint32_t *bits, struct vm_rv64_trap *trap)
{
    const struct vm_rv64_view *view = c->t->space->view;
    vm_va pc = c->t->hart.pc;
    uint16_t low, high = 0;
    if (!fetch(c, pc, 2, trap))
        return false;
    memcpy(&low, half_at(view, pc), sizeof low);
    if (rv64_bytes(low) == 4) {
        if (!fetch(c, pc, 4, trap))
            return false;
        memcpy(&high, half_at(view, pc + 2), sizeof high);
    }
    *bits = low | (uint32_t)high << 16;
    return true;
}

static const struct rv64_insn *decode(struct heapcheck *all, uint32_t bits)
{
    struct decoded *d = &all->decoded[(bits * UINT32_C(0x9e3779b1)) >> 19];
    if (d->bits != bits)
        *d = (struct decoded){bits, rv64_decode(bits)};
    return &d->insn;
}

/* ---- foreseeing ---- */

static struct partial partial_of(const struct checked *c, unsigned x)
{
    return (struct partial){c->t->hart.x[x], c->known->x[x].bits};
}

/* Of two operands, where what is undefined comes from. */
static vm_va origin_of(const struct undefined_register *a, const struct undefined_register *b)
{
    return a->bits ? a->origin : b->bits ? b->origin : 0;
}

static unsigned access_bytes(unsigned code)
{
    switch (code) {
    case RV64_lb:
    case RV64_lbu:
    case RV64_sb:
        return 1;
    case RV64_lh:
    case RV64_lhu:
    case RV64_sh:
        return 2;
    case RV64_ld:
    case RV64_sd:
    case RV64_fld:
    case RV64_fsd:
        return 8;
    default:
        return 4;
    }
}

/* Of an atomic instruction, which rows of insns.def tell apart by funct3: 2 is .w, 3 is .d. */
static unsigned atomic_bytes(unsigned code)
{
    return 1u << (rv64_rows[code].match >> 12 & 7);
}

static void to_x(struct outcome *o, const struct rv64_insn *insn, uint64_t bits, vm_va origin)
{
    *o = (struct outcome){.to = TO_X, .rd = insn->rd, .value = {bits, origin}};
}

static void to_f(struct outcome *o, const struct rv64_insn *insn, uint64_t bits, vm_va origin)
{
    *o = (struct outcome){.to = TO_F, .rd = insn->rd, .value = {bits, origin}};
}

static void foresee_load(const struct checked *c, const struct rv64_insn *insn, unsigned bytes,
                         struct outcome *o)
{
    vm_va va = c->t->hart.x[insn->rs1] + (uint64_t)(int64_t)insn->imm, origin = 0;
    vm_check_use_register(c, HEAP_USE_ADDRESS, insn->rs1);
    vm_check_touch(c, va, bytes, VM_READ);
    uint64_t undefined = vm_shadow_load(c->space->shadow, va, bytes, &origin);
    if (rv64_has_float(insn->code))
        to_f(o, insn, undefined, origin);
    else
        to_x(o, insn, vm_undefined_loaded(insn->code, undefined), origin);
}

static void foresee_store(const struct checked *c, const struct rv64_insn *insn,
                          const struct undefined_register *source, struct outcome *o)
{
    unsigned bytes = access_bytes(insn->code);
    vm_va va = c->t->hart.x[insn->rs1] + (uint64_t)(int64_t)insn->imm;
    vm_check_use_register(c, HEAP_USE_ADDRESS, insn->rs1);
    vm_check_touch(c, va, bytes, VM_WRITE);
    *o = (struct outcome){.to = TO_MEMORY, .va = va, .bytes = bytes, .stored = *source};
}

/* What is swapped in is as defined as it was; whatever else is made of an undefined one is not. */
static void foresee_atomic(const struct checked *c, const struct rv64_insn *insn, struct outcome *o)
{
    unsigned code = insn->code, bytes = atomic_bytes(code);
    bool conditional = code == RV64_sc_w || code == RV64_sc_d;
    bool copies = conditional || code == RV64_amoswap_w || code == RV64_amoswap_d;
    vm_va va = c->t->hart.x[insn->rs1];
    struct undefined_register old = {0}, new = c->known->x[insn->rs2];
    vm_check_use_register(c, HEAP_USE_ADDRESS, insn->rs1);
    vm_check_touch(c, va, bytes, VM_WRITE);
    if (!conditional)
        old.bits = vm_shadow_load(c->space->shadow, va, bytes, &old.origin);
    if (bytes == 4)
        old.bits = (uint64_t)(int64_t)(int32_t)old.bits;
    if (!copies && (new.bits | old.bits))
        new = (struct undefined_register){UINT64_MAX, origin_of(&new, &old)};
    *o = (struct outcome){.to = TO_MEMORY_AND_X,
                          .rd = insn->rd,
                          .value = old,
                          .va = va,
                          .bytes = bytes,
                          .stored = new,
                          .conditional = conditional};
}

static void foresee_branch(const struct checked *c, const struct rv64_insn *insn)
{
    struct undefined_register *a = &c->known->x[insn->rs1], *b = &c->known->x[insn->rs2];
    if (!(a->bits | b->bits) ||
        !vm_undefined_decides(insn->code, partial_of(c, insn->rs1), partial_of(c, insn->rs2)))
        return;
    vm_check_use(c, HEAP_USE_BRANCH, origin_of(a, b));
    *a = *b = (struct undefined_register){0};
}

static void foresee_computed(const struct checked *c, const struct rv64_insn *insn,
                             struct partial b, const struct undefined_register *b_known,
                             struct outcome *o)
{
    const struct undefined_register *a = &c->known->x[insn->rs1];
    uint64_t undefined = 0;
    if (a->bits | b.undefined)
        undefined = vm_undefined_result(insn->code, partial_of(c, insn->rs1), b);
    to_x(o, insn, undefined, undefined ? origin_of(a, b_known) : 0);
}

/* Any undefined bit of an operand makes all bits of the result undefined. */
static struct undefined_register melt(const struct checked *c, const struct rv64_insn *insn,
                                      unsigned operands)
{
    unsigned number[3] = {insn->rs1, insn->rs2, rv64_rs3(insn->imm)};
    for (unsigned i = 0; i < operands; i++)
        if (c->known->f[number[i]].bits)
            return (struct undefined_register){UINT64_MAX, c->known->f[number[i]].origin};
    return (struct undefined_register){0};
}

/* A copy of a register with another's sign, which is how one is moved. */
static bool is_sign_copy(unsigned code)
{
    return code == RV64_fsgnj_d || code == RV64_fsgnj_s || code == RV64_fsgnjn_d ||
           code == RV64_fsgnjn_s || code == RV64_fsgnjx_d || code == RV64_fsgnjx_s;
}

static void foresee_float(const struct checked *c, const struct rv64_insn *insn, struct outcome *o)
{
    const struct check_thread *known = c->known;
    const struct undefined_register *f = &known->f[insn->rs1], *x = &known->x[insn->rs1];
    struct undefined_register mixed;
    switch (rv64_rows[insn->code].format) {
    case RV64_F_FROM_X_EXACT: /* fmv */
        to_f(o, insn, insn->code == RV64_fmv_w_x ? (uint32_t)x->bits : x->bits, x->origin);
        return;
    case RV64_F_FROM_X:
        to_f(o, insn, x->bits ? UINT64_MAX : 0, x->origin);
        return;
    case RV64_X_FROM_F_EXACT:
        mixed = melt(c, insn, 1);
        if (insn->code == RV64_fmv_x_d)
            mixed = *f;
        else if (insn->code == RV64_fmv_x_w)
            mixed.bits = (uint64_t)(int64_t)(int32_t)f->bits;
        to_x(o, insn, mixed.bits, mixed.origin);
        return;
    case RV64_X_FROM_F:
        mixed = melt(c, insn, 1);
        to_x(o, insn, mixed.bits, mixed.origin);
        return;
    case RV64_X_FROM_F2:
        mixed = melt(c, insn, 2);
        to_x(o, insn, mixed.bits & 1, mixed.origin);
        return;
    case RV64_F1:
        mixed = melt(c, insn, 1);
        break;
    case RV64_F3:
        mixed = melt(c, insn, 3);
        break;
    default:
        mixed = is_sign_copy(insn->code) && insn->rs1 == insn->rs2 ? *f : melt(c, insn, 2);
        break;
    }
    to_f(o, insn, mixed.bits, mixed.origin);
}

/* What a0 has afterwards is the kernel's answer. */
static void foresee_call(const struct checked *c)
{
    struct check_thread *known = c->known;
    vm_check_use_register(c, HEAP_USE_CALL, 17);
    known->x[10] = (struct undefined_register){0};
}

static void foresee(const struct checked *c, const struct rv64_insn *insn, struct outcome *o)
{
    const struct check_thread *known = c->known;
    uint64_t imm = (uint64_t)(int64_t)insn->imm;
    o->to = TO_NOTHING;
    if (insn->code >= RV64_illegal)
        return;
    switch (rv64_rows[insn->code].format) {
    case RV64_R:
        foresee_computed(c, insn, partial_of(c, insn->rs2), &known->x[insn->rs2], o);
        break;
    case RV64_I:
    case RV64_SHIFT:
        foresee_computed(c, insn, (struct partial){imm, 0}, &known->x[0], o);
        break;
    case RV64_LOAD:
    case RV64_FLOAD:
        foresee_load(c, insn, access_bytes(insn->code), o);
        break;
    case RV64_LR:
        foresee_load(c, insn, atomic_bytes(insn->code), o);
        break;
    case RV64_STORE:
        foresee_store(c, insn, &known->x[insn->rs2], o);
        break;
    case RV64_FSTORE:
        foresee_store(c, insn, &known->f[insn->rs2], o);
        break;
    case RV64_AMO:
        foresee_atomic(c, insn, o);
        break;
    case RV64_B:
        foresee_branch(c, insn);
        break;
    case RV64_JALR:
        vm_check_use_register(c, HEAP_USE_JUMP, insn->rs1);
        to_x(o, insn, 0, 0);
        break;
    case RV64_U:
    case RV64_J:
    case RV64_CSR:
    case RV64_CSRI:
        to_x(o, insn, 0, 0);
        break;
    case RV64_SYSTEM:
        if (insn->code == RV64_ecall)
            foresee_call(c);
        break;
    case RV64_NONE:
        break;
    default:
        foresee_float(c, insn, o);
    }
}

/* ---- following ---- */

static void settle(const struct checked *c, const struct outcome *o)
{
    struct check_thread *known = c->known;
    bool stores = o->to == TO_MEMORY || o->to == TO_MEMORY_AND_X;
    if (stores && !(o->conditional && c->t->hart.x[o->rd] != 0))
        vm_shadow_store(c->space->shadow, o->va, o->bytes, o->stored.bits, o->stored.origin);
    if (o->to == TO_F)
        known->f[o->rd] = o->value;
    else if ((o->to == TO_X || o->to == TO_MEMORY_AND_X) && o->rd != RV64_NOWHERE)
        known->x[o->rd] = o->value;
}

/* Calls whose frames are gone, by a longjmp: the stack pointer was below where it is now. */
static void drop_stale(struct check_thread *known, vm_va below)
{
    while (known->ncalls && known->call[known->ncalls - 1].sp < below)
        known->ncalls--;
}

/* Who calls by ra has a frame, where its own return is, unlike its caller's call at the same place:
 * that one is gone. Who calls by t0 may have none yet. */
static void note_call(const struct checked *c, vm_va back, unsigned link)
{
    struct check_thread *known = c->known;
    vm_va sp = c->t->hart.x[2];
    drop_stale(known, link == LINK ? sp + 1 : sp);
    if (known->ncalls == CALLS_MAX)
        return;
    if (known->ncalls == known->cap) {
        uint32_t cap = known->cap ? 2 * known->cap : 64;
        struct check_call *grown = realloc(known->call, cap * sizeof *grown);
        c->all->starved = c->all->starved || !grown;
        if (!grown)
            return;
        known->call = grown;
        known->cap = cap;
    }
    known->call[known->ncalls++] = (struct check_call){back, sp};
}

/* To the innermost call that returns there; a jump to elsewhere is none. */
static void note_return(struct check_thread *known, vm_va to)
{
    uint32_t n = known->ncalls;
    if (to == known->unheard_until)
        known->unheard_until = 0;
    while (n && known->call[n - 1].back != to)
        n--;
    known->ncalls = n ? n - 1 : known->ncalls;
}

static bool is_link(unsigned x)
{
    return x == LINK || x == LINK_ALT;
}

/* Volume I, table 2.1: which jumps are calls and returns, by their registers. */
static void follow_jump(const struct checked *c, const struct rv64_insn *insn, vm_va from)
{
    bool by_register = insn->code == RV64_jalr;
    if (by_register && is_link(insn->rs1) && insn->rs1 != insn->rd)
        note_return(c->known, c->t->hart.pc);
    if ((by_register || insn->code == RV64_jal) && is_link(insn->rd))
        note_call(c, from + insn->bytes, insn->rd);
}

/* ---- running ---- */

/* The function at pc is served, and has returned. */
static bool serve(const struct checked *c)
{
    struct vm_rv64 *hart = &c->t->hart;
    const struct served *served = vm_check_hook(c->space->image, hart->pc);
    if (!served)
        return false;
    c->all->serves = true;
    bool done = served->serve(c);
    c->all->serves = false;
    if (!done) {
        c->known->unheard_until = hart->x[LINK] & ~UINT64_C(1);
        return false;
    }
    c->known->x[10] = (struct undefined_register){0};
    hart->pc = hart->x[LINK] & ~UINT64_C(1);
    hart->instret++;
    note_return(c->known, hart->pc);
    return true;
}

static enum vm_rv64_stop step(const struct checked *c, struct vm_rv64_trap *trap)
{
    struct vm_rv64 *hart = &c->t->hart;
    struct vm_rv64_view *view = c->t->space->view;
    vm_va pc = hart->pc;
    uint64_t before = hart->instret;
    uint32_t bits;
    struct outcome o;
    if (pc & 1)
        return vm_rv64_run(hart, view, &c->k->bus, 1, trap);
    if (!fetch_bits(c, &bits, trap))
        return VM_RV64_TRAPPED;
    const struct rv64_insn *insn = decode(c->all, bits);
    foresee(c, insn, &o);
    enum vm_rv64_stop stop = vm_rv64_run(hart, view, &c->k->bus, 1, trap);
    if (hart->instret != before) {
        settle(c, &o);
        follow_jump(c, insn, pc);
    }
    return stop;
}

enum vm_rv64_stop vm_check_run(struct kernel *k, struct thread *t, uint64_t budget,
                               struct vm_rv64_trap *trap)
{
    struct check_space *space = t->space->check;
    if (!space)
        return vm_rv64_run(&t->hart, t->space->view, &k->bus, budget, trap);
    const struct checked c = {k, t, k->check, space, &k->check->thread[vm_thread_task(k, t)]};
    for (uint64_t end = t->hart.instret + budget; t->hart.instret < end && !k->failed;)
        if (!serve(&c) && step(&c, trap) == VM_RV64_TRAPPED)
            return VM_RV64_TRAPPED;
    return VM_RV64_SPENT;
}
