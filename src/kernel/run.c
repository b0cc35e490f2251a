/* run.c - the main loop: whose turn it is, for how long, and what its trap leads to.
 *
 *     pick -> [signals] -> run the hart -> trap: handle it, run on
 *                                      -> the turn is used up: a timer interrupt
 *                                      -> it sleeps, stops or has ended
 *
 * Time is the kernel's: instructions that were executed, at a fixed price each, and waiting. So who
 * runs when is the same whatever the machine beneath counts. The timer interrupts on multiples of
 * its tick; a turn that ends between two of them ends at the next. Each processor has such a time,
 * and the first of them goes on (processor.c).
 *
 * Where nobody can run, time goes on to the next moment that somebody sleeps for, or the host is
 * waited for; where there is neither, nobody will ever run again, and the run ends.
 *
 * The order of steps is sched.h's.
 */
#include "base/assert.h"
#include "base/random.h"
#include "kernel/kernel.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the scheduler ---- */

static bool may_run(void *host, vm_task task, uint32_t cpu)
{
    const struct kernel *k = host;
    return k->thread[task].cpus >> cpu & 1;
}

uint64_t vm_kernel_random(struct kernel *k)
{
    return vm_random_u64(&k->random);
}

static uint64_t draw(void *host, uint64_t n)
{
    struct kernel *k = host;
    return vm_random_below(&k->random, n);
}

static bool sched_open(struct kernel *k, struct vm_error *e)
{
    k->sched = vm_sched_parse(k->c->sched, &k->sched_params, e);
    if (!k->sched)
        return false;
    struct vm_sched_env env = {
        .ntasks = k->threads_max,
        .ncpus = k->ncpus,
        .unit = 1000000,
        .quantum = k->c->quantum_ns,
        .now = &k->now_ns,
        .task = k->task,
        .params = &k->sched_params,
        .host = k,
        .may = may_run,
        .draw = draw,
    };
    size_t bytes = k->sched->size(&env, e);
    if (!bytes)
        return false;
    k->sched_env = env;
    k->sched_state = aligned_alloc(64, (bytes + 63) & ~(size_t)63);
    if (!k->sched_state)
        return vm_fail(e, VM_ESYSTEM, "no memory for a scheduler");
    memset(k->sched_state, 0, bytes);
    k->sched->init(k->sched_state, &k->sched_env);
    return true;
}

/* Step a. */
static void count_all(struct kernel *k)
{
    for (struct processor *p = k->processor; p < k->processor + k->ncpus; p++) {
        if (!p->running || p->told_ns >= k->now_ns)
            continue;
        k->sched->ran(k->sched_state, vm_thread_task(k, p->running), k->now_ns - p->told_ns);
        p->told_ns = k->now_ns;
    }
}

/* Steps a, c and d, between turns. */
static void settle(struct kernel *k)
{
    count_all(k);
    if (k->sched->ticks_at(k->sched_state) <= k->now_ns) {
        k->sched->tick(k->sched_state);
        k->news = true;
    }
    vm_threads_wake_by_time(k);
    vm_threads_tell(k);
}

/* ---- a turn ---- */

static uint64_t until_tick(const struct kernel *k)
{
    return k->c->tick_ns - k->cpu->now_ns % k->c->tick_ns;
}

/* Instructions that take about so long, at least one. */
static uint64_t instructions_in(const struct kernel *k, uint64_t ns)
{
    double n = (double)ns / k->c->instruction_ns;
    return n < 1 ? 1 : n > 1e15 ? (uint64_t)1e15 : (uint64_t)n;
}

/* That the run may still execute. */
static uint64_t instructions_left(const struct kernel *k)
{
    uint64_t most = k->c->instructions ? k->c->instructions : UINT64_MAX;
    return most > k->out->instructions ? most - k->out->instructions : 0;
}

static bool is_spent(const struct kernel *k)
{
    return instructions_left(k) == 0;
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* The timer has interrupted what was executed. */
static void take_ticks(struct kernel *k)
{
    uint64_t ticks = k->cpu->ticks;
    k->cpu->ticks = 0;
    k->out->timer_interrupts += ticks;
    vm_processor_counts(k, k->cpu)->timer_interrupts += ticks;
    if (!ticks)
        return;
    vm_terminal_interrupts(k);
    vm_machine_flush(k);
}

/* Run the hart until the next tick or a trap, which is still to be taken; no longer than `most_ns`
 * or than the processor may. */
static enum vm_rv64_stop run_hart(struct kernel *k, struct thread *t, uint64_t most_ns,
                                  struct vm_rv64_trap *trap)
{
    struct processor *p = k->cpu;
    uint64_t before = t->hart.instret, ticks = p->now_ns / k->c->tick_ns;
    uint64_t turn_ns = least(most_ns, least(until_tick(k), vm_processor_reach_ns(k)));
    uint64_t budget = least(instructions_in(k, turn_ns), instructions_left(k));
    t->hart.time_ns = p->now_ns;
    enum vm_rv64_stop stop = k->check
                                 ? vm_check_run(k, t, budget, trap)
                                 : vm_rv64_run(&t->hart, t->space->view, &k->bus, budget, trap);
    uint64_t done = t->hart.instret - before;
    k->out->instructions += done;
    t->process->stat.instructions += done;
    vm_processor_counts(k, p)->instructions += done;
    vm_machine_worked(k, done);
    p->ticks += p->now_ns / k->c->tick_ns - ticks;
    return k->failed ? VM_RV64_SPENT : stop;
}

static bool is_page_fault(const struct vm_rv64_trap *trap)
{
    return trap->cause == VM_RV64_FETCH_PAGE || trap->cause == VM_RV64_LOAD_PAGE ||
           trap->cause == VM_RV64_STORE_PAGE;
}

/* Nothing keeps the thread from its next instruction but what that has to wait for. */
static bool could_go_on(const struct kernel *k, const struct thread *t)
{
    return !k->failed && k->cpu->running == t && t->state == THREAD_RUNNING && !vm_signal_waits(t);
}

/* The pages of one instruction do not fit into memory together. */
static void starve(struct kernel *k, struct thread *t)
{
    if (k->c->machine.oom == VM_OOM_KILL) {
        vm_process_exit(k, t->process, SIGKILL);
        return;
    }
    k->failed = true;
    vm_fail(&k->error, VM_EMACHINE,
            "memory: %u frames: too few for the pages that one instruction of %s needs at once",
            k->parts.nframes, t->process->stat.name);
}

#define FAULTS_MOST 64 /* of one instruction: more than it has pages and they have tables */

/* Take the trap, and run on where it was a fault. The instruction whose page has come is made
 * before its thread gives way, or waits for the device: else threads that all wait for pages could
 * take them from each other for ever. A fault of one behind it is left to be had again, after the
 * wait. */
static void take_trap(struct kernel *k, struct thread *t)
{
    struct vm_rv64_trap trap = k->cpu->trap;
    for (unsigned faults = 1;; faults++) {
        vm_trap(k, t, &trap);
        if (!is_page_fault(&trap) || !could_go_on(k, t))
            return;
        if (faults > FAULTS_MOST) {
            starve(k, t);
            return;
        }
        uint64_t before = t->hart.instret;
        enum vm_rv64_stop stop = run_hart(k, t, 1, &trap);
        take_ticks(k);
        if (stop != VM_RV64_TRAPPED || (t->hart.instret != before && is_page_fault(&trap)))
            return;
    }
}

/* What the machine has made it wait for: it sleeps so long. */
static void wait_for_machine(struct kernel *k, struct thread *t)
{
    uint64_t ns = vm_machine_waits(k);
    if (ns && k->cpu->running == t && t->state == THREAD_RUNNING)
        vm_thread_sleep(k, t, NULL, k->now_ns + ns);
}

/* One step of the running thread begins: a system call that it goes on with, or instructions. */
static void begin_step(struct kernel *k, struct thread *t)
{
    struct processor *p = k->cpu;
    vm_machine_switch(k, t->space->asid);
    if (!t->in_call && !vm_signal_deliver(k, t))
        return;
    if (t->in_call) {
        vm_call(k, t);
        return;
    }
    if (k->ncpus > 1) /* others have run since */
        t->hart.reserved_bytes = 0;
    p->executes = true;
    p->stop = run_hart(k, t, p->slice_ns, &p->trap);
}

/* It ends, at the kernel's time. */
static void end_step(struct kernel *k, struct thread *t)
{
    struct processor *p = k->cpu;
    bool trapped = p->executes && p->stop == VM_RV64_TRAPPED;
    p->executes = false;
    vm_processor_show_time(k);
    take_ticks(k);
    if (trapped)
        take_trap(k, t);
    wait_for_machine(k, t);
}

/* The thread has left its processor, or goes on: steps a and b. False: it has left. */
static bool goes_on(struct kernel *k, struct thread *t, vm_task task)
{
    struct processor *p = k->cpu;
    if (p->running != t) /* it has ended */
        return false;
    uint64_t ran_ns = k->now_ns > p->told_ns ? k->now_ns - p->told_ns : 0;
    k->sched->ran(k->sched_state, task, ran_ns);
    p->told_ns = k->now_ns;
    if (t->state == THREAD_SLEEPS || t->state == THREAD_STOPPED) {
        k->sched->block(k->sched_state, task);
        return false;
    }
    t->state = THREAD_RUNNING;
    return true;
}

/* Of a thread that has not ended and cannot go on. */
static const char *how_it_waits(const struct thread *t)
{
    return t->state == THREAD_STOPPED ? "is stopped"
           : t->in_call               ? "sleeps in "
                                      : "waits for a page";
}

static void note_departure(struct kernel *k, const struct thread *t, const char *how)
{
    struct processor *p = k->cpu;
    bool sleeps = p->running == t && t->state == THREAD_SLEEPS && t->in_call;
    p->left.how = how;
    p->left.in = sleeps ? vm_call_name(t->hart.x[17]) : "";
}

/* The turn is over; the thread, if it is ready, waits for another. */
static void end_turn(struct kernel *k, const struct thread *t, const char *how)
{
    note_departure(k, t, how);
    k->cpu->running = NULL;
}

static void give_way(struct kernel *k, struct thread *t, enum vm_ready why, const char *how)
{
    t->state = THREAD_READY;
    k->sched->ready(k->sched_state, vm_thread_task(k, t), why);
    k->news = true;
    k->cpu->wanted = true; /* it asks before those that are idle, who might take the same one */
    end_turn(k, t, how);
}

/* Its thread has to make way: it will find out when it asks for itself, at the end of its step. */
static void make_ask(struct kernel *k, struct processor *p)
{
    if (p->summoned)
        return;
    vm_processor_interrupt(k, p);
    p->summoned = true;
}

/* The scheduler's answers for the thread that goes on, now. */
static void ask_on(struct kernel *k, struct thread *t)
{
    struct processor *p = k->cpu;
    p->slice_ns = k->sched->slice(k->sched_state, vm_thread_task(k, t));
    p->from_ns = k->now_ns;
    uint32_t preempted = k->sched->preempt(k->sched_state);
    if (preempted == vm_processor_number(k, p))
        give_way(k, t, VM_READY_PREEMPTED, "was preempted");
    else if (preempted != VM_NOCPU)
        make_ask(k, &k->processor[preempted]);
}

/* A step is done: whether the thread has another. */
static void decide(struct kernel *k, struct thread *t, vm_task task)
{
    struct processor *p = k->cpu;
    uint64_t ran_ns = k->now_ns - p->from_ns;
    p->summoned = false;
    if (!goes_on(k, t, task)) {
        bool ended = p->running != t;
        end_turn(k, t, ended ? "has ended" : how_it_waits(t));
        if (!ended)
            vm_thread_moves(k, t);
    } else if (vm_thread_moves(k, t)) {
        end_turn(k, t, "moves to another processor");
    } else if (ran_ns >= p->slice_ns) {
        give_way(k, t, VM_READY_QUANTUM, "had its turn");
    } else if (p->turn_over || k->failed || is_spent(k)) {
        give_way(k, t, p->gives_way, "gave way");
    } else {
        settle(k);
        ask_on(k, t);
    }
}

/* The current processor's thread goes on, or what it has executed is looked at. */
static void go_on(struct kernel *k)
{
    struct processor *p = k->cpu;
    struct thread *t = p->running;
    vm_task task = vm_thread_task(k, t);
    if (!p->executes)
        begin_step(k, t);
    if (p->executes && vm_processor_is_ahead(k, p))
        return;
    end_step(k, t);
    decide(k, t, task);
    vm_processors_summon(k);
}

static void tell_switch(struct kernel *k, const struct thread *t)
{
    const struct departure *d = &k->cpu->left;
    char where[32] = "";
    if (k->ncpus > 1)
        snprintf(where, sizeof where, " on processor %u", vm_processor_number(k, k->cpu));
    if (d->tid)
        vm_kernel_tell(k, VM_TRACE_SCHED, t, "%s runs%s: %u %s%s", t->process->stat.name, where,
                       d->tid, d->how, d->in);
    else
        vm_kernel_tell(k, VM_TRACE_SCHED, t, "%s runs%s", t->process->stat.name, where);
}

static void count_turn(struct kernel *k, const struct thread *t)
{
    struct processor *p = k->cpu;
    struct vm_run_cpu *n = vm_processor_counts(k, p);
    uint32_t number = vm_processor_number(k, p);
    t->process->stat.switches++;
    n->migrations += t->cpu != VM_NOCPU && t->cpu != number;
    if (t == p->last)
        return;
    k->out->switches++;
    n->switches++;
    tell_switch(k, t);
}

static void begin_turn(struct kernel *k, struct thread *t)
{
    struct processor *p = k->cpu;
    VM_ASSERT(!vm_processor_of(k, t));
    if (p->bereft) /* of one that had to wait; this one has not */
        vm_machine_waits(k);
    p->bereft = false;
    count_turn(k, t);
    p->last = p->running = t;
    if (p->left.tid != t->tid) /* another may have written there */
        t->hart.reserved_bytes = 0;
    p->left.tid = t->tid;
    p->turn_over = false;
    p->gives_way = VM_READY_YIELDED;
    p->slice_ns = k->sched->slice(k->sched_state, vm_thread_task(k, t));
    p->from_ns = p->told_ns = k->now_ns;
    t->state = THREAD_RUNNING;
    t->cpu = vm_processor_number(k, p);
}

/* The current processor has no thread: step e. */
static void choose(struct kernel *k)
{
    struct processor *p = k->cpu;
    settle(k);
    vm_task task = k->sched->pick(k->sched_state, vm_processor_number(k, p));
    vm_processor_counts(k, p)->reschedules += task != VM_NOTASK && p->summoned;
    p->summoned = p->wanted = false;
    vm_processors_summon(k);
    if (task == VM_NOTASK)
        p->idle = true;
    else
        begin_turn(k, &k->thread[task]);
}

/* ---- the run ---- */

/* Every processor is idle. False: there never will be anything to do. */
static bool wait_for_something(struct kernel *k)
{
    uint64_t next = k->next_wake_ns = vm_threads_next_wake(k);
    uint64_t ns = next == VM_TIME_NEVER ? VM_TIME_NEVER : next - k->now_ns;
    if (vm_files_poll(k, ns))
        return true;
    if (next == VM_TIME_NEVER)
        return false;
    k->now_ns += ns;
    k->out->idle_ns += ns;
    return true;
}

/* Threads are to be woken for whom processors are idle, before any other does something. */
static void wake_for_idle(struct kernel *k)
{
    if (k->next_wake_ns > k->now_ns)
        k->now_ns = k->next_wake_ns;
    settle(k);
    vm_processors_resume(k);
}

static void end_because(struct kernel *k, const char *why)
{
    snprintf(k->out->ended, sizeof k->out->ended, "%s", why);
}

/* The processor that is first in time does what comes next on it. False: the run ends. */
static bool do_next(struct kernel *k)
{
    struct processor *p = vm_processor_first(k);
    if (!p) {
        if (!wait_for_something(k)) {
            end_because(k, "every process waits for another, for ever");
            return false;
        }
        vm_processors_resume(k);
    } else if (vm_processor_wake_ns(k) < p->now_ns) {
        wake_for_idle(k);
    } else {
        vm_machine_turn_to(k, p);
        vm_processor_show_time(k);
        if (p->running)
            go_on(k);
        else
            choose(k);
    }
    return true;
}

static void run(struct kernel *k)
{
    while (k->processes && !k->failed) {
        if (is_spent(k)) {
            end_because(k, "as many instructions were executed as the run may have");
            return;
        }
        if (!do_next(k))
            return;
    }
}

void vm_kernel_tell(struct kernel *k, enum vm_run_trace what, const struct thread *t,
                    const char *format, ...)
{
    char line[512];
    va_list list;
    if (!(k->c->trace & what))
        return;
    va_start(list, format);
    vsnprintf(line, sizeof line, format, list);
    va_end(list);
    k->c->told(k->c->host, what, k->now_ns, t ? t->tid : 0, line);
}

/* ---- opening and closing ---- */

#define LISTED_MAX 64

static bool tables_open(struct kernel *k, struct vm_error *e)
{
    k->threads_max = k->c->processes_max * 2;
    k->listed_cap = LISTED_MAX;
    k->thread = calloc(k->threads_max, sizeof *k->thread);
    k->task = calloc(k->threads_max, sizeof *k->task);
    k->roused = calloc(k->threads_max, sizeof *k->roused);
    k->out->listed = calloc(k->listed_cap, sizeof *k->out->listed);
    if (!k->thread || !k->task || !k->roused || !k->out->listed)
        return vm_fail(e, VM_ESYSTEM, "no memory for a kernel of %u processes",
                       k->c->processes_max);
    for (uint32_t i = 0; i < k->threads_max; i++)
        k->task[i] = (struct vm_sched_task){.left = VM_LEFT_UNKNOWN, .tickets = 100};
    return true;
}

static bool kernel_open(struct kernel *k, struct vm_error *e)
{
    k->pid_next = k->asid_next = 1;
    k->next_wake_ns = VM_TIME_NEVER;
    vm_random_seed(&k->random, k->c->machine.seed);
    return vm_processors_open(k, e) && tables_open(k, e) &&
           vm_sleepers_open(&k->sleepers, k->threads_max, e) && vm_machine_open(k, e) &&
           vm_check_open(k, e) && vm_record_open(k, e) && sched_open(k, e) && vm_files_open(k, e);
}

static void kernel_close(struct kernel *k)
{
    vm_record_abort(k); /* what is not finished */
    vm_processes_close(k);
    vm_files_close(k);
    vm_check_close(k);
    vm_machine_close(k);
    vm_processors_close(k);
    free(k->sched_state);
    free(k->thread);
    free(k->task);
    free(k->roused);
    vm_sleepers_close(&k->sleepers);
}

static void report(struct kernel *k)
{
    vm_machine_drain(k);
    if (!k->failed)
        vm_files_sync(k);
    VM_EXPECT((vm_engine_check(k->engine), true));
    k->out->model = k->c->model;
    vm_processors_resume(k); /* so that all their times are whole */
    k->out->now_ns = k->now_ns;
    for (uint32_t n = 0; n < k->ncpus; n++)
        k->out->cpu[n].shootdowns = vm_engine_ipis(k->engine, n);
    k->out->machine.stray = VM_STRAY_FAULTS;
    vm_engine_result(k->engine, &k->out->machine);
    vm_inodes_drop(k);
    k->out->frames_left = vm_memory_resident(k->parts.memory);
}

bool vm_kernel_run(const struct vm_run_config *c, struct vm_run_result *out, struct vm_error *e)
{
    struct kernel k = {.c = c, .out = out};
    *out = (struct vm_run_result){.status = -1};
    bool good = kernel_open(&k, e) && vm_process_first(&k, e);
    if (good) {
        run(&k);
        report(&k);
        good = !k.failed;
        if (!good)
            *e = k.error;
        else
            good = vm_record_finish(&k, e) && vm_check_is_whole(&k, e);
    }
    kernel_close(&k);
    if (!good)
        vm_run_result_free(out);
    return good;
}

void vm_run_result_free(struct vm_run_result *r)
{
    free(r->listed);
    r->listed = NULL;
    r->nlisted = 0;
}
