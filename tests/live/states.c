/* states.c - one page, and every order in which threads can take the steps that move it.
 *
 * A model of src/live: what touches, evictions, cleanings, parkings, flushes, discards and pins do
 * to a page, step by step as the code does, where a step is one thing that other threads can see:
 * an atomic on the state byte, a call of the kernel's, a transfer, or what is done under the lock.
 * From each state that a page can rest in, all interleavings of some of these are walked through,
 * and in every state the laws of live.h must hold:
 *
 *  1. what is mapped is what was written last; what is not is in the store, parked, or zeros;
 *  2. CLEAN is mapped, protected, and what the store has; DIRTY is mapped, writable, and has no
 *     handle; OUT, EMPTY and PARKED are not mapped;
 *  3. where nobody moves the page, the pager knows what the state says;
 *  4. a pinned page is there, and writable for who pinned it to write;
 *  5. nobody waits for ever.
 *
 * A slip leaves a step out, or does it too early: the walk must then find a law broken.
 */
#include "live/live.h"
#include "unit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

enum { ACTORS = 4 };

enum role { WRITES, READS, EVICTS, CLEANS, PARKS, FLUSHES, DISCARDS, PINS, ROLES };

enum slip {
    NO_SLIP,
    UNPROTECTED,    /* contents are read for the store while they can be written */
    PROTECTED_LATE, /* they are read first */
    SETTLED_EARLY,  /* the state says OUT before the kernel has let go */
    HANDLE_KEPT,    /* a page that may be written keeps its handle */
    NOT_COMPARED,   /* the state is set, whatever it became since it was looked at */
    PIN_OVERLOOKED, /* a flush takes what is pinned */
    PIN_UNLOCKED,   /* a flush looks for pins before it takes the page, and not under the lock */
    NOT_TAKEN_BACK, /* a page that the store refused is OUT */
    SLIPS
};

enum step {
    /* a touch, or a pin */
    TOUCH,
    LOOK,
    TAKE,
    DECIDE,
    FETCH,
    COPY,
    OPEN,
    FORGET_HANDLE,
    ARRIVE,
    PIN,
    USE_PIN,
    UNPIN,
    /* a plan's move */
    CLAIM_LOCK,
    CLAIM_LOOK,
    CLAIM_PINS,
    CLAIM,
    PROTECT,
    READ_CONTENTS,
    STORE,
    PUT_ASIDE,
    GIVE_BACK,
    KNOW,
    TAKE_BACK,
    SETTLE,
    /* a discard */
    WAIT,
    GRAB,
    DROP_MAPPING,
    DROP_CONTENTS,
    DROP_SETTLE,
    OVER
};

struct actor {
    uint8_t role, step;
    uint8_t looked;    /* the state that it saw */
    uint8_t was;       /* the state from which it took the page */
    uint8_t protected; /* its fault was of a page that is there */
    uint8_t outcome;   /* enum vm_pager_outcome */
    uint8_t value;     /* contents on their way */
    uint8_t dirty, parked, failed;
};

struct world {
    uint8_t state; /* enum page_state */
    uint8_t mapped, writable, memory;
    uint8_t handle, stored;
    uint8_t aside, set_aside; /* parked contents */
    uint8_t last; /* what was written last: the number of writes since the last discard */
    uint8_t pins;
    uint8_t lock; /* actor + 1 */
    uint8_t resident, known_dirty, known_parked;
    struct actor actor[ACTORS];
};

struct walk {
    enum slip slip;
    int nactors;
    const char *broken; /* the first law that did not hold */
    size_t nseen, cap;
    struct world *seen; /* [cap] open addressing; lock UINT8_MAX: none */
    size_t ntodo, todo_cap;
    struct world *todo;
};

static void hold(struct walk *k, bool holds, const char *law)
{
    if (!holds && !k->broken)
        k->broken = law;
}

static bool moves(uint8_t state)
{
    return state == FILLING || state == EVICTING;
}

static uint8_t contents_out(const struct world *w)
{
    return w->handle ? w->stored : 0;
}

/* ---- touches and pins ---- */

static bool is_write(const struct actor *a)
{
    return a->role != READS;
}

static void write_memory(struct world *w)
{
    w->memory++;
    w->last++;
}

static void touch(struct walk *k, struct world *w, struct actor *a)
{
    if (!w->mapped || (is_write(a) && !w->writable)) {
        a->protected = w->mapped;
        a->step = LOOK;
        return;
    }
    if (is_write(a))
        write_memory(w);
    hold(k, w->memory == w->last, "who reads sees what was written last");
    a->step = OVER;
}

/* Back to the instruction, or to where the pin was tried. */
static enum step again(const struct actor *a)
{
    return a->role == PINS ? PIN : TOUCH;
}

static void look(struct world *w, struct actor *a)
{
    a->looked = w->state;
    bool is_there = (a->looked == CLEAN && !is_write(a)) || (a->looked == DIRTY && !a->protected);
    a->step = is_there ? again(a) : TAKE;
}

static void take(struct walk *k, struct world *w, struct actor *a)
{
    a->step = LOOK;
    if (w->state != a->looked && k->slip != NOT_COMPARED)
        return;
    a->was = a->looked;
    w->state = FILLING;
    a->step = DECIDE;
}

static void decide(struct world *w, struct actor *a)
{
    a->outcome = !w->resident                     ? VM_PAGER_MISS
                 : w->known_parked                ? VM_PAGER_SOFT
                 : is_write(a) && !w->known_dirty ? VM_PAGER_DIRTY
                                                  : VM_PAGER_THERE;
    w->known_dirty = is_write(a) || (w->resident && w->known_dirty);
    w->resident = 1;
    w->known_parked = 0;
    a->dirty = w->known_dirty;
    a->step = a->outcome == VM_PAGER_MISS || a->outcome == VM_PAGER_SOFT ? FETCH : OPEN;
}

static void copy(struct walk *k, struct world *w, struct actor *a)
{
    hold(k, !w->mapped, "contents come where there are none");
    w->mapped = 1;
    w->writable = a->dirty;
    w->memory = a->value;
    if (a->outcome == VM_PAGER_SOFT)
        w->aside = w->set_aside = 0;
    a->step = a->dirty ? FORGET_HANDLE : ARRIVE;
}

static void pin(struct world *w, struct actor *a)
{
    a->protected = 0; /* a pin resolves without a fault */
    a->step = LOOK;
    if (w->state == DIRTY) {
        w->pins++;
        a->step = USE_PIN;
    }
}

static void use_pin(struct walk *k, struct world *w, struct actor *a)
{
    hold(k, w->mapped && w->writable, "what is pinned to be written can be written");
    write_memory(w);
    a->step = UNPIN;
}

/* Whether the step could be taken. */
static bool step_touch(struct walk *k, struct world *w, struct actor *a)
{
    switch ((enum step)a->step) {
    case TOUCH:
        touch(k, w, a);
        return true;
    case LOOK:
        if (moves(w->state))
            return false;
        look(w, a);
        return true;
    case TAKE:
        take(k, w, a);
        return true;
    case DECIDE:
        if (w->lock)
            return false;
        decide(w, a);
        return true;
    case FETCH:
        a->value = a->outcome == VM_PAGER_SOFT ? w->aside : contents_out(w);
        a->step = COPY;
        return true;
    case COPY:
        copy(k, w, a);
        return true;
    case OPEN:
        w->writable = 1;
        a->step = FORGET_HANDLE;
        return true;
    case FORGET_HANDLE:
        w->handle = k->slip == HANDLE_KEPT ? w->handle : 0;
        w->stored = w->handle ? w->stored : 0;
        a->step = ARRIVE;
        return true;
    case ARRIVE:
        w->state = a->outcome == VM_PAGER_DIRTY || a->outcome == VM_PAGER_THERE || a->dirty ? DIRTY
                                                                                            : CLEAN;
        a->step = (uint8_t)again(a);
        return true;
    case PIN:
        if (w->lock)
            return false;
        pin(w, a);
        return true;
    case USE_PIN:
        use_pin(k, w, a);
        return true;
    case UNPIN:
        w->pins--;
        a->step = OVER;
        return true;
    default:
        return false;
    }
}

/* ---- moves ---- */

static bool is_claimed_under_lock(const struct walk *k, const struct actor *a)
{
    return a->role != FLUSHES || k->slip != PIN_UNLOCKED;
}

static void let_go(struct world *w, struct actor *a)
{
    w->lock = 0;
    a->step = OVER;
}

/* A plan is made of what the pager knows to be there; a flush looks at the state. */
static void claim_look(struct world *w, struct actor *a)
{
    bool wanted = a->role == FLUSHES ? w->state == DIRTY || w->state == PARKED
                                     : w->resident && !(a->role == PARKS && w->known_parked);
    a->looked = w->state;
    a->step = CLAIM_PINS;
    if (!wanted || moves(w->state))
        let_go(w, a);
}

static void claim(struct walk *k, struct world *w, struct actor *a)
{
    w->lock = 0;
    a->step = OVER;
    if (w->state != a->looked && k->slip != NOT_COMPARED)
        return;
    a->was = w->state;
    w->state = EVICTING;
    a->dirty = w->known_dirty;
    a->parked = w->known_parked;
    a->step = k->slip == PROTECTED_LATE ? READ_CONTENTS : PROTECT;
    if (a->role == EVICTS)
        w->resident = w->known_dirty = w->known_parked = 0;
    else if (a->role == CLEANS)
        w->known_dirty = 0;
    else if (a->role == PARKS)
        w->known_parked = 1;
}

static void protect(struct walk *k, struct world *w, struct actor *a)
{
    if (a->dirty && !a->parked && k->slip != UNPROTECTED)
        w->writable = 0;
    a->step = k->slip == PROTECTED_LATE ? STORE : READ_CONTENTS;
}

static void read_contents(struct walk *k, struct world *w, struct actor *a)
{
    if (a->dirty || a->role == PARKS)
        a->value = a->parked ? w->aside : w->memory;
    if (a->dirty && a->role != PARKS)
        w->handle = w->stored = 0;
    a->step = k->slip == PROTECTED_LATE ? PROTECT : STORE;
}

/* What is all zeros has no handle, and is never refused. */
static void store(struct world *w, struct actor *a, bool refuses)
{
    if (a->dirty && a->role != PARKS && a->value) {
        a->failed = refuses;
        w->handle = !refuses;
        w->stored = refuses ? 0 : a->value;
    }
    a->step = PUT_ASIDE;
}

static void put_aside(struct walk *k, struct world *w, struct actor *a)
{
    if (a->role == PARKS) {
        w->aside = a->value;
        w->set_aside = 1;
    }
    a->step = GIVE_BACK;
    if (k->slip == SETTLED_EARLY && a->role == EVICTS && !a->failed)
        w->state = OUT;
}

static void give_back(struct walk *k, struct world *w, struct actor *a)
{
    bool leaves = a->role == EVICTS || a->role == PARKS;
    bool refused = a->failed && k->slip != NOT_TAKEN_BACK;
    if (leaves && !a->parked && !refused)
        w->mapped = w->writable = w->memory = 0;
    a->step = refused ? TAKE_BACK : a->role == FLUSHES ? KNOW : SETTLE;
}

/* Of a page that could not be written: it is as it was. */
static void take_back(struct world *w, struct actor *a)
{
    if (a->parked && a->role == EVICTS) {
        w->mapped = 1;
        w->memory = w->aside;
        w->aside = w->set_aside = 0;
        a->parked = 0;
    }
    if (!a->parked)
        w->writable = 1;
    w->resident = 1;
    w->known_dirty = 1;
    w->known_parked = a->parked;
    w->state = a->parked ? PARKED : DIRTY;
    a->step = OVER;
}

static void settle(struct walk *k, struct world *w, struct actor *a)
{
    if (a->role == EVICTS && a->parked)
        w->aside = w->set_aside = 0;
    if (k->slip != SETTLED_EARLY || a->role != EVICTS)
        w->state = a->role == EVICTS ? OUT : a->role == PARKS || a->parked ? PARKED : CLEAN;
    a->step = OVER;
}

static bool step_move(struct walk *k, struct world *w, struct actor *a, int me, int choice)
{
    switch ((enum step)a->step) {
    case CLAIM_LOCK:
        if (w->lock)
            return false;
        w->lock = is_claimed_under_lock(k, a) ? (uint8_t)(me + 1) : 0;
        a->step = CLAIM_LOOK;
        return true;
    case CLAIM_LOOK:
        claim_look(w, a);
        return true;
    case CLAIM_PINS:
        a->step = CLAIM;
        if (w->pins && !(k->slip == PIN_OVERLOOKED && a->role == FLUSHES))
            let_go(w, a);
        return true;
    case CLAIM:
        claim(k, w, a);
        return true;
    case PROTECT:
        protect(k, w, a);
        return true;
    case READ_CONTENTS:
        read_contents(k, w, a);
        return true;
    case STORE:
        store(w, a, choice);
        return true;
    case PUT_ASIDE:
        put_aside(k, w, a);
        return true;
    case GIVE_BACK:
        give_back(k, w, a);
        return true;
    case KNOW:
    case TAKE_BACK:
        if (w->lock)
            return false;
        if (a->step == TAKE_BACK) {
            take_back(w, a);
            return true;
        }
        w->known_dirty = 0;
        a->step = SETTLE;
        return true;
    case SETTLE:
        settle(k, w, a);
        return true;
    default:
        return false;
    }
}

/* ---- discards ---- */

static bool step_discard(struct walk *k, struct world *w, struct actor *a)
{
    switch ((enum step)a->step) {
    case WAIT:
        if (moves(w->state))
            return false;
        a->looked = w->state;
        a->step = w->state == EMPTY ? OVER : GRAB;
        return true;
    case GRAB:
        a->step = WAIT;
        if (w->state == a->looked || k->slip == NOT_COMPARED) {
            w->state = EVICTING;
            a->step = DROP_MAPPING;
        }
        return true;
    case DROP_MAPPING:
        w->mapped = w->writable = w->memory = w->last = 0;
        a->step = DROP_CONTENTS;
        return true;
    case DROP_CONTENTS:
        if (w->lock)
            return false;
        w->resident = w->known_dirty = w->known_parked = 0;
        w->handle = w->stored = w->aside = w->set_aside = 0;
        a->step = DROP_SETTLE;
        return true;
    case DROP_SETTLE:
        w->state = EMPTY;
        a->step = OVER;
        return true;
    default:
        return false;
    }
}

/* ---- laws ---- */

static void check_resting(struct walk *k, const struct world *w)
{
    bool known = w->resident == (w->state == CLEAN || w->state == DIRTY || w->state == PARKED) &&
                 w->known_parked == (w->state == PARKED) &&
                 (w->state == PARKED || w->known_dirty == (w->state == DIRTY));
    hold(k, known || w->lock, "the pager knows what the state says");
    hold(k, w->mapped == (w->state == CLEAN || w->state == DIRTY), "mapped: clean and dirty");
    hold(k, w->set_aside == (w->state == PARKED), "parked contents are of parked pages");
    switch ((enum page_state)w->state) {
    case EMPTY:
        hold(k, !w->handle && w->last == 0, "an empty page has nothing");
        break;
    case OUT:
        hold(k, contents_out(w) == w->last, "what is out is in the store");
        break;
    case CLEAN:
        hold(k, !w->writable && contents_out(w) == w->memory, "clean is what the store has");
        break;
    case DIRTY:
        hold(k, w->writable && !w->handle, "dirty is writable, and the store has nothing of it");
        break;
    case PARKED:
        hold(k, w->aside == w->last, "what is parked is what was written last");
        break;
    default:
        break;
    }
}

static void check(struct walk *k, const struct world *w)
{
    hold(k, !w->mapped || w->memory == w->last, "what is mapped is what was written last");
    hold(k, !w->pins || (w->mapped && w->state != EVICTING), "what is pinned stays");
    if (!moves(w->state))
        check_resting(k, w);
}

/* ---- the walk ---- */

static bool is_new(struct walk *k, const struct world *w);

static void grow(struct walk *k)
{
    struct world *old = k->seen;
    size_t n = k->cap;
    k->cap = n ? 2 * n : 1 << 12;
    k->seen = malloc(k->cap * sizeof *k->seen);
    assert_non_null(k->seen);
    for (size_t i = 0; i < k->cap; i++)
        k->seen[i].lock = UINT8_MAX;
    k->nseen = 0;
    for (size_t i = 0; i < n; i++)
        if (old[i].lock != UINT8_MAX)
            is_new(k, &old[i]);
    free(old);
}

static bool is_new(struct walk *k, const struct world *w)
{
    if (2 * k->nseen >= k->cap)
        grow(k);
    size_t i = XXH3_64bits(w, sizeof *w) & (k->cap - 1);
    for (; k->seen[i].lock != UINT8_MAX; i = (i + 1) & (k->cap - 1))
        if (memcmp(&k->seen[i], w, sizeof *w) == 0)
            return false;
    k->seen[i] = *w;
    k->nseen++;
    return true;
}

static void go_to(struct walk *k, const struct world *w)
{
    if (!is_new(k, w))
        return;
    check(k, w);
    if (k->ntodo == k->todo_cap) {
        k->todo_cap = k->todo_cap ? 2 * k->todo_cap : 1 << 10;
        k->todo = realloc(k->todo, k->todo_cap * sizeof *k->todo);
        assert_non_null(k->todo);
    }
    k->todo[k->ntodo++] = *w;
}

static bool step(struct walk *k, struct world *w, int me, int choice)
{
    struct actor *a = &w->actor[me];
    if (choice && a->step != STORE)
        return false;
    if (a->role == DISCARDS)
        return step_discard(k, w, a);
    return a->role == WRITES || a->role == READS || a->role == PINS
               ? step_touch(k, w, a)
               : step_move(k, w, a, me, choice);
}

static void leave(struct walk *k, const struct world *from)
{
    bool all_over = true, any = false;
    for (int i = 0; i < k->nactors; i++) {
        all_over = all_over && from->actor[i].step == OVER;
        for (int choice = 0; choice < 2; choice++) {
            struct world to = *from;
            if (!step(k, &to, i, choice))
                continue;
            any = true;
            /* What an actor that is over remembers makes no difference. */
            if (to.actor[i].step == OVER)
                to.actor[i] = (struct actor){.role = to.actor[i].role, .step = OVER};
            go_to(k, &to);
        }
    }
    hold(k, any || all_over, "nobody waits for ever");
}

static struct actor actor_of(enum role role)
{
    static const uint8_t first[ROLES] = {
        [WRITES] = TOUCH,     [READS] = TOUCH,        [EVICTS] = CLAIM_LOCK, [CLEANS] = CLAIM_LOCK,
        [PARKS] = CLAIM_LOCK, [FLUSHES] = CLAIM_LOCK, [DISCARDS] = WAIT,     [PINS] = PIN};
    return (struct actor){.role = (uint8_t)role, .step = first[role]};
}

/* A page that rests. All but EMPTY were written once. */
static struct world resting(enum page_state state)
{
    struct world w;
    memset(&w, 0, sizeof w);
    w.state = (uint8_t)state;
    w.last = state != EMPTY;
    w.mapped = w.memory = state == CLEAN || state == DIRTY;
    w.writable = state == DIRTY;
    w.handle = w.stored = state == CLEAN || state == OUT;
    w.aside = w.set_aside = w.known_parked = state == PARKED;
    w.resident = w.mapped || state == PARKED;
    w.known_dirty = state == DIRTY || state == PARKED;
    return w;
}

/* The law that is broken when these act on a page in that state; NULL: none is. */
static const char *walk(enum slip slip, enum page_state state, const enum role *role, int n,
                        size_t *nstates)
{
    struct walk k = {.slip = slip, .nactors = n};
    struct world w = resting(state);
    for (int i = 0; i < n; i++)
        w.actor[i] = actor_of(role[i]);
    go_to(&k, &w);
    while (k.ntodo && !k.broken) {
        w = k.todo[--k.ntodo];
        leave(&k, &w);
    }
    *nstates += k.nseen;
    free(k.seen);
    free(k.todo);
    return k.broken;
}

/* ---- what is walked ---- */

static const enum page_state states[] = {EMPTY, OUT, CLEAN, DIRTY, PARKED};
#define NSTATES (int)(sizeof states / sizeof states[0])

/* Discards do not ask for pins: who unmaps what the kernel works on is told EFAULT. */
static bool go_together(const enum role *role, int n)
{
    bool pins = false, discards = false;
    for (int i = 0; i < n; i++) {
        pins = pins || role[i] == PINS;
        discards = discards || role[i] == DISCARDS;
    }
    return !(pins && discards);
}

/* The next of all sets of n roles, in ascending order. */
static bool next(enum role *role, int n)
{
    int i = n - 1;
    while (i >= 0 && role[i] == ROLES - 1)
        i--;
    if (i < 0)
        return false;
    enum role from = role[i] + 1;
    for (; i < n; i++)
        role[i] = from;
    return true;
}

static const char *walk_all(enum slip slip, int n, size_t *nstates)
{
    enum role role[ACTORS] = {0};
    do {
        for (int i = 0; go_together(role, n) && i < NSTATES; i++) {
            const char *broken = walk(slip, states[i], role, n, nstates);
            if (broken && slip == NO_SLIP)
                print_message("# state %d, roles %d %d %d %d: not so: %s\n", (int)states[i],
                              (int)role[0], (int)role[1], (int)role[2], (int)role[3], broken);
            if (broken)
                return broken;
        }
    } while (next(role, n));
    return NULL;
}

static void any_three_in_any_order_keep_the_laws(void **state)
{
    (void)state;
    size_t nstates = 0;
    assert_null(walk_all(NO_SLIP, 3, &nstates));
    print_message("# %zu states\n", nstates);
    assert_true(nstates > 10000);
}

/* Of four the first writes: sets are in ascending order. */
static void a_write_and_any_three_keep_the_laws(void **state)
{
    (void)state;
    size_t nstates = 0;
    enum role role[4] = {WRITES, 0, 0, 0};
    do {
        for (int i = 0; go_together(role, 4) && i < NSTATES; i++)
            assert_null(walk(NO_SLIP, states[i], role, 4, &nstates));
    } while (next(role + 1, 3));
    print_message("# %zu states\n", nstates);
}

static void every_slip_breaks_a_law(void **state)
{
    (void)state;
    for (int slip = NO_SLIP + 1; slip < SLIPS; slip++) {
        size_t nstates = 0;
        const char *broken = walk_all((enum slip)slip, 3, &nstates);
        print_message("# slip %d: %s\n", slip, broken ? broken : "nothing");
        assert_non_null(broken);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_three_in_any_order_keep_the_laws),
        cmocka_unit_test(a_write_and_any_three_keep_the_laws),
        cmocka_unit_test(every_slip_breaks_a_law),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
