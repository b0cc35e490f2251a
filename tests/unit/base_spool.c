/* base_spool.c - the laws of base/spool.c. */
#include "base/spool.h"

#include "test.h"

#include <stdlib.h>
#include <string.h>

#define BLOCK       VM_SPOOL_BLOCK
#define BLOCK_BYTES (BLOCK * sizeof(uint32_t))

static uint32_t word_at(uint64_t i)
{
    return (uint32_t)(i * 2654435761u + 12345);
}

/* A sealed spool of n words, pushed in pieces of `piece`. */
static struct vm_spool *filled(size_t memory_bytes, uint64_t n, size_t piece)
{
    struct vm_error e;
    struct vm_spool *s = vm_spool_open(memory_bytes, &e);
    uint32_t *words = malloc(piece * sizeof *words);
    assert_non_null(s);
    for (uint64_t i = 0; i < n;) {
        size_t some = n - i < piece ? (size_t)(n - i) : piece;
        for (size_t k = 0; k < some; k++)
            words[k] = word_at(i + k);
        assert_true(vm_spool_push(s, words, some, &e));
        i += some;
        assert_int_equal(vm_spool_words(s), i);
    }
    free(words);
    assert_true(vm_spool_seal(s, &e));
    return s;
}

static void check_block(struct vm_spool *s, uint64_t i)
{
    struct vm_error e;
    size_t n = 0;
    const uint32_t *word = vm_spool_block(s, i, &n, &e);
    uint64_t rest = vm_spool_words(s) - i * BLOCK;
    assert_non_null(word);
    assert_int_equal(n, rest < BLOCK ? rest : BLOCK);
    for (size_t k = 0; k < n; k++)
        if (word[k] != word_at(i * BLOCK + k))
            fail_msg("word %zu of block %llu", k, (unsigned long long)i);
}

static void what_was_pushed_is_read_forward_and_backward(void **state)
{
    (void)state;
    const size_t memory[] = {0, 1, BLOCK_BYTES, 2 * BLOCK_BYTES + 7, 100 * BLOCK_BYTES};
    const uint64_t words[] = {1, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK, 5 * BLOCK + 17};
    const size_t pieces[] = {1000, BLOCK, 3 * BLOCK + 5};
    for (size_t m = 0; m < 5; m++) {
        for (size_t w = 0; w < 6; w++) {
            struct vm_spool *s = filled(memory[m], words[w], pieces[(m + w) % 3]);
            uint64_t blocks = (words[w] + BLOCK - 1) / BLOCK;
            for (uint64_t i = 0; i < blocks; i++)
                check_block(s, i);
            for (uint64_t i = blocks; i-- > 0;)
                check_block(s, i);
            vm_spool_close(s);
        }
    }
}

static void an_empty_spool_has_no_words(void **state)
{
    (void)state;
    struct vm_spool *s = filled(0, 0, 1);
    assert_int_equal(vm_spool_words(s), 0);
    vm_spool_close(s);
    vm_spool_close(NULL);
}

static void kept_changes_are_read_again(void **state)
{
    (void)state;
    struct vm_spool *s = filled(BLOCK_BYTES, 4 * BLOCK + 10, 777);
    for (uint64_t i = 5; i-- > 0;) {
        struct vm_error e;
        size_t n;
        uint32_t *word = vm_spool_block(s, i, &n, &e);
        assert_non_null(word);
        for (size_t k = 0; k < n; k++)
            word[k] = ~word[k];
        assert_true(vm_spool_keep(s, &e));
    }
    for (uint64_t i = 0; i < 5; i++) {
        struct vm_error e;
        size_t n;
        const uint32_t *word = vm_spool_block(s, i, &n, &e);
        assert_non_null(word);
        assert_int_equal(n, i < 4 ? BLOCK : 10);
        for (size_t k = 0; k < n; k++)
            if (word[k] != ~word_at(i * BLOCK + k))
                fail_msg("word %zu of block %llu", k, (unsigned long long)i);
    }
    vm_spool_close(s);
}

static void a_missing_temporary_folder_is_an_error_that_names_it(void **state)
{
    (void)state;
    struct vm_error e;
    uint32_t *words = calloc(BLOCK, sizeof *words);
    const char *old = getenv("TMPDIR");
    char *kept = old ? strdup(old) : NULL;
    setenv("TMPDIR", "/nonexistent/folder", 1);
    struct vm_spool *s = vm_spool_open(BLOCK_BYTES, &e);
    assert_non_null(s);
    assert_true(vm_spool_push(s, words, BLOCK, &e)); /* in memory: no file is needed yet */
    for (int again = 0; again < 2; again++) {
        assert_false(vm_spool_push(s, words, 1, &e));
        assert_int_equal(e.code, VM_ESYSTEM);
        assert_non_null(strstr(e.text, "/nonexistent/folder"));
    }
    assert_int_equal(vm_spool_words(s), BLOCK);
    vm_spool_close(s);
    if (kept)
        setenv("TMPDIR", kept, 1);
    else
        unsetenv("TMPDIR");
    free(kept);
    free(words);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_pushed_is_read_forward_and_backward),
        cmocka_unit_test(an_empty_spool_has_no_words),
        cmocka_unit_test(kept_changes_are_read_again),
        cmocka_unit_test(a_missing_temporary_folder_is_an_error_that_names_it),
    };
    return cmocka_run_group_tests_name("base_spool", tests, NULL, NULL);
}
