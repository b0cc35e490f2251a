/* ahead.c - see ahead.h. */
#include "analysis/ahead.h"
#include "base/intern.h"
#include "engine/replay.h"

#include <stdlib.h>
#include <string.h>

#define STRIDE 4096 /* references between two looks at what is left to be found */

/* One choice's frames, by page. */
struct search {
    struct vm_story *story;
    struct vm_intern ids;          /* of pages; id i is frame[i]'s */
    struct vm_story_frame **frame; /* NULL: found, or its mapping went */
    uint32_t n, left;
    uint64_t ref, key;            /* of the touch that is heard of */
    struct vm_engine_parts parts; /* of the machine ahead */
};

/* The key of what leaves with a page: of itself, or of the first page of its segment. */
static uint64_t unit_key(const struct search *a, uint64_t key)
{
    const struct vm_engine_parts *p = &a->parts;
    struct vm_span span;
    if (p->scheme->unit != VM_UNIT_SEGMENT ||
        !p->scheme->segments->span(p->scheme_state, vm_key_va(key, p->page_shift), &span))
        return key;
    return vm_page_key(span.start, p->page_shift, vm_key_asid(key));
}

static bool add_frame(struct search *a, struct vm_story_frame *f)
{
    uint32_t id = vm_intern_id(&a->ids, unit_key(a, f->key));
    if (id != a->n) /* two frames with one page: the first one is told of */
        return id != UINT32_MAX;
    a->frame[a->n++] = f;
    a->left++;
    return true;
}

static bool add_choice(struct search *a, struct vm_story_step *s)
{
    /* An array of pointers: NOLINTNEXTLINE(bugprone-sizeof-expression) */
    a->frame = malloc((s->leaving.frame.n + (size_t)1) * sizeof a->frame[0]);
    if (!a->frame || !add_frame(a, &s->leaving.victim))
        return false;
    for (uint32_t i = 0; i < s->leaving.frame.n; i++)
        if (!add_frame(a, &a->story->frame[s->leaving.frame.first + i]))
            return false;
    return true;
}

/* The page is touched at `ref`, or (0) never as the page that it is. */
static void settle(struct search *a, uint64_t key, uint64_t ref)
{
    uint32_t id = vm_intern_peek(&a->ids, unit_key(a, key));
    if (id == UINT32_MAX || !a->frame[id])
        return;
    a->frame[id]->next = ref;
    a->frame[id] = NULL;
    a->left--;
}

static void hear(void *search, const struct vm_tap_event *v)
{
    struct search *a = search;
    if (v->kind == VM_TAP_TOUCH) {
        a->ref = v->touch.ref;
        a->key = vm_page_key(v->touch.va, a->story->page_shift, v->touch.asid);
    } else if (v->kind == VM_TAP_ACCESS) {
        settle(a, a->key, a->ref);
    } else if (v->kind == VM_TAP_LEAVING && v->leaving->how != VM_LEFT_PARKED) {
        settle(a, v->leaving->key, 0);
    }
}

/* What the reference itself touches behind the choice. */
static void hear_rest(struct search *a, size_t step)
{
    const struct vm_story *s = a->story;
    uint64_t key = 0;
    for (size_t i = 0; i < s->nsteps; i++)
        if (s->step[i].kind == VM_TAP_TOUCH)
            key = vm_page_key(s->step[i].touch.va, s->page_shift, s->step[i].touch.asid);
        else if (s->step[i].kind == VM_TAP_ACCESS && i > step)
            settle(a, key, s->ref);
}

static bool run_ahead(struct search *a, struct vm_run *r, struct vm_error *e)
{
    struct vm_tap tap = {a, hear};
    uint64_t done = a->story->ref;
    if (!vm_run_to(r, done, e))
        return false;
    vm_engine_listen(vm_run_engine(r), &tap);
    while (a->left && vm_run_refs(r) == done) {
        done += STRIDE;
        if (!vm_run_to(r, done, e))
            return false;
    }
    return true;
}

/* The same machine with memory for all pages, and a policy that needs no future. */
static struct vm_run *open_ahead(const struct vm_config *c, const struct vm_source *source,
                                 struct vm_config *ahead, struct vm_error *e)
{
    if (!vm_replay_endless(c, ahead, e))
        return NULL;
    strcpy(ahead->policy, "fifo");
    return vm_run_open(ahead, source, NULL, e);
}

static bool search_choice(const struct vm_config *c, const struct vm_source *source,
                          struct vm_story *s, size_t step, struct vm_error *e)
{
    struct vm_config config;
    struct search a = {.story = s};
    struct vm_run *r = open_ahead(c, source, &config, e);
    bool done = r && vm_intern_open(&a.ids, e);
    if (r)
        vm_engine_parts(vm_run_engine(r), &a.parts);
    if (done && !add_choice(&a, &s->step[step]))
        done = vm_fail(e, VM_ESYSTEM, "no memory to look ahead");
    if (done)
        hear_rest(&a, step);
    done = done && run_ahead(&a, r, e);
    vm_run_close(r);
    free(a.frame);
    vm_intern_close(&a.ids);
    return done;
}

bool look_ahead(const struct vm_config *c, const struct vm_source *source, struct vm_story *s,
                struct vm_error *e)
{
    for (size_t i = 0; i < s->nsteps; i++)
        if (s->step[i].kind == VM_TAP_LEAVING &&
            s->step[i].leaving.leaving.why == VM_LEAVES_CHOSEN &&
            !search_choice(c, source, s, i, e))
            return false;
    return true;
}
