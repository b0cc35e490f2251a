/* threads.c - lesson: a bounded buffer, with a lock and two condition variables.
 *
 * Two producers and two consumers share one address space and a buffer of 4 places. Whoever finds
 * it full, or empty, waits for the other side to say that it has changed.
 *
 * Try:  pagoda run --trace syscalls --sched mlfq -- guests/threads
 * See:  futex calls only where somebody has to wait or is woken: a lock that is free costs none.
 */
#include <pthread.h>
#include <stdio.h>

enum { PLACES = 4, EACH = 2000, THREADS = 2 };

static struct {
    pthread_mutex_t lock;
    pthread_cond_t not_full, not_empty;
    int place[PLACES], first, n;
    int left; /* to be taken out */
} buffer = {.lock = PTHREAD_MUTEX_INITIALIZER,
            .not_full = PTHREAD_COND_INITIALIZER,
            .not_empty = PTHREAD_COND_INITIALIZER,
            .left = THREADS * EACH};

static void put(int value)
{
    pthread_mutex_lock(&buffer.lock);
    while (buffer.n == PLACES)
        pthread_cond_wait(&buffer.not_full, &buffer.lock);
    buffer.place[(buffer.first + buffer.n++) % PLACES] = value;
    pthread_cond_signal(&buffer.not_empty);
    pthread_mutex_unlock(&buffer.lock);
}

/* 0: nothing is left. */
static int take(void)
{
    int value = 0;
    pthread_mutex_lock(&buffer.lock);
    while (buffer.n == 0 && buffer.left)
        pthread_cond_wait(&buffer.not_empty, &buffer.lock);
    if (buffer.n) {
        value = buffer.place[buffer.first];
        buffer.first = (buffer.first + 1) % PLACES;
        buffer.n--;
        if (--buffer.left == 0)
            pthread_cond_broadcast(&buffer.not_empty);
        pthread_cond_signal(&buffer.not_full);
    }
    pthread_mutex_unlock(&buffer.lock);
    return value;
}

static void *produce(void *unused)
{
    for (int i = 1; i <= EACH; i++)
        put(i);
    return unused;
}

static void *consume(void *sum)
{
    for (int value; (value = take());)
        *(long *)sum += value;
    return NULL;
}

int main(void)
{
    pthread_t producer[THREADS], consumer[THREADS];
    long sum[THREADS] = {0};
    for (int i = 0; i < THREADS; i++) {
        pthread_create(&producer[i], NULL, produce, NULL);
        pthread_create(&consumer[i], NULL, consume, &sum[i]);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(producer[i], NULL);
        pthread_join(consumer[i], NULL);
    }
    printf("taken out: %ld, expected: %d\n", sum[0] + sum[1], THREADS * EACH * (EACH + 1) / 2);
    return 0;
}
