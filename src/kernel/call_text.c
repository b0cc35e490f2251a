/* call_text.c - a system call as a line of a trace: openat(AT_FDCWD, "/etc/passwd", 0x8000, 0) = 3.
 *
 * How arguments read is the third column of syscalls.def, a letter for each, and one for the answer
 * after '>':
 *
 *   d  an int                       o  a mode, octal
 *   l  an offset, n  a count        g  a signal
 *   a  the descriptor of a directory that a path begins at
 *   s  a string; b  bytes, as many as the next argument says
 *   x  an address, or flags: hexadecimal
 *
 * A trace changes nothing: text of the program is shown where the hart could read it at once, and
 * its address elsewhere. Errors are the names of errno.h, after a minus sign.
 */
#include "base/assert.h"
#include "kernel/kernel.h"

#include <ctype.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#define SHOWN_BYTES 40
#define HART_PAGE   (UINT64_C(1) << VM_RV64_PAGE_SHIFT)

static const char *const absent[] = {
#define ABSENT(number, name) [number] = #name,
#include "kernel/absent.def"
#undef ABSENT
};

const char *vm_kernel_absent_call(uint32_t number)
{
    return number < sizeof absent / sizeof absent[0] ? absent[number] : NULL;
}

/* ---- text of programs ---- */

/* The byte, without a reference; false: that would need one. */
static bool peek(const struct thread *t, vm_va va, char *out)
{
    VM_ASSERT(t); /* no answer is text */
    const uint8_t *page = vm_rv64_view_find(t->space->view, va, VM_READ);
    if (page)
        *out = (char)page[va & (HART_PAGE - 1)];
    return page;
}

static void put_character(FILE *f, char c)
{
    if (c == '\n')
        fputs("\\n", f);
    else if (c == '"' || c == '\\')
        fprintf(f, "\\%c", c);
    else if (isprint((unsigned char)c))
        fputc(c, f);
    else
        fprintf(f, "\\x%02x", (unsigned char)c);
}

enum text_end { AT_ZERO, AT_COUNT };

static void put_text(FILE *f, const struct thread *t, vm_va va, uint64_t bytes, enum text_end end)
{
    char text[SHOWN_BYTES + 1];
    size_t n = 0;
    for (; n < bytes && n <= SHOWN_BYTES; n++) {
        if (!peek(t, va + n, &text[n])) {
            fprintf(f, "0x%" PRIx64, va);
            return;
        }
        if (end == AT_ZERO && !text[n])
            break;
    }
    fputc('"', f);
    for (size_t i = 0; i < n && i < SHOWN_BYTES; i++)
        put_character(f, text[i]);
    fputs(n > SHOWN_BYTES ? "\"..." : "\"", f);
}

/* ---- numbers ---- */

static void put_signal(FILE *f, int signal)
{
    const char *name = signal > 0 ? sigabbrev_np(signal) : NULL;
    if (name)
        fprintf(f, "SIG%s", name);
    else
        fprintf(f, "%d", signal);
}

/* `next` is the argument behind it: of some, how long they are. */
static void put_argument(FILE *f, const struct thread *t, char kind, uint64_t a, uint64_t next)
{
    switch (kind) {
    case 'd':
        fprintf(f, "%d", (int)a);
        break;
    case 'l':
        fprintf(f, "%" PRId64, (int64_t)a);
        break;
    case 'n':
        fprintf(f, "%" PRIu64, a);
        break;
    case 'o':
        fprintf(f, "%#" PRIo64, a);
        break;
    case 'g':
        put_signal(f, (int)a);
        break;
    case 'a':
        fprintf(f, (int)a == AT_FDCWD ? "AT_FDCWD" : "%d", (int)a);
        break;
    case 's':
        put_text(f, t, a, UINT64_MAX, AT_ZERO);
        break;
    case 'b':
        put_text(f, t, a, next, AT_COUNT);
        break;
    default:
        fprintf(f, a ? "0x%" PRIx64 : "0", a);
    }
}

static void put_answer(FILE *f, char kind, int64_t result)
{
    const char *error = result < 0 && result >= -4095 ? strerrorname_np((int)-result) : NULL;
    if (error)
        fprintf(f, "-%s", error);
    else if (kind)
        put_argument(f, NULL, kind, (uint64_t)result, 0);
    else
        fprintf(f, "%" PRId64, result);
}

/* ---- lines ---- */

void vm_call_text(const struct thread *t, const char *name, const char *kinds, const uint64_t *a,
                  char *out, size_t cap)
{
    FILE *f = fmemopen(out, cap, "w");
    *out = 0;
    if (!f)
        return;
    fprintf(f, "%s(", name);
    for (unsigned i = 0; kinds[i] && kinds[i] != '>'; i++) {
        if (i)
            fputs(", ", f);
        put_argument(f, t, kinds[i], a[i], i < 5 ? a[i + 1] : 0);
    }
    fputc(')', f);
    fclose(f);
}

void vm_answer_text(const char *kinds, int64_t result, char *out, size_t cap)
{
    const char *kind = strchr(kinds, '>');
    FILE *f = fmemopen(out, cap, "w");
    *out = 0;
    if (!f)
        return;
    put_answer(f, kind ? kind[1] : 0, result);
    fclose(f);
}
