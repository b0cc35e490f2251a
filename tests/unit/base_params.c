/* base_params.c - the laws of base/params.c. */
#include "test.h"

#include <pagoda/params.h>
#include <stdio.h>
#include <string.h>

static const struct vm_param table[] = {
    {"pages", VM_PARAM_COUNT, "1M", 1, 2e9, NULL, "how many"},
    {"memory", VM_PARAM_BYTES, "64MiB", 4096, 0x1p40, NULL, "how much"},
    {"s", VM_PARAM_REAL, "0.5", 0, 1, NULL, "how skewed"},
    {"load", VM_PARAM_WORD, "clear", 0, 0, "clear|referenced", "the bit of a page that comes"},
    {"address", VM_PARAM_TEXT, "", 0, 0, NULL, "the column"},
    {"seed", VM_PARAM_COUNT, "0", 0, 0, NULL, "without bounds"},
};
#define NROWS (sizeof table / sizeof table[0])

static struct vm_params parsed(const char *text)
{
    struct vm_params p;
    struct vm_error e;
    assert_true(vm_params_parse(&p, "zipf", table, NROWS, text, &e));
    return p;
}

static void refuses(const char *text, const char *message, const char *hint)
{
    struct vm_params p;
    struct vm_error e;
    memset(&p, 'x', sizeof p);
    struct vm_params before = p;
    assert_false(vm_params_parse(&p, "zipf", table, NROWS, text, &e));
    assert_memory_equal(&p, &before, sizeof p);
    assert_int_equal(e.code, VM_EUSAGE);
    assert_string_equal(e.text, message);
    assert_string_equal(e.hint, hint);
}

static void every_row_has_its_fallback(void **state)
{
    (void)state;
    const char *const none[] = {NULL, ""};
    for (size_t i = 0; i < 2; i++) {
        struct vm_params p = parsed(none[i]);
        assert_int_equal(vm_params_count(&p, "pages"), 1000000);
        assert_int_equal(vm_params_count(&p, "memory"), 64 << 20);
        assert_true(vm_params_real(&p, "s") == 0.5);
        assert_int_equal(vm_params_count(&p, "load"), 0);
        assert_string_equal(vm_params_text(&p, "address"), "");
        assert_string_equal(vm_params_text(&p, "pages"), "1M");
    }
}

static void given_values_take_the_place_of_fallbacks(void **state)
{
    (void)state;
    struct vm_params p = parsed("load=referenced,s=0.9,address=a=b:c,pages=7,memory=1.5GiB");
    assert_int_equal(vm_params_count(&p, "pages"), 7);
    assert_int_equal(vm_params_count(&p, "memory"), UINT64_C(3) << 29);
    assert_true(vm_params_real(&p, "s") == 0.9);
    assert_int_equal(vm_params_count(&p, "load"), 1);
    assert_string_equal(vm_params_text(&p, "address"), "a=b:c");
    assert_int_equal(vm_params_count(&p, "seed"), 0);
}

static void the_echo_parses_back_to_the_same_values(void **state)
{
    (void)state;
    struct vm_params p = parsed("s=0.123456789,load=referenced,memory=12345K,seed=1.5G");
    char echo[512] = "";
    for (size_t i = 0; i < NROWS; i++) {
        size_t used = strlen(echo);
        snprintf(echo + used, sizeof echo - used, "%s%s=%s", i ? "," : "", table[i].name,
                 vm_params_text(&p, table[i].name));
    }
    struct vm_params again = parsed(echo);
    assert_memory_equal(p.value, again.value, sizeof p.value[0] * NROWS);
    assert_memory_equal(p.text, again.text, sizeof p.text);
}

static void an_unknown_key_is_named_with_the_nearest(void **state)
{
    (void)state;
    refuses("page=1", "unknown parameter of zipf \"page\"", "did you mean \"pages\"?");
    refuses("xyzzy=1", "unknown parameter of zipf \"xyzzy\"",
            "known: pages, memory, s, load, address, seed");
    struct vm_params p;
    struct vm_error e;
    assert_false(vm_params_parse(&p, "fifo", NULL, 0, "x=1", &e));
    assert_string_equal(e.hint, "there is none");
}

static void an_unknown_word_is_named_with_the_nearest(void **state)
{
    (void)state;
    refuses("load=refrenced", "unknown load of zipf \"refrenced\"", "did you mean \"referenced\"?");
    refuses("load=", "unknown load of zipf \"\"", "known: clear, referenced");
}

static void a_key_given_twice_is_refused(void **state)
{
    (void)state;
    refuses("s=0.1,pages=2,s=0.1", "zipf:s: given twice: expected one value", "");
}

static void what_is_no_pair_is_refused(void **state)
{
    (void)state;
    refuses("pages", "zipf: bad parameter \"pages\": expected key=value", "");
    refuses("=7", "zipf: bad parameter \"=7\": expected key=value", "");
    refuses(",", "zipf: bad parameter \"\": expected key=value", "");
    refuses("s=1,,pages=2", "zipf: bad parameter \"\": expected key=value", "");
    refuses("s=1,", "zipf: nothing after the last comma: expected key=value", "");
}

static void a_value_of_the_wrong_kind_is_refused_with_its_place(void **state)
{
    (void)state;
    refuses("pages=many",
            "zipf:pages: bad count \"many\": expected a whole number with an optional unit "
            "(k, M, G)",
            "");
    refuses("s=nan", "zipf:s: bad number \"nan\": expected a decimal number", "");
}

static void a_value_out_of_range_is_refused_with_the_range(void **state)
{
    (void)state;
    refuses("pages=0", "zipf:pages: 0 is out of range: expected 1 to 2000000000", "");
    refuses("pages=2.1G", "zipf:pages: 2.1G is out of range: expected 1 to 2000000000", "");
    refuses("memory=4095", "zipf:memory: 4095 is out of range: expected 4 KiB to 1 TiB", "");
    refuses("s=1.001", "zipf:s: 1.001 is out of range: expected 0 to 1", "");
    struct vm_params p = parsed("pages=2G,memory=1T,s=1,seed=18446744073709551615");
    assert_true(vm_params_count(&p, "seed") == UINT64_MAX);
    assert_int_equal(vm_params_count(&p, "memory"), UINT64_C(1) << 40);
}

static void a_value_too_long_to_echo_is_refused(void **state)
{
    (void)state;
    char text[400] = "address=";
    memset(text + 8, 'a', 63);
    text[8 + 63] = '\0';
    struct vm_params p = parsed(text);
    assert_int_equal(strlen(vm_params_text(&p, "address")), 63);
    const char *message = "zipf:address: value too long: expected at most 63 characters";
    memset(text + 8, 'a', 64);
    text[8 + 64] = '\0';
    refuses(text, message, "");
    memset(text + 8, 'a', 300);
    text[8 + 300] = '\0';
    refuses(text, message, "");
}

static void a_spec_splits_at_its_first_colon(void **state)
{
    (void)state;
    char name[8];
    assert_string_equal(vm_spec_split("zipf:s=1,a=b:c", name, sizeof name), "s=1,a=b:c");
    assert_string_equal(name, "zipf");
    assert_string_equal(vm_spec_split("lru", name, sizeof name), "");
    assert_string_equal(name, "lru");
    assert_string_equal(vm_spec_split("lru:", name, sizeof name), "");
    assert_string_equal(name, "lru");
    assert_string_equal(vm_spec_split("averylongname:x=1", name, sizeof name), "x=1");
    assert_string_equal(name, "averylo");
    assert_string_equal(vm_spec_split("", name, sizeof name), "");
    assert_string_equal(name, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_has_its_fallback),
        cmocka_unit_test(given_values_take_the_place_of_fallbacks),
        cmocka_unit_test(the_echo_parses_back_to_the_same_values),
        cmocka_unit_test(an_unknown_key_is_named_with_the_nearest),
        cmocka_unit_test(an_unknown_word_is_named_with_the_nearest),
        cmocka_unit_test(a_key_given_twice_is_refused),
        cmocka_unit_test(what_is_no_pair_is_refused),
        cmocka_unit_test(a_value_of_the_wrong_kind_is_refused_with_its_place),
        cmocka_unit_test(a_value_out_of_range_is_refused_with_the_range),
        cmocka_unit_test(a_value_too_long_to_echo_is_refused),
        cmocka_unit_test(a_spec_splits_at_its_first_colon),
    };
    return cmocka_run_group_tests_name("base_params", tests, NULL, NULL);
}
