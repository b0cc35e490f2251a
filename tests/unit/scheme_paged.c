/* scheme_paged.c - tables in kernel virtual memory, worked out by hand from the manuals that
 * src/scheme/ cites: where the kernel's word and the page's own are, and what their bits say.
 *
 * In each world tables take frames 0x100, 0x101, ... in turn: first the kernel's own.
 */
#include "oracle/scheme_world.h"

#include "test.h"

#include <string.h>

#define TABLES 0x100
#define READ   VM_PROT_READ
#define WRITE  VM_PROT_WRITE
#define FETCH  VM_PROT_FETCH

struct golden {
    const char *spec;
    vm_va va, kva;
    vm_pa at[2];
    uint64_t kernel, word, after; /* the page's word before any walk, and after one for a write */
};

static const struct golden golden[] = {
    /* Page 0xa03, at 0x5018 of the table: the kernel's word 5, and 0x18 in that page. The kernel's:
     * frame 0x101 << 10, D A G W R V. The page's: 0x2a << 10, U W R V; then D and A. */
    {"paged-linear:bits=24,processes=2",
     0xa03abc,
     0x1000000005018,
     {0x100028, 0x101018},
     0x404e7,
     0xa817,
     0xa8d7},
    /* P0, VPN 0x95: PTE at P0BR + 4 * 0x95 = 0x80000254, system page 1: at SBR + 4, V KW 0x101. The
     * PTE: V UW 0x2a; then M. The physical address would be 0x2a * 512 + 0x34 = 0x5434. */
    {"vax:virtualpagecnt=4096,processes=2",
     0x12a34,
     0x80000254,
     {0x20004, 0x20254},
     0x90000101,
     0xa000002a,
     0xa400002a},
    /* P1's last page: the last of the 4096 entries, in the last of the area's 32 system pages. */
    {"vax:virtualpagecnt=4096,processes=2",
     0x7ffffe00,
     0x80003ffc,
     {0x2007c, 0x203fc},
     0x90000101,
     0xa000002a,
     0xa400002a},
    /* VPN 0x405: Context is PTEBase | VPN2 << 4 = 0xc0002020, and the odd word of the pair is 8 on.
     * The kernel's words take frames 0x100 to 0x103. EntryLo: PFN << 6, C 3, D V G; above: M W. */
    {"mips:processes=1",
     0x405123,
     0xc0002028,
     {0x100010, 0x104028},
     0xc000411f,
     0x40000a9a,
     0xc0000a9e},
};

static struct scheme_world *world_with_page(const char *spec, vm_va va, struct vm_pte pte)
{
    struct scheme_world *w = world_open(spec, TABLES, 1);
    assert_true(w->ops->open(w->state, 0));
    assert_true(w->ops->ensure(w->state, 0, va, 0));
    w->ops->set(w->state, 0, va, pte);
    return w;
}

static void world_end(struct scheme_world *w)
{
    w->ops->check(w->state);
    w->ops->close(w->state, 0);
    world_close(w);
}

static void the_kernel_s_word_is_loaded_and_then_the_page_s_own_by_its_kernel_address(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < sizeof golden / sizeof golden[0]; i++) {
        const struct golden *g = &golden[i];
        struct scheme_world *w = world_with_page(g->spec, g->va, pte_present(0x2a, READ | WRITE));
        struct vm_walk walk;
        for (unsigned k = 0; k < 2; k++) {
            w->ops->walk(w->state, 0, g->va, VM_WRITE, VM_MODE_USER, &walk);
            assert_int_equal(walk.fault, VM_WALK_OK);
            assert_int_equal(walk.pfn, 0x2a);
            assert_int_equal(walk.nloads, 2);
            assert_int_equal(walk.load[0].at, g->at[0]);
            assert_int_equal(walk.load[0].role, VM_LOAD_NESTED);
            assert_int_equal(walk.load[0].kva, 0);
            assert_int_equal(walk.load[0].word, g->kernel);
            assert_int_equal(walk.load[1].at, g->at[1]);
            assert_int_equal(walk.load[1].role, VM_LOAD_LEAF);
            assert_int_equal(walk.load[1].kva, g->kva);
            assert_int_equal(walk.load[1].word, k == 0 ? g->word : g->after);
            assert_int_equal(walk.nstores, k == 0);
        }
        world_end(w);
    }
}

static void a_page_of_the_table_that_was_never_used_is_absent_after_one_load(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < sizeof golden / sizeof golden[0]; i++) {
        const struct golden *g = &golden[i];
        struct scheme_world *w = world_with_page(g->spec, g->va, pte_present(0x2a, READ));
        struct vm_walk walk;
        bool in_front = g->va < UINT64_C(1) << (w->va_bits - 1);
        if (strncmp(g->spec, "vax", 3) != 0) {
            w->ops->walk(w->state, 0, 0, VM_READ, VM_MODE_USER, &walk);
            assert_int_equal(walk.nloads, 1);
            assert_int_equal(walk.load[0].word, 0);
        } else { /* beyond the length register there is no load at all */
            vm_va beyond = in_front ? g->va + 512 : g->va - 512;
            w->ops->walk(w->state, 0, beyond, VM_READ, VM_MODE_USER, &walk);
            assert_int_equal(walk.nloads, 0);
        }
        assert_int_equal(walk.fault, VM_WALK_ABSENT);
        assert_int_equal(walk.missing, 0);
        world_end(w);
    }
}

/* What user mode may do under each of the sixteen codes (VAX Architecture Reference Manual, table
 * of protection codes): r and w, by code. */
static void vax_protection_codes_are_the_manual_s(void **unused)
{
    (void)unused;
    static const char *const user[16] = {
        /* NA, reserved, KW, KR */ "",  "",  "",  "",
        /* UW, EW, ERKW, ER */ "rw",    "",  "",  "",
        /* SW, SREW, SRKW, SR */ "",    "",  "",  "",
        /* URSW, UREW, URKW, UR */ "r", "r", "r", "r",
    };
    struct scheme_world *w = world_with_page(golden[1].spec, 0x12a00, pte_present(0x2a, READ));
    for (uint32_t code = 0; code < 16; code++)
        for (enum vm_access access = VM_READ; access < VM_ACCESSES; access++) {
            uint32_t word = UINT32_C(0x8000002a) | code << 27;
            struct vm_walk walk;
            memcpy(w->memory + golden[1].at[1], &word, sizeof word);
            w->ops->walk(w->state, 0, 0x12a00, access, VM_MODE_USER, &walk);
            bool may = strchr(user[code], access == VM_WRITE ? 'w' : 'r') && *user[code];
            assert_int_equal(walk.fault, may ? VM_WALK_OK : VM_WALK_DENIED);
        }
    w->ops->set(w->state, 0, 0x12a00, (struct vm_pte){.state = VM_PTE_EMPTY});
    world_end(w);
}

/* Protection is checked before validity: a swapped page that may only be read denies a write. */
static void vax_checks_the_rights_of_what_is_not_valid(void **unused)
{
    (void)unused;
    struct vm_pte pte = pte_swapped(0x1234);
    struct vm_walk walk;
    pte.prot = READ;
    struct scheme_world *w = world_with_page(golden[1].spec, 0x12a00, pte);
    w->ops->walk(w->state, 0, 0x12a00, VM_READ, VM_MODE_USER, &walk);
    assert_int_equal(walk.fault, VM_WALK_ABSENT);
    assert_int_equal(walk.load[1].word, 0x78001234); /* UR, and the slot */
    w->ops->walk(w->state, 0, 0x12a00, VM_WRITE, VM_MODE_USER, &walk);
    assert_int_equal(walk.fault, VM_WALK_DENIED);
    world_end(w);
}

static void p0_and_p1_share_virtualpagecnt_entries(void **unused)
{
    (void)unused;
    struct scheme_world *w = world_with_page(golden[1].spec, 0x7ffffe00, pte_present(1, READ));
    const vm_va page = 512, most = 4096;
    assert_true(w->ops->ensure(w->state, 0, (most - 2) * page, 0));
    assert_false(w->ops->ensure(w->state, 0, (most - 1) * page, 0));
    assert_int_equal(w->refusal.code, VM_EMACHINE);
    assert_false(w->ops->ensure(w->state, 0, 0x7ffffc00, 0));
    w->ops->trim(w->state, 0, 0, 0x40000000); /* P0 is empty: P1 may have its entries */
    assert_true(w->ops->ensure(w->state, 0, 0x7ffffc00, 0));
    assert_false(w->ops->ensure(w->state, 0, (most - 2) * page, 0));
    world_end(w);
}

static void mips_has_a_word_for_what_was_written_and_may_not_be_any_more(void **unused)
{
    (void)unused;
    struct vm_pte pte = pte_present(0x2a, READ);
    struct vm_walk walk;
    pte.dirty = true;
    struct scheme_world *w = world_with_page("mips:processes=1", 0x405000, pte);
    w->ops->walk(w->state, 0, 0x405000, VM_WRITE, VM_MODE_USER, &walk);
    assert_int_equal(walk.fault, VM_WALK_DENIED);
    assert_int_equal(walk.load[1].word, 0x80000a9a); /* M; not D, or the TLB would let it write */
    assert_true(w->ops->get(w->state, 0, 0x405000).dirty);
    world_end(w);
}

static void a_process_too_many_is_refused(void **unused)
{
    (void)unused;
    struct scheme_world *w = world_open("paged-linear:bits=24,processes=2", TABLES, 3);
    assert_true(w->ops->open(w->state, 2));
    assert_true(w->ops->open(w->state, 0));
    assert_false(w->ops->open(w->state, 1));
    assert_int_equal(w->refusal.code, VM_EMACHINE);
    w->ops->close(w->state, 2);
    assert_true(w->ops->open(w->state, 1));
    w->ops->close(w->state, 1);
    world_end(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_kernel_s_word_is_loaded_and_then_the_page_s_own_by_its_kernel_address),
        cmocka_unit_test(a_page_of_the_table_that_was_never_used_is_absent_after_one_load),
        cmocka_unit_test(vax_protection_codes_are_the_manual_s),
        cmocka_unit_test(vax_checks_the_rights_of_what_is_not_valid),
        cmocka_unit_test(p0_and_p1_share_virtualpagecnt_entries),
        cmocka_unit_test(mips_has_a_word_for_what_was_written_and_may_not_be_any_more),
        cmocka_unit_test(a_process_too_many_is_refused),
    };
    return cmocka_run_group_tests_name("scheme_paged", tests, NULL, NULL);
}
