/* call_select.c - pselect6: which of some descriptors are ready, as bits.
 *
 * The sets are read anew each time that the thread looks, and written only when it is done: so a
 * wait that goes on finds what was asked for.
 *
 * Source: select(2), of Linux: what makes a descriptor readable, writable or exceptional as poll's
 * bits, and that the sets are arrays of words of 64 bits.
 */
#include "kernel/kernel.h"
#include "kernel/stat.h"

#include <poll.h>

#define DESCRIPTORS_MOST 1024
#define WORDS_MOST       (DESCRIPTORS_MOST / 64)

static const unsigned meaning[] = {POLLIN | POLLHUP | POLLERR, POLLOUT | POLLERR, POLLPRI};
enum { SETS = 3 };

struct request {
    uint64_t n, words;
    vm_va at[SETS]; /* 0: nothing of the kind is asked for */
    uint64_t asked[SETS][WORDS_MOST], ready[SETS][WORDS_MOST];
    bool host; /* some are the host's */
};

static int64_t read_request(struct kernel *k, struct thread *t, const uint64_t *a,
                            struct request *r)
{
    *r = (struct request){.n = a[0], .words = (a[0] + 63) / 64};
    for (int set = 0; set < SETS; set++) {
        r->at[set] = a[1 + set];
        if (r->at[set] && vm_user_read(k, t, r->asked[set], r->at[set], r->words * 8))
            return -EFAULT;
    }
    return 0;
}

static bool is_asked(const struct request *r, int set, uint64_t fd)
{
    return r->asked[set][fd / 64] >> fd % 64 & 1;
}

/* How many bits are set of this descriptor; -EBADF. */
static int64_t look_at(struct kernel *k, struct thread *t, struct request *r, uint64_t fd)
{
    int64_t n = 0;
    if (!is_asked(r, 0, fd) && !is_asked(r, 1, fd) && !is_asked(r, 2, fd))
        return 0;
    struct open_file *f = vm_fd_file(t, fd);
    if (!f)
        return -EBADF;
    unsigned now = f->ops->ready(k, f);
    r->host |= f->ops == &vm_file_host;
    for (int set = 0; set < SETS; set++)
        if (is_asked(r, set, fd) && (now & meaning[set])) {
            r->ready[set][fd / 64] |= UINT64_C(1) << fd % 64;
            n++;
        }
    return n;
}

static int64_t give(struct kernel *k, struct thread *t, const struct request *r, int64_t n)
{
    for (int set = 0; set < SETS; set++)
        if (r->at[set] && vm_user_write(k, t, r->at[set], r->ready[set], r->words * 8))
            return -EFAULT;
    return n;
}

/* The signals that are blocked meanwhile: a pointer to a pointer to them. */
static int64_t block(struct kernel *k, struct thread *t, vm_va va)
{
    vm_va set = 0;
    if (va && vm_user_read(k, t, &set, va, sizeof set))
        return -EFAULT;
    return vm_call_block(k, t, set);
}

int64_t vm_call_pselect6(struct kernel *k, struct thread *t, const uint64_t *a)
{
    struct request r;
    if (a[0] > DESCRIPTORS_MOST)
        return -EINVAL;
    int64_t error = a[4] ? vm_call_set_end(k, t, a[4]) : 0, ready = 0;
    if (!error)
        error = read_request(k, t, a, &r);
    if (!error)
        error = block(k, t, a[5]);
    if (error)
        return error;
    for (uint64_t fd = 0; fd < r.n; fd++) {
        int64_t n = look_at(k, t, &r, fd);
        if (n < 0)
            return n;
        ready += n;
    }
    if (ready || (a[4] && k->now_ns >= t->call_until_ns))
        return give(k, t, &r, ready);
    return vm_thread_sleep(k, t, r.host ? vm_files_host_channel(k) : vm_files_channel(k),
                           a[4] ? t->call_until_ns : VM_TIME_NEVER);
}
