/* load_control.c - who may run: what is told to the detection and to the admission, and what the
 * admission's word does to processes.
 *
 *      waiting --admit (its pages come first, if there is prepaging)--> ready or blocked
 *      ready or blocked --suspend, all its pages with it--> waiting
 *
 * Both are asked between turns, when all that was done is in the processes' counts.
 */
#include "analysis/mix.h"
#include "base/assert.h"

#include <stdlib.h>

const char *const vm_leaver_names[VM_LEAVERS] = {[VM_LEAVER_NEWEST] = "newest",
                                                 [VM_LEAVER_FAULTING] = "faulting",
                                                 [VM_LEAVER_SMALLEST] = "smallest",
                                                 [VM_LEAVER_LARGEST] = "largest"};
const char *const vm_prepage_names[VM_PREPAGES] = {
    [VM_PREPAGE_NONE] = "none", [VM_PREPAGE_WORKING_SET] = "working-set"};

static bool is_running(const struct process *p)
{
    return p->state == PROCESS_READY || p->state == PROCESS_BLOCKED;
}

static size_t running(const struct mix *x)
{
    return mix_count(x, PROCESS_READY) + mix_count(x, PROCESS_BLOCKED);
}

/* ---- detection ---- */

static uint64_t least_busy_ns(const struct vm_queue *q)
{
    if (!q)
        return 0;
    uint64_t service =
        q->counts.service_ns[VM_TRANSFER_READ] + q->counts.service_ns[VM_TRANSFER_WRITE];
    uint64_t shared = service / q->depth;
    return shared > q->counts.bus_ns ? shared : q->counts.bus_ns;
}

/* Both devices work at once. */
static uint64_t least_transfer_ns(const struct vm_memory *m)
{
    uint64_t fast = least_busy_ns(vm_memory_queue(m, VM_SWAP_FAST));
    uint64_t slow = least_busy_ns(vm_memory_queue(m, VM_SWAP_SLOW));
    return fast > slow ? fast : slow;
}

void load_look(struct mix *x)
{
    const struct vm_counts *n = x->parts.counts;
    struct vm_time time;
    vm_engine_time(x->machine, &time);
    const struct detector_meter meter = {
        .now_ns = time.now_ns,
        .idle_ns = time.idle_ns,
        .processor_ns = (uint64_t)(time.program_ns + time.kernel_ns),
        .transfer_ns = least_transfer_ns(x->parts.memory),
        .majors = n->swap_ins + n->file_ins,
    };
    if (!detector_look(&x->detector, &meter))
        return;
    for (size_t i = 0; i < x->n; i++) {
        struct process *p = &x->process[i];
        p->window_majors = p->result.majors - p->majors_before;
        p->majors_before = p->result.majors;
    }
}

/* ---- who leaves ---- */

/* Pages that the process maps. */
static uint64_t mapped(const struct mix *x, const struct process *p)
{
    uint64_t pages = 0;
    for (unsigned i = 0; i <= VM_ASID_MAX; i++) {
        const struct vm_space *s =
            p->space[i] != NO_SPACE ? vm_memory_space(x->parts.memory, p->space[i]) : NULL;
        pages += s ? s->resident : 0;
    }
    return pages;
}

/* How much the rule wishes the process to leave. */
static uint64_t wish(const struct mix *x, const struct process *p)
{
    switch (x->request->leaver) {
    case VM_LEAVER_NEWEST:
        return p->admitted;
    case VM_LEAVER_FAULTING:
        return p->window_majors;
    case VM_LEAVER_SMALLEST:
        return UINT64_MAX - mapped(x, p);
    case VM_LEAVER_LARGEST:
        return mapped(x, p);
    }
    VM_ASSERT(false);
}

/* Of those that run, the one admitted last; NULL: none runs. */
static struct process *newest(struct mix *x)
{
    struct process *last = NULL;
    for (size_t i = 0; i < x->n; i++)
        if (is_running(&x->process[i]) && (!last || x->process[i].admitted > last->admitted))
            last = &x->process[i];
    return last;
}

/* One that runs. */
static struct process *leaver(struct mix *x)
{
    struct process *best = newest(x);
    uint64_t most = wish(x, best);
    for (size_t i = 0; i < x->n; i++) {
        struct process *p = &x->process[i];
        uint64_t its = is_running(p) ? wish(x, p) : 0;
        if (is_running(p) && (its > most || (its == most && p->admitted > best->admitted))) {
            best = p;
            most = its;
        }
    }
    return best;
}

/* ---- prepaging ---- */

/* What will come back with the process: into p->kept. */
static bool keep_pages(const struct mix *x, struct process *p, struct vm_error *e)
{
    if (x->request->prepage == VM_PREPAGE_NONE || !p->watched)
        return true;
    return working_set_list(&p->set, &p->kept, e);
}

/* Bring them; answers in p->until when they are there. */
static bool bring_pages(struct mix *x, struct process *p, struct vm_error *e)
{
    if (p->kept.n == 0)
        return true;
    struct before before;
    uint64_t had = x->parts.counts->prepages;
    mix_note(x, &before);
    if (!vm_engine_prepage(x->machine, p->kept.key, p->kept.n, e))
        return false;
    uint64_t until = vm_engine_blocked(x->machine), now = mix_now(x);
    mix_charge(x, p, &before);
    p->result.prepages += x->parts.counts->prepages - had;
    if (p->until < now)
        p->until = now;
    if (until > p->until) {
        p->result.blocked_ns += until - p->until;
        p->until = until;
    }
    return true;
}

/* ---- admission ---- */

static struct vm_admission_view view(struct mix *x)
{
    struct process *next = mix_first(x, PROCESS_WAITING), *last = newest(x);
    struct vm_admission_view v = {
        .running = running(x),
        .waiting = mix_count(x, PROCESS_WAITING),
        .frames = x->parts.nframes,
        .next = next && next->watched ? working_set_pages(&next->set) : 0,
        .refs = x->refs,
        .newest_refs = last ? last->result.refs - last->admitted_refs : 0,
        .windows = x->detector.result.windows,
        .level = x->detector.level,
    };
    if (x->request->machine->tables == VM_TABLES_INSIDE)
        v.frames -= vm_memory_table_frames(x->parts.memory);
    for (size_t i = 0; i < x->n; i++)
        if (is_running(&x->process[i]) && x->process[i].watched)
            v.demand += working_set_pages(&x->process[i].set);
    return v;
}

static bool admit(struct mix *x, struct vm_error *e)
{
    struct process *p = mix_first(x, PROCESS_WAITING);
    uint64_t time = mix_now(x);
    if (p->result.dispatches == 0)
        p->result.admitted_ns = time;
    if (p->result.suspensions)
        p->result.suspended_ns += time - p->suspended_at_ns;
    p->admitted_refs = p->result.refs;
    if (!bring_pages(x, p, e))
        return false;
    mix_enter(x, p, p->until > mix_now(x) ? PROCESS_BLOCKED : PROCESS_READY);
    p->admitted = p->since;
    if (running(x) > x->out->admitted_max)
        x->out->admitted_max = running(x);
    return true;
}

static bool suspend(struct mix *x, struct vm_error *e)
{
    struct process *p = leaver(x);
    struct before before;
    mix_note(x, &before);
    p->result.suspensions++;
    p->suspended_at_ns = mix_now(x);
    mix_enter(x, p, PROCESS_WAITING);
    if (!keep_pages(x, p, e))
        return false;
    for (unsigned i = 0; i <= VM_ASID_MAX; i++)
        if (p->space[i] != NO_SPACE && vm_memory_space(x->parts.memory, p->space[i]) &&
            !vm_engine_suspend(x->machine, p->space[i], e))
            return false;
    mix_charge(x, p, &before);
    return true;
}

bool load_decide(struct mix *x, struct vm_error *e)
{
    for (;;) {
        struct vm_admission_view v = view(x);
        enum vm_admit what =
            v.running || !v.waiting ? x->admission->decide(x->admission_state, &v) : VM_ADMIT_ONE;
        if (what == VM_ADMIT_ONE_LESS && v.running > 1)
            return suspend(x, e);
        if (what != VM_ADMIT_ONE || !v.waiting)
            return true;
        if (!admit(x, e))
            return false;
    }
}
