/* rv64_bench.c - what pagoda-bench lets a hart execute: seven small programs in one.
 *
 * Built once for each of them, with -DWORK=NAME; without a C library, so that every instruction is
 * of the program. The status of its exit depends on all that was computed.
 *
 *   loop    arithmetic that waits for itself: no memory, one branch
 *   matmul  128 x 128 doubles: loads and fused multiply-adds
 *   chase   a random cycle through 1 MiB: each load's address is the last one's value
 *   wander  the same through 64 MiB, most of it the making of the cycle
 *   sort    quicksort of 100,000 numbers: loads, stores, branches that cannot be foreseen
 *   memcpy  1 MiB to and fro, 8 bytes at a time
 *   fork64  64 MiB are touched, then there are 400 children, one after the other, that end at once
 */
typedef unsigned long word;

static word random_next(word *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state >> 33;
}

__attribute__((unused)) static word loop(void)
{
    word sum = 1;
    for (word i = 0; i < 20000000; i++) {
        sum = sum * 3 + i;
        sum ^= sum >> 7;
    }
    return sum;
}

enum { SIDE = 128 };
static double a[SIDE][SIDE], b[SIDE][SIDE], c[SIDE][SIDE];

__attribute__((unused)) static word matmul(void)
{
    word sum = 0;
    for (word i = 0; i < SIDE; i++)
        for (word j = 0; j < SIDE; j++) {
            a[i][j] = (double)(i + j % 17);
            b[i][j] = (double)(i % 13 + j);
        }
    for (word times = 0; times < 8; times++)
        for (word i = 0; i < SIDE; i++)
            for (word j = 0; j < SIDE; j++) {
                double cell = 0;
                for (word k = 0; k < SIDE; k++)
                    cell += a[i][k] * b[k][j];
                c[i][j] = cell;
                sum += (word)cell;
            }
    return sum;
}

/* Links all n words to one cycle (Sattolo) and follows it. */
static word follow(word *next, word n, word steps)
{
    word state = 1, at = 0;
    for (word i = 0; i < n; i++)
        next[i] = i;
    for (word i = n - 1; i > 0; i--) {
        word k = random_next(&state) % i, kept = next[i];
        next[i] = next[k];
        next[k] = kept;
    }
    for (word i = 0; i < steps; i++)
        at = next[at];
    return at;
}

enum { NEAR = 1 << 17, FAR = 1 << 23 };
static word near[NEAR], far[FAR];

__attribute__((unused)) static word chase(void)
{
    return follow(near, NEAR, 20000000);
}

__attribute__((unused)) static word wander(void)
{
    return follow(far, FAR, 2000000);
}

enum { NUMBERS = 100000 };
static int number[NUMBERS];

static void quicksort(int *from, int *to)
{
    while (from < to) {
        int *low = from, *high = to, middle = from[(to - from) / 2];
        while (low <= high) {
            while (*low < middle)
                low++;
            while (*high > middle)
                high--;
            if (low <= high) {
                int kept = *low;
                *low++ = *high;
                *high-- = kept;
            }
        }
        quicksort(from, high);
        from = low;
    }
}

__attribute__((unused)) static word sort(void)
{
    word sum = 0, state = 1;
    for (word times = 0; times < 5; times++) {
        for (word i = 0; i < NUMBERS; i++)
            number[i] = (int)random_next(&state);
        quicksort(number, number + NUMBERS - 1);
        sum += (word)number[NUMBERS / 2];
    }
    return sum;
}

enum { COPIED = 1 << 17 };
static word from[COPIED], to[COPIED];

static void copy_words(word *restrict out, const word *restrict in)
{
    for (word i = 0; i < COPIED; i += 4) {
        word w0 = in[i], w1 = in[i + 1], w2 = in[i + 2], w3 = in[i + 3];
        out[i] = w0;
        out[i + 1] = w1;
        out[i + 2] = w2;
        out[i + 3] = w3;
    }
}

__attribute__((unused)) static word memcpy(void)
{
    for (word times = 0; times < 100; times++) {
        from[times] += times;
        copy_words(to, from);
        copy_words(from, to);
    }
    return to[99];
}

/* With the arguments that fork, wait4 and exit have here. */
static word call(word number, word first)
{
    register word a0 __asm__("a0") = first;
    register word a1 __asm__("a1") = 0;
    register word a2 __asm__("a2") = 0;
    register word a3 __asm__("a3") = 0;
    register word a7 __asm__("a7") = number;
    __asm__ volatile("ecall" : "+r"(a0) : "r"(a1), "r"(a2), "r"(a3), "r"(a7) : "memory");
    return a0;
}

enum { CLONE = 220, WAIT = 260, EXIT = 93, CHILD_ENDS = 17, PAGE_WORDS = 512, CHILDREN = 400 };

__attribute__((unused)) static word fork64(void)
{
    volatile word *page = far;
    for (word i = 0; i < FAR; i += PAGE_WORDS)
        page[i] = 1;
    for (word i = 0; i < CHILDREN; i++) {
        word child = call(CLONE, CHILD_ENDS);
        if (child == 0)
            call(EXIT, 0);
        if (call(WAIT, child) != child)
            return 1;
    }
    return 0;
}

void _start(void)
{
    register word a0 __asm__("a0") = WORK();
    register word a7 __asm__("a7") = 93; /* exit */
    __asm__ volatile("ecall" : : "r"(a0), "r"(a7));
    __builtin_unreachable();
}
