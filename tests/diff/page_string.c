/* A reference string in memory misses as the same trace does in a whole replay, and as the naive
 * host of policies counts: every policy, random strings and sizes of memory.
 */
#include "unit/test.h"

#include "analysis/page_string.h"
#include "oracle/policy_worlds.h"
#include "rounds.h"

#include <stdio.h>

static uint64_t replayed(const char *spec, const char *policy, uint64_t frames, uint64_t seed)
{
    struct vm_config c;
    struct vm_result r;
    struct vm_error e = {0};
    vm_config_init(&c);
    c.model = VM_MODEL_PAGES;
    c.memory_bytes = frames * c.page_bytes;
    c.seed = seed;
    snprintf(c.policy, sizeof c.policy, "%s", policy);
    if (!vm_replay(&c, spec, &(struct vm_trace_options){.seed = seed}, NULL, &r, &e))
        fail_msg("%s", e.text);
    return r.counts.faults;
}

static void a_string_misses_as_its_trace_does(void **unused)
{
    (void)unused;
    static const char *const workloads[] = {"zipf", "loop", "uniform", "phases", "80-20"};
    struct vm_error e = {0};
    for (unsigned round = 0; round < test_rounds(10); round++) {
        struct page_string s;
        char spec[64];
        snprintf(spec, sizeof spec, "@%s:pages=%u,refs=3000,writes=0.3", workloads[round % 5],
                 20 + round * 7);
        assert_true(page_string_load(&s, spec, round, &e));
        assert_int_equal(s.touches, 3000);
        for (size_t i = 0; policy_spec_at(i); i++) {
            uint64_t misses = 0, frames = 1 + (round * 5 + i * 3) % 40;
            if (!page_string_misses(&s, policy_spec_at(i), frames, round, &misses, &e))
                fail_msg("%s: %s", policy_spec_at(i), e.text);
            assert_int_equal(misses, replayed(spec, policy_spec_at(i), frames, round));
        }
        page_string_free(&s);
    }
}

static void pages_make_the_string_that_their_trace_makes(void **unused)
{
    (void)unused;
    static const uint64_t page[] = {7, 7, 1, 1ULL << 40, 7, 7, 7, 1};
    struct page_string s;
    struct vm_error e = {0};
    uint64_t misses = 0;
    assert_true(page_string_make(&s, page, 8, &e));
    assert_int_equal(s.touches, 8);
    assert_int_equal(s.nruns, 5);
    assert_int_equal(s.npages, 3);
    assert_int_equal(s.next[0], 3);
    assert_int_equal(s.next[1], 4);
    assert_int_equal(s.next[2], VM_NEVER);
    assert_true(page_string_misses(&s, "lru", 2, 0, &misses, &e));
    assert_int_equal(misses, 5);
    assert_true(page_string_misses(&s, "opt", 2, 0, &misses, &e));
    assert_int_equal(misses, 4);
    assert_true(page_string_misses(&s, "fifo", 3, 0, &misses, &e));
    assert_int_equal(misses, 3);
    page_string_free(&s);
}

static void what_cannot_be_is_refused(void **unused)
{
    (void)unused;
    static const uint64_t page[] = {1};
    struct page_string s;
    struct vm_error e = {0};
    uint64_t misses = 77;
    assert_false(page_string_load(&s, "@nonsense", 1, &e));
    assert_int_equal(e.code, VM_EUSAGE);
    assert_true(page_string_make(&s, page, 1, &e));
    assert_false(page_string_misses(&s, "lur", 3, 0, &misses, &e));
    assert_int_equal(e.code, VM_EUSAGE);
    assert_false(page_string_misses(&s, "lru", 0, 0, &misses, &e));
    assert_int_equal(e.code, VM_EMACHINE);
    assert_int_equal(misses, 77);
    page_string_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_string_misses_as_its_trace_does),
        cmocka_unit_test(pages_make_the_string_that_their_trace_makes),
        cmocka_unit_test(what_cannot_be_is_refused),
    };
    return cmocka_run_group_tests_name("diff_page_string", tests, NULL, NULL);
}
