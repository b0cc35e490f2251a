/* live.c - `pagoda live`: start a program whose large memory is managed by Pagoda's pager, and tell
 * at its end what the pager did.
 *
 * The program is started with a library (preload/live.c), and with memory in which the two share
 * what is wanted and what was done (live/launch.h). Its input, output and exit status are its own.
 */
#include "cli/beside.h"
#include "cli/cli.h"
#include "cli/program.h"
#include "live/launch.h"
#include "live/view.h"

#include <errno.h>
#include <fcntl.h>
#include <pagoda/params.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LIBRARY "pagoda-live.so"

enum report { REPORT_TEXT, REPORT_JSON, REPORT_NONE };

/* ---- what is wanted ---- */

static bool bytes_of(const struct args *a, const char *flag, uint64_t most, uint64_t *out,
                     struct vm_error *e)
{
    const char *text = args_value(a, flag);
    char what[32];
    snprintf(what, sizeof what, "--%s", flag);
    if (!text)
        return true;
    if (!vm_parse_bytes(text, what, out, e))
        return false;
    if (*out <= most)
        return true;
    return vm_fail(e, VM_EUSAGE, "%s %s: expected %llu bytes at most", what, text,
                   (unsigned long long)most);
}

static bool word_of(const struct args *a, const char *flag, const char *const *known, size_t n,
                    uint32_t *out, struct vm_error *e)
{
    const char *text = args_value(a, flag);
    if (!text)
        return true;
    for (size_t i = 0; i < n; i++)
        if (!strcmp(text, known[i])) {
            *out = (uint32_t)i;
            return true;
        }
    return vm_fail_unknown(e, flag, text, known, n);
}

static bool text_of(const struct args *a, const char *flag, char *out, size_t cap,
                    struct vm_error *e)
{
    const char *text = args_value(a, flag);
    if (!text)
        return true;
    if (strlen(text) < cap)
        return strcpy(out, text);
    return vm_fail(e, VM_EUSAGE, "--%s: longer than %zu characters", flag, cap - 1);
}

static bool ahead_of(const struct args *a, struct live_launch *l, struct vm_error *e)
{
    uint64_t bytes = 0;
    const char *text = args_value(a, "ahead");
    if (!bytes_of(a, "ahead", UINT32_MAX / 2, &bytes, e))
        return false;
    l->ahead_bytes = text && !bytes ? VM_LIVE_AHEAD_NONE : (uint32_t)bytes;
    return true;
}

/* Stores with a file: a ring of io_uring belongs to the threads that fault, and the kernel's work
 * on it in them would interrupt the program's own calls, which would end short or with EINTR. */
static bool without_rings(struct live_launch *l, struct vm_error *e)
{
    char name[64], *text = l->store;
    const char *rest = vm_spec_split(text, name, sizeof name);
    bool has_ring = !strcmp(name, "file") || !strcmp(name, "spill");
    if (!has_ring || strstr(rest, "io="))
        return true;
    size_t used = strlen(text);
    const char *more = *rest ? ",io=sync" : strchr(text, ':') ? "io=sync" : ":io=sync";
    if (used + strlen(more) >= sizeof l->store)
        return vm_fail(e, VM_EUSAGE, "--store: longer than %zu characters", sizeof l->store - 9);
    strcpy(text + used, more);
    return true;
}

static bool wish(const struct args *a, struct live_launch *l, struct vm_error *e)
{
    static const char *const resolves[] = {"thread", "handler"};
    uint64_t page = 4096;
    l->above_bytes = UINT64_C(128) << 10;
    if (!args_has(a, "memory")) {
        vm_fail(e, VM_EUSAGE, "expected --memory: how much of it may be resident");
        return vm_hint(e, "pagoda live --memory 256MiB -- PROGRAM");
    }
    if (!bytes_of(a, "memory", UINT64_MAX, &l->limit_bytes, e) ||
        !bytes_of(a, "above", UINT64_MAX, &l->above_bytes, e) ||
        !bytes_of(a, "page", UINT32_C(2) << 20, &page, e) || !ahead_of(a, l, e) ||
        !word_of(a, "resolve", resolves, 2, &l->resolve, e) ||
        !text_of(a, "policy", l->policy, sizeof l->policy, e) ||
        !text_of(a, "store", l->store, sizeof l->store, e))
        return false;
    l->page_bytes = (uint32_t)page;
    l->children = args_has(a, "children");
    l->serve = args_has(a, "serve") ? VM_LIVE_SERVE_OWNER : VM_LIVE_SERVE_NOBODY;
    return without_rings(l, e);
}

/* The program runs elsewhere perhaps: its log is named from the root. */
static bool wish_log(const struct args *a, struct live_launch *l, struct vm_error *e)
{
    static const char *const depths[] = {
        [VM_LIVE_LOG_FAULTS] = "faults", [VM_LIVE_LOG_ACCESSES] = "accesses"};
    const char *text = args_value(a, "log");
    char folder[2048];
    if (!word_of(a, "log-depth", depths, 2, &l->log_depth, e))
        return false;
    if (!text)
        return true;
    const char *from = *text == '/' ? NULL : getcwd(folder, sizeof folder);
    int n = snprintf(l->log, sizeof l->log, "%s%s%s", from ? from : "", from ? "/" : "", text);
    if ((size_t)n < sizeof l->log)
        return true;
    return vm_fail(e, VM_EUSAGE, "--log %s: a name too long", text);
}

/* ---- the program ---- */

/* In the child: become the program, with the library. */
static void exec_program(char **program, const char *path, struct live_launch *l, pid_t launcher,
                         int fd)
{
    char preload[8192], where[64];
    const char *before = getenv("LD_PRELOAD");
    snprintf(preload, sizeof preload, "%s%s%s", l->library, before && *before ? ":" : "",
             before ? before : "");
    snprintf(where, sizeof where, "/proc/%ld/fd/%d", (long)launcher, fd);
    setenv("LD_PRELOAD", preload, 1);
    setenv(LIVE_LAUNCH_ENV, where, 1);
    atomic_store(&l->process, (uint32_t)getpid());
    execv(path, program);
    _exit(127);
}

/* Its socket outlives it. */
static void remove_socket(pid_t child)
{
    char path[256];
    struct vm_error e;
    if (view_path(child, 0, path, sizeof path, &e))
        unlink(path);
}

/* What comes from a terminal comes to the program, too; what others send to us is sent on. */
static void wait_for(pid_t child, int *status)
{
    sigset_t sent, before;
    int signal;
    struct timespec rest = {.tv_nsec = 50000000};
    sigemptyset(&sent);
    sigaddset(&sent, SIGTERM);
    sigaddset(&sent, SIGHUP);
    sigaddset(&sent, SIGCHLD);
    sigprocmask(SIG_BLOCK, &sent, &before);
    while (waitpid(child, status, WNOHANG) == 0)
        if ((signal = sigtimedwait(&sent, NULL, &rest)) > 0 && signal != SIGCHLD)
            kill(child, signal);
    sigprocmask(SIG_SETMASK, &before, NULL);
}

static bool was_paged(const struct live_launch *l, const char *program, struct vm_error *e)
{
    if (atomic_load(&l->failed)) {
        *e = l->error;
        return false;
    }
    if (atomic_load(&l->told))
        return true;
    return vm_fail(e, VM_ESYSTEM,
                   "%s: it did not load %s: expected a program that is linked dynamically, with "
                   "glibc, and runs with nobody else's rights",
                   program, LIBRARY);
}

static bool start(char **program, struct live_launch *l, int fd, int *status, struct vm_error *e)
{
    char path[PROGRAM_PATH];
    pid_t self = getpid();
    if (!program_find(program[0], path))
        return vm_fail(e, VM_ESYSTEM, "%s: no such program", program[0]);
    if (!program_takes_library(path, e) || !beside_find(LIBRARY, l->library, e))
        return false;
    pid_t child = fork();
    if (child == 0)
        exec_program(program, path, l, self, fd);
    if (child < 0)
        return vm_fail(e, VM_ESYSTEM, "fork: %s", strerror(errno));
    signal(SIGINT, SIG_IGN);
    signal(SIGQUIT, SIG_IGN);
    wait_for(child, status);
    if (l->serve)
        remove_socket(child);
    return was_paged(l, program[0], e);
}

/* The program has ended, however: what it did not close is finished here. */
static bool finish_log(const struct live_launch *l, struct vm_error *e)
{
    char part[sizeof l->log + 8];
    snprintf(part, sizeof part, "%s.part", l->log);
    return !l->log[0] || access(part, F_OK) != 0 || vm_live_log_finish(l->log, e);
}

/* ---- the report ---- */

static bool tell(FILE *out, const struct live_launch *l, uint32_t report, int status,
                 struct vm_error *e)
{
    if (report == REPORT_JSON)
        return vm_report_live_json(out, l, status, e);
    vm_report_live_text(out, l, status, out == stderr ? stderr_colour() : VM_COLOUR_NONE);
    return true;
}

static bool report_to(const struct args *a, const struct live_launch *l, uint32_t report,
                      int status, struct vm_error *e)
{
    const char *path = args_value(a, "output");
    if (report == REPORT_NONE)
        return true;
    if (!path)
        return tell(stderr, l, report, status, e);
    FILE *out = fopen(path, "we");
    if (!out)
        return vm_fail(e, VM_ESYSTEM, "%s: cannot create it: %s", path, strerror(errno));
    bool done = tell(out, l, report, status, e);
    if (fclose(out) != 0 && done)
        done = vm_fail(e, VM_ESYSTEM, "%s: %s", path, strerror(errno));
    return done;
}

static bool run_live(const struct args *a, struct vm_error *e)
{
    static const char *const reports[] = {"text", "json", "none"};
    uint32_t report = REPORT_TEXT;
    int fd, status = 0;
    if (a->noperands)
        return vm_fail(e, VM_EUSAGE, "unexpected \"%s\": the program comes after --",
                       a->operand[0]);
    if (!a->rest || !a->rest[0])
        return vm_fail(e, VM_EUSAGE,
                       "expected -- and a program: pagoda live --memory 256MiB -- sort big.txt");
    struct live_launch *l = program_share("pagoda live", sizeof *l, &fd, e);
    if (!l)
        return false;
    bool done = word_of(a, "report", reports, 3, &report, e) && wish(a, l, e) &&
                wish_log(a, l, e) && start(a->rest, l, fd, &status, e) && finish_log(l, e) &&
                report_to(a, l, report, status, e);
    *a->status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    munmap(l, sizeof *l);
    close(fd);
    return done;
}

static const struct flag flags[] = {
    {"memory", 'm', "SIZE", "how much of what is managed may be resident", NULL},
    {"policy", 0, "POLICY", "who leaves: pagoda list policies", VM_LIVE_POLICY},
    {"store", 0, "STORE", "where pages go: pagoda list stores", "lz4"},
    {"page", 0, "SIZE", "what comes and goes as one: 4KiB to 2MiB", "4KiB"},
    {"ahead", 0, "SIZE", "how much comes along with a page that a stream needs; 0: nothing",
     "256KiB"},
    {"above", 0, "SIZE", "manage mappings of at least that", "128KiB"},
    {"resolve", 0, "WHO", "who resolves a fault: thread, the one that made it, or handler",
     "thread"},
    {"children", 0, NULL, "page the programs that it starts, too, each with a limit of its own",
     NULL},
    {"serve", 0, NULL, "pagoda top can look at the pager while the program runs", NULL},
    {"log", 0, "FILE.pgt", "keep what the pager hears, for pagoda replay --as-live and advise",
     NULL},
    {"log-depth", 0, "DEPTH",
     "faults, or accesses: every touch, from which replay predicts other limits and policies to "
     "the "
     "fault; slow, and of one thread",
     "faults"},
    {"report", 0, "FORM", "what is told at the end: text, json or none", "text"},
    {"output", 'o', "FILE", "where it is told", "standard error"},
    {0}};

const struct command command_live = {
    .name = "live",
    .usage = "--memory SIZE [--policy POLICY] [--store STORE] -- PROGRAM [ARG ...]",
    .summary = "run a program in less memory than it asks for",
    .about =
        "The program runs unmodified. What it maps or allocates in large pieces, and the heap of\n"
        "malloc, is managed: at most --memory of it is resident, and the rest is in the store.\n"
        "Who leaves is decided by the same code that replay uses. Its input, output and exit\n"
        "status are its own (128 and the signal's number, where a signal ended it); what the\n"
        "pager did is told on standard error.\n"
        "Static variables, stacks, files and programs that it starts are left alone; a child of\n"
        "fork has a copy of what is managed, and a pager of its own.\n\n"
        "  pagoda live --memory 256MiB -- sort -S 1G big.txt\n"
        "  pagoda live --memory 64MiB --policy clock --store zstd -- python3 job.py\n"
        "  pagoda live --memory 1GiB --store file:path=/var/tmp/x --report json -o r.json -- prog",
    .flag = flags,
    .machine = MACHINE_FLAGS_NONE,
    .dashes = DASHES_PROGRAM,
    .json = JSON_FLAG_NONE,
    .run = run_live,
};
