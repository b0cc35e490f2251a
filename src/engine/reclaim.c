/* reclaim.c - how a machine's memory is kept free and clean: watermarks, clusters and the flusher,
 * from option texts. */
#include "engine/machine.h"

#include <stdlib.h>
#include <string.h>

#define CLUSTER_MAX 1024

/* FRAMES, a size with its unit, or PERCENT%; as frames. */
static bool frames_of(const struct vm_config *c, uint32_t nframes, const char *flag,
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

/* Options are in milliseconds, at most 1e12: their nanoseconds are below 2^60. */
static bool plan_flusher(const struct vm_config *c, struct vm_memory_config *out,
                         struct vm_error *e)
{
    out->flush = (enum vm_flush_pages)c->flush;
    out->flush_ns = (uint64_t)(c->flush_ms * 1e6);
    out->flush_age_ns = (uint64_t)(c->flush_age_ms * 1e6);
    if (out->flush_ns && out->scheme->unit == VM_UNIT_SEGMENT)
        return vm_fail(e, VM_EMACHINE,
                       "scheme %s has segments: expected one of pages where a flusher writes them "
                       "(--flush-ms)",
                       out->scheme->name);
    return true;
}

bool vm_reclaim_plan(const struct vm_config *c, struct vm_memory_config *out, struct vm_error *e)
{
    if (c->swap_cluster < 1 || c->swap_cluster > CLUSTER_MAX)
        return vm_fail(e, VM_EUSAGE, "--swap-cluster %llu: expected 1 to %u pages",
                       (unsigned long long)c->swap_cluster, CLUSTER_MAX);
    out->oom = (enum vm_oom)c->oom;
    if (c->oom == VM_OOM_KILL &&
        (c->huge_pages != VM_HUGE_NEVER || out->scheme->unit == VM_UNIT_SEGMENT))
        return vm_fail(e, VM_EMACHINE, "--oom kill with %s: expected base pages alone",
                       c->huge_pages != VM_HUGE_NEVER ? "huge pages" : "segments");
    out->swap_cluster = (uint32_t)c->swap_cluster;
    if (!frames_of(c, out->nframes, "watermark-low", c->watermark_low, &out->watermark_low, e) ||
        !frames_of(c, out->nframes, "watermark-high", c->watermark_high, &out->watermark_high, e))
        return false;
    if (out->watermark_low > out->watermark_high)
        return vm_fail(e, VM_EUSAGE,
                       "a low watermark of %u frames above the high one of %u: expected at most "
                       "that (--watermark-low, --watermark-high)",
                       out->watermark_low, out->watermark_high);
    if (out->watermark_high >= out->nframes)
        return vm_fail(e, VM_EUSAGE,
                       "a high watermark of %u frames in a memory of %u: expected less, or no page "
                       "could stay",
                       out->watermark_high, out->nframes);
    return plan_flusher(c, out, e);
}
