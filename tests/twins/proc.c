/* proc.c - a twin: what /proc has of processes. */
#include "twin.h"

#include <dirent.h>
#include <sys/prctl.h>

static char text[65536];

static const char *text_of(const char *name)
{
    int f = open(name, O_RDONLY);
    ssize_t n = 0;
    size_t all = 0;
    while (f >= 0 && all < sizeof text && (n = read(f, text + all, sizeof text - 1 - all)) > 0)
        all += (size_t)n;
    if (f < 0 || n < 0)
        said(name, -1);
    text[all] = 0;
    close(f);
    return text;
}

static void say_link(const char *name)
{
    char path[4096] = "";
    ssize_t n = readlink(name, path, sizeof path - 1);
    if (n < 0)
        said(name, -1);
    else
        say("%s: %.5s", name, path);
}

/* A line of a status: what is behind its name. */
static long field(const char *of, const char *name)
{
    const char *at = strstr(of, name);
    return at ? strtol(at + strlen(name), NULL, 10) : -1;
}

static const char *file_of(pid_t pid, const char *name)
{
    static char path[100];
    snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
    return path;
}

static void oneself(void)
{
    int pid, ppid, pgid;
    char name[20], state;
    prctl(PR_SET_NAME, "a twin");
    say("comm: %s", text_of("/proc/self/comm"));
    said("stat", sscanf(text_of("/proc/self/stat"), "%d (%19[^)]) %c %d %d", &pid, name, &state,
                        &ppid, &pgid));
    say("%d %s %c %d %d", pid == getpid(), name, state, ppid == getppid(), pgid == getpgid(0));
    const char *status = text_of("/proc/self/status");
    say("%d %d %d", field(status, "\nPid:\t") == getpid(), field(status, "\nPPid:\t") == getppid(),
        field(status, "\nTgid:\t") == getpid());
    say("threads %ld, tracer %ld, memory %d", field(status, "\nThreads:\t"),
        field(status, "\nTracerPid:\t"), field(status, "\nVmRSS:") > 0);
    say("command %d", strlen(text_of("/proc/self/cmdline")) > 0);
    text_of("/proc/self/maps");
    say("maps have this: %d, a stack: %d", strstr(text, "r-xp") != NULL,
        strstr(text, "[stack]") != NULL);
}

static void signals_of(pid_t pid)
{
    const char *status = text_of(file_of(pid, "status"));
    static const char *const names[] = {"ShdPnd:\t", "SigBlk:\t", "SigIgn:\t"};
    for (int i = 0; i < 3; i++) {
        const char *at = strstr(status, names[i]);
        say("%.6s %.16s", names[i], at ? at + 8 : "");
    }
}

static void wait_for_ever(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_SETMASK, &set, NULL);
    signal(SIGUSR2, SIG_IGN);
    kill(getpid(), SIGUSR1);
    for (;;)
        pause();
}

static char state_of(pid_t pid)
{
    const char *stat = text_of(file_of(pid, "stat"));
    const char *end = strrchr(stat, ')');
    return end ? end[2] : '?';
}

static void another(void)
{
    pid_t pid = child(wait_for_ever);
    pause_ms(100);
    say("it is %c", state_of(pid));
    signals_of(pid);
    kill(pid, SIGSTOP);
    pause_ms(50);
    say("it is %c", state_of(pid));
    kill(pid, SIGKILL);
    pause_ms(50);
    say("it is %c", state_of(pid));
    say("of a zombie: \"%s\"", text_of(file_of(pid, "cmdline")));
    say("%d", ended(pid));
    said("it is gone", access(file_of(pid, "stat"), F_OK));
}

static void descriptors(void)
{
    int f = open("/dev/null", O_RDONLY), fd[2];
    char path[64], target[64] = "", c;
    struct stat s;
    (void)!pipe(fd);
    snprintf(path, sizeof path, "/proc/self/fd/%d", f);
    say_link(path);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd[0]);
    say_link(path);
    lstat(path, &s);
    say("a link: %d", S_ISLNK(s.st_mode));
    stat(path, &s);
    say("of a pipe: %d", S_ISFIFO(s.st_mode));
    snprintf(path, sizeof path, "/dev/fd/%d", fd[1]);
    int again = open(path, O_WRONLY);
    said("written by its name", write(again, "x", 1));
    said("read", read(fd[0], &c, 1));
    said("one that is not open", readlink("/proc/self/fd/99", target, sizeof target));
    DIR *d = opendir("/proc/self/fd");
    int n = 0, own = dirfd(d);
    for (struct dirent *e; (e = readdir(d));)
        n += e->d_name[0] != '.' && atoi(e->d_name) > 2 && atoi(e->d_name) != own;
    closedir(d);
    say("open: %d", n);
    say("cwd: %d", readlink("/proc/self/cwd", text, sizeof text) > 0);
    n = (int)readlink("/proc/self", target, sizeof target);
    say("self: %d", n > 0 && atoi(target) == getpid());
    say("no link: %d", readlink("/proc/self/stat", target, sizeof target) == -1 && errno == EINVAL);
}

static void the_system(void)
{
    static const char *const names[] = {"meminfo", "cpuinfo", "uptime", "loadavg",    "stat",
                                        "mounts",  "version", "swaps",  "filesystems"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(text, 100, "/proc/%s", names[i]);
        say("%s: %d", names[i], strlen(text_of(text)) > 8);
    }
    text_of("/proc/meminfo");
    say("all is more than what is free: %d", field(text, "MemTotal:") > field(text, "MemFree:"));
    DIR *d = opendir("/proc");
    int self = 0, me = 0;
    for (struct dirent *e; (e = readdir(d));) {
        self += strcmp(e->d_name, "self") == 0;
        me += atoi(e->d_name) == getpid();
    }
    closedir(d);
    say("listed: %d %d", self, me);
    said("no such file", open("/proc/nothing", O_RDONLY));
    said("no such process", open("/proc/4000000/stat", O_RDONLY));
    said("chdir", chdir("/proc/self"));
    say("from there: %d", atoi(text_of("stat")) == getpid());
}

int main(void)
{
    close_range(3, ~0U, 0); /* what it was given is no part of this */
    oneself();
    another();
    descriptors();
    the_system();
    return 0;
}
