/* drmemtrace.c - DynamoRIO's drmemtrace, the final trace (after raw2trace): records of 12 bytes,
 * little-endian, on 64-bit machines.
 *
 *     0 u16 type | 2 u16 size | 4 u64 address, or what the type says
 *
 * A file is one thread's (or one core's): HEADER with the version, then THREAD, PID, instructions
 * each followed by its data references, markers and cache line hints in between, and a FOOTER,
 * without which it is cut short. The chunks of a .zip follow each other and may repeat the head.
 * Fetches, reads and writes are references; prefetches and flushes are none: they change no page's
 * state that a program could see. A PID is an address space; threads share it.
 *
 * Markers tell physical addresses where the tracer could see them; they are passed over.
 * Not read: raw traces (they need the traced binaries), traces of 32-bit programs (8-byte records).
 *
 * Source: DynamoRIO, clients/drcachesim/common/trace_entry.h, and a sample of drmemtrace_samples.
 */
#include "trace/reader.h"

#include <inttypes.h>

enum record_type {
    TYPE_READ = 0,
    TYPE_WRITE = 1,
    TYPE_INSTR = 10, /* up to TYPE_INSTR_LAST: the kinds of branches */
    TYPE_INSTR_LAST = 16,
    TYPE_INSTR_BUNDLE = 17, /* up to 8 instructions that follow; their lengths */
    TYPE_PID = 24,
    TYPE_HEADER = 25,
    TYPE_FOOTER = 26,
    TYPE_INSTR_NO_FETCH = 29,    /* a string instruction's next round */
    TYPE_INSTR_MAYBE_FETCH = 30, /* the same, unless its address differs from the last */
    TYPE_INSTR_SYSENTER = 31,
    TYPE_INSTR_TAKEN = 48, /* conditional jumps */
    TYPE_INSTR_UNTAKEN = 49,
    TYPES
};

#define VERSION_MAX 7

struct drmemtrace {
    struct vm_reader reader;
    bool begun, ended; /* a HEADER has been; a FOOTER was the last */
    vm_va pc, pc_next; /* of the last instruction, and after it */
};

static void fetch(struct drmemtrace *s, vm_va pc, uint64_t bytes, struct vm_batch_builder *out)
{
    vm_builder_ref(out, VM_FETCH, pc, bytes);
    s->pc = pc;
    s->pc_next = pc + bytes;
}

static bool parse_header(struct drmemtrace *s, uint64_t version, struct vm_error *e)
{
    s->begun = true;
    if (version >= 1 && version <= VERSION_MAX)
        return true;
    return vm_record_bad(&s->reader, e, "version %" PRIu64 ": expected 1 to %d", version,
                         VERSION_MAX);
}

static bool parse_bundle(struct drmemtrace *s, const uint8_t *length, unsigned n,
                         struct vm_batch_builder *out, struct vm_error *e)
{
    if (n > 8)
        return vm_record_bad(&s->reader, e, "bundle of %u instructions: expected at most 8", n);
    for (unsigned i = 0; i < n; i++)
        fetch(s, s->pc_next, length[i], out);
    return true;
}

/* The records that are no data reference. */
static bool parse_other(struct drmemtrace *s, unsigned type, const uint8_t *record,
                        struct vm_batch_builder *out, struct vm_error *e)
{
    unsigned size = vm_field16(record + 2);
    uint64_t value = vm_field64(record + 4);
    switch (type) {
    case TYPE_INSTR_BUNDLE:
        return parse_bundle(s, record + 4, size, out, e);
    case TYPE_INSTR_MAYBE_FETCH:
        if (value != s->pc)
            fetch(s, value, size, out);
        return true;
    case TYPE_INSTR_SYSENTER:
    case TYPE_INSTR_TAKEN:
    case TYPE_INSTR_UNTAKEN:
        fetch(s, value, size, out);
        return true;
    case TYPE_INSTR_NO_FETCH:
        s->pc = value;
        s->pc_next = value + size;
        return true;
    case TYPE_PID:
        return vm_reader_enter(&s->reader, value, out, e);
    case TYPE_HEADER:
        return parse_header(s, value, e);
    case TYPE_FOOTER:
        s->ended = true;
        return true;
    }
    if (type < TYPES)
        return true;
    return vm_record_bad(&s->reader, e, "unknown record type %u: expected 0 to %d", type,
                         TYPES - 1);
}

static inline bool parse_record(struct drmemtrace *s, const uint8_t *record,
                                struct vm_batch_builder *out, struct vm_error *e)
{
    unsigned type = vm_field16(record), size = vm_field16(record + 2);
    if (!s->begun && type != TYPE_HEADER)
        return vm_record_bad(&s->reader, e, "record type %u: expected a header, %d", type,
                             TYPE_HEADER);
    s->ended = false;
    if (type <= TYPE_WRITE) {
        enum vm_access access = type == TYPE_WRITE ? VM_WRITE : VM_READ;
        vm_builder_ref(out, access, vm_field64(record + 4), size);
        return true;
    }
    if (type >= TYPE_INSTR && type <= TYPE_INSTR_LAST) {
        fetch(s, vm_field64(record + 4), size, out);
        return true;
    }
    return parse_other(s, type, record, out, e);
}

static inline bool parse_end(struct drmemtrace *s, struct vm_error *e)
{
    s->reader.offset = vm_bytes_offset(s->reader.bytes);
    return s->ended || vm_record_bad(&s->reader, e, "trace cut short: expected a footer");
}

#define RECORD_BYTES     12
#define RECORD_END(s, e) parse_end(s, e)
#define RECORD_STATE     drmemtrace
#include "trace/records_template.inc.h"

static void *drmemtrace_open(struct vm_bytes *bytes, const struct vm_params *params,
                             const struct vm_trace_options *options, struct vm_error *e)
{
    return vm_reader_with_ids(open_records(bytes, params, options, e), e);
}

/* A later version is recognised too, and refused by the reader with its number. */
static bool drmemtrace_probe(const uint8_t *head, size_t n, bool whole, struct vm_error *e)
{
    (void)e;
    (void)whole;
    size_t at = 0;
    while (at + RECORD_BYTES <= n && vm_field16(head + at) < TYPES)
        at += RECORD_BYTES;
    return at && at + RECORD_BYTES > n && vm_field16(head) == TYPE_HEADER &&
           vm_field16(head + 2) == 0 && vm_field64(head + 4) < 256;
}

const struct vm_format_ops vm_format_drmemtrace = {
    .name = "drmemtrace",
    .summary = "DynamoRIO's drmemtrace, one thread's or core's file (.zip, .gz or plain)",
    .probe = drmemtrace_probe,
    .open = drmemtrace_open,
    .read = read_records,
    .info = vm_reader_info,
    .skip = vm_reader_skip,
    .close = vm_reader_close,
};
