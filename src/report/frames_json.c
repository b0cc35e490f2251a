/* frames_json.c - the frame allocator at the end of a run, for programs. Every member:
 * docs/formats/json.md. */
#include "base/bits.h"
#include "report/json.h"

static json_t *blocks_json(struct vm_json *j, const struct vm_free_blocks *b, unsigned norders)
{
    json_t *array = json_array();
    for (unsigned order = 0; order < norders; order++)
        vm_json_add(j, array, json_integer((json_int_t)b->n[order]));
    return array;
}

static json_t *index_json(struct vm_json *j, const struct vm_free_blocks *b, unsigned norders,
                          double (*index)(const struct vm_free_blocks *, unsigned))
{
    json_t *array = json_array();
    for (unsigned order = 0; order < norders; order++)
        vm_json_add(j, array, json_real(index(b, order)));
    return array;
}

static json_t *zone_json(struct vm_json *j, const struct vm_zone_state *z, unsigned norders)
{
    json_t *kept = json_pack("{s:I, s:I, s:I, s:I}", "page", (json_int_t)z->kept[VM_FRAME_FOR_PAGE],
                             "loose_table", (json_int_t)z->kept[VM_FRAME_FOR_LOOSE_TABLE], "kernel",
                             (json_int_t)z->kept[VM_FRAME_FOR_KERNEL], "device",
                             (json_int_t)z->kept[VM_FRAME_FOR_DEVICE]);
    json_t *pageblocks =
        json_pack("{s:I, s:I, s:I}", "movable", (json_int_t)z->pageblocks[VM_GROUP_MOVABLE],
                  "reclaimable", (json_int_t)z->pageblocks[VM_GROUP_RECLAIMABLE], "unmovable",
                  (json_int_t)z->pageblocks[VM_GROUP_UNMOVABLE]);
    return json_pack("{s:s, s:I, s:I, s:I, s:I, s:o, s:o, s:o, s:I, s:I, s:I, s:I, s:I}", "name",
                     z->name, "start", (json_int_t)z->start, "frames", (json_int_t)z->nframes,
                     "free", (json_int_t)z->nfree, "listed", (json_int_t)z->nlisted, "kept", kept,
                     "free_blocks", blocks_json(j, &z->blocks, norders), "pageblocks", pageblocks,
                     "takes", (json_int_t)z->takes, "fallbacks", (json_int_t)z->fallbacks,
                     "refusals", (json_int_t)z->refusals, "claims", (json_int_t)z->claims,
                     "borrows", (json_int_t)z->borrows);
}

static json_t *lists_json(struct vm_json *j, const struct vm_frames_result *f)
{
    json_t *lists = json_array();
    for (size_t i = 0; i < f->nlists; i++) {
        const struct vm_list_counts *c = &f->list[i];
        vm_json_add(j, lists,
                    json_pack("{s:I, s:I, s:I, s:I, s:I}", "hits", (json_int_t)c->hits, "refills",
                              (json_int_t)c->refills, "refilled", (json_int_t)c->refilled, "drains",
                              (json_int_t)c->drains, "drained", (json_int_t)c->drained));
    }
    return lists;
}

static json_t *huge_json(struct vm_json *j, const struct vm_frames_result *f)
{
    json_t *sizes = json_array();
    const struct vm_huge_misses *m = &f->misses;
    const struct vm_compactions *c = &f->compactions;
    for (size_t i = 0; i < f->nsizes; i++)
        vm_json_add(j, sizes,
                    json_pack("{s:I, s:I}", "bytes", (json_int_t)f->size[i].bytes, "available",
                              (json_int_t)f->size[i].available));
    return json_pack("{s:o, s:I, s:I, s:f, s:I, s:I, s:I, s:I}", "sizes", sizes, "misses_lacking",
                     (json_int_t)m->lacking, "misses_fragmented", (json_int_t)m->fragmented,
                     "misses_fragmentation", m->fragmented ? m->index / (double)m->fragmented : 0.0,
                     "compacted_runs", (json_int_t)c->runs, "compacted_pages", (json_int_t)c->pages,
                     "compaction_failures", (json_int_t)c->failures, "compactions_deferred",
                     (json_int_t)c->deferred);
}

json_t *vm_json_frames(struct vm_json *j, const struct vm_result *r)
{
    const struct vm_frames_result *f = &r->frames;
    unsigned norders = vm_log2(r->nframes) + 1;
    if (f->nzones == 0)
        return json_null();
    json_t *zones = json_array();
    for (size_t i = 0; i < f->nzones; i++)
        vm_json_add(j, zones, zone_json(j, &f->zone[i], norders));
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "zones", zones, "free_blocks",
                     blocks_json(j, &f->blocks, norders), "unusable",
                     index_json(j, &f->blocks, norders, vm_unusable_index), "fragmentation",
                     index_json(j, &f->blocks, norders, vm_fragmentation_index), "lists",
                     lists_json(j, f), "huge", huge_json(j, f));
}
