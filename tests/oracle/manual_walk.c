/* manual_walk.c - see manual_walk.h. */
#include "oracle/manual_walk.h"

#include <string.h>

static bool bit(uint64_t word, unsigned i)
{
    return word >> i & 1;
}

/* Bits [high:low] of a word. */
static uint64_t bits(uint64_t word, unsigned high, unsigned low)
{
    return word << (63 - high) >> (63 - high + low);
}

static uint8_t *place(const struct manual *m, uint64_t table, vm_va va, unsigned level)
{
    unsigned low = m->page_shift + level * m->index_bits;
    return m->memory + (table << m->page_shift) +
           bits(va, low + m->index_bits - 1, low) * m->word_bytes;
}

static uint64_t load(const struct manual *m, const uint8_t *at)
{
    uint64_t word = 0;
    memcpy(&word, at, m->word_bytes);
    return word;
}

/* Write a word back, if that changes it. */
static void mark(const struct manual *m, uint8_t *at, uint64_t word, struct manual_end *end)
{
    end->nstores += load(m, at) != word;
    memcpy(at, &word, m->word_bytes);
}

static struct manual_end stop(struct manual_end end, enum vm_walk_fault fault)
{
    end.fault = fault;
    return end;
}

static struct manual_end found(struct manual_end end, uint64_t frame, unsigned order, unsigned prot)
{
    end.pfn = (vm_pfn)frame;
    end.order = order;
    end.prot = prot;
    return end;
}

/* Steps as in "Virtual Address Translation Process", in their order there: cut into functions they
 * could not be held against it. NOLINTNEXTLINE(readability-function-cognitive-complexity) */
struct manual_end manual_walk_riscv(const struct manual *m, vm_va va, enum vm_access access,
                                    unsigned mode)
{
    struct manual_end end = {.fault = VM_WALK_OK, .pfn = VM_NOFRAME};
    uint64_t a = m->root; /* step 1 */
    unsigned i = m->nlevels - 1;
    bool global = false;
    uint64_t pte;
    uint8_t *at;
    for (;;) {
        at = place(m, a, va, i); /* step 2 */
        pte = load(m, at);
        end.nloads++;
        bool v = bit(pte, 0), r = bit(pte, 1), w = bit(pte, 2), x = bit(pte, 3);
        if (!v) /* step 3 */
            return stop(end, VM_WALK_ABSENT);
        if ((!r && w) || bits(pte, 63, 42) != 0)
            return stop(end, VM_WALK_RESERVED);
        global |= bit(pte, 5);
        if (r || x) /* step 4 */
            break;
        bool u = bit(pte, 4), accessed = bit(pte, 6), dirty = bit(pte, 7);
        if (u || accessed || dirty || i == 0)
            return stop(end, VM_WALK_RESERVED);
        i--;
        a = bits(pte, 41, 10);
        if (a >= m->nframes) /* an access fault */
            return stop(end, VM_WALK_RESERVED);
    }
    uint64_t ppn = bits(pte, 41, 10);
    if (i > m->leaf_level_max) /* a page beyond all memory */
        return stop(end, VM_WALK_RESERVED);
    if (i > 0 && bits(ppn, i * m->index_bits - 1, 0) != 0) /* step 5 */
        return stop(end, VM_WALK_RESERVED);
    bool r = bit(pte, 1), w = bit(pte, 2), x = bit(pte, 3), u = bit(pte, 4);
    end = found(end, ppn, i * m->index_bits, r * 1u + w * 2u + x * 4u + global * 8u);
    end.dirty = bit(pte, 7);
    bool supervisor = mode & VM_MODE_KERNEL;
    if (!supervisor && !u) /* step 6 */
        return stop(end, VM_WALK_DENIED);
    if (supervisor && u && (!(mode & VM_MODE_SUM) || access == VM_FETCH))
        return stop(end, VM_WALK_DENIED);
    bool readable = r || (mode & VM_MODE_MXR && x);
    if (!(access == VM_READ ? readable : access == VM_WRITE ? w : x)) /* step 8 */
        return stop(end, VM_WALK_DENIED);
    if (!bit(pte, 6) || (access == VM_WRITE && !bit(pte, 7))) { /* step 9 */
        if (mode & VM_MODE_MARK_TRAPS)
            return stop(end, VM_WALK_UNMARKED);
        mark(m, at, pte | 1u << 6 | (access == VM_WRITE ? 1u << 7 : 0), &end);
        end.dirty |= access == VM_WRITE;
    }
    return end;
}

/* SDM volume 3A, 4.5 to 4.8. */
struct manual_end manual_walk_x86(const struct manual *m, vm_va va, enum vm_access access,
                                  unsigned mode)
{
    struct manual_end end = {.fault = VM_WALK_OK, .pfn = VM_NOFRAME};
    uint64_t table = m->root, entry;
    bool writable = true, user = true, no_execute = false;
    unsigned level = m->nlevels - 1;
    uint8_t *at;
    for (;; level--) {
        at = place(m, table, va, level);
        entry = load(m, at);
        end.nloads++;
        if (!bit(entry, 0))
            return stop(end, VM_WALK_ABSENT);
        bool maps = level == 0 || bit(entry, 7);
        if (bits(entry, 51, 44) != 0 || (maps && level > 2))
            return stop(end, VM_WALK_RESERVED);
        if (maps && level == 1 && bits(entry, 20, 13) != 0)
            return stop(end, VM_WALK_RESERVED);
        if (maps && level == 2 && bits(entry, 29, 13) != 0)
            return stop(end, VM_WALK_RESERVED);
        if (!maps && bits(entry, 43, 12) >= m->nframes)
            return stop(end, VM_WALK_RESERVED);
        writable &= bit(entry, 1);
        user &= bit(entry, 2);
        no_execute |= bit(entry, 63);
        if (maps)
            break;
        if (!(mode & VM_MODE_MARK_TRAPS))
            mark(m, at, entry | 1u << 5, &end);
        table = bits(entry, 43, 12);
    }
    unsigned order = 9 * level;
    end = found(end, bits(entry, 43, 12) >> order << order, order,
                1u + writable * 2u + !no_execute * 4u + bit(entry, 8) * 8u);
    end.dirty = bit(entry, 6);
    bool supervisor = mode & VM_MODE_KERNEL;
    if (supervisor ? user && !(mode & VM_MODE_SUM) : !user)
        return stop(end, VM_WALK_DENIED);
    if ((access == VM_WRITE && !writable) || (access == VM_FETCH && no_execute))
        return stop(end, VM_WALK_DENIED);
    uint64_t after = entry | 1u << 5 | (access == VM_WRITE ? 1u << 6 : 0);
    if (after != entry && mode & VM_MODE_MARK_TRAPS)
        return stop(end, VM_WALK_UNMARKED);
    mark(m, at, after, &end);
    end.dirty = bit(after, 6);
    return end;
}

struct arm_rights {
    bool user, write, fetch, kernel_fetch; /* what a descriptor leaves of them */
};

static bool arm_allows(const struct arm_rights *r, enum vm_access access, unsigned mode)
{
    bool kernel = mode & VM_MODE_KERNEL, pan = !(mode & VM_MODE_SUM);
    if (access == VM_FETCH)
        return kernel ? r->kernel_fetch && !(r->user && r->write) : r->fetch;
    if (kernel ? r->user && pan : !r->user)
        return false;
    return access == VM_READ || r->write;
}

/* DDI 0487, D8. */
struct manual_end manual_walk_arm(const struct manual *m, vm_va va, enum vm_access access,
                                  unsigned mode)
{
    struct manual_end end = {.fault = VM_WALK_OK, .pfn = VM_NOFRAME};
    struct arm_rights limit = {true, true, true, true};
    uint64_t table = m->root, descriptor;
    unsigned level = m->nlevels - 1; /* 0 here is the manual's level 3 */
    uint8_t *at;
    for (;; level--) {
        at = place(m, table, va, level);
        descriptor = load(m, at);
        end.nloads++;
        if (!bit(descriptor, 0))
            return stop(end, VM_WALK_ABSENT);
        bool type = bit(descriptor, 1);
        if ((type == false && (level == 0 || level > m->leaf_level_max)) ||
            (m->page_shift + 32 < 48 && bits(descriptor, 47, m->page_shift + 32) != 0))
            return stop(end, VM_WALK_RESERVED);
        if (level == 0 || !type)
            break;
        table = bits(descriptor, m->page_shift + 31, m->page_shift);
        if (table >= m->nframes)
            return stop(end, VM_WALK_RESERVED);
        limit.write &= !bit(descriptor, 62);
        limit.user &= !bit(descriptor, 61);
        limit.fetch &= !bit(descriptor, 60);
        limit.kernel_fetch &= !bit(descriptor, 59);
    }
    bool read_only = bit(descriptor, 7), dbm = bit(descriptor, 51);
    struct arm_rights r = {limit.user && bit(descriptor, 6), limit.write && (dbm || !read_only),
                           limit.fetch && !bit(descriptor, 54),
                           limit.kernel_fetch && !bit(descriptor, 53)};
    unsigned order = level * m->index_bits;
    end = found(end, bits(descriptor, m->page_shift + 31, m->page_shift) >> order << order, order,
                r.user * (1u + r.write * 2u) + r.fetch * 4u + !bit(descriptor, 11) * 8u);
    end.dirty = !read_only || bit(descriptor, 55);
    if (!arm_allows(&r, access, mode))
        return stop(end, VM_WALK_DENIED);
    uint64_t after = descriptor | 1u << 10;
    if (access == VM_WRITE)
        after &= ~(UINT64_C(1) << 7);
    if (after != descriptor && mode & VM_MODE_MARK_TRAPS)
        return stop(end, VM_WALK_UNMARKED);
    mark(m, at, after, &end);
    end.dirty |= access == VM_WRITE;
    return end;
}
