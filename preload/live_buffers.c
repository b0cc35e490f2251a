/* live_buffers.c - system calls with buffers in managed memory.
 *
 * The kernel does not fault in what it is given when it is absent: a read would fail, or end short
 * with data lost. So the pages are brought and pinned first, the call is made as it was meant, and
 * they are unpinned. What is longer than a piece (an eighth of the least limit) goes in pieces:
 * where a short transfer means something (files; a write that may block) the next ones follow until
 * all is done, elsewhere the first is the answer.
 *
 * futex looks at its word once, and sleeps long: it is not pinned but brought, and called anew when
 * the word had left again before the kernel looked.
 *
 * Pins that a signal handler of the program's leaves behind by a jump are found at the thread's
 * next call: the frames that made them lie deeper in the stack of handlers than that call's.
 *
 * What is refused, as a kernel that has none of it would: io_uring and asynchronous I/O, whose
 * buffers are used after the call. Addresses within what an ioctl describes are looked for in its
 * first words.
 */
#include "live.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#ifndef SYS_io_uring_setup
#define SYS_io_uring_setup 425
#endif
#ifndef SYS_epoll_pwait2
#define SYS_epoll_pwait2 441
#endif

#define PIECE_OF_LIMIT 8
#define TRIES_MAX      100000 /* until others have unpinned theirs */

enum extent { EXTENT_TIMES, EXTENT_VECTORS, EXTENT_MESSAGE, EXTENT_MESSAGES };

struct buffer {
    uint8_t argument, extent, counted_by;
    uint8_t each; /* bytes */
    enum vm_access access;
};

struct row {
    int number;
    struct buffer buffer;
};

#define TIMES(k, n) EXTENT_TIMES, k, n
#define VECTORS(k)  EXTENT_VECTORS, k, 0
#define MESSAGE     EXTENT_MESSAGE, 0, 0
#define MESSAGES(k) EXTENT_MESSAGES, k, 0
static const struct row rows[] = {
#define BUFFER(call, argument, extent, access) {SYS_##call, {argument, extent, access}},
#include "live_buffers.def"
#undef BUFFER
};

static const struct buffer *find_row(long number)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].number == number)
            return &rows[i].buffer;
    return NULL;
}

/* ---- pins ---- */

bool live_pin(struct live_thread *t, unsigned long at, size_t bytes, enum vm_access access)
{
    char frame;
    unsigned long end = at + bytes < live_world.area_end ? at + bytes : live_world.area_end;
    if (!live_world.needs_pins || !bytes || at + bytes <= live_world.area ||
        at >= live_world.area_end)
        return true;
    at = at > live_world.area ? at : live_world.area;
    if (!live_is_open((void *)at, end - at))
        return true; /* the kernel says that it cannot be */
    if (t->npins == LIVE_PINS_MAX)
        return false;
    for (int i = 0; !vm_live_pin(live_world.pager, (void *)at, end - at, access); i++) {
        if (i == TRIES_MAX)
            return false;
        live_call(SYS_sched_yield, 0, 0, 0, 0, 0, 0);
    }
    t->pin[t->npins++] = (struct live_pin){(void *)at, end - at, (uintptr_t)&frame};
    return true;
}

void live_unpin(struct live_thread *t, uint32_t down_to)
{
    while (t->npins > down_to) {
        const struct live_pin *p = &t->pin[--t->npins];
        vm_live_unpin(live_world.pager, p->at, p->bytes);
    }
}

void live_unpin_stale(struct live_thread *t, uintptr_t frame)
{
    uint32_t n = t->npins;
    while (n && t->pin[n - 1].frame < frame)
        n--;
    live_unpin(t, n);
}

/* ---- what a call reads and writes ---- */

/* The same for every limit, so that what a program does does not depend on it. */
static size_t piece_bytes(void)
{
    return (size_t)VM_PAGER_LIMIT_MIN / PIECE_OF_LIMIT * live_world.launch->page_bytes;
}

/* What cannot be cut. */
static size_t whole_bytes(void)
{
    return live_world.launch->limit_bytes / PIECE_OF_LIMIT;
}

/* What is known of it is that it begins there. */
static bool pin_unknown(struct live_thread *t, unsigned long at)
{
    if (!live_in_area(at))
        return true;
    unsigned long page_end = (at | (LIVE_PAGE - 1)) + 1, next_end = page_end + LIVE_PAGE;
    unsigned long end = live_is_open((void *)page_end, LIVE_PAGE) ? next_end : page_end;
    return live_pin(t, at, end - at, VM_WRITE);
}

static bool pin_vectors(struct live_thread *t, const struct iovec *v, size_t n,
                        enum vm_access access)
{
    bool all = true;
    for (size_t i = 0; i < n && all; i++)
        if (live_in_area((unsigned long)v[i].iov_base))
            all = live_pin(t, (unsigned long)v[i].iov_base, v[i].iov_len, access);
    return all;
}

/* The first n vectors less what is beyond `most` bytes: how many remain. */
static size_t shorten(struct iovec *v, size_t n, size_t most)
{
    for (size_t i = 0; i < n; i++) {
        if (v[i].iov_len > most) {
            v[i].iov_len = most;
            return i + (most > 0);
        }
        most -= v[i].iov_len;
    }
    return n;
}

static size_t vectors_bytes(const struct iovec *v, size_t n)
{
    size_t sum = 0;
    for (size_t i = 0; i < n; i++)
        sum = sum + v[i].iov_len < sum ? SIZE_MAX : sum + v[i].iov_len;
    return sum;
}

static bool touches_area(const struct iovec *v, size_t n)
{
    bool any = false;
    for (size_t i = 0; i < n; i++)
        any = any || live_in_area((unsigned long)v[i].iov_base);
    return any;
}

/* Every argument that is an address of managed memory, but for `known`. */
static bool pin_others(struct live_call *c, int known)
{
    bool all = true;
    for (int i = 0; i < 6 && all; i++)
        if (i != known)
            all = pin_unknown(c->thread, c->arg[i]);
    return all;
}

/* The call, with what is pinned; then no more. */
static void do_pinned(struct live_call *c, bool is_pinned, uint32_t pins)
{
    if (is_pinned)
        live_do(c);
    else
        c->result = -ENOMEM;
    live_unpin(c->thread, pins);
}

/* ---- pieces ---- */

/* Whether a transfer that ends short is an end to the program: then the rest must follow. */
static bool is_whole(const struct live_call *c, enum vm_access access)
{
    struct stat s;
    if (live_call(SYS_fstat, c->arg[0], (unsigned long)&s, 0, 0, 0, 0) != 0)
        return false;
    if (S_ISREG(s.st_mode) || S_ISBLK(s.st_mode))
        return true;
    long flags = live_call(SYS_fcntl, c->arg[0], F_GETFL, 0, 0, 0, 0);
    return access == VM_READ && flags >= 0 && !(flags & O_NONBLOCK);
}

static bool has_position(long number)
{
    return number == SYS_pread64 || number == SYS_pwrite64 || number == SYS_preadv ||
           number == SYS_pwritev || number == SYS_preadv2 || number == SYS_pwritev2;
}

static void advance_position(struct live_call *c, size_t bytes)
{
    if (has_position(c->number) && (long)c->arg[3] >= 0)
        c->arg[3] += bytes;
}

/* The answer to a call that was done in pieces: what was done, unless that is nothing. */
static void add_up(struct live_call *c, size_t done)
{
    if (done)
        c->result = (long)done;
}

static bool may_be_cut(long number)
{
    return number == SYS_read || number == SYS_write || number == SYS_pread64 ||
           number == SYS_pwrite64;
}

/* read, write, pread, pwrite of more than a piece. */
static enum live_done transfer(struct live_call *c, enum vm_access access)
{
    size_t wanted = c->arg[2], done = 0, piece = piece_bytes();
    bool goes_on = is_whole(c, access);
    do {
        uint32_t pins = c->thread->npins;
        size_t n = wanted - done < piece ? wanted - done : piece;
        c->arg[2] = n;
        do_pinned(c, live_pin(c->thread, c->arg[1], n, access), pins);
        if (c->result <= 0)
            break;
        done += (size_t)c->result;
        c->arg[1] += (unsigned long)c->result;
        advance_position(c, (size_t)c->result);
        if (done < wanted && (size_t)c->result == n)
            live_count(&live_world.launch->calls.pieces);
        else
            break;
    } while (goes_on);
    add_up(c, done);
    return LIVE_DONE;
}

static bool is_stream(const struct live_call *c)
{
    int type = 0, bytes = sizeof type;
    return live_call(SYS_getsockopt, c->arg[0], SOL_SOCKET, SO_TYPE, (unsigned long)&type,
                     (unsigned long)&bytes, 0) != 0 ||
           type == SOCK_STREAM;
}

static bool is_send(long number)
{
    return number == SYS_sendto || number == SYS_sendmsg || number == SYS_sendmmsg;
}

/* A buffer that a number of things says the length of. */
static enum live_done times(struct live_call *c, const struct buffer *b)
{
    uint32_t pins = c->thread->npins;
    size_t n = c->arg[b->counted_by], bytes = n * b->each, piece = piece_bytes();
    unsigned long at = c->arg[b->argument];
    if (!live_in_area(at)) {
        do_pinned(c, pin_others(c, b->argument), pins);
        return LIVE_DONE;
    }
    if (bytes > piece && may_be_cut(c->number))
        return transfer(c, b->access);
    if (bytes > piece && is_send(c->number) && !is_stream(c)) {
        c->result = -EMSGSIZE;
        return LIVE_DONE;
    }
    if (bytes > piece) {
        n = piece / b->each;
        c->arg[b->counted_by] = n;
        bytes = n * b->each;
    }
    do_pinned(c, live_pin(c->thread, at, bytes, b->access) && pin_others(c, b->argument), pins);
    return LIVE_DONE;
}

/* ---- vectors and messages ---- */

/* Drop what was done from the vectors' beginning: the number that remain, moved to the front. */
static size_t drop_done(struct iovec *v, size_t n, size_t done)
{
    size_t i = 0;
    while (i < n && done >= v[i].iov_len)
        done -= v[i++].iov_len;
    memmove(v, v + i, (n - i) * sizeof *v);
    if (i < n) {
        v[0].iov_base = (char *)v[0].iov_base + done;
        v[0].iov_len -= done;
    }
    return n - i;
}

/* n vectors of more than a piece; each is made of what is left of the program's own. */
static enum live_done transfer_vectors(struct live_call *c, const struct buffer *b, size_t n)
{
    struct iovec *v = c->thread->iov;
    unsigned long theirs = c->arg[b->argument];
    size_t done = 0, wanted = vectors_bytes(v, n);
    bool goes_on = is_whole(c, b->access);
    do {
        uint32_t pins = c->thread->npins;
        if (live_fetch(v, theirs, n * sizeof *v) != 0)
            break;
        size_t left = shorten(v, drop_done(v, n, done), piece_bytes());
        size_t bytes = vectors_bytes(v, left);
        c->arg[b->argument] = (unsigned long)v;
        c->arg[b->counted_by] = left;
        do_pinned(c, pin_vectors(c->thread, v, left, b->access), pins);
        if (c->result > 0)
            done += (size_t)c->result;
        if (c->result != (long)bytes || done == wanted)
            break;
        live_count(&live_world.launch->calls.pieces);
        advance_position(c, bytes);
    } while (goes_on);
    add_up(c, done);
    return LIVE_DONE;
}

static enum live_done vectors(struct live_call *c, const struct buffer *b)
{
    uint32_t pins = c->thread->npins;
    size_t n = c->arg[b->counted_by];
    struct iovec *v = c->thread->iov;
    if (n > LIVE_IOV_MAX || live_fetch(v, c->arg[b->argument], n * sizeof *v) != 0)
        return LIVE_PASS; /* the kernel says what it is */
    if (!touches_area(v, n) && !live_in_area(c->arg[b->argument]))
        return LIVE_PASS;
    if (vectors_bytes(v, n) > piece_bytes())
        return transfer_vectors(c, b, n);
    do_pinned(c,
              live_pin(c->thread, c->arg[b->argument], n * sizeof *v, VM_READ) &&
                  pin_vectors(c->thread, v, n, b->access) && pin_others(c, b->argument),
              pins);
    return LIVE_DONE;
}

/* What a message describes is pinned; *touches: whether any of it is managed. */
static bool pin_message(struct live_thread *t, const struct msghdr *m, enum vm_access access,
                        bool *touches)
{
    struct iovec *v = t->iov;
    size_t n = m->msg_iovlen;
    if (n > LIVE_IOV_MAX || live_fetch(v, (unsigned long)m->msg_iov, n * sizeof *v) != 0)
        return true; /* the kernel says what it is */
    *touches = *touches || touches_area(v, n) || live_in_area((unsigned long)m->msg_iov) ||
               live_in_area((unsigned long)m->msg_name) ||
               live_in_area((unsigned long)m->msg_control);
    return live_pin(t, (unsigned long)m->msg_iov, n * sizeof *v, VM_READ) &&
           live_pin(t, (unsigned long)m->msg_name, m->msg_namelen, VM_WRITE) &&
           live_pin(t, (unsigned long)m->msg_control, m->msg_controllen, VM_WRITE) &&
           pin_vectors(t, v, n, access);
}

/* Streams may end short: the message is cut, on the thread's own copy of it. */
static enum live_done cut_message(struct live_call *c, struct msghdr *m, enum vm_access access)
{
    uint32_t pins = c->thread->npins;
    unsigned long theirs = c->arg[1];
    bool touches = false;
    m->msg_iovlen = shorten(c->thread->iov, m->msg_iovlen, piece_bytes());
    m->msg_iov = c->thread->iov;
    bool all = pin_vectors(c->thread, m->msg_iov, m->msg_iovlen, access);
    struct msghdr rest = *m;
    rest.msg_iovlen = 0;
    all = all && pin_message(c->thread, &rest, access, &touches);
    c->arg[1] = (unsigned long)m;
    do_pinned(c, all, pins);
    if (c->result >= 0 && access == VM_WRITE) {
        rest = *m;
        struct msghdr told;
        if (live_fetch(&told, theirs, sizeof told) == 0) {
            told.msg_namelen = rest.msg_namelen;
            told.msg_controllen = rest.msg_controllen;
            told.msg_flags = rest.msg_flags;
            live_store(theirs, &told, sizeof told);
        }
    }
    return LIVE_DONE;
}

static enum live_done message(struct live_call *c, const struct buffer *b)
{
    uint32_t pins = c->thread->npins;
    struct msghdr m;
    bool touches = live_in_area(c->arg[1]);
    if (live_fetch(&m, c->arg[1], sizeof m) != 0)
        return LIVE_PASS;
    if (m.msg_iovlen <= LIVE_IOV_MAX &&
        live_fetch(c->thread->iov, (unsigned long)m.msg_iov, m.msg_iovlen * sizeof(struct iovec)) ==
            0 &&
        vectors_bytes(c->thread->iov, m.msg_iovlen) > piece_bytes() &&
        touches_area(c->thread->iov, m.msg_iovlen)) {
        if (!is_send(c->number) || is_stream(c))
            return cut_message(c, &m, b->access);
        if (vectors_bytes(c->thread->iov, m.msg_iovlen) > whole_bytes()) {
            c->result = -EMSGSIZE;
            return LIVE_DONE;
        }
    }
    bool all = live_pin(c->thread, c->arg[1], sizeof m, VM_WRITE) &&
               pin_message(c->thread, &m, b->access, &touches);
    if (!touches) {
        live_unpin(c->thread, pins);
        return LIVE_PASS;
    }
    do_pinned(c, all, pins);
    return LIVE_DONE;
}

/* Several: as many of them as can be pinned at once; the program sees how many were done. */
static enum live_done messages(struct live_call *c, const struct buffer *b)
{
    uint32_t pins = c->thread->npins;
    size_t n = c->arg[2] < LIVE_IOV_MAX ? c->arg[2] : LIVE_IOV_MAX, some = 0;
    bool touches = live_in_area(c->arg[1]);
    for (; some < n && c->thread->npins < LIVE_PINS_MAX / 2; some++) {
        struct mmsghdr m;
        unsigned long at = c->arg[1] + some * sizeof m;
        if (live_fetch(&m, at, sizeof m) != 0 || !live_pin(c->thread, at, sizeof m, VM_WRITE) ||
            !pin_message(c->thread, &m.msg_hdr, b->access, &touches))
            break;
    }
    if (!touches || !some) {
        live_unpin(c->thread, pins);
        return LIVE_PASS;
    }
    c->arg[2] = some;
    do_pinned(c, pin_unknown(c->thread, c->arg[4]), pins);
    return LIVE_DONE;
}

/* ---- calls with rules of their own ---- */

/* Its words are brought, not pinned: it may sleep for ever. */
static enum live_done futex(struct live_call *c)
{
    if (!live_in_area(c->arg[0]) && !live_in_area(c->arg[3]) && !live_in_area(c->arg[4]))
        return LIVE_PASS;
    const struct live_call asked = *c;
    for (int i = 0; i < TRIES_MAX; i++) {
        uint32_t pins = c->thread->npins;
        bool all = pin_unknown(c->thread, asked.arg[0]) && pin_unknown(c->thread, asked.arg[3]) &&
                   pin_unknown(c->thread, asked.arg[4]);
        live_unpin(c->thread, pins);
        *c = asked;
        live_do(c);
        if (!all || c->result != -EFAULT)
            break;
    }
    return LIVE_DONE;
}

/* What it describes may have addresses of its own. */
static bool pin_described(struct live_thread *t, unsigned long at)
{
    unsigned long word[16];
    bool all = true;
    if (at < LIVE_PAGE || live_fetch(word, at, sizeof word) != 0)
        return true;
    for (size_t i = 0; i < sizeof word / sizeof word[0] && all; i++)
        all = pin_unknown(t, word[i]);
    return all;
}

static enum live_done ioctl_call(struct live_call *c)
{
    uint32_t pins = c->thread->npins;
    bool all = pin_unknown(c->thread, c->arg[2]) && pin_described(c->thread, c->arg[2]);
    if (c->thread->npins == pins)
        return LIVE_PASS;
    do_pinned(c, all, pins);
    return LIVE_DONE;
}

static bool has_managed(const struct live_call *c)
{
    bool any = false;
    for (int i = 0; i < 6; i++)
        any = any || live_in_area(c->arg[i]);
    return any;
}

static enum live_done unknown(struct live_call *c)
{
    uint32_t pins = c->thread->npins;
    do_pinned(c, pin_others(c, -1), pins);
    return LIVE_DONE;
}

static enum live_done by_row(struct live_call *c, const struct buffer *b)
{
    switch ((enum extent)b->extent) {
    case EXTENT_VECTORS:
        return vectors(c, b);
    case EXTENT_MESSAGE:
        return message(c, b);
    case EXTENT_MESSAGES:
        return messages(c, b);
    case EXTENT_TIMES:
        break;
    }
    return has_managed(c) ? times(c, b) : LIVE_PASS;
}

enum live_done live_buffers_call(struct live_call *c)
{
    enum live_done done = LIVE_PASS;
    if (!live_world.needs_pins)
        return LIVE_PASS;
    if (c->number == SYS_io_uring_setup || c->number == SYS_io_setup) {
        c->result = -ENOSYS;
        return LIVE_DONE;
    }
    const struct buffer *b = find_row(c->number);
    if (b)
        done = by_row(c, b);
    else if (c->number == SYS_futex)
        done = futex(c);
    else if (c->number == SYS_ioctl)
        done = ioctl_call(c);
    else if (has_managed(c))
        done = unknown(c);
    if (done == LIVE_DONE)
        live_count(&live_world.launch->calls.pinned_calls);
    return done;
}
