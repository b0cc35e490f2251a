/* run_text.c - a run of programs, for people: how it ended, what the kernel did, the processes, and
 * then the machine beneath as a replay tells it. */
#include "report/words.h"

#include <pagoda/kernel.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

struct sheet {
    FILE *out;
    const struct vm_run_result *r;
    struct vm_style style;
};

static void heading(const struct sheet *s, const char *text)
{
    fprintf(s->out, "\n%s%s%s\n", s->style.bold, text, s->style.end);
}

static void row(const struct sheet *s, const char *label, uint64_t n)
{
    char text[32];
    fprintf(s->out, "  %-34s %15s\n", label, vm_text_count(n, text, sizeof text));
}

static void time_row(const struct sheet *s, const char *label, uint64_t ns)
{
    char text[32];
    fprintf(s->out, "  %-34s %15s\n", label, vm_text_ns((double)ns, text, sizeof text));
}

const char *vm_text_status(int status, char *out, size_t cap)
{
    const char *name = WIFSIGNALED(status) ? sigabbrev_np(WTERMSIG(status)) : NULL;
    if (status == -1)
        snprintf(out, cap, "still there");
    else if (WIFEXITED(status))
        snprintf(out, cap, "exit %d", WEXITSTATUS(status));
    else if (name)
        snprintf(out, cap, "SIG%s", name);
    else
        snprintf(out, cap, "signal %d", WTERMSIG(status));
    return out;
}

static void show_kernel(const struct sheet *s)
{
    const struct vm_run_result *r = s->r;
    const struct vm_counts *n = &r->machine.counts;
    heading(s, "Kernel");
    row(s, "instructions", r->instructions);
    time_row(s, "time", r->now_ns);
    time_row(s, "  in which no process could run", r->idle_ns);
    row(s, "system calls", r->syscalls);
    row(s, "page faults", n->faults);
    row(s, "  for the kernel's own accesses", n->kernel_faults);
    row(s, "signals", r->signals);
    row(s, "switches of threads", r->switches);
    row(s, "processes", r->processes);
    if (r->write_errors)
        row(s, "pages that files did not take", r->write_errors);
    row(s, "frames in use at the end", r->frames_left);
}

static void cpu_row(const struct sheet *s, uint32_t n)
{
    const struct vm_run_cpu *c = &s->r->cpu[n];
    char instructions[32], idle[32];
    fprintf(s->out, "  %9u %16s %12s %9llu %10llu %11llu %10llu\n", n,
            vm_text_count(c->instructions, instructions, sizeof instructions),
            vm_text_ns((double)c->idle_ns, idle, sizeof idle), (unsigned long long)c->switches,
            (unsigned long long)c->migrations, (unsigned long long)c->reschedules,
            (unsigned long long)c->shootdowns);
}

static void show_cpus(const struct sheet *s)
{
    if (s->r->ncpus == 1)
        return;
    heading(s, "Processors");
    fprintf(s->out, "%s  %9s %16s %12s %9s %10s %11s %10s%s\n", s->style.dim, "processor",
            "instructions", "idle", "switches", "migrations", "reschedules", "shootdowns",
            s->style.end);
    for (uint32_t n = 0; n < s->r->ncpus; n++)
        cpu_row(s, n);
}

static void show_traps(const struct sheet *s)
{
    heading(s, "Traps");
    for (unsigned cause = 0; cause < VM_RUN_CAUSES; cause++)
        if (s->r->traps[cause])
            row(s, vm_rv64_cause_name((enum vm_rv64_cause)cause), s->r->traps[cause]);
    row(s, "supervisor timer interrupt", s->r->timer_interrupts);
}

static void process_row(const struct sheet *s, const struct vm_run_process *p)
{
    char status[32], began[32], ended[32], instructions[32], rss[32];
    fprintf(s->out, "  %5u %5u  %-15.15s %-11s %10s %10s %14s %7llu %7llu %6llu %8s\n", p->pid,
            p->ppid, p->name, vm_text_status(p->status, status, sizeof status),
            vm_text_ns((double)p->began_ns, began, sizeof began),
            p->status == -1 ? "" : vm_text_ns((double)p->ended_ns, ended, sizeof ended),
            vm_text_count(p->instructions, instructions, sizeof instructions),
            (unsigned long long)p->syscalls, (unsigned long long)p->faults,
            (unsigned long long)p->majors, vm_text_bytes(p->rss_peak_bytes, rss, sizeof rss));
}

static void show_processes(const struct sheet *s)
{
    heading(s, "Processes");
    fprintf(s->out, "%s  %5s %5s  %-15s %-11s %10s %10s %14s %7s %7s %6s %8s%s\n", s->style.dim,
            "pid", "ppid", "name", "ended by", "began", "ended", "instructions", "calls", "faults",
            "read", "peak", s->style.end);
    for (size_t i = 0; i < s->r->nlisted; i++)
        process_row(s, &s->r->listed[i]);
    if (s->r->processes > s->r->nlisted)
        fprintf(s->out, "  and %llu more\n", (unsigned long long)(s->r->processes - s->r->nlisted));
}

static void show_unknown(const struct sheet *s)
{
    for (size_t i = 0; i < s->r->nunknown; i++) {
        const char *name = vm_kernel_absent_call(s->r->unknown[i]);
        fprintf(s->out, "  system call %u%s%s%s is not here: ENOSYS\n", s->r->unknown[i],
                name ? " (" : "", name ? name : "", name ? ")" : "");
    }
}

void vm_report_run_text(FILE *out, const struct vm_run_result *r, enum vm_colour colour)
{
    static const char *const models[] = {"none", "tlb", "full"};
    char status[32];
    struct sheet s = {out, r, vm_style(colour)};
    fprintf(out, "%sRun%s, model %s: %s%s%s\n", s.style.bold, s.style.end, models[r->model],
            vm_text_status(r->status, status, sizeof status), *r->ended ? "; " : "", r->ended);
    show_unknown(&s);
    show_kernel(&s);
    show_cpus(&s);
    show_traps(&s);
    show_processes(&s);
    vm_text_machine(out, &r->machine, s.style);
}
