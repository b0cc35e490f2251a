/* vms.c - segmented first in, first out, as VMS has it: no referenced bits, but a second chance in
 * lists.
 *
 * Each process has a resident set: a queue of its pages in order of coming, up to a limit. What
 * falls out of it at the front loses its mapping and goes to the tail of one of two lists that all
 * processes share: the free list if the page is clean, else the modified list. A touch of a page on
 * a list is a soft fault: it comes to the end of its process's queue again. Who needs a frame takes
 * the head of the free list. When the modified list is longer than its high limit, pages from its
 * head are written, until it is as long as its low limit, and go to the tail of the free list.
 *
 *     process 1: [ a b c d ] --clean--> free:     [ ... ] --> the frame's next page
 *     process 2: [ e f ]     --dirty--> modified: [ ... ] --written in a cluster--> free
 *
 * Turner & Levy, "Segmented FIFO page replacement", SIGMETRICS 1981; Levy & Lipman, "Virtual memory
 * management in the VAX/VMS operating system", IEEE Computer 15(3) 1982, section "Paging".
 *
 * limit: pages in a resident set; 0: the frames that the lists leave, in equal parts for the
 * processes that have had pages. lists: what of memory the lists are for, in percent, and high: how
 * much of it the modified list may have; low is half of that. Shares are rounded down, limits are 1
 * at least.
 *
 * When both lists are empty the front of the longest queue leaves (of equals, that of the process
 * that came first); when only the free list is, the head of the modified list, which is then
 * written for itself. A limit that has fallen, as processes came, takes effect at a process's next
 * fault.
 *
 * Left out: balance sets, page clusters read together, and adjusting limits by fault rates.
 *
 * Invariants
 *  1. A frame that is in is on one list: its process's queue, free or modified; it has
 *     VM_FRAME_PARKED unless it is in a queue, or about to be asked for by park.
 *  2. n[l] is the length of list l.
 */
#include "base/links.h"
#include "policy/part.h"

#define OWNERS (VM_ASID_KERNEL + 1)

/* Lists: the queue of process p is number p. */
enum { FREE = OWNERS, MODIFIED, LISTS, NOWHERE };

struct vms {
    struct vm_links *link; /* [nframes + LISTS]; list l's head is nframes + l */
    uint16_t *list;        /* [nframes] + 1; 0: not in */
    vm_asid *owner;        /* [nframes] */
    uint32_t *n;           /* [LISTS] */
    vm_asid *known;        /* [nknown] processes in the order of their first pages */
    bool *is_known;        /* [OWNERS] */
    uint8_t *bits;         /* the host's */
    uint32_t nframes, nknown, limit, shared, high, low;
    vm_asid faulted; /* the process whose queue may be too long */
    const struct vm_policy_host *host;
};

static size_t layout(struct vms *s, uintptr_t start, uint32_t nframes)
{
    struct block b = {.start = start};
    block_take(&b, sizeof *s);
    s->link = block_take(&b, (nframes + (size_t)LISTS) * sizeof *s->link);
    s->list = block_take(&b, nframes * sizeof *s->list);
    s->owner = block_take(&b, nframes * sizeof *s->owner);
    s->n = block_take(&b, LISTS * sizeof *s->n);
    s->known = block_take(&b, OWNERS * sizeof *s->known);
    s->is_known = block_take(&b, OWNERS * sizeof *s->is_known);
    return b.used;
}

static size_t size(const struct vm_policy_env *env)
{
    return layout(&(struct vms){0}, 0, env->nframes);
}

static uint32_t part_of(uint32_t whole, uint64_t percent)
{
    return (uint32_t)(whole * percent / 100);
}

static void init(void *state, const struct vm_policy_env *env)
{
    struct vms *s = state;
    layout(s, (uintptr_t)state, env->nframes);
    uint64_t limit = vm_params_count(env->params, "limit");
    uint32_t lists = part_of(env->capacity, vm_params_count(env->params, "lists"));
    s->bits = env->bits;
    s->host = env->host;
    s->nframes = env->nframes;
    s->limit = limit < env->nframes ? (uint32_t)limit : env->nframes;
    s->shared = env->capacity - lists;
    s->high = part_of(lists, vm_params_count(env->params, "high"));
    s->low = s->high / 2;
    vm_links_head(s->link, s->nframes + FREE);
    vm_links_head(s->link, s->nframes + MODIFIED);
}

static inline void enlist(struct vms *s, uint32_t list, vm_pfn frame)
{
    vm_links_push_last(s->link, s->nframes + list, frame);
    s->list[frame] = (uint16_t)(list + 1);
    s->n[list]++;
}

static inline void remove_frame(void *state, vm_pfn frame)
{
    struct vms *s = state;
    VM_EXPECT(frame < s->nframes && s->list[frame]);
    vm_links_remove(s->link, frame);
    s->n[s->list[frame] - 1]--;
    s->list[frame] = 0;
}

static inline vm_pfn first_of(const struct vms *s, uint32_t list)
{
    return s->link[s->nframes + list].next;
}

static inline void know(struct vms *s, vm_asid owner)
{
    if (s->is_known[owner])
        return;
    s->is_known[owner] = true;
    vm_links_head(s->link, s->nframes + owner);
    s->known[s->nknown++] = owner;
}

static inline void insert(void *state, vm_pfn frame, uint64_t page)
{
    struct vms *s = state;
    vm_asid owner = s->host->owner(s->host->host, page);
    VM_EXPECT(frame < s->nframes && !s->list[frame] && owner < OWNERS);
    know(s, owner);
    s->owner[frame] = owner;
    enlist(s, owner, frame);
    s->faulted = owner;
}

static inline void soft(void *state, vm_pfn frame)
{
    struct vms *s = state;
    remove_frame(s, frame);
    enlist(s, s->owner[frame], frame);
    s->faulted = s->owner[frame];
}

/* What is left of a long modified list; a page that the host does not write now ends it. */
static void write_modified(struct vms *s)
{
    while (s->n[MODIFIED] > s->low) {
        vm_pfn frame = first_of(s, MODIFIED);
        if ((s->bits[frame] & VM_FRAME_DIRTY) && !s->host->clean(s->host->host, frame))
            return;
        remove_frame(s, frame);
        enlist(s, FREE, frame);
    }
}

static inline uint32_t limit_now(const struct vms *s)
{
    uint32_t limit = s->limit ? s->limit : s->shared / (s->nknown ? s->nknown : 1);
    return limit ? limit : 1;
}

static inline vm_pfn park(void *state)
{
    struct vms *s = state;
    if (s->n[s->faulted] <= limit_now(s)) {
        if (s->n[MODIFIED] > s->high)
            write_modified(s);
        return VM_NOFRAME;
    }
    vm_pfn frame = first_of(s, s->faulted);
    remove_frame(s, frame);
    enlist(s, s->bits[frame] & VM_FRAME_DIRTY ? MODIFIED : FREE, frame);
    return frame;
}

static uint32_t longest_queue(const struct vms *s)
{
    uint32_t longest = s->known[0];
    for (uint32_t i = 1; i < s->nknown; i++)
        if (s->n[s->known[i]] > s->n[longest])
            longest = s->known[i];
    return longest;
}

static inline vm_pfn victim(void *state, uint64_t incoming)
{
    struct vms *s = state;
    (void)incoming;
    uint32_t list = s->n[FREE] ? FREE : s->n[MODIFIED] ? MODIFIED : longest_queue(s);
    VM_ASSERT(s->n[list]);
    vm_pfn frame = first_of(s, list);
    remove_frame(s, frame);
    return frame;
}

static void check(const void *state)
{
    const struct vms *s = state;
    uint32_t nin = 0, listed = 0;
    for (vm_pfn f = 0; f < s->nframes; f++)
        nin += s->list[f] != 0;
    for (uint32_t l = 0; l < LISTS; l++) {
        uint32_t n = 0;
        if (l < OWNERS && s->n[l] == 0)
            continue;
        for (vm_pfn f = first_of(s, l); f < s->nframes; f = s->link[f].next, n++)
            VM_ASSERT(s->list[f] == l + 1 && s->link[s->link[f].next].prev == f &&
                      (l >= OWNERS || s->owner[f] == l));
        VM_ASSERT(n == s->n[l]);
        listed += n;
    }
    VM_ASSERT(listed == nin && s->low <= s->high);
}

static const struct vm_param param[] = {
    {"limit", VM_PARAM_COUNT, "0", 0, 0, NULL,
     "pages in a process's resident set; 0: equal parts of what the lists leave"},
    {"lists", VM_PARAM_COUNT, "20", 0, 100, NULL, "percent of memory for the two lists"},
    {"high", VM_PARAM_COUNT, "50", 0, 100, NULL,
     "percent of these at which modified pages are written, until half as many are left"},
};

const struct vm_policy_ops vm_policy_vms = {
    .name = "vms",
    .summary = "first in, first out in each process; then a second chance on lists that all share",
    .touch_kind = VM_TOUCH_NONE,
    .future = VM_FUTURE_UNUSED,
    .ghosts = VM_GHOSTS_NONE,
    .reason = VM_REASON_LISTS,
    .param = param,
    .nparams = sizeof param / sizeof param[0],
    .size = size,
    .init = init,
    .insert = insert,
    .remove = remove_frame,
    .victim = victim,
    PART_NO_TICKS,
    .release = release_nothing,
    PART_NO_PROCESSES,
    .park = park,
    .soft = soft,
    .check = check,
    PART_STAMPED,
};

#define REPLAY_KIND   VM_TOUCH_NONE
#define REPLAY_INSERT insert
#define REPLAY_VICTIM victim
#define REPLAY_TOUCH  touch_nothing
#define REPLAY_TICK   tick_nothing
#define REPLAY_PARK   park
#define REPLAY_SOFT   soft
#include "policy/replay_template.inc.h"
