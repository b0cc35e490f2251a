/* pgt_writer.c - writing a .pgt trace; see pgt.h for the layout and base/sink.h for how the file
 * appears.
 *
 * The idea: references gather in a fragment until one does not continue it (a jump, an event, the
 * longest length); fragments gather in the encoder until one does not fit; then the block is
 * compressed and written. What is kept for the end is an index entry a block.
 *
 * Invariants
 *  1. A fragment begins with a fetch or has none, and its fetches follow each other.
 *  2. block_asid is the address space that was current before the encoder's first run and event.
 *  3. After a failure nothing more is written and finishing fails.
 */
#include "base/assert.h"
#include "base/sink.h"
#include "trace/pgt.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>
#include <zstd.h>

/* Writes 57 to 130 M references a second; level 19 is 6 to 8 % smaller, at 6 to 15 M. */
#define LEVEL_DEFAULT 9

struct vm_pgt_writer {
    struct vm_sink *sink;
    struct pgt_encoder *encoder;
    ZSTD_CCtx *zstd;
    bool failed;
    uint32_t block_refs;
    vm_asid asid, block_asid;

    /* The fragment being made. */
    uint32_t nrefs;
    vm_va va[PGT_FRAGMENT_REFS];
    uint16_t meta[PGT_FRAGMENT_REFS];
    vm_va pc; /* where its next fetch must be to continue it */

    /* Names of sites that are not written yet; they come behind the last block. */
    uint32_t names, names_bytes;
    uint8_t *name; /* [PGT_RAW_BYTES], once there is one */

    struct pgt_tail total;
    struct pgt_entry *entry; /* [total.blocks], room for entry_cap */
    size_t entry_cap;
    uint8_t raw[PGT_RAW_BYTES];
    uint8_t block[pgt_block_bytes + PGT_STORED_BYTES];
};

static bool writer_put(struct vm_pgt_writer *w, const void *data, size_t bytes, struct vm_error *e)
{
    w->failed = w->failed || !vm_sink_write(w->sink, data, bytes, e);
    return !w->failed;
}

static bool put_file_header(struct vm_pgt_writer *w, const struct vm_pgt_options *options,
                            struct vm_error *e)
{
    size_t origin_bytes = options->origin ? strnlen(options->origin, PGT_ORIGIN_BYTES) : 0;
    uint8_t *header = w->block; /* free until the first block */
    pgt_store_file(header, &(struct pgt_file){PGT_FILE_MAGIC,
                                              options->complete_maps ? PGT_COMPLETE_MAPS : 0,
                                              (uint32_t)origin_bytes});
    if (origin_bytes)
        memcpy(header + pgt_file_bytes, options->origin, origin_bytes);
    size_t bytes = pgt_file_bytes + origin_bytes + 8;
    pgt_seal(header, bytes);
    return writer_put(w, header, bytes, e);
}

/* Everything but the file: false if memory is short. */
static bool writer_prepare(struct vm_pgt_writer *w, int level)
{
    w->block_refs = PGT_BLOCK_REFS;
    w->zstd = ZSTD_createCCtx();
    return w->zstd && !ZSTD_isError(ZSTD_CCtx_setParameter(w->zstd, ZSTD_c_compressionLevel,
                                                           level ? level : LEVEL_DEFAULT));
}

static void writer_free(struct vm_pgt_writer *w)
{
    ZSTD_freeCCtx(w->zstd);
    pgt_encoder_close(w->encoder);
    free(w->entry);
    free(w->name);
    free(w);
}

struct vm_pgt_writer *vm_pgt_create(const char *path, const struct vm_pgt_options *options,
                                    struct vm_error *e)
{
    static const struct vm_pgt_options plain;
    options = options ? options : &plain;
    struct vm_pgt_writer *w = calloc(1, sizeof *w);
    if (!w || !writer_prepare(w, options->level)) {
        vm_fail(e, VM_ESYSTEM, "%s: out of memory for a .pgt writer", path);
    } else if ((w->encoder = pgt_encoder_open(e)) && (w->sink = vm_sink_open(path, e)) &&
               put_file_header(w, options, e)) {
        return w;
    }
    vm_pgt_abort(w);
    return NULL;
}

void vm_pgt_abort(struct vm_pgt_writer *w)
{
    if (!w)
        return;
    vm_sink_abort(w->sink);
    writer_free(w);
}

void vm_pgt_limit_blocks(struct vm_pgt_writer *w, uint32_t refs)
{
    VM_ASSERT(refs >= 1 && refs <= PGT_BLOCK_REFS);
    w->block_refs = refs;
}

static bool add_entry(struct vm_pgt_writer *w, struct vm_error *e)
{
    if (w->total.blocks == w->entry_cap) {
        size_t cap = w->entry_cap ? 2 * w->entry_cap : 64;
        struct pgt_entry *entry = realloc(w->entry, cap * sizeof *entry);
        if (!entry)
            return vm_fail(e, VM_ESYSTEM, "out of memory for the index of a .pgt file");
        w->entry = entry;
        w->entry_cap = cap;
    }
    w->entry[w->total.blocks++] =
        (struct pgt_entry){vm_sink_offset(w->sink), w->total.refs, w->total.events};
    return true;
}

/* Compress raw[bytes] into w->block behind a header of `header` bytes: how long it came out. */
static bool compress(struct vm_pgt_writer *w, const uint8_t *raw, size_t bytes, size_t header,
                     uint32_t *stored_bytes, uint64_t *hash, struct vm_error *e)
{
    uint8_t *stored = w->block + header;
    size_t n = ZSTD_compress2(w->zstd, stored, PGT_STORED_BYTES, raw, bytes);
    if (ZSTD_isError(n))
        return vm_fail(e, VM_ESYSTEM, "zstd cannot compress a block: %s", ZSTD_getErrorName(n));
    *stored_bytes = (uint32_t)n;
    *hash = XXH64(stored, n, 0);
    return true;
}

/* Write what the encoder holds, if anything. */
static bool put_block(struct vm_pgt_writer *w, struct vm_error *e)
{
    struct pgt_block h = {.first = w->total.refs, .asid = w->block_asid};
    pgt_encoder_take(w->encoder, w->raw, &h);
    if (h.refs + h.events == 0)
        return true;
    if (!compress(w, w->raw, h.raw_bytes, pgt_block_bytes, &h.stored_bytes, &h.stored_hash, e) ||
        !add_entry(w, e)) {
        w->failed = true;
        return false;
    }
    pgt_store_block(w->block, &h);
    pgt_seal(w->block, pgt_block_bytes);
    w->total.refs += h.refs;
    w->total.reads += h.reads;
    w->total.writes += h.writes;
    w->total.events += h.events;
    w->block_asid = w->asid;
    return writer_put(w, w->block, pgt_block_bytes + h.stored_bytes, e);
}

static bool block_has_room(const struct vm_pgt_writer *w)
{
    return pgt_encoder_refs(w->encoder) + w->nrefs <= w->block_refs &&
           pgt_encoder_events(w->encoder) < w->block_refs &&
           pgt_encoder_fits(w->encoder, w->meta, w->nrefs);
}

static bool end_fragment(struct vm_pgt_writer *w, struct vm_error *e)
{
    if (w->nrefs == 0)
        return true;
    if (!block_has_room(w) && !put_block(w, e))
        return false;
    pgt_encode_run(w->encoder, w->va, w->meta, w->nrefs);
    w->nrefs = 0;
    return true;
}

static bool add_event(struct vm_pgt_writer *w, const struct vm_event *event, struct vm_error *e)
{
    if (!end_fragment(w, e) || (!block_has_room(w) && !put_block(w, e)))
        return false;
    pgt_encode_event(w->encoder, event);
    if (event->kind == VM_EVENT_SWITCH)
        w->asid = event->asid;
    return true;
}

static inline bool continues_fragment(const struct vm_pgt_writer *w, vm_va va, uint16_t meta)
{
    if (w->nrefs >= PGT_FRAGMENT_REFS || w->nrefs >= w->block_refs)
        return false;
    bool fetches = w->nrefs && vm_ref_access(w->meta[0]) == VM_FETCH;
    if (vm_ref_access(meta) == VM_FETCH)
        return w->nrefs == 0 || (fetches && va == w->pc);
    return fetches || w->nrefs < PGT_BARE_REFS;
}

static inline bool add_ref(struct vm_pgt_writer *w, vm_va va, uint16_t meta, struct vm_error *e)
{
    VM_EXPECT(vm_ref_bytes(meta) >= 1 && va + (vm_ref_bytes(meta) - 1) >= va);
    if (!continues_fragment(w, va, meta) && !end_fragment(w, e))
        return false;
    w->va[w->nrefs] = va;
    w->meta[w->nrefs++] = meta;
    if (vm_ref_access(meta) == VM_FETCH)
        w->pc = va + vm_ref_bytes(meta);
    return true;
}

bool vm_pgt_append(struct vm_pgt_writer *w, const struct vm_batch *batch, struct vm_error *e)
{
    if (w->failed)
        return vm_fail(e, VM_ESYSTEM, "a .pgt file that could not be written is not continued");
    uint32_t ref = 0;
    for (uint32_t k = 0; k <= batch->nevents; k++) {
        uint32_t end = k < batch->nevents ? batch->event[k].at : batch->nrefs;
        VM_ASSERT(ref <= end && end <= batch->nrefs);
        for (; ref < end; ref++)
            if (!add_ref(w, batch->va[ref], batch->meta[ref], e))
                return false;
        if (k < batch->nevents && !add_event(w, &batch->event[k], e))
            return false;
    }
    return true;
}

static bool put_names(struct vm_pgt_writer *w, struct vm_error *e)
{
    struct pgt_names h = {.magic = PGT_NAMES_MAGIC, .names = w->names, .raw_bytes = w->names_bytes};
    if (w->names == 0)
        return true;
    if (!compress(w, w->name, h.raw_bytes, pgt_names_bytes, &h.stored_bytes, &h.stored_hash, e)) {
        w->failed = true;
        return false;
    }
    pgt_store_names(w->block, &h);
    pgt_seal(w->block, pgt_names_bytes);
    w->names = w->names_bytes = 0;
    return writer_put(w, w->block, pgt_names_bytes + h.stored_bytes, e);
}

bool vm_pgt_name_site(struct vm_pgt_writer *w, const char *name, struct vm_error *e)
{
    size_t bytes = strlen(name) + 1;
    VM_ASSERT(bytes <= PGT_NAME_BYTES);
    /* Blocks come before the names, for a block's place tells what is before it. */
    if (!end_fragment(w, e) || !put_block(w, e))
        return false;
    if (w->names_bytes + bytes > PGT_RAW_BYTES && !put_names(w, e))
        return false;
    if (!w->name && !(w->name = malloc(PGT_RAW_BYTES)))
        return vm_fail(e, VM_ESYSTEM, "out of memory for the sites of a .pgt file");
    memcpy(w->name + w->names_bytes, name, bytes);
    w->names_bytes += (uint32_t)bytes;
    w->names++;
    return true;
}

static bool put_index(struct vm_pgt_writer *w, struct vm_error *e)
{
    size_t bytes = pgt_index_bytes + (size_t)w->total.blocks * pgt_entry_bytes;
    uint8_t *index = malloc(bytes);
    if (!index)
        return vm_fail(e, VM_ESYSTEM, "out of memory for the index of a .pgt file");
    struct pgt_index head = {PGT_INDEX_MAGIC, w->total.blocks, w->total.refs, 0};
    pgt_store_index(index, &head);
    pgt_seal(index, pgt_index_bytes);
    for (uint32_t i = 0; i < w->total.blocks; i++)
        pgt_store_entry(index + pgt_index_bytes + (size_t)i * pgt_entry_bytes, &w->entry[i]);
    w->total.magic = PGT_TAIL_MAGIC;
    w->total.index_offset = vm_sink_offset(w->sink);
    w->total.index_hash = XXH64(index, bytes, 0);
    uint8_t tail[pgt_tail_bytes];
    pgt_store_tail(tail, &w->total);
    pgt_seal(tail, sizeof tail);
    bool ok = writer_put(w, index, bytes, e) && writer_put(w, tail, sizeof tail, e);
    free(index);
    return ok;
}

bool vm_pgt_finish(struct vm_pgt_writer *w, struct vm_error *e)
{
    static const struct vm_batch nothing;
    /* Appending nothing fails if an earlier append did. */
    if (!vm_pgt_append(w, &nothing, e) || !end_fragment(w, e) || !put_block(w, e) ||
        !put_names(w, e) || !put_index(w, e)) {
        vm_pgt_abort(w);
        return false;
    }
    bool ok = vm_sink_commit(w->sink, e);
    writer_free(w);
    return ok;
}
