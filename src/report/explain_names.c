/* explain_names.c - what the JSON and the text of an explanation call things by. */
#include "report/explain_lines.h"
#include "report/words.h"

#include <stdio.h>

const char *const explain_access_names[VM_ACCESSES] = {"read", "write", "fetch"};

const char *explain_reason_name(enum vm_reason reason)
{
    static const char *const names[] = {
        [VM_REASON_OLDEST] = "oldest",     [VM_REASON_STALEST] = "stalest",
        [VM_REASON_NEWEST] = "newest",     [VM_REASON_FEWEST] = "fewest",
        [VM_REASON_FARTHEST] = "farthest", [VM_REASON_BITS] = "bits",
        [VM_REASON_AGES] = "ages",         [VM_REASON_CHANCE] = "chance",
        [VM_REASON_NEAREST] = "nearest",   [VM_REASON_HISTORY] = "history",
        [VM_REASON_LISTS] = "lists",       [VM_REASON_IDLE] = "idle",
        [VM_REASON_SHARE] = "share",       [VM_REASON_GENERATION] = "generation",
    };
    return names[reason];
}

const char *explain_fault_name(enum vm_fault_kind kind)
{
    static const char *const names[] = {
        [VM_FAULT_DEMAND_ZERO] = "demand-zero", [VM_FAULT_SOFT] = "soft",
        [VM_FAULT_COW] = "cow-break",           [VM_FAULT_SWAP_IN] = "swap-in",
        [VM_FAULT_FILE_IN] = "file-in",         [VM_FAULT_VIOLATION] = "violation",
        [VM_FAULT_DENIED] = "denied",           [VM_FAULT_KILLED] = "killed",
    };
    return names[kind];
}

const char *explain_readahead_name(enum vm_readahead_why why)
{
    static const char *const names[] = {
        [VM_READAHEAD_BESIDE] = "beside",   [VM_READAHEAD_AROUND] = "around",
        [VM_READAHEAD_FORWARD] = "forward", [VM_READAHEAD_BACKWARD] = "backward",
        [VM_READAHEAD_STEADY] = "steady",   [VM_READAHEAD_MAJORITY] = "majority",
        [VM_READAHEAD_TREND] = "trend",
    };
    return names[why];
}

const char *explain_came(const struct vm_story_frame *f, char *out, size_t cap)
{
    char came[32];
    snprintf(out, cap, f->ahead ? "read ahead at %s" : "came at %s",
             vm_text_count(f->came, came, sizeof came));
    return out;
}

const char *explain_touched(const struct vm_story_frame *f, char *out, size_t cap)
{
    char last[32], count[32];
    uint64_t touches = f->touches - f->ahead;
    if (touches == 0)
        snprintf(out, cap, "%s", "not touched yet");
    else
        snprintf(out, cap, "last touched at %s, %s touch%s",
                 vm_text_count(f->last, last, sizeof last),
                 vm_text_count(touches, count, sizeof count), touches == 1 ? "" : "es");
    return out;
}

const char *explain_walk_name(enum vm_walk_fault fault)
{
    static const char *const names[] = {
        [VM_WALK_OK] = "ok",
        [VM_WALK_ABSENT] = "absent",
        [VM_WALK_DENIED] = "denied",
        [VM_WALK_BOUNDS] = "bounds",
        [VM_WALK_RESERVED] = "reserved",
        [VM_WALK_UNMARKED] = "unmarked",
    };
    return names[fault];
}

const char *explain_fault_sentence(const struct vm_story_step *s)
{
    if (s->fault.asid == VM_ASID_KERNEL)
        return "a page of the page table is read back from its swap slot; the walk begins anew";
    switch (s->fault.kind) {
    case VM_FAULT_DEMAND_ZERO:
        return "the page's first touch: a frame filled with zeros";
    case VM_FAULT_SOFT:
        return s->fault.ahead ? "the page is in a frame already: it is mapped, nothing more is read"
                              : "the page is still in a frame: it is mapped again, nothing is read";
    case VM_FAULT_COW:
        return s->fault.inserted
                   ? "a write to a shared page: it is copied into a frame of its own"
                   : "a write to a page that nobody shares any more: it becomes writable";
    case VM_FAULT_SWAP_IN:
        return "the page is read back from its swap slot";
    case VM_FAULT_FILE_IN:
        return "the page, dropped when it was clean, is read from its file again";
    case VM_FAULT_VIOLATION:
        return "no mapping has this address: a segmentation violation, the touch is refused";
    case VM_FAULT_KILLED:
        return "its process was killed when memory and swap were full: the touch is refused";
    case VM_FAULT_DENIED:
        return "the mapping forbids it: the touch is refused";
    }
    return "";
}

const char *explain_home(const struct vm_story *s, vm_slot slot, char out[EXPLAIN_HOME])
{
    snprintf(out, EXPLAIN_HOME, "%s", "its file");
    if (slot >= VM_SLOT_SLOW && vm_config_has_slow(s->config))
        snprintf(out, EXPLAIN_HOME, "slow swap slot %u", slot - VM_SLOT_SLOW);
    else if (slot)
        snprintf(out, EXPLAIN_HOME, "swap slot %u", slot);
    return out;
}
