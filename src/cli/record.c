/* record.c - `pagoda record`: run a program under valgrind's lackey, and keep what it does to
 * memory.
 *
 * lackey prints every reference, and with --trace-syscalls every mmap, munmap, mprotect, brk and
 * mremap in its place among them; the lackey reader of trace/ makes both into a stream that goes
 * straight into the .pgt writer, through a pipe and never to disk. Valgrind itself places the
 * program's code, stack and first heap: those mappings are not in the stream and come by first
 * touch. Child processes run, unrecorded.
 */
#include "cli/convert.h"
#include "cli/program.h"
#include "cli/record_heap.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* execvp would find it: that it does not is better said here than by valgrind. */
static bool can_run(char **program, struct vm_error *e)
{
    if (!program || !program[0])
        return vm_fail(e, VM_EUSAGE, "expected -- and a program: pagoda record -- ls /usr/bin");
    char path[PROGRAM_PATH];
    if (!program_find(program[0], path))
        return vm_fail(e, VM_ESYSTEM, "%s: no such program", program[0]);
    return true;
}

static bool has_valgrind(struct vm_error *e)
{
    char path[PROGRAM_PATH];
    if (program_find("valgrind", path))
        return true;
    vm_fail(e, VM_ESYSTEM, "valgrind: no such program: record runs programs under its tool lackey");
    return vm_hint(e, "apt-get install valgrind; or replay a trace of traces/");
}

/* In the child: become valgrind, its log going to `log_fd`. */
static void exec_valgrind(char **program, int log_fd)
{
    char log[32], *argv[ARGS_MAX * 16];
    static const char *const fixed[] = {"valgrind",
                                        "--tool=lackey",
                                        "--trace-mem=yes",
                                        "--trace-syscalls=yes",
                                        "--child-silent-after-fork=yes",
                                        "--vgdb=no"};
    size_t n = 0;
    for (; n < sizeof fixed / sizeof fixed[0]; n++)
        argv[n] = (char *)(uintptr_t)fixed[n];
    snprintf(log, sizeof log, "--log-fd=%d", log_fd);
    argv[n++] = log;
    while (*program && n + 1 < sizeof argv / sizeof argv[0])
        argv[n++] = *program++;
    argv[n] = NULL;
    execvp("valgrind", argv);
    _exit(127);
}

/* Start it; *log is the reading end of its log. */
static pid_t start(char **program, int *log, struct vm_error *e)
{
    int ends[2];
    if (pipe(ends) != 0) {
        vm_fail(e, VM_ESYSTEM, "pipe: %s", strerror(errno));
        return -1;
    }
    pid_t child = fork();
    if (child == 0) {
        close(ends[0]);
        exec_valgrind(program, ends[1]);
    }
    close(ends[1]);
    if (child < 0) {
        close(ends[0]);
        vm_fail(e, VM_ESYSTEM, "fork: %s", strerror(errno));
        return -1;
    }
    *log = ends[0];
    return child;
}

static bool keep(int log, char **program, const char *path, struct converted *n, struct vm_error *e)
{
    char name[32], origin[1024];
    struct vm_trace_options options = {.format = "lackey"};
    snprintf(name, sizeof name, "/dev/fd/%d", log);
    struct vm_trace *t = vm_trace_open(name, &options, e);
    if (!t)
        return false;
    describe_command("pagoda record --", program, origin, sizeof origin);
    struct vm_pgt_options pgt = {.origin = origin};
    bool done = convert_trace(t, path, &pgt, "recording", n, e);
    vm_trace_close(t);
    return done;
}

static bool say(const char *path, const struct converted *n, int status, const struct args *a,
                struct vm_error *e)
{
    char all[80], end[64] = "";
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    if (WIFSIGNALED(status))
        snprintf(end, sizeof end, "; the program was ended by signal %d", WTERMSIG(status));
    else if (code)
        snprintf(end, sizeof end, "; the program ended with status %d", code);
    if (args_has(a, "json"))
        printf("{\"schema\": %d, \"kind\": \"record\", \"version\": \"" PAGODA_VERSION
               "\", \"refs\": %llu, \"requests\": %llu, \"program_status\": %d}\n",
               VM_JSON_SCHEMA, (unsigned long long)n->refs, (unsigned long long)n->requests, code);
    else
        fprintf(stderr, "%s: %s%s\n", path,
                args_has(a, "heap") && !n->requests ? "0 requests to the heap"
                                                    : converted_text(n, all, sizeof all),
                end);
    return stdout_finish(e);
}

/* The default name: the program's own. */
static const char *output_path(const struct args *a, char *out, size_t cap)
{
    const char *given = args_value(a, "output"), *slash = strrchr(a->rest[0], '/');
    if (given)
        return given;
    snprintf(out, cap, "%s.pgt", slash ? slash + 1 : a->rest[0]);
    return out;
}

static bool run_heap(const struct args *a, const char *path, struct vm_error *e)
{
    char origin[1024];
    struct converted n = {0};
    int status = 0;
    describe_command("pagoda record --heap --", a->rest, origin, sizeof origin);
    return record_heap(a->rest, path, origin, &n.requests, &status, e) &&
           say(path, &n, status, a, e);
}

static bool run_references(const struct args *a, const char *path, struct vm_error *e)
{
    struct converted n = {0};
    int log, status = 0;
    if (!has_valgrind(e))
        return false;
    pid_t child = start(a->rest, &log, e);
    if (child < 0)
        return false;
    /* An interrupt ends the program; what it did until then is kept. */
    signal(SIGINT, SIG_IGN);
    bool done = keep(log, a->rest, path, &n, e);
    close(log); /* if keeping failed, the program gets SIGPIPE and ends too */
    if (!done)
        kill(child, SIGTERM);
    waitpid(child, &status, 0);
    if (!done && e->code == VM_EINPUT && n.refs == 0 && status)
        vm_fail(e, VM_ESYSTEM, "%s: valgrind could not run it: it says why above", a->rest[0]);
    return done && say(path, &n, status, a, e);
}

static bool run_record(const struct args *a, struct vm_error *e)
{
    char name[256];
    if (a->noperands)
        return vm_fail(e, VM_EUSAGE, "unexpected \"%s\": the program comes after --",
                       a->operand[0]);
    if (!can_run(a->rest, e))
        return false;
    const char *path = output_path(a, name, sizeof name);
    if (!strcmp(path, "-"))
        return vm_fail(e, VM_EUSAGE,
                       "-o -: standard output is the program's: expected the name of a file");
    return args_has(a, "heap") ? run_heap(a, path, e) : run_references(a, path, e);
}

static const struct flag flags[] = {
    {"output", 'o', "FILE.pgt", "where to write", "PROGRAM.pgt"},
    {"heap", 0, NULL, "record what it asks of its heap, not its references", NULL},
    {0}};

const struct command command_record = {
    .name = "record",
    .usage = "[--heap] [-o FILE.pgt] -- PROGRAM [ARG ...]",
    .summary = "record what a program does to memory",
    .about =
        "The program runs under valgrind's lackey, some 50 to 100 times slower than by itself.\n"
        "Its input and output are its own. Every instruction fetch, load and store is kept,\n"
        "and every mmap, munmap, mprotect, brk and mremap; child processes are not recorded.\n"
        "An interrupt ends the program; the trace until then is kept. How the program ended is\n"
        "told and is no failure of recording.\n"
        "With --heap the program runs by itself, and each malloc, calloc, realloc, aligned_alloc,\n"
        "free and the like is kept: address, bytes, alignment, thread, and from where it was\n"
        "called; a request takes some 60 ns longer. Child processes are left out; a program that\n"
        "takes its process's place (exec) goes on in the same trace, with an empty heap.\n\n"
        "  pagoda record -- ls /usr/bin                 writes ls.pgt\n"
        "  pagoda record -o sort.pgt -- sort words.txt\n"
        "  pagoda record --heap -- python3 -c 'print(1)'",
    .flag = flags,
    .machine = MACHINE_FLAGS_NONE,
    .dashes = DASHES_PROGRAM,
    .json = JSON_FLAG_TAKEN,
    .run = run_record,
};
