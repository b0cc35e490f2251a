/* proc_system.c - files of /proc on the system as a whole: their texts.
 *
 * Load averages are not kept: they are of minutes, and a run is seldom that long.
 */
#include "kernel/clock.h"
#include "kernel/proc.h"

#include <time.h>

typedef unsigned long long ull;

#define TICK_NS (SECOND_NS / 100) /* of times(2) */

uint64_t vm_proc_frames_used(const struct kernel *k)
{
    uint64_t used = vm_memory_resident(k->parts.memory) + vm_memory_table_frames(k->parts.memory);
    return used < k->parts.nframes ? used : k->parts.nframes;
}

void vm_proc_meminfo(struct kernel *k, struct text *x)
{
    uint64_t page_kb = (UINT64_C(1) << k->parts.page_shift) / 1024;
    ull all_kb = k->parts.nframes * page_kb;
    ull free_kb = (k->parts.nframes - vm_proc_frames_used(k)) * page_kb;
    ull swap_kb = k->out->machine.config.swap_bytes >> 10;
    ull table_kb = vm_memory_table_frames(k->parts.memory) * page_kb;
    vm_text_say(x, "MemTotal:       %8llu kB\nMemFree:        %8llu kB\n", all_kb, free_kb);
    vm_text_say(x, "MemAvailable:   %8llu kB\nPageTables:     %8llu kB\n", free_kb, table_kb);
    vm_text_say(x, "SwapTotal:      %8llu kB\nSwapFree:       %8llu kB\n", swap_kb, swap_kb);
}

void vm_proc_cpuinfo(struct kernel *k, struct text *x)
{
    for (uint32_t cpu = 0; cpu < k->sched_env.ncpus; cpu++)
        vm_text_say(x, "processor\t: %u\nhart\t\t: %u\nisa\t\t: rv64imafdc\nmmu\t\t: %s\n\n", cpu,
                    cpu, k->c->machine.scheme);
}

void vm_proc_cpus(struct kernel *k, struct text *x)
{
    if (k->ncpus == 1)
        vm_text_say(x, "0\n");
    else
        vm_text_say(x, "0-%u\n", k->ncpus - 1);
}

static uint64_t idle_of_all(const struct kernel *k)
{
    uint64_t ns = 0;
    for (uint32_t n = 0; n < k->ncpus; n++)
        ns += k->out->cpu[n].idle_ns;
    return ns;
}

void vm_proc_uptime(struct kernel *k, struct text *x)
{
    vm_text_say(x, "%.2f %.2f\n", (double)k->now_ns / 1e9, (double)idle_of_all(k) / 1e9);
}

static bool could_run(const struct thread *t)
{
    return t->state == THREAD_RUNNING || t->state == THREAD_READY;
}

static void count_threads(const struct kernel *k, uint32_t *all, uint32_t *ready)
{
    *all = *ready = 0;
    for (uint32_t i = 0; i < k->threads_max; i++) {
        *all += k->thread[i].state != THREAD_FREE;
        *ready += could_run(&k->thread[i]);
    }
}

void vm_proc_loadavg(struct kernel *k, struct text *x)
{
    uint32_t all, ready;
    count_threads(k, &all, &ready);
    vm_text_say(x, "0.00 0.00 0.00 %u/%u %u\n", ready, all, k->pid_next - 1);
}

void vm_proc_stat(struct kernel *k, struct text *x)
{
    uint32_t all, ready;
    count_threads(k, &all, &ready);
    ull busy = (ull)((double)k->out->instructions * k->c->instruction_ns / (double)TICK_NS);
    ull idle = idle_of_all(k) / TICK_NS;
    vm_text_say(x, "cpu  %llu 0 0 %llu 0 0 0 0 0 0\n", busy, idle);
    for (uint32_t cpu = 0; cpu < k->sched_env.ncpus; cpu++)
        vm_text_say(x, "cpu%u %llu 0 0 %llu 0 0 0 0 0 0\n", cpu, busy / k->sched_env.ncpus,
                    idle / k->sched_env.ncpus);
    vm_text_say(x, "intr %llu\nctxt %llu\nbtime %llu\n", (ull)k->out->timer_interrupts,
                (ull)k->out->switches, (ull)(vm_date_s(k) - k->now_ns / SECOND_NS));
    vm_text_say(x, "processes %u\nprocs_running %u\nprocs_blocked 0\n", k->out->processes, ready);
}

void vm_proc_version(struct kernel *k, struct text *x)
{
    (void)k;
    vm_text_say(x, "Linux version " VM_SYSTEM_RELEASE " (pagoda) " VM_SYSTEM_VERSION "\n");
}

void vm_proc_mounts(struct kernel *k, struct text *x)
{
    vm_text_say(x, "root / pagoda %s 0 0\nproc /proc proc ro 0 0\n", k->c->writable ? "rw" : "ro");
}

void vm_proc_filesystems(struct kernel *k, struct text *x)
{
    (void)k;
    vm_text_say(x, "\tpagoda\nnodev\tproc\n");
}

void vm_proc_swaps(struct kernel *k, struct text *x)
{
    ull kb = k->out->machine.config.swap_bytes >> 10;
    vm_text_say(x, "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n");
    if (kb)
        vm_text_say(x, "%-40s%s\t%llu\t\t%u\t\t%d\n", "/dev/swap", "partition", kb, 0, -2);
}

void vm_proc_locks(struct kernel *k, struct text *x)
{
    unsigned n = 0;
    for (const struct lock *l = k->locks.first; l; l = l->next) {
        vm_text_say(x, "%u: %s  ADVISORY  %s %d 00:%02llx:%llu %llu ", ++n,
                    l->kind == LOCK_OF_FILE ? "FLOCK"
                    : l->pid == UINT32_MAX  ? "OFDLCK"
                                            : "POSIX ",
                    l->exclusive ? "WRITE" : "READ ", (int)l->pid, (ull)l->file.device,
                    (ull)l->file.number, (ull)l->first);
        if (l->last == (uint64_t)INT64_MAX)
            vm_text_say(x, "EOF\n");
        else
            vm_text_say(x, "%llu\n", (ull)l->last);
    }
}
