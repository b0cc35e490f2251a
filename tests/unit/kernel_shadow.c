/* kernel_shadow.c - the shadow of a space, and the heap that it is of, against notes of each byte,
 * in small random worlds.
 */
#include "base/random.h"
#include "kernel/guarded_heap.h"
#include "kernel/shadow.h"
#include "rounds.h"

#include <string.h>

#include "unit/test.h"

/* The world: 4 pages that are not of the heap, then 8 that are. */
#define PLAIN (4 * SHADOW_PAGE)
#define HEAP  (8 * SHADOW_PAGE)
#define BYTES (PLAIN + HEAP)

struct naive {
    bool reachable[BYTES];
    uint8_t undefined[BYTES];
    vm_va origin[BYTES / 8]; /* 0: the byte is its own */
};

struct world {
    vm_va base;
    struct shadow *shadow;
    struct naive naive;
    struct guarded_heap heap;
};

static void world_open(struct world *w)
{
    memset(w, 0, sizeof *w);
    w->base = (UINT64_C(1) << (SHADOW_PAGE_SHIFT + SHADOW_LEAF_SHIFT)) - 6 * SHADOW_PAGE;
    w->shadow = vm_shadow_open(w->base + PLAIN, w->base + BYTES);
    assert_non_null(w->shadow);
    vm_guarded_open(&w->heap, w->base + PLAIN, w->base + BYTES);
    memset(w->naive.reachable, true, PLAIN);
}

static void world_close(struct world *w)
{
    assert_false(w->shadow->starved);
    vm_shadow_close(w->shadow);
    vm_guarded_close(&w->heap);
}

/* ---- the naive side ---- */

static vm_va naive_origin(const struct world *w, uint64_t i)
{
    vm_va origin = w->naive.origin[i / 8];
    return origin ? origin : i >= PLAIN ? w->base + i : 0;
}

static void naive_store(struct world *w, uint64_t i, unsigned bytes, uint64_t undefined, vm_va from)
{
    for (unsigned k = 0; k < bytes; k++)
        w->naive.undefined[i + k] = (uint8_t)(undefined >> 8 * k);
    if (undefined)
        w->naive.origin[i / 8] = w->naive.origin[(i + bytes - 1) / 8] = from;
}

static void naive_move(struct world *w, uint64_t to, uint64_t from, uint64_t bytes)
{
    for (uint64_t k = 0; k < bytes; k++) {
        uint64_t i = to < from ? k : bytes - 1 - k;
        naive_store(w, to + i, 1, w->naive.undefined[from + i], naive_origin(w, from + i));
    }
}

/* ---- they agree ---- */

static void check_load(const struct world *w, uint64_t i, unsigned bytes)
{
    uint64_t expected = 0;
    vm_va origin = 77, wanted = 77;
    for (unsigned k = bytes; k-- > 0;) {
        expected = expected << 8 | w->naive.undefined[i + k];
        if (w->naive.undefined[i + k])
            wanted = naive_origin(w, i + k);
    }
    assert_int_equal(vm_shadow_load(w->shadow, w->base + i, bytes, &origin), expected);
    assert_int_equal(origin, wanted);
}

static void check_range(const struct world *w, uint64_t i, uint64_t bytes)
{
    uint64_t barrier = i, gap = i;
    vm_va origin = 77;
    while (barrier < i + bytes && w->naive.reachable[barrier])
        barrier++;
    while (gap < i + bytes && !w->naive.undefined[gap])
        gap++;
    assert_int_equal(vm_shadow_barrier(w->shadow, w->base + i, bytes), w->base + barrier);
    assert_int_equal(vm_shadow_gap(w->shadow, w->base + i, bytes, &origin), w->base + gap);
    assert_int_equal(origin, gap < i + bytes ? naive_origin(w, gap) : 77);
}

static void check_pages(const struct world *w)
{
    for (uint64_t page = PLAIN; page < BYTES; page += SHADOW_PAGE) {
        bool lives = memchr(w->naive.reachable + page, true, SHADOW_PAGE);
        assert_int_equal(vm_shadow_lives(w->shadow, w->base + page), lives);
    }
}

/* ---- what may happen ---- */

static uint64_t some_bytes(struct vm_random *r)
{
    return vm_random_below(r, 4) ? vm_random_below(r, 70) : vm_random_below(r, 9000);
}

static void take_block(struct world *w, struct vm_random *r, bool defined)
{
    uint64_t bytes = some_bytes(r);
    vm_va va = vm_guarded_take(&w->heap, bytes, UINT64_C(1) << vm_random_below(r, 8), 1);
    if (!va)
        return;
    vm_shadow_give(w->shadow, va, bytes);
    memset(w->naive.reachable + (va - w->base), true, bytes);
    memset(w->naive.undefined + (va - w->base), defined ? 0 : 0xff, bytes);
    if (defined)
        vm_shadow_define(w->shadow, va, bytes);
}

static void give_block(struct world *w, struct vm_random *r)
{
    struct guarded_block *b = w->heap.n ? &w->heap.block[vm_random_below(r, w->heap.n)] : NULL;
    if (!b || b->freed)
        return;
    b->freed = 1;
    vm_shadow_take(w->shadow, b->start, b->bytes);
    memset(w->naive.reachable + (b->start - w->base), false, b->bytes);
    memset(w->naive.undefined + (b->start - w->base), 0, b->bytes);
}

/* A place for so many bytes that may be touched: not of the heap, or within a block. */
static uint64_t some_place(const struct world *w, struct vm_random *r, uint64_t bytes)
{
    const struct guarded_block *b =
        w->heap.n ? &w->heap.block[vm_random_below(r, w->heap.n)] : NULL;
    if (b && !b->freed && b->bytes >= bytes && vm_random_below(r, 3))
        return b->start - w->base + vm_random_below(r, b->bytes - bytes + 1);
    return vm_random_below(r, PLAIN - bytes + 1);
}

static void change(struct world *w, struct vm_random *r)
{
    uint64_t bytes = 1 + vm_random_below(r, 8), i = some_place(w, r, bytes), from;
    uint64_t undefined = vm_random_below(r, 3) ? vm_random_u64(r) : 0;
    vm_va origin = 1 + vm_random_below(r, 1000);
    undefined &= bytes < 8 ? (UINT64_C(1) << 8 * bytes) - 1 : UINT64_MAX;
    switch (vm_random_below(r, 8)) {
    case 0:
        take_block(w, r, false);
        return;
    case 1:
        take_block(w, r, true);
        return;
    case 2:
        give_block(w, r);
        return;
    case 3:
        bytes = some_bytes(r);
        i = some_place(w, r, bytes);
        vm_shadow_define(w->shadow, w->base + i, bytes);
        memset(w->naive.undefined + i, 0, bytes);
        return;
    case 4:
        bytes = some_bytes(r);
        i = some_place(w, r, bytes);
        from = some_place(w, r, bytes);
        if (vm_random_below(r, 2) && i + bytes + 5 < PLAIN)
            from = i + vm_random_below(r, 5);
        vm_shadow_move(w->shadow, w->base + i, w->base + from, bytes);
        if (i != from)
            naive_move(w, i, from, bytes);
        return;
    default:
        vm_shadow_store(w->shadow, w->base + i, (unsigned)bytes, undefined, origin);
        naive_store(w, i, (unsigned)bytes, undefined, origin);
    }
}

static void look(const struct world *w, struct vm_random *r)
{
    for (unsigned n = 0; n < 4; n++) {
        unsigned bytes = 1 + (unsigned)vm_random_below(r, 8);
        check_load(w, vm_random_below(r, BYTES - bytes + 1), bytes);
        uint64_t range = some_bytes(r);
        check_range(w, vm_random_below(r, BYTES - range + 1), range);
    }
}

static void the_shadow_is_what_notes_of_each_byte_are(void **state)
{
    struct vm_random r;
    struct world *w = malloc(sizeof *w);
    (void)state;
    assert_non_null(w);
    for (unsigned round = 0; round < test_rounds(200); round++) {
        vm_random_seed(&r, round);
        world_open(w);
        for (unsigned step = 0; step < 300; step++) {
            change(w, &r);
            look(w, &r);
        }
        check_pages(w);
        world_close(w);
    }
    free(w);
}

static void a_copy_knows_the_same_and_goes_its_own_way(void **state)
{
    struct vm_random r;
    struct world *w = malloc(sizeof *w);
    (void)state;
    assert_non_null(w);
    for (unsigned round = 0; round < test_rounds(50); round++) {
        vm_random_seed(&r, 1000 + round);
        world_open(w);
        for (unsigned step = 0; step < 100; step++)
            change(w, &r);
        struct shadow *original = w->shadow, *copy = vm_shadow_copy(original);
        struct naive then = w->naive;
        struct guarded_heap heap = w->heap, own;
        assert_non_null(copy);
        assert_true(vm_guarded_copy(&own, &heap));
        assert_int_equal(own.inherited, heap.n);
        w->shadow = copy;
        w->heap = own;
        for (unsigned step = 0; step < 100; step++)
            change(w, &r);
        look(w, &r);
        world_close(w);
        w->shadow = original;
        w->naive = then;
        w->heap = heap;
        look(w, &r);
        world_close(w);
    }
    free(w);
}

/* ---- the heap ---- */

static void every_address_belongs_to_the_nearest_block(void **state)
{
    struct guarded_heap h;
    struct guarded_block *b;
    (void)state;
    vm_guarded_open(&h, 0x10000, 0x20000);
    assert_int_equal(vm_guarded_find(&h, 0x10010, &b), PLACE_NOWHERE);
    vm_va first = vm_guarded_take(&h, 13, 16, 1), none = vm_guarded_take(&h, 0, 16, 2);
    vm_va aligned = vm_guarded_take(&h, 100, 4096, 3);
    assert_int_equal(aligned % 4096, 0);
    assert_int_equal(vm_guarded_find(&h, first, &b), PLACE_START);
    assert_int_equal(vm_guarded_find(&h, first + 12, &b), PLACE_INSIDE);
    assert_int_equal(b->allocated, 1);
    assert_int_equal(vm_guarded_find(&h, first + 13, &b), PLACE_BEHIND);
    assert_int_equal(b->allocated, 1);
    assert_int_equal(vm_guarded_find(&h, first - 1, &b), PLACE_BEFORE);
    assert_int_equal(b->allocated, 1);
    assert_int_equal(vm_guarded_find(&h, none - 1, &b), PLACE_BEFORE);
    assert_int_equal(b->allocated, 2);
    assert_int_equal(vm_guarded_find(&h, none, &b), PLACE_START);
    assert_int_equal(vm_guarded_find(&h, aligned - 1, &b), PLACE_BEFORE);
    assert_int_equal(b->allocated, 3);
    assert_int_equal(vm_guarded_find(&h, aligned + 100 + HEAP_GUARD - 1, &b), PLACE_BEHIND);
    assert_int_equal(vm_guarded_find(&h, aligned + 100 + HEAP_GUARD, &b), PLACE_NOWHERE);
    assert_null(b);
    assert_int_equal(vm_guarded_find(&h, 0xffff, &b), PLACE_NOWHERE);
    vm_guarded_close(&h);
}

static void blocks_keep_apart_and_within_the_heap(void **state)
{
    struct vm_random r;
    struct guarded_heap h;
    (void)state;
    vm_random_seed(&r, 9);
    vm_guarded_open(&h, 0x100000, 0x200000);
    for (vm_va last = 0x100000, va;; last = h.next) {
        uint64_t bytes = vm_random_below(&r, 3000), align = UINT64_C(1) << vm_random_below(&r, 9);
        if (!(va = vm_guarded_take(&h, bytes, align, 1)))
            break;
        assert_true(va >= last + HEAP_GUARD && va % align == 0 && va % HEAP_ALIGN == 0);
        assert_true(va + bytes + HEAP_GUARD <= 0x200000);
    }
    assert_true(h.n > 500);
    assert_int_equal(vm_guarded_take(&h, UINT64_MAX, 16, 1), 0);
    assert_int_equal(vm_guarded_take(&h, UINT64_MAX - 100, 1, 1), 0);
    vm_guarded_close(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_shadow_is_what_notes_of_each_byte_are),
        cmocka_unit_test(a_copy_knows_the_same_and_goes_its_own_way),
        cmocka_unit_test(every_address_belongs_to_the_nearest_block),
        cmocka_unit_test(blocks_keep_apart_and_within_the_heap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
