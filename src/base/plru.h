/* plru.h - tree-PLRU: a binary tree of bits over the ways of a set, each pointing away from what
 * was used last; following them from the root leads to the victim.
 *
 * Node 1 is the root, node k has the children 2k and 2k + 1. A node over the ways [low, high) parts
 * them at their middle; where these are not a power of two its lower half is the larger one. Bit k
 * of the tree: the victim lies in the upper half below node k. At most 64 ways: inner nodes are
 * then below 64.
 *
 * Hennessy & Patterson, Computer Architecture, app. B, has it for powers of two.
 */
#ifndef BASE_PLRU_H
#define BASE_PLRU_H

#include <stdint.h>

#define VM_PLRU_WAYS 64

/* What a use of `way` does to a tree, for vm_plru_follow: at each node on the way down it points to
 * the other half. path[0]: the bits that it keeps; path[1]: those that it sets. */
static inline void vm_plru_path(uint32_t ways, uint32_t way, uint64_t path[2])
{
    uint32_t low = 0, high = ways, node = 1;
    path[0] = UINT64_MAX;
    path[1] = 0;
    while (high - low > 1) {
        uint32_t middle = (low + high + 1) / 2, upper = way >= middle;
        path[0] &= ~(UINT64_C(1) << node);
        path[1] |= (uint64_t)(upper ^ 1) << node;
        node = node * 2 + upper;
        low = upper ? middle : low;
        high = upper ? high : middle;
    }
}

/* The tree after the use. */
static inline uint64_t vm_plru_follow(uint64_t tree, const uint64_t path[2])
{
    return (tree & path[0]) | path[1];
}

/* Both, for who does not keep paths. */
static inline uint64_t vm_plru_use(uint64_t tree, uint32_t ways, uint32_t way)
{
    uint64_t path[2];
    vm_plru_path(ways, way, path);
    return vm_plru_follow(tree, path);
}

static inline uint32_t vm_plru_victim(uint64_t tree, uint32_t ways)
{
    uint32_t low = 0, high = ways, node = 1;
    while (high - low > 1) {
        uint32_t middle = (low + high + 1) / 2, upper = tree >> node & 1;
        node = node * 2 + upper;
        low = upper ? middle : low;
        high = upper ? high : middle;
    }
    return low;
}

#endif
