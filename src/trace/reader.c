/* reader.c - see reader.h. */
#include "trace/reader.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *vm_reader_open(size_t state_bytes, struct vm_bytes *bytes, struct vm_error *e)
{
    struct vm_reader *r = calloc(1, state_bytes);
    if (!r) {
        vm_fail(e, VM_ESYSTEM, "%s: out of memory for a reader", vm_bytes_name(bytes));
        return NULL;
    }
    r->bytes = bytes;
    return r;
}

void *vm_reader_with_ids(void *state, struct vm_error *e)
{
    struct vm_reader *r = state;
    if (!r || vm_intern_open(&r->ids, e))
        return r;
    free(r);
    return NULL;
}

void vm_reader_close(void *state)
{
    struct vm_reader *r = state;
    vm_intern_close(&r->ids);
    free(r);
}

bool vm_reader_switch(struct vm_reader *r, uint64_t process, struct vm_batch_builder *out,
                      struct vm_error *e)
{
    uint32_t id = vm_intern_id(&r->ids, process);
    if (id == UINT32_MAX)
        return vm_fail(e, VM_ESYSTEM, "%s: out of memory for process numbers",
                       vm_bytes_name(r->bytes));
    if (id > VM_ASID_MAX)
        return vm_record_bad(r, e, "one process too many: expected at most %d", VM_ASID_MAX + 1);
    if (id != r->asid)
        vm_builder_event(out, (struct vm_event){.kind = VM_EVENT_SWITCH, .asid = (vm_asid)id});
    r->process = process;
    r->asid = (vm_asid)id;
    return true;
}

bool vm_reader_skip(void *state, uint64_t n, uint64_t *skipped, struct vm_error *e)
{
    (void)state, (void)n, (void)e;
    *skipped = 0;
    return true;
}

void vm_reader_info(const void *state, struct vm_trace_info *out)
{
    (void)state, (void)out;
}

/* The end of the last line that is complete; of a whole content, its end. */
static size_t complete_lines(const uint8_t *head, size_t n, bool whole)
{
    if (whole)
        return n;
    const uint8_t *newline = memrchr(head, '\n', n);
    return newline ? (size_t)(newline - head) + 1 : 0;
}

static bool reads_to_the_end(const struct vm_format_ops *ops, struct vm_bytes *bytes,
                             const struct vm_params *params, struct vm_batch_builder *batch,
                             struct vm_error *e)
{
    bool said = false;
    void *state = ops->open(bytes, params, &(struct vm_trace_options){0}, e);
    if (!state)
        return false;
    bool good;
    do {
        batch->nrefs = batch->nevents = 0;
        good = ops->read(state, batch, e);
        said |= batch->nrefs || batch->nevents;
    } while (good && (batch->nrefs || batch->nevents));
    ops->close(state);
    return good && said;
}

bool vm_reader_accepts(const struct vm_format_ops *ops, const uint8_t *head, size_t n, bool whole,
                       struct vm_error *e)
{
    size_t lines = complete_lines(head, n, whole);
    struct vm_params params;
    if (!lines || memchr(head, 0, lines) ||
        !vm_params_parse(&params, ops->name, ops->param, ops->nparams, NULL, e))
        return false;
    struct vm_bytes *bytes = vm_bytes_open_memory(head, lines, "head", e);
    struct vm_batch_builder *batch = malloc(sizeof *batch);
    bool accepts = bytes && batch && reads_to_the_end(ops, bytes, &params, batch, e);
    if (!batch)
        vm_fail(e, VM_ESYSTEM, "out of memory to find the trace's format");
    free(batch);
    vm_bytes_close(bytes);
    return accepts;
}

const uint8_t *vm_line_bad(const struct vm_reader *r, const char *what, const uint8_t *token,
                           const char *ends, const char *expected, struct vm_error *e)
{
    char text[41];
    size_t n = 0;
    while (n < sizeof text - 1 && token[n] != '\n' && !(token[n] && strchr(ends, token[n]))) {
        text[n] = isprint(token[n]) ? (char)token[n] : '?';
        n++;
    }
    text[n] = '\0';
    vm_fail(e, VM_EINPUT, "%s:%" PRIu64 ": bad %s \"%s\": expected %s", vm_bytes_name(r->bytes),
            r->line, what, text, expected);
    return NULL;
}

bool vm_record_bad(const struct vm_reader *r, struct vm_error *e, const char *fmt, ...)
{
    char text[200];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    return vm_fail(e, VM_EINPUT, "%s: byte %" PRIu64 ": %s", vm_bytes_name(r->bytes), r->offset,
                   text);
}

bool vm_record_cut(const struct vm_reader *r, size_t got, size_t want, struct vm_error *e)
{
    return vm_record_bad(r, e, "record cut short: %zu bytes, expected %zu", got, want);
}
