/* pin.c - the text that Pin's example tool pinatrace writes, a line a data reference.
 *
 *     0x7f3d8c1f2a10: R 0x7ffd3c2e8b40        R a read, W a write
 *     #eof
 *
 * The number before the colon is the instruction that refers. Only instructions with data
 * references are there, each once a reference, so they make no stream of fetches and none are made
 * of them. Sizes are not told: 1 byte. Lines that begin with # are comments.
 *
 * Source: Intel Pin, source/tools/ManualExamples/pinatrace.cpp.
 */
#include "trace/text.h"

struct pin {
    struct vm_reader reader;
};

static inline const uint8_t *parse_line(struct pin *s, const uint8_t *line,
                                        struct vm_batch_builder *out, struct vm_error *e)
{
    if (vm_text_silent(line))
        return vm_text_next(line);
    uint64_t ip, va;
    const uint8_t *p = vm_text_hex(vm_text_blanks(line), &ip);
    if (!p || *p != ':')
        return vm_line_bad(&s->reader, "instruction address", line, ": \r",
                           "0x, hex digits and a colon", e);
    const uint8_t *kind = vm_text_blanks(p + 1);
    if (*kind != 'R' && *kind != 'W')
        return vm_line_bad(&s->reader, "access", kind, " \r", "R or W", e);
    const uint8_t *address = vm_text_blanks(kind + 1);
    if (!(p = vm_text_hex(address, &va)) || !(p = vm_text_end(p)))
        return vm_line_bad(&s->reader, "address", address, "\r", "hex digits", e);
    vm_builder_ref(out, *kind == 'W' ? VM_WRITE : VM_READ, va, 1);
    return p;
}

#define TEXT_STATE pin
#include "trace/text_template.inc.h"

const struct vm_format_ops vm_format_pin = {
    .name = "pin",
    .summary = "Pin's pinatrace: 0xIP: R 0xADDRESS",
    .probe = probe_lines,
    .open = open_lines,
    .read = read_lines,
    .info = vm_reader_info,
    .skip = vm_reader_skip,
    .close = vm_reader_close,
};
