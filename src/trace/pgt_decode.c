/* pgt_decode.c - the columns of one .pgt block to references and events; see pgt.h.
 *
 * The idea: a run copies the fragment's template (fetch addresses and metas, eight at a time) into
 * the builder, then writes the addresses of its slots over the gaps. The move codes index a table
 * of masks, so that an address takes no branch: which one would be taken is what cannot be
 * predicted.
 *
 * Invariants
 *  1. Loading checks what can be checked by column (counts, ranges of codes, the dictionary); what
 *     only running can tell (numbers, lengths of the move columns, references in all) is checked
 *     once a run. Both together make every memory access safe for any content.
 *  2. The raw columns are followed by RAW_SLACK readable bytes, the template by COPY_REFS
 *     references and the builder by room for a whole fragment, so that the loops may overshoot.
 *  3. Before every run, name <= name_end, move <= move_end and bytes <= bytes_end.
 */
#include "base/assert.h"
#include "trace/pgt.h"
#include "trace/pgt_requests.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#define COPY_REFS 8
/* The most that one run's moves read: 8 bytes each, whatever their width. */
#define RAW_SLACK (8 * PGT_FRAGMENT_REFS + 8)
_Static_assert(PGT_FRAGMENT_REFS % COPY_REFS == 0, "a copied fragment stays within its room");
_Static_assert(VM_BATCH_REFS > PGT_FRAGMENT_REFS, "a batch holds a fragment");

struct fragment {
    uint32_t first; /* its template: d->va, d->meta [first..first + len) */
    uint32_t slot;  /* its slots: d->slot, d->slot_at [slot..slot + nslots) */
    uint32_t next;  /* low half: what followed last time; high half: what before that */
    uint8_t len, nslots;
};

struct pgt_decoder {
    struct pgt_block h;                 /* events: without requests */
    struct pgt_request_reader requests; /* of a block that has none, zero */
    ZSTD_DCtx *zstd;
    vm_asid asid; /* current before the next event */
    uint32_t refs_left, runs_done, events_done;
    uint32_t
        previous;   /* the fragment that ran last; before the first run one past the dictionary */
    uint32_t fresh; /* the fragment that PGT_NEW names next */
    vm_va near;
    uint64_t change;
    const uint8_t *code, *name, *move, *move_end, *bytes, *bytes_end, *event;
    struct fragment fragment[PGT_FRAGMENTS + 1];
    vm_va va[PGT_BLOCK_REFS + COPY_REFS];
    uint16_t meta[PGT_BLOCK_REFS + COPY_REFS];
    vm_va slot[PGT_BLOCK_REFS];
    uint8_t slot_at[PGT_BLOCK_REFS]; /* the slot's place in its fragment */
    uint8_t raw[PGT_RAW_BYTES + RAW_SLACK];
};

struct columns {
#define COLUMN_POINTER(name, bytes, count) const uint8_t *name;
    PGT_COLUMNS(COLUMN_POINTER)
#undef COLUMN_POINTER
};

/* How enum pgt_move is undone: `bytes` are read, `mask` of them kept and extended from `sign`. */
static const struct undo {
    uint64_t mask, sign, again, near; /* again, near: all ones where `change`, `near` is added */
    uint64_t bytes;
} undo[PGT_MOVES] = {
    [PGT_SAME] = {0, 0, 0, 0, 0},
    [PGT_AGAIN] = {0, 0, UINT64_MAX, 0, 0},
    [PGT_OWN1] = {UINT8_MAX, UINT64_C(1) << 7, 0, 0, 1},
    [PGT_OWN2] = {UINT16_MAX, UINT64_C(1) << 15, 0, 0, 2},
    [PGT_OWN4] = {UINT32_MAX, UINT64_C(1) << 31, 0, 0, 4},
    [PGT_OWN8] = {UINT64_MAX, UINT64_C(1) << 63, 0, 0, 8},
    [PGT_NEAR1] = {UINT8_MAX, UINT64_C(1) << 7, 0, UINT64_MAX, 1},
    [PGT_NEAR2] = {UINT16_MAX, UINT64_C(1) << 15, 0, UINT64_MAX, 2},
    [PGT_NEAR4] = {UINT32_MAX, UINT64_C(1) << 31, 0, UINT64_MAX, 4},
};

static inline uint64_t read_signed(const struct undo *u, const uint8_t *bytes)
{
    return ((pgt_load64(bytes) & u->mask) ^ u->sign) - u->sign;
}

struct pgt_decoder *pgt_decoder_open(struct vm_error *e)
{
    struct pgt_decoder *d = calloc(1, sizeof *d);
    if (d)
        d->zstd = ZSTD_createDCtx();
    if (!d || !d->zstd) {
        free(d);
        vm_fail(e, VM_ESYSTEM, "out of memory: a .pgt reader needs %zu MiB", sizeof *d >> 20);
        return NULL;
    }
    return d;
}

void pgt_decoder_close(struct pgt_decoder *d)
{
    if (d)
        ZSTD_freeDCtx(d->zstd);
    free(d);
}

/* Whether the columns make the raw bytes, as far as the header alone can tell. */
static bool sizes_plausible(const struct pgt_block *h)
{
    struct pgt_block columns = *h;
    if (h->magic == PGT_BLOCK_MAGIC)
        return h->events <= PGT_BLOCK_EVENTS && h->raw_bytes == pgt_columns_bytes(h);
    columns.events = 0;
    return h->events && h->events <= PGT_BLOCK_EVENTS + PGT_BLOCK_REQUESTS &&
           h->raw_bytes >= pgt_columns_bytes(&columns);
}

bool pgt_block_plausible(const struct pgt_block *h)
{
    return h->refs <= PGT_BLOCK_REFS && h->kinds <= PGT_KINDS && h->fragments <= PGT_FRAGMENTS &&
           h->fragments <= h->runs && h->fragment_refs <= h->refs && h->runs <= h->refs &&
           h->refs <= (uint64_t)h->runs * PGT_FRAGMENT_REFS && h->named <= h->runs &&
           (uint64_t)h->reads + h->writes == h->moves && h->moves <= h->refs &&
           h->asid <= VM_ASID_MAX && h->raw_bytes <= PGT_RAW_BYTES && sizes_plausible(h) &&
           h->stored_bytes <= PGT_STORED_BYTES && h->refs + h->events > 0 &&
           h->first + h->refs >= h->first;
}

static bool kinds_valid(const struct pgt_decoder *d, const struct columns *c)
{
    for (uint32_t i = 0; i < d->h.kinds; i++) {
        uint16_t meta = pgt_load16(c->kind + 2 * i);
        if (vm_ref_access(meta) >= VM_ACCESSES || vm_ref_bytes(meta) < 1)
            return false;
    }
    return true;
}

/* Codes in range, and as many of them new and named as the header says. */
static bool codes_valid(const struct pgt_decoder *d, const struct columns *c)
{
    uint32_t new = 0, named = 0;
    uint8_t code_max = 0, move_max = 0;
    for (uint32_t i = 0; i < d->h.runs; i++) {
        code_max = c->code[i] > code_max ? c->code[i] : code_max;
        new += c->code[i] == PGT_NEW;
        named += c->code[i] == PGT_NAMED;
    }
    for (uint32_t i = 0; i < d->h.moves; i++)
        move_max = c->move[i] > move_max ? c->move[i] : move_max;
    return code_max < PGT_CODES && move_max < PGT_MOVES &&
           new == d->h.fragments &&named == d->h.named;
}

static bool events_valid(const struct pgt_decoder *d, const struct columns *c)
{
    uint32_t run = 0;
    for (uint32_t i = 0; i < d->h.events; i++) {
        struct pgt_event event;
        pgt_load_event(c->event + pgt_event_bytes * i, &event);
        if (event.run < run || event.run > d->h.runs || event.kind < VM_EVENT_MAP ||
            vm_event_is_request(event.kind) || event.zero || event.asid > VM_ASID_MAX ||
            event.child > VM_ASID_MAX)
            return false;
        run = event.run;
    }
    return true;
}

/* One fragment's template at d->va[first...]: fetches follow each other from *pc, which moves on.
 */
static bool build_template(struct pgt_decoder *d, const struct columns *c, struct fragment *f,
                           vm_va *pc)
{
    uint32_t slots = f->slot;
    for (uint32_t i = 0; i < f->len; i++) {
        uint32_t at = f->first + i, kind = c->ref[at];
        if (kind >= d->h.kinds)
            return false;
        uint16_t meta = pgt_load16(c->kind + 2 * kind);
        d->meta[at] = meta;
        d->va[at] = *pc;
        if (vm_ref_access(meta) != VM_FETCH) {
            d->slot_at[slots] = (uint8_t)i;
            d->slot[slots++] = d->h.base;
        } else if (*pc + (vm_ref_bytes(meta) - 1) < *pc) {
            return false;
        } else {
            *pc += vm_ref_bytes(meta);
        }
    }
    f->nslots = (uint8_t)(slots - f->slot);
    return true;
}

static bool build_dictionary(struct pgt_decoder *d, const struct columns *c)
{
    vm_va pc = 0;
    uint32_t refs = 0, slots = 0;
    const uint8_t *start = c->start, *start_end = c->start + d->h.start_bytes;
    for (uint32_t i = 0; i < d->h.fragments; i++) {
        struct fragment *f = &d->fragment[i];
        *f = (struct fragment){refs, slots, PGT_NONE << 16 | PGT_NONE, c->length[i], 0};
        if (f->len < 1 || f->len > PGT_FRAGMENT_REFS || f->len > d->h.fragment_refs - refs)
            return false;
        uint8_t move = c->start_move[i];
        if (move == PGT_AGAIN || move > PGT_OWN8)
            return false;
        pc += read_signed(&undo[move], start);
        start += undo[move].bytes;
        if (start > start_end || !build_template(d, c, f, &pc))
            return false;
        refs += f->len;
        slots += f->nslots;
    }
    d->fragment[d->h.fragments].next = PGT_NONE << 16 | PGT_NONE;
    return refs == d->h.fragment_refs && start == start_end;
}

/* Leave nothing to decode. */
static bool decoder_fail(struct pgt_decoder *d)
{
    d->h.runs = d->h.events = d->runs_done = d->events_done = 0;
    d->requests = (struct pgt_request_reader){0};
    return false;
}

bool pgt_decompress(struct pgt_decoder *d, void *to, size_t bytes, const uint8_t *stored,
                    size_t stored_bytes)
{
    size_t got = ZSTD_decompressDCtx(d->zstd, to, bytes, stored, stored_bytes);
    return !ZSTD_isError(got) && got == bytes;
}

bool pgt_decoder_load(struct pgt_decoder *d, const struct pgt_block *h, const uint8_t *stored)
{
    VM_ASSERT(pgt_block_plausible(h));
    decoder_fail(d);
    if (!pgt_decompress(d, d->raw, h->raw_bytes, stored, h->stored_bytes))
        return false;
    d->h = *h;
    struct columns c;
    const uint8_t *at = d->raw;
#define COLUMN_PLACE(name, bytes, count)                                                           \
    c.name = at;                                                                                   \
    at += (size_t)(bytes)*h->count;
    PGT_COLUMNS(COLUMN_PLACE)
#undef COLUMN_PLACE
    d->code = c.code;
    d->name = c.name;
    d->move = c.move;
    d->move_end = c.move + h->moves;
    d->bytes = c.bytes;
    d->bytes_end = c.bytes + h->move_bytes;
    d->event = c.event;
    if (h->magic == PGT_HEAP_MAGIC &&
        !pgt_requests_open(&d->requests, c.event, (size_t)(d->raw + h->raw_bytes - c.event),
                           h->events, h->runs, pgt_event_bytes, &d->event, &d->h.events))
        return decoder_fail(d);
    c.event = d->event;
    d->asid = (vm_asid)h->asid;
    d->previous = h->fragments;
    d->fresh = 0;
    d->near = h->base;
    d->change = 0;
    d->refs_left = h->refs;
    if (kinds_valid(d, &c) && codes_valid(d, &c) && events_valid(d, &c) && build_dictionary(d, &c))
        return true;
    return decoder_fail(d);
}

static bool events_left(const struct pgt_decoder *d)
{
    return d->events_done < d->h.events || d->requests.order < d->requests.order_end;
}

bool pgt_decoder_done(const struct pgt_decoder *d)
{
    return d->runs_done == d->h.runs && !events_left(d);
}

static inline void copy_template(const struct pgt_decoder *d, const struct fragment *f,
                                 struct vm_batch_builder *out)
{
    const vm_va *va = d->va + f->first;
    const uint16_t *meta = d->meta + f->first;
    vm_va *to_va = out->va + out->nrefs;
    uint16_t *to_meta = out->meta + out->nrefs;
    for (uint32_t i = 0; i < f->len; i += COPY_REFS) {
        memcpy(to_va + i, va + i, COPY_REFS * sizeof *va);
        memcpy(to_meta + i, meta + i, COPY_REFS * sizeof *meta);
    }
}

/* The number of the fragment of the next run; one past the dictionary or more if it is none. */
static inline uint32_t next_fragment(struct pgt_decoder *d, uint32_t run)
{
    struct fragment *f = &d->fragment[d->previous];
    uint32_t code = d->code[run];
    uint64_t candidates = f->next | (uint64_t)d->fresh << 32 | (uint64_t)pgt_load16(d->name) << 48;
    uint32_t number = (uint16_t)(candidates >> 16 * code);
    d->fresh += code == PGT_NEW;
    d->name += 2 * (code == PGT_NAMED);
    if (code != PGT_LAST)
        f->next = f->next << 16 | number;
    return d->previous = number;
}

/* Whether some reference of the batch wraps around the end of the addresses. */
static bool batch_wraps(const struct vm_batch_builder *b)
{
    for (uint32_t i = 0; i < b->nrefs; i++)
        if (b->va[i] + (vm_ref_bytes(b->meta[i]) - 1) < b->va[i])
            return true;
    return false;
}

/* Run fragments until run `end` or until the builder has no room for another. */
static bool decode_runs(struct pgt_decoder *d, uint32_t end, struct vm_batch_builder *out)
{
    vm_va near = d->near, highest = 0;
    uint64_t change = d->change;
    uint32_t run = d->runs_done, fragments = d->h.fragments, refs_before = out->nrefs;
    for (; run < end && out->nrefs <= VM_BATCH_REFS - PGT_FRAGMENT_REFS; run++) {
        uint32_t number = next_fragment(d, run);
        if (number >= fragments)
            return false;
        const struct fragment *f = &d->fragment[number];
        const uint8_t *move = d->move, *bytes = d->bytes;
        if (f->nslots > d->move_end - move)
            return false;
        copy_template(d, f, out);
        vm_va *to = out->va + out->nrefs;
        for (uint32_t i = 0; i < f->nslots; i++) {
            const struct undo *u = &undo[move[i]];
            vm_va own = d->slot[f->slot + i];
            vm_va from = own ^ ((own ^ near) & u->near);
            near = from + read_signed(u, bytes) + (change & u->again);
            bytes += u->bytes;
            change = near != own ? near - own : change;
            highest = near > highest ? near : highest;
            d->slot[f->slot + i] = near;
            to[d->slot_at[f->slot + i]] = near;
        }
        d->move += f->nslots;
        d->bytes = bytes;
        if (bytes > d->bytes_end)
            return false;
        out->nrefs += f->len;
    }
    d->near = near;
    d->change = change;
    d->runs_done = run;
    uint32_t refs = out->nrefs - refs_before;
    if (refs > d->refs_left || (highest > UINT64_MAX - VM_SIZE_MAX && batch_wraps(out)))
        return false;
    d->refs_left -= refs;
    return true;
}

/* The next event, which happens at the builder's end. */
static void decode_event(struct pgt_decoder *d, struct vm_batch_builder *out)
{
    struct pgt_event event;
    uint32_t run;
    if (pgt_requests_next(&d->requests, &run)) {
        struct vm_event request;
        pgt_requests_read(&d->requests, &request);
        request.asid = d->asid;
        vm_builder_event(out, request);
        return;
    }
    pgt_requests_pass_plain(&d->requests);
    pgt_load_event(d->event + pgt_event_bytes * d->events_done++, &event);
    if (event.kind == VM_EVENT_SWITCH)
        d->asid = event.asid;
    vm_builder_event(out, (struct vm_event){.kind = event.kind,
                                            .prot = event.prot,
                                            .detail = event.detail,
                                            .asid = event.asid,
                                            .child = event.child,
                                            .va = event.va,
                                            .bytes = event.bytes});
}

/* The run before which the next event happens, or the end of the runs. */
static uint32_t next_event_run(const struct pgt_decoder *d)
{
    uint32_t run;
    if (pgt_requests_next(&d->requests, &run))
        return run;
    return d->events_done < d->h.events ? pgt_load32(d->event + pgt_event_bytes * d->events_done)
                                        : d->h.runs;
}

bool pgt_decode(struct pgt_decoder *d, struct vm_batch_builder *out)
{
    while (!pgt_decoder_done(d) && out->nevents < VM_BATCH_EVENTS) {
        if (events_left(d) && next_event_run(d) == d->runs_done) {
            decode_event(d, out);
            continue;
        }
        if (out->nrefs > VM_BATCH_REFS - PGT_FRAGMENT_REFS)
            break;
        if (!decode_runs(d, next_event_run(d), out))
            return decoder_fail(d);
    }
    bool contradicts = d->runs_done == d->h.runs &&
                       (d->refs_left || d->move != d->move_end || d->bytes != d->bytes_end);
    return !contradicts || decoder_fail(d);
}

void pgt_decode_events(struct pgt_decoder *d, struct vm_batch_builder *out)
{
    d->runs_done = d->h.runs;
    while (events_left(d) && out->nevents < VM_BATCH_EVENTS)
        decode_event(d, out);
}
