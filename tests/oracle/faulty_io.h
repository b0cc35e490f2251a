/* faulty_io.h - a medium in memory whose transfers are done late, in any order, and fail as a test
 * wishes: the store on it is `faulty_depot`.
 *
 * Bytes move when a transfer is done, not when it is begun: who gives its buffer or its place away
 * too soon is found out.
 */
#ifndef ORACLE_FAULTY_IO_H
#define ORACLE_FAULTY_IO_H

#include "base/random.h"
#include "live/io.h"
#include "live/store.h"

#define FAULTY_DEPTH 6

/* What happens; of the store that is opened next, and while it is open. Zeros: nothing. */
struct faulty_plan {
    uint32_t reads_fail, writes_fail; /* one of so many, by chance; 0: none */
    uint64_t bad_from, bad_to;        /* reads of these bytes fail */
    bool writes_all_fail;
    bool writes_short;      /* a write that fails has moved half of its bytes, and says so */
    int error;              /* that they fail with */
    uint64_t room_bytes;    /* more cannot be reserved; 0: all */
    bool is_sync;           /* transfers are done when they are begun */
    uint64_t reads, writes; /* that were done */
};

/* The plan that faulty_depot follows. */
extern struct faulty_plan faulty_plan;
extern const struct vm_store_ops faulty_depot;

#endif
