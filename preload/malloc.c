/* malloc.c - libpagoda-malloc: a program's malloc is one of Pagoda's heaps.
 *
 *     LD_PRELOAD=libpagoda-malloc.so PAGODA_MALLOC=tlsf program ...
 *
 * The heap is a row of src/heap/heaps.def with its parameters ("best-fit:order=size"); without the
 * variable, segregated. PAGODA_MALLOC_STATS=1 tells at the end, on standard error, what became of
 * memory.
 *
 * Heaps are not safe in threads, so each thread has an arena, which has a heap, a region of
 * address space and a lock. Arenas lie behind one another in one reservation, so that the address
 * of a block says which arena it goes back to, whoever frees it. They open when they are first
 * needed; there are as many as processors, ARENAS_MAX at most, and threads go round them. As long
 * as a process has one thread no lock is taken.
 *
 * Invariants
 *  1. Nothing here, and nothing in src/heap, asks for memory by malloc.
 *  2. A block lies in the arena that its address says; only that arena's heap knows it.
 *  3. Around fork all arenas are locked, so that the child has whole ones.
 *  4. What a heap refuses (a block freed twice, or never had, notes overwritten) ends the process
 *     with one line that says what and where, as glibc does.
 */
#include "base/assert.h"
#include "base/region.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <pagoda/heap.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/single_threaded.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

#define ARENAS_MAX   16
#define ARENA_SHIFT  36 /* 64 GiB of address space each */
#define ARENA_BYTES  ((size_t)1 << ARENA_SHIFT)
#define ARENA_PAGE   ((size_t)1 << 12)
#define ZERO_BY_HOST ((size_t)1 << 20) /* calloc of more asks the host for fresh pages */

struct arena {
    pthread_mutex_t lock;
    _Atomic bool open;
    struct vm_region region;
    void *state;
};

static struct arena arena[ARENAS_MAX];
static const struct vm_heap_ops *ops;
static struct vm_params params;
static unsigned char *base; /* of arena 0's region */
static uint32_t narenas;
static int stats_fd = -1;
static _Atomic uint32_t nthreads;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static _Atomic bool started;
static __thread struct arena *own __attribute__((tls_model("initial-exec")));

/* ---- words to the user, without stdio's buffers ---- */

static __attribute__((format(printf, 2, 3))) void say(int out, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    size_t bytes = n < (int)sizeof text ? (size_t)n : sizeof text - 1;
    ssize_t written = write(out, text, bytes);
    (void)written; /* there is nobody else to tell */
}

static _Noreturn void refuse(const char *function, const void *block, enum vm_heap_fault fault)
{
    say(STDERR_FILENO, "pagoda-malloc: %s(%p): %s (heap %s)\n", function, block,
        vm_heap_fault_name(fault), ops->name);
    abort();
}

/* ---- arenas ---- */

static void *reserve(size_t bytes)
{
    void *block = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (block == MAP_FAILED) {
        say(STDERR_FILENO, "pagoda-malloc: cannot reserve %zu bytes of address space: %s\n", bytes,
            strerror(errno));
        _exit(2);
    }
    return block;
}

/* With the arena's lock held, or before there are threads. */
static void open_arena(struct arena *a)
{
    struct vm_heap_env env = {
        .base = base + ((size_t)(a - arena) << ARENA_SHIFT),
        .limit = ARENA_BYTES,
        .cpus = 1,
        .host = &a->region,
        .move_end = vm_region_move_end,
        .params = &params,
    };
    a->region = (struct vm_region){.base = env.base, .limit = env.limit};
    a->state = reserve(ops->size(&env));
    ops->init(a->state, &env);
    atomic_store_explicit(&a->open, true, memory_order_release);
}

static void choose_heap(void)
{
    struct vm_error e = {0};
    char name[64];
    const char *spec = getenv("PAGODA_MALLOC"), *text;
    text = vm_spec_split(spec && *spec ? spec : "segregated", name, sizeof name);
    ops = vm_heap_find(name, &e);
    if (ops && vm_params_parse(&params, ops->name, ops->param, ops->nparams, text, &e))
        return;
    say(STDERR_FILENO, "pagoda-malloc: PAGODA_MALLOC=%s: %s\n", spec, e.text);
    if (e.hint[0])
        say(STDERR_FILENO, "hint: %s\n", e.hint);
    _exit(2);
}

static void start(void)
{
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    choose_heap();
    narenas = cpus < 1 ? 1 : cpus > ARENAS_MAX ? ARENAS_MAX : (uint32_t)cpus;
    uintptr_t at = (uintptr_t)reserve(((size_t)narenas << ARENA_SHIFT) + VM_HEAP_BASE_ALIGN);
    base = (unsigned char *)((at + VM_HEAP_BASE_ALIGN - 1) & ~(VM_HEAP_BASE_ALIGN - 1));
    for (uint32_t i = 0; i < ARENAS_MAX; i++)
        pthread_mutex_init(&arena[i].lock, NULL);
    open_arena(&arena[0]);
    atomic_store_explicit(&started, true, memory_order_release);
}

static __attribute__((noinline)) struct arena *find_own(void)
{
    pthread_once(&once, start);
    own = &arena[atomic_fetch_add(&nthreads, 1) % narenas];
    return own;
}

/* Locks the arena, unless nobody else can be in it; the answer is for `leave`. */
static inline bool enter(struct arena *a)
{
    bool locked = !__libc_single_threaded;
    if (locked)
        pthread_mutex_lock(&a->lock);
    if (!atomic_load_explicit(&a->open, memory_order_relaxed))
        open_arena(a);
    return locked;
}

static inline void leave(struct arena *a, bool locked)
{
    if (locked)
        pthread_mutex_unlock(&a->lock);
}

/* The arena of a block; NULL: it lies in none. */
static inline struct arena *find(const void *block)
{
    size_t i = ((uintptr_t)block - (uintptr_t)base) >> ARENA_SHIFT;
    if (!atomic_load_explicit(&started, memory_order_acquire) || i >= narenas ||
        !atomic_load_explicit(&arena[i].open, memory_order_acquire))
        return NULL;
    return &arena[i];
}

/* ---- blocks ---- */

static inline void *take(size_t bytes, size_t align)
{
    struct arena *a = own ? own : find_own();
    bool locked = enter(a);
    void *block = ops->take(a->state, bytes ? bytes : 1, align, 0);
    leave(a, locked);
    if (!block)
        errno = ENOMEM;
    return block;
}

static inline void give(const char *function, void *block)
{
    struct arena *a = find(block);
    if (!a)
        refuse(function, block, VM_HEAP_NOT_A_BLOCK);
    bool locked = enter(a);
    enum vm_heap_fault fault = ops->give(a->state, block, 0);
    leave(a, locked);
    if (fault != VM_HEAP_FINE)
        refuse(function, block, fault);
}

/* Whether the block has `bytes` now; what it had before, at most `bytes`, into *kept. */
static bool resize(void *block, size_t bytes, size_t *kept)
{
    struct arena *a = find(block);
    if (!a)
        refuse("realloc", block, VM_HEAP_NOT_A_BLOCK);
    bool locked = enter(a);
    size_t room = ops->room(a->state, block);
    bool done = ops->resize(a->state, block, bytes);
    leave(a, locked);
    *kept = room < bytes ? room : bytes;
    return done;
}

/* A block may have been another's before. Fresh pages of the host are zero, and cost nothing until
 * they are touched. */
static void zero(unsigned char *block, size_t bytes)
{
    uintptr_t first = ((uintptr_t)block + ARENA_PAGE - 1) & ~(ARENA_PAGE - 1);
    uintptr_t last = ((uintptr_t)block + bytes) & ~(ARENA_PAGE - 1);
    if (bytes < ZERO_BY_HOST || madvise((void *)first, last - first, MADV_DONTNEED) != 0) {
        memset(block, 0, bytes);
        return;
    }
    memset(block, 0, first - (uintptr_t)block);
    memset((void *)last, 0, (uintptr_t)block + bytes - last);
}

/* ---- the functions of malloc ---- */

EXPORT void *malloc(size_t bytes)
{
    return take(bytes, VM_HEAP_ALIGN);
}

EXPORT void free(void *block)
{
    if (!block)
        return;
    int before = errno;
    give("free", block);
    errno = before;
}

EXPORT void *calloc(size_t n, size_t each)
{
    size_t bytes;
    if (__builtin_mul_overflow(n, each, &bytes)) {
        errno = ENOMEM;
        return NULL;
    }
    void *block = take(bytes, VM_HEAP_ALIGN);
    if (block)
        zero(block, bytes);
    return block;
}

EXPORT void *realloc(void *old, size_t bytes)
{
    size_t kept;
    if (!old)
        return take(bytes, VM_HEAP_ALIGN);
    if (!bytes) {
        give("realloc", old);
        return NULL;
    }
    if (resize(old, bytes, &kept))
        return old;
    void *block = take(bytes, VM_HEAP_ALIGN);
    if (!block) /* one that was to be shorter is long enough */
        return kept == bytes ? old : NULL;
    memcpy(block, old, kept);
    give("realloc", old);
    return block;
}

EXPORT void *reallocarray(void *old, size_t n, size_t each)
{
    size_t bytes;
    if (__builtin_mul_overflow(n, each, &bytes)) {
        errno = ENOMEM;
        return NULL;
    }
    return realloc(old, bytes);
}

EXPORT int posix_memalign(void **out, size_t align, size_t bytes)
{
    int before = errno;
    if (align < sizeof(void *) || (align & (align - 1)))
        return EINVAL;
    if (align > VM_HEAP_ALIGN_MAX)
        return ENOMEM;
    void *block = take(bytes, align < VM_HEAP_ALIGN ? VM_HEAP_ALIGN : align);
    errno = before;
    if (block)
        *out = block;
    return block ? 0 : ENOMEM;
}

EXPORT void *memalign(size_t align, size_t bytes)
{
    void *block = NULL;
    size_t least = align < VM_HEAP_ALIGN ? VM_HEAP_ALIGN : align;
    int error = posix_memalign(&block, least, bytes);
    if (error)
        errno = error;
    return block;
}

EXPORT void *aligned_alloc(size_t align, size_t bytes)
{
    return memalign(align, bytes);
}

EXPORT void *valloc(size_t bytes)
{
    return memalign(ARENA_PAGE, bytes);
}

EXPORT void *pvalloc(size_t bytes)
{
    return memalign(ARENA_PAGE, (bytes + ARENA_PAGE - 1) & ~(ARENA_PAGE - 1));
}

EXPORT size_t malloc_usable_size(void *block)
{
    if (!block)
        return 0;
    struct arena *a = find(block);
    if (!a)
        refuse("malloc_usable_size", block, VM_HEAP_NOT_A_BLOCK);
    bool locked = enter(a);
    size_t room = ops->room(a->state, block);
    leave(a, locked);
    return room;
}

/* ---- fork, and the end ---- */

static void lock_all(void)
{
    for (uint32_t i = 0; i < narenas; i++)
        pthread_mutex_lock(&arena[i].lock);
}

static void unlock_all(void)
{
    for (uint32_t i = narenas; i-- > 0;)
        pthread_mutex_unlock(&arena[i].lock);
}

/* The child's only thread is not the one that the locks know. */
static void renew_all(void)
{
    for (uint32_t i = 0; i < narenas; i++)
        pthread_mutex_init(&arena[i].lock, NULL);
}

/* Programs close standard error before their last destructors run: it is kept. */
static int open_stats(void)
{
    const char *wanted = getenv("PAGODA_MALLOC_STATS");
    bool is_wanted = wanted && *wanted && strcmp(wanted, "0") != 0;
    return is_wanted ? fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 100) : -1;
}

static __attribute__((constructor)) void begin(void)
{
    find_own();
    stats_fd = open_stats();
    pthread_atfork(lock_all, unlock_all, renew_all);
}

static void add(struct vm_heap_usage *sum, const struct vm_heap_usage *u)
{
    sum->held_bytes += u->held_bytes;
    sum->live_bytes += u->live_bytes;
    sum->free_bytes += u->free_bytes;
    sum->overhead_bytes += u->overhead_bytes;
    sum->state_bytes += u->state_bytes;
    sum->live_blocks += u->live_blocks;
    sum->takes += u->takes;
    sum->gives += u->gives;
    sum->failures += u->failures;
}

static __attribute__((destructor)) void tell(void)
{
    struct vm_heap_usage sum = {0}, usage;
    uint32_t nopen = 0;
    if (stats_fd < 0)
        return;
    for (uint32_t i = 0; i < narenas; i++) {
        if (!atomic_load(&arena[i].open))
            continue;
        bool locked = enter(&arena[i]);
        ops->usage(arena[i].state, &usage);
        leave(&arena[i], locked);
        add(&sum, &usage);
        nopen++;
    }
    say(stats_fd,
        "pagoda-malloc: %s, arenas %u: takes %llu, gives %llu, failures %llu; at the end held %zu "
        "bytes: live %zu in %llu blocks, free %zu, overhead %zu; state %zu\n",
        ops->name, nopen, (unsigned long long)sum.takes, (unsigned long long)sum.gives,
        (unsigned long long)sum.failures, sum.held_bytes, sum.live_bytes,
        (unsigned long long)sum.live_blocks, sum.free_bytes, sum.overhead_bytes, sum.state_bytes);
}
