/* replay_text.c - a replay's result for people: what ran on what, what happened, what it cost, and
 * a sentence that says where the time went. */
#include "report/words.h"

#include <string.h>

#define REGIONS_SHOWN 8

struct page {
    FILE *out;
    const struct vm_result *r;
    struct vm_style style;
};

static void heading(const struct page *p, const char *text)
{
    fprintf(p->out, "\n%s%s%s\n", p->style.bold, text, p->style.end);
}

/* One aligned row: a label, a count, and its share of `whole` where there is one. */
static void row(const struct page *p, const char *label, uint64_t count, uint64_t whole,
                const char *of)
{
    char text[32], share[32];
    fprintf(p->out, "  %-26s %15s", label, vm_text_count(count, text, sizeof text));
    if (whole)
        fprintf(p->out, "   %s%s of %s%s", p->style.dim,
                vm_text_share((double)count, (double)whole, share, sizeof share), of, p->style.end);
    fputc('\n', p->out);
}

static void row_if(const struct page *p, const char *label, uint64_t count, uint64_t whole,
                   const char *of)
{
    if (count)
        row(p, label, count, whole, of);
}

/* What an option's value comes to, where that is not in it; "" otherwise. */
static const char *remark(const struct page *p, const struct vm_option *o, char *out, size_t cap)
{
    const struct vm_config *c = &p->r->config;
    char frames[32];
    const char *text = "";
    if (!strcmp(o->flag, "memory")) {
        snprintf(out, cap, "%s frames", vm_text_count(p->r->nframes, frames, sizeof frames));
        return out;
    }
    if (!strcmp(o->flag, "swap-size") && !c->swap_bytes)
        text = "no limit";
    else if (!strcmp(o->flag, "model") && c->model == VM_MODEL_PAGES)
        text = "the policy alone: no mappings, page tables or TLBs";
    else if (!strcmp(o->flag, "stray") && c->stray == VM_STRAY_OPTION_AUTO)
        text = p->r->stray == VM_STRAY_FAULTS ? "faults: the trace names every mapping"
                                              : "maps: by first touch";
    return text;
}

static void show_machine(const struct page *p)
{
    char value[VM_CONFIG_TEXT], text[64];
    const struct vm_option *o;
    heading(p, "Machine");
    for (size_t i = 0; (o = vm_option_at(i)); i++) {
        const char *more = remark(p, o, text, sizeof text);
        fprintf(p->out, "  %-8s %-16s %s", o->section, o->key,
                vm_config_text(&p->r->config, o, value, sizeof value));
        if (*more)
            fprintf(p->out, "   %s%s%s", p->style.dim, more, p->style.end);
        fputc('\n', p->out);
    }
}

static void show_references(const struct page *p)
{
    const struct vm_counts *c = &p->r->counts;
    heading(p, "References");
    row(p, "references", c->refs, 0, "");
    row(p, "  fetches", c->fetches, c->refs, "references");
    row(p, "  reads", c->reads, c->refs, "references");
    row(p, "  writes", c->writes, c->refs, "references");
    row_if(p, "page crossings", c->crossings, c->refs, "references");
    row(p, "page touches", c->touches, 0, "");
    row_if(p, "distinct pages", p->r->pages, 0, "");
    row_if(p, "switches", c->switches, 0, "");
    row_if(p, "forks", c->forks, 0, "");
}

/* The line of a TLB or a walk cache; `pages` says of which, or nothing. */
static void show_tlb(const struct page *p, const char *name, const struct vm_tlb_config *config,
                     const struct vm_tlb_counts *c, const char *pages)
{
    char text[96], label[32], misses[32], lookups[32], share[32];
    snprintf(label, sizeof label, "%s misses", name);
    fprintf(p->out, "  %-26s %15s   %s%s of %s lookups; %s%s%s%s\n", label,
            vm_text_count(c->misses, misses, sizeof misses), p->style.dim,
            vm_text_share((double)c->misses, (double)c->lookups, share, sizeof share),
            vm_text_count(c->lookups, lookups, sizeof lookups),
            vm_tlb_text(config, text, sizeof text), *pages ? ", " : "", pages, p->style.end);
}

/* Sizes of pages are told where a TLB has not all that there are. */
static void show_tlbs(const struct page *p)
{
    const struct vm_result *r = p->r;
    uint64_t all = 0;
    char sizes[96];
    for (size_t i = 0; i < r->ntlbs; i++)
        all |= r->tlb[i].config.sizes;
    for (size_t i = 0; i < r->ntlbs; i++) {
        uint64_t told = r->tlb[i].config.sizes == all ? 0 : r->tlb[i].config.sizes;
        vm_sizes_text(told, sizes, sizeof sizes);
        show_tlb(p, r->tlb[i].name, &r->tlb[i].config, &r->tlb[i].counts, sizes);
    }
    for (size_t i = 0; i < r->nwalk_caches; i++)
        show_tlb(p, r->walk_cache[i].name, &r->walk_cache[i].config, &r->walk_cache[i].counts,
                 "walks");
}

/* How often each case of a touch, and its mean price. */
static void show_case(const struct page *p, const char *label, struct vm_case c)
{
    char count[32], share[32], ns[32];
    fprintf(p->out, "  %-26s %15s   %s%s of touches; %s each%s\n", label,
            vm_text_count(c.touches, count, sizeof count), p->style.dim,
            vm_text_share((double)c.touches, (double)p->r->counts.touches, share, sizeof share),
            vm_text_ns(c.each_ns, ns, sizeof ns), p->style.end);
}

static void show_walks(const struct page *p)
{
    const struct vm_counts *c = &p->r->counts;
    row(p, "page-table walks", c->walks, 0, "");
    if (c->walks)
        fprintf(p->out, "  %-26s %15.2f\n", "table loads a walk",
                (double)c->walk_loads / (double)c->walks);
    row_if(p, "  saved by caches and TLBs", c->walk_skips, c->walk_loads + c->walk_skips, "loads");
    if (c->walk_waits < c->walk_steps)
        row(p, "  steps waited for", c->walk_waits, c->walk_steps, "steps");
    row_if(p, "traps to refill", c->refills, 0, "");
    row_if(p, "  invalid: trapped again", c->invalid_traps, c->refills, "refills");
    row_if(p, "writes trapped as modified", c->modified_traps, 0, "");
    row_if(p, "table's page in a TLB", c->nested_hits, c->nested_hits + c->nested_misses,
           "loads by kernel address");
    row_if(p, "traps to set marks", c->mark_traps, 0, "");
    row_if(p, "marks written on leaving", c->mark_stores, 0, "");
    if (c->prefetch_loads)
        row(p, "prefetched", c->prefetches, 0, "");
    row_if(p, "  asked for in time", c->prefetch_hits, c->prefetches, "those");
    row_if(p, "  table loads for them", c->prefetch_loads, 0, "");
}

static void show_translation(const struct page *p)
{
    const struct vm_counts *c = &p->r->counts;
    heading(p, "Translation");
    show_tlbs(p);
    row(p, "touches without a TLB hit", c->tlb_misses, c->touches, "touches");
    row_if(p, "first writes (dirty bit)", c->tlb_upgrades, c->touches, "touches");
    show_walks(p);
    show_case(p, "case 1: TLB hit", p->r->prices.hit);
    show_case(p, "case 2: page present", p->r->prices.miss);
    show_case(p, "case 3: page fault", p->r->prices.fault);
    row_if(p, "TLB flushes", c->tlb_flushes, 0, "");
    row_if(p, "shootdowns", c->shootdowns, 0, "");
}

/* Of a machine whose unit is the segment. */
static void show_segments(const struct page *p)
{
    const struct vm_counts *c = &p->r->counts;
    const struct vm_holes *h = &p->r->holes;
    char text[32];
    row_if(p, "segments moved", c->moves, 0, "");
    if (c->moves)
        fprintf(p->out, "  %-26s %15s\n", "  copied by that",
                vm_text_bytes(c->moved_bytes, text, sizeof text));
    row_if(p, "segments without a hole", c->misfits, 0, "");
    row_if(p, "  though enough was free", c->fragmented, c->misfits, "those");
    row_if(p, "all moved together", c->compactions, 0, "");
    if (!h->segments)
        return;
    row(p, "segments at the end", h->segments, 0, "");
    row(p, "holes at the end", h->holes, 0, "");
    fprintf(p->out, "  %-26s %15.2f   %s(free - largest hole) / free%s\n", "external fragmentation",
            h->fragmentation, p->style.dim, p->style.end);
}

static void show_cache(const struct page *p, size_t i)
{
    char text[64], label[32], misses[32], accesses[32], share[32];
    const struct vm_cache_counts *c = &p->r->cache[i].counts;
    snprintf(label, sizeof label, "%s misses", p->r->cache[i].name);
    fprintf(p->out, "  %-26s %15s   %s%s of %s accesses; %s%s\n", label,
            vm_text_count(c->misses, misses, sizeof misses), p->style.dim,
            vm_text_share((double)c->misses, (double)c->accesses, share, sizeof share),
            vm_text_count(c->accesses, accesses, sizeof accesses),
            vm_cache_text(&p->r->cache[i].config, text, sizeof text), p->style.end);
    row_if(p, "  lines written back", c->writebacks, 0, "");
    row_if(p, "  aliases", c->aliases, c->misses, "misses");
    row_if(p, "  synonyms", c->synonyms, c->misses, "misses");
    row_if(p, "  homonyms", c->homonyms, c->misses, "misses");
}

static void show_caches(const struct page *p)
{
    const struct vm_counts *c = &p->r->counts;
    if (!p->r->ncaches)
        return;
    heading(p, "Caches");
    row(p, "lines of references", c->lines, 0, "");
    row(p, "table words of walks", c->table_lines, 0, "");
    for (size_t i = 0; i < p->r->ncaches; i++)
        show_cache(p, i);
    row(p, "reads from memory", c->memory_reads, c->lines + c->table_lines, "both");
    row(p, "writes to memory", c->memory_writes, 0, "");
}

static void show_huge(const struct page *p)
{
    const struct vm_counts *c = &p->r->counts;
    uint64_t made = c->huge_faults + c->promotions;
    row_if(p, "huge pages made", made, 0, "");
    row_if(p, "  at a first touch", c->huge_faults, made, "those");
    row_if(p, "  of base pages", c->promotions, made, "those");
    row_if(p, "  split", c->demotions, made, "those");
    row_if(p, "  copies for them", c->huge_copies, c->page_copies, "pages copied");
    row_if(p, "  never touched at most", c->huge_untouched_peak, 0, "");
    row_if(p, "  never touched at the end", c->huge_untouched, 0, "");
    row_if(p, "  freed so by splits", c->huge_freed, 0, "");
    row_if(p, "  no run of frames for one", c->huge_misses, 0, "");
    row_if(p, "frame runs reserved", c->reservations, 0, "");
    row_if(p, "  given up", c->reservation_breaks, c->reservations, "those");
}

static void show_memory(const struct page *p)
{
    const struct vm_counts *c = &p->r->counts;
    bool machine = p->r->config.model == VM_MODEL_MACHINE;
    heading(p, "Memory");
    row(p, "page faults", c->faults, c->touches, "touches");
    row_if(p, machine ? "  demand-zero" : "  first touches", c->demand_zero, c->faults, "faults");
    row_if(p, "  copy-on-write", c->cow_breaks, c->faults, "faults");
    row_if(p, "  soft (still in a frame)", c->soft_faults, c->faults, "faults");
    row_if(p, machine ? "  major: from swap" : "  major: pages returned", c->swap_ins, c->faults,
           "faults");
    row_if(p, "  major: from the file", c->file_ins, c->faults, "faults");
    row_if(p, "violations (no mapping)", c->violations, c->touches, "touches");
    row_if(p, "violations (protection)", c->denials, c->touches, "touches");
    row_if(p, "processes killed", c->oom_kills, 0, "");
    row_if(p, "  and touches after that", c->oom_touches, c->touches, "touches");
    row_if(p, "beyond the scheme's bits", c->unnamed, c->touches, "touches");
    row(p, "evictions", c->evictions, 0, "");
    row_if(p, "  written to swap", c->writebacks, c->evictions, "evictions");
    row_if(p, "  clean, dropped", c->clean_drops, c->evictions, "evictions");
    row_if(p, "  given up unasked", c->releases, c->evictions, "evictions");
    row_if(p, "left ahead of need", c->background_evictions, 0, "");
    row_if(p, "read ahead", c->readaheads, 0, "");
    row_if(p, "  and touched in time", c->readahead_hits, c->readaheads, "those");
    row_if(p, "queued to be written", c->queued, 0, "");
    row_if(p, "  and touched before", c->rescues, c->queued, "those");
    row_if(p, "waits for frames", c->frame_waits, 0, "");
    row_if(p, "set aside in their frames", c->parks, 0, "");
    row_if(p, "cleaned ahead of need", c->cleanings, 0, "");
    row_if(p, "  as they were old", c->flushes, c->cleanings, "those");
    row_if(p, "written as mappings went", c->shared_writes, 0, "");
    row_if(p, "  pages of page tables", c->table_evictions, c->evictions, "evictions");
    row_if(p, "bytes of tables that moved", c->table_moved_bytes, 0, "");
    row_if(p, "pages of tables read back", c->table_faults, 0, "");
    row(p, "frames used at most", c->frames_peak, p->r->nframes, "memory");
    if (c->releases && c->space_time)
        fprintf(p->out, "  %-26s %15.1f   %spages held, the mean over all touches%s\n",
                "mean resident set", (double)c->space_time / (double)c->touches, p->style.dim,
                p->style.end);
    row_if(p, "  locked pages at most", c->locked_peak, c->frames_peak, "those");
    row_if(p, "  page tables at most", c->table_frames_peak, c->frames_peak, "those");
    row_if(p, "swap slots used at most", c->slots_peak, 0, "");
    row_if(p, "  frames that they held", c->store_frames_peak, c->frames_peak, "those");
    row_if(p, "frames of another colour", c->colour_misses, 0, "");
    show_segments(p);
    show_huge(p);
}

static uint64_t requests(const struct vm_queue_counts *c)
{
    return c->requests[VM_TRANSFER_READ] + c->requests[VM_TRANSFER_WRITE];
}

/* What a row says of a device, with its name where there are two. */
static const char *device_label(const struct page *p, enum vm_swap_level level, const char *what,
                                char out[32])
{
    static const char *const names[] = {[VM_SWAP_FAST] = "fast: ", [VM_SWAP_SLOW] = "slow: "};
    snprintf(out, 32, "%s%s", vm_config_has_slow(&p->r->config) ? names[level] : "", what);
    return out;
}

/* Its part of all pages that both devices moved. */
static void show_moved(const struct page *p, enum vm_swap_level level)
{
    static const char *const did[] = {"pages read", "pages written"};
    const struct vm_queue_counts *device = p->r->device;
    uint64_t page = p->r->config.page_bytes;
    for (int kind = 0; kind < VM_TRANSFERS; kind++) {
        char label[32];
        uint64_t all = device[VM_SWAP_FAST].bytes[kind] + device[VM_SWAP_SLOW].bytes[kind];
        row(p, device_label(p, level, did[kind], label), device[level].bytes[kind] / page,
            all / page, did[kind]);
    }
}

/* What waited at it, and for how long it worked. */
static void show_queue(const struct page *p, enum vm_swap_level level)
{
    const struct vm_queue_counts *c = &p->r->device[level];
    char label[32], busy[32], share[32], queued[32];
    uint64_t n = requests(c);
    row(p, device_label(p, level, "requests", label), n, 0, "");
    row_if(p, "  to read", c->requests[VM_TRANSFER_READ], n, "requests");
    row_if(p, "  to write", c->requests[VM_TRANSFER_WRITE], n, "requests");
    fprintf(p->out, "  %-26s %15s   %s%s of the time%s\n", device_label(p, level, "busy", label),
            vm_text_ns((double)c->busy_ns, busy, sizeof busy), p->style.dim,
            vm_text_share((double)c->busy_ns, p->r->prices.total_ns, share, sizeof share),
            p->style.end);
    fprintf(p->out, "  %-26s %15s   %sall requests together%s\n",
            device_label(p, level, "waited for others", label),
            vm_text_ns((double)c->queued_ns, queued, sizeof queued), p->style.dim, p->style.end);
}

static void show_devices(const struct page *p)
{
    const struct vm_queue_counts *device = p->r->device;
    if (requests(&device[VM_SWAP_FAST]) + requests(&device[VM_SWAP_SLOW]) == 0)
        return;
    if (!vm_config_has_slow(&p->r->config)) {
        heading(p, "Swap device");
        show_queue(p, VM_SWAP_FAST);
        return;
    }
    heading(p, "Swap devices");
    for (int level = 0; level < VM_SWAP_LEVELS; level++) {
        show_moved(p, (enum vm_swap_level)level);
        show_queue(p, (enum vm_swap_level)level);
    }
}

static void show_regions(const struct page *p)
{
    char prot[4], faults[32], majors[32], size[32];
    if (!p->r->nregions || !p->r->region[0].vma.faults)
        return;
    heading(p, "Regions with the most faults");
    fprintf(p->out, "  %s%5s  %-33s %9s  %-4s  %-11s %12s %12s%s\n", p->style.dim, "space",
            "addresses", "size", "may", "mapped", "faults", "major", p->style.end);
    for (size_t i = 0; i < p->r->nregions && i < REGIONS_SHOWN; i++) {
        const struct vm_region *g = &p->r->region[i];
        if (!g->vma.faults)
            break;
        fprintf(p->out, "  %5u  %016llx-%016llx %9s  %-4s  %-11s %12s %12s\n", g->asid,
                (unsigned long long)g->vma.start, (unsigned long long)g->vma.end,
                vm_text_bytes(g->vma.end - g->vma.start, size, sizeof size),
                vm_prot_text(g->vma.prot, prot), vm_backing_text(&g->vma),
                vm_text_count(g->vma.faults, faults, sizeof faults),
                vm_text_count(g->vma.majors, majors, sizeof majors));
    }
    if (p->r->regions_all > REGIONS_SHOWN)
        fprintf(p->out, "  %s... %llu mappings in all%s\n", p->style.dim,
                (unsigned long long)p->r->regions_all, p->style.end);
}

struct price {
    const char *what;
    double ns;
};

/* The two largest prices, the larger first. */
static void dearest(const struct vm_prices *t, struct price top[2])
{
    top[0] = top[1] = (struct price){"", 0};
#define VM_PRICE_TOP(field, what)                                                                  \
    if (t->field##_ns > top[0].ns) {                                                               \
        top[1] = top[0];                                                                           \
        top[0] = (struct price){what, t->field##_ns};                                              \
    } else if (t->field##_ns > top[1].ns) {                                                        \
        top[1] = (struct price){what, t->field##_ns};                                              \
    }
    VM_PRICES(VM_PRICE_TOP)
#undef VM_PRICE_TOP
}

static void price_row(const struct page *p, const char *what, double ns)
{
    char text[32];
    if (ns > 0)
        fprintf(p->out, "  %-58s %10s  %s%5.1f %%%s\n", what, vm_text_ns(ns, text, sizeof text),
                p->style.dim, vm_percent(ns, p->r->prices.total_ns), p->style.end);
}

/* Where the time went, in words. */
static void conclude(const struct page *p)
{
    char total[32], access[32], memory[32];
    const struct vm_prices *t = &p->r->prices;
    double memory_ns = p->r->config.memory_ns;
    struct price top[2];
    dearest(t, top);
    fprintf(p->out, "\n%sOf %s, %.1f %% went into %s", p->style.bold,
            vm_text_ns(t->total_ns, total, sizeof total), vm_percent(top[0].ns, t->total_ns),
            top[0].what);
    if (vm_percent(top[1].ns, t->total_ns) >= 0.1)
        fprintf(p->out, ",\n%.1f %% into %s", vm_percent(top[1].ns, t->total_ns), top[1].what);
    fprintf(p->out, ".\nThe effective access time is %s a reference",
            vm_text_ns(t->access_ns, access, sizeof access));
    if (memory_ns > 0)
        fprintf(p->out, ", %.3g times the %s of memory alone", t->access_ns / memory_ns,
                vm_text_ns(memory_ns, memory, sizeof memory));
    fprintf(p->out, ".%s\n", p->style.end);
}

static void show_prices(const struct page *p)
{
    const struct vm_prices *t = &p->r->prices;
    heading(p, "Time");
#define VM_PRICE_ROW(field, what) price_row(p, what, t->field##_ns);
    VM_PRICES(VM_PRICE_ROW)
#undef VM_PRICE_ROW
    price_row(p, "total", t->total_ns);
    if (t->total_ns > 0)
        conclude(p);
}

void vm_text_machine(FILE *out, const struct vm_result *r, struct vm_style style)
{
    struct page p = {out, r, style};
    show_machine(&p);
    show_references(&p);
    if (r->config.model == VM_MODEL_MACHINE)
        show_translation(&p);
    show_caches(&p);
    show_memory(&p);
    show_devices(&p);
    show_regions(&p);
    show_prices(&p);
}

void vm_report_replay_text(FILE *out, const struct vm_result *r, enum vm_colour colour)
{
    struct page p = {out, r, vm_style(colour)};
    vm_text_trace(out, &r->trace, p.style);
    if (r->trace.refs_lost)
        row(&p, "references lost to damage", r->trace.refs_lost, 0, "");
    if (!r->counts.refs)
        fprintf(out, "  no reference was read\n");
    vm_text_machine(out, r, p.style);
}
