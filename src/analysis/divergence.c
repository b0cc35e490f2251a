/* divergence.c - see divergence.h. */
#include "analysis/divergence.h"
#include "analysis/watch.h"
#include "base/assert.h"

#include <stdlib.h>
#include <string.h>

#define STRETCH_REFS 65536 /* a few MiB of changes at most for each machine */

/* What one reference came to for one page: the rival's change less that of the other. */
struct delta {
    uint64_t key;
    int more;
};

struct differ {
    struct delta *delta;
    size_t n, cap;
};

/* The machines of one memory; a rival's is closed where it has parted. */
struct race {
    const struct rival *rival;
    size_t n;
    struct watch *reference, **watch; /* [n] NULL: done */
    struct differ differ;
};

static int by_key(const void *a, const void *b)
{
    uint64_t x = ((const struct delta *)a)->key, y = ((const struct delta *)b)->key;
    return x < y ? -1 : x > y;
}

static bool reserve(struct differ *d, size_t n, struct vm_error *e)
{
    if (n <= d->cap)
        return true;
    struct delta *grown = realloc(d->delta, n * sizeof *grown);
    if (!grown)
        return vm_fail(e, VM_ESYSTEM, "no memory to compare pages");
    d->delta = grown;
    d->cap = n;
    return true;
}

/* Sum up the deltas of each page, into the lowest pages that one has and the other not. */
static bool settle(struct differ *d, struct vm_divergence *out)
{
    out->kept = out->lacked = VM_NOPAGE;
    qsort(d->delta, d->n, sizeof *d->delta, by_key);
    for (size_t i = 0; i < d->n;) {
        int more = 0;
        uint64_t key = d->delta[i].key;
        for (; i < d->n && d->delta[i].key == key; i++)
            more += d->delta[i].more;
        if (more > 0 && out->kept == VM_NOPAGE)
            out->kept = key;
        if (more < 0 && out->lacked == VM_NOPAGE)
            out->lacked = key;
    }
    return out->kept != VM_NOPAGE || out->lacked != VM_NOPAGE;
}

/* Changes of one stretch that are still to be looked at. */
struct changes {
    const struct change *at;
    size_t n;
};

static uint64_t first_ref(struct changes c)
{
    return c.n ? c.at->ref : UINT64_MAX;
}

static void take(struct differ *d, struct changes *c, uint64_t ref, int sign)
{
    for (; c->n && c->at->ref == ref; c->at++, c->n--)
        d->delta[d->n++] = (struct delta){c->at->key, sign * c->at->came};
}

static bool same_changes(struct changes a, struct changes b)
{
    if (a.n != b.n)
        return false;
    for (size_t i = 0; i < a.n; i++)
        if (a.at[i].ref != b.at[i].ref || a.at[i].key != b.at[i].key ||
            a.at[i].came != b.at[i].came)
            return false;
    return true;
}

/* The first reference of the stretch whose changes differ, into `out`. */
static bool compare(struct differ *d, struct changes reference, struct changes rival,
                    struct vm_divergence *out, struct vm_error *e)
{
    if (same_changes(reference, rival))
        return true;
    if (!reserve(d, reference.n + rival.n, e))
        return false;
    VM_ASSERT(d->delta); /* for there is a change */
    while (reference.n || rival.n) {
        uint64_t a = first_ref(reference), b = first_ref(rival), ref = a < b ? a : b;
        d->n = 0;
        take(d, &reference, ref, -1);
        take(d, &rival, ref, 1);
        if (settle(d, out)) {
            out->outcome = VM_DIVERGENCE_FOUND;
            out->ref = ref;
            return true;
        }
    }
    return true;
}

static struct changes changes_of(const struct watch *w)
{
    struct changes c;
    c.at = watch_changes(w, &c.n);
    return c;
}

static void stop(struct race *r, size_t i)
{
    watch_close(r->watch[i]);
    r->watch[i] = NULL;
}

/* One rival over the stretch that the reference has done. */
static bool follow(struct race *r, size_t i, uint64_t refs, struct vm_error *e)
{
    struct vm_divergence *out = r->rival[i].out;
    struct vm_error failed;
    if (!watch_to(r->watch[i], refs, &failed)) {
        stop(r, i);
        return failed.code != VM_ESYSTEM || vm_fail(e, failed.code, "%s", failed.text);
    }
    if (!compare(&r->differ, changes_of(r->reference), changes_of(r->watch[i]), out, e))
        return false;
    if (out->outcome == VM_DIVERGENCE_FOUND)
        stop(r, i);
    return true;
}

static bool any_left(const struct race *r)
{
    for (size_t i = 0; i < r->n; i++)
        if (r->watch[i])
            return true;
    return false;
}

/* The trace has ended: who is still there has never parted. */
static void finish(struct race *r)
{
    for (size_t i = 0; i < r->n; i++)
        if (r->watch[i])
            r->rival[i].out->outcome = VM_DIVERGENCE_NEVER;
}

static bool run(struct race *r, struct vm_error *e)
{
    for (uint64_t refs = STRETCH_REFS; any_left(r); refs += STRETCH_REFS) {
        if (!watch_to(r->reference, refs, e))
            return false;
        for (size_t i = 0; i < r->n; i++)
            if (r->watch[i] && !follow(r, i, refs, e))
                return false;
        if (watch_refs(r->reference) < refs) {
            finish(r);
            return true;
        }
    }
    return true;
}

static bool open_all(struct race *r, const struct vm_config *reference,
                     const struct vm_source *source, const struct vm_progress *progress,
                     struct vm_error *e)
{
    r->watch = calloc(r->n, sizeof(struct watch *));
    if (!r->watch)
        return vm_fail(e, VM_ESYSTEM, "no memory to compare policies");
    r->reference = watch_open(reference, source, progress, e);
    for (size_t i = 0; r->reference && i < r->n; i++)
        if (!(r->watch[i] = watch_open(r->rival[i].config, source, progress, e)))
            return false;
    return r->reference;
}

bool find_divergences(const struct vm_config *reference, const struct rival *rival, size_t n,
                      const struct vm_source *source, const struct vm_progress *progress,
                      struct vm_error *e)
{
    struct race r = {.rival = rival, .n = n};
    bool done = open_all(&r, reference, source, progress, e) && run(&r, e);
    for (size_t i = 0; r.watch && i < n; i++)
        watch_close(r.watch[i]);
    watch_close(r.reference);
    free(r.watch);
    free(r.differ.delta);
    return done;
}
