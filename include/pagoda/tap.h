/* tap.h - what a machine tells of each step of a reference, to whoever listens.
 *
 * A tap is given to a machine that runs; from then on every step of every touch is one event, in
 * the order in which it happens: the touch, each TLB looked in, the walk, the fault, who left
 * memory, each TLB filled, the address that came of it. Events are facts with the state that they
 * were decided on; explanations and viewers only move a cursor over them. Pointers in an event are
 * good for its call alone.
 *
 * A machine with a tap takes no short cut: a touch that would change nothing is told, too. Counts
 * are the same with it and without.
 *
 * Every count is told: the differences of the counts over some references are those of the events
 * told in them (tests/diff/story.c). But for what caches read and write on their own, to keep what
 * was asked for (memory_reads, memory_writes).
 */
#ifndef PAGODA_TAP_H
#define PAGODA_TAP_H

#include <pagoda/space.h>
#include <pagoda/tlb.h>

enum vm_tap_kind {
    VM_TAP_EVENT,     /* .event: an event of the trace is about to be carried out */
    VM_TAP_TOUCH,     /* .touch: one page's part of a reference begins */
    VM_TAP_LOOKUP,    /* .lookup: one TLB was looked in */
    VM_TAP_WALK,      /* .walk: a walk ended, with a translation or a fault */
    VM_TAP_FAULT,     /* .fault: the kernel has resolved a fault, or refused the touch; of
                         VM_ASID_KERNEL: it has brought a page of a table back, no vma */
    VM_TAP_LEAVING,   /* .leaving: a page lost its frame, whose bits are still as they were */
    VM_TAP_FILL,      /* .fill: one TLB took the translation */
    VM_TAP_SHOOTDOWN, /* .shootdown: a page's entries were removed from the TLBs */
    VM_TAP_FLUSH,     /* .flush: the entries of a space, or all, were removed from the TLBs */
    VM_TAP_ACCESS,    /* .access: the touch is translated, and memory accessed */
    VM_TAP_LINE,      /* .line: the caches were asked for a line, and have filled it in */
    VM_TAP_EMPTIED,   /* .emptied: frames no longer hold what they held */
    VM_TAP_TRAP,      /* .trap: the processor left a refill of the TLBs to the kernel */
    VM_TAP_MARK,      /* .mark: a table entry was marked, and not by a walk */
    VM_TAP_PREFETCH,  /* .prefetch: a translation was fetched before it is asked for, or in vain */
    VM_TAP_JOINED,    /* .joined: the policy was told that a page, or what it is part of, came */
    VM_TAP_CLEANED,   /* .cleaned: a dirty page was written, and stays */
    VM_TAP_WISHED,    /* .wished: a fault that reads its page wishes for others beside it */
    VM_TAP_AHEAD,     /* .ahead: one of them came into a frame; the device is asked when all have */
    VM_TAP_PARTED,    /* .parted: and that it went, where it is not its own choice */
    VM_TAP_TICK       /* a tick of the policy is due; referenced bits are still as they were */
};
#define VM_TAP_KINDS 21

/* Refill by software (engine/refill.c). */
enum vm_tap_trap {
    VM_TRAP_REFILL,       /* no TLB has the page */
    VM_TRAP_REFILL_TABLE, /* nor that of the table which the handler reads */
    VM_TRAP_INVALID,      /* what the handler put in is not present */
    VM_TRAP_MODIFIED,     /* a write to a page that is clean, or not to be written */
};

struct vm_tap_event {
    enum vm_tap_kind kind;
    union {
        const struct vm_event *event;
        struct {
            uint64_t ref; /* its number in the run, from 1; the same where it crosses pages */
            vm_asid asid;
            vm_va va;
            enum vm_access access;
        } touch;
        struct {
            size_t tlb; /* its number in the machine */
            uint64_t tag;
            bool hit;
            uint64_t value; /* of a hit: struct vm_tlb's; it may lack what the touch needs */
            const struct vm_tlb *in; /* as it was found: a hit has not moved its entry yet */
        } lookup;
        struct {
            const struct vm_walk *walk;
            uint32_t skipped; /* its first loads, needless by a walk cache, or a TLB for a table */
            size_t cache;     /* that one's number; where skipped is 0: none */
            uint64_t steps;   /* of the loads that were made: those that wait for one another */
            uint64_t waits;   /* of the steps, what other walks under way did not hide */
        } walk;
        const struct vm_fault *fault;
        const struct vm_leaving *leaving;
        struct {
            size_t tlb;
            uint64_t tag, value;
            uint64_t replaced;       /* the tag whose entry made room, or VM_TLB_EMPTY */
            const struct vm_tlb *in; /* with the entry */
        } fill;
        struct {
            uint64_t page_key;
            bool found;
        } shootdown;
        struct {
            enum { VM_FLUSH_SPACE, VM_FLUSH_SWITCH } why; /* of `asid`; of all, at a switch */
            vm_asid asid;
        } flush;
        struct {
            uint64_t value; /* the TLB entry that stands for the page: struct vm_tlb's */
            vm_pa pa;       /* of the touch's first byte */
        } access;
        struct {
            vm_pa pa; /* of the line, or of a walk's table word */
            enum vm_access access;
            bool table;     /* a walk asks */
            bool hidden;    /* its time passes behind another's: a prefetch; of the loads of a
                               walk's step all but one of the farthest */
            unsigned level; /* that had it: 0 is level 1; memory is after the last */
        } line;
        struct {
            vm_pfn first;
            uint32_t n;
        } emptied;
        enum vm_tap_trap trap;
        struct {
            vm_pfn unit;  /* the number by which the policy knows it */
            uint64_t key; /* of its page, of the first one where it has several */
        } joined;
        vm_pfn parted;
        struct {
            vm_pfn pfn;
            uint64_t key;
            vm_slot slot; /* 0: to its file */
        } cleaned;
        struct {
            const struct vm_fault *fault; /* under way: what asks, not yet what came of it */
            vm_slot slot;                 /* that its page is in; 0: its file */
            const struct vm_readahead_wish *wish;
        } wished;
        struct {
            vm_pfn pfn;
            uint64_t key;
            vm_slot slot; /* that it is read from; 0: its file */
        } ahead;
        struct {
            /* A TLB entry that owed it left; the kernel was trapped to, or was there to refill. */
            enum { VM_MARK_ON_LEAVING, VM_MARK_BY_TRAP, VM_MARK_BY_REFILL } why;
            vm_asid asid;
            vm_va va;
        } mark;
        struct {
            vm_va va;
            uint32_t loads; /* words read */
            size_t cache;   /* the walk cache that made others needless, or VM_WALK_CACHES_MAX */
            bool taken;     /* into the buffer: the page was there, and had been used before */
        } prefetch;
    };
};

struct vm_tap {
    void *host;
    void (*event)(void *host, const struct vm_tap_event *event);
};

#endif
