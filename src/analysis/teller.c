/* teller.c - see teller.h. Each event becomes a step: a copy, and what it meant at that moment. */
#include "analysis/teller.h"
#include "base/assert.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void telling_free(struct telling *t)
{
    free(t->story.step);
    free(t->story.load);
    free(t->story.field);
    free(t->story.entry);
    free(t->story.frame);
    *t = (struct telling){.failed = false};
}

/* Room for `n` more elements of *array behind those it has: where they begin, or NULL. */
static void *room_for(struct telling *t, void *array, struct teller_room *room, uint32_t n,
                      size_t bytes)
{
    void **p = array;
    if (room->n + n > room->cap) {
        uint32_t cap = 2 * room->cap + n;
        void *grown = realloc(*p, cap * bytes);
        if (!grown) {
            t->failed = true;
            return NULL;
        }
        *p = grown;
        room->cap = cap;
    }
    void *begin = (uint8_t *)*p + room->n * bytes;
    if (n > 0)
        memset(begin, 0, n * bytes);
    room->n += n;
    return begin;
}

static struct vm_story_step *add_step(struct telling *t, enum vm_tap_kind kind)
{
    struct vm_story_step *s = room_for(t, &t->story.step, &t->steps, 1, sizeof *s);
    if (s)
        s->kind = kind;
    return s;
}

static struct vm_slice add_fields(struct telling *t, const struct vm_field *field, size_t n)
{
    struct vm_slice slice = {t->fields.n, (uint32_t)n};
    struct vm_field *to = room_for(t, &t->story.field, &t->fields, slice.n, sizeof *t->story.field);
    if (!to)
        return (struct vm_slice){0, 0};
    memcpy(to, field, n * sizeof *field);
    return slice;
}

static void add_price(struct telling *t, struct vm_story_step *s, enum vm_story_price kind,
                      double ns)
{
    size_t i = 0;
    if (ns <= 0)
        return;
    while (s->price[i].kind != VM_STORY_FREE)
        i++;
    VM_ASSERT(i < VM_STORY_PRICES_MAX);
    s->price[i].kind = kind;
    s->price[i].ns = ns;
    t->story.ns += ns;
}

/* Bytes copied so far, of pages and of tables that moved. */
static uint64_t copied_bytes(const struct history *h)
{
    const struct vm_counts *n = h->parts.counts;
    return n->page_copies * h->parts.config->page_bytes + n->table_moved_bytes;
}

/* What was waited for that no step has told of yet is this one's. */
static void take_waits(struct teller *r, struct vm_story_step *s)
{
    static const enum vm_story_price price[VM_WAITS] = {
        [VM_WAIT_READ] = VM_STORY_PRICE_swap_in,
        [VM_WAIT_WRITE] = VM_STORY_PRICE_swap_out,
        [VM_WAIT_FRAME] = VM_STORY_PRICE_stall,
    };
    for (int why = 0; why < VM_WAITS; why++) {
        uint64_t ns = r->history->parts.waits_ns[why];
        add_price(r->telling, s, price[why], (double)(ns - r->waits_ns[why]));
        r->waits_ns[why] = ns;
    }
}

/* What copies and transfers cost that no step has told of yet. Answers how many bytes were copied.
 */
static uint64_t take_costs(struct teller *r, struct vm_story_step *s)
{
    const struct history *h = r->history;
    const struct vm_config *c = h->parts.config;
    uint64_t bytes = copied_bytes(h) - r->copied_bytes;
    add_price(r->telling, s, VM_STORY_PRICE_copy,
              (double)bytes / (double)c->page_bytes * c->copy_ns);
    take_waits(r, s);
    r->copied_bytes += bytes;
    return bytes;
}

/* The last event is over. */
static void close_event(struct teller *r)
{
    if (!r->event)
        return;
    struct vm_story_step *s = &r->telling->story.step[r->event - 1];
    s->event.copied_bytes = take_costs(r, s);
    r->event = 0;
}

/* ---- the frames of a choice ---- */

/* `bits` as the policy found them, where it may have changed them since. */
static struct vm_story_frame frame_now(const struct teller *r, vm_pfn f, const uint8_t *bits)
{
    const struct stay *stay = &r->history->stay[f];
    uint8_t now = r->history->parts.bits[f];
    return (struct vm_story_frame){
        .pfn = f,
        .bits = bits ? bits[f] : now,
        .spared = bits && (bits[f] & ~now & VM_FRAME_REFERENCED),
        .ages = stay->ages,
        .key = stay->key,
        .came = stay->came,
        .last = stay->last,
        .touches = stay->touches,
        .ahead = stay->ahead,
    };
}

/* Every frame that holds a page but `without`. */
static struct vm_slice add_frames(struct teller *r, vm_pfn without, const uint8_t *bits)
{
    struct telling *t = r->telling;
    struct vm_slice slice = {t->frames.n, 0};
    for (vm_pfn f = 0; f < r->history->parts.nframes; f++) {
        if (!r->history->stay[f].touches || f == without)
            continue;
        struct vm_story_frame *to = room_for(t, &t->story.frame, &t->frames, 1, sizeof *to);
        if (!to)
            return (struct vm_slice){0, 0};
        *to = frame_now(r, f, bits);
        slice.n++;
    }
    return slice;
}

static struct vm_slice whole_memory(struct teller *r)
{
    if (r->history->parts.nframes > VM_STORY_FRAMES)
        return (struct vm_slice){0, 0};
    return add_frames(r, VM_NOFRAME, NULL);
}

static void keep_bits(struct teller *r)
{
    if (r->bits)
        memcpy(r->bits, r->history->parts.bits, r->history->parts.nframes);
}

/* ---- a step for each kind of event ---- */

static void tell_event(struct teller *r, const struct vm_event *event)
{
    const struct vm_config *c = r->history->parts.config;
    close_event(r);
    struct vm_story_step *s = add_step(r->telling, VM_TAP_EVENT);
    keep_bits(r);
    if (!s)
        return;
    s->event.event = *event;
    r->event = r->telling->steps.n;
    if (event->kind == VM_EVENT_SWITCH && event->asid != r->history->asid)
        add_price(r->telling, s, VM_STORY_PRICE_switching, c->switch_ns);
}

static void tell_touch(struct teller *r, const struct vm_tap_event *v)
{
    struct vm_field field[VM_FIELDS_MAX];
    const struct vm_engine_parts *parts = &r->history->parts;
    close_event(r);
    struct vm_story_step *s = add_step(r->telling, VM_TAP_TOUCH);
    if (!s)
        return;
    s->touch.asid = v->touch.asid;
    s->touch.va = v->touch.va;
    s->touch.access = v->touch.access;
    s->touch.field =
        add_fields(r->telling, field, parts->scheme->va_fields(parts->scheme_state, field));
    r->va = v->touch.va;
    r->address = s->touch.field;
}

/* The pages of a set, in its order (vm_tlb_rank); of pairs both. */
static struct vm_slice add_set(struct telling *t, const struct vm_tlb *in, uint64_t set)
{
    struct vm_slice slice = {t->entries.n, in->ways << in->pair_shift};
    struct vm_story_entry *to = room_for(t, &t->story.entry, &t->entries, slice.n, sizeof *to);
    for (uint32_t k = 0; to && k < slice.n; k++) {
        uint64_t at = (set * in->ways << in->pair_shift) + k;
        bool valid = in->tag[at >> in->pair_shift] != VM_TLB_EMPTY && in->value[at];
        uint64_t rank = vm_tlb_rank(in, at >> in->pair_shift) << in->pair_shift;
        to[rank + (at & in->pair_shift)] = (struct vm_story_entry){
            .tag = valid ? vm_tlb_tag_at(in, at) : VM_TLB_EMPTY,
            .value = valid ? in->value[at] : 0,
        };
    }
    return to ? slice : (struct vm_slice){0, 0};
}

static uint64_t set_of(const struct vm_tlb *in, uint64_t tag)
{
    return vm_tlb_set(in, vm_tlb_own_tag(in, tag));
}

/* Whether the tag, of a page of `order`, is that of the touch; else it is of a table on the way. */
static bool is_of(const struct teller *r, uint64_t tag, unsigned order)
{
    uint64_t page = vm_page_key(r->va, r->history->parts.page_shift, 0);
    return vm_tlb_tag(page, order) >> 12 == tag >> 12;
}

static void tell_lookup(struct teller *r, const struct vm_tap_event *v)
{
    struct telling *t = r->telling;
    struct vm_story_step *s = add_step(t, VM_TAP_LOOKUP);
    if (!s)
        return;
    unsigned needs = vm_access_needs(t->story.access);
    /* Where TLB entries mark when they leave, a first write makes its entry dirty by itself. */
    if (t->story.access == VM_WRITE && r->history->parts.config->marks != VM_MARKS_ON_LEAVING)
        needs |= VM_TLB_DIRTY;
    s->lookup.tlb = v->lookup.tlb;
    s->lookup.tag = v->lookup.tag;
    s->lookup.value = v->lookup.value;
    s->lookup.hit = v->lookup.hit;
    s->lookup.enough = v->lookup.hit && (v->lookup.value & needs) == needs;
    s->lookup.nested = !is_of(r, v->lookup.tag, vm_tlb_order(v->lookup.value));
    s->lookup.set = set_of(v->lookup.in, v->lookup.tag);
    s->lookup.entry = add_set(t, v->lookup.in, s->lookup.set);
    if (v->lookup.hit && !s->lookup.nested)
        add_price(t, s, VM_STORY_PRICE_tlb, t->story.tlb[v->lookup.tlb].config.hit_ns);
}

/* Where the word stands in its table, if address bits alone say so: those of the field that ends
 * where the word's own reach does. */
static void find_index(const struct teller *r, struct vm_story_load *load)
{
    const struct vm_field *field = r->telling->story.field;
    for (uint32_t i = 0; i < r->address.n && load->load.covers && load->field.n; i++) {
        const struct vm_field *f = &field[r->address.first + i];
        if (f->low != load->load.covers)
            continue;
        uint64_t at = load->load.kva ? load->load.kva : load->load.at;
        load->index = r->va >> f->low & ((UINT64_C(2) << (f->high - f->low)) - 1);
        load->index_bytes = field[load->field.first].high < 32 ? 4 : 8;
        load->base = at - load->index * load->index_bytes;
    }
}

static struct vm_slice add_loads(struct teller *r, const struct vm_walk *w)
{
    struct telling *t = r->telling;
    const struct vm_engine_parts *parts = &r->history->parts;
    struct vm_slice slice = {t->loads.n, w->nloads < VM_WALK_LOADS ? w->nloads : VM_WALK_LOADS};
    if (!room_for(t, &t->story.load, &t->loads, slice.n, sizeof *t->story.load))
        return (struct vm_slice){0, 0};
    for (uint32_t i = 0; i < slice.n; i++) {
        struct vm_field field[VM_FIELDS_MAX];
        struct vm_story_load *load = &t->story.load[slice.first + i];
        load->load = w->load[i];
        load->field =
            add_fields(t, field, parts->scheme->word_fields(parts->scheme_state, w, i, field));
        find_index(r, load);
    }
    return slice;
}

static double cache_ns(const struct telling *t, size_t cache)
{
    return cache < t->story.nwalk_caches ? t->story.walk_cache[cache].config.hit_ns : 0;
}

static void tell_walk(struct teller *r, const struct vm_tap_event *v)
{
    const struct vm_config *c = r->history->parts.config;
    const struct vm_walk *w = v->walk.walk;
    struct telling *t = r->telling;
    struct vm_slice load = add_loads(r, w);
    struct vm_story_step *s = add_step(t, VM_TAP_WALK);
    if (w->fault != VM_WALK_OK)
        keep_bits(r);
    if (!s)
        return;
    s->walk.fault = w->fault;
    s->walk.order = w->order;
    s->walk.prot = w->prot;
    s->walk.dirty = w->dirty;
    s->walk.nstores = w->nstores;
    s->walk.pfn = w->pfn;
    s->walk.nloads = w->nloads;
    s->walk.skipped = v->walk.skipped;
    s->walk.cache = (uint32_t)v->walk.cache;
    s->walk.steps = v->walk.steps;
    s->walk.waits = v->walk.waits;
    s->walk.load = load;
    r->waits = v->walk.steps ? (double)v->walk.waits / (double)v->walk.steps : 1;
    double ns = cache_ns(t, v->walk.cache);
    if (!t->story.ncaches) /* or else its lines have the price */
        ns += (double)(v->walk.waits + w->nstores) * c->memory_ns;
    add_price(t, s, VM_STORY_PRICE_walk, ns);
    if (w->fault == VM_WALK_BOUNDS)
        add_price(t, s, VM_STORY_PRICE_fault, c->fault_ns);
}

static void tell_mark(struct teller *r, const struct vm_tap_event *v)
{
    const struct vm_config *c = r->history->parts.config;
    struct vm_story_step *s = add_step(r->telling, VM_TAP_MARK);
    if (!s)
        return;
    s->mark.why = v->mark.why;
    s->mark.asid = v->mark.asid;
    s->mark.va = v->mark.va;
    if (v->mark.why == VM_MARK_BY_REFILL) /* a store of the walk, as the handler makes it */
        add_price(r->telling, s, VM_STORY_PRICE_walk, r->telling->story.ncaches ? 0 : c->memory_ns);
    else
        add_price(r->telling, s, VM_STORY_PRICE_mark,
                  v->mark.why == VM_MARK_BY_TRAP ? c->fault_ns : c->memory_ns);
}

static void tell_trap(struct teller *r, enum vm_tap_trap trap)
{
    struct vm_story_step *s = add_step(r->telling, VM_TAP_TRAP);
    if (!s)
        return;
    s->trap = trap;
    if (trap == VM_TRAP_REFILL || trap == VM_TRAP_REFILL_TABLE)
        add_price(r->telling, s, VM_STORY_PRICE_refill, r->history->parts.config->refill_ns);
}

/* A prefetch's loads cost nothing; a walk cache's hit is priced wherever it is made. */
static void tell_prefetch(struct teller *r, const struct vm_tap_event *v)
{
    struct vm_story_step *s = add_step(r->telling, VM_TAP_PREFETCH);
    if (!s)
        return;
    s->prefetch.va = v->prefetch.va;
    s->prefetch.loads = v->prefetch.loads;
    s->prefetch.taken = v->prefetch.taken;
    add_price(r->telling, s, VM_STORY_PRICE_walk, cache_ns(r->telling, v->prefetch.cache));
}

static void tell_fault(struct teller *r, const struct vm_fault *f)
{
    const struct vm_config *c = r->history->parts.config;
    struct vm_story_step *s = add_step(r->telling, VM_TAP_FAULT);
    if (!s)
        return;
    s->fault.kind = f->kind;
    s->fault.asid = f->asid;
    s->fault.va = f->va;
    s->fault.access = f->access;
    s->fault.has_vma = f->vma;
    if (f->vma)
        s->fault.vma = *f->vma;
    s->fault.pfn = f->pfn;
    s->fault.inserted = f->inserted;
    s->fault.ahead = f->ahead;
    if (f->ahead)
        s->fault.came = r->history->stay[vm_memory_unit(r->history->parts.memory, f->pfn)].came;
    add_price(r->telling, s, VM_STORY_PRICE_fault, c->fault_ns);
    s->fault.copied_bytes = take_costs(r, s);
}

static void tell_leaving(struct teller *r, const struct vm_leaving *leaving)
{
    struct vm_slice frame = {0, 0};
    bool chosen = leaving->why == VM_LEAVES_CHOSEN;
    if (chosen)
        frame = add_frames(r, leaving->pfn, r->bits);
    struct vm_story_step *s = add_step(r->telling, VM_TAP_LEAVING);
    if (!s)
        return;
    s->leaving.leaving = *leaving;
    s->leaving.victim = frame_now(r, leaving->pfn, chosen ? r->bits : NULL);
    s->leaving.victim.key = leaving->key;
    s->leaving.victim.spared = false;
    s->leaving.frame = frame;
    s->leaving.frames_all = frame.n + UINT64_C(1);
    take_waits(r, s);
    keep_bits(r);
}

static void tell_cleaned(struct teller *r, const struct vm_tap_event *v)
{
    struct vm_story_step *s = add_step(r->telling, VM_TAP_CLEANED);
    if (!s)
        return;
    s->cleaned.pfn = v->cleaned.pfn;
    s->cleaned.key = v->cleaned.key;
    s->cleaned.slot = v->cleaned.slot;
}

static void tell_wished(struct teller *r, const struct vm_tap_event *v)
{
    const struct vm_readahead_wish *wish = v->wished.wish;
    struct vm_story_step *s = add_step(r->telling, VM_TAP_WISHED);
    if (!s)
        return;
    s->wished.asid = v->wished.fault->asid;
    s->wished.va = v->wished.fault->va;
    s->wished.slot = v->wished.slot;
    s->wished.of_slots = wish->of == VM_READAHEAD_PLACES && v->wished.slot;
    s->wished.why = wish->why;
    s->wished.n = wish->n;
    s->wished.window = wish->window;
    s->wished.votes = wish->votes;
    s->wished.asked = wish->asked;
    s->wished.distance = wish->distance;
    s->wished.first = s->wished.last = wish->number[0];
    for (uint32_t i = 1; i < wish->n; i++) {
        uint64_t number = wish->number[i];
        s->wished.first = number < s->wished.first ? number : s->wished.first;
        s->wished.last = number > s->wished.last ? number : s->wished.last;
    }
}

/* Making room for it may have been waited for. */
static void tell_ahead(struct teller *r, const struct vm_tap_event *v)
{
    struct vm_story_step *s = add_step(r->telling, VM_TAP_AHEAD);
    if (!s)
        return;
    s->ahead.pfn = v->ahead.pfn;
    s->ahead.key = v->ahead.key;
    s->ahead.slot = v->ahead.slot;
    take_waits(r, s);
}

static void tell_fill(struct teller *r, const struct vm_tap_event *v)
{
    struct vm_story_step *s = add_step(r->telling, VM_TAP_FILL);
    if (!s)
        return;
    s->fill.tlb = v->fill.tlb;
    s->fill.tag = v->fill.tag;
    s->fill.value = v->fill.value;
    s->fill.replaced = v->fill.replaced;
    s->fill.set = set_of(v->fill.in, v->fill.tag);
    s->fill.entry = add_set(r->telling, v->fill.in, s->fill.set);
}

static void tell_shootdown(struct teller *r, const struct vm_tap_event *v)
{
    struct vm_story_step *s = add_step(r->telling, VM_TAP_SHOOTDOWN);
    if (!s)
        return;
    s->shootdown.page_key = v->shootdown.page_key;
    s->shootdown.found = v->shootdown.found;
    if (v->shootdown.found)
        add_price(r->telling, s, VM_STORY_PRICE_shootdown, r->history->parts.config->shootdown_ns);
}

static void tell_flush(struct teller *r, const struct vm_tap_event *v)
{
    struct vm_story_step *s = add_step(r->telling, VM_TAP_FLUSH);
    if (!s)
        return;
    s->flush.whole = v->flush.why == VM_FLUSH_SWITCH;
    s->flush.asid = v->flush.asid;
}

static void tell_access(struct teller *r, const struct vm_tap_event *v)
{
    struct vm_story_step *s = add_step(r->telling, VM_TAP_ACCESS);
    if (!s)
        return;
    s->access.value = v->access.value;
    s->access.pa = v->access.pa;
    if (!r->telling->story.ncaches)
        add_price(r->telling, s, VM_STORY_PRICE_memory, r->history->parts.config->memory_ns);
}

/* The cache of `level`, from 0, that an access asks; -1: there is none. */
static int cache_at(const struct vm_story *s, unsigned level, enum vm_access access)
{
    enum vm_cache_side other = access == VM_FETCH ? VM_CACHE_DATA : VM_CACHE_FETCH;
    for (size_t i = 0; i < s->ncaches; i++)
        if (s->cache[i].config.level == level + 1 && s->cache[i].config.side != other)
            return (int)i;
    return -1;
}

static void tell_line(struct teller *r, const struct vm_tap_event *v)
{
    const struct vm_story *story = &r->telling->story;
    struct vm_story_step *s = add_step(r->telling, VM_TAP_LINE);
    if (!s)
        return;
    s->line.pa = v->line.pa;
    s->line.access = v->line.access;
    s->line.table = v->line.table;
    s->line.hidden = v->line.hidden;
    s->line.cache = cache_at(story, v->line.level, v->line.access);
    double ns = s->line.cache < 0 ? r->history->parts.config->memory_ns
                                  : story->cache[s->line.cache].config.hit_ns;
    if (v->line.table && v->line.access != VM_WRITE)
        ns *= r->waits;
    if (!v->line.hidden)
        add_price(r->telling, s, v->line.table ? VM_STORY_PRICE_walk : VM_STORY_PRICE_memory, ns);
}

/* What a reference is as a whole is known at its first touch. */
static void note_reference(struct teller *r, const struct vm_tap_event *v)
{
    struct vm_story *s = &r->telling->story;
    if (s->ref == v->touch.ref)
        return;
    s->ref = v->touch.ref;
    s->asid = v->touch.asid;
    s->access = v->touch.access;
}

void teller_event(struct teller *r, const struct vm_tap_event *v)
{
    switch (v->kind) {
    case VM_TAP_EVENT:
        tell_event(r, v->event);
        break;
    case VM_TAP_TOUCH:
        note_reference(r, v);
        tell_touch(r, v);
        break;
    case VM_TAP_LOOKUP:
        tell_lookup(r, v);
        break;
    case VM_TAP_WALK:
        tell_walk(r, v);
        break;
    case VM_TAP_FAULT:
        tell_fault(r, v->fault);
        break;
    case VM_TAP_LEAVING:
        tell_leaving(r, v->leaving);
        break;
    case VM_TAP_FILL:
        tell_fill(r, v);
        break;
    case VM_TAP_SHOOTDOWN:
        tell_shootdown(r, v);
        break;
    case VM_TAP_FLUSH:
        tell_flush(r, v);
        break;
    case VM_TAP_ACCESS:
        tell_access(r, v);
        break;
    case VM_TAP_TRAP:
        tell_trap(r, v->trap);
        break;
    case VM_TAP_MARK:
        tell_mark(r, v);
        break;
    case VM_TAP_PREFETCH:
        tell_prefetch(r, v);
        break;
    case VM_TAP_LINE:
        tell_line(r, v);
        break;
    case VM_TAP_CLEANED:
        tell_cleaned(r, v);
        break;
    case VM_TAP_WISHED:
        tell_wished(r, v);
        break;
    case VM_TAP_AHEAD:
        tell_ahead(r, v);
        break;
    case VM_TAP_EMPTIED:
    case VM_TAP_JOINED:
    case VM_TAP_PARTED:
    case VM_TAP_TICK:
        break;
    }
}

/* ---- the whole ---- */

static void describe_machine(struct teller *r, struct vm_engine *m)
{
    struct vm_tlb_counts unused;
    struct vm_cache_counts unused_counts;
    struct vm_field field[VM_FIELDS_MAX];
    struct vm_story *s = &r->telling->story;
    const struct vm_engine_parts *parts = &r->history->parts;
    s->config = parts->config;
    s->page_shift = parts->page_shift;
    s->nframes = parts->nframes;
    s->scheme = parts->scheme->name;
    s->policy = parts->policy->name;
    s->reason = parts->policy->reason;
    s->age_bits =
        s->reason == VM_REASON_AGES ? (unsigned)vm_params_count(parts->policy_params, "bits") : 0;
    s->va_bits = 0;
    for (size_t i = parts->scheme->va_fields(parts->scheme_state, field); i-- > 0;)
        s->va_bits = s->va_bits > field[i].high ? s->va_bits : field[i].high + 1u;
    s->ntlbs = vm_engine_ntlbs(m);
    for (size_t i = 0; i < s->ntlbs; i++)
        strcpy(s->tlb[i].name, vm_engine_tlb(m, i, &s->tlb[i].config, &unused));
    s->ncaches = vm_engine_ncaches(m);
    for (size_t i = 0; i < s->ncaches; i++)
        strcpy(s->cache[i].name, vm_engine_cache(m, i, &s->cache[i].config, &unused_counts));
    s->nwalk_caches = vm_engine_nwalk_caches(m);
    for (size_t i = 0; i < s->nwalk_caches; i++) {
        struct vm_story_tlb *c = &s->walk_cache[i];
        vm_engine_walk_cache(m, i, &c->config, &unused);
        snprintf(c->name, sizeof c->name, "p%u", c->config.level);
    }
}

void teller_begin(struct teller *r, struct telling *t, struct vm_engine *m,
                  const struct history *history)
{
    struct vm_story arrays = t->story;
    t->story = (struct vm_story){.step = arrays.step,
                                 .load = arrays.load,
                                 .field = arrays.field,
                                 .entry = arrays.entry,
                                 .frame = arrays.frame};
    t->steps.n = t->loads.n = t->fields.n = t->entries.n = t->frames.n = 0;
    t->failed = t->ordered = false;
    r->telling = t;
    r->history = history;
    r->event = 0;
    r->copied_bytes = copied_bytes(history);
    memcpy(r->waits_ns, history->parts.waits_ns, sizeof r->waits_ns);
    describe_machine(r, m);
    vm_engine_counts(m, &t->story.before);
    t->story.memory_before = whole_memory(r);
}

/* What was copied behind the last touch is the work of a scan, which makes huge pages. */
static void tell_scan(struct teller *r)
{
    if (copied_bytes(r->history) == r->copied_bytes)
        return;
    struct vm_story_step *s = add_step(r->telling, VM_TAP_TICK);
    if (s)
        s->tick.copied_bytes = take_costs(r, s);
}

void teller_end(struct teller *r, struct vm_engine *m)
{
    struct vm_story *s = &r->telling->story;
    tell_scan(r);
    s->memory_after = whole_memory(r);
    s->nsteps = r->telling->steps.n;
    vm_engine_counts(m, &s->after);
}

/* ---- order among those that could have left ---- */

/* The less, the sooner it would have left. */
static uint64_t rank_of(enum vm_reason reason, const struct vm_story_frame *f)
{
    switch (reason) {
    case VM_REASON_OLDEST:
        return f->came;
    case VM_REASON_STALEST:
        return f->last;
    case VM_REASON_NEWEST:
        return UINT64_MAX - f->last;
    case VM_REASON_FEWEST:
        return f->touches;
    case VM_REASON_FARTHEST:
        return f->next ? UINT64_MAX - f->next : 0;
    case VM_REASON_BITS: /* those whose bit the choice cost tell more than those it did not reach */
        return (f->spared ? 0u : 4u) + (f->bits & (VM_FRAME_REFERENCED | VM_FRAME_DIRTY));
    case VM_REASON_AGES:
        return f->ages;
    case VM_REASON_NEAREST:
        return f->next ? f->next : UINT64_MAX;
    case VM_REASON_IDLE:
        return f->last;
    case VM_REASON_CHANCE:
    case VM_REASON_HISTORY:
    case VM_REASON_LISTS:
    case VM_REASON_GENERATION:
    case VM_REASON_SHARE:
        break;
    }
    return 0;
}

static bool leaves_sooner(enum vm_reason reason, const struct vm_story_frame *a,
                          const struct vm_story_frame *b)
{
    uint64_t x = rank_of(reason, a), y = rank_of(reason, b);
    return x != y ? x < y : a->pfn < b->pfn;
}

/* Keep the first VM_STORY_RIVALS, in order, at the slice's front. */
static void order_slice(struct vm_story *s, struct vm_slice *slice)
{
    if (slice->n == 0)
        return;
    struct vm_story_frame best[VM_STORY_RIVALS + 1], *frame = s->frame + slice->first;
    uint32_t n = 0;
    for (uint32_t i = 0; i < slice->n; i++) {
        uint32_t at = n;
        for (; at > 0 && leaves_sooner(s->reason, &frame[i], &best[at - 1]); at--)
            best[at] = best[at - 1];
        best[at] = frame[i];
        n += n < VM_STORY_RIVALS;
    }
    memcpy(frame, best, n * sizeof best[0]);
    slice->n = n;
}

void telling_order(struct telling *t)
{
    for (size_t i = 0; i < t->story.nsteps; i++)
        if (t->story.step[i].kind == VM_TAP_LEAVING)
            order_slice(&t->story, &t->story.step[i].leaving.frame);
    t->ordered = true;
}
