/* run.c - the main loop: whose turn it is, for how long, and what its trap leads to.
 *
 *     pick -> [signals] -> run the hart -> trap: handle it, run on
 *                                      -> the turn is used up: a timer interrupt
 *                                      -> it sleeps, stops or has ended
 *
 * Time is the kernel's: instructions that were executed, at a fixed price each, and waiting. So who
 * runs when is the same whatever the machine beneath counts. The timer interrupts on multiples of
 * its tick; a turn that ends between two of them ends at the next.
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

/* ---- sleeping and waking ---- */

vm_task vm_thread_task(const struct kernel *k, const struct thread *t)
{
    return (vm_task)(t - k->thread);
}

int64_t vm_thread_sleep(struct kernel *k, struct thread *t, const void *channel, uint64_t until_ns)
{
    if (until_ns <= k->now_ns) { /* as if it had slept */
        t->woken_by_time = true;
        vm_thread_yield(k, t);
        return CALL_SLEEPS;
    }
    if (until_ns < k->next_wake_ns)
        k->next_wake_ns = until_ns;
    t->state = THREAD_SLEEPS;
    t->channel = channel;
    t->wake_ns = until_ns;
    t->since = k->sleeps++;
    t->woken_by_time = false;
    return CALL_SLEEPS;
}

static void rouse(struct kernel *k, struct thread *t)
{
    VM_ASSERT(k->nroused < k->threads_max);
    t->state = THREAD_READY;
    t->channel = NULL;
    t->wake_ns = VM_TIME_NEVER;
    if (t == k->running) /* it has not even left the processor */
        return;
    k->roused[k->nroused++] =
        (struct roused){vm_thread_task(k, t), t->told ? VM_READY_WOKEN : VM_READY_NEW};
}

void vm_thread_wake(struct kernel *k, struct thread *t)
{
    if (t->state == THREAD_SLEEPS)
        rouse(k, t);
}

/* The one of the channel's sleepers that has slept longest; NULL: none. */
static struct thread *first_sleeper(struct kernel *k, const void *channel)
{
    struct thread *first = NULL;
    for (uint32_t i = 0; i < k->threads_max; i++) {
        struct thread *t = &k->thread[i];
        if (t->state == THREAD_SLEEPS && t->channel == channel &&
            (!first || t->since < first->since))
            first = t;
    }
    return first;
}

uint32_t vm_wake_some(struct kernel *k, const void *channel, uint32_t n)
{
    struct thread *t;
    uint32_t woken = 0;
    for (; woken < n && (t = first_sleeper(k, channel)); woken++)
        rouse(k, t);
    return woken;
}

void vm_wake_all(struct kernel *k, const void *channel)
{
    vm_wake_some(k, channel, UINT32_MAX);
}

void vm_thread_yield(struct kernel *k, struct thread *t)
{
    VM_ASSERT(t == k->running);
    k->turn_over = true;
    k->gives_way = VM_READY_YIELDED;
}

void vm_thread_stop(struct kernel *k, struct thread *t)
{
    VM_ASSERT(t == k->running);
    (void)k;
    t->state = THREAD_STOPPED;
}

void vm_thread_continue(struct kernel *k, struct thread *t)
{
    if (t->state == THREAD_STOPPED)
        rouse(k, t);
}

void vm_thread_gone(struct kernel *k, struct thread *t)
{
    vm_task task = vm_thread_task(k, t);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < k->nroused; i++)
        if (k->roused[i].task != task)
            k->roused[kept++] = k->roused[i];
    k->nroused = kept;
    if (t->told)
        k->sched->leave(k->sched_state, task);
    t->told = false;
    if (t == k->running)
        k->running = NULL;
}

/* ---- the scheduler ---- */

static bool may_run(void *host, vm_task task, uint32_t cpu)
{
    (void)host;
    (void)task;
    return cpu == 0;
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
        .ncpus = 1,
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

static void tell_roused(struct kernel *k)
{
    for (uint32_t i = 0; i < k->nroused; i++) {
        struct thread *t = &k->thread[k->roused[i].task];
        k->task[k->roused[i].task].left = VM_LEFT_UNKNOWN;
        t->told = true;
        k->sched->ready(k->sched_state, k->roused[i].task, k->roused[i].why);
    }
    k->nroused = 0;
}

/* The next moment that somebody sleeps for, or has set a timer for. */
static uint64_t find_next_wake(const struct kernel *k)
{
    uint64_t next = vm_timers_next(k);
    for (uint32_t i = 0; i < k->threads_max; i++)
        if (k->thread[i].state == THREAD_SLEEPS && k->thread[i].wake_ns < next)
            next = k->thread[i].wake_ns;
    return next;
}

/* Whose sleep ends by now. */
static void wake_by_time(struct kernel *k)
{
    if (k->now_ns < k->next_wake_ns)
        return;
    for (uint32_t i = 0; i < k->threads_max; i++) {
        struct thread *t = &k->thread[i];
        if (t->state != THREAD_SLEEPS || t->wake_ns > k->now_ns)
            continue;
        t->woken_by_time = true;
        rouse(k, t);
    }
    vm_timers_expire(k);
    k->next_wake_ns = find_next_wake(k);
}

/* Steps c and d, between turns. */
static void settle(struct kernel *k)
{
    if (k->sched->ticks_at(k->sched_state) <= k->now_ns)
        k->sched->tick(k->sched_state);
    wake_by_time(k);
    tell_roused(k);
}

/* ---- a turn ---- */

static uint64_t until_tick(const struct kernel *k)
{
    return k->c->tick_ns - k->now_ns % k->c->tick_ns;
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

/* Run the hart until the next tick or a trap, which is still to be taken. */
static enum vm_rv64_stop run_hart(struct kernel *k, struct thread *t, uint64_t most_ns,
                                  struct vm_rv64_trap *trap)
{
    uint64_t tick = until_tick(k), before = t->hart.instret, ticks = k->now_ns / k->c->tick_ns;
    uint64_t turn = instructions_in(k, most_ns < tick ? most_ns : tick),
             left = instructions_left(k);
    uint64_t budget = turn < left ? turn : left;
    t->hart.time_ns = k->now_ns;
    enum vm_rv64_stop stop = vm_rv64_run(&t->hart, t->space->view, &k->bus, budget, trap);
    uint64_t done = t->hart.instret - before;
    k->out->instructions += done;
    t->process->stat.instructions += done;
    vm_machine_worked(k, done);
    ticks = k->now_ns / k->c->tick_ns - ticks;
    k->out->timer_interrupts += ticks;
    if (ticks) {
        vm_terminal_interrupts(k);
        vm_machine_flush(k);
    }
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
    return !k->failed && k->running == t && t->state == THREAD_RUNNING && !vm_signal_waits(t);
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

/* Until the next tick or trap. The instruction whose page has come is made before its thread gives
 * way, or waits for the device: else threads that all wait for pages could take them from each
 * other for ever. A fault of one behind it is left to be had again, after the wait. */
static void run_thread(struct kernel *k, struct thread *t, uint64_t most_ns)
{
    struct vm_rv64_trap trap;
    if (run_hart(k, t, most_ns, &trap) != VM_RV64_TRAPPED)
        return;
    for (unsigned faults = 1;; faults++) {
        vm_trap(k, t, &trap);
        if (!is_page_fault(&trap) || !could_go_on(k, t))
            return;
        if (faults > FAULTS_MOST) {
            starve(k, t);
            return;
        }
        uint64_t before = t->hart.instret;
        if (run_hart(k, t, 1, &trap) != VM_RV64_TRAPPED ||
            (t->hart.instret != before && is_page_fault(&trap)))
            return;
    }
}

/* What the machine has made it wait for: it sleeps so long. */
static void wait_for_machine(struct kernel *k, struct thread *t)
{
    uint64_t ns = vm_machine_waits(k);
    if (ns && k->running == t && t->state == THREAD_RUNNING)
        vm_thread_sleep(k, t, NULL, k->now_ns + ns);
}

/* One step of the running thread: a system call that it goes on with, or instructions. */
static void step(struct kernel *k, struct thread *t, uint64_t most_ns)
{
    vm_machine_switch(k, t->space->asid);
    if (!t->in_call && !vm_signal_deliver(k, t))
        return;
    if (t->in_call)
        vm_call(k, t);
    else
        run_thread(k, t, most_ns);
    if (k->running == t)
        wait_for_machine(k, t);
    else
        vm_machine_waits(k);
}

/* The thread has left its processor, or goes on: steps a and b. False: it has left. */
static bool goes_on(struct kernel *k, struct thread *t, vm_task task, uint64_t ran_ns)
{
    if (k->running != t) /* it has ended */
        return false;
    k->sched->ran(k->sched_state, task, ran_ns);
    if (t->state == THREAD_SLEEPS || t->state == THREAD_STOPPED) {
        k->sched->block(k->sched_state, task);
        return false;
    }
    t->state = THREAD_RUNNING;
    return true;
}

static void give_way(struct kernel *k, struct thread *t, enum vm_ready why)
{
    t->state = THREAD_READY;
    k->sched->ready(k->sched_state, vm_thread_task(k, t), why);
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
    bool sleeps = k->running == t && t->state == THREAD_SLEEPS && t->in_call;
    k->left.how = how;
    k->left.in = sleeps ? vm_call_name(t->hart.x[17]) : "";
}

/* The thread's turn, until it leaves the processor. */
static void run_turn(struct kernel *k, struct thread *t)
{
    vm_task task = vm_thread_task(k, t);
    uint64_t slice = k->sched->slice(k->sched_state, task);
    k->running = t;
    k->left.tid = t->tid;
    k->turn_over = false;
    k->gives_way = VM_READY_YIELDED;
    t->state = THREAD_RUNNING;
    t->process->stat.switches++;
    for (;;) {
        uint64_t before = k->now_ns;
        step(k, t, slice);
        uint64_t ran_ns = k->now_ns - before;
        if (!goes_on(k, t, task, ran_ns)) {
            note_departure(k, t, k->running == t ? how_it_waits(t) : "has ended");
            break;
        }
        if (ran_ns >= slice || k->turn_over || k->failed || is_spent(k)) {
            note_departure(k, t, ran_ns >= slice ? "had its turn" : "gave way");
            give_way(k, t, ran_ns >= slice ? VM_READY_QUANTUM : k->gives_way);
            break;
        }
        settle(k);
        slice = k->sched->slice(k->sched_state, task);
        if (k->sched->preempt(k->sched_state) != VM_NOCPU) {
            note_departure(k, t, "was preempted");
            give_way(k, t, VM_READY_PREEMPTED);
            break;
        }
    }
    k->running = NULL;
}

/* ---- the run ---- */

/* Nobody is ready. False: nobody ever will be. */
static bool wait_for_something(struct kernel *k)
{
    uint64_t next = k->next_wake_ns = find_next_wake(k);
    uint64_t ns = next == VM_TIME_NEVER ? VM_TIME_NEVER : next - k->now_ns;
    if (vm_files_poll(k, ns))
        return true;
    if (next == VM_TIME_NEVER)
        return false;
    vm_machine_drain(k);
    vm_machine_idle(k, ns);
    return true;
}

static void end_because(struct kernel *k, const char *why)
{
    snprintf(k->out->ended, sizeof k->out->ended, "%s", why);
}

static void tell_switch(struct kernel *k, const struct thread *t)
{
    const struct departure *d = &k->left;
    if (d->tid)
        vm_kernel_tell(k, VM_TRACE_SCHED, t, "%s runs: %u %s%s", t->process->stat.name, d->tid,
                       d->how, d->in);
    else
        vm_kernel_tell(k, VM_TRACE_SCHED, t, "%s runs", t->process->stat.name);
}

static void run(struct kernel *k)
{
    vm_task last = VM_NOTASK;
    while (k->processes && !k->failed) {
        if (is_spent(k)) {
            end_because(k, "as many instructions were executed as the run may have");
            return;
        }
        settle(k);
        vm_task task = k->sched->pick(k->sched_state, 0);
        if (task == VM_NOTASK) {
            if (wait_for_something(k))
                continue;
            end_because(k, "every process waits for another, for ever");
            return;
        }
        struct thread *t = &k->thread[task];
        if (task != last) {
            k->out->switches++;
            tell_switch(k, t);
        }
        last = task;
        run_turn(k, t);
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
    return tables_open(k, e) && vm_machine_open(k, e) && sched_open(k, e) && vm_files_open(k, e);
}

static void kernel_close(struct kernel *k)
{
    vm_processes_close(k);
    vm_files_close(k);
    vm_machine_close(k);
    free(k->sched_state);
    free(k->thread);
    free(k->task);
    free(k->roused);
}

static void report(struct kernel *k)
{
    vm_machine_drain(k);
    if (!k->failed)
        vm_files_sync(k);
    VM_EXPECT((vm_engine_check(k->engine), true));
    k->out->model = k->c->model;
    k->out->now_ns = k->now_ns;
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
