/* faulty_store.h - a store whose disk fills up, breaks and lies, when a test says so.
 *
 * It stands before the store of a pager that is open, and passes everything on but what it spoils.
 * Pages are counted, not calls. Thread-safe, and as quiet in a fault as a store must be.
 */
#ifndef ORACLE_FAULTY_STORE_H
#define ORACLE_FAULTY_STORE_H

#include "live/live.h"

enum spoiled {
    READS_RIGHT,
    READS_FAIL,   /* EIO */
    READS_TORN,   /* the second half is not what was written; nobody says so */
    READS_NOTHING /* zeros, and nobody says so */
};

struct faulty_store {
    const struct vm_store_ops *ops; /* the store's own */
    void *store;
    _Atomic int64_t writes_left; /* pages that it still keeps; then it refuses */
    _Atomic int error;           /* what it says then */
    _Atomic int reads;           /* enum spoiled */
    _Atomic uint64_t refused, spoiled;
};

/* Stand before l's store, right until told otherwise. `f` outlives the pager. */
void faulty_store_enter(struct faulty_store *f, struct vm_live *l);
void faulty_store_refuse(struct faulty_store *f, int64_t writes_left, int error);
void faulty_store_mend(struct faulty_store *f);

#endif
