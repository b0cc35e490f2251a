/* caches.c - see caches.h. */
#include "heap/caches.h"

#include <stdio.h>

const struct vm_param vm_slab_param[VM_SLAB_PARAMS] = {
    {"rounds", VM_PARAM_COUNT, "15", 0, 255, NULL, "objects of a magazine; 0: no magazines"},
    {"depot", VM_PARAM_COUNT, "8", 0, 1e6, NULL, "full magazines that a depot keeps"},
    {"empty", VM_PARAM_COUNT, "1", 0, 1e6, NULL,
     "slabs without an object in use that a cache keeps"},
    GROUND_GROW_PARAM,
    GROUND_TRIM_PARAM,
};

struct parts {
    struct span *span;
    void *used, *clips;
    size_t bytes;
};

static struct parts layout(void *block, const struct vm_heap_env *env)
{
    struct block b = {.start = (uintptr_t)block};
    struct parts p;
    block_take(&b, sizeof(struct vm_slab));
    p.clips = block_take(&b, CACHES * env->cpus * 2 * sizeof(struct clip));
    p.span = vm_spans_layout(&b, env);
    p.used = block_take(&b, (env->limit >> SPAN_SHIFT) * SPAN_WORDS * sizeof(uint64_t));
    p.bytes = b.used;
    return p;
}

size_t vm_slab_size(const struct vm_heap_env *env)
{
    return layout(NULL, env).bytes;
}

static void cache_init(struct vm_slab *s, uint32_t id, const struct vm_slab_kind *kind)
{
    size_t align = kind->align ? kind->align : VM_HEAP_ALIGN;
    struct object_class *class = &s->class[id];
    struct clip(*cpu)[2] = s->cache[id].cpu;
    VM_ASSERT(vm_is_pow2(align) && align <= VM_HEAP_GRAIN);
    align = align > VM_HEAP_ALIGN ? align : VM_HEAP_ALIGN;
    size_t bytes = ground_round(kind->bytes, align);
    VM_ASSERT(kind->bytes && bytes <= VM_SLAB_BYTES_MAX);
    objects_init(class, (uint32_t)bytes);
    s->cache[id] = (struct vm_slab_cache){.slab = s, .kind = *kind, .id = id, .cpu = cpu};
    uint32_t left_over = (class->pages << SPAN_SHIFT) - class->count * class->bytes;
    if (align <= CACHE_COLOUR_STEP)
        s->cache[id].colour_max = left_over;
}

struct vm_slab *vm_slab_init(void *block, const struct vm_heap_env *env)
{
    struct vm_slab *s = block;
    struct parts p = layout(block, env);
    vm_spans_init(&s->spans, env, p.span);
    s->used = p.used;
    s->ncpus = env->cpus;
    s->rounds = (uint32_t)vm_params_count(env->params, "rounds");
    s->depot_max = (uint32_t)vm_params_count(env->params, "depot");
    s->empty_max = (uint32_t)vm_params_count(env->params, "empty");
    for (uint32_t id = 0; id < CACHES; id++)
        s->cache[id].cpu = (struct clip(*)[2])p.clips + (size_t)id * env->cpus;
    for (uint32_t id = 0; id < OBJECT_CLASSES; id++)
        cache_init(s, id, &(struct vm_slab_kind){.name = "size", .bytes = objects_bytes(id)});
    size_t magazine = sizeof(struct magazine) + s->rounds * sizeof(void *);
    cache_init(s, CACHE_MAGAZINES, &(struct vm_slab_kind){.name = "magazine", .bytes = magazine});
    return s;
}

/* ---- slabs ---- */

/* Apply `change`, the cache's make or unmake, to all objects of a slab. */
static void change_all(struct vm_slab_cache *c, const struct span *span,
                       void (*change)(void *object, void *host), uint64_t *changes)
{
    const struct object_class *class = &c->slab->class[c->id];
    *changes += class->count;
    for (unsigned i = 0; change && i < class->count; i++)
        change(objects_at(&c->slab->spans, class, span, i), c->kind.host);
}

static bool slab_open(struct vm_slab_cache *c)
{
    struct vm_slab *s = c->slab;
    struct span *span = vm_objects_open(&s->spans, &s->class[c->id], c -> id, c -> colour);
    if (!span)
        return false;
    for (unsigned w = 0; w < SPAN_WORDS; w++)
        s->used[span->head][w] = 0;
    c->colour += CACHE_COLOUR_STEP;
    if (c->colour > c->colour_max)
        c->colour = 0;
    change_all(c, span, c->kind.make, &c->makes);
    return true;
}

static void slab_close(struct vm_slab_cache *c, uint32_t *list, struct span *span)
{
    change_all(c, span, c->kind.unmake, &c->unmakes);
    vm_objects_close(&c->slab->spans, &c->slab->class[c->id], list, span);
}

/* An object of a slab in between, of an empty one, or of a new one. */
static void *slab_take(struct vm_slab_cache *c)
{
    struct vm_slab *s = c->slab;
    struct object_class *class = &s->class[c->id];
    if (class->list == SPAN_NOPAGE && !objects_revive(&s->spans, class) && !slab_open(c))
        return NULL;
    return objects_pop(&s->spans, class);
}

static void slab_give(struct vm_slab_cache *c, struct place p)
{
    struct vm_slab *s = c->slab;
    struct object_class *class = &s->class[c->id];
    if (objects_push(&s->spans, class, p.span, p.object) &&
        !objects_keep(&s->spans, class, p.span, s->empty_max))
        slab_close(c, &class->list, p.span);
}

static bool slabs_reap(struct vm_slab_cache *c)
{
    struct object_class *class = &c->slab->class[c->id];
    bool any = false;
    for (; class->empty != SPAN_NOPAGE; any = true)
        slab_close(c, &class->empty, &c->slab->spans.span[class->empty]);
    return any;
}

struct place vm_slab_find(const struct vm_slab_cache *c, const void *object)
{
    const struct vm_slab *s = c->slab;
    const struct object_class *class = &s->class[c->id];
    size_t offset = (uintptr_t)object - (uintptr_t)s->spans.ground.base;
    struct span *span = spans_find(&s->spans, offset);
    if (!span || span->kind != SPAN_OBJECTS || span->class != c->id)
        return (struct place){0};
    unsigned i = objects_find(&s->spans, class, span, offset);
    return i < class->count ? (struct place){span, i} : (struct place){0};
}

static void set_used(struct vm_slab *s, struct place p)
{
    VM_ASSERT(p.span);
    s->used[p.span->head][p.object / 64] |= UINT64_C(1) << p.object % 64;
}

static void clear_used(struct vm_slab *s, struct place p)
{
    VM_ASSERT(p.span);
    s->used[p.span->head][p.object / 64] &= ~(UINT64_C(1) << p.object % 64);
}

/* ---- magazines ---- */

static struct magazine *magazine_take(struct vm_slab *s)
{
    struct vm_slab_cache *c = &s->cache[CACHE_MAGAZINES];
    struct magazine *m = slab_take(c);
    if (m)
        set_used(s, vm_slab_find(c, m));
    return m;
}

static bool magazine_is_good(const struct vm_slab *s, const struct magazine *m)
{
    struct place p = vm_slab_find(&s->cache[CACHE_MAGAZINES], m);
    return p.span && place_is_used(s, p);
}

static void magazine_give(struct vm_slab *s, struct magazine *m)
{
    struct vm_slab_cache *c = &s->cache[CACHE_MAGAZINES];
    struct place p = vm_slab_find(c, m);
    clear_used(s, p);
    slab_give(c, p);
}

/* The object that a round is, or none if it was overwritten. */
static struct place round_place(const struct vm_slab_cache *c, const void *round)
{
    struct place p = vm_slab_find(c, round);
    if (p.span && (objects_is_free(p.span, p.object) || place_is_used(c->slab, p)))
        return (struct place){0};
    return p;
}

static bool clip_empty(struct vm_slab_cache *c, struct clip *clip)
{
    bool any = clip->n;
    while (clip->n) {
        struct place p = round_place(c, clip->magazine->round[--clip->n]);
        if (p.span)
            slab_give(c, p);
    }
    return any;
}

static void clip_swap(struct clip clip[2])
{
    struct clip loaded = clip[0];
    clip[0] = clip[1];
    clip[1] = loaded;
}

static void depot_put(struct magazine **list, struct magazine *m)
{
    if (m) {
        m->next = *list;
        *list = m;
    }
}

/* The first magazine of the list, or NULL. */
static struct magazine *depot_get(const struct vm_slab *s, struct magazine **list)
{
    struct magazine *m = *list;
    if (m)
        *list = magazine_is_good(s, m->next) ? m->next : NULL;
    return m;
}

/* Load a magazine with rounds: the previous one, or a full one of the depot. */
static bool clip_load(struct vm_slab_cache *c, struct clip clip[2])
{
    if (!clip[1].n) {
        struct magazine *m = depot_get(c->slab, &c->full);
        if (!m)
            return false;
        c->nfull = c->full ? c->nfull - 1 : 0;
        c->exchanges++;
        depot_put(&c->vacant, clip[1].magazine);
        clip[1] = (struct clip){m, c->slab->rounds};
    }
    clip_swap(clip);
    return true;
}

/* Load a magazine that has room: the previous one, or a vacant one for that. A full one that the
 * depot does not keep is emptied. */
static bool clip_clear(struct vm_slab_cache *c, struct clip clip[2])
{
    struct vm_slab *s = c->slab;
    if (clip[1].n && c->nfull >= s->depot_max) {
        clip_empty(c, &clip[1]);
    } else if (clip[1].n || !clip[1].magazine) {
        struct magazine *m = depot_get(s, &c->vacant);
        if (!m && !(m = magazine_take(s)))
            return false;
        depot_put(&c->full, clip[1].magazine);
        c->nfull += clip[1].n != 0;
        c->exchanges++;
        clip[1] = (struct clip){m, 0};
    }
    clip_swap(clip);
    return true;
}

/* An object of the processor's magazines, or none. */
static struct place round_take(struct vm_slab_cache *c, struct clip clip[2])
{
    struct place p = {0};
    while (!p.span && (clip[0].n || clip_load(c, clip)))
        p = round_place(c, clip[0].magazine->round[--clip[0].n]);
    c->rounds += p.span != NULL;
    return p;
}

static bool round_give(struct vm_slab_cache *c, struct clip clip[2], void *object)
{
    uint32_t most = c->slab->rounds;
    bool full = !clip[0].magazine || clip[0].n == most;
    if (!most || (full && !clip_clear(c, clip)))
        return false;
    clip[0].magazine->round[clip[0].n++] = object;
    return true;
}

/* Empty all magazines of the cache and give them up; whether there were objects in one. */
static bool cache_drain(struct vm_slab_cache *c)
{
    struct vm_slab *s = c->slab;
    bool any = false;
    for (struct magazine *m; (m = depot_get(s, &c->full)); magazine_give(s, m))
        any = clip_empty(c, &(struct clip){m, s->rounds}) || any;
    for (struct magazine *m; (m = depot_get(s, &c->vacant));)
        magazine_give(s, m);
    c->nfull = 0;
    for (uint32_t i = 0; i < s->ncpus * 2; i++) {
        struct clip *clip = &c->cpu[i / 2][i % 2];
        any = clip_empty(c, clip) || any;
        if (clip->magazine)
            magazine_give(s, clip->magazine);
        *clip = (struct clip){0};
    }
    return any;
}

/* ---- caches ---- */

struct vm_slab_cache *vm_slab_cache(struct vm_slab *s, const struct vm_slab_kind *kind)
{
    uint32_t id = CACHE_NAMED;
    while (id < CACHES && s->cache[id].kind.name)
        id++;
    if (id == CACHES)
        return NULL;
    VM_ASSERT(kind->name);
    cache_init(s, id, kind);
    return &s->cache[id];
}

bool vm_slab_close(struct vm_slab_cache *c)
{
    const struct object_class *class = &c->slab->class[c->id];
    if (class->takes != class->gives)
        return false;
    cache_drain(c);
    slabs_reap(c);
    c->kind.name = NULL;
    return true;
}

bool vm_slab_reap(struct vm_slab *s)
{
    bool any = false;
    for (uint32_t id = 0; id < CACHES; id++)
        if (id != CACHE_MAGAZINES && s->cache[id].kind.name) {
            any = cache_drain(&s->cache[id]) || any;
            any = slabs_reap(&s->cache[id]) || any;
        }
    return slabs_reap(&s->cache[CACHE_MAGAZINES]) || any;
}

void *vm_slab_take(struct vm_slab_cache *c, uint32_t cpu)
{
    struct vm_slab *s = c->slab;
    struct object_class *class = &s->class[c->id];
    struct place p = round_take(c, c->cpu[cpu]);
    if (!p.span) {
        void *object = slab_take(c);
        if (!object && vm_slab_reap(s))
            object = slab_take(c);
        if (!object)
            return ground_fail(&s->spans.ground);
        p = vm_slab_find(c, object);
    }
    set_used(s, p);
    class->takes++;
    return objects_at(&s->spans, class, p.span, p.object);
}

enum vm_heap_fault vm_slab_give(struct vm_slab_cache *c, void *object, uint32_t cpu)
{
    struct place p = vm_slab_find(c, object);
    if (!p.span)
        return VM_HEAP_NOT_A_BLOCK;
    if (!place_is_used(c->slab, p))
        return VM_HEAP_FREE_TWICE;
    clear_used(c->slab, p);
    c->slab->class[c->id].gives++;
    if (!round_give(c, c->cpu[cpu], object))
        slab_give(c, p);
    return VM_HEAP_FINE;
}

/* ---- looking at all ---- */

void vm_slab_usage(const struct vm_slab_cache *c, struct vm_slab_usage *out)
{
    const struct vm_slab *s = c->slab;
    const struct object_class *class = &s->class[c->id];
    uint64_t free = 0;
    *out = (struct vm_slab_usage){
        .live = class->takes - class->gives,
        .makes = c->makes,
        .unmakes = c->unmakes,
        .takes = class->takes,
        .gives = class->gives,
        .rounds = c->rounds,
        .exchanges = c->exchanges,
    };
    for (uint32_t page = 0; page < spans_end(&s->spans); page += s->spans.span[page].pages) {
        const struct span *span = &s->spans.span[page];
        if (span->kind != SPAN_OBJECTS || span->class != c->id)
            continue;
        out->full += span->nfree == 0;
        out->empty += span->nfree == class->count;
        free += span->nfree;
    }
    out->partial = class->nspans - out->full - out->empty;
    out->loaded = class->nspans * class->count - out->live - free;
}

static bool damage(struct vm_heap_damage *out, const struct vm_slab *s, const void *at,
                   const char *what)
{
    out->at = (uintptr_t)at - (uintptr_t)s->spans.ground.base;
    snprintf(out->what, sizeof out->what, "the magazine at +0x%zx: %s", out->at, what);
    return false;
}

static bool check_rounds(const struct vm_slab_cache *c, struct clip clip,
                         struct vm_heap_damage *out)
{
    for (uint32_t i = 0; i < clip.n; i++)
        if (!round_place(c, clip.magazine->round[i]).span)
            return damage(out, c->slab, &clip.magazine->round[i],
                          "a round is no object that is out of its slab and not in use");
    return true;
}

static bool check_depot(const struct vm_slab_cache *c, const struct magazine *list, uint32_t rounds,
                        uint64_t *n, struct vm_heap_damage *out)
{
    const struct vm_slab *s = c->slab;
    uint64_t most = s->class[CACHE_MAGAZINES].nspans * s->class[CACHE_MAGAZINES].count;
    const struct magazine *prev = NULL;
    for (*n = 0; list && *n <= most; ++*n, prev = list, list = list->next) {
        if (!magazine_is_good(s, list))
            return damage(out, s, prev, "the link to the next one");
        if (!check_rounds(c, (struct clip){(struct magazine *)list, rounds}, out))
            return false;
    }
    return *n <= most || damage(out, s, prev, "the links go round in circles");
}

bool vm_slab_check(const struct vm_slab_cache *c, struct vm_heap_damage *out)
{
    const struct vm_slab *s = c->slab;
    struct vm_slab_usage u;
    uint64_t nfull, nvacant, loaded = 0;
    if (!vm_objects_check(&s->spans, &s->class[c->id], c -> id, out))
        return false;
    if (!check_depot(c, c->full, s->rounds, &nfull, out) ||
        !check_depot(c, c->vacant, 0, &nvacant, out))
        return false;
    for (uint32_t i = 0; i < s->ncpus * 2; i++) {
        loaded += c->cpu[i / 2][i % 2].n;
        if (!check_rounds(c, c->cpu[i / 2][i % 2], out))
            return false;
    }
    vm_slab_usage(c, &u);
    if (nfull != c->nfull || loaded + nfull * s->rounds != u.loaded)
        return damage(out, s, c->full, "the depot has lost some, near that");
    return true;
}
