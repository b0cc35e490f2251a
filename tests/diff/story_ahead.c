/* Pages that are read ahead, as the stories tell of them: from the wish that brought them to their
 * first touch, or to their leaving untouched. */
#include "diff/story_world.h"

#include <stdlib.h>
#include <string.h>

/* What stories alone tell of the pages that came ahead: by frame, the reference that brought them;
 * 0: none, or somebody has touched it. */
struct ahead {
    uint64_t came[64];
    uint64_t asked; /* pages wished for by the fault under way, that may still come */
    uint64_t wishes, comings, touched, in_vain;
};

static uint64_t page_in(const struct vm_story *s, vm_va va)
{
    return va >> s->page_shift;
}

static void assert_wish(const struct vm_story *story, const struct vm_story_step *s)
{
    uint64_t page = page_in(story, s->wished.va), window = s->wished.window;
    assert_true(s->wished.n > 0 && s->wished.n < window);
    assert_true(s->wished.first <= s->wished.last);
    if (s->wished.why == VM_READAHEAD_BESIDE)
        assert_int_equal(s->wished.first / window, s->wished.last / window);
    if (s->wished.why == VM_READAHEAD_FORWARD)
        assert_int_equal(s->wished.first, page + 1);
    if (s->wished.why == VM_READAHEAD_BACKWARD)
        assert_int_equal(s->wished.last, page - 1);
    if (s->wished.why >= VM_READAHEAD_STEADY)
        assert_int_equal(s->wished.last - s->wished.first,
                         (s->wished.n - 1) * (uint64_t)llabs(s->wished.distance));
}

static void follow_coming(struct ahead *a, const struct vm_story *story, uint64_t ref,
                          const struct vm_story_step *wished, const struct vm_story_step *s)
{
    assert_true(a->asked-- > 0);
    assert_int_equal(a->came[s->ahead.pfn], 0);
    a->came[s->ahead.pfn] = ref;
    a->comings++;
    assert_int_not_equal(s->ahead.key,
                         vm_page_key(wished->wished.va, story->page_shift, wished->wished.asid));
    uint64_t number = wished->wished.of_slots ? s->ahead.slot : s->ahead.key >> 12;
    assert_in_range(number, wished->wished.first, wished->wished.last);
}

static void follow_step(struct ahead *a, const struct vm_story *story,
                        const struct vm_story_step **wished, const struct vm_story_step *s)
{
    if (s->kind == VM_TAP_WISHED) {
        assert_wish(story, s);
        *wished = s;
        a->asked = s->wished.n;
        a->wishes++;
    } else if (s->kind == VM_TAP_AHEAD) {
        assert_non_null(*wished);
        follow_coming(a, story, story->ref, *wished, s);
    } else if (s->kind == VM_TAP_FAULT && s->fault.pfn != VM_NOFRAME) {
        uint64_t *came = &a->came[s->fault.pfn];
        assert_int_equal(s->fault.ahead, *came > 0);
        assert_true(!*came || (s->fault.kind == VM_FAULT_SOFT && s->fault.came == *came));
        a->touched += s->fault.ahead;
        *came = 0;
        *wished = NULL;
    } else if (s->kind == VM_TAP_LEAVING && s->leaving.leaving.pfn < 64) {
        uint64_t *came = &a->came[s->leaving.leaving.pfn];
        assert_int_equal(s->leaving.leaving.ahead, *came > 0);
        assert_true(!*came || s->leaving.victim.came == *came);
        a->in_vain += s->leaving.leaving.ahead && s->leaving.leaving.how != VM_LEFT_PARKED;
        if (s->leaving.leaving.how != VM_LEFT_PARKED)
            *came = 0;
    }
}

static void assert_frames_ahead(const struct ahead *a, const struct vm_story *s)
{
    for (uint32_t i = 0; i < s->memory_after.n; i++) {
        const struct vm_story_frame *f = &s->frame[s->memory_after.first + i];
        assert_int_equal(f->ahead && f->touches == 1, a->came[f->pfn] > 0);
        assert_true(!a->came[f->pfn] || (f->came == a->came[f->pfn] && f->last == f->came));
    }
}

static void follow(struct ahead *a, const struct vm_story *s)
{
    const struct vm_story_step *wished = NULL;
    for (size_t i = 0; i < s->nsteps; i++)
        follow_step(a, s, &wished, &s->step[i]);
    assert_frames_ahead(a, s);
}

/* Of every way to read ahead, under every policy that can have one. */
static void a_page_read_ahead_is_told_until_it_is_touched_or_leaves(void **unused)
{
    (void)unused;
    struct ahead all[NREADAHEADS] = {0};
    for (unsigned i = test_rounds(60); i-- > 0;) {
        struct world w;
        struct ahead a = {0};
        unsigned which = i % NREADAHEADS;
        const char *policy = policy_of(i / NREADAHEADS);
        world_open(&w, reads_the_future(policy) ? "lru" : policy, 6 + i % 10, i % 7 ? 1 : 4);
        machine_set(&w.config, "readahead", readaheads[which]);
        world_play(&w, i % 3 ? 0 : ALL_EVENTS, 1700 + i);
        struct vm_cursor *c = cursor(&w);
        for (uint64_t ref = 1; ref <= TRACE_REFS; ref++) {
            go(c, ref);
            follow(&a, vm_cursor_story(c));
        }
        assert_int_equal(vm_cursor_story(c)->after.readaheads, a.comings);
        all[which].wishes += a.wishes;
        all[which].comings += a.comings;
        all[which].touched += a.touched;
        all[which].in_vain += a.in_vain;
        vm_cursor_close(c);
        folder_remove(&w.folder);
    }
    assert_int_equal(all[0].wishes, 0);
    for (unsigned k = 1; k < NREADAHEADS; k++)
        assert_true(all[k].wishes && all[k].comings && all[k].touched && all[k].in_vain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_page_read_ahead_is_told_until_it_is_touched_or_leaves),
    };
    return cmocka_run_group_tests_name("diff_story_ahead", tests, NULL, NULL);
}
