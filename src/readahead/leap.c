/* leap.c - along the majority of the last distances between faults, if there is one.
 *
 * The last `history` distances between faulting pages are kept. Their trend is the distance that
 * more than half of the newest history / split of them have; else of twice as many, and so on to
 * all. So a few faults out of line do not hide it, and a new trend shows soon. The majority is
 * found in one pass (Boyer & Moore) and counted in a second.
 *
 * How many pages: a power of two above the hits since the last fault, `window` at most, and no less
 * than half of the last time's; without hits one if the fault follows the trend found last, else
 * none. They lie along the trend; while none can be found, along the one found last.
 *
 * Al Maruf & Chowdhury, "Effectively Prefetching Remote Memory with Leap", USENIX ATC 2020,
 * algorithms 1 and 2; a history of 32 and a window of 8 as there. The distances are of page numbers
 * in the address space, theirs of places in remote memory, which follow them.
 */
#include "readahead/window.h"

#define HISTORY_MAX 64

struct leap {
    int64_t delta[HISTORY_MAX]; /* a ring */
    uint32_t n, head;           /* head: of the next */
    uint64_t last;              /* the last fault's page */
    int64_t trend;              /* found last; 0: none ever */
    uint32_t window;            /* of the last fault */
    bool begun;
};

/* The distance that `votes` of the newest `asked` have; all 0: there is none. */
struct trend {
    int64_t distance;
    uint32_t votes, asked;
};

static size_t size(void)
{
    return sizeof(struct leap);
}

/* The k-th newest distance, from 0. */
static int64_t newest(const struct leap *s, uint32_t k)
{
    return s->delta[(s->head + 2 * HISTORY_MAX - 1 - k) % HISTORY_MAX];
}

/* The distance that more than half of the newest w have. */
static struct trend majority(const struct leap *s, uint32_t w)
{
    int64_t candidate = 0;
    uint32_t lead = 0, n = 0;
    for (uint32_t k = 0; k < w; k++) {
        if (lead == 0)
            candidate = newest(s, k);
        lead = newest(s, k) == candidate ? lead + 1 : lead - 1;
    }
    for (uint32_t k = 0; k < w; k++)
        n += newest(s, k) == candidate;
    return n > w / 2 ? (struct trend){candidate, n, w} : (struct trend){0, 0, 0};
}

static struct trend find_trend(const struct leap *s, uint32_t history, uint32_t split)
{
    uint32_t all = s->n < history ? s->n : history, w = history / split;
    for (w = w ? w : 1; all > 0; w *= 2) {
        uint32_t look = w < all ? w : all;
        struct trend trend = majority(s, look);
        if (trend.distance || look == all)
            return trend;
    }
    return (struct trend){0, 0, 0};
}

static void learn(struct leap *s, uint64_t page)
{
    if (s->begun) {
        s->delta[s->head] = (int64_t)(page - s->last);
        s->head = (s->head + 1) % HISTORY_MAX;
        s->n += s->n < HISTORY_MAX;
    }
    s->begun = true;
    s->last = page;
}

static uint32_t next_window(struct leap *s, uint32_t hits, bool follows, uint64_t most)
{
    uint64_t n = follows ? 1 : 0, least = s->window / 2;
    if (hits)
        for (n = 2; n < hits + UINT64_C(1);)
            n *= 2;
    n = n < most ? n : most;
    s->window = (uint32_t)(n > least ? n : least);
    return s->window;
}

/* Up to n pages of the mapping from `page` on, `distance` apart. */
static void wish(struct vm_readahead_wish *out, const struct vm_readahead_fault *f, uint32_t n,
                 int64_t distance)
{
    uint64_t page = f->page;
    for (uint32_t k = 0; k < n && distance; k++) {
        page += (uint64_t)distance;
        if (page < f->first || page >= f->end)
            return;
        out->number[out->n++] = page;
    }
}

static void ask(void *state, const struct vm_params *params, const struct vm_readahead_fault *f,
                struct vm_readahead_wish *out)
{
    struct leap *s = state;
    learn(s, f->page);
    bool follows = s->n && s->trend && newest(s, 0) == s->trend;
    uint32_t n = next_window(s, f->hits, follows, vm_params_count(params, "window"));
    struct trend found = find_trend(s, (uint32_t)vm_params_count(params, "history"),
                                    (uint32_t)vm_params_count(params, "split"));
    s->trend = found.distance ? found.distance : s->trend;
    out->of = VM_READAHEAD_PAGES;
    out->why = found.distance ? VM_READAHEAD_MAJORITY : VM_READAHEAD_TREND;
    out->window = n + 1;
    out->votes = found.votes;
    out->asked = found.asked;
    out->distance = s->trend;
    wish(out, f, n, s->trend);
}

static const struct vm_param param[] = {
    {"window", VM_PARAM_COUNT, "8", 1, VM_READAHEAD_MAX, NULL, "pages read ahead at most"},
    {"history", VM_PARAM_COUNT, "32", 1, HISTORY_MAX, NULL, "distances that are remembered"},
    {"split", VM_PARAM_COUNT, "2", 1, HISTORY_MAX, NULL,
     "the newest history / split of them are looked at first"},
};

const struct vm_readahead_ops vm_readahead_leap = {
    .name = "leap",
    .summary = "along the distance that the majority of the last faults had",
    .param = param,
    .nparams = sizeof param / sizeof param[0],
    .size = size,
    .ask = ask,
};
