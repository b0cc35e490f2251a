/* bench_trace.c - reading and writing traces: trace.*.
 *
 *   pgt.read.TRACE    a shipped .pgt from its file to batches; pgt.read is all of them
 *   pgt.bytes.TRACE   its file's bytes a reference; pgt.bytes is all of them together
 *   pgt.write         the first trace, in memory, to a .pgt that is thrown away
 *   FORMAT.parse      the first million references of the first trace as that format would have
 *                     them, in memory, to batches; a line or a record counts
 */
#include "bench.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define TEXT_REFS (1000u * 1000)

/* Write reference i of a run of them; answers how many lines or records that made. */
typedef unsigned write_ref(FILE *f, vm_va va, uint16_t meta);

static unsigned write_lackey(FILE *f, vm_va va, uint16_t meta)
{
    static const char *const kind[VM_ACCESSES] = {" L ", " S ", "I  "};
    fprintf(f, "%s%08" PRIx64 ",%u\n", kind[vm_ref_access(meta)], va, vm_ref_bytes(meta));
    return 1;
}

static unsigned write_pin(FILE *f, vm_va va, uint16_t meta)
{
    if (vm_ref_access(meta) == VM_FETCH)
        return 0;
    fprintf(f, "0x401000: %c 0x%" PRIx64 "\n", "RW"[vm_ref_access(meta)], va);
    return 1;
}

static unsigned write_din(FILE *f, vm_va va, uint16_t meta)
{
    fprintf(f, "%u %" PRIx64 "\n", vm_ref_access(meta), va);
    return 1;
}

static unsigned write_rwi(FILE *f, vm_va va, uint16_t meta)
{
    fprintf(f, "%c %08" PRIx64 "\n", "RWI"[vm_ref_access(meta)], va);
    return 1;
}

static unsigned write_csv(FILE *f, vm_va va, uint16_t meta)
{
    if (ftell(f) == 0)
        fputs("time,address,access,size\n", f);
    fprintf(f, "12,0x%" PRIx64 ",%c,%u\n", va, "RWI"[vm_ref_access(meta)], vm_ref_bytes(meta));
    return 1;
}

static unsigned write_page(FILE *f, vm_va va, uint16_t meta)
{
    (void)meta;
    fprintf(f, "0x%" PRIx64 "\n", va >> 12);
    return 1;
}

/* time, object, size, next access */
static unsigned write_oracle(FILE *f, vm_va va, uint16_t meta)
{
    const uint32_t head[] = {0, (uint32_t)(va >> 12), (uint32_t)(va >> 44), vm_ref_bytes(meta)};
    const int64_t next = -1;
    fwrite(head, sizeof head, 1, f);
    fwrite(&next, sizeof next, 1, f);
    return 1;
}

/* A record an instruction: its data references are left out. */
static unsigned write_champsim(FILE *f, vm_va va, uint16_t meta)
{
    const uint64_t record[8] = {va};
    if (vm_ref_access(meta) != VM_FETCH)
        return 0;
    fwrite(record, sizeof record, 1, f);
    return 1;
}

static const struct text {
    const char *format, *unit;
    write_ref *write;
    double goal;
} texts[] = {
    {"lackey", "M lines/s", write_lackey, 25}, {"pin", "M lines/s", write_pin, 0},
    {"din", "M lines/s", write_din, 0},        {"rwi", "M lines/s", write_rwi, 0},
    {"csv", "M lines/s", write_csv, 0},        {"pages", "M lines/s", write_page, 0},
    {"oracle", "M recs/s", write_oracle, 0},   {"champsim", "M recs/s", write_champsim, 0},
};
#define NTEXTS (sizeof texts / sizeof texts[0])

enum subject { READ, READ_ALL, BYTES, BYTES_ALL, WRITE, PARSE };

struct bench {
    const struct bench_host *host;
    double *bytes, *refs; /* [host->ntraces] */
    struct vm_columns first;
    char *text; /* of the row that is about to run */
    size_t text_bytes;
    unsigned text_lines;
};

/* What row i is about; *which is the number among its like. */
static enum subject subject_of(size_t ntraces, size_t i, size_t *which)
{
    const size_t count[] = {
        [READ] = ntraces, [READ_ALL] = 1, [BYTES] = ntraces, [BYTES_ALL] = 1, [WRITE] = 1};
    size_t s = READ;
    for (; s < PARSE && i >= count[s]; s++)
        i -= count[s];
    *which = i;
    return (enum subject)s;
}

static size_t nrows(const struct bench_host *host)
{
    return 2 * (host->ntraces + 1) + 1 + NTEXTS;
}

static void row(const struct bench_host *host, size_t i, struct bench_row *out)
{
    char text[48];
    size_t which;
    *out = (struct bench_row){.unit = "M refs/s", .scale = 1e6};
    enum subject s = subject_of(host->ntraces, i, &which);
    const char *name =
        s == READ || s == BYTES ? bench_trace_name(host->trace[which], text, sizeof text) : "";
    if (s == BYTES || s == BYTES_ALL)
        *out = (struct bench_row){.unit = "B/ref", .scale = 1, .kind = BENCH_AMOUNT, .goal = 2};
    switch (s) {
    case READ:
        snprintf(out->name, sizeof out->name, "trace.pgt.read.%s", name);
        return;
    case READ_ALL:
        strcpy(out->name, "trace.pgt.read");
        return;
    case BYTES:
        snprintf(out->name, sizeof out->name, "trace.pgt.bytes.%s", name);
        return;
    case BYTES_ALL:
        strcpy(out->name, "trace.pgt.bytes");
        return;
    case WRITE:
        strcpy(out->name, "trace.pgt.write");
        out->goal = 10;
        return;
    case PARSE:
        out->unit = texts[which].unit;
        out->goal = texts[which].goal;
        snprintf(out->name, sizeof out->name, "trace.%s.parse", texts[which].format);
        return;
    }
}

static void close_bench(void *group)
{
    struct bench *b = group;
    vm_columns_free(&b->first);
    free(b->text);
    free(b->bytes);
    free(b->refs);
    free(b);
}

/* The references that the file says it has, and its size. */
static bool measure_file(const char *path, double *refs, double *bytes, struct vm_error *e)
{
    struct stat file;
    struct vm_trace_info info;
    struct vm_trace *t = vm_trace_open(path, NULL, e);
    if (!t)
        return false;
    vm_trace_info(t, &info);
    vm_trace_close(t);
    if (stat(path, &file) != 0)
        return vm_fail(e, VM_ESYSTEM, "%s: cannot be looked at", path);
    *refs = (double)info.refs;
    *bytes = (double)file.st_size;
    return true;
}

static void *open_bench(const struct bench_host *host, struct vm_error *e)
{
    struct bench *b = calloc(1, sizeof *b);
    if (!b) {
        vm_fail(e, VM_ESYSTEM, "no memory for the traces' bench");
        return NULL;
    }
    b->host = host;
    b->bytes = calloc(host->ntraces, sizeof *b->bytes);
    b->refs = calloc(host->ntraces, sizeof *b->refs);
    bool good = b->bytes && b->refs;
    if (!good)
        vm_fail(e, VM_ESYSTEM, "no memory for the traces' bench");
    for (size_t i = 0; i < host->ntraces && good; i++)
        good = measure_file(host->trace[i], &b->refs[i], &b->bytes[i], e);
    if (good) {
        bench_load(host->trace[0], &b->first);
        return b;
    }
    close_bench(b);
    return NULL;
}

/* The first references as text `which`. */
static void make_text(struct bench *b, size_t which)
{
    free(b->text);
    b->text = NULL;
    b->text_lines = 0;
    FILE *f = open_memstream(&b->text, &b->text_bytes);
    for (uint64_t i = 0; f && i < TEXT_REFS && i < b->first.nrefs; i++)
        b->text_lines += texts[which].write(f, b->first.va[i], b->first.meta[i]);
    struct vm_error e;
    if (!f || fclose(f) != 0) {
        vm_fail(&e, VM_ESYSTEM, "no memory for a text of %u references", TEXT_REFS);
        bench_fail(&e);
    }
}

static void prepare(void *group, size_t i)
{
    struct bench *b = group;
    size_t which;
    if (subject_of(b->host->ntraces, i, &which) == PARSE)
        make_text(b, which);
}

static double read_file(const char *path)
{
    struct vm_error e;
    return (double)bench_drain(vm_trace_open(path, NULL, &e), &e);
}

/* The first trace, to nowhere. */
static double write_pgt(const struct bench *b)
{
    struct vm_error e;
    struct vm_batch batch;
    const struct vm_pgt_options options = {.complete_maps = b->first.complete_maps};
    struct vm_trace *t = vm_trace_open_columns(&b->first, "in memory", &e);
    struct vm_pgt_writer *w = t ? vm_pgt_create("/dev/null", &options, &e) : NULL;
    do {
        if (!w || !vm_trace_read(t, &batch, &e) || !vm_pgt_append(w, &batch, &e))
            bench_fail(&e);
    } while (batch.nrefs || batch.nevents);
    if (!vm_pgt_finish(w, &e))
        bench_fail(&e);
    vm_trace_close(t);
    return (double)b->first.nrefs;
}

static double parse(const struct bench *b, size_t which)
{
    struct vm_error e;
    const struct vm_trace_options options = {.format = texts[which].format};
    bench_drain(vm_trace_open_bytes(b->text, b->text_bytes, texts[which].format, &options, &e), &e);
    return b->text_lines;
}

static double sum(const double *of, size_t n)
{
    double all = 0;
    for (size_t i = 0; i < n; i++)
        all += of[i];
    return all;
}

static double run(void *group, size_t i)
{
    const struct bench *b = group;
    size_t which, n = b->host->ntraces;
    double refs = 0;
    switch (subject_of(n, i, &which)) {
    case READ:
        return read_file(b->host->trace[which]);
    case READ_ALL:
        for (size_t k = 0; k < n; k++)
            refs += read_file(b->host->trace[k]);
        return refs;
    case BYTES:
        return b->bytes[which] / b->refs[which];
    case BYTES_ALL:
        return sum(b->bytes, n) / sum(b->refs, n);
    case WRITE:
        return write_pgt(b);
    case PARSE:
        return parse(b, which);
    }
    return 0;
}

const struct bench_group bench_trace = {
    .nrows = nrows,
    .row = row,
    .open = open_bench,
    .prepare = prepare,
    .run = run,
    .close = close_bench,
};
