/* naive_curve.c - see naive_curve.h. */
#include "oracle/naive_curve.h"

#include "base/assert.h"

#include <stdlib.h>

/* Where `page` is in stack[0..size), from 1; 0: nowhere. */
static uint32_t find(const uint32_t *stack, uint32_t size, uint32_t page)
{
    for (uint32_t i = 0; i < size; i++)
        if (stack[i] == page)
            return i + 1;
    return 0;
}

void naive_lru_depths(const uint32_t *page, size_t n, uint32_t npages, uint32_t *depth)
{
    uint32_t *stack = malloc(sizeof *stack * (npages + 1)), size = 0;
    VM_ASSERT(stack);
    for (size_t t = 0; t < n; t++) {
        depth[t] = find(stack, size, page[t]);
        uint32_t hole = depth[t] ? depth[t] - 1 : size++;
        for (; hole > 0; hole--)
            stack[hole] = stack[hole - 1];
        stack[0] = page[t];
    }
    free(stack);
}

static size_t next_touch(const uint32_t *page, size_t n, size_t t, uint32_t wanted)
{
    while (t < n && page[t] != wanted)
        t++;
    return t;
}

/* The page touched comes to the top, and what was there moves down to the place that was left: at
 * each place on its way the one that is needed sooner stays, and the other goes on. */
void naive_opt_depths(const uint32_t *page, size_t n, uint32_t npages, uint32_t *depth)
{
    uint32_t *stack = malloc(sizeof *stack * (npages + 1)), size = 0;
    VM_ASSERT(stack);
    for (size_t t = 0; t < n; t++) {
        depth[t] = find(stack, size, page[t]);
        uint32_t place = depth[t] ? depth[t] - 1 : size++, moving = page[t];
        for (uint32_t i = 0; i < place; i++) {
            uint32_t here = stack[i];
            if (i > 0 && next_touch(page, n, t + 1, here) <= next_touch(page, n, t + 1, moving))
                continue;
            stack[i] = moving;
            moving = here;
        }
        stack[place] = moving;
    }
    free(stack);
}
