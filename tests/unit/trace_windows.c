/* A trace does not depend on where the windows of its bytes end: read through windows that end
 * anywhere, each a piece of memory of exactly its size that is gone with the next.
 *
 * This file stands in for base/bytes.c with a source of such windows. */
#include "base/bytes.h"
#include "trace_samples.h"

struct vm_bytes {
    const uint8_t *data;
    size_t n, at;
    uint8_t *window;
    unsigned turn;
    char name[20];
};

static size_t extra_bytes; /* how much more than is wanted a window has, at most */

struct vm_bytes *vm_bytes_open_memory(const void *data, size_t bytes, const char *name,
                                      struct vm_error *e)
{
    (void)e;
    struct vm_bytes *b = calloc(1, sizeof *b);
    b->data = data;
    b->n = bytes;
    snprintf(b->name, sizeof b->name, "%s", name);
    return b;
}

struct vm_bytes *vm_bytes_open(const char *path, struct vm_error *e)
{
    vm_fail(e, VM_ESYSTEM, "%s: not here", path);
    return NULL;
}

const uint8_t *vm_bytes_peek(struct vm_bytes *b, size_t want, size_t *got, struct vm_error *e)
{
    (void)e;
    size_t left = b->n - b->at, n = want + (extra_bytes ? b->turn++ % extra_bytes : 0);
    *got = n < left ? n : left;
    free(b->window);
    b->window = malloc(*got ? *got : 1);
    memcpy(b->window, b->data + b->at, *got);
    return b->window;
}

void vm_bytes_skip(struct vm_bytes *b, size_t n)
{
    b->at += n;
}

uint64_t vm_bytes_offset(const struct vm_bytes *b)
{
    return b->at;
}

bool vm_bytes_seekable(const struct vm_bytes *b)
{
    (void)b;
    return false;
}

bool vm_bytes_seek(struct vm_bytes *b, uint64_t offset, struct vm_error *e)
{
    (void)offset;
    return vm_fail(e, VM_ESYSTEM, "%s: no way back", b->name);
}

uint64_t vm_bytes_size(const struct vm_bytes *b)
{
    (void)b;
    return 0;
}

void vm_bytes_progress(const struct vm_bytes *b, uint64_t *done, uint64_t *all)
{
    *done = b->at;
    *all = b->n;
}

uint64_t vm_bytes_hash(const struct vm_bytes *b)
{
    return b->at;
}

const char *vm_bytes_name(const struct vm_bytes *b)
{
    return b->name;
}

void vm_bytes_close(struct vm_bytes *b)
{
    if (b)
        free(b->window);
    free(b);
}

/* A sample behind a comment or banner of each length, so that the first window, of one line at
 * most, ends at each byte of it. */
static void a_line_may_lie_across_any_window_end(void **state)
{
    (void)state;
    struct sample samples[SAMPLES];
    samples_fill(samples);
    for (size_t i = 0; i < SAMPLES; i++) {
        const struct sample *s = &samples[i];
        if (s->record)
            continue;
        for (size_t pad = 4097 - s->n; pad <= 4097; pad++) {
            uint8_t *data = malloc(pad + s->n);
            memset(data, strcmp(s->format, "lackey") ? '#' : '=', pad);
            data[pad / 2] = data[pad - 1] = '\n';
            data[pad / 2 + 1] = data[0];
            memcpy(data + pad, s->data, s->n);
            for (extra_bytes = 0; extra_bytes < 40; extra_bytes += 13)
                assert_reads(data, pad + s->n, s->format, s->says);
            free(data);
        }
    }
}

/* 6,000 lines, so that batches end in windows and windows in batches. */
static void a_long_text_reads_the_same_through_any_windows(void **state)
{
    (void)state;
    size_t n = 0;
    char *text = malloc(6000 * 40);
    struct transcript expected = {0};
    for (unsigned i = 0; i < 6000; i++) {
        n += (size_t)sprintf(text + n, i % 2 ? " M %08x,%u\n" : " S 1fff%06x,%u\n", i, 1 + i % 9);
        if (i % 2)
            say(&expected, "r%x/%u w%x/%u", i, 1 + i % 9, i, 1 + i % 9);
        else
            say(&expected, "w1fff%06x/%u", i, 1 + i % 9);
    }
    for (extra_bytes = 0; extra_bytes < 60; extra_bytes += 7)
        assert_reads(text, n, NULL, expected.text);
    free(expected.text);
    free(text);
}

static void records_read_the_same_through_any_windows(void **state)
{
    (void)state;
    struct sample samples[SAMPLES];
    samples_fill(samples);
    for (extra_bytes = 0; extra_bytes < 200; extra_bytes += 13)
        for (size_t i = 0; i < SAMPLES; i++)
            assert_reads(samples[i].data, samples[i].n, NULL, samples[i].says);
}

/* The line number of an error counts the lines of all windows and batches before. */
static void an_error_after_many_windows_has_its_line_number(void **state)
{
    (void)state;
    size_t n = 0;
    char *text = malloc(12048 * 40);
    for (unsigned i = 1; i < 12048; i++)
        n += (size_t)sprintf(
            text + n,
            i % 100 ? "I  %08x,3\n" : "SYSCALL[1,1](56) x --> Success(0x15f4) I  %08x,3\n", i);
    n += (size_t)sprintf(text + n, " L 0x7fz,8\n");
    for (extra_bytes = 0; extra_bytes < 60; extra_bytes += 17)
        assert_refuses(text, n, "lackey",
                       "sample:12048: bad address \"0x7fz\": expected hex digits");
    free(text);
}

static void a_line_too_long_is_told_wherever_windows_end(void **state)
{
    (void)state;
    for (size_t pad = 1; pad < 200; pad += 7) {
        char *text = malloc(9000);
        memset(text, '1', 9000);
        memset(text, '\n', pad);
        text[8999] = '\n';
        char error[80];
        snprintf(error, sizeof error, "sample:%zu: line too long: expected at most 4096 bytes",
                 pad + 1);
        for (extra_bytes = 0; extra_bytes < 6000; extra_bytes += 1999)
            assert_refuses(text, 9000, "pages", error);
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_may_lie_across_any_window_end),
        cmocka_unit_test(a_long_text_reads_the_same_through_any_windows),
        cmocka_unit_test(records_read_the_same_through_any_windows),
        cmocka_unit_test(an_error_after_many_windows_has_its_line_number),
        cmocka_unit_test(a_line_too_long_is_told_wherever_windows_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
