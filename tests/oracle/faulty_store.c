/* faulty_store.c - a store that fails; see the header. */
#include "oracle/faulty_store.h"

#include <errno.h>
#include <string.h>

static size_t write_pages(void *store, const void *const *page, size_t n, vm_stored *handle,
                          int *error)
{
    struct faulty_store *f = store;
    int64_t left = atomic_fetch_sub(&f->writes_left, (int64_t)n);
    size_t may = left <= 0 ? 0 : left < (int64_t)n ? (size_t)left : n;
    size_t kept = may ? f->ops->write(f->store, page, may, handle, error) : 0;
    if (may < n) {
        *error = f->error;
        atomic_fetch_add(&f->refused, n - may);
    }
    memset(handle + may, 0, (n - may) * sizeof *handle);
    return kept;
}

static void spoil(struct faulty_store *f, uint8_t *page, size_t bytes)
{
    atomic_fetch_add(&f->spoiled, 1);
    if (f->reads == READS_NOTHING)
        memset(page, 0, bytes);
    else
        memset(page + bytes / 2, 0xee, bytes - bytes / 2);
}

static int read_pages(void *store, const vm_stored *handle, void *const *page, size_t n, bool *ok)
{
    struct faulty_store *f = store;
    if (f->reads == READS_FAIL) {
        atomic_fetch_add(&f->spoiled, n);
        memset(ok, 0, n * sizeof *ok);
        return EIO;
    }
    int failed = f->ops->read(f->store, handle, page, n, ok);
    for (size_t i = 0; f->reads != READS_RIGHT && i < n; i++)
        spoil(f, page[i], 4096);
    return failed;
}

static void soon(void *store, const vm_stored *handle, size_t n)
{
    struct faulty_store *f = store;
    f->ops->soon(f->store, handle, n);
}

static void hold(void *store, vm_stored handle)
{
    struct faulty_store *f = store;
    f->ops->hold(f->store, handle);
}

static void drop(void *store, vm_stored handle)
{
    struct faulty_store *f = store;
    f->ops->drop(f->store, handle);
}

static int flush(void *store)
{
    struct faulty_store *f = store;
    return f->ops->flush(f->store);
}

static void usage(void *store, struct vm_store_usage *out)
{
    struct faulty_store *f = store;
    f->ops->usage(f->store, out);
}

static void fork_before(void *store)
{
    struct faulty_store *f = store;
    f->ops->fork_before(f->store);
}

static bool fork_after(void *store, bool is_child)
{
    struct faulty_store *f = store;
    return f->ops->fork_after(f->store, is_child);
}

static void check(void *store)
{
    struct faulty_store *f = store;
    f->ops->check(f->store);
}

static void close_inner(void *store)
{
    struct faulty_store *f = store;
    f->ops->close(f->store);
}

static const struct vm_store_ops faulty = {
    .name = "faulty",
    .summary = "fails when a test says so",
    .write = write_pages,
    .read = read_pages,
    .soon = soon,
    .hold = hold,
    .drop = drop,
    .flush = flush,
    .usage = usage,
    .fork_before = fork_before,
    .fork_after = fork_after,
    .check = check,
    .close = close_inner,
};

void faulty_store_mend(struct faulty_store *f)
{
    atomic_store(&f->writes_left, INT64_MAX / 2);
    atomic_store(&f->reads, READS_RIGHT);
}

void faulty_store_refuse(struct faulty_store *f, int64_t writes_left, int error)
{
    atomic_store(&f->error, error);
    atomic_store(&f->writes_left, writes_left);
}

void faulty_store_enter(struct faulty_store *f, struct vm_live *l)
{
    *f = (struct faulty_store){.ops = l->store_ops, .store = l->store};
    faulty_store_mend(f);
    l->store_ops = &faulty;
    l->store = f;
}
