/* run.c - the hart at work: the loop's two stamps, and arithmetic that C does not define. */
#include "base/assert.h"
#include "rv64/float.h"
#include <limits.h>
#include <string.h>

/* The low 32 bits as a signed number. */
static inline uint64_t word(uint64_t value)
{
    return (uint64_t)(int64_t)(int32_t)value;
}

/* The low 32 bits of a number that fits them without a sign. */
#define word_of(value) word((uint64_t)(int64_t)(value))

#define SIGN_S (UINT32_C(1) << 31)
#define SIGN_D (UINT64_C(1) << 63)

#define signed_of(value)                                                                           \
    (sizeof(value) == 4 ? (uint64_t)(int64_t)(int32_t)(value) : (uint64_t)(value))

static inline uint64_t multiply_high(uint64_t a, uint64_t b)
{
    return (uint64_t)((__int128)(int64_t)a * (int64_t)b >> 64);
}

static inline uint64_t multiply_high_mixed(uint64_t a, uint64_t b)
{
    return (uint64_t)((__int128)(int64_t)a * (__int128)(unsigned __int128)b >> 64);
}

/* By 0 the quotient is -1; the one that overflows is its dividend (volume I, table 7.1). */
static inline uint64_t divide(uint64_t a, uint64_t b)
{
    if (!b)
        return UINT64_MAX;
    if (b == UINT64_MAX)
        return -a;
    return (uint64_t)((int64_t)a / (int64_t)b);
}

static inline uint64_t remainder_of(uint64_t a, uint64_t b)
{
    if (!b)
        return a;
    if (b == UINT64_MAX)
        return 0;
    return (uint64_t)((int64_t)a % (int64_t)b);
}

#define LOOP            loop_silent
#define LOG_STATE       (void)0
#define LOG_GROUP()     (void)0
#define LOG_DATA(va, m) (void)0
#define LOG_SAVE()      (void)0
#define LOG_LOAD()      (void)0
#define LOG_FULL()      0
#include "rv64/loop.inc.h"
#undef LOOP
#undef LOG_STATE
#undef LOG_GROUP
#undef LOG_DATA
#undef LOG_SAVE
#undef LOG_LOAD
#undef LOG_FULL

#define LOOP loop_logged
#define LOG_STATE                                                                                  \
    struct vm_rv64_log *const log = run->bus->log;                                                 \
    vm_va *log_va;                                                                                 \
    uint16_t *log_meta;                                                                            \
    uint64_t n, full = log->cap - RV64_LOG_ROOM
#define LOG_GROUP()                                                                                \
    do {                                                                                           \
        log_va[n] = b->page + 2u * op->group;                                                      \
        log_meta[n] = op->fetch;                                                                   \
        n += op->counted;                                                                          \
    } while (0)
#define LOG_DATA(address, m)                                                                       \
    do {                                                                                           \
        log_va[n] = address;                                                                       \
        log_meta[n++] = m;                                                                         \
    } while (0)
#define LOG_SAVE() (void)(log->n = (uint32_t)n)
#define LOG_LOAD() (void)(n = log->n, log_va = log->va, log_meta = log->meta)
#define LOG_FULL() (n > full)
#include "rv64/loop.inc.h"

enum vm_rv64_stop vm_rv64_run(struct vm_rv64 *hart, struct vm_rv64_view *view,
                              const struct vm_rv64_bus *bus, uint64_t budget,
                              struct vm_rv64_trap *trap)
{
    struct rv64_run run = {.hart = hart, .view = view, .bus = bus, .trap = trap};
    bool logs = bus->log;
    int64_t limit = budget < INT64_MAX ? (int64_t)budget : INT64_MAX;
    if (view->logs != logs)
        rv64_view_kill_all(view);
    view->logs = logs;
    VM_ASSERT(!logs || bus->log->cap >= VM_RV64_LOG_MIN);
    rv64_flags_drop();
    enum vm_rv64_stop stop = logs ? loop_logged(&run, limit) : loop_silent(&run, limit);
    rv64_flags_take(hart);
    return stop;
}
