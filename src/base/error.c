/* error.c - see error.h: filling errors, and finding the name that was probably meant.
 *
 * Near is measured by the restricted Damerau-Levenshtein distance (Damerau, "A technique for
 * computer detection and correction of spelling errors", CACM 7(3) 1964; Levenshtein, Soviet
 * Physics Doklady 10(8) 1966): insertions, deletions, substitutions and swaps of neighbours, which
 * are four of five typing errors; letter case is not counted.
 *
 * Invariant: text and hint are one printable line each, whatever bytes the input had in them; what
 * does not fit ends in "...".
 */
#include "base/assert.h"

#include <ctype.h>
#include <pagoda/error.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define NAME_MAX_BYTES 63 /* a longer name is near to none */

/* Format into out[cap] by way of a buffer, so that the arguments may point into the error itself:
 * wrapping an error in another is common. */
static void line_print(char *out, size_t cap, const char *fmt, va_list args)
{
    char line[512];
    VM_ASSERT(cap > 3 && cap <= sizeof line);
    int n = vsnprintf(line, sizeof line, fmt, args);
    if (n < 0)
        line[0] = '\0';
    if (n >= (int)cap)
        memcpy(line + cap - 4, "...", 4);
    /* Input goes into messages: a newline or an escape sequence in it must not reach a terminal. */
    for (char *c = line; *c; c++)
        if (iscntrl((unsigned char)*c))
            *c = '?';
    memcpy(out, line, strlen(line) + 1);
}

void vm_error_fill(struct vm_error *e, enum vm_code code, const char *fmt, ...)
{
    VM_ASSERT(code != VM_OK);
    va_list args;
    va_start(args, fmt);
    line_print(e->text, sizeof e->text, fmt, args);
    va_end(args);
    e->code = code;
    e->hint[0] = '\0';
}

void vm_error_hint(struct vm_error *e, const char *fmt, ...)
{
    VM_ASSERT(e->code != VM_OK);
    va_list args;
    va_start(args, fmt);
    line_print(e->hint, sizeof e->hint, fmt, args);
    va_end(args);
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static bool same_letter(char a, char b)
{
    return tolower((unsigned char)a) == tolower((unsigned char)b);
}

/* Edits between a[0, na) and b[0, nb), both at most NAME_MAX_BYTES long.
 * row[k] holds the distances of the prefix of `a` that is k shorter than the current one. */
static size_t edits_between(const char *a, size_t na, const char *b, size_t nb)
{
    size_t rows[3][NAME_MAX_BYTES + 1];
    size_t *row[3] = {rows[0], rows[1], rows[2]};
    for (size_t j = 0; j <= nb; j++)
        row[0][j] = j;
    for (size_t i = 1; i <= na; i++) {
        size_t *oldest = row[2];
        row[2] = row[1];
        row[1] = row[0];
        row[0] = oldest;
        row[0][0] = i;
        for (size_t j = 1; j <= nb; j++) {
            size_t edits = least(row[1][j], row[0][j - 1]) + 1;
            edits = least(edits, row[1][j - 1] + !same_letter(a[i - 1], b[j - 1]));
            if (i > 1 && j > 1 && same_letter(a[i - 1], b[j - 2]) &&
                same_letter(a[i - 2], b[j - 1]))
                edits = least(edits, row[2][j - 2] + 1);
            row[0][j] = edits;
        }
    }
    return row[0][nb];
}

/* The known name that was probably meant, the first of equally near ones, or NULL. One edit is
 * always forgiven, one more for each four letters; names must have a letter in common. */
static const char *name_nearest(const char *name, const char *const *known, size_t n)
{
    size_t bytes = strlen(name), best = 2 + bytes / 4;
    const char *nearest = NULL;
    for (size_t i = 0; i < n && bytes <= NAME_MAX_BYTES; i++) {
        size_t known_bytes = strlen(known[i]);
        if (known_bytes > NAME_MAX_BYTES)
            continue;
        size_t edits = edits_between(name, bytes, known[i], known_bytes);
        size_t longer = bytes > known_bytes ? bytes : known_bytes;
        if (edits < best && edits < longer) {
            best = edits;
            nearest = known[i];
        }
    }
    return nearest;
}

/* "a, b, c" into out[cap], or as many whole names as fit and ", ...". */
static void names_print(char *out, size_t cap, const char *const *known, size_t n)
{
    const char *const more = ", ...";
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; i < n; i++) {
        const char *comma = i ? ", " : "";
        size_t room = strlen(comma) + strlen(known[i]), after = i + 1 < n ? strlen(more) : 0;
        if (used + room + after >= cap) {
            snprintf(out + used, cap - used, "%s", more);
            return;
        }
        used += (size_t)snprintf(out + used, cap - used, "%s%s", comma, known[i]);
    }
}

void vm_error_unknown(struct vm_error *e, const char *noun, const char *name,
                      const char *const *known, size_t n)
{
    const char *nearest = name_nearest(name, known, n);
    char names[sizeof e->hint - sizeof "known: "];
    vm_error_fill(e, VM_EUSAGE, "unknown %s \"%s\"", noun, name);
    if (nearest) {
        vm_error_hint(e, "did you mean \"%s\"?", nearest);
    } else if (n == 0) {
        vm_error_hint(e, "there is none");
    } else {
        names_print(names, sizeof names, known, n);
        vm_error_hint(e, "known: %s", names);
    }
}
