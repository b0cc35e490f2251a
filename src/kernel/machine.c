/* machine.c - the machine beneath the kernel: its references, its translations, its time, the bytes
 * of its programs.
 *
 * The hart translates by its view, ahead of the machine, and what it does is in the log. The log is
 * consumed before anything is asked of the tables, so that a refill sees them as they are after the
 * reference before. A refill answers from the entry if that needs no more than to be seen later;
 * where the machine must know at once (a first write, or no log at all) the reference is made
 * there and then. What is absent or denied is a trap.
 *
 * A batch may find that its process has to wait for a page that left and came back within it. The
 * hart is ahead by then; so the process goes on to the end of its turn, and waits then, for as long
 * as it would have.
 */
#include "base/assert.h"
#include "kernel/kernel.h"

#include <stdlib.h>
#include <string.h>

#define HART_PAGE (UINT64_C(1) << VM_RV64_PAGE_SHIFT)
#define LOG_REFS  2048 /* their columns stay in the first cache */
#define TELLS_MAX 8

/* ---- batches ---- */

/* The machine's time is the kernel's: devices that the processor serves have made it go on. */
static void look_at_clock(struct kernel *k)
{
    k->cpu->now_ns = vm_engine_now(k->engine);
    if (!k->cpu->executes)
        vm_processor_show_time(k);
}

/* Run all of it, through the ends that waits make. */
static bool run_batch(struct kernel *k, struct vm_batch b)
{
    if (k->recorder && !vm_record_batch(k, &b))
        return false;
    for (;;) {
        uint32_t refs, events;
        if (k->failed || !vm_engine_run(k->engine, &b, &k->error)) {
            k->failed = true;
            return false;
        }
        look_at_clock(k);
        vm_engine_done(k->engine, &refs, &events);
        if (refs == b.nrefs && events == b.nevents)
            return true;
        VM_ASSERT(b.nevents == 0 || refs == b.nrefs);
        b.va += refs;
        b.meta += refs;
        b.nrefs -= refs;
    }
}

void vm_machine_drain(struct kernel *k)
{
    uint32_t n = k->log.n;
    k->log.n = 0;
    if (n)
        run_batch(k, (struct vm_batch){.nrefs = n, .va = k->log.va, .meta = k->log.meta});
}

bool vm_machine_event(struct kernel *k, const struct vm_event *event)
{
    vm_machine_drain(k);
    return run_batch(k, (struct vm_batch){.nevents = 1, .event = event});
}

void vm_machine_switch(struct kernel *k, vm_asid asid)
{
    if (asid == k->cpu->asid)
        return;
    vm_machine_event(k, &(struct vm_event){.kind = VM_EVENT_SWITCH, .asid = asid});
    k->cpu->asid = asid;
}

/* One reference, now. */
static bool make(struct kernel *k, vm_va va, uint16_t meta)
{
    return run_batch(k, (struct vm_batch){.nrefs = 1, .va = &va, .meta = &meta});
}

/* ---- translations ---- */

/* NULL: nobody's who runs; of pages of tables, too, which have addresses of their own. */
static const struct address_space *space_of_page(const struct kernel *k, uint64_t page_key)
{
    vm_asid asid = vm_key_asid(page_key);
    return asid <= VM_ASID_MAX ? k->of_asid[asid] : NULL;
}

static void forget(void *host, uint64_t page_key, uint32_t n)
{
    struct kernel *k = host;
    const struct address_space *s = space_of_page(k, page_key);
    vm_va va = vm_key_va(page_key, k->parts.page_shift);
    if (!s)
        return;
    if (k->c->machine.huge_pages != VM_HUGE_NEVER) { /* it may be the first of many */
        vm_rv64_view_forget_all(s->view);
        return;
    }
    for (vm_va end = va + n * vm_page_bytes(k); va < end; va += HART_PAGE)
        vm_rv64_view_forget(s->view, va);
}

static void forget_space(void *host, vm_asid asid)
{
    struct kernel *k = host;
    if (k->of_asid[asid])
        vm_rv64_view_forget_all(k->of_asid[asid]->view);
}

/* Whether the page of `va` is present and allows the access: *place has it. */
static bool look(struct kernel *k, vm_asid asid, vm_va va, enum vm_access access,
                 struct vm_place *place)
{
    return va < k->user_end && vm_engine_look(k->engine, asid, va, place) &&
           (place->prot & vm_access_needs(access));
}

/* The pages that a reference is in: one, or two. */
struct reach {
    unsigned n;
    vm_va va[2];
    struct vm_place place[2];
};

/* False: *tval is the first byte that cannot be had. */
static bool look_at_all(struct kernel *k, vm_asid asid, vm_va va, uint16_t meta, struct reach *r,
                        uint64_t *tval)
{
    vm_va last = va + vm_ref_bytes(meta) - 1;
    r->va[0] = va;
    r->va[1] = last & ~(vm_page_bytes(k) - 1);
    r->n = va < r->va[1] && last >= va ? 2 : 1;
    for (unsigned i = 0; i < r->n; i++)
        if (!look(k, asid, r->va[i], vm_ref_access(meta), &r->place[i])) {
            *tval = r->va[i];
            return false;
        }
    return last >= va;
}

/* All of its pages may be told of the access later. */
static bool may_wait(const struct reach *r, enum vm_access access)
{
    for (unsigned i = 0; i < r->n; i++)
        if (!(r->place[i].rights & vm_access_needs(access)))
            return false;
    return true;
}

static void map_view(struct kernel *k, const struct address_space *s, vm_va va,
                     const struct vm_place *place)
{
    vm_va offset = va & (vm_page_bytes(k) - 1) & ~(HART_PAGE - 1);
    vm_rv64_view_map(s->view, va & ~(HART_PAGE - 1), place->rights, place->bytes + offset);
}

static void log_reference(struct kernel *k, vm_va va, uint16_t meta)
{
    if (k->log.n == k->log.cap)
        vm_machine_drain(k);
    k->log.va[k->log.n] = va;
    k->log.meta[k->log.n++] = meta;
}

/* The reference is made before its access, which may be made once this is true. What the machine
 * does behind a touch can undo it, by cleaning the page, or giving it up: then it is made again. A
 * memory that has no room for both pages of a reference is no reason to try for ever. */
static bool tell_before(struct kernel *k, vm_asid asid, vm_va va, uint16_t meta, struct reach *r,
                        uint64_t *tval)
{
    for (unsigned told = 0; told < TELLS_MAX; told++)
        if (!make(k, va, meta))
            return false;
        else if (look_at_all(k, asid, va, meta, r, tval) && may_wait(r, vm_ref_access(meta)))
            return true;
    return false;
}

static bool refill(void *host, vm_va va, uint16_t meta, uint64_t *tval)
{
    struct kernel *k = host;
    struct address_space *s = k->cpu->running->space;
    struct reach r;
    *tval = va;
    vm_machine_drain(k);
    if (k->failed || !look_at_all(k, s->asid, va, meta, &r, tval))
        return false;
    bool later = k->c->model != VM_RUN_NONE && may_wait(&r, vm_ref_access(meta));
    if (later)
        log_reference(k, va, meta);
    else if (!tell_before(k, s->asid, va, meta, &r, tval))
        return false;
    for (unsigned i = 0; i < r.n; i++)
        map_view(k, s, r.va[i], &r.place[i]);
    /* A page of the hart in the same page of the machine as the first byte. */
    vm_va last = va + vm_ref_bytes(meta) - 1;
    if (r.n == 1 && ((va ^ last) & ~(HART_PAGE - 1)))
        map_view(k, s, last, &r.place[0]);
    return true;
}

bool vm_machine_touch(struct kernel *k, vm_asid asid, vm_va va, uint16_t meta, uint64_t *tval)
{
    struct reach r;
    vm_machine_drain(k);
    vm_machine_switch(k, asid);
    return make(k, va, meta) && look_at_all(k, asid, va, meta, &r, tval);
}

/* ---- bytes of programs ---- */

uint8_t *vm_machine_page(struct kernel *k, const struct address_space *s, vm_va va, uint32_t bytes,
                         enum vm_access access)
{
    uint8_t *page = vm_rv64_view_find(s->view, va, access);
    uint16_t meta = vm_ref_meta(access, bytes);
    struct reach r;
    uint64_t tval;
    VM_ASSERT((va & (HART_PAGE - 1)) + bytes <= HART_PAGE);
    if (page) {
        vm_machine_switch(k, s->asid);
        if (k->c->model != VM_RUN_NONE)
            log_reference(k, va, meta);
        page = vm_rv64_view_find(s->view, va, access); /* the log may have been drained */
    }
    if (page)
        return page + (va & (HART_PAGE - 1));
    vm_machine_drain(k);
    vm_machine_switch(k, s->asid);
    if (va >= k->user_end || !tell_before(k, s->asid, va, meta, &r, &tval))
        return NULL;
    map_view(k, s, va, &r.place[0]);
    return r.place[0].bytes + (va & (vm_page_bytes(k) - 1));
}

bool vm_machine_has(struct kernel *k, const struct address_space *s, vm_va va)
{
    vm_machine_drain(k);
    return vm_memory_has(k->parts.memory, s->asid, va);
}

bool vm_machine_has_huge(struct kernel *k, const struct address_space *s, vm_va va, uint64_t bytes)
{
    vm_machine_drain(k);
    for (vm_va end = va + bytes; va < end; va += vm_page_bytes(k))
        if (k->parts.scheme->get(k->parts.scheme_state, s->asid, va).order == 0)
            return false;
    return true;
}

int64_t vm_machine_move(struct kernel *k, const struct address_space *s, vm_va from, uint64_t bytes,
                        vm_va to, enum vm_move leaves)
{
    vm_machine_drain(k);
    if (k->recorder && !vm_record_move(k, s, from, bytes, to, leaves))
        return -ENOMEM;
    k->failed =
        k->failed || !vm_engine_move(k->engine, s->asid, from, bytes, to, leaves, &k->error);
    look_at_clock(k);
    vm_check_moved(s, from, bytes, to);
    return k->failed ? -ENOMEM : 0;
}

uint8_t *vm_machine_reach(struct kernel *k, vm_asid asid, vm_va va, enum vm_access access)
{
    struct vm_place place;
    vm_machine_drain(k);
    if (k->failed || !vm_engine_reach(k->engine, asid, va, access, &place, &k->error)) {
        k->failed = true;
        return NULL;
    }
    look_at_clock(k);
    return place.bytes + (va & (vm_page_bytes(k) - 1));
}

/* The kernel's touch of [va, ...) in one page of the hart, at most `bytes`; NULL: -EFAULT. A stack
 * grows for the kernel too. */
static uint8_t *piece(struct kernel *k, struct thread *t, vm_va va, uint64_t bytes,
                      enum vm_access access, uint32_t *n)
{
    uint64_t left = HART_PAGE - (va & (HART_PAGE - 1));
    *n = (uint32_t)(bytes < left ? bytes : left);
    struct refusal why;
    bool known = vm_rv64_view_find(t->space->view, va, access);
    return known || vm_trap_allows(k, t, va, vm_ref_meta(access, *n), &why)
               ? vm_machine_page(k, t->space, va, *n, access)
               : NULL;
}

int64_t vm_user_read(struct kernel *k, struct thread *t, void *out, vm_va va, uint64_t bytes)
{
    uint32_t n;
    if (k->check)
        vm_check_kernel_reads(k, t, va, bytes);
    for (uint8_t *to = out; bytes; to += n, va += n, bytes -= n) {
        const uint8_t *from = piece(k, t, va, bytes, VM_READ, &n);
        if (!from)
            return -EFAULT;
        memcpy(to, from, n);
    }
    return 0;
}

int64_t vm_user_write(struct kernel *k, struct thread *t, vm_va va, const void *from,
                      uint64_t bytes)
{
    uint32_t n;
    if (k->check)
        vm_check_kernel_writes(k, t, va, bytes);
    for (const uint8_t *at = from; bytes; at += n, va += n, bytes -= n) {
        uint8_t *to = piece(k, t, va, bytes, VM_WRITE, &n);
        if (!to)
            return -EFAULT;
        memcpy(to, at, n);
    }
    return 0;
}

int64_t vm_user_zero(struct kernel *k, struct thread *t, vm_va va, uint64_t bytes)
{
    uint32_t n;
    if (k->check)
        vm_check_kernel_writes(k, t, va, bytes);
    for (; bytes; va += n, bytes -= n) {
        uint8_t *to = piece(k, t, va, bytes, VM_WRITE, &n);
        if (!to)
            return -EFAULT;
        memset(to, 0, n);
    }
    return 0;
}

int64_t vm_user_string(struct kernel *k, struct thread *t, char *out, size_t cap, vm_va va)
{
    uint32_t n;
    for (size_t i = 0; i < cap; i += n, va += n) {
        const uint8_t *from = piece(k, t, va, cap - i, VM_READ, &n);
        if (!from)
            return -EFAULT;
        const uint8_t *end = memchr(from, 0, n);
        size_t here = end ? (size_t)(end - from) + 1 : n;
        memcpy(out + i, from, here);
        if (k->check)
            vm_check_kernel_uses(k, t, va, here);
        if (end)
            return 0;
    }
    return -ENAMETOOLONG;
}

/* ---- time ---- */

uint64_t vm_machine_waits(struct kernel *k)
{
    return vm_engine_waited(k->engine);
}

void vm_machine_turn_to(struct kernel *k, struct processor *p)
{
    if (p == k->cpu)
        return;
    vm_machine_drain(k);
    k->cpu = p;
    vm_engine_processor(k->engine, vm_processor_number(k, p));
}

void vm_machine_rest(struct kernel *k, struct processor *p, uint64_t ns)
{
    vm_machine_drain(k);
    vm_engine_rest(k->engine, vm_processor_number(k, p), ns);
    p->now_ns += ns;
}

void vm_machine_worked(struct kernel *k, uint64_t instructions)
{
    struct processor *p = k->cpu;
    double ns = (double)instructions * k->c->instruction_ns + p->fraction_ns;
    uint64_t whole = (uint64_t)ns;
    p->fraction_ns = ns - (double)whole;
    vm_engine_work(k->engine, whole);
    look_at_clock(k);
}

void vm_machine_flush(struct kernel *k)
{
    vm_machine_drain(k);
    vm_engine_flush(k->engine);
    look_at_clock(k);
}

/* ---- opening ---- */

static void drain(void *host)
{
    vm_machine_drain(host);
}

static vm_va user_end(const struct vm_engine_parts *parts)
{
    unsigned bits = parts->va_bits - 1 < 38 ? parts->va_bits - 1 : 38;
    return UINT64_C(1) << bits;
}

#define SWAP_LEAST    (UINT64_C(1) << 30)
#define SWAP_MEMORIES 2

/* What is swapped takes memory of the host: where nobody has said how much, there is an end to it,
 * so that a program that writes without end is this machine's to stop. */
static void bound_swap(struct vm_config *c)
{
    uint64_t most = c->memory_bytes * SWAP_MEMORIES;
    most = most < SWAP_LEAST ? SWAP_LEAST : most;
    if (c->swap_bytes == 0 && !vm_config_has_slow(c))
        c->swap_bytes = most;
    if (c->swap_slow_bytes == 0 && vm_config_has_slow(c))
        c->swap_slow_bytes = most;
}

/* The configuration of the machine for this model. */
static void set_model(struct vm_config *c, enum vm_run_model model)
{
    c->layout = VM_LAYOUT_AS_IS; /* it is the kernel that chooses addresses */
    if (model != VM_RUN_FULL)
        strcpy(c->cache, "none");
}

/* The hart's translations are of pages of its own, which the machine's are made of. */
static bool check_page(const struct vm_config *c, struct vm_error *e)
{
    return c->page_bytes >= HART_PAGE ||
           vm_fail(e, VM_EMACHINE,
                   "pages of %llu bytes: expected %llu at least where programs run, those of the "
                   "RISC-V architecture",
                   (unsigned long long)c->page_bytes, (unsigned long long)HART_PAGE);
}

bool vm_machine_open(struct kernel *k, struct vm_error *e)
{
    struct vm_run_result *out = k->out;
    if (!check_page(&k->c->machine, e))
        return false;
    out->machine.config = k->c->machine;
    set_model(&out->machine.config, k->c->model);
    bound_swap(&out->machine.config);
    k->programs = (struct vm_programs){&k->contents, k, forget, forget_space, k->c->cpus};
    k->engine = vm_engine_open_programs(&out->machine.config, &k->programs, e);
    if (!k->engine)
        return false;
    vm_engine_share(k->engine);
    vm_engine_parts(k->engine, &k->parts);
    k->user_end = user_end(&k->parts);
    k->log.cap = k->c->log_refs ? k->c->log_refs : LOG_REFS;
    k->log.va = malloc(sizeof *k->log.va * k->log.cap);
    k->log.meta = malloc(sizeof *k->log.meta * k->log.cap);
    k->bus = (struct vm_rv64_bus){
        .host = k,
        .refill = refill,
        .log = k->c->model == VM_RUN_NONE ? NULL : &k->log,
        .drain = drain,
        .misaligned = k->c->misaligned_traps ? VM_RV64_MISALIGNED_TRAPS : VM_RV64_MISALIGNED_WORKS,
    };
    return (k->log.va && k->log.meta) || vm_fail(e, VM_ESYSTEM, "no memory for a kernel");
}

void vm_machine_close(struct kernel *k)
{
    vm_engine_close(k->engine);
    free(k->log.va);
    free(k->log.meta);
}
