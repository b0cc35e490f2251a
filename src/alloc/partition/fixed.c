/* fixed.c - memory is parted once, before the first job comes; a job has a part to itself.
 *
 * Parts are equal (`parts`), or as long as `sizes` says. Which free one serves: `first` that is
 * large enough, the `best` (the smallest such), or `own`: each job has the smallest part that holds
 * it, taken or not, as where a queue stands before each part. What a job does not need of its part
 * is lost (internal fragmentation). IBM's OS/360 MFT; Madnick & Donovan, "Operating Systems",
 * section 3-3.
 *
 * Invariant: parts follow one another from 0 on and add up to memory.
 */
#include "base/assert.h"

#include <pagoda/partition.h>
#include <string.h>

enum choice { CHOICE_FIRST, CHOICE_BEST, CHOICE_OWN };

static const struct vm_param params[] = {
    {"parts", VM_PARAM_COUNT, "4", 1, 64, NULL, "so many equal parts, where `sizes` is not given"},
    {"sizes", VM_PARAM_TEXT, "", 0, 0, NULL, "of the parts, in order: 8K+16K+32K"},
    {"fit", VM_PARAM_WORD, "best", 0, 0, "first|best|own",
     "the first part that holds the job and is free; the smallest such; the smallest of all, for "
     "which the job waits"},
};

enum { PARTS_MAX = 64 };

struct fixed {
    uint64_t searched;
    enum choice choice;
    uint32_t n;
    struct vm_area part[PARTS_MAX];
};

static void add_part(struct fixed *s, uint64_t start, uint64_t bytes)
{
    s->part[s->n++] = (struct vm_area){start, bytes, VM_NOTENANT, 0};
}

static bool part_equally(struct fixed *s, const struct vm_partition_env *env, struct vm_error *e)
{
    uint64_t n = vm_params_count(env->params, "parts"), bytes = env->memory / n;
    if (bytes == 0)
        return vm_fail(e, VM_EUSAGE, "fixed: %llu parts of %llu bytes: expected a byte for each",
                       (unsigned long long)n, (unsigned long long)env->memory);
    for (uint64_t i = 0; i < n; i++)
        add_part(s, i * bytes, i + 1 < n ? bytes : env->memory - i * bytes);
    return true;
}

/* `list` is cut up. */
static bool part_by_sizes(struct fixed *s, const struct vm_partition_env *env, char *list,
                          struct vm_error *e)
{
    uint64_t at = 0, bytes;
    for (char *item; (item = strsep(&list, "+")); at += bytes) {
        if (!vm_parse_bytes(item, "sizes", &bytes, e))
            return false;
        if (s->n == PARTS_MAX || bytes == 0 || bytes > env->memory - at)
            break;
        add_part(s, at, bytes);
    }
    return at == env->memory ||
           vm_fail(e, VM_EUSAGE,
                   "fixed: sizes=%s: expected 1 to %d parts of at least a byte that add up to "
                   "memory, %llu bytes",
                   vm_params_text(env->params, "sizes"), PARTS_MAX,
                   (unsigned long long)env->memory);
}

static bool part_memory(struct fixed *s, const struct vm_partition_env *env, struct vm_error *e)
{
    char list[sizeof env->params->text[0]];
    strcpy(list, vm_params_text(env->params, "sizes"));
    return *list ? part_by_sizes(s, env, list, e) : part_equally(s, env, e);
}

static size_t fixed_size(const struct vm_partition_env *env, struct vm_error *e)
{
    struct fixed trial = {0};
    return part_memory(&trial, env, e) ? sizeof(struct fixed) : 0;
}

static void fixed_init(void *state, const struct vm_partition_env *env)
{
    struct fixed *s = state;
    struct vm_error ignored;
    bool parted = part_memory(s, env, &ignored);
    VM_ASSERT(parted);
    s->choice = (enum choice)vm_params_count(env->params, "fit");
}

static uint64_t fixed_most(const void *state)
{
    const struct fixed *s = state;
    uint64_t most = 0;
    for (uint32_t i = 0; i < s->n; i++)
        most = s->part[i].bytes > most ? s->part[i].bytes : most;
    return most;
}

/* The part that `bytes` are put into, if it is free; NULL: there is none. */
static struct vm_area *choose(struct fixed *s, uint64_t bytes)
{
    struct vm_area *best = NULL;
    for (struct vm_area *part = s->part; part < s->part + s->n; part++) {
        s->searched++;
        if (part->bytes < bytes || (part->job != VM_NOTENANT && s->choice != CHOICE_OWN))
            continue;
        if (s->choice == CHOICE_FIRST)
            return part;
        bool equal = best && part->bytes == best->bytes && best->job != VM_NOTENANT;
        if (!best || part->bytes < best->bytes || equal)
            best = part;
    }
    return best && best->job == VM_NOTENANT ? best : NULL;
}

static bool fixed_put(void *state, uint32_t job, uint64_t bytes)
{
    struct vm_area *part = choose(state, bytes);
    if (!part)
        return false;
    part->job = job;
    part->asked = bytes;
    return true;
}

static void fixed_leave(void *state, uint32_t job)
{
    struct fixed *s = state;
    uint32_t i = 0;
    while (i < s->n && s->part[i].job != job)
        i++;
    VM_ASSERT(i < s->n);
    s->part[i].job = VM_NOTENANT;
    s->part[i].asked = 0;
}

static void fixed_areas(const void *state, void *host,
                        void (*area)(void *host, const struct vm_area *))
{
    const struct fixed *s = state;
    for (uint32_t i = 0; i < s->n; i++)
        area(host, &s->part[i]);
}

static void fixed_usage(const void *state, struct vm_partition_usage *out)
{
    *out = (struct vm_partition_usage){.searched = ((const struct fixed *)state)->searched};
}

const struct vm_partition_ops vm_partition_fixed = {
    .name = "fixed",
    .summary = "memory is parted beforehand; a job has one part to itself",
    .param = params,
    .nparams = sizeof params / sizeof params[0],
    .size = fixed_size,
    .init = fixed_init,
    .most = fixed_most,
    .put = fixed_put,
    .leave = fixed_leave,
    .areas = fixed_areas,
    .usage = fixed_usage,
};
