/* Locks on ranges of files: what each owner has, and what stands in whose way, in thousands of
 * small random worlds against tests/oracle/naive_locks.h. The last byte of a world is the last one
 * that there is, so that ranges to the end are among them.
 */
#include "base/random.h"
#include "kernel/lock.h"
#include "oracle/naive_locks.h"
#include "rounds.h"
#include "unit/test.h"

#include <string.h>

enum { STEPS = 60 };
#define LAST_BYTE ((uint64_t)INT64_MAX)

struct world {
    struct lock_table fast;
    struct naive_locks naive;
    struct vm_random random;
    char owner[NAIVE_LOCK_OWNERS]; /* only their addresses */
};

static unsigned below(struct world *w, unsigned n)
{
    return (unsigned)vm_random_below(&w->random, n);
}

static uint64_t byte_of(unsigned naive)
{
    return naive == NAIVE_LOCK_BYTES - 1 ? LAST_BYTE : naive;
}

static struct naive_range draw(struct world *w)
{
    unsigned a = below(w, NAIVE_LOCK_BYTES), b = below(w, NAIVE_LOCK_BYTES);
    return (struct naive_range){below(w, 4) == 0, below(w, NAIVE_LOCK_FILES),
                                below(w, NAIVE_LOCK_OWNERS), a < b ? a : b, a < b ? b : a};
}

static struct lock lock_of(struct world *w, const struct naive_range *r, enum naive_lock as)
{
    return (struct lock){.kind = (enum lock_kind)r->kind,
                         .file = {7, r->file},
                         .owner = &w->owner[r->owner],
                         .exclusive = as == NAIVE_EXCLUSIVE,
                         .first = byte_of(r->first),
                         /* The bytes between the last that is drawn and the last are nobody's: a
                            range that ends there has them. */
                         .last =
                             r->last == NAIVE_LOCK_BYTES - 2 ? LAST_BYTE - 1 : byte_of(r->last)};
}

/* ---- the same ---- */

static bool covers(const struct lock *l, unsigned byte)
{
    return l->first <= byte_of(byte) && byte_of(byte) <= l->last;
}

static enum naive_lock fast_has(const struct world *w, const struct naive_range *r, unsigned byte,
                                unsigned *locks)
{
    enum naive_lock has = NAIVE_FREE;
    *locks = 0;
    for (const struct lock *l = w->fast.first; l; l = l->next) {
        if (l->kind != (enum lock_kind)r->kind || l->file.number != r->file ||
            l->owner != &w->owner[r->owner])
            continue;
        (*locks)++;
        if (covers(l, byte))
            has = l->exclusive ? NAIVE_EXCLUSIVE : NAIVE_SHARED;
    }
    return has;
}

static void compare_owner(const struct world *w, struct naive_range r)
{
    unsigned locks;
    for (unsigned byte = 0; byte < NAIVE_LOCK_BYTES; byte++)
        assert_int_equal(fast_has(w, &r, byte, &locks),
                         w->naive.has[r.kind][r.file][r.owner][byte]);
    assert_int_equal(locks, naive_lock_runs(&w->naive, &r));
}

static void compare(const struct world *w)
{
    vm_lock_check(&w->fast);
    for (unsigned kind = 0; kind < NAIVE_LOCK_KINDS; kind++)
        for (unsigned file = 0; file < NAIVE_LOCK_FILES; file++)
            for (unsigned owner = 0; owner < NAIVE_LOCK_OWNERS; owner++)
                compare_owner(w, (struct naive_range){.kind = kind, .file = file, .owner = owner});
}

/* ---- steps ---- */

static void try_to_set(struct world *w, const struct naive_range *r)
{
    enum naive_lock as = below(w, 2) ? NAIVE_SHARED : NAIVE_EXCLUSIVE;
    struct lock wanted = lock_of(w, r, as);
    const struct lock *blocker = vm_lock_blocker(&w->fast, &wanted);
    assert_int_equal(blocker != NULL, naive_lock_is_blocked(&w->naive, r, as));
    if (!blocker) {
        assert_true(vm_lock_set(&w->fast, &wanted));
        naive_lock_set(&w->naive, r, as);
        return;
    }
    assert_ptr_not_equal(blocker->owner, wanted.owner);
    assert_true(blocker->first <= wanted.last && wanted.first <= blocker->last);
    assert_true(blocker->exclusive || wanted.exclusive);
}

static void clear(struct world *w, const struct naive_range *r)
{
    struct lock range = lock_of(w, r, NAIVE_FREE);
    assert_true(vm_lock_clear(&w->fast, &range));
    naive_lock_set(&w->naive, r, NAIVE_FREE);
}

static struct naive_range all_of(struct naive_range r)
{
    r.first = 0;
    r.last = NAIVE_LOCK_BYTES - 1;
    return r;
}

static void drop_of_file(struct world *w, const struct naive_range *r)
{
    struct naive_range all = all_of(*r);
    bool any = naive_lock_runs(&w->naive, r);
    assert_int_equal(vm_lock_drop(&w->fast, (enum lock_kind)r->kind, (struct file_id){7, r->file},
                                  &w->owner[r->owner]),
                     any);
    naive_lock_set(&w->naive, &all, NAIVE_FREE);
}

static void drop_owner(struct world *w, const struct naive_range *r)
{
    struct naive_range all = all_of(*r);
    bool any = false;
    for (all.kind = 0; all.kind < NAIVE_LOCK_KINDS; all.kind++)
        for (all.file = 0; all.file < NAIVE_LOCK_FILES; all.file++) {
            any |= naive_lock_runs(&w->naive, &all) != 0;
            naive_lock_set(&w->naive, &all, NAIVE_FREE);
        }
    assert_int_equal(vm_lock_drop_owner(&w->fast, &w->owner[r->owner]), any);
}

static void step(struct world *w)
{
    struct naive_range r = draw(w);
    unsigned what = below(w, 20);
    if (what < 13)
        try_to_set(w, &r);
    else if (what < 18)
        clear(w, &r);
    else if (what == 18)
        drop_of_file(w, &r);
    else
        drop_owner(w, &r);
}

static void an_owner_has_of_a_file_what_it_set_last_of_each_byte(void **unused)
{
    (void)unused;
    for (unsigned seed = 1; seed <= test_rounds(4000); seed++) {
        struct world w = {0};
        vm_random_seed(&w.random, seed);
        for (unsigned n = 0; n < STEPS; n++) {
            step(&w);
            compare(&w);
        }
        for (unsigned owner = 0; owner < NAIVE_LOCK_OWNERS; owner++)
            vm_lock_drop_owner(&w.fast, &w.owner[owner]);
        assert_null(w.fast.first);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_owner_has_of_a_file_what_it_set_last_of_each_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
