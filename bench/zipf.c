/* zipf.c - see zipf.h. */
#include "zipf.h"

#include "base/random.h"

#include <stdlib.h>

/* page_of[rank]: a random permutation (Fisher and Yates). */
static void scatter(uint32_t *page_of, struct vm_random *random)
{
    for (uint32_t i = 0; i < ZIPF_PAGES; i++)
        page_of[i] = i;
    for (uint32_t i = ZIPF_PAGES - 1; i > 0; i--) {
        uint32_t j = (uint32_t)vm_random_below(random, i + 1), page = page_of[i];
        page_of[i] = page_of[j];
        page_of[j] = page;
    }
}

/* The first rank whose share of the weight up to it, in sum[], exceeds x. */
static uint32_t rank_at(const double *sum, double x)
{
    uint32_t low = 0, high = ZIPF_PAGES - 1;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (sum[middle] > x)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

bool bench_zipf(vm_pageref *ref)
{
    struct vm_random random;
    uint32_t *page_of = malloc(ZIPF_PAGES * sizeof *page_of);
    double *sum = malloc(ZIPF_PAGES * sizeof *sum), total = 0;
    bool room = page_of && sum;
    if (room) {
        vm_random_seed(&random, 1);
        scatter(page_of, &random);
        for (uint32_t i = 0; i < ZIPF_PAGES; i++)
            sum[i] = total += 1.0 / (i + 1);
        for (uint32_t i = 0; i < ZIPF_REFS; i++) {
            uint32_t rank = rank_at(sum, vm_random_real(&random) * total);
            ref[i] = page_of[rank] * 2 + (vm_random_below(&random, 4) == 0);
        }
    }
    free(sum);
    free(page_of);
    return room;
}
