/* manual_walk.h - the walks of the architectures' manuals, step by step, over any words in memory.
 *
 * Nothing is shared with src/scheme/: bits are written as the manuals number them, and every level
 * is looked at alike. Only tests link it. Physical memory ends at 2^32 frames, and what points
 * beyond `nframes` is VM_WALK_RESERVED, as src/scheme/ has it.
 */
#ifndef ORACLE_MANUAL_WALK_H
#define ORACLE_MANUAL_WALK_H

#include <pagoda/scheme.h>

struct manual {
    uint8_t *memory;
    uint32_t nframes;
    vm_pfn root;
    unsigned page_shift, index_bits, word_bytes, nlevels;
    unsigned leaf_level_max; /* leaves above this level are reserved */
};

struct manual_end {
    enum vm_walk_fault fault;
    unsigned order, prot, nloads, nstores;
    bool dirty;
    vm_pfn pfn; /* VM_NOFRAME unless the walk came to a leaf */
};

/* Each marks the words in memory as the hardware does. */
struct manual_end manual_walk_riscv(const struct manual *m, vm_va va, enum vm_access access,
                                    unsigned mode);
struct manual_end manual_walk_x86(const struct manual *m, vm_va va, enum vm_access access,
                                  unsigned mode);
struct manual_end manual_walk_arm(const struct manual *m, vm_va va, enum vm_access access,
                                  unsigned mode);

#endif
