/* lackey.c - valgrind's lackey: `valgrind --tool=lackey --trace-mem=yes`.
 *
 * A line a reference: the address in at least 8 lower-case hexadecimal digits, the size in decimal.
 *
 *     I  0401ab70,3       an instruction is fetched
 *      L 1fff000638,8     a load          M is a load and a store of the same bytes:
 *      S 1fff000638,8     a store         two references
 *
 * In between stand banners (==PID==, --PID--, **PID**) and, with --trace-syscalls=yes, the system
 * calls, from which the mappings come (syscalls.h); references and calls are in program order.
 * The log has one process (--child-silent-after-fork=yes) and does not tell threads apart.
 *
 * Source: valgrind 3.19, lackey/lk_main.c's documentation, and logs it wrote.
 */
#include "trace/syscalls.h"
#include "trace/text.h"

#include <stdlib.h>
#include <string.h>

struct lackey {
    struct vm_reader reader;
    struct vm_syscalls syscalls;
};

static const char line_expected[] = "\"I  ADDRESS,SIZE\", or \" L\", \" S\" or \" M\"";

/* A line that is no reference: the start of the next, or NULL. */
static const uint8_t *other_line(struct lackey *s, const uint8_t *p, struct vm_batch_builder *out,
                                 struct vm_error *e)
{
    const uint8_t *end = vm_text_next(p) - 1;
    if (end - p > VM_LINE_MAX)
        return NULL; /* the loop says why */
    if (!memcmp(p, "SYSCALL[", 8)) {
        const uint8_t *next = vm_syscalls_read(&s->syscalls, p, end, out, e);
        if (!next || next == end)
            return next ? end + 1 : NULL;
        if (*next == 'I' || *next == ' ' || *next == 'S') {
            s->reader.line--; /* what follows is still on this line */
            return next;
        }
        return end + 1;
    }
    bool banner = (p[0] == '=' || p[0] == '-' || p[0] == '*') && p[1] == p[0];
    bool answer = !memcmp(p, " --> ", 5); /* to a call whose line a banner broke */
    if (banner || answer || vm_text_end(p))
        return end + 1;
    return vm_line_bad(&s->reader, "line", p, "", line_expected, e);
}

/* Eight lower-case hexadecimal digits at once; false if there are not that many.
 *
 * A digit's value is its low four bits, and 9 more for a letter (bit 6). Written back as a digit it
 * must give the same character; a value above 15 (from 'g' on) would do so too and is refused. */
static inline bool hex8(const uint8_t *p, uint64_t *out)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    uint64_t text = vm_field64(p);
    uint64_t value = (text & 0x0f * ones) + 9 * (text >> 6 & ones);
    uint64_t letter = (value + 6 * ones) >> 4 & ones;
    if ((value & 0xf0 * ones) | (text ^ (value + 0x30 * ones + 0x27 * letter)))
        return false;
    value = __builtin_bswap64(value);
    value = (value | value >> 4) & UINT64_C(0x00ff00ff00ff00ff);
    value = (value | value >> 8) & UINT64_C(0x0000ffff0000ffff);
    *out = (value | value >> 16) & UINT32_MAX;
    return true;
}

/* Digits, as many as there are: past them, or NULL if there are none or over 16. */
static inline const uint8_t *parse_address(const uint8_t *p, uint64_t *out)
{
    const uint8_t *start = p;
    uint64_t va = 0;
    if (hex8(p, &va))
        p += 8;
    for (unsigned digit; (digit = vm_text_digit(*p)) <= 15; p++)
        va = va << 4 | digit;
    *out = va;
    return p - start - 1 < 16 && p != start ? p : NULL;
}

/* What the letter of a reference line means, and which character its line begins with. */
static const struct {
    uint8_t first;
    uint8_t access;
} meaning[256] = {['I'] = {'I', VM_FETCH},
                  ['L'] = {' ', VM_READ},
                  ['S'] = {' ', VM_WRITE},
                  ['M'] = {' ', VM_READ}};

static inline const uint8_t *parse_line(struct lackey *s, const uint8_t *line,
                                        struct vm_batch_builder *out, struct vm_error *e)
{
    /* Of the first two characters one is a blank: with the blank's bits taken out, the letter. */
    uint8_t letter = line[0] ^ line[1] ^ ' ';
    if (__builtin_expect(meaning[letter].first != line[0] || line[2] != ' ' || !line[0], 0))
        return other_line(s, line, out, e);
    uint64_t va, bytes;
    const uint8_t *p = parse_address(line + 3, &va);
    if (!p || *p != ',')
        return vm_line_bad(&s->reader, "address", line + 3, ",\r", "hex digits", e);
    const uint8_t *size = p + 1;
    if (!(p = vm_text_decimal(size, &bytes)) || !(p = vm_text_end(p)))
        return vm_line_bad(&s->reader, "size", size, "\r", "decimal digits", e);
    vm_builder_ref(out, meaning[letter].access, va, bytes);
    if (letter == 'M')
        vm_builder_ref(out, VM_WRITE, va, bytes);
    return p;
}

#define TEXT_STATE lackey
#include "trace/text_template.inc.h"

static void lackey_close(void *state)
{
    struct lackey *s = state;
    vm_syscalls_close(&s->syscalls);
    vm_reader_close(state);
}

const struct vm_format_ops vm_format_lackey = {
    .name = "lackey",
    .summary = "valgrind's lackey (--trace-mem=yes), with or without --trace-syscalls=yes",
    .probe = probe_lines,
    .open = open_lines,
    .read = read_lines,
    .info = vm_reader_info,
    .skip = vm_reader_skip,
    .close = lackey_close,
};
