/* bench_rv64.c - the interpreter: rv64.WHAT and rv64.WHAT.log, in instructions.
 *
 * The guests are guests/rv64_bench.c, which Meson builds where there is riscv64-linux-gnu-gcc;
 * elsewhere these rows are not there. A guest has a flat memory, all of which it may use, so
 * that after its first touch of a page nothing but the hart works. The log is thrown away.
 */
#include "bench.h"

#include <pagoda/rv64.h>

#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE = 1 << VM_RV64_PAGE_SHIFT, LOG_ENTRIES = 2048 };

#define MEMORY_BYTES (UINT64_C(8) << 20)
#define MEMORY_BASE  UINT64_C(0x10000) /* where the linker puts programs */

static const char *const guests[] = {"loop", "matmul", "chase", "sort", "memcpy"};

enum { GUESTS = sizeof guests / sizeof *guests };

struct guest {
    uint8_t *memory, *image; /* as it runs, and as it begins */
    vm_va entry;
};

struct bench {
    struct guest guest[GUESTS];
    struct guest *now;
    struct vm_rv64 hart;
    struct vm_rv64_view *view;
    struct vm_rv64_log log;
};

static size_t nrows(const struct bench_host *host)
{
    (void)host;
    return *RV64_GUESTS ? 2 * GUESTS : 0;
}

static bool row_logs(size_t i)
{
    return i % 2;
}

static void row(const struct bench_host *host, size_t i, struct bench_row *out)
{
    (void)host;
    *out = (struct bench_row){.unit = "MIPS", .scale = 1e6};
    snprintf(out->name, sizeof out->name, "rv64.%s%s", guests[i / 2], row_logs(i) ? ".log" : "");
}

/* --- a flat memory ------------------------------------------------------------------------ */

static bool refill(void *host, vm_va va, uint16_t meta, uint64_t *tval)
{
    struct bench *b = host;
    uint64_t at = (va & ~(uint64_t)(PAGE - 1)) - MEMORY_BASE;
    *tval = va;
    if (at >= MEMORY_BYTES)
        return false;
    vm_rv64_view_map(b->view, va, VM_PROT_ALL, b->now->memory + at);
    if (b->log.va) {
        b->log.va[b->log.n] = va;
        b->log.meta[b->log.n++] = meta;
    }
    return true;
}

static void drain(void *host)
{
    ((struct bench *)host)->log.n = 0;
}

static bool guest_load(struct guest *g, const char *name, struct vm_error *e)
{
    char path[512];
    Elf64_Ehdr head;
    Elf64_Phdr segment;
    snprintf(path, sizeof path, RV64_GUESTS "/rv64_%s", name);
    FILE *f = fopen(path, "rb");
    if (!f)
        return vm_fail(e, VM_ESYSTEM, "%s: not there: expected what the build has made", path);
    bool read = fread(&head, sizeof head, 1, f) == 1;
    for (unsigned i = 0; read && i < head.e_phnum; i++) {
        fseek(f, (long)(head.e_phoff + i * sizeof segment), SEEK_SET);
        read = fread(&segment, sizeof segment, 1, f) == 1;
        if (!read || segment.p_type != PT_LOAD)
            continue;
        fseek(f, (long)segment.p_offset, SEEK_SET);
        read = fread(g->image + (segment.p_vaddr - MEMORY_BASE), 1, segment.p_filesz, f) ==
               segment.p_filesz;
    }
    fclose(f);
    g->entry = head.e_entry;
    return read || vm_fail(e, VM_EINPUT, "%s: cannot be read: expected an ELF file", path);
}

static void close_bench(void *group)
{
    struct bench *b = group;
    for (size_t i = 0; i < GUESTS; i++) {
        free(b->guest[i].memory);
        free(b->guest[i].image);
    }
    free(b->log.va);
    free(b->log.meta);
    vm_rv64_view_close(b->view);
    free(b);
}

static void *open_bench(const struct bench_host *host, struct vm_error *e)
{
    (void)host;
    struct bench *b = calloc(1, sizeof *b);
    bool opened = b && *RV64_GUESTS;
    for (size_t i = 0; opened && i < GUESTS; i++) {
        b->guest[i].memory = aligned_alloc(PAGE, MEMORY_BYTES);
        b->guest[i].image = calloc(1, MEMORY_BYTES);
        opened = b->guest[i].memory && b->guest[i].image && guest_load(&b->guest[i], guests[i], e);
    }
    if (b && !opened) {
        close_bench(b);
        return NULL;
    }
    return b;
}

static void prepare(void *group, size_t i)
{
    struct bench *b = group;
    struct vm_error e;
    b->now = &b->guest[i / 2];
    memcpy(b->now->memory, b->now->image, MEMORY_BYTES);
    vm_rv64_view_close(b->view);
    free(b->log.va);
    free(b->log.meta);
    b->log = (struct vm_rv64_log){NULL, NULL, 0, 0};
    b->view = vm_rv64_view_open(&e);
    if (!b->view)
        bench_fail(&e);
    if (row_logs(i)) {
        b->log = (struct vm_rv64_log){malloc(LOG_ENTRIES * sizeof(vm_va)),
                                      malloc(LOG_ENTRIES * sizeof(uint16_t)), 0, LOG_ENTRIES};
    }
    b->hart = (struct vm_rv64){.pc = b->now->entry, .x[2] = MEMORY_BASE + MEMORY_BYTES - PAGE};
}

static double run(void *group, size_t i)
{
    struct bench *b = group;
    struct vm_rv64_trap trap;
    struct vm_rv64_bus bus = {
        .host = b, .refill = refill, .drain = drain, .log = row_logs(i) ? &b->log : NULL};
    vm_rv64_run(&b->hart, b->view, &bus, UINT64_MAX, &trap);
    if (trap.cause != VM_RV64_ECALL_USER) {
        struct vm_error e;
        vm_error_fill(&e, VM_EMACHINE, "rv64.%s: %s: expected an exit", guests[i / 2],
                      vm_rv64_cause_name(trap.cause));
        bench_fail(&e);
    }
    return (double)b->hart.instret;
}

const struct bench_group bench_rv64 = {nrows, row, open_bench, prepare, run, close_bench};
