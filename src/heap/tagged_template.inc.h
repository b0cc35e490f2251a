/* tagged_template.inc.h - taking and giving back blocks of a row (tagged.h), stamped for the index
 * in which its includer keeps the free ones.
 *
 * Before including it a heap defines TAGGED_HEAP, its struct, whose first member is `struct tagged
 * row`, and
 *     size_t index_find(h, bytes, align)  a free block that holds them, or PLACE_NONE
 *     void index_insert(h, place)         a block is free
 *     void index_remove(h, place)         it is no longer
 *     void index_return(h, place)         what remains of the block that was removed last
 *     size_t index_below(h, place)        the free block right below `place`, or PLACE_NONE
 *     bool index_merges(h)                whether neighbours become one as soon as both are free
 *     size_t index_split_min(h)           bytes of the smallest remainder that becomes a block
 *     bool index_gather(h)                a request fails: merge what was put off; whether it was
 *     size_t index_max(h)                 bytes of the largest free block, 0: there is none
 * Functions: tagged_take, _give, _resize, _room, _usage and _walk.
 *
 * Taking and giving back are one function each when compiled (flatten), but for what happens
 * seldom: a sixth of their instructions were the calls.
 */
static void free_insert(TAGGED_HEAP *h, size_t place)
{
    h->row.ground.free_bytes += tagged_bytes(&h->row, place);
    h->row.ground.free_blocks++;
    index_insert(h, place);
}

static void free_remove(TAGGED_HEAP *h, size_t place)
{
    h->row.ground.free_bytes -= tagged_bytes(&h->row, place);
    h->row.ground.free_blocks--;
    index_remove(h, place);
}

static void free_return(TAGGED_HEAP *h, size_t place)
{
    h->row.ground.free_bytes += tagged_bytes(&h->row, place);
    h->row.ground.free_blocks++;
    index_return(h, place);
}

/* [place, place + bytes), in no index, with its free neighbours as one free block: its place. The
 * tag above is valid. */
static size_t merge(TAGGED_HEAP *h, size_t place, size_t bytes)
{
    struct tagged *t = &h->row;
    size_t above = place + bytes, below = index_below(h, place);
    if (tagged_is_free(t, above)) {
        free_remove(h, above);
        bytes += tagged_bytes(t, above);
        tagged_wipe(t, above);
        t->ground.merges++;
    }
    if (below != PLACE_NONE) {
        free_remove(h, below);
        bytes += tagged_bytes(t, below);
        tagged_wipe(t, place);
        t->ground.merges++;
        place = below;
    }
    tagged_set_free(t, place, bytes, tagged_low_free(t, place));
    return place;
}

/* The end moves down if the free block `place` is the uppermost and long enough. */
static void trim(TAGGED_HEAP *h, size_t place)
{
    struct tagged *t = &h->row;
    if (tagged_above(t, place) != t->last)
        return;
    size_t end = ground_trimmed(&t->ground, place + TAGGED_BYTES_MIN);
    if (end == t->ground.end)
        return;
    uint64_t low_free = tagged_low_free(t, place);
    free_remove(h, place);
    ground_move_down(&t->ground, end);
    t->last = end;
    tagged_set(t, end, 0, 0);
    tagged_set_free(t, place, end - place, low_free);
    free_insert(h, place);
}

static void release(TAGGED_HEAP *h, size_t place, size_t bytes)
{
    struct tagged *t = &h->row;
    if (index_merges(h))
        place = merge(h, place, bytes);
    else
        tagged_set_free(t, place, bytes, tagged_low_free(t, place));
    free_insert(h, place);
    trim(h, place);
}

/* Move the end up so far that `bytes` more lie at the top: a free block, or the end of the one that
 * was there, whatever else is merged when. */
static __attribute__((noinline)) bool grow(TAGGED_HEAP *h, size_t bytes)
{
    struct tagged *t = &h->row;
    size_t place = t->last;
    bool first = !t->ground.end;
    if (!ground_grow(&t->ground, bytes + (first ? PLACE_FIRST : 0)))
        return false;
    uint64_t low_free = first ? 0 : tagged_low_free(t, place);
    t->last = t->ground.end;
    tagged_set(t, t->last, 0, 0);
    tagged_set(t, place, t->last - place, low_free);
    free_insert(h, merge(h, place, t->last - place));
    return true;
}

/* What the end must move by so that the uppermost block, if free, holds `bytes`. */
static size_t missing(TAGGED_HEAP *h, size_t bytes)
{
    struct tagged *t = &h->row;
    size_t top = t->ground.end ? index_below(h, t->last) : PLACE_NONE;
    size_t there = top == PLACE_NONE ? 0 : tagged_bytes(t, top);
    return bytes > there ? bytes - there : 0;
}

/* Take [start, start + bytes) out of the free block `place`, which holds it. */
static void carve(TAGGED_HEAP *h, size_t place, size_t start, size_t bytes)
{
    struct tagged *t = &h->row;
    size_t above = tagged_above(t, place);
    uint64_t low_free = tagged_low_free(t, place);
    free_remove(h, place);
    if (above - start - bytes < index_split_min(h))
        bytes = above - start;
    tagged_set(t, start, bytes, start == place ? low_free : 0);
    tagged_mark(t, above, 0);
    if (start > place) {
        tagged_set_free(t, place, start - place, low_free);
        free_return(h, place);
        t->ground.splits++;
    }
    if (start + bytes < above) {
        tagged_set_free(t, start + bytes, above - start - bytes, 0);
        free_return(h, start + bytes);
        t->ground.splits++;
    }
}

static size_t find_or_grow(TAGGED_HEAP *h, size_t bytes, size_t align)
{
    size_t place = index_find(h, bytes, align);
    if (place == PLACE_NONE && index_gather(h))
        place = index_find(h, bytes, align);
    if (place == PLACE_NONE && grow(h, missing(h, tagged_enough(bytes, align))))
        place = index_find(h, bytes, align);
    return place;
}

static __attribute__((flatten)) void *tagged_take(void *state, size_t bytes, size_t align,
                                                  uint32_t cpu)
{
    TAGGED_HEAP *h = state;
    struct tagged *t = &h->row;
    (void)cpu;
    if (bytes > t->ground.limit)
        return ground_fail(&t->ground);
    bytes = tagged_request(t, bytes);
    size_t place = find_or_grow(h, bytes, align);
    if (place == PLACE_NONE)
        return ground_fail(&t->ground);
    size_t start = tagged_start(place, align);
    carve(h, place, start, bytes);
    t->ground.takes++;
    t->ground.live_bytes += tagged_bytes(t, start) - TAGGED_LEAD(t);
    return t->ground.base + start;
}

static __attribute__((flatten)) enum vm_heap_fault tagged_give(void *state, void *block,
                                                               uint32_t cpu)
{
    TAGGED_HEAP *h = state;
    struct tagged *t = &h->row;
    size_t place = (uintptr_t)block - (uintptr_t)t->ground.base;
    (void)cpu;
    if (!tagged_is_good(t, place) || place == t->last)
        return vm_tagged_diagnose(t, place);
    if (tagged_is_free(t, place))
        return VM_HEAP_FREE_TWICE;
    size_t bytes = tagged_bytes(t, place);
    if (!tagged_is_good(t, place + bytes)) /* written past its own end, perhaps */
        return VM_HEAP_DAMAGED;
    t->ground.gives++;
    t->ground.live_bytes -= bytes - TAGGED_LEAD(t);
    release(h, place, bytes);
    return VM_HEAP_FINE;
}

/* Cut the live block `place` to `bytes`, if what remains is enough for a block. */
static void shrink(TAGGED_HEAP *h, size_t place, size_t bytes)
{
    struct tagged *t = &h->row;
    size_t rest = tagged_bytes(t, place) - bytes;
    if (rest < index_split_min(h) || !tagged_is_good(t, tagged_above(t, place)))
        return;
    tagged_set(t, place, bytes, tagged_low_free(t, place));
    tagged_set(t, place + bytes, rest, 0);
    t->ground.splits++;
    t->ground.live_bytes -= rest;
    release(h, place + bytes, rest);
}

/* Whether the block above `place` is free and, grown at the top, has `more` bytes. */
static bool room_above(TAGGED_HEAP *h, size_t place, size_t more)
{
    struct tagged *t = &h->row;
    size_t above = tagged_above(t, place), there = 0;
    if (!tagged_is_good(t, above))
        return false;
    if (tagged_is_free(t, above)) {
        there = tagged_bytes(t, above);
        if (there >= more)
            return true;
        above += there;
    }
    return above == t->last && grow(h, more - there);
}

static bool tagged_resize(void *state, void *block, size_t bytes)
{
    TAGGED_HEAP *h = state;
    struct tagged *t = &h->row;
    size_t place = (uintptr_t)block - (uintptr_t)t->ground.base;
    if (bytes > t->ground.limit || !tagged_is_good(t, place))
        return false;
    size_t held = tagged_bytes(t, place), above = place + held;
    bytes = tagged_request(t, bytes);
    if (bytes <= held) {
        shrink(h, place, bytes);
        return true;
    }
    if (!room_above(h, place, bytes - held))
        return false;
    carve(h, above, above, bytes - held);
    size_t more = tagged_bytes(t, above);
    t->ground.live_bytes += more;
    tagged_wipe(t, above);
    tagged_set(t, place, held + more, tagged_low_free(t, place));
    return true;
}

static size_t tagged_room(const void *state, const void *block)
{
    const TAGGED_HEAP *h = state;
    const struct tagged *t = &h->row;
    size_t place = (uintptr_t)block - (uintptr_t)t->ground.base;
    return tagged_is_good(t, place) ? tagged_bytes(t, place) - TAGGED_LEAD(t) : 0;
}

static void tagged_usage(const void *state, struct vm_heap_usage *out)
{
    const TAGGED_HEAP *h = state;
    ground_usage(&h->row.ground, out);
    out->free_max = index_max(h);
    out->state_bytes = sizeof *h;
}

static void tagged_walk(const void *state, void *host,
                        void (*piece)(void *host, const struct vm_heap_piece *))
{
    const TAGGED_HEAP *h = state;
    vm_tagged_walk(&h->row, host, piece);
}

#define TAGGED_SEES (VM_HEAP_SEES_STRANGERS | VM_HEAP_SEES_TWICE | VM_HEAP_SEES_DAMAGE)
