/* kernel_map.c - see kernel_map.h. */
#include "scheme/kernel_map.h"

#include <string.h>

enum {
    NODE_BITS = 6,
    LEVELS = (KERNEL_MAP_VPN_BITS + NODE_BITS - 1) / NODE_BITS,
    ROOT_LEVEL = LEVELS - 1,
};
_Static_assert(sizeof((struct kernel_node){0}.word) == sizeof(uint64_t) << NODE_BITS, "a bit each");

static unsigned node_index(uint64_t vpn, unsigned level)
{
    return vpn >> level * NODE_BITS & vm_low_bits(NODE_BITS);
}

/* The first page number after vpn that is under the next word of a node of that level. */
static uint64_t node_after(uint64_t vpn, unsigned level)
{
    return (vpn | vm_low_bits(level * NODE_BITS)) + 1;
}

size_t kernel_map_size(uint32_t nasids)
{
    return nasids * sizeof(struct kernel_tree) + KERNEL_MAP_NODES * sizeof(struct kernel_node);
}

void kernel_map_init(struct kernel_map *m, void *block, uint32_t nasids, struct vm_error *refusal)
{
    *m = (struct kernel_map){
        .tree = block,
        .node = (struct kernel_node *)((struct kernel_tree *)block + nasids),
        .refusal = refusal,
        .nasids = nasids,
        .fresh = 1,
    };
}

/* ---- nodes ---- */

static uint32_t node_take(struct kernel_map *m, struct kernel_tree *tree)
{
    uint32_t n = m->free;
    if (n) {
        m->free = (uint32_t)m->node[n].word[0];
        m->nfree--;
    } else if (m->fresh < KERNEL_MAP_NODES) {
        n = m->fresh++;
    } else {
        vm_fail(m->refusal, VM_EMACHINE,
                "the kernel's map of pages is full: %d nodes of 64 pages: expected fewer or denser "
                "mappings",
                KERNEL_MAP_NODES - 1);
        return 0;
    }
    memset(&m->node[n], 0, sizeof m->node[n]);
    tree->nnodes++;
    return n;
}

static void node_free(struct kernel_map *m, struct kernel_tree *tree, uint32_t n)
{
    m->node[n].word[0] = m->free;
    m->free = n;
    m->nfree++;
    tree->nnodes--;
}

static void node_set(struct kernel_node *node, unsigned i, uint64_t word)
{
    node->word[i] = word;
    node->filled = (node->filled & ~(UINT64_C(1) << i)) | (uint64_t)(word != 0) << i;
}

static struct kernel_tree *tree_of(const struct kernel_map *m, vm_asid asid)
{
    VM_ASSERT(asid < m->nasids);
    return &m->tree[asid];
}

/* The leaf of vpn, or node 0. */
static uint32_t leaf_of(const struct kernel_map *m, vm_asid asid, uint64_t vpn)
{
    VM_ASSERT(vpn >> KERNEL_MAP_VPN_BITS == 0);
    uint32_t n = tree_of(m, asid)->root;
    for (unsigned level = ROOT_LEVEL; n && level > 0; level--)
        n = (uint32_t)m->node[n].word[node_index(vpn, level)];
    return n;
}

/* ---- entries ---- */

bool kernel_map_ensure(struct kernel_map *m, vm_asid asid, uint64_t vpn)
{
    struct kernel_tree *tree = tree_of(m, asid);
    VM_ASSERT(vpn >> KERNEL_MAP_VPN_BITS == 0);
    if (!tree->root && !(tree->root = node_take(m, tree)))
        return false;
    uint32_t n = tree->root;
    for (unsigned level = ROOT_LEVEL; level > 0; level--) {
        unsigned i = node_index(vpn, level);
        if (!m->node[n].word[i]) {
            uint32_t below = node_take(m, tree);
            if (!below)
                return false;
            node_set(&m->node[n], i, below);
        }
        n = (uint32_t)m->node[n].word[i];
    }
    return true;
}

uint64_t kernel_map_get(const struct kernel_map *m, vm_asid asid, uint64_t vpn)
{
    uint32_t n = leaf_of(m, asid, vpn);
    return n ? m->node[n].word[node_index(vpn, 0)] : 0;
}

void kernel_map_set(struct kernel_map *m, vm_asid asid, uint64_t vpn, uint64_t word)
{
    uint32_t n = leaf_of(m, asid, vpn);
    VM_ASSERT(n || word == 0);
    if (n)
        node_set(&m->node[n], node_index(vpn, 0), word);
}

/* The first page number in [vpn, end), all under node n, whose word is not 0; or end. */
static uint64_t node_scan(const struct kernel_map *m, uint32_t n, unsigned level, uint64_t vpn,
                          uint64_t end)
{
    while (vpn < end) {
        unsigned i = node_index(vpn, level);
        uint64_t rest = m->node[n].filled >> i;
        if (rest == 0)
            return end;
        unsigned skip = (unsigned)__builtin_ctzll(rest);
        if (skip > 0)
            vpn = ((vpn >> level * NODE_BITS) + skip) << level * NODE_BITS;
        if (level == 0)
            return vpn < end ? vpn : end;
        uint64_t after = node_after(vpn, level), limit = after < end ? after : end;
        uint32_t below = (uint32_t)m->node[n].word[i + skip];
        vpn = node_scan(m, below, level - 1, vpn, limit);
        if (vpn < limit)
            return vpn;
    }
    return end;
}

uint64_t kernel_map_next(const struct kernel_map *m, vm_asid asid, uint64_t vpn, uint64_t end)
{
    VM_ASSERT(end <= UINT64_C(1) << KERNEL_MAP_VPN_BITS);
    uint32_t root = tree_of(m, asid)->root;
    return root ? node_scan(m, root, ROOT_LEVEL, vpn, end) : end;
}

vm_va kernel_map_next_va(const struct kernel_map *m, vm_asid asid, vm_va va, vm_va end,
                         unsigned page_shift)
{
    VM_ASSERT(va % (UINT64_C(1) << page_shift) == 0 && va <= end);
    uint64_t limit = kernel_vpn_end(end, page_shift), vpn = va >> page_shift;
    if (limit >> KERNEL_MAP_VPN_BITS)
        limit = UINT64_C(1) << KERNEL_MAP_VPN_BITS;
    if (vpn >= limit)
        return end;
    uint64_t found = kernel_map_next(m, asid, vpn, limit);
    return found < limit ? found << page_shift : end;
}

/* ---- giving nodes back ---- */

static void node_drop(struct kernel_map *m, struct kernel_tree *tree, uint32_t n, unsigned level)
{
    for (uint64_t rest = level > 0 ? m->node[n].filled : 0; rest; rest &= rest - 1)
        node_drop(m, tree, (uint32_t)m->node[n].word[__builtin_ctzll(rest)], level - 1);
    node_free(m, tree, n);
}

void kernel_map_close(struct kernel_map *m, vm_asid asid)
{
    struct kernel_tree *tree = tree_of(m, asid);
    if (tree->root)
        node_drop(m, tree, tree->root, ROOT_LEVEL);
    tree->root = 0;
    VM_ASSERT(tree->nnodes == 0);
}

/* Trim below node n in [vpn, end), all under it. */
static void node_trim(struct kernel_map *m, struct kernel_tree *tree, uint32_t n, unsigned level,
                      uint64_t vpn, uint64_t end)
{
    while (level > 0 && m->node[n].filled && vpn < end) {
        unsigned i = node_index(vpn, level);
        uint64_t after = node_after(vpn, level), limit = after < end ? after : end;
        uint32_t below = (uint32_t)m->node[n].word[i];
        if (below) {
            node_trim(m, tree, below, level - 1, vpn, limit);
            if (m->node[below].filled == 0) {
                node_free(m, tree, below);
                node_set(&m->node[n], i, 0);
            }
        }
        vpn = limit;
    }
}

void kernel_map_trim(struct kernel_map *m, vm_asid asid, uint64_t vpn, uint64_t end)
{
    struct kernel_tree *tree = tree_of(m, asid);
    uint64_t most = UINT64_C(1) << KERNEL_MAP_VPN_BITS;
    if (!tree->root)
        return;
    node_trim(m, tree, tree->root, ROOT_LEVEL, vpn, end < most ? end : most);
    if (m->node[tree->root].filled == 0) {
        node_free(m, tree, tree->root);
        tree->root = 0;
    }
}

uint64_t kernel_map_bytes(const struct kernel_map *m, vm_asid asid)
{
    return tree_of(m, asid)->nnodes * sizeof(struct kernel_node);
}

/* ---- the check ---- */

/* Asserts invariant 1 of node n and all below; returns how many nodes that is. */
static uint32_t node_check(const struct kernel_map *m, uint32_t n, unsigned level)
{
    uint32_t nnodes = 1;
    VM_ASSERT(n && n < m->fresh);
    for (unsigned i = 0; i < 1u << NODE_BITS; i++) {
        uint64_t word = m->node[n].word[i];
        VM_ASSERT((m->node[n].filled >> i & 1) == (word != 0));
        if (level > 0 && word)
            nnodes += node_check(m, (uint32_t)word, level - 1);
    }
    return nnodes;
}

void kernel_map_check(const struct kernel_map *m)
{
    uint32_t nnodes = 0, nfree = 0;
    for (uint32_t asid = 0; asid < m->nasids; asid++) {
        const struct kernel_tree *tree = &m->tree[asid];
        VM_ASSERT(tree->nnodes == (tree->root ? node_check(m, tree->root, ROOT_LEVEL) : 0));
        nnodes += tree->nnodes;
    }
    for (uint32_t n = m->free; n; n = (uint32_t)m->node[n].word[0])
        nfree++;
    VM_ASSERT(nfree == m->nfree && nnodes + nfree == m->fresh - 1);
}
