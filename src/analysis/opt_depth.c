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
 *  2. room[e] is the least room among the moments between event e - 1 and e, were there only tracks
 *     below `low` and the intervals kept in them; NO_MOMENT if none is there.
 *  3. Between the two ends of an interval there is a moment.
 */
#include "analysis/opt_depth.h"

#include "base/assert.h"

#include <stdlib.h>
#include <string.h>

#define CHUNK_TOUCHES 65536
#define CHUNK_TURNS   2 /* touches a page in a chunk at least: the pages are events, too */
#define NO_MOMENT     UINT32_MAX
#define NOBODY        UINT32_MAX

enum kind { BEGIN, END, OPEN };

/* value << 2 | kind; the value is an interval of the node, or a track's depth. */
typedef uint32_t event;
#define VALUES_MAX (UINT32_C(1) << 30)

struct event_list {
    event *event;
    uint32_t *room;
    uint32_t n;
};

/* One that is being written: what `room` the next event will have. */
struct event_pen {
    struct event_list *to;
    uint32_t room;
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
    uint32_t *depth;                /* [nintervals] the result */
    uint32_t *last;                 /* [npages] the interval that is not over */
    struct event_list events, rest; /* a node's, and the upper half of one on its way */
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

/* The latest moment not after `at` that has a token, or NOBODY. Moment 0 never has one. */
static uint32_t token_find(struct opt_depth *o, uint32_t at)
{
    uint32_t *earlier = o->earlier;
    while (earlier[at] != at) {
        earlier[at] = earlier[earlier[at]];
        at = earlier[at];
    }
    return at ? at : NOBODY;
}

static void token_take(struct opt_depth *o, uint32_t at, uint32_t n)
{
    VM_EXPECT(o->tokens[at] >= n);
    o->tokens[at] -= n;
    if (o->tokens[at] == 0)
        o->earlier[at] = at - 1;
}

/* Time passes a moment with that much room: `now` is the moment before, `total` all tokens.
 * Returns the tokens there are then. */
static uint32_t token_pass(struct opt_depth *o, uint32_t now, uint32_t total, uint32_t room)
{
    o->earlier[now] = now - 1;
    for (; total > room;) {
        uint32_t at = token_find(o, now - 1);
        VM_ASSERT(at != NOBODY);
        uint32_t n = o->tokens[at] < total - room ? o->tokens[at] : total - room;
        token_take(o, at, n);
        total -= n;
    }
    if (total < room) {
        o->tokens[now] = room - total;
        o->earlier[now] = now;
    }
    return room;
}

/* Which of the node's intervals are kept with tracks below `middle`: number[] = 0, else 1. */
static void decide(struct opt_depth *o, const struct event_list *l, uint32_t middle)
{
    uint32_t now = 1, total = 0, opened = 0;
    o->earlier[0] = 0;
    for (uint32_t i = 0; i < l->n; i++) {
        if (l->room[i] != NO_MOMENT) {
            total = token_pass(o, now, total, l->room[i] + opened);
            now++;
        }
        uint32_t value = l->event[i] >> 2;
        switch ((enum kind)(l->event[i] & 3)) {
        case OPEN:
            opened += value < middle;
            break;
        case BEGIN:
            o->begun[value] = now;
            break;
        case END:
            VM_EXPECT(o->begun[value] < now);
            uint32_t at = token_find(o, o->begun[value]);
            o->number[value] = at == NOBODY;
            if (at != NOBODY) {
                token_take(o, at, 1);
                total--;
            }
            break;
        }
    }
}

/* ---- splitting ---- */

static void pen_pass(struct event_pen *p, uint32_t room)
{
    p->room = room < p->room ? room : p->room;
}

static void pen_write(struct event_pen *p, event what)
{
    p->to->room[p->to->n] = p->room;
    p->to->event[p->to->n++] = what;
    p->room = NO_MOMENT;
}

/* Number the intervals of each half anew; returns how many are in the lower one, which come first
 * in origin[] then. */
static uint32_t split_intervals(struct opt_depth *o, uint32_t *origin, uint32_t n)
{
    uint32_t lower = 0, upper = 0;
    for (uint32_t i = 0; i < n; i++)
        if (o->number[i]) {
            o->origin_rest[upper] = origin[i];
            o->number[i] = upper++ << 1 | 1;
        } else {
            origin[lower] = origin[i];
            o->number[i] = lower++ << 1;
        }
    memcpy(origin + lower, o->origin_rest, upper * sizeof *origin);
    return lower;
}

/* The events of the lower half stay at the list's beginning, those of the upper follow; returns how
 * many are in the lower. In the upper half, what is kept in the lower takes room. */
static uint32_t split_events(struct opt_depth *o, struct event_list *l, uint32_t middle)
{
    struct event_list kept = {l->event, l->room, 0};
    o->rest.n = 0;
    struct event_pen lower = {&kept, NO_MOMENT}, upper = {&o->rest, NO_MOMENT};
    uint32_t taken = 0, opened = 0;
    for (uint32_t i = 0; i < l->n; i++) {
        uint32_t room = l->room[i], value = l->event[i] >> 2, kind = l->event[i] & 3;
        if (room != NO_MOMENT) {
            VM_EXPECT(room + opened >= taken);
            pen_pass(&lower, room);
            pen_pass(&upper, room + opened - taken);
        }
        bool above = kind == OPEN ? value >= middle : o->number[value] & 1;
        event what = kind == OPEN ? l->event[i] : o->number[value] >> 1 << 2 | kind;
        pen_write(above ? &upper : &lower, what);
        if (!above) {
            opened += kind == OPEN;
            taken += kind == BEGIN;
            taken -= kind == END;
        }
    }
    memcpy(l->event + kept.n, o->rest.event, o->rest.n * sizeof *l->event);
    memcpy(l->room + kept.n, o->rest.room, o->rest.n * sizeof *l->room);
    return kept.n;
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
    uint32_t middle = low + (high - low) / 2;
    decide(o, &l, middle);
    uint32_t nlower = split_intervals(o, origin, n), events = split_events(o, &l, middle);
    bisect(o, (struct event_list){l.event, l.room, events}, origin, nlower, low, middle);
    bisect(o, (struct event_list){l.event + events, l.room + events, l.n - events}, origin + nlower,
           n - nlower, middle, high);
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
           of_events = vm_arena_room(events * sizeof(uint32_t)),
           of_pages = vm_arena_room(intervals * sizeof(uint32_t));
    vm_arena_close(&o->work);
    o->work_intervals = o->work_events = 0;
    if (!vm_arena_open(&o->work, 7 * of_intervals + 4 * of_events + of_pages, e))
        return false;
    o->work_intervals = intervals;
    o->work_events = events;
    uint32_t **const by_interval[] = {&o->depth,  &o->origin,  &o->origin_rest, &o->begun,
                                      &o->number, &o->earlier, &o->tokens};
    for (size_t i = 0; i < sizeof by_interval / sizeof by_interval[0]; i++)
        *by_interval[i] = vm_arena_take(&o->work, of_intervals);
    uint32_t **const by_event[] = {&o->events.event, &o->events.room, &o->rest.event,
                                   &o->rest.room};
    for (size_t i = 0; i < sizeof by_event / sizeof by_event[0]; i++)
        *by_event[i] = vm_arena_take(&o->work, of_events);
    o->last = vm_arena_take(&o->work, of_pages);
    return true;
}

static void begin_interval(struct opt_depth *o, struct event_pen *p, uint32_t page)
{
    o->last[page] = o->nintervals;
    o->origin[o->nintervals] = o->nintervals;
    pen_write(p, o->nintervals++ << 2 | BEGIN);
}

/* A track opens for each page that is known, in the order of their last touches. */
static void write_known(struct opt_depth *o, struct event_pen *p)
{
    for (uint32_t i = 0; i < o->npages; i++) {
        pen_pass(p, 0);
        pen_write(p, o->track[i] << 2 | OPEN);
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
            pen_write(p, o->last[page] << 2 | END);
        pen_pass(p, 0);
        if (!known)
            pen_write(p, ++npages << 2 | OPEN);
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
            pen_write(p, i << 2 | END);
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
    o->nintervals = o->events.n = 0;
    struct event_pen pen = {&o->events, NO_MOMENT};
    write_known(o, &pen);
    uint32_t opened = write_touches(o, &pen);
    VM_ASSERT(opened == npages);
    write_ends(o, &pen);
    bisect(o, o->events, o->origin, o->nintervals, 1, npages + 1);
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

static uint32_t latest_page(const struct opt_depth *o)
{
    if (o->ntouches)
        return o->touch[o->ntouches - 1];
    return o->npages ? o->order[o->npages - 1] : NOBODY;
}

bool opt_depth_touches(struct opt_depth *o, const uint32_t *page, size_t n, struct vm_error *e)
{
    for (size_t i = 0; i < n; i++) {
        if (page[i] == latest_page(o)) {
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
