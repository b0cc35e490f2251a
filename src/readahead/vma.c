/* vma.c - the pages about the faulting one in its mapping, ahead of the way that faults go.
 *
 * After a fault on the page before, the window lies ahead; on the page behind, behind; otherwise
 * about the page. It never leaves the mapping, nor the aligned 512 pages that one last-level table
 * of x86-64 maps. mm/swap_state.c (Linux 6.1), swap_vma_readahead.
 *
 * Linux keeps the last fault in each mapping. Here a space has room for STREAMS of them, known by
 * their mappings' first pages; the one used least lately gives way.
 */
#include "readahead/window.h"

#define STREAMS     16
#define TABLE_PAGES UINT64_C(512)

struct stream {
    uint64_t mapping; /* its first page */
    uint64_t used;    /* the ask at which it was used last; 0: never */
    struct window window;
};

struct vma_readahead {
    uint64_t asks;
    struct stream stream[STREAMS];
};

static size_t size(void)
{
    return sizeof(struct vma_readahead);
}

/* The mapping's stream: the one there is, or a new one in place of the one used least lately. */
static struct stream *stream_of(struct vma_readahead *s, uint64_t mapping)
{
    struct stream *oldest = &s->stream[0];
    for (struct stream *t = s->stream; t < s->stream + STREAMS; t++) {
        if (t->used && t->mapping == mapping)
            return t;
        if (t->used < oldest->used)
            oldest = t;
    }
    *oldest = (struct stream){.mapping = mapping};
    return oldest;
}

static uint64_t less(uint64_t a, uint64_t b)
{
    return a > b ? a - b : 0;
}

static void ask(void *state, const struct vm_params *params, const struct vm_readahead_fault *f,
                struct vm_readahead_wish *out)
{
    struct vma_readahead *s = state;
    struct stream *t = stream_of(s, f->first);
    uint64_t last = t->window.last, page = f->page;
    bool forward = t->window.begun && page == last + 1, backward = page + 1 == last;
    uint32_t n = window_next(&t->window, page, f->hits, vm_params_count(params, "window"));
    uint64_t before = forward ? 0 : backward ? n - 1 : (n - 1) / 2;
    uint64_t first = less(page, before), end = page - before + n;
    uint64_t table = page / TABLE_PAGES * TABLE_PAGES, table_end = table + TABLE_PAGES;
    t->window.last = page;
    t->used = ++s->asks;
    first = first > f->first ? first : f->first;
    first = first > table ? first : table;
    end = end < f->end ? end : f->end;
    out->of = VM_READAHEAD_PAGES;
    out->why = forward    ? VM_READAHEAD_FORWARD
               : backward ? VM_READAHEAD_BACKWARD
                          : VM_READAHEAD_AROUND;
    out->window = n;
    window_wish(out, first, end < table_end ? end : table_end, page);
}

static const struct vm_param param[] = {WINDOW_PARAM};

const struct vm_readahead_ops vm_readahead_vma = {
    .name = "vma",
    .summary = "the pages of the mapping ahead of the faults, or about them",
    .param = param,
    .nparams = sizeof param / sizeof param[0],
    .size = size,
    .ask = ask,
};
