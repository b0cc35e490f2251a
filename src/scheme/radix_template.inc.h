/* radix_template.inc.h - a page table as a radix tree of tables, stamped for each row.
 *
 * An address is cut into the page offset and one index for each level; the word at an index holds
 * the frame of the table below, and at level 0 the page itself:
 *
 *      va   | index 2 | index 1 | index 0 | offset |
 *              |         |         |
 *      root -> word -> table -> word -> table -> page's word
 *                       \-> a leaf here maps a large page: index 0 is offset too
 *
 * Before including it a row defines RADIX_OPS (its symbol), RADIX_NAME, RADIX_SUMMARY,
 * RADIX_LEVELS, RADIX_VA_NAMES (the manual's names of the indexes, level 0 first) and
 * RADIX_SIGN_EXTENDED (whether an address's bits above the translated ones must be copies of the
 * highest translated one, or else zero). It includes the bits of its entries (riscv.inc.h,
 * x86.inc.h or arm.inc.h), entry.inc.h and a form, which says where the indexes lie, which levels
 * may have leaves and how words are kept: radix_even.inc.h, or two_level.c's own.
 *
 * Invariants
 *  1. A table takes whole consecutive frames, as many as its words fill.
 *  2. filled[table] is the number of the table's words that are not 0, by its first frame; 0 for
 *     other frames.
 *  3. Above level 0 a word is 0, a pointer to a table that no other word points to, or what
 *     entry_encode makes of a page of its level's order: a leaf, or a page held without rights.
 *  4. nframes of an address space is the number of its tables' frames, the root's included; 0: not
 *     open.
 *
 * A failed ensure() leaves the tables it got, empty: the next ensure() or trim() finds them.
 * trim() gives back every empty table that the range touches, even if the table reaches beyond it.
 * A large page is split by emptying it, then ensure() and set() of its parts; the parts are
 * joined by emptying them, then ensure() of the large page, which frees their table, and set().
 *
 * A walk obeys the words as it finds them, whoever wrote them; one that points beyond memory is
 * VM_WALK_RESERVED.
 */
#include <string.h>

enum { RADIX_ROOT_LEVEL = RADIX_LEVELS - 1 };
_Static_assert(RADIX_LEVELS <= VM_WALK_LOADS, "a walk reads a word a level");

struct radix_space {
    vm_pfn root;
    uint32_t nframes; /* of its tables; 0: not open */
};

struct radix {
    struct vm_scheme_env env;
    struct radix_form form;
    struct radix_space *space; /* [nasids] */
    uint32_t *filled;          /* [nframes] */
};

/* ---- where things are ---- */

static inline unsigned radix_low(const struct radix *s, unsigned level)
{
    return form_low(&s->form, level);
}

static inline unsigned radix_top(const struct radix *s)
{
    return form_low(&s->form, RADIX_LEVELS);
}

static inline uint64_t radix_span(const struct radix *s, unsigned level)
{
    return UINT64_C(1) << radix_low(s, level);
}

/* The order of a page that has its leaf at `level`. */
static inline unsigned radix_order(const struct radix *s, unsigned level)
{
    return radix_low(s, level) - radix_low(s, 0);
}

static unsigned radix_level(const struct radix *s, unsigned order)
{
    unsigned level = 0;
    while (level < form_leaf_level_max(&s->form) && radix_order(s, level) < order)
        level++;
    VM_ASSERT(radix_order(s, level) == order);
    return level;
}

/* Positions are addresses without the bits above the translated ones: they grow as addresses do,
 * without the hole in the middle. */
static inline vm_va radix_va(const struct radix *s, uint64_t position)
{
    if (!RADIX_SIGN_EXTENDED)
        return position;
    unsigned above = 64 - radix_top(s);
    return (vm_va)((int64_t)(position << above) >> above);
}

static inline bool radix_names(const struct radix *s, vm_va va)
{
    return radix_va(s, va & vm_low_bits(radix_top(s))) == va;
}

/* The position of va, or of the first address after it that has one; the end if none. */
static uint64_t radix_position(const struct radix *s, vm_va va)
{
    if (radix_names(s, va))
        return va & vm_low_bits(radix_top(s));
    return UINT64_C(1) << (RADIX_SIGN_EXTENDED ? radix_top(s) - 1 : radix_top(s));
}

static inline vm_pa radix_at(const struct radix *s, vm_pfn table, uint64_t position, unsigned level)
{
    unsigned index_bits = radix_low(s, level + 1) - radix_low(s, level);
    uint64_t index = position >> radix_low(s, level) & vm_low_bits(index_bits);
    return ((vm_pa)table << radix_low(s, 0)) + (index << form_word_shift(&s->form));
}

static inline uint64_t radix_entries(const struct radix *s, unsigned level)
{
    return UINT64_C(1) << (radix_low(s, level + 1) - radix_low(s, level));
}

static uint32_t radix_frames(const struct radix *s, unsigned level)
{
    uint64_t bytes = radix_entries(s, level) << form_word_shift(&s->form);
    return (uint32_t)((bytes - 1) >> radix_low(s, 0)) + 1;
}

static inline uint64_t radix_load(const struct radix *s, vm_pa at)
{
    return form_load(&s->form, s->env.memory, at);
}

static inline void radix_store(struct radix *s, vm_pa at, uint64_t word)
{
    form_store(&s->form, s->env.memory, at, word);
}

/* Replace a word of `table`, and keep count. */
static void radix_put(struct radix *s, vm_pfn table, vm_pa at, uint64_t word)
{
    s->filled[table] += (uint32_t)(word != 0) - (uint32_t)(radix_load(s, at) != 0);
    radix_store(s, at, word);
}

static inline struct radix_space *radix_space(const struct radix *s, vm_asid asid)
{
    VM_ASSERT(asid < s->env.nasids && s->space[asid].nframes > 0);
    return &s->space[asid];
}

/* ---- the state, and tables ---- */

static bool radix_accept(const struct vm_scheme_env *env, struct vm_error *e)
{
    struct radix_form form = form_of(env);
    if (!form_accept(env, e))
        return false;
    if (env->nframes <= form_frames(&form))
        return true;
    return vm_fail(e, VM_EUSAGE,
                   RADIX_NAME ": %u frames, page tables included: expected at most %llu, for which "
                              "an entry of %u bytes has numbers",
                   env->nframes, (unsigned long long)form_frames(&form),
                   1U << form_word_shift(&form));
}

static size_t radix_space_bytes(const struct vm_scheme_env *env)
{
    return env->nasids * sizeof(struct radix_space);
}

static size_t radix_filled_bytes(const struct vm_scheme_env *env)
{
    return ((size_t)env->nframes + 1) / 2 * 2 * sizeof(uint32_t);
}

static size_t radix_size(const struct vm_scheme_env *env)
{
    return sizeof(struct radix) + radix_space_bytes(env) + radix_filled_bytes(env) +
           form_beside_bytes(env);
}

static void radix_init(void *state, const struct vm_scheme_env *env)
{
    VM_ASSERT(env->nasids <= VM_ASID_MAX + 1);
    struct radix *s = state;
    s->env = *env;
    s->form = form_of(env);
    VM_ASSERT(env->page_shift == radix_low(s, 0));
    VM_ASSERT(env->nframes <= form_frames(&s->form));
    s->space = (struct radix_space *)(s + 1);
    s->filled = (uint32_t *)((uint8_t *)s->space + radix_space_bytes(env));
    form_begin(&s->form, (uint8_t *)s->filled + radix_filled_bytes(env));
}

static vm_pfn radix_take(struct radix *s, struct radix_space *space, unsigned level)
{
    uint32_t n = radix_frames(s, level);
    vm_pfn table = s->env.take(s->env.host, n);
    if (table == VM_NOFRAME)
        return table;
    VM_ASSERT(table < s->env.nframes && n <= s->env.nframes - table && s->filled[table] == 0);
    space->nframes += n;
    return table;
}

static void radix_give(struct radix *s, struct radix_space *space, vm_pfn table, unsigned level)
{
    uint32_t n = radix_frames(s, level);
    form_forget(&s->form, radix_at(s, table, 0, level), radix_entries(s, level));
    s->filled[table] = 0;
    space->nframes -= n;
    s->env.give(s->env.host, table, n);
}

static bool radix_open(void *state, vm_asid asid)
{
    struct radix *s = state;
    VM_ASSERT(asid < s->env.nasids && s->space[asid].nframes == 0);
    vm_pfn root = radix_take(s, &s->space[asid], RADIX_ROOT_LEVEL);
    s->space[asid].root = root;
    return root != VM_NOFRAME;
}

static void radix_drop(struct radix *s, struct radix_space *space, vm_pfn table, unsigned level)
{
    vm_pa at = radix_at(s, table, 0, level);
    uint32_t left = level > 0 ? s->filled[table] : 0;
    for (; left > 0; at += UINT64_C(1) << form_word_shift(&s->form)) {
        uint64_t word = radix_load(s, at);
        if (pte_points(word))
            radix_drop(s, space, pte_pfn(word), level - 1);
        left -= word != 0;
    }
    radix_give(s, space, table, level);
}

static void radix_close(void *state, vm_asid asid)
{
    struct radix *s = state;
    struct radix_space *space = radix_space(s, asid);
    radix_drop(s, space, space->root, RADIX_ROOT_LEVEL);
    VM_ASSERT(space->nframes == 0);
}

/* Give back the empty tables below `table` in [position, end), all under it. */
static void radix_prune(struct radix *s, struct radix_space *space, vm_pfn table, unsigned level,
                        uint64_t position, uint64_t end)
{
    while (level > 0 && s->filled[table] > 0 && position < end) {
        vm_pa at = radix_at(s, table, position, level);
        uint64_t word = radix_load(s, at);
        uint64_t after = (position | (radix_span(s, level) - 1)) + 1;
        uint64_t limit = after < end ? after : end;
        if (pte_points(word)) {
            radix_prune(s, space, pte_pfn(word), level - 1, position, limit);
            if (s->filled[pte_pfn(word)] == 0) {
                radix_give(s, space, pte_pfn(word), level - 1);
                radix_put(s, table, at, 0);
            }
        }
        position = limit;
    }
}

static void radix_trim(void *state, vm_asid asid, vm_va va, vm_va end)
{
    struct radix *s = state;
    struct radix_space *space = radix_space(s, asid);
    radix_prune(s, space, space->root, RADIX_ROOT_LEVEL, radix_position(s, va),
                radix_position(s, end));
}

/* The table below the word at `at` of `table`, made if there is none; or VM_NOFRAME. */
static vm_pfn radix_grow(struct radix *s, struct radix_space *space, vm_pfn table, vm_pa at,
                         unsigned level)
{
    if (radix_load(s, at) == 0) {
        vm_pfn fresh = radix_take(s, space, level - 1);
        if (fresh == VM_NOFRAME)
            return fresh;
        VM_ASSERT(radix_load(s, at) == 0); /* taking may set entries, but makes no table */
        radix_put(s, table, at, PTE_POINTER | (uint64_t)fresh << PTE_PFN_SHIFT);
    }
    VM_ASSERT(pte_points(radix_load(s, at))); /* whoever splits a large page empties it first */
    return pte_pfn(radix_load(s, at));
}

static bool radix_ensure(void *state, vm_asid asid, vm_va va, unsigned order)
{
    struct radix *s = state;
    struct radix_space *space = radix_space(s, asid);
    if (!radix_names(s, va))
        return vm_fail(s->env.refusal, VM_EMACHINE,
                       "address 0x%llx: " RADIX_NAME " names %u bits of address",
                       (unsigned long long)va, radix_top(s));
    unsigned leaf_level = radix_level(s, order);
    vm_pfn table = space->root;
    for (unsigned level = RADIX_ROOT_LEVEL; level > leaf_level; level--) {
        table = radix_grow(s, space, table, radix_at(s, table, va, level), level);
        if (table == VM_NOFRAME)
            return false;
    }
    uint64_t position = radix_position(s, va) & ~(radix_span(s, leaf_level) - 1);
    radix_prune(s, space, table, leaf_level, position, position + radix_span(s, leaf_level));
    VM_ASSERT(leaf_level == 0 || !pte_points(radix_load(s, radix_at(s, table, va, leaf_level))));
    return true;
}

/* ---- entries ---- */

/* The table that has the word which ends va's pointers, and at which level; no lower than
 * `lowest`. */
static vm_pfn radix_find(const struct radix *s, vm_asid asid, vm_va va, unsigned lowest,
                         unsigned *level)
{
    vm_pfn table = radix_space(s, asid)->root;
    for (*level = RADIX_ROOT_LEVEL; *level > lowest; --*level) {
        uint64_t word = radix_load(s, radix_at(s, table, va, *level));
        if (!pte_points(word))
            break;
        table = pte_pfn(word);
    }
    return table;
}

static struct vm_pte radix_get(const void *state, vm_asid asid, vm_va va)
{
    const struct radix *s = state;
    unsigned level;
    vm_pfn table = radix_find(s, asid, va, 0, &level);
    if (!radix_names(s, va))
        return (struct vm_pte){.state = VM_PTE_EMPTY};
    return entry_decode_order(radix_load(s, radix_at(s, table, va, level)), radix_order(s, level));
}

static void radix_set(void *state, vm_asid asid, vm_va va, struct vm_pte pte)
{
    struct radix *s = state;
    unsigned leaf_level = radix_level(s, pte.order), level;
    VM_ASSERT(radix_names(s, va));
    VM_ASSERT(pte.order == 0 || va % radix_span(s, leaf_level) == 0);
    VM_ASSERT(pte.order == 0 || pte.state != VM_PTE_SWAPPED);
    VM_ASSERT(pte.state != VM_PTE_PRESENT ||
              (pte.pfn < s->env.nframes && !(pte.pfn & vm_low_bits(pte.order))));
    vm_pfn table = radix_find(s, asid, va, leaf_level, &level);
    vm_pa at = radix_at(s, table, va, level);
    VM_ASSERT(level == leaf_level && (level == 0 || !pte_points(radix_load(s, at))));
    radix_put(s, table, at, entry_encode(pte));
}

/* ---- strips ---- */

/* The table that has base page va's word; VM_NOFRAME: there is none. */
static vm_pfn radix_leaf_table(const struct radix *s, vm_asid asid, vm_va va)
{
    unsigned level;
    vm_pfn table = radix_find(s, asid, va, 0, &level);
    return level == 0 && radix_names(s, va) ? table : VM_NOFRAME;
}

/* From va's word to the end of the frame that it is in. */
static uint32_t radix_strip_room(const struct radix *s, vm_va va)
{
    unsigned bits = radix_low(s, 0) - form_word_shift(&s->form);
    uint64_t words = UINT64_C(1) << bits;
    words = radix_entries(s, 0) < words ? radix_entries(s, 0) : words;
    uint64_t room = words - (va >> radix_low(s, 0) & (words - 1));
    return room < VM_STRIP_MAX ? (uint32_t)room : VM_STRIP_MAX;
}

static uint32_t radix_get_strip(const void *state, vm_asid asid, vm_va va, vm_va end,
                                struct vm_pte *out)
{
    const struct radix *s = state;
    vm_pfn table = radix_leaf_table(s, asid, va);
    uint64_t wanted = (end - va) >> radix_low(s, 0), room = radix_strip_room(s, va);
    uint32_t most = (uint32_t)(wanted < room ? wanted : room), n = 0;
    if (table == VM_NOFRAME)
        return 0;
    vm_pa at = radix_at(s, table, va, 0);
    for (; n < most; n++, at += UINT64_C(1) << form_word_shift(&s->form)) {
        uint64_t word = radix_load(s, at);
        if (word == 0)
            break;
        out[n] = entry_decode(word);
    }
    return n;
}

static void radix_set_strip(void *state, vm_asid asid, vm_va va, uint32_t n,
                            const struct vm_pte *pte)
{
    struct radix *s = state;
    vm_pfn table = radix_leaf_table(s, asid, va);
    uint32_t come = 0, gone = 0;
    VM_ASSERT(table != VM_NOFRAME && n <= radix_strip_room(s, va));
    vm_pa at = radix_at(s, table, va, 0);
    for (uint32_t i = 0; i < n; i++, at += UINT64_C(1) << form_word_shift(&s->form)) {
        uint64_t word = entry_encode(pte[i]);
        VM_EXPECT(pte[i].order == 0);
        VM_ASSERT(pte[i].state != VM_PTE_PRESENT || pte[i].pfn < s->env.nframes);
        gone += radix_load(s, at) != 0;
        come += word != 0;
        radix_store(s, at, word);
    }
    s->filled[table] += come - gone;
}

static const struct vm_strip_ops radix_strips = {.get = radix_get_strip, .set = radix_set_strip};

/* ---- the next entry ---- */

/* The first position in [position, end), all under this table, whose entry is not empty; or end. */
static uint64_t radix_scan(const struct radix *s, vm_pfn table, unsigned level, uint64_t position,
                           uint64_t end)
{
    while (s->filled[table] > 0 && position < end) {
        uint64_t word = radix_load(s, radix_at(s, table, position, level));
        uint64_t after = (position | (radix_span(s, level) - 1)) + 1;
        uint64_t limit = after < end ? after : end;
        if (word != 0) {
            bool leaf = level == 0 || !pte_points(word);
            uint64_t found =
                leaf ? position : radix_scan(s, pte_pfn(word), level - 1, position, limit);
            if (found < limit)
                return found;
        }
        position = limit;
    }
    return end;
}

static vm_va radix_next(const void *state, vm_asid asid, vm_va va, vm_va end)
{
    const struct radix *s = state;
    VM_ASSERT(va % radix_span(s, 0) == 0 && va <= end);
    uint64_t position_end = radix_position(s, end);
    uint64_t found = radix_scan(s, radix_space(s, asid)->root, RADIX_ROOT_LEVEL,
                                radix_position(s, va), position_end);
    return found < position_end ? radix_va(s, found) : end;
}

/* ---- the walk ---- */

static inline void radix_write_back(struct radix *s, struct vm_walk *out, vm_pa at, uint64_t before,
                                    uint64_t after)
{
    if (after == before)
        return;
    radix_store(s, at, after);
    out->nstores += form_seen(&s->form, after) != form_seen(&s->form, before);
}

static inline bool radix_leads(const struct radix *s, uint64_t word)
{
    return pte_points(word) && pte_pfn(word) < s->env.nframes;
}

/* The walk ends at a word of `level` that leads no further. */
static inline void radix_arrive(struct radix *s, struct vm_walk *out, enum vm_access access,
                                unsigned mode, vm_pa at, uint64_t word, uint64_t above,
                                unsigned level)
{
    uint64_t after = word;
    if (level > form_leaf_level_max(&s->form))
        out->fault = word & PTE_PRESENT ? VM_WALK_RESERVED : VM_WALK_ABSENT;
    else
        after = walk_leaf(out, access, mode, word, above, radix_order(s, level));
    walk_load(out, at, form_seen(&s->form, word), radix_low(s, level),
              level == 0 || out->pfn != VM_NOFRAME ? VM_LOAD_LEAF : VM_LOAD_TABLE);
    radix_write_back(s, out, at, word, after);
}

static void radix_walk(void *state, vm_asid asid, vm_va va, enum vm_access access, unsigned mode,
                       struct vm_walk *out)
{
    struct radix *s = state;
    walk_begin(out);
    if (!radix_names(s, va)) {
        out->fault = VM_WALK_BOUNDS;
        return;
    }
    const uint64_t mark = mode & VM_MODE_MARK_TRAPS ? 0 : PTE_POINTER_ACCESSED;
    uint64_t above = PTE_ABOVE_NONE;
    vm_pfn table = radix_space(s, asid)->root;
    for (unsigned level = RADIX_ROOT_LEVEL; level > 0; level--) {
        vm_pa at = radix_at(s, table, va, level);
        uint64_t word = radix_load(s, at);
        if (__builtin_expect(!radix_leads(s, word), 0)) {
            radix_arrive(s, out, access, mode, at, word, above, level);
            return;
        }
        walk_load(out, at, form_seen(&s->form, word), radix_low(s, level), VM_LOAD_TABLE);
        radix_write_back(s, out, at, word, word | mark);
        above = pte_inherit(above, word);
        table = pte_pfn(word);
    }
    vm_pa at = radix_at(s, table, va, 0);
    radix_arrive(s, out, access, mode, at, radix_load(s, at), above, 0);
}

/* ---- what it is, what it takes, and whether it is whole ---- */

static void radix_footprint(const void *state, vm_asid asid, struct vm_footprint *out)
{
    const struct radix *s = state;
    uint64_t bytes = (uint64_t)radix_space(s, asid)->nframes << radix_low(s, 0);
    *out =
        (struct vm_footprint){.own_bytes = bytes, .kernel_bytes = form_kept_bytes(&s->form, bytes)};
}

static unsigned radix_va_bits(const struct vm_scheme_env *env)
{
    struct radix_form form = form_of(env);
    return form_low(&form, RADIX_LEVELS);
}

static uint64_t radix_orders(const struct vm_scheme_env *env)
{
    struct radix_form form = form_of(env);
    uint64_t orders = 0;
    for (unsigned level = 0; level <= form_leaf_level_max(&form); level++)
        orders |= UINT64_C(1) << (form_low(&form, level) - form_low(&form, 0));
    return orders;
}

static size_t radix_va_fields(const void *state, struct vm_field *out)
{
    static const char *const names[RADIX_LEVELS] = {RADIX_VA_NAMES};
    const struct radix *s = state;
    for (unsigned level = RADIX_LEVELS; level-- > 0; out++)
        *out = (struct vm_field){names[level], (uint8_t)(radix_low(s, level + 1) - 1),
                                 (uint8_t)radix_low(s, level)};
    *out = (struct vm_field){"offset", (uint8_t)(radix_low(s, 0) - 1), 0};
    return RADIX_LEVELS + 1;
}

static size_t radix_word_fields(const void *state, const struct vm_walk *walk, size_t i,
                                struct vm_field *out)
{
    const struct radix *s = state;
    uint8_t order[RADIX_LEVELS];
    VM_ASSERT(i < walk->nloads && i < RADIX_LEVELS);
    for (unsigned level = 0; level < RADIX_LEVELS; level++)
        order[level] = (uint8_t)radix_order(s, level);
    return form_word_fields(&s->form, walk->load[i].word, RADIX_ROOT_LEVEL - (unsigned)i, order,
                            out);
}

static uint32_t radix_check_table(const struct radix *s, vm_pfn table, unsigned level);

/* Asserts invariant 3 of a word; returns how many frames the tables below it have. */
static uint32_t radix_check_word(const struct radix *s, uint64_t word, unsigned level)
{
    if (level > 0 && pte_points(word)) {
        uint64_t fixed = word & ~(uint64_t)PTE_POINTER_ACCESSED;
        VM_ASSERT(fixed == (PTE_POINTER | (uint64_t)pte_pfn(word) << PTE_PFN_SHIFT));
        return radix_check_table(s, pte_pfn(word), level - 1);
    }
    VM_ASSERT(word == 0 || level <= form_leaf_level_max(&s->form));
    struct vm_pte pte = entry_decode_order(word, radix_order(s, level));
    VM_ASSERT(level == 0 || pte.state != VM_PTE_SWAPPED);
    VM_ASSERT(entry_encode(pte) == word);
    return 0;
}

/* Asserts invariants 2 and 3 of `table` and all below; returns how many frames these have. */
static uint32_t radix_check_table(const struct radix *s, vm_pfn table, unsigned level)
{
    uint32_t nframes = radix_frames(s, level), filled = 0;
    VM_ASSERT(table < s->env.nframes);
    for (uint64_t i = 0; i < radix_entries(s, level); i++) {
        uint64_t word = radix_load(s, radix_at(s, table, i << radix_low(s, level), level));
        filled += word != 0;
        nframes += radix_check_word(s, word, level);
    }
    VM_ASSERT(filled == s->filled[table]);
    return nframes;
}

static void radix_check(const void *state)
{
    const struct radix *s = state;
    for (uint32_t asid = 0; asid < s->env.nasids; asid++) {
        const struct radix_space *space = &s->space[asid];
        if (space->nframes > 0)
            VM_ASSERT(radix_check_table(s, space->root, RADIX_ROOT_LEVEL) == space->nframes);
    }
}

const struct vm_scheme_ops RADIX_OPS = {
    .name = RADIX_NAME,
    .summary = RADIX_SUMMARY,
    .page_shift_min = RADIX_PAGE_SHIFT_MIN,
    .page_shift_max = RADIX_PAGE_SHIFT_MAX,
    .marks = VM_FRAME_REFERENCED | VM_FRAME_DIRTY,
    .strips = &radix_strips,
    .param = RADIX_PARAMS,
    .nparams = RADIX_NPARAMS,
    .accept = radix_accept,
    .va_bits = radix_va_bits,
    .orders = radix_orders,
    .size = radix_size,
    .init = radix_init,
    .open = radix_open,
    .close = radix_close,
    .ensure = radix_ensure,
    .get = radix_get,
    .set = radix_set,
    .next = radix_next,
    .trim = radix_trim,
    .walk = radix_walk,
    .footprint = radix_footprint,
    .check = radix_check,
    .va_fields = radix_va_fields,
    .word_fields = radix_word_fields,
};
