/* record_heap.c - see record_heap.h; base/request_ring.h says how the program tells, and
 * preload/record_heap.c is what is loaded into it.
 *
 *     program with the library --(ring of shared memory)--> collector --> .pgt
 *
 * The idea: what was told comes out in one order, and trace/collector.h makes events of it. Sites
 * get their names at the end, from the symbols of the files that were loaded where they lie.
 *
 * Invariant: whatever the program's end, what it told before is written. Of a turn that was taken
 * and never told (a thread killed within) nothing is known.
 */
#include "cli/record_heap.h"

#include "cli/beside.h"
#include "cli/site_names.h"
#include "trace/collector.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LIBRARY "pagoda-record-heap.so"
#define REST_NS 200000 /* between looks into an empty ring: it holds what some ms can ask */
#define LEVEL   3 /* of zstd: a program waits for it. Level 9: 5 % smaller, 1.6 times as long */

struct recorder {
    struct request_ring *ring;
    struct vm_pgt_writer *out;
    struct collector collector;
};

/* -- Turns ----------------------------------------------------------------------------------- */

/* Take what was told, up to a turn that was not; *took: whether there was any. */
static bool drain(struct recorder *r, bool *took, struct vm_error *e)
{
    struct request_ring *ring = r->ring;
    uint64_t turn = atomic_load_explicit(&ring->tail, memory_order_relaxed);
    *took = false;
    for (;; turn++) {
        struct request_slot *slot = &ring->slot[turn % REQUEST_RING_SLOTS];
        if (atomic_load_explicit(&slot->told, memory_order_acquire) != turn + 1)
            return true;
        if (!collector_take(&r->collector, slot, e))
            return false;
        atomic_store_explicit(&ring->tail, turn + 1, memory_order_release);
        *took = true;
    }
}

/* The program has ended: pass over turns that were taken and never told. */
static bool drain_rest(struct recorder *r, struct vm_error *e)
{
    bool took;
    while (drain(r, &took, e)) {
        uint64_t turn = atomic_load(&r->ring->tail), head = atomic_load(&r->ring->head);
        if (turn >= head || head - turn > REQUEST_RING_SLOTS)
            return true;
        atomic_store(&r->ring->tail, turn + 1);
    }
    return false;
}

static bool follow(struct recorder *r, pid_t child, int *status, struct vm_error *e)
{
    const struct timespec rest = {.tv_nsec = REST_NS};
    bool took;
    for (;;) {
        if (!drain(r, &took, e))
            return false;
        if (took)
            continue;
        if (waitpid(child, status, WNOHANG) == child)
            return drain_rest(r, e);
        nanosleep(&rest, NULL);
    }
}

/* -- Names of sites -------------------------------------------------------------------------- */

static bool name_sites(struct recorder *r, struct vm_error *e)
{
    uint32_t n = atomic_load(&r->ring->modules);
    struct site_names *names =
        site_names_open(r->ring->module, n < REQUEST_RING_MODULES ? n : REQUEST_RING_MODULES, e);
    bool done = names;
    for (uint32_t i = 0; done && i < r->collector.sites.n && i < VM_SITES_MAX; i++) {
        char name[SITE_NAME];
        uint64_t key = r->collector.sites.keys[i],
                 pc = key & ((UINT64_C(1) << COLLECTOR_IMAGE_BIT) - 1);
        done = vm_pgt_name_site(
            r->out, site_name(names, (uint32_t)(key >> COLLECTOR_IMAGE_BIT), pc, name), e);
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

static bool run_program(struct recorder *r, char **program, int fd, int *status, struct vm_error *e)
{
    char library[BESIDE_PATH];
    if (!beside_find(LIBRARY, library, e))
        return false;
    pid_t child = fork();
    if (child == 0)
        exec_program(program, library, fd, r->ring);
    if (child < 0)
        return vm_fail(e, VM_ESYSTEM, "fork: %s", strerror(errno));
    /* An interrupt ends the program; what it asked until then is kept. */
    signal(SIGINT, SIG_IGN);
    if (!follow(r, child, status, e)) {
        kill(child, SIGTERM);
        waitpid(child, status, 0);
        return false;
    }
    if (atomic_load(&r->ring->images))
        return true;
    vm_fail(e, VM_ESYSTEM,
            "%s: told nothing: expected a program that is linked dynamically, "
            "with glibc, and runs with nobody else's rights",
            program[0]);
    return false;
}

static bool record_program(struct recorder *r, char **program, int fd, int *status,
                           struct vm_error *e)
{
    return collector_open(&r->collector, r->out, e) && run_program(r, program, fd, status, e) &&
           collector_flush(&r->collector, e) && name_sites(r, e);
}

bool record_heap(char **program, const char *path, const char *origin, uint64_t *requests,
                 int *status, struct vm_error *e)
{
    int fd;
    struct vm_pgt_options options = {.origin = origin, .level = LEVEL};
    struct recorder *r = calloc(1, sizeof *r);
    if (!r)
        return vm_fail(e, VM_ESYSTEM, "out of memory for a recording");
    bool done = (r->ring = make_ring(&fd, e)) && (r->out = vm_pgt_create(path, &options, e)) &&
                record_program(r, program, fd, status, e);
    if (done)
        done = vm_pgt_finish(r->out, e);
    else
        vm_pgt_abort(r->out);
    *requests = r->collector.requests;
    if (r->ring) {
        munmap(r->ring, sizeof *r->ring);
        close(fd);
    }
    collector_close(&r->collector);
    free(r);
    return done;
}
