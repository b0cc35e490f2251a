/* pgt_requests.c - see pgt_requests.h. */
#include "trace/pgt_requests.h"

#include "base/assert.h"
#include "trace/pgt.h"

#include <stdlib.h>
#include <string.h>

/* What an order says of its request. */
static unsigned order_kind(uint8_t order)
{
    return (order >> 4 & 3) - 1u + VM_EVENT_ALLOC;
}

static unsigned order_call(uint8_t order)
{
    return order & 15;
}

static bool order_refused(uint8_t order)
{
    return order >> 7;
}

/* Whether a request has a number in a column. */
static bool has_number(uint8_t order, enum pgt_request_column column)
{
    unsigned kind = order_kind(order);
    switch (column) {
    case PGT_REQUEST_size:
        return kind != VM_EVENT_FREE;
    case PGT_REQUEST_align:
        return kind == VM_EVENT_ALLOC;
    case PGT_REQUEST_address:
        return !order_refused(order);
    case PGT_REQUEST_from:
        return kind == VM_EVENT_RESIZE;
    default:
        return true;
    }
}

/* Small for differences of either sign. */
static uint64_t folded(uint64_t difference)
{
    return difference << 1 ^ (difference >> 63 ? UINT64_MAX : 0);
}

static uint64_t unfolded(uint64_t number)
{
    return number >> 1 ^ (number & 1 ? UINT64_MAX : 0);
}

/* -- Making ---------------------------------------------------------------------------------- */

struct pgt_request_writer {
    uint32_t requests;
    uint32_t orders;
    uint32_t bytes[PGT_REQUEST_COLUMN_COUNT];
    struct pgt_request_state state;
    uint8_t order[PGT_BLOCK_REQUESTS + PGT_BLOCK_EVENTS];
    uint8_t column[PGT_REQUEST_COLUMN_COUNT][PGT_NUMBER_BYTES * PGT_BLOCK_REQUESTS];
};

struct pgt_request_writer *pgt_request_writer_open(struct vm_error *e)
{
    struct pgt_request_writer *w = calloc(1, sizeof *w);
    if (!w)
        vm_fail(e, VM_ESYSTEM, "out of memory: a .pgt writer needs %zu MiB", sizeof *w >> 20);
    return w;
}

void pgt_request_writer_close(struct pgt_request_writer *w)
{
    free(w);
}

void pgt_requests_clear(struct pgt_request_writer *w)
{
    w->requests = w->orders = 0;
    memset(w->bytes, 0, sizeof w->bytes);
    w->state = (struct pgt_request_state){0};
}

size_t pgt_requests_bytes(const struct pgt_request_writer *w)
{
    size_t bytes = PGT_REQUEST_HEAD + (size_t)w->orders;
    for (int i = 0; i < PGT_REQUEST_COLUMN_COUNT; i++)
        bytes += w->bytes[i];
    return w->requests ? bytes : 0;
}

uint32_t pgt_requests_count(const struct pgt_request_writer *w)
{
    return w->requests;
}

static void put_number(struct pgt_request_writer *w, enum pgt_request_column column, uint64_t n)
{
    uint8_t *at = w->column[column] + w->bytes[column], *p = at;
    for (; n >= 128; n >>= 7)
        *p++ = (uint8_t)(n | 128);
    *p++ = (uint8_t)n;
    w->bytes[column] += (uint32_t)(p - at);
}

void pgt_requests_add_plain(struct pgt_request_writer *w)
{
    w->order[w->orders++] = PGT_ORDER_PLAIN;
}

void pgt_requests_add(struct pgt_request_writer *w, const struct vm_event *event, uint32_t run)
{
    VM_ASSERT(w->requests < PGT_BLOCK_REQUESTS && event->detail < VM_REQUEST_CALLS);
    struct pgt_request_state *s = &w->state;
    uint8_t order = pgt_order(event);
    bool free_event = event->kind == VM_EVENT_FREE;
    uint64_t *near = free_event ? &s->given : &s->taken;
    const uint64_t number[PGT_REQUEST_COLUMN_COUNT] = {
        [PGT_REQUEST_step] = run - s->run,
        [PGT_REQUEST_thread] = folded(event->thread - s->thread),
        [PGT_REQUEST_site] = event->site,
        [PGT_REQUEST_size] = event->bytes,
        [PGT_REQUEST_align] = event->align,
        [PGT_REQUEST_address] = folded(event->va - *near),
        [PGT_REQUEST_from] = folded(event->from - s->given),
    };
    for (int i = 0; i < PGT_REQUEST_COLUMN_COUNT; i++)
        if (has_number(order, (enum pgt_request_column)i))
            put_number(w, (enum pgt_request_column)i, number[i]);
    w->order[w->orders++] = order;
    w->requests++;
    s->run = run;
    s->thread = event->thread;
    if (!order_refused(order))
        *near = event->va;
}

uint8_t *pgt_requests_take(struct pgt_request_writer *w, uint8_t *at, const uint8_t *events,
                           size_t event_bytes)
{
    pgt_store(at, w->requests, 4);
    for (int i = 0; i < PGT_REQUEST_COLUMN_COUNT; i++)
        pgt_store(at + 4 * (i + 1), w->bytes[i], 4);
    at += PGT_REQUEST_HEAD;
    memcpy(at, w->order, w->orders);
    at += w->orders;
    memcpy(at, events, event_bytes);
    at += event_bytes;
    for (int i = 0; i < PGT_REQUEST_COLUMN_COUNT; i++) {
        memcpy(at, w->column[i], w->bytes[i]);
        at += w->bytes[i];
    }
    pgt_requests_clear(w);
    return at;
}

/* -- Reading --------------------------------------------------------------------------------- */

/* The number at *p, which moves past it. */
static uint64_t take_number(const uint8_t **p)
{
    uint64_t n = 0;
    unsigned shift = 0;
    for (; **p & 128; shift += 7)
        n |= (uint64_t)(*(*p)++ & 127) << shift;
    return n | (uint64_t) * (*p)++ << shift;
}

/* Whether [p, end) is `count` numbers and nothing else. */
static bool numbers_valid(const uint8_t *p, const uint8_t *end, uint32_t count)
{
    for (; count; count--) {
        const uint8_t *start = p;
        while (p < end && *p & 128 && p - start < PGT_NUMBER_BYTES)
            p++;
        if (p == end || p - start >= PGT_NUMBER_BYTES)
            return false;
        if (p - start == PGT_NUMBER_BYTES - 1 && *p > 1)
            return false;
        p++;
    }
    return p == end;
}

static bool orders_valid(const uint8_t *order, uint32_t all, uint32_t requests,
                         uint32_t count[PGT_REQUEST_COLUMN_COUNT])
{
    uint32_t seen = 0;
    for (uint32_t i = 0; i < all; i++) {
        if (order[i] == PGT_ORDER_PLAIN)
            continue;
        unsigned kind = order_kind(order[i]);
        if (order[i] & 64 || !(order[i] >> 4 & 3) || order_call(order[i]) >= VM_REQUEST_CALLS ||
            (kind == VM_EVENT_FREE && order_refused(order[i])))
            return false;
        for (int c = 0; c < PGT_REQUEST_COLUMN_COUNT; c++)
            count[c] += has_number(order[i], (enum pgt_request_column)c);
        seen++;
    }
    return seen == requests;
}

/* Whether events come in the order of their runs, and numbers fit what they count. */
static bool steps_valid(const struct pgt_request_reader *r, const uint8_t *event,
                        size_t event_bytes, uint32_t runs)
{
    struct pgt_request_reader at = *r;
    uint64_t run = 0, here;
    struct vm_event read;
    for (; at.order < at.order_end; run = here) {
        if (*at.order == PGT_ORDER_PLAIN) {
            here = pgt_load32(event);
            event += event_bytes;
            at.order++;
        } else {
            pgt_requests_read(&at, &read);
            here = at.state.run;
            if (at.state.thread > UINT32_MAX || read.site > VM_SITES_MAX)
                return false;
        }
        if (here < run || here > runs)
            return false;
    }
    return true;
}

bool pgt_requests_open(struct pgt_request_reader *r, const uint8_t *part, size_t bytes,
                       uint32_t all, uint32_t runs, size_t event_bytes, const uint8_t **events,
                       uint32_t *plain)
{
    uint32_t count[PGT_REQUEST_COLUMN_COUNT] = {0}, requests;
    *r = (struct pgt_request_reader){0};
    if (bytes < PGT_REQUEST_HEAD + (size_t)all || (requests = pgt_load32(part)) > all ||
        !requests || requests > PGT_BLOCK_REQUESTS)
        return false;
    *plain = all - requests;
    uint64_t expected = PGT_REQUEST_HEAD + (uint64_t)all + (uint64_t)event_bytes * *plain;
    for (int i = 0; i < PGT_REQUEST_COLUMN_COUNT; i++)
        expected += pgt_load32(part + 4 * (i + 1));
    if (expected != bytes)
        return false;
    r->order = part + PGT_REQUEST_HEAD;
    r->order_end = r->order + all;
    *events = r->order_end;
    if (!orders_valid(r->order, all, requests, count))
        return false;
    const uint8_t *at = *events + event_bytes * *plain;
    for (int i = 0; i < PGT_REQUEST_COLUMN_COUNT; i++) {
        r->column[i] = at;
        at += pgt_load32(part + 4 * (i + 1));
        if (!numbers_valid(r->column[i], at, count[i]))
            return false;
    }
    return steps_valid(r, *events, event_bytes, runs);
}

bool pgt_requests_next(const struct pgt_request_reader *r, uint32_t *run)
{
    if (r->order == r->order_end || *r->order == PGT_ORDER_PLAIN)
        return false;
    const uint8_t *step = r->column[PGT_REQUEST_step];
    *run = (uint32_t)(r->state.run + take_number(&step));
    return true;
}

void pgt_requests_read(struct pgt_request_reader *r, struct vm_event *out)
{
    struct pgt_request_state *s = &r->state;
    uint64_t number[PGT_REQUEST_COLUMN_COUNT] = {0};
    uint8_t order = *r->order++;
    for (int i = 0; i < PGT_REQUEST_COLUMN_COUNT; i++)
        if (has_number(order, (enum pgt_request_column)i))
            number[i] = take_number(&r->column[i]);
    *out = (struct vm_event){.kind = (uint8_t)order_kind(order), .detail = order_call(order)};
    uint64_t *near = out->kind == VM_EVENT_FREE ? &s->given : &s->taken;
    s->run += number[PGT_REQUEST_step];
    s->thread += unfolded(number[PGT_REQUEST_thread]);
    if (!order_refused(order))
        *near = out->va = *near + unfolded(number[PGT_REQUEST_address]);
    if (out->kind == VM_EVENT_RESIZE)
        out->from = s->given + unfolded(number[PGT_REQUEST_from]);
    out->thread = (uint32_t)s->thread;
    out->site = (uint32_t)number[PGT_REQUEST_site];
    out->bytes = number[PGT_REQUEST_size];
    out->align = number[PGT_REQUEST_align];
}
