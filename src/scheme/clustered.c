/* clustered.c - hashed buckets of nodes, each of which maps a cluster of neighbouring pages.
 *
 * A hashed page table spends a tag and a link on every page. Neighbours are mostly mapped together,
 * so a clustered one has a tag and a link for `pages` of them; with pages=1 it is the plain hashed
 * page table. One table serves all address spaces; the buckets are an array of first nodes, further
 * ones are chained:
 *
 *      VPN | ASID -> cluster | ASID -> hash -> bucket's node -> node -> ...
 *
 *      node   tag: cluster 63:12 (VPN / pages), ASID 11:0
 *             link 63:3 (physical address / 8 of the next node), N 1: there is one, V 0: in use
 *             `pages` words, leaves of RISC-V Sv39 (riscv.inc.h)
 *
 * The walk reads nodes one after another. The tag of a node passed over is listed, and the page's
 * word in the node found; where that word is in another line of 64 bytes than the tag, both are, in
 * one step.
 *
 * Invariants
 *  1. A page's word is not 0 if and only if the kernel's map has the page as present; a node has a
 *     word that is not 0. So emptying the last word frees the node.
 *  2. A bucket whose first node is not in use has none. Further nodes come from the pool: frames of
 *     nodes, in the list `pool` while some node of theirs is free, those without any in use last.
 *  3. The buckets are there while any address space is open. Pool frames come with ensure(), which
 *     leaves a free node for the set() that follows, and go with trim() when no node of theirs is
 *     in use.
 *
 * Source: M. Talluri, M. Hill and Y. Khalidi, "A New Page Table for 64-bit Address Spaces", SOSP
 * 1995. Not here: its partial-subblock and superpage words.
 */
#define PTE_PFN_BITS 44
#include "scheme/riscv.inc.h"

#include "base/links.h"
#include "base/random.h"
#include "scheme/answers.h"
#include "scheme/entry.inc.h"
#include "scheme/kernel_map.h"
#include "scheme/words.h"

enum {
    PAGE_SHIFT_MIN = 9,
    PAGE_SHIFT_MAX = 24,
    WORD_BYTES = 8,
    NODE_LINK = 8, /* offsets in a node */
    NODE_WORDS = 16,
    LINK_VALID = 1,
    LINK_NEXT = 2,
    LINK_FLAGS = 7,
    LINE_SHIFT = 6,
};
#define NO_NODE UINT64_MAX

static const struct vm_param params[] = {
    {"pages", VM_PARAM_WORD, "16", 0, 0, "1|2|4|8|16",
     "pages that a node maps; 1: a plain hashed page table"},
    {"buckets", VM_PARAM_COUNT, "0", 0, 1 << 28, NULL,
     "rounded up to a power of two; 0: one for each `pages` frames"},
};

/* Of a frame of pool nodes. */
struct pool_frame {
    uint32_t used;
    uint32_t free; /* the first free node's number in the frame + 1, linked by tags; 0: none */
};

struct clustered {
    struct vm_scheme_env env;
    struct kernel_map kernel;
    unsigned cluster_shift; /* log2 of the pages that a node maps */
    uint32_t node_bytes, frame_nodes;
    uint32_t nbuckets; /* a power of two */
    uint32_t nframes_table;
    uint32_t nopen, npool;
    vm_pfn table;
    struct vm_links *links;  /* [nframes + 1] of the pool; its head is nframes */
    struct pool_frame *pool; /* [nframes] */
    bool *open;              /* [nasids] */
};

static size_t clustered_size(const struct vm_scheme_env *env)
{
    return sizeof(struct clustered) + kernel_map_size(env->nasids) +
           ((size_t)env->nframes + 1) * sizeof(struct vm_links) +
           env->nframes * sizeof(struct pool_frame) + env->nasids * sizeof(bool);
}

static uint32_t buckets_wanted(const struct vm_scheme_env *env, unsigned cluster_shift)
{
    uint64_t buckets = vm_params_count(env->params, "buckets");
    if (buckets == 0)
        buckets = (env->page_frames - 1) >> cluster_shift;
    return UINT32_C(1) << vm_bits_below(buckets);
}

static void clustered_init(void *state, const struct vm_scheme_env *env)
{
    VM_ASSERT(env->nasids <= VM_ASID_MAX + 1);
    struct clustered *s = state;
    s->env = *env;
    s->cluster_shift = (unsigned)vm_params_count(env->params, "pages");
    s->node_bytes = NODE_WORDS + (WORD_BYTES << s->cluster_shift);
    s->frame_nodes = (UINT32_C(1) << env->page_shift) / s->node_bytes;
    s->nbuckets = buckets_wanted(env, s->cluster_shift);
    s->nframes_table =
        (uint32_t)(((uint64_t)s->nbuckets * s->node_bytes - 1) >> env->page_shift) + 1;
    uint8_t *room = (uint8_t *)(s + 1);
    kernel_map_init(&s->kernel, room, env->nasids, env->refusal);
    s->links = (struct vm_links *)(room + kernel_map_size(env->nasids));
    s->pool = (struct pool_frame *)(s->links + env->nframes + 1);
    s->open = (bool *)(s->pool + env->nframes);
    vm_links_head(s->links, env->nframes);
}

/* ---- nodes ---- */

static inline uint64_t node_tag(const struct clustered *s, vm_asid asid, uint64_t vpn)
{
    VM_ASSERT(asid < s->env.nasids && s->open[asid]);
    return vpn >> s->cluster_shift << 12 | asid;
}

static inline vm_pa bucket_at(const struct clustered *s, uint64_t tag)
{
    return ((vm_pa)s->table << s->env.page_shift) +
           (vm_mix64(tag) & (s->nbuckets - 1)) * s->node_bytes;
}

static inline bool node_used(const struct clustered *s, vm_pa node)
{
    return word_load(&s->env, node + NODE_LINK) & LINK_VALID;
}

static inline vm_pa node_next(const struct clustered *s, vm_pa node)
{
    uint64_t link = word_load(&s->env, node + NODE_LINK);
    return link & LINK_NEXT ? link & ~(uint64_t)LINK_FLAGS : NO_NODE;
}

static void node_link(struct clustered *s, vm_pa at, vm_pa next)
{
    word_store(&s->env, at + NODE_LINK,
               next == NO_NODE ? LINK_VALID : next | LINK_NEXT | LINK_VALID);
}

static inline vm_pa node_word_at(const struct clustered *s, vm_pa node, uint64_t vpn)
{
    return node + NODE_WORDS + (vpn & vm_low_bits(s->cluster_shift)) * WORD_BYTES;
}

static bool node_empty(const struct clustered *s, vm_pa node)
{
    uint64_t all = 0;
    for (uint64_t i = 0; i >> s->cluster_shift == 0; i++)
        all |= word_load(&s->env, node_word_at(s, node, i));
    return all == 0;
}

static vm_pa node_find(const struct clustered *s, uint64_t tag)
{
    vm_pa node = bucket_at(s, tag);
    if (!node_used(s, node))
        return NO_NODE;
    while (node != NO_NODE && word_load(&s->env, node) != tag)
        node = node_next(s, node);
    return node;
}

/* ---- the pool ---- */

static vm_pa pool_node_at(const struct clustered *s, vm_pfn frame, uint32_t i)
{
    return ((vm_pa)frame << s->env.page_shift) + (vm_pa)i * s->node_bytes;
}

static void pool_push(struct clustered *s, vm_pfn frame, uint32_t i)
{
    vm_pa node = pool_node_at(s, frame, i);
    memset(s->env.memory + node, 0, s->node_bytes);
    word_store(&s->env, node, s->pool[frame].free);
    s->pool[frame].free = i + 1;
}

static bool pool_grow(struct clustered *s)
{
    vm_pfn frame = s->env.take(s->env.host, 1);
    if (frame == VM_NOFRAME)
        return false;
    s->pool[frame] = (struct pool_frame){0};
    for (uint32_t i = s->frame_nodes; i-- > 0;)
        pool_push(s, frame, i);
    vm_links_push_last(s->links, s->env.nframes, frame);
    s->npool++;
    return true;
}

static vm_pa pool_take(struct clustered *s)
{
    vm_pfn frame = s->links[s->env.nframes].next;
    VM_ASSERT(frame != s->env.nframes); /* ensure() saw to it */
    struct pool_frame *p = &s->pool[frame];
    vm_pa node = pool_node_at(s, frame, p->free - 1);
    p->free = (uint32_t)word_load(&s->env, node);
    p->used++;
    vm_links_remove(s->links, frame);
    if (p->free)
        vm_links_push_first(s->links, s->env.nframes, frame);
    return node;
}

static void pool_free(struct clustered *s, vm_pa node)
{
    vm_pfn frame = (vm_pfn)(node >> s->env.page_shift);
    struct pool_frame *p = &s->pool[frame];
    if (p->free)
        vm_links_remove(s->links, frame);
    pool_push(s, frame, (uint32_t)((node - pool_node_at(s, frame, 0)) / s->node_bytes));
    if (--p->used)
        vm_links_push_first(s->links, s->env.nframes, frame);
    else
        vm_links_push_last(s->links, s->env.nframes, frame);
}

/* Give back the frames without a node in use. */
static void pool_give(struct clustered *s)
{
    vm_pfn frame;
    while ((frame = s->links[s->env.nframes].prev) != s->env.nframes && s->pool[frame].used == 0) {
        vm_links_remove(s->links, frame);
        s->env.give(s->env.host, frame, 1);
        s->npool--;
    }
}

/* ---- nodes on their chains ---- */

/* A node for the tag, all its words 0. */
static vm_pa node_make(struct clustered *s, uint64_t tag)
{
    vm_pa bucket = bucket_at(s, tag), node = bucket;
    if (node_used(s, bucket)) {
        node = pool_take(s);
        node_link(s, node, node_next(s, bucket));
        node_link(s, bucket, node);
    } else {
        node_link(s, bucket, NO_NODE);
    }
    word_store(&s->env, node, tag);
    return node;
}

/* The bucket's first node goes: the next one takes its place, if there is one. */
static void bucket_pop(struct clustered *s, vm_pa bucket)
{
    vm_pa next = node_next(s, bucket);
    if (next == NO_NODE) {
        memset(s->env.memory + bucket, 0, s->node_bytes);
        return;
    }
    memcpy(s->env.memory + bucket, s->env.memory + next, s->node_bytes);
    pool_free(s, next);
}

static void node_drop(struct clustered *s, vm_pa node)
{
    vm_pa before = bucket_at(s, word_load(&s->env, node));
    if (before == node) {
        bucket_pop(s, node);
        return;
    }
    while (node_next(s, before) != node)
        before = node_next(s, before);
    node_link(s, before, node_next(s, node));
    pool_free(s, node);
}

static void page_clear(struct clustered *s, uint64_t tag, uint64_t vpn)
{
    vm_pa node = node_find(s, tag);
    VM_ASSERT(node != NO_NODE);
    word_store(&s->env, node_word_at(s, node, vpn), 0);
    if (node_empty(s, node))
        node_drop(s, node);
}

/* ---- address spaces ---- */

static bool clustered_open(void *state, vm_asid asid)
{
    struct clustered *s = state;
    VM_ASSERT(asid < s->env.nasids && !s->open[asid]);
    if (s->nopen == 0) {
        s->table = s->env.take(s->env.host, s->nframes_table);
        if (s->table == VM_NOFRAME)
            return false;
        VM_ASSERT(s->nframes_table <= s->env.nframes - s->table);
    }
    s->nopen++;
    s->open[asid] = true;
    return true;
}

static void clustered_close(void *state, vm_asid asid)
{
    struct clustered *s = state;
    const uint64_t end = UINT64_C(1) << KERNEL_MAP_VPN_BITS;
    for (uint64_t vpn = 0; (vpn = kernel_map_next(&s->kernel, asid, vpn, end)) < end; vpn++)
        if (kernel_is_present(kernel_map_get(&s->kernel, asid, vpn)))
            page_clear(s, node_tag(s, asid, vpn), vpn);
    kernel_map_close(&s->kernel, asid);
    s->open[asid] = false;
    pool_give(s);
    if (--s->nopen == 0)
        s->env.give(s->env.host, s->table, s->nframes_table);
}

/* ---- entries of pages ---- */

static bool clustered_ensure(void *state, vm_asid asid, vm_va va, unsigned order)
{
    struct clustered *s = state;
    VM_ASSERT(asid < s->env.nasids && s->open[asid] && order == 0);
    if (!kernel_map_names(&s->env, va))
        return vm_fail(s->env.refusal, VM_EMACHINE, "address 0x%llx: clustered names %u bits",
                       (unsigned long long)va, KERNEL_MAP_VPN_BITS + s->env.page_shift);
    return kernel_map_ensure(&s->kernel, asid, va >> s->env.page_shift) &&
           (!vm_links_empty(s->links, s->env.nframes) || pool_grow(s));
}

static struct vm_pte clustered_get(const void *state, vm_asid asid, vm_va va)
{
    const struct clustered *s = state;
    uint64_t vpn = va >> s->env.page_shift;
    uint64_t word = kernel_map_names(&s->env, va) ? kernel_map_get(&s->kernel, asid, vpn) : 0;
    if (!kernel_is_present(word))
        return kernel_pte(word);
    vm_pa node = node_find(s, node_tag(s, asid, vpn));
    return entry_decode(word_load(&s->env, node_word_at(s, node, vpn)));
}

static void clustered_set(void *state, vm_asid asid, vm_va va, struct vm_pte pte)
{
    struct clustered *s = state;
    uint64_t vpn = va >> s->env.page_shift, tag = node_tag(s, asid, vpn);
    VM_ASSERT(pte.state != VM_PTE_PRESENT || pte.pfn < s->env.nframes);
    if (pte.state == VM_PTE_PRESENT) {
        vm_pa node = node_find(s, tag);
        if (node == NO_NODE)
            node = node_make(s, tag);
        word_store(&s->env, node_word_at(s, node, vpn), entry_encode(pte));
        kernel_map_set(&s->kernel, asid, vpn, kernel_present(0));
        return;
    }
    if (kernel_is_present(kernel_map_get(&s->kernel, asid, vpn)))
        page_clear(s, tag, vpn);
    kernel_map_set(&s->kernel, asid, vpn, kernel_word(pte));
}

static vm_va clustered_next(const void *state, vm_asid asid, vm_va va, vm_va end)
{
    const struct clustered *s = state;
    return kernel_map_next_va(&s->kernel, asid, va, end, s->env.page_shift);
}

static void clustered_trim(void *state, vm_asid asid, vm_va va, vm_va end)
{
    struct clustered *s = state;
    unsigned shift = s->env.page_shift;
    kernel_map_trim(&s->kernel, asid, va >> shift, kernel_vpn_end(end, shift));
    pool_give(s);
}

/* The end of a walk in the node that has the page's word. */
static void walk_node(struct clustered *s, vm_pa node, uint64_t vpn, enum vm_access access,
                      unsigned mode, struct vm_walk *out)
{
    vm_pa at = node_word_at(s, node, vpn);
    uint64_t word = word_load(&s->env, at);
    if (at >> LINE_SHIFT == node >> LINE_SHIFT) {
        walk_load(out, at, word, s->env.page_shift, VM_LOAD_LEAF);
    } else {
        walk_load(out, node, word_load(&s->env, node), 0, VM_LOAD_TABLE);
        walk_load_beside(out, at, word, s->env.page_shift, VM_LOAD_LEAF);
    }
    uint64_t after = walk_end(out, access, mode, word);
    if (after != word) {
        word_store(&s->env, at, after);
        out->nstores++;
    }
}

static void clustered_walk(void *state, vm_asid asid, vm_va va, enum vm_access access,
                           unsigned mode, struct vm_walk *out)
{
    struct clustered *s = state;
    walk_begin(out);
    if (!kernel_map_names(&s->env, va)) {
        out->fault = VM_WALK_BOUNDS;
        return;
    }
    uint64_t vpn = va >> s->env.page_shift, tag = node_tag(s, asid, vpn);
    vm_pa node = bucket_at(s, tag);
    bool used = node_used(s, node); /* else its tag is 0, which is also that of the first page */
    while (node != NO_NODE) {
        uint64_t found = word_load(&s->env, node);
        if (used && found == tag) {
            walk_node(s, node, vpn, access, mode, out);
            return;
        }
        walk_load(out, node, found, 0, VM_LOAD_TABLE);
        node = node_next(s, node);
    }
    out->fault = VM_WALK_ABSENT;
}

static void clustered_footprint(const void *state, vm_asid asid, struct vm_footprint *out)
{
    const struct clustered *s = state;
    VM_ASSERT(asid < s->env.nasids && s->open[asid]);
    *out = (struct vm_footprint){
        .shared_bytes = ((uint64_t)s->nframes_table + s->npool) << s->env.page_shift,
        .kernel_bytes = kernel_map_bytes(&s->kernel, asid),
    };
}

/* ---- the check ---- */

/* The pages of one address space as the kernel has them; how many are in the table. */
static uint64_t check_space(const struct clustered *s, vm_asid asid)
{
    uint64_t present = 0;
    const uint64_t end = UINT64_C(1) << KERNEL_MAP_VPN_BITS;
    for (uint64_t vpn = 0; (vpn = kernel_map_next(&s->kernel, asid, vpn, end)) < end; vpn++) {
        uint64_t word = kernel_map_get(&s->kernel, asid, vpn);
        if (!kernel_is_present(word)) {
            VM_ASSERT(kernel_word(kernel_pte(word)) == word);
            continue;
        }
        vm_pa node = node_find(s, node_tag(s, asid, vpn));
        VM_ASSERT(node != NO_NODE && word_load(&s->env, node_word_at(s, node, vpn)) != 0);
        present++;
    }
    return present;
}

/* A node in use; how many pages it maps. */
static uint64_t check_node(const struct clustered *s, vm_pa bucket, vm_pa node)
{
    uint64_t present = 0, tag = word_load(&s->env, node);
    VM_ASSERT(node_used(s, node) && bucket_at(s, tag) == bucket && node_find(s, tag) == node);
    for (uint64_t i = 0; i >> s->cluster_shift == 0; i++) {
        uint64_t word = word_load(&s->env, node_word_at(s, node, i));
        VM_ASSERT(word == 0 || entry_decode(word).state == VM_PTE_PRESENT);
        VM_ASSERT(entry_encode(entry_decode(word)) == word);
        present += word != 0;
    }
    VM_ASSERT(present > 0);
    return present;
}

/* All buckets; how many pages they map, and how many nodes of the pool they use. */
static uint64_t check_buckets(const struct clustered *s, uint64_t *nodes)
{
    uint64_t present = 0;
    for (uint32_t i = 0; i < s->nbuckets; i++) {
        vm_pa bucket = pool_node_at(s, s->table, i), node = bucket;
        if (!node_used(s, bucket)) {
            VM_ASSERT(node_next(s, bucket) == NO_NODE && node_empty(s, bucket));
            continue;
        }
        for (; node != NO_NODE; node = node_next(s, node)) {
            present += check_node(s, bucket, node);
            *nodes += node != bucket;
        }
    }
    return present;
}

/* The pool's list; how many nodes of its frames, and of the full ones besides, are in use. */
static uint64_t check_pool(const struct clustered *s)
{
    uint64_t used = 0;
    uint32_t nlisted = 0;
    bool whole = false;
    for (uint32_t f = s->links[s->env.nframes].next; f != s->env.nframes; f = s->links[f].next) {
        uint32_t nfree = 0;
        for (uint32_t i = s->pool[f].free; i; nfree++)
            i = (uint32_t)word_load(&s->env, pool_node_at(s, f, i - 1));
        VM_ASSERT(nfree > 0 && nfree + s->pool[f].used == s->frame_nodes);
        VM_ASSERT(!whole || s->pool[f].used == 0); /* those without a node in use are last */
        whole = s->pool[f].used == 0;
        used += s->pool[f].used;
        nlisted++;
    }
    return used + (uint64_t)(s->npool - nlisted) * s->frame_nodes;
}

static void clustered_check(const void *state)
{
    const struct clustered *s = state;
    uint64_t present = 0, nodes = 0;
    uint32_t nopen = 0;
    kernel_map_check(&s->kernel);
    for (uint32_t asid = 0; asid < s->env.nasids; asid++) {
        nopen += s->open[asid];
        if (s->open[asid])
            present += check_space(s, (vm_asid)asid);
    }
    VM_ASSERT(nopen == s->nopen);
    VM_ASSERT(nopen == 0 || check_buckets(s, &nodes) == present);
    VM_ASSERT(check_pool(s) == nodes);
}

/* ---- for explanations ---- */

static size_t clustered_va_fields(const void *state, struct vm_field *out)
{
    const struct clustered *s = state;
    unsigned shift = s->env.page_shift, low = shift + s->cluster_shift;
    size_t n = 0;
    out[n++] =
        (struct vm_field){"cluster", (uint8_t)(kernel_map_va_bits(&s->env) - 1), (uint8_t)low};
    if (low > shift)
        out[n++] = (struct vm_field){"word", (uint8_t)(low - 1), (uint8_t)shift};
    out[n++] = (struct vm_field){"offset", (uint8_t)(shift - 1), 0};
    return n;
}

static size_t clustered_word_fields(const void *state, const struct vm_walk *walk, size_t i,
                                    struct vm_field *out)
{
    if (walk->load[i].role == VM_LOAD_LEAF)
        return entry_fields(state, walk, i, out);
    out[0] = (struct vm_field){"cluster", 63, 12};
    out[1] = (struct vm_field){"ASID", 11, 0};
    return 2;
}

const struct vm_scheme_ops vm_scheme_clustered = {
    .name = "clustered",
    .summary = "hashed page table for all address spaces, a node for each cluster of pages",
    .page_shift_min = PAGE_SHIFT_MIN,
    .page_shift_max = PAGE_SHIFT_MAX,
    .marks = VM_FRAME_REFERENCED | VM_FRAME_DIRTY,
    .param = params,
    .nparams = sizeof params / sizeof params[0],
    .accept = scheme_accept_all,
    .va_bits = kernel_map_va_bits,
    .orders = scheme_base_orders,
    .size = clustered_size,
    .init = clustered_init,
    .open = clustered_open,
    .close = clustered_close,
    .ensure = clustered_ensure,
    .get = clustered_get,
    .set = clustered_set,
    .next = clustered_next,
    .trim = clustered_trim,
    .walk = clustered_walk,
    .footprint = clustered_footprint,
    .check = clustered_check,
    .va_fields = clustered_va_fields,
    .word_fields = clustered_word_fields,
};
