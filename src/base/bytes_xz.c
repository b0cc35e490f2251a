/* bytes_xz.c - xz undone by liblzma (the .xz file format 1.2.0): one stream or several, with their
 * padding. */
#include "base/bytes_codec.h"

#include <lzma.h>
#include <stdlib.h>

struct xz {
    lzma_stream z;
    struct vm_stored *stored;
    bool ended;
};

static void *xz_open(struct vm_stored *stored, struct vm_error *e)
{
    struct xz *x = calloc(1, sizeof *x);
    /* No memory limit: what the file was compressed with, its reader needs. */
    if (!x || lzma_stream_decoder(&x->z, UINT64_MAX, LZMA_CONCATENATED) != LZMA_OK) {
        free(x);
        vm_fail(e, VM_ESYSTEM, "%s: out of memory for reading xz data", stored->name);
        return NULL;
    }
    x->stored = stored;
    return x;
}

static void xz_close(void *state)
{
    struct xz *x = state;
    lzma_end(&x->z);
    free(x);
}

/* What a status that ends decoding means. */
static bool xz_fail(const struct xz *x, lzma_ret status, struct vm_error *e)
{
    const struct vm_stored *s = x->stored;
    switch (status) {
    case LZMA_MEM_ERROR:
        return vm_fail(e, VM_ESYSTEM, "%s: out of memory for reading xz data", s->name);
    case LZMA_BUF_ERROR:
        return vm_stored_damaged(s, "the xz data end within a stream", "the rest of it", e);
    case LZMA_FORMAT_ERROR:
        return vm_stored_damaged(s, "bytes after the xz data", "another xz stream or the end", e);
    case LZMA_OPTIONS_ERROR:
        return vm_stored_damaged(s, "an xz filter or option that is not supported",
                                 "what xz 5 writes", e);
    default:
        return vm_stored_damaged(s, "damaged xz data", "intact xz data", e);
    }
}

static bool xz_read(void *state, uint8_t *out, size_t cap, size_t *got, struct vm_error *e)
{
    struct xz *x = state;
    struct vm_stored *s = x->stored;
    for (*got = 0; *got == 0 && !x->ended;) {
        if (!vm_stored_fill(s, e))
            return false;
        lzma_action action = s->left ? LZMA_RUN : LZMA_FINISH;
        x->z.next_in = s->next;
        x->z.avail_in = s->left;
        x->z.next_out = out;
        x->z.avail_out = cap;
        lzma_ret status = lzma_code(&x->z, action);
        vm_stored_take(s, s->left - x->z.avail_in);
        *got = cap - x->z.avail_out;
        x->ended = status == LZMA_STREAM_END;
        if (status != LZMA_OK && status != LZMA_STREAM_END)
            return xz_fail(x, status, e);
    }
    return true;
}

const struct vm_codec_ops vm_codec_xz = {
    .magic = {"\xfd"
              "7zXZ",
              ""},
    .open = xz_open,
    .read = xz_read,
    .close = xz_close,
};
