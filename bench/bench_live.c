/* bench_live.c - real memory beyond its limit: live.SYSTEM.ACCESS, in accesses a second.
 *
 * 1 GiB of data, of which 256 MiB may be resident; half of each page is random, so that it
 * compresses to about a half. An access reads the page's first word, checks it, and reads or writes
 * another. What is measured comes after a first pass of the same accesses.
 *
 *      lz4, memory, file     the pager, with that store
 *      zram, swap            Linux's own: a swap device of compressed memory (lz4, if it has it),
 *                            and a swap file, under a memory cgroup; where the host lets us
 *
 * rand: all pages alike; zipf: by Zipf's law, exponent 0.99, ranks scattered; scan: one page after
 * another; with 20: one access in five writes. Each system is a process of its own. Two threads:
 * live.memory.misses2, in misses a second. Rows that are amounts: misses of 100 accesses by zipf
 * (goal: Linux's 16), and of a loop over 1.25 limits, without readahead, of lru (as one that sees
 * every touch would have it) and of the policy that is best at it.
 *
 * Goals are ns an access turned round: a goal of 4900 ns is 204,000 accesses a second.
 */
#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <pagoda/live.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE        4096
#define DATA_PAGES  (UINT32_C(1) << 18)
#define LIMIT_PAGES (DATA_PAGES / 4)
#define ZIPF_DRAWS  (UINT32_C(1) << 20)
#define LOOP_PAGES  (LIMIT_PAGES / 4 * 5)
#define CGROUP      "/sys/fs/cgroup/memory/pagoda-bench"
#define SWAP_FILE   "/var/tmp/pagoda-bench.swap"

/* ---- what is asked ---- */

enum order { RAND, ZIPF, SCAN, LOOP };
enum medium { PAGER, ZRAM, SWAP };

struct system {
    const char *name;
    enum medium medium;
    const char *store, *policy;
    bool is_disk, is_alone; /* alone: no readahead */
};
static const struct system systems[] = {
    {"lz4", PAGER, "lz4", NULL, false, false},
    {"memory", PAGER, "memory", NULL, false, false},
    {"file", PAGER, "file", NULL, true, false},
    {"zram", ZRAM, NULL, NULL, false, false},
    {"swap", SWAP, NULL, NULL, true, false},
    {"default", PAGER, "memory", NULL, false, true},
    {"lru", PAGER, "memory", "lru", false, true},
    {"mru", PAGER, "memory", "mru", false, true},
    {"s3-fifo", PAGER, "memory", "s3-fifo", false, true},
    {"2q", PAGER, "memory", "2q", false, true},
    {"lirs", PAGER, "memory", "lirs", false, true},
};
enum { SYSTEMS = sizeof systems / sizeof *systems, TIMED = 5 };

struct access {
    const char *name;
    enum order order;
    uint32_t writes; /* of 100 */
};
static const struct access accesses[] = {
    {"rand", RAND, 0},    {"zipf", ZIPF, 0},    {"scan", SCAN, 0},
    {"rand20", RAND, 20}, {"zipf20", ZIPF, 20}, {"scan20", SCAN, 20},
};
enum { ACCESSES = sizeof accesses / sizeof *accesses };

/* ns an access, at most; [lz4, file] */
static const double goals[2][ACCESSES] = {
    {4900, 1200, 2600, 7000, 1700, 4200},
    {55000, 13000, 2900, 54000, 13500, 3900},
};

struct order_of_work {
    enum order order;
    uint32_t writes, threads;
    uint64_t n;
};
struct answer {
    uint64_t wrong, misses;
};

/* ---- the data, and the program that uses it ---- */

static uint64_t next(uint64_t *s)
{
    *s ^= *s << 13;
    *s ^= *s >> 7;
    return *s ^= *s << 17;
}

static void fill(char *data)
{
    uint64_t s = 88172645463325252u;
    for (uint32_t page = 0; page < DATA_PAGES; page++) {
        uint64_t *word = (uint64_t *)(data + (size_t)page * PAGE);
        word[0] = page;
        for (int i = 1; i < PAGE / 16; i++)
            word[i] = next(&s);
    }
}

/* Pages by Zipf's law: the inverse of its distribution at random numbers, over shuffled pages. */
static bool draw_zipf(uint32_t *draw)
{
    double *upto = malloc(DATA_PAGES * sizeof *upto), sum = 0;
    uint32_t *page = malloc(DATA_PAGES * sizeof *page);
    uint64_t s = 2463534242u;
    bool done = upto && page;
    for (uint32_t i = 0; done && i < DATA_PAGES; i++) {
        upto[i] = sum += pow(i + 1, -0.99);
        page[i] = i;
    }
    for (uint32_t i = DATA_PAGES - 1; done && i > 0; i--) {
        uint32_t k = (uint32_t)(next(&s) % (i + 1)), was = page[i];
        page[i] = page[k];
        page[k] = was;
    }
    for (uint32_t i = 0; done && i < ZIPF_DRAWS; i++) {
        double wanted = (double)(next(&s) >> 11) * 0x1p-53 * sum;
        uint32_t low = 0, high = DATA_PAGES - 1;
        while (low < high) {
            uint32_t middle = (low + high) / 2;
            if (upto[middle] < wanted)
                low = middle + 1;
            else
                high = middle;
        }
        draw[i] = page[low];
    }
    free(upto);
    free(page);
    return done;
}

struct user {
    char *data;
    const uint32_t *draw;
    struct order_of_work work;
    uint64_t seed, at, wrong;
};

static uint32_t page_of(struct user *u, uint64_t k)
{
    switch (u->work.order) {
    case RAND:
        return (uint32_t)(next(&u->seed) % DATA_PAGES);
    case ZIPF:
        return u->draw[(u->at + k) % ZIPF_DRAWS];
    case SCAN:
        return (uint32_t)((u->at + k) % DATA_PAGES);
    default:
        return (uint32_t)((u->at + k) % LOOP_PAGES);
    }
}

static void *use(void *argument)
{
    struct user *u = argument;
    for (uint64_t k = 0; k < u->work.n; k++) {
        uint32_t page = page_of(u, k);
        volatile uint64_t *word = (uint64_t *)(u->data + (size_t)page * PAGE);
        uint64_t r = next(&u->seed), in = 1 + r % (PAGE / 8 - 1);
        u->wrong += word[0] != page;
        if ((r >> 32) % 100 < u->work.writes)
            word[in] = k;
        else
            (void)word[in];
    }
    u->at += u->work.n;
    return NULL;
}

/* ---- the process of a system ---- */

static char *map_data(const struct system *s, struct vm_live **live)
{
    struct vm_error e;
    *live = NULL;
    if (s->medium != PAGER)
        return mmap(NULL, (size_t)DATA_PAGES * PAGE, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    *live =
        vm_live_open(&(struct vm_live_options){.limit_bytes = (uint64_t)LIMIT_PAGES * PAGE,
                                               .policy = s->policy,
                                               .store = s->store,
                                               .ahead_bytes = s->is_alone ? VM_LIVE_AHEAD_NONE : 0},
                     &e);
    char *data = *live ? vm_live_map(*live, (size_t)DATA_PAGES * PAGE, &e) : NULL;
    if (!data)
        bench_fail(&e);
    return data;
}

static uint64_t misses_of(struct vm_live *live)
{
    struct vm_live_stats stats;
    if (!live)
        return 0;
    vm_live_stats(live, &stats);
    return stats.counts.misses;
}

static void serve(const struct system *s, const uint32_t *draw, int in, int out)
{
    struct vm_live *live;
    struct user user[2];
    char *data = map_data(s, &live);
    fill(data);
    for (int i = 0; i < 2; i++)
        user[i] = (struct user){.data = data,
                                .draw = draw,
                                .seed = 7919u + (unsigned)i,
                                .at = (uint64_t)i * ZIPF_DRAWS / 2};
    struct order_of_work work;
    while (read(in, &work, sizeof work) == (ssize_t)sizeof work) {
        pthread_t other;
        uint64_t before = misses_of(live);
        user[0].work = user[1].work = work;
        bool two = work.threads == 2 && pthread_create(&other, NULL, use, &user[1]) == 0;
        use(&user[0]);
        if (two)
            pthread_join(other, NULL);
        const struct answer a = {user[0].wrong + user[1].wrong, misses_of(live) - before};
        if (write(out, &a, sizeof a) != (ssize_t)sizeof a)
            break;
    }
    vm_live_close(live);
}

/* ---- Linux's own swap ---- */

static bool write_text(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool done = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    if (fd >= 0)
        close(fd);
    return done;
}

/* A command whose words are all ours. */
static bool command_done(const char *command)
{
    return system(command) == 0;
}

static bool swap_on(enum medium medium)
{
    if (medium == SWAP)
        return command_done("fallocate -l 1280M " SWAP_FILE " && chmod 600 " SWAP_FILE
                            " && mkswap -q " SWAP_FILE " 2>/dev/null") &&
               swapon(SWAP_FILE, 0) == 0;
    return write_text("/sys/block/zram0/comp_algorithm", "lz4") &&
           write_text("/sys/block/zram0/disksize", "1280M") &&
           command_done("mkswap -q /dev/zram0 2>/dev/null") && swapon("/dev/zram0", 0) == 0;
}

static void swap_off(enum medium medium)
{
    if (medium == SWAP) {
        swapoff(SWAP_FILE);
        unlink(SWAP_FILE);
    } else if (medium == ZRAM) {
        swapoff("/dev/zram0");
        write_text("/sys/block/zram0/reset", "1");
    }
}

/* This process, and its children, may have the limit and a little: its program. */
static bool enter_cgroup(void)
{
    char text[32];
    snprintf(text, sizeof text, "%zu", (size_t)LIMIT_PAGES * PAGE + (24u << 20));
    mkdir(CGROUP, 0755);
    bool done = write_text(CGROUP "/memory.limit_in_bytes", text);
    write_text(CGROUP "/memory.swappiness", "100"); /* or it is killed sooner than swapped */
    snprintf(text, sizeof text, "%d", getpid());
    return done && write_text(CGROUP "/cgroup.procs", text);
}

static bool may_swap(enum medium medium)
{
    return geteuid() == 0 && access("/sys/fs/cgroup/memory/memory.limit_in_bytes", F_OK) == 0 &&
           access("/sbin/mkswap", X_OK) == 0 &&
           (medium == SWAP ||
            (access("/dev/zram0", F_OK) == 0 && access("/sys/block/zram0/disksize", W_OK) == 0));
}

/* ---- rows ---- */

struct wanted {
    const struct system *system;
    const struct access *access; /* NULL: the row is one of these */
    enum { MISSES_2, MISS_RATIO, LOOP_RATIO } amount;
};

/* Row i, of those that can be measured here; false: past the end. */
static bool wanted_at(size_t i, struct wanted *out)
{
    for (const struct system *s = systems; s < systems + TIMED; s++) {
        if (s->medium != PAGER && !may_swap(s->medium))
            continue;
        if (i < ACCESSES) {
            *out = (struct wanted){.system = s, .access = &accesses[i]};
            return true;
        }
        i -= ACCESSES;
    }
    if (i == 0)
        *out = (struct wanted){.system = &systems[1], .amount = MISSES_2};
    else if (i <= SYSTEMS - TIMED)
        *out = (struct wanted){.system = &systems[TIMED + i - 1], .amount = MISS_RATIO};
    else
        *out = (struct wanted){.system = &systems[i - 1 - (SYSTEMS - TIMED) + TIMED],
                               .amount = LOOP_RATIO};
    return i <= 2 * (SYSTEMS - TIMED);
}

static size_t nrows(const struct bench_host *host)
{
    struct wanted w;
    size_t n = 0;
    (void)host;
    while (wanted_at(n, &w))
        n++;
    return n;
}

static double goal_of(const struct wanted *w)
{
    const size_t k = (size_t)(w->access - accesses);
    if (!strcmp(w->system->name, "lz4"))
        return 1e6 / goals[0][k];
    return !strcmp(w->system->name, "file") ? 1e6 / goals[1][k] : 0;
}

static void row(const struct bench_host *host, size_t i, struct bench_row *out)
{
    static const char *const names[] = {"misses2", "zipf-misses", "loop-misses"};
    struct wanted w;
    (void)host;
    wanted_at(i, &w);
    *out = (struct bench_row){.kind = BENCH_ELAPSED, .scale = 1e3, .unit = "k accesses/s"};
    snprintf(out->name, sizeof out->name, "live.%s.%s", w.system->name,
             w.access ? w.access->name : names[w.amount]);
    if (w.access) {
        out->goal = goal_of(&w);
    } else if (w.amount == MISSES_2) {
        out->unit = "k misses/s";
        out->goal = 300;
    } else {
        out->kind = BENCH_AMOUNT;
        out->scale = 1;
        out->unit = "of 100";
        out->goal = w.amount == MISS_RATIO && !strcmp(w.system->name, "default") ? 16 : 0;
    }
}

/* ---- measuring ---- */

struct group {
    uint32_t *draw;
    const struct system *system; /* whose process runs; NULL: none */
    size_t warm;                 /* row + 1 that had its first pass */
    pid_t pid;
    int to, from;
};

static void *open_group(const struct bench_host *host, struct vm_error *e)
{
    struct group *g = calloc(1, sizeof *g);
    (void)host;
    if (g)
        g->draw = malloc(ZIPF_DRAWS * sizeof *g->draw);
    if (g && g->draw && draw_zipf(g->draw))
        return g;
    if (g)
        free(g->draw);
    free(g);
    vm_fail(e, VM_ESYSTEM, "no memory for the bench of the pager");
    return NULL;
}

static void end_process(struct group *g)
{
    if (!g->system)
        return;
    close(g->to);
    close(g->from);
    waitpid(g->pid, NULL, 0);
    swap_off(g->system->medium);
    rmdir(CGROUP);
    g->system = NULL;
}

static void become(struct group *g, const struct system *s, const int to[2], const int from[2])
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    close(to[1]);
    close(from[0]);
    if (s->medium != PAGER && !enter_cgroup())
        _exit(1);
    serve(s, g->draw, to[0], from[1]);
    _exit(0);
}

static void start_process(struct group *g, const struct system *s)
{
    int to[2], from[2];
    struct vm_error e;
    end_process(g);
    if ((s->medium != PAGER && !swap_on(s->medium)) || pipe(to) != 0 || pipe(from) != 0) {
        vm_fail(&e, VM_ESYSTEM, "live.%s: no swap, or no pipe: %s", s->name, strerror(errno));
        swap_off(s->medium);
        bench_fail(&e);
    }
    fflush(NULL);
    g->pid = fork();
    if (g->pid == 0)
        become(g, s, to, from);
    close(to[0]);
    close(from[1]);
    g->to = to[1];
    g->from = from[0];
    g->system = s;
    g->warm = 0;
}

static struct answer ask(struct group *g, const struct order_of_work *work)
{
    struct answer a;
    struct vm_error e;
    if (write(g->to, work, sizeof *work) == (ssize_t)sizeof *work &&
        read(g->from, &a, sizeof a) == (ssize_t)sizeof a && a.wrong == 0)
        return a;
    vm_fail(&e, VM_ESYSTEM, "live.%s: its process ended, or read what was not written",
            g->system->name);
    end_process(g);
    bench_fail(&e);
}

/* So many that a run takes about a second. */
static struct order_of_work work_of(const struct wanted *w)
{
    static const uint64_t n[2][3] = {{100000, 400000, DATA_PAGES}, {20000, 80000, DATA_PAGES}};
    if (!w->access)
        return w->amount == MISSES_2 ? (struct order_of_work){RAND, 0, 2, 200000}
               : w->amount == MISS_RATIO
                   ? (struct order_of_work){ZIPF, 0, 1, ZIPF_DRAWS}
                   : (struct order_of_work){LOOP, 0, 1, 8 * (uint64_t)LOOP_PAGES};
    return (struct order_of_work){w->access->order, w->access->writes, 1,
                                  n[w->system->is_disk][w->access->order]};
}

static void prepare(void *group, size_t i)
{
    struct group *g = group;
    struct wanted w;
    wanted_at(i, &w);
    if (g->system != w.system)
        start_process(g, w.system);
    if (g->warm == i + 1)
        return;
    struct order_of_work work = work_of(&w);
    ask(g, &work);
    g->warm = i + 1;
}

static double run(void *group, size_t i)
{
    struct group *g = group;
    struct wanted w;
    wanted_at(i, &w);
    const struct order_of_work work = work_of(&w);
    struct answer a = ask(g, &work);
    if (w.access)
        return (double)work.n;
    return w.amount == MISSES_2 ? (double)a.misses : 100.0 * (double)a.misses / (double)work.n;
}

static void close_group(void *group)
{
    struct group *g = group;
    end_process(g);
    free(g->draw);
    free(g);
}

const struct bench_group bench_live = {
    .nrows = nrows,
    .row = row,
    .open = open_group,
    .prepare = prepare,
    .run = run,
    .close = close_group,
};
