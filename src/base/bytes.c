/* bytes.c - see bytes.h: the window that readers look into, and the source as it is stored.
 *
 *     plain    file --read--> buffer                    memory
 *                             [next, +left)             [next, +left): all of it, nothing is copied
 *     coded    stored window --codec--> buffer
 *
 * Invariants
 *  1. [hashed, next) has been skipped but not yet hashed. It is hashed once it is HASH_PIECE long,
 *     while it is still in a second-level cache, and before the buffer under it changes.
 *  2. offset is where `next` is in the content.
 *  3. Once reading has failed every further peek fails with the same error.
 */
#include "base/bytes.h"

#include "base/assert.h"
#include "base/bytes_codec.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#define BUFFER_BYTES (2 * VM_BYTES_PEEK_MAX) /* moved to its front at most once a PEEK_MAX */
#define HASH_PIECE   (64u << 10)
#define MAGIC_BYTES  6
#define MAGIC_LEAST  2 /* bytes that a torn magic number is still known by */

struct vm_bytes {
    XXH3_state_t hash; /* first: it wants 64-byte alignment */
    struct vm_stored stored;
    const struct vm_codec_ops *codec; /* NULL: plain */
    void *decoder;
    uint8_t *buffer; /* BUFFER_BYTES; NULL for plain memory */
    const uint8_t *next, *hashed;
    size_t left;
    uint64_t offset;
    enum { READING, ENDED, FAILED } state;
    struct vm_error error; /* when FAILED */
};

/* ---- the source as stored ---- */

bool vm_stored_damaged(const struct vm_stored *s, const char *wrong, const char *expected,
                       struct vm_error *e)
{
    return vm_fail(e, VM_EINPUT, "%s: byte %llu: %s: expected %s", s->name,
                   (unsigned long long)vm_stored_offset(s), wrong, expected);
}

/* One read of the file; *got == 0 only at the end. */
static bool stored_read(struct vm_stored *s, uint8_t *out, size_t cap, size_t *got,
                        struct vm_error *e)
{
    ssize_t n;
    do
        n = read(s->file, out, cap < VM_STORED_CHUNK ? cap : VM_STORED_CHUNK);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return vm_fail(e, VM_ESYSTEM, "%s: byte %llu: cannot read: %s", s->name,
                       (unsigned long long)s->bytes_read, strerror(errno));
    if (n == 0 && s->bytes_read < s->bytes)
        return vm_fail(e, VM_EINPUT,
                       "%s: byte %llu: the file ends: expected %llu bytes, which it "
                       "had when it was opened",
                       s->name, (unsigned long long)s->bytes_read, (unsigned long long)s->bytes);
    s->bytes_read += (size_t)n;
    *got = (size_t)n;
    return true;
}

bool vm_stored_fill(struct vm_stored *s, struct vm_error *e)
{
    if (s->left || s->file < 0)
        return true;
    s->next = s->buffer;
    return stored_read(s, s->buffer, VM_STORED_CHUNK, &s->left, e);
}

static bool stored_open_path(struct vm_stored *s, const char *path, struct vm_error *e)
{
    bool standard = !strcmp(path, "-");
    struct stat stat;
    s->name = strdup(standard ? "standard input" : path);
    if (!s->name)
        return vm_fail(e, VM_ESYSTEM, "%s: out of memory for reading it", path);
    s->file = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (s->file < 0 || fstat(s->file, &stat) != 0)
        return vm_fail(e, VM_ESYSTEM, "%s: cannot open: %s", s->name, strerror(errno));
    if (S_ISDIR(stat.st_mode))
        return vm_fail(e, VM_ESYSTEM, "%s: is a directory: expected a file", s->name);
    /* Standard input may be a file that something else has read a part of: then it is a stream. */
    s->regular = S_ISREG(stat.st_mode) && lseek(s->file, 0, SEEK_CUR) == 0;
    s->bytes = s->regular ? (uint64_t)stat.st_size : 0;
    if (s->regular)
        posix_fadvise(s->file, 0, 0, POSIX_FADV_SEQUENTIAL);
    return true;
}

static void stored_close(struct vm_stored *s)
{
    if (s->file >= 0 && s->file != STDIN_FILENO)
        close(s->file);
    free(s->buffer);
    free(s->name);
}

/* ---- the window ---- */

static void hash_skipped(struct vm_bytes *b)
{
    XXH3_64bits_update(&b->hash, b->hashed, (size_t)(b->next - b->hashed));
    b->hashed = b->next;
}

/* Read on behind the window, which is in the buffer and has room behind it. */
static bool window_extend(struct vm_bytes *b, struct vm_error *e)
{
    uint8_t *end = b->buffer + (b->next - b->buffer) + b->left;
    size_t cap = (size_t)(b->buffer + BUFFER_BYTES - end), got = 0;
    cap = cap < VM_STORED_CHUNK ? cap : VM_STORED_CHUNK;
    VM_ASSERT(cap > 0);
    bool good = b->codec ? b->codec->read(b->decoder, end, cap, &got, e)
                         : stored_read(&b->stored, end, cap, &got, e);
    b->left += got;
    if (!good) {
        b->state = FAILED;
        b->error = *e;
    } else if (got == 0) {
        b->state = ENDED;
    }
    return good;
}

/* Make room for a window of `want` bytes: move a short one to the front, so that the buffer's
 * front, which is in the cache, is used again, and a long one only if it must. */
static void window_settle(struct vm_bytes *b, size_t want)
{
    size_t behind = BUFFER_BYTES - (size_t)(b->next - b->buffer);
    if (b->left > HASH_PIECE && want + VM_STORED_CHUNK <= behind)
        return;
    hash_skipped(b);
    memmove(b->buffer, b->next, b->left);
    b->next = b->hashed = b->buffer;
}

const uint8_t *vm_bytes_peek(struct vm_bytes *b, size_t want, size_t *got, struct vm_error *e)
{
    VM_ASSERT(want <= VM_BYTES_PEEK_MAX);
    if (b->left < want && b->state == READING) {
        window_settle(b, want);
        while (b->left < want && b->state == READING)
            window_extend(b, e);
    }
    if (b->left < want && b->state == FAILED) {
        *e = b->error;
        *got = 0;
        return NULL;
    }
    *got = b->left;
    return b->next;
}

void vm_bytes_skip(struct vm_bytes *b, size_t n)
{
    VM_ASSERT(n <= b->left);
    b->next += n;
    b->left -= n;
    b->offset += n;
    if ((size_t)(b->next - b->hashed) >= HASH_PIECE)
        hash_skipped(b);
}

uint64_t vm_bytes_hash(const struct vm_bytes *b)
{
    XXH3_state_t hash = b->hash;
    XXH3_64bits_update(&hash, b->hashed, (size_t)(b->next - b->hashed));
    return XXH3_64bits_digest(&hash);
}

/* ---- opening and closing ---- */

static const struct vm_codec_ops *const codecs[] = {
    &vm_codec_gzip,
    &vm_codec_xz,
    &vm_codec_zstd,
    &vm_codec_zip,
};

/* Whether a source that begins with head[n], n < MAGIC_BYTES being all of it, begins with `magic`
 * or is a torn beginning of it. */
static bool magic_matches(const char *magic, const uint8_t *head, size_t n)
{
    size_t bytes = strlen(magic);
    return bytes && n >= MAGIC_LEAST && !memcmp(magic, head, n < bytes ? n : bytes);
}

static const struct vm_codec_ops *codec_find(const uint8_t *head, size_t n)
{
    for (size_t i = 0; i < sizeof codecs / sizeof codecs[0]; i++)
        for (size_t m = 0; m < 2; m++)
            if (magic_matches(codecs[i]->magic[m], head, n))
                return codecs[i];
    return NULL;
}

static bool buffer_take(struct vm_bytes *b, struct vm_error *e)
{
    b->buffer = malloc(BUFFER_BYTES);
    b->next = b->hashed = b->buffer;
    return b->buffer || vm_fail(e, VM_ESYSTEM, "%s: out of memory for reading it", b->stored.name);
}

/* Look at how the source begins; if it is coded, its window becomes the decoder's. */
static bool codec_choose(struct vm_bytes *b, struct vm_error *e)
{
    size_t got;
    const uint8_t *head = vm_bytes_peek(b, MAGIC_BYTES, &got, e);
    const struct vm_codec_ops *codec = head ? codec_find(head, got) : NULL;
    if (!codec)
        return head;
    b->stored.next = b->next;
    b->stored.left = b->left;
    b->stored.buffer = b->buffer;
    b->left = 0;
    b->state = READING;
    if (!buffer_take(b, e))
        return false;
    b->decoder = codec->open(&b->stored, e);
    if (b->decoder)
        b->codec = codec;
    return b->decoder;
}

static struct vm_bytes *bytes_new(const char *name, struct vm_error *e)
{
    struct vm_bytes *b = aligned_alloc(_Alignof(struct vm_bytes), sizeof *b);
    if (!b) {
        vm_fail(e, VM_ESYSTEM, "%s: out of memory for reading it", name);
        return NULL;
    }
    memset(b, 0, sizeof *b);
    XXH3_64bits_reset(&b->hash);
    b->stored.file = -1;
    return b;
}

struct vm_bytes *vm_bytes_open(const char *path, struct vm_error *e)
{
    struct vm_bytes *b = bytes_new(path, e);
    if (!b)
        return NULL;
    if (stored_open_path(&b->stored, path, e) && buffer_take(b, e) && codec_choose(b, e))
        return b;
    vm_bytes_close(b);
    return NULL;
}

struct vm_bytes *vm_bytes_open_memory(const void *data, size_t bytes, const char *name,
                                      struct vm_error *e)
{
    struct vm_bytes *b = bytes_new(name, e);
    if (!b)
        return NULL;
    b->stored.name = strdup(name);
    b->stored.regular = true;
    b->stored.bytes = b->stored.bytes_read = bytes;
    b->next = b->hashed = bytes ? data : (const void *)"";
    b->left = bytes;
    b->state = ENDED; /* all of it is in the window */
    if (!b->stored.name)
        vm_fail(e, VM_ESYSTEM, "%s: out of memory for reading it", name);
    else if (codec_choose(b, e))
        return b;
    vm_bytes_close(b);
    return NULL;
}

void vm_bytes_close(struct vm_bytes *b)
{
    if (!b)
        return;
    if (b->codec)
        b->codec->close(b->decoder);
    stored_close(&b->stored);
    free(b->buffer);
    free(b);
}

/* ---- where it is ---- */

uint64_t vm_bytes_offset(const struct vm_bytes *b)
{
    return b->offset;
}

const char *vm_bytes_name(const struct vm_bytes *b)
{
    return b->stored.name;
}

bool vm_bytes_seekable(const struct vm_bytes *b)
{
    return b->stored.regular && !b->codec;
}

uint64_t vm_bytes_size(const struct vm_bytes *b)
{
    return vm_bytes_seekable(b) ? b->stored.bytes : 0;
}

void vm_bytes_progress(const struct vm_bytes *b, uint64_t *done, uint64_t *all)
{
    *all = b->stored.bytes;
    *done = b->codec ? vm_stored_offset(&b->stored) : b->offset;
}

bool vm_bytes_seek(struct vm_bytes *b, uint64_t offset, struct vm_error *e)
{
    VM_ASSERT(vm_bytes_seekable(b));
    if (offset > b->stored.bytes)
        return vm_fail(e, VM_EINPUT, "%s: byte %llu: past the end: expected at most %llu",
                       b->stored.name, (unsigned long long)offset,
                       (unsigned long long)b->stored.bytes);
    hash_skipped(b);
    if (b->stored.file < 0) {
        b->next += (int64_t)(offset - b->offset);
        b->left = (size_t)(b->stored.bytes - offset);
    } else {
        if (lseek(b->stored.file, (off_t)offset, SEEK_SET) < 0)
            return vm_fail(e, VM_ESYSTEM, "%s: byte %llu: cannot go there: %s", b->stored.name,
                           (unsigned long long)offset, strerror(errno));
        b->stored.bytes_read = offset;
        b->next = b->buffer;
        b->left = 0;
        b->state = READING;
    }
    b->hashed = b->next;
    b->offset = offset;
    return true;
}
