/* watch.c - a process under watch: its files in /proc, its mappings, its faults.
 *
 * The folder /proc/PID is held open, so that a process that ends is not taken for the next one with
 * its number. What cannot be read any more because it ended is no error of ours: the caller asks
 * vm_watch_is_over.
 */
#include "live/watch.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define KERNEL_THREAD 0x00200000 /* PF_KTHREAD, of the flags in proc_pid_stat(5) */

const char *const vm_watch_methods[VM_WATCH_METHODS] = {"clear-refs", "idle", "pagemap-scan"};
const char *const vm_watch_kinds[VM_WATCH_KINDS] = {"heap", "anon",   "stack",
                                                    "file", "shared", "other"};

uint64_t watch_now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

int watch_file(const struct vm_watch *w, const char *name, int flags)
{
    return openat(w->folder, name, flags | O_CLOEXEC);
}

/* "pid (any bytes) S ppid ...": what stands behind the name. */
struct stat_line {
    char state;
    unsigned long flags;
    uint64_t minor, major;
};

static bool read_stat(const struct vm_watch *w, struct stat_line *out)
{
    char text[1024];
    int fd = watch_file(w, "stat", O_RDONLY);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (fd >= 0)
        close(fd);
    if (n <= 0)
        return false;
    text[n] = 0;
    const char *rest = strrchr(text, ')');
    return rest && sscanf(rest + 1, " %c %*d %*d %*d %*d %*d %lu %" SCNu64 " %*u %" SCNu64,
                          &out->state, &out->flags, &out->minor, &out->major) == 4;
}

bool vm_watch_is_over(const struct vm_watch *w)
{
    struct stat_line s;
    return !read_stat(w, &s) || s.state == 'Z' || s.state == 'X';
}

/* ---- mappings ---- */

static enum vm_watch_kind kind_of(const char *prot, const char *path)
{
    if (!strcmp(path, "[heap]"))
        return VM_WATCH_HEAP;
    if (!strncmp(path, "[stack", 6))
        return VM_WATCH_STACK;
    if (prot[3] == 's')
        return VM_WATCH_SHARED;
    if (!*path || !strncmp(path, "[anon", 5))
        return VM_WATCH_ANON;
    return *path == '[' ? VM_WATCH_OTHER : VM_WATCH_FILE;
}

/* The first line of a mapping's part of smaps. */
static bool parse_head(const char *line, struct watch_area *a)
{
    char prot[8], path[256] = "";
    int n = sscanf(line, "%" SCNx64 "-%" SCNx64 " %7s %*x %*s %*u %255[^\n]", &a->start, &a->end,
                   prot, path);
    if (n < 3 || strlen(prot) != 4)
        return false;
    a->kind = kind_of(prot, path);
    return true;
}

static void parse_size(const char *line, struct vm_watch_use *use)
{
    uint64_t kib;
    if (sscanf(line, "Rss: %" SCNu64, &kib) == 1)
        use->rss = kib * 1024;
    else if (sscanf(line, "Swap: %" SCNu64, &kib) == 1)
        use->swapped = kib * 1024;
    else if (sscanf(line, "Referenced: %" SCNu64, &kib) == 1)
        use->touched = kib * 1024;
}

static void add_known(uint64_t *sum, uint64_t part)
{
    if (*sum != VM_WATCH_UNKNOWN)
        *sum = part == VM_WATCH_UNKNOWN ? part : *sum + part;
}

static void add_use(struct vm_watch_use *sum, const struct vm_watch_use *part)
{
    sum->rss += part->rss;
    sum->swapped += part->swapped;
    add_known(&sum->touched, part->touched);
    add_known(&sum->written, part->written);
}

static void add_area(struct vm_watch *w, const struct watch_area *a, struct vm_watch_use *use,
                     struct vm_watch_sample *out)
{
    w->method->look(w, a, use);
    add_use(&out->all, use);
    add_use(&out->kind[a->kind], use);
}

static bool read_areas(struct vm_watch *w, struct vm_watch_sample *out, struct vm_error *e)
{
    char line[512];
    struct watch_area area, next;
    struct vm_watch_use use = {0};
    bool any = false;
    int fd = watch_file(w, "smaps", O_RDONLY);
    FILE *f = fd < 0 ? NULL : fdopen(fd, "r");
    if (!f)
        return vm_fail(e, VM_ESYSTEM, "process %d: its smaps: %s", w->info.pid, strerror(errno));
    while (fgets(line, sizeof line, f)) {
        if (!parse_head(line, &next)) {
            parse_size(line, &use);
            continue;
        }
        if (any)
            add_area(w, &area, &use, out);
        any = true;
        area = next;
        use = (struct vm_watch_use){0};
    }
    if (any)
        add_area(w, &area, &use, out);
    fclose(f);
    return any || vm_fail(e, VM_ESYSTEM, "process %d has no memory any more", w->info.pid);
}

/* ---- marking and looking ---- */

bool watch_write_clear_refs(struct vm_watch *w, const char *what, struct vm_error *e)
{
    int fd = watch_file(w, "clear_refs", O_WRONLY);
    bool done = fd >= 0 && write(fd, what, 1) == 1;
    int failed = errno;
    if (fd >= 0)
        close(fd);
    if (done)
        return true;
    vm_fail(e, VM_ESYSTEM, "process %d: clearing its referenced bits: %s", w->info.pid,
            strerror(failed));
    return failed == EACCES || failed == EPERM
               ? vm_hint(e, "its owner may, if it can be dumped, and root")
               : false;
}

bool vm_watch_mark(struct vm_watch *w, struct vm_error *e)
{
    struct stat_line s;
    uint64_t begin = watch_now_ns();
    if (!w->method->mark(w, e))
        return false;
    w->marked_ns = watch_now_ns();
    w->mark_ns = w->marked_ns - begin;
    if (!read_stat(w, &s))
        return vm_fail(e, VM_ESYSTEM, "process %d has ended", w->info.pid);
    w->minor = s.minor;
    w->major = s.major;
    return true;
}

bool vm_watch_look(struct vm_watch *w, struct vm_watch_sample *out, struct vm_error *e)
{
    struct stat_line s;
    uint64_t begin = watch_now_ns();
    *out = (struct vm_watch_sample){
        .at_ns = begin - w->began_ns, .interval_ns = begin - w->marked_ns, .mark_ns = w->mark_ns};
    if (!read_areas(w, out, e))
        return false;
    if (!read_stat(w, &s))
        return vm_fail(e, VM_ESYSTEM, "process %d has ended", w->info.pid);
    out->minor_faults = s.minor - w->minor;
    out->major_faults = s.major - w->major;
    out->look_ns = watch_now_ns() - begin;
    return true;
}

/* ---- what a touch costs after a mark ---- */

enum { TRIED = 1024 };

static uint64_t touch_all(volatile uint8_t *pages)
{
    uint64_t begin = watch_now_ns();
    for (size_t i = 0; i < TRIED; i++)
        pages[i * 4096]++;
    return watch_now_ns() - begin;
}

/* The least of some tries, as others use the processor, too. */
static double measure_touch(struct vm_watch *w)
{
    struct vm_watch own = *w;
    struct vm_error ignored;
    double least = -1;
    own.folder = open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC);
    void *pages =
        mmap(NULL, TRIED * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (own.folder >= 0 && pages != MAP_FAILED &&
        madvise(pages, TRIED * 4096, MADV_NOHUGEPAGE) == 0)
        for (int i = 0; i < 5; i++) {
            touch_all(pages);
            double warm = (double)touch_all(pages);
            if (!watch_write_clear_refs(&own, w->method->clears, &ignored))
                break;
            double cold = (double)touch_all(pages), more = (cold - warm) / TRIED;
            more = more > 0 ? more : 0;
            least = least < 0 || more < least ? more : least;
        }
    if (pages != MAP_FAILED)
        munmap(pages, TRIED * 4096);
    if (own.folder >= 0)
        close(own.folder);
    return least < 0 ? 0 : least;
}

/* ---- opening ---- */

static void read_command(struct vm_watch *w)
{
    int fd = watch_file(w, "comm", O_RDONLY);
    ssize_t n = fd < 0 ? 0 : read(fd, w->info.command, sizeof w->info.command - 1);
    if (fd >= 0)
        close(fd);
    w->info.command[n > 0 ? n : 0] = 0;
    w->info.command[strcspn(w->info.command, "\n")] = 0;
}

static bool open_process(struct vm_watch *w, int pid, struct vm_error *e)
{
    char name[32];
    struct stat_line s;
    snprintf(name, sizeof name, "/proc/%d", pid);
    w->info.pid = pid;
    w->folder = open(name, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (w->folder < 0 || !read_stat(w, &s))
        return vm_fail(e, VM_ESYSTEM, "no process %d", pid);
    read_command(w);
    if (s.flags & KERNEL_THREAD)
        return vm_fail(e, VM_ESYSTEM,
                       "process %d (%s) is a thread of the kernel's: it has no memory "
                       "of its own",
                       pid, w->info.command);
    if (s.state == 'Z')
        return vm_fail(e, VM_ESYSTEM, "process %d (%s) has ended: nobody has waited for it", pid,
                       w->info.command);
    return true;
}

/* Of all that fail, the first says why: the others take more. */
static bool choose_method(struct vm_watch *w, const char *name, struct vm_error *e)
{
    struct vm_error later;
    for (size_t i = 0; i < VM_WATCH_METHODS; i++) {
        const struct watch_method *m = watch_method_at(i);
        if (name && strcmp(m->name, name) != 0)
            continue;
        w->method = m;
        w->info.method = m->name;
        if (m->may(w, name || i == 0 ? e : &later))
            return true;
        if (name)
            return false;
    }
    return name ? vm_fail_unknown(e, "method", name, vm_watch_methods, VM_WATCH_METHODS) : false;
}

struct vm_watch *vm_watch_open(int pid, const char *method, struct vm_error *e)
{
    struct vm_watch *w = calloc(1, sizeof *w);
    if (!w) {
        vm_fail(e, VM_ESYSTEM, "no memory to watch with");
        return NULL;
    }
    w->folder = w->pagemap = w->idle = -1;
    if (!open_process(w, pid, e) || !choose_method(w, method, e)) {
        vm_watch_close(w);
        return NULL;
    }
    w->info.touch_ns = measure_touch(w);
    w->began_ns = w->marked_ns = watch_now_ns();
    return w;
}

void vm_watch_close(struct vm_watch *w)
{
    if (!w)
        return;
    const int file[] = {w->folder, w->pagemap, w->idle};
    for (size_t i = 0; i < sizeof file / sizeof file[0]; i++)
        if (file[i] >= 0)
            close(file[i]);
    free(w);
}

void vm_watch_info(const struct vm_watch *w, struct vm_watch_info *out)
{
    *out = w->info;
}
