/* reclaim.c - how a machine's memory is kept free and clean, and where its pages go: watermarks,
 * clusters, the flusher and the swap devices, from option texts. */
#include "engine/machine.h"

#include <stdlib.h>
#include <string.h>

#define CLUSTER_MAX 1024

/* ---- swap devices ---- */

static bool plan_slots(const char *noun, uint64_t bytes, uint64_t page_bytes, uint32_t most,
                       uint32_t *out, struct vm_error *e)
{
    uint64_t slots = bytes / page_bytes;
    *out = (uint32_t)slots;
    return !bytes || (slots > 0 && slots <= most) ||
           vm_fail(e, VM_EUSAGE,
                   "%s of %llu bytes: expected at least one page of %llu bytes and at most %u of "
                   "them, or 0 for no limit",
                   noun, (unsigned long long)bytes, (unsigned long long)page_bytes, most);
}

/* What goes with a slow device. */
static bool check_slow(const struct vm_config *c, const struct vm_scheme_ops *scheme,
                       struct vm_error *e)
{
    if (!c->swap_bytes)
        return vm_fail(e, VM_EUSAGE,
                       "a slow swap device (--swap-slow %s) behind one that is never full: "
                       "expected --swap-size, the room on the fast one",
                       c->swap_slow);
    return scheme->unit != VM_UNIT_SEGMENT ||
           vm_fail(e, VM_EMACHINE,
                   "scheme %s has segments: expected one of pages with a slow swap device "
                   "(--swap-slow)",
                   scheme->name);
}

bool vm_swap_plan(const struct vm_config *c, struct vm_memory_config *out, struct vm_error *e)
{
    struct vm_swap_config *fast = &out->swap[VM_SWAP_FAST], *slow = &out->swap[VM_SWAP_SLOW];
    uint32_t most = slow->device ? VM_SWAP_SLOTS_BOTH : UINT32_MAX - 2;
    if (!vm_config_has_slow(c) && c->swap_slow_bytes)
        return vm_fail(e, VM_EUSAGE,
                       "room on a slow swap device (--swap-slow-size), and there is none: expected "
                       "--swap-slow DEVICE");
    if (slow->device && !check_slow(c, out->scheme, e))
        return false;
    return plan_slots("swap", c->swap_bytes, c->page_bytes, most, &fast->nslots, e) &&
           plan_slots("slow swap", c->swap_slow_bytes, c->page_bytes, most, &slow->nslots, e);
}

/* ---- watermarks and the flusher ---- */

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
    uint32_t n = out->nframes;
    if (!vm_frames_parse(c, n, "watermark-low", c->watermark_low, &out->watermark_low, e) ||
        !vm_frames_parse(c, n, "watermark-high", c->watermark_high, &out->watermark_high, e))
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
