/* processes.h - one trace as a process of a mix: what it does next, in address spaces that are its
 * own on the machine.
 *
 * The numbers of address spaces that a trace uses are its own business; on the machine each gets
 * the same one if it is free, else the lowest that is.
 */
#ifndef ANALYSIS_PROCESSES_H
#define ANALYSIS_PROCESSES_H

#include "analysis/working_sets.h"

#include <pagoda/thrash.h>

enum process_state {
    PROCESS_WAITING, /* not admitted: it never ran, or is suspended */
    PROCESS_READY,
    PROCESS_BLOCKED,
    PROCESS_DONE,
};

struct process {
    enum process_state state;
    uint64_t since;         /* when it came to that state: those who came first are taken first */
    uint64_t until;         /* blocked: when its transfers are done */
    uint64_t admitted;      /* `since` of when it was admitted last */
    uint64_t admitted_refs; /* done then */
    const char *name;
    struct vm_trace *trace;
    struct vm_batch batch;
    uint32_t at, event_at; /* of the batch: references and events before are done */
    bool ended;            /* nothing is left to read */
    vm_asid asid;          /* on the machine: of its next references */
    vm_asid *space;        /* [VM_ASID_MAX + 1] by the trace's number: the machine's; NO_SPACE */
    bool watched;          /* its working set is kept */
    struct working_set set;
    struct page_list kept;    /* what is to come back with it: of a suspended one */
    uint64_t suspended_at_ns; /* last */
    uint64_t majors_before;   /* at the end of the detection's last window; within it: */
    uint64_t window_majors;
    struct vm_process_result result;
};

#define NO_SPACE UINT16_MAX

/* Which numbers of address spaces are given away. */
struct spaces {
    uint8_t taken[VM_ASID_MAX + 1];
};

/* A zeroed process becomes that of the source, whose first references are in a space of its own.
 * Errors: as of vm_trace_open; VM_ESYSTEM. */
bool process_open(struct process *p, const struct vm_source *source, struct spaces *spaces,
                  struct vm_error *e);
void process_close(struct process *p); /* of a zeroed struct too */

/* What is read of it is gone: standard input, or, as is known once it is open, a pipe. */
bool process_is_pipe(const struct process *p, const struct vm_source *source);

/* Whether there is something left to do; reads on where needed. *more. Errors: the trace's. */
bool process_more(struct process *p, bool *more, struct vm_error *e);
/* What it does next: one event, or up to `refs` references before the next event. `event` has room
 * for the one. Only after process_more. Errors: VM_EINPUT: too many address spaces. */
bool process_next(struct process *p, struct spaces *spaces, uint64_t refs, struct vm_event *event,
                  struct vm_batch *out, struct vm_error *e);
/* So much of what process_next gave is done. Errors: VM_ESYSTEM. */
bool process_did(struct process *p, uint32_t refs, uint32_t events, struct vm_error *e);

#endif
