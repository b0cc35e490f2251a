/* contents_world.h - programs' accesses to memory with contents, on a machine, beside the naive
 * model of what they must read.
 *
 * It does what whoever runs programs may do, and no more: it keeps translations until it is told to
 * forget them, accesses bytes by them if their rights say so, and tells the machine later, some
 * references at a time. An access that they do not cover is told before it is made.
 *
 * Every function answers false where a program reads something wrong, or the machine fails: error
 * has a message.
 */
#ifndef ORACLE_CONTENTS_WORLD_H
#define ORACLE_CONTENTS_WORLD_H

#include "oracle/naive_contents.h"

#include <pagoda/engine.h>

#define CONTENTS_LOG_MAX 64

struct contents_place {
    uint8_t *bytes;
    unsigned rights; /* 0: none is kept */
};

struct contents_world {
    struct naive_contents naive;
    struct vm_engine *engine;
    struct vm_engine_parts parts;
    struct vm_programs programs;
    struct vm_contents contents;
    uint8_t *disk[CONTENTS_FILES + 1]; /* what the host has of each file */
    struct contents_place kept[CONTENTS_SPACES][CONTENTS_PAGES];
    vm_asid running;
    uint32_t nlog, log_cap;
    vm_va va[CONTENTS_LOG_MAX];
    uint16_t meta[CONTENTS_LOG_MAX];
    uint64_t written; /* pages, to the host's files */
    uint64_t refused; /* touches that are violations or denied */
    uint64_t retold;  /* writes that had to be told more than once */
    struct vm_error error;
};

/* `log_cap`: references that are told at once, 1 to CONTENTS_LOG_MAX. The kernel's windows on all
 * files are there. False: there can be no such machine. */
bool contents_world_open(struct contents_world *w, const struct vm_config *c, uint32_t log_cap);
void contents_world_close(struct contents_world *w);

/* An event on pages of the model. */
bool contents_world_event(struct contents_world *w, const struct vm_event *event);
/* A program's access to a cell, which it writes `byte` to or reads; if it may. */
bool contents_world_access(struct contents_world *w, vm_asid asid, unsigned page,
                           enum vm_access access, unsigned cell, uint8_t byte);
/* The same by the kernel's own means. */
bool contents_world_reach(struct contents_world *w, vm_asid asid, unsigned page,
                          enum vm_access access, unsigned cell, uint8_t byte);
/* Pages of the space leave. */
bool contents_world_suspend(struct contents_world *w, vm_asid asid);
/* Pages [page, page + n) of the space come back, as far as they are out. */
bool contents_world_prepage(struct contents_world *w, vm_asid asid, unsigned page, unsigned n);
/* The file (0: all of them) is written to the host, which then has what the model says. */
bool contents_world_sync(struct contents_world *w, unsigned file);
/* What is cached of the file is forgotten. If nobody maps it, what was not written is lost. */
bool contents_world_drop(struct contents_world *w, unsigned file);
/* Tell all that is in the log. */
bool contents_world_drain(struct contents_world *w);
/* The kernel's window on `file` is there from now on. */
bool contents_world_open_window(struct contents_world *w, unsigned file);
struct vm_event contents_world_window(const struct contents_world *w, unsigned file);
/* What is kept is what the machine would say now: no translation outlives its entry, nor its
 * rights. */
bool contents_world_check_kept(struct contents_world *w);
/* Every page that may be read is what the model says, of every space; and so are the files, once
 * they are written. */
bool contents_world_compare(struct contents_world *w);

#endif
