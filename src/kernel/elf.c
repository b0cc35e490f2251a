/* elf.c - a program file becomes an address space.
 *
 *   segments     mappings of the file, private: their pages come when they are touched
 *   the rest     of a segment that is longer in memory than in the file: zeros
 *   shared pages where the file's segments were laid out for smaller pages than the machine's: all
 *                of them are the process's own memory, into which they are read, and a page has
 *                every right that one of its segments has
 *   stack        the strings, the auxiliary vector, envp, argv, argc (psABI; System V ABI, 3.4)
 *   trampoline   one page with the instructions that return from a signal's handler
 *
 * Static programs only, at fixed addresses or position-independent. The file is not to be trusted:
 * every number in it is checked against the file and the address space before it is used.
 *
 * Source: System V ABI, chapters 4 and 5; RISC-V ELF psABI 1.0.
 */
#include "base/assert.h"
#include "kernel/kernel.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

#define SEGMENTS_MAX 64
#define STRINGS_MAX  (UINT64_C(128) << 10)
#define STACK_BEGINS (UINT64_C(128) << 10)
#define HWCAP_IMAFDC                                                                               \
    (1 << ('i' - 'a') | 1 << ('m' - 'a') | 1 << 0 | 1 << ('f' - 'a') | 1 << ('d' - 'a') |          \
     1 << ('c' - 'a'))
#define CLOCK_TICKS_A_SECOND 100
#define SEGMENT_ALIGN        (UINT64_C(1) << VM_RV64_PAGE_SHIFT) /* the least that a linker gives */

static vm_va page_down(const struct kernel *k, vm_va va)
{
    return va & ~(vm_page_bytes(k) - 1);
}

/* ---- the file ---- */

struct image {
    Elf64_Ehdr head;
    Elf64_Phdr segment[SEGMENTS_MAX];
    vm_va base; /* added to every address of the file */
};

static bool refuse(struct vm_error *e, const char *name, const char *what)
{
    return vm_fail(e, VM_EINPUT, "%s: %s", name, what);
}

static bool check_head(const Elf64_Ehdr *h, int64_t got, const char *name, struct vm_error *e)
{
    if (got < (int64_t)sizeof *h || memcmp(h->e_ident, ELFMAG, SELFMAG) != 0)
        return refuse(e, name, "not an ELF file: expected a static program for rv64gc Linux");
    if (h->e_ident[EI_CLASS] != ELFCLASS64 || h->e_ident[EI_DATA] != ELFDATA2LSB ||
        h->e_machine != EM_RISCV)
        return vm_fail(e, VM_EINPUT,
                       "%s: a program for another architecture (ELF machine %u, %s bits): expected "
                       "64-bit RISC-V (243)",
                       name, h->e_machine, h->e_ident[EI_CLASS] == ELFCLASS64 ? "64" : "32");
    if (h->e_type != ET_EXEC && h->e_type != ET_DYN)
        return vm_fail(e, VM_EINPUT, "%s: an ELF file of type %u: expected a program (2 or 3)",
                       name, h->e_type);
    if (h->e_phentsize != sizeof(Elf64_Phdr) || h->e_phnum == 0 || h->e_phnum > SEGMENTS_MAX)
        return vm_fail(e, VM_EINPUT, "%s: %u segments of %u bytes: expected 1 to %u of %zu", name,
                       h->e_phnum, h->e_phentsize, SEGMENTS_MAX, sizeof(Elf64_Phdr));
    return true;
}

static bool check_segment(const struct kernel *k, const Elf64_Phdr *p, unsigned i, uint64_t size,
                          const char *name, struct vm_error *e)
{
    if (p->p_type == PT_INTERP) {
        refuse(e, name, "a dynamically linked program: expected a static one");
        vm_hint(e, "link it with -static");
        return false;
    }
    if (p->p_type != PT_LOAD)
        return true;
    if (p->p_filesz > p->p_memsz || p->p_offset > size || p->p_filesz > size - p->p_offset)
        return vm_fail(e, VM_EINPUT,
                       "%s: segment %u is %llu bytes from %llu on, of a file of %llu: the file is "
                       "truncated, or no program",
                       name, i, (unsigned long long)p->p_filesz, (unsigned long long)p->p_offset,
                       (unsigned long long)size);
    if (p->p_vaddr >= k->user_end || p->p_memsz > k->user_end - p->p_vaddr ||
        (p->p_vaddr - p->p_offset) % SEGMENT_ALIGN)
        return vm_fail(e, VM_EINPUT,
                       "%s: segment %u lies at 0x%llx: expected addresses below 0x%llx that differ "
                       "from its offset by whole pages of %llu bytes",
                       name, i, (unsigned long long)p->p_vaddr, (unsigned long long)k->user_end,
                       (unsigned long long)SEGMENT_ALIGN);
    return true;
}

/* The entry is in a segment that may be executed. */
static bool check_entry(const struct image *im, const char *name, struct vm_error *e)
{
    for (unsigned i = 0; i < im->head.e_phnum; i++) {
        const Elf64_Phdr *p = &im->segment[i];
        if (p->p_type == PT_LOAD && (p->p_flags & PF_X) && im->head.e_entry >= p->p_vaddr &&
            im->head.e_entry - p->p_vaddr < p->p_memsz)
            return true;
    }
    return vm_fail(e, VM_EINPUT, "%s: its entry 0x%llx is in no segment that can be executed", name,
                   (unsigned long long)im->head.e_entry);
}

static bool read_image(struct kernel *k, struct inode *inode, const char *name, struct image *im,
                       struct vm_error *e)
{
    int64_t got = vm_inode_read(k, inode, 0, &im->head, sizeof im->head);
    if (!check_head(&im->head, got, name, e))
        return false;
    uint64_t bytes = im->head.e_phnum * sizeof im->segment[0];
    if (vm_inode_read(k, inode, im->head.e_phoff, im->segment, bytes) != (int64_t)bytes)
        return refuse(e, name, "its table of segments lies behind its end: the file is truncated");
    for (unsigned i = 0; i < im->head.e_phnum; i++)
        if (!check_segment(k, &im->segment[i], i, inode->size, name, e))
            return false;
    im->base = im->head.e_type == ET_DYN ? page_down(k, k->user_end / 3) : 0;
    return check_entry(im, name, e);
}

int64_t vm_elf_check(struct kernel *k, struct inode *inode, const char *name, struct vm_error *e)
{
    struct image im;
    struct vm_error unheard;
    return read_image(k, inode, name, &im, e ? e : &unheard) ? 0 : -ENOEXEC;
}

/* ---- segments ---- */

static unsigned prot_of(const Elf64_Phdr *p)
{
    return (p->p_flags & PF_R ? VM_PROT_READ : 0) | (p->p_flags & PF_W ? VM_PROT_WRITE : 0) |
           (p->p_flags & PF_X ? VM_PROT_FETCH : 0);
}

/* What the segment has behind its bytes of the file: the rest of their last page, and pages. */
static int64_t zero_rest(struct kernel *k, struct thread *t, const Elf64_Phdr *p, vm_va start)
{
    vm_va file_end = start + p->p_filesz, end = start + p->p_memsz;
    vm_va whole = p->p_filesz ? vm_page_up(k, file_end) : page_down(k, start);
    int64_t error = 0;
    if (p->p_filesz && (p->p_flags & PF_W) && file_end < whole)
        error = vm_user_zero(k, t, file_end, (end < whole ? end : whole) - file_end);
    if (!error && end > whole)
        error = vm_space_map(k, t->space, whole, vm_page_up(k, end) - whole, prot_of(p), false,
                             NULL, 0);
    return error;
}

static int64_t map_segment(struct kernel *k, struct thread *t, struct inode *inode,
                           const struct image *im, const Elf64_Phdr *p)
{
    vm_va start = im->base + p->p_vaddr, first = page_down(k, start);
    vm_va end = vm_page_up(k, start + p->p_filesz);
    int64_t error = 0;
    if (p->p_memsz == 0)
        return 0;
    if (p->p_filesz)
        error = vm_space_map(k, t->space, first, end - first, prot_of(p), false, inode,
                             (p->p_offset - (start - first)) >> k->parts.page_shift);
    if (!error && p->p_memsz > p->p_filesz)
        error = zero_rest(k, t, p, start);
    vm_va heap = vm_page_up(k, start + p->p_memsz);
    if (heap > t->space->brk_first)
        t->space->brk_first = t->space->brk = heap;
    return error;
}

/* ---- segments that share pages ---- */

/* The pages of the machine that a segment lies in: [first, end); none: a segment of no bytes. */
struct pages {
    vm_va first, end;
};

static struct pages pages_of(const struct kernel *k, const struct image *im, const Elf64_Phdr *p)
{
    vm_va start = im->base + p->p_vaddr;
    bool has = p->p_type == PT_LOAD && p->p_memsz > 0;
    return has ? (struct pages){page_down(k, start), vm_page_up(k, start + p->p_memsz)}
               : (struct pages){0, 0};
}

static bool shares_pages(const struct kernel *k, const struct image *im)
{
    for (unsigned i = 0; i < im->head.e_phnum; i++) {
        const Elf64_Phdr *p = &im->segment[i];
        struct pages a = pages_of(k, im, p);
        if (a.end && (p->p_vaddr - p->p_offset) % vm_page_bytes(k))
            return true;
        for (unsigned j = 0; j < i; j++) {
            struct pages b = pages_of(k, im, &im->segment[j]);
            if (a.first < b.end && b.first < a.end)
                return true;
        }
    }
    return false;
}

/* Pages that no segment before has brought. */
static int64_t map_own(struct kernel *k, struct thread *t, struct pages pages)
{
    int64_t error = 0;
    for (vm_va va = pages.first; va < pages.end && !error; va += vm_page_bytes(k))
        if (vm_space_is_free(k, t->space, va, vm_page_bytes(k)))
            error = vm_space_map(k, t->space, va, vm_page_bytes(k), VM_PROT_READ | VM_PROT_WRITE,
                                 false, NULL, 0);
    return error;
}

static int64_t read_segment(struct kernel *k, struct thread *t, struct inode *inode, vm_va va,
                            const Elf64_Phdr *p)
{
    uint8_t piece[4096];
    for (uint64_t done = 0, n; done < p->p_filesz; done += n) {
        n = p->p_filesz - done < sizeof piece ? p->p_filesz - done : sizeof piece;
        int64_t got = vm_inode_read(k, inode, p->p_offset + done, piece, n);
        if (got != (int64_t)n || vm_user_write(k, t, va + done, piece, n))
            return got < 0 ? got : -ENOMEM;
    }
    return 0;
}

/* The rights of all segments that have bytes in the page at `va`. */
static unsigned rights_at(const struct kernel *k, const struct image *im, vm_va va)
{
    unsigned rights = 0;
    for (unsigned i = 0; i < im->head.e_phnum; i++) {
        struct pages pages = pages_of(k, im, &im->segment[i]);
        if (va >= pages.first && va < pages.end)
            rights |= prot_of(&im->segment[i]);
    }
    return rights;
}

static int64_t copy_segments(struct kernel *k, struct thread *t, struct inode *inode,
                             const struct image *im)
{
    struct pages all[SEGMENTS_MAX];
    int64_t error = 0;
    for (unsigned i = 0; i < im->head.e_phnum && !error; i++) {
        const Elf64_Phdr *p = &im->segment[i];
        all[i] = pages_of(k, im, p);
        error = map_own(k, t, all[i]);
        if (!error && all[i].end)
            error = read_segment(k, t, inode, im->base + p->p_vaddr, p);
    }
    for (unsigned i = 0; i < im->head.e_phnum && !error; i++) {
        for (vm_va va = all[i].first; va < all[i].end && !error; va += vm_page_bytes(k))
            error = vm_space_protect(k, t->space, va, vm_page_bytes(k), rights_at(k, im, va));
        if (all[i].end > t->space->brk_first)
            t->space->brk_first = t->space->brk = all[i].end;
    }
    return error;
}

static int64_t map_segments(struct kernel *k, struct thread *t, struct inode *inode,
                            const struct image *im)
{
    int64_t error = 0;
    for (unsigned i = 0; i < im->head.e_phnum && !error; i++)
        if (im->segment[i].p_type == PT_LOAD)
            error = map_segment(k, t, inode, im, &im->segment[i]);
    return error;
}

/* ---- the stack ---- */

/* Strings go down from the top; what points to them after. */
struct stack {
    struct kernel *k;
    struct thread *t;
    vm_va sp;
    int64_t error;
};

static vm_va push(struct stack *s, const void *bytes, uint64_t n)
{
    s->sp -= n;
    if (!s->error)
        s->error = vm_user_write(s->k, s->t, s->sp, bytes, n);
    return s->sp;
}

static void push_strings(struct stack *s, const struct strings *from, vm_va *at)
{
    for (size_t i = from->n; i-- > 0;)
        at[i] = push(s, from->text[i], strlen(from->text[i]) + 1);
}

struct tables {
    uint64_t word[2 * 24];
    size_t n;
};

static void note(struct tables *a, uint64_t type, uint64_t value)
{
    VM_ASSERT(a->n + 2 <= sizeof a->word / sizeof a->word[0]);
    a->word[a->n++] = type;
    a->word[a->n++] = value;
}

/* Where the table of segments is in memory; 0: nowhere. */
static vm_va headers_at(const struct image *im)
{
    for (unsigned i = 0; i < im->head.e_phnum; i++) {
        const Elf64_Phdr *p = &im->segment[i];
        if (p->p_type == PT_LOAD && im->head.e_phoff >= p->p_offset &&
            im->head.e_phoff - p->p_offset < p->p_filesz)
            return im->base + p->p_vaddr + (im->head.e_phoff - p->p_offset);
    }
    return 0;
}

static void auxiliary(struct kernel *k, const struct image *im, vm_va name, vm_va random,
                      struct tables *a)
{
    note(a, AT_PHDR, headers_at(im));
    note(a, AT_PHENT, sizeof(Elf64_Phdr));
    note(a, AT_PHNUM, im->head.e_phnum);
    note(a, AT_PAGESZ, vm_page_bytes(k));
    note(a, AT_BASE, 0);
    note(a, AT_FLAGS, 0);
    note(a, AT_ENTRY, im->base + im->head.e_entry);
    note(a, AT_UID, 0);
    note(a, AT_EUID, 0);
    note(a, AT_GID, 0);
    note(a, AT_EGID, 0);
    note(a, AT_SECURE, 0);
    note(a, AT_CLKTCK, CLOCK_TICKS_A_SECOND);
    note(a, AT_HWCAP, HWCAP_IMAFDC);
    note(a, AT_RANDOM, random);
    note(a, AT_EXECFN, name);
    note(a, AT_NULL, 0);
}

/* argc, argv, NULL, envp, NULL, the auxiliary vector: from sp, which is aligned to 16, upwards. */
static int64_t build_stack(struct kernel *k, struct thread *t, const struct image *im,
                           const char *name, const struct strings *argv, const struct strings *envp,
                           vm_va *sp)
{
    struct stack s = {.k = k, .t = t, .sp = t->space->stack_top};
    size_t npointers = argv->n + envp->n + 3;
    uint64_t *words = malloc((npointers + sizeof(struct tables) / 8) * sizeof *words);
    struct tables a = {.n = 0};
    if (!words)
        return -ENOMEM;
    uint64_t random[2] = {vm_kernel_random(k), vm_kernel_random(k)};
    vm_va name_at = push(&s, name, strlen(name) + 1);
    push_strings(&s, envp, words + argv->n + 2);
    push_strings(&s, argv, words + 1);
    s.sp &= ~UINT64_C(15);
    vm_va random_at = push(&s, random, sizeof random);
    words[0] = argv->n;
    words[argv->n + 1] = words[npointers - 1] = 0;
    auxiliary(k, im, name_at, random_at, &a);
    memcpy(words + npointers, a.word, a.n * sizeof a.word[0]);
    uint64_t bytes = (npointers + a.n) * sizeof words[0];
    s.sp = ((s.sp - bytes) & ~UINT64_C(15)) + bytes;
    *sp = push(&s, words, bytes);
    free(words);
    return s.error;
}

static int64_t map_stack(struct kernel *k, struct address_space *s, uint64_t needed)
{
    uint64_t bytes = vm_page_up(k, STACK_BEGINS + needed);
    vm_va trampoline = page_down(k, k->user_end - 1);
    s->stack_top = trampoline - vm_page_bytes(k);
    s->stack_low = vm_page_up(k, s->stack_top - k->c->stack_bytes);
    return vm_space_map(k, s, s->stack_top - bytes, bytes, VM_PROT_READ | VM_PROT_WRITE, false,
                        NULL, 0);
}

int64_t vm_elf_load(struct kernel *k, struct thread *t, struct inode *inode, const char *name,
                    const struct strings *argv, const struct strings *envp, struct program *out)
{
    struct image im;
    struct vm_error e;
    int64_t error;
    uint64_t needed = argv->bytes + envp->bytes + strlen(name);
    if (needed > STRINGS_MAX || needed > k->c->stack_bytes / 4)
        return -E2BIG;
    if (!read_image(k, inode, name, &im, &e))
        return -ENOEXEC;
    t->space->brk_first = t->space->brk = 0;
    error = (shares_pages(k, &im) ? copy_segments : map_segments)(k, t, inode, &im);
    if (!error)
        error = map_stack(k, t->space, needed);
    if (!error)
        error = vm_signal_map_trampoline(k, t->space);
    if (!error)
        error = build_stack(k, t, &im, name, argv, envp, &out->sp);
    out->entry = im.base + im.head.e_entry;
    out->base = im.base;
    return error;
}
