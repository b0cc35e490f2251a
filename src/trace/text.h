/* text.h - the words of text formats: blanks, numbers, line ends.
 *
 * Every function may look at bytes up to the newline of the line it is in, which is always there
 * (text_template.inc.h sees to it), and so needs no bound.
 */
#ifndef TRACE_TEXT_H
#define TRACE_TEXT_H

#include "trace/reader.h"

#define VM_LINE_MAX 4096 /* bytes of a line, without its newline */
#define VM_LINE_SLACK                                                                              \
    16 /* bytes that may be read from any start of a line on, whatever they are                    \
        */

static inline const uint8_t *vm_text_blanks(const uint8_t *p)
{
    while (*p == ' ' || *p == '\t')
        p++;
    return p;
}

/* The start of the next line. */
static inline const uint8_t *vm_text_next(const uint8_t *p)
{
    while (*p != '\n')
        p++;
    return p + 1;
}

/* The start of the next line if nothing but blanks (and a DOS line end) is left, or NULL. */
static inline const uint8_t *vm_text_end(const uint8_t *p)
{
    p = vm_text_blanks(p);
    if (*p == '\r')
        p++;
    return *p == '\n' ? p + 1 : NULL;
}

/* Whether a line says nothing: blank, or a comment. */
static inline bool vm_text_silent(const uint8_t *p)
{
    p = vm_text_blanks(p);
    return *p == '\n' || *p == '#' || (*p == '\r' && p[1] == '\n');
}

/* The value of a hexadecimal digit of either case, or more than 15. By table, since whether the
 * next digit of an address is a letter is anybody's guess, and a branch's too. */
static inline unsigned vm_text_digit(uint8_t c)
{
    static const uint8_t value_and_1[256] = {
        ['0'] = 1,  ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,
        ['6'] = 7,  ['7'] = 8,  ['8'] = 9,  ['9'] = 10, ['a'] = 11, ['b'] = 12,
        ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16, ['A'] = 11, ['B'] = 12,
        ['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16,
    };
    return value_and_1[c] - 1u;
}

/* Hexadecimal digits with or without 0x: past them, or NULL where there is none or they do not fit
 * 64 bits. */
static inline const uint8_t *vm_text_hex(const uint8_t *p, uint64_t *out)
{
    if (p[0] == '0' && (p[1] | 0x20) == 'x')
        p += 2;
    uint64_t value = 0;
    unsigned digit = vm_text_digit(*p);
    if (digit > 15)
        return NULL;
    do {
        if (value >> 60)
            return NULL;
        value = value << 4 | digit;
    } while ((digit = vm_text_digit(*++p)) <= 15);
    *out = value;
    return p;
}

static inline const uint8_t *vm_text_decimal(const uint8_t *p, uint64_t *out)
{
    uint64_t value = 0;
    unsigned digit = *p - (unsigned)'0';
    if (digit > 9)
        return NULL;
    do {
        if (value > (UINT64_MAX - digit) / 10)
            return NULL;
        value = value * 10 + digit;
    } while ((digit = *++p - (unsigned)'0') <= 9);
    *out = value;
    return p;
}

/* Hexadecimal with 0x in front, else decimal. */
static inline const uint8_t *vm_text_number(const uint8_t *p, uint64_t *out)
{
    bool hex = p[0] == '0' && (p[1] | 0x20) == 'x';
    return hex ? vm_text_hex(p, out) : vm_text_decimal(p, out);
}

#endif
