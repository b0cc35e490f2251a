/* contents.c - the bytes of pages, on machines that run programs.
 *
 * A replay counts what happens to pages and never looks into them. Where a program runs, every
 * step that space/ counts also moves bytes: a frame is zeroed or copied, loaded from its slot or
 * file, saved there. The bytes of a frame are those of the machine's memory, in which its page
 * tables are too; those of a slot lie beside it; a file's are its host's.
 *
 * Invariant: what a slot or a file has is what the page was when it was written there last; the
 * frame is newer only if it is dirty.
 *
 * Without contents nothing is done here. Not here: segments, which have no contents (memory.c).
 */
#include "base/assert.h"
#include "space/memory.h"

#include <string.h>

static size_t page_bytes(const struct vm_memory *m)
{
    return (size_t)1 << m->c.page_shift;
}

static uint8_t *frame_at(const struct vm_memory *m, vm_pfn f)
{
    return m->physical + ((size_t)f << m->c.page_shift);
}

static uint8_t *slot_at(const struct vm_memory *m, vm_slot s)
{
    const struct vm_swap *swap = &m->swap[vm_slot_level(m, s)];
    VM_ASSERT(s >= swap->slots.first && s - swap->slots.first < swap->slots.n);
    return swap->contents + ((size_t)(s - swap->slots.first) << m->c.page_shift);
}

static size_t swap_bytes(const struct vm_memory *m, int level)
{
    return m->c.contents ? (size_t)m->swap[level].slots.n << m->c.page_shift : 0;
}

size_t vm_contents_bytes(const struct vm_memory *m)
{
    size_t bytes = 0;
    for (int level = 0; level < VM_SWAP_LEVELS; level++)
        bytes += vm_arena_room(swap_bytes(m, level));
    return bytes;
}

/* Behind these bytes of memory the host may use large pages: a small program's frames are before
 * them, and do not pay 2 MiB for a few pages. */
#define SMALL_BYTES ((size_t)4 << 20)

/* A program's frames are looked up by its own addresses, all over the memory. */
static void want_large(struct vm_memory *m)
{
    size_t bytes = (size_t)m->c.nframes << m->c.page_shift;
    if (m->c.contents && bytes > SMALL_BYTES)
        vm_arena_wants_large(m->physical + SMALL_BYTES, bytes - SMALL_BYTES);
}

void vm_contents_init(struct vm_memory *m, struct vm_arena *a)
{
    want_large(m);
    for (int level = 0; level < VM_SWAP_LEVELS; level++)
        if (swap_bytes(m, level))
            m->swap[level].contents = vm_arena_take(a, swap_bytes(m, level));
}

void vm_contents_zero(struct vm_memory *m, vm_pfn f)
{
    if (m->c.contents)
        memset(frame_at(m, f), 0, page_bytes(m));
}

void vm_contents_copy(struct vm_memory *m, vm_pfn f, vm_pfn from)
{
    if (m->c.contents)
        memcpy(frame_at(m, f), frame_at(m, from), page_bytes(m));
}

void vm_contents_load(struct vm_memory *m, vm_pfn f, vm_slot s)
{
    if (m->c.contents)
        memcpy(frame_at(m, f), slot_at(m, s), page_bytes(m));
}

/* A file's number, as map events have it. */
static uint32_t number_of(uint32_t home)
{
    VM_ASSERT(vm_file_is_named(home));
    return home & VM_FILE_NUMBER_MAX;
}

void vm_contents_load_file(struct vm_memory *m, vm_pfn f, uint32_t home, uint64_t page)
{
    if (m->c.contents)
        m->c.contents->read(m->c.contents->host, number_of(home), page, frame_at(m, f));
}

void vm_contents_save(struct vm_memory *m, vm_pfn f)
{
    uint32_t home = m->frame[f].home;
    if (!m->c.contents)
        return;
    if (home & VM_HOME_FILE)
        m->c.contents->write(m->c.contents->host, number_of(home), vm_frame_file_page(m, f),
                             frame_at(m, f));
    else
        memcpy(slot_at(m, home), frame_at(m, f), page_bytes(m));
}
