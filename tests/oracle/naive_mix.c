/* naive_mix.c - see naive_mix.h. */
#include "oracle/naive_mix.h"

#include "base/assert.h"

#include <string.h>

enum state { WAITING, READY, BLOCKED, DONE };

struct frame {
    bool used, dirty;
    size_t process;
    unsigned page;
    uint64_t touched;
};

struct world {
    const struct naive_mix *x;
    struct naive_mix_outcome *out;
    struct naive_queue queue;
    struct frame frame[64];
    bool been[NAIVE_PROCESSES][NAIVE_PAGES]; /* in memory before */
    enum state state[NAIVE_PROCESSES];
    size_t at[NAIVE_PROCESSES];
    uint64_t until[NAIVE_PROCESSES];
    size_t ready[NAIVE_PROCESSES], nready; /* who is ready, in order */
    uint64_t now, touches;
    size_t running; /* whose space the machine is in */
};

/* ---- memory ---- */

static struct frame *find(struct world *w, size_t process, unsigned page)
{
    for (size_t f = 0; f < w->x->nframes; f++)
        if (w->frame[f].used && w->frame[f].process == process && w->frame[f].page == page)
            return &w->frame[f];
    return NULL;
}

static struct frame *free_or_oldest(struct world *w)
{
    struct frame *oldest = &w->frame[0];
    for (size_t f = 0; f < w->x->nframes; f++) {
        if (!w->frame[f].used)
            return &w->frame[f];
        if (w->frame[f].touched < oldest->touched)
            oldest = &w->frame[f];
    }
    return oldest;
}

/* Answers when the process's transfers are done. */
static uint64_t fault(struct world *w, size_t process, unsigned page, bool write)
{
    struct frame *f = free_or_oldest(w);
    uint64_t time = w->now;
    if (f->used && f->dirty) {
        time = naive_queue_submit(&w->queue, time, w->x->write);
        w->out->process[process].writebacks++;
    }
    if (w->been[process][page]) {
        time = naive_queue_submit(&w->queue, time, w->x->read);
        w->out->process[process].majors++;
    }
    w->been[process][page] = true;
    *f = (struct frame){true, write, process, page, ++w->touches};
    return time;
}

/* ---- processes ---- */

static void make_ready(struct world *w, size_t process)
{
    w->state[process] = READY;
    w->ready[w->nready++] = process;
}

/* Of those blocked, who can go on first; ties go to who was blocked first, which `order` tells. */
static size_t first_blocked(const struct world *w, const uint64_t *order)
{
    size_t best = NAIVE_PROCESSES;
    for (size_t p = 0; p < w->x->n; p++)
        if (w->state[p] == BLOCKED && (best == NAIVE_PROCESSES || w->until[p] < w->until[best] ||
                                       (w->until[p] == w->until[best] && order[p] < order[best])))
            best = p;
    return best;
}

static void wake(struct world *w, const uint64_t *order)
{
    size_t p;
    while ((p = first_blocked(w, order)) < NAIVE_PROCESSES && w->until[p] <= w->now)
        make_ready(w, p);
}

static void admit(struct world *w)
{
    size_t running = 0;
    for (size_t p = 0; p < w->x->n; p++)
        running += w->state[p] == READY || w->state[p] == BLOCKED;
    for (size_t p = 0; p < w->x->n && running < w->x->admitted; p++)
        if (w->state[p] == WAITING) {
            w->out->process[p].admitted_ns = w->now;
            make_ready(w, p);
            running++;
        }
}

static bool all_done(const struct world *w)
{
    for (size_t p = 0; p < w->x->n; p++)
        if (w->state[p] != DONE)
            return false;
    return true;
}

static void finish(struct world *w, size_t p)
{
    w->state[p] = DONE;
    w->out->process[p].done_ns = w->now;
    for (size_t f = 0; f < w->x->nframes && !all_done(w); f++)
        if (w->frame[f].process == p)
            w->frame[f].used = false;
}

/* One quantum of the process, or less. */
static void turn(struct world *w, size_t p, uint64_t *order, uint64_t *orders)
{
    const struct naive_program *program = &w->x->program[p];
    w->out->process[p].dispatches++;
    if (w->running != p) {
        w->running = p;
        w->out->switches++;
        w->now += w->x->switch_ns;
    }
    uint64_t began = w->now;
    for (uint64_t i = 0; i < w->x->quantum || !w->x->quantum; i++) {
        if (w->x->quantum_ns && w->now - began >= w->x->quantum_ns)
            return;
        if (w->at[p] == program->nrefs) {
            finish(w, p);
            return;
        }
        unsigned page = program->ref[w->at[p]].page;
        bool write = program->ref[w->at[p]].write;
        struct frame *f = find(w, p, page);
        uint64_t until = f ? 0 : fault(w, p, page, write);
        if (f) {
            f->dirty |= write;
            f->touched = ++w->touches;
        }
        bool waits = until > w->now;
        w->now += f ? w->x->hit_ns : w->x->fault_ns;
        w->at[p]++;
        if (waits) {
            until += w->x->fault_ns; /* the kernel's work is no part of the transfer */
            w->until[p] = until;
            w->state[p] = BLOCKED;
            order[p] = ++*orders;
            w->out->process[p].waits++;
            w->out->process[p].blocked_ns += until - w->now;
            return;
        }
    }
}

void naive_mix_run(const struct naive_mix *x, struct naive_mix_outcome *out)
{
    static struct world w;
    uint64_t order[NAIVE_PROCESSES] = {0}, orders = 0;
    memset(&w, 0, sizeof w);
    memset(out, 0, sizeof *out);
    w.x = x;
    w.out = out;
    w.queue.depth = x->depth;
    VM_ASSERT(x->nframes <= sizeof w.frame / sizeof w.frame[0]);
    while (!all_done(&w)) {
        admit(&w);
        if (w.nready == 0) {
            uint64_t until = w.until[first_blocked(&w, order)];
            out->idle_ns += until - w.now;
            w.now = until;
            wake(&w, order);
            continue;
        }
        size_t p = w.ready[0];
        memmove(&w.ready[0], &w.ready[1], --w.nready * sizeof w.ready[0]);
        turn(&w, p, order, &orders);
        wake(&w, order);
        if (w.state[p] == READY)
            make_ready(&w, p);
    }
    out->now_ns = w.now;
}
