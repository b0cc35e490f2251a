/* proc_process.c - files of /proc/PID: their texts. A zombie has a state and numbers, and no
 * memory.
 */
#include "kernel/clock.h"
#include "kernel/proc.h"

#include <signal.h>

typedef unsigned long long ull;

#define TICK_NS     (SECOND_NS / 100) /* of times(2) */
#define STATM_BYTES 4096              /* a page, as programs know it (sysconf) */

/* Its memory; NULL: it has none any more. */
static const struct address_space *space_of(const struct process *p)
{
    return p->threads ? p->threads->space : NULL;
}

static uint64_t bytes_mapped(const struct kernel *k, const struct process *p)
{
    const struct address_space *s = space_of(p);
    const struct vm_space *space = s ? vm_space_of(k, s) : NULL;
    uint64_t bytes = 0;
    for (size_t n = 0; space && n < space->nvmas; n++)
        bytes += space->vma[n].end - space->vma[n].start;
    return bytes;
}

static uint64_t bytes_resident(const struct kernel *k, const struct process *p)
{
    const struct address_space *s = space_of(p);
    return s ? vm_space_of(k, s)->resident << k->parts.page_shift : 0;
}

/* The liveliest of its threads' states. */
static char state_of(const struct process *p)
{
    char state = p->stopped ? 'T' : 'S';
    if (!p->threads)
        return 'Z';
    for (const struct thread *t = p->threads; t; t = t->next)
        if (t->state == THREAD_RUNNING || t->state == THREAD_READY)
            state = 'R';
    return state;
}

static unsigned threads_of(const struct process *p)
{
    unsigned n = 0;
    for (const struct thread *t = p->threads; t; t = t->next)
        n++;
    return n;
}

/* ---- numbers ---- */

void vm_proc_process_stat(struct kernel *k, struct process *p, struct text *x)
{
    const struct vm_run_process *stat = &p->stat;
    const struct address_space *s = space_of(p);
    ull ticks = (ull)((double)stat->instructions * k->c->instruction_ns / (double)TICK_NS);
    int nice = p->threads ? k->task[vm_thread_task(k, p->threads)].nice : 0;
    vm_text_say(x, "%u (%.15s) %c %u %u %u 0 -1 0 %llu 0 %llu 0 %llu 0 0 0 %d %d %u 0 %llu ",
                p->pid, stat->name, state_of(p), p->ppid, p->pgid, p->sid,
                (ull)(stat->faults - stat->majors), (ull)stat->majors, ticks, 20 + nice, nice,
                threads_of(p), (ull)(stat->began_ns / TICK_NS));
    vm_text_say(x, "%llu %llu %llu ", (ull)bytes_mapped(k, p),
                (ull)(bytes_resident(k, p) / STATM_BYTES), (ull)UINT64_MAX);
    vm_text_say(x, "0 0 %llu 0 0 0 0 0 0 0 0 0 %d 0 0 0 0 0 0 0 0 0 0 0 0 0 0 %d\n",
                (ull)(s ? s->stack_top : 0), p->exit_signal, p->threads ? 0 : p->status);
}

void vm_proc_statm(struct kernel *k, struct process *p, struct text *x)
{
    vm_text_say(x, "%llu %llu 0 0 0 0 0\n", (ull)(bytes_mapped(k, p) / STATM_BYTES),
                (ull)(bytes_resident(k, p) / STATM_BYTES));
}

static const char *state_name(char state)
{
    return state == 'R'   ? "running"
           : state == 'T' ? "stopped"
           : state == 'Z' ? "zombie"
                          : "sleeping";
}

static void say_signals(struct process *p, struct text *x)
{
    const struct thread *t = p->threads;
    signal_set ignored = 0, caught = 0;
    for (int s = 1; s <= NSIGNALS; s++) {
        vm_va handler = p->action[s].handler;
        if (handler == (vm_va)(uintptr_t)SIG_IGN)
            ignored |= UINT64_C(1) << (s - 1);
        else if (handler != (vm_va)(uintptr_t)SIG_DFL)
            caught |= UINT64_C(1) << (s - 1);
    }
    vm_text_say(x, "SigPnd:\t%016llx\nShdPnd:\t%016llx\nSigBlk:\t%016llx\n",
                (ull)(t ? t->pending.set : 0), (ull)p->pending.set, (ull)(t ? t->blocked : 0));
    vm_text_say(x, "SigIgn:\t%016llx\nSigCgt:\t%016llx\n", (ull)ignored, (ull)caught);
}

void vm_proc_status(struct kernel *k, struct process *p, struct text *x)
{
    char state = state_of(p);
    vm_text_say(x, "Name:\t%.15s\n", p->stat.name);
    if (p->where)
        vm_text_say(x, "Umask:\t%04o\n", p->where->umask);
    vm_text_say(x, "State:\t%c (%s)\nTgid:\t%u\nPid:\t%u\nPPid:\t%u\nTracerPid:\t0\n", state,
                state_name(state), p->pid, p->pid, p->ppid);
    vm_text_say(x, "Uid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\nFDSize:\t%u\n", p->files ? p->files->n : 0);
    if (p->threads)
        vm_text_say(x, "VmSize:\t%8llu kB\nVmRSS:\t%8llu kB\n", (ull)(bytes_mapped(k, p) >> 10),
                    (ull)(bytes_resident(k, p) >> 10));
    vm_text_say(x, "Threads:\t%u\n", threads_of(p));
    say_signals(p, x);
}

/* ---- names ---- */

void vm_proc_comm(struct kernel *k, struct process *p, struct text *x)
{
    (void)k;
    vm_text_say(x, "%.15s\n", p->stat.name);
}

void vm_proc_cmdline(struct kernel *k, struct process *p, struct text *x)
{
    (void)k;
    if (p->threads && p->command)
        vm_text_add(x, p->command, p->command_bytes);
}

void vm_proc_process_mounts(struct kernel *k, struct process *p, struct text *x)
{
    (void)p;
    vm_proc_mounts(k, x);
}

/* ---- memory ---- */

static const char *name_of(struct kernel *k, const struct address_space *s, const struct vm_vma *v)
{
    const struct inode *i = v->file ? vm_inode_by_number(k, v->file & VM_FILE_NUMBER_MAX) : NULL;
    if (i)
        return i->path ? i->path : "/dev/zero (deleted)";
    if (v->start >= s->stack_low && v->end <= s->stack_top)
        return "[stack]";
    return v->end > s->brk_first && v->start < s->brk ? "[heap]" : "";
}

static void say_mapping(struct kernel *k, const struct address_space *s, const struct vm_vma *v,
                        struct text *x)
{
    ull page = v->file ? (v->start >> k->parts.page_shift) + v->file_delta : 0;
    const struct inode *i = v->file ? vm_inode_by_number(k, v->file & VM_FILE_NUMBER_MAX) : NULL;
    vm_text_say(x, "%08llx-%08llx %c%c%c%c %08llx 00:00 %llu %*s%s\n", (ull)v->start, (ull)v->end,
                v->prot & VM_PROT_READ ? 'r' : '-', v->prot & VM_PROT_WRITE ? 'w' : '-',
                v->prot & VM_PROT_FETCH ? 'x' : '-', v->backing == VM_BACKING_SHARED ? 's' : 'p',
                page << k->parts.page_shift, (ull)(i ? i->host_number : 0), 20, "",
                name_of(k, s, v));
}

void vm_proc_maps(struct kernel *k, struct process *p, struct text *x)
{
    const struct address_space *s = space_of(p);
    const struct vm_space *space = s ? vm_space_of(k, s) : NULL;
    for (size_t n = 0; space && n < space->nvmas; n++)
        say_mapping(k, s, &space->vma[n], x);
}

/* Base pages of a mapping: in frames, of huge pages among them, in slots. */
struct extent {
    ull resident, huge, swapped;
};

static struct extent extent_of(const struct kernel *k, const struct address_space *s,
                               const struct vm_vma *v)
{
    const struct vm_scheme_ops *scheme = k->parts.scheme;
    struct extent e = {0, 0, 0};
    for (vm_va va = v->start;
         (va = scheme->next(k->parts.scheme_state, s->asid, va, v->end)) < v->end;
         va += vm_page_bytes(k)) {
        struct vm_pte pte = scheme->get(k->parts.scheme_state, s->asid, va);
        e.resident += pte.state == VM_PTE_PRESENT;
        e.huge += pte.state == VM_PTE_PRESENT && pte.order > 0;
        e.swapped += pte.state == VM_PTE_SWAPPED && pte.slot != VM_SLOT_FILE;
    }
    return e;
}

void vm_proc_smaps(struct kernel *k, struct process *p, struct text *x)
{
    const struct address_space *s = space_of(p);
    const struct vm_space *space = s ? vm_space_of(k, s) : NULL;
    ull kb = vm_page_bytes(k) >> 10;
    for (size_t n = 0; space && n < space->nvmas; n++) {
        const struct vm_vma *v = &space->vma[n];
        struct extent e = extent_of(k, s, v);
        say_mapping(k, s, v, x);
        vm_text_say(x, "Size: %18llu kB\nKernelPageSize: %8llu kB\nMMUPageSize: %11llu kB\n",
                    (ull)(v->end - v->start) >> 10, kb, kb);
        vm_text_say(x, "Rss: %19llu kB\nAnonHugePages: %9llu kB\n", e.resident * kb, e.huge * kb);
        vm_text_say(x, "Swap: %18llu kB\nLocked: %16llu kB\n", e.swapped * kb,
                    v->flags & VM_VMA_LOCKED ? e.resident * kb : 0);
    }
}
