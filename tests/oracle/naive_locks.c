#include "oracle/naive_locks.h"

bool naive_lock_is_blocked(const struct naive_locks *n, const struct naive_range *r,
                           enum naive_lock wanted)
{
    for (unsigned owner = 0; owner < NAIVE_LOCK_OWNERS; owner++)
        for (unsigned byte = r->first; byte <= r->last; byte++) {
            enum naive_lock its = n->has[r->kind][r->file][owner][byte];
            bool conflicts =
                its == NAIVE_EXCLUSIVE || (its == NAIVE_SHARED && wanted == NAIVE_EXCLUSIVE);
            if (owner != r->owner && conflicts)
                return true;
        }
    return false;
}

void naive_lock_set(struct naive_locks *n, const struct naive_range *r, enum naive_lock as)
{
    for (unsigned byte = r->first; byte <= r->last; byte++)
        n->has[r->kind][r->file][r->owner][byte] = as;
}

unsigned naive_lock_runs(const struct naive_locks *n, const struct naive_range *r)
{
    enum naive_lock before = NAIVE_FREE;
    unsigned runs = 0;
    for (unsigned byte = 0; byte < NAIVE_LOCK_BYTES; byte++) {
        enum naive_lock its = n->has[r->kind][r->file][r->owner][byte];
        runs += its != before && its != NAIVE_FREE;
        before = its;
    }
    return runs;
}
