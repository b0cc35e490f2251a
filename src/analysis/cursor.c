/* cursor.c - a cursor over the references of a run, and the stories that it has told lately.
 *
 * Going ahead is replaying on; going back is replaying from the beginning, as near as the stories
 * at hand do not reach. A machine's state is large and its replay fast, so that no state is kept:
 * every replay is listened to from its first reference on (history.h), and the references before
 * the one asked for are told too, since whoever went back will go back further.
 *
 * Invariants
 *  1. The run has done at least the reference where the cursor stands; when it is further, it has
 *     looked for something that was not there, or for a reference past the end.
 *  2. Slot n % VM_CURSOR_KEPT has the story of reference n if its story.ref is n.
 */
#include "analysis/ahead.h"
#include "analysis/teller.h"
#include "base/assert.h"

#include <stdlib.h>

struct vm_cursor {
    const struct vm_config *config;
    const struct vm_source *source;
    struct vm_run *run;
    struct history history;
    struct teller teller;
    struct vm_tap tap;
    struct telling kept[VM_CURSOR_KEPT];
    struct telling *telling; /* NULL: nobody is told, only history listens */
    uint64_t at;
};

static void hear(void *cursor, const struct vm_tap_event *v)
{
    struct vm_cursor *c = cursor;
    if (c->telling)
        teller_event(&c->teller, v);
    history_event(&c->history, v);
}

/* The machine is new: listen to it. */
static bool listen(struct vm_cursor *c, struct vm_error *e)
{
    struct vm_engine *m = vm_run_engine(c->run);
    history_close(&c->history);
    c->tap = (struct vm_tap){c, hear};
    c->telling = NULL;
    if (!history_open(&c->history, m, e))
        return false;
    vm_engine_listen(m, &c->tap);
    free(c->teller.bits);
    c->teller.bits = NULL;
    if (c->history.parts.policy->reason != VM_REASON_BITS)
        return true;
    c->teller.bits = malloc(c->history.parts.nframes);
    return c->teller.bits ||
           vm_fail(e, VM_ESYSTEM, "no memory for the bits of %u frames", c->history.parts.nframes);
}

struct vm_cursor *vm_cursor_open(const struct vm_config *config, const struct vm_source *source,
                                 const struct vm_progress *progress, struct vm_error *e)
{
    struct vm_cursor *c = calloc(1, sizeof *c);
    if (!c) {
        vm_fail(e, VM_ESYSTEM, "no memory for a cursor");
        return NULL;
    }
    c->config = config;
    c->source = source;
    c->run = vm_run_open(config, source, progress, e);
    if (c->run && listen(c, e))
        return c;
    vm_cursor_close(c);
    return NULL;
}

void vm_cursor_close(struct vm_cursor *c)
{
    if (!c)
        return;
    for (size_t i = 0; i < VM_CURSOR_KEPT; i++)
        telling_free(&c->kept[i]);
    vm_run_close(c->run);
    history_close(&c->history);
    free(c->teller.bits);
    free(c);
}

uint64_t vm_cursor_at(const struct vm_cursor *c)
{
    return c->at;
}

static struct telling *slot_of(struct vm_cursor *c, uint64_t ref)
{
    return &c->kept[ref % VM_CURSOR_KEPT];
}

const struct vm_story *vm_cursor_story(const struct vm_cursor *c)
{
    const struct vm_story *s = &c->kept[c->at % VM_CURSOR_KEPT].story;
    VM_ASSERT(c->at > 0 && s->ref == c->at);
    return s;
}

/* Run one reference on, told. At the trace's end nothing is run and nothing told. */
static bool tell_next(struct vm_cursor *c, struct vm_error *e)
{
    uint64_t ref = vm_run_refs(c->run) + 1;
    struct telling *t = slot_of(c, ref);
    struct vm_engine *m = vm_run_engine(c->run);
    teller_begin(&c->teller, t, m, &c->history);
    c->telling = t;
    bool done = vm_run_to(c->run, ref, e);
    c->telling = NULL;
    if (!done || vm_run_refs(c->run) < ref) {
        t->story.ref = 0;
        return done;
    }
    teller_end(&c->teller, m);
    vm_run_last(c->run, &t->story.va, &t->story.bytes);
    return !t->failed || vm_fail(e, VM_ESYSTEM, "no memory for the story of a reference");
}

/* Stand at reference `ref`, which has been told, and finish its story: looking ahead is for those
 * that are asked for. */
static bool stand(struct vm_cursor *c, uint64_t ref, struct vm_error *e)
{
    struct telling *t = slot_of(c, ref);
    bool ahead = t->story.reason == VM_REASON_FARTHEST || t->story.reason == VM_REASON_NEAREST;
    if (!t->ordered && ahead && !look_ahead(c->config, c->source, &t->story, e))
        return false;
    if (!t->ordered)
        telling_order(t);
    c->at = ref;
    return true;
}

/* Let the run do references so that `ref` is told next or has been: not further than it. */
static bool approach(struct vm_cursor *c, uint64_t ref, struct vm_error *e)
{
    uint64_t before = ref - 1;
    if (vm_run_refs(c->run) >= ref) {
        if (!vm_run_restart(c->run, e) || !listen(c, e))
            return false;
        before = ref > VM_CURSOR_KEPT ? ref - VM_CURSOR_KEPT : 0;
    }
    return vm_run_refs(c->run) >= before || vm_run_to(c->run, before, e);
}

static bool is_kept(struct vm_cursor *c, uint64_t ref)
{
    return slot_of(c, ref)->story.ref == ref;
}

bool vm_cursor_go(struct vm_cursor *c, uint64_t ref, struct vm_error *e)
{
    VM_ASSERT(ref > 0);
    if (!is_kept(c, ref) && !approach(c, ref, e))
        return false;
    while (!is_kept(c, ref)) {
        uint64_t done = vm_run_refs(c->run);
        if (!tell_next(c, e))
            return false;
        if (vm_run_refs(c->run) == done)
            return vm_fail(e, VM_EUSAGE, "no reference %llu: the trace has %llu",
                           (unsigned long long)ref, (unsigned long long)done);
    }
    return stand(c, ref, e);
}

bool vm_cursor_seek(struct vm_cursor *c, enum vm_sought what, bool *found, struct vm_error *e)
{
    uint64_t from = c->at;
    *found = false;
    for (uint64_t ref = from + 1;; ref++) {
        if (!is_kept(c, ref) && (!approach(c, ref, e) || !tell_next(c, e)))
            return false;
        if (!is_kept(c, ref)) /* the end */
            return from == 0 || vm_cursor_go(c, from, e);
        if (vm_story_has(&slot_of(c, ref)->story, what)) {
            *found = true;
            return stand(c, ref, e);
        }
    }
}

void vm_cursor_info(const struct vm_cursor *c, struct vm_trace_info *out)
{
    vm_run_info(c->run, out);
}

/* ---- questions to a story ---- */

static bool step_is(const struct vm_story_step *s, enum vm_sought what)
{
    switch (what) {
    case VM_SOUGHT_FAULT:
        return s->kind == VM_TAP_FAULT ||
               (s->kind == VM_TAP_WALK && s->walk.fault == VM_WALK_BOUNDS);
    case VM_SOUGHT_EVICTION:
        return s->kind == VM_TAP_LEAVING && s->leaving.leaving.why != VM_LEAVES_MAPPING &&
               s->leaving.leaving.why != VM_LEAVES_MOVED;
    case VM_SOUGHT_TLB_MISS:
        break;
    }
    return false;
}

bool vm_story_has(const struct vm_story *s, enum vm_sought what)
{
    if (what == VM_SOUGHT_TLB_MISS)
        return s->after.tlb_misses > s->before.tlb_misses;
    for (size_t i = 0; i < s->nsteps; i++)
        if (step_is(&s->step[i], what))
            return true;
    return false;
}

void vm_story_prices(const struct vm_story *s, struct vm_prices *out)
{
    *out = (struct vm_prices){.total_ns = s->ns, .access_ns = s->ns};
    double *const field[] = {NULL,
#define PRICE_FIELD(name, what) &out->name##_ns,
                             VM_PRICES(PRICE_FIELD)
#undef PRICE_FIELD
    };
    for (size_t i = 0; i < s->nsteps; i++)
        for (size_t k = 0; k < VM_STORY_PRICES_MAX; k++)
            if (s->step[i].price[k].kind != VM_STORY_FREE)
                *field[s->step[i].price[k].kind] += s->step[i].price[k].ns;
}
