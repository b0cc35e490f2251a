/* bytes_zstd.c - zstd undone by libzstd (RFC 8878): one frame or several, skippable ones passed
 * over. The second magic is the skippable frame that pzstd(1) begins with. */
#include "base/bytes_codec.h"

#include <stdlib.h>
#include <zstd.h>

struct zstd {
    ZSTD_DStream *z;
    struct vm_stored *stored;
    enum { BETWEEN_FRAMES, IN_FRAME } where;
};

static void zstd_close(void *state)
{
    struct zstd *z = state;
    ZSTD_freeDStream(z->z);
    free(z);
}

static void *zstd_open(struct vm_stored *stored, struct vm_error *e)
{
    struct zstd *z = calloc(1, sizeof *z);
    if (z)
        z->z = ZSTD_createDStream();
    if (!z || !z->z) {
        free(z);
        vm_fail(e, VM_ESYSTEM, "%s: out of memory for reading zstd data", stored->name);
        return NULL;
    }
    /* Files made with zstd --long are traces too: their windows may be as large as there are. */
    ZSTD_DCtx_setParameter(z->z, ZSTD_d_windowLogMax,
                           ZSTD_dParam_getBounds(ZSTD_d_windowLogMax).upperBound);
    z->stored = stored;
    z->where = BETWEEN_FRAMES;
    return z;
}

static bool zstd_read(void *state, uint8_t *out, size_t cap, size_t *got, struct vm_error *e)
{
    struct zstd *z = state;
    struct vm_stored *s = z->stored;
    for (*got = 0; *got == 0;) {
        if (!vm_stored_fill(s, e))
            return false;
        /* At the end of the source what was decoded may still wait inside libzstd. */
        bool at_end = s->left == 0;
        if (at_end && z->where == BETWEEN_FRAMES)
            return true;
        ZSTD_inBuffer in = {s->next, s->left, 0};
        ZSTD_outBuffer to = {out, cap, 0};
        size_t status = ZSTD_decompressStream(z->z, &to, &in);
        vm_stored_take(s, in.pos);
        *got = to.pos;
        if (ZSTD_isError(status))
            return vm_stored_damaged(s, ZSTD_getErrorName(status), "intact zstd data", e);
        z->where = status == 0 ? BETWEEN_FRAMES : IN_FRAME;
        if (at_end && *got == 0 && z->where == IN_FRAME)
            return vm_stored_damaged(s, "the zstd data end within a frame", "the rest of it", e);
    }
    return true;
}

const struct vm_codec_ops vm_codec_zstd = {
    .magic = {"\x28\xb5\x2f\xfd", "\x50\x2a\x4d\x18"},
    .open = zstd_open,
    .read = zstd_read,
    .close = zstd_close,
};
