/* allocate.c - a program that uses all of malloc as C and Linux define it, alone and in threads:
 * for tests of whatever malloc it finds. It says what is wrong, and "fine" at its end.
 *
 *     allocate          all of it, and threads that free each other's blocks and fork meanwhile
 *     allocate twice    frees a block twice
 *     allocate stranger frees what no malloc gave
 */
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHECK(what)                                                                                \
    do {                                                                                           \
        if (!(what)) {                                                                             \
            printf("line %d: not so: %s\n", __LINE__, #what);                                      \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

/* Sizes that the compiler does not know. */
static size_t size_of(size_t n)
{
    static volatile size_t zero;
    return n + zero;
}

static bool is_filled(const unsigned char *block, size_t bytes, unsigned char with)
{
    for (size_t i = 0; i < bytes; i++)
        if (block[i] != with)
            return false;
    return true;
}

static void sizes_and_alignments(void)
{
    for (size_t bytes = 0; bytes < 200000; bytes = bytes * 5 / 4 + 1) {
        unsigned char *block = malloc(size_of(bytes));
        CHECK(block && (uintptr_t)block % 16 == 0);
        CHECK(malloc_usable_size(block) >= bytes);
        memset(block, 0xa5, malloc_usable_size(block));
        free(block);
    }
    for (size_t align = 1; align <= 65536; align *= 2) {
        void *block = memalign(align, size_of(100));
        CHECK(block && (uintptr_t)block % align == 0);
        free(block);
        block = aligned_alloc(align, align);
        CHECK(block && (uintptr_t)block % align == 0);
        free(block);
    }
    void *block = valloc(size_of(10));
    CHECK(block && (uintptr_t)block % 4096 == 0);
    free(block);
    block = pvalloc(size_of(10));
    CHECK(malloc_usable_size(block) >= 4096);
    free(block);
}

static void what_cannot_be_had(void)
{
    void *block = &block;
    errno = 0;
    CHECK(!malloc(size_of(SIZE_MAX / 2)) && errno == ENOMEM);
    errno = 0;
    CHECK(!calloc(size_of(SIZE_MAX / 2), 3) && errno == ENOMEM);
    CHECK(!reallocarray(NULL, size_of(SIZE_MAX / 2), 3));
    CHECK(posix_memalign(&block, 24, 8) == EINVAL && block == &block);
    CHECK(posix_memalign(&block, 4, 8) == EINVAL);
    CHECK(posix_memalign(&block, 64, size_of(SIZE_MAX / 2)) == ENOMEM);
    errno = 77;
    CHECK(posix_memalign(&block, 64, 8) == 0 && errno == 77);
    free(block);
    free(NULL);
    CHECK(errno == 77 && malloc_usable_size(NULL) == 0);
}

static void calloc_is_zero_whoever_had_it(void)
{
    static const size_t bytes[] = {1, 100, 5000, 100000, 3000000};
    for (size_t i = 0; i < sizeof bytes / sizeof bytes[0]; i++)
        for (int again = 0; again < 3; again++) {
            unsigned char *block = calloc(size_of(bytes[i]), 1);
            CHECK(block && is_filled(block, bytes[i], 0));
            memset(block, 1, bytes[i]);
            free(block);
        }
}

static void realloc_keeps_what_was_there(void)
{
    unsigned char *block = realloc(NULL, size_of(1));
    size_t had = 1;
    *block = 7;
    for (size_t bytes = 1; bytes < 3000000; bytes = bytes * 3 / 2 + 1) {
        block = realloc(block, size_of(bytes));
        CHECK(block && is_filled(block, had < bytes ? had : bytes, 7));
        memset(block, 7, bytes);
        had = bytes;
    }
    for (; had > 1; had /= 3) {
        block = realloc(block, size_of(had));
        CHECK(is_filled(block, had, 7));
    }
    CHECK(!realloc(block, size_of(0)));
}

/* ---- threads ---- */

enum { THREADS = 6, SLOTS = 64, TURNS = 30000 };
static unsigned char *slot[SLOTS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static unsigned char *exchange(unsigned i, unsigned char *block)
{
    pthread_mutex_lock(&lock);
    unsigned char *old = slot[i];
    slot[i] = block;
    pthread_mutex_unlock(&lock);
    return old;
}

/* A block says in its first two bytes how long it is, and is filled with that. */
static void fill(unsigned char *block, unsigned bytes)
{
    memset(block, (int)(bytes & 0xff), bytes);
    block[0] = (unsigned char)bytes;
    block[1] = (unsigned char)(bytes >> 8);
}

static void inspect(const unsigned char *block)
{
    unsigned bytes = block[0] | (unsigned)block[1] << 8;
    CHECK(is_filled(block + 2, bytes - 2, (unsigned char)bytes));
}

static void fork_and_allocate(void)
{
    pid_t child = fork();
    int status;
    CHECK(child >= 0);
    if (child == 0) {
        for (unsigned i = 0; i < 100; i++)
            free(realloc(malloc(i + 1), 3 * i + 1));
        _exit(0);
    }
    CHECK(waitpid(child, &status, 0) == child && status == 0);
}

static void *take_turns(void *seed)
{
    unsigned state = (unsigned)(uintptr_t)seed;
    for (unsigned i = 0; i < TURNS; i++) {
        state = state * 1103515245 + 12345;
        unsigned bytes = 2 + (state >> 8) % 3000;
        unsigned char *block = state & 0x40000 ? malloc(bytes) : realloc(malloc(2), bytes);
        CHECK(block);
        fill(block, bytes);
        unsigned char *old = exchange((state >> 24) % SLOTS, block);
        if (old)
            inspect(old);
        free(old);
        if (i % 10000 == 5000)
            fork_and_allocate();
    }
    return NULL;
}

static void threads_free_each_others_blocks(void)
{
    pthread_t thread[THREADS];
    for (uintptr_t i = 0; i < THREADS; i++)
        CHECK(pthread_create(&thread[i], NULL, take_turns, (void *)(i + 1)) == 0);
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(thread[i], NULL);
    for (unsigned i = 0; i < SLOTS; i++) {
        if (slot[i])
            inspect(slot[i]);
        free(slot[i]);
    }
}

int main(int argc, char **argv)
{
    char *block = malloc(size_of(40)), *volatile bad = block;
    if (argc > 1 && !strcmp(argv[1], "twice")) {
        free(block);
        free(bad);
    } else if (argc > 1) {
        static char page[8192];
        bad = page + 4096;
        free(bad);
    }
    free(block);
    sizes_and_alignments();
    what_cannot_be_had();
    calloc_is_zero_whoever_had_it();
    realloc_keeps_what_was_there();
    threads_free_each_others_blocks();
    puts("fine");
    return 0;
}
