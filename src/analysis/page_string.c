/* page_string.c - see page_string.h. */
#include "analysis/page_string.h"

#include "base/assert.h"
#include "engine/pages.h"
#include "policy/future.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE_SHIFT 12

/* A string being read. */
struct growing {
    struct page_string *string;
    size_t room; /* runs that there is memory for */
};

static bool keep_runs(void *host, const struct vm_page_run *run, size_t n, struct vm_error *e)
{
    struct growing *g = host;
    struct page_string *s = g->string;
    if (s->nruns + n > g->room) {
        size_t room = 2 * g->room + n;
        struct vm_page_run *more = realloc(s->run, room * sizeof *more);
        if (!more)
            return vm_fail(e, VM_ESYSTEM, "no memory for %zu runs of references", room);
        s->run = more;
        g->room = room;
    }
    memcpy(s->run + s->nruns, run, n * sizeof *run);
    s->nruns += n;
    for (size_t i = 0; i < n; i++)
        s->touches += run[i].count;
    return true;
}

static bool read_all(struct vm_trace *t, struct vm_page_stream *stream, struct vm_error *e)
{
    struct vm_batch b;
    do {
        if (!vm_trace_read(t, &b, e) || !vm_page_stream_batch(stream, &b, e))
            return false;
    } while (b.nrefs || b.nevents);
    return vm_page_stream_end(stream, e);
}

/* When each run's page comes again. */
static bool look_ahead(struct page_string *s, struct vm_error *e)
{
    s->next = malloc((s->nruns + 1) * sizeof *s->next);
    if (!s->next)
        return vm_fail(e, VM_ESYSTEM, "no memory to look ahead");
    for (size_t i = 0; i < s->nruns; i++)
        s->next[i] = s->run[i].ref / 2;
    return vm_future_of_array(s->next, s->nruns, s->npages, e);
}

static bool load(struct page_string *s, struct vm_trace *t, struct vm_error *e)
{
    struct vm_page_stream stream;
    struct growing g = {.string = s};
    *s = (struct page_string){0};
    bool good = t && vm_page_stream_open(&stream, PAGE_SHIFT, e);
    if (good) {
        stream.host = &g;
        stream.emit = keep_runs;
        good = read_all(t, &stream, e);
        s->npages = stream.ids.n;
        vm_page_stream_close(&stream);
    }
    vm_trace_close(t);
    if (good && look_ahead(s, e))
        return true;
    page_string_free(s);
    return false;
}

bool page_string_load(struct page_string *s, const char *spec, uint64_t seed, struct vm_error *e)
{
    struct vm_trace_options options = {.seed = seed};
    return load(s, vm_trace_open(spec, &options, e), e);
}

bool page_string_make(struct page_string *s, const uint64_t *page, size_t n, struct vm_error *e)
{
    struct vm_columns c = {
        .nrefs = n, .va = malloc((n + 1) * sizeof *c.va), .meta = malloc((n + 1) * sizeof *c.meta)};
    bool good = c.va && c.meta;
    for (size_t i = 0; i < n && good; i++) {
        c.va[i] = page[i] << PAGE_SHIFT;
        c.meta[i] = vm_ref_meta(VM_READ, 1);
    }
    good = good ? load(s, vm_trace_open_columns(&c, "a string of pages", e), e)
                : vm_fail(e, VM_ESYSTEM, "no memory for a string of %zu pages", n);
    free(c.va);
    free(c.meta);
    return good;
}

void page_string_free(struct page_string *s)
{
    free(s->run);
    free(s->next);
    *s = (struct page_string){0};
}

static void no_refill(struct vm_future *f)
{
    VM_ASSERT(f->n > 0 && !"a policy takes one word a run");
}

bool page_string_misses(const struct page_string *s, const char *policy, uint64_t frames,
                        uint64_t seed, uint64_t *misses, struct vm_error *e)
{
    struct vm_future future = {.next = s->next, .n = s->nruns, .refill = no_refill};
    struct vm_config c;
    struct vm_counts counts = {0};
    vm_config_init(&c);
    c.model = VM_MODEL_PAGES;
    c.page_bytes = UINT64_C(1) << PAGE_SHIFT;
    c.memory_bytes = frames << PAGE_SHIFT;
    c.seed = seed;
    snprintf(c.policy, sizeof c.policy, "%s", policy);
    struct vm_pages *p = vm_pages_open(&c, &future, e);
    if (!p || !vm_pages_run(p, s->run, s->nruns, e)) {
        vm_pages_close(p);
        return false;
    }
    vm_pages_counts(p, &counts);
    vm_pages_close(p);
    *misses = counts.faults;
    return true;
}
