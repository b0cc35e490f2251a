#include "oracle/rv64_world.h"
#include <assert.h>
#include <pagoda/trace.h>
#include <stdlib.h>
#include <string.h>

static void note(struct rv64_references *r, vm_va va, uint16_t meta)
{
    if (r->n == r->room) {
        r->room = r->room ? 2 * r->room : 1024;
        r->va = realloc(r->va, r->room * sizeof *r->va);
        r->meta = realloc(r->meta, r->room * sizeof *r->meta);
        assert(r->va && r->meta);
    }
    r->va[r->n] = va;
    r->meta[r->n++] = meta;
}

void rv64_world_open(struct rv64_world *w, vm_va base, unsigned npages, uint32_t log_room)
{
    struct vm_error e;
    *w = (struct rv64_world){.base = base, .npages = npages};
    assert(npages <= RV64_WORLD_PAGES);
    w->bytes = calloc(npages, RV64_WORLD_PAGE);
    for (unsigned i = 0; i < npages; i++)
        w->rights[i] = VM_PROT_ALL;
    w->view = vm_rv64_view_open(&e);
    assert(w->bytes && w->view);
    if (log_room) {
        w->log.va = malloc(log_room * sizeof *w->log.va);
        w->log.meta = malloc(log_room * sizeof *w->log.meta);
        w->log.cap = log_room;
    }
}

void rv64_world_close(struct rv64_world *w)
{
    vm_rv64_view_close(w->view);
    free(w->bytes);
    free(w->log.va);
    free(w->log.meta);
    free(w->seen.va);
    free(w->seen.meta);
}

static size_t page_index(const struct rv64_world *w, vm_va va)
{
    return (size_t)((va - w->base) / RV64_WORLD_PAGE);
}

bool rv64_world_has(const struct rv64_world *w, vm_va va)
{
    return va - w->base < (uint64_t)w->npages * RV64_WORLD_PAGE;
}

uint8_t *rv64_world_byte(struct rv64_world *w, vm_va va)
{
    return w->bytes + (va - w->base);
}

void rv64_world_put(struct rv64_world *w, vm_va va, const void *from, size_t bytes)
{
    memcpy(rv64_world_byte(w, va), from, bytes);
}

static bool allowed(const struct rv64_world *w, vm_va va, enum vm_access access)
{
    return rv64_world_has(w, va) && w->rights[page_index(w, va)] & vm_access_needs(access);
}

static uint8_t *naive_at(void *host, vm_va va, enum vm_access access)
{
    struct rv64_world *w = host;
    return allowed(w, va, access) ? rv64_world_byte(w, va) : NULL;
}

static void naive_log(void *host, vm_va va, uint16_t meta)
{
    note(&((struct rv64_world *)host)->seen, va, meta);
}

struct naive_rv64_bus rv64_world_naive_bus(struct rv64_world *w)
{
    return (struct naive_rv64_bus){.host = w, .at = naive_at, .log = w->log.cap ? naive_log : NULL};
}

/* What a kernel may do whenever it is asked something. */
static void forget_some(struct rv64_world *w)
{
    if (!w->forget_one_in || vm_random_below(&w->random, w->forget_one_in))
        return;
    if (!vm_random_below(&w->random, 8))
        vm_rv64_view_forget_all(w->view);
    else
        vm_rv64_view_forget(w->view,
                            w->base + vm_random_below(&w->random, w->npages) * RV64_WORLD_PAGE);
}

static void give(struct rv64_world *w, vm_va va)
{
    size_t page = page_index(w, va);
    vm_rv64_view_map(w->view, va, w->rights[page], w->bytes + page * RV64_WORLD_PAGE);
}

/* Of an instruction in two pages the first half was asked for alone, if its page was not there:
 * that is no reference of its own. */
static void unlog_first_half(struct vm_rv64_log *log, vm_va va, uint16_t meta)
{
    bool whole = meta == vm_ref_meta(VM_FETCH, 4);
    if (whole && log->n && log->va[log->n - 1] == va && log->meta[log->n - 1] == VM_FETCH)
        log->n--;
}

static bool refill(void *host, vm_va va, uint16_t meta, uint64_t *tval)
{
    struct rv64_world *w = host;
    enum vm_access access = vm_ref_access(meta);
    vm_va last = va + vm_ref_bytes(meta) - 1, next = (va | (RV64_WORLD_PAGE - 1)) + 1;
    w->refills++;
    forget_some(w);
    unlog_first_half(&w->log, va, meta);
    if (!allowed(w, va, access) || !allowed(w, last, access)) {
        *tval = allowed(w, va, access) ? next : va;
        return false;
    }
    give(w, va);
    give(w, last);
    if (w->log.cap) {
        w->log.va[w->log.n] = va;
        w->log.meta[w->log.n++] = access == VM_FETCH ? vm_ref_meta(VM_FETCH, 0) : meta;
    }
    return true;
}

void rv64_world_drain(struct rv64_world *w)
{
    for (uint32_t i = 0; i < w->log.n; i++)
        note(&w->seen, w->log.va[i], w->log.meta[i]);
    w->log.n = 0;
}

static void drain(void *host)
{
    struct rv64_world *w = host;
    w->drains++;
    rv64_world_drain(w);
    forget_some(w);
}

struct vm_rv64_bus rv64_world_bus(struct rv64_world *w)
{
    return (struct vm_rv64_bus){
        .host = w, .refill = refill, .drain = drain, .log = w->log.cap ? &w->log : NULL};
}

void rv64_world_allow(struct rv64_world *w, vm_va va, unsigned rights)
{
    w->rights[page_index(w, va)] |= rights;
}

void rv64_world_forbid(struct rv64_world *w, vm_va va, unsigned rights)
{
    w->rights[page_index(w, va)] &= ~rights;
    vm_rv64_view_forget(w->view, va);
}

/* --- logs --------------------------------------------------------------------------------- */

static bool is_fetch(uint16_t meta)
{
    return vm_ref_access(meta) == VM_FETCH;
}

static bool fetch_at(const struct rv64_references *r, size_t i, vm_va va)
{
    return i < r->n && is_fetch(r->meta[i]) && r->va[i] == va;
}

/* The naive fetches from *i on that a group of `bytes` at va is; true: they are there. */
static bool take_group(const struct rv64_references *naive, size_t *i, vm_va va, unsigned bytes)
{
    vm_va end = va + bytes;
    while (va != end && fetch_at(naive, *i, va)) {
        va += vm_ref_bytes(naive->meta[*i]);
        ++*i;
    }
    return va == end;
}

static bool take(const struct rv64_references *fast, size_t k, const struct rv64_references *naive,
                 size_t *i)
{
    vm_va va = fast->va[k];
    uint16_t meta = fast->meta[k];
    if (is_fetch(meta))
        return take_group(naive, i, va, vm_ref_bytes(meta));
    return *i < naive->n && naive->va[*i] == va && naive->meta[(*i)++] == meta;
}

/* The fast references from k on are the naive ones from i on. A group of unknown length is tried
 * longest first: where a block jumps to itself, more than one length may fit its beginning. */
static bool match(const struct rv64_references *fast, size_t k, const struct rv64_references *naive,
                  size_t i)
{
    while (k < fast->n && !(is_fetch(fast->meta[k]) && !vm_ref_bytes(fast->meta[k])))
        if (!take(fast, k++, naive, &i))
            return false;
    if (k == fast->n)
        return i == naive->n;
    size_t longest = i;
    for (vm_va va = fast->va[k]; fetch_at(naive, longest, va); longest++)
        va += vm_ref_bytes(naive->meta[longest]);
    for (; longest > i; longest--)
        if (match(fast, k + 1, naive, longest))
            return true;
    return false;
}

bool rv64_world_same_logs(const struct rv64_world *fast, const struct rv64_world *naive)
{
    return match(&fast->seen, 0, &naive->seen, 0);
}
