/* pgt_encode.c - references and events to the columns of one .pgt block; see pgt.h.
 *
 * The idea: each column is an array as long as a block can need, filled front to back; taking the
 * block copies them one after the other. Fragments are found through an open-addressed table of
 * their numbers, hashed over start and kinds.
 *
 * Invariants
 *  1. What the columns hold never exceeds PGT_RAW_BYTES (pgt_encoder_fits says so beforehand), so
 *     that no column of PGT_RAW_BYTES overflows.
 *  2. A table slot holds a fragment's number + 1, 0 is empty; it is at most half full.
 *  3. kind_at[meta] is the index + 1 of a kind of this block, 0 for every other meta.
 *  4. Slots, `near` and `change` go through the same states here as in pgt_decode.c.
 */
#include "base/assert.h"
#include "trace/pgt.h"
#include "trace/pgt_requests.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#define TABLE_SLOTS (2 * (PGT_FRAGMENTS + 1))

struct fragment {
    vm_va start;        /* of the first fetch; 0 where there is none */
    uint32_t meta, len; /* its references' metas: c->meta[meta..meta + len) */
    uint32_t slot;      /* of its first data reference */
    uint16_t next[2];   /* what followed last time, and what before that; or PGT_NONE */
};

struct pgt_encoder {
    struct pgt_block h; /* only counts and base; events: without requests */
    struct pgt_request_writer *requests;
    uint32_t refs_fetched;
    vm_va near, end; /* the last data address; where the dictionary's last fetch ended */
    uint64_t change;
    uint32_t slots;
    uint16_t root_next[2];
    uint16_t *next; /* of the fragment that ran last, or root_next */
    struct fragment fragment[PGT_FRAGMENTS];
    uint16_t meta[PGT_BLOCK_REFS]; /* of each reference of the dictionary */
    vm_va slot[PGT_BLOCK_REFS];
    uint32_t table[TABLE_SLOTS];
    uint16_t kind_at[1u << 16];
#define COLUMN_ARRAY(name, bytes, count) uint8_t name##_column[PGT_RAW_BYTES];
    PGT_COLUMNS(COLUMN_ARRAY)
#undef COLUMN_ARRAY
};

/* Only counts and the table need clearing: the rest is written before it is read. */
static void encoder_clear(struct pgt_encoder *c)
{
    for (uint32_t i = 0; i < c->h.kinds; i++)
        c->kind_at[pgt_load16(c->kind_column + 2 * i)] = 0;
    pgt_requests_clear(c->requests);
    memset(c->table, 0, sizeof c->table);
    memset(&c->h, 0, sizeof c->h);
    c->near = c->end = c->change = 0;
    c->slots = 0;
    c->root_next[0] = c->root_next[1] = PGT_NONE;
    c->next = c->root_next;
}

struct pgt_encoder *pgt_encoder_open(struct vm_error *e)
{
    struct pgt_encoder *c = calloc(1, sizeof *c);
    if (!c) {
        vm_fail(e, VM_ESYSTEM, "out of memory: a .pgt writer needs %zu MiB", sizeof *c >> 20);
        return NULL;
    }
    if (!(c->requests = pgt_request_writer_open(e))) {
        free(c);
        return NULL;
    }
    encoder_clear(c);
    return c;
}

void pgt_encoder_close(struct pgt_encoder *c)
{
    if (c)
        pgt_request_writer_close(c->requests);
    free(c);
}

uint32_t pgt_encoder_refs(const struct pgt_encoder *c)
{
    return c->h.refs;
}

uint32_t pgt_encoder_events(const struct pgt_encoder *c)
{
    return c->h.events + pgt_requests_count(c->requests);
}

bool pgt_encoder_fits(const struct pgt_encoder *c, const uint16_t *meta, uint32_t n)
{
    uint32_t kinds = c->h.kinds;
    for (uint32_t i = 0; i < n; i++)
        kinds += !c->kind_at[meta[i]]; /* may count one twice: the block ends early, no harm */
    /* A new fragment takes a length, a start of 9 bytes, a code and a name of 2; each reference a
     * kind of 2, its index and a move of 9; the first request brings their head, and the orders of
     * all events before it. */
    uint64_t most = pgt_columns_bytes(&c->h) + 13 + UINT64_C(12) * n + pgt_event_bytes +
                    pgt_requests_bytes(c->requests) + PGT_REQUEST_HEAD + c->h.events +
                    PGT_REQUEST_MOST;
    return c->h.refs + n <= PGT_BLOCK_REFS && kinds <= PGT_KINDS &&
           c->h.fragments < PGT_FRAGMENTS && c->h.events < PGT_BLOCK_EVENTS &&
           pgt_requests_count(c->requests) < PGT_BLOCK_REQUESTS && most <= PGT_RAW_BYTES;
}

/* Bytes that hold d as a signed number: 1, 2, 4 or 8; 0 for 0. */
static unsigned signed_width(uint64_t d)
{
    int64_t s = (int64_t)d;
    return s == 0 ? 0 : s == (int8_t)s ? 1 : s == (int16_t)s ? 2 : s == (int32_t)s ? 4 : 8;
}

/* The move that carries `width` bytes, counted from the one of 1 byte. */
static enum pgt_move move_of_width(enum pgt_move narrowest, unsigned width)
{
    return narrowest + (width >= 2) + (width >= 4) + (width >= 8);
}

static void encode_start(struct pgt_encoder *c, vm_va start)
{
    uint64_t d = start - c->end;
    unsigned width = signed_width(d);
    c->start_move_column[c->h.fragments] = width ? move_of_width(PGT_OWN1, width) : PGT_SAME;
    pgt_store(c->start_column + c->h.start_bytes, d, width);
    c->h.start_bytes += width;
}

static uint8_t kind_index(struct pgt_encoder *c, uint16_t meta)
{
    if (!c->kind_at[meta]) {
        VM_ASSERT(vm_ref_access(meta) < VM_ACCESSES && vm_ref_bytes(meta) >= 1);
        VM_ASSERT(c->h.kinds < PGT_KINDS);
        pgt_store(c->kind_column + 2 * c->h.kinds, meta, 2);
        c->kind_at[meta] = (uint16_t)++c->h.kinds;
    }
    return (uint8_t)(c->kind_at[meta] - 1);
}

/* Add a fragment to the dictionary; its number is the last. */
static void add_fragment(struct pgt_encoder *c, vm_va start, const uint16_t *meta, uint32_t n)
{
    VM_ASSERT(c->h.fragments < PGT_FRAGMENTS && n >= 1 && n <= PGT_FRAGMENT_REFS);
    struct fragment *f = &c->fragment[c->h.fragments];
    *f = (struct fragment){start, c->h.fragment_refs, n, c->slots, {PGT_NONE, PGT_NONE}};
    if (vm_ref_access(meta[0]) == VM_FETCH) {
        encode_start(c, start);
        c->end = start;
    } else {
        c->start_move_column[c->h.fragments] = PGT_SAME;
    }
    for (uint32_t i = 0; i < n; i++) {
        c->meta[f->meta + i] = meta[i];
        c->ref_column[f->meta + i] = kind_index(c, meta[i]);
        if (vm_ref_access(meta[i]) == VM_FETCH)
            c->end += vm_ref_bytes(meta[i]);
        else
            c->slot[c->slots++] = c->h.base;
    }
    c->length_column[c->h.fragments++] = (uint8_t)n;
    c->h.fragment_refs += n;
}

/* The number of the fragment of these references; h.fragments if it was not there and now is. */
static uint32_t find_fragment(struct pgt_encoder *c, vm_va start, const uint16_t *meta, uint32_t n)
{
    uint32_t at = (uint32_t)XXH3_64bits_withSeed(meta, n * sizeof *meta, start) % TABLE_SLOTS;
    for (; c->table[at]; at = (at + 1) % TABLE_SLOTS) {
        const struct fragment *f = &c->fragment[c->table[at] - 1];
        if (f->start == start && f->len == n && !memcmp(c->meta + f->meta, meta, n * sizeof *meta))
            return c->table[at] - 1;
    }
    c->table[at] = c->h.fragments + 1;
    return c->h.fragments;
}

static void encode_code(struct pgt_encoder *c, uint32_t number, enum pgt_code unless_followed)
{
    enum pgt_code code = unless_followed;
    if (c->next[0] == number)
        code = PGT_LAST;
    else if (c->next[1] == number)
        code = PGT_BEFORE;
    if (code == PGT_NAMED)
        pgt_store(c->name_column + 2 * c->h.named++, number, 2);
    c->code_column[c->h.runs++] = (uint8_t)code;
    if (code != PGT_LAST) {
        c->next[1] = c->next[0];
        c->next[0] = (uint16_t)number;
    }
    c->next = c->fragment[number].next;
}

static void encode_move(struct pgt_encoder *c, vm_va *slot, vm_va va)
{
    uint64_t own = va - *slot, near = va - c->near;
    unsigned own_width = signed_width(own), near_width = signed_width(near);
    enum pgt_move move;
    if (own == 0) {
        move = PGT_SAME;
    } else if (own == c->change) {
        move = PGT_AGAIN;
    } else if (near_width < own_width) {
        move = move_of_width(PGT_NEAR1, near_width);
        pgt_store(c->bytes_column + c->h.move_bytes, near, near_width ? near_width : 1);
        c->h.move_bytes += near_width ? near_width : 1;
    } else {
        move = move_of_width(PGT_OWN1, own_width);
        pgt_store(c->bytes_column + c->h.move_bytes, own, own_width);
        c->h.move_bytes += own_width;
    }
    c->move_column[c->h.moves++] = (uint8_t)move;
    c->change = own ? own : c->change;
    c->near = *slot = va;
}

/* The first data address of a block is the base of its slots: mostly the stack, which is far from
 * what else is touched, so that a first move is short from here or from nearby. */
static void choose_base(struct pgt_encoder *c, const vm_va *va, const uint16_t *meta, uint32_t n)
{
    for (uint32_t i = 0; i < n && c->h.moves == 0; i++) {
        if (vm_ref_access(meta[i]) != VM_FETCH) {
            /* Slots that exist already belong to no run: fragments before held fetches only. */
            VM_ASSERT(c->slots == 0);
            c->h.base = c->near = va[i];
            return;
        }
    }
}

void pgt_encode_run(struct pgt_encoder *c, const vm_va *va, const uint16_t *meta, uint32_t n)
{
    VM_EXPECT(pgt_encoder_fits(c, meta, n));
    choose_base(c, va, meta, n);
    vm_va start = vm_ref_access(meta[0]) == VM_FETCH ? va[0] : 0;
    uint32_t number = find_fragment(c, start, meta, n);
    bool isnew = number == c->h.fragments;
    if (isnew)
        add_fragment(c, start, meta, n);
    encode_code(c, number, isnew ? PGT_NEW : PGT_NAMED);
    vm_va *slot = c->slot + c->fragment[number].slot;
    for (uint32_t i = 0; i < n; i++) {
        enum vm_access access = vm_ref_access(meta[i]);
        c->h.reads += access == VM_READ;
        c->h.writes += access == VM_WRITE;
        if (access != VM_FETCH)
            encode_move(c, slot++, va[i]);
    }
    c->h.refs += n;
}

void pgt_encode_event(struct pgt_encoder *c, const struct vm_event *event)
{
    VM_ASSERT(c->h.events < PGT_BLOCK_EVENTS);
    VM_ASSERT(event->kind >= VM_EVENT_MAP && event->kind < VM_EVENT_KINDS);
    VM_ASSERT(event->asid <= VM_ASID_MAX && event->child <= VM_ASID_MAX);
    if (vm_event_is_request(event->kind)) {
        pgt_requests_add(c->requests, event, c->h.runs);
        return;
    }
    pgt_requests_add_plain(c->requests);
    struct pgt_event stored = {c->h.runs,   event->kind,  event->prot, event->detail, 0,
                               event->asid, event->child, event->va,   event->bytes};
    pgt_store_event(c->event_column + pgt_event_bytes * c->h.events++, &stored);
}

void pgt_encoder_take(struct pgt_encoder *c, uint8_t *raw, struct pgt_block *h)
{
    uint8_t *at = raw;
#define COLUMN_COPY(name, bytes, count)                                                            \
    memcpy(at, c->name##_column, (size_t)(bytes)*c->h.count);                                      \
    at += (size_t)(bytes)*c->h.count;                                                              \
    h->count = c->h.count;
    PGT_COLUMNS(COLUMN_COPY)
#undef COLUMN_COPY
    uint32_t requests = pgt_requests_count(c->requests);
    if (requests) {
        size_t event_bytes = (size_t)pgt_event_bytes * c->h.events;
        at = pgt_requests_take(c->requests, at - event_bytes, c->event_column, event_bytes);
        h->events += requests;
    }
    h->magic = requests ? PGT_HEAP_MAGIC : PGT_BLOCK_MAGIC;
    VM_ASSERT(at - raw <= PGT_RAW_BYTES);
    h->raw_bytes = (uint32_t)(at - raw);
    h->refs = c->h.refs;
    h->reads = c->h.reads;
    h->writes = c->h.writes;
    h->base = c->h.base;
    encoder_clear(c);
}
