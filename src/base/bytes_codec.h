/* bytes_codec.h - the seam of bytes.c: the bytes as stored, and what undoes a compression.
 *
 * Private to base/bytes*.c. Adding a compression is one file and one row in bytes.c's table.
 */
#ifndef BASE_BYTES_CODEC_H
#define BASE_BYTES_CODEC_H

#include "base/bytes.h"

/* Bytes of one read: large beside a system call, small beside a second-level cache. */
#define VM_STORED_CHUNK (256u << 10)

/* A file, pipe or memory as it is stored, seen through a window [next, next + left). */
struct vm_stored {
    char *name;          /* for messages */
    int file;            /* -1: memory */
    bool regular;        /* a file with a size and a position, or memory */
    uint64_t bytes;      /* size if regular, else 0 */
    uint64_t bytes_read; /* from the beginning to the window's end */
    const uint8_t *next;
    size_t left;
    uint8_t *buffer; /* that the window lies in; NULL for memory */
};

/* If the window is empty, read on. It is empty afterwards only at the end. */
bool vm_stored_fill(struct vm_stored *s, struct vm_error *e);

/* Take n bytes off the window. */
static inline void vm_stored_take(struct vm_stored *s, size_t n)
{
    s->next += n;
    s->left -= n;
}

/* Where the window begins, in bytes of the source as stored. */
static inline uint64_t vm_stored_offset(const struct vm_stored *s)
{
    return s->bytes_read - s->left;
}

/* Fail (VM_EINPUT) at the window's beginning: what was wrong, what was expected. */
bool vm_stored_damaged(const struct vm_stored *s, const char *wrong, const char *expected,
                       struct vm_error *e);

struct vm_codec_ops {
    const char *magic[2]; /* how a source begins; [1] may be "" */
    /* A decoder of the source from the window on, which outlives it. NULL: error. */
    void *(*open)(struct vm_stored *s, struct vm_error *e);
    /* Decode up to `cap` bytes; *got == 0 only at the end. After a failure only close is called. */
    bool (*read)(void *state, uint8_t *out, size_t cap, size_t *got, struct vm_error *e);
    void (*close)(void *state);
};

extern const struct vm_codec_ops vm_codec_gzip, vm_codec_xz, vm_codec_zstd, vm_codec_zip;

#endif
