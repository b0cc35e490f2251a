/* intern.c - see intern.h: linear probing over ids, growing in place.
 *
 * A key's home is the low bits of its hash; it lies in the first slot from there on that was empty.
 * Forgetting moves later ones of the cluster back (Knuth, The Art of Computer Programming 3,
 * section 6.4, algorithm R), so that there are no tombstones.
 *
 * Growth doubles the slots in place; with a second table the first one's 4 bytes a slot would come
 * on top, 5 a key at a load of 3/4, just when memory is scarcest. The hash has one more bit then,
 * so that a key's home h becomes h or h + old. Entries are taken out and put back slot by slot, in
 * the old table's cyclic order from an empty slot on, so that each cluster comes from its first
 * slot on:
 *
 *     old   |..AAAA..BB...C|                  each key goes to its new home or the next empty slot
 *     new   |..A A...B....C|..AA....B.....|   after it, never past the copy of the slot it was in
 *
 * A key never goes beyond either copy of its old slot, because only keys from that slot or later
 * ones of its cluster end there; so it never has to pass a slot that is still to be taken out.
 *
 * The table is sized by ids given, forgotten ones included: they keep their 8 bytes in keys[]
 * anyway.
 */
#include "base/intern.h"

#include "base/assert.h"
#include "base/random.h"

#include <stdlib.h>
#include <string.h>

#define SLOTS_FIRST 1024
#define KEYS_FIRST  1024
#define IDS_MAX     (UINT32_C(1) << 31)
#define LOOKAHEAD   16 /* slots: a load from memory takes about as long as moving so many keys */
#define NONE        UINT32_MAX

bool vm_intern_open(struct vm_intern *t, struct vm_error *e)
{
    *t = (struct vm_intern){.keys_cap = KEYS_FIRST, .mask = SLOTS_FIRST - 1};
    t->keys = malloc(KEYS_FIRST * sizeof *t->keys);
    t->slots = calloc(SLOTS_FIRST, sizeof *t->slots);
    if (t->keys && t->slots)
        return true;
    vm_intern_close(t);
    return vm_fail(e, VM_ESYSTEM, "out of memory for a table of keys");
}

void vm_intern_close(struct vm_intern *t)
{
    free(t->keys);
    free(t->slots);
    *t = (struct vm_intern){0};
}

static uint32_t home_of(const struct vm_intern *t, uint64_t key)
{
    return (uint32_t)vm_mix64(key) & t->mask;
}

/* The slot that holds `key`, or the empty one where it would go. */
static uint32_t slot_find(const struct vm_intern *t, uint64_t key)
{
    uint32_t at = home_of(t, key);
    while (t->slots[at] && t->keys[t->slots[at] - 1] != key)
        at = (at + 1) & t->mask;
    return at;
}

static uint32_t slot_empty_from(const struct vm_intern *t, uint32_t at)
{
    while (t->slots[at])
        at = (at + 1) & t->mask;
    return at;
}

/* Take out the entry of every old slot and put it back by its new home. */
static void slots_spread(struct vm_intern *t, uint32_t old_mask)
{
    uint32_t first = 0;
    while (t->slots[first])
        first++;
    for (uint64_t i = 1; i <= old_mask; i++) {
        uint32_t at = (uint32_t)(first + i) & old_mask;
        uint32_t ahead = t->slots[(uint32_t)(at + LOOKAHEAD) & old_mask];
        __builtin_prefetch(&t->keys[ahead ? ahead - 1 : 0]);
        uint32_t entry = t->slots[at];
        if (!entry)
            continue;
        t->slots[at] = 0;
        t->slots[slot_empty_from(t, home_of(t, t->keys[entry - 1]))] = entry;
    }
}

static bool slots_grow(struct vm_intern *t)
{
    uint64_t old = (uint64_t)t->mask + 1;
    uint32_t *grown = realloc(t->slots, 2 * old * sizeof *grown);
    if (!grown)
        return false;
    memset(grown + old, 0, old * sizeof *grown);
    t->slots = grown;
    t->mask = (uint32_t)(2 * old - 1);
    slots_spread(t, (uint32_t)(old - 1));
    return true;
}

static bool keys_grow(struct vm_intern *t)
{
    /* An eighth at a time keeps within the promised bytes a key; large blocks grow by remapping. */
    uint64_t cap = (uint64_t)t->keys_cap + t->keys_cap / 8;
    uint64_t *grown = realloc(t->keys, cap * sizeof *grown);
    if (!grown)
        return false;
    t->keys = grown;
    t->keys_cap = (uint32_t)cap;
    return true;
}

/* Give `key`, which has none, the next id. Growth is checked first: on failure nothing changes. */
static __attribute__((noinline)) uint32_t key_add(struct vm_intern *t, uint64_t key)
{
    if (t->n == IDS_MAX || (t->n == t->keys_cap && !keys_grow(t)))
        return NONE;
    if (t->n + UINT64_C(1) > ((uint64_t)t->mask + 1) / 4 * 3 && !slots_grow(t))
        return NONE;
    uint32_t id = t->n++;
    t->keys[id] = key;
    t->slots[slot_empty_from(t, home_of(t, key))] = id + 1;
    return id;
}

uint32_t vm_intern_id(struct vm_intern *t, uint64_t key)
{
    uint32_t entry = t->slots[slot_find(t, key)];
    return entry ? entry - 1 : key_add(t, key);
}

uint32_t vm_intern_peek(const struct vm_intern *t, uint64_t key)
{
    uint32_t entry = t->slots[slot_find(t, key)];
    return entry ? entry - 1 : NONE;
}

void vm_intern_forget(struct vm_intern *t, uint64_t key)
{
    uint32_t hole = slot_find(t, key);
    if (!t->slots[hole])
        return;
    for (uint32_t at = (hole + 1) & t->mask; t->slots[at]; at = (at + 1) & t->mask) {
        /* An entry may move back to the hole unless that is before its home. */
        uint32_t home = home_of(t, t->keys[t->slots[at] - 1]);
        if (((at - home) & t->mask) >= ((at - hole) & t->mask)) {
            t->slots[hole] = t->slots[at];
            hole = at;
        }
    }
    t->slots[hole] = 0;
}
