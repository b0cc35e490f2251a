/* record_heap.c - loaded into a program by `pagoda record --heap`: tells what the program asks of
 * its heap.
 *
 * The functions of malloc are ours; each calls the next one of its name, glibc's or that of an
 * allocator that the program was linked with, and tells the recorder through the memory that both
 * share (base/request_ring.h). The next ones are looked up at the first call. What the loader asks
 * for while it looks comes from a small area here, is not told, and is never given back.
 *
 * Invariants
 *  1. Nothing here asks for memory of the heap.
 *  2. errno is what the next function left.
 *  3. `gate` leads to the ring only in the process that is recorded. It lies on a page that reads
 *     as zero in a forked child (MADV_WIPEONFORK), however it was forked; a child that shares its
 *     parent's memory (vfork) shares its heap too, and is told of.
 *  4. A program that the process becomes by exec finds the ring by its environment, and goes on
 *     telling, behind a mark.
 *
 * What it does not see: memory that is got by mmap or brk, heaps of a program's own, calls within
 * programs that are linked statically, and the loader's requests before the environment is there. A
 * child process is left out. Linux, glibc.
 */
#include "modules.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <pagoda/trace.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* The functions that are ours: what each gives and takes. */
#define FUNCTIONS(F)                                                                               \
    F(malloc, void *, (size_t bytes))                                                              \
    F(calloc, void *, (size_t n, size_t each))                                                     \
    F(realloc, void *, (void *old, size_t bytes))                                                  \
    F(memalign, void *, (size_t align, size_t bytes))                                              \
    F(aligned_alloc, void *, (size_t align, size_t bytes))                                         \
    F(posix_memalign, int, (void **out, size_t align, size_t bytes))                               \
    F(valloc, void *, (size_t bytes))                                                              \
    F(pvalloc, void *, (size_t bytes))                                                             \
    F(free, void, (void *block))

#define EXPORT __attribute__((visibility("default")))
#define CALLER ((uint64_t)(uintptr_t)__builtin_return_address(0))

#define AREA_BYTES 16384
#define SEEN_SITES 4096 /* addresses of calls whose module is known: a power of two */

enum start { NOT_STARTED, STARTING, STARTED };
static _Atomic int start_state;
static struct request_ring **gate; /* NULL: there is nobody to tell */
static uint16_t image;
static _Atomic uint64_t seen[SEEN_SITES];
static __thread uint32_t thread __attribute__((tls_model("initial-exec")));

/* -- The next functions ------------------------------------------------------------------------ */

static struct {
#define MEMBER(name, type, parameters) type(*name) parameters;
    FUNCTIONS(MEMBER)
#undef MEMBER
} next;
static enum start next_state;
static _Alignas(16) unsigned char area[AREA_BYTES];
static size_t area_used;

/* The first call comes before there is a second thread: the loader itself makes it. */
static void find_next(void)
{
    next_state = STARTING;
#define FIND(name, type, parameters) *(void **)&next.name = dlsym(RTLD_NEXT, #name);
    FUNCTIONS(FIND)
#undef FIND
    next_state = STARTED;
}

/* Whether there is a next function to call; false: only while it is looked up. */
static inline bool has_next(void)
{
    if (__builtin_expect(next_state == NOT_STARTED, 0))
        find_next();
    return next_state == STARTED;
}

static bool is_of_area(const void *block)
{
    return (const unsigned char *)block >= area && (const unsigned char *)block < area + AREA_BYTES;
}

/* Zeroed, as nothing in it is used twice. */
static void *take_of_area(size_t bytes)
{
    size_t at = area_used, rounded = (bytes + 15) & ~(size_t)15;
    if (rounded < bytes || rounded > AREA_BYTES - at)
        return NULL;
    area_used += rounded;
    return area + at;
}

/* -- Modules --------------------------------------------------------------------------------- */

static bool is_known(const struct request_ring *ring, uint64_t address)
{
    uint32_t n = atomic_load_explicit(&ring->modules, memory_order_acquire);
    for (uint32_t i = 0; i < n; i++) {
        const struct request_module *m = &ring->module[i];
        if (m->image == image && address >= m->start && address < m->end)
            return true;
    }
    return false;
}

/* Called for each module that is loaded, with the lock held. */
static int add_module(struct dl_phdr_info *info, size_t bytes, void *host)
{
    (void)bytes;
    struct request_ring *ring = host;
    struct request_module m = module_of(info);
    m.image = image;
    uint32_t n = atomic_load_explicit(&ring->modules, memory_order_relaxed);
    if (m.start >= m.end || is_known(ring, m.start) || n == REQUEST_RING_MODULES)
        return 0;
    module_name(&m, info->dlpi_name);
    ring->module[n] = m;
    atomic_store_explicit(&ring->modules, n + 1, memory_order_release);
    return 0;
}

/* The module that `pc` lies in is in the ring's table from now on, if it has one. */
static void know_site(struct request_ring *ring, uint64_t pc)
{
    _Atomic uint64_t *slot = &seen[(pc * UINT64_C(0x9e3779b97f4a7c15)) >> 52];
    if (atomic_load_explicit(slot, memory_order_relaxed) == pc)
        return;
    atomic_store_explicit(slot, pc, memory_order_relaxed);
    /* Who finds the lock taken leaves it: another thread is adding all modules that there are. */
    if (is_known(ring, pc) || atomic_exchange(&ring->modules_lock, 1))
        return;
    dl_iterate_phdr(add_module, ring);
    atomic_store(&ring->modules_lock, 0);
}

/* -- Telling --------------------------------------------------------------------------------- */

static void rest(void)
{
    struct timespec time = {.tv_nsec = 50000};
    syscall(SYS_nanosleep, &time, NULL);
}

/* Wait until the slot of a turn is free. False: the recorder is gone. */
static bool wait_for_room(struct request_ring *ring, uint64_t turn)
{
    int before = errno;
    bool there = true;
    while (there &&
           turn - atomic_load_explicit(&ring->tail, memory_order_acquire) >= REQUEST_RING_SLOTS) {
        rest();
        there = syscall(SYS_kill, ring->reader, 0) == 0 || errno != ESRCH;
    }
    errno = before;
    return there;
}

static void tell(struct request_ring *ring, const struct request_slot *what)
{
    uint64_t turn = atomic_fetch_add_explicit(&ring->head, 1, memory_order_acq_rel);
    struct request_slot *slot = &ring->slot[turn % REQUEST_RING_SLOTS];
    if (turn - atomic_load_explicit(&ring->tail, memory_order_acquire) >= REQUEST_RING_SLOTS &&
        !wait_for_room(ring, turn)) {
        *gate = NULL;
        return;
    }
    slot->va = what->va;
    slot->bytes = what->bytes;
    slot->from = what->from;
    slot->align = what->align;
    slot->pc = what->pc;
    slot->thread = what->thread;
    slot->kind = what->kind;
    slot->call = what->call;
    slot->image = what->image;
    atomic_store_explicit(&slot->told, turn + 1, memory_order_release);
}

/* -- Starting -------------------------------------------------------------------------------- */

static struct request_ring *map_ring(const char *path)
{
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return NULL;
    void *ring = mmap(NULL, sizeof(struct request_ring), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    return ring == MAP_FAILED ? NULL : ring;
}

/* A word that reads as zero in forked children. */
static struct request_ring **map_gate(void)
{
    size_t bytes = 4096;
    void *page = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED)
        return NULL;
    if (madvise(page, bytes, MADV_WIPEONFORK) == 0)
        return page;
    munmap(page, bytes);
    return NULL;
}

static void open_gate(const char *path)
{
    struct request_ring *ring = map_ring(path);
    if (!ring || atomic_load(&ring->process) != (uint32_t)getpid() || !(gate = map_gate())) {
        if (ring)
            munmap(ring, sizeof *ring);
        return;
    }
    image = (uint16_t)atomic_fetch_add(&ring->images, 1);
    atomic_store(&ring->modules_lock, 0); /* the program before may have ended with it */
    *gate = ring;
    if (image)
        tell(ring, &(struct request_slot){.kind = REQUEST_TOLD_EXEC, .image = image});
}

__attribute__((constructor)) static void begin(void)
{
    int before = errno, state = NOT_STARTED;
    if (!environ || !atomic_compare_exchange_strong(&start_state, &state, STARTING))
        return;
    const char *path = getenv(REQUEST_RING_ENV);
    if (path)
        open_gate(path);
    atomic_store(&start_state, STARTED);
    errno = before;
}

/* The ring, or NULL: nothing is to be told. */
static inline struct request_ring *ring_now(void)
{
    if (__builtin_expect(atomic_load_explicit(&start_state, memory_order_acquire) != STARTED, 0)) {
        begin();
        if (atomic_load_explicit(&start_state, memory_order_acquire) != STARTED)
            return NULL;
    }
    return gate ? *gate : NULL;
}

static inline uint32_t thread_now(void)
{
    if (__builtin_expect(!thread, 0))
        thread = (uint32_t)syscall(SYS_gettid);
    return thread;
}

static void tell_request(struct request_slot what)
{
    struct request_ring *ring = ring_now();
    if (!ring)
        return;
    know_site(ring, what.pc);
    what.thread = thread_now();
    what.image = image;
    tell(ring, &what);
}

static void *tell_alloc(void *block, enum vm_request_call call, size_t bytes, size_t align,
                        uint64_t pc)
{
    tell_request((struct request_slot){.kind = REQUEST_TOLD_ALLOC,
                                       .call = (uint8_t)call,
                                       .va = (uintptr_t)block,
                                       .bytes = bytes,
                                       .align = align,
                                       .pc = pc});
    return block;
}

static void tell_free(void *block, enum vm_request_call call, uint64_t pc)
{
    tell_request((struct request_slot){
        .kind = REQUEST_TOLD_FREE, .call = (uint8_t)call, .va = (uintptr_t)block, .pc = pc});
}

/* -- The functions of malloc ----------------------------------------------------------------- */

EXPORT void *malloc(size_t bytes)
{
    if (!has_next())
        return take_of_area(bytes);
    return tell_alloc(next.malloc(bytes), VM_REQUEST_MALLOC, bytes, 0, CALLER);
}

EXPORT void *calloc(size_t n, size_t each)
{
    size_t bytes;
    if (__builtin_mul_overflow(n, each, &bytes))
        bytes = SIZE_MAX;
    if (!has_next())
        return take_of_area(bytes);
    return tell_alloc(next.calloc(n, each), VM_REQUEST_CALLOC, bytes, 0, CALLER);
}

/* A block of the area becomes one of the heap. */
static void *leave_area(const void *old, size_t bytes, enum vm_request_call call, uint64_t pc)
{
    size_t most = (size_t)(area + AREA_BYTES - (const unsigned char *)old);
    void *block = has_next() ? next.malloc(bytes) : take_of_area(bytes);
    if (block)
        memcpy(block, old, bytes < most ? bytes : most);
    return has_next() ? tell_alloc(block, call, bytes, 0, pc) : block;
}

static void *resize(void *old, size_t bytes, enum vm_request_call call, uint64_t pc)
{
    if (is_of_area(old) || !has_next())
        return old ? leave_area(old, bytes, call, pc) : take_of_area(bytes);
    if (!old)
        return tell_alloc(next.realloc(old, bytes), call, bytes, 0, pc);
    if (!bytes) {
        tell_free(old, call, pc);
        return next.realloc(old, bytes);
    }
    struct request_slot what = {.kind = REQUEST_TOLD_RESIZE,
                                .call = (uint8_t)call,
                                .from = (uintptr_t)old,
                                .bytes = bytes,
                                .pc = pc};
    tell_request(what);
    void *block = next.realloc(old, bytes);
    what.kind = REQUEST_TOLD_RESIZED;
    what.va = (uintptr_t)block;
    tell_request(what);
    return block;
}

EXPORT void *realloc(void *old, size_t bytes)
{
    return resize(old, bytes, VM_REQUEST_REALLOC, CALLER);
}

EXPORT void *reallocarray(void *old, size_t n, size_t each)
{
    size_t bytes;
    if (__builtin_mul_overflow(n, each, &bytes)) /* no realloc has so much: it says so itself */
        bytes = SIZE_MAX;
    return resize(old, bytes, VM_REQUEST_REALLOCARRAY, CALLER);
}

EXPORT void *aligned_alloc(size_t align, size_t bytes)
{
    if (!has_next())
        return NULL;
    return tell_alloc(next.aligned_alloc(align, bytes), VM_REQUEST_ALIGNED_ALLOC, bytes, align,
                      CALLER);
}

EXPORT void *memalign(size_t align, size_t bytes)
{
    if (!has_next())
        return NULL;
    return tell_alloc(next.memalign(align, bytes), VM_REQUEST_MEMALIGN, bytes, align, CALLER);
}

EXPORT int posix_memalign(void **out, size_t align, size_t bytes)
{
    void *block = NULL;
    int error = has_next() ? next.posix_memalign(&block, align, bytes) : ENOMEM;
    if (error != EINVAL) /* which was no request */
        tell_alloc(block, VM_REQUEST_POSIX_MEMALIGN, bytes, align, CALLER);
    if (!error)
        *out = block;
    return error;
}

EXPORT void *valloc(size_t bytes)
{
    if (!has_next())
        return NULL;
    return tell_alloc(next.valloc(bytes), VM_REQUEST_VALLOC, bytes, (size_t)getpagesize(), CALLER);
}

EXPORT void *pvalloc(size_t bytes)
{
    if (!has_next())
        return NULL;
    return tell_alloc(next.pvalloc(bytes), VM_REQUEST_PVALLOC, bytes, (size_t)getpagesize(),
                      CALLER);
}

EXPORT void free(void *block)
{
    if (!block || is_of_area(block) || !has_next())
        return;
    tell_free(block, VM_REQUEST_FREE, CALLER);
    next.free(block);
}
