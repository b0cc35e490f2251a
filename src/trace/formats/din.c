/* din.c - Dinero's traditional input, a line a reference: what it does and where, in hexadecimal.
 *
 *     2 400190        0 a read, 1 a write, 2 an instruction fetch
 *
 * 3 and 4 are Dinero's escapes (unknown, flush the cache): no references. Sizes are not told: 1
 * byte.
 *
 * Source: Mark D. Hill and Jan Edler, Dinero III and IV, their manual pages.
 */
#include "trace/text.h"

struct din {
    struct vm_reader reader;
};

static inline const uint8_t *parse_line(struct din *s, const uint8_t *line,
                                        struct vm_batch_builder *out, struct vm_error *e)
{
    if (vm_text_silent(line))
        return vm_text_next(line);
    static const enum vm_access access[] = {VM_READ, VM_WRITE, VM_FETCH};
    const uint8_t *label = vm_text_blanks(line);
    unsigned kind = *label - (unsigned)'0';
    if (kind > 4 || (label[1] != ' ' && label[1] != '\t'))
        return vm_line_bad(&s->reader, "label", label, " \t\r",
                           "0 to 4 (read, write, fetch, escapes)", e);
    uint64_t va;
    const uint8_t *address = vm_text_blanks(label + 1), *p = vm_text_hex(address, &va);
    if (!p || !(p = vm_text_end(p)))
        return vm_line_bad(&s->reader, "address", address, "\r", "hex digits", e);
    if (kind < sizeof access / sizeof access[0])
        vm_builder_ref(out, access[kind], va, 1);
    return p;
}

#define TEXT_STATE din
#include "trace/text_template.inc.h"

const struct vm_format_ops vm_format_din = {
    .name = "din",
    .summary = "Dinero's din: 0, 1 or 2 (read, write, fetch) and a hexadecimal address",
    .probe = probe_lines,
    .open = open_lines,
    .read = read_lines,
    .info = vm_reader_info,
    .skip = vm_reader_skip,
    .close = vm_reader_close,
};
