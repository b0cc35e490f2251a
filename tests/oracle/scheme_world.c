/* scheme_world.c - see scheme_world.h. */
#include "oracle/scheme_world.h"

#include "unit/test.h"

#include <string.h>

/* The first of n consecutive free frames, or VM_NOFRAME. */
static vm_pfn find(struct scheme_world *w, uint32_t n)
{
    uint32_t run = 0;
    if (w->script)
        return *w->script++;
    for (vm_pfn f = w->first_frame; f < WORLD_FRAMES && f < w->nframes; f++) {
        run = w->taken[f] ? 0 : run + 1;
        if (run == n)
            return f + 1 - n;
    }
    return VM_NOFRAME;
}

static vm_pfn take(void *host, uint32_t n)
{
    struct scheme_world *w = host;
    if (w->takes_left == 0)
        return VM_NOFRAME;
    w->takes_left -= w->takes_left != UINT32_MAX;
    if (w->on_take)
        w->on_take(w->on_take_arg);
    vm_pfn first = find(w, n);
    if (first == VM_NOFRAME)
        return first;
    memset(w->taken + first, true, n);
    memset(w->memory + ((size_t)first << w->page_shift), 0, (size_t)n << w->page_shift);
    w->ntaken += n;
    return first;
}

static void give(void *host, vm_pfn first, uint32_t n)
{
    struct scheme_world *w = host;
    assert_in_range(first, w->first_frame, WORLD_FRAMES - n);
    for (vm_pfn f = first; f < first + n; f++) {
        assert_true(w->taken[f]);
        w->taken[f] = false;
    }
    memset(w->memory + ((size_t)first << w->page_shift), 0xa5, (size_t)n << w->page_shift);
    w->ntaken -= n;
}

static bool extend(void *host, vm_pfn first, uint32_t n, uint32_t more)
{
    struct scheme_world *w = host;
    assert_true(w->taken[first] && w->taken[first + n - 1]);
    for (uint32_t i = 0; i < more; i++)
        if (!w->extends || first + n + i >= WORLD_FRAMES || w->taken[first + n + i])
            return false;
    memset(w->taken + first + n, true, more);
    memset(w->memory + ((size_t)(first + n) << w->page_shift), 0, (size_t)more << w->page_shift);
    w->ntaken += more;
    return true;
}

static void moved(void *host, uint64_t bytes)
{
    ((struct scheme_world *)host)->moved_bytes += bytes;
}

static unsigned shift_of(const struct vm_scheme_ops *ops)
{
    unsigned shift = ops->page_shift_min > 12 ? ops->page_shift_min : 12;
    return shift < ops->page_shift_max ? shift : ops->page_shift_max;
}

struct scheme_world *world_open_frames(const char *spec, unsigned page_shift, uint32_t nframes,
                                       vm_pfn first_frame, uint32_t nasids)
{
    struct vm_error e;
    char name[32];
    const char *text = vm_spec_split(spec, name, sizeof name);
    struct scheme_world *w = test_calloc(1, sizeof *w);
    w->ops = vm_scheme_find(name, &e);
    assert_non_null(w->ops);
    assert_true(vm_params_parse(&w->params, name, w->ops->param, w->ops->nparams, text, &e));
    w->page_shift = page_shift ? page_shift : shift_of(w->ops);
    w->first_frame = first_frame;
    w->extends = true;
    w->nframes = nframes;
    w->takes_left = UINT32_MAX;
    struct vm_scheme_env env = {.page_shift = w->page_shift,
                                .nframes = nframes,
                                .page_frames = nframes,
                                .nasids = nasids,
                                .host = w,
                                .take = take,
                                .give = give,
                                .extend = extend,
                                .moved = moved,
                                .refusal = &w->refusal,
                                .params = &w->params};
    assert_true(w->ops->accept(&env, &e));
    w->va_bits = w->ops->va_bits(&env);
    w->orders = w->ops->orders(&env);
    size_t memory = (size_t)WORLD_FRAMES << w->page_shift;
    assert_true(vm_arena_open(&w->arena, memory + vm_arena_room(w->ops->size(&env)), &e));
    env.memory = w->memory = vm_arena_take(&w->arena, memory);
    w->state = vm_arena_take(&w->arena, w->ops->size(&env));
    w->ops->init(w->state, &env);
    return w;
}

struct scheme_world *world_open_with(const char *spec, unsigned page_shift, vm_pfn first_frame,
                                     uint32_t nasids)
{
    return world_open_frames(spec, page_shift, WORLD_FRAMES, first_frame, nasids);
}

struct scheme_world *world_open(const char *spec, vm_pfn first_frame, uint32_t nasids)
{
    return world_open_with(spec, 0, first_frame, nasids);
}

void world_close(struct scheme_world *w)
{
    assert_int_equal(w->ntaken, 0);
    vm_arena_close(&w->arena);
    test_free(w);
}
