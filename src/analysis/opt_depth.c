/* opt_depth.c - see opt_depth.h.
 *
 * A chunk as events, in the order of time: an interval ENDs, time passes (a moment, at which a page
 * is in use), a track OPENs (there is one more page, and so a depth more to have), an interval
 * BEGINs. The chunk begins with the pages known, oldest first, each opening the track that is its
 * depth, and ends with the ends of all intervals that are not over, oldest first.
 *
 * Invariants of a node, the depths [low, high) of a chunk
 *  1. Its events are those of the intervals with such depths, and the openings of such tracks.
 *     Intervals are numbered by their beginnings; origin[] has their numbers in the chunk.
 *  2. An event's room is the least among the moments between the event before and it, were there
 *     only tracks below `low` and the intervals kept in them; NO_MOMENT if none is there.
 *  3. Between the two ends of an interval there is a moment.
 */
#include "analysis/opt_depth.h"

#include "base/assert.h"
#include "base/bits.h"

#include <stdlib.h>
#include <string.h>

#define CHUNK_TOUCHES 65536
#define CHUNK_TURNS   4 /* touches a page in a chunk at least: the pages are events, too */
#define NO_MOMENT     UINT32_MAX

enum kind { BEGIN, END, OPEN };

#define VALUES_MAX (UINT32_C(1) << 30)
struct event {
    uint32_t what; /* value << 2 | kind; the value is an interval of the node, or a track's depth */
    uint32_t room;
};

struct event_list {
    struct event *event;
    uint32_t n;
};

/* One that is being written: what `room` the next event will have. */
struct event_pen {
    struct event_list to;
    uint32_t room;
};

/* While a node is decided: where tokens are. Moments are numbered from 1. */
struct token_stack {
    uint32_t *earlier; /* [moments] a moment not after this one that may have a token */
    uint32_t *tokens;  /* [moments] */
    uint32_t now;      /* the moment that is next to pass */
    uint32_t total;
};

struct opt_depth {
    uint64_t *hits;
    uint32_t chunk;

    /* Between chunks. */
    uint32_t npages;
    uint32_t *order; /* [npages] pages by their last touch, oldest first */
    uint32_t *track; /* [npages] their depths, in that order */
    uint32_t *touch; /* [ntouches] of the chunk that is being filled */
    uint32_t ntouches;
    size_t order_cap, touch_cap;

    /* Of one chunk: grown when one needs more, by reserve. */
    uint32_t nintervals;
    uint32_t *depth;             /* [nintervals] the result */
    uint32_t *last;              /* [npages] the interval that is not over */
    struct event *events, *rest; /* all, and the upper half of a node's on its way */
    uint32_t *origin, *origin_rest;
    uint32_t *begun;   /* [interval of the node] the moments before its beginning */
    uint32_t *number;  /* [interval of the node] its number in its half << 1 | upper half */
    uint32_t *earlier; /* [moments] a moment not after this one that may have a token */
    uint32_t *tokens;  /* [moments] */
    struct vm_arena work;
    size_t work_intervals, work_events;
};

struct opt_depth *opt_depth_open(uint64_t *hits, struct vm_error *e)
{
    struct opt_depth *o = calloc(1, sizeof *o);
    if (!o) {
        vm_fail(e, VM_ESYSTEM, "no memory for a curve of opt");
        return NULL;
    }
    o->hits = hits;
    o->chunk = CHUNK_TOUCHES;
    return o;
}

void opt_depth_set_chunk(struct opt_depth *o, uint32_t ntouches)
{
    o->chunk = ntouches;
}

void opt_depth_close(struct opt_depth *o)
{
    if (!o)
        return;
    vm_arena_close(&o->work);
    free(o->order);
    free(o->track);
    free(o->touch);
    free(o);
}

/* ---- deciding ---- */

/* The latest moment not after `at` that has a token, or 0. */
static inline uint32_t token_find(uint32_t *earlier, uint32_t at)
{
    for (uint32_t next; (next = earlier[at]) != at; at = next)
        earlier[at] = next = earlier[next];
    return at;
}

static inline void token_take(struct token_stack *s, uint32_t at, uint32_t n)
{
    VM_EXPECT(s->tokens[at] >= n);
    s->tokens[at] -= n;
    s->total -= n;
    if (s->tokens[at] == 0)
        s->earlier[at] = at - 1;
}

/* Time passes a moment with that much room. */
static inline void token_pass(struct token_stack *s, uint32_t room)
{
    uint32_t now = s->now++;
    s->earlier[now] = now - 1;
    while (s->total > room) {
        uint32_t at = token_find(s->earlier, now - 1);
        VM_ASSERT(at);
        token_take(s, at, s->tokens[at] < s->total - room ? s->tokens[at] : s->total - room);
    }
    if (s->total < room) {
        s->tokens[now] = room - s->total;
        s->earlier[now] = now;
        s->total = room;
    }
}

/* Which of the node's intervals are kept with tracks below `middle`: number[] = 0, else 1. */
static void decide(const struct opt_depth *o, struct event_list l, uint32_t middle)
{
    struct token_stack s = {.earlier = o->earlier, .tokens = o->tokens, .now = 1};
    uint32_t opened = 0, *begun = o->begun, *number = o->number;
    s.earlier[0] = 0;
    for (uint32_t i = 0; i < l.n; i++) {
        struct event event = l.event[i];
        uint32_t value = event.what >> 2, kind = event.what & 3;
        if (event.room != NO_MOMENT)
            token_pass(&s, event.room + opened);
        if (kind == END) {
            VM_EXPECT(begun[value] < s.now);
            uint32_t at = token_find(s.earlier, begun[value]);
            number[value] = at == 0;
            if (at)
                token_take(&s, at, 1);
        } else if (kind == BEGIN) {
            begun[value] = s.now;
        } else {
            opened += value < middle;
        }
    }
}

/* ---- splitting ---- */

static inline void pen_pass(struct event_pen *p, uint32_t room)
{
    p->room = room < p->room ? room : p->room;
}

/* Write the event if `really`, 1; nothing, 0: which is chance, and so is not branched on. */
static inline void pen_write_if(struct event_pen *p, uint32_t what, uint32_t really)
{
    _Static_assert(NO_MOMENT == UINT32_MAX, "made by setting all bits");
    p->to.event[p->to.n] = (struct event){what, p->room};
    p->to.n += really;
    p->room |= -really;
}

static void pen_write(struct event_pen *p, uint32_t value, enum kind kind)
{
    pen_write_if(p, value << 2 | kind, 1);
}

/* Number the intervals of each half anew; returns how many are in the lower one, which come first
 * in origin[] then. */
static uint32_t split_intervals(const struct opt_depth *o, uint32_t *origin, uint32_t n)
{
    uint32_t lower = 0, upper = 0, *number = o->number, *rest = o->origin_rest;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t above = number[i], who = origin[i];
        rest[upper] = who;
        origin[lower] = who;
        number[i] = (lower + ((upper - lower) & -above)) << 1 | above;
        upper += above;
        lower += 1 - above;
    }
    memcpy(origin + lower, rest, upper * sizeof *origin);
    return lower;
}

/* The events of the lower half stay at the list's beginning, those of the upper follow; returns how
 * many are in the lower. In the upper half, what is kept in the lower takes room. */
static uint32_t split_events(const struct opt_depth *o, struct event_list l, uint32_t middle)
{
    struct event_pen lower = {{l.event, 0}, NO_MOMENT}, upper = {{o->rest, 0}, NO_MOMENT};
    const uint32_t *number = o->number;
    uint32_t more = 0; /* room that the lower half leaves to the upper one */
    for (uint32_t i = 0; i < l.n; i++) {
        struct event event = l.event[i];
        uint32_t value = event.what >> 2, kind = event.what & 3, opens = kind == OPEN;
        uint32_t own = number[value & (opens - 1)], above = opens ? value >= middle : own & 1;
        uint32_t what = opens ? event.what : own >> 1 << 2 | kind;
        pen_pass(&lower, event.room);
        pen_pass(&upper, event.room == NO_MOMENT ? NO_MOMENT : event.room + more);
        pen_write_if(&lower, what, !above);
        pen_write_if(&upper, what, above);
        more += (above - 1) & (kind == BEGIN ? UINT32_MAX : 1);
    }
    memcpy(l.event + lower.to.n, upper.to.event, upper.to.n * sizeof *l.event);
    return lower.to.n;
}

/* Most touches have small depths: octaves are told apart first, then halves of one. */
static uint32_t middle_of(uint32_t low, uint32_t high)
{
    unsigned from = vm_log2(low), to = vm_log2(high - 1);
    return from == to ? low + (high - low) / 2 : UINT32_C(1) << (from + to + 1) / 2;
}

/* Find the depths of the node's n intervals, which are in [low, high). */
static void bisect(struct opt_depth *o, struct event_list l, uint32_t *origin, uint32_t n,
                   uint32_t low, uint32_t high)
{
    if (n && high - low == 1)
        for (uint32_t i = 0; i < n; i++)
            o->depth[origin[i]] = low;
    if (n == 0 || high - low == 1)
        return;
    uint32_t middle = middle_of(low, high);
    decide(o, l, middle);
    uint32_t nlower = split_intervals(o, origin, n), events = split_events(o, l, middle);
    bisect(o, (struct event_list){l.event, events}, origin, nlower, low, middle);
    bisect(o, (struct event_list){l.event + events, l.n - events}, origin + nlower, n - nlower,
           middle, high);
}

/* ---- a chunk ---- */

static bool fail_memory(const struct opt_depth *o, struct vm_error *e)
{
    return vm_fail(e, VM_ESYSTEM, "no memory for a curve of opt over %u pages", o->npages);
}

/* Room for the work on a chunk that ends with `npages` pages. */
static bool reserve(struct opt_depth *o, uint32_t npages, struct vm_error *e)
{
    size_t intervals = (size_t)o->npages + o->ntouches, events = 2 * intervals + npages;
    if (intervals >= VALUES_MAX)
        return fail_memory(o, e);
    if (intervals <= o->work_intervals && events <= o->work_events)
        return true;
    size_t of_intervals = vm_arena_room((intervals + 2) * sizeof(uint32_t)),
           of_events = vm_arena_room(events * sizeof(struct event)),
           of_pages = vm_arena_room(intervals * sizeof(uint32_t));
    vm_arena_close(&o->work);
    o->work_intervals = o->work_events = 0;
    if (!vm_arena_open(&o->work, 7 * of_intervals + 2 * of_events + of_pages, e))
        return false;
    o->work_intervals = intervals;
    o->work_events = events;
    uint32_t **const by_interval[] = {&o->depth,  &o->origin,  &o->origin_rest, &o->begun,
                                      &o->number, &o->earlier, &o->tokens};
    for (size_t i = 0; i < sizeof by_interval / sizeof by_interval[0]; i++)
        *by_interval[i] = vm_arena_take(&o->work, of_intervals);
    o->events = vm_arena_take(&o->work, of_events);
    o->rest = vm_arena_take(&o->work, of_events);
    o->last = vm_arena_take(&o->work, of_pages);
    return true;
}

static void begin_interval(struct opt_depth *o, struct event_pen *p, uint32_t page)
{
    o->last[page] = o->nintervals;
    o->origin[o->nintervals] = o->nintervals;
    pen_write(p, o->nintervals++, BEGIN);
}

/* A track opens for each page that is known, in the order of their last touches. */
static void write_known(struct opt_depth *o, struct event_pen *p)
{
    for (uint32_t i = 0; i < o->npages; i++) {
        pen_pass(p, 0);
        pen_write(p, o->track[i], OPEN);
        begin_interval(o, p, o->order[i]);
    }
}

static uint32_t write_touches(struct opt_depth *o, struct event_pen *p)
{
    uint32_t npages = o->npages;
    for (uint32_t i = 0; i < o->ntouches; i++) {
        uint32_t page = o->touch[i];
        bool known = page < npages;
        if (known)
            pen_write(p, o->last[page], END);
        pen_pass(p, 0);
        if (!known)
            pen_write(p, ++npages, OPEN);
        begin_interval(o, p, page);
    }
    return npages;
}

/* Whether no later touch of the chunk is of the same page as this interval's. */
static bool is_last(const struct opt_depth *o, uint32_t interval, uint32_t page)
{
    return o->last[page] == interval;
}

static uint32_t page_of(const struct opt_depth *o, uint32_t interval)
{
    return interval < o->npages ? o->order[interval] : o->touch[interval - o->npages];
}

/* The ends of what is not over, oldest first: at one time, after the last touch was. */
static void write_ends(struct opt_depth *o, struct event_pen *p)
{
    pen_pass(p, 0);
    for (uint32_t i = 0; i < o->nintervals; i++)
        if (is_last(o, i, page_of(o, i)))
            pen_write(p, i, END);
}

/* Count the depths of the intervals that a touch ended; those of the others are the next chunk's
 * tracks. `order` has room for all pages. */
static void gather(struct opt_depth *o, uint32_t npages, uint32_t *order, uint32_t *track)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < o->nintervals; i++) {
        uint32_t page = page_of(o, i);
        if (is_last(o, i, page)) {
            order[n] = page;
            track[n++] = o->depth[i];
        } else {
            o->hits[o->depth[i] + 1]++;
        }
    }
    VM_ASSERT(n == npages);
}

static uint32_t pages_after(const struct opt_depth *o)
{
    uint32_t npages = o->npages;
    for (uint32_t i = 0; i < o->ntouches; i++)
        npages = o->touch[i] >= npages ? o->touch[i] + 1 : npages;
    return npages;
}

static bool end_chunk(struct opt_depth *o, struct vm_error *e)
{
    uint32_t npages = pages_after(o);
    if (!reserve(o, npages, e))
        return false;
    uint32_t *order = malloc(sizeof *order * (npages + 1)),
             *track = malloc(sizeof *track * (npages + 1));
    if (!order || !track) {
        free(order);
        free(track);
        return fail_memory(o, e);
    }
    o->nintervals = 0;
    struct event_pen pen = {{o->events, 0}, NO_MOMENT};
    write_known(o, &pen);
    uint32_t opened = write_touches(o, &pen);
    VM_ASSERT(opened == npages);
    write_ends(o, &pen);
    bisect(o, pen.to, o->origin, o->nintervals, 1, npages + 1);
    gather(o, npages, order, track);
    free(o->order);
    free(o->track);
    o->order = order;
    o->track = track;
    o->npages = npages;
    o->ntouches = 0;
    return true;
}

/* ---- touches ---- */

static bool touch_reserve(struct opt_depth *o, struct vm_error *e)
{
    if (o->ntouches < o->touch_cap)
        return true;
    size_t cap = o->touch_cap ? 2 * o->touch_cap : 4096;
    uint32_t *grown = cap < VALUES_MAX ? realloc(o->touch, cap * sizeof *grown) : NULL;
    if (!grown)
        return fail_memory(o, e);
    o->touch = grown;
    o->touch_cap = cap;
    return true;
}

bool opt_depth_touches(struct opt_depth *o, const uint32_t *page, size_t n, struct vm_error *e)
{
    for (size_t i = 0; i < n; i++) {
        if (o->ntouches && page[i] == o->touch[o->ntouches - 1]) {
            o->hits[1]++; /* nothing was in between */
            continue;
        }
        if (o->ntouches >= o->chunk && o->ntouches >= CHUNK_TURNS * (uint64_t)o->npages &&
            !end_chunk(o, e))
            return false;
        if (!touch_reserve(o, e))
            return false;
        o->touch[o->ntouches++] = page[i];
    }
    return true;
}

bool opt_depth_end(struct opt_depth *o, struct vm_error *e)
{
    return o->ntouches == 0 || end_chunk(o, e);
}
