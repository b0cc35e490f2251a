/* naive_space.h - what a few pages of a few address spaces hold, and so what a touch may meet.
 *
 * A page holds zeros, or its file's content, until it is written; then it holds the step of that
 * write (its stamp). No frames, no tables, no policy: what a program can see of memory does not
 * depend on them.
 */
#ifndef ORACLE_NAIVE_SPACE_H
#define ORACLE_NAIVE_SPACE_H

#include "oracle/space_world.h"

#define NAIVE_PAGES  40
#define NAIVE_SPACES 3
#define NAIVE_FILES  4096

struct naive_page {
    bool mapped;
    uint8_t prot, backing;
    unsigned file;  /* whose page it is while nobody has written to it; 0: none's */
    bool touched;   /* since it was mapped, or given up by DONTNEED */
    bool shared;    /* a fork gave it to another space too, and it was not written since */
    uint64_t stamp; /* of its content: the step of the last write, 0: none */
};

struct naive_space {
    enum vm_stray stray;
    bool killed[NAIVE_SPACES];
    bool parks; /* the policy takes entries away: any page may still be in its frame */
    bool huge;  /* pages may come with their neighbours, be touched first by a sharer, and pass for
                  written when a neighbour was */
    vm_va page_bytes;
    uint8_t with_read;     /* rights that reading brings */
    vm_va va[NAIVE_PAGES]; /* ascending */
    struct naive_page page[NAIVE_SPACES][NAIVE_PAGES];
    unsigned nfiles, image[NAIVE_SPACES];   /* the file that a space begins with; 0: not begun */
    bool brought[NAIVE_FILES][NAIVE_PAGES]; /* the file's page was in a frame */
    uint64_t stamp_of[NAIVE_FILES][NAIVE_PAGES]; /* of a shared file */
};

/* Pages in four groups, each across the border of two leaf tables where the scheme has several. */
void naive_space_open(struct naive_space *s, const struct space_plan *plan);
/* The touch that happened is one that may happen; note it. NULL, or what is wrong with it. */
const char *naive_space_touch(struct naive_space *s, vm_asid asid, unsigned page,
                              enum vm_access access, struct touch t, uint64_t now);
/* The machine has killed that space's process: its pages and mappings are gone. */
void naive_space_kill(struct naive_space *s, vm_asid asid);
void naive_space_event(struct naive_space *s, const struct vm_event *event);
/* Where each page is now is a place that can hold its content. NULL, or what is wrong. */
const char *naive_space_inspect(const struct naive_space *s, const struct space_world *w);

#endif
