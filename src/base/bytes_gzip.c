/* bytes_gzip.c - gzip undone by zlib (RFC 1952): one member or several, one after the other.
 *
 * As gzip(1) does, zeros after the last member are taken for padding; anything else there is an
 * error, where gzip(1) warns and goes on.
 */
#include "base/bytes_codec.h"

#include <limits.h>
#include <stdlib.h>
#include <zlib.h>

#define GZIP_WINDOW (16 + MAX_WBITS) /* zlib's way to say: with a gzip header */

struct gzip {
    z_stream z;
    struct vm_stored *stored;
    enum { BETWEEN_MEMBERS, IN_MEMBER } where;
};

static void *gzip_open(struct vm_stored *stored, struct vm_error *e)
{
    struct gzip *g = calloc(1, sizeof *g);
    if (!g || inflateInit2(&g->z, GZIP_WINDOW) != Z_OK) {
        free(g);
        vm_fail(e, VM_ESYSTEM, "%s: out of memory for reading gzip data", stored->name);
        return NULL;
    }
    g->stored = stored;
    g->where = IN_MEMBER;
    return g;
}

static void gzip_close(void *state)
{
    struct gzip *g = state;
    inflateEnd(&g->z);
    free(g);
}

/* After a member: begin the next, or reach the end (then the window is empty). */
static bool member_next(struct gzip *g, struct vm_error *e)
{
    struct vm_stored *s = g->stored;
    for (;;) {
        if (!vm_stored_fill(s, e))
            return false;
        if (s->left == 0)
            return true;
        if (*s->next != 0)
            break;
        vm_stored_take(s, 1);
    }
    if (*s->next != 0x1f)
        return vm_stored_damaged(s, "bytes after the gzip data", "another gzip member or the end",
                                 e);
    g->where = IN_MEMBER;
    return inflateReset(&g->z) == Z_OK ||
           vm_fail(e, VM_ESYSTEM, "%s: zlib cannot begin a gzip member", s->name);
}

/* One call of inflate over the window, which is not empty. */
static bool member_read(struct gzip *g, uint8_t *out, size_t cap, size_t *got, struct vm_error *e)
{
    struct vm_stored *s = g->stored;
    g->z.next_in = (Bytef *)s->next;
    g->z.avail_in = s->left < UINT_MAX ? (uInt)s->left : UINT_MAX;
    g->z.next_out = out;
    g->z.avail_out = (uInt)cap;
    int status = inflate(&g->z, Z_NO_FLUSH);
    vm_stored_take(s, (size_t)(g->z.next_in - s->next));
    *got = cap - g->z.avail_out;
    if (status == Z_MEM_ERROR)
        return vm_fail(e, VM_ESYSTEM, "%s: out of memory for reading gzip data", s->name);
    if (status == Z_STREAM_END)
        g->where = BETWEEN_MEMBERS;
    else if (status != Z_OK && status != Z_BUF_ERROR)
        return vm_stored_damaged(s, g->z.msg ? g->z.msg : "damaged gzip data", "intact gzip data",
                                 e);
    return true;
}

static bool gzip_read(void *state, uint8_t *out, size_t cap, size_t *got, struct vm_error *e)
{
    struct gzip *g = state;
    for (*got = 0; *got == 0;) {
        if (g->where == BETWEEN_MEMBERS && !member_next(g, e))
            return false;
        if (!vm_stored_fill(g->stored, e))
            return false;
        if (g->stored->left == 0)
            return g->where == BETWEEN_MEMBERS ||
                   vm_stored_damaged(g->stored, "the gzip data end within a member",
                                     "the rest of it", e);
        if (!member_read(g, out, cap, got, e))
            return false;
    }
    return true;
}

const struct vm_codec_ops vm_codec_gzip = {
    .magic = {"\x1f\x8b", ""},
    .open = gzip_open,
    .read = gzip_read,
    .close = gzip_close,
};
