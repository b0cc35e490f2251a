/* convert_requests.c - a trace's requests as comma-separated values; docs/formats/traces.md has the
 * columns.
 *
 * The names of sites come with a trace's end and stand in each line, so the events are held until
 * then.
 */
#include "base/sink.h"
#include "cli/convert.h"

#include <errno.h>
#include <stdlib.h>

static void put_line(FILE *out, const struct vm_trace_info *t, const struct vm_event *v)
{
    static const char *const kinds[VM_EVENT_KINDS] = {[VM_EVENT_ALLOC] = "alloc",
                                                      [VM_EVENT_FREE] = "free",
                                                      [VM_EVENT_RESIZE] = "resize",
                                                      [VM_EVENT_EXEC] = "exec"};
    const char *call = vm_event_is_request(v->kind) && v->detail < VM_REQUEST_CALLS
                           ? vm_request_call_names[v->detail]
                           : vm_request_call_names[VM_REQUEST_UNKNOWN];
    fprintf(out, "%s,%s,0x%llx,%llu,%llu,0x%llx,%u,", kinds[v->kind], call,
            (unsigned long long)v->va, (unsigned long long)v->bytes, (unsigned long long)v->align,
            (unsigned long long)v->from, v->thread);
    for (const char *p = v->site && v->site <= t->nsites ? t->site[v->site - 1] : ""; *p; p++)
        fputc(*p == '\n' || *p == '\r' ? ' ' : *p, out);
    fputc('\n', out);
}

/* Without requests an exec says nothing. */
static uint64_t put_lines(FILE *out, const struct vm_columns *c, const struct vm_trace_info *t)
{
    uint64_t n = 0;
    fputs("request,call,address,bytes,align,from,thread,site\n", out);
    for (uint64_t i = 0; i < c->nevents; i++) {
        bool is_request = vm_event_is_request(c->event[i].kind);
        if (is_request || (n && c->event[i].kind == VM_EVENT_EXEC))
            put_line(out, t, &c->event[i]);
        n += is_request;
    }
    return n;
}

static bool put_text(const char *path, const char *text, size_t bytes, struct vm_error *e)
{
    struct vm_sink *s = vm_sink_open(path, e);
    if (s && !vm_sink_write(s, text, bytes, e)) {
        vm_sink_abort(s);
        return false;
    }
    return s && vm_sink_commit(s, e);
}

static bool put_columns(const struct vm_columns *c, const struct vm_trace_info *t, const char *path,
                        uint64_t *requests, struct vm_error *e)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    if (!out)
        return vm_fail(e, VM_ESYSTEM, "%s: out of memory", path);
    *requests = put_lines(out, c, t);
    bool good = (fclose(out) == 0 && text) || vm_fail(e, VM_ESYSTEM, "%s: out of memory", path);
    if (good && !*requests)
        good = vm_fail(e, VM_EINPUT, "%s: no requests to a heap: expected some for a .csv file",
                       t->name);
    good = good && put_text(path, text, bytes, e);
    free(text);
    return good;
}

bool convert_requests(struct vm_trace *t, const char *path, uint64_t *requests, struct vm_error *e)
{
    struct vm_columns c;
    struct vm_trace_info info;
    if (!vm_columns_load(&c, t, e))
        return false;
    vm_trace_info(t, &info);
    bool good = put_columns(&c, &info, path, requests, e);
    vm_columns_free(&c);
    return good;
}
