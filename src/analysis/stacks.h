/* stacks.h - the exact curves of lru and opt at all sizes, from page runs. */
#ifndef ANALYSIS_STACKS_H
#define ANALYSIS_STACKS_H

#include "analysis/opt_depth.h"
#include "analysis/recency_depth.h"

#include <pagoda/curve.h>

/* How many touches hit with so many frames and not with fewer. */
struct stack_hits {
    uint64_t *at; /* [DEPTH_PAGES_MAX + 1]; [0]: first touches of a page, where known */
    struct vm_arena arena;
};

struct stacks {
    bool lru, opt; /* which are wanted */
    uint64_t touches, pages;
    struct recency_depth recency;
    struct opt_depth *future;
    struct stack_hits lru_hits, opt_hits;
};

bool stacks_open(struct stacks *s, bool lru, bool opt, struct vm_error *e);
/* Runs of pages that are numbered in the order of their first touch. */
bool stacks_runs(struct stacks *s, const struct vm_page_run *run, size_t n, struct vm_error *e);
bool stacks_end(struct stacks *s, struct vm_error *e);
/* After the end. `page_bytes` and `policy` are set by the caller. */
bool stacks_lru_curve(const struct stacks *s, struct vm_curve *out, struct vm_error *e);
bool stacks_opt_curve(const struct stacks *s, struct vm_curve *out, struct vm_error *e);
void stacks_close(struct stacks *s); /* a zeroed struct is fine */

#endif
