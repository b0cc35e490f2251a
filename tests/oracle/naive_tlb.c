/* naive_tlb.c - see naive_tlb.h. */
#include "oracle/naive_tlb.h"

#include "base/assert.h"

void naive_tlb_open(struct naive_tlb *t, const struct vm_tlb_config *c)
{
    VM_ASSERT(c->entries <= NAIVE_TLB_ENTRIES);
    *t = (struct naive_tlb){.nsets = c->entries / c->ways,
                            .ways = c->ways,
                            .pages = c->pairs ? 2 : 1,
                            .wired = c->wired,
                            .replace = c->replace,
                            .index = c->index};
}

static uint64_t group_of(const struct naive_tlb *t, uint64_t tag)
{
    return tag / 4096 / t->pages;
}

uint32_t naive_tlb_set(const struct naive_tlb *t, uint64_t group)
{
    uint64_t low = group % t->nsets, next = group / t->nsets % t->nsets;
    return (uint32_t)(t->index == VM_TLB_INDEX_XOR ? low ^ next : low);
}

static bool is_group(const struct naive_tlb *t, const struct naive_tlb_entry *e, uint64_t tag,
                     unsigned order)
{
    return e->valid && e->group == group_of(t, tag) && e->who == tag % 4096 && e->order == order;
}

static struct naive_tlb_entry *find_group(struct naive_tlb *t, uint64_t tag, unsigned order)
{
    for (uint32_t i = 0; i < t->nsets * t->ways; i++)
        if (is_group(t, &t->entry[i], tag, order))
            return &t->entry[i];
    return NULL;
}

struct naive_tlb_entry *naive_tlb_find(struct naive_tlb *t, uint64_t tag, unsigned order)
{
    struct naive_tlb_entry *e = find_group(t, tag, order);
    return e && e->has[tag / 4096 % t->pages] ? e : NULL;
}

uint64_t *naive_tlb_value(struct naive_tlb *t, struct naive_tlb_entry *e, uint64_t tag)
{
    return &e->value[tag / 4096 % t->pages];
}

/* Ways [low, high) hang below `node`: leave a sign at each node to the half without `way`. */
static void sign(bool *upper, unsigned node, uint32_t low, uint32_t high, uint32_t way)
{
    uint32_t middle = (low + high) / 2;
    if (high - low == 1)
        return;
    upper[node] = way < middle;
    if (way < middle)
        sign(upper, 2 * node + 1, low, middle, way);
    else
        sign(upper, 2 * node + 2, middle, high, way);
}

static uint32_t follow(const bool *upper, unsigned node, uint32_t low, uint32_t high)
{
    uint32_t middle = (low + high) / 2;
    if (high - low == 1)
        return low;
    return upper[node] ? follow(upper, 2 * node + 2, middle, high)
                       : follow(upper, 2 * node + 1, low, middle);
}

void naive_tlb_use(struct naive_tlb *t, struct naive_tlb_entry *e)
{
    uint32_t i = (uint32_t)(e - t->entry);
    e->used = ++t->now;
    if (t->replace == VM_TLB_PLRU)
        sign(t->upper[i / t->ways], 0, 0, t->ways - t->wired, i % t->ways);
}

static struct naive_tlb_entry *oldest(struct naive_tlb_entry *set, uint32_t ways, bool by_use)
{
    struct naive_tlb_entry *best = set;
    for (uint32_t w = 1; w < ways; w++)
        if (by_use ? set[w].used < best->used : set[w].came < best->came)
            best = &set[w];
    return best;
}

struct naive_tlb_entry *naive_tlb_place(struct naive_tlb *t, uint64_t tag, unsigned order)
{
    uint32_t set_index = naive_tlb_set(t, group_of(t, tag)), ways = t->ways - t->wired;
    struct naive_tlb_entry *set = &t->entry[set_index * t->ways],
                           *beside = find_group(t, tag, order);
    if (beside)
        return beside;
    for (uint32_t w = 0; w < ways; w++)
        if (!set[w].valid)
            return &set[w];
    if (t->replace == VM_TLB_RANDOM)
        return NULL;
    if (t->replace == VM_TLB_PLRU)
        return &set[follow(t->upper[set_index], 0, 0, ways)];
    return oldest(set, ways, t->replace == VM_TLB_LRU);
}

void naive_tlb_fill(struct naive_tlb *t, struct naive_tlb_entry *place, uint64_t tag,
                    unsigned order, uint64_t value)
{
    t->counts.fills++;
    if (!is_group(t, place, tag, order)) {
        t->counts.evictions += place->valid;
        *place = (struct naive_tlb_entry){.valid = true,
                                          .group = group_of(t, tag),
                                          .who = tag % 4096,
                                          .order = order,
                                          .came = ++t->now};
    }
    place->has[tag / 4096 % t->pages] = true;
    *naive_tlb_value(t, place, tag) = value;
    naive_tlb_use(t, place);
}

unsigned naive_tlb_drop(struct naive_tlb *t, naive_tlb_says *says, uint64_t arg, unsigned order)
{
    unsigned n = 0;
    for (uint32_t i = 0; i < t->nsets * t->ways; i++)
        if (t->entry[i].valid && says(t, &t->entry[i], arg, order)) {
            t->entry[i].valid = false;
            n++;
        }
    t->counts.invalidations += n;
    return n;
}

bool naive_tlb_is(const struct naive_tlb *t, const struct naive_tlb_entry *e, uint64_t tag,
                  unsigned order)
{
    return is_group(t, e, tag, order);
}

bool naive_tlb_of_space(const struct naive_tlb *t, const struct naive_tlb_entry *e, uint64_t asid,
                        unsigned order)
{
    (void)t, (void)order;
    return e->who == asid;
}

bool naive_tlb_not_global(const struct naive_tlb *t, const struct naive_tlb_entry *e,
                          uint64_t unused, unsigned order)
{
    (void)t, (void)unused, (void)order;
    return e->who != VM_TLB_GLOBAL;
}
