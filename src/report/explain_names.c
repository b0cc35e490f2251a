/* explain_names.c - what the JSON and the text of an explanation call things by. */
#include "report/explain_lines.h"

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
        [VM_REASON_SHARE] = "share",
    };
    return names[reason];
}

const char *explain_fault_name(enum vm_fault_kind kind)
{
    static const char *const names[] = {
        [VM_FAULT_DEMAND_ZERO] = "demand-zero", [VM_FAULT_SOFT] = "soft",
        [VM_FAULT_COW] = "cow-break",           [VM_FAULT_SWAP_IN] = "swap-in",
        [VM_FAULT_FILE_IN] = "file-in",         [VM_FAULT_VIOLATION] = "violation",
        [VM_FAULT_DENIED] = "denied",
    };
    return names[kind];
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
