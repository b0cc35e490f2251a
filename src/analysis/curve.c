/* curve.c - see curve.h: one pass, in which every page size has a stream of runs, for what is
 * exact, what is swept and what waits to be swept, and a sample, which needs no stream.
 *
 * Sizes that are parts of the footprint are known when the pass is over. Runs then wait in a spool,
 * so that a trace is read once in any case.
 */
#include "analysis/curve_sizes.h"
#include "analysis/sample.h"
#include "analysis/stacks.h"
#include "analysis/sweep.h"
#include "base/bits.h"
#include "base/spool.h"
#include "engine/parts.h"
#include "engine/replay.h"

#include <math.h>
#include <pagoda/curve.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SPOOL_BYTES (64u << 20) /* of runs kept in memory; the rest goes to a file */
#define RUN_WORDS   (sizeof(struct vm_page_run) / sizeof(uint32_t))

enum way { WAY_LRU, WAY_OPT, WAY_SWEEP };

/* At one page size. */
struct gauge {
    struct measuring *all;
    uint64_t page_bytes;
    struct vm_page_stream stream;
    struct stacks stacks;
    struct sweep sweep;
    struct vm_spool *spool; /* NULL: nothing waits */
    vm_asid asid, told;     /* whose the next runs are; whose the sweep was told they are */
    struct sample sample;
};

struct measuring {
    const struct vm_curve_request *request;
    struct vm_curves *out;
    struct curve_sizes sizes;
    size_t npolicies, nswept;
    char policy[VM_CURVE_POLICIES][VM_CONFIG_TEXT];
    enum way way[VM_CURVE_POLICIES];
    struct vm_workers *workers;
    struct gauge gauge[VM_CURVE_PAGES];
};

/* ---- what was asked for ---- */

static bool samples(const struct vm_curve_request *r)
{
    return r->sample_rate > 0 || r->sample_pages;
}

/* Whether page references must be told apart one by one, and not only those of a sample. */
static bool streams(const struct vm_curve_request *r)
{
    return !samples(r) || r->error;
}

static struct vm_config replay_config(const struct measuring *m, const char *policy,
                                      uint64_t page_bytes, uint64_t frames)
{
    struct vm_config c;
    vm_config_init(&c);
    c.model = VM_MODEL_PAGES;
    c.page_bytes = page_bytes;
    c.memory_bytes = frames * page_bytes;
    c.seed = m->request->seed;
    snprintf(c.policy, sizeof c.policy, "%s", policy);
    return c;
}

static bool add_policy(struct measuring *m, const char *spec, struct vm_error *e)
{
    struct vm_parts parts;
    for (size_t i = 0; i < m->npolicies; i++)
        if (!strcmp(m->policy[i], spec))
            return vm_fail(e, VM_EUSAGE, "policy %s is named twice", spec);
    if (m->npolicies == VM_CURVE_POLICIES)
        return vm_fail(e, VM_EUSAGE, "more than %d policies", VM_CURVE_POLICIES);
    if (strlen(spec) >= VM_CONFIG_TEXT)
        return vm_fail(e, VM_EUSAGE, "a policy of %zu characters: expected at most %d",
                       strlen(spec), VM_CONFIG_TEXT - 1);
    struct vm_config c = replay_config(m, spec, 4096, 1);
    if (!vm_parts_find(&parts, &c, e))
        return false;
    enum way way = !strcmp(spec, "lru") ? WAY_LRU : !strcmp(spec, "opt") ? WAY_OPT : WAY_SWEEP;
    if (way == WAY_SWEEP && parts.policy->future == VM_FUTURE_NEEDED)
        return vm_fail(e, VM_EUSAGE,
                       "policy %s reads the future, which a sweep does not have: expected opt, or "
                       "a policy that does not look ahead",
                       spec);
    m->nswept += way == WAY_SWEEP;
    m->way[m->npolicies] = way;
    strcpy(m->policy[m->npolicies++], spec);
    return true;
}

static bool add_policies(struct measuring *m, struct vm_error *e)
{
    char spec[VM_CONFIG_TEXT + 1];
    const struct vm_curve_request *r = m->request;
    for (const char *rest = r->policies; (rest = vm_spec_next(rest, spec, sizeof spec));)
        if (!add_policy(m, spec, e))
            return false;
    if (!m->npolicies)
        return vm_fail(e, VM_EUSAGE, "no policies: expected names with commas between");
    if (m->npolicies * r->npages > VM_CURVES_MAX)
        return vm_fail(e, VM_EUSAGE, "%zu policies at %zu page sizes: expected %d curves at most",
                       m->npolicies, r->npages, VM_CURVES_MAX);
    for (size_t i = 0; i < m->npolicies; i++)
        if (m->way[i] != WAY_LRU && (samples(r) || r->of == VM_CURVE_OF_TLB))
            return vm_fail(e, VM_EUSAGE, "policy %s: %s", m->policy[i],
                           samples(r) ? "a sample tells of lru only"
                                      : "the curve of a TLB is lru's only");
    return true;
}

static bool check_pages(const struct vm_curve_request *r, struct vm_error *e)
{
    VM_ASSERT(r->npages >= 1 && r->npages <= VM_CURVE_PAGES);
    for (size_t i = 0; i < r->npages; i++) {
        if (!vm_is_pow2(r->page_bytes[i]) || r->page_bytes[i] < 4096)
            return vm_fail(e, VM_EMACHINE,
                           "a page size of %llu bytes: expected a power of two, 4096 or more",
                           (unsigned long long)r->page_bytes[i]);
        for (size_t k = 0; k < i; k++)
            if (r->page_bytes[k] == r->page_bytes[i])
                return vm_fail(e, VM_EUSAGE, "a page size of %llu bytes is named twice",
                               (unsigned long long)r->page_bytes[i]);
    }
    return true;
}

static bool check_sample(const struct vm_curve_request *r, struct vm_error *e)
{
    if (r->sample_rate != 0 && r->sample_pages)
        return vm_fail(e, VM_EUSAGE, "a sample has a fixed rate or a fixed size: expected one");
    if (!(r->sample_rate >= 0 && r->sample_rate <= 1))
        return vm_fail(e, VM_EUSAGE, "a rate of %g: expected above 0 to 1", r->sample_rate);
    if (r->sample_pages && (r->sample_pages < 16 || r->sample_pages > DEPTH_PAGES_MAX))
        return vm_fail(e, VM_EUSAGE, "a sample of %llu pages: expected 16 to %u",
                       (unsigned long long)r->sample_pages, DEPTH_PAGES_MAX);
    return !r->error || samples(r) ||
           vm_fail(e, VM_EUSAGE, "there is no error without a sample: expected a rate or a size");
}

/* ---- one page size ---- */

/* To the sweep, now or when its sizes are known. */
static bool sweep_later(struct gauge *g, const struct vm_page_run *run, size_t n,
                        struct vm_error *e)
{
    if (g->spool)
        return vm_spool_push(g->spool, &run->ref, n * RUN_WORDS, e);
    return g->sweep.ncells == 0 || sweep_runs(&g->sweep, run, n, e);
}

static bool on_runs(void *host, const struct vm_page_run *run, size_t n, struct vm_error *e)
{
    struct gauge *g = host;
    struct vm_page_run switched = SWEEP_SWITCH(g->asid);
    bool told = g->asid == g->told || sweep_later(g, &switched, 1, e);
    g->told = g->asid;
    return told && stacks_runs(&g->stacks, run, n, e) && sweep_later(g, run, n, e);
}

static void on_switch(void *host, vm_asid asid)
{
    struct gauge *g = host;
    g->asid = asid;
}

static bool wants(const struct measuring *m, enum way way)
{
    for (size_t i = 0; i < m->npolicies; i++)
        if (m->way[i] == way)
            return true;
    return false;
}

/* Replays at the sizes of out->size[], which are known. */
static bool add_replays(struct gauge *g, struct vm_error *e)
{
    struct measuring *m = g->all;
    struct vm_curve unit = {.page_bytes = g->page_bytes};
    for (size_t p = 0; p < m->npolicies; p++)
        for (size_t i = 0; m->way[p] == WAY_SWEEP && i < m->out->nsizes; i++) {
            uint64_t frames = vm_curve_frames(m->out, &unit, i);
            struct vm_config c = replay_config(m, m->policy[p], g->page_bytes, frames);
            bool again = i > 0 && frames == vm_curve_frames(m->out, &unit, i - 1);
            if (frames && !again && !sweep_add(&g->sweep, &c, p, e))
                return false;
        }
    return true;
}

static bool open_sweep(struct gauge *g, struct vm_error *e)
{
    struct measuring *m = g->all;
    if (!sweep_open(&g->sweep, m->workers, e))
        return false;
    if (m->sizes.kind == SIZES_ABSOLUTE)
        return add_replays(g, e);
    g->spool = vm_spool_open(SPOOL_BYTES, e);
    return g->spool;
}

static bool open_gauge(struct gauge *g, struct measuring *m, uint64_t page_bytes,
                       struct vm_error *e)
{
    const struct vm_curve_request *r = m->request;
    unsigned shift = vm_log2(page_bytes);
    g->all = m;
    g->page_bytes = page_bytes;
    if (samples(r) &&
        !sample_open(&g->sample, shift, r->sample_pages ? 1 : r->sample_rate, r->sample_pages, e))
        return false;
    if (!streams(r))
        return true;
    if (!vm_page_stream_open(&g->stream, shift, e) ||
        !stacks_open(&g->stacks, wants(m, WAY_LRU), wants(m, WAY_OPT), e))
        return false;
    g->stream.host = g;
    g->stream.emit = on_runs;
    g->stream.switched = on_switch;
    return m->nswept == 0 || open_sweep(g, e);
}

static void close_gauge(struct gauge *g)
{
    vm_page_stream_close(&g->stream);
    stacks_close(&g->stacks);
    sweep_close(&g->sweep);
    vm_spool_close(g->spool);
    sample_close(&g->sample);
}

/* ---- the pass ---- */

static bool on_batch(void *host, const struct vm_batch *b, struct vm_error *e)
{
    struct measuring *m = host;
    const struct vm_curve_request *r = m->request;
    for (size_t i = 0; i < r->npages; i++)
        if ((streams(r) && !vm_page_stream_batch(&m->gauge[i].stream, b, e)) ||
            (samples(r) && !sample_batch(&m->gauge[i].sample, b, e)))
            return false;
    m->out->refs += b->nrefs;
    return true;
}

static bool end_pass(struct measuring *m, struct vm_error *e)
{
    for (size_t i = 0; streams(m->request) && i < m->request->npages; i++)
        if (!vm_page_stream_end(&m->gauge[i].stream, e) || !stacks_end(&m->gauge[i].stacks, e))
            return false;
    return true;
}

/* ---- results ---- */

/* Curves of one page size: the sampled one, then those of the policies. */
static size_t curves_each(const struct measuring *m)
{
    return samples(m->request) + (streams(m->request) ? m->npolicies : 0);
}

static struct vm_curve *sampled_curve(const struct gauge *g)
{
    return &g->all->out->curve[(size_t)(g - g->all->gauge) * curves_each(g->all)];
}

static struct vm_curve *policy_curve(const struct gauge *g, size_t policy)
{
    return sampled_curve(g) + samples(g->all->request) + policy;
}

static bool add_exact(struct gauge *g, size_t policy, struct vm_error *e)
{
    struct vm_curve *c = policy_curve(g, policy);
    if (!(g->all->way[policy] == WAY_LRU ? stacks_lru_curve : stacks_opt_curve)(&g->stacks, c, e))
        return false;
    c->page_bytes = g->page_bytes;
    strcpy(c->policy, g->all->policy[policy]);
    return true;
}

static bool add_swept(struct gauge *g, size_t policy, struct vm_error *e)
{
    struct vm_curve *c = policy_curve(g, policy);
    *c = (struct vm_curve){.way = VM_CURVE_SWEPT,
                           .page_bytes = g->page_bytes,
                           .touches = g->stacks.touches,
                           .pages = g->stacks.pages,
                           .error_mean = NAN,
                           .error_max = NAN,
                           .point = malloc((g->sweep.ncells + 1) * sizeof *c->point)};
    if (!c->point)
        return vm_fail(e, VM_ESYSTEM, "no memory for a curve of %zu points", g->sweep.ncells);
    strcpy(c->policy, g->all->policy[policy]);
    c->point[c->npoints++] = (struct vm_curve_point){0, c->touches};
    for (size_t i = 0; i < g->sweep.ncells; i++)
        if (g->sweep.cell[i].policy == policy)
            c->point[c->npoints++] =
                (struct vm_curve_point){g->sweep.cell[i].frames, sweep_misses(&g->sweep, i)};
    return true;
}

/* How far two curves are apart: in the mean of all sizes up to the exact one's footprint, and at
 * most. */
static void compare(struct vm_curve *sampled, const struct vm_curve *exact)
{
    double sum = 0, most = 0;
    size_t i = 0, k = 0;
    for (uint64_t frames = 1; frames <= exact->pages;) {
        while (i + 1 < sampled->npoints && sampled->point[i + 1].frames <= frames)
            i++;
        while (k + 1 < exact->npoints && exact->point[k + 1].frames <= frames)
            k++;
        uint64_t next = exact->pages + 1;
        if (i + 1 < sampled->npoints && sampled->point[i + 1].frames < next)
            next = sampled->point[i + 1].frames;
        if (k + 1 < exact->npoints && exact->point[k + 1].frames < next)
            next = exact->point[k + 1].frames;
        double off = fabs((double)sampled->point[i].misses - (double)exact->point[k].misses);
        sum += off * (double)(next - frames);
        most = off > most ? off : most;
        frames = next;
    }
    if (exact->touches) {
        sampled->error_mean = sum / (double)exact->pages / (double)exact->touches;
        sampled->error_max = most / (double)exact->touches;
    }
}

/* Replay what waits in the spool. */
static bool sweep_spool(struct gauge *g, struct vm_error *e)
{
    const struct vm_progress *progress = g->all->request->progress;
    uint64_t blocks = (vm_spool_words(g->spool) + VM_SPOOL_BLOCK - 1) / VM_SPOOL_BLOCK;
    struct vm_trace_info info = g->all->out->trace;
    info.refs = g->all->out->refs;
    for (uint64_t i = 0; i < blocks; i++) {
        size_t n;
        uint32_t *word = vm_spool_block(g->spool, i, &n, e);
        if (!word)
            return false;
        sweep_runs(&g->sweep, (const struct vm_page_run *)word, n / RUN_WORDS, e);
        if (progress)
            progress->report(progress->host, "sweeping", &info,
                             (uint64_t)((double)info.refs * (double)(i + 1) / (double)blocks));
    }
    return true;
}

static bool finish_sweep(struct gauge *g, struct vm_error *e)
{
    if (g->spool && (!vm_spool_seal(g->spool, e) || !add_replays(g, e) || !sweep_spool(g, e)))
        return false;
    sweep_end(&g->sweep);
    return true;
}

/* The curves that need no sizes. */
static bool gather_stacks(struct measuring *m, struct vm_error *e)
{
    for (size_t i = 0; i < m->request->npages; i++) {
        struct gauge *g = &m->gauge[i];
        if (samples(m->request) && !sample_curve(&g->sample, sampled_curve(g), e))
            return false;
        for (size_t p = 0; streams(m->request) && p < m->npolicies; p++)
            if (m->way[p] != WAY_SWEEP && !add_exact(g, p, e))
                return false;
        if (m->request->error)
            compare(sampled_curve(g), policy_curve(g, 0));
    }
    return true;
}

static uint64_t pages_of(const struct gauge *g)
{
    return streams(g->all->request) ? g->stacks.pages : sampled_curve(g)->pages;
}

/* The first curve that is known at all sizes, or NULL. */
static const struct vm_curve *whole_curve(const struct measuring *m)
{
    for (size_t i = 0; i < m->out->ncurves; i++)
        if (m->out->curve[i].npoints)
            return &m->out->curve[i];
    return NULL;
}

static void choose_sizes(struct measuring *m)
{
    uint64_t pages[VM_CURVE_PAGES];
    for (size_t i = 0; i < m->request->npages; i++)
        pages[i] = pages_of(&m->gauge[i]);
    if (m->sizes.n) {
        curve_sizes_of_footprint(&m->sizes, pages[0], m->request->page_bytes[0], m->out);
        return;
    }
    curve_sizes_powers(m->request, pages, m->out);
    const struct vm_curve *c = whole_curve(m);
    if (c)
        curve_sizes_knees(c, m->out);
}

static bool gather(struct measuring *m, struct vm_error *e)
{
    size_t n = m->request->npages * curves_each(m);
    m->out->curve = calloc(n, sizeof *m->out->curve);
    if (!m->out->curve)
        return vm_fail(e, VM_ESYSTEM, "no memory for %zu curves", n);
    m->out->ncurves = n;
    if (!end_pass(m, e) || !gather_stacks(m, e))
        return false;
    if (m->out->nsizes == 0)
        choose_sizes(m);
    for (size_t i = 0; m->nswept && i < m->request->npages; i++) {
        if (!finish_sweep(&m->gauge[i], e))
            return false;
        for (size_t p = 0; p < m->npolicies; p++)
            if (m->way[p] == WAY_SWEEP && !add_swept(&m->gauge[i], p, e))
                return false;
    }
    return true;
}

static bool read_trace(struct measuring *m, struct vm_error *e)
{
    struct vm_config c;
    struct replay r = {
        .config = &c, .source = &m->request->source, .progress = m->request->progress};
    vm_config_init(&c);
    bool done = vm_replay_begin(&r, e) &&
                vm_replay_read(&r, "reading", (struct replay_consumer){m, on_batch}, e);
    if (done) {
        vm_trace_info(r.trace, &m->out->trace);
        snprintf(m->out->trace_format, sizeof m->out->trace_format, "%s", m->out->trace.format);
        m->out->trace.format = m->out->trace_format;
        m->out->trace.name = m->request->source.spec;
        done = gather(m, e);
    }
    vm_replay_end(&r);
    return done;
}

static bool measure(struct measuring *m, struct vm_error *e)
{
    const struct vm_curve_request *r = m->request;
    if (!check_pages(r, e) || !check_sample(r, e) || !add_policies(m, e) ||
        !curve_sizes_parse(&m->sizes, r, e))
        return false;
    m->out->axis = m->sizes.axis;
    if (m->sizes.kind == SIZES_ABSOLUTE)
        curve_sizes_of_footprint(&m->sizes, 0, r->page_bytes[0], m->out);
    if (m->nswept && !(m->workers = vm_workers_open(r->workers, e)))
        return false;
    for (size_t i = 0; i < r->npages; i++)
        if (!open_gauge(&m->gauge[i], m, r->page_bytes[i], e))
            return false;
    return read_trace(m, e);
}

bool vm_curve_measure(const struct vm_curve_request *r, struct vm_curves *out, struct vm_error *e)
{
    *out = (struct vm_curves){.of = r->of};
    struct measuring *m = calloc(1, sizeof *m);
    if (!m)
        return vm_fail(e, VM_ESYSTEM, "no memory for curves");
    m->request = r;
    m->out = out;
    bool done = measure(m, e);
    for (size_t i = 0; i < r->npages; i++)
        close_gauge(&m->gauge[i]);
    vm_workers_close(m->workers);
    free(m);
    if (!done)
        vm_curves_free(out);
    return done;
}

void vm_curves_free(struct vm_curves *s)
{
    for (size_t i = 0; i < s->ncurves; i++)
        free(s->curve[i].point);
    free(s->curve);
    s->curve = NULL;
    s->ncurves = 0;
}
