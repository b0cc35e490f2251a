/* What a profile says of traces that can be counted by hand. */
#include "unit/test.h"

#include <pagoda/analysis.h>

#define PAGE               UINT64_C(4096)
#define REF(access, bytes) ((uint16_t)((bytes) << 2 | (access)))

static void feed(struct vm_profiler *p, uint32_t nrefs, const vm_va *va, const uint16_t *meta,
                 uint32_t nevents, const struct vm_event *event)
{
    struct vm_error e = {0};
    struct vm_batch b = {nrefs, nevents, va, meta, event};
    assert_true(vm_profiler_batch(p, &b, &e));
}

static struct vm_profile result(struct vm_profiler *p)
{
    struct vm_profile out;
    struct vm_error e = {0};
    assert_true(vm_profiler_result(p, &out, &e));
    return out;
}

static struct vm_profiler *profiler(void)
{
    struct vm_error e = {0};
    struct vm_profiler *p = vm_profiler_open(&e);
    assert_non_null(p);
    return p;
}

static void kinds_bytes_touches_and_pages_are_exact(void **unused)
{
    (void)unused;
    struct vm_profiler *p = profiler();
    const vm_va va[] = {0, 8, PAGE - 4, 5 * PAGE, 5 * PAGE + 1, 2 * PAGE};
    const uint16_t meta[] = {REF(VM_READ, 8),  REF(VM_READ, 4),  REF(VM_WRITE, 8),
                             REF(VM_FETCH, 3), REF(VM_WRITE, 1), REF(VM_READ, 9000)};
    feed(p, 6, va, meta, 0, NULL);
    struct vm_profile r = result(p);
    assert_int_equal(r.refs[VM_READ], 3);
    assert_int_equal(r.refs[VM_WRITE], 2);
    assert_int_equal(r.refs[VM_FETCH], 1);
    assert_int_equal(r.bytes[VM_READ], 8 + 4 + 9000);
    assert_int_equal(r.bytes[VM_WRITE], 9);
    assert_int_equal(r.bytes[VM_FETCH], 3);
    assert_int_equal(r.touches, 2 + 2 + 2 + 3); /* the crossing one and the long one: 2 and 3 */
    assert_int_equal(r.pages_4k, 6);            /* 0, 1, 5, 2, 3, 4 */
    assert_int_equal(r.pages_2m, 1);
    assert_int_equal(r.written_4k, 3); /* 0, 1, 5 */
    assert_int_equal(r.spaces, 1);
    assert_int_equal(r.runs, 6); /* 0 0 0 | 1 | 5 5 | 2 | 3 | 4 */
    assert_int_equal(r.run_lengths[0], 4);
    assert_int_equal(r.run_lengths[1], 2); /* of 3 and of 2 */
    assert_int_equal(r.nregions, 1);
    assert_int_equal(r.region[0].start, 0);
    assert_int_equal(r.region[0].end, 6 * PAGE);
    assert_int_equal(r.region[0].pages, 6);
    vm_profiler_close(p);
}

static void a_run_goes_on_into_the_next_batch(void **unused)
{
    (void)unused;
    struct vm_profiler *p = profiler();
    const vm_va va[] = {PAGE, PAGE + 8};
    const uint16_t meta[] = {REF(VM_READ, 8), REF(VM_READ, 8)};
    for (int i = 0; i < 4; i++)
        feed(p, 2, va, meta, 0, NULL);
    struct vm_profile r = result(p);
    assert_int_equal(r.runs, 1);
    assert_int_equal(r.run_lengths[3], 1);
    feed(p, 2, va, meta, 0, NULL); /* the result ended the run */
    r = result(p);
    assert_int_equal(r.runs, 2);
    assert_int_equal(r.touches, 10);
    assert_int_equal(r.pages_4k, 1);
    vm_profiler_close(p);
}

/* What nobody knows here is unknown; of other events a detail is something else. */
static void maps_are_counted_by_what_they_map(void **unused)
{
    (void)unused;
    struct vm_profiler *p = profiler();
    static const uint8_t details[] = {VM_BACKING_SHARED,
                                      VM_BACKING_SHARED,
                                      VM_BACKING_ANON,
                                      VM_BACKING_FILE,
                                      VM_BACKING_SHARED,
                                      77,
                                      255};
    for (size_t i = 0; i < sizeof details; i++) {
        const struct vm_event event[] = {{.kind = VM_EVENT_MAP, .detail = details[i]},
                                         {.kind = VM_EVENT_ADVISE, .detail = VM_ADVICE_SEQUENTIAL}};
        feed(p, 0, NULL, NULL, 2, event);
    }
    struct vm_profile r = result(p);
    assert_int_equal(r.events[VM_EVENT_MAP], sizeof details);
    assert_int_equal(r.maps[VM_BACKING_UNKNOWN], 2);
    assert_int_equal(r.maps[VM_BACKING_ANON], 1);
    assert_int_equal(r.maps[VM_BACKING_FILE], 1);
    assert_int_equal(r.maps[VM_BACKING_SHARED], 3);
    vm_profiler_close(p);
}

static void pages_of_two_spaces_are_different_pages(void **unused)
{
    (void)unused;
    struct vm_profiler *p = profiler();
    const vm_va va[] = {PAGE, PAGE, PAGE};
    const uint16_t meta[] = {REF(VM_WRITE, 8), REF(VM_READ, 8), REF(VM_READ, 8)};
    const struct vm_event event[] = {{.at = 1, .kind = VM_EVENT_SWITCH, .asid = 3},
                                     {.at = 2, .kind = VM_EVENT_SWITCH, .asid = 0},
                                     {.at = 3, .kind = VM_EVENT_EXIT, .asid = 7}};
    feed(p, 3, va, meta, 3, event);
    struct vm_profile r = result(p);
    assert_int_equal(r.spaces, 2); /* 7 touches nothing */
    assert_int_equal(r.pages_4k, 2);
    assert_int_equal(r.written_4k, 1);
    assert_int_equal(r.runs, 3);
    assert_int_equal(r.events[VM_EVENT_SWITCH], 2);
    assert_int_equal(r.events[VM_EVENT_EXIT], 1);
    assert_int_equal(r.nregions, 2);
    assert_int_equal(r.region[0].asid, 0);
    assert_int_equal(r.region[1].asid, 3);
    vm_profiler_close(p);
}

static void regions_part_at_gaps_of_a_mebibyte_and_the_largest_come_first(void **unused)
{
    (void)unused;
    struct vm_profiler *p = profiler();
    const vm_va near = PAGE + VM_PROFILE_GAP - PAGE, far = near + PAGE + VM_PROFILE_GAP;
    const vm_va va[] = {far + PAGE, 0, near, far, far + 5 * PAGE};
    const uint16_t meta[] = {REF(VM_READ, 1), REF(VM_READ, 1), REF(VM_READ, 1), REF(VM_READ, 1),
                             REF(VM_READ, 1)};
    feed(p, 5, va, meta, 0, NULL);
    struct vm_profile r = result(p);
    assert_int_equal(r.nregions, 2);
    assert_int_equal(r.region[0].start, far);
    assert_int_equal(r.region[0].end, far + 6 * PAGE);
    assert_int_equal(r.region[0].pages, 3);
    assert_int_equal(r.region[1].start, 0);
    assert_int_equal(r.region[1].end, near + PAGE);
    assert_int_equal(r.region[1].pages, 2);
    vm_profiler_close(p);
}

/* Region i of 200 has 1 + i % 100 pages: the 64 kept are the ones of 100 down to 69 pages. */
static void the_largest_regions_are_kept(void **unused)
{
    (void)unused;
    struct vm_profiler *p = profiler();
    for (vm_va i = 0; i < 200; i++)
        for (vm_va page = 0; page <= i % 100; page++) {
            vm_va va = i * 4 * VM_PROFILE_GAP + page * PAGE;
            const uint16_t meta = REF(VM_READ, 1);
            feed(p, 1, &va, &meta, 0, NULL);
        }
    struct vm_profile r = result(p);
    assert_int_equal(r.nregions, 200);
    assert_int_equal(r.pages_4k, 2 * 5050);
    for (size_t i = 0; i < VM_PROFILE_REGIONS; i++)
        assert_int_equal(r.region[i].pages, 100 - i / 2);
    vm_profiler_close(p);
}

static void an_empty_trace_has_an_empty_profile(void **unused)
{
    (void)unused;
    struct vm_profiler *p = profiler();
    struct vm_profile r = result(p);
    assert_int_equal(r.touches + r.runs + r.pages_4k + r.nregions + r.spaces, 0);
    vm_profiler_close(p);
    vm_profiler_close(NULL);
}

static void an_impossible_space_is_an_error(void **unused)
{
    (void)unused;
    struct vm_profiler *p = profiler();
    struct vm_error e = {0};
    const struct vm_event event = {.kind = VM_EVENT_SWITCH, .asid = VM_ASID_MAX + 1};
    const struct vm_batch b = {.nevents = 1, .event = &event};
    assert_false(vm_profiler_batch(p, &b, &e));
    assert_int_equal(e.code, VM_EINPUT);
    vm_profiler_close(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kinds_bytes_touches_and_pages_are_exact),
        cmocka_unit_test(a_run_goes_on_into_the_next_batch),
        cmocka_unit_test(maps_are_counted_by_what_they_map),
        cmocka_unit_test(pages_of_two_spaces_are_different_pages),
        cmocka_unit_test(regions_part_at_gaps_of_a_mebibyte_and_the_largest_come_first),
        cmocka_unit_test(the_largest_regions_are_kept),
        cmocka_unit_test(an_empty_trace_has_an_empty_profile),
        cmocka_unit_test(an_impossible_space_is_an_error),
    };
    return cmocka_run_group_tests_name("unit_profile", tests, NULL, NULL);
}
