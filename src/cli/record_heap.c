/* record_heap.c - see record_heap.h; base/request_ring.h says how the program tells, and
 * preload/record_heap.c is what is loaded into it.
 *
 *     program with the library --(ring of shared memory)--> collector --> .pgt
 *
 * The idea: what was told comes out in one order; here it gets small numbers for threads and sites,
 * and a realloc's two turns become one event. Sites get their names at the end, from the symbols of
 * the files that were loaded where they lie.
 *
 * Invariants
 *  1. No two live blocks of the events overlap, if the heap was sound. So a realloc is told when it
 *     is done, as one resize, unless another thread got its old address before that: then it is a
 *     free there and an alloc when it is done.
 *  2. Whatever the program's end, what it told before is written. Of a turn that was taken and
 *     never told (a thread killed within) nothing is known.
 */
#include "cli/record_heap.h"

#include "base/intern.h"
#include "base/request_ring.h"
#include "cli/beside.h"
#include "cli/site_names.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LIBRARY   "pagoda-record-heap.so"
#define REST_NS   200000 /* between looks into an empty ring: it holds what some ms can ask */
#define LEVEL     3  /* of zstd: a program waits for it. Level 9: 5 % smaller, 1.6 times as long */
#define IMAGE_BIT 48 /* addresses of a program are below; the number of its image above */

struct pending { /* a realloc under way */
    struct request_slot begun;
    bool split; /* told as a free already */
};

struct collector {
    struct request_ring *ring;
    struct vm_pgt_writer *out;
    struct vm_intern threads, sites; /* a site: image << IMAGE_BIT | address */
    struct pending *pending;
    size_t npending, pending_cap;
    uint64_t requests;
    uint32_t nevents;
    struct vm_event event[VM_BATCH_EVENTS];
};

/* -- From turns to events -------------------------------------------------------------------- */

static bool flush(struct collector *c, struct vm_error *e)
{
    struct vm_batch batch = {.nevents = c->nevents, .event = c->event};
    c->nevents = 0;
    return vm_pgt_append(c->out, &batch, e);
}

static bool put(struct collector *c, const struct request_slot *s, struct vm_event event,
                struct vm_error *e)
{
    uint64_t pc = s->pc & ((UINT64_C(1) << IMAGE_BIT) - 1);
    uint32_t thread = vm_intern_id(&c->threads, s->thread);
    uint32_t site = vm_intern_id(&c->sites, (uint64_t)s->image << IMAGE_BIT | pc);
    if (thread == UINT32_MAX || site == UINT32_MAX)
        return vm_fail(e, VM_ESYSTEM, "out of memory for threads and sites");
    event.thread = thread + 1;
    event.site = site < VM_SITES_MAX ? site + 1 : 0;
    event.detail = s->call;
    c->event[c->nevents++] = event;
    c->requests++;
    return c->nevents < VM_BATCH_EVENTS || flush(c, e);
}

static bool begin_resize(struct collector *c, const struct request_slot *s, struct vm_error *e)
{
    if (c->npending == c->pending_cap) {
        size_t cap = c->pending_cap ? 2 * c->pending_cap : 16;
        struct pending *pending = realloc(c->pending, cap * sizeof *pending);
        if (!pending)
            return vm_fail(e, VM_ESYSTEM, "out of memory for a recording");
        c->pending = pending;
        c->pending_cap = cap;
    }
    c->pending[c->npending++] = (struct pending){*s, false};
    return true;
}

static bool end_resize(struct collector *c, const struct request_slot *s, struct vm_error *e)
{
    size_t i = c->npending;
    while (i > 0 &&
           (c->pending[i - 1].begun.thread != s->thread || c->pending[i - 1].begun.from != s->from))
        i--;
    bool split = i > 0 && c->pending[i - 1].split;
    if (i > 0)
        c->pending[i - 1] = c->pending[--c->npending];
    struct vm_event event = {.kind = split ? VM_EVENT_ALLOC : VM_EVENT_RESIZE,
                             .va = s->va,
                             .bytes = s->bytes,
                             .from = split ? 0 : s->from};
    return put(c, s, event, e);
}

/* Somebody got the block at `va`: a realloc under way that had it has given it back. */
static bool yield_block(struct collector *c, const struct request_slot *s, struct vm_error *e)
{
    for (size_t i = 0; i < c->npending; i++) {
        struct pending *p = &c->pending[i];
        const struct request_slot *b = &p->begun;
        if (b->from != s->va || p->split || (b->thread == s->thread && b->from == s->from))
            continue;
        p->split = true;
        if (!put(c, b, (struct vm_event){.kind = VM_EVENT_FREE, .va = b->from}, e))
            return false;
    }
    return true;
}

static bool begin_image(struct collector *c, struct vm_error *e)
{
    c->npending = 0;
    c->event[c->nevents++] = (struct vm_event){.kind = VM_EVENT_EXEC};
    return flush(c, e);
}

static bool collect(struct collector *c, const struct request_slot *s, struct vm_error *e)
{
    switch ((enum request_told)s->kind) {
    case REQUEST_TOLD_ALLOC:
        return yield_block(c, s, e) &&
               put(c, s,
                   (struct vm_event){
                       .kind = VM_EVENT_ALLOC, .va = s->va, .bytes = s->bytes, .align = s->align},
                   e);
    case REQUEST_TOLD_FREE:
        return put(c, s, (struct vm_event){.kind = VM_EVENT_FREE, .va = s->va}, e);
    case REQUEST_TOLD_RESIZE:
        return begin_resize(c, s, e);
    case REQUEST_TOLD_RESIZED:
        return yield_block(c, s, e) && end_resize(c, s, e);
    case REQUEST_TOLD_EXEC:
        return begin_image(c, e);
    }
    return true; /* the program wrote over the ring: nothing to learn from this turn */
}

/* Take what was told, up to a turn that was not; *took: whether there was any. */
static bool drain(struct collector *c, bool *took, struct vm_error *e)
{
    struct request_ring *ring = c->ring;
    uint64_t turn = atomic_load_explicit(&ring->tail, memory_order_relaxed);
    *took = false;
    for (;; turn++) {
        struct request_slot *slot = &ring->slot[turn % REQUEST_RING_SLOTS];
        if (atomic_load_explicit(&slot->told, memory_order_acquire) != turn + 1)
            return true;
        if (!collect(c, slot, e))
            return false;
        atomic_store_explicit(&ring->tail, turn + 1, memory_order_release);
        *took = true;
    }
}

/* The program has ended: pass over turns that were taken and never told. */
static bool drain_rest(struct collector *c, struct vm_error *e)
{
    bool took;
    while (drain(c, &took, e)) {
        uint64_t turn = atomic_load(&c->ring->tail), head = atomic_load(&c->ring->head);
        if (turn >= head || head - turn > REQUEST_RING_SLOTS)
            return true;
        atomic_store(&c->ring->tail, turn + 1);
    }
    return false;
}

static bool follow(struct collector *c, pid_t child, int *status, struct vm_error *e)
{
    const struct timespec rest = {.tv_nsec = REST_NS};
    bool took;
    for (;;) {
        if (!drain(c, &took, e))
            return false;
        if (took)
            continue;
        if (waitpid(child, status, WNOHANG) == child)
            return drain_rest(c, e);
        nanosleep(&rest, NULL);
    }
}

/* -- Names of sites -------------------------------------------------------------------------- */

static bool name_sites(struct collector *c, struct vm_error *e)
{
    uint32_t n = atomic_load(&c->ring->modules);
    struct site_names *names =
        site_names_open(c->ring->module, n < REQUEST_RING_MODULES ? n : REQUEST_RING_MODULES, e);
    bool done = names;
    for (uint32_t i = 0; done && i < c->sites.n && i < VM_SITES_MAX; i++) {
        char name[SITE_NAME];
        uint64_t key = c->sites.keys[i], pc = key & ((UINT64_C(1) << IMAGE_BIT) - 1);
        done =
            vm_pgt_name_site(c->out, site_name(names, (uint32_t)(key >> IMAGE_BIT), pc, name), e);
    }
    site_names_close(names);
    return done;
}

/* -- The program ----------------------------------------------------------------------------- */

/* In the child: become the program, with the library. */
static void exec_program(char **program, const char *library, int fd, struct request_ring *ring)
{
    char preload[8192], where[64];
    const char *before = getenv("LD_PRELOAD");
    snprintf(preload, sizeof preload, "%s%s%s", library, before && *before ? ":" : "",
             before ? before : "");
    snprintf(where, sizeof where, "/proc/%ld/fd/%d", (long)ring->reader, fd);
    setenv("LD_PRELOAD", preload, 1);
    setenv(REQUEST_RING_ENV, where, 1);
    atomic_store(&ring->process, (uint32_t)getpid());
    execvp(program[0], program);
    _exit(127);
}

static struct request_ring *make_ring(int *fd, struct vm_error *e)
{
    *fd = memfd_create("pagoda requests", MFD_CLOEXEC);
    void *ring = MAP_FAILED;
    if (*fd >= 0 && ftruncate(*fd, sizeof(struct request_ring)) == 0)
        ring = mmap(NULL, sizeof(struct request_ring), PROT_READ | PROT_WRITE, MAP_SHARED, *fd, 0);
    if (ring != MAP_FAILED) {
        ((struct request_ring *)ring)->reader = (uint32_t)getpid();
        return ring;
    }
    vm_fail(e, VM_ESYSTEM, "memory to share with a program: %s", strerror(errno));
    if (*fd >= 0)
        close(*fd);
    return NULL;
}

static bool run_program(struct collector *c, char **program, int fd, int *status,
                        struct vm_error *e)
{
    char library[BESIDE_PATH];
    if (!beside_find(LIBRARY, library, e))
        return false;
    pid_t child = fork();
    if (child == 0)
        exec_program(program, library, fd, c->ring);
    if (child < 0)
        return vm_fail(e, VM_ESYSTEM, "fork: %s", strerror(errno));
    /* An interrupt ends the program; what it asked until then is kept. */
    signal(SIGINT, SIG_IGN);
    if (!follow(c, child, status, e)) {
        kill(child, SIGTERM);
        waitpid(child, status, 0);
        return false;
    }
    if (atomic_load(&c->ring->images))
        return true;
    vm_fail(e, VM_ESYSTEM,
            "%s: told nothing: expected a program that is linked dynamically, "
            "with glibc, and runs with nobody else's rights",
            program[0]);
    return false;
}

static bool collect_program(struct collector *c, char **program, int fd, int *status,
                            struct vm_error *e)
{
    return vm_intern_open(&c->threads, e) && vm_intern_open(&c->sites, e) &&
           run_program(c, program, fd, status, e) && flush(c, e) && name_sites(c, e);
}

bool record_heap(char **program, const char *path, const char *origin, uint64_t *requests,
                 int *status, struct vm_error *e)
{
    int fd;
    struct vm_pgt_options options = {.origin = origin, .level = LEVEL};
    struct collector *c = calloc(1, sizeof *c);
    if (!c)
        return vm_fail(e, VM_ESYSTEM, "out of memory for a recording");
    bool done = (c->ring = make_ring(&fd, e)) && (c->out = vm_pgt_create(path, &options, e)) &&
                collect_program(c, program, fd, status, e);
    if (done)
        done = vm_pgt_finish(c->out, e);
    else
        vm_pgt_abort(c->out);
    *requests = c->requests;
    if (c->ring) {
        munmap(c->ring, sizeof *c->ring);
        close(fd);
    }
    vm_intern_close(&c->threads);
    vm_intern_close(&c->sites);
    free(c->pending);
    free(c);
    return done;
}
