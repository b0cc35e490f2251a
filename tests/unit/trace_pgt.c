/* trace_pgt.c - the laws of the .pgt container: trace/pgt_writer.c and trace/formats/pgt.c. */
#include "trace/pgt.h"

#include "folder.h"
#include "story.h"

#include <inttypes.h>
#include <sys/wait.h>
#include <zstd.h>

extern const struct vm_format_ops vm_format_pgt;

/* ---- writing ---- */

/* Append the story in batches of at most `most` references. */
static void append_story(struct vm_pgt_writer *w, const struct story *s, struct vm_random *r,
                         uint32_t most)
{
    static vm_va va[VM_BATCH_REFS];
    static uint16_t meta[VM_BATCH_REFS];
    static struct vm_event event[VM_BATCH_EVENTS];
    struct vm_error e;
    for (size_t ref = 0, k = 0; ref < s->nrefs || k < s->nevents;) {
        struct vm_batch b = {.va = va, .meta = meta, .event = event};
        uint32_t want = (uint32_t)vm_random_below(r, most + 1);
        while (b.nevents < VM_BATCH_EVENTS) {
            if (k < s->nevents && s->event[k].ref == ref) {
                event[b.nevents] = s->event[k++].event;
                event[b.nevents++].at = b.nrefs;
            } else if (b.nrefs < want && ref < s->nrefs) {
                va[b.nrefs] = s->ref[ref].va;
                meta[b.nrefs++] = s->ref[ref++].meta;
            } else {
                break;
            }
        }
        assert_true(vm_pgt_append(w, &b, &e));
    }
}

/* The bytes of the story's file, to be freed. */
static uint8_t *file_of(const struct story *s, struct vm_random *r, uint32_t block_refs,
                        size_t *bytes)
{
    struct folder f = folder_new();
    char path[256];
    struct vm_error e;
    struct vm_pgt_options options = {.origin = "pagoda test", .complete_maps = true, .level = 1};
    struct vm_pgt_writer *w = vm_pgt_create(folder_path(&f, "t.pgt", path), &options, &e);
    assert_non_null(w);
    vm_pgt_limit_blocks(w, block_refs);
    append_story(w, s, r, 1u << vm_random_below(r, 13));
    assert_true(vm_pgt_finish(w, &e));
    uint8_t *file = file_read(path, bytes);
    folder_remove(&f);
    return file;
}

/* ---- reading ---- */

struct reading {
    struct story story;
    struct vm_trace_info info;
    struct vm_error error;
    bool ok;
};

static void tell_batch(struct story *s, const struct vm_batch_builder *b)
{
    assert_batch_is_valid(b);
    for (uint32_t i = 0, k = 0; i <= b->nrefs; i++) {
        for (; k < b->nevents && b->event[k].at == i; k++)
            tell_event(s, b->event[k]);
        if (i < b->nrefs)
            tell_ref(s, b->va[i], b->meta[i]);
    }
}

/* Read all of `bytes`, which it closes, after skipping. */
static struct reading read_all(struct vm_bytes *bytes, const struct vm_trace_options *options)
{
    static struct vm_batch_builder b;
    struct reading r = {0};
    uint64_t skipped = 0;
    assert_non_null(bytes);
    void *state = vm_format_pgt.open(bytes, NULL, options, &r.error);
    r.ok = state &&
           (options->skip == 0 || (vm_format_pgt.skip)(state, options->skip, &skipped, &r.error));
    assert_true(skipped <= options->skip);
    do {
        b.nrefs = b.nevents = 0;
        r.ok = r.ok && vm_format_pgt.read(state, &b, &r.error);
        if (r.ok)
            tell_batch(&r.story, &b);
    } while (r.ok && (b.nrefs || b.nevents));
    if (state) {
        vm_format_pgt.info(state, &r.info);
        r.info.origin = NULL; /* it goes with the reader */
        vm_format_pgt.close(state);
    }
    vm_bytes_close(bytes);
    return r;
}

static struct vm_bytes *in_memory(const uint8_t *file, size_t bytes)
{
    struct vm_error e;
    return vm_bytes_open_memory(file, bytes, "t.pgt", &e);
}

static const struct vm_trace_options strict, salvaging = {.damage = VM_DAMAGE_SKIPPED};

static struct reading read_file(const uint8_t *file, size_t bytes,
                                const struct vm_trace_options *options)
{
    return read_all(in_memory(file, bytes), options);
}

/* ---- comparing ---- */

static bool refs_equal(const struct told_ref *a, const struct told_ref *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (a[i].va != b[i].va || a[i].meta != b[i].meta || a[i].asid != b[i].asid)
            return false;
    return true;
}

static bool events_equal(const struct vm_event *a, const struct vm_event *b)
{
    return a->kind == b->kind && a->prot == b->prot && a->detail == b->detail &&
           a->asid == b->asid && a->child == b->child && a->va == b->va && a->bytes == b->bytes &&
           a->thread == b->thread && a->site == b->site && a->align == b->align &&
           a->from == b->from;
}

/* Whether `got` is `all` without the first `skip` references, with every event. */
static bool stories_equal(const struct story *got, const struct story *all, uint64_t skip)
{
    skip = skip < all->nrefs ? skip : all->nrefs;
    if (got->nrefs != all->nrefs - skip || got->nevents != all->nevents ||
        !refs_equal(got->ref, all->ref + skip, got->nrefs))
        return false;
    for (size_t i = 0; i < got->nevents; i++) {
        uint64_t ref = all->event[i].ref;
        if (got->event[i].ref != (ref > skip ? ref - skip : 0) ||
            !events_equal(&got->event[i].event, &all->event[i].event))
            return false;
    }
    return true;
}

static void assert_reads_as(const uint8_t *file, size_t bytes, const struct story *s)
{
    struct reading r = read_file(file, bytes, &strict);
    assert_true(r.ok);
    assert_true(stories_equal(&r.story, s, 0));
    assert_int_equal(r.info.refs, s->nrefs);
    assert_int_equal(r.info.refs_lost, 0);
    assert_true(r.info.complete_maps);
    story_free(&r.story);
}

/* ---- the laws ---- */

static void what_is_written_is_read_back(void **state)
{
    (void)state;
    struct vm_random r;
    vm_random_seed(&r, 1);
    for (int i = 0; i < 2000; i++) {
        struct story s = {0};
        size_t bytes;
        invent(&s, &r, vm_random_below(&r, 400), (unsigned)(i % 3 ? vm_random_below(&r, 300) : 0));
        uint32_t block_refs = 1u << vm_random_below(&r, 10);
        uint8_t *file = file_of(&s, &r, block_refs, &bytes);
        assert_reads_as(file, bytes, &s);
        free(file);
        story_free(&s);
    }
}

static void batches_leave_no_mark_in_the_file(void **state)
{
    (void)state;
    struct vm_random r;
    vm_random_seed(&r, 2);
    struct story s = {0};
    size_t one_bytes, other_bytes;
    invent(&s, &r, 20000, 10);
    uint8_t *one = file_of(&s, &r, 512, &one_bytes);
    uint8_t *other = file_of(&s, &r, 512, &other_bytes);
    assert_int_equal(one_bytes, other_bytes);
    assert_memory_equal(one, other, one_bytes);
    free(one);
    free(other);
    story_free(&s);
}

static void many_kinds_fragments_events_and_long_moves_end_blocks_early(void **state)
{
    (void)state;
    struct vm_random r;
    vm_random_seed(&r, 3);
    struct story s = {0};
    size_t bytes;
    for (unsigned size = 1; size <= VM_SIZE_MAX; size++)
        tell_ref(&s, size * 5, vm_ref_meta(size % 3, size));
    for (uint32_t i = 0; i < 2 * PGT_FRAGMENTS; i++)
        tell_ref(&s, vm_random_u64(&r) >> 1, vm_ref_meta(VM_FETCH, 1));
    for (uint32_t i = 0; i < 2 * PGT_BLOCK_EVENTS; i++)
        invent_event(&s, &r);
    for (uint32_t i = 0; i < PGT_BLOCK_REFS + 5; i++)
        tell_ref(&s, vm_random_u64(&r) >> 1, vm_ref_meta(i & 1, 8));
    uint8_t *file = file_of(&s, &r, PGT_BLOCK_REFS, &bytes);
    assert_reads_as(file, bytes, &s);
    free(file);
    story_free(&s);
}

static void repeated_code_costs_a_fraction_of_a_byte(void **state)
{
    (void)state;
    struct vm_random r;
    vm_random_seed(&r, 4);
    struct story s = {0};
    size_t bytes;
    for (uint32_t i = 0; i < 100000; i++) {
        tell_ref(&s, 0x401000 + 4 * (i % 10), vm_ref_meta(VM_FETCH, 4));
        tell_ref(&s, 0x600000 + 8 * i, vm_ref_meta(VM_READ, 8));
    }
    uint8_t *file = file_of(&s, &r, PGT_BLOCK_REFS, &bytes);
    assert_reads_as(file, bytes, &s);
    assert_true(bytes < s.nrefs / 50);
    free(file);
    story_free(&s);
}

/* A small file of several blocks with events, and where its blocks begin: entry[blocks] is the
 * index. */
struct specimen {
    struct story story;
    uint8_t *file;
    size_t bytes;
    struct pgt_tail tail;
    struct pgt_entry entry[64];
};

static struct specimen specimen_of(size_t refs, unsigned events_of_1000, uint64_t seed)
{
    struct specimen x = {0};
    struct vm_random r;
    vm_random_seed(&r, seed);
    invent(&x.story, &r, refs, events_of_1000);
    x.file = file_of(&x.story, &r, 32, &x.bytes);
    pgt_load_tail(x.file + x.bytes - pgt_tail_bytes, &x.tail);
    assert_int_equal(x.tail.refs, refs);
    assert_in_range(x.tail.blocks, 3, 63);
    for (uint32_t i = 0; i < x.tail.blocks; i++)
        pgt_load_entry(x.file + x.tail.index_offset + pgt_index_bytes + i * pgt_entry_bytes,
                       &x.entry[i]);
    x.entry[x.tail.blocks] = (struct pgt_entry){x.tail.index_offset, refs, x.tail.events};
    return x;
}

static void specimen_free(struct specimen *x)
{
    story_free(&x->story);
    free(x->file);
}

/* Whether `got` has just the references outside [from, to), each in its address space. */
static bool lost_only(const struct story *got, const struct story *all, uint64_t from, uint64_t to)
{
    return got->nrefs == all->nrefs - (to - from) && refs_equal(got->ref, all->ref, from) &&
           refs_equal(got->ref + from, all->ref + to, all->nrefs - to);
}

static void a_file_cut_anywhere_is_an_error_or_loses_only_what_was_cut(void **state)
{
    (void)state;
    struct specimen x = specimen_of(150, 60, 5);
    for (size_t n = 0; n < x.bytes; n++) {
        struct reading r = read_file(x.file, n, &strict);
        assert_false(r.ok);
        assert_int_equal(r.error.code, VM_EINPUT);
        assert_non_null(strstr(r.error.text, "t.pgt: byte "));
        assert_non_null(strstr(r.error.hint, "--salvage"));
        story_free(&r.story);
        uint32_t whole = 0;
        while (whole < x.tail.blocks && x.entry[whole + 1].offset <= n)
            whole++;
        r = read_file(x.file, n, &salvaging);
        assert_true(r.ok);
        assert_true(lost_only(&r.story, &x.story, x.entry[whole].first, x.story.nrefs));
        assert_true(r.story.nrefs + r.info.refs_lost <= x.story.nrefs);
        story_free(&r.story);
    }
    specimen_free(&x);
}

/* Which references the damage at byte `at` may take: those of its block, none outside blocks. */
static void block_of_byte(const struct specimen *x, size_t at, uint64_t *from, uint64_t *to)
{
    *from = *to = 0;
    for (uint32_t i = 0; i < x->tail.blocks; i++) {
        if (at >= x->entry[i].offset && at < x->entry[i + 1].offset) {
            *from = x->entry[i].first;
            *to = x->entry[i + 1].first;
        }
    }
}

static void a_flipped_bit_anywhere_is_an_error_and_loses_one_block_at_most(void **state)
{
    (void)state;
    struct specimen x = specimen_of(120, 60, 6);
    for (size_t bit = 0; bit < 8 * x.bytes; bit++) {
        uint64_t from, to;
        x.file[bit / 8] ^= (uint8_t)(1 << bit % 8);
        struct reading r = read_file(x.file, x.bytes, &strict);
        assert_false(r.ok);
        assert_int_equal(r.error.code, VM_EINPUT);
        story_free(&r.story);
        r = read_file(x.file, x.bytes, &salvaging);
        block_of_byte(&x, bit / 8, &from, &to);
        assert_true(r.ok);
        assert_true(lost_only(&r.story, &x.story, from, to));
        assert_int_equal(r.info.refs_lost, to - from);
        story_free(&r.story);
        x.file[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    specimen_free(&x);
}

static void a_block_that_is_missing_or_out_of_turn_is_an_error(void **state)
{
    (void)state;
    struct specimen x = specimen_of(120, 0, 7);
    size_t at = x.entry[1].offset, end = x.entry[2].offset,
           lost = x.entry[2].first - x.entry[1].first;
    uint8_t *file = malloc(x.bytes + end - at);
    memcpy(file, x.file, at);
    memcpy(file + at, x.file + end, x.bytes - end);
    struct reading r = read_file(file, x.bytes - (end - at), &strict);
    assert_false(r.ok);
    story_free(&r.story);
    r = read_file(file, x.bytes - (end - at), &salvaging);
    assert_true(r.ok);
    assert_true(lost_only(&r.story, &x.story, x.entry[1].first, x.entry[2].first));
    assert_int_equal(r.info.refs_lost, lost);
    story_free(&r.story);
    memcpy(file, x.file, end);
    memcpy(file + end, x.file + at, x.bytes - at);
    r = read_file(file, x.bytes + end - at, &strict);
    assert_false(r.ok);
    story_free(&r.story);
    r = read_file(file, x.bytes + end - at, &salvaging);
    assert_true(r.ok);
    assert_true(lost_only(&r.story, &x.story, 0, 0));
    story_free(&r.story);
    free(file);
    specimen_free(&x);
}

static void bytes_after_the_end_are_an_error(void **state)
{
    (void)state;
    struct specimen x = specimen_of(100, 10, 8);
    uint8_t *file = calloc(1, x.bytes + 100);
    memcpy(file, x.file, x.bytes);
    struct reading r = read_file(file, x.bytes + 1, &strict);
    assert_false(r.ok);
    assert_non_null(strstr(r.error.text, "after the end"));
    story_free(&r.story);
    free(file);
    specimen_free(&x);
}

/* The file through a compressor: a source that cannot seek, as a pipe. */
static struct vm_bytes *as_stream(const uint8_t *file, size_t bytes, uint8_t *room, size_t cap)
{
    size_t n = ZSTD_compress(room, cap, file, bytes, 1);
    assert_false(ZSTD_isError(n));
    struct vm_bytes *stream = in_memory(room, n);
    assert_false(vm_bytes_seekable(stream));
    return stream;
}

static void skipping_to_any_reference_is_reading_and_dropping(void **state)
{
    (void)state;
    static uint8_t room[1 << 16];
    for (uint64_t seed = 10; seed < 16; seed++) {
        struct specimen x = specimen_of(300, seed % 2 ? 30 : 0, seed);
        for (uint64_t skip = 0; skip <= x.story.nrefs + 3; skip++) {
            struct vm_trace_options options = {.skip = skip};
            struct reading r = read_file(x.file, x.bytes, &options);
            assert_true(r.ok);
            assert_true(stories_equal(&r.story, &x.story, skip));
            assert_int_equal(r.info.refs, x.story.nrefs);
            story_free(&r.story);
            r = read_all(as_stream(x.file, x.bytes, room, sizeof room), &options);
            assert_true(r.ok);
            assert_true(stories_equal(&r.story, &x.story, skip));
            story_free(&r.story);
        }
        specimen_free(&x);
    }
}

static void skipping_reads_neither_what_it_passes_nor_a_torn_index(void **state)
{
    (void)state;
    struct specimen x = specimen_of(300, 0, 20);
    struct vm_trace_options options = {.skip = x.entry[4].first + 5};
    /* Headers gone: only the index leads past them. */
    memset(x.file + x.entry[1].offset, 0, x.entry[4].offset - x.entry[1].offset);
    struct reading r = read_file(x.file, x.bytes, &options);
    assert_true(r.ok);
    assert_true(stories_equal(&r.story, &x.story, options.skip));
    story_free(&r.story);
    specimen_free(&x);
    /* Index gone, stored blocks too: the headers lead past them, and the end is torn. */
    x = specimen_of(300, 0, 20);
    x.file[x.tail.index_offset + pgt_index_bytes + 4 * pgt_entry_bytes] ^= 1;
    x.file[x.entry[1].offset + pgt_block_bytes] ^= 1;
    r = read_file(x.file, x.bytes, &options);
    assert_false(r.ok);
    assert_true(stories_equal(&r.story, &x.story, options.skip));
    story_free(&r.story);
    specimen_free(&x);
}

static void skipping_past_a_torn_block_counts_what_was_lost(void **state)
{
    (void)state;
    static uint8_t room[1 << 16];
    struct specimen x = specimen_of(300, 30, 27);
    x.file[x.entry[2].offset + pgt_block_bytes - 1] ^= 1;
    uint64_t lost = x.entry[3].first - x.entry[2].first;
    for (uint64_t skip = x.entry[3].first; skip < x.story.nrefs; skip++) {
        struct vm_trace_options options = {.skip = skip, .damage = VM_DAMAGE_SKIPPED};
        /* No index leads a stream past it. */
        struct reading r = read_all(as_stream(x.file, x.bytes, room, sizeof room), &options);
        assert_true(r.ok);
        assert_int_equal(r.story.nrefs, x.story.nrefs - skip);
        assert_true(refs_equal(r.story.ref, x.story.ref + skip, r.story.nrefs));
        assert_int_equal(r.info.refs_lost, lost);
        story_free(&r.story);
    }
    specimen_free(&x);
}

static void skipping_twice_and_in_the_middle_adds_up(void **state)
{
    (void)state;
    static struct vm_batch_builder b;
    struct specimen x = specimen_of(300, 30, 21);
    struct story got = {0};
    struct vm_error e;
    uint64_t skipped, at;
    struct vm_bytes *bytes = in_memory(x.file, x.bytes);
    void *reader = vm_format_pgt.open(bytes, NULL, &strict, &e);
    assert_non_null(reader);
    assert_true((vm_format_pgt.skip)(reader, 10, &skipped, &e));
    assert_int_equal(skipped, 10);
    do {
        b.nrefs = b.nevents = 0;
        assert_true(vm_format_pgt.read(reader, &b, &e));
        tell_batch(&got, &b);
    } while (!b.nrefs);
    at = 10 + got.nrefs;
    assert_true((vm_format_pgt.skip)(reader, 70, &skipped, &e));
    assert_int_equal(skipped, 70);
    size_t before = got.nrefs;
    do {
        b.nrefs = b.nevents = 0;
        assert_true(vm_format_pgt.read(reader, &b, &e));
        tell_batch(&got, &b);
    } while (b.nrefs || b.nevents);
    assert_true(refs_equal(got.ref, x.story.ref + 10, before));
    assert_int_equal(got.nrefs - before, x.story.nrefs - at - 70);
    assert_true(refs_equal(got.ref + before, x.story.ref + at + 70, got.nrefs - before));
    assert_int_equal(got.nevents, x.story.nevents);
    vm_format_pgt.close(reader);
    vm_bytes_close(bytes);
    story_free(&got);
    specimen_free(&x);
}

static void the_header_tells_origin_and_total_before_anything_is_read(void **state)
{
    (void)state;
    struct specimen x = specimen_of(100, 10, 22);
    struct vm_error e;
    struct vm_trace_info info = {0};
    struct vm_bytes *bytes = in_memory(x.file, x.bytes);
    void *reader = vm_format_pgt.open(bytes, NULL, &strict, &e);
    assert_non_null(reader);
    vm_format_pgt.info(reader, &info);
    assert_string_equal(info.origin, "pagoda test");
    assert_true(info.complete_maps);
    assert_int_equal(info.refs, 100);
    vm_format_pgt.close(reader);
    vm_bytes_close(bytes);
    assert_true(vm_format_pgt.probe(x.file, x.bytes, true, &e));
    assert_false(vm_format_pgt.probe(x.file, 3, false, &e));
    assert_false(vm_format_pgt.probe(x.file + 1, x.bytes - 1, true, &e));
    specimen_free(&x);
}

static void a_full_disk_is_an_error(void **state)
{
    (void)state;
    struct vm_random r;
    struct vm_error e = {0};
    struct story s = {0};
    vm_random_seed(&r, 24);
    invent(&s, &r, 100, 0);
    struct vm_pgt_writer *w = vm_pgt_create("/dev/full", NULL, &e);
    if (w) {
        append_story(w, &s, &r, 64);
        assert_false(vm_pgt_finish(w, &e));
    }
    assert_int_equal(e.code, VM_ESYSTEM);
    story_free(&s);
}

static void a_file_appears_only_when_it_is_finished(void **state)
{
    (void)state;
    struct folder f = folder_new();
    struct vm_random r;
    struct vm_error e;
    char path[256];
    struct story s = {0};
    vm_random_seed(&r, 25);
    invent(&s, &r, 5000, 5);
    struct vm_pgt_writer *w = vm_pgt_create(folder_path(&f, "t.pgt", path), NULL, &e);
    assert_non_null(w);
    vm_pgt_limit_blocks(w, 100);
    append_story(w, &s, &r, 64);
    assert_int_equal(access(path, F_OK), -1);
    vm_pgt_abort(w);
    vm_pgt_abort(NULL);
    assert_int_equal(folder_walk(&f, NULL), 0);
    assert_null(vm_pgt_create(folder_path(&f, "none/t.pgt", path), NULL, &e));
    assert_int_equal(e.code, VM_ESYSTEM);
    story_free(&s);
    folder_remove(&f);
}

/* ---- the format as others see it ---- */

/* The story as tests/golden/read_pgt.py prints it, to be freed. */
static char *text_of(const struct story *s)
{
    static const char *const kinds[] = {"",     "map",  "unmap",  "protect", "advise", "fork",
                                        "exec", "exit", "switch", "alloc",   "free",   "resize"};
    char *text = NULL;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);
    assert_non_null(out);
    for (size_t i = 0, k = 0; i <= s->nrefs; i++) {
        for (; k < s->nevents && s->event[k].ref == i; k++) {
            const struct vm_event *event = &s->event[k].event;
            if (vm_event_is_request(event->kind)) {
                fprintf(out, "%s %u %" PRIx64 " %" PRIu64 " %" PRIu64 " %" PRIx64 " %u %u %u\n",
                        kinds[event->kind], event->asid, event->va, event->bytes, event->align,
                        event->from, event->thread, event->site, event->detail);
                continue;
            }
            fprintf(out, "%s %u %u %" PRIx64 " %" PRIu64 " %u %u\n", kinds[event->kind],
                    event->asid, event->child, event->va, event->bytes, event->prot, event->detail);
        }
        if (i < s->nrefs)
            fprintf(out, "%c %" PRIx64 " %u\n", "rwf"[vm_ref_access(s->ref[i].meta)],
                    s -> ref[i].va, vm_ref_bytes(s->ref[i].meta));
    }
    fclose(out);
    return text;
}

/* The path of a file of the tests; they say where they are in PAGODA_TESTS. */
static const char *test_path(const char *name, char *out)
{
    const char *tests = getenv("PAGODA_TESTS");
    snprintf(out, 256, "%s/%s", tests ? tests : "tests", name);
    return out;
}

/* A file of one request whose sites are named `count` times by `name` and a number. */
static uint8_t *named_file(uint32_t count, size_t *bytes)
{
    struct folder f = folder_new();
    char path[256], name[64];
    struct vm_error e;
    struct vm_event request = {.kind = VM_EVENT_ALLOC, .va = 0x1000, .bytes = 3, .site = 1};
    struct vm_pgt_writer *w = vm_pgt_create(folder_path(&f, "t.pgt", path), NULL, &e);
    assert_non_null(w);
    assert_true(vm_pgt_append(w, &(struct vm_batch){.nevents = 1, .event = &request}, &e));
    for (uint32_t i = 1; i <= count; i++) {
        snprintf(name, sizeof name, "libx.so+0x%x (function_number_%u)", i, i);
        assert_true(vm_pgt_name_site(w, name, &e));
    }
    assert_true(vm_pgt_finish(w, &e));
    uint8_t *file = file_read(path, bytes);
    folder_remove(&f);
    return file;
}

static void every_site_has_its_name_at_the_end(void **state)
{
    (void)state;
    /* So many that they take several records. */
    const uint32_t counts[] = {0, 1, 5, 70000};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        size_t bytes;
        struct vm_error e;
        struct vm_batch b;
        struct vm_trace_info info;
        uint8_t *file = named_file(counts[i], &bytes);
        struct vm_trace *t = vm_trace_open_bytes(file, bytes, "t.pgt", NULL, &e);
        assert_non_null(t);
        do
            assert_true(vm_trace_read(t, &b, &e));
        while (b.nevents);
        vm_trace_info(t, &info);
        assert_int_equal(info.nsites, counts[i]);
        for (uint32_t k = 1; k <= counts[i]; k += 1 + counts[i] / 100) {
            char name[64];
            snprintf(name, sizeof name, "libx.so+0x%x (function_number_%u)", k, k);
            assert_string_equal(info.site[k - 1], name);
        }
        vm_trace_close(t);
        free(file);
    }
}

static void a_flipped_bit_in_the_names_is_an_error(void **state)
{
    (void)state;
    size_t bytes;
    uint8_t *file = named_file(3, &bytes);
    const uint8_t *names = memmem(file, bytes, "PGTN", 4);
    assert_non_null(names);
    for (size_t at = (size_t)(names - file); at < bytes; at++)
        for (int bit = 0; bit < 8; bit++) {
            file[at] ^= (uint8_t)(1 << bit);
            struct reading r = read_file(file, bytes, &strict);
            assert_false(r.ok);
            assert_int_equal(r.error.code, VM_EINPUT);
            story_free(&r.story);
            file[at] ^= (uint8_t)(1 << bit);
        }
    free(file);
}

static void the_golden_file_still_reads_the_same(void **state)
{
    (void)state;
    char path[256];
    size_t bytes, text_bytes;
    uint8_t *file = file_read(test_path("golden/sample.pgt", path), &bytes);
    uint8_t *text = file_read(test_path("golden/sample.pgt.txt", path), &text_bytes);
    struct reading r = read_file(file, bytes, &strict);
    assert_true(r.ok);
    char *got = text_of(&r.story);
    assert_int_equal(strlen(got), text_bytes);
    assert_memory_equal(got, text, text_bytes);
    free(got);
    free(text);
    free(file);
    story_free(&r.story);
}

static void a_reader_made_from_the_page_alone_agrees(void **state)
{
    (void)state;
    if (system("python3 -c pass && zstd -qV >/dev/null"))
        skip();
    struct vm_random r;
    vm_random_seed(&r, 26);
    for (int i = 0; i < 6; i++) {
        struct folder f = folder_new();
        char path[256], out[256], script[256], command[1024];
        struct story s = {0};
        size_t bytes, got_bytes;
        invent(&s, &r, 1500, 10);
        uint8_t *file = file_of(&s, &r, 1u << (4 + 2 * i), &bytes);
        file_write(folder_path(&f, "t.pgt", path), file, bytes);
        snprintf(command, sizeof command, "python3 '%s' '%s' > '%s'",
                 test_path("golden/read_pgt.py", script), path, folder_path(&f, "out", out));
        assert_int_equal(system(command), 0);
        char *expected = text_of(&s);
        uint8_t *got = file_read(out, &got_bytes);
        assert_int_equal(got_bytes, strlen(expected));
        assert_memory_equal(got, expected, got_bytes);
        free(expected);
        free(got);
        free(file);
        story_free(&s);
        folder_remove(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read_back),
        cmocka_unit_test(batches_leave_no_mark_in_the_file),
        cmocka_unit_test(many_kinds_fragments_events_and_long_moves_end_blocks_early),
        cmocka_unit_test(repeated_code_costs_a_fraction_of_a_byte),
        cmocka_unit_test(a_file_cut_anywhere_is_an_error_or_loses_only_what_was_cut),
        cmocka_unit_test(a_flipped_bit_anywhere_is_an_error_and_loses_one_block_at_most),
        cmocka_unit_test(a_block_that_is_missing_or_out_of_turn_is_an_error),
        cmocka_unit_test(bytes_after_the_end_are_an_error),
        cmocka_unit_test(skipping_to_any_reference_is_reading_and_dropping),
        cmocka_unit_test(skipping_reads_neither_what_it_passes_nor_a_torn_index),
        cmocka_unit_test(skipping_past_a_torn_block_counts_what_was_lost),
        cmocka_unit_test(skipping_twice_and_in_the_middle_adds_up),
        cmocka_unit_test(the_header_tells_origin_and_total_before_anything_is_read),
        cmocka_unit_test(a_full_disk_is_an_error),
        cmocka_unit_test(a_file_appears_only_when_it_is_finished),
        cmocka_unit_test(every_site_has_its_name_at_the_end),
        cmocka_unit_test(a_flipped_bit_in_the_names_is_an_error),
        cmocka_unit_test(the_golden_file_still_reads_the_same),
        cmocka_unit_test(a_reader_made_from_the_page_alone_agrees),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
