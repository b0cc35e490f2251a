/* run_json.c - a run of programs, for programs. Every member: docs/formats/json.md. */
#include "report/json.h"

#include <pagoda/kernel.h>
#include <string.h>
#include <sys/wait.h>

static json_t *process_json(const struct vm_run_process *p)
{
    bool ended = p->status != -1;
    return json_pack(
        "{s:i, s:i, s:o, s:o, s:o, s:I, s:o, s:I, s:I, s:I, s:I, s:I, s:I}", "pid", (int)p->pid,
        "ppid", (int)p->ppid, "name", vm_json_text(p->name), "exit",
        ended && WIFEXITED(p->status) ? json_integer(WEXITSTATUS(p->status)) : json_null(),
        "signal", ended && WIFSIGNALED(p->status) ? json_integer(WTERMSIG(p->status)) : json_null(),
        "began_ns", (json_int_t)p->began_ns, "ended_ns",
        ended ? json_integer((json_int_t)p->ended_ns) : json_null(), "instructions",
        (json_int_t)p->instructions, "syscalls", (json_int_t)p->syscalls, "faults",
        (json_int_t)p->faults, "majors", (json_int_t)p->majors, "switches", (json_int_t)p->switches,
        "rss_peak_bytes", (json_int_t)p->rss_peak_bytes);
}

static json_t *cpu_json(const struct vm_run_cpu *c)
{
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "instructions",
                     (json_int_t)c->instructions, "idle_ns", (json_int_t)c->idle_ns, "switches",
                     (json_int_t)c->switches, "migrations", (json_int_t)c->migrations,
                     "timer_interrupts", (json_int_t)c->timer_interrupts, "reschedules",
                     (json_int_t)c->reschedules, "shootdowns", (json_int_t)c->shootdowns);
}

static json_t *traps_json(struct vm_json *j, const struct vm_run_result *r)
{
    json_t *traps = json_array();
    for (unsigned cause = 0; cause < VM_RUN_CAUSES; cause++)
        if (r->traps[cause])
            vm_json_add(j, traps,
                        json_pack("{s:i, s:s, s:I}", "scause", (int)cause, "name",
                                  vm_rv64_cause_name((enum vm_rv64_cause)cause), "n",
                                  (json_int_t)r->traps[cause]));
    return traps;
}

static json_t *unknown_json(uint32_t number)
{
    const char *name = vm_kernel_absent_call(number);
    return json_pack("{s:I, s:o}", "number", (json_int_t)number, "name",
                     name ? json_string(name) : json_null());
}

bool vm_report_run_json(FILE *out, const struct vm_run_result *r, struct vm_error *e)
{
    static const char *const models[] = {"none", "tlb", "full"};
    struct vm_json j = {0};
    json_t *processes = json_array(), *unknown = json_array(), *cpus = json_array();
    for (uint32_t i = 0; i < r->ncpus; i++)
        vm_json_add(&j, cpus, cpu_json(&r->cpu[i]));
    for (size_t i = 0; i < r->nlisted; i++)
        vm_json_add(&j, processes, process_json(&r->listed[i]));
    for (size_t i = 0; i < r->nunknown; i++)
        vm_json_add(&j, unknown, unknown_json(r->unknown[i]));
    json_t *root = json_pack(
        "{s:i, s:s, s:s, s:s, s:o, s:o, s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o, "
        "s:o, s:o, s:o}",
        "schema", VM_JSON_SCHEMA, "kind", "run", "version", PAGODA_VERSION, "model",
        models[r->model], "exit",
        WIFEXITED(r->status) ? json_integer(WEXITSTATUS(r->status)) : json_null(), "signal",
        WIFSIGNALED(r->status) ? json_integer(WTERMSIG(r->status)) : json_null(), "ended",
        *r->ended ? json_string(r->ended) : json_null(), "instructions",
        (json_int_t)r->instructions, "now_ns", (json_int_t)r->now_ns, "idle_ns",
        (json_int_t)r->idle_ns, "system_calls", (json_int_t)r->syscalls, "signals",
        (json_int_t)r->signals, "thread_switches", (json_int_t)r->switches, "timer_interrupts",
        (json_int_t)r->timer_interrupts, "write_errors", (json_int_t)r->write_errors, "frames_left",
        (json_int_t)r->frames_left, "traps", traps_json(&j, r), "processors", cpus, "processes",
        processes, "unknown_syscalls", unknown);
    json_t *machine = json_object();
    vm_json_put_machine(&j, machine, &r->machine);
    vm_json_put(&j, root, "machine", machine);
    return vm_json_write(out, &j, root, e);
}
