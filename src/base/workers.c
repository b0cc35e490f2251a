/* workers.c - see workers.h.
 *
 * A call is a round: its jobs are handed out one by one, under the lock, for a job is long. Threads
 * wait for a round with jobs left; the caller works too, then waits for those that are still at it.
 */
#include "base/workers.h"

#include "base/assert.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#define WORKERS_MAX 256

struct vm_workers {
    pthread_mutex_t lock;
    pthread_cond_t given, done; /* there are jobs to take; no job is left or under way */
    void (*job)(void *host, size_t i);
    void *host;
    size_t next, njobs; /* [next, njobs) are not taken */
    size_t busy;        /* jobs under way */
    bool ending;
    unsigned nthreads;
    pthread_t thread[WORKERS_MAX];
};

/* Take jobs until none is left. The lock is held, and released during each. */
static void work(struct vm_workers *w)
{
    while (w->next < w->njobs) {
        size_t i = w->next++;
        w->busy++;
        pthread_mutex_unlock(&w->lock);
        w->job(w->host, i);
        pthread_mutex_lock(&w->lock);
        if (--w->busy == 0 && w->next == w->njobs)
            pthread_cond_signal(&w->done);
    }
}

static void *thread_main(void *workers)
{
    struct vm_workers *w = workers;
    pthread_mutex_lock(&w->lock);
    while (!w->ending) {
        work(w);
        if (!w->ending)
            pthread_cond_wait(&w->given, &w->lock);
    }
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

static unsigned processors(void)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n > 0 ? (unsigned)n : 1;
}

struct vm_workers *vm_workers_open(unsigned n, struct vm_error *e)
{
    struct vm_workers *w = calloc(1, sizeof *w);
    if (!w) {
        vm_fail(e, VM_ESYSTEM, "no memory for workers");
        return NULL;
    }
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->given, NULL);
    pthread_cond_init(&w->done, NULL);
    n = n ? n : processors();
    for (n = n < WORKERS_MAX ? n : WORKERS_MAX; w->nthreads + 1 < n; w->nthreads++)
        if (pthread_create(&w->thread[w->nthreads], NULL, thread_main, w) != 0)
            break;
    return w;
}

unsigned vm_workers_count(const struct vm_workers *w)
{
    return w->nthreads + 1;
}

void vm_workers_run(struct vm_workers *w, size_t njobs, void (*job)(void *host, size_t i),
                    void *host)
{
    pthread_mutex_lock(&w->lock);
    VM_ASSERT(w->busy == 0 && w->next == w->njobs);
    w->job = job;
    w->host = host;
    w->next = 0;
    w->njobs = njobs;
    pthread_cond_broadcast(&w->given);
    work(w);
    while (w->busy)
        pthread_cond_wait(&w->done, &w->lock);
    pthread_mutex_unlock(&w->lock);
}

void vm_workers_close(struct vm_workers *w)
{
    if (!w)
        return;
    pthread_mutex_lock(&w->lock);
    w->ending = true;
    pthread_cond_broadcast(&w->given);
    pthread_mutex_unlock(&w->lock);
    for (unsigned i = 0; i < w->nthreads; i++)
        pthread_join(w->thread[i], NULL);
    pthread_cond_destroy(&w->done);
    pthread_cond_destroy(&w->given);
    pthread_mutex_destroy(&w->lock);
    free(w);
}
