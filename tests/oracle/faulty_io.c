/* faulty_io.c - see faulty_io.h. */
#include "oracle/faulty_io.h"

#include "live/depot.h"
#include "unit/test.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct faulty_plan faulty_plan;

struct faulty {
    struct vm_random random;
    uint8_t *bytes;
    size_t nbytes, nwaiting;
    struct vm_io_request waiting[FAULTY_DEPTH];
};

static bool happens(struct faulty *f, uint32_t one_of)
{
    return one_of && vm_random_below(&f->random, one_of) == 0;
}

static bool fails(struct faulty *f, const struct vm_io_request *r)
{
    if (r->kind == VM_IO_WRITE)
        return faulty_plan.writes_all_fail || happens(f, faulty_plan.writes_fail);
    return happens(f, faulty_plan.reads_fail) ||
           (r->offset < faulty_plan.bad_to && faulty_plan.bad_from < r->offset + r->bytes);
}

static int32_t transfer(struct faulty *f, const struct vm_io_request *r)
{
    bool is_write = r->kind == VM_IO_WRITE, failed = fails(f, r);
    uint32_t bytes = !failed ? r->bytes : is_write && faulty_plan.writes_short ? r->bytes / 2 : 0;
    assert_true(r->offset + r->bytes <= f->nbytes && (uintptr_t)r->data % 4096 == 0);
    if (is_write) {
        memcpy(f->bytes + r->offset, r->data, bytes);
        faulty_plan.writes++;
    } else {
        memcpy(r->data, f->bytes + r->offset, bytes);
        memset((uint8_t *)r->data + bytes, 0xbd, r->bytes - bytes);
        faulty_plan.reads++;
    }
    return failed && !bytes ? -faulty_plan.error : (int32_t)bytes;
}

static void *faulty_open(const void *how, struct vm_error *e)
{
    (void)how, (void)e;
    return NULL; /* faulty_depot makes it */
}

static void faulty_start(void *io, const struct vm_io_request *request, size_t n)
{
    struct faulty *f = io;
    assert_true(f->nwaiting + n <= FAULTY_DEPTH);
    memcpy(f->waiting + f->nwaiting, request, n * sizeof *request);
    f->nwaiting += n;
}

static size_t reap_some(struct faulty *f, struct vm_io_done *done, size_t most)
{
    size_t n = 0;
    for (; n < most && f->nwaiting; n++) {
        size_t k = vm_random_below(&f->random, f->nwaiting);
        done[n] = (struct vm_io_done){f->waiting[k].tag, transfer(f, &f->waiting[k])};
        f->waiting[k] = f->waiting[--f->nwaiting];
    }
    return n;
}

static size_t faulty_reap(void *io, struct vm_io_done *done, size_t cap)
{
    struct faulty *f = io;
    return reap_some(f, done, faulty_plan.is_sync ? cap : vm_random_below(&f->random, 2));
}

static void faulty_wait(void *io)
{
    (void)io; /* sooner or later it is done */
}

static bool faulty_reopen(void *io)
{
    (void)io;
    return true;
}

static void faulty_close_io(void *io)
{
    struct faulty *f = io;
    free(f->bytes);
    free(f);
}

static const struct vm_io_ops faulty_ops = {
    .depth = FAULTY_DEPTH,
    .is_ahead = true,
    .open = faulty_open,
    .start = faulty_start,
    .reap = faulty_reap,
    .wait = faulty_wait,
    .reopen = faulty_reopen,
    .close = faulty_close_io,
};

static int reserve(void *medium, int file, uint64_t bytes)
{
    (void)medium, (void)file;
    return faulty_plan.room_bytes && bytes > faulty_plan.room_bytes ? ENOSPC : 0;
}

static int sync_nothing(void *medium, int file)
{
    (void)medium, (void)file;
    return 0;
}

static void close_nothing(void *medium)
{
    (void)medium;
}

static void *open_depot(const struct vm_store_env *env, struct vm_error *e)
{
    struct faulty *f = calloc(1, sizeof *f);
    assert_non_null(f);
    vm_random_seed(&f->random, env->pages_max);
    f->nbytes = (2 * env->pages_max + 1) * env->page_bytes;
    f->bytes = calloc(1, f->nbytes);
    assert_non_null(f->bytes);
    return vm_depot_open(env,
                         &(struct vm_medium){.io_ops = &faulty_ops,
                                             .io = f,
                                             .file = -1,
                                             .nslots = 2 * env->pages_max,
                                             .reserve = reserve,
                                             .sync = sync_nothing,
                                             .close = close_nothing},
                         e);
}

const struct vm_store_ops faulty_depot = {
    .name = "faulty",
    .summary = "a medium that fails",
    .open = open_depot,
    VM_DEPOT_OPS,
};
