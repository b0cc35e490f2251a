/* spool.c - see spool.h.
 *
 *     words   [ block 0 | block 1 | ... | block k ][ block k+1 | ... | last, part full ]
 *     where     memory: the kernel gives pages       unnamed file: block i at
 *               as they are first written            (i - k - 1) * 256 KiB; one block of buffer
 *
 * Invariants
 *  1. While writing, the buffer holds the words past the last whole block of the file.
 *  2. After seal every word is in memory or in the file; the buffer holds block `buffered`, or
 *     none.
 *
 * The file is made when the first word spills: in $TMPDIR, else /var/tmp (a disk on most hosts,
 * where /tmp is often memory itself), else /tmp. It has no name, so that nothing of it can stay.
 */
#include "base/spool.h"

#include "base/arena.h"
#include "base/assert.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLOCK_BYTES (VM_SPOOL_BLOCK * sizeof(uint32_t))
#define NO_BLOCK    UINT64_MAX

struct vm_spool {
    struct vm_arena arena;
    uint32_t *memory, *buffer; /* buffer: NULL before the first spill */
    uint64_t memory_blocks;
    uint64_t words;
    uint64_t buffered; /* the block in the buffer, after seal */
    uint64_t shown;    /* the block that vm_spool_block returned last */
    int file;          /* -1: none yet */
    bool sealed;
    char folder[256]; /* of the file, for messages */
};

struct vm_spool *vm_spool_open(size_t memory_bytes, struct vm_error *e)
{
    struct vm_spool *s = calloc(1, sizeof *s);
    if (!s) {
        vm_fail(e, VM_ESYSTEM, "out of memory for a spool");
        return NULL;
    }
    s->file = -1;
    s->buffered = s->shown = NO_BLOCK;
    s->memory_blocks = memory_bytes / BLOCK_BYTES;
    if (!vm_arena_open(&s->arena, s->memory_blocks * BLOCK_BYTES, e)) {
        free(s);
        return NULL;
    }
    s->memory = vm_arena_take(&s->arena, s->memory_blocks * BLOCK_BYTES);
    return s;
}

void vm_spool_close(struct vm_spool *s)
{
    if (!s)
        return;
    if (s->file >= 0)
        close(s->file);
    vm_arena_close(&s->arena);
    free(s->buffer);
    free(s);
}

uint64_t vm_spool_words(const struct vm_spool *s)
{
    return s->words;
}

static int unnamed_file(const char *folder)
{
    int file = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (file >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL))
        return file;
    /* A file system without unnamed files: a named one that loses its name at once. */
    char path[sizeof((struct vm_spool *)0)->folder + 32];
    snprintf(path, sizeof path, "%s/pagoda-spool-XXXXXX", folder);
    file = mkostemp(path, O_CLOEXEC);
    if (file >= 0)
        unlink(path);
    return file;
}

static int file_try(struct vm_spool *s, const char *folder)
{
    snprintf(s->folder, sizeof s->folder, "%s", folder);
    return s->file = unnamed_file(s->folder);
}

static bool file_open(struct vm_spool *s, struct vm_error *e)
{
    s->buffer = s->buffer ? s->buffer : malloc(BLOCK_BYTES);
    if (!s->buffer)
        return vm_fail(e, VM_ESYSTEM, "out of memory for a spool's buffer");
    /* A folder that the user chose is not replaced behind their back. */
    const char *chosen = getenv("TMPDIR");
    if (chosen && *chosen)
        file_try(s, chosen);
    else if (file_try(s, "/var/tmp") < 0)
        file_try(s, "/tmp");
    return s->file >= 0 || vm_fail(e, VM_ESYSTEM, "%s: cannot create a temporary file: %s",
                                   s->folder, strerror(errno));
}

static uint64_t file_position(const struct vm_spool *s, uint64_t block)
{
    VM_ASSERT(block >= s->memory_blocks);
    return (block - s->memory_blocks) * BLOCK_BYTES;
}

static size_t block_words(const struct vm_spool *s, uint64_t block)
{
    uint64_t rest = s->words - block * VM_SPOOL_BLOCK;
    return rest < VM_SPOOL_BLOCK ? (size_t)rest : VM_SPOOL_BLOCK;
}

/* Write the first n words of the buffer as `block` of the file. */
static bool buffer_write(struct vm_spool *s, uint64_t block, size_t n, struct vm_error *e)
{
    uint64_t at = file_position(s, block);
    const char *from = (const char *)s->buffer;
    for (size_t left = n * sizeof *s->buffer; left;) {
        ssize_t wrote = pwrite(s->file, from, left, (off_t)at);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote < 0) {
            vm_fail(e, VM_ESYSTEM, "%s: cannot write temporary data after %llu MiB: %s", s->folder,
                    (unsigned long long)(at >> 20), strerror(errno));
            return errno == ENOSPC ? vm_hint(e, "set TMPDIR to a folder with more room") : false;
        }
        from += wrote;
        at += (uint64_t)wrote;
        left -= (size_t)wrote;
    }
    return true;
}

static bool buffer_read(struct vm_spool *s, uint64_t block, size_t n, struct vm_error *e)
{
    uint64_t at = file_position(s, block);
    char *to = (char *)s->buffer;
    for (size_t left = n * sizeof *s->buffer; left;) {
        ssize_t got = pread(s->file, to, left, (off_t)at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return vm_fail(e, VM_ESYSTEM, "%s: cannot read temporary data back: %s", s->folder,
                           got < 0 ? strerror(errno) : "the file has become shorter");
        to += got;
        at += (uint64_t)got;
        left -= (size_t)got;
    }
    return true;
}

bool vm_spool_push(struct vm_spool *s, const uint32_t *word, size_t n, struct vm_error *e)
{
    VM_ASSERT(!s->sealed);
    while (n) {
        uint64_t block = s->words / VM_SPOOL_BLOCK;
        size_t used = s->words % VM_SPOOL_BLOCK, room = VM_SPOOL_BLOCK - used;
        size_t some = n < room ? n : room;
        bool spilled = block >= s->memory_blocks;
        if (spilled && s->file < 0 && !file_open(s, e))
            return false;
        uint32_t *to = spilled ? s->buffer + used : s->memory + s->words;
        memcpy(to, word, some * sizeof *word);
        if (spilled && some == room && !buffer_write(s, block, VM_SPOOL_BLOCK, e))
            return false;
        s->words += some;
        word += some;
        n -= some;
    }
    return true;
}

bool vm_spool_seal(struct vm_spool *s, struct vm_error *e)
{
    VM_ASSERT(!s->sealed);
    uint64_t block = s->words / VM_SPOOL_BLOCK;
    size_t used = s->words % VM_SPOOL_BLOCK;
    if (used && block >= s->memory_blocks) {
        if (!buffer_write(s, block, used, e))
            return false;
        s->buffered = block;
    }
    s->sealed = true;
    return true;
}

uint32_t *vm_spool_block(struct vm_spool *s, uint64_t i, size_t *n, struct vm_error *e)
{
    VM_ASSERT(s->sealed && i * VM_SPOOL_BLOCK < s->words);
    size_t words = block_words(s, i);
    bool spilled = i >= s->memory_blocks;
    if (spilled && s->buffered != i) {
        s->buffered = NO_BLOCK;
        if (!buffer_read(s, i, words, e))
            return NULL;
        s->buffered = i;
    }
    s->shown = i;
    *n = words;
    return spilled ? s->buffer : s->memory + i * VM_SPOOL_BLOCK;
}

bool vm_spool_keep(struct vm_spool *s, struct vm_error *e)
{
    VM_ASSERT(s->sealed && s->shown != NO_BLOCK);
    if (s->shown < s->memory_blocks)
        return true; /* changed where it lives */
    VM_ASSERT(s->buffered == s->shown);
    return buffer_write(s, s->shown, block_words(s, s->shown), e);
}
