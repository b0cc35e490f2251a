/* paged_template.inc.h - tables that are pages of kernel virtual memory, stamped for each row.
 *
 * A process's table is one long array of words, but in virtual memory: only the pages of it that
 * are used have frames. The kernel's own table, flat and in consecutive frames, translates them.
 *
 *      va   | page number | offset |             kernel's table  (physical, never leaves)
 *                  |                                   |
 *      kva = area of the process + word  ------->   frame of that page of the area  --> word
 *
 * Before including it a row defines PAGED_OPS (its symbol), PAGED_NAME, PAGED_SUMMARY, PAGED_WORD
 * (uint32_t or uint64_t), PAGED_KERNEL_BASE (the kva of the first area), PAGED_SHIFT_MIN and _MAX,
 * PAGED_MARKS, PAGED_WITH_READ, PAGED_VA_FIRST, PAGED_LENGTHS (whether length registers bound two
 * tables of an area, that grow towards each other), the table `params` and
 *
 *      paged_va_bits, paged_area_words, paged_accept, paged_va_fields
 *      entry_encode, entry_decode, entry_fields, walk_end, pte_pfn and PTE_PRESENT as entry.inc.h
 *      entry_of_kernel(word): the word with the kernel's rights alone
 *
 * Invariants
 *  1. The kernel's table is there while any address space is open. A space has a slot of its own:
 *     an area of `area_pages` pages and as many words of the kernel's table.
 *  2. page[t] counts the words of table page t that are not 0, and those that map a present page.
 *     What is not in memory is in `kept`, at the same place of the area.
 *  3. The pager may evict a table page iff it has no present entry and is not `held`: the one that
 *     ensure() made ready last, since the entry that it is wanted for is not set yet.
 *  4. Words beyond the length registers are 0.
 *
 * Sources: Denning, "Virtual Memory", Computing Surveys 2(3), 1970 (tables in virtual memory);
 * Levy & Lipman, "Virtual Memory Management in the VAX/VMS Operating System", IEEE Computer 15(3),
 * 1982 (which of their pages stay).
 */
#include "base/assert.h"
#include "base/bits.h"
#include "scheme/answers.h"
#include "scheme/walk.h"

#include <string.h>

enum { PAGED_WORD_SHIFT = sizeof(PAGED_WORD) == 4 ? 2 : 3 };
#define PAGED_NO_WORD UINT64_MAX
#define PAGED_NO_PAGE UINT32_MAX

struct paged_space {
    uint32_t slot;
    uint32_t npages; /* of its area, in memory */
    bool open;
    uint64_t front, back; /* words in use from the area's start, and from its end */
};

struct paged_page {
    uint32_t filled, present; /* words */
    bool evictable;           /* the pager has it */
    bool dirty;               /* stored to since it came */
};

struct paged {
    struct vm_scheme_env env;
    unsigned va_bits;
    unsigned words_shift; /* a page has 2^this words */
    uint32_t processes;   /* slots */
    uint32_t area_pages;  /* of a slot */
    uint64_t front_pages; /* pages below this number have words from the front */
    uint64_t pages;       /* that an address can name */
    vm_pfn kernel_table;
    uint32_t kernel_frames, nopen;
    uint32_t held;             /* table page, or PAGED_NO_PAGE */
    struct paged_space *space; /* [nasids] */
    uint16_t *user;            /* [processes] asid + 1 of a slot's space; 0: free */
    struct paged_page *page;   /* [processes * area_pages] */
    uint8_t *kept;             /* [processes * area_pages] pages; hardly any is ever touched */
};

/* ---- geometry and memory ---- */

static uint32_t paged_area_pages(const struct vm_scheme_env *env)
{
    unsigned words_shift = env->page_shift - PAGED_WORD_SHIFT;
    return (uint32_t)((paged_area_words(env) - 1) >> words_shift) + 1;
}

static uint32_t paged_processes(const struct vm_scheme_env *env)
{
    return (uint32_t)vm_params_count(env->params, "processes");
}

static size_t paged_room(size_t bytes)
{
    return (bytes + 63) & ~(size_t)63;
}

static size_t paged_size(const struct vm_scheme_env *env)
{
    size_t npages = (size_t)paged_processes(env) * paged_area_pages(env);
    return paged_room(sizeof(struct paged)) + paged_room(env->nasids * sizeof(struct paged_space)) +
           paged_room(paged_processes(env) * sizeof(uint16_t)) +
           paged_room(npages * sizeof(struct paged_page)) + (npages << env->page_shift);
}

static void paged_init(void *state, const struct vm_scheme_env *env)
{
    VM_ASSERT(env->nasids <= VM_ASID_MAX + 1);
    struct paged *s = state;
    s->env = *env;
    s->va_bits = paged_va_bits(env);
    s->words_shift = env->page_shift - PAGED_WORD_SHIFT;
    s->processes = paged_processes(env);
    s->area_pages = paged_area_pages(env);
    s->pages = UINT64_C(1) << (s->va_bits - env->page_shift);
    s->front_pages = PAGED_LENGTHS ? s->pages / 2 : s->pages;
    s->held = PAGED_NO_PAGE;
    uint64_t npages = (uint64_t)s->processes * s->area_pages;
    s->kernel_frames = (uint32_t)((npages - 1) >> s->words_shift) + 1;
    uint8_t *rest = (uint8_t *)state + paged_room(sizeof *s);
    s->space = (struct paged_space *)rest;
    rest += paged_room(env->nasids * sizeof *s->space);
    s->user = (uint16_t *)rest;
    rest += paged_room(s->processes * sizeof *s->user);
    s->page = (struct paged_page *)rest;
    s->kept = rest + paged_room(npages * sizeof *s->page);
}

static inline struct paged_space *paged_space(const struct paged *s, vm_asid asid)
{
    VM_ASSERT(asid < s->env.nasids && s->space[asid].open);
    return &s->space[asid];
}

static inline uint64_t paged_load(const uint8_t *at)
{
    PAGED_WORD word;
    memcpy(&word, at, sizeof word);
    return word;
}

static inline void paged_store(uint8_t *at, uint64_t word)
{
    PAGED_WORD narrow = (PAGED_WORD)word;
    VM_ASSERT(narrow == word);
    memcpy(at, &narrow, sizeof narrow);
}

static inline vm_va paged_kva(const struct paged *s, uint32_t t)
{
    return PAGED_KERNEL_BASE + ((vm_va)t << s->env.page_shift);
}

/* The table page at kva, or PAGED_NO_PAGE. */
static uint32_t paged_page_at(const struct paged *s, vm_va kva)
{
    uint64_t t = (kva - PAGED_KERNEL_BASE) >> s->env.page_shift;
    bool is_one = kva >= PAGED_KERNEL_BASE && t < (uint64_t)s->processes * s->area_pages;
    return is_one && s->nopen > 0 ? (uint32_t)t : PAGED_NO_PAGE;
}

static inline vm_pa paged_kernel_at(const struct paged *s, uint32_t t)
{
    return ((vm_pa)s->kernel_table << s->env.page_shift) + ((vm_pa)t << PAGED_WORD_SHIFT);
}

static inline uint64_t paged_kernel_word(const struct paged *s, uint32_t t)
{
    return paged_load(s->env.memory + paged_kernel_at(s, t));
}

static void paged_kernel_store(struct paged *s, uint32_t t, struct vm_pte pte)
{
    uint64_t word = entry_encode(pte);
    paged_store(s->env.memory + paged_kernel_at(s, t),
                pte.state == VM_PTE_PRESENT ? entry_of_kernel(word) : word);
}

/* Where the bytes of table page t are: in its frame, or kept. */
static uint8_t *paged_bytes(const struct paged *s, uint32_t t)
{
    uint64_t word = paged_kernel_word(s, t);
    if (word & PTE_PRESENT)
        return s->env.memory + ((vm_pa)pte_pfn(word) << s->env.page_shift);
    return s->kept + ((size_t)t << s->env.page_shift);
}

static inline bool paged_names(const struct paged *s, vm_va va)
{
    return va >> s->va_bits == 0;
}

/* The number in its area of the word for page `vpn`, or PAGED_NO_WORD: beyond the table's length.
 */
static inline uint64_t paged_word_of(const struct paged *s, const struct paged_space *space,
                                     uint64_t vpn)
{
    if (vpn < s->front_pages)
        return vpn < space->front ? vpn : PAGED_NO_WORD;
    uint64_t below_top = s->pages - 1 - vpn;
    uint64_t words = (uint64_t)s->area_pages << s->words_shift;
    return below_top < space->back ? words - 1 - below_top : PAGED_NO_WORD;
}

static inline uint32_t paged_page_of(const struct paged *s, const struct paged_space *space,
                                     uint64_t word)
{
    return space->slot * s->area_pages + (uint32_t)(word >> s->words_shift);
}

static inline size_t paged_offset(const struct paged *s, uint64_t word)
{
    return (size_t)(word & vm_low_bits(s->words_shift)) << PAGED_WORD_SHIFT;
}

/* ---- table pages: which may leave ---- */

static bool paged_is_in(const struct paged *s, uint32_t t)
{
    return paged_kernel_word(s, t) & PTE_PRESENT;
}

/* Tell the pager whether table page t, which is in memory, may leave. */
static void paged_tell_pager(struct paged *s, uint32_t t)
{
    struct paged_page *page = &s->page[t];
    bool may_leave = page->present == 0 && s->held != t;
    if (!s->env.pager || may_leave == page->evictable)
        return;
    page->evictable = may_leave;
    vm_pfn pfn = pte_pfn(paged_kernel_word(s, t));
    if (may_leave)
        s->env.pager->adopt(s->env.host, pfn, paged_kva(s, t));
    else
        s->env.pager->pin(s->env.host, pfn);
}

static void paged_unhold(struct paged *s)
{
    uint32_t t = s->held;
    s->held = PAGED_NO_PAGE;
    if (t != PAGED_NO_PAGE)
        paged_tell_pager(s, t);
}

/* Table page t gets a frame: a fresh one, or with what is kept of it. */
static bool paged_bring(struct paged *s, struct paged_space *space, uint32_t t)
{
    if (paged_is_in(s, t))
        return true;
    if (paged_kernel_word(s, t) != 0)
        return s->env.pager->fetch(s->env.host, paged_kva(s, t));
    vm_pfn pfn = s->env.take(s->env.host, 1);
    if (pfn == VM_NOFRAME)
        return false;
    VM_ASSERT(pfn < s->env.nframes && paged_kernel_word(s, t) == 0 && s->page[t].filled == 0);
    paged_kernel_store(s, t, (struct vm_pte){.state = VM_PTE_PRESENT, .pfn = pfn, .prot = 3});
    s->page[t] = (struct paged_page){.filled = 0};
    space->npages++;
    return true;
}

/* Table page t goes for good, wherever it is. */
static void paged_drop(struct paged *s, struct paged_space *space, uint32_t t)
{
    struct vm_pte pte = entry_decode(paged_kernel_word(s, t));
    if (pte.state == VM_PTE_EMPTY)
        return;
    if (s->held == t)
        s->held = PAGED_NO_PAGE;
    s->page[t] = (struct paged_page){.filled = 0};
    paged_kernel_store(s, t, (struct vm_pte){.state = VM_PTE_EMPTY});
    if (pte.state == VM_PTE_SWAPPED) {
        memset(s->kept + ((size_t)t << s->env.page_shift), 0, (size_t)1 << s->env.page_shift);
        s->env.pager->forget(s->env.host, pte.slot);
        return;
    }
    space->npages--;
    if (s->env.unmapped)
        s->env.unmapped(s->env.host, paged_kva(s, t));
    s->env.give(s->env.host, pte.pfn, 1);
}

/* ---- the kernel's own entries, which the pager reads and replaces ---- */

static struct vm_pte paged_kernel_get(const struct paged *s, vm_va kva)
{
    uint32_t t = paged_page_at(s, kva);
    if (t == PAGED_NO_PAGE)
        return (struct vm_pte){.state = VM_PTE_EMPTY};
    struct vm_pte pte = entry_decode(paged_kernel_word(s, t));
    if (pte.state == VM_PTE_PRESENT)
        pte.dirty = s->page[t].dirty;
    return pte;
}

/* The host has evicted table page t, or brought it back: its bytes move. */
static void paged_kernel_set(struct paged *s, vm_va kva, struct vm_pte pte)
{
    uint32_t t = paged_page_at(s, kva);
    size_t bytes = (size_t)1 << s->env.page_shift;
    uint8_t *before = paged_bytes(s, t);
    bool comes = pte.state == VM_PTE_PRESENT;
    VM_ASSERT(comes != paged_is_in(s, t) && s->page[t].present == 0);
    VM_ASSERT(pte.state != VM_PTE_EMPTY || s->page[t].filled == 0);
    if (comes)
        pte.prot = VM_PROT_READ | VM_PROT_WRITE;
    paged_kernel_store(s, t, pte);
    memcpy(paged_bytes(s, t), before, bytes);
    if (comes)
        memset(before, 0, bytes);
    s->page[t].evictable = comes;
    s->page[t].dirty = false;
    struct paged_space *space = paged_space(s, s->user[t / s->area_pages] - 1);
    space->npages = space->npages + comes - !comes;
}

static vm_va paged_kernel_next(const struct paged *s, vm_va va, vm_va end)
{
    uint32_t npages = s->nopen > 0 ? s->processes * s->area_pages : 0;
    uint64_t first = va < PAGED_KERNEL_BASE ? 0 : (va - PAGED_KERNEL_BASE) >> s->env.page_shift;
    for (uint32_t t = first < npages ? (uint32_t)first : npages; t < npages; t++)
        if (paged_kernel_word(s, t) != 0)
            return paged_kva(s, t) < end ? paged_kva(s, t) : end;
    return end;
}

/* ---- address spaces ---- */

static uint32_t paged_free_slot(const struct paged *s)
{
    uint32_t slot = 0;
    while (slot < s->processes && s->user[slot])
        slot++;
    return slot;
}

static bool paged_open(void *state, vm_asid asid)
{
    struct paged *s = state;
    VM_ASSERT(asid < s->env.nasids && !s->space[asid].open);
    uint32_t slot = paged_free_slot(s);
    if (slot == s->processes)
        return vm_fail(s->env.refusal, VM_EMACHINE,
                       "one process too many: " PAGED_NAME " has room for the tables of %u "
                       "(its parameter processes)",
                       s->processes);
    if (s->nopen == 0) {
        s->kernel_table = s->env.take(s->env.host, s->kernel_frames);
        if (s->kernel_table == VM_NOFRAME)
            return false;
        VM_ASSERT(s->kernel_table < s->env.nframes);
    }
    s->nopen++;
    s->user[slot] = (uint16_t)(asid + 1);
    s->space[asid] =
        (struct paged_space){.slot = slot, .open = true, .front = PAGED_LENGTHS ? 0 : s->pages};
    return true;
}

static void paged_close(void *state, vm_asid asid)
{
    struct paged *s = state;
    struct paged_space *space = paged_space(s, asid);
    for (uint32_t i = 0; i < s->area_pages; i++)
        paged_drop(s, space, space->slot * s->area_pages + i);
    VM_ASSERT(space->npages == 0);
    s->user[space->slot] = 0;
    space->open = false;
    if (--s->nopen == 0)
        s->env.give(s->env.host, s->kernel_table, s->kernel_frames);
}

/* Make the tables long enough for page vpn. */
static bool paged_lengthen(struct paged *s, struct paged_space *space, uint64_t vpn)
{
    bool in_front = vpn < s->front_pages;
    uint64_t front = in_front && vpn >= space->front ? vpn + 1 : space->front;
    uint64_t back = !in_front && s->pages - vpn > space->back ? s->pages - vpn : space->back;
    if (front + back > (uint64_t)s->area_pages << s->words_shift)
        return vm_fail(s->env.refusal, VM_EMACHINE,
                       "address 0x%llx: the process's tables have room for %llu pages in all",
                       (unsigned long long)vpn << s->env.page_shift,
                       (unsigned long long)s->area_pages << s->words_shift);
    space->front = front;
    space->back = back;
    return true;
}

static bool paged_ensure(void *state, vm_asid asid, vm_va va, unsigned order)
{
    struct paged *s = state;
    struct paged_space *space = paged_space(s, asid);
    VM_ASSERT(order == 0);
    if (!paged_names(s, va))
        return vm_fail(s->env.refusal, VM_EMACHINE,
                       "address 0x%llx: " PAGED_NAME " names 0 to 0x%llx", (unsigned long long)va,
                       (unsigned long long)vm_low_bits(s->va_bits));
    uint64_t vpn = va >> s->env.page_shift;
    if (!paged_lengthen(s, space, vpn))
        return false;
    uint32_t t = paged_page_of(s, space, paged_word_of(s, space, vpn));
    if (s->held == t)
        return true;
    paged_unhold(s);
    if (!paged_bring(s, space, t))
        return false;
    s->held = t;
    paged_tell_pager(s, t);
    return true;
}

static struct vm_pte paged_get(const void *state, vm_asid asid, vm_va va)
{
    const struct paged *s = state;
    if (asid == VM_ASID_KERNEL)
        return paged_kernel_get(s, va);
    const struct paged_space *space = paged_space(s, asid);
    uint64_t word = PAGED_NO_WORD;
    if (paged_names(s, va))
        word = paged_word_of(s, space, va >> s->env.page_shift);
    if (word == PAGED_NO_WORD)
        return (struct vm_pte){.state = VM_PTE_EMPTY};
    uint32_t t = paged_page_of(s, space, word);
    return entry_decode(paged_load(paged_bytes(s, t) + paged_offset(s, word)));
}

static void paged_set(void *state, vm_asid asid, vm_va va, struct vm_pte pte)
{
    struct paged *s = state;
    if (asid == VM_ASID_KERNEL) {
        paged_kernel_set(s, va, pte);
        return;
    }
    struct paged_space *space = paged_space(s, asid);
    VM_ASSERT(paged_names(s, va) && (pte.state != VM_PTE_PRESENT || pte.pfn < s->env.nframes));
    uint64_t word = paged_word_of(s, space, va >> s->env.page_shift);
    VM_ASSERT(word != PAGED_NO_WORD);
    uint32_t t = paged_page_of(s, space, word);
    uint8_t *at = paged_bytes(s, t) + paged_offset(s, word);
    struct paged_page *page = &s->page[t];
    uint64_t before = paged_load(at), after = entry_encode(pte);
    VM_ASSERT(paged_is_in(s, t) || pte.state != VM_PTE_PRESENT);
    paged_store(at, after);
    page->dirty |= before != after;
    page->filled = page->filled + (after != 0) - (before != 0);
    page->present = page->present + (pte.state == VM_PTE_PRESENT) -
                    (entry_decode(before).state == VM_PTE_PRESENT);
    if (paged_is_in(s, t))
        paged_tell_pager(s, t);
}

/* The first word in [word, end) of the area that is not 0, or end. */
static uint64_t paged_scan(const struct paged *s, const struct paged_space *space, uint64_t word,
                           uint64_t end)
{
    while (word < end) {
        uint32_t t = paged_page_of(s, space, word);
        if (s->page[t].filled == 0)
            word = (word | vm_low_bits(s->words_shift)) + 1;
        else if (paged_load(paged_bytes(s, t) + paged_offset(s, word)) == 0)
            word++;
        else
            return word;
    }
    return end;
}

/* The first page in [vpn, end) with a word that is not 0, or end; both pages are of one table. */
static uint64_t paged_next_in(const struct paged *s, const struct paged_space *space, uint64_t vpn,
                              uint64_t end)
{
    uint64_t words = (uint64_t)s->area_pages << s->words_shift;
    uint64_t bias = vpn < s->front_pages ? 0 : s->pages - words; /* page of the area's word 0 */
    uint64_t first = vpn < s->front_pages ? 0 : s->pages - space->back;
    uint64_t last = vpn < s->front_pages ? space->front : s->pages;
    uint64_t from = vpn > first ? vpn : first, to = end < last ? end : last;
    if (from >= to)
        return end;
    uint64_t found = paged_scan(s, space, from - bias, to - bias) + bias;
    return found < to ? found : end;
}

static vm_va paged_next(const void *state, vm_asid asid, vm_va va, vm_va end)
{
    const struct paged *s = state;
    if (asid == VM_ASID_KERNEL)
        return paged_kernel_next(s, va, end);
    const struct paged_space *space = paged_space(s, asid);
    unsigned shift = s->env.page_shift;
    VM_ASSERT((va & vm_low_bits(shift)) == 0 && va <= end);
    uint64_t vpn = va >> shift, limit = end >> shift < s->pages ? end >> shift : s->pages;
    if (vpn < s->front_pages) {
        uint64_t middle = limit < s->front_pages ? limit : s->front_pages;
        uint64_t found = paged_next_in(s, space, vpn, middle);
        if (found < middle)
            return found << shift;
        vpn = middle;
    }
    uint64_t found = vpn < limit ? paged_next_in(s, space, vpn, limit) : limit;
    return found < limit ? found << shift : end;
}

/* Drop the table pages that hold words of [word, end) but are empty. */
static void paged_drop_empty(struct paged *s, struct paged_space *space, uint64_t word,
                             uint64_t end)
{
    for (; word < end; word = (word | vm_low_bits(s->words_shift)) + 1) {
        uint32_t t = paged_page_of(s, space, word);
        if (s->page[t].filled == 0)
            paged_drop(s, space, t);
    }
}

/* The lengths become what the entries need; table pages beyond them go. */
static void paged_shorten(struct paged *s, struct paged_space *space)
{
    uint64_t end = (uint64_t)s->area_pages << s->words_shift;
    uint64_t front = 0, found, back = end - space->back;
    for (uint64_t at = 0; (found = paged_scan(s, space, at, space->front)) < space->front;)
        front = at = found + 1;
    uint64_t back_found = paged_scan(s, space, back, end);
    paged_drop_empty(s, space, front, space->front);
    paged_drop_empty(s, space, back, back_found);
    space->front = front;
    space->back = end - back_found;
}

static void paged_trim(void *state, vm_asid asid, vm_va va, vm_va end)
{
    struct paged *s = state;
    struct paged_space *space = paged_space(s, asid);
    uint64_t words = (uint64_t)s->area_pages << s->words_shift;
    uint64_t vpn = va >> s->env.page_shift, limit = end >> s->env.page_shift;
    if (vpn >= limit)
        return;
    paged_drop_empty(s, space, vpn, limit < space->front ? limit : space->front);
    if (limit > s->pages - space->back) {
        uint64_t first = s->pages - space->back, bias = s->pages - words;
        paged_drop_empty(s, space, (vpn > first ? vpn : first) - bias,
                         (limit < s->pages ? limit : s->pages) - bias);
    }
    if (PAGED_LENGTHS)
        paged_shorten(s, space);
}

/* ---- the walk ---- */

static void paged_walk(void *state, vm_asid asid, vm_va va, enum vm_access access, unsigned mode,
                       struct vm_walk *out)
{
    struct paged *s = state;
    walk_begin(out);
    if (!paged_names(s, va)) {
        out->fault = VM_WALK_BOUNDS;
        return;
    }
    struct paged_space *space = paged_space(s, asid);
    uint64_t word = paged_word_of(s, space, va >> s->env.page_shift);
    if (word == PAGED_NO_WORD) { /* told by the length register, without a load */
        out->fault = VM_WALK_ABSENT;
        return;
    }
    uint32_t t = paged_page_of(s, space, word);
    uint64_t kernel = paged_kernel_word(s, t);
    walk_load(out, paged_kernel_at(s, t), kernel, 0, VM_LOAD_NESTED);
    if (!(kernel & PTE_PRESENT)) {
        out->fault = VM_WALK_ABSENT;
        out->missing = kernel ? paged_kva(s, t) : 0;
        return;
    }
    vm_pa at = ((vm_pa)pte_pfn(kernel) << s->env.page_shift) + paged_offset(s, word);
    uint64_t before = paged_load(s->env.memory + at);
    walk_load(out, at, before, s->env.page_shift, VM_LOAD_LEAF);
    out->load[1].kva = paged_kva(s, t) + paged_offset(s, word);
    uint64_t after = walk_end(out, access, mode, before);
    if (after != before) {
        paged_store(s->env.memory + at, after);
        s->page[t].dirty = true;
        out->nstores++;
    }
}

static void paged_footprint(const void *state, vm_asid asid, struct vm_footprint *out)
{
    const struct paged *s = state;
    *out = (struct vm_footprint){
        .own_bytes = (uint64_t)paged_space(s, asid)->npages << s->env.page_shift,
        .shared_bytes = (uint64_t)s->kernel_frames << s->env.page_shift,
    };
}

/* ---- the check ---- */

/* Asserts invariants 2 and 3 of table page t; answers whether it is in memory. */
static bool paged_check_page(const struct paged *s, uint32_t t)
{
    const struct paged_page *page = &s->page[t];
    uint32_t filled = 0, present = 0;
    if (paged_kernel_word(s, t) == 0) {
        VM_ASSERT(page->filled == 0 && !page->evictable && s->held != t);
        return false;
    }
    const uint8_t *at = paged_bytes(s, t);
    for (uint64_t i = 0; i < UINT64_C(1) << s->words_shift; i++, at += sizeof(PAGED_WORD)) {
        uint64_t word = paged_load(at);
        VM_ASSERT(entry_encode(entry_decode(word)) == word);
        filled += word != 0;
        present += entry_decode(word).state == VM_PTE_PRESENT;
    }
    VM_ASSERT(filled == page->filled && present == page->present);
    VM_ASSERT(paged_is_in(s, t) || (present == 0 && s->held != t));
    bool may_leave = paged_is_in(s, t) && present == 0 && s->held != t;
    VM_ASSERT(page->evictable == (s->env.pager && may_leave));
    return paged_is_in(s, t);
}

static void paged_check_space(const struct paged *s, const struct paged_space *space)
{
    uint64_t words = (uint64_t)s->area_pages << s->words_shift;
    uint32_t npages = 0;
    for (uint32_t i = 0; i < s->area_pages; i++)
        npages += paged_check_page(s, space->slot * s->area_pages + i);
    VM_ASSERT(npages == space->npages);
    VM_ASSERT(space->front + space->back <= words);
    VM_ASSERT(paged_scan(s, space, space->front, words - space->back) == words - space->back);
}

static void paged_check(const void *state)
{
    const struct paged *s = state;
    uint32_t nopen = 0;
    for (uint32_t asid = 0; asid < s->env.nasids; asid++) {
        if (!s->space[asid].open)
            continue;
        VM_ASSERT(s->user[s->space[asid].slot] == asid + 1);
        paged_check_space(s, &s->space[asid]);
        nopen++;
    }
    VM_ASSERT(nopen == s->nopen);
}

const struct vm_scheme_ops PAGED_OPS = {
    .name = PAGED_NAME,
    .summary = PAGED_SUMMARY,
    .page_shift_min = PAGED_SHIFT_MIN,
    .page_shift_max = PAGED_SHIFT_MAX,
    .marks = PAGED_MARKS,
    .with_read = PAGED_WITH_READ,
    .va_first = PAGED_VA_FIRST,
    .param = params,
    .nparams = sizeof params / sizeof params[0],
    .accept = paged_accept,
    .va_bits = paged_va_bits,
    .orders = scheme_base_orders,
    .size = paged_size,
    .init = paged_init,
    .open = paged_open,
    .close = paged_close,
    .ensure = paged_ensure,
    .get = paged_get,
    .set = paged_set,
    .next = paged_next,
    .trim = paged_trim,
    .walk = paged_walk,
    .footprint = paged_footprint,
    .check = paged_check,
    .va_fields = paged_va_fields,
    .word_fields = entry_fields,
};
