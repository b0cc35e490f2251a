/* bench_bytes.c - undoing compression: base.bytes.HOW, in bytes of content.
 *
 * The content is 16 MiB that look like lackey's text: as many different lines, and as well to be
 * compressed.
 */
#include "base/bytes.h"
#include "base/random.h"
#include "bench.h"

#include <lzma.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#define CONTENT_BYTES (16u << 20)
#define PEEK_BYTES    (64u << 10)
/* What an incompressible content may grow to, for each of the three. */
#define STORED_BYTES (CONTENT_BYTES + CONTENT_BYTES / 64 + 4096)

/* Compress `from` into `to`[STORED_BYTES]; the size, 0: failed. */
typedef size_t pack(uint8_t *to, const uint8_t *from);

static size_t pack_plain(uint8_t *to, const uint8_t *from)
{
    memcpy(to, from, CONTENT_BYTES);
    return CONTENT_BYTES;
}

static size_t pack_gzip(uint8_t *to, const uint8_t *from)
{
    z_stream z = {.next_in = (uint8_t *)(uintptr_t)from,
                  .avail_in = CONTENT_BYTES,
                  .next_out = to,
                  .avail_out = STORED_BYTES};
    if (deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        return 0;
    size_t n = deflate(&z, Z_FINISH) == Z_STREAM_END ? z.total_out : 0;
    deflateEnd(&z);
    return n;
}

static size_t pack_xz(uint8_t *to, const uint8_t *from)
{
    size_t n = 0;
    lzma_ret how = lzma_easy_buffer_encode(1, LZMA_CHECK_CRC64, NULL, from, CONTENT_BYTES, to, &n,
                                           STORED_BYTES);
    return how == LZMA_OK ? n : 0;
}

static size_t pack_zstd(uint8_t *to, const uint8_t *from)
{
    size_t n = ZSTD_compress(to, STORED_BYTES, from, CONTENT_BYTES, 3);
    return ZSTD_isError(n) ? 0 : n;
}

static const struct codec {
    const char *name;
    pack *pack;
} codecs[] = {{"plain", pack_plain}, {"gzip", pack_gzip}, {"xz", pack_xz}, {"zstd", pack_zstd}};

struct bench {
    size_t stored_bytes;
    size_t packed; /* the codec of what is stored, plus 1 */
    uint8_t content[CONTENT_BYTES + 32], stored[STORED_BYTES];
};

static size_t nrows(const struct bench_host *host)
{
    (void)host;
    return sizeof codecs / sizeof codecs[0];
}

static void row(const struct bench_host *host, size_t i, struct bench_row *out)
{
    (void)host;
    *out = (struct bench_row){.unit = "MB/s", .scale = 1e6};
    snprintf(out->name, sizeof out->name, "base.bytes.%s", codecs[i].name);
}

static void *open_bench(const struct bench_host *host, struct vm_error *e)
{
    (void)host;
    struct bench *b = calloc(1, sizeof *b);
    if (!b) {
        vm_fail(e, VM_ESYSTEM, "no memory for the bench of compressions");
        return NULL;
    }
    struct vm_random random;
    vm_random_seed(&random, 1);
    for (size_t n = 0; n < CONTENT_BYTES;) {
        unsigned at = (unsigned)vm_random_below(&random, 4096);
        n += (size_t)sprintf((char *)b->content + n, "I  0401%04x,%u\n", at, at % 7 + 1);
    }
    return b;
}

static void prepare(void *group, size_t i)
{
    struct bench *b = group;
    struct vm_error e;
    if (b->packed == i + 1)
        return;
    b->stored_bytes = codecs[i].pack(b->stored, b->content);
    b->packed = i + 1;
    if (!b->stored_bytes) {
        vm_fail(&e, VM_ESYSTEM, "the bench's content cannot be compressed by %s", codecs[i].name);
        bench_fail(&e);
    }
}

static double run(void *group, size_t i)
{
    const struct bench *b = group;
    struct vm_error e;
    size_t got = 1;
    struct vm_bytes *bytes = vm_bytes_open_memory(b->stored, b->stored_bytes, codecs[i].name, &e);
    while (got) {
        if (!bytes || !vm_bytes_peek(bytes, PEEK_BYTES, &got, &e))
            bench_fail(&e);
        vm_bytes_skip(bytes, got);
    }
    double n = (double)vm_bytes_offset(bytes);
    vm_bytes_close(bytes);
    return n;
}

const struct bench_group bench_bytes = {
    .nrows = nrows,
    .row = row,
    .open = open_bench,
    .prepare = prepare,
    .run = run,
    .close = free,
};
