/* live_json.c - what a pager of real memory did for a program, for programs. Every member:
 * docs/formats/json.md. */
#include "live/launch.h"
#include "report/json.h"

#include <pagoda/report.h>
#include <sys/wait.h>

static json_t *integer(uint64_t n)
{
    return json_integer((json_int_t)n);
}

static json_t *faults_json(struct vm_json *j, const struct vm_pager_counts *n)
{
    json_t *o = json_object();
#define PUT(name, what) vm_json_put(j, o, #name, integer(n->name));
    VM_PAGER_COUNTS(PUT)
#undef PUT
    return o;
}

static json_t *calls_json(struct vm_json *j, const struct live_call_counts *n)
{
    json_t *o = json_object();
#define PUT(name, what) vm_json_put(j, o, #name, integer(n->name));
    LIVE_CALL_COUNTS(PUT)
#undef PUT
    return o;
}

static json_t *times_json(const struct vm_live_times *t)
{
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "n", integer(t->n), "mean_ns",
                     integer(t->n ? t->sum_ns / t->n : 0), "p50_ns",
                     integer(vm_live_percentile(t, 0.5)), "p99_ns",
                     integer(vm_live_percentile(t, 0.99)), "p999_ns",
                     integer(vm_live_percentile(t, 0.999)), "max_ns", integer(t->max_ns));
}

static json_t *config_json(const struct live_launch *l)
{
    return json_pack(
        "{s:o, s:o, s:o, s:o, s:s, s:s, s:s}", "memory_bytes", integer(l->limit_bytes),
        "page_bytes", integer(l->page_bytes), "above_bytes", integer(l->above_bytes), "ahead_bytes",
        l->ahead_bytes == VM_LIVE_AHEAD_NONE ? integer(0) : integer(l->ahead_bytes), "policy",
        l->policy[0] ? l->policy : VM_LIVE_POLICY, "store", l->store[0] ? l->store : "lz4",
        "resolve", l->resolve == VM_LIVE_BY_HANDLER ? "handler" : "thread");
}

static json_t *memory_json(const struct live_launch *l)
{
    const struct vm_live_stats *s = &l->stats;
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "managed_bytes",
                     integer(l->calls.managed_bytes), "managed_bytes_most",
                     integer(l->calls.managed_bytes_most), "resident_bytes",
                     integer(s->resident_pages * s->page_bytes), "limit_bytes",
                     integer(s->limit_pages * s->page_bytes), "store_bytes",
                     integer(s->store_bytes), "store_pages", integer(s->store_pages),
                     "zero_pages_unstored", integer(s->zero_pages_unstored), "waits",
                     integer(s->waits), "failures", integer(s->failures));
}

bool vm_report_live_json(FILE *out, const struct live_launch *l, int status, struct vm_error *e)
{
    struct vm_json j = {0};
    json_t *root =
        json_pack("{s:i, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:s}", "schema",
                  VM_JSON_SCHEMA, "kind", "live", "version", PAGODA_VERSION, "exit",
                  WIFEXITED(status) ? json_integer(WEXITSTATUS(status)) : json_null(), "signal",
                  WIFSIGNALED(status) ? json_integer(WTERMSIG(status)) : json_null(), "config",
                  config_json(l), "memory", memory_json(l), "pager",
                  faults_json(&j, &l->stats.counts), "calls", calls_json(&j, &l->calls),
                  "fault_time", times_json(&l->stats.times), "degraded", l->stats.degraded);
    return vm_json_write(out, &j, root, e);
}
