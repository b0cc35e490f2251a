/* watch.c - see watch.h. */
#include "analysis/watch.h"
#include "analysis/slices.h"
#include "base/bits.h"
#include "engine/pages.h"
#include "engine/replay.h"

#include <stdlib.h>

/* The pages model on its way. Its stream is given one reference at a time: what it puts together to
 * runs could not be told apart by references. */
struct page_watch {
    struct replay replay;
    struct vm_page_stream stream;
    struct vm_pages *pages;
    uint32_t *page_in;  /* [frames] the page seen in it last, plus 1; 0: none */
    uint64_t evictions; /* seen so far */
    struct slices slices;
    bool ended;
};

struct watch {
    struct vm_run *run; /* the machine; NULL: the pages model */
    struct page_watch page;
    struct vm_tap tap;
    uint64_t ref; /* of what is told */
    struct change *change;
    size_t n, cap;
    bool failed; /* no memory for a change */
};

static void note(struct watch *w, uint64_t key, int came)
{
    if (w->n == w->cap) {
        size_t cap = w->cap ? 2 * w->cap : 1024;
        struct change *grown = realloc(w->change, cap * sizeof *grown);
        w->failed |= !grown;
        if (!grown)
            return;
        w->change = grown;
        w->cap = cap;
    }
    w->change[w->n++] = (struct change){w->ref, key, came};
}

/* ---- the machine ---- */

static void on_fault(struct watch *w, const struct vm_fault *f, unsigned page_shift)
{
    if (f->kind == VM_FAULT_DEMAND_ZERO || f->kind == VM_FAULT_SWAP_IN ||
        f->kind == VM_FAULT_FILE_IN)
        note(w, vm_page_key(f->va, page_shift, f->asid), 1);
}

/* Of a page that is parked, or waits to be written with others, only the entries go. */
static void on_leaving(struct watch *w, const struct vm_leaving *l, unsigned page_shift)
{
    if (l->how == VM_LEFT_PARKED || l->how == VM_LEFT_QUEUED)
        return;
    vm_va va = vm_key_va(l->key, page_shift);
    for (uint64_t i = 0; i < UINT64_C(1) << l->order; i++)
        note(w, vm_page_key(va + (i << page_shift), page_shift, vm_key_asid(l->key)), -1);
}

static void on_tap(void *host, const struct vm_tap_event *v)
{
    struct watch *w = host;
    struct vm_engine_parts parts;
    if (v->kind == VM_TAP_TOUCH) {
        w->ref = v->touch.ref;
    } else if (v->kind == VM_TAP_AHEAD) {
        note(w, v->ahead.key, 1);
    } else if (v->kind == VM_TAP_FAULT || v->kind == VM_TAP_LEAVING) {
        vm_engine_parts(vm_run_engine(w->run), &parts);
        if (v->kind == VM_TAP_FAULT)
            on_fault(w, v->fault, parts.page_shift);
        else
            on_leaving(w, v->leaving, parts.page_shift);
    }
}

static bool open_machine(struct watch *w, const struct vm_config *c, const struct vm_source *source,
                         const struct vm_progress *progress, struct vm_error *e)
{
    w->run = vm_run_open(c, source, progress, e);
    if (!w->run)
        return false;
    w->tap = (struct vm_tap){w, on_tap};
    vm_engine_listen(vm_run_engine(w->run), &w->tap);
    return true;
}

/* ---- the pages model ---- */

/* The stream's own keys are addresses with the space in the low bits. */
static uint64_t key_of(const struct page_watch *p, uint32_t page)
{
    uint64_t key = p->stream.ids.keys[page];
    return vm_page_key(key & ~UINT64_C(0xfff), p->stream.page_shift, vm_key_asid(key));
}

/* The page in the frame now, plus 1; 0: none. */
static uint32_t page_in(const struct vm_replay *r, uint32_t frame)
{
    uint32_t page = r->page_of[frame];
    return r->frame_of[page] == frame + 1 ? page + 1 : 0;
}

static void look_at(struct watch *w, uint32_t frame)
{
    struct page_watch *p = &w->page;
    uint32_t before = p->page_in[frame], now = page_in(vm_pages_replay(p->pages), frame);
    if (before == now)
        return;
    if (before)
        note(w, key_of(p, before - 1), -1);
    if (now)
        note(w, key_of(p, now - 1), 1);
    p->page_in[frame] = now;
}

/* After a touch of `page`. What is evicted makes room in its frame, and nothing else changes;
 * unless the policy has given up frames that nobody asked for: then all are looked at. */
static void look(struct watch *w, uint32_t page)
{
    struct page_watch *p = &w->page;
    const struct vm_replay *r = vm_pages_replay(p->pages);
    uint32_t frame = r->frame_of[page] - 1;
    uint64_t evicted = r->evictions - p->evictions;
    bool replaced = p->page_in[frame] && p->page_in[frame] != page + 1;
    p->evictions = r->evictions;
    if (evicted == replaced) {
        look_at(w, frame);
        return;
    }
    for (uint32_t f = 0; f < r->nused; f++)
        look_at(w, f);
}

static bool on_runs(void *host, const struct vm_page_run *run, size_t n, struct vm_error *e)
{
    struct watch *w = host;
    for (size_t i = 0; i < n; i++) {
        if (!vm_pages_run(w->page.pages, &run[i], 1, e))
            return false;
        look(w, run[i].ref / 2);
    }
    return true;
}

static void on_switch(void *host, vm_asid asid)
{
    struct watch *w = host;
    vm_pages_switched(w->page.pages, asid);
}

static bool open_pages(struct watch *w, const struct vm_config *c, const struct vm_source *source,
                       const struct vm_progress *progress, struct vm_error *e)
{
    struct page_watch *p = &w->page;
    p->replay = (struct replay){.config = c, .source = source, .progress = progress};
    if (!vm_pages_check(c, e) || !vm_replay_begin(&p->replay, e) ||
        !vm_page_stream_open(&p->stream, vm_log2(c->page_bytes), e))
        return false;
    p->stream.host = w;
    p->stream.emit = on_runs;
    p->stream.switched = on_switch;
    p->slices.done = true;
    p->page_in = calloc(c->memory_bytes / c->page_bytes, sizeof *p->page_in);
    if (!p->page_in)
        return vm_fail(e, VM_ESYSTEM, "no memory to watch a replay");
    p->pages = vm_pages_open(c, p->replay.touches ? &p->replay.future.future : NULL, e);
    return p->pages;
}

static bool step_slice(struct watch *w, const struct vm_batch *one, struct vm_error *e)
{
    struct page_watch *p = &w->page;
    w->ref += one->nrefs;
    return vm_page_stream_batch(&p->stream, one, e) && vm_page_stream_end(&p->stream, e);
}

static bool fill(struct page_watch *p, struct vm_error *e)
{
    struct vm_batch batch;
    if (!vm_trace_read(p->replay.trace, &batch, e))
        return false;
    p->ended = !batch.nrefs && !batch.nevents;
    slices_of(&p->slices, &batch);
    return true;
}

static bool pages_to(struct watch *w, uint64_t refs, struct vm_error *e)
{
    struct page_watch *p = &w->page;
    struct vm_batch one;
    while (w->ref < refs && !p->ended) {
        if (!(slices_next(&p->slices, 1, &one) ? step_slice(w, &one, e) : fill(p, e)))
            return false;
    }
    return vm_replay_sound(&p->replay, e);
}

static void close_pages(struct page_watch *p)
{
    vm_pages_close(p->pages);
    vm_page_stream_close(&p->stream);
    vm_replay_end(&p->replay);
    free(p->page_in);
}

/* ---- both ---- */

struct watch *watch_open(const struct vm_config *c, const struct vm_source *source,
                         const struct vm_progress *progress, struct vm_error *e)
{
    struct watch *w = calloc(1, sizeof *w);
    if (!w) {
        vm_fail(e, VM_ESYSTEM, "no memory to watch a replay");
        return NULL;
    }
    if (c->model == VM_MODEL_PAGES ? open_pages(w, c, source, progress, e)
                                   : open_machine(w, c, source, progress, e))
        return w;
    watch_close(w);
    return NULL;
}

bool watch_to(struct watch *w, uint64_t refs, struct vm_error *e)
{
    w->n = 0;
    return (w->run ? vm_run_to(w->run, refs, e) : pages_to(w, refs, e)) &&
           (!w->failed || vm_fail(e, VM_ESYSTEM, "no memory to watch a replay"));
}

const struct change *watch_changes(const struct watch *w, size_t *n)
{
    *n = w->n;
    return w->change;
}

uint64_t watch_refs(const struct watch *w)
{
    return w->run ? vm_run_refs(w->run) : w->ref;
}

void watch_close(struct watch *w)
{
    if (!w)
        return;
    vm_run_close(w->run);
    close_pages(&w->page);
    free(w->change);
    free(w);
}
