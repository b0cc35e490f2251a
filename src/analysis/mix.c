/* mix.c - see thrash.h: the scheduler of a mix.
 *
 * Nothing runs at the same time here: one process after the other has the machine, for a quantum or
 * until it must wait, and the machine's clock says when that was. A process that waits is blocked
 * until a moment that is known at once, so that there is one event to look for: the earliest such
 * moment. What a process did to the machine is the difference of its counts.
 *
 * Invariants
 *  1. A reference's fault is resolved in one go, before anybody else runs; only the time that it
 *     takes passes afterwards. (So every process gets on, however few frames there are.)
 *  2. The sum of the processes' counts is the machine's.
 *  3. At least one process is admitted, as long as one is left.
 */
#include "analysis/mix.h"
#include "base/bits.h"

#include <stdlib.h>
#include <string.h>

#define REPORT_REFS (UINT64_C(1) << 20)

/* ---- who is in which state ---- */

void mix_enter(struct mix *x, struct process *p, enum process_state state)
{
    p->state = state;
    p->since = ++x->turns;
}

struct process *mix_first(struct mix *x, enum process_state state)
{
    struct process *first = NULL;
    for (size_t i = 0; i < x->n; i++)
        if (x->process[i].state == state && (!first || x->process[i].since < first->since))
            first = &x->process[i];
    return first;
}

/* The blocked one that can go on first; of several, the one that was blocked first. */
static struct process *next_unblocked(struct mix *x)
{
    struct process *next = NULL;
    for (size_t i = 0; i < x->n; i++) {
        struct process *p = &x->process[i];
        if (p->state == PROCESS_BLOCKED && (!next || p->until < next->until ||
                                            (p->until == next->until && p->since < next->since)))
            next = p;
    }
    return next;
}

size_t mix_count(const struct mix *x, enum process_state state)
{
    size_t n = 0;
    for (size_t i = 0; i < x->n; i++)
        n += x->process[i].state == state;
    return n;
}

/* Those whose transfers are done by now are ready, in the order of that. */
static void wake(struct mix *x, uint64_t now)
{
    struct process *p;
    while ((p = next_unblocked(x)) && p->until <= now)
        mix_enter(x, p, PROCESS_READY);
}

/* ---- what a process did ---- */

uint64_t mix_now(struct mix *x)
{
    struct vm_time time;
    vm_engine_time(x->machine, &time);
    return time.now_ns;
}

void mix_note(struct mix *x, struct before *b)
{
    vm_engine_time(x->machine, &b->time);
    b->counts = *x->parts.counts;
}

void mix_charge(struct mix *x, struct process *p, const struct before *b)
{
    const struct vm_counts *n = x->parts.counts;
    struct vm_process_result *r = &p->result;
    struct vm_time time;
    vm_engine_time(x->machine, &time);
    r->touches += n->touches - b->counts.touches;
    r->tlb_misses += n->tlb_misses - b->counts.tlb_misses;
    r->faults += n->faults - b->counts.faults;
    r->majors += n->swap_ins + n->file_ins - b->counts.swap_ins - b->counts.file_ins;
    r->writebacks += n->writebacks - b->counts.writebacks;
    r->program_ns += time.program_ns - b->time.program_ns;
    r->kernel_ns += time.kernel_ns - b->time.kernel_ns;
    for (int why = 0; why < VM_WAITS; why++)
        r->waits_ns[why] += time.waits_ns[why] - b->time.waits_ns[why];
    if (p->watched && p->set.peak > r->working_set_peak)
        r->working_set_peak = p->set.peak;
}

/* ---- turns ---- */

static void report(struct mix *x, struct process *p)
{
    const struct vm_progress *progress = x->request->progress;
    struct vm_trace_info info;
    if (!progress || x->refs < x->report_at)
        return;
    vm_trace_info(p->trace, &info);
    progress->report(progress->host, "running", &info, p->result.refs);
    x->report_at = x->refs + REPORT_REFS;
}

static bool run_event(struct mix *x, struct vm_event event, struct vm_error *e)
{
    return vm_engine_run(x->machine, &(struct vm_batch){.nevents = 1, .event = &event}, e);
}

/* The process's references are next. */
static bool dispatch(struct mix *x, struct process *p, struct vm_error *e)
{
    p->result.dispatches++;
    if (p->asid == x->asid)
        return true;
    x->asid = p->asid;
    return run_event(x, (struct vm_event){.kind = VM_EVENT_SWITCH, .asid = p->asid}, e);
}

/* Its memory is free for the others; what the last one leaves stays, as after a replay. */
static bool end(struct mix *x, struct process *p, struct vm_error *e)
{
    mix_enter(x, p, PROCESS_DONE);
    p->result.done_ns = mix_now(x);
    if (mix_count(x, PROCESS_DONE) == x->n)
        return true;
    for (unsigned i = 0; i <= VM_ASID_MAX; i++)
        if (p->space[i] != NO_SPACE && vm_memory_space(x->parts.memory, p->space[i]) &&
            !run_event(x, (struct vm_event){.kind = VM_EVENT_EXIT, .asid = p->space[i]}, e))
            return false;
    return true;
}

static void block(struct mix *x, struct process *p, uint64_t until)
{
    p->until = until;
    p->result.waits++;
    p->result.blocked_ns += until - mix_now(x);
    mix_enter(x, p, PROCESS_BLOCKED);
}

/* Whether memory has room for the pages of one reference: else no process could ever go on. */
static bool fit(const struct mix *x, const struct process *p, const struct vm_batch *b,
                struct vm_error *e)
{
    unsigned shift = x->parts.page_shift;
    if (x->parts.nframes > (UINT32_C(1) * VM_SIZE_MAX >> shift) + 1)
        return true;
    for (uint32_t i = 0; i < b->nrefs; i++) {
        vm_va last = b->va[i] + vm_ref_bytes(b->meta[i]) - 1;
        uint64_t pages = (last >> shift) - (b->va[i] >> shift) + 1;
        if (pages > x->parts.nframes)
            return vm_fail(e, VM_EMACHINE,
                           "%s: reference %llu reaches into %llu pages, and memory has %u frames: "
                           "expected room for all at once",
                           p->name, (unsigned long long)(p->result.refs + i + 1),
                           (unsigned long long)pages, x->parts.nframes);
    }
    return true;
}

/* Run the process until it has done `left` references, it is `end_ns`, it must wait or it ends: its
 * state is then another, or it is still ready. */
static bool run(struct mix *x, struct process *p, uint64_t left, uint64_t end_ns,
                struct vm_error *e)
{
    while (left > 0 && mix_now(x) < end_ns) {
        struct vm_event event;
        struct vm_batch batch;
        uint32_t refs, events;
        bool more;
        if (!process_more(p, &more, e))
            return false;
        if (!more)
            return end(x, p, e);
        if (!process_next(p, &x->spaces, left, &event, &batch, e) || !fit(x, p, &batch, e) ||
            !vm_engine_run(x->machine, &batch, e))
            return false;
        uint64_t until = vm_engine_blocked(x->machine);
        vm_engine_done(x->machine, &refs, &events);
        if (!process_did(p, refs, events, e))
            return false;
        x->asid = p->asid;
        x->refs += refs;
        left -= refs;
        if (until > mix_now(x)) {
            block(x, p, until);
            return true;
        }
    }
    return true;
}

static bool turn(struct mix *x, struct process *p, struct vm_error *e)
{
    const struct vm_mix_request *r = x->request;
    struct before before;
    mix_note(x, &before);
    if (!dispatch(x, p, e))
        return false;
    uint64_t end_ns = r->quantum_ns ? mix_now(x) + r->quantum_ns : UINT64_MAX;
    vm_engine_alarm(x->machine, r->quantum_ns ? end_ns : 0);
    bool good = run(x, p, r->quantum ? r->quantum : UINT64_MAX, end_ns, e);
    vm_engine_alarm(x->machine, 0);
    if (!good)
        return false;
    mix_charge(x, p, &before);
    report(x, p);
    wake(x, mix_now(x));
    if (p->state == PROCESS_READY) /* behind those that became it meanwhile */
        mix_enter(x, p, PROCESS_READY);
    return true;
}

static bool run_all(struct mix *x, struct vm_error *e)
{
    while (mix_count(x, PROCESS_DONE) < x->n) {
        load_look(x);
        if (!load_decide(x, e))
            return false;
        struct process *p = mix_first(x, PROCESS_READY);
        if (!p) {
            vm_engine_idle(x->machine, next_unblocked(x)->until);
            wake(x, mix_now(x));
        } else if (!turn(x, p, e)) {
            return false;
        }
    }
    return true;
}

/* ---- beginning and end ---- */

static bool check_request(const struct vm_mix_request *r, struct vm_error *e)
{
    if (r->n == 0 || r->n > VM_PROCESSES_MAX)
        return vm_fail(e, VM_EUSAGE, "%zu processes: expected 1 to %d", r->n, VM_PROCESSES_MAX);
    if (r->quantum == 0 && r->quantum_ns == 0)
        return vm_fail(e, VM_EUSAGE, "a quantum of 0: expected 1 reference at least, or 1 ns");
    if (r->machine->model != VM_MODEL_MACHINE)
        return vm_fail(e, VM_EUSAGE,
                       "the model pages has no time: expected the model machine for processes");
    return true;
}

static bool check_policy(const struct vm_config *c, struct vm_error *e)
{
    char name[VM_CONFIG_TEXT];
    vm_spec_split(c->policy, name, sizeof name);
    const struct vm_policy_ops *policy = vm_policy_find(name, e);
    if (!policy)
        return false;
    if (policy->future != VM_FUTURE_NEEDED)
        return true;
    return vm_fail(e, VM_EUSAGE,
                   "policy %s cannot know the future of several processes, whose order depends on "
                   "the machine: expected a policy that does not look ahead",
                   name);
}

/* A pipe can be read by one process, once. */
static bool can_be_read(const struct mix *x, size_t i, struct vm_error *e)
{
    const struct vm_mix_request *r = x->request;
    size_t reads = 0;
    if (!process_is_pipe(&x->process[i], &r->source[i]))
        return true;
    for (size_t k = 0; k < r->n; k++)
        reads += !strcmp(r->source[k].spec, r->source[i].spec);
    if (r->runs > 1)
        reads *= r->runs;
    if (reads == 1)
        return true;
    vm_fail(e, VM_EUSAGE, "%s: it is read %zu times, and this can be read once",
            strcmp(r->source[i].spec, "-") ? r->source[i].spec : "standard input", reads);
    return vm_hint(e, "keep it in a file first: pagoda convert - -o trace.pgt");
}

static bool open_processes(struct mix *x, struct vm_error *e)
{
    const struct vm_mix_request *r = x->request;
    uint64_t window = x->admission->window(x->admission_state);
    for (; x->n < r->n; x->n++) {
        struct process *p = &x->process[x->n];
        mix_enter(x, p, PROCESS_WAITING);
        if (!can_be_read(x, x->n, e) || !process_open(p, &r->source[x->n], &x->spaces, e) ||
            !can_be_read(x, x->n, e))
            return false;
        p->watched = window > 0;
        if (p->watched && !working_set_open(&p->set, window, vm_log2(r->machine->page_bytes), e))
            return false;
    }
    return true;
}

/* A touch outside every mapping is a violation only if all traces name theirs. */
static enum vm_stray stray_rule(const struct mix *x)
{
    const struct vm_config *c = x->request->machine;
    if (c->stray != VM_STRAY_OPTION_AUTO)
        return c->stray == VM_STRAY_OPTION_FAULTS ? VM_STRAY_FAULTS : VM_STRAY_MAPS;
    for (size_t i = 0; i < x->n; i++) {
        struct vm_trace_info info;
        vm_trace_info(x->process[i].trace, &info);
        if (!info.complete_maps)
            return VM_STRAY_MAPS;
    }
    return VM_STRAY_FAULTS;
}

static bool open_machine(struct mix *x, struct vm_error *e)
{
    x->machine = vm_engine_open(x->request->machine, stray_rule(x), NULL, e);
    if (!x->machine)
        return false;
    vm_engine_parts(x->machine, &x->parts);
    vm_engine_share(x->machine);
    return true;
}

static void gather(struct mix *x)
{
    struct vm_mix_result *out = x->out;
    out->n = x->n;
    out->nframes = x->parts.nframes;
    vm_memory_transfers(x->parts.memory, out->device);
    vm_engine_counts(x->machine, &out->counts);
    vm_engine_time(x->machine, &out->time);
    detector_end(&x->detector, out->time.now_ns);
    out->detected = x->detector.result;
    for (size_t i = 0; i < x->n; i++)
        out->process[i] = x->process[i].result;
}

static void mix_close(struct mix *x)
{
    vm_engine_close(x->machine);
    for (size_t i = 0; i < VM_PROCESSES_MAX; i++)
        process_close(&x->process[i]);
    free(x);
}

bool vm_mix_run(const struct vm_mix_request *r, struct vm_mix_result *out, struct vm_error *e)
{
    if (!check_request(r, e) || !check_policy(r->machine, e))
        return false;
    struct mix *x = calloc(1, sizeof *x);
    if (!x)
        return vm_fail(e, VM_ESYSTEM, "no memory for processes");
    *out = (struct vm_mix_result){0};
    x->request = r;
    x->out = out;
    x->report_at = REPORT_REFS;
    bool done = detector_open(&x->detector, r->detection, r->window_ns, e) &&
                vm_admission_open(r->admission, &x->admission, x->admission_state, e) &&
                open_processes(x, e) && open_machine(x, e) && run_all(x, e);
    if (done)
        gather(x);
    mix_close(x);
    return done;
}

/* ---- figures ---- */

static double share(double part, double whole)
{
    return whole > 0 ? part / whole : 0;
}

double vm_mix_useful(const struct vm_mix_result *r)
{
    return share(r->time.program_ns, (double)r->time.now_ns);
}

double vm_mix_busy(const struct vm_mix_result *r)
{
    return share((double)(r->time.now_ns - r->time.idle_ns), (double)r->time.now_ns);
}

double vm_mix_fault_rate(const struct vm_mix_result *r)
{
    return share(1000.0 * (double)(r->counts.swap_ins + r->counts.file_ins),
                 (double)r->counts.refs);
}

double vm_mix_throughput(const struct vm_mix_result *r)
{
    return share(1e9 * (double)r->counts.refs, (double)r->time.now_ns);
}
