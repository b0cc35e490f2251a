/* file.c - a region with the contents of a file, which has what was flushed, whole.
 *
 * Pages come from the file; when they are dirty they leave for the store, as all pages do. So the
 * file changes in a flush and nowhere else, and a flush is all or nothing: what changed goes to a
 * journal beside the file first, which is made durable; then to the file, which is made durable;
 * then the journal goes. Who opens a file that has a journal finishes what it says, if it was
 * written whole, or throws it away.
 *
 *      PATH.pagoda-journal:   head | page number, sum, contents | ... | end: pages, sum of sums
 *
 * Invariants
 *  1. A page whose handle is IN_FILE equals the file's.
 *  2. Between two flushes not a byte of the file changes.
 *  3. Pages past the file's end are zeros, and are not written.
 *
 * Source of the rule: write-ahead logging; Gray & Reuter, "Transaction Processing", 1993, 10.3.
 */
#include "base/assert.h"
#include "live/live.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#define MAGIC  UINT64_C(0x314c4e524a474150) /* "PAGJRNL1" */
#define SUFFIX ".pagoda-journal"

struct backing {
    int fd;
    uint64_t bytes;
    uint32_t holders; /* regions: a cut makes two of one */
    char path[PATH_MAX];
};

struct head {
    uint64_t magic, page_bytes, file_bytes;
};
struct record {
    uint64_t page, sum; /* of the file */
};
struct end {
    uint64_t page; /* UINT64_MAX: no record begins so */
    uint64_t records, sums;
};

/* ---- whole transfers ---- */

static bool write_whole(int fd, const void *from, size_t bytes, off_t at)
{
    for (size_t done = 0; done < bytes;) {
        ssize_t n = pwrite(fd, (const char *)from + done, bytes - done, at + (off_t)done);
        if (n < 0 && errno != EINTR)
            return false;
        done += n > 0 ? (size_t)n : 0;
    }
    return true;
}

/* As many as there are, up to `bytes`; negative: errno is in it. Callable from a fault. */
static long read_upto(int fd, void *to, size_t bytes, uint64_t at)
{
    size_t done = 0;
    while (done < bytes) {
        long n = vm_raw_call(SYS_pread64, fd, (long)((char *)to + done), (long)(bytes - done),
                             (long)(at + done), 0, 0);
        if (n == -EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? n : (long)done;
        done += (size_t)n;
    }
    return (long)done;
}

static uint64_t offset_of(const struct vm_live *l, const struct region *r, uint32_t page)
{
    return (uint64_t)(page - r->file_first) << l->page_shift;
}

int vm_file_read(const struct vm_live *l, const struct region *r, uint32_t page, void *to)
{
    uint64_t at = offset_of(l, r, page);
    uint64_t there = at < r->of->bytes ? r->of->bytes - at : 0;
    size_t wanted = there < l->page_bytes ? (size_t)there : l->page_bytes;
    long n = read_upto(r->of->fd, to, wanted, at);
    if (n < 0)
        return (int)-n;
    if ((size_t)n < wanted)
        return EIO; /* somebody has cut it */
    memset((char *)to + wanted, 0, l->page_bytes - wanted);
    return 0;
}

/* ---- the journal, written ---- */

struct journal {
    struct vm_live *live;
    struct backing *of;
    int fd;
    off_t at;
    uint64_t records, sums;
    uint8_t *page;
    char path[PATH_MAX];
};

static bool journal_failed(const struct journal *j, const char *what, struct vm_error *e)
{
    int error = errno;
    return vm_fail(e, VM_ESYSTEM, "%s: %s: %s; the file is as it was at the last flush", j->path,
                   what, strerror(error));
}

static bool journal_path(const struct backing *of, char *path)
{
    return (size_t)snprintf(path, PATH_MAX, "%s%s", of->path, SUFFIX) < PATH_MAX;
}

/* The folder's entry of the path is durable. */
static bool sync_folder(const char *path)
{
    char copy[PATH_MAX];
    snprintf(copy, sizeof copy, "%s", path);
    int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool done = fd >= 0 && fsync(fd) == 0;
    if (fd >= 0)
        close(fd);
    return done;
}

static bool journal_begin(struct journal *j, struct vm_error *e)
{
    const struct head head = {MAGIC, j->live->page_bytes, j->of->bytes};
    j->fd = open(j->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (j->fd < 0)
        return journal_failed(j, "cannot be made", e);
    if (!write_whole(j->fd, &head, sizeof head, 0))
        return journal_failed(j, "cannot be written", e);
    j->at = sizeof head;
    return true;
}

static bool journal_add(struct journal *j, uint64_t page, const void *contents)
{
    const struct record r = {page, vm_page_sum(contents, j->live->page_bytes)};
    if (!write_whole(j->fd, &r, sizeof r, j->at) ||
        !write_whole(j->fd, contents, j->live->page_bytes, j->at + (off_t)sizeof r))
        return false;
    j->at += (off_t)(sizeof r + j->live->page_bytes);
    j->records++;
    j->sums += r.sum;
    return true;
}

static bool journal_end(struct journal *j, struct vm_error *e)
{
    const struct end end = {UINT64_MAX, j->records, j->sums};
    if (!write_whole(j->fd, &end, sizeof end, j->at) || fdatasync(j->fd) != 0 ||
        !sync_folder(j->path))
        return journal_failed(j, "cannot be made durable", e);
    return true;
}

/* ---- the journal, read ---- */

/* Record `n` of the journal, its contents in `page`: whether it is whole. */
static bool journal_get(int fd, uint64_t n, uint64_t page_bytes, struct record *r, void *page)
{
    uint64_t at = sizeof(struct head) + n * (sizeof *r + page_bytes);
    return read_upto(fd, r, sizeof *r, at) == (long)sizeof *r && r->page != UINT64_MAX &&
           read_upto(fd, page, page_bytes, at + sizeof *r) == (long)page_bytes &&
           vm_page_sum(page, page_bytes) == r->sum;
}

/* Whether it was written to its end; then *records is how many there are. */
static bool journal_is_whole(int fd, uint64_t page_bytes, void *page, uint64_t *records)
{
    struct record r;
    struct end end;
    uint64_t n = 0, sums = 0;
    for (; journal_get(fd, n, page_bytes, &r, page); n++)
        sums += r.sum;
    uint64_t at = sizeof(struct head) + n * (sizeof r + page_bytes);
    *records = n;
    return read_upto(fd, &end, sizeof end, at) == (long)sizeof end && end.page == UINT64_MAX &&
           end.records == n && end.sums == sums;
}

/* What the journal says is in the file, and durable. */
static bool journal_apply(int fd, const struct backing *of, uint64_t page_bytes, void *page,
                          uint64_t records)
{
    struct record r;
    for (uint64_t n = 0; n < records; n++) {
        if (!journal_get(fd, n, page_bytes, &r, page))
            return false;
        uint64_t at = r.page * page_bytes;
        uint64_t bytes = at < of->bytes ? of->bytes - at : 0;
        if (!write_whole(of->fd, page, bytes < page_bytes ? bytes : page_bytes, (off_t)at))
            return false;
    }
    return fdatasync(of->fd) == 0;
}

/* A process died in a flush: finish it, or forget it. */
static bool recover(const struct backing *of, struct vm_error *e)
{
    char path[PATH_MAX];
    struct head head;
    uint64_t records;
    if (!journal_path(of, path))
        return vm_fail(e, VM_EUSAGE, "%s: the path is too long for its journal's", of->path);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT || vm_fail(e, VM_ESYSTEM, "%s: %s", path, strerror(errno));
    long n = read_upto(fd, &head, sizeof head, 0);
    bool is_ours = n == (long)sizeof head && head.magic == MAGIC && head.page_bytes >= 4096 &&
                   head.page_bytes <= 2 << 20;
    bool done = true;
    if (n >= 8 && !is_ours) {
        done = vm_fail(e, VM_EINPUT, "%s: not a journal of a pager's: nothing is done to it", path);
    } else if (is_ours) {
        void *page = malloc(head.page_bytes);
        if (!page)
            done = vm_fail(e, VM_ESYSTEM, "no memory to read a journal");
        else if (journal_is_whole(fd, head.page_bytes, page, &records) &&
                 (head.file_bytes != of->bytes ||
                  !journal_apply(fd, of, head.page_bytes, page, records)))
            done = vm_fail(e, VM_ESYSTEM, "%s: what it has cannot be written to the file: %s", path,
                           head.file_bytes != of->bytes ? "its size is another" : strerror(errno));
        free(page);
    }
    close(fd);
    if (done && (unlink(path) != 0 || !sync_folder(path)))
        done = vm_fail(e, VM_ESYSTEM, "%s: %s", path, strerror(errno));
    return done;
}

/* ---- flush ---- */

/* A page of the region's own memory, settled: whether the file may lack what it has. */
static bool is_changed(const struct vm_live *l, uint32_t page)
{
    enum page_state s = state_of(l, page);
    return s == DIRTY || is_moving(s) || (s != EMPTY && l->handle[page] != IN_FILE);
}

/* All changed pages of the region into the journal: contents are read as the program would. */
static bool add_changed(struct journal *j, const struct region *r)
{
    struct vm_live *l = j->live;
    for (uint32_t page = r->first; page < r->first + r->n; page++) {
        if (!is_changed(l, page) || offset_of(l, r, page) >= j->of->bytes)
            continue;
        memcpy(j->page, address_in(l, r, page), l->page_bytes);
        if (!journal_add(j, page - r->file_first, j->page))
            return false;
    }
    return true;
}

/* The file has what the journal says: pages that still have it need nothing of the store. */
static void note_flushed(struct journal *j, const struct region *r)
{
    struct vm_live *l = j->live;
    struct record record;
    for (uint64_t n = 0; n < j->records; n++) {
        if (!journal_get(j->fd, n, l->page_bytes, &record, j->page))
            return;
        vm_page_flushed(l, r, r->file_first + (uint32_t)record.page, j->page);
    }
}

static bool flush_journal(struct journal *j, const struct region *r, struct vm_error *e)
{
    if (!journal_begin(j, e))
        return false;
    if (!add_changed(j, r))
        return journal_failed(j, "cannot be written", e);
    if (!journal_end(j, e))
        return false;
    if (!journal_apply(j->fd, j->of, j->live->page_bytes, j->page, j->records))
        return vm_fail(e, VM_ESYSTEM,
                       "%s: cannot be written: %s; its journal stays, with all of it", j->of->path,
                       strerror(errno));
    note_flushed(j, r);
    if (unlink(j->path) != 0)
        return journal_failed(j, "cannot be removed", e);
    return true;
}

bool vm_file_flush(struct vm_live *l, const struct region *part, struct vm_error *e)
{
    struct journal *j = calloc(1, sizeof *j);
    bool done = false;
    if (j)
        *j = (struct journal){.live = l, .of = part->of, .fd = -1, .page = malloc(l->page_bytes)};
    if (!j || !j->page)
        vm_fail(e, VM_ESYSTEM, "no memory for a flush");
    else if (!journal_path(j->of, j->path))
        vm_fail(e, VM_EUSAGE, "%s: the path is too long for its journal's", j->of->path);
    else if (recover(j->of, e)) /* a flush that failed may have left one */
        done = flush_journal(j, part, e);
    if (j && j->fd >= 0)
        close(j->fd);
    free(j ? j->page : NULL);
    free(j);
    return done;
}

/* ---- mapping ---- */

static void close_backing(struct backing *of)
{
    if (of->fd >= 0)
        close(of->fd);
    free(of);
}

static bool open_backing(struct backing *of, const char *path, struct vm_error *e)
{
    struct stat stat;
    if (!realpath(path, of->path))
        return vm_fail(e, VM_EINPUT, "%s: %s", path, strerror(errno));
    of->fd = open(of->path, O_RDWR | O_CLOEXEC);
    if (of->fd < 0 || fstat(of->fd, &stat) != 0)
        return vm_fail(e, VM_EINPUT, "%s: %s", path, strerror(errno));
    if (!S_ISREG(stat.st_mode) || stat.st_size == 0)
        return vm_fail(e, VM_EINPUT, "%s: expected a file with contents", path);
    if (flock(of->fd, LOCK_EX | LOCK_NB) != 0)
        return vm_fail(e, VM_EUSAGE, "%s: another pager has it open", path);
    of->bytes = (uint64_t)stat.st_size;
    return recover(of, e);
}

void *vm_live_map_file(struct vm_live *l, const char *path, size_t *bytes, struct vm_error *e)
{
    struct backing *of = calloc(1, sizeof *of);
    if (!of) {
        vm_fail(e, VM_ESYSTEM, "no memory for a file");
        return NULL;
    }
    of->fd = -1;
    uint8_t *start = open_backing(of, path, e) ? vm_live_map(l, of->bytes, e) : NULL;
    if (!start) {
        close_backing(of);
        return NULL;
    }
    *bytes = of->bytes;
    of->holders = 1;
    vm_region_set_file(l, start, of);
    return start;
}

void vm_file_hold(struct backing *of)
{
    of->holders++;
}

void vm_file_drop(struct backing *of)
{
    if (--of->holders == 0)
        close_backing(of);
}
