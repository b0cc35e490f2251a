/* The text that describes a machine's caches. */
#include "unit/test.h"

#include <pagoda/engine.h>
#include <string.h>

static struct vm_cache_plan plan(const char *text)
{
    struct vm_cache_plan p;
    struct vm_error e = {0};
    if (!vm_cache_plan_parse(&p, text, &e))
        fail_msg("%s: %s", text, e.text);
    return p;
}

static void assert_cache(const struct vm_cache_plan *p, size_t i, const char *name,
                         struct vm_cache_config expected)
{
    assert_true(i < p->caches.n);
    const struct vm_cache_config *c = &p->caches.cache[i];
    assert_string_equal(p->name[i], name);
    assert_int_equal(c->level, name[1] - '0');
    assert_int_equal(c->side, name[2] == 'i'   ? VM_CACHE_FETCH
                              : name[2] == 'd' ? VM_CACHE_DATA
                                               : VM_CACHE_UNIFIED);
    assert_int_equal(c->bytes, expected.bytes);
    assert_int_equal(c->ways, expected.ways);
    assert_int_equal(c->line_bytes, expected.line_bytes);
    assert_int_equal(c->replace, expected.replace);
    assert_int_equal(c->index, expected.index);
    assert_int_equal(c->tags, expected.tags);
    assert_int_equal(c->write, expected.write);
    assert_true(c->hit_ns == expected.hit_ns);
}

static void three_levels_with_all_that_can_be_said(void **unused)
{
    (void)unused;
    struct vm_cache_plan p = plan("l1i=32KiB/8 l1d=48KiB/12:vipt:plru@1.25 l2=1MiB/16:random@3.5 "
                                  "l3=32MiB/16@15");
    assert_int_equal(p.caches.n, 4);
    assert_int_equal(p.caches.levels, 3);
    assert_int_equal(p.caches.tables_level, 1);
    assert_cache(&p, 0, "l1i",
                 (struct vm_cache_config){
                     .bytes = 32768, .ways = 8, .line_bytes = 64, .hit_ns = 1, .index = 0});
    assert_cache(&p, 1, "l1d",
                 (struct vm_cache_config){.bytes = 49152,
                                          .ways = 12,
                                          .line_bytes = 64,
                                          .replace = VM_CACHE_PLRU,
                                          .index = VM_CACHE_VIPT,
                                          .hit_ns = 1.25});
    assert_cache(&p, 2, "l2",
                 (struct vm_cache_config){.bytes = 1048576,
                                          .ways = 16,
                                          .line_bytes = 64,
                                          .replace = VM_CACHE_RANDOM,
                                          .hit_ns = 3.5});
    assert_cache(
        &p, 3, "l3",
        (struct vm_cache_config){.bytes = 33554432, .ways = 16, .line_bytes = 64, .hit_ns = 15});
}

static void words_may_stand_in_any_order(void **unused)
{
    (void)unused;
    struct vm_cache_config c = {.bytes = 1024,
                                .ways = 32,
                                .line_bytes = 32,
                                .replace = VM_CACHE_FIFO,
                                .index = VM_CACHE_VIVT,
                                .tags = VM_CACHE_FLUSH,
                                .write = VM_CACHE_THROUGH,
                                .hit_ns = 1};
    struct vm_cache_plan p = plan("l1=1KiB/full:through:flush:line=32:vivt:fifo");
    assert_cache(&p, 0, "l1", c);
    p = plan("l1=1KiB/full:fifo:vivt:through:line=32:flush");
    assert_cache(&p, 0, "l1", c);
    p = plan("l1=1KiB/full:fifo:vivt:through:line=32:untagged:back");
    c.tags = VM_CACHE_UNTAGGED;
    c.write = VM_CACHE_BACK;
    assert_cache(&p, 0, "l1", c);
}

static void caches_are_put_in_order(void **unused)
{
    (void)unused;
    static const char *const order[] = {"l1i", "l1d", "l2", "l3", "l4"};
    struct vm_cache_plan p = plan("l3=4KiB/1,l1d=1KiB/1\tl4=8KiB/1@50 l2=2KiB/1  l1i=1KiB/2");
    assert_int_equal(p.caches.n, 5);
    assert_int_equal(p.caches.levels, 4);
    for (size_t i = 0; i < 5; i++)
        assert_string_equal(p.name[i], order[i]);
    assert_int_equal(p.caches.cache[0].ways, 2);
    assert_int_equal(p.caches.cache[2].bytes, 2048);
    assert_true(p.caches.cache[2].hit_ns == 3 && p.caches.cache[3].hit_ns == 11);
}

static void none_is_no_cache(void **unused)
{
    (void)unused;
    struct vm_cache_plan p = plan("none");
    assert_int_equal(p.caches.n, 0);
    assert_int_equal(p.caches.levels, 0);
}

static void assert_fails(const char *text, enum vm_code code, const char *says)
{
    struct vm_cache_plan p;
    struct vm_error e = {0};
    if (vm_cache_plan_parse(&p, text, &e))
        fail_msg("\"%s\" is taken", text);
    assert_int_equal(e.code, code);
    if (!strstr(e.text, says))
        fail_msg("\"%s\": \"%s\", expected \"%s\"", text, e.text, says);
}

static void bad_numbers_and_names_are_refused(void **unused)
{
    (void)unused;
    assert_fails("", VM_EUSAGE, "at least one cache");
    assert_fails(" , ", VM_EUSAGE, "at least one cache");
    assert_fails("l1", VM_EUSAGE, "expected name=size/ways");
    assert_fails("l0=4KiB/1", VM_EUSAGE, "expected a name");
    assert_fails("l5=4KiB/1", VM_EUSAGE, "expected a name");
    assert_fails("x1=4KiB/1", VM_EUSAGE, "expected a name");
    assert_fails("l1xy=4KiB/1", VM_EUSAGE, "expected a name");
    assert_fails("l1x=4KiB/1", VM_EUSAGE, "expected i (fetches) or d (data)");
    assert_fails("l1=", VM_EUSAGE, "bad size");
    assert_fails("l1=4KiB", VM_EUSAGE, "expected ways after the size");
    assert_fails("l1=4KiB/", VM_EUSAGE, "bad count");
    assert_fails("l1=4KiB/8:lur", VM_EUSAGE, "unknown word of a cache");
    assert_fails("l1=4KiB/8:", VM_EUSAGE, "unknown word of a cache");
    assert_fails("l1=4KiB/8:line=x", VM_EUSAGE, "bad size");
    assert_fails("l1=4KiB/8@fast", VM_EUSAGE, "bad number");
    assert_fails("l1=4KiB/8@-1", VM_EUSAGE, "0 to 1e9 ns");
    assert_fails("l1=4KiB/1 l2=8KiB/1 l3=16KiB/1 l4=32KiB/1", VM_EUSAGE, "no usual time");
    assert_fails("l1i=1KiB/1 l1d=1KiB/1 l2=1KiB/1 l3=1KiB/1 l4=1KiB/1@9 l1=1KiB/1", VM_EUSAGE,
                 "too many caches");
}

static void what_cannot_be_built_is_refused(void **unused)
{
    (void)unused;
    assert_fails("l1=4KiB/0", VM_EMACHINE, "0 ways: expected 1 to");
    assert_fails("l1=4KiB/5000000000", VM_EMACHINE, "4294967295 ways: expected 1 to");
    assert_fails("l1=4KiB/3", VM_EMACHINE, "64 lines in sets of 3 leave 1 over");
    assert_fails("l1=1MiB/full", VM_EMACHINE, "16384 ways");
    assert_fails("l1=4KiB/8:line=48", VM_EMACHINE, "lines of 48 bytes");
    assert_fails("l1=4KiB/8:line=1TiB", VM_EMACHINE, "lines of 4294967295 bytes");
    assert_fails("l1=4KiB/full:line=0", VM_EMACHINE, "lines of 0 bytes");
    assert_fails("l1=8KiB/128:plru", VM_EMACHINE, "plru cache of 128 ways");
    assert_fails("l2=4KiB/8", VM_EMACHINE, "no cache of level 1");
    assert_fails("l1i=4KiB/8", VM_EMACHINE, "expected one for the other side");
    assert_fails("l1=4KiB/8 l2i=8KiB/8 l2d=8KiB/8", VM_EMACHINE, "only level 1 may be split");
    assert_fails("l1=4KiB/8 l2=8KiB/8:vivt", VM_EMACHINE, "a vivt cache at level 2");
}

static void a_refused_text_changes_nothing(void **unused)
{
    (void)unused;
    struct vm_error e = {0};
    struct vm_cache_plan p = plan("l1=16KiB/4"), before = p;
    assert_false(vm_cache_plan_parse(&p, "l1=16KiB/4 l3=1MiB/16", &e));
    assert_memory_equal(&p, &before, sizeof p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(three_levels_with_all_that_can_be_said),
        cmocka_unit_test(words_may_stand_in_any_order),
        cmocka_unit_test(caches_are_put_in_order),
        cmocka_unit_test(none_is_no_cache),
        cmocka_unit_test(bad_numbers_and_names_are_refused),
        cmocka_unit_test(what_cannot_be_built_is_refused),
        cmocka_unit_test(a_refused_text_changes_nothing),
    };
    return cmocka_run_group_tests_name("unit_cache_plan", tests, NULL, NULL);
}
