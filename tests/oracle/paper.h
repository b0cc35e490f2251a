/* paper.h - policies as their papers' pseudo-code states them, over pages and plain arrays.
 *
 * Of a policy with lists, ghosts and queues the definition is the paper's figure. A model says, for
 * each reference, which page leaves; it keeps its own record of what is in memory, searches arrays
 * from end to end, and shares nothing with src/policy/ but random numbers. paper.c gives frames to
 * pages and counts, so that what comes out can be compared with the others' (policy_host.h).
 */
#ifndef ORACLE_PAPER_H
#define ORACLE_PAPER_H

#include "oracle/policy_host.h"

#define PAPER_NONE UINT32_MAX

struct paper_memory;

struct paper_model {
    const char *name; /* the row of policies.def */
    /* A new model of memory with w->nframes frames; never NULL. */
    void *(*open)(const struct policy_world *w, const struct vm_params *params);
    /* Reference number `now` (from 0) is to `page`, resident or not: the page that leaves for it,
     * or PAPER_NONE. */
    uint32_t (*refer)(void *model, uint64_t now, uint32_t page, bool write);
    /* Instead, of a model in which pages leave at other times, or are parked, or cleaned: it does
     * the whole reference, by the functions below. NULL: refer. */
    void (*serve)(void *model, struct paper_memory *m, uint64_t now, uint32_t page, bool write);
    void (*close)(void *model);
};

/* The row of papers.def of that name, or NULL. */
const struct paper_model *paper_find(const char *name);
/* Play the world by the model. */
struct policy_outcome paper_play(const struct paper_model *model, const struct policy_world *w,
                                 const struct vm_params *params);

/* ---- what a model that serves references does to memory ---- */

/* Whether the page has a frame; which; whether that is dirty. */
bool paper_in(const struct paper_memory *m, uint32_t page);
uint32_t paper_frame(const struct paper_memory *m, uint32_t page);
bool paper_dirty(const struct paper_memory *m, uint32_t page);
/* Whether no frame is free. */
bool paper_full(const struct paper_memory *m);
/* The page leaves, unasked: its frame is the next to be used; or because its frame is needed. */
void paper_release(struct paper_memory *m, uint32_t page);
void paper_evict(struct paper_memory *m, uint32_t page);
/* The page comes in: a miss. */
void paper_load(struct paper_memory *m, uint32_t page);
void paper_clean(struct paper_memory *m, uint32_t page); /* it is dirty */
void paper_soft(struct paper_memory *m);                 /* the reference is a soft fault */

/* ---- lists of pages, for models: [0] is the first ---- */

struct paper_list {
    uint32_t n;
    uint32_t page[2048];
};
uint32_t paper_list_find(const struct paper_list *l, uint32_t page); /* its place, or PAPER_NONE */
void paper_list_push_first(struct paper_list *l, uint32_t page);
void paper_list_push_last(struct paper_list *l, uint32_t page);
uint32_t paper_list_take(struct paper_list *l, uint32_t at); /* the page that was there */
bool paper_list_drop(struct paper_list *l, uint32_t page);   /* false: it is not on it */

#endif
