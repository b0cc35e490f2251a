/* champsim.c - ChampSim's instruction traces: records of 64 bytes, little-endian.
 *
 *     0 u64 ip | 8 u8 is_branch | 9 u8 branch_taken | 10 u8 dest_reg[2] | 12 u8 src_reg[4]
 *     16 u64 dest_mem[2] | 32 u64 src_mem[4]
 *
 * Source: ChampSim, inc/trace_instruction.h, struct input_instr. See instruction.h.
 */
#include "trace/instruction.h"

static const struct vm_instruction shape = {
    .bytes = 64, .dest = 16, .ndest = 2, .src = 32, .nsrc = 4};

struct champsim {
    struct vm_reader reader;
};

static inline bool parse_record(struct champsim *s, const uint8_t *record,
                                struct vm_batch_builder *out, struct vm_error *e)
{
    (void)s, (void)e;
    vm_instruction_refs(&shape, record, out);
    return true;
}

#define RECORD_BYTES     64
#define RECORD_END(s, e) true
#define RECORD_STATE     champsim
#include "trace/records_template.inc.h"

static bool champsim_probe(const uint8_t *head, size_t n, bool whole, struct vm_error *e)
{
    (void)e;
    /* The beginning of a CloudSuite record makes sense here too, when there is only one. */
    bool one_cloudsuite = whole && n == 96;
    return !one_cloudsuite && vm_instructions_sane(&shape, head, n);
}

const struct vm_format_ops vm_format_champsim = {
    .name = "champsim",
    .summary = "ChampSim instruction records of 64 bytes",
    .probe = champsim_probe,
    .open = open_records,
    .read = read_records,
    .info = vm_reader_info,
    .skip = vm_reader_skip,
    .close = vm_reader_close,
};
