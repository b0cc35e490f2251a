/* list.c - see list.h: everything of the free lists but taking and giving back. */
#include "heap/list.h"

#include <stdio.h>

const struct vm_param vm_list_param[LIST_PARAMS] = {
    {"order", VM_PARAM_WORD, "address", 0, 0, "address|size|lifo|fifo",
     "where a free block goes in the list"},
    {"split", VM_PARAM_BYTES, "32", TAGGED_BYTES_MIN, 1 << 20, NULL,
     "the smallest remainder that becomes a block"},
    {"coalesce", VM_PARAM_WORD, "immediate", 0, 0, "immediate|deferred|never",
     "when free neighbours become one block"},
    {"every", VM_PARAM_COUNT, "64", 1, 1e9, NULL, "deferred: gives after which they do"},
    {"notes", VM_PARAM_WORD, "tags", 0, 0, "tags|header",
     "boundary tags, or a header with a magic number alone"},
    GROUND_GROW_PARAM,
    GROUND_TRIM_PARAM,
};

size_t vm_list_size(const struct vm_heap_env *env)
{
    (void)env;
    return sizeof(struct list);
}

void vm_list_init(void *state, const struct vm_heap_env *env)
{
    struct list *h = state;
    size_t lead = (vm_params_count(env->params, "notes") + 1) * sizeof(uint64_t);
    vm_tagged_init(&h->row, env, lead);
    h->split_min = vm_params_count(env->params, "split");
    h->order = (enum list_order)vm_params_count(env->params, "order");
    h->coalesce = (enum list_coalesce)vm_params_count(env->params, "coalesce");
    h->every = vm_params_count(env->params, "every");
}

/* Add the free blocks right above the free block `place` to it; whether there were any. */
static bool gather_above(struct list *h, size_t place)
{
    struct tagged *t = &h->row;
    size_t bytes = tagged_bytes(t, place), above;
    if (!tagged_is_free_block(t, place + bytes))
        return false;
    index_remove(h, place);
    while (above = place + bytes, tagged_is_free_block(t, above)) {
        index_remove(h, above);
        bytes += tagged_bytes(t, above);
        tagged_wipe(t, above);
        t->ground.merges++;
        t->ground.free_blocks--;
    }
    tagged_set_free(t, place, bytes, tagged_low_free(t, place));
    index_insert(h, place);
    return true;
}

bool vm_list_gather(struct list *h)
{
    struct tagged *t = &h->row;
    bool any = false;
    size_t at = t->ground.end ? PLACE_FIRST : t->last;
    h->given = 0;
    for (; at < t->last && tagged_is_good(t, at); at = tagged_above(t, at)) {
        t->ground.searched++;
        if (tagged_is_free(t, at))
            any = gather_above(h, at) || any;
    }
    return any;
}

/* One block of the list, which has come by the link of `prev`. */
static bool check_link(const struct list *h, size_t prev, size_t place, struct vm_heap_damage *out)
{
    if (!tagged_is_free_block(&h->row, place)) {
        if (prev != PLACE_NONE)
            return vm_tagged_damage(out, prev, "the link to the next free block, in that");
        return vm_tagged_damage(out, place, "the head of the list does not lead to a free block:");
    }
    if (*list_prev(h, place) != prev)
        return vm_tagged_damage(out, place, "the link to the free block before, in that");
    bool sorted = h->order == LIST_ADDRESS || h->order == LIST_SIZE;
    if (sorted && prev != PLACE_NONE && !list_precedes(h, prev, place))
        return vm_tagged_damage(out, place, "the place in the list");
    return true;
}

/* Two blocks beside each other that are free though they are merged at once. */
static bool check_neighbours(const struct list *h, size_t place, struct vm_heap_damage *out)
{
    if (index_merges(h) && tagged_is_free_block(&h->row, tagged_above(&h->row, place)))
        return vm_tagged_damage(out, place, "the free neighbour");
    return true;
}

bool vm_list_check(const void *state, struct vm_heap_damage *out)
{
    const struct list *h = state;
    uint64_t nfree, nlisted = 0;
    size_t prev = PLACE_NONE;
    if (!vm_tagged_check(&h->row, &nfree, out))
        return false;
    for (size_t at = h->head; at != PLACE_NONE && nlisted <= nfree; at = *list_next(h, at)) {
        if (!check_link(h, prev, at, out) || !check_neighbours(h, at, out))
            return false;
        nlisted++;
        prev = at;
    }
    if (nlisted != nfree || nfree != h->row.ground.free_blocks || prev != h->tail)
        return vm_tagged_damage(out, prev, "the list of free blocks ends too early, at that");
    return true;
}
