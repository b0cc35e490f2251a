/* lock.c - locks on ranges of files, as fcntl and flock want them.
 *
 *      had     [---- shared ----]
 *      wanted          [- exclusive -]
 *      has     [shared][- exclusive -]
 *
 * What an owner wants replaces what it had on the same bytes: a lock that sticks out on both sides
 * is split in two, and one that lies beside another of the same sort is merged with it. Locks of
 * one owner never conflict; those of two do where they overlap and one is exclusive.
 *
 * Invariants
 *  1. Locks of one owner on one file, of one kind, do not overlap.
 *  2. Two of them that adjoin differ in whether they are exclusive.
 *
 * Source: POSIX.1-2017, fcntl (F_SETLK); Linux, fcntl(2), flock(2).
 */
#include "kernel/lock.h"

#include "base/assert.h"

#include <stdlib.h>

static bool is_same_file(struct file_id a, struct file_id b)
{
    return a.device == b.device && a.number == b.number;
}

static bool is_beside(const struct lock *a, const struct lock *b)
{
    return a->kind == b->kind && is_same_file(a->file, b->file) && a->owner == b->owner;
}

static bool overlaps(const struct lock *a, const struct lock *b)
{
    return a->first <= b->last && b->first <= a->last;
}

const struct lock *vm_lock_blocker(const struct lock_table *table, const struct lock *wanted)
{
    for (const struct lock *l = table->first; l; l = l->next)
        if (l->kind == wanted->kind && is_same_file(l->file, wanted->file) &&
            l->owner != wanted->owner && overlaps(l, wanted) && (l->exclusive || wanted->exclusive))
            return l;
    return NULL;
}

/* ---- carving ---- */

static void delete_at(struct lock **link)
{
    struct lock *l = *link;
    *link = l->next;
    free(l);
}

/* What of *link lies in the range is gone: the link to go on from. A lock that sticks out on both
 * sides leaves its upper part in *spare. */
static struct lock **carve_one(struct lock **link, const struct lock *range, struct lock **spare)
{
    struct lock *l = *link;
    bool below = l->first<range->first, above = l->last> range->last;
    if (!below && !above) {
        delete_at(link);
        return link;
    }
    if (below && above) {
        struct lock *upper = *spare;
        VM_ASSERT(upper);
        *spare = NULL;
        *upper = *l;
        upper->first = range->last + 1;
        l->next = upper;
    }
    if (below)
        l->last = range->first - 1;
    else
        l->first = range->last + 1;
    return &l->next;
}

static void carve(struct lock_table *table, const struct lock *range, struct lock **spare)
{
    for (struct lock **link = &table->first; *link;) {
        if (is_beside(*link, range) && overlaps(*link, range))
            link = carve_one(link, range, spare);
        else
            link = &(*link)->next;
    }
}

bool vm_lock_clear(struct lock_table *table, const struct lock *range)
{
    struct lock *spare = malloc(sizeof *spare);
    if (!spare)
        return false;
    carve(table, range, &spare);
    free(spare);
    return true;
}

/* ---- setting ---- */

/* `new` takes the place of those that adjoin it and are of its sort. */
static void absorb(struct lock_table *table, struct lock *new)
{
    for (struct lock **link = &table->first; *link;) {
        struct lock *l = *link;
        bool before = new->first && l->last == new->first - 1;
        bool behind = l->first && new->last == l->first - 1;
        if (!is_beside(l, new) || l->exclusive != new->exclusive || !(before || behind)) {
            link = &l->next;
            continue;
        }
        if (before)
            new->first = l->first;
        else
            new->last = l->last;
        delete_at(link);
    }
}

bool vm_lock_set(struct lock_table *table, const struct lock *wanted)
{
    struct lock *new = malloc(sizeof *new), *spare = malloc(sizeof *spare);
    if (!new || !spare) {
        free(new);
        free(spare);
        return false;
    }
    VM_ASSERT(wanted->first <= wanted->last && !vm_lock_blocker(table, wanted));
    carve(table, wanted, &spare);
    free(spare);
    *new = *wanted;
    absorb(table, new);
    new->next = table->first;
    table->first = new;
    return true;
}

/* ---- letting go ---- */

bool vm_lock_drop(struct lock_table *table, enum lock_kind kind, struct file_id file,
                  const void *owner)
{
    const struct lock all = {.kind = kind, .file = file, .owner = owner};
    bool any = false;
    for (struct lock **link = &table->first; *link;) {
        if (!is_beside(*link, &all)) {
            link = &(*link)->next;
            continue;
        }
        delete_at(link);
        any = true;
    }
    return any;
}

bool vm_lock_drop_owner(struct lock_table *table, const void *owner)
{
    bool any = false;
    for (struct lock **link = &table->first; *link;) {
        if ((*link)->owner != owner) {
            link = &(*link)->next;
            continue;
        }
        delete_at(link);
        any = true;
    }
    return any;
}

void vm_lock_check(const struct lock_table *table)
{
    for (const struct lock *a = table->first; a; a = a->next)
        for (const struct lock *b = a->next; b; b = b->next) {
            if (!is_beside(a, b))
                continue;
            bool adjoin =
                (b->first && a->last == b->first - 1) || (a->first && b->last == a->first - 1);
            VM_ASSERT(!overlaps(a, b));
            VM_ASSERT(!adjoin || a->exclusive != b->exclusive);
        }
}
