/* watch_methods.c - three ways to see which pages of a process were touched.
 *
 * A kernel may lack what a method reads, and then it reads as nothing: so the two that depend on
 * how the kernel was built are tried on pages of our own first, of which we know which are touched.
 */
#include "live/watch.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE UINT64_C(4096)

/* Entries of proc_pid_pagemap(5). */
#define SOFT_DIRTY (UINT64_C(1) << 55)
#define PRESENT    (UINT64_C(1) << 63)
#define FRAME_MASK ((UINT64_C(1) << 55) - 1)

/* ---- pagemap ---- */

static bool open_pagemap(struct vm_watch *w, struct vm_error *e)
{
    w->pagemap = watch_file(w, "pagemap", O_RDONLY);
    return w->pagemap >= 0 ||
           vm_fail(e, VM_ESYSTEM, "process %d: its pagemap: %s", w->info.pid, strerror(errno));
}

enum { CHUNK = 512 };

/* Calls `each` with the entries of the mapping, some at a time. */
static void walk(int pagemap, uint64_t start, uint64_t end,
                 void (*each)(void *to, const uint64_t *entry, size_t n), void *to)
{
    uint64_t entry[CHUNK];
    for (uint64_t at = start; at < end;) {
        size_t n = (end - at) / PAGE < CHUNK ? (size_t)((end - at) / PAGE) : CHUNK;
        ssize_t got = pread(pagemap, entry, n * sizeof *entry, (off_t)(at / PAGE * sizeof *entry));
        if (got <= 0)
            return;
        each(to, entry, (size_t)got / sizeof *entry);
        at += (uint64_t)got / sizeof *entry * PAGE;
    }
}

/* ---- clear-refs ---- */

static bool clear(struct vm_watch *w, struct vm_error *e)
{
    return watch_write_clear_refs(w, w->method->clears, e);
}

static void look_cleared(struct vm_watch *w, const struct watch_area *a, struct vm_watch_use *use)
{
    (void)w, (void)a;
    use->written = VM_WATCH_UNKNOWN;
}

/* ---- written pages: soft-dirty bits ---- */

/* Linux 6.7, uapi/linux/fs.h, which older headers lack. */
struct scan_range {
    uint64_t start, end, categories;
};
struct scan {
    uint64_t size, flags, start, end, walk_end, vec, vec_len, max_pages;
    uint64_t category_inverted, category_mask, category_anyof_mask, return_mask;
};
#define SCAN_REQUEST    _IOWR('f', 16, struct scan)
#define SCAN_SOFT_DIRTY (UINT64_C(1) << 7)

/* Bytes of pages with the bit; false: this kernel has no such request. */
static bool scan_written(int pagemap, uint64_t start, uint64_t end, uint64_t *bytes)
{
    struct scan_range range[CHUNK];
    *bytes = 0;
    for (uint64_t at = start; at < end;) {
        struct scan s = {.size = sizeof s,
                         .start = at,
                         .end = end,
                         .vec = (uintptr_t)range,
                         .vec_len = CHUNK,
                         .category_mask = SCAN_SOFT_DIRTY,
                         .return_mask = SCAN_SOFT_DIRTY};
        int n = ioctl(pagemap, SCAN_REQUEST, &s);
        if (n < 0)
            return false;
        for (int i = 0; i < n; i++)
            *bytes += range[i].end - range[i].start;
        if (s.walk_end <= at)
            break;
        at = s.walk_end;
    }
    return true;
}

static void count_written(void *to, const uint64_t *entry, size_t n)
{
    uint64_t *bytes = to;
    for (size_t i = 0; i < n; i++)
        *bytes += entry[i] & SOFT_DIRTY ? PAGE : 0;
}

static uint64_t written_in(int pagemap, uint64_t start, uint64_t end)
{
    uint64_t bytes;
    if (!scan_written(pagemap, start, end, &bytes)) {
        bytes = 0;
        walk(pagemap, start, end, count_written, &bytes);
    }
    return bytes;
}

static void look_written(struct vm_watch *w, const struct watch_area *a, struct vm_watch_use *use)
{
    use->touched = VM_WATCH_UNKNOWN;
    use->written = written_in(w->pagemap, a->start, a->end);
}

/* ---- idle frames ---- */

#define IDLE_FILE "/sys/kernel/mm/page_idle/bitmap"

struct frames {
    int idle;
    uint64_t touched; /* bytes */
};

static void count_touched(void *to, const uint64_t *entry, size_t n)
{
    struct frames *f = to;
    for (size_t i = 0; i < n; i++) {
        uint64_t frame = entry[i] & FRAME_MASK, word;
        if (!(entry[i] & PRESENT) || !frame ||
            pread(f->idle, &word, 8, (off_t)(frame / 64 * 8)) != 8)
            continue;
        f->touched += word >> frame % 64 & 1 ? 0 : PAGE;
    }
}

static void make_idle(void *to, const uint64_t *entry, size_t n)
{
    struct frames *f = to;
    for (size_t i = 0; i < n; i++) {
        uint64_t frame = entry[i] & FRAME_MASK, word = UINT64_C(1) << frame % 64;
        if (entry[i] & PRESENT && frame)
            (void)!pwrite(f->idle, &word, 8, (off_t)(frame / 64 * 8));
    }
}

static bool mark_idle(struct vm_watch *w, struct vm_error *e)
{
    char line[512];
    int fd = watch_file(w, "maps", O_RDONLY);
    FILE *f = fd < 0 ? NULL : fdopen(fd, "r");
    struct frames to = {.idle = w->idle};
    if (!f)
        return vm_fail(e, VM_ESYSTEM, "process %d: its maps: %s", w->info.pid, strerror(errno));
    while (fgets(line, sizeof line, f)) {
        unsigned long long start, end;
        if (sscanf(line, "%llx-%llx ", &start, &end) == 2)
            walk(w->pagemap, start, end, make_idle, &to);
    }
    fclose(f);
    return true;
}

static void look_idle(struct vm_watch *w, const struct watch_area *a, struct vm_watch_use *use)
{
    struct frames f = {.idle = w->idle};
    walk(w->pagemap, a->start, a->end, count_touched, &f);
    use->touched = f.touched;
    use->written = VM_WATCH_UNKNOWN;
}

/* ---- whether the kernel does what it should ---- */

enum { TRIED = 16, TOUCHED = 5 };

/* Bytes that are seen touched of TRIED pages of our own, of which TOUCHED were since the mark. */
static uint64_t try_own(const struct watch_method *method, const struct vm_watch *w)
{
    struct vm_watch own = *w;
    struct vm_error ignored;
    struct vm_watch_use use = {0};
    own.folder = open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC);
    own.pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
    uint8_t *pages =
        mmap(NULL, TRIED * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (own.folder >= 0 && own.pagemap >= 0 && pages != MAP_FAILED) {
        memset(pages, 1, TRIED * PAGE);
        if (method->mark(&own, &ignored)) {
            for (size_t i = 0; i < TOUCHED; i++)
                ((volatile uint8_t *)pages)[i * PAGE]++;
            method->look(&own,
                         &(struct watch_area){.start = (uintptr_t)pages,
                                              .end = (uintptr_t)pages + TRIED * PAGE},
                         &use);
        }
    }
    if (pages != MAP_FAILED)
        munmap(pages, TRIED * PAGE);
    if (own.folder >= 0)
        close(own.folder);
    if (own.pagemap >= 0)
        close(own.pagemap);
    return use.touched == VM_WATCH_UNKNOWN ? use.written : use.touched;
}

static bool may_see_written(struct vm_watch *w, struct vm_error *e)
{
    if (!open_pagemap(w, e))
        return false;
    return try_own(w->method, w) == TOUCHED * PAGE ||
           vm_fail(e, VM_ESYSTEM,
                   "this kernel does not mark what is written (CONFIG_MEM_SOFT_DIRTY)");
}

static bool may_see_idle(struct vm_watch *w, struct vm_error *e)
{
    if (!open_pagemap(w, e))
        return false;
    w->idle = open(IDLE_FILE, O_RDWR | O_CLOEXEC);
    if (w->idle < 0) {
        vm_fail(e, VM_ESYSTEM, "%s: %s", IDLE_FILE, strerror(errno));
        return vm_hint(e, "it takes root, and a kernel with CONFIG_IDLE_PAGE_TRACKING");
    }
    return try_own(w->method, w) == TOUCHED * PAGE ||
           vm_fail(e, VM_ESYSTEM, "%s does not show what is touched", IDLE_FILE);
}

const struct watch_method *watch_method_at(size_t i)
{
    static const struct watch_method methods[VM_WATCH_METHODS] = {
        {"clear-refs", "1", clear, clear, look_cleared},
        {"idle", "1", may_see_idle, mark_idle, look_idle},
        {"pagemap-scan", "4", may_see_written, clear, look_written},
    };
    return &methods[i];
}
