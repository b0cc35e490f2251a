/* kernel_map.h - what a kernel keeps beside page tables that find one page and no other.
 *
 * A hashed or inverted table holds pages that are present, wherever the hash puts them: it has
 * no place for a page on swap, and cannot tell which page comes next. A kernel that runs on one
 * keeps a map of its own beside it, as Linux on POWER keeps its radix tree of PTEs beside the hash
 * table and Mach its vm_map and vm_object beside the pmap.
 *
 * Here it is (asid, page number) -> a word of 64 bits, 0 for an empty entry, in page number order:
 * a radix tree for each address space, of nodes of 64 words. All nodes come from one block of the
 * scheme's state, of which the host gives memory only as it is touched.
 *
 *      present  place << 4 | 1   in the hardware's table; `place` says where, if the scheme likes
 *      swapped  slot << 4 | 2
 *
 * Invariants
 *  1. Bit i of a node's `filled` is set if and only if its word i is not 0.
 *  2. A word of an inner node is the number of the node below, which no other word names; node 0 is
 *     none.
 *  3. nnodes of a tree is the number of its nodes; a tree without nodes has root 0.
 *
 * Source: Linux, arch/powerpc/include/asm/book3s/64/hash.h and mm/book3s64/hash_utils.c
 * (H_PAGE_HASHPTE marks an entry that the hash table has, too); R. Rashid and others,
 * "Machine-Independent Virtual Memory Management for Paged Uniprocessor and Multiprocessor
 * Architectures", ASPLOS 1987.
 */
#ifndef SCHEME_KERNEL_MAP_H
#define SCHEME_KERNEL_MAP_H

#include "base/assert.h"
#include "base/bits.h"

#include <pagoda/scheme.h>

enum {
    KERNEL_MAP_VPN_BITS = 52, /* of a page key's page number */
    KERNEL_MAP_NODES = 1 << 22,
    KERNEL_PRESENT = 1,
    KERNEL_SWAPPED = 2,
    KERNEL_WORD_SHIFT = 4,
};

struct kernel_node {
    uint64_t filled;
    uint64_t word[64];
};

struct kernel_tree {
    uint32_t root, nnodes;
};

struct kernel_map {
    struct kernel_tree *tree; /* [nasids] */
    struct kernel_node *node; /* [KERNEL_MAP_NODES] */
    struct vm_error *refusal;
    uint32_t nasids;
    uint32_t fresh; /* nodes from here on have never been used */
    uint32_t free;  /* the first free node, linked by word[0]; 0: none */
    uint32_t nfree;
};

static inline bool kernel_is_present(uint64_t word)
{
    return (word & vm_low_bits(KERNEL_WORD_SHIFT)) == KERNEL_PRESENT;
}

static inline uint64_t kernel_present(uint64_t place)
{
    return place << KERNEL_WORD_SHIFT | KERNEL_PRESENT;
}

static inline uint64_t kernel_place(uint64_t word)
{
    return word >> KERNEL_WORD_SHIFT;
}

/* The word of an entry that is not present. */
static inline uint64_t kernel_word(struct vm_pte pte)
{
    VM_ASSERT(pte.state != VM_PTE_PRESENT);
    if (pte.state == VM_PTE_EMPTY)
        return 0;
    VM_ASSERT(pte.slot != 0);
    return (uint64_t)pte.slot << KERNEL_WORD_SHIFT | KERNEL_SWAPPED;
}

/* The entry of a word that is not kernel_is_present. */
static inline struct vm_pte kernel_pte(uint64_t word)
{
    if (word == 0)
        return (struct vm_pte){.state = VM_PTE_EMPTY};
    return (struct vm_pte){.state = VM_PTE_SWAPPED, .slot = (vm_slot)(word >> KERNEL_WORD_SHIFT)};
}

/* Bytes of the block that init is given, zeroed and aligned to 8. `refusal` outlives the map. */
size_t kernel_map_size(uint32_t nasids);
void kernel_map_init(struct kernel_map *m, void *block, uint32_t nasids, struct vm_error *refusal);
/* Make the nodes that set needs. False: the block is used up (VM_EMACHINE in refusal). */
bool kernel_map_ensure(struct kernel_map *m, vm_asid asid, uint64_t vpn);
/* 0 where nodes are missing. */
uint64_t kernel_map_get(const struct kernel_map *m, vm_asid asid, uint64_t vpn);
/* The nodes exist, or word is 0 and there is nothing to empty. */
void kernel_map_set(struct kernel_map *m, vm_asid asid, uint64_t vpn, uint64_t word);
/* The first page number in [vpn, end) whose word is not 0, or end. */
uint64_t kernel_map_next(const struct kernel_map *m, vm_asid asid, uint64_t vpn, uint64_t end);
/* Free the empty nodes that [vpn, end) touches. */
void kernel_map_trim(struct kernel_map *m, vm_asid asid, uint64_t vpn, uint64_t end);
void kernel_map_close(struct kernel_map *m, vm_asid asid);
uint64_t kernel_map_bytes(const struct kernel_map *m, vm_asid asid);
void kernel_map_check(const struct kernel_map *m);

/* Addresses that have a page number here: page keys must tell them apart. */
static inline unsigned kernel_map_va_bits(const struct vm_scheme_env *env)
{
    unsigned bits = KERNEL_MAP_VPN_BITS + env->page_shift;
    return bits < 64 ? bits : 64;
}
static inline bool kernel_map_names(const struct vm_scheme_env *env, vm_va va)
{
    return va >> env->page_shift >> KERNEL_MAP_VPN_BITS == 0;
}

/* The same in addresses, for an address space's next and trim. */
static inline uint64_t kernel_vpn_end(vm_va end, unsigned page_shift)
{
    return end == 0 ? 0 : ((end - 1) >> page_shift) + 1;
}
vm_va kernel_map_next_va(const struct kernel_map *m, vm_asid asid, vm_va va, vm_va end,
                         unsigned page_shift);

#endif
