/* zones.c - the zones of a memory, from text: dma:16MiB,dma32:2GiB,normal.
 *
 * Each has a size, but the last, which has the rest. A memory that ends in a zone has none of those
 * behind it. Ratios that are not given are Linux's (sysctl_lowmem_reserve_ratio, mm/page_alloc.c).
 */
#include <pagoda/frames.h>

#include <pagoda/params.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    uint32_t ratio;
} kinds[VM_ZONES_MAX] = {[VM_ZONE_DMA] = {"dma", 256},
                         [VM_ZONE_DMA32] = {"dma32", 256},
                         [VM_ZONE_NORMAL] = {"normal", 32},
                         [VM_ZONE_HIGHMEM] = {"highmem", 0},
                         [VM_ZONE_MOVABLE] = {"movable", 0}};

const char *vm_zone_name(enum vm_zone_kind kind)
{
    return kinds[kind].name;
}

static bool find_kind(const char *name, enum vm_zone_kind *out, struct vm_error *e)
{
    const char *known[VM_ZONES_MAX];
    for (unsigned k = 0; k < VM_ZONES_MAX; k++) {
        if (!strcmp(kinds[k].name, name)) {
            *out = (enum vm_zone_kind)k;
            return true;
        }
        known[k] = kinds[k].name;
    }
    return vm_fail_unknown(e, "zone", name, known, VM_ZONES_MAX);
}

static bool parse_ratio(const char *text, uint32_t *out, struct vm_error *e)
{
    uint64_t ratio;
    if (!vm_parse_count(text, "a zone's ratio", &ratio, e))
        return false;
    *out = ratio < UINT32_MAX ? (uint32_t)ratio : UINT32_MAX;
    return true;
}

static bool parse_size(const char *text, const char *zone, uint64_t page_bytes, uint32_t *out,
                       struct vm_error *e)
{
    uint64_t bytes;
    if (!vm_parse_bytes(text, "a zone's size", &bytes, e))
        return false;
    if (bytes < page_bytes || bytes % page_bytes)
        return vm_fail(e, VM_EUSAGE, "zone %s of %s: expected whole pages of %llu bytes", zone,
                       text, (unsigned long long)page_bytes);
    *out = bytes / page_bytes < UINT32_MAX ? (uint32_t)(bytes / page_bytes) : UINT32_MAX;
    return true;
}

/* NAME[:SIZE][/RATIO], which is cut up. */
static bool parse_zone(char *text, uint64_t page_bytes, struct vm_zone_config *out,
                       struct vm_error *e)
{
    char *ratio = strchr(text, '/'), *size;
    if (ratio)
        *ratio++ = 0;
    if ((size = strchr(text, ':')))
        *size++ = 0;
    if (!find_kind(text, &out->kind, e))
        return false;
    out->ratio = kinds[out->kind].ratio;
    out->nframes = UINT32_MAX;
    return (!size || parse_size(size, text, page_bytes, &out->nframes, e)) &&
           (!ratio || parse_ratio(ratio, &out->ratio, e));
}

/* The i-th goes behind the others; `rest` is what comes after it. */
static bool check_zone(const struct vm_zone_config *zone, unsigned i, const char *rest,
                       struct vm_error *e)
{
    const char *name = vm_zone_name(zone[i].kind);
    if (i == 0 && zone[0].kind > VM_ZONE_NORMAL)
        return vm_fail(e, VM_EUSAGE,
                       "zone %s is the lowest, and page tables cannot lie in it: expected dma, "
                       "dma32 or normal below it",
                       name);
    if (i > 0 && zone[i].kind <= zone[i - 1].kind)
        return vm_fail(e, VM_EUSAGE,
                       "zone %s behind %s: expected dma, dma32, normal, highmem, "
                       "movable, in this order and each once at most",
                       name, vm_zone_name(zone[i - 1].kind));
    if (rest && zone[i].nframes == UINT32_MAX)
        return vm_fail(e, VM_EUSAGE, "zone %s has no size: expected %s:SIZE, as others follow it",
                       name, name);
    return rest || zone[i].nframes == UINT32_MAX ||
           vm_fail(e, VM_EUSAGE,
                   "zone %s, the last one, has a size: expected none, it has the rest", name);
}

bool vm_zones_parse(const char *text, uint64_t page_bytes, struct vm_zone_config out[VM_ZONES_MAX],
                    unsigned *n, struct vm_error *e)
{
    char copy[256], *rest = copy, *one;
    *n = 0;
    if (!strcmp(text, "none"))
        return true;
    if ((size_t)snprintf(copy, sizeof copy, "%s", text) >= sizeof copy)
        return vm_fail(e, VM_EUSAGE, "zones of more than %zu characters", sizeof copy - 1);
    while ((one = strsep(&rest, ","))) {
        if (*n == VM_ZONES_MAX)
            return vm_fail(e, VM_EUSAGE, "more than %d zones", VM_ZONES_MAX);
        if (!parse_zone(one, page_bytes, &out[*n], e) || !check_zone(out, *n, rest, e))
            return false;
        ++*n;
    }
    return true;
}
