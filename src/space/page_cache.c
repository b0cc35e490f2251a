/* page_cache.c - the pages of files that frames hold, found by file and page, whoever maps them.
 *
 * A clean page of a file is in its file, and in the frame that a fault has brought it to: other
 * address spaces that map the same page of the same file find it there. A trace does not name
 * files. Each mapping that an event makes of one is a file of its own, and so is the image that a
 * program begins with; a fork gives both to the child. So a page's place in its file is its virtual
 * page number, and what is shared is what forks share.
 *
 * A page that a process writes to is its own (a private mapping); the file's page is what the file
 * has. That it was written is seen by its dirty bit, when somebody comes for it or it leaves.
 *
 * A kernel that runs programs names files. A page of such a file is one, whoever maps it where, as
 * his own or to share: so a private mapping may never write to the frame. It comes from the file at
 * its first touch, and stays, unmapped, until the policy chooses it or the file is dropped.
 *
 * The frames of a named file are in a list, too, so that a file is written or dropped without a
 * look at any other's (but those that share its list).
 *
 * Invariants (vm_page_cache_check)
 *  1. A frame whose home is a file is in the table once, reachable from where its hash says; no
 *     other frame is.
 *  2. No two frames hold the same page of the same file.
 *  3. A frame whose home is a named file is in the list of that file; no other frame is in one.
 *
 * Open addressing, linear probing, deletion by moving back what follows: Knuth, TAOCP volume 3,
 * section 6.4, algorithm R.
 */
#include "base/assert.h"
#include "base/random.h"
#include "space/memory.h"

#include <stdlib.h>

#define LISTS_MAX UINT32_C(16384)

static uint32_t bucket_count(const struct vm_memory *m)
{
    uint32_t n = 2;
    while (n < 2 * m->c.nframes)
        n *= 2;
    return n;
}

/* A list for eight frames: most files have more. */
static uint32_t list_count(const struct vm_memory *m)
{
    uint32_t n = 1;
    while (n < m->c.nframes / 8 && n < LISTS_MAX)
        n *= 2;
    return n;
}

static size_t links_bytes(const struct vm_memory *m)
{
    return sizeof(struct vm_links) * ((size_t)m->c.nframes + list_count(m));
}

size_t vm_page_cache_bytes(const struct vm_memory *m)
{
    size_t buckets = vm_arena_room(sizeof(uint32_t) * bucket_count(m));
    if (!m->c.contents)
        return buckets;
    return buckets + vm_arena_room(sizeof(uint64_t) * m->c.nframes) +
           vm_arena_room(links_bytes(m)) + vm_arena_room(sizeof(vm_pfn) * m->c.nframes);
}

void vm_page_cache_init(struct vm_memory *m, struct vm_arena *a)
{
    m->files.bucket = vm_arena_take(a, sizeof(uint32_t) * bucket_count(m));
    m->files.mask = bucket_count(m) - 1;
    if (!m->c.contents)
        return;
    m->files.page = vm_arena_take(a, sizeof(uint64_t) * m->c.nframes);
    m->files.links = vm_arena_take(a, links_bytes(m));
    m->files.found = vm_arena_take(a, sizeof(vm_pfn) * m->c.nframes);
    m->files.nlists = list_count(m);
    for (uint32_t i = 0; i < m->files.nlists; i++)
        vm_links_head(m->files.links, m->c.nframes + i);
}

uint32_t vm_file_new(struct vm_memory *m)
{
    bool known_again = m->files.n < VM_FILES_MAX && !m->seg;
    return known_again ? ++m->files.n : 0;
}

/* ---- the table ---- */

static uint32_t hash(const struct vm_memory *m, uint32_t home, uint64_t page)
{
    return (uint32_t)vm_mix64(page ^ (uint64_t)home << 32) & m->files.mask;
}

static uint32_t hash_of(const struct vm_memory *m, vm_pfn f)
{
    return hash(m, m->frame[f].home, vm_frame_file_page(m, f));
}

/* The head of the list that the frames of a named file are in. */
static uint32_t list_of(const struct vm_memory *m, uint32_t home)
{
    return m->c.nframes + ((uint32_t)vm_mix64(home) & (m->files.nlists - 1));
}

void vm_page_cache_add(struct vm_memory *m, vm_pfn f, uint32_t home, uint64_t page)
{
    VM_ASSERT((home & VM_HOME_FILE) && !m->frame[f].home);
    m->frame[f].home = home;
    if (m->files.page)
        m->files.page[f] = page;
    VM_ASSERT(vm_frame_file_page(m, f) == page);
    uint32_t i = hash_of(m, f);
    while (m->files.bucket[i])
        i = (i + 1) & m->files.mask;
    m->files.bucket[i] = f + 1;
    if (vm_file_is_named(home))
        vm_links_push_first(m->files.links, list_of(m, home), f);
}

void vm_page_cache_remove(struct vm_memory *m, vm_pfn f)
{
    uint32_t *bucket = m->files.bucket, mask = m->files.mask;
    uint32_t i = hash_of(m, f);
    while (bucket[i] != f + 1) {
        VM_ASSERT(bucket[i]);
        i = (i + 1) & mask;
    }
    if (vm_file_is_named(m->frame[f].home))
        vm_links_remove(m->files.links, f);
    m->frame[f].home = 0;
    for (uint32_t k = (i + 1) & mask; bucket[k]; k = (k + 1) & mask) {
        uint32_t at = hash_of(m, bucket[k] - 1);
        if (((k - at) & mask) < ((k - i) & mask)) /* its hash lies behind the gap */
            continue;
        bucket[i] = bucket[k];
        i = k;
    }
    bucket[i] = 0;
}

void vm_home_settle(struct vm_memory *m, vm_pfn f)
{
    uint32_t home = m->frame[f].home;
    if ((home & VM_HOME_FILE) && !(home & VM_HOME_SHARED) && (m->bits[f] & VM_FRAME_DIRTY))
        vm_page_cache_remove(m, f);
}

vm_pfn vm_page_cache_look(const struct vm_memory *m, uint32_t home, uint64_t page)
{
    uint32_t i = hash(m, home, page);
    for (; m->files.bucket[i]; i = (i + 1) & m->files.mask) {
        vm_pfn f = m->files.bucket[i] - 1;
        if (m->frame[f].home == home && vm_frame_file_page(m, f) == page)
            return f;
    }
    return VM_NOFRAME;
}

vm_pfn vm_page_cache_find(struct vm_memory *m, uint32_t home, uint64_t page)
{
    vm_pfn f = vm_page_cache_look(m, home, page);
    if (f == VM_NOFRAME)
        return f;
    vm_home_settle(m, f);
    return m->frame[f].home ? f : VM_NOFRAME;
}

/* ---- who may come for a page ---- */

uint32_t vm_file_home(const struct vm_vma *v)
{
    if (!v->file)
        return 0;
    bool shared = v->backing == VM_BACKING_SHARED || vm_file_is_named(v->file);
    return VM_HOME_FILE | v->file | (shared ? VM_HOME_SHARED : 0);
}

bool vm_file_is_awaited(struct vm_memory *m, uint32_t home, uint64_t key)
{
    vm_va va = vm_key_va(key, m->c.page_shift);
    if (vm_file_is_named(home))
        return true;
    for (unsigned asid = 0; asid < m->asid_end; asid++) {
        struct vm_space *s = &m->space[asid];
        const struct vm_vma *v = s->open && asid != vm_key_asid(key) ? vm_vma_find(s, va) : NULL;
        if (!v || vm_file_home(v) != home)
            continue;
        struct vm_pte pte = m->c.scheme->get(m->scheme, (vm_asid)asid, va);
        if (pte.state == VM_PTE_SWAPPED && pte.slot == VM_SLOT_FILE)
            return true;
    }
    return false;
}

void vm_file_unref(struct vm_memory *m, uint64_t key)
{
    vm_va va = vm_key_va(key, m->c.page_shift);
    const struct vm_vma *v = vm_vma_find(&m->space[vm_key_asid(key)], va);
    if (!v || !v->file)
        return;
    vm_pfn f = vm_page_cache_find(m, vm_file_home(v), vm_file_page(m, v, va));
    if (f != VM_NOFRAME && vm_is_unmapped(m, f) && !vm_file_is_awaited(m, m->frame[f].home, key))
        vm_frame_drop(m, f);
}

/* ---- all of a file ---- */

static int by_number(const void *a, const void *b)
{
    vm_pfn x = *(const vm_pfn *)a, y = *(const vm_pfn *)b;
    return x < y ? -1 : x > y;
}

/* Add the frames of one list to the n found; home 0: of all its files. */
static uint32_t find_in(struct vm_memory *m, uint32_t head, uint32_t home, uint32_t n)
{
    const struct vm_links *links = m->files.links;
    for (vm_pfn f = links[head].next; f != head; f = links[f].next)
        if (home == 0 || m->frame[f].home == home)
            m->files.found[n++] = f;
    return n;
}

uint32_t vm_file_frames(struct vm_memory *m, uint32_t file)
{
    uint32_t home = VM_HOME_FILE | VM_HOME_SHARED | VM_FILE_NAMED | file, n = 0;
    if (!m->files.links)
        return 0;
    if (file)
        n = find_in(m, list_of(m, home), home, 0);
    for (uint32_t i = 0; !file && i < m->files.nlists; i++)
        n = find_in(m, m->c.nframes + i, 0, n);
    qsort(m->files.found, n, sizeof *m->files.found, by_number);
    return n;
}

void vm_memory_drop_file(struct vm_memory *m, uint32_t file)
{
    for (uint32_t i = 0, n = vm_file_frames(m, file); i < n; i++) {
        vm_pfn f = m->files.found[i];
        if (!vm_is_unmapped(m, f))
            continue;
        m->bits[f] &= (uint8_t) ~(VM_FRAME_DIRTY | VM_FRAME_FOUND);
        vm_frame_drop(m, f);
    }
}

/* ---- the check ---- */

static void check_lists(const struct vm_memory *m, uint64_t named)
{
    uint64_t listed = 0;
    for (uint32_t i = 0; i < m->files.nlists; i++) {
        uint32_t head = m->c.nframes + i;
        for (vm_pfn f = m->files.links[head].next; f != head; f = m->files.links[f].next) {
            VM_ASSERT(m->frame[f].owner < VM_FRAME_NO_PAGE && (m->frame[f].home & VM_HOME_FILE) &&
                      vm_file_is_named(m->frame[f].home) && list_of(m, m->frame[f].home) == head);
            VM_ASSERT(m->files.links[m->files.links[f].next].prev == f);
            listed++;
        }
    }
    VM_ASSERT(listed == named);
}

void vm_page_cache_check(const struct vm_memory *m)
{
    uint64_t held = 0, found = 0, named = 0;
    for (vm_pfn f = 0; f < m->c.nframes; f++) {
        if (m->frame[f].owner >= VM_FRAME_NO_PAGE || !(m->frame[f].home & VM_HOME_FILE))
            continue;
        uint32_t i = hash_of(m, f);
        for (; m->files.bucket[i] != f + 1; i = (i + 1) & m->files.mask) {
            vm_pfn other = m->files.bucket[i] - 1;
            VM_ASSERT(m->files.bucket[i]);
            VM_ASSERT(m->frame[other].home != m->frame[f].home ||
                      vm_frame_file_page(m, other) != vm_frame_file_page(m, f));
        }
        held++;
        named += vm_file_is_named(m->frame[f].home);
    }
    for (uint32_t i = 0; i <= m->files.mask; i++)
        found += m->files.bucket[i] != 0;
    VM_ASSERT(held == found);
    check_lists(m, named);
}
