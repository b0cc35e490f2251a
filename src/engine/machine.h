/* machine.h - the state of one machine (struct vm_engine) and what the stamped loops share.
 *
 * The touch path, from most to least frequent:
 *   hot     the same page as the last touch in its set of level 1: nothing changes, so nothing is
 *           done (mmu_loop.inc.h)
 *   hit     another page of level 1: its recency, the frame's bits (mmu_loop.inc.h)
 *   miss    further levels, the walk, the fault path (mmu.c)
 *
 * Invariants
 *  1. hot[a][s] is the tag of the page that the sets of slot `s` in the level-1 TLB for access `a`
 *     used last, if a touch of that kind would change nothing: the right is there, the frame's bits
 *     are set. Else EMPTY. All pages of a set share a slot, so that a touch of another one takes
 *     its place; whatever else may change one of these (a shootdown, the policy clearing bits)
 *     empties all.
 *  2. touched[] holds touches that the policy has not been told of; it is told (settle) before it
 *     is asked or told anything else.
 */
#ifndef ENGINE_MACHINE_H
#define ENGINE_MACHINE_H

#include "base/arena.h"

#include <pagoda/engine.h>

#define HOT_SLOTS    16   /* the sets of the usual level 1: 64 entries, 4 ways */
#define SEGMENT_REFS 1000 /* references between settlements at most; fits `touched` twice */

struct vm_engine {
    /* what the loops use */
    uint64_t hot[VM_ACCESSES][HOT_SLOTS];
    vm_pfn hot_unit[VM_ACCESSES][HOT_SLOTS]; /* the page's frame as the policy knows it */
    bool warm;                               /* some of hot[] may not be EMPTY */
    unsigned page_shift;
    uint32_t hot_mask; /* a page's slot in hot[a]: its number's low bits that choose its set, too */
    vm_asid asid;      /* current */
    vm_asid tag_asid;  /* in TLB tags: asid, or 0 where the TLBs are flushed instead */
    struct vm_tlb *first[VM_ACCESSES]; /* level 1 for each access; never NULL: `none` if absent */
    uint8_t *bits;
    uint8_t marks[VM_ACCESSES]; /* the frame's bits that a touch sets */
    uint64_t last_touch; /* VM_TOUCH_ORDER: touch_word of the touch before, or its run's write */
    uint32_t ntouched;
    vm_pfn touched[2 * SEGMENT_REFS + 2];
    uint64_t crossings[VM_ACCESSES];
    uint64_t kinds[VM_ACCESSES];

    /* what misses use */
    struct vm_tlb *path[VM_ACCESSES][VM_TLBS_MAX];
    size_t npath;
    struct vm_tlb tlb[VM_TLBS_MAX];
    struct vm_tlb none; /* an always-empty level 1 for machines without TLBs */
    uint64_t none_words[3];
    const struct vm_scheme_ops *scheme;
    void *scheme_state;
    const struct vm_policy_ops *policy;
    void *policy_state;
    struct vm_memory *memory;
    struct vm_counts counts;
    uint64_t tick_every, tick_next; /* in touches; UINT64_MAX: never */
    bool failed;                    /* error says why */
    struct vm_error error;

    struct vm_layout *layout; /* where the trace's addresses lie; NULL: where they are */

    const struct vm_tap *tap; /* told of each step of a touch; NULL: nobody */

    struct vm_config config;
    struct vm_tlb_plan plan;
    struct vm_params policy_params, scheme_params, device_params;
    struct vm_arena arena;
    /* Runs up to n references from the front of the columns; answers how many it did: fewer than n
     * after a reference that crosses a page boundary, or when failed. */
    uint32_t (*segment)(struct vm_engine *m, const vm_va *va, const uint16_t *meta, uint32_t n);
};

/* Tell the tap, if there is one. */
#define TELL(m, ...)                                                                               \
    do {                                                                                           \
        if ((m)->tap)                                                                              \
            (m)->tap->event((m)->tap->host, &(struct vm_tap_event){__VA_ARGS__});                  \
    } while (0)

/* A touch as policies of VM_TOUCH_ORDER see it, and one that is like none. */
#define NO_TOUCH ((uint64_t)VM_NOFRAME << 1)
static inline uint64_t touch_word(vm_pfn pfn, enum vm_access access)
{
    return (uint64_t)pfn << 1 | (access == VM_WRITE);
}

/* Such a policy is told of the first touch of a run of touches of one frame, and of the run's first
 * write if other touches precede it. That write may give the page a frame of its own, which the
 * policy must be told of; whether it does depends on what was evicted, and the number of touches
 * told must not, or the future that opt reads would not be of this run (replay.c). */
static inline bool is_told(uint64_t touch, uint64_t last)
{
    return (touch | 1) != (last | 1) || touch > last;
}

/* vm_engine_open with a policy that has no row (the recorder of replay.c), unless it is NULL. */
struct vm_engine *vm_engine_open_with(const struct vm_config *c, const struct vm_policy_ops *policy,
                                      enum vm_stray stray, struct vm_future *future,
                                      struct vm_error *e);

/* The loops, stamped in mmu.c for each kind of report that a policy wants. */
uint32_t vm_mmu_segment_bits(struct vm_engine *m, const vm_va *va, const uint16_t *meta,
                             uint32_t n);
uint32_t vm_mmu_segment_order(struct vm_engine *m, const vm_va *va, const uint16_t *meta,
                              uint32_t n);
uint32_t vm_mmu_segment_each(struct vm_engine *m, const vm_va *va, const uint16_t *meta,
                             uint32_t n);
/* One reference, with every step told to m->tap. */
uint32_t vm_mmu_segment_told(struct vm_engine *m, const vm_va *va, const uint16_t *meta,
                             uint32_t n);

/* One reference to an address that no page key names (pages below 4 KiB). */
uint32_t vm_mmu_segment_beyond(struct vm_engine *m, const vm_va *va, const uint16_t *meta,
                               uint32_t n);

void vm_mmu_cool(struct vm_engine *m); /* empty hot[] */
void vm_mmu_settle(void *engine);      /* tell the policy of touched[]; empties hot[] too */
void vm_mmu_tick(struct vm_engine *m);
void vm_mmu_shootdown(void *engine, uint64_t page_key);
void vm_mmu_shootdown_space(void *engine, vm_asid asid);
void vm_mmu_left(void *engine, const struct vm_leaving *leaving);

#endif
