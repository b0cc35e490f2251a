/* inverted.c - one table for all address spaces, with one entry a frame: which page is in it.
 *
 * The table grows with the memory, not with what is mapped. To find a page its key is hashed into
 * a table of anchors; an anchor begins the chain of the entries with that hash:
 *
 *      key -> hash -> anchor -> entry -> entry -> ...
 *
 *      anchor   entry + 1, 0: none                         4 bytes, 2^k >= frames * `anchors`
 *      entry    tag: VPN 63:12, ASID 11:0                  16 bytes; entry f belongs to frame f
 *               link 63:37 (entry + 1, 0: the end), PPN 36:10, marks and rights 9:0 (riscv.inc.h)
 *
 * A frame that several pages map, as after a fork, needs more: their entries are aliases, whose
 * numbers go on after the frames', in blocks of one frame. Strictly inverted tables cannot say it:
 * Mach on the IBM RT PC took a fault whenever the use of a shared frame changed hands.
 *
 * The walk reads the anchor, then each entry of the chain: 16 bytes at once, of which the word that
 * decides is listed, the tag of an entry passed over and the other word of the one found.
 *
 * Invariants
 *  1. An entry is on the chain of its tag's hash if and only if the kernel's map has its page as
 *     present, with the entry's number as its place; it is 0 otherwise, but for the link of a free
 *     alias to the next one.
 *  2. The first `page_frames` entries map their own frame.
 *  3. The table is there while any address space is open. Alias blocks come with ensure(), which
 *     leaves a free alias for the set() that follows; they go when no alias is in use.
 *
 * Source: A. Chang and M. Mergen, "801 Storage: Architecture and Programming", ACM TOCS 6(1) 1988
 * (hash anchor table, inverted page table); J. Huck and J. Hays, "Architectural Support for
 * Translation Table Management in Large Address Space Machines", ISCA 1993; R. Rashid and others,
 * ASPLOS 1987, section 5.1. Not here: large pages.
 */
#define PTE_PFN_BITS 27
#include "scheme/riscv.inc.h"

#include "base/random.h"
#include "scheme/answers.h"
#include "scheme/entry.inc.h"
#include "scheme/kernel_map.h"
#include "scheme/words.h"

enum {
    PAGE_SHIFT_MIN = 9,
    PAGE_SHIFT_MAX = 24,
    ANCHOR_BYTES = 4,
    ENTRY_BYTES = 16,
    WORD_BYTES = 8,
    LINK_SHIFT = PTE_PFN_SHIFT + PTE_PFN_BITS,
    LINK_BITS = 64 - LINK_SHIFT,
};

static const struct vm_param params[] = {
    {"anchors", VM_PARAM_COUNT, "1", 1, 16, NULL,
     "hash anchors for each frame; their sum is rounded up to a power of two"},
};

struct inverted {
    struct vm_scheme_env env;
    struct kernel_map kernel;
    uint32_t nanchors; /* a power of two */
    uint32_t nframes_table;
    vm_pfn table; /* while nopen > 0: the anchors, then the entries */
    uint32_t nopen;
    uint32_t block_entries; /* aliases in a block */
    uint32_t nblocks;
    uint32_t naliases; /* in use */
    uint32_t free;     /* the first free alias, as links are; 0: none */
    vm_pfn *block;     /* [nframes] of alias blocks, the first nblocks */
    bool *open;        /* [nasids] */
};

static size_t inverted_size(const struct vm_scheme_env *env)
{
    return sizeof(struct inverted) + kernel_map_size(env->nasids) + env->nframes * sizeof(vm_pfn) +
           env->nasids * sizeof(bool);
}

static void inverted_init(void *state, const struct vm_scheme_env *env)
{
    VM_ASSERT(env->nasids <= VM_ASID_MAX + 1);
    struct inverted *s = state;
    uint64_t wanted = (uint64_t)env->page_frames * vm_params_count(env->params, "anchors");
    s->env = *env;
    s->nanchors = UINT32_C(1) << vm_bits_below(wanted);
    uint64_t bytes =
        (uint64_t)s->nanchors * ANCHOR_BYTES + (uint64_t)env->page_frames * ENTRY_BYTES;
    s->nframes_table = (uint32_t)((bytes - 1) >> env->page_shift) + 1;
    s->block_entries = UINT32_C(1) << env->page_shift >> vm_log2(ENTRY_BYTES);
    uint8_t *room = (uint8_t *)(s + 1);
    kernel_map_init(&s->kernel, room, env->nasids, env->refusal);
    s->block = (vm_pfn *)(room + kernel_map_size(env->nasids));
    s->open = (bool *)(s->block + env->nframes);
}

/* ---- anchors, entries, links ---- */

static inline vm_pa anchor_at(const struct inverted *s, uint64_t key)
{
    return ((vm_pa)s->table << s->env.page_shift) +
           (vm_mix64(key) & (s->nanchors - 1)) * ANCHOR_BYTES;
}

static inline uint32_t anchor_load(const struct inverted *s, vm_pa at)
{
    uint32_t link;
    memcpy(&link, s->env.memory + at, sizeof link);
    return link;
}

/* Where an entry's tag is; its other word is behind it. */
static inline vm_pa entry_at(const struct inverted *s, uint32_t entry)
{
    if (entry < s->env.page_frames)
        return ((vm_pa)s->table << s->env.page_shift) + (vm_pa)s->nanchors * ANCHOR_BYTES +
               (vm_pa)entry * ENTRY_BYTES;
    uint32_t alias = entry - s->env.page_frames;
    VM_ASSERT(alias / s->block_entries < s->nblocks);
    return ((vm_pa)s->block[alias / s->block_entries] << s->env.page_shift) +
           (vm_pa)(alias % s->block_entries) * ENTRY_BYTES;
}

static inline uint32_t entry_link(const struct inverted *s, uint32_t entry)
{
    return (uint32_t)(word_load(&s->env, entry_at(s, entry) + WORD_BYTES) >> LINK_SHIFT);
}

static void entry_store(struct inverted *s, uint32_t entry, uint64_t tag, uint32_t link,
                        uint64_t word)
{
    vm_pa at = entry_at(s, entry);
    word_store(&s->env, at, tag);
    word_store(&s->env, at + WORD_BYTES, (uint64_t)link << LINK_SHIFT | word);
}

static uint64_t entry_word(const struct inverted *s, uint32_t entry)
{
    return word_load(&s->env, entry_at(s, entry) + WORD_BYTES) & vm_low_bits(LINK_SHIFT);
}

static void chain_insert(struct inverted *s, uint64_t key, uint32_t entry, uint64_t word)
{
    vm_pa anchor = anchor_at(s, key);
    uint32_t link = entry + 1;
    entry_store(s, entry, key, anchor_load(s, anchor), word);
    memcpy(s->env.memory + anchor, &link, sizeof link);
}

static void chain_remove(struct inverted *s, uint64_t key, uint32_t entry)
{
    vm_pa anchor = anchor_at(s, key);
    uint32_t link = anchor_load(s, anchor), after = entry_link(s, entry);
    if (link == entry + 1) {
        memcpy(s->env.memory + anchor, &after, sizeof after);
        return;
    }
    while (entry_link(s, link - 1) != entry + 1)
        link = entry_link(s, link - 1);
    vm_pa at = entry_at(s, link - 1);
    entry_store(s, link - 1, word_load(&s->env, at), after, entry_word(s, link - 1));
}

/* ---- aliases ---- */

static void alias_free(struct inverted *s, uint32_t entry)
{
    entry_store(s, entry, 0, s->free, 0);
    s->free = entry + 1;
}

static uint32_t alias_take(struct inverted *s)
{
    VM_ASSERT(s->free); /* ensure() saw to it */
    uint32_t entry = s->free - 1;
    s->free = entry_link(s, entry);
    s->naliases++;
    return entry;
}

static bool aliases_grow(struct inverted *s)
{
    uint64_t first = s->env.page_frames + (uint64_t)s->nblocks * s->block_entries;
    if (first + s->block_entries > vm_low_bits(LINK_BITS))
        return vm_fail(s->env.refusal, VM_EMACHINE,
                       "an inverted table with %llu entries: expected at most %llu, aliases of "
                       "shared frames included",
                       (unsigned long long)first + s->block_entries,
                       (unsigned long long)vm_low_bits(LINK_BITS));
    vm_pfn frame = s->env.take(s->env.host, 1);
    if (frame == VM_NOFRAME)
        return false;
    s->block[s->nblocks++] = frame;
    for (uint32_t i = s->block_entries; i-- > 0;)
        alias_free(s, (uint32_t)first + i);
    return true;
}

static void aliases_give(struct inverted *s)
{
    if (s->naliases > 0)
        return;
    s->free = 0;
    while (s->nblocks > 0)
        s->env.give(s->env.host, s->block[--s->nblocks], 1);
}

/* ---- address spaces ---- */

static bool table_take(struct inverted *s)
{
    if (s->env.page_frames > vm_low_bits(LINK_BITS) - 1)
        return vm_fail(s->env.refusal, VM_EMACHINE,
                       "an inverted table of %u frames: expected at most %llu", s->env.page_frames,
                       (unsigned long long)vm_low_bits(LINK_BITS) - 1);
    s->table = s->env.take(s->env.host, s->nframes_table);
    VM_ASSERT(s->table == VM_NOFRAME || s->nframes_table <= s->env.nframes - s->table);
    return s->table != VM_NOFRAME;
}

static bool inverted_open(void *state, vm_asid asid)
{
    struct inverted *s = state;
    VM_ASSERT(asid < s->env.nasids && !s->open[asid]);
    if (s->nopen == 0 && !table_take(s))
        return false;
    s->nopen++;
    s->open[asid] = true;
    return true;
}

static inline uint64_t inverted_key(const struct inverted *s, vm_asid asid, vm_va va)
{
    VM_ASSERT(asid < s->env.nasids && s->open[asid]);
    return vm_page_key(va, s->env.page_shift, asid);
}

static void entry_free(struct inverted *s, uint64_t key, uint32_t entry)
{
    chain_remove(s, key, entry);
    if (entry < s->env.page_frames) {
        entry_store(s, entry, 0, 0, 0);
        return;
    }
    alias_free(s, entry);
    s->naliases--;
}

static void inverted_close(void *state, vm_asid asid)
{
    struct inverted *s = state;
    const uint64_t end = UINT64_C(1) << KERNEL_MAP_VPN_BITS;
    VM_ASSERT(s->open[asid]);
    for (uint64_t vpn = 0; (vpn = kernel_map_next(&s->kernel, asid, vpn, end)) < end; vpn++) {
        uint64_t word = kernel_map_get(&s->kernel, asid, vpn);
        if (kernel_is_present(word))
            entry_free(s, vpn << 12 | asid, (uint32_t)kernel_place(word));
    }
    kernel_map_close(&s->kernel, asid);
    s->open[asid] = false;
    aliases_give(s);
    if (--s->nopen == 0)
        s->env.give(s->env.host, s->table, s->nframes_table);
}

/* ---- entries of pages ---- */

static bool inverted_ensure(void *state, vm_asid asid, vm_va va, unsigned order)
{
    struct inverted *s = state;
    VM_ASSERT(asid < s->env.nasids && s->open[asid] && order == 0);
    if (!kernel_map_names(&s->env, va))
        return vm_fail(s->env.refusal, VM_EMACHINE, "address 0x%llx: inverted names %u bits",
                       (unsigned long long)va, KERNEL_MAP_VPN_BITS + s->env.page_shift);
    return kernel_map_ensure(&s->kernel, asid, va >> s->env.page_shift) &&
           (s->free || aliases_grow(s));
}

static struct vm_pte inverted_get(const void *state, vm_asid asid, vm_va va)
{
    const struct inverted *s = state;
    VM_ASSERT(asid < s->env.nasids && s->open[asid]);
    uint64_t word = kernel_map_names(&s->env, va)
                        ? kernel_map_get(&s->kernel, asid, va >> s->env.page_shift)
                        : 0;
    return kernel_is_present(word) ? entry_decode(entry_word(s, (uint32_t)kernel_place(word)))
                                   : kernel_pte(word);
}

/* An entry for a page in that frame: the frame's own, or an alias. */
static uint32_t entry_take(struct inverted *s, vm_pfn pfn)
{
    return entry_word(s, pfn) == 0 ? pfn : alias_take(s);
}

static void inverted_set(void *state, vm_asid asid, vm_va va, struct vm_pte pte)
{
    struct inverted *s = state;
    uint64_t key = inverted_key(s, asid, va), vpn = va >> s->env.page_shift;
    uint64_t word = kernel_map_get(&s->kernel, asid, vpn);
    VM_ASSERT(pte.state != VM_PTE_PRESENT || pte.pfn < s->env.page_frames);
    if (kernel_is_present(word))
        entry_free(s, key, (uint32_t)kernel_place(word));
    if (pte.state == VM_PTE_PRESENT) {
        uint32_t entry = entry_take(s, pte.pfn);
        chain_insert(s, key, entry, entry_encode(pte));
        word = kernel_present(entry);
    } else {
        word = kernel_word(pte);
    }
    kernel_map_set(&s->kernel, asid, vpn, word);
}

static vm_va inverted_next(const void *state, vm_asid asid, vm_va va, vm_va end)
{
    const struct inverted *s = state;
    return kernel_map_next_va(&s->kernel, asid, va, end, s->env.page_shift);
}

static void inverted_trim(void *state, vm_asid asid, vm_va va, vm_va end)
{
    struct inverted *s = state;
    unsigned shift = s->env.page_shift;
    kernel_map_trim(&s->kernel, asid, va >> shift, kernel_vpn_end(end, shift));
    aliases_give(s);
}

static void inverted_walk(void *state, vm_asid asid, vm_va va, enum vm_access access, unsigned mode,
                          struct vm_walk *out)
{
    struct inverted *s = state;
    walk_begin(out);
    out->fault = VM_WALK_BOUNDS;
    if (!kernel_map_names(&s->env, va))
        return;
    uint64_t key = inverted_key(s, asid, va);
    vm_pa at = anchor_at(s, key);
    uint32_t link = anchor_load(s, at);
    walk_load(out, at, link, 0, VM_LOAD_TABLE);
    for (out->fault = VM_WALK_ABSENT; link; link = entry_link(s, link - 1)) {
        at = entry_at(s, link - 1);
        uint64_t tag = word_load(&s->env, at);
        if (tag == key)
            break;
        walk_load(out, at, tag, 0, VM_LOAD_TABLE);
    }
    if (!link)
        return;
    out->fault = VM_WALK_OK;
    uint64_t word = word_load(&s->env, at + WORD_BYTES);
    walk_load(out, at + WORD_BYTES, word, s->env.page_shift, VM_LOAD_LEAF);
    uint64_t entry = word & vm_low_bits(LINK_SHIFT), after = walk_end(out, access, mode, entry);
    if (after != entry) {
        word_store(&s->env, at + WORD_BYTES, (word ^ entry) | after);
        out->nstores++;
    }
}

static void inverted_footprint(const void *state, vm_asid asid, struct vm_footprint *out)
{
    const struct inverted *s = state;
    VM_ASSERT(asid < s->env.nasids && s->open[asid]);
    *out = (struct vm_footprint){
        .shared_bytes = ((uint64_t)s->nframes_table + s->nblocks) << s->env.page_shift,
        .kernel_bytes = kernel_map_bytes(&s->kernel, asid),
    };
}

/* ---- the check ---- */

/* The pages of one address space as the kernel has them; how many are in the table, and of these
 * with an alias. */
static uint64_t check_space(const struct inverted *s, vm_asid asid, uint32_t *naliases)
{
    uint64_t present = 0;
    const uint64_t end = UINT64_C(1) << KERNEL_MAP_VPN_BITS;
    for (uint64_t vpn = 0; (vpn = kernel_map_next(&s->kernel, asid, vpn, end)) < end; vpn++) {
        uint64_t word = kernel_map_get(&s->kernel, asid, vpn);
        if (!kernel_is_present(word)) {
            VM_ASSERT(kernel_word(kernel_pte(word)) == word);
            continue;
        }
        uint32_t entry = (uint32_t)kernel_place(word);
        uint64_t content = entry_word(s, entry);
        VM_ASSERT(word_load(&s->env, entry_at(s, entry)) == (vpn << 12 | asid));
        VM_ASSERT(entry_encode(entry_decode(content)) == content);
        VM_ASSERT(entry >= s->env.page_frames || entry == pte_pfn(content));
        *naliases += entry >= s->env.page_frames;
        present++;
    }
    return present;
}

/* Every chain is of entries with its hash; how many entries there are on all. */
static uint64_t check_chains(const struct inverted *s)
{
    uint64_t n = 0;
    vm_pa first = (vm_pa)s->table << s->env.page_shift;
    for (vm_pa at = first; at < first + (vm_pa)s->nanchors * ANCHOR_BYTES; at += ANCHOR_BYTES)
        for (uint32_t link = anchor_load(s, at); link; link = entry_link(s, link - 1), n++)
            VM_ASSERT(anchor_at(s, word_load(&s->env, entry_at(s, link - 1))) == at);
    return n;
}

static void inverted_check(const void *state)
{
    const struct inverted *s = state;
    uint64_t present = 0;
    uint32_t nopen = 0, naliases = 0, nfree = 0;
    kernel_map_check(&s->kernel);
    for (uint32_t asid = 0; asid < s->env.nasids; asid++) {
        nopen += s->open[asid];
        if (s->open[asid])
            present += check_space(s, (vm_asid)asid, &naliases);
    }
    for (uint32_t link = s->free; link; link = entry_link(s, link - 1))
        nfree++;
    VM_ASSERT(nopen == s->nopen && naliases == s->naliases);
    VM_ASSERT(naliases + nfree == s->nblocks * s->block_entries);
    VM_ASSERT(nopen == 0 || check_chains(s) == present);
}

/* ---- for explanations ---- */

static size_t inverted_va_fields(const void *state, struct vm_field *out)
{
    const struct inverted *s = state;
    out[0] = (struct vm_field){"VPN", (uint8_t)(kernel_map_va_bits(&s->env) - 1),
                               (uint8_t)s->env.page_shift};
    out[1] = (struct vm_field){"offset", (uint8_t)(s->env.page_shift - 1), 0};
    return 2;
}

static size_t inverted_word_fields(const void *state, const struct vm_walk *walk, size_t i,
                                   struct vm_field *out)
{
    if (walk->load[i].role == VM_LOAD_LEAF) {
        out[0] = (struct vm_field){"link", 63, LINK_SHIFT};
        return 1 + entry_fields(state, walk, i, out + 1);
    }
    if (i == 0) {
        out[0] = (struct vm_field){"entry + 1", 31, 0};
        return 1;
    }
    out[0] = (struct vm_field){"VPN", 63, 12};
    out[1] = (struct vm_field){"ASID", 11, 0};
    return 2;
}

const struct vm_scheme_ops vm_scheme_inverted = {
    .name = "inverted",
    .summary = "inverted table: one entry a frame for all address spaces, found by hash and chain",
    .page_shift_min = PAGE_SHIFT_MIN,
    .page_shift_max = PAGE_SHIFT_MAX,
    .marks = VM_FRAME_REFERENCED | VM_FRAME_DIRTY,
    .param = params,
    .nparams = sizeof params / sizeof params[0],
    .accept = scheme_accept_all,
    .va_bits = kernel_map_va_bits,
    .orders = scheme_base_orders,
    .size = inverted_size,
    .init = inverted_init,
    .open = inverted_open,
    .close = inverted_close,
    .ensure = inverted_ensure,
    .get = inverted_get,
    .set = inverted_set,
    .next = inverted_next,
    .trim = inverted_trim,
    .walk = inverted_walk,
    .footprint = inverted_footprint,
    .check = inverted_check,
    .va_fields = inverted_va_fields,
    .word_fields = inverted_word_fields,
};
