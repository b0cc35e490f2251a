/* contents_world.c - see contents_world.h. */
#include "oracle/contents_world.h"

#include "base/assert.h"

#include <stdlib.h>
#include <string.h>

#define TELLS_MAX 8 /* of one access, until it is there to be made */

/* ---- the host of the machine: files, and translations that it keeps ---- */

static uint8_t *disk_page(struct contents_world *w, uint32_t file, uint64_t page)
{
    VM_ASSERT(file >= 1 && file <= CONTENTS_FILES);
    uint64_t index = page - w->naive.file_first[file];
    VM_ASSERT(index < CONTENTS_FILE_PAGES);
    return w->disk[file] + index * w->naive.page_bytes;
}

static void disk_read(void *host, uint32_t file, uint64_t page, uint8_t *bytes)
{
    struct contents_world *w = host;
    memcpy(bytes, disk_page(w, file, page), w->naive.page_bytes);
}

static void disk_write(void *host, uint32_t file, uint64_t page, const uint8_t *bytes)
{
    struct contents_world *w = host;
    w->written++;
    memcpy(disk_page(w, file, page), bytes, w->naive.page_bytes);
}

static void forget_space(void *host, vm_asid asid)
{
    struct contents_world *w = host;
    if (asid < CONTENTS_SPACES)
        memset(w->kept[asid], 0, sizeof w->kept[asid]);
}

static void forget(void *host, uint64_t page_key)
{
    struct contents_world *w = host;
    vm_asid asid = vm_key_asid(page_key);
    uint64_t page =
        (vm_key_va(page_key, w->parts.page_shift) - w->naive.first) / w->naive.page_bytes;
    if (asid >= CONTENTS_SPACES)
        return;
    if (w->parts.config->huge_pages != VM_HUGE_NEVER)
        forget_space(w, asid); /* it may be the first of many */
    else if (page < CONTENTS_PAGES)
        w->kept[asid][page] = (struct contents_place){0};
}

/* ---- opening ---- */

/* A border of tables of every level in the middle of the pages. */
static vm_va first_page(const struct vm_engine_parts *parts)
{
    vm_va middle = UINT64_C(1) << (parts->va_bits - 3);
    if (!strcmp(parts->scheme->name, "vax")) /* its tables have an end */
        middle = UINT64_C(1) << 16;
    return middle - ((vm_va)CONTENTS_PAGES / 2 << parts->page_shift);
}

static void open_naive(struct contents_world *w)
{
    w->naive = (struct naive_contents){
        .page_bytes = UINT64_C(1) << w->parts.page_shift,
        .first = first_page(&w->parts),
        .file_first = {0, 7, 7, UINT64_C(1) << 33},
        .with_read = w->parts.scheme->with_read,
    };
    for (unsigned file = 1; file <= CONTENTS_FILES; file++) {
        w->disk[file] = calloc(CONTENTS_FILE_PAGES, w->naive.page_bytes);
        VM_ASSERT(w->disk[file]);
        for (unsigned i = 0; i < CONTENTS_FILE_PAGES * CONTENTS_CELLS; i++) {
            unsigned page = i / CONTENTS_CELLS, cell = i % CONTENTS_CELLS;
            uint8_t byte = (uint8_t)(file * 50 + i);
            w->naive.file[file][page].byte[cell] = byte;
            w->disk[file][page * w->naive.page_bytes + naive_contents_cell(&w->naive, cell)] = byte;
        }
    }
}

bool contents_world_open(struct contents_world *w, const struct vm_config *c, uint32_t log_cap)
{
    VM_ASSERT(log_cap >= 1 && log_cap <= CONTENTS_LOG_MAX);
    *w = (struct contents_world){.log_cap = log_cap};
    w->contents = (struct vm_contents){w, disk_read, disk_write};
    w->programs = (struct vm_programs){&w->contents, w, forget, forget_space};
    w->engine = vm_engine_open_programs(c, &w->programs, &w->error);
    if (!w->engine)
        return false;
    vm_engine_parts(w->engine, &w->parts);
    open_naive(w);
    for (unsigned file = 1; file <= CONTENTS_FILES; file++)
        if (!contents_world_open_window(w, file))
            return false;
    return true;
}

void contents_world_close(struct contents_world *w)
{
    vm_engine_close(w->engine);
    for (unsigned file = 1; file <= CONTENTS_FILES; file++)
        free(w->disk[file]);
}

/* ---- telling the machine ---- */

/* All of it, through the ends that waits make. */
static bool run(struct contents_world *w, struct vm_batch b)
{
    for (;;) {
        uint32_t refs, events;
        if (!vm_engine_run(w->engine, &b, &w->error))
            return false;
        vm_engine_done(w->engine, &refs, &events);
        if (refs == b.nrefs && events == b.nevents)
            return true;
        VM_ASSERT(b.nevents == 0);
        vm_engine_idle(w->engine, vm_engine_blocked(w->engine));
        b.va += refs;
        b.meta += refs;
        b.nrefs -= refs;
    }
}

bool contents_world_drain(struct contents_world *w)
{
    uint32_t n = w->nlog;
    w->nlog = 0;
    return n == 0 || run(w, (struct vm_batch){.nrefs = n, .va = w->va, .meta = w->meta});
}

static bool tell_event(struct contents_world *w, const struct vm_event *event)
{
    return contents_world_drain(w) && run(w, (struct vm_batch){.nevents = 1, .event = event});
}

/* References belong to this space from now on. */
static bool switch_to(struct contents_world *w, vm_asid asid)
{
    struct vm_event event = {.kind = VM_EVENT_SWITCH, .asid = asid};
    if (asid == w->running)
        return true;
    w->running = asid;
    return tell_event(w, &event);
}

bool contents_world_event(struct contents_world *w, const struct vm_event *event)
{
    naive_contents_event(&w->naive, event);
    return tell_event(w, event);
}

/* ---- accesses ---- */

static vm_va va_of(const struct contents_world *w, unsigned page, unsigned cell)
{
    return w->naive.first + page * w->naive.page_bytes + naive_contents_cell(&w->naive, cell);
}

/* Told before it is made. */
static bool tell(struct contents_world *w, vm_va va, uint16_t meta)
{
    return run(w, (struct vm_batch){.nrefs = 1, .va = &va, .meta = &meta});
}

/* The page is present, and the access may be made at once: it is kept. */
static bool keep(struct contents_world *w, vm_asid asid, unsigned page, enum vm_access access)
{
    struct vm_place place;
    if (!vm_engine_look(w->engine, asid, va_of(w, page, 0), &place) ||
        !(place.rights & vm_access_needs(access)))
        return false;
    w->kept[asid][page] = (struct contents_place){place.bytes, place.rights};
    return true;
}

static void note(struct contents_world *w, vm_va va, uint16_t meta)
{
    w->va[w->nlog] = va;
    w->meta[w->nlog++] = meta;
}

/* The access, which is allowed, has been told or is in the log, and its page is kept. */
static bool have(struct contents_world *w, vm_asid asid, unsigned page, enum vm_access access,
                 vm_va va)
{
    const struct contents_place *kept = &w->kept[asid][page];
    uint16_t meta = vm_ref_meta(access, 1);
    if (w->nlog == w->log_cap && !contents_world_drain(w))
        return false;
    if (kept->rights & vm_access_needs(access)) {
        note(w, va, meta);
        return true;
    }
    if (!contents_world_drain(w))
        return false;
    if (keep(w, asid, page, access)) {
        note(w, va, meta);
        return true;
    }
    for (unsigned told = 1; told <= TELLS_MAX; told++, w->retold++)
        if (!tell(w, va, meta))
            return false;
        else if (keep(w, asid, page, access))
            return true;
    return vm_fail(&w->error, VM_EINPUT, "page %u of space %u cannot be had", page, asid);
}

/* The access is not allowed: told, it stays so. */
static bool refuse(struct contents_world *w, vm_asid asid, unsigned page, enum vm_access access,
                   vm_va va)
{
    struct vm_place place;
    if (!contents_world_drain(w) || !tell(w, va, vm_ref_meta(access, 1)))
        return false;
    w->refused++;
    if ((w->kept[asid][page].rights & vm_access_needs(access)) ||
        (vm_engine_look(w->engine, asid, va, &place) && (place.prot & vm_access_needs(access))))
        return vm_fail(&w->error, VM_EINPUT, "page %u of space %u may be accessed", page, asid);
    return true;
}

/* What is at `bytes` is what the cells say. */
static bool compare(struct contents_world *w, const uint8_t *bytes,
                    const struct contents_cells *cells, const char *what, unsigned page)
{
    for (unsigned i = 0; i < CONTENTS_CELLS; i++) {
        uint64_t at = naive_contents_cell(&w->naive, i);
        if (bytes[at] != cells->byte[i] || (i && bytes[at - 1]))
            return vm_fail(&w->error, VM_EINPUT,
                           "byte %llu of page %u of %s is %u, and %u before: "
                           "expected %u, and 0",
                           (unsigned long long)at, page, what, bytes[at], i ? bytes[at - 1] : 0,
                           cells->byte[i]);
    }
    return true;
}

/* The access, at `bytes`. */
static bool make(struct contents_world *w, uint8_t *bytes, struct contents_cells *cells,
                 enum vm_access access, unsigned cell, uint8_t byte, unsigned page)
{
    if (!compare(w, bytes, cells, "a space", page))
        return false;
    if (access != VM_WRITE)
        return true;
    bytes[naive_contents_cell(&w->naive, cell)] = byte;
    cells->byte[cell] = byte;
    return true;
}

bool contents_world_access(struct contents_world *w, vm_asid asid, unsigned page,
                           enum vm_access access, unsigned cell, uint8_t byte)
{
    struct contents_cells *cells = naive_contents_access(&w->naive, asid, page, access);
    vm_va va = va_of(w, page, cell);
    if (!switch_to(w, asid))
        return false;
    if (!cells)
        return refuse(w, asid, page, access, va);
    return have(w, asid, page, access, va) &&
           make(w, w->kept[asid][page].bytes, cells, access, cell, byte, page);
}

bool contents_world_reach(struct contents_world *w, vm_asid asid, unsigned page,
                          enum vm_access access, unsigned cell, uint8_t byte)
{
    struct contents_cells *cells = naive_contents_access(&w->naive, asid, page, access);
    struct vm_place place;
    if (!contents_world_drain(w))
        return false;
    if (!vm_engine_reach(w->engine, asid, va_of(w, page, cell), access, &place, &w->error)) {
        w->refused += !cells;
        return !cells && w->error.code == VM_EINPUT;
    }
    return make(w, place.bytes, cells, access, cell, byte, page);
}

bool contents_world_check_kept(struct contents_world *w)
{
    struct vm_place place;
    for (vm_asid asid = 0; asid < CONTENTS_SPACES; asid++)
        for (unsigned page = 0; page < CONTENTS_PAGES; page++) {
            const struct contents_place *kept = &w->kept[asid][page];
            if (kept->rights && (!vm_engine_look(w->engine, asid, va_of(w, page, 0), &place) ||
                                 place.bytes != kept->bytes || (kept->rights & ~place.rights)))
                return vm_fail(&w->error, VM_EINPUT, "page %u of space %u is kept with rights %u",
                               page, asid, kept->rights);
        }
    return true;
}

/* ---- leaving, files ---- */

bool contents_world_suspend(struct contents_world *w, vm_asid asid)
{
    return contents_world_drain(w) && vm_engine_suspend(w->engine, asid, &w->error);
}

bool contents_world_prepage(struct contents_world *w, vm_asid asid, unsigned page, unsigned n)
{
    uint64_t key[CONTENTS_PAGES];
    VM_ASSERT(page + n <= CONTENTS_PAGES);
    for (unsigned i = 0; i < n; i++)
        key[i] = vm_page_key(va_of(w, page + i, 0), w->parts.page_shift, asid);
    if (!contents_world_drain(w) || !vm_engine_prepage(w->engine, key, n, &w->error))
        return false;
    if (vm_engine_blocked(w->engine))
        vm_engine_idle(w->engine, vm_engine_blocked(w->engine));
    return true;
}

bool contents_world_sync(struct contents_world *w, unsigned file)
{
    if (!contents_world_drain(w))
        return false;
    vm_engine_sync_file(w->engine, file);
    for (unsigned f = 1; f <= CONTENTS_FILES; f++)
        for (unsigned i = 0; i < CONTENTS_FILE_PAGES && (file == 0 || f == file); i++)
            if (!compare(w, w->disk[f] + i * w->naive.page_bytes, &w->naive.file[f][i],
                         "the host's file", i))
                return false;
    return true;
}

bool contents_world_drop(struct contents_world *w, unsigned file)
{
    if (!contents_world_drain(w))
        return false;
    uint64_t written = w->written;
    vm_engine_drop_file(w->engine, file);
    if (w->written != written)
        return vm_fail(&w->error, VM_EINPUT, "file %u was dropped, and is written", file);
    for (unsigned i = 0; i < CONTENTS_FILE_PAGES && !naive_contents_is_mapped(&w->naive, file); i++)
        for (unsigned cell = 0; cell < CONTENTS_CELLS; cell++)
            w->naive.file[file][i].byte[cell] =
                w->disk[file][i * w->naive.page_bytes + naive_contents_cell(&w->naive, cell)];
    return true;
}

struct vm_event contents_world_window(const struct contents_world *w, unsigned file)
{
    uint64_t bytes = CONTENTS_FILE_PAGES * w->naive.page_bytes;
    return (struct vm_event){.kind = VM_EVENT_MAP,
                             .asid = CONTENTS_WINDOWS,
                             .va = w->naive.first + (file - 1) * bytes,
                             .bytes = bytes,
                             .prot = VM_PROT_READ | VM_PROT_WRITE,
                             .detail = VM_BACKING_SHARED,
                             .file = file,
                             .file_page = w->naive.file_first[file]};
}

bool contents_world_open_window(struct contents_world *w, unsigned file)
{
    struct vm_event event = contents_world_window(w, file);
    return contents_world_event(w, &event);
}

bool contents_world_compare(struct contents_world *w)
{
    for (vm_asid asid = 0; asid < CONTENTS_SPACES; asid++)
        for (unsigned page = 0; page < CONTENTS_PAGES; page++)
            if (naive_contents_access(&w->naive, asid, page, VM_READ) &&
                !contents_world_access(w, asid, page, VM_READ, 0, 0))
                return false;
    return contents_world_sync(w, 0);
}
