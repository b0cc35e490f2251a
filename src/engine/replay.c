/* replay.c - a whole trace through a machine, or through a policy over pages; for opt, twice.
 *
 * opt must know the future. The first pass is a rehearsal: the same machine with memory without
 * end and a policy that only writes down whom it was told of. Whether a touch succeeds or ends a
 * page does not depend on how much memory there is, nor does which touches a policy is told of
 * (is_told in machine.h), so that touch number k of the one is touch number k of the other.
 *
 * Two spaces that share a page since a fork find it in the page cache after it was dropped clean;
 * where they do not (space/page_cache.c), opt may take a frame's next touch for one that went to
 * the other, and choose worse than it could.
 */
#include "engine/replay.h"
#include "base/assert.h"
#include "base/spool.h"
#include "engine/machine.h"
#include "engine/pages.h"
#include "engine/parts.h"
#include "engine/price.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SPOOL_BYTES   (16u << 20) /* of touches kept in memory; the rest goes to a file */
#define ENDLESS_PAGES (UINT64_C(1) << 26)

/* ---- reading ---- */

void vm_replay_report(const struct replay *r, const char *what, uint64_t refs)
{
    struct vm_trace_info info;
    if (!r->progress)
        return;
    vm_trace_info(r->trace, &info);
    r->progress->report(r->progress->host, what, &info, refs);
}

bool vm_replay_read(struct replay *r, const char *what, struct replay_consumer c,
                    struct vm_error *e)
{
    struct vm_batch b;
    uint64_t refs = 0, next = REPLAY_REPORT_REFS;
    for (;;) {
        if (!vm_trace_read(r->trace, &b, e))
            return false;
        if (!b.nrefs && !b.nevents)
            return true;
        if (!c.batch(c.host, &b, e))
            return false;
        refs += b.nrefs;
        if (refs >= next) {
            vm_replay_report(r, what, refs);
            next = refs + REPLAY_REPORT_REFS;
        }
    }
}

static bool open_trace(struct replay *r, struct vm_error *e)
{
    const struct vm_source *s = r->source;
    vm_trace_close(r->trace);
    r->trace = s->bytes ? vm_trace_open_bytes(s->bytes, s->nbytes, s->spec, s->options, e)
                        : vm_trace_open(s->spec, s->options, e);
    return r->trace;
}

/* Whether the open trace is a pipe: what was read of it is gone. */
static bool is_pipe(const struct replay *r)
{
    struct vm_trace_info info;
    vm_trace_info(r->trace, &info);
    return r->source->spec[0] != '@' && !r->source->bytes && info.bytes_all == 0;
}

bool vm_replay_may_reread(const struct replay *r, const char *who, struct vm_error *e)
{
    bool standard = !strcmp(r->source->spec, "-");
    if (!standard && !(r->trace && is_pipe(r)))
        return true;
    vm_fail(e, VM_EUSAGE, "%s: %s reads a trace twice, and this can be read once",
            standard ? "standard input" : r->source->spec, who);
    return vm_hint(e, "keep it in a file first: pagoda convert - -o trace.pgt");
}

/* A pass before the real one needs the trace again. */
static bool may_look_ahead(const struct replay *r, struct vm_error *e)
{
    char who[64];
    snprintf(who, sizeof who, "policy %s", r->policy->name);
    return vm_replay_may_reread(r, who, e);
}

static enum vm_stray stray_rule(const struct vm_config *c, const struct vm_trace *t)
{
    struct vm_trace_info info;
    if (c->stray != VM_STRAY_OPTION_AUTO)
        return c->stray == VM_STRAY_OPTION_FAULTS ? VM_STRAY_FAULTS : VM_STRAY_MAPS;
    vm_trace_info(t, &info);
    return info.complete_maps ? VM_STRAY_FAULTS : VM_STRAY_MAPS;
}

/* ---- the rehearsal's policy: it writes down every page it is told of ---- */

struct recorder {
    struct vm_spool *spool;
    uint32_t npages;
    struct vm_error error;
    bool failed;
    uint32_t id_of[]; /* [nframes] the page in the frame: a new number at each insertion */
};

static uint64_t recorder_ticks(const struct vm_policy_env *env)
{
    (void)env;
    return 0;
}

static size_t recorder_size(const struct vm_policy_env *env)
{
    return sizeof(struct recorder) + sizeof(uint32_t) * env->nframes;
}

static void recorder_init(void *state, const struct vm_policy_env *env)
{
    (void)state, (void)env; /* zeroed; the spool comes later */
}

static void recorder_touch(void *state, const vm_pfn *frame, size_t n)
{
    struct recorder *r = state;
    for (size_t i = 0; i < n && !r->failed; i++)
        r->failed = !vm_spool_push(r->spool, &r->id_of[frame[i]], 1, &r->error);
}

static void recorder_insert(void *state, vm_pfn frame, uint64_t page)
{
    struct recorder *r = state;
    (void)page;
    r->id_of[frame] = r->npages++;
    recorder_touch(state, &frame, 1);
}

static void recorder_remove(void *state, vm_pfn frame)
{
    (void)state, (void)frame;
}

static vm_pfn recorder_victim(void *state, uint64_t incoming)
{
    (void)state, (void)incoming;
    VM_ASSERT(!"a rehearsal has frames for all pages");
    return VM_NOFRAME;
}

static uint64_t recorder_tick(void *state)
{
    (void)state;
    return 0;
}

static vm_pfn recorder_release(void *state, uint64_t incoming)
{
    (void)state, (void)incoming;
    return VM_NOFRAME;
}

static vm_pfn recorder_park(void *state)
{
    (void)state;
    return VM_NOFRAME;
}

static void recorder_check(const void *state)
{
    const struct recorder *r = state;
    VM_ASSERT(vm_spool_words(r->spool) >= r->npages);
}

static const struct vm_policy_ops recorder = {
    .name = "recorder",
    .summary = "writes down what it is told",
    .touch_kind = VM_TOUCH_ORDER,
    .future = VM_FUTURE_UNUSED,
    .ghosts = VM_GHOSTS_NONE,
    .reason = VM_REASON_CHANCE,
    .tick_first = recorder_ticks,
    .size = recorder_size,
    .init = recorder_init,
    .insert = recorder_insert,
    .touch = recorder_touch,
    .remove = recorder_remove,
    .victim = recorder_victim,
    .tick = recorder_tick,
    .release = recorder_release,
    .switched = recorder_tick,
    .park = recorder_park,
    .soft = recorder_remove,
    .check = recorder_check,
};

/* ---- the machine ---- */

static bool engine_batch(void *host, const struct vm_batch *b, struct vm_error *e)
{
    return vm_engine_run(host, b, e);
}

/* Run the whole trace on `m`, whose policy is the recorder. */
static bool rehearse_on(struct replay *r, struct vm_engine *m, struct vm_spool *spool,
                        uint32_t *npages, struct vm_error *e)
{
    struct recorder *rec = m->policy_state;
    rec->spool = spool;
    if (!vm_replay_read(r, "looking ahead", (struct replay_consumer){m, engine_batch}, e))
        return false;
    vm_mmu_settle(m);
    if (rec->failed)
        *e = rec->error;
    *npages = rec->npages;
    return !rec->failed;
}

bool vm_replay_endless(const struct vm_config *c, struct vm_config *out, struct vm_error *e)
{
    *out = *c;
    out->tables = VM_TABLES_APART;
    strcpy(out->cache, "none"); /* which a policy is told nothing of */
    strcpy(out->readahead, "none");
    strcpy(out->watermark_low, "0");
    strcpy(out->watermark_high, "0");
    out->flush_ms = 0;
    for (uint64_t pages = ENDLESS_PAGES; pages * c->page_bytes > c->memory_bytes; pages /= 2) {
        out->memory_bytes = pages * c->page_bytes;
        struct vm_engine *m = vm_engine_open_with(out, &recorder, NULL, VM_STRAY_MAPS, NULL, e);
        bool fits = m;
        vm_engine_close(m);
        if (fits || e->code == VM_ESYSTEM)
            return fits;
    }
    out->memory_bytes = c->memory_bytes;
    return true;
}

static bool rehearse_machine(struct replay *r, struct vm_spool *spool, uint32_t *npages,
                             struct vm_error *e)
{
    struct vm_config c;
    if (!vm_replay_endless(r->config, &c, e))
        return false;
    struct vm_engine *m =
        vm_engine_open_with(&c, &recorder, NULL, stray_rule(&c, r->trace), NULL, e);
    bool done = m && rehearse_on(r, m, spool, npages, e);
    vm_engine_close(m);
    return done;
}

static struct vm_future *future(struct replay *r)
{
    return r->touches ? &r->future.future : NULL;
}

static bool run_machine(struct replay *r, struct vm_error *e)
{
    r->out->stray = stray_rule(r->config, r->trace);
    struct vm_engine *m = vm_replay_machine(r, e);
    bool done = m && vm_replay_read(r, "replaying", (struct replay_consumer){m, engine_batch}, e);
    if (done)
        vm_engine_result(m, r->out);
    vm_engine_close(m);
    return done;
}

/* ---- pages ---- */

static bool stream_batch(void *host, const struct vm_batch *b, struct vm_error *e)
{
    return vm_page_stream_batch(host, b, e);
}

static bool stream_all(struct replay *r, const char *what, struct vm_page_stream *s,
                       struct vm_error *e)
{
    return vm_replay_read(r, what, (struct replay_consumer){s, stream_batch}, e) &&
           vm_page_stream_end(s, e);
}

static bool spool_runs(void *host, const struct vm_page_run *run, size_t n, struct vm_error *e)
{
    uint32_t ids[1024];
    VM_ASSERT(n <= 1024);
    for (size_t i = 0; i < n; i++)
        ids[i] = run[i].ref / 2;
    return vm_spool_push(host, ids, n, e);
}

static unsigned page_shift(const struct vm_config *c)
{
    return (unsigned)__builtin_ctzll(c->page_bytes | UINT64_C(1) << 63);
}

static bool rehearse_pages(struct replay *r, struct vm_spool *spool, uint32_t *npages,
                           struct vm_error *e)
{
    struct vm_page_stream s;
    if (!vm_page_stream_open(&s, page_shift(r->config), e))
        return false;
    s.host = spool;
    s.emit = spool_runs;
    bool done = stream_all(r, "looking ahead", &s, e);
    *npages = s.ids.n;
    vm_page_stream_close(&s);
    return done;
}

static void gather_pages(const struct vm_page_stream *s, struct vm_pages *p, struct vm_result *out)
{
    uint64_t waits_ns[VM_WAITS];
    out->nframes = (uint32_t)(out->config.memory_bytes / out->config.page_bytes);
    vm_pages_counts(p, &out->counts);
    out->counts.reads = s->kinds[VM_READ];
    out->counts.writes = s->kinds[VM_WRITE];
    out->counts.fetches = s->kinds[VM_FETCH];
    out->counts.refs = s->kinds[0] + s->kinds[1] + s->kinds[2];
    out->counts.crossings = s->crossings;
    out->counts.switches = s->switches;
    out->pages = s->ids.n;
    out->resident = vm_pages_resident(p);
    vm_pages_waits(p, waits_ns);
    vm_price(out, waits_ns, &out->prices);
}

static bool run_pages(struct replay *r, struct vm_error *e)
{
    struct vm_page_stream s;
    struct vm_pages *p = vm_pages_open(r->config, future(r), e);
    if (!p)
        return false;
    bool done = vm_page_stream_open(&s, page_shift(r->config), e);
    if (done) {
        s.host = p;
        s.emit = vm_pages_run;
        s.switched = vm_pages_switched;
        done = stream_all(r, "replaying", &s, e);
        if (done)
            gather_pages(&s, p, r->out);
        vm_page_stream_close(&s);
    }
    vm_pages_close(p);
    return done;
}

/* ---- both ---- */

/* Whether the real run's machine can be built: better said before the first pass than after it. */
static bool can_be_built(const struct replay *r, struct vm_error *e)
{
    if (r->config->model == VM_MODEL_PAGES)
        return vm_pages_check(r->config, e);
    struct vm_engine *m = vm_engine_open_with(r->config, &recorder, NULL, VM_STRAY_MAPS, NULL, e);
    vm_engine_close(m);
    return m;
}

/* The first pass, where the policy needs one: the touches, then for each the next of its page. */
static bool look_ahead(struct replay *r, struct vm_error *e)
{
    uint32_t npages = 0;
    if (!may_look_ahead(r, e) || !can_be_built(r, e))
        return false;
    r->touches = vm_spool_open(SPOOL_BYTES, e);
    if (!r->touches)
        return false;
    bool done = r->config->model == VM_MODEL_PAGES ? rehearse_pages(r, r->touches, &npages, e)
                                                   : rehearse_machine(r, r->touches, &npages, e);
    if (!done || !vm_spool_seal(r->touches, e) || !vm_future_of_spool(r->touches, npages, e))
        return false;
    vm_future_open(&r->future, r->touches);
    return open_trace(r, e);
}

/* A machine of segments tells its policy of segments at forks and after they have left to grow, and
 * when that happens depends on memory: a rehearsal without end does not know it. */
static bool future_is_known(const struct vm_parts *parts, const struct vm_config *c,
                            struct vm_error *e)
{
    if (c->model == VM_MODEL_PAGES || parts->policy->future != VM_FUTURE_NEEDED ||
        parts->scheme->unit != VM_UNIT_SEGMENT)
        return true;
    return vm_fail(e, VM_EUSAGE,
                   "policy %s cannot know the future of segments, which scheme %s has: expected a "
                   "policy that does not look ahead, or a scheme of pages",
                   parts->policy->name, parts->scheme->name);
}

bool vm_replay_begin(struct replay *r, struct vm_error *e)
{
    struct vm_parts parts;
    if (!vm_parts_find(&parts, r->config, e) || !future_is_known(&parts, r->config, e))
        return false;
    r->policy = parts.policy;
    bool twice = r->policy->future == VM_FUTURE_NEEDED;
    /* What can be said without the trace is said before it is waited for. */
    return (!twice || may_look_ahead(r, e)) && open_trace(r, e) && (!twice || look_ahead(r, e));
}

bool vm_replay_again(struct replay *r, struct vm_error *e)
{
    if (!vm_replay_may_reread(r, "going back", e))
        return false;
    if (r->touches)
        vm_future_open(&r->future, r->touches);
    return open_trace(r, e);
}

struct vm_engine *vm_replay_machine(struct replay *r, struct vm_error *e)
{
    return vm_engine_open(r->config, stray_rule(r->config, r->trace), future(r), e);
}

bool vm_replay_sound(const struct replay *r, struct vm_error *e)
{
    return !r->touches || vm_future_sound(&r->future, e) ||
           vm_fail(e, e->code, "%s: %s", r->source->spec, e->text);
}

void vm_replay_end(struct replay *r)
{
    vm_spool_close(r->touches);
    vm_trace_close(r->trace);
}

static bool run(struct replay *r, struct vm_error *e)
{
    bool done = r->config->model == VM_MODEL_PAGES ? run_pages(r, e) : run_machine(r, e);
    if (!done || !vm_replay_sound(r, e))
        return false;
    return !r->touches || vm_future_used_up(&r->future) ||
           vm_fail(e, VM_EINPUT,
                   "%s: fewer touches than when it was looked through: expected a trace that stays "
                   "the same",
                   r->source->spec);
}

bool vm_replay(const struct vm_config *c, const char *spec, const struct vm_trace_options *options,
               const struct vm_progress *progress, struct vm_result *out, struct vm_error *e)
{
    struct vm_source source = {.spec = spec, .options = options};
    struct replay r = {.config = c, .source = &source, .progress = progress, .out = out};
    *out = (struct vm_result){.config = *c};
    bool done = vm_replay_begin(&r, e) && run(&r, e);
    if (done) {
        vm_trace_info(r.trace, &out->trace);
        strncpy(out->trace_format, out->trace.format, sizeof out->trace_format - 1);
        out->trace.format = out->trace_format;
        out->trace.name = spec;
    }
    vm_replay_end(&r);
    return done;
}
