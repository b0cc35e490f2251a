/* text_template.inc.h - the loop over the lines of a text, stamped for each text format.
 *
 * Before including it a format defines TEXT_STATE, its name and that of a struct that begins with
 * `struct vm_reader reader`, and
 *
 *     static inline const uint8_t *parse_line(struct TEXT_STATE *s, const uint8_t *line,
 *                                             struct vm_batch_builder *out, struct vm_error *e);
 *
 * which appends what a line says and returns the start of the next, or NULL with the error filled.
 * The loop gives it only lines that end in a newline and have VM_LINE_SLACK readable bytes after
 * their start, so that it can go by the bytes alone. The window's last lines lack the slack, one
 * may lack its newline: those are copied to where they have both.
 *
 *     window  |line\n line\n ... line\n | line\n li|
 *              parsed in place           copied, one at a time; "li" in the next window
 *
 * Invariant: bytes are consumed exactly as far as lines were parsed, so that a batch may end
 * anywhere and the trace does not depend on where windows or batches end.
 */
#include <inttypes.h>
#include <string.h>

#define TEXT_JOIN_(a, b) a##b
#define TEXT_JOIN(a, b)  TEXT_JOIN_(a, b)

/* Parse the lines that start in [p, stop), until the batch is full: where it stopped, or NULL. */
static const uint8_t *parse_lines(struct TEXT_STATE *s, const uint8_t *p, const uint8_t *stop,
                                  struct vm_batch_builder *out, struct vm_error *e)
{
    while (p < stop && !vm_builder_full(out)) {
        s->reader.line++;
        const uint8_t *next = parse_line(s, p, out, e);
        if (__builtin_expect(!next || next - p > VM_LINE_MAX + 1, 0)) {
            if (vm_text_next(p) - p > VM_LINE_MAX + 1)
                vm_fail(e, VM_EINPUT, "%s:%" PRIu64 ": line too long: expected at most %d bytes",
                        vm_bytes_name(s->reader.bytes), s->reader.line, VM_LINE_MAX);
            return NULL;
        }
        p = next;
    }
    return p;
}

/* Parse the first line of the window p[n], which may lack slack or its newline. *used: how many
 * bytes of the window are done. */
static bool parse_edge(struct TEXT_STATE *s, const uint8_t *p, size_t n, size_t *used,
                       struct vm_batch_builder *out, struct vm_error *e)
{
    uint8_t line[VM_LINE_MAX + 2 + VM_LINE_SLACK];
    const uint8_t *newline = memchr(p, '\n', n);
    size_t length = newline ? (size_t)(newline - p) : n;
    if (length > VM_LINE_MAX)
        length = VM_LINE_MAX + 1; /* enough for parse_lines to see that it is too long */
    memcpy(line, p, length);
    memset(line + length, '\n', sizeof line - length);
    const uint8_t *end = parse_lines(s, line, line + length + 1, out, e);
    if (!end)
        return false;
    *used = (size_t)(end - line) < n ? (size_t)(end - line) : n;
    return true;
}

static bool read_lines(void *state, struct vm_batch_builder *out, struct vm_error *e)
{
    struct TEXT_STATE *s = state;
    while (!vm_builder_full(out)) {
        size_t n, used;
        const uint8_t *p = vm_bytes_peek(s->reader.bytes, VM_LINE_MAX + 1, &n, e);
        if (!p)
            return false;
        if (!n)
            return true;
        const uint8_t *last = n > VM_LINE_SLACK ? memrchr(p, '\n', n - VM_LINE_SLACK) : NULL;
        if (last) {
            const uint8_t *end = parse_lines(s, p, last + 1, out, e);
            if (!end)
                return false;
            used = (size_t)(end - p);
        } else if (!parse_edge(s, p, n, &used, out, e)) {
            return false;
        }
        vm_bytes_skip(s->reader.bytes, used);
    }
    return true;
}

static void *open_lines(struct vm_bytes *bytes, const struct vm_params *params,
                        const struct vm_trace_options *options, struct vm_error *e)
{
    (void)params, (void)options;
    return vm_reader_open(sizeof(struct TEXT_STATE), bytes, e);
}

static bool probe_lines(const uint8_t *head, size_t n, bool whole, struct vm_error *e)
{
    return vm_reader_accepts(&TEXT_JOIN(vm_format_, TEXT_STATE), head, n, whole, e);
}
