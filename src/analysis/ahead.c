/* ahead.c - see ahead.h. */
#include "analysis/ahead.h"
#include "base/assert.h"
#include "base/intern.h"

#include <stdlib.h>

/* One choice's frames, looked for in the trace ahead. */
struct search {
    struct vm_story *story;
    struct vm_intern ids;          /* of pages; id i is frame[i]'s */
    struct vm_story_frame **frame; /* [n] NULL: found, or its mapping went */
    uint32_t n, left;
    vm_asid asid;
    uint64_t ref; /* the reference looked at last */
};

static bool is_choice(const struct vm_story_step *s)
{
    return s->kind == VM_TAP_LEAVING && s->leaving.leaving.why == VM_LEAVES_CHOSEN;
}

static bool add_frame(struct search *a, struct vm_story_frame *f)
{
    uint32_t id = vm_intern_id(&a->ids, f->key);
    if (id != a->n) /* two frames with one page: the first one is told of */
        return id != UINT32_MAX;
    a->frame[a->n++] = f;
    a->left++;
    return true;
}

static bool add_choice(struct search *a, struct vm_story_step *s)
{
    a->frame = malloc((s->leaving.frame.n + (size_t)1) * sizeof *a->frame);
    if (!a->frame || !add_frame(a, &s->leaving.victim))
        return false;
    for (uint32_t i = 0; i < s->leaving.frame.n; i++)
        if (!add_frame(a, &a->story->frame[s->leaving.frame.first + i]))
            return false;
    return true;
}

static void look_at_page(struct search *a, uint64_t key)
{
    uint32_t id = vm_intern_peek(&a->ids, key);
    if (id == UINT32_MAX || !a->frame[id])
        return;
    a->frame[id]->next = a->ref;
    a->frame[id] = NULL;
    a->left--;
}

static void look_at_reference(struct search *a, vm_va va, unsigned bytes)
{
    unsigned shift = a->story->page_shift;
    vm_va last = (va + bytes - 1) >> shift;
    for (vm_va page = va >> shift; page <= last; page++)
        look_at_page(a, page << 12 | a->asid);
}

/* The pages of [va, end) of a space are touched no more as the pages that they are. */
static void forget(struct search *a, vm_asid asid, vm_va va, vm_va end)
{
    for (uint32_t id = 0; id < a->n; id++) {
        uint64_t key = a->frame[id] ? a->frame[id]->key : 0;
        vm_va at = vm_key_va(key, a->story->page_shift);
        if (!a->frame[id] || vm_key_asid(key) != asid || at < va || at >= end)
            continue;
        a->frame[id] = NULL;
        a->left--;
    }
}

static void look_at_event(struct search *a, const struct vm_event *v)
{
    switch ((enum vm_event_kind)v->kind) {
    case VM_EVENT_SWITCH:
        a->asid = v->asid;
        break;
    case VM_EVENT_ADVISE:
        if (v->detail != VM_ADVICE_DONTNEED)
            break;
        __attribute__((fallthrough));
    case VM_EVENT_MAP:
    case VM_EVENT_UNMAP:
        forget(a, v->asid, v->va, v->va + v->bytes);
        break;
    case VM_EVENT_EXEC:
    case VM_EVENT_EXIT:
        forget(a, v->asid, 0, UINT64_MAX);
        break;
    case VM_EVENT_FORK:
        forget(a, v->child, 0, UINT64_MAX);
        break;
    case VM_EVENT_PROTECT:
        break;
    }
}

/* The trace is read from the story's reference on: that and the events before it are the past. */
static void look_at_batch(struct search *a, const struct vm_batch *b)
{
    uint32_t k = 0;
    for (uint32_t i = 0; i <= b->nrefs && a->left; i++) {
        for (; k < b->nevents && b->event[k].at == i; k++)
            if (a->ref >= a->story->ref)
                look_at_event(a, &b->event[k]);
        if (i < b->nrefs && ++a->ref > a->story->ref)
            look_at_reference(a, b->va[i], vm_ref_bytes(b->meta[i]));
    }
}

/* What the reference itself touches behind the touch at which the choice was made. */
static void look_at_rest(struct search *a, size_t step)
{
    for (size_t i = step; i < a->story->nsteps; i++)
        if (a->story->step[i].kind == VM_TAP_TOUCH)
            look_at_page(a, vm_page_key(a->story->step[i].touch.va, a->story->page_shift,
                                        a->story->step[i].touch.asid));
}

static bool search_trace(struct search *a, const struct vm_run *r, struct vm_error *e)
{
    struct vm_batch b;
    struct vm_trace *t = vm_run_trace(r, a->story->ref, e);
    bool done = t;
    a->ref = a->story->ref - 1;
    while (done && a->left) {
        done = vm_trace_read(t, &b, e);
        if (!done || (!b.nrefs && !b.nevents))
            break;
        look_at_batch(a, &b);
    }
    vm_trace_close(t);
    return done;
}

static bool search_choice(const struct vm_run *r, struct vm_story *s, size_t step,
                          struct vm_error *e)
{
    struct search a = {.story = s, .asid = s->asid, .ref = s->ref};
    bool done = vm_intern_open(&a.ids, e);
    if (done && !add_choice(&a, &s->step[step]))
        done = vm_fail(e, VM_ESYSTEM, "no memory to look ahead");
    if (done) {
        look_at_rest(&a, step);
        done = search_trace(&a, r, e);
    }
    free(a.frame);
    vm_intern_close(&a.ids);
    return done;
}

bool look_ahead(const struct vm_run *r, struct vm_story *s, struct vm_error *e)
{
    for (size_t i = 0; i < s->nsteps; i++)
        if (is_choice(&s->step[i]) && !search_choice(r, s, i, e))
            return false;
    return true;
}
