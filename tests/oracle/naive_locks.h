/* naive_locks.h - locks as a map: for each byte of each file, what each owner has of it. */
#ifndef ORACLE_NAIVE_LOCKS_H
#define ORACLE_NAIVE_LOCKS_H

#include <stdbool.h>

enum { NAIVE_LOCK_FILES = 2, NAIVE_LOCK_OWNERS = 4, NAIVE_LOCK_BYTES = 24, NAIVE_LOCK_KINDS = 2 };
enum naive_lock { NAIVE_FREE, NAIVE_SHARED, NAIVE_EXCLUSIVE };

struct naive_locks {
    enum naive_lock has[NAIVE_LOCK_KINDS][NAIVE_LOCK_FILES][NAIVE_LOCK_OWNERS][NAIVE_LOCK_BYTES];
};

struct naive_range {
    unsigned kind, file, owner, first, last; /* both included */
};

bool naive_lock_is_blocked(const struct naive_locks *n, const struct naive_range *r,
                           enum naive_lock wanted);
void naive_lock_set(struct naive_locks *n, const struct naive_range *r, enum naive_lock as);
/* Runs of bytes, as long as they can be, that the owner has alike. */
unsigned naive_lock_runs(const struct naive_locks *n, const struct naive_range *r);

#endif
