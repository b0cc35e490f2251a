/* naive_mix.h - several processes on one machine, an event simulation with lists: global LRU, one
 * processor, one swap device or two.
 *
 * A reference that hits takes hit_ns, one that faults fault_ns, a switch switch_ns. A page that has
 * been in memory before is read; one that was written to since it was read or last written is
 * written when it leaves, and the process that wanted its frame waits for that first. It is
 * written to where it was before; else to the first device if that has room, or to the second. What
 * was never written is in a file, on the first.
 *
 * Where there is load control, processes leave with all their pages behind windows whose rate is
 * high, those that must be written in one request for each run of slots; and come back behind
 * windows whose rate is low. A page that comes back with its process is in memory, unmapped: its
 * next touch is a fault that reads nothing. The process waits for the reads from both devices.
 */
#ifndef ORACLE_NAIVE_MIX_H
#define ORACLE_NAIVE_MIX_H

#include "oracle/naive_queue.h"

#include <pagoda/thrash.h>

#define NAIVE_PROCESSES 6
#define NAIVE_REFS      200
#define NAIVE_PAGES     16

enum naive_rate { NAIVE_DEVICE, NAIVE_FAULTS, NAIVE_IDLE };

/* Of pagoda/thrash.h: what the admission `detection` is told. */
struct naive_control {
    bool on; /* else at most `admitted` run at once */
    enum naive_rate rate;
    double high, low;
    uint64_t window_ns, set_refs; /* of the rate; of working sets */
    double fill;
    enum vm_leaver leaver;
    enum vm_prepage prepage;
};

struct naive_mix {
    size_t n, nframes, admitted; /* at most so many run at once */
    struct naive_control control;
    uint64_t quantum;    /* references; 0: any number */
    uint64_t quantum_ns; /* from the switch on; 0: as long as it takes */
    uint64_t hit_ns, fault_ns, switch_ns;
    struct naive_device {
        struct vm_service read, write;
        uint32_t depth;
    } device[2];
    size_t first_slots; /* pages on the first device; SIZE_MAX: any, and there is no second */
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
    uint64_t suspensions, suspended_ns, prepages;
};

struct naive_mix_outcome {
    struct naive_process process[NAIVE_PROCESSES];
    uint64_t now_ns, idle_ns, switches, prepage_hits;
    uint64_t second_pages[VM_TRANSFERS]; /* read from the second device, written to it */
    struct vm_detected detected;
};

void naive_mix_run(const struct naive_mix *x, struct naive_mix_outcome *out);

#endif
