/* heap_replay.c - requests through one heap allocator; see requests.h.
 *
 * The idea: the allocator runs as it would in a program, on a region of real memory that it alone
 * writes to; nobody touches the blocks. How much it holds is told by the calls that move its end,
 * so the peak is exact without asking after each request.
 *
 * Invariants
 *  1. block[b] is where the heap put block b, NULL while it is not live or was not served.
 *  2. Equal requests and options give equal results: no time, no address of the host is in them.
 */
#include <pagoda/requests.h>

#include "base/arena.h"
#include "base/assert.h"
#include "base/region.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct block {
    void *at;
    uint64_t bytes; /* asked for */
};

struct player {
    const struct vm_requests *r;
    struct vm_heap_env env;
    struct vm_params params;
    const struct vm_heap_ops *ops;
    struct vm_arena arena;
    void *state; /* in it */
    struct vm_region region;
    struct block *block; /* [nblocks] */
    uint64_t asked;
    struct vm_heap_result *out;
};

/* ---- a heap ---- */

static bool move_end(void *host, size_t end)
{
    struct player *p = host;
    if (!vm_region_move_end(&p->region, end))
        return false;
    if (end > p->out->held_peak)
        p->out->held_peak = end;
    return true;
}

/* An empty heap. Its state is fresh memory, for most of it is never touched. */
static bool open_heap(struct player *p, struct vm_error *e)
{
    size_t bytes = p->ops->size(&p->env);
    vm_arena_close(&p->arena);
    if (!vm_arena_open(&p->arena, vm_arena_room(bytes), e))
        return false;
    p->state = vm_arena_take(&p->arena, bytes);
    vm_region_move_end(&p->region, 0);
    p->ops->init(p->state, &p->env);
    return true;
}

static bool find_heap(struct player *p, const char *spec, const struct vm_heap_options *options,
                      struct vm_error *e)
{
    char name[32];
    const char *text = vm_spec_split(spec, name, sizeof name);
    p->env.limit = options->limit ? options->limit : VM_HEAP_LIMIT;
    p->env.cpus = options->cpus ? options->cpus : 1;
    p->env.host = p;
    p->env.move_end = move_end;
    p->env.params = &p->params;
    if (p->env.limit < VM_HEAP_GRAIN || p->env.limit > VM_REQUEST_BYTES_MAX)
        return vm_fail(e, VM_EUSAGE, "a limit of %" PRIu64 " bytes: expected 4 KiB to 128 TiB",
                       (uint64_t)p->env.limit);
    p->env.limit &= ~(VM_HEAP_GRAIN - 1);
    return (p->ops = vm_heap_find(name, e)) &&
           vm_params_parse(&p->params, p->ops->name, p->ops->param, p->ops->nparams, text, e);
}

static bool player_open(struct player *p, const struct vm_requests *r, const char *spec,
                        const struct vm_heap_options *options, struct vm_error *e)
{
    p->r = r;
    if (!find_heap(p, spec, options, e) ||
        !vm_region_open(&p->region, p->env.limit, VM_HEAP_BASE_ALIGN, e))
        return false;
    p->env.base = p->region.base;
    p->block = calloc(r->nblocks ? r->nblocks : 1, sizeof *p->block);
    if (!p->block)
        return vm_fail(e, VM_ESYSTEM, "out of memory for %u blocks", r->nblocks);
    p->out->ops = p->ops;
    snprintf(p->out->spec, sizeof p->out->spec, "%s", spec);
    return open_heap(p, e);
}

static void player_close(struct player *p)
{
    free(p->block);
    vm_arena_close(&p->arena);
    vm_region_close(&p->region);
}

/* What the heap counted since it began goes into the result: it may begin again. */
static void settle(struct player *p)
{
    struct vm_heap_usage u;
    struct vm_heap_result *out = p->out;
    p->ops->usage(p->state, &u);
    out->searched += u.searched;
    out->splits += u.splits;
    out->merges += u.merges;
    out->grows += u.grows;
    out->shrinks += u.shrinks;
}

/* ---- requests ---- */

static uint32_t cpu_of(const struct player *p, const struct vm_request *q)
{
    return q->thread % p->env.cpus;
}

static void *take_block(struct player *p, uint64_t bytes, unsigned align_shift, uint32_t cpu)
{
    uint64_t align = UINT64_C(1) << align_shift;
    p->out->requests++;
    if (bytes > p->env.limit || align > VM_HEAP_ALIGN_MAX)
        return NULL;
    return p->ops->take(p->state, bytes ? bytes : 1, align, cpu);
}

static void give_block(struct player *p, void *at, uint32_t cpu)
{
    enum vm_heap_fault fault = p->ops->give(p->state, at, cpu);
    VM_ASSERT(fault == VM_HEAP_FINE);
    p->out->requests++;
}

static void take(struct player *p, const struct vm_request *q)
{
    struct block *b = &p->block[q->block];
    b->at = take_block(p, q->bytes, q->align_shift, cpu_of(p, q));
    p->out->failures += !b->at;
    b->bytes = b->at ? q->bytes : 0;
    p->asked += b->bytes;
}

static void give(struct player *p, const struct vm_request *q)
{
    struct block *b = &p->block[q->block];
    if (!b->at) {
        p->out->lost++;
        return;
    }
    give_block(p, b->at, cpu_of(p, q));
    p->asked -= b->bytes;
    *b = (struct block){0};
}

/* Where it is, if the heap can; else a new block, a copy and the old one given back, as realloc. */
static void change(struct player *p, const struct vm_request *q)
{
    struct block *b = &p->block[q->block];
    uint32_t cpu = cpu_of(p, q);
    if (!b->at) {
        p->out->lost++;
        return;
    }
    uint64_t bytes = q->bytes ? q->bytes : 1;
    if (bytes > p->env.limit || !p->ops->resize(p->state, b->at, bytes)) {
        void *at = take_block(p, bytes, 0, cpu);
        if (!at) {
            p->out->failures++;
            return;
        }
        p->out->moves++;
        p->out->moved_bytes += b->bytes < bytes ? b->bytes : bytes;
        give_block(p, b->at, cpu);
        b->at = at;
    } else {
        p->out->requests++;
    }
    p->asked += q->bytes - b->bytes;
    b->bytes = q->bytes;
}

static bool reset(struct player *p, struct vm_error *e)
{
    settle(p);
    memset(p->block, 0, p->r->nblocks * sizeof *p->block);
    p->asked = 0;
    return open_heap(p, e);
}

static inline bool play(struct player *p, const struct vm_request *q, struct vm_error *e)
{
    switch ((enum vm_request_kind)q->kind) {
    case VM_REQUEST_TAKE:
        take(p, q);
        return true;
    case VM_REQUEST_GIVE:
        give(p, q);
        return true;
    case VM_REQUEST_CHANGE:
        change(p, q);
        return true;
    case VM_REQUEST_RESET:
        return reset(p, e);
    case VM_REQUEST_NONE:
        return true;
    }
    return true;
}

/* ---- looking ---- */

static struct vm_heap_moment moment(const struct player *p, uint64_t number)
{
    struct vm_heap_moment m = {.number = number, .asked = p->asked};
    p->ops->usage(p->state, &m.usage);
    return m;
}

struct pieces {
    struct vm_heap_piece *piece;
    size_t n, cap;
    bool failed;
};

/* Neighbours of one kind that are not free blocks are one piece of a map. */
static void add_piece(void *host, const struct vm_heap_piece *piece)
{
    struct pieces *m = host;
    if (m->n == m->cap && !m->failed) {
        size_t cap = m->cap ? 2 * m->cap : 1024;
        struct vm_heap_piece *grown = reallocarray(m->piece, cap, sizeof *grown);
        m->failed = !grown;
        m->piece = grown ? grown : m->piece;
        m->cap = grown ? cap : m->cap;
    }
    if (!m->failed)
        m->piece[m->n++] = *piece;
}

static bool draw_map(struct player *p, uint64_t number, struct vm_error *e)
{
    struct pieces m = {0};
    p->ops->walk(p->state, &m, add_piece);
    free(p->out->piece);
    p->out->map = moment(p, number);
    p->out->piece = m.piece;
    p->out->npieces = m.n;
    return !m.failed || vm_fail(e, VM_ESYSTEM, "out of memory for a map of the heap");
}

static bool play_all(struct player *p, const struct vm_heap_options *options, struct vm_error *e)
{
    const struct vm_requests *r = p->r;
    struct vm_heap_result *out = p->out;
    size_t samples = r->n < VM_HEAP_SAMPLES ? r->n : VM_HEAP_SAMPLES;
    for (size_t i = 0; i < r->n; i++) {
        if (!play(p, &r->request[i], e))
            return false;
        uint64_t number = i + 1;
        if (number == r->peak_number)
            out->peak = moment(p, number);
        if (number * samples / r->n > out->nsamples)
            out->sample[out->nsamples++] = moment(p, number);
        if (number == options->at && !draw_map(p, number, e))
            return false;
    }
    out->end = moment(p, r->n);
    settle(p);
    return true;
}

static bool still_sound(const struct player *p, struct vm_error *e)
{
    struct vm_heap_damage damage;
    return p->ops->check(p->state, &damage) ||
           vm_fail(e, VM_ESYSTEM, "%s: its structure does not hold: %s", p->out->spec, damage.what);
}

bool vm_heap_replay(const struct vm_requests *r, const char *spec,
                    const struct vm_heap_options *options, struct vm_heap_result *out,
                    struct vm_error *e)
{
    struct player p = {.out = out};
    *out = (struct vm_heap_result){0};
    bool good =
        player_open(&p, r, spec, options, e) && play_all(&p, options, e) && still_sound(&p, e);
    player_close(&p);
    if (!good)
        vm_heap_result_free(out);
    return good;
}

void vm_heap_result_free(struct vm_heap_result *r)
{
    free(r->piece);
    r->piece = NULL;
    r->npieces = 0;
}

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

bool vm_heap_time(const struct vm_requests *r, const char *spec,
                  const struct vm_heap_options *options, double *ns, struct vm_error *e)
{
    struct vm_heap_result *ignored = calloc(1, sizeof *ignored);
    struct player p = {.out = ignored};
    bool good = ignored ? player_open(&p, r, spec, options, e)
                        : vm_fail(e, VM_ESYSTEM, "out of memory for a replay");
    double start = now_ns();
    for (size_t i = 0; good && i < r->n; i++)
        good = play(&p, &r->request[i], e);
    *ns = ignored && ignored->requests ? (now_ns() - start) / (double)ignored->requests : 0;
    player_close(&p);
    free(ignored);
    return good;
}

double vm_heap_internal(const struct vm_heap_moment *m)
{
    uint64_t live = m->usage.live_bytes;
    return live > m->asked ? (double)(live - m->asked) / (double)live : 0;
}

double vm_heap_external(const struct vm_heap_moment *m)
{
    uint64_t free_bytes = m->usage.free_bytes;
    return free_bytes ? 1 - (double)m->usage.free_max / (double)free_bytes : 0;
}
