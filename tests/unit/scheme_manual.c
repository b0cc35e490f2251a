/* scheme_manual.c - walks over words that no kernel should have written, against the manuals.
 *
 * The words on the way of one address are made of what a kernel writes, with bits turned over at
 * random: then the scheme's walk and the manual's steps (oracle/manual_walk.h) must end alike and
 * leave the same words. The cases that the manuals name stand by themselves below.
 */
#include "base/random.h"
#include "oracle/manual_walk.h"
#include "oracle/scheme_world.h"

#include "test.h"

#include <string.h>

#define TABLES 0x100 /* the frame of the root; the tables below follow */
#define LEVELS 5
#define BIT(i) (UINT64_C(1) << (i))

typedef struct manual_end (*manual_walk)(const struct manual *, vm_va, enum vm_access, unsigned);

struct row {
    const char *name;
    manual_walk walk;
    unsigned word_bytes, nlevels, leaf_level_max;
    uint64_t pointer, leaf, large; /* without a frame; large is set above level 0, leaf is not */
    uint64_t marks;                /* what an access turns over in a leaf */
    unsigned frame_low;            /* the lowest bit of a frame number */
};
#define RISCV(name, bytes, levels, max)                                                            \
    {                                                                                              \
        name, manual_walk_riscv, bytes, levels, max, 0x1, 0xdf, 0xdf, 0xc0, 10                     \
    }
#define X86(name, levels)                                                                          \
    {                                                                                              \
        name, manual_walk_x86, 8, levels, 2, 0x27, 0x67, 0xe7, 0x60, 12                            \
    }
static const struct row rows[] = {
    RISCV("sv32", 4, 2, 1),
    RISCV("sv39", 8, 3, 2),
    RISCV("sv48", 8, 4, 3),
    RISCV("sv57", 8, 5, 3),
    X86("x86-64", 4),
    X86("x86-64-la57", 5),
    {"arm64", manual_walk_arm, 8, 4, 2, 0x3, BIT(51) | 0x743, BIT(51) | 0x741, 0x480, 12},
    {"arm64-16k", manual_walk_arm, 8, 3, 1, 0x3, BIT(51) | 0x743, BIT(51) | 0x741, 0x480, 14},
};
#define NROWS (sizeof rows / sizeof rows[0])

struct scene {
    const struct row *row;
    struct scheme_world *w;
    struct manual m;
    vm_va va;
    uint64_t kept[LEVELS]; /* the words that the scheme wrote */
};

static unsigned index_bits_of(const struct row *r, const struct scheme_world *w)
{
    return w->page_shift - (r->word_bytes == 4 ? 2 : 3);
}

static uint8_t *word_at(const struct scene *s, unsigned level)
{
    unsigned index_bits = index_bits_of(s->row, s->w);
    uint64_t index = s->va >> (s->w->page_shift + level * index_bits) & (BIT(index_bits) - 1);
    vm_pfn table = TABLES + s->row->nlevels - 1 - level;
    return s->w->memory + ((size_t)table << s->w->page_shift) + index * s->row->word_bytes;
}

static uint64_t word_read(const struct scene *s, unsigned level)
{
    uint64_t word = 0;
    memcpy(&word, word_at(s, level), s->row->word_bytes);
    return word;
}

static void word_write(const struct scene *s, unsigned level, uint64_t word)
{
    memcpy(word_at(s, level), &word, s->row->word_bytes);
}

/* Tables for a page in the lower half, whose words the test writes. */
static void scene_open(struct scene *s, const struct row *row)
{
    *s = (struct scene){.row = row, .va = 0x12345678};
    s->w = world_open(row->name, TABLES, 1);
    if (s->w->va_bits > 32)
        s->va |= UINT64_C(0x2b) << 32;
    assert_true(s->w->ops->open(s->w->state, 0));
    assert_true(s->w->ops->ensure(s->w->state, 0, s->va, 0));
    s->m = (struct manual){.memory = s->w->memory,
                           .nframes = WORLD_FRAMES,
                           .root = TABLES,
                           .page_shift = s->w->page_shift,
                           .index_bits = index_bits_of(row, s->w),
                           .word_bytes = row->word_bytes,
                           .nlevels = row->nlevels,
                           .leaf_level_max = row->leaf_level_max};
    for (unsigned level = 0; level < row->nlevels; level++)
        s->kept[level] = word_read(s, level);
}

static void scene_restore(struct scene *s)
{
    for (unsigned level = 0; level < s->row->nlevels; level++)
        word_write(s, level, s->kept[level]);
}

static void scene_close(struct scene *s)
{
    scene_restore(s);
    s->w->ops->check(s->w->state);
    s->w->ops->close(s->w->state, 0);
    world_close(s->w);
}

static uint64_t leaf_word(const struct row *r, unsigned level, vm_pfn pfn)
{
    return (uint64_t)pfn << r->frame_low | (level > 0 ? r->large : r->leaf);
}

/* Walk by the scheme; the words that it left are in place. */
static struct vm_walk scene_walk(struct scene *s, enum vm_access access, unsigned mode)
{
    struct vm_walk walk;
    s->w->ops->walk(s->w->state, 0, s->va, access, mode, &walk);
    return walk;
}

/* The same by both, with the words that are there: alike in everything. */
static enum vm_walk_fault compare(struct scene *s, enum vm_access access, unsigned mode)
{
    uint64_t before[LEVELS], after[LEVELS];
    for (unsigned level = 0; level < s->row->nlevels; level++)
        before[level] = word_read(s, level);
    struct vm_walk walk = scene_walk(s, access, mode);
    for (unsigned level = 0; level < s->row->nlevels; level++) {
        after[level] = word_read(s, level);
        word_write(s, level, before[level]);
    }
    struct manual_end end = s->row->walk(&s->m, s->va, access, mode);
    for (unsigned level = 0; level < s->row->nlevels; level++)
        assert_int_equal(after[level], word_read(s, level));
    assert_int_equal(walk.fault, end.fault);
    assert_int_equal(walk.pfn, end.pfn);
    assert_int_equal(walk.order, end.order);
    assert_int_equal(walk.prot, end.prot);
    assert_int_equal(walk.nloads, end.nloads);
    assert_int_equal(walk.nstores, end.nstores);
    assert_int_equal(walk.dirty, end.dirty);
    assert_int_equal(walk.end, end.pfn == VM_NOFRAME ? 1 : UINT64_C(1) << end.order);
    return walk.fault;
}

/* A leaf at some level, its frame aligned or not, and bits turned over anywhere on the way. */
static void words_random(struct scene *s, struct vm_random *random)
{
    unsigned index_bits = s->m.index_bits;
    scene_restore(s);
    unsigned level = (unsigned)vm_random_below(random, s->row->nlevels);
    unsigned order = level * index_bits < 32 ? level * index_bits : 0;
    vm_pfn pfn = (vm_pfn)vm_random_u64(random);
    if (vm_random_below(random, 4) > 0)
        pfn = pfn >> order << order;
    uint64_t marks = s->row->marks & vm_random_u64(random);
    word_write(s, level, leaf_word(s->row, level, pfn) ^ marks);
    for (uint64_t n = vm_random_below(random, 5); n > 0; n--) {
        unsigned where = (unsigned)vm_random_below(random, s->row->nlevels);
        unsigned flags = (unsigned)vm_random_below(random, 2) ? 12 : 8 * s->row->word_bytes;
        unsigned from = flags == 12 && vm_random_below(random, 3) == 0 ? 51 : 0;
        unsigned i = from + (unsigned)vm_random_below(random, flags);
        if (i < 8 * s->row->word_bytes)
            word_write(s, where, word_read(s, where) ^ BIT(i));
    }
}

static void any_words_are_walked_as_the_manual_says(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < NROWS; i++) {
        struct scene s;
        struct vm_random random;
        unsigned seen[VM_WALK_UNMARKED + 1] = {0};
        scene_open(&s, &rows[i]);
        vm_random_seed(&random, i);
        for (unsigned k = 0; k < 20000; k++) {
            words_random(&s, &random);
            enum vm_access access = (enum vm_access)vm_random_below(&random, VM_ACCESSES);
            unsigned mode =
                vm_random_below(&random, 2) ? (unsigned)vm_random_below(&random, 16) : VM_MODE_USER;
            seen[compare(&s, access, mode)]++;
        }
        for (enum vm_walk_fault f = VM_WALK_OK; f <= VM_WALK_UNMARKED; f++)
            assert_true(f == VM_WALK_BOUNDS || seen[f] > 200);
        scene_close(&s);
    }
}

/* ---- cases that the manuals name ---- */

struct word_case {
    const char *name;
    unsigned level;
    uint64_t word;
    enum vm_access access;
    unsigned mode;
    enum vm_walk_fault fault;
};

static void cases_hold(const struct word_case *c, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct row *row = rows;
        while (strcmp(row->name, c[i].name) != 0)
            row++;
        struct scene s;
        scene_open(&s, row);
        word_write(&s, 0, leaf_word(row, 0, 7));
        word_write(&s, c[i].level, c[i].word);
        assert_int_equal(compare(&s, c[i].access, c[i].mode), c[i].fault);
        scene_close(&s);
    }
}
#define CASES_HOLD(c) cases_hold(c, sizeof(c) / sizeof(c)[0])

enum { KERNEL = VM_MODE_KERNEL, SUM = VM_MODE_KERNEL | VM_MODE_SUM, TRAPS = VM_MODE_MARK_TRAPS };
#define POINT ((UINT64_C(0x101) << 10) | 1) /* from the root of Sv32 to its table */

static void risc_v_reserves_what_step_3_and_4_say(void **unused)
{
    (void)unused;
    static const struct word_case c[] = {
        {"sv39", 0, 0xde, VM_READ, 0, VM_WALK_ABSENT},             /* V = 0 alone decides */
        {"sv39", 0, 0xd5, VM_READ, 0, VM_WALK_RESERVED},           /* W without R */
        {"sv39", 0, 0xdd, VM_FETCH, 0, VM_WALK_RESERVED},          /* W and X without R */
        {"sv39", 0, 0xd1, VM_READ, 0, VM_WALK_RESERVED},           /* a pointer at level 0 */
        {"sv39", 0, BIT(54) | 0xdf, VM_READ, 0, VM_WALK_RESERVED}, /* 60:54 */
        {"sv39", 0, BIT(60) | 0xdf, VM_READ, 0, VM_WALK_RESERVED},
        {"sv39", 0, BIT(61) | 0xdf, VM_READ, 0, VM_WALK_RESERVED}, /* Svpbmt is not there */
        {"sv39", 0, BIT(63) | 0xdf, VM_READ, 0, VM_WALK_RESERVED}, /* nor is Svnapot */
        {"sv39", 0, 0x3df, VM_READ, 0, VM_WALK_OK},                /* RSW is software's */
        {"sv32", 1, POINT, VM_READ, 0, VM_WALK_OK},
        {"sv32", 1, POINT | BIT(4), VM_READ, 0, VM_WALK_RESERVED}, /* U, A and D in a pointer */
        {"sv32", 1, POINT | BIT(6), VM_READ, 0, VM_WALK_RESERVED},
        {"sv32", 1, POINT | BIT(7), VM_READ, 0, VM_WALK_RESERVED},
        {"sv32", 1, POINT | BIT(5), VM_READ, 0, VM_WALK_OK}, /* G: all below is global */
        {"sv32", 1, POINT | BIT(2), VM_READ, 0, VM_WALK_RESERVED},
    };
    CASES_HOLD(c);
}

static void risc_v_superpages_are_aligned_at_every_level(void **unused)
{
    (void)unused;
    static const struct word_case c[] = {
        {"sv32", 1, UINT64_C(1024) << 10 | 0xdf, VM_READ, 0, VM_WALK_OK},
        {"sv32", 1, UINT64_C(1025) << 10 | 0xdf, VM_READ, 0, VM_WALK_RESERVED},
        {"sv39", 1, UINT64_C(512) << 10 | 0xdf, VM_READ, 0, VM_WALK_OK},
        {"sv39", 1, UINT64_C(256) << 10 | 0xdf, VM_READ, 0, VM_WALK_RESERVED},
        {"sv39", 2, UINT64_C(262144) << 10 | 0xdf, VM_READ, 0, VM_WALK_OK},
        {"sv39", 2, UINT64_C(512) << 10 | 0xdf, VM_READ, 0, VM_WALK_RESERVED},
        {"sv48", 3, BIT(27) << 10 | 0xdf, VM_WRITE, 0, VM_WALK_OK},
        {"sv48", 3, BIT(26) << 10 | 0xdf, VM_WRITE, 0, VM_WALK_RESERVED},
        {"sv57", 4, 0xdf, VM_READ, 0, VM_WALK_RESERVED}, /* 2^36 frames: more than there are */
        /* step 5 is before 6 and 8: misaligned and denied is misaligned */
        {"sv39", 1, UINT64_C(256) << 10 | 0xc3, VM_WRITE, 0, VM_WALK_RESERVED},
    };
    CASES_HOLD(c);
}

static void risc_v_privilege_sum_and_mxr(void **unused)
{
    (void)unused;
    static const struct word_case c[] = {
        {"sv39", 0, 0xcf, VM_READ, 0, VM_WALK_DENIED}, /* U = 0: not a user's */
        {"sv39", 0, 0xcf, VM_READ, KERNEL, VM_WALK_OK},
        {"sv39", 0, 0xcf, VM_FETCH, KERNEL, VM_WALK_OK},
        {"sv39", 0, 0xdf, VM_READ, KERNEL, VM_WALK_DENIED}, /* SUM = 0 */
        {"sv39", 0, 0xdf, VM_READ, SUM, VM_WALK_OK},
        {"sv39", 0, 0xdf, VM_WRITE, SUM, VM_WALK_OK},
        {"sv39", 0, 0xdf, VM_FETCH, SUM, VM_WALK_DENIED}, /* never */
        {"sv39", 0, 0xd9, VM_READ, 0, VM_WALK_DENIED},    /* X alone */
        {"sv39", 0, 0xd9, VM_READ, VM_MODE_MXR, VM_WALK_OK},
        {"sv39", 0, 0xd9, VM_WRITE, VM_MODE_MXR, VM_WALK_DENIED},
        {"sv39", 0, 0xd9, VM_FETCH, 0, VM_WALK_OK},
        {"sv39", 0, 0xd3, VM_WRITE, 0, VM_WALK_DENIED},
    };
    CASES_HOLD(c);
}

static void svade_traps_where_a_or_d_is_missing(void **unused)
{
    (void)unused;
    static const struct word_case c[] = {
        {"sv39", 0, 0x1f, VM_READ, TRAPS, VM_WALK_UNMARKED},
        {"sv39", 0, 0x5f, VM_READ, TRAPS, VM_WALK_OK},
        {"sv39", 0, 0x5f, VM_WRITE, TRAPS, VM_WALK_UNMARKED},
        {"sv39", 0, 0xdf, VM_WRITE, TRAPS, VM_WALK_OK},
        {"sv39", 0, 0x9f, VM_READ, TRAPS, VM_WALK_UNMARKED}, /* D without A */
        {"sv39", 0, 0x13, VM_WRITE, TRAPS, VM_WALK_DENIED},  /* step 8 is before 9 */
        {"sv39", 0, 0x1f, VM_WRITE, 0, VM_WALK_OK},          /* Svadu */
    };
    CASES_HOLD(c);
}

#define TABLE (UINT64_C(0x103) << 12) /* that the page directory points to in x86-64 */

static void x86_rights_are_those_of_all_levels(void **unused)
{
    (void)unused;
    static const struct word_case c[] = {
        {"x86-64", 1, TABLE | 0x27, VM_WRITE, 0, VM_WALK_OK},
        {"x86-64", 1, TABLE | 0x25, VM_WRITE, 0, VM_WALK_DENIED}, /* R/W clear above */
        {"x86-64", 1, TABLE | 0x25, VM_READ, 0, VM_WALK_OK},
        {"x86-64", 1, TABLE | 0x25, VM_WRITE, SUM, VM_WALK_DENIED}, /* CR0.WP */
        {"x86-64", 1, TABLE | 0x23, VM_READ, 0, VM_WALK_DENIED},    /* U/S clear above */
        {"x86-64", 1, TABLE | 0x23, VM_READ, KERNEL, VM_WALK_OK},   /* so it is a supervisor's */
        {"x86-64", 1, TABLE | BIT(63) | 0x27, VM_FETCH, 0, VM_WALK_DENIED},
        {"x86-64", 1, TABLE | BIT(63) | 0x27, VM_READ, 0, VM_WALK_OK},
        {"x86-64", 0, 0x7067, VM_READ, KERNEL, VM_WALK_DENIED},  /* SMAP */
        {"x86-64", 0, 0x7067, VM_FETCH, KERNEL, VM_WALK_DENIED}, /* SMEP */
        {"x86-64", 0, 0x7067, VM_FETCH, SUM, VM_WALK_OK},
        {"x86-64", 0, 0x7063, VM_FETCH, KERNEL, VM_WALK_OK},
    };
    CASES_HOLD(c);
}

static void x86_reserved_bits(void **unused)
{
    (void)unused;
    static const struct word_case c[] = {
        {"x86-64", 0, BIT(44) | 0x67, VM_READ, 0, VM_WALK_RESERVED}, /* beyond MAXPHYADDR */
        {"x86-64", 0, BIT(51) | 0x67, VM_READ, 0, VM_WALK_RESERVED},
        {"x86-64", 0, BIT(52) | 0x67, VM_READ, 0, VM_WALK_OK}, /* 58:52 are ignored */
        {"x86-64", 0, BIT(7) | 0x67, VM_READ, 0, VM_WALK_OK},  /* PAT */
        {"x86-64", 1, TABLE | BIT(45) | 0x27, VM_READ, 0, VM_WALK_RESERVED},
        {"x86-64", 1, BIT(21) | 0xe7, VM_READ, 0, VM_WALK_OK}, /* 2 MiB */
        {"x86-64", 1, BIT(20) | 0xe7, VM_READ, 0, VM_WALK_RESERVED},
        {"x86-64", 1, BIT(13) | 0xe7, VM_READ, 0, VM_WALK_RESERVED},
        {"x86-64", 1, BIT(12) | 0xe7, VM_READ, 0, VM_WALK_OK}, /* PAT of a large page */
        {"x86-64", 2, BIT(30) | 0xe7, VM_READ, 0, VM_WALK_OK}, /* 1 GiB */
        {"x86-64", 2, BIT(29) | 0xe7, VM_READ, 0, VM_WALK_RESERVED},
        {"x86-64", 3, 0xe7, VM_READ, 0, VM_WALK_RESERVED}, /* PS in a PML4E */
        {"x86-64-la57", 4, 0xe7, VM_READ, 0, VM_WALK_RESERVED},
        {"x86-64", 1, ((uint64_t)WORLD_FRAMES << 12) | 0x27, VM_READ, 0, VM_WALK_RESERVED},
        {"x86-64", 0, BIT(51) | 0x66, VM_READ, 0, VM_WALK_ABSENT},    /* P = 0 alone decides */
        {"x86-64", 1, BIT(20) | 0xe5, VM_WRITE, 0, VM_WALK_RESERVED}, /* before the rights */
    };
    CASES_HOLD(c);
}

static void x86_marks_every_entry_used_and_dirties_the_leaf(void **unused)
{
    (void)unused;
    struct scene s;
    scene_open(&s, &rows[4]);
    word_write(&s, 1, BIT(21) | 0x87); /* a page of 2 MiB, A and D clear */
    struct vm_walk walk = scene_walk(&s, VM_WRITE, 0);
    assert_int_equal(walk.nstores, 3);
    assert_int_equal(word_read(&s, 1), BIT(21) | 0xe7);
    for (unsigned level = 2; level < 4; level++)
        assert_int_equal(word_read(&s, level) & 0xff, 0x27);
    assert_int_equal(word_read(&s, 0), 0);
    scene_close(&s);
}

static void arm_descriptors(void **unused)
{
    (void)unused;
    const uint64_t page = BIT(53) | 0x743, table = (UINT64_C(0x103) << 12) | 3;
    const struct word_case c[] = {
        {"arm64", 0, page, VM_WRITE, 0, VM_WALK_OK},              /* AP = 01: written already */
        {"arm64", 0, page | BIT(7), VM_WRITE, 0, VM_WALK_DENIED}, /* AP = 11: read only */
        {"arm64", 0, page | BIT(7) | BIT(51), VM_WRITE, 0, VM_WALK_OK}, /* DBM: AP[2] is cleared */
        {"arm64", 0, page | BIT(7) | BIT(51), VM_WRITE, TRAPS, VM_WALK_UNMARKED},
        {"arm64", 0, page & ~BIT(10), VM_READ, TRAPS, VM_WALK_UNMARKED}, /* AF */
        {"arm64", 0, page & ~BIT(10), VM_READ, 0, VM_WALK_OK},
        {"arm64", 0, page & ~BIT(6), VM_READ, 0, VM_WALK_DENIED}, /* AP[1] = 0: EL1's */
        {"arm64", 0, page & ~BIT(6), VM_FETCH, 0, VM_WALK_OK},    /* execute-only */
        {"arm64", 0, page | BIT(54), VM_FETCH, 0, VM_WALK_DENIED},
        {"arm64", 0, page, VM_READ, KERNEL, VM_WALK_DENIED}, /* PAN */
        {"arm64", 0, page, VM_READ, SUM, VM_WALK_OK},
        {"arm64", 0, page & ~BIT(53), VM_FETCH, SUM, VM_WALK_DENIED}, /* EL0 may write it */
        {"arm64", 0, (page & ~BIT(53)) | BIT(7), VM_FETCH, KERNEL, VM_WALK_OK},
        {"arm64", 0, page & ~BIT(1), VM_READ, 0, VM_WALK_RESERVED}, /* 01 at level 3 */
        {"arm64", 1, page & ~BIT(1), VM_READ, 0, VM_WALK_OK},       /* a block of 2 MiB */
        {"arm64", 3, page & ~BIT(1), VM_READ, 0, VM_WALK_RESERVED}, /* none at level 0 */
        {"arm64-16k", 2, page & ~BIT(1), VM_READ, 0, VM_WALK_RESERVED},
        {"arm64", 0, page | BIT(44), VM_READ, 0, VM_WALK_RESERVED}, /* address size */
        {"arm64", 1, table | BIT(62), VM_WRITE, 0, VM_WALK_DENIED}, /* APTable, UXNTable */
        {"arm64", 1, table | BIT(61), VM_READ, 0, VM_WALK_DENIED},
        {"arm64", 1, table | BIT(60), VM_FETCH, 0, VM_WALK_DENIED},
        {"arm64", 1, table | BIT(60), VM_READ, 0, VM_WALK_OK},
    };
    CASES_HOLD(c);
}

/* The field of that name, of the word that load i read. */
static const struct vm_field *field(const struct scene *s, const struct vm_walk *walk, size_t i,
                                    const char *name)
{
    static struct vm_field fields[VM_FIELDS_MAX];
    size_t n = s->w->ops->word_fields(s->w->state, walk, i, fields);
    assert_in_range(n, 1, VM_FIELDS_MAX);
    for (size_t k = 0; k < n; k++) {
        assert_true(k + 1 == n || fields[k].low > 0);
        if (!strcmp(fields[k].name, name))
            return &fields[k];
    }
    return NULL;
}

static void fields_have_the_names_of_the_manuals(void **unused)
{
    (void)unused;
    static const struct {
        const char *row;
        unsigned level;
        const char *name;
        unsigned high, low; /* both 0: no such field */
    } c[] = {
        {"sv32", 0, "PPN[1]", 31, 20},   {"sv32", 0, "PPN[0]", 19, 10},
        {"sv39", 0, "PPN[2]", 53, 28},   {"sv39", 2, "PPN[1]", 27, 19},
        {"sv39", 0, "PBMT", 62, 61},     {"sv57", 0, "PPN[4]", 53, 46},
        {"sv32", 0, "N", 0, 0},          {"x86-64", 0, "frame", 51, 12},
        {"x86-64", 1, "frame", 51, 21},  {"x86-64", 1, "PAT", 12, 12},
        {"x86-64", 0, "PAT", 7, 7},      {"x86-64", 1, "PS", 7, 7},
        {"x86-64", 2, "frame", 51, 30},  {"arm64", 0, "address", 47, 12},
        {"arm64", 1, "address", 47, 21}, {"arm64-16k", 1, "address", 47, 25},
    };
    for (size_t i = 0; i < sizeof c / sizeof c[0]; i++) {
        const struct row *row = rows;
        while (strcmp(row->name, c[i].row) != 0)
            row++;
        struct scene s;
        scene_open(&s, row);
        word_write(&s, c[i].level, leaf_word(row, c[i].level, 0));
        struct vm_walk walk = scene_walk(&s, VM_READ, 0);
        assert_int_equal(walk.fault, VM_WALK_OK);
        const struct vm_field *f = field(&s, &walk, walk.nloads - 1, c[i].name);
        assert_int_equal(f ? f->high : 0, c[i].high);
        assert_int_equal(f ? f->low : 0, c[i].low);
        assert_null(field(&s, &walk, walk.nloads - 1, "table"));
        if (walk.nloads > 1 && !strcmp(row->name, "x86-64"))
            assert_int_equal(field(&s, &walk, 0, "table")->low, 12);
        scene_close(&s);
    }
}

static void addresses_are_cut_as_the_manuals_cut_them(void **unused)
{
    (void)unused;
    static const struct {
        const char *spec, *first;
        unsigned high, low, n;
    } c[] = {
        {"sv32", "VPN[1]", 31, 22, 3},
        {"sv39", "VPN[2]", 38, 30, 4},
        {"sv48", "VPN[3]", 47, 39, 5},
        {"sv57", "VPN[4]", 56, 48, 6},
        {"x86-64", "PML4", 47, 39, 5},
        {"x86-64-la57", "PML5", 56, 48, 6},
        {"arm64", "L0", 47, 39, 5},
        {"arm64-16k", "L1", 46, 36, 4},
        {"two-level:dir=6,table=12", "directory index", 29, 24, 3},
    };
    for (size_t i = 0; i < sizeof c / sizeof c[0]; i++) {
        struct vm_field f[VM_FIELDS_MAX];
        struct scheme_world *w = world_open(c[i].spec, 0, 1);
        size_t n = w->ops->va_fields(w->state, f);
        assert_int_equal(n, c[i].n);
        assert_string_equal(f[0].name, c[i].first);
        assert_int_equal(f[0].high, c[i].high);
        assert_int_equal(f[0].low, c[i].low);
        for (size_t k = 1; k < n; k++)
            assert_int_equal(f[k].high + 1, f[k - 1].low);
        assert_int_equal(f[n - 1].low, 0);
        world_close(w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_words_are_walked_as_the_manual_says),
        cmocka_unit_test(risc_v_reserves_what_step_3_and_4_say),
        cmocka_unit_test(risc_v_superpages_are_aligned_at_every_level),
        cmocka_unit_test(risc_v_privilege_sum_and_mxr),
        cmocka_unit_test(svade_traps_where_a_or_d_is_missing),
        cmocka_unit_test(x86_rights_are_those_of_all_levels),
        cmocka_unit_test(x86_reserved_bits),
        cmocka_unit_test(x86_marks_every_entry_used_and_dirties_the_leaf),
        cmocka_unit_test(arm_descriptors),
        cmocka_unit_test(fields_have_the_names_of_the_manuals),
        cmocka_unit_test(addresses_are_cut_as_the_manuals_cut_them),
    };
    return cmocka_run_group_tests_name("scheme_manual", tests, NULL, NULL);
}
