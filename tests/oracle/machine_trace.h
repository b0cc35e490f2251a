/* machine_trace.h - small random traces with events for tests of whole machines, and ways to play
 * them. */
#ifndef ORACLE_MACHINE_TRACE_H
#define ORACLE_MACHINE_TRACE_H

#include <pagoda/engine.h>

#define TRACE_REFS   1500
#define TRACE_EVENTS 256
#define TRACE_PAGES  40 /* what references begin in; they may reach three pages further */
#define TRACE_SPACES 3
#define TRACE_BASE   (UINT64_C(0x200000) - 20 * 4096) /* across the border of two leaf tables */

/* Which events a trace has beside switches. */
enum trace_events {
    TRACE_SWITCHES = 0,
    TRACE_PROTECTS = 1, /* every page mapped first, then protected now and then */
    TRACE_MAPS = 2,     /* map, unmap, advise */
    TRACE_FORKS = 4,    /* fork, exec, exit */
};

struct machine_trace {
    uint32_t nrefs, nevents;
    vm_va va[TRACE_REFS];
    uint16_t meta[TRACE_REFS];
    struct vm_event event[TRACE_EVENTS]; /* `at` counts from the trace's beginning */
};

void machine_trace_fill(struct machine_trace *t, unsigned events, uint64_t seed);

/* A configuration of small parts: `nframes` frames, tables apart, stray touches map. */
struct vm_config machine_config(const char *policy, uint32_t nframes);
void machine_set(struct vm_config *c, const char *flag, const char *value);

/* What a machine has counted so far, its TLBs and caches too. */
struct machine_outcome {
    struct vm_counts counts;
    size_t ntlbs;
    struct vm_tlb_counts tlb[VM_TLBS_MAX];
    size_t ncaches;
    struct vm_cache_counts cache[VM_CACHES_MAX];
    struct vm_answers answers;
};
struct machine_outcome machine_outcome(struct vm_engine *m);
/* That of a machine after the trace, played in batches of `batch` references; asserts that nothing
 * fails, and every part's check at the end. */
struct machine_outcome machine_play(const struct vm_config *c, const struct machine_trace *t,
                                    uint32_t batch);
/* Write it as a .pgt. */
void machine_trace_write(const struct machine_trace *t, const char *path);

#endif
