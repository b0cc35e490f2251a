/* mix.h - the state of a mix, shared by the scheduler (mix.c) and load control (load_control.c). */
#ifndef ANALYSIS_MIX_H
#define ANALYSIS_MIX_H

#include "analysis/detector.h"
#include "analysis/processes.h"

struct mix {
    const struct vm_mix_request *request;
    struct vm_mix_result *out;
    struct vm_engine *machine;
    struct vm_engine_parts parts;
    const struct vm_admission_ops *admission;
    _Alignas(16) uint8_t admission_state[VM_ADMISSION_BYTES];
    struct detector detector;
    struct process process[VM_PROCESSES_MAX];
    size_t n;
    struct spaces spaces;
    vm_asid asid;   /* the machine's */
    uint64_t turns; /* changes of state so far: `since` of a process */
    uint64_t refs, report_at;
};

/* ---- mix.c ---- */

void mix_enter(struct mix *x, struct process *p, enum process_state state);
/* The one of that state that has been in it for longest; NULL: none. */
struct process *mix_first(struct mix *x, enum process_state state);
size_t mix_count(const struct mix *x, enum process_state state);
uint64_t mix_now(struct mix *x);

/* What the machine had counted before a process had it. */
struct before {
    struct vm_counts counts;
    struct vm_time time;
};
void mix_note(struct mix *x, struct before *b);
/* What has been counted since is the process's. */
void mix_charge(struct mix *x, struct process *p, const struct before *b);

/* ---- load_control.c ---- */

/* Let the detection look at what was done so far. */
void load_look(struct mix *x);
/* Let the admission have its way: as many more as it likes, or one less. Errors: as of
 * vm_engine_suspend. */
bool load_decide(struct mix *x, struct vm_error *e);

#endif
