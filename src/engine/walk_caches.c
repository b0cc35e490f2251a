/* walk_caches.c - small caches of the words that lead to tables, so that a walk begins below the
 * root.
 *
 *      root -> p3 -> p2 -> p1 -> page's word       a hit in p1 leaves one load: the page's own word
 *
 * Cache pK has words K tables above those of base pages, under the bits of the address that lead to
 * them: on x86-64, p1 is Intel's PDE cache (each entry for 2 MiB), p2 its PDPTE cache, p3 its PML4E
 * cache. A walk asks the cache nearest the page first and makes only the loads below a hit; it puts
 * every word that it read, and that led on, into its cache, even if it ends in a fault. Walks are
 * made in full all the same; the caches only say which loads are saved.
 *
 * Invariant: an entry's word is in the table, as it was read. So it is removed when a page below it
 * is shot down, and when its table may have been given back.
 *
 * Barr, Cox & Rixner, "Translation caching: skip, don't walk (the page table)", ISCA 2010 (this is
 * their unified-by-level "split translation cache"); Intel SDM vol. 3, 4.10.3.
 *
 * Not here: caches of physical addresses of table words (AMD's), which the data caches' model is.
 */
#include "base/assert.h"
#include "engine/machine.h"

#include <stdio.h>
#include <string.h>

/* ---- the text: "p1=32/4 p2=4" ---- */

static bool bad(struct vm_error *e, const char *entry, const char *what)
{
    vm_fail(e, VM_EUSAGE, "bad walk cache \"%s\": %s", entry, what);
    return vm_hint(e, "write pK=ENTRIES[/WAYS][:lru|plru|fifo|random][:xor][@NS], for example "
                      "\"p1=32/4 p2=4\", or none");
}

static bool parse_entry(struct vm_walk_cache_plan *p, const char *entry, struct vm_error *e)
{
    char copy[64];
    if (strlen(entry) >= sizeof copy || p->n == VM_WALK_CACHES_MAX)
        return bad(e, entry, "too long, or too many walk caches");
    strcpy(copy, entry);
    if (copy[0] != 'p' || copy[1] < '1' || copy[1] > '0' + VM_WALK_CACHES_MAX || copy[2] != '=')
        return bad(e, entry, "expected p1= to p6=");
    struct vm_tlb_config *c = &p->cache[p->n++];
    c->level = (unsigned)(copy[1] - '0');
    if (!vm_tlb_value_parse(c, copy + 3, entry, e)) {
        vm_hint(e, "write pK=ENTRIES[/WAYS][:lru|plru|fifo|random][:xor][@NS]");
        return false;
    }
    if (c->sizes || c->pairs || c->wired)
        return bad(e, entry, "page sizes, pairs and wired entries are TLBs'");
    return true;
}

/* Nearest the page first. */
static bool sort(struct vm_walk_cache_plan *p, const char *text, struct vm_error *e)
{
    for (size_t i = 1; i < p->n; i++)
        for (size_t k = i; k > 0 && p->cache[k].level <= p->cache[k - 1].level; k--) {
            struct vm_tlb_config c = p->cache[k];
            if (c.level == p->cache[k - 1].level)
                return bad(e, text, "two for one level of tables");
            p->cache[k] = p->cache[k - 1];
            p->cache[k - 1] = c;
        }
    return true;
}

bool vm_walk_cache_plan_parse(struct vm_walk_cache_plan *out, const char *text, struct vm_error *e)
{
    struct vm_walk_cache_plan p = {0};
    char copy[VM_CONFIG_TEXT], *rest = copy, *entry;
    VM_ASSERT(strlen(text) < sizeof copy);
    strcpy(copy, text);
    if (strcmp(text, "none") != 0) {
        while ((entry = strsep(&rest, ", \t")))
            if (*entry && !parse_entry(&p, entry, e))
                return false;
        if (p.n == 0)
            return bad(e, text, "expected at least one, or none");
    }
    if (!sort(&p, text, e))
        return false;
    *out = p;
    return true;
}

/* ---- building ---- */

size_t vm_walk_caches_room(const struct vm_engine *m)
{
    size_t bytes = 0;
    for (size_t i = 0; i < m->walk_cache_plan.n; i++)
        bytes += vm_arena_room(vm_tlb_size(&m->walk_cache_plan.cache[i]));
    return bytes * m->nprocessors;
}

/* log2 of the bytes that a word `level` tables above a base page's stands for: the lowest bit of
 * the field of the address that selects it. 0: there is no such field. */
static unsigned covers_at(const struct vm_engine *m, unsigned level)
{
    struct vm_field field[VM_FIELDS_MAX];
    size_t n = m->scheme->va_fields(m->scheme_state, field);
    while (n-- > 0)
        if (field[n].low >= m->page_shift && level-- == 0)
            return field[n].low;
    return 0;
}

bool vm_walk_caches_build(struct vm_engine *m, struct vm_error *e)
{
    for (size_t i = 0; i < m->walk_cache_plan.n; i++) {
        const struct vm_tlb_config *c = &m->walk_cache_plan.cache[i];
        m->covers[i] = (uint8_t)covers_at(m, c->level);
        if (!m->covers[i])
            return vm_fail(e, VM_EMACHINE,
                           "walk cache p%u: scheme %s has no table %u above those of pages",
                           c->level, m->scheme->name, c->level);
        for (uint32_t n = 0; n < m->nprocessors; n++)
            vm_tlb_init(&m->processor[n].walk_cache[i], c, m->config.seed + VM_TLBS_MAX + i,
                        vm_arena_take(&m->arena, vm_tlb_size(c)));
    }
    return true;
}

/* ---- a walk ---- */

/* An entry's value is the word that it has, without the bits that walks set in it: all have these
 * in the lowest byte. */
static uint64_t kept(uint64_t word)
{
    return word & ~UINT64_C(0xff);
}

static uint64_t tag_of(const struct vm_engine *m, size_t i, vm_va va)
{
    return va >> m->covers[i] << 12 | m->cpu->tag_asid;
}

/* The walk's load that cache `i` may have, if it leads on to another; -1: it makes none such. */
static int64_t load_of(const struct vm_engine *m, size_t i, const struct vm_walk *w)
{
    uint32_t listed = w->nloads < VM_WALK_LOADS ? w->nloads : VM_WALK_LOADS;
    for (uint32_t k = 0; k + 1 < listed; k++)
        if (w->load[k].covers == m->covers[i] && w->load[k].role == VM_LOAD_TABLE)
            return k;
    return -1;
}

static void put(struct vm_engine *m, size_t i, vm_va va, const struct vm_walk *w)
{
    int64_t load = load_of(m, i, w);
    if (load >= 0)
        vm_tlb_fill(&m->cpu->walk_cache[i], tag_of(m, i, va),
                    (struct vm_tlb_entry){.value = kept(w->load[load].word) << 8, .end = 1});
}

uint32_t vm_walk_caches_use(struct vm_engine *m, vm_va va, const struct vm_walk *w, size_t *cache)
{
    size_t i = 0, n = m->walk_cache_plan.n;
    uint32_t skipped = 0;
    for (; i < n; i++) {
        struct vm_tlb *t = &m->cpu->walk_cache[i];
        int64_t at = vm_tlb_find(t, tag_of(m, i, va), 0);
        t->counts.lookups++;
        if (at >= 0) {
            int64_t load = load_of(m, i, w);
            VM_ASSERT(load >= 0 && t->value[at] == kept(w->load[load].word) << 8);
            vm_tlb_use(t, (uint64_t)at);
            skipped = (uint32_t)load + 1;
            break;
        }
        t->counts.misses++;
    }
    *cache = i < n ? i : VM_WALK_CACHES_MAX;
    while (i-- > 0)
        put(m, i, va, w);
    return skipped;
}

/* ---- what must be forgotten ---- */

/* The tags of cache `i` in [first, last] of page numbers, in whatever order they stand. */
static void forget_range(struct vm_tlb *t, uint64_t first, uint64_t last, vm_asid asid)
{
    for (uint64_t way = (uint64_t)(t->set_mask + 1) * t->ways; way-- > 0;) {
        uint64_t tag = t->tag[way];
        if (tag != VM_TLB_EMPTY && (tag & 0xfff) == asid && tag >> 12 >= first && tag >> 12 <= last)
            vm_tlb_invalidate(t, tag, 0);
    }
}

static void forget_in(const struct vm_engine *m, struct processor *p, vm_asid asid, vm_va start,
                      vm_va end)
{
    bool tagged = m->config.tlb_tags == VM_TLB_TAGS_ASID;
    if (!tagged && asid != p->asid) /* were flushed */
        return;
    for (size_t i = 0; i < m->walk_cache_plan.n; i++)
        forget_range(&p->walk_cache[i], start >> m->covers[i] & (UINT64_MAX >> 12),
                     (end - 1) >> m->covers[i] & (UINT64_MAX >> 12), tagged ? asid : 0);
}

void vm_walk_caches_forget(struct vm_engine *m, vm_asid asid, vm_va start, vm_va end)
{
    for (uint32_t n = 0; m->walk_cache_plan.n && n < m->nprocessors; n++)
        forget_in(m, &m->processor[n], asid, start, end);
}

void vm_mmu_trimmed(void *engine, vm_asid asid, vm_va start, vm_va end)
{
    vm_walk_caches_forget(engine, asid, start, end);
}
