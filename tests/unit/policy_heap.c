/* policy_heap.c - the heap that policies share, against a sorted array. */
#include "base/assert.h"
#include "base/random.h"
#include "rounds.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

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
        cmocka_unit_test(a_heap_gives_its_entries_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
