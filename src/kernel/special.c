/* special.c - files that the kernel makes up: /dev/null, zero, full, random and urandom, and what
 * /proc has of a process.
 *
 * Random bytes come from the run's seed, so that a run can be had again.
 */
#include "kernel/kernel.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

/* ---- devices ---- */

static int64_t read_nothing(struct kernel *k, struct thread *t, struct open_file *f, void *out,
                            uint64_t n)
{
    (void)k;
    (void)t;
    (void)f;
    (void)out;
    (void)n;
    return 0;
}

static int64_t read_zeros(struct kernel *k, struct thread *t, struct open_file *f, void *out,
                          uint64_t n)
{
    (void)k;
    (void)t;
    (void)f;
    memset(out, 0, n);
    return (int64_t)n;
}

static int64_t read_random(struct kernel *k, struct thread *t, struct open_file *f, void *out,
                           uint64_t n)
{
    (void)t;
    (void)f;
    for (uint64_t i = 0; i < n; i += 8) {
        uint64_t bits = vm_kernel_random(k);
        memcpy((uint8_t *)out + i, &bits, n - i < 8 ? n - i : 8);
    }
    return (int64_t)n;
}

static int64_t write_away(struct kernel *k, struct thread *t, struct open_file *f, const void *from,
                          uint64_t n)
{
    (void)k;
    (void)t;
    (void)f;
    (void)from;
    return (int64_t)n;
}

static int64_t write_full(struct kernel *k, struct thread *t, struct open_file *f, const void *from,
                          uint64_t n)
{
    (void)k;
    (void)t;
    (void)f;
    (void)from;
    return n ? -ENOSPC : 0;
}

static int device_stat(struct kernel *k, struct open_file *f, struct stat *out)
{
    (void)k;
    unsigned minor = f->ops == &vm_file_null   ? 3
                     : f->ops == &vm_file_zero ? 5
                     : f->ops == &vm_file_full ? 7
                                               : 9;
    *out = (struct stat){
        .st_mode = S_IFCHR | 0666, .st_nlink = 1, .st_rdev = makedev(1, minor), .st_blksize = 4096};
    return 0;
}

static void close_nothing(struct kernel *k, struct open_file *f)
{
    (void)k;
    (void)f;
}

#define DEVICE(which, reads, writes)                                                               \
    const struct file_ops vm_file_##which = {                                                      \
        .name = #which,                                                                            \
        .read = reads,                                                                             \
        .write = writes,                                                                           \
        .ready = vm_file_always_ready,                                                             \
        .stat = device_stat,                                                                       \
        .ioctl = vm_file_no_ioctl,                                                                 \
        .close = close_nothing,                                                                    \
    };
DEVICE(null, read_nothing, write_away)
DEVICE(zero, read_zeros, write_away)
DEVICE(full, read_zeros, write_full)
DEVICE(random, read_random, write_away)

/* ---- text ---- */

static int64_t read_text(struct kernel *k, struct thread *t, struct open_file *f, void *out,
                         uint64_t n)
{
    (void)k;
    (void)t;
    uint64_t left = f->offset < f->size ? f->size - f->offset : 0;
    n = n < left ? n : left;
    memcpy(out, f->text + f->offset, n);
    f->offset += n;
    return (int64_t)n;
}

static int text_stat(struct kernel *k, struct open_file *f, struct stat *out)
{
    (void)k;
    (void)f;
    *out = (struct stat){.st_mode = S_IFREG | 0444, .st_nlink = 1, .st_blksize = 4096};
    return 0;
}

const struct file_ops vm_file_text = {
    .name = "text",
    .read = read_text,
    .write = vm_file_no_write,
    .ready = vm_file_always_ready,
    .stat = text_stat,
    .ioctl = vm_file_no_ioctl,
    .close = close_nothing,
};

struct text {
    char *bytes;
    size_t n;
    bool failed;
};

static void say(struct text *x, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void say(struct text *x, const char *format, ...)
{
    char line[PATH_BYTES + 128];
    va_list list;
    va_start(list, format);
    int n = vsnprintf(line, sizeof line, format, list);
    va_end(list);
    char *grown = realloc(x->bytes, x->n + (size_t)n + 1);
    if (!grown) {
        x->failed = true;
        return;
    }
    x->bytes = grown;
    memcpy(x->bytes + x->n, line, (size_t)n + 1);
    x->n += (size_t)n;
}

/* ---- /proc ---- */

static const char *name_of(struct kernel *k, const struct address_space *s, const struct vm_vma *v)
{
    const struct inode *i = v->file ? vm_inode_by_number(k, v->file & VM_FILE_NUMBER_MAX) : NULL;
    if (i)
        return i->path ? i->path : "/dev/zero (deleted)";
    if (v->start >= s->stack_low && v->end <= s->stack_top)
        return "[stack]";
    return v->end > s->brk_first && v->start < s->brk ? "[heap]" : "";
}

static void write_mapping(struct kernel *k, const struct address_space *s, const struct vm_vma *v,
                          struct text *x)
{
    uint64_t page = v->file ? (v->start >> k->parts.page_shift) + v->file_delta : 0;
    const struct inode *i = v->file ? vm_inode_by_number(k, v->file & VM_FILE_NUMBER_MAX) : NULL;
    uint64_t offset = page << k->parts.page_shift;
    say(x, "%08llx-%08llx %c%c%c%c %08llx 00:00 %llu %*s%s\n", (unsigned long long)v->start,
        (unsigned long long)v->end, v->prot & VM_PROT_READ ? 'r' : '-',
        v->prot & VM_PROT_WRITE ? 'w' : '-', v->prot & VM_PROT_FETCH ? 'x' : '-',
        v->backing == VM_BACKING_SHARED ? 's' : 'p', (unsigned long long)offset,
        (unsigned long long)(i ? i->host_number : 0), 20, "", name_of(k, s, v));
}

static void write_maps(struct kernel *k, struct thread *t, struct text *x)
{
    const struct vm_space *space = vm_space_of(k, t->space);
    for (size_t n = 0; n < space->nvmas; n++)
        write_mapping(k, t->space, &space->vma[n], x);
}

/* Base pages of a mapping: in frames, of huge pages among them, in slots. */
struct extent {
    uint64_t resident, huge, swapped;
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

static void write_smaps(struct kernel *k, struct thread *t, struct text *x)
{
    const struct vm_space *space = vm_space_of(k, t->space);
    unsigned long long kb = vm_page_bytes(k) >> 10;
    for (size_t n = 0; n < space->nvmas; n++) {
        const struct vm_vma *v = &space->vma[n];
        struct extent e = extent_of(k, t->space, v);
        write_mapping(k, t->space, v, x);
        say(x, "Size: %18llu kB\nKernelPageSize: %8llu kB\nMMUPageSize: %11llu kB\n",
            (unsigned long long)(v->end - v->start) >> 10, kb, kb);
        say(x, "Rss: %19llu kB\nAnonHugePages: %9llu kB\nSwap: %18llu kB\nLocked: %16llu kB\n",
            e.resident * kb, e.huge * kb, e.swapped * kb,
            v->flags & VM_VMA_LOCKED ? e.resident * kb : 0);
    }
}

static void write_status(struct kernel *k, struct thread *t, struct text *x)
{
    const struct process *p = t->process;
    const struct vm_space *space = vm_space_of(k, t->space);
    uint64_t bytes = 0;
    for (size_t n = 0; n < space->nvmas; n++)
        bytes += space->vma[n].end - space->vma[n].start;
    say(x, "Name:\t%s\nPid:\t%u\nPPid:\t%u\nVmSize:\t%8llu kB\nVmRSS:\t%8llu kB\n", p->stat.name,
        p->pid, p->ppid, (unsigned long long)(bytes >> 10),
        (unsigned long long)(space->resident << k->parts.page_shift >> 10));
}

static void write_meminfo(struct kernel *k, struct thread *t, struct text *x)
{
    (void)t;
    uint64_t page_kb = (UINT64_C(1) << k->parts.page_shift) / 1024;
    uint64_t used = vm_memory_resident(k->parts.memory) + vm_memory_table_frames(k->parts.memory);
    uint64_t free_kb = (k->parts.nframes > used ? k->parts.nframes - used : 0) * page_kb;
    uint64_t all_kb = k->parts.nframes * page_kb;
    say(x, "MemTotal: %15llu kB\nMemFree: %16llu kB\nMemAvailable: %11llu kB\n",
        (unsigned long long)all_kb, (unsigned long long)free_kb, (unsigned long long)free_kb);
}

static void write_uptime(struct kernel *k, struct thread *t, struct text *x)
{
    (void)t;
    uint64_t idle_ns = 0;
    for (uint32_t n = 0; n < k->ncpus; n++)
        idle_ns += k->out->cpu[n].idle_ns;
    say(x, "%.2f %.2f\n", (double)k->now_ns / 1e9, (double)idle_ns / 1e9);
}

static void write_cpuinfo(struct kernel *k, struct thread *t, struct text *x)
{
    (void)t;
    for (uint32_t n = 0; n < k->ncpus; n++)
        say(x, "processor\t: %u\nhart\t\t: %u\nisa\t\t: rv64imafdc_zicsr_zifencei\n\n", n, n);
}

static void write_cpus(struct kernel *k, struct thread *t, struct text *x)
{
    (void)t;
    if (k->ncpus == 1)
        say(x, "0\n");
    else
        say(x, "0-%u\n", k->ncpus - 1);
}

static const struct {
    const char *path;
    void (*write)(struct kernel *k, struct thread *t, struct text *x);
} texts[] = {
    {"/proc/self/maps", write_maps},     {"/proc/self/smaps", write_smaps},
    {"/proc/self/status", write_status}, {"/proc/meminfo", write_meminfo},
    {"/proc/uptime", write_uptime},
    {"/proc/cpuinfo", write_cpuinfo},
    {"/sys/devices/system/cpu/online", write_cpus},
    {"/sys/devices/system/cpu/possible", write_cpus},
};

static const struct {
    const char *path;
    const struct file_ops *ops;
} devices[] = {
    {"/dev/null", &vm_file_null},      {"/dev/zero", &vm_file_zero},
    {"/dev/full", &vm_file_full},      {"/dev/random", &vm_file_random},
    {"/dev/urandom", &vm_file_random},
};

static struct open_file *text_file(struct kernel *k, struct thread *t, size_t i, const char *path,
                                   int64_t *error)
{
    struct text x = {0};
    texts[i].write(k, t, &x);
    struct open_file *f = x.failed ? NULL : vm_open_file_new(&vm_file_text, O_RDONLY, path);
    if (!f) {
        free(x.bytes);
        *error = -ENOMEM;
        return NULL;
    }
    f->text = x.bytes;
    f->size = x.n;
    return f;
}

/* "/proc/PID/..." of the process itself is "/proc/self/...". */
static const char *of_itself(const struct thread *t, const char *path, char out[PATH_BYTES])
{
    unsigned pid;
    int n = 0;
    if (sscanf(path, "/proc/%u%n", &pid, &n) != 1 || pid != t->process->pid || path[n] != '/')
        return path;
    snprintf(out, PATH_BYTES, "/proc/self%s", path + n);
    return out;
}

struct open_file *vm_path_special(struct kernel *k, struct thread *t, const char *absolute,
                                  int flags, int64_t *error)
{
    char own[PATH_BYTES];
    const char *path = of_itself(t, absolute, own);
    *error = 0;
    for (size_t i = 0; i < sizeof devices / sizeof devices[0]; i++) {
        if (strcmp(path, devices[i].path) != 0)
            continue;
        struct open_file *f = vm_open_file_new(devices[i].ops, flags, path);
        *error = f ? 0 : -ENOMEM;
        return f;
    }
    if (strcmp(path, "/dev/tty") == 0) {
        struct open_file *f = vm_terminal_kept(k) < 0 ? NULL : vm_stream_open(0, O_RDWR);
        *error = f ? 0 : vm_terminal_kept(k) < 0 ? -ENXIO : -ENOMEM;
        return f;
    }
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (strcmp(path, texts[i].path) == 0)
            return text_file(k, t, i, path, error);
    return NULL;
}
