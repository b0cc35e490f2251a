/* store_world.c - see store_world.h. */
#include "oracle/store_world.h"

#include "unit/test.h"

#include <pagoda/params.h>
#include <stdlib.h>
#include <string.h>

/* w->params are its parameters. */
static bool begin(struct store_world *w, const struct vm_store_ops *ops, uint32_t page_bytes,
                  size_t pages_max, uint64_t seed, struct vm_error *e)
{
    w->ops = ops;
    w->page_bytes = page_bytes;
    w->pages_max = pages_max;
    w->is_alone = true;
    vm_random_seed(&w->random, seed);
    w->store = w->ops->open(&(struct vm_store_env){.page_bytes = page_bytes,
                                                   .pages_max = pages_max,
                                                   .params = &w->params},
                            e);
    if (!w->store)
        return false;
    w->page = calloc(pages_max, sizeof *w->page);
    w->buffer = aligned_alloc(4096, (size_t)VM_STORE_BATCH * page_bytes + 4096);
    assert_true(w->page && w->buffer);
    return true;
}

bool store_world_open(struct store_world *w, const char *spec, uint32_t page_bytes,
                      size_t pages_max, uint64_t seed, struct vm_error *e)
{
    char name[32];
    const char *rest = vm_spec_split(spec, name, sizeof name);
    const struct vm_store_ops *ops = vm_store_find(name, e);
    *w = (struct store_world){0};
    return ops && vm_params_parse(&w->params, name, ops->param, ops->nparams, rest, e) &&
           begin(w, ops, page_bytes, pages_max, seed, e);
}

bool store_world_begin(struct store_world *w, const struct vm_store_ops *ops, uint32_t page_bytes,
                       size_t pages_max, uint64_t seed, struct vm_error *e)
{
    *w = (struct store_world){0};
    return vm_params_parse(&w->params, ops->name, ops->param, ops->nparams, "", e) &&
           begin(w, ops, page_bytes, pages_max, seed, e);
}

void store_world_close(struct store_world *w)
{
    struct vm_store_usage usage;
    while (w->npages)
        store_world_drop(w, w->npages - 1);
    w->ops->usage(w->store, &usage);
    assert_int_equal(usage.pages, 0);
    w->ops->check(w->store);
    w->ops->close(w->store);
    free(w->page);
    free(w->buffer);
}

void store_page_make(uint8_t *page, uint32_t page_bytes, uint64_t seed)
{
    struct vm_random random;
    vm_random_seed(&random, seed);
    uint64_t *word = (uint64_t *)(void *)page, first = vm_random_u64(&random);
    uint32_t kind = seed % 8, n = page_bytes / 8;
    uint32_t noise = kind == 0   ? 0
                     : kind <= 2 ? 0
                     : kind <= 5 ? n / kind
                     : kind == 6 ? n - n / 9
                                 : n;
    first = kind == 0 ? 0 : kind == 1 ? first >> 40 : seed % 16 == 2 ? UINT64_MAX : first;
    for (uint32_t i = 0; i < n; i++)
        word[i] = i < noise ? vm_random_u64(&random) : first;
}

bool store_page_is(const uint8_t *page, uint32_t page_bytes, uint64_t seed)
{
    uint8_t *expected = malloc(page_bytes);
    assert_non_null(expected);
    store_page_make(expected, page_bytes, seed);
    bool is = !memcmp(page, expected, page_bytes);
    free(expected);
    return is;
}

/* Where a page of a batch lies: now and then not aligned. */
static void places(struct store_world *w, uint8_t **place, size_t n)
{
    size_t shift = vm_random_below(&w->random, 3) ? 0 : 8 * vm_random_below(&w->random, 512);
    for (size_t i = 0; i < n; i++)
        place[i] = w->buffer + shift + i * w->page_bytes;
}

size_t store_world_write(struct store_world *w, size_t n, int *error)
{
    uint8_t *place[VM_STORE_BATCH];
    vm_stored handle[VM_STORE_BATCH];
    uint64_t seed[VM_STORE_BATCH];
    size_t kept = 0;
    n = n < w->pages_max - w->npages ? n : w->pages_max - w->npages;
    places(w, place, n);
    for (size_t i = 0; i < n; i++)
        store_page_make(place[i], w->page_bytes, seed[i] = vm_random_u64(&w->random));
    *error = 0;
    size_t said = w->ops->write(w->store, (const void *const *)place, n, handle, error);
    for (size_t i = 0; i < n; i++)
        if (handle[i]) {
            assert_true(handle[i] != UINT64_MAX);
            w->page[w->npages++] = (struct store_page){handle[i], seed[i], 1};
            kept++;
        }
    assert_int_equal(said, kept);
    assert_true(kept == n || *error);
    w->refused += n - kept;
    memset(w->buffer, 0xee, (size_t)VM_STORE_BATCH * w->page_bytes + 4096);
    return kept;
}

static void read_these(struct store_world *w, const size_t *which, size_t n)
{
    uint8_t *place[VM_STORE_BATCH];
    vm_stored handle[VM_STORE_BATCH];
    bool ok[VM_STORE_BATCH] = {0};
    places(w, place, n);
    for (size_t i = 0; i < n; i++)
        handle[i] = w->page[which[i]].handle;
    assert_int_equal(w->ops->read(w->store, handle, (void *const *)place, n, ok), 0);
    for (size_t i = 0; i < n; i++)
        assert_true(ok[i] && store_page_is(place[i], w->page_bytes, w->page[which[i]].seed));
}

/* A stretch of pages as they were written, or any. */
static size_t choose(struct store_world *w, size_t *which, size_t n)
{
    size_t first = vm_random_below(&w->random, w->npages);
    bool together = vm_random_below(&w->random, 2);
    for (size_t i = 0; i < n; i++)
        which[i] = together ? (first + i) % w->npages : vm_random_below(&w->random, w->npages);
    return n;
}

void store_world_read(struct store_world *w, size_t n)
{
    size_t which[VM_STORE_BATCH];
    if (w->npages)
        read_these(w, which, choose(w, which, n));
}

void store_world_read_all(struct store_world *w)
{
    size_t which[64], n = 0;
    for (size_t i = 0; i < w->npages; i++) {
        which[n++] = i;
        if (n == 64 || i + 1 == w->npages) {
            read_these(w, which, n);
            n = 0;
        }
    }
}

void store_world_drop(struct store_world *w, size_t i)
{
    w->ops->drop(w->store, w->page[i].handle);
    if (--w->page[i].holders == 0)
        w->page[i] = w->page[--w->npages];
}

static void hint(struct store_world *w, size_t n)
{
    size_t which[VM_STORE_BATCH];
    vm_stored handle[VM_STORE_BATCH];
    if (!w->npages)
        return;
    choose(w, which, n);
    for (size_t i = 0; i < n; i++)
        handle[i] = w->page[which[i]].handle;
    w->ops->soon(w->store, handle, n);
    if (vm_random_below(&w->random, 4))
        read_these(w, which, n);
}

void store_world_step(struct store_world *w)
{
    int error;
    struct vm_random *r = &w->random;
    size_t n = 1 + vm_random_below(r, vm_random_below(r, 8) ? 16 : VM_STORE_BATCH), i;
    switch (vm_random_below(r, 12)) {
    case 0 ... 3:
        store_world_write(w, n, &error);
        break;
    case 4 ... 6:
        store_world_read(w, n);
        break;
    case 7:
        hint(w, n);
        break;
    case 8:
        if (w->npages) {
            i = vm_random_below(r, w->npages);
            w->ops->hold(w->store, w->page[i].handle);
            w->page[i].holders++;
        }
        break;
    case 9 ... 10:
        for (; n && w->npages; n--)
            store_world_drop(w, vm_random_below(r, w->npages));
        break;
    default:
        if (vm_random_below(r, 4) == 0)
            assert_int_equal(w->ops->flush(w->store), 0);
        if (w->is_alone)
            w->ops->check(w->store);
    }
}
