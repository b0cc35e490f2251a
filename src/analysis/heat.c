/* heat.c - see heat.h.
 *
 * Rows of the map: buckets of one space with less than a mebibyte between them, or less than two
 * rows, are one region, and its rows are equally long; the shortest rows are taken, a power of two,
 * with which all regions have no more rows than were asked for. Since regions lie two rows apart at
 * least, rows can begin at multiples of their length and no two of them overlap.
 */
#include "analysis/heat.h"
#include "base/assert.h"

#include <pagoda/analysis.h>
#include <stdlib.h>
#include <string.h>

bool heat_open(struct heat *h, size_t columns_max, unsigned page_shift, struct vm_error *e)
{
    *h = (struct heat){
        .columns_max = columns_max, .page_shift = page_shift, .bucket_shift = page_shift};
    h->cell = calloc(HEAT_BUCKETS * columns_max, sizeof *h->cell);
    if (!h->cell)
        return vm_fail(e, VM_ESYSTEM, "no memory for a heat map");
    return vm_intern_open(&h->bucket, e);
}

void heat_close(struct heat *h)
{
    vm_intern_close(&h->bucket);
    free(h->cell);
    free(h->bucket_of);
}

static uint64_t *cells_of(const struct heat *h, uint32_t bucket)
{
    return h->cell + bucket * h->columns_max;
}

/* The key of the bucket, of twice the length, that bucket `key` is half of. */
static uint64_t twice(uint64_t key)
{
    return key >> 13 << 12 | vm_key_asid(key);
}

/* Join neighbours. Ids fall, so that cells move towards the front. */
static bool coarsen(struct heat *h, struct vm_error *e)
{
    struct vm_intern joined;
    uint32_t to[HEAT_BUCKETS], n = h->bucket.n;
    if (!vm_intern_open(&joined, e))
        return false;
    for (uint32_t b = 0; b < n; b++) {
        to[b] = vm_intern_id(&joined, twice(h->bucket.keys[b]));
        if (to[b] == UINT32_MAX) {
            vm_intern_close(&joined);
            return vm_fail(e, VM_ESYSTEM, "no memory for a heat map");
        }
        if (to[b] == b)
            continue;
        for (size_t c = 0; c < h->columns_max; c++) {
            uint64_t touches = cells_of(h, b)[c];
            cells_of(h, b)[c] = 0;
            cells_of(h, to[b])[c] += touches;
        }
    }
    for (uint32_t p = 0; p < h->npages; p++)
        h->bucket_of[p] = to[h->bucket_of[p]];
    vm_intern_close(&h->bucket);
    h->bucket = joined;
    h->bucket_shift++;
    return true;
}

static bool reserve(struct heat *h, struct vm_error *e)
{
    if (h->npages < h->cap)
        return true;
    uint32_t cap = h->cap ? 2 * h->cap : 4096;
    uint32_t *grown = realloc(h->bucket_of, cap * sizeof *grown);
    if (!grown)
        return vm_fail(e, VM_ESYSTEM, "no memory for a heat map of %u pages", h->npages);
    h->bucket_of = grown;
    h->cap = cap;
    return true;
}

/* The next page gets its bucket; `key` is the page stream's, an address and its space. */
static bool add_page(struct heat *h, uint64_t key, struct vm_error *e)
{
    for (;;) {
        uint64_t bucket = vm_page_key(key & ~UINT64_C(0xfff), h->bucket_shift, vm_key_asid(key));
        uint32_t id = vm_intern_peek(&h->bucket, bucket);
        if (id == UINT32_MAX && h->bucket.n == HEAT_BUCKETS) {
            if (!coarsen(h, e))
                return false;
            continue;
        }
        if (id == UINT32_MAX)
            id = vm_intern_id(&h->bucket, bucket);
        if (id == UINT32_MAX || !reserve(h, e))
            return vm_fail(e, VM_ESYSTEM, "no memory for a heat map of %u pages", h->npages);
        h->bucket_of[h->npages++] = id;
        return true;
    }
}

bool heat_runs(struct heat *h, const struct vm_intern *pages, size_t column,
               const struct vm_page_run *run, size_t n, struct vm_error *e)
{
    VM_ASSERT(column < h->columns_max);
    while (h->npages < pages->n)
        if (!add_page(h, pages->keys[h->npages], e))
            return false;
    for (size_t i = 0; i < n; i++)
        cells_of(h, h->bucket_of[run[i].ref / 2])[column] += run[i].count;
    return true;
}

void heat_halve(struct heat *h)
{
    for (uint32_t b = 0; b < h->bucket.n; b++) {
        uint64_t *cell = cells_of(h, b);
        for (size_t c = 0; c < h->columns_max / 2; c++)
            cell[c] = cell[2 * c] + cell[2 * c + 1];
        memset(cell + h->columns_max / 2, 0, h->columns_max / 2 * sizeof *cell);
    }
}

/* ---- rows ---- */

/* A bucket in its place. */
struct place {
    vm_asid asid;
    vm_va start;
    uint32_t bucket;
};

static int by_place(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    if (x->asid != y->asid)
        return x->asid < y->asid ? -1 : 1;
    return x->start < y->start ? -1 : x->start > y->start;
}

static struct place *places_of(const struct heat *h, struct vm_error *e)
{
    uint32_t n = h->bucket.n;
    struct place *place = malloc((n + 1) * sizeof *place);
    if (!place) {
        vm_fail(e, VM_ESYSTEM, "no memory for a heat map");
        return NULL;
    }
    for (uint32_t b = 0; b < n; b++)
        place[b] = (struct place){vm_key_asid(h->bucket.keys[b]),
                                  vm_key_va(h->bucket.keys[b], h->bucket_shift), b};
    qsort(place, n, sizeof *place, by_place);
    return place;
}

/* Whether what lies between two buckets is cut out, with rows of row_bytes. */
static bool apart(const struct heat *h, const struct place *a, const struct place *b,
                  uint64_t row_bytes)
{
    uint64_t gap = b->start - (a->start + (UINT64_C(1) << h->bucket_shift));
    return a->asid != b->asid || (gap >= VM_PROFILE_GAP && gap >= 2 * row_bytes);
}

/* Go through the rows: where `out` is not NULL, enter them, and each bucket's touches. */
static size_t lay_rows(const struct heat *h, const struct place *place, uint64_t row_bytes,
                       struct vm_heat_map *out)
{
    size_t rows = 0;
    vm_va before = 0; /* where the last row starts */
    for (uint32_t i = 0; i < h->bucket.n; i++) {
        vm_va start = place[i].start & ~(row_bytes - 1);
        bool gap = i == 0 || apart(h, &place[i - 1], &place[i], row_bytes);
        size_t more = gap ? 1 : (start - before) / row_bytes;
        for (size_t k = 0; out && k < more; k++)
            out->row[rows + k] = (struct vm_heat_row){
                place[i].asid, start - (more - 1 - k) * row_bytes, gap && rows > 0};
        rows += more;
        before = start;
        for (size_t c = 0; out && c < out->columns; c++)
            out->touches[(rows - 1) * out->columns + c] += cells_of(h, place[i].bucket)[c];
    }
    return rows;
}

static size_t count_spaces(const struct heat *h, const struct place *place)
{
    size_t n = 0;
    for (uint32_t i = 0; i < h->bucket.n; i++)
        n += i == 0 || place[i].asid != place[i - 1].asid;
    return n;
}

bool heat_result(const struct heat *h, size_t columns, size_t rows_max, struct vm_heat_map *out,
                 struct vm_error *e)
{
    struct place *place = places_of(h, e);
    if (!place)
        return false;
    /* One space, cut in two at the middle of all addresses, cannot have fewer than two. */
    size_t spaces = count_spaces(h, place), most = 2 * spaces > rows_max ? 2 * spaces : rows_max;
    uint64_t row_bytes = UINT64_C(1) << h->bucket_shift;
    while (lay_rows(h, place, row_bytes, NULL) > most)
        row_bytes *= 2;
    size_t rows = lay_rows(h, place, row_bytes, NULL);
    out->row_bytes = row_bytes;
    out->columns = columns;
    out->rows = rows;
    out->row = calloc(rows + 1, sizeof *out->row);
    out->touches = calloc(rows * columns + 1, sizeof *out->touches);
    bool good = out->row && out->touches;
    if (good)
        lay_rows(h, place, row_bytes, out);
    free(place);
    return good || vm_fail(e, VM_ESYSTEM, "no memory for a heat map");
}
