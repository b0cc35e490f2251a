/* Another program as a filter: what goes in and comes out, and how it can fail. */
#include "unit/test.h"

#include "base/child.h"

#include <stdlib.h>
#include <string.h>

/* Run it; *out is what it printed, to be freed. */
static enum vm_child_end filter(const char *const *argv, const char *text, size_t bytes, char **out,
                                size_t *n, char *complaint)
{
    FILE *f = open_memstream(out, n);
    enum vm_child_end end = vm_child_filter(argv, text, bytes, f, complaint);
    fclose(f);
    return end;
}

static void what_goes_in_comes_out_however_long(void **unused)
{
    (void)unused;
    static const char *const cat[] = {"cat", NULL};
    char complaint[VM_CHILD_COMPLAINT], *out;
    size_t n, bytes = 3000001; /* more than any pipe holds */
    char *text = malloc(bytes);
    for (size_t i = 0; i < bytes; i++)
        text[i] = (char)(i * 7 + i / 251);
    assert_int_equal(filter(cat, text, bytes, &out, &n, complaint), VM_CHILD_DONE);
    assert_int_equal(n, bytes);
    assert_memory_equal(out, text, bytes);
    free(out);
    assert_int_equal(filter(cat, "", 0, &out, &n, complaint), VM_CHILD_DONE);
    assert_int_equal(n, 0);
    free(out);
    free(text);
}

static void arguments_are_no_shell_s(void **unused)
{
    (void)unused;
    static const char *const echo[] = {"echo", "$HOME `id` ; '", NULL};
    char complaint[VM_CHILD_COMPLAINT], *out;
    size_t n;
    assert_int_equal(filter(echo, "", 0, &out, &n, complaint), VM_CHILD_DONE);
    assert_string_equal(out, "$HOME `id` ; '\n");
    free(out);
}

static void a_program_that_is_not_there_is_absent(void **unused)
{
    (void)unused;
    static const char *const none[] = {"no-such-program-anywhere", NULL};
    char complaint[VM_CHILD_COMPLAINT], *out;
    size_t n;
    assert_int_equal(filter(none, "x", 1, &out, &n, complaint), VM_CHILD_ABSENT);
    assert_int_equal(n, 0);
    free(out);
}

static void a_failure_gives_its_last_words_and_no_output(void **unused)
{
    (void)unused;
    static const char *const fails[] = {"sh", "-c", "echo half; echo a >&2; echo ' b' >&2; exit 3",
                                        NULL},
                             *const dumb[] = {"sh", "-c", "exit 3", NULL},
                             *const killed[] = {"sh", "-c", "kill -9 $$", NULL};
    char complaint[VM_CHILD_COMPLAINT], *out;
    size_t n;
    assert_int_equal(filter(fails, "", 0, &out, &n, complaint), VM_CHILD_FAILED);
    assert_string_equal(complaint, "b");
    assert_int_equal(n, 0);
    free(out);
    assert_int_equal(filter(dumb, "", 0, &out, &n, complaint), VM_CHILD_FAILED);
    assert_string_equal(complaint, "it ended by status 3");
    free(out);
    assert_int_equal(filter(killed, "", 0, &out, &n, complaint), VM_CHILD_FAILED);
    assert_string_equal(complaint, "it ended by signal 9");
    free(out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_goes_in_comes_out_however_long),
        cmocka_unit_test(arguments_are_no_shell_s),
        cmocka_unit_test(a_program_that_is_not_there_is_absent),
        cmocka_unit_test(a_failure_gives_its_last_words_and_no_output),
    };
    return cmocka_run_group_tests_name("unit_base_child", tests, NULL, NULL);
}
