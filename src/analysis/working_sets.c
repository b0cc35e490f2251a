/* working_sets.c - see working_sets.h. */
#include "analysis/working_sets.h"
#include "base/assert.h"

#include <stdlib.h>

bool working_set_open(struct working_set *w, uint64_t window, unsigned page_shift,
                      struct vm_error *e)
{
    *w = (struct working_set){.window = window, .page_shift = page_shift, .current = VM_NOPAGE};
    return vm_intern_open(&w->pages, e);
}

void working_set_close(struct working_set *w)
{
    vm_intern_close(&w->pages);
    free(w->last);
    free(w->queue);
}

/* ---- room ---- */

static bool pages_grow(struct working_set *w)
{
    uint32_t cap = w->cap ? 2 * w->cap : 1024;
    uint64_t *last = realloc(w->last, cap * sizeof *last);
    if (!last)
        return false;
    for (uint32_t i = w->cap; i < cap; i++)
        last[i] = 0;
    w->last = last;
    w->cap = cap;
    return true;
}

static bool queue_grow(struct working_set *w)
{
    uint64_t cap = w->queue_cap ? 2 * w->queue_cap : 1024;
    struct working_set_touch *queue = malloc(cap * sizeof *queue);
    if (!queue)
        return false;
    for (uint64_t i = 0; i < w->length; i++)
        queue[i] = w->queue[(w->head + i) & (w->queue_cap - 1)];
    free(w->queue);
    w->queue = queue;
    w->queue_cap = cap;
    w->head = 0;
    return true;
}

/* ---- time ---- */

/* Pages whose last touch is not among the last `window` references leave. */
static void expire(struct working_set *w)
{
    while (w->length > 0) {
        struct working_set_touch t = w->queue[w->head];
        if (t.at + w->window > w->now)
            return;
        w->head = (w->head + 1) & (w->queue_cap - 1);
        w->length--;
        if (w->last[t.id] == t.at) {
            w->last[t.id] = 0;
            w->count--;
        }
    }
}

/* The current page was touched for the last time in a row at `at`. */
static bool note_last(struct working_set *w, uint64_t at)
{
    if (w->length == w->queue_cap && !queue_grow(w))
        return false;
    w->count += w->last[w->current_id] == 0;
    w->last[w->current_id] = at;
    w->queue[(w->head + w->length++) & (w->queue_cap - 1)] =
        (struct working_set_touch){at, w->current_id};
    return true;
}

/* Another page is touched at w->now; the current one was last at `last`. */
static bool turn_to(struct working_set *w, uint64_t key, uint64_t last)
{
    if (w->current != VM_NOPAGE && !note_last(w, last))
        return false;
    w->current = key;
    w->current_id = vm_intern_id(&w->pages, key);
    if (w->current_id == UINT32_MAX || (w->current_id >= w->cap && !pages_grow(w)))
        return false;
    uint64_t pages = working_set_pages(w);
    if (pages > w->peak)
        w->peak = pages;
    return true;
}

bool working_set_refs(struct working_set *w, vm_asid asid, const vm_va *va, const uint16_t *meta,
                      uint32_t n, struct vm_error *e)
{
    bool good = true;
    for (uint32_t i = 0; i < n && good; i++) {
        vm_va last = va[i] + vm_ref_bytes(meta[i]) - 1;
        uint64_t first_key = vm_page_key(va[i], w->page_shift, asid);
        uint64_t last_key = vm_page_key(last, w->page_shift, asid);
        w->now++;
        if (first_key != w->current)
            good = turn_to(w, first_key, w->now - 1);
        if (last_key != w->current)
            good = good && turn_to(w, last_key, w->now);
    }
    return good || vm_fail(e, VM_ESYSTEM, "no memory for a working set");
}

uint64_t working_set_pages(struct working_set *w)
{
    expire(w);
    return w->current == VM_NOPAGE ? 0 : w->count + (w->last[w->current_id] == 0);
}

static int by_key(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

bool working_set_list(struct working_set *w, struct page_list *out, struct vm_error *e)
{
    uint64_t pages = working_set_pages(w);
    out->n = 0;
    if (pages > out->cap) {
        uint64_t *key = realloc(out->key, pages * sizeof *key);
        if (!key)
            return vm_fail(e, VM_ESYSTEM, "no memory for the list of a working set");
        out->key = key;
        out->cap = pages;
    }
    for (uint32_t id = 0; id < w->pages.n; id++)
        if (w->last[id] || (w->current != VM_NOPAGE && id == w->current_id))
            out->key[out->n++] = w->pages.keys[id];
    VM_ASSERT(out->n == pages);
    if (out->n > 0) /* else there may be no list yet */
        qsort(out->key, out->n, sizeof *out->key, by_key);
    return true;
}
