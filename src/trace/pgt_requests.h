/* pgt_requests.h - the requests of a block of a .pgt file: its columns for what a program asks of
 * its heap. Private to trace/; docs/formats/pgt.md has every byte.
 *
 * The idea: a heap's addresses and sizes are small numbers from where the last ones were, so each
 * field is a column of numbers of variable length (seven bits a byte, the lowest first), mostly
 * differences, and zstd does the rest. A block that has requests says in `order` which of its
 * events are requests, and has these columns after the others.
 *
 * Invariants
 *  1. Encoding and decoding go through the same states (struct pgt_request_state), from zero in
 *     each block.
 *  2. What pgt_requests_open accepted decodes without further checks: every column has as many
 *     numbers as its requests ask for and nothing after them.
 */
#ifndef TRACE_PGT_REQUESTS_H
#define TRACE_PGT_REQUESTS_H

#include "trace/format.h"

#define PGT_BLOCK_REQUESTS (1u << 16)
#define PGT_NUMBER_BYTES   10u /* of a number of 64 bits at most */

/* Columns of numbers, in the order in which they lie after the orders and the plain events. */
#define PGT_REQUEST_COLUMNS(COLUMN)                                                                \
    COLUMN(step)   /* runs since the last request of the block */                                  \
    COLUMN(thread) /* less that of the last request */                                             \
    COLUMN(site)                                                                                   \
    COLUMN(size)    /* of alloc and resize */                                                      \
    COLUMN(align)   /* of alloc */                                                                 \
    COLUMN(address) /* less the last of its kind; of what could not be had: none */                \
    COLUMN(from)    /* of resize, less that of the last free */

enum pgt_request_column {
#define COLUMN_NUMBER(name) PGT_REQUEST_##name,
    PGT_REQUEST_COLUMNS(COLUMN_NUMBER)
#undef COLUMN_NUMBER
        PGT_REQUEST_COLUMN_COUNT
};

/* The part of a block's content that requests begin with: u32 requests, and u32 bytes of each of
 * their columns. */
#define PGT_REQUEST_HEAD (4 * (1 + PGT_REQUEST_COLUMN_COUNT))
/* The most that one request adds: its order and a number in each column. */
#define PGT_REQUEST_MOST (1 + PGT_NUMBER_BYTES * PGT_REQUEST_COLUMN_COUNT)

/* An order: what the next event of the block is. */
#define PGT_ORDER_PLAIN 0u /* the next of the event column */
static inline uint8_t pgt_order(const struct vm_event *event)
{
    unsigned refused = event->kind != VM_EVENT_FREE && event->va == 0;
    return (uint8_t)((event->kind - VM_EVENT_ALLOC + 1u) << 4 | event->detail | refused << 7);
}

/* What the next request is told by. */
struct pgt_request_state {
    uint64_t run;
    uint64_t thread, taken, given; /* the last alloc's or resize's address; the last free's */
};

/* ---- making ---- */

struct pgt_request_writer;

struct pgt_request_writer *pgt_request_writer_open(struct vm_error *e);
void pgt_request_writer_close(struct pgt_request_writer *w); /* NULL is fine */
/* Bytes that the part takes with what was added; 0 if that was no request. */
size_t pgt_requests_bytes(const struct pgt_request_writer *w);
uint32_t pgt_requests_count(const struct pgt_request_writer *w);
/* An event of the block in its turn; `run`: before which run it happens. */
void pgt_requests_add(struct pgt_request_writer *w, const struct vm_event *event, uint32_t run);
void pgt_requests_add_plain(struct pgt_request_writer *w);
/* The head and the orders to `at`, then `events`, then the columns; the end of it. The writer is
 * empty again. */
uint8_t *pgt_requests_take(struct pgt_request_writer *w, uint8_t *at, const uint8_t *events,
                           size_t event_bytes);
void pgt_requests_clear(struct pgt_request_writer *w);

/* ---- reading ---- */

struct pgt_request_reader {
    const uint8_t *order, *order_end;
    const uint8_t *column[PGT_REQUEST_COLUMN_COUNT];
    struct pgt_request_state state;
};

/* The part of `bytes` at `part`, with `all` events that happen before runs up to `runs`; *events is
 * where those that are no requests lie, *plain how many they are. False: it contradicts itself. */
bool pgt_requests_open(struct pgt_request_reader *r, const uint8_t *part, size_t bytes,
                       uint32_t all, uint32_t runs, size_t event_bytes, const uint8_t **events,
                       uint32_t *plain);
/* Whether the next event is a request, and the run before which it then happens. */
bool pgt_requests_next(const struct pgt_request_reader *r, uint32_t *run);
/* The next event, a request. */
void pgt_requests_read(struct pgt_request_reader *r, struct vm_event *out);
/* Past an event that is none. */
static inline void pgt_requests_pass_plain(struct pgt_request_reader *r)
{
    r->order += r->order < r->order_end;
}

#endif
