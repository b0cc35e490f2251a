/* processors.c - lesson: several processors, one memory.
 *
 * Four threads add to the same words, by an atomic instruction, by one that tries until nobody came
 * between (LR and SC), and under a lock: nothing is lost, on however many processors they run. Then
 * one thread reads a page again and again, which another unmaps: the page must leave the TLBs of
 * every processor, so that the reader finds out.
 *
 * Try:  pagoda run --cpus 4 --report -- guests/processors
 * See:  migrations, and interrupts to the processors that had the page in their TLBs (shootdowns).
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

enum { THREADS = 4, EACH = 20000, PAGE = 4096 };

static struct {
    atomic_long added, tried;
    long locked;
    pthread_mutex_t lock;
} word = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void try_until_added(atomic_long *to)
{
    long old, new;
    do {
        __asm__ volatile("lr.d.aq %0, (%3)\n\taddi %1, %0, 1\n\tsc.d.rl %1, %1, (%3)"
                         : "=&r"(old), "=&r"(new), "+m"(*to)
                         : "r"(to));
    } while (new);
}

static void *add(void *unused)
{
    for (int i = 0; i < EACH; i++) {
        atomic_fetch_add(&word.added, 1);
        try_until_added(&word.tried);
        pthread_mutex_lock(&word.lock);
        word.locked++;
        pthread_mutex_unlock(&word.lock);
        if (i % 4096 == 0)
            sched_yield();
    }
    return unused;
}

static void add_together(void)
{
    pthread_t thread[THREADS];
    for (int i = 0; i < THREADS; i++)
        pthread_create(&thread[i], NULL, add, NULL);
    for (int i = 0; i < THREADS; i++)
        pthread_join(thread[i], NULL);
    printf("added %ld, tried %ld, locked %ld of %d\n", word.added, word.tried, word.locked,
           THREADS * EACH);
}

/* ---- a page that another thread unmaps ---- */

static sigjmp_buf found_out;
static atomic_int reads;
static volatile char *page;

static void fault(int signal)
{
    (void)signal;
    siglongjmp(found_out, 1);
}

static void *read_on(void *unused)
{
    if (sigsetjmp(found_out, 1) == 0)
        for (;;) {
            (void)page[0];
            if (atomic_fetch_add(&reads, 1) % 100 == 0)
                usleep(1); /* there may be only one processor, and it on it */
        }
    printf("the reader found out that the page is gone\n");
    return unused;
}

static void unmap_under_a_reader(void)
{
    pthread_t reader;
    signal(SIGSEGV, fault);
    page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    page[0] = 1;
    pthread_create(&reader, NULL, read_on, NULL);
    while (atomic_load(&reads) < 1000)
        usleep(10);
    munmap((void *)page, PAGE);
    pthread_join(reader, NULL);
}

/* ---- where a thread may run ---- */

static void confine(void)
{
    cpu_set_t all, one;
    int right = 0, n = 0;
    sched_getaffinity(0, sizeof all, &all);
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        if (!CPU_ISSET(cpu, &all))
            continue;
        CPU_ZERO(&one);
        CPU_SET(cpu, &one);
        n++;
        right += sched_setaffinity(0, sizeof one, &one) == 0 && sched_getcpu() == cpu;
    }
    printf("on each processor that it was confined to: %s\n", right == n ? "yes" : "no");
    CPU_ZERO(&one);
    printf("on none at all: %s\n", sched_setaffinity(0, sizeof one, &one) ? "refused" : "taken");
}

int main(void)
{
    add_together();
    unmap_under_a_reader();
    confine();
    return 0;
}
