/* words.c - see words.h. */
#include "report/words.h"

#include <string.h>

const char *const vm_event_names[VM_EVENT_KINDS] = {
    [VM_EVENT_MAP] = "map",       [VM_EVENT_UNMAP] = "unmap",   [VM_EVENT_PROTECT] = "protect",
    [VM_EVENT_ADVISE] = "advise", [VM_EVENT_FORK] = "fork",     [VM_EVENT_EXEC] = "exec",
    [VM_EVENT_EXIT] = "exit",     [VM_EVENT_SWITCH] = "switch", [VM_EVENT_ALLOC] = "alloc",
    [VM_EVENT_FREE] = "free",     [VM_EVENT_RESIZE] = "resize",
};

const char *const vm_access_names[VM_ACCESSES] = {"reads", "writes", "fetches"};

const char *vm_prot_text(unsigned prot, char out[4])
{
    out[0] = prot & VM_PROT_READ ? 'r' : '-';
    out[1] = prot & VM_PROT_WRITE ? 'w' : '-';
    out[2] = prot & VM_PROT_FETCH ? 'x' : '-';
    out[3] = 0;
    return out;
}

const char *const vm_backing_names[VM_BACKINGS] = {[VM_BACKING_UNKNOWN] = "unknown",
                                                   [VM_BACKING_ANON] = "anonymous",
                                                   [VM_BACKING_FILE] = "file",
                                                   [VM_BACKING_SHARED] = "shared file"};

const char *vm_backing_text(const struct vm_vma *v)
{
    if (v->origin == VM_VMA_FIRST_TOUCH)
        return "first touch";
    return v->backing == VM_BACKING_UNKNOWN ? "mapped" : vm_backing_names[v->backing];
}

const char *vm_text_ns(double ns, char *out, size_t cap)
{
    static const char *const units[] = {"ns", "us", "ms", "s"};
    unsigned u = 0;
    while (u < 3 && ns >= 999.5) {
        ns /= 1000;
        u++;
    }
    snprintf(out, cap, ns >= 99.95 ? "%.0f %s" : ns >= 9.995 ? "%.1f %s" : "%.2f %s", ns, units[u]);
    return out;
}

const char *vm_tlb_text(const struct vm_tlb_config *c, char *out, size_t cap)
{
    char ways[16] = "full", wired[24] = "";
    if (c->ways != c->entries)
        snprintf(ways, sizeof ways, "%u", c->ways);
    if (c->wired)
        snprintf(wired, sizeof wired, ", %u wired", c->wired);
    snprintf(out, cap, "%u/%s %s%s%s%s", c->entries, ways, vm_tlb_replace_names[c->replace],
             c->index == VM_TLB_INDEX_XOR ? " xor" : "", c->pairs ? " of pairs" : "", wired);
    return out;
}

const char *vm_sizes_text(uint64_t sizes, char *out, size_t cap)
{
    char size[32];
    size_t n = 0;
    out[0] = 0;
    for (; sizes && n < cap; sizes &= sizes - 1)
        n += (size_t)snprintf(out + n, cap - n, "%s%s", n ? " + " : "",
                              vm_text_bytes(sizes & -sizes, size, sizeof size));
    return out;
}

const char *vm_cache_text(const struct vm_cache_config *c, char *out, size_t cap)
{
    char bytes[32];
    snprintf(out, cap, "%s/%u %s %s%s", vm_text_bytes(c->bytes, bytes, sizeof bytes), c->ways,
             vm_cache_replace_names[c->replace], vm_cache_index_names[c->index],
             c->write == VM_CACHE_THROUGH ? " write-through" : "");
    return out;
}

double vm_percent(double part, double whole)
{
    return whole > 0 ? 100 * part / whole : 0;
}

const char *vm_text_share(double part, double whole, char *out, size_t cap)
{
    double percent = vm_percent(part, whole);
    /* What is there must not look like nothing. */
    snprintf(out, cap, percent > 0 && percent < 0.0005 ? "< 0.001 %%" : "%7.3f %%", percent);
    return out;
}

void vm_text_trace(FILE *out, const struct vm_trace_info *t, struct vm_style style)
{
    fprintf(out, "%sTrace%s %s   %s%s, hash 0x%llx%s\n", style.bold, style.end,
            strcmp(t->name, "-") ? t->name : "standard input", style.dim, t->format,
            (unsigned long long)t->hash, style.end);
}

struct vm_style vm_style(enum vm_colour colour)
{
    return colour == VM_COLOUR_ANSI ? (struct vm_style){"\033[1m", "\033[2m", "\033[0m"}
                                    : (struct vm_style){"", "", ""};
}
