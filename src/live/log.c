/* log.c - see log.h. */
#include "live/log.h"

#include "live/live.h"

#include <fcntl.h>
#include <pagoda/live.h>
#include <pagoda/trace.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define MAGIC        UINT64_C(0x31474f4c41474150) /* "PAGALOG1" */
#define HEAD_BYTES   4096
#define WINDOW_BYTES (UINT64_C(1) << 20)
#define WINDOW       (WINDOW_BYTES / sizeof(uint64_t))

struct head {
    uint64_t magic, page_bytes;
    char origin[HEAD_BYTES - 2 * sizeof(uint64_t)]; /* ends with a zero */
};
_Static_assert(sizeof(struct head) == HEAD_BYTES, "records begin at a page");

struct vm_log {
    char path[4096];
    int fd;
    int error;        /* errno: records are lost from there on */
    uint64_t *window; /* [WINDOW] */
    uint64_t at;      /* the next record's place in it */
    uint64_t windows; /* so far */
};

static uint64_t record_of(enum log_what what, uint32_t first, uint32_t n)
{
    return (uint64_t)what << 60 | (uint64_t)first << 32 | n;
}
static enum log_what what_of(uint64_t record)
{
    return (enum log_what)(record >> 60);
}
static uint32_t first_of(uint64_t record)
{
    return (uint32_t)(record >> 32) & ((UINT32_C(1) << 28) - 1);
}
static uint32_t pages_of(uint64_t record)
{
    return (uint32_t)record;
}

static void part_path(const char *path, char *out, size_t cap)
{
    snprintf(out, cap, "%s.part", path);
}

/* ---- adding ---- */

static void next_window(struct vm_log *g)
{
    long at = (long)(HEAD_BYTES + g->windows * WINDOW_BYTES);
    if (g->window)
        vm_raw_call(SYS_munmap, (long)g->window, WINDOW_BYTES, 0, 0, 0, 0);
    g->window = NULL;
    long failed = vm_raw_call(SYS_fallocate, g->fd, 0, at, WINDOW_BYTES, 0, 0);
    long window = failed ? failed
                         : vm_raw_call(SYS_mmap, 0, WINDOW_BYTES, PROT_READ | PROT_WRITE,
                                       MAP_SHARED, g->fd, at);
    if (window < 0 && window > -4096) {
        g->error = (int)-window;
        return;
    }
    g->window = (uint64_t *)window;
    g->windows++;
    g->at = 0;
}

static bool is_touch(enum log_what what)
{
    return what == LOG_READ || what == LOG_WRITE;
}

/* What happens to each page by itself. */
static bool is_of_pages(enum log_what what)
{
    return (what >= LOG_FORGET && what <= LOG_UNPIN) || what >= LOG_OPEN;
}

void vm_log_add(struct vm_log *g, enum log_what what, uint32_t first, uint32_t n)
{
    if (!g || g->error)
        return;
    uint64_t *last = g->at ? &g->window[g->at - 1] : NULL;
    if (last && is_of_pages(what) && what_of(*last) == what &&
        first_of(*last) + pages_of(*last) == first) {
        *last += n;
        return;
    }
    if (g->at == WINDOW)
        next_window(g);
    if (!g->error)
        g->window[g->at++] = record_of(what, first, n);
}

/* ---- finishing: the records as a trace ---- */

struct finishing {
    struct vm_pgt_writer *writer;
    uint64_t page_bytes;
    struct vm_batch batch;
    vm_va va[VM_BATCH_REFS];
    uint16_t meta[VM_BATCH_REFS];
    struct vm_event event[VM_BATCH_EVENTS];
};

static bool hand_over(struct finishing *f, struct vm_error *e)
{
    f->batch.va = f->va;
    f->batch.meta = f->meta;
    f->batch.event = f->event;
    bool done = vm_pgt_append(f->writer, &f->batch, e);
    f->batch.nrefs = f->batch.nevents = 0;
    return done;
}

static struct vm_event event_of(const struct finishing *f, uint64_t record)
{
    static const uint8_t advice[] = {
        [LOG_FORGET] = VM_ADVICE_DONTNEED,
        [LOG_KEEP] = VM_ADVICE_STORED,
        [LOG_CLEAN] = VM_ADVICE_SYNC,
        [LOG_LEAVE] = VM_ADVICE_PAGEOUT,
        [LOG_PIN] = VM_ADVICE_LOCK,
        [LOG_UNPIN] = VM_ADVICE_UNLOCK,
        [LOG_NORMAL] = VM_ADVICE_NORMAL,
        [LOG_RANDOM] = VM_ADVICE_RANDOM,
        [LOG_SEQUENTIAL] = VM_ADVICE_SEQUENTIAL,
    };
    enum log_what what = what_of(record);
    struct vm_event v = {.at = f->batch.nrefs,
                         .va = first_of(record) * f->page_bytes,
                         .bytes = pages_of(record) * f->page_bytes};
    if (what == LOG_REGION) {
        v.kind = VM_EVENT_MAP;
        v.prot = VM_PROT_READ | VM_PROT_WRITE;
        v.detail = VM_BACKING_ANON;
    } else if (what == LOG_NO_REGION) {
        v.kind = VM_EVENT_UNMAP;
    } else if (what == LOG_OPEN || what == LOG_SHUT) {
        v.kind = VM_EVENT_PROTECT;
        v.prot = what == LOG_OPEN ? VM_PROT_READ | VM_PROT_WRITE : VM_PROT_NONE;
    } else {
        v.kind = VM_EVENT_ADVISE;
        v.detail = advice[what];
    }
    return v;
}

static bool take_record(struct finishing *f, uint64_t record, struct vm_error *e)
{
    if ((f->batch.nrefs == VM_BATCH_REFS || f->batch.nevents == VM_BATCH_EVENTS) &&
        !hand_over(f, e))
        return false;
    if (!is_touch(what_of(record))) {
        f->event[f->batch.nevents++] = event_of(f, record);
        return true;
    }
    f->va[f->batch.nrefs] = first_of(record) * f->page_bytes;
    f->meta[f->batch.nrefs++] = vm_ref_meta(what_of(record) == LOG_WRITE ? VM_WRITE : VM_READ, 1);
    return true;
}

static bool take_all(struct finishing *f, FILE *in, const char *path, struct vm_error *e)
{
    uint64_t record[1024];
    size_t n;
    while ((n = fread(record, sizeof record[0], 1024, in)) > 0)
        for (size_t i = 0; i < n; i++) {
            if (what_of(record[i]) == LOG_NOTHING)
                return hand_over(f, e);
            if (!take_record(f, record[i], e))
                return false;
        }
    if (ferror(in))
        return vm_fail(e, VM_ESYSTEM, "%s: cannot be read", path);
    return hand_over(f, e);
}

static bool finish(FILE *in, const char *part, const char *path, struct vm_error *e)
{
    struct head head;
    struct finishing *f = calloc(1, sizeof *f);
    if (!f)
        return vm_fail(e, VM_ESYSTEM, "no memory to finish a log");
    bool done = fread(&head, sizeof head, 1, in) == 1 && head.magic == MAGIC &&
                memchr(head.origin, 0, sizeof head.origin);
    if (!done)
        vm_fail(e, VM_EINPUT, "%s: not a log of the pager", part);
    if (done) {
        f->page_bytes = head.page_bytes;
        f->writer = vm_pgt_create(
            path, &(struct vm_pgt_options){.origin = head.origin, .complete_maps = true}, e);
        done = f->writer && take_all(f, in, part, e);
    }
    if (done)
        done = vm_pgt_finish(f->writer, e);
    else
        vm_pgt_abort(f->writer);
    free(f);
    return done;
}

static void log_range(struct vm_live *l, const void *address, size_t bytes, enum log_what what)
{
    uint64_t kept;
    struct region part;
    const uint8_t *from = address;
    if (l->log && vm_region_next_part(l, from, from + bytes, &part)) {
        vm_lock_calmly(&l->lock, &kept);
        vm_log_add(l->log, what, part.first, part.n);
        vm_lock_give_calmly(&l->lock, &kept);
    }
}

void vm_live_log_open(struct vm_live *l, const void *address, size_t bytes)
{
    log_range(l, address, bytes, LOG_OPEN);
}

void vm_live_log_shut(struct vm_live *l, const void *address, size_t bytes)
{
    log_range(l, address, bytes, LOG_SHUT);
}

bool vm_live_log_finish(const char *path, struct vm_error *e)
{
    char part[4200];
    part_path(path, part, sizeof part);
    FILE *in = fopen(part, "re");
    if (!in)
        return vm_fail(e, VM_ESYSTEM, "%s: %s", part, strerror(errno));
    bool done = finish(in, part, path, e);
    fclose(in);
    if (done)
        unlink(part);
    return done;
}

/* ---- opening, closing ---- */

static bool begin_file(struct vm_log *g, const char *origin, uint32_t page_bytes,
                       struct vm_error *e)
{
    char part[4200];
    struct head head = {.magic = MAGIC, .page_bytes = page_bytes};
    part_path(g->path, part, sizeof part);
    snprintf(head.origin, sizeof head.origin, "%s", origin);
    g->fd = open(part, O_CREAT | O_TRUNC | O_RDWR | O_CLOEXEC, 0666);
    if (g->fd < 0 || write(g->fd, &head, sizeof head) != (ssize_t)sizeof head)
        return vm_fail(e, VM_ESYSTEM, "%s: %s", part, strerror(errno));
    next_window(g);
    return !g->error || vm_fail(e, VM_ESYSTEM, "%s: %s", part, strerror(g->error));
}

struct vm_log *vm_log_open(const char *path, const char *origin, uint32_t page_bytes,
                           struct vm_error *e)
{
    struct vm_log *g = calloc(1, sizeof *g);
    if (!g || strlen(path) >= sizeof g->path) {
        free(g);
        vm_fail(e, VM_ESYSTEM, g ? "a log's name is too long" : "no memory for a log");
        return NULL;
    }
    g->fd = -1;
    strcpy(g->path, path);
    if (begin_file(g, origin, page_bytes, e))
        return g;
    vm_log_leave(g);
    return NULL;
}

void vm_log_leave(struct vm_log *g)
{
    if (!g)
        return;
    if (g->window)
        munmap(g->window, WINDOW_BYTES);
    if (g->fd >= 0)
        close(g->fd);
    free(g);
}

bool vm_log_close(struct vm_log *g, struct vm_error *e)
{
    char path[sizeof g->path];
    if (!g)
        return true;
    int error = g->error;
    strcpy(path, g->path);
    vm_log_leave(g);
    return error ? vm_fail(e, VM_ESYSTEM, "%s.part: records are lost: %s", path, strerror(error))
                 : vm_live_log_finish(path, e);
}
