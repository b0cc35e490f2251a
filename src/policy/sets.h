/* sets.h - resident sets: the frames of each process in the order of their last touch, and the
 * process's virtual time of it.
 *
 * The order is kept as in recency.h, in one log for each process: a touch appends its frame, and
 * an entry that a later one has overtaken is passed over, or squeezed out when the log is full.
 * Here a squeeze asks each entry whether it counts: with a log for each process a pass over all
 * frames would be too much.
 *
 * Virtual time is what the policy was told of: touches of pages that came for the process, which
 * for a policy of VM_TOUCH_EACH are all of its touches (of pages that processes share, those of
 * the one whom they came for).
 *
 * Invariants (sets_check)
 *  1. frame[f].at is 0 for a frame that is not in; else its place in its owner's log, plus one.
 *  2. tail < at <= head for frames that are in, and last rises with at.
 *  3. A log has room for LOG_TURNS entries for each of its frames, and LOG_LEAST at least; its
 *     pages that are never reached cost address space only.
 */
#ifndef POLICY_SETS_H
#define POLICY_SETS_H

#include "policy/part.h"

#define SETS_OWNERS (VM_ASID_KERNEL + 1)
#define LOG_TURNS   2
#define LOG_LEAST   64

struct set_frame {
    uint64_t last; /* its owner's time right after its last touch */
    uint32_t at;
    vm_asid owner;
};

struct set_process {
    uint64_t time; /* touches so far */
    uint32_t tail, head, room, nin;
    bool known; /* is in processes[] */
};

struct sets {
    struct set_frame *frame;     /* [nframes] */
    struct set_process *process; /* [SETS_OWNERS] */
    vm_pfn *log;                 /* [SETS_OWNERS][log_room] */
    size_t log_room;
    vm_asid *known; /* [nknown] in the order of their first frames */
    uint32_t nknown, nframes;
};

static void sets_layout(struct sets *s, struct block *b, uint32_t nframes)
{
    s->nframes = nframes;
    s->log_room = LOG_TURNS * (size_t)nframes + LOG_LEAST;
    s->frame = block_take(b, nframes * sizeof *s->frame);
    s->process = block_take(b, SETS_OWNERS * sizeof *s->process);
    s->known = block_take(b, SETS_OWNERS * sizeof *s->known);
    s->log = block_take(b, SETS_OWNERS * s->log_room * sizeof *s->log);
}

static inline vm_pfn *sets_log(const struct sets *s, vm_asid owner)
{
    return s->log + owner * s->log_room;
}

static inline bool sets_counts(const struct sets *s, vm_asid owner, uint32_t entry)
{
    const struct set_frame *f = &s->frame[sets_log(s, owner)[entry]];
    return f->at == entry + 1 && f->owner == owner;
}

static __attribute__((noinline)) void sets_squeeze(struct sets *s, vm_asid owner)
{
    struct set_process *p = &s->process[owner];
    vm_pfn *log = sets_log(s, owner);
    uint32_t to = 0;
    for (uint32_t i = p->tail; i < p->head; i++)
        if (sets_counts(s, owner, i)) {
            log[to] = log[i];
            s->frame[log[to]].at = to + 1;
            to++;
        }
    p->tail = 0;
    p->head = to;
}

/* Whether no frame of its owner's was touched later. */
static inline bool sets_is_newest(const struct sets *s, vm_pfn frame)
{
    return s->frame[frame].at == s->process[s->frame[frame].owner].head;
}

/* `times` touches of a frame that is in. */
static inline void sets_touch(struct sets *s, vm_pfn frame, uint32_t times)
{
    struct set_frame *f = &s->frame[frame];
    struct set_process *p = &s->process[f->owner];
    p->time += times;
    f->last = p->time;
    if (sets_is_newest(s, frame))
        return;
    if (__builtin_expect(p->head == p->room, 0))
        sets_squeeze(s, f->owner);
    sets_log(s, f->owner)[p->head++] = frame;
    f->at = p->head;
}

/* A frame comes, which is its first touch. */
static inline void sets_insert(struct sets *s, vm_pfn frame, vm_asid owner)
{
    struct set_process *p = &s->process[owner];
    VM_EXPECT(frame < s->nframes && s->frame[frame].at == 0 && owner < SETS_OWNERS);
    if (!p->known) {
        p->known = true;
        s->known[s->nknown++] = owner;
        p->room = LOG_LEAST;
    }
    p->nin++;
    if (p->room < LOG_TURNS * p->nin)
        p->room = LOG_TURNS * p->nin;
    s->frame[frame].owner = owner;
    s->frame[frame].at = UINT32_MAX; /* no place: sets_touch gives it one */
    sets_touch(s, frame, 1);
}

static inline void sets_remove(struct sets *s, vm_pfn frame)
{
    VM_EXPECT(frame < s->nframes && s->frame[frame].at);
    s->frame[frame].at = 0;
    s->process[s->frame[frame].owner].nin--;
}

/* The process's frame that was touched longest ago, or VM_NOFRAME. */
static inline vm_pfn sets_oldest(struct sets *s, vm_asid owner)
{
    struct set_process *p = &s->process[owner];
    for (; p->tail < p->head; p->tail++)
        if (sets_counts(s, owner, p->tail))
            return sets_log(s, owner)[p->tail];
    return VM_NOFRAME;
}

/* The frame that has been idle for the longest virtual time of its process; of equals, that of the
 * process that came first. */
static inline vm_pfn sets_idlest(struct sets *s)
{
    vm_pfn idlest = VM_NOFRAME;
    uint64_t most = 0;
    for (uint32_t i = 0; i < s->nknown; i++) {
        vm_pfn frame = sets_oldest(s, s->known[i]);
        if (frame == VM_NOFRAME)
            continue;
        uint64_t idle = s->process[s->known[i]].time - s->frame[frame].last;
        if (idlest == VM_NOFRAME || idle > most) {
            idlest = frame;
            most = idle;
        }
    }
    VM_ASSERT(idlest != VM_NOFRAME);
    return idlest;
}

static void sets_check(const struct sets *s)
{
    uint32_t nin = 0, entries = 0;
    for (vm_pfn f = 0; f < s->nframes; f++) {
        const struct set_frame *frame = &s->frame[f];
        const struct set_process *p = &s->process[frame->owner];
        if (!frame->at)
            continue;
        nin++;
        VM_ASSERT(frame->at > p->tail && frame->at <= p->head && frame->last <= p->time);
        VM_ASSERT(sets_log(s, frame->owner)[frame->at - 1] == f);
    }
    for (uint32_t k = 0; k < s->nknown; k++) {
        const struct set_process *p = &s->process[s->known[k]];
        uint64_t last = 0;
        VM_ASSERT(p->head <= p->room && p->room <= s->log_room);
        for (uint32_t i = p->tail; i < p->head; i++) {
            if (!sets_counts(s, s->known[k], i))
                continue;
            const struct set_frame *frame = &s->frame[sets_log(s, s->known[k])[i]];
            VM_ASSERT(frame->last > last);
            last = frame->last;
            entries++;
        }
        nin -= p->nin;
        entries -= p->nin;
    }
    VM_ASSERT(nin == 0 && entries == 0);
}

#endif
