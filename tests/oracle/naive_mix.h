/* naive_mix.h - several processes on one machine, an event simulation with lists: global LRU, one
 * processor, one device.
 *
 * A reference that hits takes hit_ns, one that faults fault_ns, a switch switch_ns. A page that has
 * been in memory before is read; one that was written to since it was read or last written is
 * written when it leaves, and the process that wanted its frame waits for that first.
 */
#ifndef ORACLE_NAIVE_MIX_H
#define ORACLE_NAIVE_MIX_H

#include "oracle/naive_queue.h"

#define NAIVE_PROCESSES 6
#define NAIVE_REFS      200
#define NAIVE_PAGES     16

struct naive_mix {
    size_t n, nframes, admitted; /* at most so many run at once */
    uint64_t quantum;            /* references; 0: any number */
    uint64_t quantum_ns;         /* from the switch on; 0: as long as it takes */
    uint64_t hit_ns, fault_ns, switch_ns;
    struct vm_service read, write;
    uint32_t depth;
    struct naive_program {
        size_t nrefs;
        struct {
            unsigned page;
            bool write;
        } ref[NAIVE_REFS];
    } program[NAIVE_PROCESSES];
};

struct naive_process {
    uint64_t majors, writebacks, dispatches, waits, blocked_ns, admitted_ns, done_ns;
};

struct naive_mix_outcome {
    struct naive_process process[NAIVE_PROCESSES];
    uint64_t now_ns, idle_ns, switches;
};

void naive_mix_run(const struct naive_mix *x, struct naive_mix_outcome *out);

#endif
