/* heapcheck.c - `pagoda heapcheck`: mistakes that a program makes with its heap, each with where it
 * was made and where its block came from. preload/heapcheck.c finds them in programs of the host,
 * kernel/heapcheck.c in those of the machine. */
#include "base/heap_findings.h"
#include "cli/beside.h"
#include "cli/cli.h"
#include "cli/heapcheck_guest.h"
#include "cli/program.h"
#include "cli/site_names.h"
#include "report/json.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define LIBRARY "pagoda-heapcheck.so"

/* Where mistakes were found, as timeout(1) and others have statuses of their own. */
#define STATUS_MISTAKES 99

static const struct {
    const char *name, *text;
} kinds[HEAP_MISTAKES] = {
    [HEAP_OVERFLOW] = {"overflow", "behind the end of a block: not enough was asked for"},
    [HEAP_UNDERFLOW] = {"underflow", "before the start of a block"},
    [HEAP_USE_AFTER_FREE] = {"use_after_free", "a block is used after it was freed"},
    [HEAP_WILD_ACCESS] = {"wild_access", "where no block ever was"},
    [HEAP_OVERWRITTEN] = {"overwritten", "bytes beside a block were changed (seen later)"},
    [HEAP_FREED_WRITTEN] = {"freed_written", "a freed block was changed (seen later)"},
    [HEAP_FREE_TWICE] = {"free_twice", "a block is freed twice"},
    [HEAP_FREE_INSIDE] = {"free_inside", "an address within a block is freed, not its start"},
    [HEAP_FREE_STRANGER] = {"free_stranger", "what no malloc gave is freed"},
    [HEAP_UNINITIALISED] = {"uninitialised", "what was never written decides something"},
    [HEAP_LEAK] = {"leak", "never freed, and nothing points to it any more"},
    [HEAP_REACHABLE] = {"reachable", "never freed; something still points to it"},
};
static const char *const accesses[] = {"", "read", "write", "access"};
static const struct {
    const char *name, *text;
} uses[HEAP_USES] = {
    [HEAP_USE_NONE] = {"", ""},
    [HEAP_USE_BRANCH] = {"branch", "decides which way a branch or a comparison goes"},
    [HEAP_USE_ADDRESS] = {"address", "decides where an access goes"},
    [HEAP_USE_JUMP] = {"jump", "decides where a jump goes"},
    [HEAP_USE_CALL] = {"call", "is given to a system call"},
    [HEAP_USE_ARGUMENT] = {"argument", "is an argument of a function of memory"},
};

/* ---- the program ---- */

static void exec_program(char **program, const char *library, pid_t reader, int fd,
                         struct heap_findings *f)
{
    char preload[8192], where[64];
    const char *before = getenv("LD_PRELOAD");
    snprintf(preload, sizeof preload, "%s%s%s", library, before && *before ? ":" : "",
             before ? before : "");
    snprintf(where, sizeof where, "/proc/%ld/fd/%d", (long)reader, fd);
    setenv("LD_PRELOAD", preload, 1);
    setenv(HEAP_FINDINGS_ENV, where, 1);
    f->process = (uint32_t)getpid();
    execvp(program[0], program);
    _exit(127);
}

static bool run_program(char **program, int fd, struct heap_findings *f, int *status,
                        struct vm_error *e)
{
    char library[BESIDE_PATH];
    pid_t reader = getpid();
    if (!beside_find(LIBRARY, library, e))
        return false;
    pid_t child = fork();
    if (child == 0)
        exec_program(program, library, reader, fd, f);
    if (child < 0)
        return vm_fail(e, VM_ESYSTEM, "fork: %s", strerror(errno));
    signal(SIGINT, SIG_IGN); /* an interrupt is the program's */
    while (waitpid(child, status, 0) != child) {
    }
    if (atomic_load(&f->started))
        return true;
    if (WIFEXITED(*status) && WEXITSTATUS(*status) == 127)
        return vm_fail(e, VM_EINPUT, "%s: cannot be run", program[0]);
    return vm_fail(e, VM_EINPUT,
                   "%s: told nothing: expected a program that is linked dynamically and runs with "
                   "nobody else's rights",
                   program[0]);
}

/* ---- for people ---- */

enum checked_by { BY_LIBRARY, BY_KERNEL };

/* Where the mistake was made is an instruction; all else is where a call returns. */
static const char *frame_name(struct site_names *names, const struct heap_finding *f,
                              const struct heap_stack *stack, uint32_t i, char out[SITE_NAME])
{
    bool instruction = i == 0 && stack == &f->misuse && (f->access || f->use);
    return (instruction ? site_name_at : site_name)(names, f->image, stack->pc[i], out);
}

static void put_stack(FILE *out, struct site_names *names, const char *what,
                      const struct heap_finding *f, const struct heap_stack *stack)
{
    char name[SITE_NAME];
    if (stack->n)
        fprintf(out, "    %s\n", what);
    for (uint32_t i = 0; i < stack->n && i < HEAP_STACK_DEPTH; i++)
        fprintf(out, "        %s\n", frame_name(names, f, stack, i, name));
}

static void put_place(FILE *out, const struct heap_finding *f)
{
    long long from = (long long)(f->address - f->start);
    unsigned long long bytes = f->bytes;
    if (!f->start)
        fprintf(out, "    at 0x%llx\n", (unsigned long long)f->address);
    else if (from < 0)
        fprintf(out, "    %lld bytes before a block of %llu\n", -from, bytes);
    else if (f->address >= f->start + f->bytes && (f->bytes || f->kind == HEAP_OVERFLOW))
        fprintf(out, "    %llu bytes behind the end of a block of %llu\n",
                (unsigned long long)from - bytes, bytes);
    else
        fprintf(out, "    byte %lld of a block of %llu\n", from, bytes);
}

static void put_finding(FILE *out, struct site_names *names, const struct heap_finding *f)
{
    const char *access = accesses[f->access <= HEAP_ACCESS_SOME ? f->access : 0];
    fprintf(out, "\n%s: %s\n", kinds[f->kind].name, kinds[f->kind].text);
    if (f->blocks) {
        fprintf(out, "    %llu bytes in %llu blocks\n", (unsigned long long)f->total,
                (unsigned long long)f->blocks);
        put_stack(out, names, "allocated by", f, &f->allocated);
        return;
    }
    put_place(out, f);
    if (f->use)
        fprintf(out, "    %s\n", uses[f->use].text);
    fprintf(out, "    thread %u%s%s\n", f->thread, *access ? ", " : "", access);
    put_stack(out, names, "found in", f, &f->misuse);
    put_stack(out, names, "the block was allocated by", f, &f->allocated);
    put_stack(out, names, "and freed by", f, &f->freed);
}

static bool is_shown(const struct heap_finding *f, const struct args *a)
{
    return f->kind < HEAP_MISTAKES && (f->kind != HEAP_REACHABLE || args_has(a, "reachable"));
}

static void put_text(FILE *out, const struct args *a, struct site_names *names,
                     const struct heap_findings *f, unsigned mistakes)
{
    fprintf(out, "Heap of process %u: %llu blocks, %llu bytes in all; %u mistakes\n", f->process,
            (unsigned long long)f->blocks, (unsigned long long)f->bytes, mistakes);
    for (uint32_t i = 0; i < f->n && i < HEAP_FINDINGS_MAX; i++)
        if (is_shown(&f->finding[i], a))
            put_finding(out, names, &f->finding[i]);
    fputc('\n', out);
    if (f->lost)
        fprintf(out, "%llu more findings were not kept.\n", (unsigned long long)f->lost);
    if (f->ended)
        fprintf(out, "At the end %llu blocks, %llu bytes, were not freed.\n",
                (unsigned long long)f->live_blocks, (unsigned long long)f->live_bytes);
    else
        fputs("The program did not end by exit: leaks were not looked for.\n", out);
    if (f->blind)
        fprintf(out,
                "%llu programs ran unchecked: their files have no symbols of malloc and free, by "
                "which these are\nknown. Link them with -static and without -s.\n",
                (unsigned long long)f->blind);
    if (f->unguarded)
        fprintf(out,
                "%llu blocks had no pages of their own: writes beside these are seen late, reads "
                "not at all.\n",
                (unsigned long long)f->unguarded);
}

static void put_unseen(FILE *out, enum checked_by by)
{
    if (by == BY_LIBRARY)
        fputs("Not seen: use of uninitialised bytes, accesses far beyond a block, the stack and "
              "static variables,\nheaps that the program has within itself, and its child "
              "processes.\n",
              out);
    else
        fputs("Not seen: accesses from one block into another, the stack and static variables "
              "(not even their\nuse uninitialised), and heaps that the program has within "
              "itself.\n",
              out);
}

/* ---- for programs ---- */

static json_t *stack_json(struct vm_json *j, struct site_names *names, const struct heap_finding *f,
                          const struct heap_stack *stack)
{
    json_t *array = json_array();
    char name[SITE_NAME];
    for (uint32_t i = 0; i < stack->n && i < HEAP_STACK_DEPTH; i++)
        vm_json_add(j, array, vm_json_text(frame_name(names, f, stack, i, name)));
    return array;
}

static json_t *finding_json(struct vm_json *j, struct site_names *names,
                            const struct heap_finding *f)
{
    char address[32], start[32];
    vm_json_hex(f->address, address);
    vm_json_hex(f->start, start);
    return json_pack(
        "{s:s, s:I, s:I, s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:o, s:o, s:o}", "kind",
        kinds[f->kind].name, "process", (json_int_t)f->process, "thread", (json_int_t)f->thread,
        "access", accesses[f->access <= HEAP_ACCESS_SOME ? f->access : 0], "use",
        uses[f->use < HEAP_USES ? f->use : 0].name, "address", address, "start", start, "bytes",
        (json_int_t)f->bytes, "blocks", (json_int_t)f->blocks, "total", (json_int_t)f->total,
        "misuse", stack_json(j, names, f, &f->misuse), "allocated",
        stack_json(j, names, f, &f->allocated), "freed", stack_json(j, names, f, &f->freed));
}

static bool put_json(FILE *out, const struct args *a, struct site_names *names,
                     const struct heap_findings *f, int status, struct vm_error *e)
{
    struct vm_json j = {0};
    json_t *findings = json_array();
    for (uint32_t i = 0; i < f->n && i < HEAP_FINDINGS_MAX; i++)
        if (is_shown(&f->finding[i], a))
            vm_json_add(&j, findings, finding_json(&j, names, &f->finding[i]));
    json_t *root =
        json_pack("{s:i, s:s, s:s, s:i, s:I, s:I, s:b, s:I, s:I, s:I, s:I, s:I, s:o}", "schema",
                  VM_JSON_SCHEMA, "kind", "heapcheck", "version", PAGODA_VERSION, "status", status,
                  "blocks", (json_int_t)f->blocks, "bytes", (json_int_t)f->bytes, "ended",
                  (int)f->ended, "live_blocks", (json_int_t)f->live_blocks, "live_bytes",
                  (json_int_t)f->live_bytes, "unguarded", (json_int_t)f->unguarded, "lost",
                  (json_int_t)f->lost, "blind", (json_int_t)f->blind, "findings", findings);
    return vm_json_write(out, &j, root, e);
}

/* ---- the command ---- */

static unsigned count_mistakes(const struct heap_findings *f)
{
    unsigned n = 0;
    for (uint32_t i = 0; i < f->n && i < HEAP_FINDINGS_MAX; i++)
        n += f->finding[i].kind < HEAP_REACHABLE;
    return n;
}

static bool report(const struct args *a, const struct heap_findings *f, enum checked_by by,
                   int status, struct vm_error *e)
{
    const char *path = args_value(a, "report-to");
    uint32_t n = f->nmodules < HEAP_FINDINGS_MODULES ? f->nmodules : HEAP_FINDINGS_MODULES;
    unsigned mistakes = count_mistakes(f);
    FILE *out = path ? fopen(path, "we") : stderr;
    if (!out)
        return vm_fail(e, VM_ESYSTEM, "%s: %s", path, strerror(errno));
    struct site_names *names = site_names_open(f->module, n, e);
    bool done = names;
    if (done && args_has(a, "json"))
        done = put_json(out, a, names, f, status, e);
    else if (done) {
        put_text(out, a, names, f, mistakes);
        put_unseen(out, by);
    }
    site_names_close(names);
    if (path && fclose(out) != 0 && done)
        done = vm_fail(e, VM_ESYSTEM, "%s: %s", path, strerror(errno));
    *a->status = mistakes            ? STATUS_MISTAKES
                 : WIFEXITED(status) ? WEXITSTATUS(status)
                                     : 128 + WTERMSIG(status);
    return done;
}

static bool check_host_program(const struct args *a, struct vm_error *e)
{
    int fd, status = 0;
    struct heap_findings *f = program_share("pagoda findings", sizeof *f, &fd, e);
    if (!f)
        return false;
    bool done = run_program(a->rest, fd, f, &status, e) && report(a, f, BY_LIBRARY, status, e);
    munmap(f, sizeof *f);
    close(fd);
    return done;
}

static bool check_guest(const struct args *a, struct vm_error *e)
{
    int status = 0;
    struct heap_findings *f = calloc(1, sizeof *f);
    if (!f)
        return vm_fail(e, VM_ESYSTEM, "no memory for findings");
    bool done = heapcheck_run_guest(a, f, &status, e) && report(a, f, BY_KERNEL, status, e);
    free(f);
    return done;
}

static bool run_heapcheck(const struct args *a, struct vm_error *e)
{
    if (!a->rest)
        return vm_fail(e, VM_EUSAGE, "which program? expected -- PROGRAM [ARGUMENT ...]");
    return heapcheck_is_guest(a) ? check_guest(a, e) : check_host_program(a, e);
}

static const struct flag flags[] = {
    {"reachable", 0, NULL, "show blocks that were never freed, but are still pointed to, too",
     NULL},
    {"report-to", 0, "FILE", "the report, into a file; without it, on standard error", NULL},
    {"root", 0, "DIR", "of a RISC-V program: the directory that it sees as /", "/"},
    {"cwd", 0, "DIR", "of one: where it begins, a path below the root", NULL},
    {"writable", 0, NULL, "of one: it may change files below the root", NULL},
    {"env", 0, NULL, "of one: it gets Pagoda's own environment", NULL},
    {0}};

const struct command command_heapcheck = {
    .name = "heapcheck",
    .usage = "[OPTION ...] -- PROGRAM [ARGUMENT ...]",
    .summary = "mistakes with the heap: overflow, use after free, double free, leak",
    .about =
        "PROGRAM runs with a malloc that gives each block pages of its own, with a page behind\n"
        "them that cannot be touched, and never uses addresses twice: an access behind a block,\n"
        "or to one that was freed, ends it at that instruction. Frees of what is no block are\n"
        "told, and passed over. At its exit, blocks that nothing points to any more are leaks.\n"
        "Each mistake is told with the calls that led to it, and to its block.\n\n"
        "  pagoda heapcheck -- ./program its arguments\n"
        "  pagoda heapcheck --json --report-to findings.json -- ./program\n\n"
        "It does not see the use of uninitialised bytes, accesses that leap far beyond a block,\n"
        "mistakes on the stack or in static variables, heaps that a program has within itself,\n"
        "and child processes. The program must be linked dynamically.\n\n"
        "A static RISC-V program (a PROGRAM with a / whose file is one, or anything with --root)\n"
        "runs as `pagoda run` has it, and each of its instructions is looked at. Then each byte\n"
        "beside a block is seen, for reads, for writes and for system calls, each use of a freed\n"
        "block, and uninitialised bytes: a branch, an address, a jump, a system call, a\n"
        "comparison of strings or an argument of malloc that depends on one. To copy one, or to\n"
        "compute with it, is no mistake. All its processes and threads are looked at, and it\n"
        "goes on after a mistake. malloc and the functions of strings are known by their names in\n"
        "the file's symbols: a stripped file runs unchecked, and is said to. It takes some 100\n"
        "times as long as under `pagoda run`.\n\n"
        "  pagoda heapcheck -- ./program.rv its arguments\n"
        "  pagoda heapcheck --root ./tree --writable -- /bin/sh -c 'make it go wrong'\n\n"
        "The exit status is the program's, but 99 where mistakes were found.",
    .flag = flags,
    .machine = MACHINE_FLAGS_NONE,
    .dashes = DASHES_PROGRAM,
    .json = JSON_FLAG_TAKEN,
    .run = run_heapcheck,
};
