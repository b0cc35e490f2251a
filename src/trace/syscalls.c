/* syscalls.c - see syscalls.h. */
#include "trace/syscalls.h"
#include "trace/text.h"

#include <string.h>

enum call_kind {
    CALL_NONE,
    CALL_BRK,
    CALL_MMAP,
    CALL_MUNMAP,
    CALL_MPROTECT,
    CALL_MADVISE,
    CALL_MREMAP,
    CALL_EXECVE
};

/* What the calls of Linux mean by their numbers (the generic values of <sys/mman.h>; written out,
 * since a trace of Linux is read on any host). */
enum {
    LINUX_MAP_SHARED = 1, /* MAP_SHARED_VALIDATE has the bit, too; MAP_PRIVATE is 2 */
    LINUX_MAP_ANONYMOUS = 0x20,
    LINUX_MREMAP_DONTUNMAP = 4
};
enum { LINUX_PAGE_BYTES = 4096 };

static bool page_up(uint64_t bytes, uint64_t *out)
{
    *out = (bytes + LINUX_PAGE_BYTES - 1) & ~(uint64_t)(LINUX_PAGE_BYTES - 1);
    return *out >= bytes;
}

/* Whether [va, va + bytes) is a range, whatever the log claims. */
static bool is_range(vm_va va, uint64_t bytes)
{
    return bytes && va + bytes > va;
}

static bool emit_map(struct vm_syscalls *s, struct vm_area area, struct vm_batch_builder *out,
                     struct vm_error *e)
{
    vm_builder_event(out, (struct vm_event){.kind = VM_EVENT_MAP,
                                            .prot = area.prot,
                                            .detail = area.backing,
                                            .va = area.start,
                                            .bytes = area.end - area.start});
    return vm_areas_map(&s->areas, area, e);
}

static bool emit_unmap(struct vm_syscalls *s, vm_va start, vm_va end, struct vm_batch_builder *out,
                       struct vm_error *e)
{
    vm_builder_event(out,
                     (struct vm_event){.kind = VM_EVENT_UNMAP, .va = start, .bytes = end - start});
    return vm_areas_unmap(&s->areas, start, end, e);
}

static bool apply_brk(struct vm_syscalls *s, uint64_t result, struct vm_batch_builder *out,
                      struct vm_error *e)
{
    uint64_t before, after;
    bool known = s->brk && page_up(s->brk, &before) && page_up(result, &after);
    s->brk = result;
    if (!known || before == after)
        return true;
    if (after < before)
        return emit_unmap(s, after, before, out, e);
    return emit_map(
        s, (struct vm_area){before, after, VM_PROT_READ | VM_PROT_WRITE, VM_BACKING_ANON}, out, e);
}

/* Anonymous memory goes to swap, shared or not; children, who could share it, are not recorded. */
static uint8_t backing_of(uint64_t flags)
{
    if (flags & LINUX_MAP_ANONYMOUS)
        return VM_BACKING_ANON;
    return flags & LINUX_MAP_SHARED ? VM_BACKING_SHARED : VM_BACKING_FILE;
}

static bool apply_mmap(struct vm_syscalls *s, const uint64_t *arg, uint64_t result,
                       struct vm_batch_builder *out, struct vm_error *e)
{
    uint64_t bytes;
    if (!page_up(arg[1], &bytes) || !is_range(result, bytes))
        return true;
    struct vm_area area = {.start = result,
                           .end = result + bytes,
                           .prot = arg[2] & VM_PROT_ALL,
                           .backing = backing_of(arg[3])};
    return emit_map(s, area, out, e);
}

static bool apply_munmap(struct vm_syscalls *s, const uint64_t *arg, struct vm_batch_builder *out,
                         struct vm_error *e)
{
    uint64_t bytes;
    if (!page_up(arg[1], &bytes) || !is_range(arg[0], bytes))
        return true;
    return emit_unmap(s, arg[0], arg[0] + bytes, out, e);
}

static bool apply_mprotect(struct vm_syscalls *s, const uint64_t *arg, struct vm_batch_builder *out,
                           struct vm_error *e)
{
    uint64_t bytes;
    uint8_t prot = arg[2] & VM_PROT_ALL;
    if (!page_up(arg[1], &bytes) || !is_range(arg[0], bytes))
        return true;
    vm_builder_event(
        out,
        (struct vm_event){.kind = VM_EVENT_PROTECT, .prot = prot, .va = arg[0], .bytes = bytes});
    return vm_areas_protect(&s->areas, arg[0], arg[0] + bytes, prot, e);
}

static uint8_t advice_of(uint64_t number)
{
    static const uint8_t advice[] = {
        [0] = VM_ADVICE_NORMAL,   [1] = VM_ADVICE_RANDOM,   [2] = VM_ADVICE_SEQUENTIAL,
        [3] = VM_ADVICE_WILLNEED, [4] = VM_ADVICE_DONTNEED, [5] = VM_ADVICE_OTHER,
        [6] = VM_ADVICE_OTHER,    [7] = VM_ADVICE_OTHER,    [8] = VM_ADVICE_FREE};
    return number < sizeof advice ? advice[number] : VM_ADVICE_OTHER;
}

static bool apply_madvise(const uint64_t *arg, struct vm_batch_builder *out)
{
    uint64_t bytes;
    if (page_up(arg[1], &bytes) && is_range(arg[0], bytes))
        vm_builder_event(out, (struct vm_event){.kind = VM_EVENT_ADVISE,
                                                .detail = advice_of(arg[2]),
                                                .va = arg[0],
                                                .bytes = bytes});
    return true;
}

/* In place an area grows or shrinks at its end; moved, it goes and comes elsewhere, as far as a
 * stream of events can say: that its pages keep their contents is lost. */
static bool apply_mremap(struct vm_syscalls *s, const uint64_t *arg, uint64_t result,
                         struct vm_batch_builder *out, struct vm_error *e)
{
    vm_va old = arg[0];
    uint64_t before, after;
    /* An old size of 0 duplicates a shared mapping. */
    if (!page_up(arg[1], &before) || !page_up(arg[2], &after) || old + before < old ||
        !is_range(result, after))
        return true;
    const struct vm_area *found = vm_areas_find(&s->areas, old);
    struct vm_area area = {result, result + after, VM_PROT_READ | VM_PROT_WRITE,
                           VM_BACKING_UNKNOWN};
    if (found) {
        area.prot = found->prot;
        area.backing = found->backing;
    }
    if (result == old) {
        if (after < before)
            return emit_unmap(s, old + after, old + before, out, e);
        area.start = old + before;
        return after == before || emit_map(s, area, out, e);
    }
    bool stays = before == 0 || (arg[3] & LINUX_MREMAP_DONTUNMAP);
    return (stays || emit_unmap(s, old, old + before, out, e)) && emit_map(s, area, out, e);
}

static bool apply(struct vm_syscalls *s, const struct vm_call *call, uint64_t result,
                  struct vm_batch_builder *out, struct vm_error *e)
{
    switch ((enum call_kind)call->kind) {
    case CALL_BRK:
        return apply_brk(s, result, out, e);
    case CALL_MMAP:
        return apply_mmap(s, call->arg, result, out, e);
    case CALL_MUNMAP:
        return apply_munmap(s, call->arg, out, e);
    case CALL_MPROTECT:
        return apply_mprotect(s, call->arg, out, e);
    case CALL_MADVISE:
        return apply_madvise(call->arg, out);
    case CALL_MREMAP:
        return apply_mremap(s, call->arg, result, out, e);
    case CALL_EXECVE: /* succeeds without an answer: see read_call */
    case CALL_NONE:
        return true;
    }
    return true;
}

static bool begins(const uint8_t *p, const uint8_t *end, const char *word)
{
    size_t n = strlen(word);
    return (size_t)(end - p) >= n && !memcmp(p, word, n);
}

/* Past the first `word` in [p, end), or NULL. */
static const uint8_t *past(const uint8_t *p, const uint8_t *end, const char *word)
{
    size_t n = strlen(word);
    const uint8_t *at = memmem(p, (size_t)(end - p), word, n);
    return at ? at + n : NULL;
}

/* "sys_mmap ( 0x0, 8192, 0x40(/a/path), 3 )": past the ")", or NULL where it is none of the calls
 * that matter. A path may hold anything but is no argument of those, execve's excepted. */
static const uint8_t *parse_call(const uint8_t *p, const uint8_t *end, struct vm_call *call)
{
    static const struct {
        const char *name;
        uint8_t kind;
    } calls[] = {
        {"sys_brk (", CALL_BRK},           {"sys_mmap (", CALL_MMAP},
        {"sys_mmap2 (", CALL_MMAP},        {"sys_munmap (", CALL_MUNMAP},
        {"sys_mprotect (", CALL_MPROTECT}, {"sys_madvise (", CALL_MADVISE},
        {"sys_mremap (", CALL_MREMAP},     {"sys_execve (", CALL_EXECVE},
    };
    *call = (struct vm_call){0};
    for (size_t i = 0; i < sizeof calls / sizeof calls[0] && !call->kind; i++)
        if (begins(p, end, calls[i].name)) {
            call->kind = calls[i].kind;
            p += strlen(calls[i].name);
        }
    if (call->kind == CALL_NONE || call->kind == CALL_EXECVE)
        return call->kind ? p : NULL;
    for (size_t i = 0; i < VM_CALL_ARGS; i++) {
        p = vm_text_number(vm_text_blanks(p), &call->arg[i]);
        if (!p || *p != ',')
            break;
        p++;
    }
    p = p ? vm_text_blanks(p) : NULL;
    return p && *p == ')' ? p + 1 : NULL;
}

/* "Success(0x4835000) ": past it and its blank, with the result; NULL where there is none. */
static const uint8_t *parse_result(const uint8_t *p, const uint8_t *end, uint64_t *result,
                                   bool *success)
{
    p = past(p, end, "--> ");
    if (p && *p == '[') /* "[pre-success] " */
        p = past(p, end, "] ");
    if (!p)
        return NULL;
    *success = begins(p, end, "Success(");
    if (!*success && !begins(p, end, "Failure("))
        return NULL;
    p = vm_text_hex(p + strlen("Success("), result);
    return p && *p == ')' ? p + 1 + (p[1] == ' ') : NULL;
}

/* "SYSCALL[5618,1](9) ": past it, with the thread's number. */
static const uint8_t *parse_prefix(const uint8_t *p, const uint8_t *end, uint64_t *thread)
{
    uint64_t ignored;
    p = vm_text_decimal(p + strlen("SYSCALL["), &ignored);
    if (!p || *p != ',' || !(p = vm_text_decimal(p + 1, thread)) || !begins(p, end, "]("))
        return NULL;
    p = vm_text_decimal(p + 2, &ignored);
    return p && begins(p, end, ") ") ? p + 2 : NULL;
}

const uint8_t *vm_syscalls_read(struct vm_syscalls *s, const uint8_t *line, const uint8_t *end,
                                struct vm_batch_builder *out, struct vm_error *e)
{
    uint64_t thread, result;
    bool success;
    const uint8_t *p = parse_prefix(line, end, &thread);
    if (!p)
        return end;
    struct vm_call ignored = {0};
    struct vm_call *call = thread < VM_CALL_THREADS ? &s->pending[thread] : &ignored;
    const uint8_t *after = p;
    if (!begins(p, end, "... ")) {
        after = parse_call(p, end, call);
        after = after ? after : p;
    }
    const uint8_t *rest = parse_result(after, end, &result, &success);
    if (!rest) {
        if (call->kind == CALL_EXECVE && past(after, end, "== Lackey")) {
            vm_builder_event(out, (struct vm_event){.kind = VM_EVENT_EXEC});
            vm_syscalls_close(s);
        }
        return end; /* unanswered: it stays pending */
    }
    bool good = !success || apply(s, call, result, out, e);
    call->kind = CALL_NONE;
    return good ? rest : NULL;
}

void vm_syscalls_close(struct vm_syscalls *s)
{
    vm_areas_close(&s->areas);
    *s = (struct vm_syscalls){0};
}
