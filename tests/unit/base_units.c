/* base_units.c - the laws of base/units.c. */
#include "base/random.h"
#include "test.h"

#include <math.h>
#include <pagoda/params.h>
#include <stdio.h>
#include <string.h>

struct good {
    const char *text;
    uint64_t value;
};

static void counts_have_decimal_units(void **state)
{
    (void)state;
    static const struct good good[] = {
        {"0", 0},
        {"007", 7},
        {"12345", 12345},
        {"10k", 10000},
        {"1M", 1000000},
        {"1.5M", 1500000},
        {"2G", 2000000000},
        {"0.001k", 1},
        {"1.50k", 1500},
        {"3.000000000000000000000000000000", 3},
        {"18446744073709551615", UINT64_MAX},
        {"18446744073.709551615G", UINT64_MAX},
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct vm_error e;
        uint64_t value = 77;
        assert_true(vm_parse_count(good[i].text, "pages", &value, &e));
        assert_int_equal(value, good[i].value);
    }
}

static void sizes_have_binary_units(void **state)
{
    (void)state;
    static const struct good good[] = {
        {"0", 0},
        {"4096", 4096},
        {"4096B", 4096},
        {"64K", 65536},
        {"64KiB", 65536},
        {"64 KiB", 65536},
        {"64M", UINT64_C(64) << 20},
        {"1.5GiB", UINT64_C(3) << 29},
        {"0.25MiB", UINT64_C(1) << 18},
        {"2T", UINT64_C(2) << 40},
        {"16777215.9990234375TiB", UINT64_MAX - (UINT64_C(1) << 30) + 1},
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct vm_error e;
        uint64_t value = 77;
        assert_true(vm_parse_bytes(good[i].text, "memory", &value, &e));
        assert_int_equal(value, good[i].value);
    }
}

typedef bool (*parser)(const char *, const char *, uint64_t *, struct vm_error *);

static void refuses(parser parse, const char *text, const char *message_part)
{
    struct vm_error e;
    uint64_t value = 77;
    assert_false(parse(text, "memory", &value, &e));
    assert_int_equal(value, 77);
    assert_int_equal(e.code, VM_EUSAGE);
    assert_memory_equal(e.text, "memory: ", 8);
    assert_non_null(strstr(e.text, message_part));
    assert_non_null(strstr(e.text, "expected"));
}

static void what_is_no_number_with_a_unit_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",    " ",   "k",   "-1",    "+1",    " 1",  "1 ",     "1,000",  "1_000",  "0x10",
        "1e3", ".5k", "1.k", "1..5k", "1.5.2", "inf", "64MiBs", "1 0KiB", "1  KiB", "1Q"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        refuses(vm_parse_count, bad[i], "bad count \"");
        refuses(vm_parse_bytes, bad[i], "bad size \"");
    }
    refuses(vm_parse_bytes, "64MiBs",
            "bad size \"64MiBs\": expected a number with an optional unit (KiB, MiB, GiB, TiB)");
    refuses(vm_parse_count, "64KiB", "bad count");
    refuses(vm_parse_count, "10K", "bad count");
}

static void times_have_a_unit(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t ns;
    } good[] = {{"0ns", 0},        {"7ns", 7},           {"1.5us", 1500},
                {"2 ms", 2000000}, {"0.25s", 250000000}, {"18446744073s", 18446744073000000000u}};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct vm_error e;
        uint64_t ns;
        assert_true(vm_parse_time(good[i].text, "memory", &ns, &e));
        assert_int_equal(ns, good[i].ns);
    }
    static const char *const bad[] = {"", "5", "ms", "-1ms", "5m", "5S", "5 sec", "1e3ns"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        refuses(vm_parse_time, bad[i], "bad time \"");
    refuses(vm_parse_time, "0.5ns", "is not a whole number of nanoseconds");
    refuses(vm_parse_time, "18446744074s", "too large");
}

static void disputed_units_are_refused_with_the_right_spelling(void **state)
{
    (void)state;
    refuses(vm_parse_bytes, "64MB", "ambiguous unit \"MB\" in \"64MB\": expected MiB");
    refuses(vm_parse_bytes, "1kB", "expected KiB");
    refuses(vm_parse_bytes, "1KB", "expected KiB");
    refuses(vm_parse_bytes, "1k", "expected KiB");
    refuses(vm_parse_bytes, "1GB", "expected GiB");
    refuses(vm_parse_bytes, "1TB", "expected TiB");
}

static void a_fraction_must_come_out_whole(void **state)
{
    (void)state;
    refuses(vm_parse_bytes, "0.1KiB", "is not a whole number of bytes");
    refuses(vm_parse_bytes, "1.5", "is not a whole number of bytes");
    refuses(vm_parse_count, "1.5", "is not a whole number");
    refuses(vm_parse_count, "0.0001k", "is not a whole number");
}

static void overflow_is_an_error(void **state)
{
    (void)state;
    refuses(vm_parse_count, "18446744073709551616", "too large");
    refuses(vm_parse_count, "18446744074G", "too large");
    refuses(vm_parse_count, "999999999999999999999999", "too large");
    refuses(vm_parse_count, "340282366920938463463374607431768211457", "too many digits");
    refuses(vm_parse_bytes, "16777216TiB", "too large");
    refuses(vm_parse_bytes, "999999999999999999999999T", "too large");
}

static void reals_are_decimal_and_finite(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double value;
    } good[] = {{"0", 0}, {"0.9", 0.9}, {"-2.5", -2.5}, {"1e-3", 1e-3}, {"12.5E+2", 1250}};
    static const char *const bad[] = {"",   "nan", "inf", "-",   "0x1p3", " 1", "1 ",
                                      "1.", ".5",  "1e",  "1e+", "--1",   "1,5"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct vm_error e;
        double value = NAN;
        assert_true(vm_parse_real(good[i].text, "s", &value, &e));
        assert_true(value == good[i].value);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct vm_error e;
        double value = 77;
        assert_false(vm_parse_real(bad[i], "s", &value, &e));
        assert_true(value == 77);
        assert_memory_equal(e.text, "s: bad number \"", 15);
    }
    struct vm_error e;
    double value = 77;
    assert_false(vm_parse_real("1e999", "s", &value, &e));
    assert_non_null(strstr(e.text, "too large"));
}

static void sizes_are_written_for_people(void **state)
{
    (void)state;
    static const struct {
        uint64_t value;
        const char *text;
    } row[] = {
        {0, "0 B"},
        {1, "1 B"},
        {1023, "1023 B"},
        {1024, "1 KiB"},
        {1025, "1.0 KiB"},
        {1536, "1.5 KiB"},
        {UINT64_C(1023) << 10, "1023 KiB"},
        {(UINT64_C(1) << 20) - 1, "1.0 MiB"},
        {UINT64_C(64) << 20, "64 MiB"},
        {UINT64_C(1536) << 20, "1.5 GiB"},
        {UINT64_C(5000) << 40, "5000 TiB"},
    };
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        char text[32];
        assert_string_equal(vm_text_bytes(row[i].value, text, sizeof text), row[i].text);
    }
}

static void counts_are_written_in_groups_of_three(void **state)
{
    (void)state;
    char text[32];
    assert_string_equal(vm_text_count(0, text, sizeof text), "0");
    assert_string_equal(vm_text_count(999, text, sizeof text), "999");
    assert_string_equal(vm_text_count(1000, text, sizeof text), "1,000");
    assert_string_equal(vm_text_count(12345678, text, sizeof text), "12,345,678");
    assert_string_equal(vm_text_count(UINT64_MAX, text, sizeof text), "18,446,744,073,709,551,615");
}

static void written_sizes_without_a_fraction_read_back(void **state)
{
    (void)state;
    struct vm_random random;
    vm_random_seed(&random, 5);
    for (int i = 0; i < 20000; i++) {
        struct vm_error e;
        char text[32];
        uint64_t unit = UINT64_C(1) << 10 * vm_random_below(&random, 5);
        uint64_t size = vm_random_below(&random, 1023) * unit, back = 77;
        vm_text_bytes(size, text, sizeof text);
        assert_null(strchr(text, '.'));
        assert_true(vm_parse_bytes(text, "memory", &back, &e));
        assert_int_equal(back, size);
    }
}

static void any_64_bit_number_reads_back(void **state)
{
    (void)state;
    struct vm_random random;
    vm_random_seed(&random, 6);
    for (int i = 0; i < 20000; i++) {
        struct vm_error e;
        char text[32];
        uint64_t number = vm_random_u64(&random) >> vm_random_below(&random, 64), back = 77;
        snprintf(text, sizeof text, "%llu", (unsigned long long)number);
        assert_true(vm_parse_count(text, "n", &back, &e));
        assert_int_equal(back, number);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_have_decimal_units),
        cmocka_unit_test(sizes_have_binary_units),
        cmocka_unit_test(what_is_no_number_with_a_unit_is_refused),
        cmocka_unit_test(times_have_a_unit),
        cmocka_unit_test(disputed_units_are_refused_with_the_right_spelling),
        cmocka_unit_test(a_fraction_must_come_out_whole),
        cmocka_unit_test(overflow_is_an_error),
        cmocka_unit_test(reals_are_decimal_and_finite),
        cmocka_unit_test(sizes_are_written_for_people),
        cmocka_unit_test(counts_are_written_in_groups_of_three),
        cmocka_unit_test(written_sizes_without_a_fraction_read_back),
        cmocka_unit_test(any_64_bit_number_reads_back),
    };
    return cmocka_run_group_tests_name("base_units", tests, NULL, NULL);
}
