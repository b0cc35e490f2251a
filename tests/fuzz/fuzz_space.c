/* fuzz_space.c - any bytes as what programs do to a small machine's memory: touches, map, unmap,
 * protect, advise, fork, exec, exit, switch; every invariant of space.h holds on the way.
 *
 * The first two bytes choose scheme, policy, tables, frames and slots, of pages the last three who
 * works beside the programs: huge pages and colours; readahead, clusters and kills; watermarks and
 * the flusher. In between each operation is one byte and its operands. Built with libFuzzer (clang
 * -fsanitize=fuzzer,address,undefined).
 */
#include <pagoda/engine.h>
#include <pagoda/policy.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void require(bool condition)
{
    if (!condition)
        abort();
}

struct input {
    const uint8_t *at, *end;
};

static unsigned take(struct input *in)
{
    return in->at < in->end ? *in->at++ : 0;
}

/* The last byte: huge pages of four base pages, made in one way or another, and colours. */
static void choose_huge(struct vm_config *c, unsigned byte)
{
    c->colours = 1u << (byte >> 2 & 3);
    c->huge_pages = byte & 3;
    if (c->huge_pages == VM_HUGE_NEVER)
        return;
    strcpy(c->scheme, "two-level:dir=10,table=2");
    c->huge_bytes = 4 * c->page_bytes;
    c->huge_scan_touches = 1 + (byte >> 4);
    c->huge_scan_pages = 16;
}

/* The byte before: what is read and written together, whether anybody is killed, and where pages go
 * when swap is full. */
static void choose_swap(struct vm_config *c, unsigned byte)
{
    static const char *const readaheads[] = {"none", "cluster", "vma", "stride", "leap"};
    static const uint64_t clusters[] = {1, 2, 4, 7};
    static const char *const slow[] = {"none", "ssd", "zram:ratio=3"};
    strcpy(c->readahead, readaheads[byte % 5]);
    c->swap_cluster = clusters[byte / 5 % 4];
    if (c->huge_pages == VM_HUGE_NEVER)
        c->oom = byte / 20 % 2 ? VM_OOM_KILL : VM_OOM_FAIL;
    if (c->swap_bytes)
        strcpy(c->swap_slow, slow[byte / 40 % 3]);
}

/* And before that: what leaves or is written ahead of need. */
static void choose_daemons(struct vm_config *c, unsigned byte)
{
    unsigned most = (unsigned)(c->memory_bytes / c->page_bytes) - 1;
    unsigned low = byte & 3, high = low + (byte >> 2 & 3);
    snprintf(c->watermark_low, sizeof c->watermark_low, "%u", low < most ? low : most);
    snprintf(c->watermark_high, sizeof c->watermark_high, "%u", high < most ? high : most);
    c->flush = byte & 16 ? VM_FLUSH_ALL : VM_FLUSH_SHARED;
    c->flush_ms = (byte >> 5 & 3) * 0.01;
    c->flush_age_ms = (byte >> 7) * 0.03;
}

/* The last byte, taken. */
static unsigned take_last(struct input *in)
{
    return in->at < in->end ? *--in->end : 0;
}

static struct vm_engine *open_machine(struct input *in)
{
    /* The second four have more than 32 frames. */
    static const char *const schemes[] = {
        "x86-64",
        "sv39",
        "sv32",
        "linear:bits=22",
        "base-bounds:bits=20",
        "segmentation:bits=20",
        "segment-table:bits=20,segments=3",
        "paged-segments:bits=26",
    };
    static const char *const policies[] = {"fifo",  "lru", "clock",          "lfu",
                                           "aging", "nru", "enhanced-clock", "random"};
    static const char *const fits[] = {"first-fit", "best-fit", "worst-fit", "buddy"};
    unsigned a = take(in), b = take(in);
    struct vm_config c;
    struct vm_error e;
    vm_config_init(&c);
    strcpy(c.scheme, schemes[(a & 3) | (b >> 5 & 1) << 2]);
    strcpy(c.fit, fits[a >> 2 & 3]);
    c.compact = b & 2 ? VM_COMPACT_NEEDED : VM_COMPACT_NEVER;
    strcpy(c.policy, policies[a >> 2 & 7]);
    strcpy(c.tlb, a & 0x80 ? "l1=4/2 l2=8" : "l1i=2 l1d=4:plru");
    c.tables = a & 0x20 ? VM_TABLES_INSIDE : VM_TABLES_APART;
    c.tlb_tags = a & 0x40 ? VM_TLB_TAGS_FLUSH : VM_TLB_TAGS_ASID;
    c.memory_bytes = (1 + (b & 63)) * c.page_bytes;
    c.swap_bytes = (b >> 6) * 8 * c.page_bytes;
    if (!(b >> 5 & 1)) {
        choose_huge(&c, take_last(in));
        choose_swap(&c, take_last(in));
        choose_daemons(&c, take_last(in));
    }
    struct vm_engine *m = vm_engine_open(&c, b & 1 ? VM_STRAY_FAULTS : VM_STRAY_MAPS, NULL, &e);
    require(m);
    return m;
}

/* A page number below 64, in two groups a gigabyte apart for those who can name it. */
static vm_va page_of(unsigned byte)
{
    return (vm_va)(byte & 63) << 12 | (vm_va)(byte & 64) << 24;
}

static bool touch(struct vm_engine *m, struct input *in, unsigned op, struct vm_error *e)
{
    unsigned page = take(in);
    vm_va va = page_of(page) + (page >> 7) * 4090;
    uint16_t meta = vm_ref_meta((enum vm_access)(op % 3), 8 + (op & 16 ? 5000 : 0));
    struct vm_batch b = {.nrefs = 1, .va = &va, .meta = &meta};
    return vm_engine_run(m, &b, e);
}

static bool event(struct vm_engine *m, struct input *in, unsigned op, struct vm_error *e)
{
    unsigned who = take(in), where = take(in);
    struct vm_event v = {
        .kind = (uint8_t)(1 + op % (VM_EVENT_KINDS - 1)),
        .asid = (vm_asid)(who & 3),
        .child = (vm_asid)(who >> 2 & 3),
        .prot = (uint8_t)(who >> 4),
        .detail = (uint8_t)(where >> 6 ? VM_ADVICE_DONTNEED : where & 3),
        .va = page_of(where),
        .bytes = (1 + (op >> 3 & 15)) << 12,
    };
    if (v.kind == VM_EVENT_MAP)
        v.detail = (uint8_t)(where >> 6 ? VM_BACKING_ANON : where & 3);
    if (v.kind == VM_EVENT_FORK && v.child == v.asid)
        v.child = (vm_asid)(v.asid ^ 1);
    struct vm_batch b = {.nevents = 1, .event = &v};
    return vm_engine_run(m, &b, e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct input in = {data, data + n};
    struct vm_error e = {0};
    struct vm_counts counts;
    struct vm_engine *m = open_machine(&in);
    bool good = true;
    for (unsigned i = 1; good && in.at < in.end && i <= 256; i++) {
        unsigned op = take(&in);
        good = op < 160 ? touch(m, &in, op, &e) : event(m, &in, op, &e);
        if (good && i % 16 == 0)
            vm_engine_check(m);
    }
    if (good) {
        vm_engine_check(m);
        vm_engine_counts(m, &counts);
    } else {
        require(e.code == VM_EMACHINE && e.text[0]);
    }
    vm_engine_close(m);
    return 0;
}
