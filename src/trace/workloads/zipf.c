/* zipf.c - the page of rank r, from 1, with a probability proportional to 1 / r^s.
 *
 * Drawn from an alias table: each page has a cell of equal chance, of which it keeps a part and
 * leaves the rest to one other page. A draw is one random word and one cell, whatever the number of
 * pages:
 *
 *      cell   |####:....|#########|##:......|      #: the page itself   .: its other
 *
 * The parts are rounded to 2^-32 of a cell. order=scattered deals the ranks out to the pages at
 * random; order=ranked leaves page 0 the most likely.
 *
 * Streams are equal on hosts whose pow() gives equal results.
 *
 * Source: A. J. Walker, "An Efficient Method for Generating Discrete Random Variables with General
 * Distributions", ACM Transactions on Mathematical Software 3(3), 1977; M. D. Vose, "A Linear
 * Algorithm for Generating Random Numbers with a Given Distribution", IEEE Transactions on
 * Software Engineering 17(9), 1991. Zipf: G. K. Zipf, Human Behavior and the Principle of Least
 * Effort, 1949.
 */
#include "trace/workload.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

static const struct vm_param param[] = {
    {WORKLOAD_REFS},
    {WORKLOAD_PAGES},
    {"s", VM_PARAM_REAL, "1", 0, 8, NULL, "exponent; 0: uniform"},
    {"order", VM_PARAM_WORD, "scattered", 0, 0, "scattered|ranked", "where the likely pages are"},
    {WORKLOAD_WRITES},
    {WORKLOAD_BASE},
};

enum order { ORDER_SCATTERED, ORDER_RANKED };

struct cell {
    uint32_t kept;  /* of 2^32 */
    uint32_t other; /* the page that has the rest; itself if nobody else */
};

#define AHEAD 16 /* draws whose cells are on their way from memory while earlier ones are used */

struct draw {
    uint32_t page;
    uint32_t within; /* where in its cell, of 2^32 */
};

struct pattern {
    const struct cell *cell; /* [pages] */
    uint32_t pages;
    uint32_t oldest; /* in ahead[] */
    struct draw ahead[AHEAD];
};

/* Each page's probability times the number of pages: 1 fills a cell. */
static void shares_fill(double *share, uint32_t n, double s, enum order order,
                        struct vm_random *random)
{
    double sum = 0;
    for (uint32_t i = n; i-- > 0;) /* from the small ones up, to lose less to rounding */
        sum += share[i] = pow((double)i + 1, -s);
    for (uint32_t i = 0; i < n; i++)
        share[i] *= (double)n / sum;
    for (uint32_t i = n; order == ORDER_SCATTERED && i-- > 1;) {
        uint64_t j = vm_random_below(random, (uint64_t)i + 1);
        double kept = share[i];
        share[i] = share[j];
        share[j] = kept;
    }
}

/* Vose: a cell that its page does not fill is filled up by a page that has more than a cell, until
 * none is left. `work` holds the pages of either kind: [0, nsmall) and [large, n). */
static void cells_fill(struct cell *cell, double *share, uint32_t *work, uint32_t n)
{
    uint32_t nsmall = 0, large = n;
    for (uint32_t i = 0; i < n; i++) {
        cell[i] = (struct cell){UINT32_MAX, i};
        if (share[i] < 1)
            work[nsmall++] = i;
        else
            work[--large] = i;
    }
    while (nsmall > 0 && large < n) {
        uint32_t small = work[--nsmall], giver = work[large];
        cell[small] = (struct cell){(uint32_t)(share[small] * 0x1p32), giver};
        share[giver] -= 1 - share[small];
        if (share[giver] < 1) {
            large++;
            work[nsmall++] = giver;
        }
    }
}

static inline struct draw draw_next(struct pattern *p, struct vm_random *random)
{
    /* The product's high word is the cell, the low one where in it: both from one random word. */
    unsigned __int128 product = (unsigned __int128)vm_random_u64(random) * p->pages;
    struct draw draw = {(uint32_t)(product >> 64), (uint32_t)((uint64_t)product >> 32)};
    __builtin_prefetch(&p->cell[draw.page]);
    return draw;
}

static bool pattern_open(struct pattern *p, struct workload_common *c,
                         const struct vm_params *params, struct vm_error *e)
{
    uint32_t n = (uint32_t)vm_params_count(params, "pages");
    struct cell *cell = malloc(n * sizeof *cell);
    double *share = malloc(n * sizeof *share);
    uint32_t *work = malloc(n * sizeof *work);
    c->table = cell;
    p->cell = cell;
    p->pages = n;
    bool have_all = cell && share && work;
    if (have_all) {
        enum order order = (enum order)vm_params_count(params, "order");
        shares_fill(share, n, vm_params_real(params, "s"), order, &c->random);
        cells_fill(cell, share, work, n);
        for (uint32_t i = 0; i < AHEAD; i++)
            p->ahead[i] = draw_next(p, &c->random);
    }
    free(share);
    free(work);
    return have_all || vm_fail(e, VM_ESYSTEM, "out of memory for zipf over %" PRIu32 " pages", n);
}

static inline struct workload_ref pattern_next(struct pattern *p, struct workload_common *c)
{
    struct draw draw = p->ahead[p->oldest];
    p->ahead[p->oldest] = draw_next(p, &c->random);
    p->oldest = (p->oldest + 1) % AHEAD;
    struct cell cell = p->cell[draw.page];
    /* Without a branch, which would be guessed wrong at every other draw. */
    uint32_t gone = -(uint32_t)(draw.within >= cell.kept);
    return workload_touch_page(c, draw.page ^ ((draw.page ^ cell.other) & gone));
}

#define WORKLOAD_OPS     vm_workload_zipf
#define WORKLOAD_NAME    "zipf"
#define WORKLOAD_SUMMARY "pages by rank, the r-th proportional to 1 / r^s"
#include "trace/workload_template.inc.h"
