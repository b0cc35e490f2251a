/* tagged.c - see tagged.h: what is done by walking the row of blocks from its beginning. */
#include "heap/tagged.h"

#include <stdio.h>

void vm_tagged_init(struct tagged *t, const struct vm_heap_env *env, size_t lead)
{
    VM_ASSERT(env->limit >> TAG_SEAL == 0);
    ground_init(&t->ground, env);
    t->last = PLACE_FIRST;
    t->lead = lead;
}

/* The block above, or PLACE_NONE if the tag of this one leads nowhere. */
static size_t walk_next(const struct tagged *t, size_t place)
{
    if (!tagged_is_good(t, place) || tagged_bytes(t, place) < TAGGED_BYTES_MIN)
        return PLACE_NONE;
    return tagged_above(t, place);
}

enum vm_heap_fault vm_tagged_diagnose(const struct tagged *t, size_t place)
{
    size_t at = PLACE_FIRST, below = PLACE_NONE;
    if (!t->ground.end)
        return VM_HEAP_NOT_A_BLOCK;
    while (at != PLACE_NONE && at < place && at < t->last) {
        below = at;
        at = walk_next(t, at);
    }
    if (at == place && place < t->last)
        return VM_HEAP_DAMAGED;
    /* Inside a block that is free it was a block, which became part of this one. */
    return at != PLACE_NONE && below != PLACE_NONE && at > place && place % VM_HEAP_ALIGN == 0 &&
                   tagged_is_free(t, below)
               ? VM_HEAP_FREE_TWICE
               : VM_HEAP_NOT_A_BLOCK;
}

static void tell(void *host, void (*piece)(void *host, const struct vm_heap_piece *), size_t start,
                 size_t end, enum vm_heap_kind kind)
{
    const struct vm_heap_piece p = {.start = start, .bytes = end - start, .kind = kind};
    if (end > start)
        piece(host, &p);
}

void vm_tagged_walk(const struct tagged *t, void *host,
                    void (*piece)(void *host, const struct vm_heap_piece *))
{
    if (!t->ground.end)
        return;
    size_t at = PLACE_FIRST, next;
    tell(host, piece, 0, PLACE_FIRST - t->lead, VM_HEAP_OVERHEAD);
    for (; at < t->last && (next = walk_next(t, at)) != PLACE_NONE; at = next) {
        if (tagged_is_free(t, at)) {
            tell(host, piece, at - t->lead, next - t->lead, VM_HEAP_FREE);
            continue;
        }
        tell(host, piece, at - t->lead, at, VM_HEAP_OVERHEAD);
        tell(host, piece, at, next - t->lead, VM_HEAP_LIVE);
    }
    tell(host, piece, at - t->lead, t->ground.end, VM_HEAP_OVERHEAD);
}

bool vm_tagged_damage(struct vm_heap_damage *out, size_t place, const char *what)
{
    out->at = place;
    snprintf(out->what, sizeof out->what, "%s of the block at +0x%zx", what, place);
    return false;
}

/* What is in the tag, and what should be for these bits. */
static bool damage_tag(const struct tagged *t, size_t place, struct vm_heap_damage *out)
{
    uint64_t word = *tagged_word(t, place);
    uint64_t sealed = tagged_sealed(word & vm_low_bits(TAG_SEAL), place);
    out->at = place - t->lead;
    if (tagged_has_boundaries(t)) {
        snprintf(out->what, sizeof out->what,
                 "the tag of the block at +0x%zx: 0x%016llx, sealed it were 0x%016llx", place,
                 (unsigned long long)word, (unsigned long long)sealed);
        return false;
    }
    snprintf(out->what, sizeof out->what,
             "the header of the block at +0x%zx: magic 0x%016llx, expected 0x%016llx", place,
             (unsigned long long)*tagged_at(t, place - t->lead),
             (unsigned long long)tagged_magic(sealed, place));
    return false;
}

static bool check_block(const struct tagged *t, size_t place, bool low_free,
                        struct vm_heap_damage *out)
{
    size_t bytes = tagged_bytes(t, place);
    if (!tagged_is_good(t, place) || (bytes < TAGGED_BYTES_MIN) != (place == t->last))
        return damage_tag(t, place, out);
    if (!tagged_has_boundaries(t))
        return true;
    bool marked = *tagged_word(t, place) & TAG_LOW_FREE;
    if (marked != low_free)
        return damage_tag(t, place, out);
    if (tagged_is_free(t, place) && *tagged_boundary(t, place + bytes) != bytes)
        return vm_tagged_damage(out, place, "the bytes at the end");
    return true;
}

bool vm_tagged_check(const struct tagged *t, uint64_t *nfree, struct vm_heap_damage *out)
{
    bool low_free = false;
    *nfree = 0;
    for (size_t at = PLACE_FIRST; t->ground.end; at = tagged_above(t, at)) {
        if (!check_block(t, at, low_free, out))
            return false;
        if (at == t->last)
            break;
        low_free = tagged_is_free(t, at);
        *nfree += low_free;
    }
    return true;
}
