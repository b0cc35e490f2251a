/* curve.c - curves worked out by hand, and misses that others found, from the one pass.
 *
 * OSTEP: Arpaci-Dusseau, "Operating Systems: Three Easy Pieces", ch. 22, whose figures have the
 * eleven references with three frames; here every size is worked out from the stacks. The trace of
 * 200,000 references and its misses: tests/golden/data/README.md, docs/validation.md.
 */
#include "oracle/curve_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static void expect(const struct vm_curves *s, const char *policy, const uint64_t *misses, size_t n)
{
    const struct vm_curve *c = curve_find(s, policy, VM_CURVE_EXACT, 4096);
    for (size_t frames = 1; frames <= n; frames++)
        assert_int_equal(vm_curve_misses(c, frames), misses[frames - 1]);
}

/* lru's stack, newest first, and the depth of each touch:
 *   0 | 10 | 210 | 021:3 | 102:3 | 3102 | 0312:3 | 3012:2 | 1302:3 | 2130:4 | 1230:2
 * so that 2 touches hit from 2 frames on, 4 from 3 on and 1 from 4 on; 4 never do. */
static void three_easy_pieces_by_lrus_stack(void **state)
{
    (void)state;
    static const uint32_t page[] = {0, 1, 2, 0, 1, 3, 0, 3, 1, 2, 1};
    static const uint64_t lru[] = {11, 9, 5, 4, 4};
    /* opt with 2 frames hits 0 (1 left for 2), 0 and 3 (1 left for 3), and 1 at the end. With 3 it
     * misses 0 1 2 3, and 2 once more: figure 22.1. */
    static const uint64_t opt[] = {11, 7, 5, 4, 4};
    struct vm_curves s;
    curve_of_pages((struct vm_curve_request){.policies = "lru,opt"}, page, 11, &s);
    expect(&s, "lru", lru, 5);
    expect(&s, "opt", opt, 5);
    vm_curves_free(&s);
}

/* Belady, Nelson & Shedler's string: lru's depths are 4 4 and 3 3 for 1 2, then 5 5 5; opt misses 7
 * times with 3 frames and 6 times with 4. */
static void beladys_string(void **state)
{
    (void)state;
    static const uint32_t page[] = {1, 2, 3, 4, 1, 2, 5, 1, 2, 3, 4, 5};
    static const uint64_t lru[] = {12, 12, 10, 8, 5};
    struct vm_curves s;
    curve_of_pages((struct vm_curve_request){.policies = "lru,opt,fifo", .frames = "3,4"}, page, 12,
                   &s);
    expect(&s, "lru", lru, 5);
    const struct vm_curve *opt = curve_find(&s, "opt", VM_CURVE_EXACT, 4096);
    const struct vm_curve *fifo = curve_find(&s, "fifo", VM_CURVE_SWEPT, 4096);
    assert_int_equal(vm_curve_misses(opt, 3), 7);
    assert_int_equal(vm_curve_misses(opt, 4), 6);
    assert_int_equal(vm_curve_misses(fifo, 3), 9);
    assert_int_equal(vm_curve_misses(fifo, 4), 10);
    vm_curves_free(&s);
}

static void misses_on_a_real_trace_are_those_of_the_reference_programs(void **state)
{
    (void)state;
    static const struct {
        const char *policy;
        enum vm_curve_way way;
        uint64_t misses[5];
    } found[] = {
        {"lru", VM_CURVE_EXACT, {166824, 125953, 89729, 64964, 40473}},
        {"opt", VM_CURVE_EXACT, {131406, 84129, 61466, 43309, 16067}},
        {"fifo", VM_CURVE_SWEPT, {170767, 129821, 93291, 68989, 45282}},
        {"clock", VM_CURVE_SWEPT, {165307, 124870, 88472, 74243, 40147}},
    };
    static const uint64_t frames[] = {50, 250, 500, 1000, 2500};
    char path[4096];
    const char *source = getenv("PAGODA_SOURCE");
    snprintf(path, sizeof path, "%s/tests/golden/data/pages-200k.txt.xz", source ? source : ".");
    struct vm_curves s;
    curve_of_trace(
        (struct vm_curve_request){.policies = "lru,opt,fifo,clock", .frames = "50,250,500,1k,2500"},
        path, &s);
    for (size_t i = 0; i < sizeof found / sizeof found[0]; i++) {
        const struct vm_curve *c = curve_find(&s, found[i].policy, found[i].way, 4096);
        for (size_t k = 0; k < sizeof frames / sizeof frames[0]; k++)
            assert_int_equal(vm_curve_misses(c, frames[k]), found[i].misses[k]);
    }
    vm_curves_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(three_easy_pieces_by_lrus_stack),
        cmocka_unit_test(beladys_string),
        cmocka_unit_test(misses_on_a_real_trace_are_those_of_the_reference_programs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
