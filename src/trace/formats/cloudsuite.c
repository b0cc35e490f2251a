/* cloudsuite.c - ChampSim's CloudSuite traces: records of 96 bytes, little-endian, of many address
 * spaces.
 *
 *     0 u64 ip | 8 u8 is_branch | 9 u8 branch_taken | 10 u8 dest_reg[4] | 14 u8 src_reg[4]
 *     18 padding | 24 u64 dest_mem[4] | 56 u64 src_mem[4] | 88 u8 asid[2] | 90 padding
 *
 * The two asid bytes are taken as one number; a change of it is a switch event.
 *
 * Source: ChampSim, inc/trace_instruction.h, struct cloudsuite_instr. See instruction.h.
 */
#include "trace/instruction.h"

static const struct vm_instruction shape = {
    .bytes = 96, .dest = 24, .ndest = 4, .src = 56, .nsrc = 4};

struct cloudsuite {
    struct vm_reader reader;
};

static inline bool parse_record(struct cloudsuite *s, const uint8_t *record,
                                struct vm_batch_builder *out, struct vm_error *e)
{
    if (!vm_reader_enter(&s->reader, vm_field16(record + 88), out, e))
        return false;
    vm_instruction_refs(&shape, record, out);
    return true;
}

#define RECORD_BYTES     96
#define RECORD_END(s, e) true
#define RECORD_STATE     cloudsuite
#include "trace/records_template.inc.h"

static void *cloudsuite_open(struct vm_bytes *bytes, const struct vm_params *params,
                             const struct vm_trace_options *options, struct vm_error *e)
{
    return vm_reader_with_ids(open_records(bytes, params, options, e), e);
}

static bool cloudsuite_probe(const uint8_t *head, size_t n, bool whole, struct vm_error *e)
{
    (void)e;
    (void)whole;
    return vm_instructions_sane(&shape, head, n);
}

const struct vm_format_ops vm_format_cloudsuite = {
    .name = "cloudsuite",
    .summary = "ChampSim's CloudSuite instruction records of 96 bytes, with address spaces",
    .probe = cloudsuite_probe,
    .open = cloudsuite_open,
    .read = read_records,
    .info = vm_reader_info,
    .skip = vm_reader_skip,
    .close = vm_reader_close,
};
