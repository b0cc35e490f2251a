/* explain_lines.c - see explain_lines.h. */
#include "report/explain_lines.h"
#include "report/explain_say.h"
#include "report/words.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* ---- lines ---- */

static struct explain_line *add(struct explain_lines *l, enum explain_kind kind)
{
    if (l->n == l->cap) {
        size_t cap = l->cap ? 2 * l->cap : 64;
        struct explain_line *grown = realloc(l->line, cap * sizeof *grown);
        if (!grown) {
            l->failed = true;
            return NULL;
        }
        l->line = grown;
        l->cap = cap;
    }
    l->line[l->n] = (struct explain_line){.kind = kind};
    return &l->line[l->n++];
}

void explain_row(struct explain_lines *l, const char *label, const char *fmt, ...)
{
    struct explain_line *to = add(l, EXPLAIN_ROW);
    if (!to)
        return;
    va_list args;
    va_start(args, fmt);
    snprintf(to->label, sizeof to->label, "%s", label);
    vsnprintf(to->text, sizeof to->text, fmt, args);
    va_end(args);
}

void explain_step(struct explain_lines *l, const struct vm_story_step *s, enum explain_mood mood,
                  const char *fmt, ...)
{
    struct explain_line *to = add(l, EXPLAIN_STEP);
    if (!to)
        return;
    va_list args;
    va_start(args, fmt);
    vsnprintf(to->text, sizeof to->text, fmt, args);
    va_end(args);
    to->mood = mood;
    for (size_t i = 0; i < VM_STORY_PRICES_MAX; i++)
        to->ns += s->price[i].ns;
}

static void part(struct explain_lines *l, const char *text)
{
    struct explain_line *to = add(l, EXPLAIN_PART);
    if (to)
        snprintf(to->text, sizeof to->text, "%s", text);
}

static void bits(struct explain_lines *l, const char *label, uint64_t value, unsigned width,
                 struct vm_slice field, const char *text)
{
    struct explain_line *to = add(l, EXPLAIN_BITS);
    if (!to)
        return;
    snprintf(to->label, sizeof to->label, "%s", label);
    snprintf(to->text, sizeof to->text, "%s", text);
    to->value = value;
    to->bits = width;
    to->field = field;
}

static void frame(struct explain_lines *l, const struct vm_story_frame *f, enum explain_mood mood,
                  const char *text)
{
    struct explain_line *to = add(l, EXPLAIN_FRAME);
    if (!to)
        return;
    to->frame = f;
    to->mood = mood;
    snprintf(to->text, sizeof to->text, "%s", text);
}

/* ---- words ---- */

/* "0x75", and in decimal where a person would count in it: "0x75 (117)". */
static const char *number(uint64_t x, char *out, size_t cap)
{
    if (x < 10)
        snprintf(out, cap, "%llu", (unsigned long long)x);
    else if (x < 65536)
        snprintf(out, cap, "0x%llx (%llu)", (unsigned long long)x, (unsigned long long)x);
    else
        snprintf(out, cap, "0x%llx", (unsigned long long)x);
    return out;
}

const char *explain_title(const struct vm_story *s, char *out, size_t cap)
{
    char ref[32], va[48];
    snprintf(out, cap, "Reference %s: %s of %u byte%s at %s, space %u",
             vm_text_count(s->ref, ref, sizeof ref), explain_access_names[s->access], s->bytes,
             s->bytes == 1 ? "" : "s", number(s->va, va, sizeof va), s->asid);
    return out;
}

const char *explain_page_number(uint64_t vpn, char *out, size_t cap)
{
    snprintf(out, cap, vpn < 10000 ? "%llu" : "0x%llx", (unsigned long long)vpn);
    return out;
}

const char *explain_page(const struct vm_story *s, uint64_t key, char *out, size_t cap)
{
    char vpn[32];
    vm_asid asid = vm_key_asid(key);
    explain_page_number(key >> 12, vpn, sizeof vpn);
    if (asid == VM_TLB_GLOBAL)
        snprintf(out, cap, "%s of all spaces", vpn);
    else if (asid != s->asid && s->config->tlb_tags == VM_TLB_TAGS_ASID)
        snprintf(out, cap, "%s of space %u", vpn, asid);
    else
        snprintf(out, cap, "%s", vpn);
    return out;
}

const char *explain_page_of(const struct vm_story *s, uint64_t key, char *out, size_t cap)
{
    char vpn[32];
    explain_page_number(key >> 12, vpn, sizeof vpn);
    if (vm_key_asid(key) == VM_ASID_KERNEL)
        snprintf(out, cap, "%.24s of the page tables", vpn);
    else if (vm_key_asid(key) != s->asid)
        snprintf(out, cap, "%s of space %u", vpn, vm_key_asid(key));
    else
        snprintf(out, cap, "%s", vpn);
    return out;
}

/* "frame 7, rw-, dirty" of a TLB's value; with the order of a large page. */
static const char *value_text(uint64_t value, char *out, size_t cap)
{
    char prot[4], large[40] = "";
    if (vm_tlb_order(value))
        snprintf(large, sizeof large, " on, a page of 2^%u", vm_tlb_order(value));
    snprintf(out, cap, "frame %u%s, %s%s%s", vm_tlb_pfn(value), large,
             vm_prot_text((unsigned)value & VM_PROT_ALL, prot),
             value & VM_PROT_GLOBAL ? ", global" : "", value & VM_TLB_DIRTY ? ", dirty" : "");
    return out;
}

const char *explain_reference(uint64_t ref, char *out, size_t cap)
{
    char count[32];
    if (ref == 0)
        snprintf(out, cap, "before the first reference");
    else
        snprintf(out, cap, "at %s", vm_text_count(ref, count, sizeof count));
    return out;
}

void explain_copies(struct explain_lines *l, uint64_t bytes)
{
    char text[32];
    if (bytes > UINT64_C(1) << l->story->page_shift)
        explain_row(l, "copied", "%s: zeroed, copied or moved",
                    vm_text_bytes(bytes, text, sizeof text));
}

/* ---- steps ---- */

const char *explain_range(char *out, size_t cap, vm_va start, vm_va end)
{
    snprintf(out, cap, "0x%llx to 0x%llx", (unsigned long long)start, (unsigned long long)end);
    return out;
}

static void say_event(struct explain_lines *l, const struct vm_story_step *s)
{
    const struct vm_event *v = &s->event.event;
    char range[64], prot[4];
    explain_range(range, sizeof range, v->va, v->va + v->bytes);
    const char *name = vm_event_names[v->kind];
    switch ((enum vm_event_kind)v->kind) {
    case VM_EVENT_MAP:
    case VM_EVENT_PROTECT:
        explain_step(l, s, EXPLAIN_PLAIN, "Event: %s %s of space %u, %s", name, range, v->asid,
                     vm_prot_text(v->prot, prot));
        break;
    case VM_EVENT_UNMAP:
    case VM_EVENT_ADVISE:
        explain_step(l, s, EXPLAIN_PLAIN, "Event: %s %s of space %u", name, range, v->asid);
        break;
    case VM_EVENT_FORK:
        explain_step(l, s, EXPLAIN_PLAIN, "Event: fork of space %u, its copy is space %u", v->asid,
                     v->child);
        break;
    case VM_EVENT_EXEC:
    case VM_EVENT_EXIT:
        explain_step(l, s, EXPLAIN_PLAIN, "Event: %s of space %u", name, v->asid);
        break;
    case VM_EVENT_SWITCH:
        explain_step(l, s, EXPLAIN_PLAIN, "Event: switch to space %u", v->asid);
        break;
    case VM_EVENT_ALLOC:
    case VM_EVENT_FREE:
    case VM_EVENT_RESIZE:
        explain_step(l, s, EXPLAIN_PLAIN, "Event: %s of the heap, %s", name, range);
        break;
    }
    explain_copies(l, s->event.copied_bytes);
}

static const struct vm_story_step *first_touch(const struct vm_story *s)
{
    for (size_t i = 0; i < s->nsteps; i++)
        if (s->step[i].kind == VM_TAP_TOUCH)
            return &s->step[i];
    return NULL;
}

static void say_touch(struct explain_lines *l, const struct vm_story_step *s)
{
    const struct vm_story *story = l->story;
    char va[48], page[48];
    explain_step(l, s, EXPLAIN_PLAIN, "Address %s: %s in space %u",
                 number(s->touch.va, va, sizeof va), explain_access_names[s->touch.access],
                 s->touch.asid);
    if (s == first_touch(story) && s->touch.va != story->va)
        explain_row(l, "laid out", "the trace's %s lies here in the machine's address space",
                    number(story->va, page, sizeof page));
    bits(l, "address", s->touch.va, story->va_bits, s->touch.field, "");
    explain_row(l, "page", "%s, byte %llu of its %llu",
                explain_page_number(s->touch.va >> story->page_shift, page, sizeof page),
                (unsigned long long)(s->touch.va & ((UINT64_C(1) << story->page_shift) - 1)),
                1ULL << story->page_shift);
}

#define SET_SHOWN 8 /* entries of a TLB's set */

/* The valid entries of a set. */
static void say_set(struct explain_lines *l, const char *label, struct vm_slice entry)
{
    const struct vm_story_entry *e = l->story->entry + entry.first;
    char page[48], value[80];
    uint32_t shown = 0, valid = 0;
    for (uint32_t w = 0; w < entry.n; w++) {
        if (e[w].tag == VM_TLB_EMPTY)
            continue;
        if (++valid > SET_SHOWN)
            continue;
        shown++;
        explain_row(l, shown == 1 ? label : "", "way %u: page %s in %s", w,
                    explain_page(l->story, e[w].tag, page, sizeof page),
                    value_text(e[w].value, value, sizeof value));
    }
    if (valid > shown)
        explain_row(l, "", "and %u entries more", valid - shown);
    if (valid == 0)
        explain_row(l, label, "nothing yet");
}

static void say_lookup(struct explain_lines *l, const struct vm_story_step *s)
{
    const struct vm_story_tlb *t = &l->story->tlb[s->lookup.tlb];
    char page[48], value[80], shape[64];
    explain_page(l->story, s->lookup.tag, page, sizeof page);
    if (s->lookup.nested)
        explain_step(l, s, EXPLAIN_PLAIN, "TLB %s, for a page of the table: %s", t->name,
                     s->lookup.hit ? "hit" : "miss");
    else if (!s->lookup.hit)
        explain_step(l, s, EXPLAIN_BAD, "TLB %s: miss", t->name);
    else
        explain_step(l, s, s->lookup.enough ? EXPLAIN_GOOD : EXPLAIN_BAD, "TLB %s: hit%s", t->name,
                     s->lookup.enough ? "" : ", but it does not allow this");
    explain_row(l, "looked for", "page %s in set %llu of %u (%s)", page,
                (unsigned long long)s->lookup.set, t->config.entries / t->config.ways,
                vm_tlb_text(&t->config, shape, sizeof shape));
    if (s->lookup.hit)
        explain_row(l, "found", "%s", value_text(s->lookup.value, value, sizeof value));
    if (s->lookup.hit && !s->lookup.enough && !s->lookup.nested)
        explain_row(l, "missing", "%s: the table is walked again",
                    l->story->access == VM_WRITE && s->lookup.value & VM_PROT_WRITE
                        ? "the dirty bit, which the first write sets in the table"
                        : "the right");
    say_set(l, "the set held", s->lookup.entry);
}

static void say_load(struct explain_lines *l, const struct vm_story_load *load, uint32_t i,
                     bool skipped)
{
    char label[24], text[160];
    unsigned long long at = load->load.kva ? load->load.kva : load->load.at;
    int n;
    snprintf(label, sizeof label, skipped ? "not read" : "load %u", i + 1);
    if (load->index_bytes)
        n = snprintf(text, sizeof text, "0x%llx = 0x%llx + %llu x %u", at,
                     (unsigned long long)load->base, (unsigned long long)load->index,
                     load->index_bytes);
    else
        n = snprintf(text, sizeof text, "0x%llx", at);
    if (load->load.kva)
        snprintf(text + n, sizeof text - (size_t)n, " (kernel's address; physical 0x%llx)",
                 (unsigned long long)load->load.at);
    const struct vm_field *top = &l->story->field[load->field.first];
    unsigned width = load->field.n && top->high < 32 ? 32 : 64;
    bits(l, label, load->load.word, width, load->field, text);
}

static void say_walk_outcome(struct explain_lines *l, const struct vm_story_step *s)
{
    char prot[4];
    switch (s->walk.fault) {
    case VM_WALK_OK:
        explain_row(l, "found", "frame %u, %s%s%s", s->walk.pfn, vm_prot_text(s->walk.prot, prot),
                    s->walk.prot & VM_PROT_GLOBAL ? ", global" : "",
                    s->walk.dirty ? ", dirty" : "");
        break;
    case VM_WALK_ABSENT:
        explain_row(l, "outcome", "not present: a page fault");
        break;
    case VM_WALK_DENIED:
        explain_row(l, "outcome", "frame %u, %s: the %s is not allowed, a protection fault",
                    s->walk.pfn, vm_prot_text(s->walk.prot, prot),
                    explain_access_names[l->story->access]);
        break;
    case VM_WALK_BOUNDS:
        explain_row(l, "outcome", "the scheme cannot name this address: the touch is refused");
        break;
    case VM_WALK_RESERVED:
        explain_row(l, "outcome", "the entry is one that the architecture reserves: a fault");
        break;
    case VM_WALK_UNMARKED:
        explain_row(l, "outcome",
                    "allowed, but the kernel has to set the accessed or dirty bit: a fault");
        break;
    }
    if (s->walk.nstores)
        explain_row(l, "written back", "%u word%s: accessed%s", s->walk.nstores,
                    s->walk.nstores == 1 ? "" : "s",
                    l->story->access == VM_WRITE ? " and dirty bits" : " bits");
}

/* What of the walk a cache made needless, and what its loads have to wait for. */
static void say_walk_waits(struct explain_lines *l, const struct vm_story_step *s)
{
    if (s->walk.skipped && s->walk.cache < l->story->nwalk_caches)
        explain_row(l, "walk cache", "%s has where load %u leads to: the walk begins there",
                    l->story->walk_cache[s->walk.cache].name, s->walk.skipped);
    else if (s->walk.skipped)
        explain_row(l, "table's page", "a TLB has it: the walk begins behind load %u",
                    s->walk.skipped);
    if (s->walk.steps < s->walk.nloads - s->walk.skipped)
        explain_row(l, "at once", "%llu step%s: loads that do not wait for each other",
                    (unsigned long long)s->walk.steps, s->walk.steps == 1 ? "" : "s");
    if (s->walk.waits < s->walk.steps)
        explain_row(l, "hidden", "%llu of the steps, by other walks under way",
                    (unsigned long long)(s->walk.steps - s->walk.waits));
}

static void say_walk(struct explain_lines *l, const struct vm_story_step *s)
{
    uint32_t made = s->walk.nloads - s->walk.skipped;
    explain_step(l, s, s->walk.fault == VM_WALK_OK ? EXPLAIN_PLAIN : EXPLAIN_BAD,
                 "Walk of the page table (%s): %u load%s%s", l->story->scheme, made,
                 made == 1 ? "" : "s", s->walk.fault == VM_WALK_OK ? "" : ", a fault");
    say_walk_waits(l, s);
    for (uint32_t i = 0; i < s->walk.load.n; i++)
        say_load(l, &l->story->load[s->walk.load.first + i], i, i < s->walk.skipped);
    if (s->walk.nloads > s->walk.load.n)
        explain_row(l, "", "and %u loads more", s->walk.nloads - s->walk.load.n);
    say_walk_outcome(l, s);
}

static void say_trap(struct explain_lines *l, const struct vm_story_step *s)
{
    static const char *const texts[] = {
        [VM_TRAP_REFILL] = "to refill the TLBs",
        [VM_TRAP_REFILL_TABLE] = "to refill the TLBs with the table's own page",
        [VM_TRAP_INVALID] = "as the entry that it put in is not present",
        [VM_TRAP_MODIFIED] = "for a write to a page that is clean, or not to be written",
    };
    explain_step(l, s, EXPLAIN_BAD, "Trap to the kernel %s", texts[s->trap]);
}

static void say_mark(struct explain_lines *l, const struct vm_story_step *s)
{
    char page[32];
    explain_page_number(s->mark.va >> l->story->page_shift, page, sizeof page);
    if (s->mark.why == VM_MARK_ON_LEAVING)
        explain_step(l, s, EXPLAIN_PLAIN, "The TLB entry that leaves marks page %s in the table",
                     page);
    else
        explain_step(l, s, s->mark.why == VM_MARK_BY_TRAP ? EXPLAIN_BAD : EXPLAIN_PLAIN,
                     "The kernel marks the table's entry of page %s", page);
}

static void say_prefetch(struct explain_lines *l, const struct vm_story_step *s)
{
    char page[32];
    explain_step(l, s, EXPLAIN_PLAIN, "Prefetch of page %s: %s, %u load%s beside the program",
                 explain_page_number(s->prefetch.va >> l->story->page_shift, page, sizeof page),
                 s->prefetch.taken ? "into the buffer" : "not there, or never used",
                 s->prefetch.loads, s->prefetch.loads == 1 ? "" : "s");
}

static void say_fill(struct explain_lines *l, const struct vm_story_step *s)
{
    const struct vm_story_tlb *t = &l->story->tlb[s->fill.tlb];
    char page[48], value[80];
    explain_step(l, s, EXPLAIN_PLAIN, "TLB %s takes page %s", t->name,
                 explain_page(l->story, s->fill.tag, page, sizeof page));
    explain_row(l, "entry", "%s, in set %llu", value_text(s->fill.value, value, sizeof value),
                (unsigned long long)s->fill.set);
    if (s->fill.replaced != VM_TLB_EMPTY)
        explain_row(l, "replaced", "page %s",
                    explain_page(l->story, s->fill.replaced, page, sizeof page));
    say_set(l, "the set holds", s->fill.entry);
}

static void say_shootdown(struct explain_lines *l, const struct vm_story_step *s)
{
    char page[48];
    explain_step(l, s, EXPLAIN_PLAIN, "Shootdown: page %s %s",
                 explain_page_of(l->story, s->shootdown.page_key, page, sizeof page),
                 s->shootdown.found ? "is removed from the TLBs" : "was in no TLB");
}

static void say_flush(struct explain_lines *l, const struct vm_story_step *s)
{
    if (s->flush.whole)
        explain_step(l, s, EXPLAIN_PLAIN, "The TLBs are emptied for the switch");
    else
        explain_step(l, s, EXPLAIN_PLAIN, "The TLBs drop the entries of space %u", s->flush.asid);
}

static void say_access(struct explain_lines *l, const struct vm_story_step *s)
{
    const struct vm_story *story = l->story;
    char pa[48], size[48], offset[48];
    unsigned shift = story->page_shift + vm_tlb_order(s->access.value);
    explain_step(l, s, EXPLAIN_GOOD, "Physical address %s", number(s->access.pa, pa, sizeof pa));
    explain_row(l, "computed", "frame %u x %s + offset %s", vm_tlb_pfn(s->access.value),
                number(UINT64_C(1) << story->page_shift, size, sizeof size),
                number(s->access.pa & ((UINT64_C(1) << shift) - 1), offset, sizeof offset));
}

static void say_line(struct explain_lines *l, const struct vm_story_step *s)
{
    char pa[48];
    const char *what = s->line.table ? "The table word at" : "The line at";
    number(s->line.pa, pa, sizeof pa);
    if (s->line.cache < 0)
        explain_step(l, s, EXPLAIN_BAD, "%s %s is in no cache: %s memory", what, pa,
                     s->line.table && s->line.access == VM_WRITE ? "written to" : "read from");
    else
        explain_step(l, s, EXPLAIN_GOOD, "%s %s is in cache %s", what, pa,
                     l->story->cache[s->line.cache].name);
    if (s->line.hidden)
        explain_row(l, "hidden", "its time passes behind another's");
}

static void say_step(struct explain_lines *l, const struct vm_story_step *s)
{
    switch (s->kind) {
    case VM_TAP_EVENT:
        say_event(l, s);
        break;
    case VM_TAP_TOUCH:
        say_touch(l, s);
        break;
    case VM_TAP_LOOKUP:
        say_lookup(l, s);
        break;
    case VM_TAP_WALK:
        say_walk(l, s);
        break;
    case VM_TAP_FAULT:
        explain_fault(l, s);
        break;
    case VM_TAP_LEAVING:
        explain_leaving(l, s);
        break;
    case VM_TAP_FILL:
        say_fill(l, s);
        break;
    case VM_TAP_SHOOTDOWN:
        say_shootdown(l, s);
        break;
    case VM_TAP_FLUSH:
        say_flush(l, s);
        break;
    case VM_TAP_ACCESS:
        say_access(l, s);
        break;
    case VM_TAP_TRAP:
        say_trap(l, s);
        break;
    case VM_TAP_MARK:
        say_mark(l, s);
        break;
    case VM_TAP_PREFETCH:
        say_prefetch(l, s);
        break;
    case VM_TAP_LINE:
        say_line(l, s);
        break;
    case VM_TAP_WISHED:
        explain_wished(l, s);
        break;
    case VM_TAP_AHEAD:
        explain_ahead(l, s);
        break;
    case VM_TAP_CLEANED:
        explain_cleaned(l, s);
        break;
    case VM_TAP_TICK:
        explain_step(l, s, EXPLAIN_PLAIN, "The kernel's scan makes huge pages of base pages");
        explain_copies(l, s->tick.copied_bytes);
        break;
    case VM_TAP_EMPTIED:
    case VM_TAP_JOINED:
    case VM_TAP_PARTED:
        break;
    }
}

/* ---- before and after ---- */

static const struct vm_story_frame *frame_in(const struct vm_story *s, struct vm_slice memory,
                                             vm_pfn pfn)
{
    for (uint32_t i = 0; i < memory.n; i++)
        if (s->frame[memory.first + i].pfn == pfn)
            return &s->frame[memory.first + i];
    return NULL;
}

/* A frame of a small memory: what it holds now, and what it held where that is another page. */
static void say_frame(struct explain_lines *l, vm_pfn pfn)
{
    const struct vm_story *s = l->story;
    const struct vm_story_frame *was = frame_in(s, s->memory_before, pfn);
    const struct vm_story_frame *is = frame_in(s, s->memory_after, pfn);
    char page[48], text[96] = "";
    if (!was && !is)
        return;
    if (was && is && was->key == is->key && was->came == is->came) {
        frame(l, is, EXPLAIN_PLAIN, is->last == s->ref ? "touched" : "");
        return;
    }
    if (was)
        snprintf(text, sizeof text, is ? "before: page %s" : "page %s has left",
                 explain_page_of(s, was->key, page, sizeof page));
    else
        snprintf(text, sizeof text, "was free");
    frame(l, is ? is : was, EXPLAIN_BAD, text);
}

static void say_memory(struct explain_lines *l)
{
    if (l->story->memory_before.n + l->story->memory_after.n == 0)
        return;
    part(l, "Memory after it");
    for (vm_pfn pfn = 0; pfn < l->story->nframes; pfn++)
        say_frame(l, pfn);
}

static void say_counts(struct explain_lines *l)
{
    const struct vm_counts *a = &l->story->before, *b = &l->story->after;
    char was[32], is[32];
    part(l, "What it changed");
#define SAY_COUNT(field, what)                                                                     \
    if (a->field != b->field)                                                                      \
        explain_row(l, #field, "%s -> %s", vm_text_count(a->field, was, sizeof was),               \
                    vm_text_count(b->field, is, sizeof is));
    VM_COUNTS(SAY_COUNT)
#undef SAY_COUNT
}

static void say_price(struct explain_lines *l, const char *what, double ns)
{
    struct explain_line *to = ns > 0 ? add(l, EXPLAIN_PRICE) : NULL;
    if (!to)
        return;
    snprintf(to->text, sizeof to->text, "%s", what);
    to->ns = ns;
}

static void say_prices(struct explain_lines *l)
{
    struct vm_prices p;
    vm_story_prices(l->story, &p);
    part(l, "What it cost");
#define SAY_PRICE(field, what) say_price(l, what, p.field##_ns);
    VM_PRICES(SAY_PRICE)
#undef SAY_PRICE
    say_price(l, "in all", p.total_ns);
}

void explain_lines_make(struct explain_lines *l, const struct vm_story *s)
{
    *l = (struct explain_lines){.story = s};
    for (size_t i = 0; i < s->nsteps; i++)
        say_step(l, &s->step[i]);
    say_memory(l);
    say_counts(l);
    say_prices(l);
}

void explain_lines_free(struct explain_lines *l)
{
    free(l->line);
    l->line = NULL;
}
