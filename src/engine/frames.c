/* frames.c - the machine's frame allocator: zones, groups and lists from option texts, and what it
 * has to say in the end. What they are is alloc/'s. */
#include "base/bits.h"
#include "engine/machine.h"

#include <stdlib.h>
#include <string.h>

/* ---- from option texts ---- */

bool vm_frames_parse(const struct vm_config *c, uint32_t nframes, const char *flag,
                     const char *text, uint32_t *out, struct vm_error *e)
{
    char *end;
    double number = strtod(text, &end);
    uint64_t bytes;
    if (end != text && number >= 0 && !strcmp(end, "%") && number <= 100) {
        *out = (uint32_t)((double)nframes * number / 100);
        return true;
    }
    if (end != text && number >= 0 && number <= nframes && !*end &&
        number == (double)(uint32_t)number) {
        *out = (uint32_t)number;
        return true;
    }
    if (end != text && *end && *end != '%' && vm_parse_bytes(text, flag, &bytes, e)) {
        *out = (uint32_t)(bytes / c->page_bytes < nframes ? bytes / c->page_bytes : nframes);
        return true;
    }
    return vm_fail(e, VM_EUSAGE,
                   "--%s %s: expected frames (at most the memory's %u), a size (\"1MiB\"), or a "
                   "part of memory (\"5%%\")",
                   flag, text, nframes);
}

/* Whether a row of options.def is asked for that needs the frame allocator for pages. */
static bool asks(const struct vm_config *c)
{
    return strcmp(c->zones, "none") != 0 || c->mobility != VM_MOBILITY_OFF || c->list_high > 0;
}

static bool plan_lists(const struct vm_config *c, struct vm_frames_config *f, struct vm_error *e)
{
    uint64_t batch = c->list_batch ? c->list_batch : c->list_high / 4;
    if (c->list_high == 0)
        return c->list_batch == 0 ||
               vm_fail(e, VM_EUSAGE,
                       "--list-batch %llu without lists: expected --list-high, the frames that a "
                       "list has at most",
                       (unsigned long long)c->list_batch);
    if (c->colours > 1)
        return vm_fail(e, VM_EUSAGE,
                       "lists of frames (--list-high) and %llu colours: expected one or the other, "
                       "for lists know none",
                       (unsigned long long)c->colours);
    if (c->list_high > f->nframes || batch > c->list_high)
        return vm_fail(e, VM_EUSAGE,
                       "lists of %llu frames, in batches of %llu, in a memory of %u: expected a "
                       "batch of at most a list, and a list of at most the memory",
                       (unsigned long long)c->list_high, (unsigned long long)batch, f->nframes);
    f->list_high = (uint32_t)c->list_high;
    f->list_batch = batch ? (uint32_t)batch : 1;
    return true;
}

static bool plan_groups(const struct vm_config *c, struct vm_frames_config *f, struct vm_error *e)
{
    if (c->mobility == VM_MOBILITY_OFF)
        return true;
    if (!vm_is_pow2(c->pageblock_bytes) || c->pageblock_bytes < 2 * c->page_bytes ||
        c->pageblock_bytes / c->page_bytes > UINT32_C(1) << (VM_FRAME_ORDERS - 2))
        return vm_fail(e, VM_EUSAGE,
                       "pageblocks of %llu bytes: expected a power of two, of 2 pages at least",
                       (unsigned long long)c->pageblock_bytes);
    f->block_order = vm_log2(c->pageblock_bytes / c->page_bytes);
    return true;
}

bool vm_frames_plan(const struct vm_engine *m, struct vm_memory_config *out, struct vm_error *e)
{
    const struct vm_config *c = &m->config;
    struct vm_frames_config *f = &out->frames;
    f->nframes = out->nframes;
    f->processors = m->nprocessors;
    if (asks(c) && out->scheme->unit == VM_UNIT_SEGMENT)
        return vm_fail(e, VM_EMACHINE,
                       "scheme %s has segments: expected one of pages with zones, pageblocks or "
                       "lists of frames (--zones, --mobility, --list-high)",
                       out->scheme->name);
    if (!vm_zones_parse(c->zones, c->page_bytes, f->zone, &f->nzones, e) ||
        !vm_frames_parse(c, f->nframes, "zone-min", c->zone_min, &f->min, e))
        return false;
    if (f->min >= f->nframes)
        return vm_fail(e, VM_EUSAGE,
                       "%u frames that pages leave free (--zone-min) in a memory of %u: expected "
                       "less, or no page could come",
                       f->min, f->nframes);
    return plan_groups(c, f, e) && plan_lists(c, f, e);
}

/* ---- in the end ---- */

static void gather_sizes(const struct vm_engine *m, const struct vm_frames *frames,
                         struct vm_frames_result *out)
{
    struct vm_scheme_env env = {.page_shift = m->page_shift, .params = &m->scheme_params};
    uint64_t larger = m->scheme->orders(&env) & (vm_low_bits(VM_FRAME_ORDERS) & ~UINT64_C(1));
    for (; larger; larger &= larger - 1) {
        unsigned order = (unsigned)__builtin_ctzll(larger);
        out->size[out->nsizes++] =
            (struct vm_frames_size){.order = order,
                                    .bytes = m->config.page_bytes << order,
                                    .available = vm_frames_available(frames, order)};
    }
}

void vm_frames_gather(const struct vm_engine *m, struct vm_frames_result *out)
{
    const struct vm_frames *frames = vm_memory_frames(m->memory);
    *out = (struct vm_frames_result){0};
    if (!frames)
        return;
    while (out->nzones < VM_ZONES_MAX &&
           vm_frames_zone(frames, (unsigned)out->nzones, &out->zone[out->nzones]))
        out->nzones++;
    while (out->nlists < VM_CPUS_MAX &&
           vm_frames_lists(frames, (uint32_t)out->nlists, &out->list[out->nlists]))
        out->nlists++;
    vm_frames_blocks(frames, &out->blocks);
    vm_memory_huge_misses(m->memory, &out->misses);
    vm_memory_compactions(m->memory, &out->compactions);
    gather_sizes(m, frames, out);
}
