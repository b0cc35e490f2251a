/* heap_mistakes.c - makes one mistake with its heap, the one that it is told of, for `pagoda
 * heapcheck` to find; without a word none. tests/cli/heapcheck_guests.sh has what is to be found.
 *
 * It is compiled with and without optimisation: `keep` hides from the compiler what it could see.
 */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define APART __attribute__((noinline))
#define keep(value)                                                                                \
    ({                                                                                             \
        __typeof__(value) kept_ = (value);                                                         \
        __asm__ volatile("" : "+r"(kept_) : : "memory");                                           \
        kept_;                                                                                     \
    })

static volatile int sink;
static void *volatile kept_for_ever;

APART static char *get(size_t bytes)
{
    return keep((char *)malloc(bytes));
}

APART static void put(char *block)
{
    free(block);
    sink++;
}

/* ---- places ---- */

APART static void write_at(char *block, long at)
{
    block[at] = 'x';
}

APART static int read_at(const char *block, long at)
{
    return block[at];
}

static void overflow(void)
{
    char *block = get(13);
    write_at(block, 13);
    put(block);
}

static void over_read(void)
{
    char *block = calloc(13, 1);
    sink = read_at(keep(block), 13);
    put(block);
}

static void underflow(void)
{
    char *block = get(13);
    write_at(block, -1);
    put(block);
}

static void word_over_the_end(void)
{
    char *block = keep((char *)calloc(6, 1));
    sink = *(volatile int32_t *)(keep(block) + 4);
    put(block);
}

static void after(void)
{
    char *block = get(13);
    write_at(block, 3);
    put(block);
    sink = read_at(keep(block), 3);
}

static void after_realloc(void)
{
    char *block = get(13), *moved = keep((char *)realloc(block, 14));
    write_at(keep(block), 0);
    put(moved);
}

static void empty(void)
{
    char *block = get(0);
    write_at(block, 0);
    put(block);
}

/* ---- functions of strings, and the kernel ---- */

static void string_too_long(void)
{
    char *block = get(5);
    strcpy(block, keep((const char *)"12345"));
    put(block);
}

static void string_without_end(void)
{
    char *block = get(8);
    memset(block, 'x', 8);
    sink = (int)strlen(keep(block));
    put(block);
}

static void copy_too_much(void)
{
    char *from = calloc(9, 1), *to = keep((char *)malloc(16));
    memcpy(to, keep(from), keep((size_t)10));
    put(from);
    put(to);
}

static void on_fault(int signal)
{
    (void)signal;
    puts("done");
    fflush(stdout);
    _exit(0);
}

static void string_from_nowhere(void)
{
    char *block = get(5), *copy = calloc(20, 1);
    memset(block, 'x', 5);
    strcpy(copy, keep(block));
    put(block);
    put(copy);
}

static void clear_everything(void)
{
    char *block = get(20);
    signal(SIGSEGV, on_fault);
    memset(block, 0, keep((size_t)-1));
}

static void call_writes_behind(void)
{
    int fd[2];
    char *block = get(4);
    if (pipe(fd) || write(fd[1], "12345", 5) != 5 || read(fd[0], block, keep((size_t)5)) != 5)
        exit(3);
    put(block);
}

/* ---- frees ---- */

static void twice(void)
{
    char *block = get(13);
    put(block);
    put(keep(block));
}

static void inside(void)
{
    char *block = get(13);
    put(keep(block + 4));
    put(block);
}

static void stranger(void)
{
    static char own[16];
    put(keep((char *)own));
}

/* ---- leaks ---- */

APART static void lose(void)
{
    for (int i = 0; i < 3; i++)
        if (*get(1000 + (size_t)i)) /* so that it is also uninitialised */
            put(NULL);
}

/* What lies below the stack pointer later points to the blocks, and does not count. */
APART static void lose_quietly(void)
{
    char *volatile traces[3000];
    for (int i = 0; i < 3000; i++) {
        traces[i] = i % 1000 ? traces[i - 1] : get(1000);
        if (i % 1000 == 0)
            write_at(traces[i], 0);
    }
}

static void leak(void)
{
    lose_quietly();
    kept_for_ever = get(50);
}

/* ---- uninitialised ---- */

struct record {
    char name;
    int number; /* with padding before it */
    unsigned small : 3, large : 13;
};

static void branch(void)
{
    int *block = keep((int *)malloc(4 * sizeof *block));
    block[0] = 1;
    int *copy = keep((int *)malloc(4 * sizeof *copy));
    memcpy(copy, keep(block), 4 * sizeof *copy);
    if (keep(copy)[2] + 1 > 5) /* by way of a copy and a sum */
        sink = 1;
    free(block);
    free(copy);
}

static void address(void)
{
    static const char table[256] = {1};
    unsigned char *block = (unsigned char *)get(4);
    sink = keep((const char *)table)[block[1]];
    put((char *)block);
}

APART static void come_here(void)
{
    sink++;
}

static void jump(void)
{
    void (**block)(void) = keep((void (**)(void))calloc(1, sizeof *block));
    void (**other)(void) = keep((void (**)(void))malloc(sizeof *other));
    block[0] = come_here;
    uintptr_t target = (uintptr_t)block[0] ^ ((uintptr_t)keep(other)[0] & 0);
    target |= (uintptr_t)keep(other)[0] & 1; /* fresh bytes are zero, but nobody said so */
    ((void (*)(void))target)();
    free(block);
    free(other);
}

static void argument(void)
{
    size_t *block = (size_t *)get(sizeof *block);
    put(get(*block + 16));
    put((char *)block);
}

static void told(void)
{
    int fd[2];
    char *block = get(8);
    memset(block, ' ', 7);
    if (pipe(fd) || write(fd[1], block, 8) != 8)
        exit(3);
    put(block);
}

static void compared(void)
{
    char *block = get(8);
    memset(block, 'a', 4);
    sink = memcmp(keep(block), "aaaab", keep((size_t)5));
    put(block);
}

static void conditional_single(void)
{
    double *block = (double *)get(2 * sizeof *block);
    block[0] = 1;
    if (block[0] + keep(block)[1] > 1.5)
        sink = 1;
    put((char *)block);
}

/* ---- in others ---- */

static void in_child(void)
{
    char *block = get(13);
    pid_t child = fork();
    if (child == 0) {
        put(block);
        sink = read_at(keep(block), 0);
        _exit(0);
    }
    waitpid(child, NULL, 0);
    write_at(block, 1); /* it lives in the parent */
    put(block);
}

static void *thread_body(void *block)
{
    write_at(block, 13);
    return NULL;
}

static void in_thread(void)
{
    pthread_t thread;
    char *block = get(13);
    pthread_create(&thread, NULL, thread_body, block);
    pthread_join(thread, NULL);
    put(block);
}

static char *volatile handled;

static void on_signal(int signal)
{
    (void)signal;
    write_at(handled, 13);
}

static void in_handler(void)
{
    handled = get(13);
    signal(SIGUSR1, on_signal);
    raise(SIGUSR1);
    put(handled);
    handled = NULL;
}

static jmp_buf back;

APART static void leap(int depth)
{
    if (keep(depth))
        leap(depth - 1);
    else
        longjmp(back, 1);
    sink++;
}

static void after_a_leap(void)
{
    char *volatile block = get(13);
    if (!setjmp(back))
        leap(5);
    write_at(block, 13);
    put(block);
}

/* ---- none ---- */

static int by_number(const void *a, const void *b)
{
    const struct record *x = a, *y = b;
    return (x->number > y->number) - (x->number < y->number);
}

/* What looks like a mistake and is none: padding is copied, bits are set one by one, strings end
 * within a word, a block is used to its last byte. */
static void no_mistake(void)
{
    struct record *all = malloc(20 * sizeof *all);
    for (int i = 0; i < 20; i++) {
        all[i].name = (char)('a' + i);
        all[i].number = 20 - i;
        all[i].small = (unsigned)i;
        all[i].large = (unsigned)i + 1;
    }
    struct record *copy = malloc(20 * sizeof *copy);
    memcpy(copy, all, 20 * sizeof *copy);
    all[3] = copy[5];
    qsort(copy, 20, sizeof *copy, by_number);
    if (copy[0].number == 1 && copy[0].large == 20 && copy[0].small == 3)
        puts("sorted");
    free(all);
    for (size_t n = 0; n < 40; n++) {
        char *text = malloc(n + 1), *again;
        memset(text, 'x', n);
        text[n] = 0;
        again = strdup(text);
        if (strlen(again) != n || strcmp(text, again) || strchr(again, 'y') ||
            memcmp(text, again, n + 1))
            puts("wrong");
        again = realloc(again, 2 * n + 1);
        strcat(again, text);
        if (strlen(again) != 2 * n)
            puts("wrong");
        free(text);
        free(again);
    }
    copy = realloc(copy, 10 * sizeof *copy);
    printf("%d %s %g\n", copy[9].number, "is ten", copy[9].number / 4.0);
    free(copy);
    void *aligned = NULL;
    if (posix_memalign(&aligned, 64, 100) || (uintptr_t)aligned % 64)
        puts("wrong");
    free(aligned);
    free(aligned_alloc(32, 64));
}

static const struct {
    const char *name;
    void (*make)(void);
} mistakes[] = {
    {"overflow", overflow},
    {"over-read", over_read},
    {"underflow", underflow},
    {"word", word_over_the_end},
    {"after", after},
    {"after-realloc", after_realloc},
    {"empty", empty},
    {"string", string_too_long},
    {"endless", string_without_end},
    {"copy", copy_too_much},
    {"source", string_from_nowhere},
    {"everything", clear_everything},
    {"call", call_writes_behind},
    {"twice", twice},
    {"inside", inside},
    {"stranger", stranger},
    {"leak", leak},
    {"lose", lose},
    {"branch", branch},
    {"address", address},
    {"jump", jump},
    {"argument", argument},
    {"told", told},
    {"compared", compared},
    {"double", conditional_single},
    {"child", in_child},
    {"thread", in_thread},
    {"handler", in_handler},
    {"leap", after_a_leap},
};

int main(int argc, char **argv)
{
    for (size_t i = 0; argc > 1 && i < sizeof mistakes / sizeof mistakes[0]; i++)
        if (strcmp(argv[1], mistakes[i].name) == 0)
            mistakes[i].make();
    if (argc == 1)
        no_mistake();
    puts("done");
    return 0;
}
