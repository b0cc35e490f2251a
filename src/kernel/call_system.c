/* call_system.c - system calls on the system as a whole: its name, its limits, what was used. */
#include "kernel/kernel.h"

#include <linux/prctl.h>
#include <string.h>
#include <sys/resource.h>

int64_t vm_call_uname(struct kernel *k, struct thread *t, const uint64_t *a)
{
    static const char *const texts[6] = {"Linux",           "pagoda",  VM_SYSTEM_RELEASE,
                                         VM_SYSTEM_VERSION, "riscv64", "(none)"};
    char name[6][65] = {{0}};
    for (int i = 0; i < 6; i++)
        strcpy(name[i], texts[i]);
    return vm_user_write(k, t, a[0], name, sizeof name);
}

/* ---- limits ---- */

struct limit {
    uint64_t now, most;
};
#define UNLIMITED UINT64_MAX

static struct limit limit_of(const struct kernel *k, const struct process *p, uint64_t resource)
{
    switch (resource) {
    case RLIMIT_MEMLOCK:
        return (struct limit){p->lock_bytes_max, UNLIMITED};
    case RLIMIT_STACK:
        return (struct limit){k->c->stack_bytes, UNLIMITED};
    case RLIMIT_NOFILE:
        return (struct limit){1024, 1024};
    case RLIMIT_NPROC:
        return (struct limit){k->c->processes_max, k->c->processes_max};
    case RLIMIT_CORE:
        return (struct limit){0, 0};
    default:
        return (struct limit){UNLIMITED, UNLIMITED};
    }
}

/* Limits are the run's: setting one is taken and changes nothing, but how much may be locked. */
static int64_t limits(struct kernel *k, struct process *p, struct thread *t, uint64_t resource,
                      vm_va new, vm_va old)
{
    struct limit l = limit_of(k, p, resource), wanted;
    if (resource >= RLIM_NLIMITS)
        return -EINVAL;
    if (new &&vm_user_read(k, t, &wanted, new, sizeof wanted))
        return -EFAULT;
    if (new &&wanted.now > wanted.most)
        return -EINVAL;
    if (new &&resource == RLIMIT_MEMLOCK)
        p->lock_bytes_max = wanted.now;
    return old ? vm_user_write(k, t, old, &l, sizeof l) : 0;
}

int64_t vm_call_prlimit64(struct kernel *k, struct thread *t, const uint64_t *a)
{
    struct process *p = a[0] ? vm_process_find(k, (uint32_t)a[0]) : t->process;
    if (!p)
        return -ESRCH;
    return limits(k, p, t, a[1], a[2], a[3]);
}

int64_t vm_call_getrlimit(struct kernel *k, struct thread *t, const uint64_t *a)
{
    return limits(k, t->process, t, a[0], 0, a[1]);
}

int64_t vm_call_setrlimit(struct kernel *k, struct thread *t, const uint64_t *a)
{
    return limits(k, t->process, t, a[0], a[1], 0);
}

/* ---- what was used ---- */

struct usage {
    int64_t user_s, user_us, system_s, system_us;
    int64_t rss_kb, unused[3], minor, major, rest[8];
};
_Static_assert(sizeof(struct usage) == 144, "struct rusage of 64-bit Linux");

int64_t vm_call_getrusage(struct kernel *k, struct thread *t, const uint64_t *a)
{
    const struct vm_run_process *stat = &t->process->stat;
    uint64_t us = (uint64_t)((double)stat->instructions * k->c->instruction_ns / 1000);
    struct usage u = {0};
    if ((int64_t)(int32_t)a[0] == RUSAGE_SELF || (int32_t)a[0] == RUSAGE_THREAD) {
        u.user_s = (int64_t)(us / 1000000);
        u.user_us = (int64_t)(us % 1000000);
        u.rss_kb = (int64_t)(stat->rss_peak_bytes >> 10);
        u.minor = (int64_t)(stat->faults - stat->majors);
        u.major = (int64_t)stat->majors;
    }
    return vm_user_write(k, t, a[1], &u, sizeof u);
}

struct info {
    int64_t uptime_s;
    uint64_t loads[3], ram, free_ram, shared, buffer, swap, free_swap;
    uint16_t processes, pad;
    uint32_t pad2;
    uint64_t high, free_high;
    uint32_t unit;
    uint32_t pad3;
};
_Static_assert(sizeof(struct info) == 112, "struct sysinfo of 64-bit Linux");

int64_t vm_call_sysinfo(struct kernel *k, struct thread *t, const uint64_t *a)
{
    uint64_t page = UINT64_C(1) << k->parts.page_shift;
    uint64_t used = vm_memory_resident(k->parts.memory) + vm_memory_table_frames(k->parts.memory);
    struct info i = {.uptime_s = (int64_t)(k->now_ns / 1000000000),
                     .ram = k->parts.nframes * page,
                     .free_ram = (k->parts.nframes > used ? k->parts.nframes - used : 0) * page,
                     .swap = k->out->machine.config.swap_bytes,
                     .free_swap = k->out->machine.config.swap_bytes,
                     .processes = (uint16_t)k->nprocesses,
                     .unit = 1};
    return vm_user_write(k, t, a[0], &i, sizeof i);
}

int64_t vm_call_getrandom(struct kernel *k, struct thread *t, const uint64_t *a)
{
    uint64_t n = a[1] < INT32_MAX ? a[1] : INT32_MAX;
    for (uint64_t done = 0; done < n; done += 8) {
        uint64_t bits = vm_kernel_random(k), left = n - done;
        if (vm_user_write(k, t, a[0] + done, &bits, left < 8 ? left : 8))
            return -EFAULT;
    }
    return (int64_t)n;
}

int64_t vm_call_prctl(struct kernel *k, struct thread *t, const uint64_t *a)
{
    char name[16];
    switch (a[0]) {
    case PR_SET_NAME:
        if (vm_user_read(k, t, name, a[1], sizeof name))
            return -EFAULT;
        name[15] = 0;
        strcpy(t->process->stat.name, name);
        return 0;
    case PR_GET_NAME:
        memset(name, 0, sizeof name);
        memcpy(name, t->process->stat.name, 15);
        return vm_user_write(k, t, a[1], name, sizeof name);
    default:
        return -EINVAL;
    }
}
