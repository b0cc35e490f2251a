/* streams.h - faults that follow each other: how many pages to bring along. Private to pager/.
 *
 * Only faults are seen, so a stream shows itself by the page at which it faults next: the
 * first that is out behind all that was brought for it. Eight streams are known by that page. A
 * fault there doubles the window, from 4 up; the first fault of a stream is one beside a page that
 * faulted lately.
 *
 *      faults   10 11 . . . . 16 . . . . . . . . 25      upwards; the same downwards
 *      brought        12-15      17-24              26-41
 *
 * Two faults side by side are a stream, as in Linux (mm/readahead.c, since 2.6.23: Wu, Xi & Xu, "On
 * the design of a new Linux readahead framework", SIGOPS Operating Systems Review 42(5) 2008): an
 * upward one if they are on both sides.
 *
 * Invariant: a stream's window is at most what its fault allowed, and its next page is not in it.
 */
#ifndef PAGER_STREAMS_H
#define PAGER_STREAMS_H

#include <stdbool.h>
#include <stdint.h>

#define STREAMS        8
#define STREAM_WINDOW  4
#define STREAM_NOWHERE (UINT32_C(1) << 31) /* no page, and beside none */

struct stream {
    uint32_t next; /* the page at which it faults next */
    int32_t step;  /* 1: upwards, -1: downwards */
    uint32_t window;
    uint64_t used; /* the number of its last fault */
};

struct streams {
    struct stream stream[STREAMS];
    uint32_t lately[STREAMS]; /* pages of the last faults that were of no stream */
    uint32_t nlately;
    uint64_t faults;
};

static inline void streams_init(struct streams *s)
{
    *s = (struct streams){0};
    for (int i = 0; i < STREAMS; i++) {
        s->stream[i].next = STREAM_NOWHERE;
        s->lately[i] = STREAM_NOWHERE;
    }
}

static inline struct stream *streams_stalest(struct streams *s)
{
    struct stream *found = s->stream;
    for (struct stream *t = s->stream; t < s->stream + STREAMS; t++)
        if (t->used < found->used)
            found = t;
    return found;
}

static inline bool streams_had(const struct streams *s, uint32_t page)
{
    for (int i = 0; i < STREAMS; i++)
        if (s->lately[i] == page)
            return true;
    return false;
}

/* The stream, of several the one used last, that faults at `page` next; NULL: none. */
static inline struct stream *streams_expecting(struct streams *s, uint32_t page)
{
    struct stream *found = NULL;
    for (struct stream *t = s->stream; t < s->stream + STREAMS; t++)
        if (t->next == page && (!found || t->used > found->used))
            found = t;
    return found;
}

/* The stream that faults at `page`, its window as wide as it shall be now, at most `most` >= 1;
 * NULL: none. The caller moves `next` behind what it brings. */
static inline struct stream *streams_fault(struct streams *s, uint32_t page, uint32_t most)
{
    struct stream *t = streams_expecting(s, page);
    s->faults++;
    if (t) {
        t->window = t->window * 2 < most ? t->window * 2 : most;
        t->used = s->faults;
        return t;
    }
    bool up = streams_had(s, page - 1), down = streams_had(s, page + 1);
    s->lately[s->nlately++ % STREAMS] = page;
    if (!up && !down)
        return NULL;
    t = streams_stalest(s);
    *t = (struct stream){.next = STREAM_NOWHERE,
                         .step = up ? 1 : -1,
                         .window = STREAM_WINDOW < most ? STREAM_WINDOW : most,
                         .used = s->faults};
    return t;
}

#endif
