/* naive_space.c - see naive_space.h. */
#include "oracle/naive_space.h"

#include "base/assert.h"
#include "space/memory.h"

#include <stdlib.h>
#include <string.h>

/* Where group 0 to 3 of ten pages has its middle. */
static vm_va middle_of(const char *scheme, unsigned va_bits, unsigned shift, unsigned group)
{
    if (!strcmp(scheme, "linear") || !strcmp(scheme, "paged-segments"))
        return (group + 1) * 10ull << shift;
    if (!strcmp(scheme, "vax")) /* a page of a table maps 2^16 bytes; the last group is in P1 */
        return group < 3 ? (group + 1) << 16 : (UINT64_C(1) << 31) - (1 << 16);
    return (group + 1) * (UINT64_C(1) << (va_bits - 4));
}

void naive_space_open(struct naive_space *s, const struct space_plan *plan)
{
    struct vm_error e;
    struct vm_params params;
    char name[64];
    const char *text = vm_spec_split(plan->scheme, name, sizeof name);
    const struct vm_scheme_ops *ops = vm_scheme_find(name, &e);
    unsigned shift = plan->page_shift ? plan->page_shift : 12;
    bool good = vm_params_parse(&params, name, ops->param, ops->nparams, text, &e);
    VM_ASSERT(good);
    struct vm_scheme_env env = {.page_shift = shift, .params = &params};
    unsigned va_bits = ops->va_bits(&env);
    *s = (struct naive_space){.stray = plan->stray, .with_read = ops->with_read};
    s->huge = plan->huge.pages != VM_HUGE_NEVER;
    s->page_bytes = UINT64_C(1) << shift;
    for (unsigned i = 0; i < NAIVE_PAGES; i++)
        s->va[i] =
            middle_of(name, va_bits, shift, i / 10) + i % 10 * s->page_bytes - 5 * s->page_bytes;
}

static unsigned new_file(struct naive_space *s)
{
    VM_ASSERT(s->nfiles + 1 < NAIVE_FILES);
    return ++s->nfiles;
}

/* What a space that begins by itself has begun with. */
static unsigned image_of(struct naive_space *s, vm_asid asid)
{
    if (!s->image[asid])
        s->image[asid] = new_file(s);
    return s->image[asid];
}

/* Of a shared file, when it was written last by anybody; else when this page was. */
static uint64_t stamp_of(const struct naive_space *s, const struct naive_page *p, unsigned page)
{
    return p->backing == VM_BACKING_SHARED ? s->stamp_of[p->file][page] : p->stamp;
}

/* Map page `i` if it is not, and lies in the 2 MiB of page `of`. */
static bool map_near(struct naive_space *s, vm_asid asid, unsigned i, unsigned of)
{
    struct naive_page *p = &s->page[asid][i];
    if (p->mapped || s->va[i] >> 21 != s->va[of] >> 21)
        return false;
    *p = (struct naive_page){.mapped = true,
                             .prot = VM_PROT_ALL,
                             .backing = VM_BACKING_UNKNOWN,
                             .file = image_of(s, asid)};
    return true;
}

/* The rule of first touch: what is not mapped around the page becomes mapped, to the nearest
 * mappings and at most 2 MiB. */
static void first_touch(struct naive_space *s, vm_asid asid, unsigned page)
{
    map_near(s, asid, page, page);
    for (unsigned i = page + 1; i < NAIVE_PAGES && map_near(s, asid, i, page);)
        i++;
    for (unsigned i = page; i > 0 && map_near(s, asid, i - 1, page);)
        i--;
}

/* Whatever may be written or fetched may be read. */
static enum touch_outcome expected(const struct naive_space *s, vm_asid asid,
                                   const struct naive_page *p, enum vm_access access)
{
    if (s->killed[asid])
        return TOUCH_KILLED;
    if (!p->mapped)
        return TOUCH_VIOLATION;
    bool as_read = access == VM_READ || (s->with_read & vm_access_needs(access));
    bool may = as_read ? p->prot : p->prot & vm_access_needs(access);
    return may ? TOUCH_DONE : TOUCH_DENIED;
}

/* Somebody else may have left it in a frame: written before a fork, or as a page of its file. */
static bool may_be_cached(const struct naive_space *s, const struct naive_page *p, unsigned page)
{
    bool of_file = !p->stamp && p->file && s->brought[p->file][page];
    return s->huge || s->parks || (p->stamp && p->shared) || of_file;
}

static const char *fault_is_possible(const struct naive_space *s, const struct naive_page *p,
                                     enum vm_access access, struct touch t, unsigned page)
{
    bool written = p->stamp || s->huge, shared = p->shared || s->huge;
    switch (t.kind) {
    case VM_FAULT_DEMAND_ZERO:
        if (p->stamp)
            return "a written page came back as zeros";
        if (p->touched && p->backing != VM_BACKING_ANON && !s->parks)
            return "a page of a file came back as zeros";
        return NULL;
    case VM_FAULT_SWAP_IN:
        return written ? NULL : "a page that was never written came from swap";
    case VM_FAULT_FILE_IN:
        if (p->stamp)
            return "a written page came back from its file";
        return (p->touched || s->huge) && p->backing != VM_BACKING_ANON ? NULL
                                                                        : "this page has no file";
    case VM_FAULT_SOFT:
        return may_be_cached(s, p, page) ? NULL : "a page that nobody left was still in a frame";
    case VM_FAULT_COW:
        return (shared || may_be_cached(s, p, page)) && access == VM_WRITE
                   ? NULL
                   : "a copy-on-write break without sharing";
    case VM_FAULT_VIOLATION:
    case VM_FAULT_DENIED:
    case VM_FAULT_KILLED:
        break;
    }
    return "a resolved fault of an unresolved kind";
}

const char *naive_space_touch(struct naive_space *s, vm_asid asid, unsigned page,
                              enum vm_access access, struct touch t, uint64_t now)
{
    struct naive_page *p = &s->page[asid][page];
    if (!p->mapped && s->stray == VM_STRAY_MAPS && !s->killed[asid])
        first_touch(s, asid, page);
    if (t.outcome != expected(s, asid, p, access))
        return "another outcome than the mappings say";
    if (t.outcome != TOUCH_DONE)
        return t.nfaults ? "a fault was resolved in vain" : NULL;
    if (t.nfaults > 1)
        return "more than one fault for one touch";
    const char *wrong = t.nfaults ? fault_is_possible(s, p, access, t, page) : NULL;
    if (!t.nfaults && !p->touched && !s->huge)
        return "a first touch without a fault";
    p->touched = true;
    s->brought[p->file][page] |= p->file && !p->stamp;
    if (access == VM_WRITE && p->backing == VM_BACKING_SHARED) {
        s->stamp_of[p->file][page] = now;
    } else if (access == VM_WRITE) {
        p->stamp = now;
        p->shared = false;
    }
    return wrong;
}

static void fork_all(struct naive_space *s, vm_asid parent, vm_asid child)
{
    s->image[child] = image_of(s, parent);
    s->killed[child] = false;
    for (unsigned i = 0; i < NAIVE_PAGES; i++) {
        struct naive_page *p = &s->page[parent][i];
        p->shared |= p->touched;
        s->page[child][i] = *p;
    }
}

static void event_on_page(struct naive_page *p, const struct vm_event *event, unsigned file)
{
    switch ((enum vm_event_kind)event->kind) {
    case VM_EVENT_MAP:
        *p = (struct naive_page){
            .mapped = true, .prot = event->prot, .backing = event->detail, .file = file};
        break;
    case VM_EVENT_PROTECT:
        p->prot = event->prot;
        break;
    case VM_EVENT_ADVISE:
        if (event->detail == VM_ADVICE_DONTNEED) {
            p->touched = p->shared = false;
            p->stamp = 0;
        }
        break;
    case VM_EVENT_UNMAP:
    case VM_EVENT_EXEC:
    case VM_EVENT_EXIT:
        *p = (struct naive_page){.mapped = false};
        break;
    case VM_EVENT_FORK:
    case VM_EVENT_SWITCH:
    case VM_EVENT_ALLOC:
    case VM_EVENT_FREE:
    case VM_EVENT_RESIZE:
        break;
    }
}

void naive_space_kill(struct naive_space *s, vm_asid asid)
{
    memset(s->page[asid], 0, sizeof s->page[asid]);
    s->killed[asid] = true;
}

/* Of a process that was killed: only its end means something, and its children are dead, too. */
static void event_of_killed(struct naive_space *s, const struct vm_event *event)
{
    if (event->kind == VM_EVENT_EXIT) {
        s->killed[event->asid] = false;
        s->image[event->asid] = 0;
    }
    if (event->kind == VM_EVENT_FORK)
        naive_space_kill(s, event->child);
}

void naive_space_event(struct naive_space *s, const struct vm_event *event)
{
    if (s->killed[event->asid]) {
        event_of_killed(s, event);
        return;
    }
    bool whole = event->kind == VM_EVENT_EXEC || event->kind == VM_EVENT_EXIT;
    bool of_file = event->kind == VM_EVENT_MAP && event->detail != VM_BACKING_ANON;
    unsigned file = of_file ? new_file(s) : 0;
    if (whole)
        s->image[event->asid] = 0;
    if (event->kind == VM_EVENT_FORK)
        fork_all(s, event->asid, event->child);
    for (unsigned i = 0; i < NAIVE_PAGES; i++)
        if (whole || (s->va[i] + s->page_bytes > event->va && s->va[i] < event->va + event->bytes))
            event_on_page(&s->page[event->asid][i], event, file);
}

/* The content that each frame and slot must have for its first page seen, to hold the others
 * against. 0 says: not seen. */
struct places {
    uint64_t *frame; /* [nframes] */
    uint64_t slot[VM_SWAP_LEVELS][WORLD_SLOTS];
};

/* What is in a page: the step that wrote it; the file whose it is; or zeros. */
static uint64_t content_of(const struct naive_space *s, const struct naive_page *p, unsigned page)
{
    uint64_t stamp = stamp_of(s, p, page);
    return stamp ? stamp : p->file && !s->huge ? (UINT64_C(1) << 62) + p->file : UINT64_C(1) << 61;
}

static bool holds(uint64_t *place, uint64_t content)
{
    bool fits = *place == 0 || *place == content;
    *place = content;
    return fits;
}

/* The slot's page is in a frame, and will be written there. */
static bool is_in_dirty_frame(const struct space_world *w, vm_slot slot)
{
    vm_pfn f = vm_slot_frame(w->memory, slot);
    return f != VM_NOFRAME && (w->memory->bits[f] & VM_FRAME_DIRTY);
}

/* A shared page that is not mapped here: its file was written since, or a frame's page will be. */
static const char *file_has(const struct naive_space *s, vm_asid asid, unsigned page,
                            const struct space_world *w)
{
    const struct naive_page *p = &s->page[asid][page];
    struct vm_memory *m = w->memory;
    if (p->backing != VM_BACKING_SHARED)
        return NULL;
    const struct vm_vma *v = vm_vma_find(&m->space[asid], s->va[page]);
    uint64_t of_file = vm_file_page(m, v, s->va[page]);
    uint64_t place = vm_swap_file_position(m, vm_file_home(v), of_file) >> m->c.page_shift;
    vm_pfn f = vm_page_cache_find(m, vm_file_home(v), of_file);
    if (f != VM_NOFRAME && (m->bits[f] & VM_FRAME_DIRTY))
        return NULL;
    bool written = w->file_written_at[place % WORLD_FILE_PAGES] >= stamp_of(s, p, page);
    return written ? NULL : "a write to a shared page was lost";
}

static const char *inspect_page(const struct naive_space *s, vm_asid asid, unsigned page,
                                const struct space_world *w, struct places *seen)
{
    const struct naive_page *p = &s->page[asid][page];
    struct vm_pte pte = space_world_pte(w, asid, s->va[page]);
    uint64_t stamp = stamp_of(s, p, page), content = content_of(s, p, page);
    if (pte.state == VM_PTE_EMPTY)
        return p->stamp ? "a written page is nowhere" : NULL;
    const uint8_t *bits = w->memory->bits;
    if (!p->mapped || (!p->touched && !s->huge))
        return "a page that was never touched is somewhere";
    if (pte.state == VM_PTE_SWAPPED) {
        if (pte.slot == VM_SLOT_FILE)
            return p->stamp ? "a written page is only in its file" : file_has(s, asid, page, w);
        if (space_world_written_at(w, pte.slot) < stamp && !is_in_dirty_frame(w, pte.slot))
            return "a page's slot was written before the page";
        uint64_t *place =
            &seen->slot[vm_slot_level(w->memory, pte.slot)][vm_slot_index(w->memory, pte.slot)];
        return holds(place, content) ? NULL : "two contents in one slot";
    }
    if (pte.order && p->stamp && !(bits[pte.pfn] & VM_FRAME_TOUCHED))
        return "a written page passes for untouched";
    vm_pfn unit = vm_memory_unit(w->memory, pte.pfn);
    vm_slot slot = vm_frame_slot(&w->memory->frame[unit]);
    bool dirty = bits[unit] & VM_FRAME_DIRTY;
    if (stamp && !dirty && p->backing != VM_BACKING_SHARED &&
        (!slot || space_world_written_at(w, slot) < p->stamp))
        return "a written page's frame is clean without a copy";
    return holds(&seen->frame[pte.pfn], content) ? NULL : "two contents in one frame";
}

const char *naive_space_inspect(const struct naive_space *s, const struct space_world *w)
{
    struct places seen = {.frame = calloc(w->memory->c.nframes, sizeof *seen.frame)};
    const char *wrong = NULL;
    VM_ASSERT(seen.frame);
    for (vm_asid asid = 0; asid < NAIVE_SPACES; asid++)
        for (unsigned i = 0; i < NAIVE_PAGES && !wrong; i++)
            wrong = inspect_page(s, asid, i, w, &seen);
    free(seen.frame);
    return wrong;
}
