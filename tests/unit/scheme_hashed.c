/* scheme_hashed.c - the inverted and the clustered table: their words and addresses, worked out by
 * hand from the layouts in src/scheme/, how long their chains are, and what they take and give.
 *
 * Tables take frames 0x100, 0x101, ... in turn. The world has 0x4000 frames.
 */
#include "base/random.h"
#include "oracle/scheme_world.h"

#include "test.h"

#include <string.h>

#define TABLES 0x100
#define PAGE   UINT64_C(4096)
#define READ   VM_PROT_READ
#define WRITE  VM_PROT_WRITE

static struct scheme_world *hashed_open(const char *spec, uint32_t nasids)
{
    struct scheme_world *w = world_open(spec, TABLES, nasids);
    for (uint32_t asid = 0; asid < nasids; asid++)
        assert_true(w->ops->open(w->state, (vm_asid)asid));
    return w;
}

static void hashed_close(struct scheme_world *w, uint32_t nasids)
{
    w->ops->check(w->state);
    for (uint32_t asid = 0; asid < nasids; asid++)
        w->ops->close(w->state, (vm_asid)asid);
    w->ops->check(w->state);
    world_close(w);
}

static void map_page(struct scheme_world *w, vm_asid asid, vm_va va, vm_pfn pfn, unsigned prot)
{
    assert_true(w->ops->ensure(w->state, asid, va, 0));
    w->ops->set(w->state, asid, va, pte_present(pfn, prot));
}

static struct vm_walk walk_page(struct scheme_world *w, vm_asid asid, vm_va va,
                                enum vm_access access)
{
    struct vm_walk walk;
    w->ops->walk(w->state, asid, va, access, VM_MODE_USER, &walk);
    return walk;
}

static void unmap_page(struct scheme_world *w, vm_asid asid, vm_va va)
{
    w->ops->set(w->state, asid, va, (struct vm_pte){.state = VM_PTE_EMPTY});
}

/* 0x4000 anchors of 4 bytes are frames 0x100 to 0x10f; entry 0x2a is 0x2a0 behind. The word of a
 * page to read and write, as in Sv39: 0x2a << 10 | U W R V = 0xa817, with D and A 0xa8d7. */
static void an_inverted_entry_is_where_its_frame_s_number_says(void **unused)
{
    (void)unused;
    struct scheme_world *w = hashed_open("inverted", 4);
    const vm_va va = 0xfedcba9876543000;
    map_page(w, 3, va, 0x2a, READ | WRITE);
    struct vm_walk walk = walk_page(w, 3, va | 0x123, VM_WRITE);
    assert_int_equal(walk.fault, VM_WALK_OK);
    assert_int_equal(walk.nloads, 2);
    assert_in_range(walk.load[0].at, 0x100000, 0x10fffc);
    assert_int_equal(walk.load[0].at % 4, 0);
    assert_int_equal(walk.load[0].word, 0x2b);
    assert_int_equal(walk.load[0].covers, 0);
    assert_int_equal(walk.load[1].at, 0x1102a8);
    assert_int_equal(walk.load[1].word, 0xa817);
    assert_int_equal(walk.load[1].covers, 12);
    assert_int_equal(walk.load[1].role, VM_LOAD_LEAF);
    assert_int_equal(walk.nstores, 1);
    assert_int_equal(walk_page(w, 3, va, VM_READ).load[1].word, 0xa8d7);
    uint64_t tag;
    memcpy(&tag, w->memory + 0x1102a0, sizeof tag);
    assert_int_equal(tag, va | 3);
    /* 16 frames of anchors, 64 of entries, one of aliases for the next frame that is shared */
    assert_int_equal(w->ntaken, 16 + 64 + 1);
    assert_int_equal(world_shared(w, 0), 81);
    assert_int_equal(world_footprint(w, 3), 0);
    hashed_close(w, 4);
}

/* The frame's own entry is taken: the second page gets alias 0x4000, the first of frame 0x150. */
static void a_shared_frame_has_an_alias_for_every_further_page(void **unused)
{
    (void)unused;
    struct scheme_world *w = hashed_open("inverted", 2);
    map_page(w, 0, 0x7000, 0x2a, READ);
    map_page(w, 1, 0x7000, 0x2a, READ);
    struct vm_walk walk = walk_page(w, 1, 0x7000, VM_READ);
    assert_int_equal(walk.load[walk.nloads - 1].at, 0x150008);
    assert_int_equal(walk.pfn, 0x2a);
    unmap_page(w, 0, 0x7000);
    assert_int_equal(walk_page(w, 0, 0x7000, VM_READ).fault, VM_WALK_ABSENT);
    assert_int_equal(walk_page(w, 1, 0x7000, VM_READ).pfn, 0x2a);
    w->ops->check(w->state);
    map_page(w, 0, 0x9000, 0x2a, READ); /* the own entry is free again */
    walk = walk_page(w, 0, 0x9000, VM_READ);
    assert_int_equal(walk.load[walk.nloads - 1].at, 0x1102a8);
    hashed_close(w, 2);
}

static void aliases_come_in_frames_and_go_with_the_last_one(void **unused)
{
    (void)unused;
    struct scheme_world *w = hashed_open("inverted", 1);
    for (vm_va page = 0; page < 600; page++) /* 599 aliases, 256 a frame */
        map_page(w, 0, page << 12, 7, READ);
    assert_int_equal(world_shared(w, 0), 80 + 3);
    for (vm_va page = 0; page < 600; page++)
        assert_int_equal(walk_page(w, 0, page << 12, VM_READ).pfn, 7);
    w->ops->check(w->state);
    for (vm_va page = 1; page < 600; page++)
        unmap_page(w, 0, page << 12);
    w->ops->trim(w->state, 0, 0, 600 << 12);
    assert_int_equal(world_shared(w, 0), 80);
    assert_int_equal(w->ntaken, 80);
    hashed_close(w, 1);
}

/* A node has 16 + 16 * 8 = 144 bytes, word i of a cluster at 16 + 8 i. With one bucket the second
 * cluster is the first node of frame 0x101, and comes after the bucket's own. */
static void a_clustered_node_has_the_words_of_its_pages(void **unused)
{
    (void)unused;
    struct scheme_world *w = hashed_open("clustered:buckets=1", 2);
    map_page(w, 1, 0x25000, 0x2a, READ | WRITE);
    struct vm_walk walk = walk_page(w, 1, 0x25000, VM_WRITE);
    assert_int_equal(walk.nloads, 1); /* 16 + 5 * 8 is in the tag's line */
    assert_int_equal(walk.load[0].at, 0x100000 + 16 + 5 * 8);
    assert_int_equal(walk.load[0].word, 0xa817);
    assert_int_equal(walk.nstores, 1);
    map_page(w, 1, 0x2f000, 0x2b, READ);
    walk = walk_page(w, 1, 0x2f000, VM_READ);
    assert_int_equal(walk.nloads, 2); /* 16 + 15 * 8 is not, but need not wait */
    assert_int_equal(walk.load[0].at, 0x100000);
    assert_int_equal(walk.load[0].word, 0x2 << 12 | 1);
    assert_int_equal(walk.load[1].at, 0x100000 + 16 + 15 * 8);
    assert_int_equal(walk.load[0].step, walk.load[1].step);
    map_page(w, 0, 0x25000, 0x2c, READ); /* another address space's cluster 2 */
    walk = walk_page(w, 0, 0x25000, VM_READ);
    assert_int_equal(walk.nloads, 2);
    assert_int_equal(walk.load[0].at, 0x100000);
    assert_int_equal(walk.load[0].role, VM_LOAD_TABLE);
    assert_int_equal(walk.load[1].at, 0x101000 + 16 + 5 * 8);
    assert_int_equal(walk.load[1].step, walk.load[0].step + 1);
    uint64_t link;
    memcpy(&link, w->memory + 0x100008, sizeof link);
    assert_int_equal(link, 0x101000 | 3); /* there is a next one, and this one is in use */
    unmap_page(w, 1, 0x25000);
    unmap_page(w, 1, 0x2f000); /* empty: the next node moves into the bucket */
    walk = walk_page(w, 0, 0x25000, VM_READ);
    assert_int_equal(walk.nloads, 1);
    assert_int_equal(walk.load[0].at, 0x100000 + 16 + 5 * 8);
    w->ops->trim(w->state, 0, 0, 0x100000);
    assert_int_equal(w->ntaken, 1);
    hashed_close(w, 2);
}

/* An empty bucket's tag is 0, which is the first page's of address space 0, too. */
static void an_empty_bucket_is_not_page_0(void **unused)
{
    (void)unused;
    static const char *const specs[] = {"clustered:buckets=1,pages=1", "inverted"};
    for (size_t i = 0; i < sizeof specs / sizeof specs[0]; i++) {
        struct scheme_world *w = hashed_open(specs[i], 1);
        struct vm_walk walk = walk_page(w, 0, 0, VM_READ);
        assert_int_equal(walk.fault, VM_WALK_ABSENT);
        assert_int_equal(walk.nloads, 1);
        assert_int_equal(walk.load[0].role, VM_LOAD_TABLE);
        hashed_close(w, 1);
    }
}

static void no_frame_for_a_further_entry_refuses_the_page(void **unused)
{
    (void)unused;
    static const char *const specs[] = {"clustered:buckets=1", "inverted"};
    for (size_t i = 0; i < sizeof specs / sizeof specs[0]; i++) {
        struct scheme_world *w = hashed_open(specs[i], 1);
        vm_va page = 0;
        w->takes_left = 2;
        for (; w->ops->ensure(w->state, 0, page << 16, 0); page++)
            w->ops->set(w->state, 0, page << 16, pte_present(5, READ));
        /* two frames of nodes or aliases, and the bucket's node or the frame's own entry */
        assert_int_equal(page, i == 0 ? 2 * 28 + 1 : 2 * 256 + 1);
        w->ops->check(w->state);
        assert_int_equal(w->ops->get(w->state, 0, page << 16).state, VM_PTE_EMPTY);
        assert_int_equal(walk_page(w, 0, (page - 1) << 16, VM_READ).pfn, 5);
        w->takes_left = 1;
        map_page(w, 0, page << 16, 5, READ);
        hashed_close(w, 1);
    }
}

static void nodes_of_every_size_fill_frames_and_give_them_back(void **unused)
{
    (void)unused;
    static const struct {
        const char *spec;
        uint32_t frame_nodes; /* 4096 / (16 + 8 pages) */
    } row[] = {
        {"clustered:buckets=1,pages=1", 170}, {"clustered:buckets=1,pages=2", 128},
        {"clustered:buckets=1,pages=4", 85},  {"clustered:buckets=1,pages=8", 51},
        {"clustered:buckets=1,pages=16", 28},
    };
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct scheme_world *w = hashed_open(row[i].spec, 1);
        const uint32_t npages = 2 * row[i].frame_nodes + 1; /* one is in the bucket */
        for (uint32_t k = 0; k < npages; k++)
            map_page(w, 0, (vm_va)k << 16, k, READ); /* each in a cluster of its own */
        assert_int_equal(w->ntaken, 1 + 2);
        w->ops->check(w->state);
        assert_int_equal(walk_page(w, 0, UINT64_C(1) << 40, VM_READ).nloads, npages);
        for (uint32_t k = 0; k < npages; k += 2)
            unmap_page(w, 0, (vm_va)k << 16);
        w->ops->check(w->state);
        for (uint32_t k = 1; k < npages; k += 2)
            assert_int_equal(walk_page(w, 0, (vm_va)k << 16, VM_READ).pfn, k);
        for (uint32_t k = 1; k < npages; k += 2)
            unmap_page(w, 0, (vm_va)k << 16);
        w->ops->trim(w->state, 0, 0, UINT64_C(1) << 40);
        assert_int_equal(w->ntaken, 1);
        hashed_close(w, 1);
    }
}

/* Only the frame without a node in use, wherever in the pool it is. Of 57 clusters one is in the
 * bucket, 28 in the first frame, 28 in the second. */
static void trim_gives_back_the_frames_whose_nodes_are_all_free(void **unused)
{
    (void)unused;
    struct scheme_world *w = hashed_open("clustered:buckets=1", 1);
    for (vm_va k = 0; k < 57; k++)
        map_page(w, 0, k << 16, (vm_pfn)k, READ);
    unmap_page(w, 0, 5 << 16); /* a node of the first frame is free before any of the second */
    for (vm_va k = 29; k < 57; k++)
        unmap_page(w, 0, k << 16);
    w->ops->check(w->state);
    assert_int_equal(w->ntaken, 3);
    w->ops->trim(w->state, 0, 0, PAGE);
    assert_int_equal(w->ntaken, 2);
    for (vm_va k = 0; k < 29; k++)
        assert_int_equal(walk_page(w, 0, k << 16, VM_READ).pfn, k == 5 ? VM_NOFRAME : k);
    hashed_close(w, 1);
}

/* So many that some have the same hash: only the tag tells them apart. */
static void one_page_number_is_another_page_in_each_address_space(void **unused)
{
    (void)unused;
    enum { NASIDS = 3000 };
    static const char *const specs[] = {"inverted", "clustered:buckets=512"};
    for (size_t i = 0; i < sizeof specs / sizeof specs[0]; i++) {
        struct scheme_world *w = hashed_open(specs[i], NASIDS);
        for (uint32_t asid = 0; asid < NASIDS; asid += 2)
            map_page(w, (vm_asid)asid, 0x5000, asid, READ);
        for (uint32_t asid = 0; asid < NASIDS; asid++) {
            struct vm_walk walk = walk_page(w, (vm_asid)asid, 0x5000, VM_READ);
            assert_int_equal(walk.pfn, asid % 2 ? VM_NOFRAME : asid);
        }
        hashed_close(w, NASIDS);
    }
}

/* Pages at random, all present; the mean length of the search for one: entries or nodes, without
 * the anchor. */
static double mean_search(const char *spec, unsigned npages, unsigned anchors)
{
    struct vm_random random;
    struct scheme_world *w = hashed_open(spec, 1);
    vm_va *va = test_calloc(npages, sizeof *va);
    uint64_t sum = 0;
    vm_random_seed(&random, 17);
    for (unsigned i = 0; i < npages; i++) {
        va[i] = vm_random_u64(&random) & ~UINT64_C(0xfff);
        map_page(w, 0, va[i], i, READ);
    }
    for (unsigned i = 0; i < npages; i++) {
        struct vm_walk walk = walk_page(w, 0, va[i], VM_READ);
        sum += walk.load[walk.nloads - 1].step + 1u - anchors;
    }
    test_free(va);
    hashed_close(w, 1);
    return (double)sum / npages;
}

/* Knuth, The Art of Computer Programming, volume 3, section 6.4: a successful search in chains
 * looks at 1 + (n - 1) / 2m of n keys in m lists. */
static void a_search_looks_at_one_entry_and_half_the_load(void **unused)
{
    (void)unused;
    static const struct {
        const char *spec;
        unsigned npages, nlists, anchors;
    } row[] = {
        {"inverted", 16000, 16384, 1},
        {"inverted:anchors=4", 16000, 65536, 1},
        {"clustered:pages=1,buckets=2048", 8192, 2048, 0},
        {"clustered:pages=16,buckets=4096", 2048, 4096, 0},
    };
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        double want = 1 + (row[i].npages - 1) / (2.0 * row[i].nlists);
        double got = mean_search(row[i].spec, row[i].npages, row[i].anchors);
        assert_true(got > want * 0.97 && got < want * 1.03);
    }
}

static void chains_beyond_what_a_walk_lists_are_counted(void **unused)
{
    (void)unused;
    struct scheme_world *w = hashed_open("clustered:pages=1,buckets=1", 1);
    for (vm_va page = 0; page < 300; page++)
        map_page(w, 0, page << 12, (vm_pfn)page, READ);
    uint64_t sum = 0;
    for (vm_va page = 0; page < 300; page++) {
        struct vm_walk walk = walk_page(w, 0, page << 12, VM_WRITE);
        assert_int_equal(walk.fault, VM_WALK_DENIED);
        assert_int_equal(walk.pfn, page);
        sum += walk.nloads;
    }
    assert_in_range(sum, 300 * 301 / 2, 300 * 301 / 2 + 300); /* and words in another line */
    hashed_close(w, 1);
}

static void the_shared_table_goes_with_the_last_address_space(void **unused)
{
    (void)unused;
    static const char *const specs[] = {"inverted", "clustered"};
    for (size_t i = 0; i < sizeof specs / sizeof specs[0]; i++) {
        struct scheme_world *w = hashed_open(specs[i], 2);
        uint32_t table = w->ntaken;
        assert_int_equal(world_shared(w, 0), table);
        map_page(w, 0, 0x5000, 5, READ);
        map_page(w, 1, 0x5000, 6, READ);
        w->ops->close(w->state, 0);
        assert_int_equal(walk_page(w, 1, 0x5000, VM_READ).pfn, 6);
        w->ops->close(w->state, 1);
        assert_int_equal(w->ntaken, 0);
        assert_true(w->ops->open(w->state, 1));
        assert_int_equal(w->ntaken, table);
        assert_int_equal(walk_page(w, 1, 0x5000, VM_READ).fault, VM_WALK_ABSENT);
        w->ops->close(w->state, 1);
        world_close(w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_inverted_entry_is_where_its_frame_s_number_says),
        cmocka_unit_test(a_shared_frame_has_an_alias_for_every_further_page),
        cmocka_unit_test(aliases_come_in_frames_and_go_with_the_last_one),
        cmocka_unit_test(a_clustered_node_has_the_words_of_its_pages),
        cmocka_unit_test(an_empty_bucket_is_not_page_0),
        cmocka_unit_test(no_frame_for_a_further_entry_refuses_the_page),
        cmocka_unit_test(nodes_of_every_size_fill_frames_and_give_them_back),
        cmocka_unit_test(trim_gives_back_the_frames_whose_nodes_are_all_free),
        cmocka_unit_test(one_page_number_is_another_page_in_each_address_space),
        cmocka_unit_test(a_search_looks_at_one_entry_and_half_the_load),
        cmocka_unit_test(chains_beyond_what_a_walk_lists_are_counted),
        cmocka_unit_test(the_shared_table_goes_with_the_last_address_space),
    };
    return cmocka_run_group_tests_name("scheme_hashed", tests, NULL, NULL);
}
