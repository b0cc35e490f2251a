/* variable.c - memory is parted as jobs come: each gets a piece as long as it asks for.
 *
 * Two tables, as the first systems kept them: of free areas, which a range allocator has (`fit`),
 * and of used ones, by address. Between jobs, holes remain that are too short for any (external
 * fragmentation). Compaction moves the jobs together, in the order of their addresses, down to 0:
 * each move is a copy and a new value of a base register, so that one hole is left. Either when a
 * job does not fit although the holes would do together (`needed`), or after each job that leaves
 * (`exit`). IBM's OS/360 MVT; Madnick & Donovan, "Operating Systems", sections 3-3 and 3-4; Knuth,
 * "The Art of Computer Programming" vol. 1, section 2.5.
 *
 * Sizes are rounded up to `unit`. Buddies lie where their sizes let them: they are not compacted.
 *
 * Invariants
 *  1. used[0..nused) are the jobs in memory by rising start, and free in no allocator's eyes.
 *  2. The allocator's free units and theirs add up to all.
 */
#include "base/arena.h"
#include "base/assert.h"

#include <pagoda/alloc.h>
#include <pagoda/partition.h>
#include <string.h>

enum compact { COMPACT_NEVER, COMPACT_NEEDED, COMPACT_EXIT };

static const struct vm_param params[] = {
    {"fit", VM_PARAM_TEXT, "first-fit", 0, 0, NULL,
     "which free area serves: see `pagoda list allocators`"},
    {"compact", VM_PARAM_WORD, "never", 0, 0, "never|needed|exit",
     "jobs are moved together: never; where only that makes room; when one leaves"},
    {"unit", VM_PARAM_BYTES, "1KiB", 1, 1 << 30, NULL, "areas are multiples of it"},
};

struct variable {
    const struct vm_alloc_ops *fit;
    void *space;           /* the allocator's state */
    struct vm_params none; /* the allocator's own parameters: all fallbacks */
    struct vm_alloc_env env;
    uint64_t memory, unit, most;
    enum compact compact;
    struct vm_partition_usage usage; /* but searched, which the allocator counts: */
    uint64_t moving_searched;        /* of that, for compaction */
    uint32_t nused;
    struct vm_area used[]; /* [njobs] in bytes; `bytes` is a multiple of unit */
};

/* ---- opening ---- */

/* Of parameters that are right, the allocator's row and what it wants to know. */
static const struct vm_alloc_ops *read_fit(const struct vm_partition_env *env,
                                           struct vm_alloc_env *out, struct vm_params *none,
                                           struct vm_error *e)
{
    const struct vm_alloc_ops *fit = vm_alloc_find(vm_params_text(env->params, "fit"), e);
    *out = (struct vm_alloc_env){.units = env->memory / vm_params_count(env->params, "unit"),
                                 .params = none};
    return fit && vm_params_parse(none, fit->name, fit->param, fit->nparams, "", e) ? fit : NULL;
}

static size_t variable_size(const struct vm_partition_env *env, struct vm_error *e)
{
    struct vm_alloc_env space;
    struct vm_params none;
    uint64_t unit = vm_params_count(env->params, "unit");
    if (env->memory % unit) {
        vm_fail(e, VM_EUSAGE, "variable: memory of %llu bytes: expected a multiple of unit, %llu",
                (unsigned long long)env->memory, (unsigned long long)unit);
        return 0;
    }
    const struct vm_alloc_ops *fit = read_fit(env, &space, &none, e);
    if (!fit)
        return 0;
    if (fit->give_kind == VM_GIVE_WHOLE &&
        vm_params_count(env->params, "compact") != COMPACT_NEVER) {
        vm_fail(e, VM_EUSAGE,
                "variable: compact with fit=%s: expected a fit whose areas may lie "
                "anywhere, or compact=never",
                fit->name);
        return 0;
    }
    return vm_arena_room(sizeof(struct variable) + env->njobs * sizeof(struct vm_area)) +
           fit->size(&space);
}

static struct vm_alloc_usage space_usage(const struct variable *s)
{
    struct vm_alloc_usage usage;
    s->fit->usage(s->space, &usage);
    return usage;
}

static void variable_init(void *state, const struct vm_partition_env *env)
{
    struct variable *s = state;
    struct vm_error ignored;
    s->fit = read_fit(env, &s->env, &s->none, &ignored);
    VM_ASSERT(s->fit);
    s->memory = env->memory;
    s->unit = vm_params_count(env->params, "unit");
    s->compact = (enum compact)vm_params_count(env->params, "compact");
    s->space = (uint8_t *)state + vm_arena_room(sizeof *s + env->njobs * sizeof(struct vm_area));
    s->fit->init(s->space, &s->env);
    s->most = space_usage(s).free_max * s->unit;
}

static uint64_t variable_most(const void *state)
{
    return ((const struct variable *)state)->most;
}

/* ---- the table of used areas ---- */

static uint64_t units_of(const struct variable *s, uint64_t bytes)
{
    return (bytes + s->unit - 1) / s->unit;
}

static void add_used(struct variable *s, struct vm_area area)
{
    uint32_t i = s->nused++;
    for (; i > 0 && s->used[i - 1].start > area.start; i--)
        s->used[i] = s->used[i - 1];
    s->used[i] = area;
}

static struct vm_area drop_used(struct variable *s, uint32_t job)
{
    uint32_t i = 0;
    while (i < s->nused && s->used[i].job != job)
        i++;
    VM_ASSERT(i < s->nused);
    struct vm_area gone = s->used[i];
    memmove(&s->used[i], &s->used[i + 1], (--s->nused - i) * sizeof gone);
    return gone;
}

/* ---- compaction ---- */

/* With one free area, above all that was taken, every fit takes its low end. */
static void compact(struct variable *s)
{
    uint64_t at = 0, before = space_usage(s).searched;
    for (uint32_t i = 0; i < s->nused; i++)
        s->fit->give(s->space, s->used[i].start / s->unit, s->used[i].bytes / s->unit);
    for (struct vm_area *a = s->used; a < s->used + s->nused; at += a->bytes, a++) {
        uint64_t unit = s->fit->take(s->space, a->bytes / s->unit, 1);
        VM_ASSERT(unit * s->unit == at && at <= a->start);
        s->usage.relocations += a->start != at;
        s->usage.moved_bytes += a->start != at ? a->asked : 0;
        a->start = at;
    }
    s->usage.compactions++;
    s->moving_searched += space_usage(s).searched - before;
}

/* Whether there is more than one hole, or one that is not at the end. */
static bool is_scattered(const struct variable *s)
{
    uint64_t at = 0;
    for (uint32_t i = 0; i < s->nused; at += s->used[i].bytes, i++)
        if (s->used[i].start != at)
            return true;
    return false;
}

/* ---- jobs ---- */

/* A run of n units, and in *held how many it takes; VM_ALLOC_NONE. */
static uint64_t take(struct variable *s, uint64_t n, uint64_t *held)
{
    uint64_t before = space_usage(s).internal_units, unit = s->fit->take(s->space, n, 1);
    *held = n + space_usage(s).internal_units - before;
    return unit;
}

static bool variable_put(void *state, uint32_t job, uint64_t bytes)
{
    struct variable *s = state;
    uint64_t held, n = units_of(s, bytes), unit = take(s, n, &held);
    if (unit == VM_ALLOC_NONE && s->compact != COMPACT_NEVER && space_usage(s).free_units >= n) {
        compact(s);
        unit = take(s, n, &held);
    }
    if (unit != VM_ALLOC_NONE)
        add_used(s, (struct vm_area){unit * s->unit, held * s->unit, job, bytes});
    return unit != VM_ALLOC_NONE;
}

static void variable_leave(void *state, uint32_t job)
{
    struct variable *s = state;
    struct vm_area gone = drop_used(s, job);
    s->fit->give(s->space, gone.start / s->unit, units_of(s, gone.asked));
    if (s->compact == COMPACT_EXIT && is_scattered(s))
        compact(s);
}

/* ---- telling ---- */

static void variable_areas(const void *state, void *host,
                           void (*area)(void *host, const struct vm_area *))
{
    const struct variable *s = state;
    uint64_t at = 0;
    for (uint32_t i = 0; i <= s->nused; i++) {
        uint64_t next = i < s->nused ? s->used[i].start : s->memory;
        if (at < next)
            area(host, &(struct vm_area){at, next - at, VM_NOTENANT, 0});
        if (i < s->nused)
            area(host, &s->used[i]);
        at = i < s->nused ? next + s->used[i].bytes : next;
    }
}

static void variable_usage(const void *state, struct vm_partition_usage *out)
{
    const struct variable *s = state;
    *out = s->usage;
    out->searched = space_usage(s).searched - s->moving_searched;
}

const struct vm_partition_ops vm_partition_variable = {
    .name = "variable",
    .summary = "a job has a piece as long as it asks for, where one is free",
    .param = params,
    .nparams = sizeof params / sizeof params[0],
    .size = variable_size,
    .init = variable_init,
    .most = variable_most,
    .put = variable_put,
    .leave = variable_leave,
    .areas = variable_areas,
    .usage = variable_usage,
};
