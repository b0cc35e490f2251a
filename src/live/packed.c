/* packed.c - see packed.h. */
#include "live/packed.h"

#include "base/assert.h"
#include "base/links.h"
#include "live/gate.h"
#include "live/pool.h"

#include <stdlib.h>
#include <string.h>

#define CONTEXTS_MAX 64
#define STEP         64 /* pages that a step moves behind at most */
#define FILLED       (UINT64_C(1) << 63)

enum kind { FREE, WORD, PACKED, PLAIN, BEHIND };

struct entry {
    uint64_t at;    /* of WORD: the word; PACKED, PLAIN: the object; BEHIND: its handle there;
                          FREE: the next free entry + 1 */
    uint32_t bytes; /* of PACKED */
    uint32_t holders;
    uint16_t pins; /* readers under way */
    uint8_t kind;
    bool is_moving; /* by a step */
};

struct context {
    struct vm_lock lock;
    void *work;
    uint8_t *out; /* [page_bytes] */
};

struct vm_packed {
    struct vm_arena arena;
    struct vm_gate gate;
    struct vm_lock lock; /* of entries, ages and counts */
    struct vm_packed_config config;
    struct vm_pool pool;
    uint32_t page_bytes, plain_bytes; /* what packs to this or more stays plain */
    uint64_t nentries, nused, first_free;
    struct entry *entry;  /* [nentries] */
    struct vm_links *age; /* [nentries + 1] oldest first; the head is nentries. NULL: none behind */
    struct vm_lock step_lock;
    _Atomic uint64_t nsteps; /* of which pages left */
    _Atomic uint32_t nnew;   /* objects, taken or tried for, that are no entry's yet */
    uint8_t *step_page;      /* [STEP * page_bytes] */
    uint32_t ncontexts;
    struct context *context;
    struct vm_store_usage usage;
};

/* ---- opening ---- */

static bool contexts_prepare(struct vm_packed *s, size_t work_bytes)
{
    for (uint32_t i = 0; i < s->ncontexts; i++) {
        s->context[i].work = vm_arena_take(&s->arena, work_bytes);
        s->context[i].out = vm_arena_take(&s->arena, s->page_bytes);
        if (!s->config.packer->prepare(s->context[i].work, s->page_bytes, s->config.level))
            return false;
    }
    return true;
}

static bool memory_take(struct vm_packed *s, struct vm_error *e)
{
    const struct vm_packer *packer = s->config.packer;
    bool ages = s->config.behind;
    size_t work_bytes = packer->work_bytes(s->page_bytes, s->config.level);
    size_t entries = s->nentries * sizeof *s->entry;
    size_t links = ages ? (s->nentries + 1) * sizeof *s->age : 0;
    size_t step = ages ? (size_t)STEP * s->page_bytes : 0;
    size_t contexts = s->ncontexts * sizeof *s->context;
    size_t each = vm_arena_room(work_bytes) + vm_arena_room(s->page_bytes);
    if (!vm_arena_open(&s->arena,
                       4096 + vm_arena_room(entries) + vm_arena_room(links) + vm_arena_room(step) +
                           vm_arena_room(contexts) + s->ncontexts * each,
                       e))
        return false;
    s->step_page = vm_arena_take(&s->arena, step);
    s->entry = vm_arena_take(&s->arena, entries);
    s->age = ages ? vm_arena_take(&s->arena, links) : NULL;
    if (ages)
        vm_links_head(s->age, (uint32_t)s->nentries);
    s->context = vm_arena_take(&s->arena, contexts);
    if (!contexts_prepare(s, work_bytes))
        return vm_fail(e, VM_ESYSTEM, "%s: the library refuses to begin at level %d", packer->name,
                       s->config.level);
    return true;
}

void *vm_packed_open(const struct vm_store_env *env, const struct vm_packed_config *config,
                     struct vm_error *e)
{
    struct vm_packed *s = calloc(1, sizeof *s);
    if (!s) {
        vm_fail(e, VM_ESYSTEM, "no memory for a store");
        return NULL;
    }
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    s->ncontexts = processors < 1              ? 1
                   : processors > CONTEXTS_MAX ? CONTEXTS_MAX
                                               : (uint32_t)processors;
    s->config = *config;
    s->page_bytes = env->page_bytes;
    s->plain_bytes = env->page_bytes - env->page_bytes / VM_POOL_CLASSES;
    s->nentries = env->pages_max;
    if (memory_take(s, e) &&
        vm_pool_open(&s->pool, env->page_bytes, env->pages_max, config->limit_bytes, e))
        return s;
    vm_arena_close(&s->arena);
    free(s);
    return NULL;
}

void vm_packed_close(void *store)
{
    struct vm_packed *s = store;
    if (s->config.behind)
        s->config.behind->close(s->config.behind_store);
    vm_pool_close(&s->pool);
    vm_arena_close(&s->arena);
    free(s);
}

/* ---- pages of one word ---- */

static bool is_one_word(const uint64_t *page, uint32_t page_bytes)
{
    return page[0] == page[page_bytes / 8 - 1] && !memcmp(page, page + 1, page_bytes - 8);
}

/* All ones would: but that is no handle (store.h). */
static bool fits_handle(uint64_t word)
{
    return (word >> 63) == (word >> 62 & 1) && word != UINT64_MAX;
}

static uint64_t handle_word(vm_stored handle)
{
    return (handle & ~FILLED) | (handle << 1 & FILLED);
}

static void fill(void *page, uint64_t word, uint32_t page_bytes)
{
    uint64_t *out = page;
    for (uint32_t i = 0; i < page_bytes / 8; i++)
        out[i] = word;
}

/* ---- contexts ---- */

/* Threads begin at different contexts, and wait only where all are taken. */
static struct context *context_take(struct vm_packed *s)
{
    uintptr_t thread = (uintptr_t)__builtin_thread_pointer() >> 12;
    for (uint32_t i = 0; i < s->ncontexts; i++) {
        struct context *c = &s->context[(thread + i) % s->ncontexts];
        if (vm_lock_try(&c->lock))
            return c;
    }
    struct context *c = &s->context[thread % s->ncontexts];
    vm_lock_take(&c->lock);
    return c;
}

/* ---- entries; all under the lock ---- */

static struct entry *entry_of(const struct vm_packed *s, vm_stored handle)
{
    VM_ASSERT(handle && handle <= s->nentries && s->entry[handle - 1].holders > 0);
    return &s->entry[handle - 1];
}

static bool lies_in_pool(const struct entry *t)
{
    return t->kind == PACKED || t->kind == PLAIN;
}

static void age_begin(struct vm_packed *s, const struct entry *t)
{
    if (s->age && lies_in_pool(t))
        vm_links_push_last(s->age, (uint32_t)s->nentries, (uint32_t)(t - s->entry));
}

static void age_end(struct vm_packed *s, const struct entry *t)
{
    if (s->age && lies_in_pool(t) && !t->is_moving)
        vm_links_remove(s->age, (uint32_t)(t - s->entry));
}

/* 0: all are taken. */
static vm_stored entry_take(struct vm_packed *s, const struct entry *value)
{
    uint64_t at = s->first_free ? s->first_free - 1 : s->nused;
    if (at == s->nentries)
        return 0;
    if (s->first_free)
        s->first_free = s->entry[at].at;
    else
        s->nused++;
    s->entry[at] = *value;
    s->entry[at].holders = 1;
    age_begin(s, &s->entry[at]);
    s->usage.pages++;
    return at + 1;
}

/* Nobody holds it, and no step moves it. */
static void entry_end(struct vm_packed *s, struct entry *t)
{
    if (lies_in_pool(t))
        vm_pool_give(&s->pool, t->at);
    if (t->kind == BEHIND)
        s->config.behind->drop(s->config.behind_store, t->at);
    *t = (struct entry){.at = s->first_free};
    s->first_free = (uint64_t)(t - s->entry) + 1;
}

/* ---- moving pages behind ---- */

/* The oldest pages are this step's, as many as it may have. */
static uint32_t step_choose(struct vm_packed *s, uint32_t *chosen)
{
    uint32_t n = 0, head = (uint32_t)s->nentries;
    vm_lock_take(&s->lock);
    while (n < STEP && !vm_links_empty(s->age, head)) {
        uint32_t at = s->age[head].next;
        vm_links_remove(s->age, at);
        s->entry[at].is_moving = true;
        chosen[n++] = at;
    }
    vm_lock_give(&s->lock);
    return n;
}

static bool unpack(struct vm_packed *s, struct context *c, const struct entry *t, void *page)
{
    const void *object = vm_pool_at(&s->pool, t->at);
    if (t->kind == PACKED)
        return s->config.packer->unpack(c->work, object, t->bytes, page, s->page_bytes);
    memcpy(page, object, s->page_bytes);
    return true;
}

/* The page is behind now (handle != 0), unless somebody reads it here, or dropped it. */
static bool step_finish(struct vm_packed *s, struct entry *t, vm_stored handle)
{
    const struct vm_store_ops *behind = s->config.behind;
    bool moves = handle && t->holders && !t->pins;
    t->is_moving = false;
    if (handle && !moves)
        behind->drop(s->config.behind_store, handle);
    if (moves) {
        vm_pool_give(&s->pool, t->at);
        *t = (struct entry){.at = handle, .holders = t->holders, .kind = BEHIND};
    } else if (t->holders) {
        age_begin(s, t);
    } else {
        entry_end(s, t);
    }
    return moves;
}

/* What of the chosen unpacks; what does not is damaged, and stays for its reader to find out. */
static uint32_t step_unpack(struct vm_packed *s, const uint32_t *chosen, uint32_t n,
                            const void **page)
{
    uint32_t sound = 0;
    struct context *c = context_take(s);
    for (; sound < n; sound++) {
        uint8_t *to = s->step_page + (size_t)sound * s->page_bytes;
        if (!unpack(s, c, &s->entry[chosen[sound]], to))
            break;
        page[sound] = to;
    }
    vm_lock_give(&c->lock);
    return sound;
}

/* Moves the oldest pages behind. 0: it is worth trying again; or why none could go. */
static int step_move(struct vm_packed *s)
{
    uint32_t chosen[STEP], moved = 0, pinned = 0;
    const void *page[STEP];
    vm_stored handle[STEP] = {0};
    int error = ENOSPC;
    uint32_t n = step_choose(s, chosen), sound = step_unpack(s, chosen, n, page);
    if (sound)
        s->config.behind->write(s->config.behind_store, page, sound, handle, &error);
    vm_lock_take(&s->lock);
    for (uint32_t i = 0; i < n; i++) {
        struct entry *t = &s->entry[chosen[i]];
        pinned += handle[i] && t->pins;
        moved += step_finish(s, t, handle[i]);
    }
    vm_lock_give(&s->lock);
    atomic_fetch_add(&s->nsteps, moved != 0);
    /* Others hold what could go: readers, and writers of pages that are no entries yet. */
    bool may_come = pinned || (!n && atomic_load(&s->nnew));
    if (!moved && may_come)
        vm_raw_call(SYS_sched_yield, 0, 0, 0, 0, 0, 0);
    return moved || may_come ? 0 : error;
}

/* Makes room, but for what others made meanwhile. */
static int step(struct vm_packed *s)
{
    uint64_t seen = atomic_load(&s->nsteps);
    vm_lock_take(&s->step_lock);
    int error = seen == atomic_load(&s->nsteps) ? step_move(s) : 0;
    vm_lock_give(&s->step_lock);
    return error;
}

/* ---- writing ---- */

/* 0, or ENOSPC: there is no room in the pool. */
static int page_pack(struct vm_packed *s, const void *page, struct entry *out)
{
    struct context *c = context_take(s);
    uint32_t bytes = s->config.packer->pack(c->work, page, s->page_bytes, s->config.level, c->out,
                                            s->plain_bytes);
    *out = bytes ? (struct entry){.bytes = bytes, .kind = PACKED}
                 : (struct entry){.bytes = s->page_bytes, .kind = PLAIN};
    int error = ENOSPC;
    atomic_fetch_add(&s->nnew, 1);
    if ((out->at = vm_pool_take(&s->pool, out->bytes)) != VM_POOL_NONE) {
        memcpy(vm_pool_at(&s->pool, out->at), bytes ? c->out : page, out->bytes);
        error = 0;
    } else {
        atomic_fetch_sub(&s->nnew, 1);
    }
    vm_lock_give(&c->lock);
    return error;
}

/* 0, or why it cannot be kept. */
static int page_keep(struct vm_packed *s, const void *page, struct entry *out)
{
    if (is_one_word(page, s->page_bytes)) {
        *out = (struct entry){.at = *(const uint64_t *)page, .kind = WORD};
        return 0;
    }
    int error = page_pack(s, page, out);
    while (error == ENOSPC && s->config.behind && (error = step(s)) == 0)
        error = page_pack(s, page, out);
    return error;
}

/* The handle, or 0 and *error. */
static vm_stored page_write(struct vm_packed *s, const void *page, int *error)
{
    struct entry value;
    vm_stored handle;
    int failed = page_keep(s, page, &value);
    if (failed) {
        *error = failed;
        return 0;
    }
    vm_lock_take(&s->lock);
    if (value.kind == WORD && fits_handle(value.at)) {
        handle = FILLED | (value.at & ~FILLED);
        s->usage.pages++;
    } else {
        handle = entry_take(s, &value);
    }
    s->usage.writes += handle != 0;
    vm_lock_give(&s->lock);
    if (!handle)
        *error = ENOSPC;
    if (!handle && lies_in_pool(&value))
        vm_pool_give(&s->pool, value.at);
    if (lies_in_pool(&value))
        atomic_fetch_sub(&s->nnew, 1);
    return handle;
}

size_t vm_packed_write(void *store, const void *const *page, size_t n, vm_stored *handle,
                       int *error)
{
    struct vm_packed *s = store;
    size_t kept = 0;
    vm_gate_enter(&s->gate);
    for (size_t i = 0; i < n; i++)
        kept += (handle[i] = page_write(s, page[i], error)) != 0;
    vm_gate_leave(&s->gate);
    return kept;
}

/* ---- reading ---- */

static void pin(struct vm_packed *s, const vm_stored *handle, size_t n)
{
    vm_lock_take(&s->lock);
    for (size_t i = 0; i < n; i++)
        if (!(handle[i] & FILLED))
            entry_of(s, handle[i])->pins++;
    s->usage.reads += n;
    vm_lock_give(&s->lock);
}

static void unpin(struct vm_packed *s, const vm_stored *handle, size_t n)
{
    vm_lock_take(&s->lock);
    for (size_t i = 0; i < n; i++)
        if (!(handle[i] & FILLED))
            entry_of(s, handle[i])->pins--;
    vm_lock_give(&s->lock);
}

/* What is here, at once; what is behind, in one batch, whose places go to where[]. Pins keep
 * entries as they are. */
static size_t read_here(struct vm_packed *s, const vm_stored *handle, void *const *page, size_t n,
                        bool *ok, size_t *where)
{
    size_t nbehind = 0;
    struct context *c = context_take(s);
    for (size_t i = 0; i < n; i++) {
        ok[i] = true;
        if (handle[i] & FILLED) {
            fill(page[i], handle_word(handle[i]), s->page_bytes);
            continue;
        }
        const struct entry *t = &s->entry[handle[i] - 1];
        if (t->kind == BEHIND)
            where[nbehind++] = i;
        else if (t->kind == WORD)
            fill(page[i], t->at, s->page_bytes);
        else
            ok[i] = unpack(s, c, t, page[i]);
    }
    vm_lock_give(&c->lock);
    return nbehind;
}

static int read_behind(struct vm_packed *s, const vm_stored *handle, void *const *page,
                       const size_t *where, size_t n, bool *ok)
{
    vm_stored there[VM_STORE_BATCH];
    void *to[VM_STORE_BATCH];
    bool had[VM_STORE_BATCH];
    for (size_t k = 0; k < n; k++) {
        there[k] = s->entry[handle[where[k]] - 1].at;
        to[k] = page[where[k]];
    }
    int error = s->config.behind->read(s->config.behind_store, there, to, n, had);
    for (size_t k = 0; k < n; k++)
        ok[where[k]] = had[k];
    return error;
}

int vm_packed_read(void *store, const vm_stored *handle, void *const *page, size_t n, bool *ok)
{
    struct vm_packed *s = store;
    size_t where[VM_STORE_BATCH];
    int error = 0;
    vm_gate_enter(&s->gate);
    pin(s, handle, n);
    size_t nbehind = read_here(s, handle, page, n, ok, where);
    for (size_t i = 0; i < n; i++)
        error = ok[i] ? error : EIO;
    if (nbehind) {
        int there = read_behind(s, handle, page, where, nbehind, ok);
        error = there ? there : error;
    }
    unpin(s, handle, n);
    vm_gate_leave(&s->gate);
    return error;
}

void vm_packed_soon(void *store, const vm_stored *handle, size_t n)
{
    struct vm_packed *s = store;
    vm_stored there[VM_STORE_BATCH];
    size_t nthere = 0;
    if (!s->config.behind)
        return;
    vm_gate_enter(&s->gate);
    /* Pinned they stay where they are until the store behind has heard of them. */
    pin(s, handle, n);
    for (size_t i = 0; i < n; i++)
        if (!(handle[i] & FILLED) && s->entry[handle[i] - 1].kind == BEHIND)
            there[nthere++] = s->entry[handle[i] - 1].at;
    if (nthere)
        s->config.behind->soon(s->config.behind_store, there, nthere);
    unpin(s, handle, n);
    vm_gate_leave(&s->gate);
}

/* ---- holders ---- */

void vm_packed_hold(void *store, vm_stored handle)
{
    struct vm_packed *s = store;
    vm_gate_enter(&s->gate);
    vm_lock_take(&s->lock);
    if (handle & FILLED)
        s->usage.pages++;
    else
        entry_of(s, handle)->holders++;
    vm_lock_give(&s->lock);
    vm_gate_leave(&s->gate);
}

static void entry_drop(struct vm_packed *s, vm_stored handle)
{
    struct entry *t = entry_of(s, handle);
    VM_ASSERT(t->holders > 1 || !t->pins);
    if (--t->holders)
        return;
    s->usage.pages--;
    age_end(s, t);
    if (!t->is_moving)
        entry_end(s, t);
}

void vm_packed_drop(void *store, vm_stored handle)
{
    struct vm_packed *s = store;
    vm_gate_enter(&s->gate);
    vm_lock_take(&s->lock);
    if (handle & FILLED)
        s->usage.pages--;
    else
        entry_drop(s, handle);
    vm_lock_give(&s->lock);
    vm_gate_leave(&s->gate);
}

/* ---- the rest ---- */

int vm_packed_flush(void *store)
{
    struct vm_packed *s = store;
    vm_gate_enter(&s->gate);
    int error = s->config.behind ? s->config.behind->flush(s->config.behind_store) : 0;
    vm_gate_leave(&s->gate);
    return error;
}

void vm_packed_usage(void *store, struct vm_store_usage *out)
{
    struct vm_packed *s = store;
    struct vm_store_usage behind = {0};
    vm_gate_enter(&s->gate);
    if (s->config.behind)
        s->config.behind->usage(s->config.behind_store, &behind);
    vm_lock_take(&s->lock);
    *out = s->usage;
    out->bytes = s->pool.held_bytes + behind.bytes;
    out->requests = behind.requests;
    vm_lock_give(&s->lock);
    vm_gate_leave(&s->gate);
}

/* The kernel copies what is here; what is behind knows how to part. */
void vm_packed_fork_before(void *store)
{
    struct vm_packed *s = store;
    vm_gate_close(&s->gate);
    if (s->config.behind)
        s->config.behind->fork_before(s->config.behind_store);
}

bool vm_packed_fork_after(void *store, bool is_child)
{
    struct vm_packed *s = store;
    bool lives = true;
    if (s->config.behind)
        lives = s->config.behind->fork_after(s->config.behind_store, is_child);
    vm_gate_open(&s->gate);
    return lives;
}

static uint64_t ages(const struct vm_packed *s)
{
    uint64_t n = 0;
    uint32_t head = (uint32_t)s->nentries;
    for (uint32_t at = s->age[head].next; at != head; at = s->age[at].next, n++)
        VM_ASSERT(lies_in_pool(&s->entry[at]) && !s->entry[at].is_moving);
    return n;
}

void vm_packed_check(void *store)
{
    struct vm_packed *s = store;
    uint64_t held = 0, here = 0;
    for (uint64_t i = 0; i < s->nused; i++) {
        const struct entry *t = &s->entry[i];
        VM_ASSERT((t->kind == FREE) == (t->holders == 0));
        VM_ASSERT(!t->pins && !t->is_moving);
        held += t->holders != 0;
        here += lies_in_pool(t);
    }
    VM_ASSERT(held <= s->usage.pages && (!s->age || ages(s) == here));
    vm_pool_check(&s->pool);
    if (s->config.behind)
        s->config.behind->check(s->config.behind_store);
}
