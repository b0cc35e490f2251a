/* heapcheck.c - see heapcheck.h: the checker begins and ends, and what the kernel does with spaces,
 * programs and threads becomes the shadow's.
 *
 * A program's functions are known by the symbols of its file. One whose malloc or free has no
 * symbol is run unchecked, which is counted.
 */
#include "kernel/heapcheck.h"

#include "base/assert.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- the whole ---- */

bool vm_check_open(struct kernel *k, struct vm_error *e)
{
    if (!k->c->heap)
        return true;
    k->check = calloc(1, sizeof *k->check);
    struct check_thread *thread = calloc(k->threads_max, sizeof *thread);
    if (!k->check || !thread) {
        free(thread);
        return vm_fail(e, VM_ESYSTEM, "no memory to check heaps with");
    }
    k->check->thread = thread;
    k->check->findings = k->c->heap;
    k->bus.block_insns = 1;
    return true;
}

static void close_images(struct check_image *im)
{
    for (struct check_image *next; im; im = next) {
        next = im->next;
        free(im->hook);
        free(im);
    }
}

void vm_check_close(struct kernel *k)
{
    struct heapcheck *all = k->check;
    if (!all)
        return;
    for (uint32_t i = 0; i < k->threads_max; i++)
        free(all->thread[i].call);
    free(all->thread);
    close_images(all->images);
    free(all->stack);
    free(all->stack_of);
    free(all);
    k->check = NULL;
}

bool vm_check_is_whole(struct kernel *k, struct vm_error *e)
{
    return !k->check || !k->check->starved ||
           vm_fail(e, VM_ESYSTEM, "no memory for what is known of a program's bytes");
}

/* ---- programs ---- */

/* What "malloc" may be called, too. */
static bool is_name_of(const char *symbol, const char *name)
{
    static const char *const prefix[] = {"", "__", "__libc_", "__GI_", "__GI___libc_"};
    static const char *const suffix[] = {"", "_generic", "_noalignment"};
    for (size_t i = 0; i < sizeof prefix / sizeof prefix[0]; i++) {
        size_t n = strlen(prefix[i]), length = strlen(name);
        if (strncmp(symbol, prefix[i], n) != 0 || strncmp(symbol + n, name, length) != 0)
            continue;
        for (size_t j = 0; j < sizeof suffix / sizeof suffix[0]; j++)
            if (strcmp(symbol + n + length, suffix[j]) == 0)
                return true;
    }
    return false;
}

static const struct served *served_by(const char *symbol)
{
    const struct served *s;
    for (size_t i = 0; (s = vm_check_served_heap(i)); i++)
        if (is_name_of(symbol, s->name))
            return s;
    for (size_t i = 0; (s = vm_check_served_string(i)); i++)
        if (is_name_of(symbol, s->name))
            return s;
    return NULL;
}

static bool has_hook(const struct check_image *im, const char *name)
{
    for (size_t i = 0; i < im->nhooks; i++)
        if (strcmp(im->hook[i].served->name, name) == 0)
            return true;
    return false;
}

/* Symbols come by rising address, and so do hooks. */
static bool add_hook(struct check_image *im, vm_va pc, const struct served *served)
{
    if (im->nhooks && im->hook[im->nhooks - 1].pc == pc)
        return true;
    struct hook *grown = realloc(im->hook, (im->nhooks + 1) * sizeof *grown);
    if (!grown)
        return false;
    im->hook = grown;
    im->hook[im->nhooks++] = (struct hook){pc, served};
    im->filter[pc / 2 % HOOK_FILTER_BITS / 64] |= UINT64_C(1) << pc / 2 % 64;
    return true;
}

static bool load_hooks(struct check_image *im)
{
    struct vm_symbols *symbols = vm_symbols_open(im->path);
    struct vm_symbol symbol;
    bool good = true;
    for (size_t i = 0; good && symbols && vm_symbols_get(symbols, i, &symbol); i++) {
        const struct served *served = symbol.chooses ? NULL : served_by(symbol.name);
        good = !served || add_hook(im, im->base + symbol.address, served);
    }
    vm_symbols_close(symbols);
    im->has_heap = has_hook(im, "malloc") && has_hook(im, "free");
    return good;
}

const struct served *vm_check_hook(const struct check_image *im, vm_va pc)
{
    if (!(im->filter[pc / 2 % HOOK_FILTER_BITS / 64] >> pc / 2 % 64 & 1))
        return NULL;
    for (size_t low = 0, high = im->nhooks; low < high;) {
        size_t middle = low + (high - low) / 2;
        if (im->hook[middle].pc == pc)
            return im->hook[middle].served;
        if (im->hook[middle].pc < pc)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/* Where reports find the program's file. */
static void add_module(struct heapcheck *all, const struct check_image *im)
{
    struct heap_findings *f = all->findings;
    if (f->nmodules == HEAP_FINDINGS_MODULES)
        return;
    struct request_module *m = &f->module[f->nmodules++];
    *m = (struct request_module){.end = UINT64_MAX, .bias = im->base, .image = im->number};
    memcpy(m->path, im->path, sizeof m->path);
}

static struct check_image *new_image(struct heapcheck *all, const char *path, vm_va base)
{
    struct check_image *im = calloc(1, sizeof *im);
    if (!im)
        return NULL;
    im->number = all->images ? all->images->number + 1 : 0;
    im->base = base;
    strcpy(im->path, path);
    im->next = all->images;
    all->images = im;
    all->starved = all->starved || !load_hooks(im);
    add_module(all, im);
    return im;
}

/* The file's path on the host; of an image that ran before, that one. NULL: no memory. */
static const struct check_image *image_of(struct heapcheck *all, const struct inode *inode,
                                          vm_va base)
{
    char link[64], path[REQUEST_RING_PATH];
    snprintf(link, sizeof link, "/proc/self/fd/%d", inode->host_fd);
    ssize_t n = readlink(link, path, sizeof path - 1);
    path[n > 0 ? n : 0] = 0;
    for (const struct check_image *im = all->images; im; im = im->next)
        if (im->base == base && strcmp(im->path, path) == 0)
            return im;
    return new_image(all, path, base);
}

/* The heap has the third quarter of all addresses: what grows from below and what is mapped from
 * above do not come there. */
static struct check_space *new_space(const struct kernel *k, const struct check_image *im)
{
    vm_va first = vm_page_up(k, k->user_end / 2), bytes = k->user_end / 4;
    struct check_space *c = calloc(1, sizeof *c);
    struct shadow *shadow = c ? vm_shadow_open(first, first + bytes) : NULL;
    if (!shadow) {
        free(c);
        return NULL;
    }
    c->shadow = shadow;
    c->image = im;
    c->mapped = first;
    vm_guarded_open(&c->heap, first, first + bytes);
    return c;
}

static struct check_thread *known_of(const struct kernel *k, const struct thread *t)
{
    return &k->check->thread[vm_thread_task(k, t)];
}

static void forget_registers(struct check_thread *known)
{
    memset(known->x, 0, sizeof known->x);
    memset(known->f, 0, sizeof known->f);
    known->ncalls = 0;
    known->unheard_until = 0;
}

void vm_check_exec(struct kernel *k, struct thread *t, vm_va base)
{
    struct heapcheck *all = k->check;
    if (!all)
        return;
    forget_registers(known_of(k, t));
    const struct check_image *im = image_of(all, t->space->program, base);
    all->findings->process = k->first->pid;
    all->findings->blind += im && !im->has_heap;
    if (im && im->has_heap)
        t->space->check = new_space(k, im);
    all->starved = all->starved || !im || (im->has_heap && !t->space->check);
}

/* ---- spaces ---- */

void vm_check_close_space(struct address_space *s)
{
    if (!s->check)
        return;
    vm_shadow_close(s->check->shadow);
    vm_guarded_close(&s->check->heap);
    free(s->check);
    s->check = NULL;
}

void vm_check_fork(struct kernel *k, struct address_space *s, const struct address_space *from)
{
    s->check = NULL;
    if (!from->check)
        return;
    struct check_space *c = calloc(1, sizeof *c);
    struct shadow *shadow = c ? vm_shadow_copy(from->check->shadow) : NULL;
    if (!shadow || !vm_guarded_copy(&c->heap, &from->check->heap)) {
        vm_shadow_close(shadow);
        free(c);
        k->check->starved = true;
        return;
    }
    c->shadow = shadow;
    c->mapped = from->check->mapped;
    c->image = from->check->image;
    s->check = c;
}

void vm_check_mapped(const struct address_space *s, vm_va va, uint64_t bytes)
{
    if (s->check && !(va >= s->check->heap.first && va < s->check->heap.end))
        vm_shadow_define(s->check->shadow, va, bytes);
}

void vm_check_moved(const struct address_space *s, vm_va from, uint64_t bytes, vm_va to)
{
    if (s->check)
        vm_shadow_move(s->check->shadow, to, from, bytes);
}

/* ---- threads ---- */

static struct checked checked_of(struct kernel *k, struct thread *t)
{
    return (struct checked){k, t, k->check, t->space->check, known_of(k, t)};
}

/* A child on its parent's stack (after fork) has its parent's calls; one on another has none. */
void vm_check_start(struct kernel *k, struct thread *child, const struct thread *parent)
{
    if (!k->check)
        return;
    struct check_thread *to = known_of(k, child);
    const struct check_thread *from = known_of(k, parent);
    struct check_call *call = to->call;
    uint32_t cap = to->cap, n = child->hart.x[2] == parent->hart.x[2] ? from->ncalls : 0;
    if (n > cap) {
        call = realloc(call, n * sizeof *call);
        k->check->starved = k->check->starved || !call;
        call = call ? call : to->call;
        cap = call == to->call ? cap : n;
        n = n < cap ? n : cap;
    }
    *to = *from;
    to->call = call;
    to->cap = cap;
    to->ncalls = n;
    if (n)
        memcpy(to->call, from->call, n * sizeof *call);
    to->x[10] = (struct undefined_register){0};
}

void vm_check_end(struct kernel *k, struct thread *t)
{
    if (!k->check || !t->space->check)
        return;
    struct checked c = checked_of(k, t);
    uint32_t own = 0;
    for (const struct thread *other = t->process->threads; other; other = other->next)
        own++;
    if (own < t->space->users) /* a vfork's child: it ends, its space does not */
        return;
    vm_check_leaks(&c);
    if (t->process == k->first)
        k->check->findings->ended = 1;
}

void vm_check_signal(struct kernel *k, struct thread *t, vm_va registers)
{
    static const uint8_t set[] = {1, 2, 10, 11, 12};
    if (!k->check || !t->space->check)
        return;
    struct check_thread *known = known_of(k, t);
    known->unheard_until = 0;
    for (unsigned i = 1; i < 32; i++)
        vm_shadow_store(t->space->check->shadow, registers + 8 * (i - 1), 8, known->x[i].bits,
                        known->x[i].origin);
    for (unsigned i = 0; i < 32; i++)
        vm_shadow_store(t->space->check->shadow, registers + 8 * (31 + i), 8, known->f[i].bits,
                        known->f[i].origin);
    for (unsigned i = 0; i < sizeof set; i++)
        known->x[set[i]] = (struct undefined_register){0};
}

void vm_check_return(struct kernel *k, struct thread *t, vm_va registers)
{
    if (!k->check || !t->space->check)
        return;
    const struct shadow *shadow = t->space->check->shadow;
    struct check_thread *known = known_of(k, t);
    for (unsigned i = 1; i < 32; i++)
        known->x[i].bits = vm_shadow_load(shadow, registers + 8 * (i - 1), 8, &known->x[i].origin);
    for (unsigned i = 0; i < 32; i++)
        known->f[i].bits = vm_shadow_load(shadow, registers + 8 * (31 + i), 8, &known->f[i].origin);
}

/* ---- what the kernel touches ---- */

void vm_check_kernel_writes(struct kernel *k, struct thread *t, vm_va va, uint64_t bytes)
{
    if (!t->space->check || k->check->serves)
        return;
    struct checked c = checked_of(k, t);
    vm_check_touch(&c, va, bytes, VM_WRITE);
    vm_shadow_define(c.space->shadow, va, bytes);
}

void vm_check_kernel_reads(struct kernel *k, struct thread *t, vm_va va, uint64_t bytes)
{
    if (!t->space->check || k->check->serves)
        return;
    struct checked c = checked_of(k, t);
    vm_check_touch(&c, va, bytes, VM_READ);
}

void vm_check_kernel_uses(struct kernel *k, struct thread *t, vm_va va, uint64_t bytes)
{
    vm_check_kernel_reads(k, t, va, bytes);
    if (!t->space->check || k->check->serves)
        return;
    struct checked c = checked_of(k, t);
    vm_check_use_bytes(&c, HEAP_USE_CALL, va, bytes);
}
