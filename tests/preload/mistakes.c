/* mistakes.c - each of the common mistakes with the heap, by name: for tests of `pagoda heapcheck`.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *kept;

static __attribute__((noinline)) char *get(size_t bytes)
{
    return malloc(bytes);
}

static __attribute__((noinline)) void lose(void)
{
    for (int i = 0; i < 3; i++) {
        char *volatile block = get(1000);
        block[0] = 1;
        block = NULL;
    }
}

/* More live blocks than can have pages of their own; one of the last writes too far. */
static void make_many(void)
{
    enum { MANY = 40000 };
    char **all = malloc(MANY * sizeof *all);
    for (int i = 0; i < MANY; i++) {
        all[i] = malloc((size_t)i % 200);
        memset(all[i], i, (size_t)i % 200);
    }
    all[39999][199] = 1; /* the last byte of 199 is 198 */
    for (int i = 0; i < MANY; i++)
        free(all[i]);
    free(all);
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    char *volatile block = get(13), *volatile other = get(1600);
    if (!strcmp(what, "overflow"))
        other[1600] = 1;
    if (!strcmp(what, "over-read"))
        return other[1600];
    if (!strcmp(what, "pad"))
        block[13] = 1;
    if (!strcmp(what, "before"))
        block[-1] = 1;
    if (!strcmp(what, "after"))
        free(block), block[3] = 1;
    if (!strcmp(what, "stale"))
        free(realloc(block, 20)), block[0] = 1;
    if (!strcmp(what, "inside"))
        free(block + 4);
    if (!strcmp(what, "stranger"))
        free((char *)&kept + 8);
    if (!strcmp(what, "many"))
        make_many();
    if (!strcmp(what, "leak")) {
        lose();
        kept = block;
        free(other);
        return 0;
    }
    free(block);
    free(other);
    if (!strcmp(what, "twice"))
        free(block);
    puts("done");
    return 0;
}
