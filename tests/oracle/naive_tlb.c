/* naive_tlb.c - see naive_tlb.h. */
#include "oracle/naive_tlb.h"

#include "base/assert.h"

void naive_tlb_open(struct naive_tlb *t, const struct vm_tlb_config *c)
{
    VM_ASSERT(c->entries <= NAIVE_TLB_ENTRIES);
    *t = (struct naive_tlb){.nsets = c->entries / c->ways, .ways = c->ways, .replace = c->replace};
}

static uint32_t first_of(const struct naive_tlb *t, uint64_t tag)
{
    return (uint32_t)(tag / 4096 % t->nsets) * t->ways;
}

struct naive_tlb_entry *naive_tlb_find(struct naive_tlb *t, uint64_t tag)
{
    for (uint32_t i = 0; i < t->nsets * t->ways; i++)
        if (t->entry[i].valid && t->entry[i].tag == tag)
            return &t->entry[i];
    return NULL;
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
        sign(t->upper[i / t->ways], 0, 0, t->ways, i % t->ways);
}

static struct naive_tlb_entry *oldest(struct naive_tlb_entry *set, uint32_t ways, bool by_use)
{
    struct naive_tlb_entry *best = set;
    for (uint32_t w = 1; w < ways; w++)
        if (by_use ? set[w].used < best->used : set[w].came < best->came)
            best = &set[w];
    return best;
}

struct naive_tlb_entry *naive_tlb_place(struct naive_tlb *t, uint64_t tag)
{
    uint32_t first = first_of(t, tag);
    struct naive_tlb_entry *set = &t->entry[first];
    for (uint32_t w = 0; w < t->ways; w++)
        if (!set[w].valid)
            return &set[w];
    if (t->replace == VM_TLB_RANDOM)
        return NULL;
    if (t->replace == VM_TLB_PLRU)
        return &set[follow(t->upper[first / t->ways], 0, 0, t->ways)];
    return oldest(set, t->ways, t->replace == VM_TLB_LRU);
}

void naive_tlb_fill(struct naive_tlb *t, struct naive_tlb_entry *place, uint64_t tag,
                    uint64_t value)
{
    t->counts.fills++;
    t->counts.evictions += place->valid;
    *place = (struct naive_tlb_entry){.valid = true, .tag = tag, .value = value, .came = ++t->now};
    naive_tlb_use(t, place);
}

unsigned naive_tlb_drop(struct naive_tlb *t, bool (*says)(uint64_t tag, uint64_t arg), uint64_t arg)
{
    unsigned n = 0;
    for (uint32_t i = 0; i < t->nsets * t->ways; i++)
        if (t->entry[i].valid && says(t->entry[i].tag, arg)) {
            t->entry[i].valid = false;
            n++;
        }
    t->counts.invalidations += n;
    return n;
}

bool naive_tlb_is(uint64_t tag, uint64_t other)
{
    return tag == other;
}

bool naive_tlb_of_space(uint64_t tag, uint64_t asid)
{
    return tag % 4096 == asid;
}

bool naive_tlb_not_global(uint64_t tag, uint64_t unused)
{
    (void)unused;
    return tag % 4096 != VM_TLB_GLOBAL;
}
