/* pgt.c - reading Pagoda's own trace container; layout in trace/pgt.h and docs/formats/pgt.md.
 *
 * The idea: read block after block, from files and pipes alike; nothing of a block is believed
 * before its checksums hold. Damage either ends the trace with an error, or (salvage) is passed
 * over to the next place where a block or the index begins with a valid checksum. What was lost
 * then shows in the ordinals.
 *
 * Skipping keeps events: blocks that end before the target and hold no events are not even read (by
 * the index where the source can seek, else from header to header), of those with events only the
 * events are delivered.
 *
 * Invariants
 *  1. `position` is the ordinal, in the trace as it was written, of the next reference to deliver;
 *     it never falls. Every reference below it was delivered, passed over or counted as lost.
 *  2. `seen` totals the headers of all blocks taken or passed over, while nothing was jumped over.
 *  3. A reference is delivered in the address space that was current when it was written.
 */
#include "trace/pgt.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

struct reader {
    struct vm_bytes *bytes;
    struct pgt_decoder *decoder;
    bool salvage, ended, jumped, total_known;
    bool complete_maps;
    char *origin;
    vm_asid asid; /* of the last switch delivered */
    uint64_t position, pass_until;
    uint64_t block_end; /* ordinal after the block that was loaded last */
    uint64_t torn_end;  /* ordinal after the last torn block whose header is sound */
    uint64_t lost, total;
    struct pgt_tail seen;
    /* Names of sites: each begins after the end of the one before, in one text. */
    char *text;
    size_t text_bytes;
    const char **site;
    uint32_t nsites;
};

/* What begins at the source's place. */
enum place { PLACE_NOTHING, PLACE_BLOCK, PLACE_NAMES, PLACE_INDEX };

static bool torn(const struct reader *r, struct vm_error *e, const char *what)
{
    vm_fail(e, VM_EINPUT, "%s: byte %" PRIu64 ": %s", vm_bytes_name(r->bytes),
            vm_bytes_offset(r->bytes), what);
    return vm_hint(e, "--salvage passes over torn blocks");
}

static bool pgt_probe(const uint8_t *head, size_t n, bool whole, struct vm_error *e)
{
    (void)e;
    (void)whole;
    return n >= 4 && pgt_load32(head) == PGT_FILE_MAGIC;
}

/* -- Opening --------------------------------------------------------------------------------- */

/* Bytes of the file header at `head`, 0 if it is none that this version reads. */
static size_t file_header_bytes(const uint8_t *head, size_t got)
{
    struct pgt_file file;
    if (got < pgt_file_bytes)
        return 0;
    pgt_load_file(head, &file);
    bool known = file.magic == PGT_FILE_MAGIC && !(file.flags & ~PGT_COMPLETE_MAPS) &&
                 file.origin_bytes <= PGT_ORIGIN_BYTES;
    return known ? pgt_file_bytes + (size_t)file.origin_bytes + 8 : 0;
}

static bool read_file_header(struct reader *r, struct vm_error *e)
{
    size_t got;
    const uint8_t *head = vm_bytes_peek(r->bytes, pgt_file_bytes, &got, e);
    if (!head)
        return false;
    size_t bytes = file_header_bytes(head, got);
    if (bytes && !(head = vm_bytes_peek(r->bytes, bytes, &got, e)))
        return false;
    if (bytes == 0 || got < bytes || !pgt_sealed(head, bytes))
        return r->salvage || torn(r, e, "torn file header: expected \"PGT1\" and a valid checksum");
    size_t origin_bytes = bytes - pgt_file_bytes - 8;
    if (!(r->origin = malloc(origin_bytes + 1)))
        return vm_fail(e, VM_ESYSTEM, "%s: out of memory", vm_bytes_name(r->bytes));
    memcpy(r->origin, head + pgt_file_bytes, origin_bytes);
    r->origin[origin_bytes] = '\0';
    r->complete_maps = pgt_load32(head + 4) & PGT_COMPLETE_MAPS;
    vm_bytes_skip(r->bytes, bytes);
    return true;
}

/* The tail of a source that can seek; false if there is none (which reading will find out, too).
 * The source's place is undefined after it. */
static bool find_tail(struct reader *r, struct pgt_tail *tail)
{
    struct vm_error ignored;
    uint64_t size = vm_bytes_size(r->bytes);
    size_t got;
    const uint8_t *p;
    if (!vm_bytes_seekable(r->bytes) || size < pgt_index_bytes + pgt_tail_bytes ||
        !vm_bytes_seek(r->bytes, size - pgt_tail_bytes, &ignored) ||
        !(p = vm_bytes_peek(r->bytes, pgt_tail_bytes, &got, &ignored)) || got < pgt_tail_bytes ||
        !pgt_sealed(p, pgt_tail_bytes))
        return false;
    pgt_load_tail(p, tail);
    uint64_t index_bytes = pgt_index_bytes + (uint64_t)tail->blocks * pgt_entry_bytes;
    return tail->magic == PGT_TAIL_MAGIC && index_bytes <= size - pgt_tail_bytes &&
           tail->index_offset == size - pgt_tail_bytes - index_bytes;
}

static bool learn_total(struct reader *r, struct vm_error *e)
{
    struct pgt_tail tail;
    if (!vm_bytes_seekable(r->bytes))
        return true;
    uint64_t here = vm_bytes_offset(r->bytes);
    if (find_tail(r, &tail)) {
        r->total_known = true;
        r->total = tail.refs;
    }
    return vm_bytes_seek(r->bytes, here, e);
}

static void pgt_close(void *state)
{
    struct reader *r = state;
    pgt_decoder_close(r->decoder);
    free(r->origin);
    free(r->text);
    free(r->site);
    free(r);
}

static void *pgt_open(struct vm_bytes *bytes, const struct vm_params *params,
                      const struct vm_trace_options *options, struct vm_error *e)
{
    (void)params;
    struct reader *r = calloc(1, sizeof *r);
    if (!r) {
        vm_fail(e, VM_ESYSTEM, "%s: out of memory", vm_bytes_name(bytes));
        return NULL;
    }
    r->bytes = bytes;
    r->salvage = options && options->damage == VM_DAMAGE_SKIPPED;
    r->decoder = pgt_decoder_open(e);
    if (!r->decoder || !read_file_header(r, e) || !learn_total(r, e)) {
        pgt_close(r);
        return NULL;
    }
    return r;
}

/* -- From block to block --------------------------------------------------------------------- */

/* What can begin at the source's place; of the records only the one found is filled. */
struct found {
    struct pgt_block *block;
    struct pgt_names names;
    struct pgt_index index;
};

static bool names_plausible(const struct pgt_names *h)
{
    return h->names && h->names <= h->raw_bytes && h->raw_bytes <= PGT_RAW_BYTES &&
           h->stored_bytes <= PGT_STORED_BYTES;
}

static enum place look(const uint8_t *p, size_t got, struct found *found)
{
    uint32_t magic = got >= 4 ? pgt_load32(p) : 0;
    if (got >= pgt_block_bytes && (magic == PGT_BLOCK_MAGIC || magic == PGT_HEAP_MAGIC) &&
        pgt_sealed(p, pgt_block_bytes)) {
        pgt_load_block(p, found->block);
        return pgt_block_plausible(found->block) ? PLACE_BLOCK : PLACE_NOTHING;
    }
    if (got >= pgt_names_bytes && magic == PGT_NAMES_MAGIC && pgt_sealed(p, pgt_names_bytes)) {
        pgt_load_names(p, &found->names);
        return names_plausible(&found->names) ? PLACE_NAMES : PLACE_NOTHING;
    }
    if (got >= pgt_index_bytes && magic == PGT_INDEX_MAGIC && pgt_sealed(p, pgt_index_bytes)) {
        pgt_load_index(p, &found->index);
        return PLACE_INDEX;
    }
    return PLACE_NOTHING;
}

/* Go to the next byte that may begin a block or the index, at least one ahead. */
static bool resynchronise(struct reader *r, struct vm_error *e)
{
    size_t got, from = 1;
    do {
        const uint8_t *p = vm_bytes_peek(r->bytes, pgt_block_bytes, &got, e);
        if (!p)
            return false;
        const uint8_t *next = got > from ? memchr(p + from, 'P', got - from) : NULL;
        size_t n = next ? (size_t)(next - p) : got;
        vm_bytes_skip(r->bytes, n);
        if (next)
            return true;
        from = 0;
    } while (got);
    return true;
}

/* Count what lies between the last reference seen and ordinal `first` as lost. */
static void lose_until(struct reader *r, uint64_t first)
{
    if (first > r->position) {
        r->lost += first - r->position;
        r->position = first;
    }
}

static void see_block(struct reader *r, const struct pgt_block *h)
{
    r->seen.blocks++;
    r->seen.reads += h->reads;
    r->seen.writes += h->writes;
    r->seen.events += h->events;
}

/* Go past the source's next `bytes`; *ok: they are all there. Where possible none is read. */
static bool pass_bytes(struct reader *r, size_t bytes, bool *ok, struct vm_error *e)
{
    uint64_t size = vm_bytes_size(r->bytes), here = vm_bytes_offset(r->bytes);
    if (vm_bytes_seekable(r->bytes)) {
        *ok = bytes <= size - here;
        return !*ok || vm_bytes_seek(r->bytes, here + bytes, e);
    }
    size_t got;
    if (!vm_bytes_peek(r->bytes, bytes, &got, e))
        return false;
    if ((*ok = got >= bytes))
        vm_bytes_skip(r->bytes, bytes);
    return true;
}

/* What is wrong with the block at the source's place, or NULL: it is loaded and passed. */
static const char *load_block(struct reader *r, const struct pgt_block *h, const uint8_t *p,
                              size_t got)
{
    if (got < pgt_block_bytes + (size_t)h->stored_bytes)
        return "torn block: the file ends within it";
    const uint8_t *stored = p + pgt_block_bytes;
    if (XXH64(stored, h->stored_bytes, 0) != h->stored_hash)
        return "torn block: its checksum does not match";
    if (!pgt_decoder_load(r->decoder, h, stored))
        return "corrupt block: it contradicts its own header";
    vm_bytes_skip(r->bytes, pgt_block_bytes + h->stored_bytes);
    r->block_end = h->first + h->refs;
    return NULL;
}

/* The block at the source's place: load it or pass over it; *took: it was sound, and in its turn.
 */
static bool take_block(struct reader *r, const struct pgt_block *h, bool *took, struct vm_error *e)
{
    const char *wrong = NULL;
    size_t got, bytes = pgt_block_bytes + (size_t)h->stored_bytes;
    *took = false;
    if (h->first != r->position && (!r->salvage || h->first < r->position)) {
        wrong = "a block is missing or out of turn: it does not continue the one before";
    } else if (h->events == 0 && h->first + h->refs <= r->pass_until) {
        if (!pass_bytes(r, bytes, took, e))
            return false;
        wrong = *took ? NULL : "torn block: the file ends within it";
    } else {
        const uint8_t *p = vm_bytes_peek(r->bytes, bytes, &got, e);
        if (!p)
            return false;
        wrong = load_block(r, h, p, got);
        *took = !wrong;
    }
    if (!*took) {
        r->torn_end = h->first + h->refs > r->torn_end ? h->first + h->refs : r->torn_end;
        return r->salvage || torn(r, e, wrong);
    }
    see_block(r, h);
    lose_until(r, h->first);
    if (pgt_decoder_done(r->decoder))
        r->position = h->first + h->refs;
    return true;
}

/* Room for more names behind those that there are. */
static bool reserve_names(struct reader *r, const struct pgt_names *h, struct vm_error *e)
{
    char *text = realloc(r->text, r->text_bytes + h->raw_bytes);
    r->text = text ? text : r->text;
    const char **site =
        text ? realloc(r->site, (r->nsites + (size_t)h->names) * sizeof *site) : NULL;
    r->site = site ? site : r->site;
    return site ||
           vm_fail(e, VM_ESYSTEM, "%s: out of memory for names of sites", vm_bytes_name(r->bytes));
}

/* The names are laid out again, for their text may lie elsewhere now; false: there are others than
 * the header says. */
static bool split_names(struct reader *r, const struct pgt_names *h)
{
    const char *p = r->text, *end = r->text + r->text_bytes + h->raw_bytes;
    uint32_t n = 0, all = r->nsites + h->names;
    if (end[-1])
        return false;
    for (; p < end && n < all && strlen(p) < PGT_NAME_BYTES; p += strlen(p) + 1)
        r->site[n++] = p;
    return p == end && n == all;
}

/* The names at the source's place; *took: they were sound, and are passed. */
static bool take_names(struct reader *r, const struct pgt_names *h, bool *took, struct vm_error *e)
{
    size_t got, bytes = pgt_names_bytes + (size_t)h->stored_bytes;
    const uint8_t *p = vm_bytes_peek(r->bytes, bytes, &got, e);
    *took = false;
    if (!p)
        return false;
    if (h->names > VM_SITES_MAX - r->nsites || h->raw_bytes > PGT_NAMES_BYTES - r->text_bytes)
        return torn(r, e, "too many names of sites: expected at most 1048576, of 64 MiB");
    bool sound = got >= bytes && XXH64(p + pgt_names_bytes, h->stored_bytes, 0) == h->stored_hash;
    if (sound && !reserve_names(r, h, e))
        return false;
    sound = sound && pgt_decompress(r->decoder, r->text + r->text_bytes, h->raw_bytes,
                                    p + pgt_names_bytes, (size_t)h->stored_bytes);
    if (!sound || !split_names(r, h))
        return r->salvage || torn(r, e, "torn names of sites");
    r->text_bytes += h->raw_bytes;
    r->nsites += h->names;
    vm_bytes_skip(r->bytes, bytes);
    return *took = true;
}

/* XXH64 over the next `bytes` of the source, which are passed; *ok: they are all there. */
static bool hash_bytes(struct reader *r, uint64_t bytes, uint64_t *hash, bool *ok,
                       struct vm_error *e)
{
    XXH64_state_t *state = XXH64_createState();
    if (!state)
        return vm_fail(e, VM_ESYSTEM, "%s: out of memory", vm_bytes_name(r->bytes));
    XXH64_reset(state, 0);
    size_t got = 1;
    const uint8_t *p = NULL;
    while (bytes && got && (p = vm_bytes_peek(r->bytes, 1, &got, e))) {
        size_t n = got < bytes ? got : (size_t)bytes;
        XXH64_update(state, p, n);
        vm_bytes_skip(r->bytes, n);
        bytes -= n;
    }
    *hash = XXH64_digest(state);
    *ok = bytes == 0;
    XXH64_freeState(state);
    return p || *ok;
}

/* Whether the tail says what the index and the blocks said. */
static bool tail_agrees(const struct reader *r, const struct pgt_tail *tail,
                        const struct pgt_index *index, uint64_t index_offset)
{
    return tail->magic == PGT_TAIL_MAGIC && tail->blocks == index->blocks &&
           tail->refs == index->refs && tail->index_offset == index_offset &&
           (r->jumped || (tail->blocks == r->seen.blocks && tail->reads == r->seen.reads &&
                          tail->writes == r->seen.writes && tail->events == r->seen.events));
}

/* The index at the source's place and all that follows must be as they were written. */
static bool check_end(struct reader *r, const struct pgt_index *index, struct vm_error *e)
{
    uint64_t hash, offset = vm_bytes_offset(r->bytes);
    bool whole;
    if (index->refs != r->position)
        return torn(r, e, "blocks are missing: the index names more or fewer references");
    if (!hash_bytes(r, pgt_index_bytes + (uint64_t)index->blocks * pgt_entry_bytes, &hash, &whole,
                    e))
        return false;
    size_t got;
    const uint8_t *p = vm_bytes_peek(r->bytes, pgt_tail_bytes + 1, &got, e);
    if (!p)
        return false;
    if (!whole || got < pgt_tail_bytes || !pgt_sealed(p, pgt_tail_bytes))
        return torn(r, e, "torn end: expected the index and 64 bytes with a valid checksum");
    if (got > pgt_tail_bytes)
        return torn(r, e, "there are bytes after the end of the trace");
    struct pgt_tail tail;
    pgt_load_tail(p, &tail);
    if (tail.index_hash != hash || !tail_agrees(r, &tail, index, offset))
        return torn(r, e, "torn end: the index and the blocks do not agree");
    vm_bytes_skip(r->bytes, pgt_tail_bytes);
    return true;
}

static bool take_index(struct reader *r, const struct pgt_index *index, struct vm_error *e)
{
    if (r->salvage)
        lose_until(r, index->refs);
    else if (!check_end(r, index, e))
        return false;
    r->ended = r->total_known = true;
    r->total = index->refs;
    return true;
}

/* The source ends where a block or the index should begin. */
static bool take_nothing(struct reader *r, struct vm_error *e)
{
    if (!r->salvage)
        return torn(r, e, "the file ends without its index: it was cut off");
    lose_until(r, r->torn_end);
    if (r->total_known)
        lose_until(r, r->total);
    r->ended = true;
    return true;
}

/* Load the next block that has something to deliver, or come to the end. */
static bool next_block(struct reader *r, struct pgt_block *h, struct vm_error *e)
{
    while (pgt_decoder_done(r->decoder) && !r->ended) {
        struct found found = {.block = h};
        size_t got;
        const uint8_t *p = vm_bytes_peek(r->bytes, pgt_block_bytes, &got, e);
        if (!p)
            return false;
        enum place place = look(p, got, &found);
        bool took = place == PLACE_INDEX;
        if (got == 0) {
            took = true;
            if (!take_nothing(r, e))
                return false;
        } else if (place == PLACE_NOTHING && !r->salvage) {
            return torn(r, e, "torn block: expected \"PGTB\" or \"PGTI\" and a valid checksum");
        } else if ((place == PLACE_BLOCK && !take_block(r, h, &took, e)) ||
                   (place == PLACE_NAMES && !take_names(r, &found.names, &took, e)) ||
                   (place == PLACE_INDEX && !take_index(r, &found.index, e))) {
            return false;
        }
        if (!took && !resynchronise(r, e))
            return false;
    }
    return true;
}

/* -- Delivering ------------------------------------------------------------------------------ */

/* Drop the builder's first n references; the events among them happen before what is left. */
static void drop_refs(struct vm_batch_builder *b, uint32_t n)
{
    b->nrefs -= n;
    memmove(b->va, b->va + n, b->nrefs * sizeof *b->va);
    memmove(b->meta, b->meta + n, b->nrefs * sizeof *b->meta);
    for (uint32_t i = 0; i < b->nevents; i++)
        b->event[i].at = b->event[i].at > n ? b->event[i].at - n : 0;
}

static bool deliver(struct reader *r, struct vm_batch_builder *out)
{
    uint32_t events = out->nevents;
    if (r->block_end <= r->pass_until) {
        pgt_decode_events(r->decoder, out);
        r->position = r->block_end;
    } else if (pgt_decode(r->decoder, out)) {
        uint64_t decoded = out->nrefs, left = r->pass_until - r->position;
        if (r->pass_until > r->position)
            drop_refs(out, (uint32_t)(left < decoded ? left : decoded));
        r->position += decoded;
    } else {
        return false;
    }
    for (; events < out->nevents; events++)
        if (out->event[events].kind == VM_EVENT_SWITCH)
            r->asid = out->event[events].asid;
    return true;
}

/* After torn blocks were passed over the current address space may not be the one delivered. */
static void deliver_asid(struct reader *r, vm_asid asid, struct vm_batch_builder *out)
{
    if (asid != r->asid)
        vm_builder_event(out, (struct vm_event){.kind = VM_EVENT_SWITCH, .asid = asid});
    r->asid = asid;
}

static bool pgt_read(void *state, struct vm_batch_builder *out, struct vm_error *e)
{
    struct reader *r = state;
    while (!r->ended && out->nrefs == 0 && out->nevents == 0) {
        struct pgt_block h;
        if (pgt_decoder_done(r->decoder)) {
            if (!next_block(r, &h, e))
                return false;
            if (r->ended)
                break;
            deliver_asid(r, (vm_asid)h.asid, out);
        }
        if (deliver(r, out))
            continue;
        out->nrefs = out->nevents = 0;
        r->torn_end = r->block_end;
        if (!r->salvage)
            return torn(r, e, "corrupt block before here: it contradicts its own header");
    }
    return true;
}

static void pgt_info(const void *state, struct vm_trace_info *out)
{
    const struct reader *r = state;
    out->complete_maps = r->complete_maps;
    out->origin = r->origin;
    out->refs_lost = r->lost;
    out->site = r->site;
    out->nsites = r->nsites;
    if (r->total_known)
        out->refs = r->total;
}

/* -- Skipping -------------------------------------------------------------------------------- */

static bool read_entry(struct reader *r, const struct pgt_tail *tail, uint32_t i,
                       struct pgt_entry *entry, struct vm_error *e)
{
    size_t got;
    uint64_t offset = tail->index_offset + pgt_index_bytes + (uint64_t)i * pgt_entry_bytes;
    const uint8_t *p;
    if (!vm_bytes_seek(r->bytes, offset, e) ||
        !(p = vm_bytes_peek(r->bytes, pgt_entry_bytes, &got, e)))
        return false;
    if (got < pgt_entry_bytes)
        return torn(r, e, "torn end: the file ends within its index");
    pgt_load_entry(p, entry);
    return true;
}

/* The last block that begins at or before pass_until and has no events between it and here. Both
 * conditions hold up to some block and no further. */
static bool search_index(struct reader *r, const struct pgt_tail *tail, struct pgt_entry *found,
                         struct vm_error *e)
{
    uint32_t low = 0, high = tail->blocks;
    *found = (struct pgt_entry){0};
    while (low < high) {
        struct pgt_entry entry;
        uint32_t middle = low + (high - low) / 2;
        if (!read_entry(r, tail, middle, &entry, e))
            return false;
        if (entry.first <= r->pass_until && entry.events <= r->seen.events) {
            *found = entry;
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return true;
}

/* Between two blocks: go forward as far as the index allows. A damaged index is not used; reading
 * on from header to header comes to the same place. */
static bool jump(struct reader *r, struct vm_error *e)
{
    struct pgt_tail tail;
    struct pgt_entry found = {0};
    uint64_t hash, here = vm_bytes_offset(r->bytes);
    bool whole;
    if (find_tail(r, &tail)) {
        uint64_t index_bytes = pgt_index_bytes + (uint64_t)tail.blocks * pgt_entry_bytes;
        if (!vm_bytes_seek(r->bytes, tail.index_offset, e) ||
            !hash_bytes(r, index_bytes, &hash, &whole, e))
            return false;
        if (whole && hash == tail.index_hash && !search_index(r, &tail, &found, e))
            return false;
    }
    if (found.first > r->position && found.offset > here && found.offset < tail.index_offset) {
        r->jumped = true;
        r->position = found.first;
        here = found.offset;
    }
    return vm_bytes_seek(r->bytes, here, e);
}

static bool pgt_skip(void *state, uint64_t n, uint64_t *skipped, struct vm_error *e)
{
    struct reader *r = state;
    uint64_t left = r->total_known && r->total >= r->position ? r->total - r->position
                                                              : UINT64_MAX - r->position;
    *skipped = n < left ? n : left;
    r->pass_until = r->position + *skipped;
    if (pgt_decoder_done(r->decoder) && !r->ended && vm_bytes_seekable(r->bytes))
        return jump(r, e);
    return true;
}

const struct vm_format_ops vm_format_pgt = {
    .name = "pgt",
    .summary = "Pagoda's own: references and events, compressed, checked, read in parts",
    .probe = pgt_probe,
    .open = pgt_open,
    .read = pgt_read,
    .info = pgt_info,
    .skip = pgt_skip,
    .close = pgt_close,
};
