/* future.c - see future.h. */
#include "policy/future.h"

#include "base/arena.h"
#include "base/assert.h"

/* seen[page] is ~t for a page seen at t, so that zeroed memory says "never". */
#define SEEN_AHEAD 32

/* One block of the pass; the words are the touches [first, first + n). */
static void look_back(uint32_t *word, size_t n, uint64_t first, uint32_t *seen)
{
    for (size_t i = n; i-- > 0;) {
        if (i >= SEEN_AHEAD)
            __builtin_prefetch(&seen[word[i - SEEN_AHEAD]], 1);
        uint32_t page = word[i];
        word[i] = ~seen[page];
        seen[page] = ~(uint32_t)(first + i);
    }
}

static bool open_seen(struct vm_arena *seen, uint64_t ntouches, uint32_t npages, struct vm_error *e)
{
    if (ntouches > VM_NEVER - 1)
        return vm_fail(e, VM_EUSAGE,
                       "opt can look at %u touches at most, and there are %llu (immediate repeats "
                       "apart): expected a shorter trace, or a limit",
                       VM_NEVER - 1, (unsigned long long)ntouches);
    return vm_arena_open(seen, (size_t)npages * sizeof(uint32_t), e);
}

bool vm_future_of_array(uint32_t *word, size_t n, uint32_t npages, struct vm_error *e)
{
    struct vm_arena seen;
    if (!open_seen(&seen, n, npages, e))
        return false;
    look_back(word, n, 0, (uint32_t *)seen.block);
    vm_arena_close(&seen);
    return true;
}

bool vm_future_of_spool(struct vm_spool *ids, uint32_t npages, struct vm_error *e)
{
    struct vm_arena seen;
    uint64_t ntouches = vm_spool_words(ids);
    if (!open_seen(&seen, ntouches, npages, e))
        return false;
    bool kept = true;
    for (uint64_t i = (ntouches + VM_SPOOL_BLOCK - 1) / VM_SPOOL_BLOCK; kept && i-- > 0;) {
        size_t n;
        uint32_t *word = vm_spool_block(ids, i, &n, e);
        if (word)
            look_back(word, n, i * VM_SPOOL_BLOCK, (uint32_t *)seen.block);
        kept = word && vm_spool_keep(ids, e);
    }
    vm_arena_close(&seen);
    return kept;
}

static void refill(struct vm_future *future)
{
    static const uint32_t never[256] = {[0 ... 255] = VM_NEVER};
    struct vm_future_reader *r = (struct vm_future_reader *)future;
    if (!r->failed && r->block * VM_SPOOL_BLOCK >= vm_spool_words(r->spool))
        r->failed = !vm_fail(&r->error, VM_EINPUT,
                             "more touches than when the trace was looked through: expected a "
                             "trace that stays the same");
    if (!r->failed) {
        future->next = vm_spool_block(r->spool, r->block++, &future->n, &r->error);
        r->failed = future->next == NULL;
    }
    if (r->failed) {
        future->next = never;
        future->n = sizeof never / sizeof never[0];
    }
}

void vm_future_open(struct vm_future_reader *r, struct vm_spool *spool)
{
    *r = (struct vm_future_reader){.future.refill = refill, .spool = spool};
}

bool vm_future_sound(const struct vm_future_reader *r, struct vm_error *e)
{
    if (r->failed)
        *e = r->error;
    return !r->failed;
}

bool vm_future_used_up(const struct vm_future_reader *r)
{
    return r->future.n == 0 && r->block * VM_SPOOL_BLOCK >= vm_spool_words(r->spool);
}
