/* pages.c - page numbers, one a line, decimal or hexadecimal with 0x: the reference strings of
 * textbooks. Each is a read of the first byte of its page.
 *
 *     7
 *     0x1f        # text from a # on is passed over, so are blank lines
 */
#include "trace/text.h"

struct pages {
    struct vm_reader reader;
    uint64_t bytes; /* of a page */
};

static inline const uint8_t *parse_line(struct pages *s, const uint8_t *line,
                                        struct vm_batch_builder *out, struct vm_error *e)
{
    if (vm_text_silent(line))
        return vm_text_next(line);
    uint64_t page;
    const uint8_t *number = vm_text_blanks(line), *p = vm_text_number(number, &page);
    if (!p || !vm_text_silent(p))
        return vm_line_bad(&s->reader, "page number", number, "\r", "decimal, or 0x and hex digits",
                           e);
    if (page > UINT64_MAX / s->bytes)
        return vm_line_bad(&s->reader, "page number", number, " #\r", "its address to fit 64 bits",
                           e);
    vm_builder_ref(out, VM_READ, page * s->bytes, 1);
    return vm_text_next(p);
}

#define TEXT_STATE pages
#include "trace/text_template.inc.h"

static const struct vm_param pages_params[] = {
    {.name = "bytes",
     .kind = VM_PARAM_BYTES,
     .fallback = "4096",
     .min = 1,
     .max = 1 << 30,
     .help = "the size of a page"},
};

static void *pages_open(struct vm_bytes *bytes, const struct vm_params *params,
                        const struct vm_trace_options *options, struct vm_error *e)
{
    struct pages *s = open_lines(bytes, params, options, e);
    if (s)
        s->bytes = vm_params_count(params, "bytes");
    return s;
}

const struct vm_format_ops vm_format_pages = {
    .name = "pages",
    .summary = "page numbers, one a line, decimal or 0x hexadecimal",
    .param = pages_params,
    .nparams = sizeof pages_params / sizeof pages_params[0],
    .probe = probe_lines,
    .open = pages_open,
    .read = read_lines,
    .info = vm_reader_info,
    .skip = vm_reader_skip,
    .close = vm_reader_close,
};
