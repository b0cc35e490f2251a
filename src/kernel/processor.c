/* processor.c - the processors, each with a time of its own: whose is next, and who is idle.
 *
 *     time -->
 *     cpu 0   [instructions......] trap          the kernel does what a trap, a turn's end or a
 *     cpu 1   [instructions...] turn's end       wake-up asks for in the order of their times
 *     cpu 2   idle ................. summoned
 *
 * The processor whose time is least goes on. It executes instructions ahead of the others, up to a
 * trap, or as far as it may (vm_processor_reach_ns); then it has a later time, and what they ended
 * with is looked at when that is the least. So all that the kernel does - wake, send, map, fork -
 * is done in the order of time, on one processor at a time, and the outcome is the same in every
 * run. Only the instructions of programs, which nothing puts in an order but the memory that they
 * share, see what others did up to so much earlier or later; a reservation (LR) ends with them.
 *
 * A processor for which the scheduler has no thread is idle. It is summoned when there may be one:
 * by whoever wakes a thread, which is an interrupt, or by time. Whoever is idle asks in the order
 * of numbers, those first where a thread that is ready ran last.
 *
 * With one processor nothing is ever ahead.
 *
 * Invariants
 *  1. A processor that is not idle is at the kernel's time, or later (but for a few instructions
 *     that a fault lets through).
 *  2. No thread waits that an idle processor could run, between the kernel's steps.
 */
#include "base/assert.h"
#include "kernel/kernel.h"

#include <stdlib.h>

/* Instructions that one may execute ahead of the others. */
#define REACH 20000

bool vm_processors_open(struct kernel *k, struct vm_error *e)
{
    k->ncpus = k->out->ncpus = k->c->cpus;
    VM_ASSERT(k->ncpus >= 1 && k->ncpus <= VM_CPUS_MAX);
    k->cpu = k->processor = calloc(k->ncpus, sizeof *k->processor);
    return k->processor ||
           vm_fail(e, VM_ESYSTEM, "no memory for a kernel of %u processors", k->ncpus);
}

void vm_processors_close(struct kernel *k)
{
    free(k->processor);
}

uint32_t vm_processor_number(const struct kernel *k, const struct processor *p)
{
    return (uint32_t)(p - k->processor);
}

struct vm_run_cpu *vm_processor_counts(const struct kernel *k, const struct processor *p)
{
    return &k->out->cpu[vm_processor_number(k, p)];
}

struct processor *vm_processor_of(const struct kernel *k, const struct thread *t)
{
    for (uint32_t n = 0; n < k->ncpus; n++)
        if (k->processor[n].running == t)
            return &k->processor[n];
    return NULL;
}

/* ---- time ---- */

static bool comes_before(const struct processor *a, const struct processor *b)
{
    return a->now_ns < b->now_ns || (a->now_ns == b->now_ns && a->wanted && !b->wanted);
}

struct processor *vm_processor_first(const struct kernel *k)
{
    struct processor *first = NULL;
    for (struct processor *p = k->processor; p < k->processor + k->ncpus; p++)
        if (!p->idle && (!first || comes_before(p, first)))
            first = p;
    return first;
}

static bool some_are_idle(const struct kernel *k)
{
    for (uint32_t n = 0; n < k->ncpus; n++)
        if (k->processor[n].idle)
            return true;
    return false;
}

uint64_t vm_processor_wake_ns(const struct kernel *k)
{
    return some_are_idle(k) ? k->next_wake_ns : VM_TIME_NEVER;
}

/* The least time of the others that are not idle. */
static uint64_t others_ns(const struct kernel *k, const struct processor *p)
{
    uint64_t least = VM_TIME_NEVER;
    for (const struct processor *q = k->processor; q < k->processor + k->ncpus; q++)
        if (q != p && !q->idle && q->now_ns < least)
            least = q->now_ns;
    return least;
}

bool vm_processor_is_ahead(const struct kernel *k, const struct processor *p)
{
    return others_ns(k, p) < p->now_ns || vm_processor_wake_ns(k) < p->now_ns;
}

uint64_t vm_processor_reach_ns(const struct kernel *k)
{
    uint64_t reach = (uint64_t)(REACH * k->c->instruction_ns) + 1;
    uint64_t wake = vm_processor_wake_ns(k);
    if (k->ncpus == 1)
        return VM_TIME_NEVER;
    if (others_ns(k, k->cpu) != VM_TIME_NEVER || wake <= k->now_ns + reach)
        return reach;
    return wake - k->now_ns;
}

void vm_processor_show_time(struct kernel *k)
{
    if (k->cpu->now_ns > k->now_ns)
        k->now_ns = k->cpu->now_ns;
}

/* ---- idle ones ---- */

static void end_idleness(struct kernel *k, struct processor *p)
{
    uint64_t ns = k->now_ns > p->now_ns ? k->now_ns - p->now_ns : 0;
    p->idle = false;
    vm_processor_counts(k, p)->idle_ns += ns;
    if (ns)
        vm_machine_rest(k, p, ns);
}

void vm_processors_resume(struct kernel *k)
{
    for (uint32_t n = 0; n < k->ncpus; n++)
        if (k->processor[n].idle)
            end_idleness(k, &k->processor[n]);
    k->news = false;
}

void vm_processors_summon(struct kernel *k)
{
    for (uint32_t n = 0; k->news && n < k->ncpus; n++)
        if (k->processor[n].idle) {
            end_idleness(k, &k->processor[n]);
            k->processor[n].summoned = true;
        }
    k->news = false;
}

void vm_processor_interrupt(struct kernel *k, const struct processor *p)
{
    vm_processor_counts(k, p)->reschedules += p != k->cpu;
}
