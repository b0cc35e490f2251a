/* naive_jobs.c - see naive_jobs.h. A queue is an array of the jobs that are ready or run, in the
 * order in which they were put there; who goes first is searched for each time. */
#include "oracle/naive_jobs.h"

#include "base/random.h"

#include <assert.h>
#include <string.h>

enum state { AWAY, READY, RUNS, BLOCKED, DONE };

struct queue {
    int n, job[NAIVE_JOBS];
    uint64_t floor; /* stride, cfs */
};

struct job {
    enum state state;
    int cpu, last, queue;
    uint64_t done, mark, key; /* key: sjf's */
    uint64_t wakes, block_order;
    uint64_t since, used, slice, turn; /* since: ready; turn: number of that */
    uint64_t level, left, turns;       /* mlfq */
    uint64_t base, total;              /* stride, cfs: the clock as it was, time since then */
    uint32_t passed;
    int seen; /* the processor where sqms saw it last */
};

struct world {
    const struct vm_jobs_request *r;
    const struct naive_rule *rule;
    struct naive_jobs *out;
    struct vm_random random;
    size_t ndrawn;
    uint64_t t, turns, blocks;
    int nqueues, next_queue;
    struct queue queue[NAIVE_CPUS];
    struct job job[NAIVE_JOBS];
    int running[NAIVE_CPUS], last[NAIVE_CPUS];
    uint64_t switching[NAIVE_CPUS];
    /* Caches: warm jobs, the newest first; counters of the others that are known. */
    int nwarm[NAIVE_CPUS], warm[NAIVE_CPUS][NAIVE_JOBS];
    int64_t counter[NAIVE_CPUS][NAIVE_JOBS]; /* -1: not warming */
};

static uint64_t draw(struct world *w, uint64_t n)
{
    return w->ndrawn < w->r->ndrawn ? w->r->drawn[w->ndrawn++] % n : vm_random_below(&w->random, n);
}

static bool may(const struct world *w, int j, int c)
{
    return w->r->job[j].cpus >> c & 1;
}

/* ---- caches ---- */

static bool is_warm(const struct world *w, int c, int j)
{
    for (int i = 0; i < w->nwarm[c]; i++)
        if (w->warm[c][i] == j)
            return true;
    return false;
}

static void bring_in(struct world *w, int c, int j)
{
    uint64_t sum = 0;
    memmove(w->warm[c] + 1, w->warm[c], (size_t)w->nwarm[c] * sizeof(int));
    w->warm[c][0] = j;
    w->nwarm[c]++;
    w->counter[c][j] = -1;
    for (int i = 0; i < w->nwarm[c]; i++)
        sum += w->r->job[w->warm[c][i]].set;
    while (sum > w->r->warmth.size) {
        int out = w->warm[c][--w->nwarm[c]];
        sum -= w->r->job[out].set;
        w->counter[c][out] = (int64_t)w->r->warmth.warmup;
    }
}

static void cache_start(struct world *w, int c, int j)
{
    if (!w->r->warmth.size || is_warm(w, c, j) || w->counter[c][j] >= 0)
        return;
    if (w->r->warmth.warmup == 0)
        bring_in(w, c, j);
    else
        w->counter[c][j] = (int64_t)w->r->warmth.warmup;
}

static void cache_tick(struct world *w, int c, int j)
{
    if (w->r->warmth.size && w->counter[c][j] >= 0 && --w->counter[c][j] <= 0)
        bring_in(w, c, j);
}

/* ---- keys ---- */

static uint64_t left_of(const struct world *w, int j)
{
    return w->job[j].mark - w->job[j].done;
}

static uint64_t weight(const struct world *w, int j)
{
    /* kernel/sched/core.c (Linux 6.1), of nice -2 to 2 */
    static const uint64_t weights[] = {1586, 1277, 1024, 820, 655};
    assert(w->r->job[j].nice >= -2 && w->r->job[j].nice <= 2);
    return weights[w->r->job[j].nice + 2];
}

static uint64_t clock_of(const struct world *w, int j)
{
    unsigned __int128 total = w->job[j].total;
    if (w->rule->rule == NAIVE_STRIDE)
        return w->job[j].base +
               (uint64_t)((total * 10000 << 20) / (w->r->job[j].tickets * w->rule->quantum));
    return w->job[j].base + (uint64_t)((total * 1024 << 20) / weight(w, j));
}

static bool is_fair(const struct world *w)
{
    return w->rule->rule == NAIVE_STRIDE || w->rule->rule == NAIVE_CFS;
}

static uint64_t key(const struct world *w, int j)
{
    switch (w->rule->rule) {
    case NAIVE_SJF:
        return w->job[j].key;
    case NAIVE_STCF:
        return left_of(w, j);
    case NAIVE_MLFQ:
        return w->job[j].level;
    case NAIVE_LOTTERY:
        return (uint64_t)j;
    case NAIVE_STRIDE:
    case NAIVE_CFS:
        return clock_of(w, j);
    default:
        return 0;
    }
}

static int place_of(const struct queue *q, int j)
{
    for (int i = 0; i < q->n; i++)
        if (q->job[i] == j)
            return i;
    assert(!"it is there");
    return -1;
}

/* Whether a goes before b in their queue, with `margin` more to its key. */
static bool before(const struct world *w, const struct queue *q, int a, int b, uint64_t margin)
{
    uint64_t ka = key(w, a) + margin, kb = key(w, b);
    return ka < kb || (ka == kb && place_of(q, a) < place_of(q, b));
}

/* ---- queues ---- */

static void take_out(struct world *w, int j)
{
    struct queue *q = &w->queue[w->job[j].queue];
    int at = place_of(q, j);
    memmove(q->job + at, q->job + at + 1, (size_t)(--q->n - at) * sizeof(int));
}

static void put_last(struct world *w, int j)
{
    struct queue *q = &w->queue[w->job[j].queue];
    q->job[q->n++] = j;
}

static void put_first(struct world *w, int j)
{
    struct queue *q = &w->queue[w->job[j].queue];
    memmove(q->job + 1, q->job, (size_t)q->n++ * sizeof(int));
    q->job[0] = j;
}

static void begin_level(const struct world *w, struct job *g, uint64_t level)
{
    g->level = level;
    g->left = w->rule->quanta[level];
    g->turns = w->rule->allot[level];
}

static void turn_over(const struct world *w, struct job *g)
{
    g->turns--;
    if (g->turns == 0)
        begin_level(w, g, g->level + 1 < w->rule->levels ? g->level + 1 : g->level);
    else
        g->left = w->rule->quanta[g->level];
}

static void set_mark(struct world *w, int j)
{
    const struct vm_job *d = &w->r->job[j];
    struct job *g = &w->job[j];
    g->mark = d->run;
    if (d->io_every && g->done + d->io_every < d->run)
        g->mark = g->done + d->io_every;
}

static uint64_t slice_of(const struct world *w, int j)
{
    const struct naive_rule *rule = w->rule;
    const struct queue *q = &w->queue[w->job[j].queue];
    uint64_t sum = 0, slice;
    switch (rule->rule) {
    case NAIVE_RR:
        return rule->clock ? rule->quantum - w->t % rule->quantum : rule->quantum;
    case NAIVE_LOTTERY:
    case NAIVE_STRIDE:
        return rule->quantum;
    case NAIVE_MLFQ:
        return w->job[j].left;
    case NAIVE_CFS:
        for (int i = 0; i < q->n; i++)
            sum += weight(w, q->job[i]);
        slice = rule->latency * weight(w, j) * w->r->ncpus / sum;
        slice = slice > rule->latency ? rule->latency : slice;
        return slice < rule->min ? rule->min : slice;
    default:
        return UINT64_MAX;
    }
}

/* A job comes from outside its queue, new or woken. */
static void come(struct world *w, int j, bool new)
{
    struct job *g = &w->job[j];
    set_mark(w, j);
    if (new || (w->rule->arrangement == NAIVE_MQMS && !may(w, j, g->queue))) {
        g->queue = 0;
        if (w->nqueues > 1) {
            while (!may(w, j, w->next_queue))
                w->next_queue = (w->next_queue + 1) % w->nqueues;
            g->queue = w->next_queue;
            w->next_queue = (w->next_queue + 1) % w->nqueues;
        }
    }
    struct queue *q = &w->queue[g->queue];
    if (new)
        begin_level(w, g, 0);
    if (is_fair(w) && (new || clock_of(w, j) < q->floor)) {
        g->base = q->floor;
        g->total = 0;
    }
    g->key = left_of(w, j);
    g->state = READY;
    g->since = w->t;
    g->turn = ++w->turns;
    if (!new && w->rule->rule == NAIVE_MLFQ && w->rule->first)
        put_first(w, j);
    else
        put_last(w, j);
    if (is_fair(w) && new && !w->rule->floor)
        g->total = slice_of(w, j); /* as if it had had a turn */
    w->out->job[j].waited -= w->t;
}

/* A running job goes back to its queue. */
static void put_back(struct world *w, int j, bool preempted)
{
    struct job *g = &w->job[j];
    bool stays = preempted && (w->rule->rule != NAIVE_RR && w->rule->rule != NAIVE_LOTTERY);
    if (w->rule->rule == NAIVE_MLFQ && g->left == 0) {
        turn_over(w, g);
        stays = false;
    }
    if (!stays) {
        take_out(w, j);
        put_last(w, j);
        g->key = left_of(w, j);
    }
    if (!preempted)
        g->since = w->t;
    g->state = READY;
    g->turn = ++w->turns;
    w->out->job[j].waited -= w->t;
}

/* ---- choosing ---- */

/* Of the jobs in `can`, who goes first; the lottery draws. -1: nobody. */
static int choose(struct world *w, const struct queue *q, const bool can[])
{
    int found = -1;
    uint64_t total = 0;
    for (int i = 0; i < q->n; i++)
        if (can[q->job[i]]) {
            total += w->r->job[q->job[i]].tickets;
            if (found < 0 || before(w, q, q->job[i], found, 0))
                found = q->job[i];
        }
    if (found < 0 || w->rule->rule != NAIVE_LOTTERY)
        return found;
    uint64_t ticket = draw(w, total);
    for (int j = 0;; j++) {
        if (!can[j])
            continue;
        if (ticket < w->r->job[j].tickets)
            return j;
        ticket -= w->r->job[j].tickets;
    }
}

static const struct queue *queue_for(const struct world *w, int c)
{
    return &w->queue[w->nqueues > 1 ? c : 0];
}

static int choose_for(struct world *w, int c, bool preferred)
{
    const struct queue *q = queue_for(w, c);
    bool can[NAIVE_JOBS] = {0};
    for (int i = 0; i < q->n; i++) {
        const struct job *g = &w->job[q->job[i]];
        bool like = g->seen == c || g->seen < 0 || g->passed == w->rule->patience;
        can[q->job[i]] = g->state == READY && may(w, q->job[i], c) && (like || !preferred);
    }
    return choose(w, q, can);
}

static bool preempts(const struct world *w)
{
    return w->rule->rule == NAIVE_STCF || w->rule->rule == NAIVE_MLFQ || w->rule->rule == NAIVE_CFS;
}

/* The waiting job that has so many waiting ones before it, or -1. */
static int nth_waiting(const struct world *w, const struct queue *q, int rank)
{
    for (int i = 0; i < q->n; i++) {
        int ahead = 0, j = q->job[i];
        if (w->job[j].state != READY)
            continue;
        for (int k = 0; k < q->n; k++)
            ahead +=
                w->job[q->job[k]].state == READY && q->job[k] != j && before(w, q, q->job[k], j, 0);
        if (ahead == rank)
            return j;
    }
    return -1;
}

/* The processor, of those that serve the queue, whose job is the last that j may replace. */
static int overtaken(const struct world *w, const struct queue *q, int j)
{
    uint64_t margin = w->rule->rule == NAIVE_CFS ? w->rule->wakeup << 20 : 0;
    int found = -1;
    for (int c = 0; c < (int)w->r->ncpus; c++) {
        int r = w->running[c];
        if (r < 0 || queue_for(w, c) != q || !may(w, j, c) || !before(w, q, j, r, margin))
            continue;
        if (found < 0 || before(w, q, w->running[found], r, 0))
            found = c;
    }
    return found;
}

/* The processor whose job has to make way, or -1. */
static int to_preempt(const struct world *w)
{
    for (int i = 0; preempts(w) && i < w->nqueues; i++) {
        const struct queue *q = &w->queue[i];
        for (int rank = 0, j; (j = nth_waiting(w, q, rank)) >= 0; rank++) {
            bool comes = w->rule->rule != NAIVE_CFS || w->job[j].since == w->t;
            int c = comes ? overtaken(w, q, j) : -1;
            if (c >= 0)
                return c;
        }
    }
    return -1;
}

/* The preferred one, if nobody would take its place at once. */
static int choose_preferred(struct world *w, int c)
{
    if (w->rule->arrangement != NAIVE_SQMS || w->rule->patience == 0)
        return -1;
    int j = choose_for(w, c, true);
    if (j < 0)
        return -1;
    w->job[j].state = RUNS;
    w->running[c] = j;
    bool kept = to_preempt(w) != c;
    w->job[j].state = READY;
    w->running[c] = -1;
    for (int k = 0; kept && k < (int)w->r->njobs; k++)
        if (w->job[k].state == READY && may(w, k, c) && w->job[k].turn < w->job[j].turn &&
            w->job[k].passed < w->rule->patience)
            w->job[k].passed++;
    return kept ? j : -1;
}

static void start(struct world *w, int c)
{
    int j = choose_preferred(w, c);
    if (j < 0)
        j = choose_for(w, c, false);
    w->running[c] = j;
    if (j < 0)
        return;
    struct job *g = &w->job[j];
    bool other = w->last[c] >= 0 && w->last[c] != j;
    g->state = RUNS;
    g->slice = slice_of(w, j);
    g->used = 0;
    g->cpu = c;
    g->passed = 0;
    g->seen = c;
    w->out->job[j].waited += w->t;
    w->out->job[j].picks++;
    w->out->job[j].migrations += g->last >= 0 && g->last != c;
    w->out->cpu[c].switches += other;
    w->switching[c] = other ? w->r->switch_cost : 0;
    w->last[c] = j;
    g->last = c;
    cache_start(w, c, j);
}

/* ---- steps of a moment ---- */

static void stop(struct world *w, int c)
{
    int j = w->running[c];
    struct job *g = &w->job[j];
    bool timer = w->t % w->r->timer == 0 && !w->switching[c];
    if (g->done == w->r->job[j].run) {
        g->state = DONE;
        w->out->job[j].end = w->t;
        take_out(w, j);
    } else if (g->done == g->mark) {
        g->state = BLOCKED;
        g->wakes = w->t + w->r->job[j].io_time;
        g->block_order = w->blocks++;
        w->out->job[j].blocked += w->r->job[j].io_time;
        bool used_up = g->left == 0;
        if (w->rule->stay)
            begin_level(w, g, g->level);
        if (used_up)
            turn_over(w, g);
        take_out(w, j);
    } else if (g->used >= g->slice && timer) {
        put_back(w, j, false);
    } else {
        return;
    }
    w->running[c] = -1;
}

static void boost(struct world *w, struct queue *q)
{
    struct queue old = *q;
    q->n = 0;
    for (int i = 0; i < old.n; i++)
        if (w->job[old.job[i]].level == 0)
            q->job[q->n++] = old.job[i];
    for (uint64_t level = w->rule->levels - 1; level > 0; level--)
        for (int i = 0; i < old.n; i++)
            if (w->job[old.job[i]].level == level)
                q->job[q->n++] = old.job[i];
}

static void boost_all(struct world *w)
{
    for (int i = 0; i < w->nqueues; i++)
        boost(w, &w->queue[i]);
    for (uint32_t j = 0; j < w->r->njobs; j++) {
        begin_level(w, &w->job[j], 0);
        w->job[j].slice = w->rule->quanta[0];
        w->job[j].used = 0;
    }
}

static int waiting(const struct world *w, int queue)
{
    int n = 0;
    for (int i = 0; i < w->queue[queue].n; i++)
        n += w->job[w->queue[queue].job[i]].state == READY;
    return n;
}

static int victim_of(struct world *w, int thief)
{
    int most = thief;
    if (!w->rule->longest) {
        int other = (int)draw(w, (uint64_t)w->nqueues - 1);
        return other < thief ? other : other + 1;
    }
    for (int i = 0; i < w->nqueues; i++)
        if (waiting(w, i) > waiting(w, most))
            most = i;
    return most;
}

static void steal(struct world *w, int thief)
{
    int victim = victim_of(w, thief), loot = -1;
    const struct queue *q = &w->queue[victim];
    for (int i = 0; victim != thief && i < q->n; i++)
        if (w->job[q->job[i]].state == READY && may(w, q->job[i], thief) &&
            (loot < 0 || w->job[q->job[i]].turn < w->job[loot].turn))
            loot = q->job[i];
    if (loot < 0)
        return;
    uint64_t ahead = is_fair(w) ? clock_of(w, loot) - q->floor : 0;
    take_out(w, loot);
    w->job[loot].queue = thief;
    put_last(w, loot);
    w->job[loot].key = left_of(w, loot);
    if (is_fair(w))
        w->job[loot].base += w->queue[thief].floor + ahead - clock_of(w, loot);
}

static void wake_all(struct world *w)
{
    for (;;) {
        int found = -1;
        for (uint32_t j = 0; j < w->r->njobs; j++) {
            const struct job *g = &w->job[j], *f = &w->job[found < 0 ? j : (uint32_t)found];
            if (g->state == BLOCKED && g->wakes <= w->t &&
                (found < 0 || g->block_order < f->block_order))
                found = (int)j;
        }
        if (found < 0)
            return;
        come(w, found, false);
    }
}

static void preempt(struct world *w, int c)
{
    w->out->job[w->running[c]].preemptions++;
    put_back(w, w->running[c], true);
    w->running[c] = -1;
    start(w, c);
}

static void start_idle(struct world *w)
{
    for (uint32_t c = 0; c < w->r->ncpus; c++)
        if (w->running[c] < 0)
            start(w, (int)c);
}

static void raise_floors(struct world *w)
{
    for (int i = 0; is_fair(w) && i < w->nqueues; i++) {
        struct queue *q = &w->queue[i];
        uint64_t least = UINT64_MAX;
        bool runs = false;
        for (int k = 0; k < q->n; k++) {
            uint64_t clock = clock_of(w, q->job[k]);
            least = clock < least ? clock : least;
            runs |= w->job[q->job[k]].state == RUNS;
        }
        if (runs && least > q->floor)
            q->floor = least;
    }
}

static void tick(struct world *w)
{
    const struct naive_rule *rule = w->rule;
    if (rule->rule == NAIVE_MLFQ && rule->boost && w->t && w->t % rule->boost == 0)
        boost_all(w);
    if (rule->arrangement == NAIVE_MQMS && rule->peek && w->t && w->t % rule->peek == 0)
        for (int c = 0; w->nqueues > 1 && c < w->nqueues; c++)
            if (waiting(w, c) == 0)
                steal(w, c);
}

static void moment(struct world *w)
{
    raise_floors(w);
    for (uint32_t c = 0; c < w->r->ncpus; c++)
        if (w->running[c] >= 0)
            stop(w, (int)c);
    tick(w);
    for (uint32_t j = 0; j < w->r->njobs; j++)
        if (w->r->job[j].arrival == w->t)
            come(w, (int)j, true);
    wake_all(w);
    start_idle(w);
    for (int c; (c = to_preempt(w)) >= 0;) {
        preempt(w, c);
        start_idle(w); /* who had to make way may run elsewhere */
    }
}

static void run_unit(struct world *w, int c)
{
    int j = w->running[c];
    if (j < 0)
        return;
    struct job *g = &w->job[j];
    uint16_t *did = &w->out->did[w->t][c];
    *did = (uint16_t)(j + 1);
    if (w->switching[c]) {
        w->switching[c]--;
        w->out->cpu[c].switching++;
        *did += 200;
        return;
    }
    bool warm = is_warm(w, c, j);
    uint64_t rate = warm ? w->r->warmth.rate : 1;
    if (w->out->job[j].ran == 0)
        w->out->job[j].first = w->t;
    g->done = g->done + rate < g->mark ? g->done + rate : g->mark;
    g->total++;
    g->used++;
    g->left -= g->left > 0;
    w->out->job[j].ran++;
    w->out->cpu[c].busy++;
    w->out->job[j].warm += warm;
    w->out->cpu[c].warm += warm;
    *did += warm ? 100 : 0;
    cache_tick(w, c, j);
}

void naive_jobs_run(const struct vm_jobs_request *r, const struct naive_rule *rule,
                    struct naive_jobs *out)
{
    struct world w = {.r = r, .rule = rule, .out = out};
    uint32_t ndone = 0;
    memset(out, 0, sizeof *out);
    vm_random_seed(&w.random, r->seed);
    w.nqueues = rule->arrangement == NAIVE_MQMS ? (int)r->ncpus : 1;
    memset(w.counter, 0xff, sizeof w.counter);
    for (uint32_t c = 0; c < r->ncpus; c++)
        w.running[c] = w.last[c] = -1;
    for (uint32_t j = 0; j < r->njobs; j++)
        w.job[j].last = w.job[j].seen = -1;
    for (; ndone < r->njobs; w.t++) {
        assert(w.t < NAIVE_TIME);
        moment(&w);
        ndone = 0;
        for (uint32_t j = 0; j < r->njobs; j++)
            ndone += w.job[j].state == DONE;
        if (ndone == r->njobs)
            break;
        for (uint32_t c = 0; c < r->ncpus; c++)
            run_unit(&w, (int)c);
    }
    out->end = w.t;
}
