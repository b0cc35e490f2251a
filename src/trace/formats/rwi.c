/* rwi.c - the plainest of traces, as many courses hand out: a letter and a hexadecimal address, in
 * either order (no letter of the three is a digit).
 *
 *     R 0041f7a0        R a read, W a write, I an instruction fetch, of either case
 *     0041f7a0 R
 *
 * Sizes are not told: 1 byte. Blank lines and lines that begin with # are passed over.
 */
#include "trace/text.h"

struct rwi {
    struct vm_reader reader;
};

/* What a letter means, or -1. */
static inline int letter_access(uint8_t letter)
{
    switch (letter | 0x20) {
    case 'r':
        return VM_READ;
    case 'w':
        return VM_WRITE;
    case 'i':
        return VM_FETCH;
    }
    return -1;
}

static inline const uint8_t *parse_line(struct rwi *s, const uint8_t *line,
                                        struct vm_batch_builder *out, struct vm_error *e)
{
    if (vm_text_silent(line))
        return vm_text_next(line);
    const uint8_t *first = vm_text_blanks(line), *address = first;
    uint64_t va;
    int access = letter_access(*first);
    if (access >= 0)
        address = vm_text_blanks(first + 1);
    const uint8_t *p = vm_text_hex(address, &va);
    if (!p || (access >= 0 && address == first + 1))
        return vm_line_bad(&s->reader, "line", line, "\r", "R, W or I and a hex address", e);
    if (access < 0) {
        const uint8_t *letter = vm_text_blanks(p);
        access = letter_access(*letter);
        if (access < 0 || letter == p)
            return vm_line_bad(&s->reader, "access", letter, " \r", "R, W or I", e);
        p = letter + 1;
    }
    const uint8_t *next = vm_text_end(p);
    if (!next)
        return vm_line_bad(&s->reader, "end of line", p, "\r", "nothing more", e);
    vm_builder_ref(out, (enum vm_access)access, va, 1);
    return next;
}

#define TEXT_STATE rwi
#include "trace/text_template.inc.h"

const struct vm_format_ops vm_format_rwi = {
    .name = "rwi",
    .summary = "R, W or I and a hexadecimal address, or the address first",
    .probe = probe_lines,
    .open = open_lines,
    .read = read_lines,
    .info = vm_reader_info,
    .skip = vm_reader_skip,
    .close = vm_reader_close,
};
