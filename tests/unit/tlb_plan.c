/* The text that describes a machine's TLBs. */
#include "unit/test.h"

#include <pagoda/engine.h>
#include <string.h>

static struct vm_tlb_plan plan(const char *text)
{
    struct vm_tlb_plan p;
    struct vm_error e = {0};
    if (!vm_tlb_plan_parse(&p, text, &e))
        fail_msg("%s: %s", text, e.text);
    return p;
}

static void assert_tlb(const struct vm_tlb_plan *p, size_t i, const char *name, uint32_t entries,
                       uint32_t ways, enum vm_tlb_replace replace, double hit_ns)
{
    assert_true(i < p->n);
    assert_string_equal(p->name[i], name);
    assert_int_equal(p->tlb[i].level, name[1] - '0');
    assert_int_equal(p->tlb[i].side, name[2] == 'i'   ? VM_TLB_FETCH
                                     : name[2] == 'd' ? VM_TLB_DATA
                                                      : VM_TLB_UNIFIED);
    assert_int_equal(p->tlb[i].entries, entries);
    assert_int_equal(p->tlb[i].ways, ways);
    assert_int_equal(p->tlb[i].replace, replace);
    assert_true(p->tlb[i].hit_ns == hit_ns);
}

static void two_levels_with_sides_ways_replacement_and_time(void **unused)
{
    (void)unused;
    struct vm_tlb_plan p = plan("l1i=64/4 l1d=64/4 l2=1536/12:lru@2.3");
    assert_int_equal(p.n, 3);
    assert_int_equal(p.levels, 2);
    assert_tlb(&p, 0, "l1i", 64, 4, VM_TLB_LRU, 0);
    assert_tlb(&p, 1, "l1d", 64, 4, VM_TLB_LRU, 0);
    assert_tlb(&p, 2, "l2", 1536, 12, VM_TLB_LRU, 2.3);
}

static void what_is_left_out_has_a_default(void **unused)
{
    (void)unused;
    struct vm_tlb_plan p = plan("l1=16,l2=64/full:plru,\tl3=128/2:random@10");
    assert_int_equal(p.levels, 3);
    assert_tlb(&p, 0, "l1", 16, 16, VM_TLB_LRU, 0);
    assert_tlb(&p, 1, "l2", 64, 64, VM_TLB_PLRU, 2.25);
    assert_tlb(&p, 2, "l3", 128, 2, VM_TLB_RANDOM, 10);
    p = plan("l1=1k:fifo");
    assert_tlb(&p, 0, "l1", 1000, 1000, VM_TLB_FIFO, 0);
}

static void none_is_no_tlb(void **unused)
{
    (void)unused;
    struct vm_tlb_plan p = plan("none");
    assert_int_equal(p.n, 0);
    assert_int_equal(p.levels, 0);
}

static void assert_fails(const char *text, enum vm_code code, const char *says)
{
    struct vm_tlb_plan p;
    struct vm_error e = {0};
    if (vm_tlb_plan_parse(&p, text, &e))
        fail_msg("\"%s\" is taken", text);
    assert_int_equal(e.code, code);
    if (!strstr(e.text, says))
        fail_msg("\"%s\": \"%s\", expected \"%s\"", text, e.text, says);
}

static void assert_refused(const char *text, const char *says)
{
    assert_fails(text, VM_EUSAGE, says);
}

static void levels_have_no_gaps_doubles_or_half_sides(void **unused)
{
    (void)unused;
    assert_refused("l2=64", "without gaps");
    assert_refused("l1=64 l3=64", "without gaps");
    assert_refused("l1=64 l1=64", "one TLB, or one for fetches and one for data");
    assert_refused("l1i=64 l1i=64 l1d=4", "one TLB, or one for fetches");
    assert_refused("l1=64 l1d=64", "one TLB, or one for fetches");
    assert_refused("l1i=64", "needs a d side");
    assert_refused("l1=64 l2d=64", "needs a d side");
}

static void bad_numbers_and_names_are_refused(void **unused)
{
    (void)unused;
    assert_refused("", "at least one TLB");
    assert_refused(" , ", "at least one TLB");
    assert_refused("l1", "expected name=entries");
    assert_refused("l=4", "expected a name");
    assert_refused("l0=4", "expected a name");
    assert_refused("l10=4", "expected i (fetches), d (data)");
    assert_refused("l1x=4", "expected i (fetches), d (data)");
    assert_refused("m1=4", "expected a name");
    assert_refused("=4", "expected a name");
    assert_refused("l1=", "bad count");
    assert_refused("l1=0", "1 to 16777216");
    assert_refused("l1=16777217", "1 to 16777216");
    assert_refused("l1=4/0", "1 to 16777216");
    assert_fails("l1=4/3", VM_EMACHINE, "leave 1 over");
    assert_fails("l1=12/2", VM_EMACHINE, "6 sets");
    assert_fails("l1=12:plru", VM_EMACHINE, "plru TLB of 12 ways");
    assert_refused("l1=4:lur", "unknown TLB property");
    assert_refused("l1=4@fast", "bad number");
    assert_refused("l1=4@-1", "0 to 1e9 ns");
    assert_refused("l1=4@2:lru", "bad number");
    assert_refused("l1=4 none", "expected name=entries");
    assert_refused("l1i=1 l1d=1 l2i=1 l2d=1 l3i=1 l3d=1 l4i=1 l4d=1 l5i=1 l5d=1 l6i=1 l6d=1 l7i=1 "
                   "l7d=1 l8i=1 l8d=1",
                   "too many TLBs");
}

static void a_refused_text_changes_nothing(void **unused)
{
    (void)unused;
    struct vm_error e = {0};
    struct vm_tlb_plan p = plan("l1=16"), before = p;
    assert_false(vm_tlb_plan_parse(&p, "l1=16 l2=0", &e));
    assert_memory_equal(&p, &before, sizeof p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_levels_with_sides_ways_replacement_and_time),
        cmocka_unit_test(what_is_left_out_has_a_default),
        cmocka_unit_test(none_is_no_tlb),
        cmocka_unit_test(levels_have_no_gaps_doubles_or_half_sides),
        cmocka_unit_test(bad_numbers_and_names_are_refused),
        cmocka_unit_test(a_refused_text_changes_nothing),
    };
    return cmocka_run_group_tests_name("unit_tlb_plan", tests, NULL, NULL);
}
