/* explain_json.c - stories for programs. Every member: docs/formats/json.md. */
#include "report/explain_lines.h"
#include "report/json.h"
#include "report/words.h"

#include <string.h>

/* A document being made of one story. */
struct draft {
    struct vm_json json;
    const struct vm_story *story;
};

static void put_text(struct draft *d, json_t *object, const char *key, const char *text)
{
    vm_json_put(&d->json, object, key, json_string(text));
}

static void put_hex(struct draft *d, json_t *object, const char *key, uint64_t x)
{
    char hex[32];
    put_text(d, object, key, vm_json_hex(x, hex));
}

static void put_count(struct draft *d, json_t *object, const char *key, uint64_t x)
{
    vm_json_put(&d->json, object, key, json_integer((json_int_t)x));
}

static void put_flag(struct draft *d, json_t *object, const char *key, bool x)
{
    vm_json_put(&d->json, object, key, json_boolean(x));
}

static void put_prot(struct draft *d, json_t *object, unsigned prot)
{
    char text[4];
    put_text(d, object, "prot", vm_prot_text(prot, text));
}

/* A page by its number and space. */
static void put_page(struct draft *d, json_t *object, uint64_t key)
{
    put_hex(d, object, "page", key >> 12);
    put_count(d, object, "space", vm_key_asid(key));
}

static json_t *fields_json(struct draft *d, uint64_t value, struct vm_slice slice)
{
    json_t *fields = json_array();
    for (uint32_t i = 0; i < slice.n; i++) {
        const struct vm_field *f = &d->story->field[slice.first + i];
        json_t *one = json_pack("{s:s, s:i, s:i}", "name", f->name, "high", f->high, "low", f->low);
        put_hex(d, one, "value", value >> f->low & ((UINT64_C(2) << (f->high - f->low)) - 1));
        vm_json_add(&d->json, fields, one);
    }
    return fields;
}

/* A TLB's entry. With TLBs that are flushed at a switch the tag has no space: 0. */
static json_t *entry_json(struct draft *d, uint64_t tag, uint64_t value)
{
    json_t *entry = json_object();
    bool global = vm_key_asid(tag) == VM_TLB_GLOBAL;
    put_page(d, entry, global ? tag & ~UINT64_C(0xfff) : tag);
    put_flag(d, entry, "global", global);
    put_count(d, entry, "frame", vm_tlb_pfn(value));
    put_count(d, entry, "order", vm_tlb_order(value));
    put_prot(d, entry, (unsigned)value);
    put_flag(d, entry, "dirty", value & VM_TLB_DIRTY);
    return entry;
}

static json_t *set_json(struct draft *d, struct vm_slice slice)
{
    json_t *set = json_array();
    for (uint32_t w = 0; w < slice.n; w++) {
        const struct vm_story_entry *e = &d->story->entry[slice.first + w];
        if (e->tag == VM_TLB_EMPTY)
            continue;
        json_t *entry = entry_json(d, e->tag, e->value);
        put_count(d, entry, "way", w);
        vm_json_add(&d->json, set, entry);
    }
    return set;
}

static json_t *frame_json(struct draft *d, const struct vm_story_frame *f)
{
    json_t *frame = json_object();
    put_count(d, frame, "frame", f->pfn);
    put_page(d, frame, f->key);
    put_flag(d, frame, "referenced", f->bits & VM_FRAME_REFERENCED);
    put_flag(d, frame, "dirty", f->bits & VM_FRAME_DIRTY);
    put_count(d, frame, "came", f->came);
    put_count(d, frame, "last", f->last);
    put_count(d, frame, "touches", f->touches);
    put_flag(d, frame, "ahead", f->ahead);
    return frame;
}

/* One of those that could have left, with what the choice knew of it. */
static json_t *rival_json(struct draft *d, const struct vm_story_frame *f)
{
    json_t *rival = frame_json(d, f);
    put_flag(d, rival, "spared", f->spared);
    if (d->story->reason == VM_REASON_FARTHEST || d->story->reason == VM_REASON_NEAREST)
        put_count(d, rival, "next", f->next);
    if (d->story->reason == VM_REASON_AGES)
        put_count(d, rival, "age", f->ages >> (16 - d->story->age_bits));
    return rival;
}

static json_t *frames_json(struct draft *d, struct vm_slice slice)
{
    json_t *frames = json_array();
    for (uint32_t i = 0; i < slice.n; i++)
        vm_json_add(&d->json, frames, frame_json(d, &d->story->frame[slice.first + i]));
    return frames;
}

/* ---- a step's own members ---- */

static void event_json(struct draft *d, json_t *step, const struct vm_story_step *s)
{
    put_text(d, step, "event", vm_event_names[s->event.event.kind]);
    put_count(d, step, "space", s->event.event.asid);
    put_count(d, step, "child", s->event.event.child);
    put_hex(d, step, "va", s->event.event.va);
    put_count(d, step, "bytes", s->event.event.bytes);
    put_prot(d, step, s->event.event.prot);
    put_count(d, step, "copied_bytes", s->event.copied_bytes);
}

static void touch_json(struct draft *d, json_t *step, const struct vm_story_step *s)
{
    put_count(d, step, "space", s->touch.asid);
    put_hex(d, step, "va", s->touch.va);
    put_hex(d, step, "page", s->touch.va >> d->story->page_shift);
    put_text(d, step, "access", explain_access_names[s->touch.access]);
    vm_json_put(&d->json, step, "fields", fields_json(d, s->touch.va, s->touch.field));
}

static void lookup_json(struct draft *d, json_t *step, const struct vm_story_step *s)
{
    put_text(d, step, "tlb", d->story->tlb[s->lookup.tlb].name);
    put_count(d, step, "set", s->lookup.set);
    put_hex(d, step, "page", s->lookup.tag >> 12);
    put_flag(d, step, "hit", s->lookup.hit);
    put_flag(d, step, "enough", s->lookup.enough);
    put_flag(d, step, "nested", s->lookup.nested);
    if (s->lookup.hit)
        vm_json_put(&d->json, step, "entry", entry_json(d, s->lookup.tag, s->lookup.value));
    vm_json_put(&d->json, step, "held", set_json(d, s->lookup.entry));
}

static json_t *load_json(struct draft *d, const struct vm_story_load *l)
{
    static const char *const roles[] = {
        [VM_LOAD_TABLE] = "table", [VM_LOAD_LEAF] = "leaf", [VM_LOAD_NESTED] = "nested"};
    json_t *load = json_object();
    put_hex(d, load, "at", l->load.at);
    put_hex(d, load, "word", l->load.word);
    put_text(d, load, "role", roles[l->load.role]);
    put_count(d, load, "covers_bits", l->load.covers);
    put_count(d, load, "wait", l->load.step);
    put_hex(d, load, "kernel_va", l->load.kva);
    if (l->index_bytes) {
        put_hex(d, load, "base", l->base);
        put_count(d, load, "index", l->index);
        put_count(d, load, "index_bytes", l->index_bytes);
    }
    vm_json_put(&d->json, load, "fields", fields_json(d, l->load.word, l->field));
    return load;
}

static void walk_json(struct draft *d, json_t *step, const struct vm_story_step *s)
{
    json_t *loads = json_array();
    for (uint32_t i = 0; i < s->walk.load.n; i++)
        vm_json_add(&d->json, loads, load_json(d, &d->story->load[s->walk.load.first + i]));
    put_text(d, step, "outcome", explain_walk_name(s->walk.fault));
    vm_json_put(&d->json, step, "loads", loads);
    put_count(d, step, "loads_all", s->walk.nloads);
    put_count(d, step, "stores", s->walk.nstores);
    put_count(d, step, "skipped", s->walk.skipped);
    if (s->walk.cache < d->story->nwalk_caches)
        put_text(d, step, "walk_cache", d->story->walk_cache[s->walk.cache].name);
    put_count(d, step, "steps", s->walk.steps);
    put_count(d, step, "waits", s->walk.waits);
    if (s->walk.fault != VM_WALK_OK)
        return;
    put_count(d, step, "frame", s->walk.pfn);
    put_count(d, step, "order", s->walk.order);
    put_prot(d, step, s->walk.prot);
    put_flag(d, step, "dirty", s->walk.dirty);
}

static json_t *mapping_json(struct draft *d, const struct vm_vma *v)
{
    json_t *mapping = json_object();
    put_hex(d, mapping, "start", v->start);
    put_hex(d, mapping, "end", v->end);
    put_prot(d, mapping, v->prot);
    put_text(d, mapping, "backing", vm_backing_text(v));
    return mapping;
}

static void fault_json(struct draft *d, json_t *step, const struct vm_story_step *s)
{
    put_text(d, step, "fault", explain_fault_name(s->fault.kind));
    put_count(d, step, "space", s->fault.asid);
    put_hex(d, step, "va", s->fault.va);
    put_text(d, step, "access", explain_access_names[s->fault.access]);
    if (s->fault.has_vma)
        vm_json_put(&d->json, step, "mapping", mapping_json(d, &s->fault.vma));
    if (s->fault.pfn != VM_NOFRAME)
        put_count(d, step, "frame", s->fault.pfn);
    put_flag(d, step, "inserted", s->fault.inserted);
    put_flag(d, step, "ahead", s->fault.ahead);
    if (s->fault.ahead)
        put_count(d, step, "came", s->fault.came);
    put_count(d, step, "copied_bytes", s->fault.copied_bytes);
}

static void leaving_json(struct draft *d, json_t *step, const struct vm_story_step *s)
{
    static const char *const whys[] = {
        [VM_LEAVES_MAPPING] = "mapping", [VM_LEAVES_CHOSEN] = "chosen",
        [VM_LEAVES_CLAIMED] = "claimed", [VM_LEAVES_UNUSED] = "unused",
        [VM_LEAVES_GIVEN] = "given",     [VM_LEAVES_WRITTEN] = "written",
        [VM_LEAVES_MOVED] = "moved"};
    static const char *const hows[] = {[VM_LEFT_UNMAPPED] = "unmapped",
                                       [VM_LEFT_DROPPED] = "dropped",
                                       [VM_LEFT_WRITTEN] = "written",
                                       [VM_LEFT_PARKED] = "parked",
                                       [VM_LEFT_QUEUED] = "queued"};
    const struct vm_leaving *v = &s->leaving.leaving;
    put_page(d, step, v->key);
    put_count(d, step, "frame", v->pfn);
    put_text(d, step, "why", whys[v->why]);
    put_text(d, step, "how", hows[v->how]);
    put_count(d, step, "slot", v->slot);
    put_flag(d, step, "ahead", v->ahead);
    if (v->why != VM_LEAVES_CHOSEN)
        return;
    put_text(d, step, "reason", explain_reason_name(d->story->reason));
    json_t *rivals = json_array();
    for (uint32_t i = 0; i < s->leaving.frame.n; i++)
        vm_json_add(&d->json, rivals, rival_json(d, &d->story->frame[s->leaving.frame.first + i]));
    vm_json_put(&d->json, step, "victim", rival_json(d, &s->leaving.victim));
    vm_json_put(&d->json, step, "rivals", rivals);
    put_count(d, step, "pages_all", s->leaving.frames_all);
}

static void cleaned_json(struct draft *d, json_t *step, const struct vm_story_step *s)
{
    put_page(d, step, s->cleaned.key);
    put_count(d, step, "frame", s->cleaned.pfn);
    put_count(d, step, "slot", s->cleaned.slot);
}

static void wished_json(struct draft *d, json_t *step, const struct vm_story_step *s)
{
    put_text(d, step, "readahead", d->story->config->readahead);
    put_text(d, step, "why", explain_readahead_name(s->wished.why));
    put_count(d, step, "space", s->wished.asid);
    put_hex(d, step, "va", s->wished.va);
    put_count(d, step, "slot", s->wished.slot);
    put_text(d, step, "numbers", s->wished.of_slots ? "slots" : "pages");
    put_count(d, step, "wished", s->wished.n);
    put_count(d, step, "first", s->wished.first);
    put_count(d, step, "last", s->wished.last);
    put_count(d, step, "window", s->wished.window);
    vm_json_put(&d->json, step, "distance", json_integer(s->wished.distance));
    put_count(d, step, "votes", s->wished.votes);
    put_count(d, step, "asked", s->wished.asked);
}

static void ahead_json(struct draft *d, json_t *step, const struct vm_story_step *s)
{
    put_page(d, step, s->ahead.key);
    put_count(d, step, "frame", s->ahead.pfn);
    put_count(d, step, "slot", s->ahead.slot);
}

static void fill_json(struct draft *d, json_t *step, const struct vm_story_step *s)
{
    put_text(d, step, "tlb", d->story->tlb[s->fill.tlb].name);
    put_count(d, step, "set", s->fill.set);
    vm_json_put(&d->json, step, "entry", entry_json(d, s->fill.tag, s->fill.value));
    if (s->fill.replaced != VM_TLB_EMPTY)
        put_hex(d, step, "replaced", s->fill.replaced >> 12);
    vm_json_put(&d->json, step, "held", set_json(d, s->fill.entry));
}

static void shootdown_json(struct draft *d, json_t *step, const struct vm_story_step *s)
{
    put_page(d, step, s->shootdown.page_key);
    put_flag(d, step, "found", s->shootdown.found);
}

static void flush_json(struct draft *d, json_t *step, const struct vm_story_step *s)
{
    put_flag(d, step, "whole", s->flush.whole);
    put_count(d, step, "space", s->flush.asid);
}

static void access_json(struct draft *d, json_t *step, const struct vm_story_step *s)
{
    put_hex(d, step, "pa", s->access.pa);
    put_count(d, step, "frame", vm_tlb_pfn(s->access.value));
    put_count(d, step, "order", vm_tlb_order(s->access.value));
}

static void line_json(struct draft *d, json_t *step, const struct vm_story_step *s)
{
    put_hex(d, step, "pa", s->line.pa);
    put_text(d, step, "access", explain_access_names[s->line.access]);
    put_flag(d, step, "table", s->line.table);
    put_flag(d, step, "hidden", s->line.hidden);
    put_text(d, step, "cache", s->line.cache < 0 ? "none" : d->story->cache[s->line.cache].name);
}

static void trap_json(struct draft *d, json_t *step, const struct vm_story_step *s)
{
    static const char *const whys[] = {[VM_TRAP_REFILL] = "refill",
                                       [VM_TRAP_REFILL_TABLE] = "refill-table",
                                       [VM_TRAP_INVALID] = "invalid",
                                       [VM_TRAP_MODIFIED] = "modified"};
    put_text(d, step, "why", whys[s->trap]);
}

static void scan_json(struct draft *d, json_t *step, const struct vm_story_step *s)
{
    put_count(d, step, "copied_bytes", s->tick.copied_bytes);
}

static void mark_json(struct draft *d, json_t *step, const struct vm_story_step *s)
{
    static const char *const whys[] = {[VM_MARK_ON_LEAVING] = "on-leaving",
                                       [VM_MARK_BY_TRAP] = "trap",
                                       [VM_MARK_BY_REFILL] = "refill"};
    put_text(d, step, "why", whys[s->mark.why]);
    put_count(d, step, "space", s->mark.asid);
    put_hex(d, step, "va", s->mark.va);
}

static void prefetch_json(struct draft *d, json_t *step, const struct vm_story_step *s)
{
    put_hex(d, step, "va", s->prefetch.va);
    put_count(d, step, "loads_all", s->prefetch.loads);
    put_flag(d, step, "taken", s->prefetch.taken);
}

static const struct {
    const char *name;
    void (*put)(struct draft *d, json_t *step, const struct vm_story_step *s);
} kinds[VM_TAP_KINDS] = {
    [VM_TAP_EVENT] = {"event", event_json},
    [VM_TAP_TOUCH] = {"touch", touch_json},
    [VM_TAP_LOOKUP] = {"lookup", lookup_json},
    [VM_TAP_WALK] = {"walk", walk_json},
    [VM_TAP_FAULT] = {"fault", fault_json},
    [VM_TAP_LEAVING] = {"leaving", leaving_json},
    [VM_TAP_CLEANED] = {"cleaned", cleaned_json},
    [VM_TAP_WISHED] = {"wish", wished_json},
    [VM_TAP_AHEAD] = {"ahead", ahead_json},
    [VM_TAP_FILL] = {"fill", fill_json},
    [VM_TAP_SHOOTDOWN] = {"shootdown", shootdown_json},
    [VM_TAP_FLUSH] = {"flush", flush_json},
    [VM_TAP_ACCESS] = {"access", access_json},
    [VM_TAP_LINE] = {"line", line_json},
    [VM_TAP_TRAP] = {"trap", trap_json},
    [VM_TAP_TICK] = {"scan", scan_json},
    [VM_TAP_MARK] = {"mark", mark_json},
    [VM_TAP_PREFETCH] = {"prefetch", prefetch_json},
};

/* ---- the whole ---- */

static json_t *price_json(const char *name, double ns)
{
    return json_pack("{s:s, s:f}", "price", name, "ns", ns);
}

static json_t *step_json(struct draft *d, const struct vm_story_step *s)
{
    static const char *const names[] = {NULL,
#define PRICE_NAME(field, what) #field,
                                        VM_PRICES(PRICE_NAME)
#undef PRICE_NAME
    };
    json_t *step = json_object(), *prices = json_array();
    put_text(d, step, "step", kinds[s->kind].name);
    for (size_t i = 0; i < VM_STORY_PRICES_MAX; i++)
        if (s->price[i].kind != VM_STORY_FREE)
            vm_json_add(&d->json, prices, price_json(names[s->price[i].kind], s->price[i].ns));
    vm_json_put(&d->json, step, "prices", prices);
    kinds[s->kind].put(d, step, s);
    return step;
}

static json_t *counts_json(struct draft *d)
{
    json_t *counts = json_array();
    const struct vm_counts *a = &d->story->before, *b = &d->story->after;
#define COUNT_JSON(field, what)                                                                    \
    if (a->field != b->field)                                                                      \
        vm_json_add(&d->json, counts,                                                              \
                    json_pack("{s:s, s:I, s:I}", "count", #field, "before", (json_int_t)a->field,  \
                              "after", (json_int_t)b->field));
    VM_COUNTS(COUNT_JSON)
#undef COUNT_JSON
    return counts;
}

static json_t *reference_json(struct draft *d)
{
    const struct vm_story *s = d->story;
    json_t *reference = json_object(), *steps = json_array();
    for (size_t i = 0; i < s->nsteps; i++)
        vm_json_add(&d->json, steps, step_json(d, &s->step[i]));
    put_count(d, reference, "ref", s->ref);
    put_text(d, reference, "access", explain_access_names[s->access]);
    put_hex(d, reference, "va", s->va);
    put_count(d, reference, "bytes", s->bytes);
    put_count(d, reference, "space", s->asid);
    vm_json_put(&d->json, reference, "ns", json_real(s->ns));
    vm_json_put(&d->json, reference, "steps", steps);
    vm_json_put(&d->json, reference, "counts", counts_json(d));
    vm_json_put(&d->json, reference, "memory_before", frames_json(d, s->memory_before));
    vm_json_put(&d->json, reference, "memory_after", frames_json(d, s->memory_after));
    return reference;
}

bool vm_report_explain_json(FILE *out, const struct vm_explanation *x, struct vm_error *e)
{
    struct draft d = {.json = {false}};
    json_t *references = json_array();
    for (size_t i = 0; i < x->nstories; i++) {
        d.story = x->story[i];
        vm_json_add(&d.json, references, reference_json(&d));
    }
    json_t *root = json_pack("{s:i, s:s, s:s, s:o}", "schema", VM_JSON_SCHEMA, "kind", "explain",
                             "version", PAGODA_VERSION, "trace", vm_json_trace(&x->trace));
    vm_json_put(&d.json, root, "config", vm_json_config(&d.json, x->story[0]->config));
    vm_json_put(&d.json, root, "references", references);
    return vm_json_write(out, &d.json, root, e);
}
