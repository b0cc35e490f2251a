/* trace.c - open, read, close: a source found by name or content, and skip and limit over it.
 *
 * Invariants
 *  1. Skipping passes over references, not over what happened to address spaces: the events before
 *     the first delivered reference all come, in order, some in batches without references.
 *  2. A limit ends the trace with its last reference; events after that are not delivered. So what
 *     is delivered does not depend on where a reader ends its batches.
 */
#include "trace/source.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#define PROBE_BYTES (64u << 10)

const char *const vm_request_call_names[VM_REQUEST_CALLS] = {
    [VM_REQUEST_UNKNOWN] = "unknown",
    [VM_REQUEST_MALLOC] = "malloc",
    [VM_REQUEST_CALLOC] = "calloc",
    [VM_REQUEST_REALLOC] = "realloc",
    [VM_REQUEST_REALLOCARRAY] = "reallocarray",
    [VM_REQUEST_ALIGNED_ALLOC] = "aligned_alloc",
    [VM_REQUEST_POSIX_MEMALIGN] = "posix_memalign",
    [VM_REQUEST_MEMALIGN] = "memalign",
    [VM_REQUEST_VALLOC] = "valloc",
    [VM_REQUEST_PVALLOC] = "pvalloc",
    [VM_REQUEST_FREE] = "free",
};

struct vm_trace {
    const struct vm_source_ops *ops;
    void *source;
    char *name;
    uint64_t skip;                          /* references still to pass over */
    uint64_t left;                          /* references still to deliver */
    struct vm_event event[VM_BATCH_EVENTS]; /* of a batch that skip cut */
};

/* ---- a format's reader over bytes ---- */

struct file_source {
    const struct vm_format_ops *format;
    struct vm_bytes *bytes;
    void *reader;
    struct vm_batch_builder batch;
};

static void batch_view(const struct vm_batch_builder *b, struct vm_batch *out)
{
    *out = (struct vm_batch){b->nrefs, b->nevents, b->va, b->meta, b->event};
}

static bool file_read(void *state, struct vm_batch *out, struct vm_error *e)
{
    struct file_source *s = state;
    s->batch.nrefs = s->batch.nevents = 0;
    if (!s->format->read(s->reader, &s->batch, e))
        return false;
    batch_view(&s->batch, out);
    return true;
}

static bool file_skip(void *state, uint64_t n, uint64_t *skipped, struct vm_error *e)
{
    struct file_source *s = state;
    return s->format->skip(s->reader, n, skipped, e);
}

static void file_info(const void *state, struct vm_trace_info *out)
{
    const struct file_source *s = state;
    out->format = s->format->name;
    out->hash = vm_bytes_hash(s->bytes);
    vm_bytes_progress(s->bytes, &out->bytes_done, &out->bytes_all);
    s->format->info(s->reader, out);
}

static void file_close(void *state)
{
    struct file_source *s = state;
    if (s->reader)
        s->format->close(s->reader);
    vm_bytes_close(s->bytes);
    free(s);
}

static const struct vm_source_ops file_ops = {file_read, file_skip, file_info, file_close};

/* The format whose probe accepts the content; NULL: error. */
static const struct vm_format_ops *recognise(struct vm_bytes *bytes, struct vm_error *e)
{
    size_t n;
    const uint8_t *head = vm_bytes_peek(bytes, PROBE_BYTES, &n, e);
    if (!head)
        return NULL;
    bool whole = n < PROBE_BYTES;
    n = whole ? n : PROBE_BYTES;
    const struct vm_format_ops *f;
    for (size_t i = 0; (f = vm_format_at(i)); i++) {
        e->code = VM_OK;
        if (f->probe(head, n, whole, e))
            return f;
        if (e->code == VM_ESYSTEM)
            return NULL;
    }
    char names[200] = "";
    size_t used = 0;
    for (size_t i = 0; (f = vm_format_at(i)) && used < sizeof names; i++)
        used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", i ? ", " : "", f->name);
    vm_fail(e, VM_EINPUT, "%s: content of no known trace format: expected one of %s",
            vm_bytes_name(bytes), names);
    vm_hint(e, "--format NAME reads it as that format and says where it differs");
    return NULL;
}

/* The format that `spec` names, or of the content where it is NULL, and its parameters. */
static const struct vm_format_ops *choose_format(struct vm_bytes *bytes, const char *spec,
                                                 struct vm_params *params, struct vm_error *e)
{
    char name[32];
    const char *text = spec ? vm_spec_split(spec, name, sizeof name) : "";
    const struct vm_format_ops *f = spec ? vm_format_find(name, e) : recognise(bytes, e);
    return f && vm_params_parse(params, f->name, f->param, f->nparams, text, e) ? f : NULL;
}

static bool file_open(struct file_source *s, const struct vm_trace_options *options,
                      struct vm_error *e)
{
    size_t n;
    if (!vm_bytes_peek(s->bytes, 1, &n, e))
        return false;
    if (n == 0)
        return vm_fail(e, VM_EINPUT, "%s: empty: expected a trace", vm_bytes_name(s->bytes));
    struct vm_params params;
    s->format = choose_format(s->bytes, options->format, &params, e);
    s->reader = s->format ? s->format->open(s->bytes, &params, options, e) : NULL;
    return s->reader;
}

/* Takes over `bytes`, which may be NULL where opening them failed. */
static struct vm_trace *open_file(struct vm_bytes *bytes, const char *name,
                                  const struct vm_trace_options *options, struct vm_error *e)
{
    if (!bytes)
        return NULL;
    struct file_source *s = calloc(1, sizeof *s);
    if (!s) {
        vm_bytes_close(bytes);
        vm_fail(e, VM_ESYSTEM, "%s: out of memory for a reader", name);
        return NULL;
    }
    s->bytes = bytes;
    if (!file_open(s, options, e)) {
        file_close(s);
        return NULL;
    }
    return vm_trace_over(&file_ops, s, name, options, e);
}

/* ---- a workload ---- */

struct workload_source {
    const struct vm_workload_ops *ops;
    void *state;
    uint64_t hash;
    struct vm_batch_builder batch;
};

static bool workload_read(void *state, struct vm_batch *out, struct vm_error *e)
{
    (void)e;
    struct workload_source *s = state;
    s->batch.nrefs = s->batch.nevents = 0;
    s->ops->read(s->state, &s->batch);
    batch_view(&s->batch, out);
    return true;
}

static bool workload_skip(void *state, uint64_t n, uint64_t *skipped, struct vm_error *e)
{
    (void)state, (void)n, (void)e;
    *skipped = 0;
    return true;
}

static void workload_info(const void *state, struct vm_trace_info *out)
{
    const struct workload_source *s = state;
    out->format = "workload";
    out->refs = s->ops->refs(s->state);
    out->hash = s->hash;
}

static void workload_close(void *state)
{
    struct workload_source *s = state;
    s->ops->close(s->state);
    free(s);
}

static const struct vm_source_ops workload_ops = {workload_read, workload_skip, workload_info,
                                                  workload_close};

static struct vm_trace *open_workload(const char *spec, const struct vm_trace_options *options,
                                      struct vm_error *e)
{
    char name[32];
    struct vm_params params;
    const char *text = vm_spec_split(spec + 1, name, sizeof name);
    const struct vm_workload_ops *ops = vm_workload_find(name, e);
    if (!ops || !vm_params_parse(&params, ops->name, ops->param, ops->nparams, text, e))
        return NULL;
    struct workload_source *s = calloc(1, sizeof *s);
    if (!s) {
        vm_fail(e, VM_ESYSTEM, "%s: out of memory for a workload", spec);
        return NULL;
    }
    s->ops = ops;
    s->hash = XXH3_64bits_withSeed(spec, strlen(spec), options->seed);
    s->state = ops->open(&params, options->seed, e);
    if (!s->state) {
        free(s);
        return NULL;
    }
    return vm_trace_over(&workload_ops, s, spec, options, e);
}

/* ---- the trace ---- */

struct vm_trace *vm_trace_over(const struct vm_source_ops *ops, void *state, const char *name,
                               const struct vm_trace_options *options, struct vm_error *e)
{
    struct vm_trace *t = calloc(1, sizeof *t);
    uint64_t skipped;
    if (!t || !(t->name = strdup(name))) {
        free(t);
        ops->close(state);
        vm_fail(e, VM_ESYSTEM, "%s: out of memory for a trace", name);
        return NULL;
    }
    t->ops = ops;
    t->source = state;
    t->left = options->limit ? options->limit : UINT64_MAX;
    if (!options->skip || ops->skip(state, options->skip, &skipped, e)) {
        t->skip = options->skip ? options->skip - skipped : 0;
        return t;
    }
    vm_trace_close(t);
    return NULL;
}

struct vm_trace *vm_trace_open(const char *spec, const struct vm_trace_options *options,
                               struct vm_error *e)
{
    static const struct vm_trace_options none;
    options = options ? options : &none;
    if (spec[0] == '@')
        return open_workload(spec, options, e);
    return open_file(vm_bytes_open(spec, e), spec, options, e);
}

struct vm_trace *vm_trace_open_bytes(const void *data, size_t bytes, const char *name,
                                     const struct vm_trace_options *options, struct vm_error *e)
{
    static const struct vm_trace_options none;
    return open_file(vm_bytes_open_memory(data, bytes, name, e), name, options ? options : &none,
                     e);
}

/* Take the first `n` references from a batch, but none of its events. */
static void batch_drop(struct vm_trace *t, struct vm_batch *b, uint32_t n)
{
    for (uint32_t i = 0; i < b->nevents; i++) {
        t->event[i] = b->event[i];
        t->event[i].at = b->event[i].at > n ? b->event[i].at - n : 0;
    }
    b->event = t->event;
    b->va += n;
    b->meta += n;
    b->nrefs -= n;
}

/* End the batch with its n-th reference: it is the trace's last. */
static void batch_end(struct vm_batch *b, uint32_t n)
{
    b->nrefs = n;
    while (b->nevents && b->event[b->nevents - 1].at >= n)
        b->nevents--;
}

bool vm_trace_read(struct vm_trace *t, struct vm_batch *out, struct vm_error *e)
{
    struct vm_batch b = {0};
    for (bool end = t->left == 0; !end && !b.nrefs && !b.nevents;) {
        if (!t->ops->read(t->source, &b, e))
            return false;
        end = !b.nrefs && !b.nevents;
        if (t->skip && b.nrefs) {
            uint32_t n = t->skip < b.nrefs ? (uint32_t)t->skip : b.nrefs;
            batch_drop(t, &b, n);
            t->skip -= n;
        }
    }
    if (b.nrefs >= t->left)
        batch_end(&b, (uint32_t)t->left);
    t->left -= b.nrefs;
    *out = b;
    return true;
}

void vm_trace_info(const struct vm_trace *t, struct vm_trace_info *out)
{
    *out = (struct vm_trace_info){.name = t->name};
    t->ops->info(t->source, out);
}

void vm_trace_close(struct vm_trace *t)
{
    if (!t)
        return;
    t->ops->close(t->source);
    free(t->name);
    free(t);
}
