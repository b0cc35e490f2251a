/* naive_contents.c - see naive_contents.h. */
#include "oracle/naive_contents.h"

#include "base/assert.h"

static struct contents_cells *file_cells(struct naive_contents *s, const struct naive_mapping *p)
{
    VM_ASSERT(p->file && p->file_page < CONTENTS_FILE_PAGES);
    return &s->file[p->file][p->file_page];
}

static void map_page(struct naive_contents *s, struct naive_mapping *p, const struct vm_event *v,
                     unsigned index)
{
    uint64_t page = v->file ? v->file_page - s->file_first[v->file] + index : 0;
    *p = (struct naive_mapping){.mapped = true,
                                .shared = v->detail == VM_BACKING_SHARED,
                                .own = v->file == 0,
                                .prot = v->prot,
                                .file = v->file,
                                .file_page = (unsigned)page};
    if (v->prot) /* what may be accessed at all may be read */
        p->prot |= VM_PROT_READ | s->with_read;
}

static void protect_page(struct naive_contents *s, struct naive_mapping *p, uint8_t prot)
{
    p->prot = prot ? prot | VM_PROT_READ | s->with_read : 0;
}

/* Back to what the mapping began with. */
static void drop_page(struct naive_mapping *p)
{
    p->own = p->file == 0;
    p->here = false;
    p->cells = (struct contents_cells){0};
}

static void advise_page(struct naive_mapping *p, enum vm_advice advice)
{
    if (advice == VM_ADVICE_DONTNEED)
        drop_page(p);
    if (advice == VM_ADVICE_LOCK || advice == VM_ADVICE_UNLOCK)
        p->locked = advice == VM_ADVICE_LOCK;
    if (advice == VM_ADVICE_LOCK)
        p->here = false; /* it may be out of memory, or be split from a huge page */
    if (advice == VM_ADVICE_DONT_FORK || advice == VM_ADVICE_DO_FORK)
        p->not_forked = advice == VM_ADVICE_DONT_FORK;
    if (advice == VM_ADVICE_WIPE_ON_FORK || advice == VM_ADVICE_KEEP_ON_FORK)
        p->wiped = advice == VM_ADVICE_WIPE_ON_FORK;
}

/* Of the parent's, for a child. */
static struct naive_mapping forked_page(struct naive_mapping p)
{
    p.locked = p.here = false;
    if (p.wiped)
        drop_page(&p);
    return p.not_forked ? (struct naive_mapping){0} : p;
}

static void range_event(struct naive_contents *s, const struct vm_event *v)
{
    unsigned first = (unsigned)((v->va - s->first) / s->page_bytes);
    unsigned last = (unsigned)((v->va + v->bytes - 1 - s->first) / s->page_bytes);
    for (unsigned i = first; i <= last; i++) {
        struct naive_mapping *p = &s->page[v->asid][i];
        if (v->kind == VM_EVENT_MAP)
            map_page(s, p, v, i - first);
        else if (v->kind == VM_EVENT_UNMAP)
            *p = (struct naive_mapping){0};
        else if (v->kind == VM_EVENT_PROTECT && p->mapped)
            protect_page(s, p, v->prot);
        else if (v->kind == VM_EVENT_ADVISE && p->mapped)
            advise_page(p, (enum vm_advice)v->detail);
    }
}

void naive_contents_event(struct naive_contents *s, const struct vm_event *v)
{
    switch ((enum vm_event_kind)v->kind) {
    case VM_EVENT_FORK:
        for (unsigned i = 0; i < CONTENTS_PAGES; i++)
            s->page[v->child][i] = forked_page(s->page[v->asid][i]);
        return;
    case VM_EVENT_EXEC:
    case VM_EVENT_EXIT:
        for (unsigned i = 0; i < CONTENTS_PAGES; i++)
            s->page[v->asid][i] = (struct naive_mapping){0};
        return;
    case VM_EVENT_SWITCH:
    case VM_EVENT_ALLOC:
    case VM_EVENT_FREE:
    case VM_EVENT_RESIZE:
        return;
    case VM_EVENT_MAP:
    case VM_EVENT_UNMAP:
    case VM_EVENT_PROTECT:
    case VM_EVENT_ADVISE:
        range_event(s, v);
    }
}

struct contents_cells *naive_contents_access(struct naive_contents *s, vm_asid asid, unsigned page,
                                             enum vm_access access)
{
    struct naive_mapping *p = &s->page[asid][page];
    if (!p->mapped || !(p->prot & vm_access_needs(access)))
        return NULL;
    if (!p->own && access == VM_WRITE && !p->shared) {
        p->cells = *file_cells(s, p);
        p->own = true;
    }
    p->here = true;
    return p->own ? &p->cells : file_cells(s, p);
}

void naive_contents_move(struct naive_contents *s, vm_asid asid, unsigned from, unsigned n,
                         unsigned to, enum vm_move leaves)
{
    for (unsigned i = 0; i < n; i++) {
        struct naive_mapping *p = &s->page[asid][from + i];
        s->page[asid][to + i] = *p;
        drop_page(p);
        p->locked = false;
        if (leaves == VM_MOVE_UNMAPS)
            *p = (struct naive_mapping){0};
    }
}

bool naive_contents_is_mapped(const struct naive_contents *s, unsigned file)
{
    for (unsigned asid = 0; asid < CONTENTS_SPACES; asid++)
        for (unsigned i = 0; i < CONTENTS_PAGES; i++)
            if (s->page[asid][i].mapped && s->page[asid][i].file == file)
                return true;
    return false;
}

uint64_t naive_contents_cell(const struct naive_contents *s, unsigned i)
{
    return i * (s->page_bytes - 1) / (CONTENTS_CELLS - 1);
}
