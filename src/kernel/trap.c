/* trap.c - from user mode to the kernel: causes, and what each leads to.
 *
 *   hart: pc, cause, tval  -->  vector  -->  handler  -->  signal delivery  -->  return from trap
 *
 * A page fault is looked at before the machine is asked: an address in no mapping, or one that its
 * mapping does not allow, is a signal; so is a page of a file behind its end. Any other is given to
 * the machine as the reference that it is; when it is resolved the instruction restarts.
 *
 * While the kernel works nothing interrupts it: interrupts are masked from trap to return, as
 * hardware's sstatus.SIE is, and its own touches of a program's memory are resolved in place.
 *
 * Source: The RISC-V Instruction Set Manual, volume II (20211203), 4.1.
 */
#include "base/assert.h"
#include "kernel/kernel.h"

#include <signal.h>
#include <stdio.h>

/* ---- the vector table ---- */

enum handler { BY_SIGNAL, BY_CALL, BY_FAULT, BY_TIMER };

static const struct row {
    struct vm_vector vector;
    enum handler handler;
    int signal, code;
} rows[] = {
    {{VM_RV64_FETCH_MISALIGNED, "instruction address misaligned", "signal", "SIGBUS"},
     BY_SIGNAL,
     SIGBUS,
     BUS_ADRALN},
    {{VM_RV64_FETCH_ACCESS, "instruction access fault", "signal", "SIGSEGV"},
     BY_SIGNAL,
     SIGSEGV,
     SEGV_ACCERR},
    {{VM_RV64_ILLEGAL, "illegal instruction", "signal", "SIGILL"}, BY_SIGNAL, SIGILL, ILL_ILLOPC},
    {{VM_RV64_BREAKPOINT, "breakpoint", "signal", "SIGTRAP"}, BY_SIGNAL, SIGTRAP, TRAP_BRKPT},
    {{VM_RV64_LOAD_MISALIGNED, "load address misaligned", "signal", "SIGBUS"},
     BY_SIGNAL,
     SIGBUS,
     BUS_ADRALN},
    {{VM_RV64_LOAD_ACCESS, "load access fault", "signal", "SIGSEGV"},
     BY_SIGNAL,
     SIGSEGV,
     SEGV_ACCERR},
    {{VM_RV64_STORE_MISALIGNED, "store/AMO address misaligned", "signal", "SIGBUS"},
     BY_SIGNAL,
     SIGBUS,
     BUS_ADRALN},
    {{VM_RV64_STORE_ACCESS, "store/AMO access fault", "signal", "SIGSEGV"},
     BY_SIGNAL,
     SIGSEGV,
     SEGV_ACCERR},
    {{VM_RV64_ECALL_USER, "environment call from U-mode", "call", "the system call in a7"},
     BY_CALL,
     0,
     0},
    {{VM_RV64_FETCH_PAGE, "instruction page fault", "fault", "page brought, or SIGSEGV, SIGBUS"},
     BY_FAULT,
     0,
     0},
    {{VM_RV64_LOAD_PAGE, "load page fault", "fault", "page brought, or SIGSEGV, SIGBUS"},
     BY_FAULT,
     0,
     0},
    {{VM_RV64_STORE_PAGE, "store/AMO page fault", "fault",
      "page brought or copied, or SIGSEGV, SIGBUS"},
     BY_FAULT,
     0,
     0},
    {{UINT64_C(1) << 63 | 5, "supervisor timer interrupt", "timer", "the scheduler's turn"},
     BY_TIMER,
     0,
     0},
};
#define NROWS (sizeof rows / sizeof rows[0])

bool vm_kernel_vector(size_t i, struct vm_vector *out)
{
    if (i < NROWS)
        *out = rows[i].vector;
    return i < NROWS;
}

/* ---- page faults ---- */

static const char *const access_names[VM_ACCESSES] = {"load", "store", "fetch"};

/* The page of a file behind the file's end; *inode is the mapping's. */
static bool is_behind_end(struct kernel *k, const struct vm_vma *v, vm_va va)
{
    const struct inode *inode =
        v->file ? vm_inode_by_number(k, v->file & VM_FILE_NUMBER_MAX) : NULL;
    uint64_t page = (va >> k->parts.page_shift) + v->file_delta;
    return inode && page << k->parts.page_shift >= inode->size;
}

/* One byte's page. */
static bool allows(struct kernel *k, struct thread *t, vm_va va, enum vm_access access,
                   struct refusal *why)
{
    const struct vm_vma *v = va < k->user_end ? vm_space_find(k, t->space, va) : NULL;
    *why = (struct refusal){SIGSEGV, SEGV_MAPERR, va};
    if (!v && vm_space_grow_stack(k, t->space, va))
        v = vm_space_find(k, t->space, va);
    if (!v)
        return false;
    why->code = SEGV_ACCERR;
    if (!(v->prot & vm_access_needs(access)))
        return false;
    *why = (struct refusal){SIGBUS, BUS_ADRERR, va};
    return !is_behind_end(k, v, va);
}

bool vm_trap_allows(struct kernel *k, struct thread *t, vm_va va, uint16_t meta,
                    struct refusal *why)
{
    enum vm_access access = vm_ref_access(meta);
    vm_va last = va + vm_ref_bytes(meta) - 1, page = UINT64_C(1) << k->parts.page_shift;
    if (!allows(k, t, va, access, why))
        return false;
    for (vm_va next = (va & ~(page - 1)) + page; next <= last && next > va; next += page)
        if (!allows(k, t, next, access, why))
            return false;
    return true;
}

/* ---- as lines of a trace ---- */

static void tell_refused(struct kernel *k, const struct thread *t, const struct vm_rv64_trap *trap,
                         const struct refusal *why)
{
    const char *reason = why->signal == SIGBUS      ? "behind the file's end: SIGBUS"
                         : why->code == SEGV_MAPERR ? "no mapping: SIGSEGV"
                                                    : "not allowed: SIGSEGV";
    vm_kernel_tell(k, VM_TRACE_FAULTS, t, "%s 0x%llx, pc 0x%llx: %s",
                   access_names[vm_ref_access(trap->meta)], (unsigned long long)trap->tval,
                   (unsigned long long)t->hart.pc, reason);
}

/* What a mapping is of: its file, or what it is for. */
static const char *mapping_name(struct kernel *k, const struct address_space *s,
                                const struct vm_vma *v, vm_va va)
{
    const struct inode *inode =
        v->file ? vm_inode_by_number(k, v->file & VM_FILE_NUMBER_MAX) : NULL;
    return inode && inode->path                      ? inode->path
           : va >= s->brk_first && va < s->brk       ? "heap"
           : va >= s->stack_low && va < s->stack_top ? "stack"
                                                     : "anonymous";
}

/* What the machine did for a fault, of its counts before and after. */
static const char *what_was_done(const struct vm_counts *before, const struct vm_counts *n)
{
    return n->file_ins > before->file_ins         ? "read from the file"
           : n->swap_ins > before->swap_ins       ? "read from swap"
           : n->demand_zero > before->demand_zero ? "zeroed"
           : n->cow_breaks > before->cow_breaks   ? "copied on write"
                                                  : "mapped";
}

static void tell_fault(struct kernel *k, const struct thread *t, const struct vm_rv64_trap *trap,
                       const struct vm_counts *before)
{
    const struct vm_counts *n = k->parts.counts;
    const struct vm_vma *v = vm_space_find(k, t->space, trap->tval);
    unsigned long long gone = n->evictions - before->evictions;
    char left[48] = "";
    if (!v)
        return;
    if (gone)
        snprintf(left, sizeof left, "; %llu %s evicted", gone, gone == 1 ? "page" : "pages");
    vm_kernel_tell(k, VM_TRACE_FAULTS, t, "%s 0x%llx, pc 0x%llx: %s, %c%c%c %s%s",
                   access_names[vm_ref_access(trap->meta)], (unsigned long long)trap->tval,
                   (unsigned long long)t->hart.pc, what_was_done(before, n),
                   v->prot & VM_PROT_READ ? 'r' : '-', v->prot & VM_PROT_WRITE ? 'w' : '-',
                   v->prot & VM_PROT_FETCH ? 'x' : '-', mapping_name(k, t->space, v, trap->tval),
                   left);
}

static void page_fault(struct kernel *k, struct thread *t, const struct vm_rv64_trap *trap)
{
    struct refusal why;
    uint64_t tval;
    const struct vm_counts *n = k->parts.counts;
    if (!vm_trap_allows(k, t, trap->va, trap->meta, &why)) {
        tell_refused(k, t, trap, &why);
        vm_signal_fault(k, t, why.signal, why.code, why.va);
        return;
    }
    struct vm_counts before = *n;
    vm_machine_touch(k, t->space->asid, trap->va, trap->meta, &tval);
    t->process->stat.faults += n->faults - before.faults;
    t->process->stat.majors += n->swap_ins + n->file_ins - before.swap_ins - before.file_ins;
    tell_fault(k, t, trap, &before);
    const struct vm_space *space = vm_space_of(k, t->space);
    if (space->killed)
        vm_process_exit(k, t->process, SIGKILL);
}

/* ---- traps ---- */

static const struct row *row_of(enum vm_rv64_cause cause)
{
    for (size_t i = 0; i < NROWS; i++)
        if (rows[i].vector.scause == (uint64_t)cause)
            return &rows[i];
    VM_ASSERT(!"every cause that a hart in user mode has is in the vector table");
    return NULL;
}

void vm_trap(struct kernel *k, struct thread *t, const struct vm_rv64_trap *trap)
{
    const struct row *row = row_of(trap->cause);
    k->out->traps[trap->cause]++;
    vm_kernel_tell(k, VM_TRACE_TRAPS, t, "scause %u (%s), sepc 0x%llx, stval 0x%llx -> %s",
                   (unsigned)trap->cause, row->vector.name, (unsigned long long)t->hart.pc,
                   (unsigned long long)trap->tval, row->vector.handler);
    switch (row->handler) {
    case BY_CALL:
        t->in_call = true;
        t->progress = 0;
        if (!t->goes_on)
            t->call_until_ns = 0;
        t->goes_on = false;
        t->woken_by_time = false;
        vm_call(k, t);
        break;
    case BY_FAULT:
        page_fault(k, t, trap);
        break;
    case BY_SIGNAL:
        vm_signal_fault(k, t, row->signal, row->code,
                        trap->cause == VM_RV64_ILLEGAL || trap->cause == VM_RV64_BREAKPOINT
                            ? t->hart.pc
                            : trap->tval);
        break;
    case BY_TIMER:
        VM_ASSERT(!"an interrupt is no trap of an instruction");
    }
}
