/* base_error.c - the laws of base/error.c. */
#include "test.h"

#include <pagoda/error.h>
#include <string.h>

static const char *const policies[] = {"opt", "fifo", "random", "lru", "clock", "enhanced_clock"};
#define NPOLICIES (sizeof policies / sizeof policies[0])

static const char *hint_for(const char *name)
{
    static struct vm_error e;
    assert_false(vm_fail_unknown(&e, "policy", name, policies, NPOLICIES));
    assert_int_equal(e.code, VM_EUSAGE);
    return e.hint;
}

static void failing_fills_code_and_text_and_clears_the_hint(void **state)
{
    (void)state;
    struct vm_error e;
    memset(&e, 'x', sizeof e);
    assert_false(vm_fail(&e, VM_EINPUT, "%s:%d: bad", "a.din", 12));
    assert_int_equal(e.code, VM_EINPUT);
    assert_string_equal(e.text, "a.din:12: bad");
    assert_string_equal(e.hint, "");
    assert_false(vm_hint(&e, "try %d", 3));
    assert_string_equal(e.hint, "try 3");
    assert_string_equal(e.text, "a.din:12: bad");
}

static void an_error_can_be_wrapped_in_itself(void **state)
{
    (void)state;
    struct vm_error e;
    vm_fail(&e, VM_EINPUT, "inner");
    vm_fail(&e, VM_EINPUT, "outer: %s", e.text);
    assert_string_equal(e.text, "outer: inner");
}

static void a_text_that_does_not_fit_ends_in_dots(void **state)
{
    (void)state;
    struct vm_error e;
    char longest[1000];
    memset(longest, 'a', sizeof longest);
    longest[sizeof longest - 1] = '\0';
    vm_fail(&e, VM_EINPUT, "%s", longest);
    assert_int_equal(strlen(e.text), sizeof e.text - 1);
    assert_string_equal(e.text + sizeof e.text - 5, "a...");
    longest[sizeof e.text - 1] = '\0';
    vm_fail(&e, VM_EINPUT, "%s", longest);
    assert_string_equal(e.text, longest);
}

static void control_bytes_of_the_input_do_not_reach_the_terminal(void **state)
{
    (void)state;
    struct vm_error e;
    vm_fail(&e, VM_EINPUT, "bad \"%s\"", "a\nb\x1b[2J\x7f\xc3\xa9");
    assert_string_equal(e.text, "bad \"a?b?[2J?\xc3\xa9\"");
}

static void an_unknown_name_is_named_with_its_kind(void **state)
{
    (void)state;
    struct vm_error e;
    vm_fail_unknown(&e, "policy", "lur", policies, NPOLICIES);
    assert_string_equal(e.text, "unknown policy \"lur\"");
}

static void the_hint_names_the_nearest_name(void **state)
{
    (void)state;
    assert_string_equal(hint_for("lur"), "did you mean \"lru\"?");       /* neighbours swapped */
    assert_string_equal(hint_for("fif"), "did you mean \"fifo\"?");      /* one missing */
    assert_string_equal(hint_for("cloock"), "did you mean \"clock\"?");  /* one too many */
    assert_string_equal(hint_for("rondom"), "did you mean \"random\"?"); /* another */
    assert_string_equal(hint_for("CLOCK"), "did you mean \"clock\"?");   /* letter case */
    assert_string_equal(hint_for("enhanced-clck"), "did you mean \"enhanced_clock\"?");
}

static void where_no_name_is_near_the_hint_lists_all(void **state)
{
    (void)state;
    const char *all = "known: opt, fifo, random, lru, clock, enhanced_clock";
    char longest[200];
    memset(longest, 'l', sizeof longest);
    longest[sizeof longest - 1] = '\0';
    assert_string_equal(hint_for("xyzzy"), all);
    assert_string_equal(hint_for("x"), all);
    assert_string_equal(hint_for(""), all);
    assert_string_equal(hint_for(longest), all);
}

static void a_list_that_does_not_fit_ends_at_a_whole_name(void **state)
{
    (void)state;
    struct vm_error e;
    const char *many[40];
    for (size_t i = 0; i < 40; i++)
        many[i] = "fourteenletter";
    vm_fail_unknown(&e, "thing", "zzz", many, 40);
    assert_true(strlen(e.hint) > sizeof e.hint - 20);
    assert_string_equal(e.hint + strlen(e.hint) - 11, "letter, ...");
    vm_fail_unknown(&e, "thing", "zzz", many, 0);
    assert_string_equal(e.hint, "there is none");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(failing_fills_code_and_text_and_clears_the_hint),
        cmocka_unit_test(an_error_can_be_wrapped_in_itself),
        cmocka_unit_test(a_text_that_does_not_fit_ends_in_dots),
        cmocka_unit_test(control_bytes_of_the_input_do_not_reach_the_terminal),
        cmocka_unit_test(an_unknown_name_is_named_with_its_kind),
        cmocka_unit_test(the_hint_names_the_nearest_name),
        cmocka_unit_test(where_no_name_is_near_the_hint_lists_all),
        cmocka_unit_test(a_list_that_does_not_fit_ends_at_a_whole_name),
    };
    return cmocka_run_group_tests_name("base_error", tests, NULL, NULL);
}
