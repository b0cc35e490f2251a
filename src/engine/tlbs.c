/* tlbs.c - the text that describes a machine's TLBs: "l1i=64/4 l1d=64/4 l2=1536/12:lru@2.3".
 *
 * Entries are separated by blanks or commas. A level is one unified TLB (l2=) or a fetch and a data
 * side (l1i=, l1d=); levels are numbered from 1 without gaps. Without ways a TLB is fully
 * associative.
 */
#include <pagoda/engine.h>

#include <stdlib.h>
#include <string.h>

/* A hit beyond the first level, unless @NS says otherwise: 9 cycles at 4 GHz, the second level of
 * Skylake measured by the TLB toolkit of VUSec. */
#define NEXT_LEVEL_NS 2.25

static bool bad(struct vm_error *e, const char *entry, const char *what)
{
    vm_fail(e, VM_EUSAGE, "bad TLB \"%s\": %s", entry, what);
    return vm_hint(e, "write lN[i|d]=ENTRIES[/WAYS][:lru|plru|fifo|random][@NS], for example "
                      "\"l1i=64/4 l1d=64/4 l2=1536/12\", or none");
}

/* "l1i" -> level 1, fetch side. */
static bool parse_name(struct vm_tlb_config *c, const char *name, const char *entry,
                       struct vm_error *e)
{
    const char *side = name + 2;
    if (name[0] != 'l' || name[1] < '1' || name[1] > '9' || strlen(name) > 3)
        return bad(e, entry, "expected a name like l1, l1i, l1d, l2");
    c->level = (unsigned)(name[1] - '0');
    if (*side == 0)
        c->side = VM_TLB_UNIFIED;
    else if (*side == 'i')
        c->side = VM_TLB_FETCH;
    else if (*side == 'd')
        c->side = VM_TLB_DATA;
    else
        return bad(e, entry, "expected i (fetches) or d (data) after the level");
    return true;
}

static bool parse_replace(struct vm_tlb_config *c, const char *word, struct vm_error *e)
{
    for (unsigned i = 0; i < 4; i++)
        if (!strcmp(word, vm_tlb_replace_names[i])) {
            c->replace = (enum vm_tlb_replace)i;
            return true;
        }
    return vm_fail_unknown(e, "TLB replacement", word, vm_tlb_replace_names, 4);
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

/* The value: ENTRIES[/WAYS][:REPLACE][@NS]; cut apart in place. */
static bool parse_value(struct vm_tlb_config *c, char *value, const char *entry, struct vm_error *e)
{
    char *ns = strchr(value, '@'), *replace, *ways;
    if (ns)
        *ns++ = 0;
    if ((replace = strchr(value, ':')))
        *replace++ = 0;
    if ((ways = strchr(value, '/')))
        *ways++ = 0;
    c->replace = VM_TLB_LRU;
    c->hit_ns = c->level == 1 ? 0 : NEXT_LEVEL_NS;
    if (!parse_size(value, entry, &c->entries, e))
        return false;
    c->ways = c->entries;
    if (ways && strcmp(ways, "full") != 0 && !parse_size(ways, entry, &c->ways, e))
        return false;
    if (replace && !parse_replace(c, replace, e))
        return false;
    if (ns && !vm_parse_real(ns, "TLB hit time", &c->hit_ns, e))
        return false;
    if (c->hit_ns < 0 || c->hit_ns > 1e9)
        return bad(e, entry, "a hit takes 0 to 1e9 ns");
    return vm_tlb_config_check(c, e);
}

static bool parse_entry(struct vm_tlb_plan *p, char *entry, struct vm_error *e)
{
    char copy[64];
    if (strlen(entry) >= sizeof copy || p->n == VM_TLBS_MAX)
        return bad(e, entry, "too long, or too many TLBs");
    strcpy(copy, entry);
    char *value = strchr(copy, '=');
    if (!value)
        return bad(e, entry, "expected name=entries");
    *value++ = 0;
    struct vm_tlb_config *c = &p->tlb[p->n];
    if (!parse_name(c, copy, entry, e) || !parse_value(c, value, entry, e))
        return false;
    strcpy(p->name[p->n++], copy);
    return true;
}

/* Sides of one level at most one of each, none beside a unified one. */
static bool sides_fit(const struct vm_tlb_plan *p, unsigned level, unsigned *sides)
{
    static const unsigned covers[] = {[VM_TLB_UNIFIED] = 3, [VM_TLB_FETCH] = 1, [VM_TLB_DATA] = 2};
    *sides = 0;
    for (size_t i = 0; i < p->n; i++) {
        if (p->tlb[i].level != level)
            continue;
        if (*sides & covers[p->tlb[i].side])
            return false;
        *sides |= covers[p->tlb[i].side];
    }
    return true;
}

static bool check_levels(struct vm_tlb_plan *p, const char *text, struct vm_error *e)
{
    for (size_t i = 0; i < p->n; i++)
        if (p->tlb[i].level > p->levels)
            p->levels = p->tlb[i].level;
    for (unsigned level = 1; level <= p->levels; level++) {
        unsigned sides;
        if (!sides_fit(p, level, &sides))
            return bad(e, text, "a level has one TLB, or one for fetches and one for data");
        if (!sides)
            return bad(e, text, "levels are numbered from 1 without gaps");
        if (sides != 3)
            return bad(e, text,
                       "a level that has an i side needs a d side, and the other way round");
    }
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
