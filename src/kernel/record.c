/* record.c - what a run tells its machine, as a trace that a replay reads.
 *
 *     programs --> batches --> machine
 *                     |
 *                     +------> .pgt        references, switches, mappings, forks, advice, ends
 *
 * So a replay on the same machine translates the same references by the same entries: its TLBs and
 * walks count the same. Faults too, while memory is enough, but that the kernel's own accesses, to
 * files by its windows, are no references of a program: a page that the kernel had read is read by
 * its first touch then.
 *
 * A trace's mappings do not name files. An advice tells which are of the same one: a number for
 * each file and each distance that pages of it have from their addresses (VM_ADVICE_OF_FILE).
 *
 * A mapping that moves is an end and a beginning: its pages, which moved, come anew in a replay.
 *
 * Not here: what the run's time was; the flusher, which a replay asks by its own.
 */
#include "kernel/kernel.h"

#include <pagoda/trace.h>
#include <stdlib.h>

/* A file whose pages have this distance from their addresses; its number is its place, from 1. */
struct view_of_file {
    uint32_t file;
    uint64_t delta;
};

struct recorder {
    struct vm_pgt_writer *writer;
    struct view_of_file *view;
    size_t nviews;
};

bool vm_record_open(struct kernel *k, struct vm_error *e)
{
    if (!k->c->record)
        return true;
    if (k->c->model == VM_RUN_NONE)
        return vm_fail(e, VM_EUSAGE,
                       "a record of a run with the model none: expected tlb or full, which see "
                       "every reference");
    struct vm_pgt_options options = {.origin = k->c->origin, .complete_maps = true};
    k->recorder = calloc(1, sizeof *k->recorder);
    if (!k->recorder)
        return vm_fail(e, VM_ESYSTEM, "no memory for a record");
    k->recorder->writer = vm_pgt_create(k->c->record, &options, e);
    return k->recorder->writer;
}

static bool append(struct kernel *k, const struct vm_batch *batch)
{
    k->failed = k->failed || !vm_pgt_append(k->recorder->writer, batch, &k->error);
    return !k->failed;
}

/* The number of such pages of the file, which are known from now on; 0: there are too many. */
static vm_asid number_of(struct recorder *r, uint32_t file, uint64_t delta)
{
    for (size_t i = 0; i < r->nviews; i++)
        if (r->view[i].file == file && r->view[i].delta == delta)
            return (vm_asid)(i + 1);
    struct view_of_file *grown =
        r->nviews < VM_ASID_MAX ? realloc(r->view, (r->nviews + 1) * sizeof *grown) : NULL;
    if (!grown)
        return 0;
    r->view = grown;
    r->view[r->nviews++] = (struct view_of_file){file, delta};
    return (vm_asid)r->nviews;
}

static bool append_event(struct kernel *k, struct vm_event event)
{
    event.at = 0;
    return append(k, &(struct vm_batch){.nevents = 1, .event = &event});
}

/* A map event, and of which file it is. */
static bool append_map(struct kernel *k, const struct vm_event *map)
{
    uint64_t delta = map->file_page - (map->va >> k->parts.page_shift);
    vm_asid number = map->file ? number_of(k->recorder, map->file, delta) : 0;
    struct vm_event of_file = {.kind = VM_EVENT_ADVISE,
                               .detail = VM_ADVICE_OF_FILE,
                               .asid = map->asid,
                               .child = number,
                               .va = map->va,
                               .bytes = map->bytes};
    return append_event(k, *map) && (!number || append_event(k, of_file));
}

bool vm_record_batch(struct kernel *k, const struct vm_batch *batch)
{
    if (batch->nevents == 0)
        return append(k, batch);
    const struct vm_event *event = batch->event; /* the kernel tells of one at a time */
    if (event->asid == FILES_ASID)
        return true;
    return event->kind == VM_EVENT_MAP ? append_map(k, event) : append_event(k, *event);
}

bool vm_record_move(struct kernel *k, const struct address_space *s, vm_va from, uint64_t bytes,
                    vm_va to, enum vm_move leaves)
{
    const struct vm_vma *v = vm_space_find(k, s, from);
    struct vm_event map = {.kind = VM_EVENT_MAP,
                           .asid = s->asid,
                           .prot = v->prot,
                           .detail = v->backing,
                           .va = to,
                           .bytes = bytes,
                           .file = v->file & VM_FILE_NUMBER_MAX,
                           .file_page =
                               v->file ? (from >> k->parts.page_shift) + v->file_delta : 0};
    struct vm_event gone = {.kind = VM_EVENT_UNMAP, .asid = s->asid, .va = from, .bytes = bytes};
    return (leaves == VM_MOVE_LEAVES_MAPPED || append_event(k, gone)) && append_map(k, &map);
}

static void forget(struct kernel *k)
{
    free(k->recorder->view);
    free(k->recorder);
    k->recorder = NULL;
}

bool vm_record_finish(struct kernel *k, struct vm_error *e)
{
    if (!k->recorder)
        return true;
    bool good = vm_pgt_finish(k->recorder->writer, e);
    forget(k);
    return good;
}

void vm_record_abort(struct kernel *k)
{
    if (!k->recorder)
        return;
    vm_pgt_abort(k->recorder->writer);
    forget(k);
}
