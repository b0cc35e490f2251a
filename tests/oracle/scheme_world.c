/* scheme_world.c - see scheme_world.h. */
#include "oracle/scheme_world.h"

#include "unit/test.h"

#include <string.h>

static vm_pfn take(void *host, uint32_t n)
{
    struct scheme_world *w = host;
    if (w->takes_left == 0)
        return VM_NOFRAME;
    w->takes_left -= w->takes_left != UINT32_MAX;
    if (w->on_take)
        w->on_take(w->on_take_arg);
    uint32_t run = 0;
    for (vm_pfn f = w->first_frame; f < WORLD_FRAMES; f++) {
        run = w->taken[f] ? 0 : run + 1;
        if (run < n)
            continue;
        vm_pfn first = f + 1 - n;
        memset(w->taken + first, true, n);
        memset(w->memory + ((size_t)first << w->page_shift), 0, (size_t)n << w->page_shift);
        w->ntaken += n;
        return first;
    }
    return VM_NOFRAME;
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
    assert_true(w->taken[first] && w->taken[first + n - 1] && first + n + more <= WORLD_FRAMES);
    for (uint32_t i = 0; i < more; i++)
        if (!w->extends || w->taken[first + n + i])
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

struct scheme_world *world_open_with(const char *spec, unsigned page_shift, vm_pfn first_frame,
                                     uint32_t nasids)
{
    struct vm_error e;
    struct vm_params params;
    char name[32];
    const char *text = vm_spec_split(spec, name, sizeof name);
    struct scheme_world *w = test_calloc(1, sizeof *w);
    w->ops = vm_scheme_find(name, &e);
    assert_non_null(w->ops);
    assert_true(vm_params_parse(&params, name, w->ops->param, w->ops->nparams, text, &e));
    w->page_shift = page_shift ? page_shift : shift_of(w->ops);
    w->first_frame = first_frame;
    w->extends = true;
    w->takes_left = UINT32_MAX;
    struct vm_scheme_env env = {.page_shift = w->page_shift,
                                .nframes = WORLD_FRAMES,
                                .nasids = nasids,
                                .host = w,
                                .take = take,
                                .give = give,
                                .extend = extend,
                                .moved = moved,
                                .refusal = &w->refusal,
                                .params = &params};
    assert_true(w->ops->accept(&env, &e));
    w->va_bits = w->ops->va_bits(&env);
    size_t memory = (size_t)WORLD_FRAMES << w->page_shift;
    assert_true(vm_arena_open(&w->arena, memory + vm_arena_room(w->ops->size(&env)), &e));
    env.memory = w->memory = vm_arena_take(&w->arena, memory);
    w->state = vm_arena_take(&w->arena, w->ops->size(&env));
    w->ops->init(w->state, &env);
    return w;
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
