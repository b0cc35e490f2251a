/* units.c - numbers with units, read and written (see params.h).
 *
 * Grammar, the whole string:  DIGITS [. DIGITS] [ ] [UNIT], and for reals [-] and an exponent.
 *
 * Invariants
 *  1. Reading is exact: a fraction is taken only where the unit makes it a whole number (1.5GiB),
 *     and what does not fit 64 bits is an error, never a wrapped or rounded value.
 *  2. What vm_text_bytes writes without a fraction reads back as the same number.
 *
 * Units of sizes are binary (IEC 80000-13: KiB, MiB, ...), K, M, G, T being short for them; those
 * of counts are decimal. kB, MB and the like mean 1000 to some and 1024 to others: refused.
 */
#include "base/assert.h"

#include <math.h>
#include <pagoda/params.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct unit {
    const char *name;
    uint64_t factor; /* 0: its meaning is disputed */
};

static const struct unit count_units[] = {
    {"", 1}, {"k", 1000}, {"M", 1000 * 1000}, {"G", 1000 * 1000 * 1000}, {NULL, 0},
};

static const struct unit byte_units[] = {
    {"", 1},
    {"B", 1},
    {"K", UINT64_C(1) << 10},
    {"KiB", UINT64_C(1) << 10},
    {"M", UINT64_C(1) << 20},
    {"MiB", UINT64_C(1) << 20},
    {"G", UINT64_C(1) << 30},
    {"GiB", UINT64_C(1) << 30},
    {"T", UINT64_C(1) << 40},
    {"TiB", UINT64_C(1) << 40},
    {"k", 0},
    {"kB", 0},
    {"KB", 0},
    {"MB", 0},
    {"GB", 0},
    {"TB", 0},
    {NULL, 0},
};

static const struct unit time_units[] = {
    {"ns", 1}, {"us", 1000}, {"ms", 1000 * 1000}, {"s", 1000 * 1000 * 1000}, {NULL, 0},
};

#define TIME_EXPECTED  "expected a number with its unit (ns, us, ms, s)"
#define COUNT_EXPECTED "expected a whole number with an optional unit (k, M, G)"
#define BYTES_EXPECTED "expected a number with an optional unit (KiB, MiB, GiB, TiB)"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static size_t digits_length(const char *text)
{
    size_t n = 0;
    while (is_digit(text[n]))
        n++;
    return n;
}

/* A decimal number, scaled / 10^places. */
struct decimal {
    unsigned __int128 scaled;
    unsigned places;
};

enum decimal_found { DECIMAL_FOUND, DECIMAL_NONE, DECIMAL_TOO_LONG };

#define DECIMAL_DIGITS 24 /* 10^24 x 2^40 is below 2^128 */

/* Read the number at *at and move past it. Zeros that say nothing (leading ones, and those that end
 * a fraction) do not count against DECIMAL_DIGITS. */
static enum decimal_found decimal_read(const char **at, struct decimal *out)
{
    const char *whole = *at;
    size_t nwhole = digits_length(whole), nplaces = 0;
    if (nwhole == 0)
        return DECIMAL_NONE;
    const char *fraction = whole + nwhole;
    if (*fraction == '.') {
        fraction++;
        nplaces = digits_length(fraction);
        if (nplaces == 0)
            return DECIMAL_NONE;
    }
    *at = fraction + nplaces;
    while (nplaces > 0 && fraction[nplaces - 1] == '0')
        nplaces--;
    while (nwhole > 0 && *whole == '0')
        whole++, nwhole--;
    if (nwhole + nplaces > DECIMAL_DIGITS)
        return DECIMAL_TOO_LONG;
    *out = (struct decimal){.places = (unsigned)nplaces};
    for (size_t i = 0; i < nwhole; i++)
        out->scaled = out->scaled * 10 + (unsigned)(whole[i] - '0');
    for (size_t i = 0; i < nplaces; i++)
        out->scaled = out->scaled * 10 + (unsigned)(fraction[i] - '0');
    return DECIMAL_FOUND;
}

static const struct unit *unit_find(const struct unit *units, const char *name)
{
    for (; units->name; units++)
        if (!strcmp(units->name, name))
            return units;
    return NULL;
}

/* How to name one kind of number in messages. */
struct wording {
    const char *noun, *expected, *whole;
};

static bool number_parse(const char *text, const char *what, const struct unit *units,
                         const struct wording *say, uint64_t *out, struct vm_error *e)
{
    const char *at = text;
    struct decimal decimal = {0};
    enum decimal_found found = decimal_read(&at, &decimal);
    if (found != DECIMAL_NONE && at[0] == ' ' && at[1])
        at++;
    const struct unit *unit = unit_find(units, at);
    if (found == DECIMAL_NONE || !unit)
        return vm_fail(e, VM_EUSAGE, "%s: bad %s \"%s\": %s", what, say->noun, text, say->expected);
    if (unit->factor == 0)
        return vm_fail(e, VM_EUSAGE, "%s: ambiguous unit \"%s\" in \"%s\": expected %ciB (binary)",
                       what, at, text, *at == 'k' ? 'K' : *at);
    if (found == DECIMAL_TOO_LONG)
        return vm_fail(e, VM_EUSAGE, "%s: %s \"%s\" has too many digits: expected at most %d", what,
                       say->noun, text, DECIMAL_DIGITS);
    unsigned __int128 value = decimal.scaled * unit->factor;
    for (unsigned i = 0; i < decimal.places; i++) {
        if (value % 10)
            return vm_fail(e, VM_EUSAGE, "%s: %s \"%s\" is not a whole number%s: expected one",
                           what, say->noun, text, say->whole);
        value /= 10;
    }
    if (value > UINT64_MAX)
        return vm_fail(e, VM_EUSAGE, "%s: %s \"%s\" is too large: expected at most %llu", what,
                       say->noun, text, (unsigned long long)UINT64_MAX);
    *out = (uint64_t)value;
    return true;
}

bool vm_parse_count(const char *text, const char *what, uint64_t *out, struct vm_error *e)
{
    static const struct wording say = {"count", COUNT_EXPECTED, ""};
    return number_parse(text, what, count_units, &say, out, e);
}

bool vm_parse_bytes(const char *text, const char *what, uint64_t *out, struct vm_error *e)
{
    static const struct wording say = {"size", BYTES_EXPECTED, " of bytes"};
    return number_parse(text, what, byte_units, &say, out, e);
}

bool vm_parse_time(const char *text, const char *what, uint64_t *out_ns, struct vm_error *e)
{
    static const struct wording say = {"time", TIME_EXPECTED, " of nanoseconds"};
    return number_parse(text, what, time_units, &say, out_ns, e);
}

/* Whether `text` is [-] DIGITS [. DIGITS] [e [+-] DIGITS]: strtod alone would also take spaces,
 * "inf", "nan" and hexadecimal. */
static bool real_well_formed(const char *text)
{
    text += *text == '-';
    size_t n = digits_length(text);
    if (n == 0)
        return false;
    text += n;
    if (*text == '.') {
        n = digits_length(++text);
        if (n == 0)
            return false;
        text += n;
    }
    if (*text == 'e' || *text == 'E') {
        text++;
        text += *text == '-' || *text == '+';
        n = digits_length(text);
        if (n == 0)
            return false;
        text += n;
    }
    return !*text;
}

bool vm_parse_real(const char *text, const char *what, double *out, struct vm_error *e)
{
    if (!real_well_formed(text))
        return vm_fail(e, VM_EUSAGE, "%s: bad number \"%s\": expected a decimal number", what,
                       text);
    double value = strtod(text, NULL);
    if (isinf(value))
        return vm_fail(e, VM_EUSAGE, "%s: number \"%s\" is too large: expected at most 1.7e308",
                       what, text);
    *out = value;
    return true;
}

const char *vm_text_bytes(uint64_t bytes, char *out, size_t cap)
{
    static const char *const names[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    size_t last = sizeof names / sizeof names[0] - 1, i = 0;
    /* A unit's 1023.95 would be written 1024.0: that is 1 of the next. */
    while (i < last && (double)bytes >= 1023.95 * (double)(UINT64_C(1) << 10 * i))
        i++;
    uint64_t unit = UINT64_C(1) << 10 * i;
    if (bytes % unit == 0)
        snprintf(out, cap, "%llu %s", (unsigned long long)(bytes / unit), names[i]);
    else
        snprintf(out, cap, "%.1f %s", (double)bytes / (double)unit, names[i]);
    return out;
}

const char *vm_text_count(uint64_t count, char *out, size_t cap)
{
    char digits[24];
    int n = snprintf(digits, sizeof digits, "%llu", (unsigned long long)count);
    VM_ASSERT(cap > (size_t)(n + (n - 1) / 3));
    char *to = out;
    for (int i = 0; i < n; i++) {
        if (i && (n - i) % 3 == 0)
            *to++ = ',';
        *to++ = digits[i];
    }
    *to = '\0';
    return out;
}
