/* scheme_world.c - see scheme_world.h. */
#include "oracle/scheme_world.h"

#include "unit/test.h"

#include <string.h>

#define FRAME_BYTES 4096u

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
        memset(w->memory + (size_t)first * FRAME_BYTES, 0, (size_t)n * FRAME_BYTES);
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
    memset(w->memory + (size_t)first * FRAME_BYTES, 0xa5, (size_t)n * FRAME_BYTES);
    w->ntaken -= n;
}

struct scheme_world *world_open(const char *spec, vm_pfn first_frame, uint32_t nasids)
{
    struct vm_error e;
    struct vm_params params;
    char name[32];
    const char *text = vm_spec_split(spec, name, sizeof name);
    struct scheme_world *w = test_calloc(1, sizeof *w);
    w->ops = vm_scheme_find(name, &e);
    assert_non_null(w->ops);
    assert_true(vm_params_parse(&params, name, w->ops->param, w->ops->nparams, text, &e));
    assert_true(vm_arena_open(&w->arena, WORLD_FRAMES * (size_t)FRAME_BYTES, &e));
    w->memory = vm_arena_take(&w->arena, WORLD_FRAMES * (size_t)FRAME_BYTES);
    w->first_frame = first_frame;
    w->takes_left = UINT32_MAX;
    struct vm_scheme_env env = {.memory = w->memory,
                                .page_shift = 12,
                                .nframes = WORLD_FRAMES,
                                .nasids = nasids,
                                .host = w,
                                .take = take,
                                .give = give,
                                .refusal = &w->refusal,
                                .params = &params};
    assert_true(w->ops->accept(&env, &e));
    w->va_bits = w->ops->va_bits(&env);
    w->state = test_calloc(1, w->ops->size(&env));
    w->ops->init(w->state, &env);
    return w;
}

void world_close(struct scheme_world *w)
{
    assert_int_equal(w->ntaken, 0);
    test_free(w->state);
    vm_arena_close(&w->arena);
    test_free(w);
}
