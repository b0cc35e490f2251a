/* heapcheck.c - loaded into a program by `pagoda heapcheck`: a malloc that finds mistakes.
 *
 *     page                        guard
 *     [ xxxxxxxxxxxx| block |pad ][ no access ]   the block ends where its last page does: the
 *                                                 first byte too far is a fault of the processor
 *
 * The idea: each block has pages of its own, and a page behind them that cannot be touched. When it
 * is freed its pages cannot be touched either, and their addresses are never used again: the
 * quarantine is the address space. So overflows and uses after free are faults at the very
 * instruction, and cost nothing until then. The bytes between the block and the ends of its pages
 * have a pattern, which is looked at when it is freed, and at the end.
 *
 * A process may have some 65,000 mappings. Beyond GUARDED_MAX live blocks with pages of their own,
 * others are packed side by side with the pattern in between; mistakes with these are seen late, or
 * not at all where only something is read. The report says how many there were.
 *
 * At exit, blocks that were never freed are leaks if nothing points to them: every word of the
 * program's writable memory, and of blocks that are reached, is taken for a pointer if it could be
 * one (Boehm & Weiser, "Garbage collection in an uncooperative environment", 1988).
 *
 * Invariants
 *  1. Nothing here asks for memory by malloc.
 *  2. Records of blocks are in the order of their addresses, and never go.
 *  3. Children tell nothing: the findings are one process's.
 *
 * What it cannot see: use of uninitialised bytes; overflows that leave the block's page and its
 * guard behind at one leap; blocks of allocators that a program has within itself; the stack and
 * static variables. Perens, "Electric Fence", 1987; Serebryany et al., "AddressSanitizer", 2012
 * (redzones, quarantine).
 */
#include "base/heap_findings.h"
#include "modules.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>
#include <unwind.h>

#define EXPORT __attribute__((visibility("default")))

#define CALLER ((uint64_t)(uintptr_t)__builtin_return_address(0))

#define PAGE        ((uintptr_t)4096)
#define SPACE       ((uintptr_t)1 << 40) /* addresses for blocks: none is used twice */
#define RECORDS_MAX ((uint32_t)1 << 27)
#define GUARDED_MAX 14000 /* live blocks with a guard: each takes two mappings */
#define PATTERN     0xfd
#define BESIDE      64 /* bytes before a block that have the pattern, at most */
#define GAP         32 /* between packed blocks */

enum state { LIVE, FREED };

struct record {
    uintptr_t start;
    size_t bytes;
    uint8_t state, guarded, reached;
    uint32_t next; /* packed: 1 + the record of the next packed one; 0: none yet */
    uint32_t thread;
    struct heap_stack allocated, freed;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct heap_findings *findings;      /* NULL: nobody listens */
static uintptr_t space, space_end;          /* [space, space_end) is for blocks */
static uintptr_t next_guarded, next_packed; /* in the lower and the upper half of it */
static struct record *record;
static uint32_t nrecords;
static uint32_t *record_of; /* by page of the space: 1 + the first record that has bytes there */
static uint32_t nguarded, last_packed;    /* 1 + its record */
static uint32_t *reached_stack, nreached; /* records whose blocks are still to be looked at */
static __thread bool inside __attribute__((tls_model("initial-exec"))); /* unwinding may allocate */

/* ---- stacks ---- */

struct walk {
    struct heap_stack *stack;
    uint64_t from; /* frames inside the one of this address are ours; 0: no frame is */
};

static _Unwind_Reason_Code add_frame(struct _Unwind_Context *context, void *host)
{
    struct walk *w = host;
    uint64_t pc = _Unwind_GetIP(context);
    if (w->from && pc != w->from)
        return _URC_NO_REASON;
    w->from = 0;
    if (pc == 0 || w->stack->n == HEAP_STACK_DEPTH)
        return _URC_END_OF_STACK;
    w->stack->pc[w->stack->n++] = pc;
    return _URC_NO_REASON;
}

/* The frame of the address `from` and its callers. */
static void walk_stack(struct heap_stack *out, uint64_t from)
{
    struct walk w = {out, from};
    bool before = inside;
    out->n = 0;
    inside = true;
    _Unwind_Backtrace(add_frame, &w);
    inside = before;
    if (out->n == 0 && from)
        out->pc[out->n++] = from; /* code without tables to unwind it by */
}

/* ---- modules ---- */

static int add_module(struct dl_phdr_info *info, size_t bytes, void *unused)
{
    struct request_module m = module_of(info);
    (void)bytes;
    (void)unused;
    for (uint32_t i = 0; i < findings->nmodules; i++)
        if (findings->module[i].start == m.start)
            return 0;
    if (m.start >= m.end || findings->nmodules == HEAP_FINDINGS_MODULES)
        return 0;
    module_name(&m, info->dlpi_name);
    findings->module[findings->nmodules++] = m;
    return 0;
}

/* ---- findings ---- */

static bool is_heard(void)
{
    return findings && findings->process == (uint32_t)getpid();
}

static struct heap_finding *add_finding(enum heap_mistake kind, uint64_t address,
                                        const struct record *r)
{
    static struct heap_finding nowhere;
    if (!is_heard() || findings->n == HEAP_FINDINGS_MAX) {
        if (is_heard())
            findings->lost++;
        return &nowhere;
    }
    struct heap_finding *f = &findings->finding[findings->n++];
    *f = (struct heap_finding){
        .kind = kind, .thread = (uint32_t)syscall(SYS_gettid), .address = address};
    if (r) {
        f->start = r->start;
        f->bytes = r->bytes;
        f->allocated = r->allocated;
        f->freed = r->freed;
    }
    bool before = inside;
    inside = true;
    dl_iterate_phdr(add_module, NULL);
    inside = before;
    return f;
}

/* ---- the space ---- */

static uintptr_t page_up(uintptr_t at)
{
    return (at + PAGE - 1) & ~(PAGE - 1);
}

static uintptr_t page_down(uintptr_t at)
{
    return at & ~(PAGE - 1);
}

static uint32_t *record_slot(uintptr_t at)
{
    return &record_of[(at - space) / PAGE];
}

/* Between pages that cannot be touched, so that it is a mapping of its own. */
static void *reserve(size_t bytes, int protection)
{
    unsigned char *at =
        mmap(NULL, bytes + 2 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (at == MAP_FAILED || mprotect(at + PAGE, bytes, protection) != 0)
        return NULL;
    return at + PAGE;
}

static struct heap_findings *open_findings(void)
{
    const char *path = getenv(HEAP_FINDINGS_ENV);
    int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0)
        return NULL;
    void *at = mmap(NULL, sizeof(struct heap_findings), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    return at == MAP_FAILED ? NULL : at;
}

static void start(void)
{
    space = (uintptr_t)reserve(SPACE, PROT_NONE);
    record = reserve(RECORDS_MAX * sizeof *record, PROT_READ | PROT_WRITE);
    record_of = reserve(SPACE / PAGE * sizeof *record_of, PROT_READ | PROT_WRITE);
    if (!space || !record || !record_of) {
        static const char text[] = "pagoda-heapcheck: cannot reserve address space\n";
        ssize_t written = write(STDERR_FILENO, text, sizeof text - 1);
        (void)written;
        _exit(5);
    }
    space_end = space + SPACE;
    next_guarded = space;
    next_packed = space + SPACE / 2;
    findings = open_findings();
    if (is_heard())
        atomic_store(&findings->started, 1);
}

/* ---- blocks ---- */

static void paint(uintptr_t from, uintptr_t to)
{
    memset((void *)from, PATTERN, to - from);
}

/* What of the pages of a block is not the block's and has the pattern. */
struct margins {
    uintptr_t before, after; /* [before, start) and [start + bytes, after) */
};

static struct margins margins_of(const struct record *r)
{
    uintptr_t end = r->start + r->bytes, first = page_down(r->start);
    if (!r->guarded)
        return (struct margins){r->start - GAP / 2, end + GAP / 2};
    uintptr_t least = r->start - BESIDE;
    return (struct margins){least > first ? least : first, r->bytes ? page_up(end) : first + PAGE};
}

/* The first byte of [from, to) without the pattern; `to`: there is none. */
static uintptr_t changed(uintptr_t from, uintptr_t to)
{
    while (from < to && *(const unsigned char *)from == PATTERN)
        from++;
    return from;
}

/* Pages that end with the block, and a guard behind them. */
static bool place_guarded(struct record *r, size_t bytes, size_t align)
{
    size_t room = page_up(bytes + (bytes == 0));
    uintptr_t first = align > PAGE ? (next_guarded + align - 1) & ~(align - 1) : next_guarded;
    if (nguarded >= GUARDED_MAX || room > space + SPACE / 2 - first - 2 * PAGE ||
        mprotect((void *)first, room, PROT_READ | PROT_WRITE) != 0)
        return false;
    r->start = (first + room - bytes - (bytes == 0)) & ~(uintptr_t)(align - 1);
    r->guarded = true;
    next_guarded = first + room + PAGE;
    for (uintptr_t at = first; at < next_guarded; at += PAGE)
        *record_slot(at) = nrecords + 1;
    nguarded++;
    return true;
}

/* Behind the last packed one, in pages that it may share. */
static bool place_packed(struct record *r, size_t bytes, size_t align)
{
    uintptr_t at = (next_packed + GAP / 2 + align - 1) & ~(uintptr_t)(align - 1);
    uintptr_t end = at + bytes + GAP / 2, first = page_up(next_packed);
    if (bytes > space_end - at - PAGE || end > space_end - PAGE)
        return false;
    if (end > first && mprotect((void *)first, page_up(end) - first, PROT_READ | PROT_WRITE) != 0)
        return false;
    r->start = at;
    r->guarded = false;
    for (uintptr_t page = page_down(at - GAP / 2); page < end; page += PAGE)
        if (!*record_slot(page))
            *record_slot(page) = nrecords + 1;
    if (last_packed)
        record[last_packed - 1].next = nrecords + 1;
    last_packed = nrecords + 1;
    next_packed = end;
    if (is_heard())
        findings->unguarded++;
    return true;
}

static void *take(size_t bytes, size_t align, uint64_t caller)
{
    pthread_once(&once, start);
    align = align < 16 ? 16 : align;
    pthread_mutex_lock(&lock);
    struct record *r = &record[nrecords];
    bool placed = nrecords < RECORDS_MAX && bytes < SPACE / 2 && align < SPACE / 4 &&
                  (place_guarded(r, bytes, align) || place_packed(r, bytes, align));
    if (placed) {
        r->bytes = bytes;
        struct margins m = margins_of(r);
        paint(m.before, r->start);
        paint(r->start + bytes, m.after);
        r->state = LIVE;
        r->thread = (uint32_t)syscall(SYS_gettid);
        if (!inside)
            walk_stack(&r->allocated, caller);
        nrecords++;
        if (is_heard()) {
            findings->blocks++;
            findings->bytes += bytes;
        }
    }
    pthread_mutex_unlock(&lock);
    if (!placed)
        errno = ENOMEM;
    return placed ? (void *)r->start : NULL;
}

/* The block whose bytes, or the gap or guard behind them, `at` lies in; NULL: none. */
static struct record *find(uintptr_t at)
{
    if (at < space || at >= space_end || !*record_slot(at))
        return NULL;
    struct record *r = &record[*record_slot(at) - 1];
    while (!r->guarded && r->next && record[r->next - 1].start - GAP / 2 <= at)
        r = &record[r->next - 1];
    return r;
}

/* The pattern beside the block is as it was; else the first byte that is not. */
static uintptr_t inspect(const struct record *r)
{
    struct margins m = margins_of(r);
    uintptr_t before = changed(m.before, r->start), behind = r->start + r->bytes;
    if (before < r->start)
        return before;
    behind = changed(behind, m.after);
    return behind < m.after ? behind : 0;
}

static void find_overwritten(const struct record *r, uint64_t caller)
{
    uintptr_t at = inspect(r);
    if (at)
        walk_stack(&add_finding(HEAP_OVERWRITTEN, at, r)->misuse, caller);
}

/* Pages of its own cannot be touched any more; a packed block gets the pattern. */
static void retire(struct record *r)
{
    uintptr_t first = page_down(r->start), end = margins_of(r).after;
    r->state = FREED;
    if (!r->guarded) {
        paint(r->start, r->start + r->bytes);
        return;
    }
    if (mmap((void *)first, end - first, PROT_NONE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0) == MAP_FAILED)
        paint(r->start, r->start + r->bytes); /* the host has no mapping left: less is seen */
    nguarded--;
}

static enum heap_mistake mistake_of_free(const struct record *r, uintptr_t at)
{
    if (!r || at > r->start + r->bytes || at < r->start)
        return HEAP_FREE_STRANGER;
    if (at != r->start)
        return HEAP_FREE_INSIDE;
    return HEAP_FREE_TWICE;
}

static void give(void *block, uint64_t caller)
{
    int before = errno;
    pthread_once(&once, start);
    pthread_mutex_lock(&lock);
    struct record *r = find((uintptr_t)block);
    if (!r || r->start != (uintptr_t)block || r->state == FREED) {
        enum heap_mistake kind = mistake_of_free(r, (uintptr_t)block);
        struct heap_finding *f =
            add_finding(kind, (uintptr_t)block, kind == HEAP_FREE_STRANGER ? NULL : r);
        walk_stack(&f->misuse, caller);
    } else {
        find_overwritten(r, caller);
        if (!inside)
            walk_stack(&r->freed, caller);
        retire(r);
    }
    pthread_mutex_unlock(&lock);
    errno = before;
}

/* ---- faults ---- */

static uint64_t pc_of(const ucontext_t *u)
{
#if defined __x86_64__
    return (uint64_t)u->uc_mcontext.gregs[REG_RIP];
#elif defined __aarch64__
    return u->uc_mcontext.pc;
#else
#error "the program counter of a signal's context"
#endif
}

static int access_of(const ucontext_t *u)
{
#if defined __x86_64__
    return u->uc_mcontext.gregs[REG_ERR] & 2 ? HEAP_ACCESS_WRITE : HEAP_ACCESS_READ;
#else
    (void)u;
    return HEAP_ACCESS_SOME;
#endif
}

static enum heap_mistake mistake_of_access(const struct record *r, uintptr_t at)
{
    if (!r)
        return HEAP_WILD_ACCESS;
    if (r->state == FREED)
        return HEAP_USE_AFTER_FREE;
    return at < r->start ? HEAP_UNDERFLOW : HEAP_OVERFLOW;
}

/* The first access that is wrong ends the program, as it would have by chance. */
static void on_fault(int number, siginfo_t *info, void *context)
{
    uintptr_t at = (uintptr_t)info->si_addr;
    if (at >= space && at < space_end && !inside) {
        const struct record *r = find(at);
        struct heap_finding *f = add_finding(mistake_of_access(r, at), at, r);
        f->access = access_of(context);
        walk_stack(&f->misuse, pc_of(context));
    }
    signal(number, SIG_DFL); /* the instruction faults again */
}

/* ---- what is left at the end ---- */

static void reach_block(uintptr_t word)
{
    struct record *r = word >= space && word < space_end ? find(word) : NULL;
    if (!r || r->state == FREED || r->reached || word < r->start ||
        word > r->start + r->bytes - (r->bytes > 0))
        return;
    r->reached = true;
    reached_stack[nreached++] = (uint32_t)(r - record);
}

static void reach(uintptr_t from, uintptr_t to)
{
    for (const uintptr_t *at = (const uintptr_t *)((from + 7) & ~(uintptr_t)7);
         (uintptr_t)(at + 1) <= to; at++)
        reach_block(*at);
}

static void reach_from_blocks(void)
{
    while (nreached) {
        const struct record *r = &record[reached_stack[--nreached]];
        reach(r->start, r->start + r->bytes);
    }
}

static bool is_ours(uintptr_t from)
{
    return (from >= space && from < space_end) ||
           (from >= (uintptr_t)record && from < (uintptr_t)(record + RECORDS_MAX)) ||
           (from >= (uintptr_t)record_of && from < (uintptr_t)(record_of + SPACE / PAGE)) ||
           (from >= (uintptr_t)reached_stack && from < (uintptr_t)(reached_stack + RECORDS_MAX)) ||
           from == (uintptr_t)findings;
}

/* One line of /proc/self/maps: memory that the program may write is where its pointers are. */
static void reach_from_mapping(const char *line)
{
    unsigned long from, to;
    char rights[8];
    if (sscanf(line, "%lx-%lx %7s", &from, &to, rights) != 3 || rights[0] != 'r' ||
        rights[1] != 'w' || rights[3] != 'p' || is_ours(from))
        return;
    /* A page that nobody touched has no pointers, and must not be made. */
    for (uintptr_t at = from; at < to; at += PAGE) {
        static unsigned char there[256];
        size_t i = (at - from) / PAGE % sizeof there, left = (to - at) / PAGE;
        if (i == 0 &&
            mincore((void *)at, (left < sizeof there ? left : sizeof there) * PAGE, there) != 0)
            return;
        if (there[i] & 1)
            reach(at, at + PAGE);
        reach_from_blocks();
    }
}

static void reach_all(void)
{
    static char text[1 << 16];
    size_t have = 0;
    int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
    reached_stack = reserve(RECORDS_MAX * sizeof *reached_stack, PROT_READ | PROT_WRITE);
    for (ssize_t got;
         fd >= 0 && reached_stack && (got = read(fd, text + have, sizeof text - 1 - have)) > 0;) {
        have += (size_t)got;
        text[have] = '\0';
        char *line = text;
        for (char *end; (end = strchr(line, '\n')); line = end + 1) {
            *end = '\0';
            reach_from_mapping(line);
        }
        have -= (size_t)(line - text);
        memmove(text, line, have);
    }
    close(fd);
}

static bool same_stack(const struct heap_stack *a, const struct heap_stack *b)
{
    return a->n == b->n && memcmp(a->pc, b->pc, a->n * sizeof a->pc[0]) == 0;
}

/* Blocks that the same calls asked for are one finding. */
static void add_leak(const struct record *r)
{
    enum heap_mistake kind = r->reached ? HEAP_REACHABLE : HEAP_LEAK;
    for (uint32_t i = 0; i < findings->n; i++) {
        struct heap_finding *f = &findings->finding[i];
        if (f->kind == kind && same_stack(&f->allocated, &r->allocated)) {
            f->blocks++;
            f->total += r->bytes;
            return;
        }
    }
    struct heap_finding *f = add_finding(kind, r->start, r);
    f->thread = r->thread;
    f->blocks = 1;
    f->total = r->bytes;
}

static void inspect_all(void)
{
    for (uint32_t i = 0; i < nrecords; i++) {
        const struct record *r = &record[i];
        if (r->state == LIVE) {
            findings->live_blocks++;
            findings->live_bytes += r->bytes;
            find_overwritten(r, 0);
        } else if (!r->guarded && changed(r->start, r->start + r->bytes) < r->start + r->bytes) {
            add_finding(HEAP_FREED_WRITTEN, changed(r->start, r->start + r->bytes), r);
        }
    }
}

static __attribute__((destructor)) void end(void)
{
    if (!is_heard())
        return;
    pthread_mutex_lock(&lock);
    inspect_all();
    reach_all();
    for (uint32_t i = 0; i < nrecords; i++)
        if (record[i].state == LIVE)
            add_leak(&record[i]);
    findings->ended = 1;
    pthread_mutex_unlock(&lock);
}

static void lock_heap(void)
{
    pthread_mutex_lock(&lock);
}

static void unlock_heap(void)
{
    pthread_mutex_unlock(&lock);
}

static void renew_lock(void)
{
    pthread_mutex_init(&lock, NULL);
}

static __attribute__((constructor)) void begin(void)
{
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_NODEFER};
    pthread_once(&once, start);
    sigaction(SIGSEGV, &action, NULL);
    sigaction(SIGBUS, &action, NULL);
    pthread_atfork(lock_heap, unlock_heap, renew_lock);
}

/* ---- the functions of malloc ---- */

EXPORT void *malloc(size_t bytes)
{
    return take(bytes, 16, CALLER);
}

EXPORT void free(void *block)
{
    if (block)
        give(block, CALLER);
}

EXPORT void *calloc(size_t n, size_t each)
{
    size_t bytes;
    if (__builtin_mul_overflow(n, each, &bytes)) {
        errno = ENOMEM;
        return NULL;
    }
    return take(bytes, 16, CALLER); /* its pages are fresh */
}

/* A resized block is always another one, so that pointers to the old one are found out. */
static void *replace(void *old, size_t bytes, uint64_t caller)
{
    if (!old)
        return take(bytes, 16, caller);
    if (bytes == 0) {
        give(old, caller);
        return NULL;
    }
    void *block = take(bytes, 16, caller);
    pthread_mutex_lock(&lock);
    const struct record *r = find((uintptr_t)old);
    bool good = r && r->start == (uintptr_t)old && r->state == LIVE;
    size_t had = good ? r->bytes : 0;
    pthread_mutex_unlock(&lock);
    if (!block)
        return NULL;
    memcpy(block, old, had < bytes ? had : bytes);
    give(old, caller);
    return block;
}

EXPORT void *realloc(void *old, size_t bytes)
{
    return replace(old, bytes, CALLER);
}

EXPORT void *reallocarray(void *old, size_t n, size_t each)
{
    size_t bytes;
    if (__builtin_mul_overflow(n, each, &bytes)) {
        errno = ENOMEM;
        return NULL;
    }
    return replace(old, bytes, CALLER);
}

EXPORT int posix_memalign(void **out, size_t align, size_t bytes)
{
    int before = errno;
    if (align < sizeof(void *) || (align & (align - 1)))
        return EINVAL;
    void *block = take(bytes, align, CALLER);
    errno = before;
    if (block)
        *out = block;
    return block ? 0 : ENOMEM;
}

static void *take_aligned(size_t align, size_t bytes, uint64_t caller)
{
    if (align & (align - 1)) {
        errno = EINVAL;
        return NULL;
    }
    return take(bytes, align, caller);
}

EXPORT void *memalign(size_t align, size_t bytes)
{
    return take_aligned(align, bytes, CALLER);
}

EXPORT void *aligned_alloc(size_t align, size_t bytes)
{
    return take_aligned(align, bytes, CALLER);
}

EXPORT void *valloc(size_t bytes)
{
    return take(bytes, PAGE, CALLER);
}

EXPORT void *pvalloc(size_t bytes)
{
    return take(page_up(bytes), PAGE, CALLER);
}

EXPORT size_t malloc_usable_size(void *block)
{
    pthread_mutex_lock(&lock);
    const struct record *r = find((uintptr_t)block);
    size_t bytes = r && r->start == (uintptr_t)block && r->state == LIVE ? r->bytes : 0;
    pthread_mutex_unlock(&lock);
    return bytes;
}
