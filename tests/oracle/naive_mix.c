/* naive_mix.c - see naive_mix.h. */
#include "oracle/naive_mix.h"

#include "base/assert.h"

#include <string.h>

enum state { WAITING, READY, BLOCKED, DONE };

struct frame {
    bool used, dirty, mapped;
    size_t process;
    unsigned page;
    uint64_t touched;
};

/* Slots of the second device have numbers from here on; a page of a file, on the first, its address
 * behind FILES. */
#define SECOND 100000u
#define FILES  1000000u

/* Of every page: whether it was in memory before, and its slot in swap; 0: none. */
struct past {
    bool been;
    unsigned slot;
};

struct device {
    struct naive_queue queue;
    uint64_t service, bus;                                        /* of all requests */
    unsigned freed[NAIVE_PROCESSES * NAIVE_PAGES], nfreed, fresh; /* slots: a stack, and unused */
};

/* What a window of the detection began with. */
struct window {
    uint64_t now, idle, transfer, majors;
    uint64_t of[NAIVE_PROCESSES]; /* majors */
};

struct world {
    const struct naive_mix *x;
    struct naive_mix_outcome *out;
    struct device device[2];
    struct frame frame[64];
    struct past past[NAIVE_PROCESSES][NAIVE_PAGES];
    enum state state[NAIVE_PROCESSES];
    size_t at[NAIVE_PROCESSES];
    uint64_t until[NAIVE_PROCESSES];
    uint64_t entered[NAIVE_PROCESSES], admitted[NAIVE_PROCESSES], changes; /* by number of change */
    uint64_t suspended_at[NAIVE_PROCESSES];
    bool kept[NAIVE_PROCESSES][NAIVE_PAGES]; /* the working set at suspension */
    struct window window;
    uint64_t window_majors[NAIVE_PROCESSES]; /* in the last whole one */
    enum vm_rate_level level;
    uint64_t acted; /* windows that were acted on */
    bool thrashes;
    uint64_t since;
    uint64_t now, touches;
    size_t running; /* whose space the machine is in */
};

/* ---- the devices ---- */

static unsigned place_of(const struct world *w, size_t process, unsigned page)
{
    unsigned slot = w->past[process][page].slot;
    return slot ? slot : FILES + page;
}

/* A transfer of pages from `place` on. */
static uint64_t submit(struct world *w, uint64_t now, enum vm_transfer kind, unsigned place,
                       unsigned pages)
{
    bool second = place > SECOND && place < FILES;
    struct device *d = &w->device[second];
    const struct naive_device *x = &w->x->device[second];
    struct vm_service one = kind == VM_TRANSFER_READ ? x->read : x->write;
    one.bus_ns *= pages;
    w->out->second_pages[kind] += second ? pages : 0;
    d->service += one.latency_ns + one.bus_ns;
    d->bus += one.bus_ns;
    return naive_queue_submit(&d->queue, now, one);
}

/* The least that all transfers could take the device that has the most of them. */
static uint64_t least_transfer_ns(const struct world *w)
{
    uint64_t most = 0;
    for (int i = 0; i < 2; i++) {
        const struct device *d = &w->device[i];
        uint64_t least = d->service / w->x->device[i].depth;
        least = d->bus > least ? d->bus : least;
        most = least > most ? least : most;
    }
    return most;
}

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

static void give_slot(struct world *w, const struct frame *f)
{
    unsigned *slot = &w->past[f->process][f->page].slot;
    if (*slot)
        return;
    struct device *first = &w->device[0];
    bool second = first->fresh - first->nfreed == w->x->first_slots;
    struct device *d = &w->device[second];
    *slot = (second ? SECOND : 0) + (d->nfreed ? d->freed[--d->nfreed] : ++d->fresh);
}

static void free_slot(struct world *w, unsigned slot)
{
    struct device *d = &w->device[slot > SECOND];
    d->freed[d->nfreed++] = slot > SECOND ? slot - SECOND : slot;
}

/* A frame for somebody: whoever is in it leaves, written first on behalf of `process`. */
static struct frame *get_frame(struct world *w, size_t process, uint64_t *time)
{
    struct frame *f = free_or_oldest(w);
    if (f->used && f->dirty) {
        give_slot(w, f);
        *time = submit(w, *time, VM_TRANSFER_WRITE, place_of(w, f->process, f->page), 1);
        w->out->process[process].writebacks++;
    }
    f->used = false;
    return f;
}

/* Answers when the process's transfers are done. */
static uint64_t fault(struct world *w, size_t process, unsigned page, bool write)
{
    uint64_t time = w->now;
    struct frame *f = get_frame(w, process, &time);
    if (w->past[process][page].been) {
        time = submit(w, time, VM_TRANSFER_READ, place_of(w, process, page), 1);
        w->out->process[process].majors++;
    }
    w->past[process][page].been = true;
    *f = (struct frame){true, write, true, process, page, ++w->touches};
    return time;
}

/* ---- processes ---- */

static void enter(struct world *w, size_t p, enum state state)
{
    w->state[p] = state;
    w->entered[p] = ++w->changes;
}

static bool runs(const struct world *w, size_t p)
{
    return w->state[p] == READY || w->state[p] == BLOCKED;
}

static size_t count(const struct world *w, enum state state)
{
    size_t n = 0;
    for (size_t p = 0; p < w->x->n; p++)
        n += w->state[p] == state;
    return n;
}

/* Of those in that state, who came to it first; NAIVE_PROCESSES: nobody. */
static size_t first(const struct world *w, enum state state)
{
    size_t best = NAIVE_PROCESSES;
    for (size_t p = 0; p < w->x->n; p++)
        if (w->state[p] == state && (best == NAIVE_PROCESSES || w->entered[p] < w->entered[best]))
            best = p;
    return best;
}

/* Of those blocked, who can go on first; ties go to who was blocked first. */
static size_t first_blocked(const struct world *w)
{
    size_t best = NAIVE_PROCESSES;
    for (size_t p = 0; p < w->x->n; p++)
        if (w->state[p] == BLOCKED &&
            (best == NAIVE_PROCESSES || w->until[p] < w->until[best] ||
             (w->until[p] == w->until[best] && w->entered[p] < w->entered[best])))
            best = p;
    return best;
}

static void wake(struct world *w)
{
    size_t p;
    while ((p = first_blocked(w)) < NAIVE_PROCESSES && w->until[p] <= w->now)
        enter(w, p, READY);
}

/* ---- working sets ---- */

/* Marks the pages of the last references; answers how many. */
static size_t working_set(const struct world *w, size_t p, bool *in)
{
    size_t n = 0, from = w->at[p] > w->x->control.set_refs ? w->at[p] - w->x->control.set_refs : 0;
    memset(in, 0, NAIVE_PAGES * sizeof *in);
    for (size_t i = from; i < w->at[p]; i++) {
        bool *page = &in[w->x->program[p].ref[i].page];
        n += !*page;
        *page = true;
    }
    return n;
}

/* ---- load control ---- */

static double rate_since(const struct world *w, uint64_t transfer, uint64_t majors)
{
    const struct window *b = &w->window;
    uint64_t elapsed = w->now - b->now, idle = w->out->idle_ns - b->idle;
    double work = elapsed > idle ? (double)(elapsed - idle) : 1;
    switch (w->x->control.rate) {
    case NAIVE_DEVICE:
        return (double)(transfer - b->transfer) / work;
    case NAIVE_FAULTS:
        return (double)(majors - b->majors) * 1e6 / work;
    case NAIVE_IDLE:
        return (double)idle / (double)elapsed;
    }
    return 0;
}

static void judge(struct world *w, double rate)
{
    const struct naive_control *c = &w->x->control;
    struct vm_detected *d = &w->out->detected;
    w->level = rate > c->high ? VM_RATE_HIGH : rate < c->low ? VM_RATE_LOW : VM_RATE_BETWEEN;
    d->windows++;
    d->rate_peak = rate > d->rate_peak ? rate : d->rate_peak;
    if (w->level == VM_RATE_HIGH && !w->thrashes) {
        d->first_ns = d->times ? d->first_ns : w->now;
        d->times++;
        w->since = w->now;
        w->thrashes = true;
    } else if (w->level == VM_RATE_LOW && w->thrashes) {
        d->lasted_ns += w->now - w->since;
        w->thrashes = false;
    }
}

static void look(struct world *w)
{
    uint64_t majors = 0, transfer = least_transfer_ns(w);
    if (w->now - w->window.now < w->x->control.window_ns)
        return;
    for (size_t p = 0; p < w->x->n; p++)
        majors += w->out->process[p].majors;
    judge(w, rate_since(w, transfer, majors));
    for (size_t p = 0; p < w->x->n; p++) {
        w->window_majors[p] = w->out->process[p].majors - w->window.of[p];
        w->window.of[p] = w->out->process[p].majors;
    }
    w->window.now = w->now;
    w->window.idle = w->out->idle_ns;
    w->window.transfer = transfer;
    w->window.majors = majors;
}

/* Every page that the process maps leaves; those to be written in runs of slots. */
static void empty(struct world *w, size_t p)
{
    unsigned run_end = 0, run = 0;
    for (unsigned page = 0; page < NAIVE_PAGES; page++) {
        struct frame *f = find(w, p, page);
        if (!f || !f->mapped)
            continue;
        f->used = false;
        if (!f->dirty)
            continue;
        give_slot(w, f);
        w->out->process[p].writebacks++;
        unsigned slot = w->past[p][page].slot;
        if (run && slot != run_end) {
            submit(w, w->now, VM_TRANSFER_WRITE, run_end - run, run);
            run = 0;
        }
        run++;
        run_end = slot + 1;
    }
    if (run)
        submit(w, w->now, VM_TRANSFER_WRITE, run_end - run, run);
}

static uint64_t mapped(const struct world *w, size_t p)
{
    uint64_t n = 0;
    for (size_t f = 0; f < w->x->nframes; f++)
        n += w->frame[f].used && w->frame[f].mapped && w->frame[f].process == p;
    return n;
}

static double wish(const struct world *w, size_t p)
{
    switch (w->x->control.leaver) {
    case VM_LEAVER_NEWEST:
        return 0;
    case VM_LEAVER_FAULTING:
        return (double)w->window_majors[p];
    case VM_LEAVER_SMALLEST:
        return -(double)mapped(w, p);
    case VM_LEAVER_LARGEST:
        return (double)mapped(w, p);
    }
    return 0;
}

static void suspend(struct world *w)
{
    size_t best = NAIVE_PROCESSES;
    for (size_t p = 0; p < w->x->n; p++)
        if (runs(w, p) && (best == NAIVE_PROCESSES || wish(w, p) > wish(w, best) ||
                           (wish(w, p) == wish(w, best) && w->admitted[p] > w->admitted[best])))
            best = p;
    w->out->process[best].suspensions++;
    w->suspended_at[best] = w->now;
    enter(w, best, WAITING);
    if (w->x->control.prepage == VM_PREPAGE_WORKING_SET)
        working_set(w, best, w->kept[best]);
    empty(w, best);
}

/* Reads of places that lie side by side are one; answers when all are done. */
static uint64_t read_places(struct world *w, unsigned *place, size_t n, uint64_t time)
{
    uint64_t done = time;
    for (size_t i = 0; i < n; i++)
        for (size_t k = i + 1; k < n; k++)
            if (place[k] < place[i]) {
                unsigned least = place[k];
                place[k] = place[i];
                place[i] = least;
            }
    for (size_t i = 0, run; i < n; i += run) {
        for (run = 1; i + run < n && place[i + run] == place[i] + run;)
            run++;
        uint64_t end = submit(w, time, VM_TRANSFER_READ, place[i], (unsigned)run);
        done = end > done ? end : done;
    }
    return done;
}

static void prepage(struct world *w, size_t p)
{
    unsigned place[NAIVE_PAGES];
    size_t n = 0;
    uint64_t time = w->now;
    for (unsigned page = 0; page < NAIVE_PAGES; page++) {
        if (!w->kept[p][page] || !w->past[p][page].been || find(w, p, page))
            continue;
        struct frame *f = get_frame(w, p, &time);
        *f = (struct frame){true, false, false, p, page, ++w->touches};
        place[n++] = place_of(w, p, page);
    }
    memset(w->kept[p], 0, sizeof w->kept[p]);
    time = read_places(w, place, n, time);
    w->out->process[p].prepages += n;
    w->until[p] = w->until[p] > w->now ? w->until[p] : w->now;
    if (time > w->until[p]) {
        w->out->process[p].blocked_ns += time - w->until[p];
        w->until[p] = time;
    }
}

static void admit(struct world *w)
{
    size_t p = first(w, WAITING);
    if (!w->out->process[p].dispatches)
        w->out->process[p].admitted_ns = w->now;
    if (w->out->process[p].suspensions)
        w->out->process[p].suspended_ns += w->now - w->suspended_at[p];
    prepage(w, p);
    enter(w, p, w->until[p] > w->now ? BLOCKED : READY);
    w->admitted[p] = w->entered[p];
}

/* Whether the working sets of those that run, and of the next, fit. */
static bool fits(const struct world *w)
{
    bool in[NAIVE_PAGES];
    size_t next = first(w, WAITING);
    size_t demand = next < NAIVE_PROCESSES ? working_set(w, next, in) : 0;
    for (size_t p = 0; p < w->x->n; p++)
        demand += runs(w, p) ? working_set(w, p, in) : 0;
    return (double)demand <= w->x->control.fill * (double)w->x->nframes;
}

static size_t running(const struct world *w)
{
    return count(w, READY) + count(w, BLOCKED);
}

static void control_load(struct world *w)
{
    uint64_t windows = w->out->detected.windows;
    while (count(w, WAITING) && (windows == 0 || !running(w)))
        admit(w);
    if (windows == w->acted)
        return;
    w->acted = windows;
    if (w->level == VM_RATE_HIGH && running(w) > 1)
        suspend(w);
    else if (w->level == VM_RATE_LOW && count(w, WAITING) && fits(w))
        admit(w);
}

static void admit_some(struct world *w)
{
    while (count(w, WAITING) && running(w) < w->x->admitted)
        admit(w);
}

/* ---- turns ---- */

static void finish(struct world *w, size_t p)
{
    enter(w, p, DONE);
    w->out->process[p].done_ns = w->now;
    if (count(w, DONE) == w->x->n)
        return;
    for (unsigned page = 0; page < NAIVE_PAGES; page++) {
        struct frame *f = find(w, p, page);
        if (f)
            f->used = false;
        if (w->past[p][page].slot)
            free_slot(w, w->past[p][page].slot);
    }
}

/* A reference: answers when its transfers are done, 0: it has none; and what it takes. */
static uint64_t touch(struct world *w, size_t p, uint64_t *ns)
{
    unsigned page = w->x->program[p].ref[w->at[p]].page;
    bool write = w->x->program[p].ref[w->at[p]].write;
    struct frame *f = find(w, p, page);
    *ns = f && f->mapped ? w->x->hit_ns : w->x->fault_ns;
    if (!f)
        return fault(w, p, page, write);
    w->out->prepage_hits += !f->mapped;
    f->mapped = true;
    f->dirty |= write;
    f->touched = ++w->touches;
    return 0;
}

/* One quantum of the process, or less. */
static void turn(struct world *w, size_t p)
{
    w->out->process[p].dispatches++;
    if (w->running != p) {
        w->running = p;
        w->out->switches++;
        w->now += w->x->switch_ns;
    }
    uint64_t began = w->now, ns;
    for (uint64_t i = 0; i < w->x->quantum || !w->x->quantum; i++) {
        if (w->x->quantum_ns && w->now - began >= w->x->quantum_ns)
            return;
        if (w->at[p] == w->x->program[p].nrefs) {
            finish(w, p);
            return;
        }
        uint64_t until = touch(w, p, &ns);
        bool waits = until > w->now;
        w->now += ns;
        w->at[p]++;
        if (waits) {
            until += w->x->fault_ns; /* the kernel's work is no part of the transfer */
            w->until[p] = until;
            enter(w, p, BLOCKED);
            w->out->process[p].waits++;
            w->out->process[p].blocked_ns += until - w->now;
            return;
        }
    }
}

static void step(struct world *w)
{
    size_t p = first(w, READY);
    if (p == NAIVE_PROCESSES) {
        uint64_t until = w->until[first_blocked(w)];
        w->out->idle_ns += until - w->now;
        w->now = until;
        wake(w);
        return;
    }
    turn(w, p);
    wake(w);
    if (w->state[p] == READY)
        enter(w, p, READY);
}

void naive_mix_run(const struct naive_mix *x, struct naive_mix_outcome *out)
{
    static struct world w;
    memset(&w, 0, sizeof w);
    memset(out, 0, sizeof *out);
    w.x = x;
    w.out = out;
    for (int d = 0; d < 2; d++)
        w.device[d].queue.depth = x->device[d].depth;
    VM_ASSERT(x->nframes <= sizeof w.frame / sizeof w.frame[0]);
    for (size_t p = 0; p < x->n; p++)
        enter(&w, p, WAITING);
    while (count(&w, DONE) < x->n) {
        look(&w);
        (x->control.on ? control_load : admit_some)(&w);
        step(&w);
    }
    if (w.thrashes)
        out->detected.lasted_ns += w.now - w.since;
    out->now_ns = w.now;
}
