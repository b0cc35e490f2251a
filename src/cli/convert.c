/* convert.c - `pagoda convert`: any trace or workload as .pgt, also for `pagoda record`. */
#include "cli/convert.h"

#include <string.h>

#define REPORT_REFS (UINT64_C(1) << 20)

const char *converted_text(const struct converted *n, char *out, size_t cap)
{
    char refs[32], requests[32];
    bool both = n->refs && n->requests;
    vm_text_count(n->refs, refs, sizeof refs);
    vm_text_count(n->requests, requests, sizeof requests);
    snprintf(out, cap, "%s%s%s%s%s", n->refs || !n->requests ? refs : "",
             n->refs || !n->requests ? " references" : "", both ? ", " : "",
             n->requests ? requests : "", n->requests ? " requests to the heap" : "");
    return out;
}

static uint32_t requests_in(const struct vm_batch *b)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < b->nevents; i++)
        n += vm_event_is_request(b->event[i].kind);
    return n;
}

static bool copy(struct vm_trace *t, struct vm_pgt_writer *w, const char *what, struct converted *n,
                 struct vm_error *e)
{
    struct progress bar;
    struct vm_batch b;
    struct vm_trace_info info;
    uint64_t next = REPORT_REFS;
    bool good;
    progress_start(&bar);
    while ((good = vm_trace_read(t, &b, e)) && (b.nrefs || b.nevents)) {
        if (!(good = vm_pgt_append(w, &b, e)))
            break;
        n->refs += b.nrefs;
        n->requests += requests_in(&b);
        if (n->refs >= next) {
            vm_trace_info(t, &info);
            progress_report(&bar, what, &info, n->refs);
            next = n->refs + REPORT_REFS;
        }
    }
    progress_end(&bar);
    vm_trace_info(t, &info);
    for (uint32_t i = 0; good && i < info.nsites; i++)
        good = vm_pgt_name_site(w, info.site[i], e);
    return good;
}

bool convert_trace(struct vm_trace *t, const char *path, const struct vm_pgt_options *options,
                   const char *what, struct converted *n, struct vm_error *e)
{
    struct vm_pgt_writer *w = vm_pgt_create(path, options, e);
    *n = (struct converted){0};
    if (!w)
        return false;
    if (!copy(t, w, what, n, e)) {
        vm_pgt_abort(w);
        return false;
    }
    return vm_pgt_finish(w, e);
}

static bool say(const struct vm_trace *t, const char *path, const struct converted *n,
                const struct args *a, struct vm_error *e)
{
    char all[80], lost[32];
    struct vm_trace_info info;
    vm_trace_info(t, &info);
    if (args_has(a, "json"))
        printf("{\"schema\": %d, \"kind\": \"convert\", \"version\": \"" PAGODA_VERSION
               "\", \"refs\": %llu, \"requests\": %llu, \"refs_lost\": %llu}\n",
               VM_JSON_SCHEMA, (unsigned long long)n->refs, (unsigned long long)n->requests,
               (unsigned long long)info.refs_lost);
    else /* not to standard output, where the trace may go */
        fprintf(stderr, "%s: %s%s%s%s\n", strcmp(path, "-") ? path : "standard output",
                converted_text(n, all, sizeof all), info.refs_lost ? ", " : "",
                info.refs_lost ? vm_text_count(info.refs_lost, lost, sizeof lost) : "",
                info.refs_lost ? " lost to damage" : "");
    return stdout_finish(e);
}

/* As .pgt, or by the file's name as comma-separated values. */
static bool convert(struct vm_trace *t, const char *name, const char *path, struct converted *n,
                    struct vm_error *e)
{
    struct vm_trace_info info;
    char made[1024];
    size_t length = strlen(path);
    if (length > 4 && !strcmp(path + length - 4, ".csv"))
        return convert_requests(t, path, &n->requests, e);
    vm_trace_info(t, &info);
    snprintf(made, sizeof made, "pagoda convert %s", name);
    struct vm_pgt_options pgt = {.origin = info.origin ? info.origin : made,
                                 .complete_maps = info.complete_maps};
    return convert_trace(t, path, &pgt, "converting", n, e);
}

static bool run_convert(const struct args *a, struct vm_error *e)
{
    struct vm_trace_options options;
    struct converted n = {0};
    const char *name = args_operand(a, "a trace: a file, - or @WORKLOAD", e);
    const char *path = args_value(a, "output");
    if (!name || !args_trace_options(a, &options, e))
        return false;
    if (!path)
        return vm_fail(e, VM_EUSAGE, "expected -o FILE.pgt, where to write");
    if (!strcmp(path, "-") && args_has(a, "json"))
        return vm_fail(e, VM_EUSAGE, "-o - and --json both write to standard output");
    struct vm_trace *t = vm_trace_open(name, &options, e);
    if (!t)
        return false;
    bool done = convert(t, name, path, &n, e) && say(t, path, &n, a, e);
    vm_trace_close(t);
    return done;
}

static const struct flag flags[] = {
    {"output", 'o', "FILE.pgt", "where to write", NULL}, TRACE_FLAGS, SEED_FLAG, {0}};

const struct command command_convert = {
    .name = "convert",
    .usage = "TRACE -o FILE.pgt",
    .summary = "write any trace or workload as .pgt",
    .about =
        "The file appears under its name when it is whole, and not before. With --salvage, a torn\n"
        ".pgt becomes a whole one of the blocks that are left. -o - writes to standard output.\n"
        "-o FILE.csv writes the requests to a heap that a trace has, a line each.\n\n"
        "  pagoda convert trace.lackey.xz -o trace.pgt\n"
        "  pagoda convert @zipf:pages=10k,s=0.9 --seed 7 -o zipf.pgt",
    .flag = flags,
    .machine = MACHINE_FLAGS_NONE,
    .json = JSON_FLAG_TAKEN,
    .run = run_convert,
};
