/* tlbs.c - the text that describes a machine's TLBs: "l1i=64/4 l1d=64/4 l2=1536/12:lru@2.3".
 *
 * Entries are separated by blanks or commas. A level is one unified TLB (l2=), or a fetch side and
 * a data side (l1i=, l1d=), the latter perhaps one for loads and one for stores (l1l=, l1s=); each
 * of these may be several TLBs for different sizes of page (l1d=64/4:4K l1d=32/4:2M). Levels are
 * numbered from 1 without gaps. Without ways a TLB is fully associative, without sizes it holds
 * every size that there is.
 *
 * Which sizes there are is known only with the scheme: vm_tlb_plan_fit.
 */
#include "base/bits.h"
#include "engine/machine.h"

#include <pagoda/engine.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A hit beyond the first level, unless @NS says otherwise: 9 cycles at 4 GHz, the second level of
 * Skylake measured by the TLB toolkit of VUSec. */
#define NEXT_LEVEL_NS 2.25

static bool bad(struct vm_error *e, const char *entry, const char *what)
{
    vm_fail(e, VM_EUSAGE, "bad TLB \"%s\": %s", entry, what);
    return vm_hint(e, "write lN[i|d|l|s]=ENTRIES[/WAYS][:lru|plru|fifo|random][:SIZE+...][:xor]"
                      "[:pair][:wired=N][@NS], for example \"l1i=64/4 l1d=64/4 l2=1536/12\"");
}

/* "l1i" -> level 1, fetch side. */
static bool parse_name(struct vm_tlb_config *c, const char *name, const char *entry,
                       struct vm_error *e)
{
    static const char sides[] = {
        [VM_TLB_FETCH] = 'i', [VM_TLB_DATA] = 'd', [VM_TLB_LOAD] = 'l', [VM_TLB_STORE] = 's'};
    if (name[0] != 'l' || name[1] < '1' || name[1] > '9' || strlen(name) > 3)
        return bad(e, entry, "expected a name like l1, l1i, l1d, l2");
    c->level = (unsigned)(name[1] - '0');
    c->side = VM_TLB_UNIFIED;
    for (unsigned side = VM_TLB_FETCH; side < sizeof sides && name[2]; side++)
        if (name[2] == sides[side])
            c->side = (enum vm_tlb_side)side;
    if (name[2] && c->side == VM_TLB_UNIFIED)
        return bad(e, entry,
                   "expected i (fetches), d (data), or l (loads) and s (stores) after the level");
    return true;
}

static bool parse_size(const char *text, const char *entry, uint32_t *out, struct vm_error *e)
{
    uint64_t n;
    if (!vm_parse_count(text, "TLB entries or ways", &n, e))
        return false;
    if (n == 0 || n > (1u << 24))
        return bad(e, entry, "entries and ways are 1 to 16777216");
    *out = (uint32_t)n;
    return true;
}

/* "4K+2M" */
static bool parse_sizes(struct vm_tlb_config *c, char *word, const char *entry, struct vm_error *e)
{
    char *size;
    while ((size = strsep(&word, "+"))) {
        uint64_t bytes;
        if (!vm_parse_bytes(size, "page size of a TLB", &bytes, e))
            return false;
        if (!vm_is_pow2(bytes))
            return bad(e, entry, "a page size is a power of two");
        c->sizes |= bytes; /* 2^b has bit b: sizes are their own bits */
    }
    return true;
}

static bool parse_replace(struct vm_tlb_config *c, const char *word, struct vm_error *e)
{
    const char *known[6];
    for (unsigned i = 0; i < 4; i++) {
        known[i] = vm_tlb_replace_names[i];
        if (!strcmp(word, known[i])) {
            c->replace = (enum vm_tlb_replace)i;
            return true;
        }
    }
    known[4] = "xor";
    known[5] = "pair";
    return vm_fail_unknown(e, "TLB property", word, known, 6);
}

/* One word after a colon. */
static bool parse_property(struct vm_tlb_config *c, char *word, const char *entry,
                           struct vm_error *e)
{
    if (!strncmp(word, "wired=", 6))
        return parse_size(word + 6, entry, &c->wired, e);
    if (*word >= '0' && *word <= '9')
        return parse_sizes(c, word, entry, e);
    if (!strcmp(word, "xor"))
        c->index = VM_TLB_INDEX_XOR;
    else if (!strcmp(word, "pair"))
        c->pairs = true;
    else
        return parse_replace(c, word, e);
    return true;
}

static bool parse_ns(struct vm_tlb_config *c, const char *ns, const char *entry, struct vm_error *e)
{
    if (!vm_parse_real(ns, "TLB hit time", &c->hit_ns, e))
        return false;
    return (c->hit_ns >= 0 && c->hit_ns <= 1e9) || bad(e, entry, "a hit takes 0 to 1e9 ns");
}

/* ENTRIES[/WAYS][:PROPERTY]...[@NS]; cut apart in place. */
bool vm_tlb_value_parse(struct vm_tlb_config *c, char *value, const char *entry, struct vm_error *e)
{
    char *ns = strchr(value, '@'), *properties, *ways, *word;
    if (ns)
        *ns++ = 0;
    if ((properties = strchr(value, ':')))
        *properties++ = 0;
    if ((ways = strchr(value, '/')))
        *ways++ = 0;
    if (!parse_size(value, entry, &c->entries, e))
        return false;
    c->ways = c->entries;
    if (ways && strcmp(ways, "full") != 0 && !parse_size(ways, entry, &c->ways, e))
        return false;
    while ((word = strsep(&properties, ":")))
        if (!parse_property(c, word, entry, e))
            return false;
    if (ns && !parse_ns(c, ns, entry, e))
        return false;
    return vm_tlb_config_check(c, e);
}

static bool parse_entry(struct vm_tlb_plan *p, char *entry, struct vm_error *e)
{
    char copy[64];
    if (strlen(entry) >= sizeof copy || p->n == VM_TLBS_MAX - 1)
        return bad(e, entry, "too long, or too many TLBs");
    strcpy(copy, entry);
    char *value = strchr(copy, '=');
    if (!value)
        return bad(e, entry, "expected name=entries");
    *value++ = 0;
    struct vm_tlb_config *c = &p->tlb[p->n];
    if (!parse_name(c, copy, entry, e))
        return false;
    c->hit_ns = c->level == 1 ? 0 : NEXT_LEVEL_NS;
    if (!vm_tlb_value_parse(c, value, entry, e))
        return false;
    strcpy(p->name[p->n++], copy);
    return true;
}

/* The accesses that a side serves; bit a for access a. */
static unsigned served(enum vm_tlb_side side)
{
    static const unsigned by[] = {
        [VM_TLB_UNIFIED] = 1u << VM_READ | 1u << VM_WRITE | 1u << VM_FETCH,
        [VM_TLB_FETCH] = 1u << VM_FETCH,
        [VM_TLB_DATA] = 1u << VM_READ | 1u << VM_WRITE,
        [VM_TLB_LOAD] = 1u << VM_READ,
        [VM_TLB_STORE] = 1u << VM_WRITE,
    };
    return by[side];
}

bool vm_tlb_serves(const struct vm_tlb_config *c, enum vm_access access)
{
    return served(c->side) >> access & 1;
}

/* Two TLBs of one level that serve the same accesses hold different sizes. */
static bool check_pair(const struct vm_tlb_config *a, const struct vm_tlb_config *b,
                       const char *text, struct vm_error *e)
{
    char size[32];
    if (a->level != b->level || !(served(a->side) & served(b->side)))
        return true;
    if (!a->sizes || !b->sizes)
        return bad(e, text,
                   "a level has one TLB, or one for fetches and one for data, unless their page "
                   "sizes are given");
    uint64_t both = a->sizes & b->sizes;
    if (!both)
        return true;
    vm_fail(e, VM_EUSAGE, "bad TLB \"%s\": two of level %u hold pages of %s", text, a->level,
            vm_text_bytes(both & -both, size, sizeof size));
    return vm_hint(e, "give each size of page to one TLB of a level");
}

static bool check_sides(const struct vm_tlb_plan *p, unsigned level, const char *text,
                        struct vm_error *e)
{
    unsigned all = 0;
    for (size_t i = 0; i < p->n; i++)
        if (p->tlb[i].level == level)
            all |= served(p->tlb[i].side);
    if (!all)
        return bad(e, text, "levels are numbered from 1 without gaps");
    if (all == served(VM_TLB_UNIFIED))
        return true;
    if ((all & served(VM_TLB_DATA)) && !(all >> VM_READ & all >> VM_WRITE & 1))
        return bad(e, text, "a level that has an l side needs an s side, and the other way round");
    return bad(e, text, "a level that has an i side needs a d side, and the other way round");
}

static bool check_levels(struct vm_tlb_plan *p, const char *text, struct vm_error *e)
{
    for (size_t i = 0; i < p->n; i++) {
        if (p->tlb[i].level > p->levels)
            p->levels = p->tlb[i].level;
        for (size_t k = 0; k < i; k++)
            if (!check_pair(&p->tlb[k], &p->tlb[i], text, e))
                return false;
    }
    for (unsigned level = 1; level <= p->levels; level++)
        if (!check_sides(p, level, text, e))
            return false;
    return true;
}

bool vm_tlb_plan_parse(struct vm_tlb_plan *out, const char *text, struct vm_error *e)
{
    struct vm_tlb_plan p = {0};
    char copy[VM_CONFIG_TEXT], *rest = copy, *entry;
    if (strlen(text) >= sizeof copy)
        return bad(e, text, "too long");
    strcpy(copy, text);
    if (strcmp(text, "none") != 0)
        while ((entry = strsep(&rest, ", \t")))
            if (*entry && !parse_entry(&p, entry, e))
                return false;
    if (p.n == 0 && strcmp(text, "none") != 0)
        return bad(e, text, "expected at least one TLB, or none");
    if (!check_levels(&p, text, e))
        return false;
    *out = p;
    return true;
}

/* ---- the sizes that there are ---- */

const char *vm_page_sizes_text(uint64_t sizes, char *out, size_t cap)
{
    char size[32];
    size_t n = 0;
    out[0] = 0;
    for (; sizes && n < cap; sizes &= sizes - 1)
        n += (size_t)snprintf(out + n, cap - n, "%s%s", n ? ", " : "",
                              vm_text_bytes(sizes & -sizes, size, sizeof size));
    return out;
}

bool vm_tlb_plan_fit(struct vm_tlb_plan *p, unsigned page_shift, const char *scheme,
                     uint64_t orders, struct vm_error *e)
{
    uint64_t there = orders << page_shift;
    char sizes[128], lacks[128];
    for (size_t i = 0; i < p->n; i++) {
        struct vm_tlb_config *c = &p->tlb[i];
        uint64_t missing = c->sizes & ~there;
        if (missing)
            return vm_fail(e, VM_EMACHINE, "TLB %s holds pages of %s: scheme %s has pages of %s",
                           p->name[i], vm_page_sizes_text(missing, lacks, sizeof lacks), scheme,
                           vm_page_sizes_text(there, sizes, sizeof sizes));
        if (!c->sizes)
            c->sizes = there;
    }
    return true;
}
