/* A machine's configuration: text to value to text, and machine descriptions in INI. */
#include "unit/test.h"

#include <pagoda/engine.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Some texts that each kind of option takes and gives back as they are. */
static const char *const samples[][4] = {
    [VM_PARAM_COUNT] = {"0", "7", "1000000", "9223372036854775807"},
    [VM_PARAM_BYTES] = {"0", "4097", "64KiB", "3GiB"},
    [VM_PARAM_REAL] = {"0", "0.1", "0.30000000000000004", "1000000000000"},
    [VM_PARAM_TEXT] = {"", "x", "l1i=64/4 l1d=64/4", "clock:load=referenced"},
};

static void assert_round_trip(const struct vm_option *o, const char *text)
{
    struct vm_config c, again;
    struct vm_error e = {0};
    char out[VM_CONFIG_TEXT];
    vm_config_init(&c);
    vm_config_init(&again);
    if (!vm_config_set(&c, o, text, &e))
        fail_msg("%s", e.text);
    assert_string_equal(vm_config_text(&c, o, out, sizeof out), text);
    assert_true(vm_config_set(&again, o, out, &e));
    assert_memory_equal(&c, &again, sizeof c);
}

static void every_option_goes_from_text_to_value_and_back(void **unused)
{
    (void)unused;
    const struct vm_option *o;
    for (size_t i = 0; (o = vm_option_at(i)); i++) {
        if (o->kind != VM_PARAM_WORD) {
            for (int k = 0; k < 4; k++)
                assert_round_trip(o, samples[o->kind][k]);
            continue;
        }
        char words[64], *rest = words, *word;
        snprintf(words, sizeof words, "%s", o->words);
        while ((word = strsep(&rest, "|")))
            assert_round_trip(o, word);
    }
}

static void a_new_configuration_has_every_fallback(void **unused)
{
    (void)unused;
    struct vm_config c, again;
    struct vm_error e = {0};
    const struct vm_option *o;
    vm_config_init(&c);
    memset(&again, 0, sizeof again);
    for (size_t i = 0; (o = vm_option_at(i)); i++)
        assert_true(vm_config_set(&again, o, o->fallback, &e));
    assert_memory_equal(&c, &again, sizeof c);
    assert_int_equal(c.memory_bytes, 64 << 20);
    assert_string_equal(c.policy, "clock");
}

static const struct vm_option *option(const char *flag)
{
    const struct vm_option *o;
    for (size_t i = 0; (o = vm_option_at(i)); i++)
        if (!strcmp(o->flag, flag))
            return o;
    fail_msg("there is an option %s", flag);
    return NULL;
}

static void assert_refused(const char *flag, const char *text, const char *says)
{
    struct vm_config c, before;
    struct vm_error e = {0};
    vm_config_init(&c);
    before = c;
    assert_false(vm_config_set(&c, option(flag), text, &e));
    assert_int_equal(e.code, VM_EUSAGE);
    assert_non_null(strstr(e.text, says));
    assert_memory_equal(&c, &before, sizeof c);
}

static void a_bad_value_is_refused_and_changes_nothing(void **unused)
{
    (void)unused;
    char longest[VM_CONFIG_TEXT + 1];
    memset(longest, 'x', VM_CONFIG_TEXT);
    longest[VM_CONFIG_TEXT] = 0;
    assert_refused("memory", "64MB", "ambiguous unit");
    assert_refused("memory", "much", "bad size");
    assert_refused("tables", "outside", "outside");
    assert_refused("tables", "", "tables");
    assert_refused("memory-ns", "-1", "expected 0 to 1e12");
    assert_refused("memory-ns", "nan", "bad number");
    assert_refused("fault-ns", "1e13", "expected 0 to 1e12");
    assert_refused("seed", "1.5", "not a whole number");
    assert_refused("seed", "9223372036854775808", "out of range");
    assert_refused("policy", longest, "at most 255");
}

static void an_unknown_word_gets_a_suggestion(void **unused)
{
    (void)unused;
    struct vm_config c;
    struct vm_error e = {0};
    vm_config_init(&c);
    assert_false(vm_config_set(&c, option("tables"), "insid", &e));
    assert_non_null(strstr(e.hint, "inside"));
}

/* ---- INI ---- */

static struct vm_config parsed(const char *text)
{
    struct vm_config c;
    struct vm_error e = {0};
    vm_config_init(&c);
    if (!vm_config_parse(&c, "m.ini", text, &e))
        fail_msg("%s", e.text);
    return c;
}

static void assert_ini_refused(const char *text, const char *begins, const char *hint)
{
    struct vm_config c, before;
    struct vm_error e = {0};
    vm_config_init(&c);
    before = c;
    assert_false(vm_config_parse(&c, "m.ini", text, &e));
    assert_int_equal(e.code, VM_EUSAGE);
    if (strncmp(e.text, begins, strlen(begins)) != 0 || !strstr(e.hint, hint))
        fail_msg("\"%s\", hint \"%s\": expected \"%s\", \"%s\"", e.text, e.hint, begins, hint);
    assert_memory_equal(&c, &before, sizeof c);
}

static void a_description_changes_what_it_names(void **unused)
{
    (void)unused;
    struct vm_config c = parsed("; a comment\n[memory]\nsize = 1MiB ; another\ntables=apart\n\n"
                                "[tlb]\nlevels = l1=16:lru\n[price]\nmemory_ns = 100\n");
    assert_int_equal(c.memory_bytes, 1 << 20);
    assert_int_equal(c.tables, VM_TABLES_APART);
    assert_string_equal(c.tlb, "l1=16:lru");
    assert_true(c.memory_ns == 100);
    assert_string_equal(c.policy, "clock");
    struct vm_config empty = parsed(""), fallbacks;
    vm_config_init(&fallbacks);
    assert_memory_equal(&empty, &fallbacks, sizeof empty);
}

static void a_bad_description_names_file_and_line_and_what_was_meant(void **unused)
{
    (void)unused;
    assert_ini_refused("[memory]\nsiz = 1MiB\n", "m.ini:2: unknown key of section [memory]",
                       "size");
    assert_ini_refused("\n[memry]\nsize = 1MiB\n", "m.ini:3: unknown section", "memory");
    assert_ini_refused("[memory]\n\nsize = 1MB\n", "m.ini:3: [memory] size: ambiguous unit", "");
    assert_ini_refused("[memory]\ntables = besides\n", "m.ini:2: ", "");
    assert_ini_refused("[memory]\nsize 1MiB\n", "m.ini:2: cannot be read", "");
    assert_ini_refused("[memory\nsize = 1MiB\n", "m.ini:1: cannot be read", "");
    assert_ini_refused("[policy]\nname = lur\n", "m.ini:2: ", "lru");
    assert_ini_refused("size = 1MiB\n", "m.ini:1: key \"size\" is in no section", "");
}

static void the_first_of_two_mistakes_is_reported(void **unused)
{
    (void)unused;
    assert_ini_refused("gibberish\n[memory]\nsiz = 1\n", "m.ini:1: cannot be read", "");
    assert_ini_refused("[memory]\nsiz = 1\ngibberish\n", "m.ini:2: unknown key", "size");
}

static void a_line_that_libinih_would_cut_is_refused(void **unused)
{
    (void)unused;
    char text[400], value[250];
    memset(value, 'v', sizeof value - 1);
    value[sizeof value - 1] = 0;
    snprintf(text, sizeof text, "[tlb]\nlevels = %s\n", value);
    assert_ini_refused(text, "m.ini:2: a line of 258 characters: expected at most", "");
}

static void every_option_can_stand_in_a_description(void **unused)
{
    (void)unused;
    char text[4096] = "", out[VM_CONFIG_TEXT];
    struct vm_config c, again;
    struct vm_error e = {0};
    const struct vm_option *o;
    vm_config_init(&c);
    c.memory_bytes = 12345;
    c.copy_ns = 0.1;
    c.tlb_tags = VM_TLB_TAGS_FLUSH;
    for (size_t i = 0; (o = vm_option_at(i)); i++) {
        size_t n = strlen(text);
        snprintf(text + n, sizeof text - n, "[%s]\n%s = %s\n", o->section, o->key,
                 vm_config_text(&c, o, out, sizeof out));
    }
    vm_config_init(&again);
    assert_true(vm_config_parse(&again, "m.ini", text, &e));
    assert_memory_equal(&c, &again, sizeof c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_option_goes_from_text_to_value_and_back),
        cmocka_unit_test(a_new_configuration_has_every_fallback),
        cmocka_unit_test(a_bad_value_is_refused_and_changes_nothing),
        cmocka_unit_test(an_unknown_word_gets_a_suggestion),
        cmocka_unit_test(a_description_changes_what_it_names),
        cmocka_unit_test(a_bad_description_names_file_and_line_and_what_was_meant),
        cmocka_unit_test(the_first_of_two_mistakes_is_reported),
        cmocka_unit_test(a_line_that_libinih_would_cut_is_refused),
        cmocka_unit_test(every_option_can_stand_in_a_description),
    };
    return cmocka_run_group_tests_name("unit_config", tests, NULL, NULL);
}
