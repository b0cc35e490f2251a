/* policy_sets.c - the structures that policies share, a set of frames and a heap, against plain
 * arrays. */
#include "base/random.h"
#include "policy/frameset.h"
#include "rounds.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static vm_pfn plain_next(const bool *member, uint32_t nframes, vm_pfn frame)
{
    while (frame < nframes && !member[frame])
        frame++;
    return frame < nframes ? frame : VM_NOFRAME;
}

static void against_plain(uint32_t nframes)
{
    struct frameset s;
    struct block measure = {0};
    struct vm_random random;
    frameset_layout(&s, &measure, nframes);
    void *room = aligned_alloc(64, measure.used);
    bool *member = calloc(nframes, sizeof *member);
    assert_true(room && member);
    for (size_t i = 0; i < measure.used; i++)
        ((uint8_t *)room)[i] = 0;
    struct block block = {.start = (uintptr_t)room};
    frameset_layout(&s, &block, nframes);
    assert_int_equal(block.used, measure.used);
    vm_random_seed(&random, nframes);
    for (int i = 0; i < 3000; i++) {
        vm_pfn frame = (vm_pfn)vm_random_below(&random, nframes);
        member[frame] = vm_random_below(&random, 3) == 0;
        if (member[frame])
            frameset_add(&s, frame);
        else
            frameset_drop(&s, frame);
        vm_pfn from = (vm_pfn)vm_random_below(&random, (uint64_t)nframes + 1);
        assert_int_equal(frameset_next(&s, from), plain_next(member, nframes, from));
        assert_int_equal(frameset_has(&s, frame), member[frame]);
    }
    frameset_check(&s);
    free(member);
    free(room);
}

static void a_set_finds_the_next_member(void **state)
{
    (void)state;
    static const uint32_t nframes[] = {1, 2, 63, 64, 65, 4095, 4096, 4097, 262144, 262145};
    for (size_t i = 0; i < sizeof nframes / sizeof nframes[0]; i++)
        against_plain(nframes[i]);
}

static void a_set_written_as_a_whole_is_refitted(void **state)
{
    (void)state;
    enum { NFRAMES = 300000 };
    struct frameset s;
    struct block block = {.start = 0};
    frameset_layout(&s, &block, NFRAMES);
    uint8_t *room = calloc(1, block.used);
    assert_non_null(room);
    block = (struct block){.start = (uintptr_t)room};
    frameset_layout(&s, &block, NFRAMES);
    frameset_add(&s, 70000);
    s.level[0][70000 / 64] = 0;
    s.level[0][NFRAMES / 64 - 1] = 2;
    frameset_refit(&s);
    frameset_check(&s);
    assert_int_equal(frameset_next(&s, 0), (NFRAMES / 64 - 1) * 64 + 1);
    free(room);
}

#define HEAP_MAX 300

struct numbers {
    uint32_t heap[HEAP_MAX + 3];
    size_t end;
    size_t placed; /* times that a slot got an entry */
};

#define HEAP_OWNER         struct numbers
#define HEAP_ENTRY         uint32_t
#define HEAP_BEFORE(a, b)  ((a) < (b))
#define HEAP_PLACED(s, at) ((void)(at), (s)->placed++)
#include "policy/heap.inc.h"

static int by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static void a_heap_gives_its_entries_in_order(void **state)
{
    (void)state;
    struct vm_random random;
    for (unsigned seed = 0; seed < test_rounds(300); seed++) {
        struct numbers s = {.end = HEAP_ROOT};
        uint32_t sorted[HEAP_MAX];
        uint32_t n = seed % HEAP_MAX;
        vm_random_seed(&random, seed);
        for (uint32_t i = 0; i < n; i++) {
            sorted[i] = (uint32_t)vm_random_below(&random, 200);
            heap_rise(&s, s.end++, sorted[i]);
        }
        assert_true(s.placed >= n);
        heap_check(&s);
        qsort(sorted, n, sizeof sorted[0], by_number);
        for (uint32_t i = 0; i < n; i++) {
            assert_int_equal(s.heap[HEAP_ROOT], sorted[i]);
            if (--s.end > HEAP_ROOT)
                heap_sink(&s, HEAP_ROOT, s.heap[s.end]);
            heap_check(&s);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_set_finds_the_next_member),
        cmocka_unit_test(a_set_written_as_a_whole_is_refitted),
        cmocka_unit_test(a_heap_gives_its_entries_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
