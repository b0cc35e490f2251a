/* check_string.c - see heapcheck.h: functions of strings, served by the kernel.
 *
 * The C library's read by words, up to seven bytes before and behind what they are asked about, and
 * decide by what they find there. Served, each reads the bytes that the standard says it reads, and
 * no other: those are checked, and a value that a comparison depends on is a use. What was copied
 * is as undefined as it was.
 *
 * A function whose bytes cannot be had is left to the program's own code, which faults where it
 * would.
 *
 * Source: ISO C17, 7.24; POSIX.1-2017; the GNU C Library's manual, chapter 5.
 */
#include "kernel/heapcheck.h"

#include <string.h>

#define A(n) c->t->hart.x[10 + (n)]

/* ---- bytes ---- */

#define WINDOW 256

/* The bytes around one that was asked for; never of two pages. */
struct window {
    vm_va va;
    bool there;
    uint8_t byte[WINDOW];
};

/* The byte at va; -1: it cannot be had. */
static int byte_at(const struct checked *c, struct window *w, vm_va va)
{
    vm_va first = va & ~(vm_va)(WINDOW - 1);
    if (!w->there || w->va != first) {
        w->there = vm_user_read(c->k, c->t, w->byte, first, WINDOW) == 0;
        w->va = first;
    }
    return w->there ? w->byte[va - first] : -1;
}

/* How many of the bytes from `va` on, `most` at most, come before the first that is a or b; `most`
 * if none is. False: they cannot be had. */
static bool span(const struct checked *c, vm_va va, uint64_t most, uint8_t a, uint8_t b,
                 uint64_t *n)
{
    struct window w = {0};
    for (*n = 0; *n < most; ++*n) {
        int byte = byte_at(c, &w, va + *n);
        if (byte < 0)
            return false;
        if (byte == a || byte == b)
            return true;
    }
    return true;
}

static bool length(const struct checked *c, vm_va va, uint64_t *n)
{
    return span(c, va, UINT64_MAX, 0, 0, n);
}

/* The function reads these, and what it does depends on them. */
static void reads(const struct checked *c, vm_va va, uint64_t bytes)
{
    vm_check_touch(c, va, bytes, VM_READ);
    vm_check_use_bytes(c, HEAP_USE_BRANCH, va, bytes);
}

static bool move_piece(const struct checked *c, vm_va to, vm_va from, uint64_t bytes)
{
    uint8_t buffer[SHADOW_PAGE];
    return vm_user_read(c->k, c->t, buffer, from, bytes) == 0 &&
           vm_user_write(c->k, c->t, to, buffer, bytes) == 0;
}

bool vm_check_move(const struct checked *c, vm_va to, vm_va from, uint64_t bytes)
{
    bool upwards = to > from;
    for (uint64_t done = 0, n; done < bytes; done += n) {
        n = bytes - done < SHADOW_PAGE ? bytes - done : SHADOW_PAGE;
        uint64_t at = upwards ? bytes - done - n : done;
        if (!move_piece(c, to + at, from + at, n))
            return false;
    }
    vm_shadow_move(c->space->shadow, to, from, bytes);
    return true;
}

static bool copy(const struct checked *c, vm_va to, vm_va from, uint64_t bytes)
{
    vm_check_touch(c, from, bytes, VM_READ);
    vm_check_touch(c, to, bytes, VM_WRITE);
    return vm_check_move(c, to, from, bytes);
}

/* A string of n bytes goes to `to`, with a zero behind it. */
static bool copy_string(const struct checked *c, vm_va to, vm_va from, uint64_t n)
{
    const uint8_t zero = 0;
    vm_check_touch(c, to, n + 1, VM_WRITE);
    if (!vm_check_move(c, to, from, n) || vm_user_write(c->k, c->t, to + n, &zero, 1))
        return false;
    vm_shadow_define(c->space->shadow, to + n, 1);
    return true;
}

static void use_arguments(const struct checked *c, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        vm_check_use_register(c, HEAP_USE_ARGUMENT, 10 + i);
}

/* ---- how long, and where ---- */

static bool serve_strlen(const struct checked *c)
{
    uint64_t n;
    use_arguments(c, 1);
    if (!length(c, A(0), &n))
        return false;
    reads(c, A(0), n + 1);
    A(0) = n;
    return true;
}

static bool serve_strnlen(const struct checked *c)
{
    uint64_t n;
    use_arguments(c, 2);
    if (!span(c, A(0), A(1), 0, 0, &n))
        return false;
    reads(c, A(0), n < A(1) ? n + 1 : n);
    A(0) = n;
    return true;
}

/* The first byte that is wanted, or the string's end. */
static bool find_in_string(const struct checked *c, vm_va *at, bool *found)
{
    uint64_t n;
    struct window w = {0};
    use_arguments(c, 2);
    if (!span(c, A(0), UINT64_MAX, 0, (uint8_t)A(1), &n))
        return false;
    reads(c, A(0), n + 1);
    *at = A(0) + n;
    *found = byte_at(c, &w, *at) == (uint8_t)A(1);
    return true;
}

static bool serve_strchr(const struct checked *c)
{
    vm_va at;
    bool found;
    if (!find_in_string(c, &at, &found))
        return false;
    A(0) = found ? at : 0;
    return true;
}

static bool serve_strchrnul(const struct checked *c)
{
    vm_va at;
    bool found;
    if (!find_in_string(c, &at, &found))
        return false;
    A(0) = at;
    return true;
}

/* The last of `bytes` bytes that is `wanted`: *at; 0: none is. False: they cannot be had. */
static bool find_last(const struct checked *c, vm_va va, uint64_t bytes, uint8_t wanted, vm_va *at)
{
    struct window w = {0};
    int byte = 0;
    *at = 0;
    while (bytes > 0 && !*at && byte >= 0) {
        byte = byte_at(c, &w, va + --bytes);
        *at = byte == wanted ? va + bytes : 0;
    }
    return byte >= 0;
}

static bool serve_strrchr(const struct checked *c)
{
    uint64_t n;
    use_arguments(c, 2);
    if (!length(c, A(0), &n))
        return false;
    reads(c, A(0), n + 1);
    vm_va at;
    if (!find_last(c, A(0), n + 1, (uint8_t)A(1), &at))
        return false;
    A(0) = at;
    return true;
}

static bool serve_memchr(const struct checked *c)
{
    uint64_t n;
    use_arguments(c, 3);
    if (!span(c, A(0), A(2), (uint8_t)A(1), (uint8_t)A(1), &n))
        return false;
    reads(c, A(0), n < A(2) ? n + 1 : n);
    A(0) = n < A(2) ? A(0) + n : 0;
    return true;
}

static bool serve_rawmemchr(const struct checked *c)
{
    A(2) = UINT64_MAX;
    c->known->x[12] = (struct undefined_register){0};
    return serve_memchr(c);
}

static bool serve_memrchr(const struct checked *c)
{
    vm_va at;
    use_arguments(c, 3);
    if (!find_last(c, A(0), A(2), (uint8_t)A(1), &at))
        return false;
    vm_va from = at ? at : A(0);
    reads(c, from, A(0) + A(2) - from);
    A(0) = at;
    return true;
}

/* The bytes at a1, up to the zero, which ends every span, are in the set. */
static bool read_set(const struct checked *c, bool set[256])
{
    uint64_t n;
    struct window w = {0};
    if (!length(c, A(1), &n))
        return false;
    reads(c, A(1), n + 1);
    memset(set, 0, 256 * sizeof *set);
    for (uint64_t i = 0; i < n; i++)
        set[byte_at(c, &w, A(1) + i) & 255] = true;
    return true;
}

/* How many bytes of the string at a0 stand before its end, or the first that
 * belongs otherwise. */
enum belongs { NOT_IN_SET, IN_SET };
static bool span_of(const struct checked *c, enum belongs while_it, uint64_t *n, bool *at_end)
{
    bool set[256];
    struct window w = {0};
    use_arguments(c, 2);
    if (!read_set(c, set))
        return false;
    for (*n = 0;; ++*n) {
        int byte = byte_at(c, &w, A(0) + *n);
        *at_end = byte == 0;
        if (byte < 0)
            return false;
        if (*at_end || set[byte] != (while_it == IN_SET))
            break;
    }
    reads(c, A(0), *n + 1);
    return true;
}

static bool serve_strspn(const struct checked *c)
{
    uint64_t n;
    bool at_end;
    if (!span_of(c, IN_SET, &n, &at_end))
        return false;
    A(0) = n;
    return true;
}

static bool serve_strcspn(const struct checked *c)
{
    uint64_t n;
    bool at_end;
    if (!span_of(c, NOT_IN_SET, &n, &at_end))
        return false;
    A(0) = n;
    return true;
}

static bool serve_strpbrk(const struct checked *c)
{
    uint64_t n;
    bool at_end;
    if (!span_of(c, NOT_IN_SET, &n, &at_end))
        return false;
    A(0) = at_end ? 0 : A(0) + n;
    return true;
}

/* ---- comparing ---- */

/* Up to `most` bytes, and not beyond a zero where `ends`; *n is how many were looked at. */
enum compared { BYTES, STRINGS };
static bool compare(const struct checked *c, uint64_t most, enum compared what, uint64_t *n,
                    int *result)
{
    struct window first = {0}, second = {0};
    *result = 0;
    for (*n = 0; *n < most;) {
        int a = byte_at(c, &first, A(0) + *n), b = byte_at(c, &second, A(1) + *n);
        if (a < 0 || b < 0)
            return false;
        ++*n;
        *result = a - b;
        if (a != b || (what == STRINGS && !a))
            return true;
    }
    return true;
}

static bool compare_strings(const struct checked *c, uint64_t most)
{
    uint64_t n;
    int result;
    if (!compare(c, most, STRINGS, &n, &result))
        return false;
    reads(c, A(0), n);
    reads(c, A(1), n);
    A(0) = (uint64_t)(int64_t)result;
    return true;
}

static bool serve_strcmp(const struct checked *c)
{
    use_arguments(c, 2);
    return compare_strings(c, UINT64_MAX);
}

static bool serve_strncmp(const struct checked *c)
{
    use_arguments(c, 3);
    return compare_strings(c, A(2));
}

/* All bytes of both are to be there; the answer depends on those up to the first difference. */
static bool serve_memcmp(const struct checked *c)
{
    uint64_t n;
    int result;
    use_arguments(c, 3);
    if (!compare(c, A(2), BYTES, &n, &result))
        return false;
    for (unsigned i = 0; i < 2; i++) {
        vm_check_touch(c, A(i), A(2), VM_READ);
        vm_check_use_bytes(c, HEAP_USE_BRANCH, A(i), n);
    }
    A(0) = (uint64_t)(int64_t)result;
    return true;
}

/* ---- copying ---- */

static bool serve_memcpy(const struct checked *c)
{
    use_arguments(c, 3);
    return copy(c, A(0), A(1), A(2));
}

static bool serve_mempcpy(const struct checked *c)
{
    if (!serve_memcpy(c))
        return false;
    A(0) += A(2);
    return true;
}

static bool serve_memset(const struct checked *c)
{
    uint8_t buffer[SHADOW_PAGE];
    struct undefined_register value = c->known->x[11];
    uint64_t n;
    vm_check_use_register(c, HEAP_USE_ARGUMENT, 10);
    vm_check_use_register(c, HEAP_USE_ARGUMENT, 12);
    vm_check_touch(c, A(0), A(2), VM_WRITE);
    memset(buffer, (uint8_t)A(1), sizeof buffer);
    for (uint64_t done = 0; done < A(2); done += n) {
        n = A(2) - done < sizeof buffer ? A(2) - done : sizeof buffer;
        if (vm_user_write(c->k, c->t, A(0) + done, buffer, n))
            return false;
    }
    vm_shadow_define(c->space->shadow, A(0), A(2));
    for (uint64_t i = 0; (uint8_t)value.bits && i < A(2); i++)
        vm_shadow_store(c->space->shadow, A(0) + i, 1, (uint8_t)value.bits, value.origin);
    return true;
}

/* The string at a1 to a0 + at. */
static bool append(const struct checked *c, uint64_t at, uint64_t most, uint64_t *n)
{
    if (!span(c, A(1), most, 0, 0, n))
        return false;
    reads(c, A(1), *n < most ? *n + 1 : *n);
    return copy_string(c, A(0) + at, A(1), *n);
}

static bool serve_strcpy(const struct checked *c)
{
    uint64_t n;
    use_arguments(c, 2);
    return append(c, 0, UINT64_MAX, &n);
}

static bool serve_stpcpy(const struct checked *c)
{
    uint64_t n;
    use_arguments(c, 2);
    if (!append(c, 0, UINT64_MAX, &n))
        return false;
    A(0) += n;
    return true;
}

static bool serve_strcat(const struct checked *c)
{
    uint64_t at, n;
    use_arguments(c, 2);
    if (!length(c, A(0), &at))
        return false;
    reads(c, A(0), at + 1);
    return append(c, at, UINT64_MAX, &n);
}

static bool serve_strncat(const struct checked *c)
{
    uint64_t at, n;
    use_arguments(c, 3);
    if (!length(c, A(0), &at))
        return false;
    reads(c, A(0), at + 1);
    return append(c, at, A(2), &n);
}

/* At most a2 bytes of the string at a1, and zeros up to so many; *n is its length. */
static bool copy_padded(const struct checked *c, uint64_t *n)
{
    const uint8_t zero = 0;
    use_arguments(c, 3);
    if (!span(c, A(1), A(2), 0, 0, n))
        return false;
    reads(c, A(1), *n < A(2) ? *n + 1 : *n);
    vm_check_touch(c, A(0), A(2), VM_WRITE);
    if (!vm_check_move(c, A(0), A(1), *n))
        return false;
    for (uint64_t i = *n; i < A(2); i++)
        if (vm_user_write(c->k, c->t, A(0) + i, &zero, 1))
            return false;
    vm_shadow_define(c->space->shadow, A(0) + *n, A(2) - *n);
    return true;
}

static bool serve_strncpy(const struct checked *c)
{
    uint64_t n;
    return copy_padded(c, &n);
}

static bool serve_stpncpy(const struct checked *c)
{
    uint64_t n;
    if (!copy_padded(c, &n))
        return false;
    A(0) += n;
    return true;
}

const struct served *vm_check_served_string(size_t i)
{
    static const struct served all[] = {
        {"strlen", serve_strlen},       {"strnlen", serve_strnlen}, {"strchr", serve_strchr},
        {"strchrnul", serve_strchrnul}, {"strrchr", serve_strrchr}, {"memchr", serve_memchr},
        {"rawmemchr", serve_rawmemchr}, {"memrchr", serve_memrchr}, {"strcmp", serve_strcmp},
        {"strncmp", serve_strncmp},     {"memcmp", serve_memcmp},   {"bcmp", serve_memcmp},
        {"memcpy", serve_memcpy},       {"memmove", serve_memcpy},  {"mempcpy", serve_mempcpy},
        {"memset", serve_memset},       {"strcpy", serve_strcpy},   {"stpcpy", serve_stpcpy},
        {"strcat", serve_strcat},       {"strncat", serve_strncat}, {"strncpy", serve_strncpy},
        {"stpncpy", serve_stpncpy},     {"strspn", serve_strspn},   {"strcspn", serve_strcspn},
        {"strpbrk", serve_strpbrk},
    };
    return i < sizeof all / sizeof all[0] ? &all[i] : NULL;
}
