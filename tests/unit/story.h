/* story.h - traces in memory for tests.
 *
 * A `story` is a trace, each reference with the address space it belongs to, so that what a reader
 * delivers can be compared however it was cut into batches and blocks.
 */
#ifndef UNIT_STORY_H
#define UNIT_STORY_H

#include "base/random.h"
#include "trace/format.h"

#include "test.h"

#include <stdlib.h>

struct told_ref {
    vm_va va;
    uint16_t meta;
    vm_asid asid;
};

struct told_event {
    uint64_t ref; /* the reference before which it happens */
    struct vm_event event;
};

struct story {
    size_t nrefs, nevents, refs_cap, events_cap;
    struct told_ref *ref;
    struct told_event *event;
    vm_asid asid;
};

static inline void story_free(struct story *s)
{
    free(s->ref);
    free(s->event);
    *s = (struct story){0};
}

static inline void *grown(void *array, size_t n, size_t *cap, size_t bytes)
{
    if (n < *cap)
        return array;
    *cap = *cap ? 2 * *cap : 256;
    array = realloc(array, *cap * bytes);
    assert_non_null(array);
    return array;
}

static inline void tell_ref(struct story *s, vm_va va, uint16_t meta)
{
    s->ref = grown(s->ref, s->nrefs, &s->refs_cap, sizeof *s->ref);
    s->ref[s->nrefs++] = (struct told_ref){va, meta, s->asid};
}

static inline void tell_event(struct story *s, struct vm_event event)
{
    s->event = grown(s->event, s->nevents, &s->events_cap, sizeof *s->event);
    event.at = 0;
    s->event[s->nevents++] = (struct told_event){s->nrefs, event};
    if (event.kind == VM_EVENT_SWITCH)
        s->asid = event.asid;
}

/* ---- inventing ---- */

static inline uint16_t random_meta(struct vm_random *r, enum vm_access access, vm_va va)
{
    static const unsigned often[] = {1, 2, 4, 8, 16, VM_SIZE_MAX};
    uint64_t bytes =
        vm_random_below(r, 8) ? often[vm_random_below(r, 6)] : 1 + vm_random_below(r, VM_SIZE_MAX);
    if (va + (bytes - 1) < va)
        bytes = 0 - va;
    return vm_ref_meta(access, (unsigned)bytes);
}

static inline vm_va random_va(struct vm_random *r)
{
    static const vm_va places[] = {
        0, 0x400000, 0x7ffffffde000, UINT64_MAX - 0x4000, UINT64_MAX, 0x8000000000000000};
    if (vm_random_below(r, 20) == 0)
        return vm_random_u64(r);
    return places[vm_random_below(r, 6)] - 64 + vm_random_below(r, 1u << vm_random_below(r, 18));
}

/* Addresses that a heap would give, now and then none, or any. */
static inline vm_va random_block(struct vm_random *r)
{
    return vm_random_below(r, 9) ? 0x5000 + 16 * vm_random_below(r, 1u << vm_random_below(r, 12))
                                 : vm_random_u64(r) & -(uint64_t)vm_random_below(r, 2);
}

static inline void invent_request(struct story *s, struct vm_random *r)
{
    uint8_t kind = (uint8_t)(VM_EVENT_ALLOC + vm_random_below(r, 3));
    struct vm_event event = {
        .kind = kind,
        .detail = (uint8_t)vm_random_below(r, VM_REQUEST_CALLS),
        .asid = s->asid,
        .va = random_block(r),
        .bytes = kind == VM_EVENT_FREE ? 0 : vm_random_u64(r) >> vm_random_below(r, 64),
        .thread = (uint32_t)vm_random_u64(r) >> vm_random_below(r, 32),
        .site = (uint32_t)vm_random_below(r, VM_SITES_MAX + 1) >> vm_random_below(r, 20),
        .align = kind == VM_EVENT_ALLOC ? UINT64_C(1) << vm_random_below(r, 64) : 0,
        .from = kind == VM_EVENT_RESIZE ? random_block(r) : 0,
    };
    tell_event(s, event);
}

static inline void invent_event(struct story *s, struct vm_random *r)
{
    if (vm_random_below(r, 4) == 0) {
        invent_request(s, r);
        return;
    }
    tell_event(s, (struct vm_event){
                      .kind = (uint8_t)(1 + vm_random_below(r, VM_EVENT_SWITCH)),
                      .prot = (uint8_t)vm_random_below(r, 16),
                      .detail = (uint8_t)vm_random_below(r, 7),
                      .asid = (vm_asid)vm_random_below(r, VM_ASID_MAX + 1),
                      .child = (vm_asid)vm_random_below(r, VM_ASID_MAX + 1),
                      .va = vm_random_u64(r),
                      .bytes = vm_random_u64(r) >> vm_random_below(r, 64),
                  });
}

/* A walk through straight code with jumps among a few places, data that strides, repeats and leaps,
 * fetches or not, and `events_of_1000` events in 1000 references. */
static inline void invent(struct story *s, struct vm_random *r, size_t refs,
                          unsigned events_of_1000)
{
    vm_va code[6], data[6], pc = 0x1000;
    for (int i = 0; i < 6; i++) {
        code[i] = random_va(r);
        data[i] = random_va(r);
    }
    unsigned fetches_of_10 = (unsigned)vm_random_below(r, 11);
    while (s->nrefs < refs) {
        while (vm_random_below(r, 1000) < events_of_1000)
            invent_event(s, r);
        if (vm_random_below(r, 10) < fetches_of_10) {
            pc = vm_random_below(r, 6) ? pc : code[vm_random_below(r, 6)];
            uint16_t meta = random_meta(r, VM_FETCH, pc);
            tell_ref(s, pc, meta);
            pc += vm_ref_bytes(meta);
        } else {
            vm_va *va = &data[vm_random_below(r, 6)];
            *va = vm_random_below(r, 9) ? *va + 8 * vm_random_below(r, 3) : random_va(r);
            tell_ref(s, *va, random_meta(r, vm_random_below(r, 2) ? VM_READ : VM_WRITE, *va));
        }
    }
    while (vm_random_below(r, 1000) < events_of_1000)
        invent_event(s, r);
}

static inline void assert_batch_is_valid(const struct vm_batch_builder *b)
{
    assert_true(b->nrefs <= VM_BATCH_REFS && b->nevents <= VM_BATCH_EVENTS);
    for (uint32_t i = 0; i < b->nrefs; i++) {
        assert_true(vm_ref_access(b->meta[i]) < VM_ACCESSES && vm_ref_bytes(b->meta[i]) >= 1);
        assert_true(b->va[i] + (vm_ref_bytes(b->meta[i]) - 1) >= b->va[i]);
    }
    for (uint32_t i = 0; i < b->nevents; i++) {
        assert_true(b->event[i].at >= (i ? b->event[i - 1].at : 0) && b->event[i].at <= b->nrefs);
        assert_true(b->event[i].kind >= VM_EVENT_MAP && b->event[i].kind < VM_EVENT_KINDS);
    }
}

#endif
