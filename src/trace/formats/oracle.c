/* oracle.c - libCacheSim's oracleGeneral: records of 24 bytes, little-endian.
 *
 *     0 u32 time | 4 u64 object id | 12 u32 object size | 16 i64 next access, or none
 *
 * Object ids are names (hashes of keys), not addresses: each gets a page of its own, numbered in
 * order of first appearance, and a request for it reads the first byte of that page. Sizes and
 * the answer to what comes next are passed over; Pagoda's opt finds its own future.
 *
 * Source: libCacheSim, its FAQ and traceReader/customizedReader/oracle/oracleGeneralBin.h.
 */
#include "trace/reader.h"

#define ORACLE_PAGE_SHIFT 12

struct oracle {
    struct vm_reader reader;
};

static inline bool parse_record(struct oracle *s, const uint8_t *record,
                                struct vm_batch_builder *out, struct vm_error *e)
{
    uint32_t page = vm_intern_id(&s->reader.ids, vm_field64(record + 4));
    if (page == UINT32_MAX)
        return vm_fail(e, VM_ESYSTEM, "%s: out of memory for object names",
                       vm_bytes_name(s->reader.bytes));
    vm_builder_ref(out, VM_READ, (vm_va)page << ORACLE_PAGE_SHIFT, 1);
    return true;
}

#define RECORD_BYTES     24
#define RECORD_END(s, e) true
#define RECORD_STATE     oracle
#include "trace/records_template.inc.h"

static void *oracle_open(struct vm_bytes *bytes, const struct vm_params *params,
                         const struct vm_trace_options *options, struct vm_error *e)
{
    return vm_reader_with_ids(open_records(bytes, params, options, e), e);
}

static void oracle_info(const void *state, struct vm_trace_info *out)
{
    const struct oracle *s = state;
    out->refs = vm_bytes_size(s->reader.bytes) / RECORD_BYTES;
}

/* Time never goes back, and what comes next is ahead (as a distance or as a request's number, the
 * tools differ) or never, said by -1 or the largest number. One record alone could be anything. */
static bool oracle_probe(const uint8_t *head, size_t n, bool whole, struct vm_error *e)
{
    (void)e;
    if (n < 2 * RECORD_BYTES || (whole && n % RECORD_BYTES))
        return false;
    uint32_t time = 0;
    size_t at = 0;
    for (; at + RECORD_BYTES <= n; at += RECORD_BYTES) {
        int64_t next = (int64_t)vm_field64(head + at + 16);
        bool ahead = next > 0 && next < INT64_C(1) << 40;
        if (vm_field32(head + at) < time || !(ahead || next == -1 || next == INT64_MAX))
            return false;
        time = vm_field32(head + at);
    }
    return true;
}

const struct vm_format_ops vm_format_oracle = {
    .name = "oracle",
    .summary = "libCacheSim's oracleGeneral: a page for each object",
    .probe = oracle_probe,
    .open = oracle_open,
    .read = read_records,
    .info = oracle_info,
    .skip = vm_reader_skip,
    .close = vm_reader_close,
};
