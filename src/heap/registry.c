/* registry.c - the heap allocators by name: heaps.def as a table; and what faults are called. */
#include <pagoda/heap.h>
#include <string.h>

#define HEAP(name) extern const struct vm_heap_ops vm_heap_##name;
#include "heap/heaps.def"
#undef HEAP

static const struct vm_heap_ops *const rows[] = {
#define HEAP(name) &vm_heap_##name,
#include "heap/heaps.def"
#undef HEAP
};

#define REGISTRY      heap
#define REGISTRY_NOUN "heap"
#include "base/registry.inc.h"

const char *vm_heap_fault_name(enum vm_heap_fault fault)
{
    static const char *const names[] = {
        [VM_HEAP_FINE] = "fine",
        [VM_HEAP_NOT_A_BLOCK] = "not a block",
        [VM_HEAP_FREE_TWICE] = "free twice",
        [VM_HEAP_DAMAGED] = "damaged",
    };
    return names[fault];
}
