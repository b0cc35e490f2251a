/* process.c - processes and threads: how they begin, become another program, end and are awaited.
 *
 *     clone --> ready <--> running --> sleeps --> ready ...      (run.c)
 *                             |
 *                             +--exit--> zombie --wait--> gone
 *
 * A process is what threads share: descriptors, signal actions, a place among processes. It ends
 * with its last thread, and remains as a zombie, a number and a status, until its parent waits for
 * it. Whose parent has ended belongs to the first process; where that one has ended too, or where a
 * parent ignores SIGCHLD, nobody waits, and the zombie goes at once.
 *
 * Source: POSIX.1-2017, fork, exec, _exit, wait; Linux clone(2), wait4(2).
 */
#include "base/assert.h"
#include "kernel/kernel.h"

#include <linux/sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

/* ---- finding them ---- */

struct process *vm_process_find(struct kernel *k, uint32_t pid)
{
    for (struct process *p = k->processes; p; p = p->next)
        if (p->pid == pid)
            return p;
    return NULL;
}

struct thread *vm_thread_find(struct kernel *k, uint32_t tid)
{
    for (uint32_t i = 0; i < k->threads_max; i++)
        if (k->thread[i].state != THREAD_FREE && k->thread[i].tid == tid)
            return &k->thread[i];
    return NULL;
}

/* ---- beginning ---- */

static uint64_t all_cpus(const struct kernel *k)
{
    return UINT64_MAX >> (VM_CPUS_MAX - k->ncpus);
}

static struct thread *new_thread(struct kernel *k, struct process *p)
{
    for (uint32_t i = 0; i < k->threads_max; i++) {
        struct thread *t = &k->thread[i];
        if (t->state != THREAD_FREE)
            continue;
        *t = (struct thread){.state = THREAD_SLEEPS,
                             .process = p,
                             .wake_ns = VM_TIME_NEVER,
                             .cpu = VM_NOCPU,
                             .cpus = all_cpus(k)};
        t->next = p->threads;
        p->threads = t;
        return t;
    }
    return NULL;
}

static struct process *new_process(struct kernel *k)
{
    struct process *p = k->nprocesses < k->c->processes_max ? calloc(1, sizeof *p) : NULL;
    if (!p)
        return NULL;
    p->pid = k->pid_next++;
    vm_alarm_init(p);
    p->lock_bytes_max = LOCK_BYTES_DEFAULT;
    p->exit_signal = SIGCHLD;
    p->next = k->processes;
    k->processes = p;
    k->nprocesses++;
    k->out->processes++;
    p->stat = (struct vm_run_process){.pid = p->pid, .status = -1, .began_ns = k->now_ns};
    return p;
}

static void unlink_process(struct kernel *k, struct process *p)
{
    struct process **link = &k->processes;
    while (*link != p)
        link = &(*link)->next;
    *link = p->next;
    k->nprocesses--;
    if (k->first == p)
        k->first = NULL;
    vm_timer_set(k, &p->alarm, VM_TIME_NEVER, 0);
    vm_posix_timers_close(k, p);
    vm_pending_drop(k, &p->pending, ~UINT64_C(0));
    free(p->command);
    free(p);
}

static struct working_directory *new_place(const char *path, uint32_t umask)
{
    struct working_directory *w = calloc(1, sizeof *w);
    if (!w)
        return NULL;
    *w = (struct working_directory){.users = 1, .umask = umask, .path = strdup(path)};
    if (w->path)
        return w;
    free(w);
    return NULL;
}

static void leave_place(struct working_directory *w)
{
    if (w && --w->users == 0) {
        free(w->path);
        free(w);
    }
}

static void set_name(struct process *p, const char *path)
{
    const char *name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
    snprintf(p->stat.name, sizeof p->stat.name, "%s", name);
}

/* No memory: it has none to show. */
static void set_command(struct process *p, const struct strings *argv)
{
    size_t n = 0;
    free(p->command);
    p->command_bytes = 0;
    p->command = malloc(argv->bytes);
    for (size_t i = 0; p->command && i < argv->n; i++) {
        strcpy(p->command + n, argv->text[i]);
        n += strlen(argv->text[i]) + 1;
    }
    p->command_bytes = p->command ? n : 0;
}

/* ---- exec ---- */

static void set_program(struct kernel *k, struct thread *t, const struct program *program)
{
    memset(&t->hart, 0, sizeof t->hart);
    t->hart.pc = program->entry;
    t->hart.x[2] = program->sp;
    t->process->execed = true;
    vm_check_exec(k, t, program->base);
    vm_wake_all(k, &t->process->vfork_parent_tid);
    t->process->vfork_parent_tid = 0;
}

/* What caught signals no longer can: their handlers are gone. */
static void reset_actions(struct process *p)
{
    for (int s = 1; s <= NSIGNALS; s++) {
        bool ignored = p->action[s].handler == (vm_va)(uintptr_t)SIG_IGN;
        p->action[s] = (struct signal_action){.handler = ignored ? p->action[s].handler : 0};
    }
}

/* The thread is alone in its process, and its space its own and empty. */
static bool own_space(struct kernel *k, struct thread *t)
{
    for (struct thread *other = t->process->threads, *next; other; other = next) {
        next = other->next;
        if (other != t)
            vm_thread_exit(k, other, 0);
    }
    if (t->space && t->space->users == 1)
        return vm_space_clear(k, t->space);
    struct address_space *own = vm_space_open(k);
    if (!own)
        return false;
    own->users = 1;
    if (t->space)
        vm_space_leave(k, t->space);
    t->space = own;
    return true;
}

static int64_t become(struct kernel *k, struct thread *t, struct inode *inode, const char *name,
                      const struct strings *argv, const struct strings *envp)
{
    struct program program;
    if (!own_space(k, t))
        return -ENOMEM;
    if (t->space->program)
        vm_inode_release(k, t->space->program);
    t->space->program = inode;
    vm_inode_hold(inode);
    t->clear_tid = 0;
    int64_t error = vm_elf_load(k, t, inode, name, argv, envp, &program);
    if (error)
        return error;
    set_program(k, t, &program);
    set_name(t->process, name);
    set_command(t->process, argv);
    reset_actions(t->process);
    vm_posix_timers_close(k, t->process);
    t->alt_stack = (struct signal_stack){0};
    vm_fd_table_exec(k, t->process->files);
    return 0;
}

/* "#!interpreter argument" in the file's first line: both, in `line`. */
static bool is_script(struct kernel *k, struct inode *inode, char line[256], char **interpreter,
                      char **argument)
{
    int64_t n = vm_inode_read(k, inode, 0, line, 255);
    if (n < 3 || line[0] != '#' || line[1] != '!')
        return false;
    line[n] = 0;
    line[strcspn(line, "\n")] = 0;
    *interpreter = line + 2 + strspn(line + 2, " \t");
    size_t length = strcspn(*interpreter, " \t");
    *argument = *interpreter + length + strspn(*interpreter + length, " \t");
    (*interpreter)[length] = 0;
    return **interpreter;
}

/* argv of a script: its interpreter's. Owned by the caller; the texts are not. */
static bool script_strings(const struct strings *argv, char *interpreter, char *argument,
                           const char *path, struct strings *out)
{
    size_t n = 0;
    out->text = malloc((argv->n + 3) * sizeof out->text[0]);
    if (!out->text)
        return false;
    out->text[n++] = interpreter;
    if (*argument)
        out->text[n++] = argument;
    out->text[n++] = (char *)path;
    for (size_t i = 1; i < argv->n; i++)
        out->text[n++] = argv->text[i];
    out->n = n;
    out->bytes = argv->bytes + strlen(interpreter) + strlen(argument) + strlen(path) + 3;
    return true;
}

#define SCRIPTS_MAX 6 /* as on Linux: of six scripts the last one's interpreter is looked for */

static int64_t exec_at(struct kernel *k, struct thread *t, const char *path,
                       const struct strings *argv, const struct strings *envp, unsigned depth)
{
    char line[256], *interpreter, *argument;
    struct inode *inode;
    struct strings longer;
    int64_t error = vm_inode_open(k, t, path, &inode);
    if (error)
        return error;
    if (is_script(k, inode, line, &interpreter, &argument)) {
        vm_inode_release(k, inode);
        if (depth == SCRIPTS_MAX)
            return -ELOOP;
        if (!script_strings(argv, interpreter, argument, path, &longer))
            return -ENOMEM;
        error = exec_at(k, t, interpreter, &longer, envp, depth + 1);
        free(longer.text);
        return error;
    }
    error = vm_elf_check(k, inode, path, NULL);
    if (!error && become(k, t, inode, path, argv, envp))
        vm_process_exit(k, t->process, SIGKILL); /* there is no way back */
    vm_inode_release(k, inode);
    return error;
}

int64_t vm_process_exec(struct kernel *k, struct thread *t, const char *path,
                        const struct strings *argv, const struct strings *envp)
{
    int64_t error = exec_at(k, t, path, argv, envp, 0);
    return error ? error : CALL_RETURNED;
}

/* ---- the first one ---- */

static struct strings strings_of(char *const *text)
{
    struct strings s = {.text = (char **)text};
    for (; text[s.n]; s.n++)
        s.bytes += strlen(text[s.n]) + 1;
    return s;
}

/* Why the first program does not begin, to its caller rather than to a program. */
static bool say_why(struct kernel *k, const char *name, int64_t error, struct vm_error *e)
{
    if (k->failed) {
        *e = k->error;
        return false;
    }
    return vm_fail(e, VM_EINPUT, "%s: cannot be run: %s", name, strerror((int)-error));
}

static bool begin_first(struct kernel *k, struct thread *t, struct vm_error *e)
{
    const char *name = k->c->argv[0];
    struct strings argv = strings_of(k->c->argv), envp = strings_of(k->c->envp);
    struct inode *inode;
    char line[256], *interpreter, *argument;
    int64_t error = vm_inode_open(k, t, name, &inode);
    if (error)
        return say_why(k, name, error, e);
    bool script = is_script(k, inode, line, &interpreter, &argument);
    bool good = script || vm_elf_check(k, inode, name, e) == 0;
    vm_inode_release(k, inode);
    if (k->failed) /* what could not be read is no ELF file either */
        return say_why(k, name, 0, e);
    if (!good)
        return false;
    error = vm_process_exec(k, t, name, &argv, &envp);
    bool ended = !t->process || !t->process->execed;
    if (k->failed || error != CALL_RETURNED || ended)
        return say_why(k, name, error == CALL_RETURNED ? -ENOMEM : error, e);
    return true;
}

struct process *vm_process_first(struct kernel *k, struct vm_error *e)
{
    struct process *p = new_process(k);
    struct thread *t = p ? new_thread(k, p) : NULL;
    if (!t) {
        vm_fail(e, VM_ESYSTEM, "no memory for a process");
        return NULL;
    }
    k->first = p;
    t->tid = p->pgid = p->sid = p->pid;
    p->files = vm_fd_table_new(k);
    p->where = new_place(k->c->cwd, 022);
    if (!p->files || !p->where) {
        vm_fail(e, VM_ESYSTEM, "no memory for a process");
        return NULL;
    }
    if (!begin_first(k, t, e))
        return NULL;
    vm_thread_wake(k, t);
    return p;
}

/* ---- fork and clone ---- */

/* What the child shares, or has a copy of. False: no memory. */
static bool inherit(struct kernel *k, struct process *child, struct process *parent, uint64_t flags)
{
    child->ppid = parent->pid;
    child->parent = parent;
    child->pgid = parent->pgid;
    child->sid = parent->sid;
    memcpy(child->action, parent->action, sizeof child->action);
    child->lock_bytes_max = parent->lock_bytes_max;
    memcpy(child->stat.name, parent->stat.name, sizeof child->stat.name);
    child->stat.ppid = parent->pid;
    child->command = parent->command ? malloc(parent->command_bytes) : NULL;
    if (child->command) {
        memcpy(child->command, parent->command, parent->command_bytes);
        child->command_bytes = parent->command_bytes;
    }
    if (flags & CLONE_FILES) {
        child->files = parent->files;
        child->files->users++;
    } else {
        child->files = vm_fd_table_copy(k, parent->files);
    }
    if (flags & CLONE_FS) {
        child->where = parent->where;
        child->where->users++;
    } else {
        child->where = new_place(parent->where->path, parent->where->umask);
    }
    return child->files && child->where;
}

static bool has_space(struct kernel *k, struct thread *child, struct thread *t, uint64_t flags)
{
    child->space = flags & CLONE_VM ? t->space : vm_space_fork(k, t->space);
    if (child->space)
        child->space->users++;
    return child->space && !k->failed;
}

static void forget_thread(struct kernel *k, struct thread *t)
{
    vm_sleepers_remove(&k->sleepers, vm_thread_task(k, t));
    vm_fifo_give_up(k, t);
    vm_pending_drop(k, &t->pending, ~UINT64_C(0));
    struct thread **link = &t->process->threads;
    while (*link != t)
        link = &(*link)->next;
    *link = t->next;
    *t = (struct thread){.state = THREAD_FREE};
}

static int64_t give_up(struct kernel *k, struct thread *child, struct process *p)
{
    if (child)
        forget_thread(k, child);
    if (p->files)
        vm_fd_table_leave(k, p->files);
    leave_place(p->where);
    k->out->processes--;
    unlink_process(k, p);
    return -ENOMEM;
}

static void start(struct kernel *k, struct thread *child, struct thread *t,
                  const struct clone_request *r)
{
    child->hart = t->hart;
    child->hart.x[10] = 0;
    child->hart.pc += 4; /* behind the ecall */
    child->hart.reserved_bytes = 0;
    child->blocked = t->blocked;
    child->cpus = t->cpus_next ? t->cpus_next : t->cpus;
    if (r->stack)
        child->hart.x[2] = r->stack;
    vm_check_start(k, child, t);
    if (r->flags & CLONE_SETTLS)
        child->hart.x[4] = r->tls;
    if (r->flags & CLONE_CHILD_CLEARTID)
        child->clear_tid = r->child_tid;
    uint32_t tid = child->tid;
    if (r->flags & CLONE_CHILD_SETTID)
        vm_user_write(k, child, r->child_tid, &tid, sizeof tid);
    if (r->flags & CLONE_PARENT_SETTID)
        vm_user_write(k, t, r->parent_tid, &tid, sizeof tid);
    vm_thread_wake(k, child);
}

static int64_t clone_thread(struct kernel *k, struct thread *t, const struct clone_request *r)
{
    struct thread *child = new_thread(k, t->process);
    if (!child)
        return -EAGAIN;
    child->tid = k->pid_next++;
    child->space = t->space;
    child->space->users++;
    start(k, child, t, r);
    return child->tid;
}

/* The child has begun: its parent sleeps until it has a space of its own, or has ended. */
static int64_t wait_for_vfork(struct kernel *k, struct thread *t)
{
    const struct process *child = vm_process_find(k, (uint32_t)t->progress);
    if (child && child->vfork_parent_tid == t->tid)
        return vm_thread_sleep(k, t, &child->vfork_parent_tid, VM_TIME_NEVER);
    return (int64_t)t->progress;
}

int64_t vm_process_clone(struct kernel *k, struct thread *t, const struct clone_request *r)
{
    if (t->progress)
        return wait_for_vfork(k, t);
    if ((r->flags & CLONE_THREAD) && (~r->flags & (CLONE_VM | CLONE_SIGHAND)))
        return -EINVAL;
    if (r->flags & CLONE_THREAD)
        return clone_thread(k, t, r);
    struct process *p = new_process(k);
    if (!p)
        return -EAGAIN;
    struct thread *child = new_thread(k, p);
    if (!child || !inherit(k, p, t->process, r->flags))
        return give_up(k, child, p);
    child->tid = p->pid;
    if (!has_space(k, child, t, r->flags))
        return give_up(k, child, p);
    uint32_t pid = p->pid;
    p->exit_signal = r->exit_signal;
    if (!(r->flags & CLONE_VM) || (r->flags & CLONE_VFORK))
        child->alt_stack = t->alt_stack;
    start(k, child, t, r);
    if (!(r->flags & CLONE_VFORK))
        return pid;
    p->vfork_parent_tid = t->tid;
    t->progress = pid;
    return wait_for_vfork(k, t);
}

/* ---- ending ---- */

static void list_process(struct kernel *k, const struct process *p)
{
    struct vm_run_result *out = k->out;
    if (out->nlisted < k->listed_cap)
        out->listed[out->nlisted++] = p->stat;
}

/* Nobody will wait for the zombie. */
static void bury(struct kernel *k, struct process *p)
{
    list_process(k, p);
    unlink_process(k, p);
}

void vm_process_describe(const struct process *child, int status, struct signal_info *info)
{
    *info = (struct signal_info){.signal = SIGCHLD, .from.pid = child->pid};
    if (WIFEXITED(status)) {
        info->code = CLD_EXITED;
        info->from.child.status = WEXITSTATUS(status);
    } else if (WIFSIGNALED(status)) {
        info->code = CLD_KILLED;
        info->from.child.status = WTERMSIG(status);
    } else {
        info->code = WIFSTOPPED(status) ? CLD_STOPPED : CLD_CONTINUED;
        info->from.child.status = WIFSTOPPED(status) ? WSTOPSIG(status) : SIGCONT;
    }
}

static bool is_ignored(const struct process *parent)
{
    const struct signal_action *a = &parent->action[SIGCHLD];
    return a->handler == (vm_va)(uintptr_t)SIG_IGN || (a->flags & SA_NOCLDWAIT);
}

/* The children of one that ends are the first process's, if it is still there. */
static void give_children(struct kernel *k, struct process *p)
{
    struct process *heir = k->first != p && k->first && k->first->threads ? k->first : NULL;
    for (struct process *child = k->processes, *next; child; child = next) {
        next = child->next;
        if (child->parent != p)
            continue;
        child->parent = heir;
        child->ppid = heir ? heir->pid : 0;
        if (child->threads)
            continue;
        if (heir)
            vm_process_told(k, child);
        else
            bury(k, child);
    }
}

#define STATUS_CONTINUED 0xffff

/* That a child stops or goes on is told only to parents that want to know. */
static bool wants_told(const struct process *parent, const struct process *child)
{
    return child->exit_signal > 0 && child->exit_signal <= NSIGNALS &&
           (!child->threads || !(parent->action[SIGCHLD].flags & SA_NOCLDSTOP));
}

void vm_process_told(struct kernel *k, struct process *p)
{
    struct process *parent = p->parent;
    struct signal_info info;
    if (!parent)
        return;
    vm_process_describe(p, p->threads && !p->stopped ? STATUS_CONTINUED : p->status, &info);
    info.signal = p->threads ? SIGCHLD : p->exit_signal;
    if (wants_told(parent, p))
        vm_signal_post(k, parent, &info);
    vm_wake_all(k, parent);
}

static void end_process(struct kernel *k, struct process *p, int status)
{
    p->status = p->stat.status = status;
    p->stat.ended_ns = k->now_ns;
    if (k->first == p)
        k->out->status = status;
    vm_fd_table_leave(k, p->files);
    leave_place(p->where);
    p->files = NULL;
    p->where = NULL;
    vm_wake_all(k, &p->vfork_parent_tid);
    p->vfork_parent_tid = 0;
    give_children(k, p);
    struct process *parent = p->parent;
    if (parent)
        vm_process_told(k, p);
    if (!parent || is_ignored(parent))
        bury(k, p);
    vm_files_changed(k); /* who has the process as a file */
}

static void note_memory(struct kernel *k, struct thread *t)
{
    const struct vm_space *space = vm_space_of(k, t->space);
    uint64_t rss = space->resident << k->parts.page_shift;
    struct vm_run_process *stat = &t->process->stat;
    if (rss > stat->rss_peak_bytes)
        stat->rss_peak_bytes = rss;
}

void vm_thread_exit(struct kernel *k, struct thread *t, int status)
{
    struct process *p = t->process;
    uint32_t zero = 0;
    if (t->clear_tid && t->space->users > 1 &&
        vm_user_write(k, t, t->clear_tid, &zero, sizeof zero) == 0)
        vm_futex_wake(k, t->space, t->clear_tid, 1);
    if (t->space) {
        note_memory(k, t);
        vm_space_leave(k, t->space);
    }
    vm_thread_gone(k, t);
    forget_thread(k, t);
    if (!p->threads)
        end_process(k, p, status);
}

void vm_process_exit(struct kernel *k, struct process *p, int status)
{
    while (p->threads->next)
        vm_thread_exit(k, p->threads, status);
    vm_thread_exit(k, p->threads, status);
}

void vm_processes_close(struct kernel *k)
{
    vm_spaces_close(k);
    for (struct process *p; (p = k->processes);) {
        while (p->threads)
            forget_thread(k, p->threads);
        if (p->files)
            vm_fd_table_leave(k, p->files);
        leave_place(p->where);
        list_process(k, p);
        unlink_process(k, p);
    }
}

/* ---- waiting ---- */

static bool is_meant(const struct process *child, const struct process *parent, int64_t pid)
{
    if (child->parent != parent)
        return false;
    if (pid > 0)
        return child->pid == (uint32_t)pid;
    if (pid == -1)
        return true;
    return child->pgid == (pid == 0 ? parent->pgid : (uint32_t)-pid);
}

/* What there is to tell of the child now: *status. */
static bool has_news(const struct process *child, int options, int *status)
{
    if (!child->threads) {
        *status = child->status;
        return true;
    }
    if ((options & WUNTRACED) && child->stopped_untold) {
        *status = child->status;
        return true;
    }
    *status = STATUS_CONTINUED;
    return (options & WCONTINUED) && child->continued_untold;
}

struct process *vm_process_news(struct kernel *k, struct process *parent, int64_t pid, int options,
                                int *status, bool *any)
{
    *any = false;
    struct process *oldest = NULL;
    for (struct process *p = k->processes; p; p = p->next) {
        int its;
        if (!is_meant(p, parent, pid))
            continue;
        *any = true;
        if (has_news(p, options, &its)) {
            oldest = p; /* the list begins with the youngest */
            *status = its;
        }
    }
    return oldest;
}

void vm_process_heard(struct kernel *k, struct process *child)
{
    child->stopped_untold = child->continued_untold = false;
    if (!child->threads)
        bury(k, child);
}

int64_t vm_process_wait(struct kernel *k, struct thread *t, int64_t pid, vm_va status_at,
                        int options, vm_va rusage)
{
    int status;
    bool any;
    uint8_t zeros[144] = {0};
    struct process *child = vm_process_news(k, t->process, pid, options, &status, &any);
    if (!any)
        return -ECHILD;
    if (!child)
        return options & WNOHANG ? 0 : vm_thread_sleep(k, t, t->process, VM_TIME_NEVER);
    if (status_at && vm_user_write(k, t, status_at, &status, sizeof status))
        return -EFAULT;
    if (rusage && vm_user_write(k, t, rusage, zeros, sizeof zeros))
        return -EFAULT;
    uint32_t which = child->pid;
    vm_process_heard(k, child);
    return which;
}
