/* inode.c - files that have pages: in the page cache, which reads, writes and mappings share.
 *
 *     read, write --> window (the kernel's own mapping of the file) --> page cache <-- mappings
 *                                                                          |
 *                                                 contents: pread, pwrite of the host, or memory
 *
 * Bytes are never read from the host past the cache: so what one process writes another that maps
 * the file sees, and a page that is in memory costs no transfer. Dirty pages reach the host when
 * they leave memory, when the flusher finds them old, at fsync, and at the end of the run.
 *
 * An inode stays when nobody has it open, with its pages, until there are many of them.
 *
 * Invariants
 *  1. One inode for a file of the host, however often and by whatever path it is open.
 *  2. size is what programs see; the host's file is as long or shorter until it is written back.
 */
#include "base/assert.h"
#include "kernel/kernel.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define INODES_KEPT 256
/* Two instructions: addi a7, zero, 139; ecall. */
static const uint32_t trampoline[] = {0x08b00893, 0x00000073};

struct inodes {
    struct inode *first;
    uint32_t n, next_number;
    vm_va window_next;
    struct inode *trampoline;
};

/* ---- contents ---- */

static uint64_t bytes_in(const struct kernel *k, const struct inode *i, uint64_t page)
{
    uint64_t at = page << k->parts.page_shift;
    if (at >= i->size)
        return 0;
    return i->size - at < vm_page_bytes(k) ? i->size - at : vm_page_bytes(k);
}

static void read_host(const struct inode *i, uint64_t at, uint8_t *bytes, uint64_t n)
{
    while (n) {
        ssize_t got = pread(i->host_fd, bytes, n, (off_t)at);
        if (got <= 0)
            return;
        bytes += got;
        at += (uint64_t)got;
        n -= (uint64_t)got;
    }
}

/* What was written back of anonymous files. They may be large and all but empty, as a mapping that
 * is touched here and there: so it is kept in chunks, of which the host gives what is used. */
#define CHUNK_BYTES (UINT64_C(1) << 20)

static uint64_t in_chunk(uint64_t at, uint64_t n)
{
    uint64_t left = CHUNK_BYTES - at % CHUNK_BYTES;
    return n < left ? n : left;
}

static void look_up(const struct inode *i, uint64_t at, uint8_t *out, uint64_t n)
{
    for (uint64_t step; n; at += step, out += step, n -= step) {
        uint64_t which = at / CHUNK_BYTES;
        step = in_chunk(at, n);
        if (which < i->nchunks && i->chunk[which])
            memcpy(out, i->chunk[which] + at % CHUNK_BYTES, step);
    }
}

static uint8_t *chunk_for(struct inode *i, uint64_t which)
{
    if (which >= i->nchunks) {
        uint64_t n = which + 1 > 2 * i->nchunks ? which + 1 : 2 * i->nchunks;
        uint8_t **grown = realloc(i->chunk, n * sizeof(uint8_t *));
        VM_ASSERT(grown);
        memset(grown + i->nchunks, 0, (n - i->nchunks) * sizeof(uint8_t *));
        i->chunk = grown;
        i->nchunks = n;
    }
    if (!i->chunk[which])
        i->chunk[which] = calloc(1, CHUNK_BYTES);
    VM_ASSERT(i->chunk[which]);
    return i->chunk[which];
}

static void keep(struct inode *i, uint64_t at, const uint8_t *bytes, uint64_t n)
{
    for (uint64_t step; n; at += step, bytes += step, n -= step) {
        step = in_chunk(at, n);
        memcpy(chunk_for(i, at / CHUNK_BYTES) + at % CHUNK_BYTES, bytes, step);
    }
}

static void contents_read(void *host, uint32_t file, uint64_t page, uint8_t *bytes)
{
    struct kernel *k = host;
    const struct inode *i = vm_inode_by_number(k, file);
    uint64_t n = i ? bytes_in(k, i, page) : 0, at = page << k->parts.page_shift;
    memset(bytes, 0, vm_page_bytes(k));
    if (n && i->host_fd >= 0)
        read_host(i, at, bytes, n);
    else if (n)
        look_up(i, at, bytes, n);
}

/* What fails is told to nobody: a program learns of it as little as of any write behind its back.
 */
static void contents_write(void *host, uint32_t file, uint64_t page, const uint8_t *bytes)
{
    struct kernel *k = host;
    struct inode *i = vm_inode_by_number(k, file);
    uint64_t n = i ? bytes_in(k, i, page) : 0, at = page << k->parts.page_shift;
    if (n && i->host_fd < 0)
        keep(i, at, bytes, n);
    for (uint64_t done = 0; n && i->host_fd >= 0 && done < n;) {
        ssize_t wrote = pwrite(i->host_fd, bytes + done, n - done, (off_t)(at + done));
        if (wrote <= 0) {
            k->out->write_errors++;
            return;
        }
        done += (uint64_t)wrote;
    }
}

/* ---- finding them ---- */

struct inode *vm_inode_by_number(struct kernel *k, uint32_t number)
{
    for (struct inode *i = k->inodes->first; i; i = i->next)
        if (i->number == number)
            return i;
    return NULL;
}

struct inode *vm_inode_by_host(struct kernel *k, uint64_t device, uint64_t host_number)
{
    for (struct inode *i = k->inodes->first; i; i = i->next)
        if (i->host_fd >= 0 && i->device == device && i->host_number == host_number)
            return i;
    return NULL;
}

/* ---- beginning and ending ---- */

static bool is_mapped(const struct kernel *k, const struct inode *i)
{
    for (unsigned asid = 1; asid < FILES_ASID; asid++) {
        if (!k->of_asid[asid])
            continue;
        const struct vm_space *s = vm_space_of(k, k->of_asid[asid]);
        for (size_t v = 0; v < s->nvmas; v++)
            if (s->vma[v].file && (s->vma[v].file & VM_FILE_NUMBER_MAX) == i->number)
                return true;
    }
    return false;
}

static void close_window(struct kernel *k, struct inode *i)
{
    if (i->window)
        vm_machine_event(k, &(struct vm_event){.kind = VM_EVENT_UNMAP,
                                               .asid = FILES_ASID,
                                               .va = i->window,
                                               .bytes = i->window_bytes});
    i->window = 0;
}

static void free_inode(struct inode *i)
{
    if (i->host_fd >= 0)
        close(i->host_fd);
    for (uint64_t n = 0; n < i->nchunks; n++)
        free(i->chunk[n]);
    free(i->chunk);
    free(i->path);
    free(i);
}

/* Nobody has it, and its pages are gone, written first where that matters. */
static void end_inode(struct kernel *k, struct inode **link)
{
    struct inode *i = *link;
    vm_machine_drain(k);
    if (i->host_fd >= 0)
        vm_engine_sync_file(k->engine, i->number);
    close_window(k, i);
    vm_engine_drop_file(k->engine, i->number);
    *link = i->next;
    k->inodes->n--;
    free_inode(i);
}

/* The list begins with the youngest: the oldest are kept last. */
static void trim(struct kernel *k)
{
    uint32_t kept = 0;
    for (struct inode **link = &k->inodes->first; *link;) {
        struct inode *i = *link;
        bool unused = !i->users && !is_mapped(k, i);
        if (unused && (i->host_fd < 0 || ++kept > INODES_KEPT / 2))
            end_inode(k, link);
        else
            link = &i->next;
    }
}

static struct inode *new_inode(struct kernel *k)
{
    if (k->inodes->n >= INODES_KEPT)
        trim(k);
    struct inode *i = calloc(1, sizeof *i);
    if (!i)
        return NULL;
    do
        k->inodes->next_number = k->inodes->next_number % VM_FILE_NUMBER_MAX + 1;
    while (vm_inode_by_number(k, k->inodes->next_number));
    i->number = k->inodes->next_number;
    i->host_fd = -1;
    i->users = 1;
    i->next = k->inodes->first;
    k->inodes->first = i;
    k->inodes->n++;
    return i;
}

struct inode *vm_inode_anonymous(struct kernel *k, uint64_t bytes)
{
    struct inode *i = new_inode(k);
    if (i)
        i->size = bytes;
    return i;
}

/* The descriptor that may do more is kept. */
static void take_descriptor(struct inode *i, int host_fd, bool writable)
{
    if (writable && !i->writable) {
        close(i->host_fd);
        i->host_fd = host_fd;
        i->writable = true;
    } else {
        close(host_fd);
    }
}

struct inode *vm_inode_of_host(struct kernel *k, int host_fd, bool writable, const char *path)
{
    struct stat s;
    if (fstat(host_fd, &s) != 0)
        return NULL;
    struct inode *i = vm_inode_by_host(k, s.st_dev, s.st_ino);
    if (i) {
        i->users++;
        take_descriptor(i, host_fd, writable);
        return i;
    }
    i = new_inode(k);
    if (!i)
        return NULL;
    i->host_fd = host_fd;
    i->writable = writable;
    i->device = s.st_dev;
    i->host_number = s.st_ino;
    i->size = (uint64_t)s.st_size;
    i->path = strdup(path);
    return i;
}

void vm_inode_hold(struct inode *i)
{
    i->users++;
}

void vm_inode_release(struct kernel *k, struct inode *i)
{
    VM_ASSERT(i->users > 0);
    i->users--;
    (void)k;
}

int64_t vm_inode_open(struct kernel *k, struct thread *t, const char *path, struct inode **out)
{
    char absolute[PATH_BYTES];
    struct open_file *f;
    int64_t error = vm_path_absolute(k, t, AT_FDCWD, path, absolute);
    if (!error)
        error = vm_path_open(k, t, absolute, O_RDONLY, 0, &f);
    if (error)
        return error;
    *out = f->inode;
    if (f->inode)
        vm_inode_hold(f->inode);
    vm_open_file_hold(f);
    vm_open_file_release(k, f);
    return *out ? 0 : -EACCES;
}

struct inode *vm_files_trampoline(struct kernel *k)
{
    return k->inodes->trampoline;
}

bool vm_inodes_open(struct kernel *k, struct vm_error *e)
{
    k->inodes = calloc(1, sizeof *k->inodes);
    if (!k->inodes)
        return vm_fail(e, VM_ESYSTEM, "no memory for a kernel's files");
    k->contents = (struct vm_contents){k, contents_read, contents_write};
    k->inodes->window_next = vm_page_bytes(k);
    struct inode *i = k->inodes->trampoline = vm_inode_anonymous(k, vm_page_bytes(k));
    if (!i)
        return vm_fail(e, VM_ESYSTEM, "no memory for a kernel's files");
    i->path = strdup("[trampoline]");
    keep(i, 0, (const uint8_t *)trampoline, sizeof trampoline);
    return true;
}

void vm_inodes_close(struct kernel *k)
{
    if (!k->inodes)
        return;
    for (struct inode *i; (i = k->inodes->first);) {
        k->inodes->first = i->next;
        free_inode(i);
    }
    free(k->inodes);
}

void vm_inodes_drop(struct kernel *k)
{
    for (struct inode *i = k->inodes->first; i; i = i->next) {
        close_window(k, i);
        vm_engine_drop_file(k->engine, i->number);
    }
}

/* ---- bytes ---- */

/* What a window may have, so that several fit: files are read and written up to there. */
static uint64_t window_max(const struct kernel *k)
{
    return k->user_end / 8;
}

/* The window has the file's page at `offset`. Files that grow get a longer one elsewhere. */
static bool open_window(struct kernel *k, struct inode *i, uint64_t offset)
{
    uint64_t needed = (offset | (vm_page_bytes(k) - 1)) + 1;
    if (needed <= i->window_bytes && i->window)
        return true;
    close_window(k, i);
    uint64_t bytes = needed > i->size ? needed : (i->size | (vm_page_bytes(k) - 1)) + 1;
    bytes += i->window_bytes; /* at least twice the last one */
    bytes = bytes < window_max(k) ? bytes : window_max(k);
    if (bytes > k->user_end - k->inodes->window_next)
        k->inodes->window_next = vm_page_bytes(k); /* old windows are replaced: see below */
    i->window = k->inodes->window_next;
    i->window_bytes = bytes;
    k->inodes->window_next += bytes;
    for (struct inode *other = k->inodes->first; other; other = other->next)
        if (other != i && other->window && other->window < i->window + bytes &&
            i->window < other->window + other->window_bytes)
            close_window(k, other);
    return vm_machine_event(k, &(struct vm_event){.kind = VM_EVENT_MAP,
                                                  .asid = FILES_ASID,
                                                  .va = i->window,
                                                  .bytes = bytes,
                                                  .prot = VM_PROT_READ | VM_PROT_WRITE,
                                                  .detail = VM_BACKING_SHARED,
                                                  .file = i->number});
}

/* Where the byte at `offset` is, for this access; NULL: the machine has failed. */
static uint8_t *reach(struct kernel *k, struct inode *i, uint64_t offset, enum vm_access access)
{
    return open_window(k, i, offset) ? vm_machine_reach(k, FILES_ASID, i->window + offset, access)
                                     : NULL;
}

static uint64_t piece(const struct kernel *k, uint64_t offset, uint64_t n)
{
    uint64_t left = vm_page_bytes(k) - (offset & (vm_page_bytes(k) - 1));
    return n < left ? n : left;
}

int64_t vm_inode_read(struct kernel *k, struct inode *i, uint64_t offset, void *out, uint64_t n)
{
    uint8_t *to = out;
    if (offset >= i->size)
        return 0;
    if (n > i->size - offset)
        n = i->size - offset;
    if (offset + n > window_max(k))
        return -EOVERFLOW;
    for (uint64_t done = 0, step; done < n; done += step) {
        step = piece(k, offset + done, n - done);
        const uint8_t *from = reach(k, i, offset + done, VM_READ);
        if (!from)
            return -ENOMEM;
        memcpy(to + done, from, step);
    }
    return (int64_t)n;
}

int64_t vm_inode_write(struct kernel *k, struct inode *i, uint64_t offset, const void *from,
                       uint64_t n)
{
    const uint8_t *at = from;
    if (offset > window_max(k) || n > window_max(k) - offset)
        return -EFBIG;
    for (uint64_t done = 0, step; done < n; done += step) {
        step = piece(k, offset + done, n - done);
        if (offset + done + step > i->size)
            i->size = offset + done + step;
        uint8_t *to = reach(k, i, offset + done, VM_WRITE);
        if (!to)
            return -ENOMEM;
        memcpy(to, at + done, step);
    }
    return (int64_t)n;
}

void vm_inode_sync(struct kernel *k, struct inode *i)
{
    vm_machine_drain(k);
    vm_engine_sync_file(k->engine, i->number);
}

/* No process has the file's pages from `first` on any more, nor copies of them: who touches one
 * again is behind the file's end. */
static void unmap_from(struct kernel *k, const struct inode *i, uint64_t first)
{
    for (unsigned asid = 1; asid < FILES_ASID; asid++) {
        const struct vm_space *s = k->of_asid[asid] ? vm_space_of(k, k->of_asid[asid]) : NULL;
        for (size_t n = 0; s && n < s->nvmas; n++) {
            const struct vm_vma *v = &s->vma[n];
            uint64_t page = (v->start >> k->parts.page_shift) + v->file_delta;
            vm_va from =
                page < first ? v->start + ((first - page) << k->parts.page_shift) : v->start;
            if (v->file && (v->file & VM_FILE_NUMBER_MAX) == i->number && from < v->end)
                vm_machine_event(k, &(struct vm_event){.kind = VM_EVENT_ADVISE,
                                                       .asid = (vm_asid)asid,
                                                       .va = from,
                                                       .bytes = v->end - from,
                                                       .detail = VM_ADVICE_DONTNEED});
        }
    }
}

/* What lies behind the new end is gone, in the page that has it too. */
int64_t vm_inode_truncate(struct kernel *k, struct inode *i, uint64_t size)
{
    uint64_t rest = size & (vm_page_bytes(k) - 1), old = i->size;
    VM_ASSERT(i->host_fd >= 0);
    if (size > window_max(k))
        return -EFBIG;
    if (size < old) {
        vm_machine_drain(k);
        vm_engine_sync_file(k->engine, i->number);
        close_window(k, i);
        unmap_from(k, i, (size + vm_page_bytes(k) - 1) >> k->parts.page_shift);
        vm_engine_drop_file(k->engine, i->number);
    }
    if (ftruncate(i->host_fd, (off_t)size) != 0)
        return -errno;
    i->size = size;
    if (size < old && rest) { /* a frame that is mapped elsewhere still has it */
        uint8_t *last = reach(k, i, size - 1, VM_WRITE);
        if (last)
            memset(last + 1, 0, vm_page_bytes(k) - rest);
    }
    return 0;
}
