/* policy.c - every row of policies.def keeps the contract of include/pagoda/policy.h. */
#include "oracle/policy_worlds.h"

#include "base/random.h"
#include "rounds.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#define NPAGES  40
#define NFRAMES 12
#define ROUNDS  400

static void rows_have_names_of_their_own_by_which_they_are_found(void **state)
{
    (void)state;
    struct vm_error e;
    struct vm_listed listed;
    size_t n = 0;
    for (const struct vm_policy_ops *ops; (ops = vm_policy_at(n)); n++) {
        assert_ptr_equal(vm_policy_find(ops->name, &e), ops);
        assert_true(vm_policy_list(n, &listed));
        assert_string_equal(listed.name, ops->name);
        assert_true(strlen(listed.summary) > 0);
    }
    assert_true(n > 0);
    assert_false(vm_policy_list(n, &listed));
    assert_null(vm_policy_find("no such policy", &e));
    assert_int_equal(e.code, VM_EUSAGE);
}

static void rows_have_all_their_functions(void **state)
{
    (void)state;
    const struct vm_policy_ops *ops;
    for (size_t i = 0; (ops = vm_policy_at(i)); i++) {
        assert_true(ops->tick_first && ops->size && ops->init && ops->insert && ops->touch);
        assert_true(ops->remove && ops->victim && ops->tick && ops->check);
        assert_true(ops->release && ops->switched && ops->park && ops->soft);
        assert_true(ops->replay && ops->replay_runs);
    }
}

static void parameters_have_fallbacks_that_parse_and_echo(void **state)
{
    (void)state;
    struct vm_error e;
    struct vm_params params;
    const struct vm_policy_ops *ops;
    for (size_t i = 0; (ops = vm_policy_at(i)); i++) {
        assert_true(vm_params_parse(&params, ops->name, ops->param, ops->nparams, NULL, &e));
        assert_true(vm_params_parse(&params, ops->name, ops->param, ops->nparams, "", &e));
        for (size_t k = 0; k < ops->nparams; k++) {
            assert_true(strlen(ops->param[k].help) > 0);
            assert_string_equal(vm_params_text(&params, ops->param[k].name),
                                ops->param[k].fallback);
        }
    }
}

/* `law` for each row, on worlds of all sizes of memory up to NFRAMES. */
static void in_worlds(void (*law)(const struct policy_world *))
{
    vm_pageref ref[WORLD_REFS];
    struct policy_world w = {.npages = NPAGES, .ref = ref, .n = WORLD_REFS};
    const struct vm_policy_ops *ops;
    for (w.seed = 0; w.seed < test_rounds(ROUNDS); w.seed++) {
        policy_world_fill(ref, NPAGES, w.seed);
        w.nframes = 1 + w.seed % NFRAMES;
        w.nprocs = w.seed % 5;
        for (size_t i = 0; (ops = vm_policy_at(i)); i++) {
            w.policy = ops->name;
            law(&w);
        }
    }
}

static void any_batch(const struct policy_world *w)
{
    struct policy_outcome whole = policy_play(w, w->n);
    assert_true(policy_outcomes_equal(w, "by 1", whole, policy_play(w, 1)));
    assert_true(policy_outcomes_equal(w, "by 7", whole, policy_play(w, 7)));
    assert_true(policy_outcomes_equal(w, "by 100", whole, policy_play(w, 100)));
}

static void the_size_of_batches_does_not_matter(void **state)
{
    (void)state;
    in_worlds(any_batch);
}

static void any_form(const struct policy_world *w)
{
    struct policy_outcome steps = policy_play_steps(w, 1);
    assert_true(policy_outcomes_equal(w, "replay", steps, policy_play(w, 64)));
    assert_true(policy_outcomes_equal(w, "runs", steps, policy_play_runs(w, 64)));
    assert_true(policy_outcomes_equal(w, "runs by 1", steps, policy_play_runs(w, 1)));
}

static void runs_references_and_single_calls_do_the_same(void **state)
{
    (void)state;
    in_worlds(any_form);
}

static void twice(const struct policy_world *w)
{
    assert_true(policy_outcomes_equal(w, "again", policy_play(w, 64), policy_play(w, 64)));
}

static void the_same_seed_does_the_same(void **state)
{
    (void)state;
    in_worlds(twice);
}

/* What a host need not tell it may tell, and it changes nothing: see enum vm_touch_kind. Only of a
 * policy that reads the future every touch takes some. */
static void needless_touches(const struct policy_world *w)
{
    struct policy_host h;
    policy_host_open(&h, w);
    bool may_tell = h.ops->touch_kind != VM_TOUCH_EACH && h.ops->future == VM_FUTURE_UNUSED;
    for (size_t i = 0; i < w->n; i++) {
        policy_host_step(&h, w->ref[i]);
        vm_pfn frame = h.r.frame_of[w->ref[i] >> 1] - 1;
        if (may_tell)
            h.ops->touch(h.state, &frame, 1);
        h.ops->check(h.state);
    }
    assert_true(policy_outcomes_equal(w, "told more", policy_play(w, 64), policy_host_outcome(&h)));
    policy_host_close(&h);
}

static void touches_that_need_not_be_told_change_nothing(void **state)
{
    (void)state;
    in_worlds(needless_touches);
}

/* Take every frame as a victim: each is one that is in, once. */
static void drain(struct policy_host *h)
{
    uint8_t in[NFRAMES] = {0};
    uint32_t n = 0;
    for (uint32_t page = 0; page < h->npages; page++)
        if (h->r.frame_of[page]) {
            in[h->r.frame_of[page] - 1] = 1;
            n++;
        }
    for (; n > 0; n--) {
        vm_pfn frame = h->ops->victim(h->state, VM_NOPAGE);
        assert_true(frame < h->r.nframes && in[frame]);
        in[frame] = 0;
        h->ops->check(h->state);
    }
}

/* The host drops pages and ticks as it likes. Not the page just touched: its next reference would
 * be an immediate repeat, which the future that opt reads leaves out. */
static void drops_and_ticks(const struct policy_world *w)
{
    struct policy_host h;
    struct vm_random random;
    vm_random_seed(&random, w->seed);
    policy_host_open(&h, w);
    for (size_t i = 0; i < w->n; i++) {
        uint32_t page = (uint32_t)vm_random_below(&random, w->npages);
        policy_host_step(&h, w->ref[i]);
        h.ops->check(h.state);
        if (page != h.last_page && h.r.frame_of[page])
            policy_host_drop(&h, page);
        if (vm_random_below(&random, 50) == 0)
            h.ops->tick(h.state);
        h.ops->check(h.state);
        if (vm_random_below(&random, 20) == 0)
            h.ops->switched(h.state);
    }
    drain(&h);
    policy_host_close(&h);
}

static void hosts_may_drop_pages_and_tick_at_any_time(void **state)
{
    (void)state;
    in_worlds(drops_and_ticks);
}

/* One call that the contract allows, at random: `in` has the frames that are in. Pages are few, so
 * that one is often in two frames: so it is when a fork's copy is broken while the other stays. */
static void any_call(struct policy_host *h, struct vm_random *random, uint8_t *in, uint32_t *nin)
{
    uint64_t page = vm_random_below(random, 6);
    vm_pfn frame = (vm_pfn)vm_random_below(random, h->r.nframes);
    h->clock.touches++;
    switch (vm_random_below(random, 8)) {
    case 0:
        if (*nin == 0)
            return;
        frame = h->ops->victim(h->state, vm_random_below(random, 3) ? page : VM_NOPAGE);
        assert_true(frame < h->r.nframes && in[frame]);
        in[frame] = 0;
        --*nin;
        return;
    case 1:
        if (in[frame]) {
            h->ops->remove(h->state, frame);
            in[frame] = 0;
            --*nin;
        }
        return;
    case 2:
        h->ops->tick(h->state);
        return;
    default:
        h->r.bits[frame] |= VM_FRAME_REFERENCED;
        if (in[frame]) {
            h->ops->touch(h->state, &frame, 1);
        } else {
            h->ops->insert(h->state, frame, page);
            in[frame] = 1;
            ++*nin;
        }
    }
}

static void any_calls(const struct policy_world *w)
{
    struct policy_host h;
    struct vm_random random;
    uint8_t in[NFRAMES] = {0};
    uint32_t nin = 0;
    vm_random_seed(&random, w->seed);
    policy_host_open(&h, w);
    for (size_t i = 0; i < w->n && h.ops->future == VM_FUTURE_UNUSED; i++) {
        any_call(&h, &random, in, &nin);
        h.ops->check(h.state);
    }
    policy_host_close(&h);
}

static void hosts_may_call_in_any_order_that_the_contract_allows(void **state)
{
    (void)state;
    in_worlds(any_calls);
}

/* Around the words of bits and the groups of a heap. */
static void the_state_stays_in_its_block(void **state)
{
    (void)state;
    static const uint32_t nframes[] = {1, 2, 3, 5, 63, 64, 65, 4095, 4096, 4097};
    enum { FENCE = 64 };
    static uint32_t never[4096 * 4];
    memset(never, 0xff, sizeof never);
    const struct vm_policy_ops *ops;
    for (size_t i = 0; (ops = vm_policy_at(i)); i++)
        for (size_t k = 0; k < sizeof nframes / sizeof nframes[0]; k++) {
            static uint8_t bits[4097];
            struct vm_error e;
            struct vm_params params;
            struct vm_future future = {.next = never, .n = sizeof never / sizeof never[0]};
            struct vm_policy_env env = {.nframes = nframes[k],
                                        .capacity = nframes[k],
                                        .bits = bits,
                                        .params = &params,
                                        .future = &future,
                                        .clock = &(struct vm_policy_clock){0},
                                        .host = &vm_policy_host_plain};
            assert_true(vm_params_parse(&params, ops->name, ops->param, ops->nparams, NULL, &e));
            size_t size = (ops->size(&env) + 63) / 64 * 64;
            uint8_t *block = aligned_alloc(64, size + FENCE);
            assert_non_null(block);
            memset(block, 0, size);
            memset(block + size, 0x5a, FENCE);
            ops->init(block, &env);
            for (vm_pfn f = 0; f < nframes[k]; f++)
                ops->insert(block, f, f);
            ops->check(block);
            ops->tick(block);
            for (vm_pfn f = 0; f < nframes[k]; f++)
                assert_true(ops->victim(block, VM_NOPAGE) < nframes[k]);
            ops->check(block);
            for (size_t b = 0; b < FENCE; b++)
                assert_int_equal(block[size + b], 0x5a);
            free(block);
        }
}

/* Pages of the host's own memory that lie in it. */
static size_t host_pages(const struct vm_arena *a)
{
    size_t n = 0, pages = (a->bytes + 4095) / 4096;
    unsigned char *in = malloc(pages);
    assert_non_null(in);
    assert_int_equal(mincore(a->block, a->bytes, in), 0);
    for (size_t i = 0; i < pages; i++)
        n += in[i] & 1;
    free(in);
    return n;
}

/* A machine of 16 GiB for a program of a few pages needs no memory for the rest. */
static void frames_that_never_come_cost_nothing(void **state)
{
    (void)state;
    vm_pageref ref[64];
    const struct vm_policy_ops *ops;
    for (size_t i = 0; i < 64; i++)
        ref[i] = (vm_pageref)(i % 16 * 2);
    for (size_t i = 0; (ops = vm_policy_at(i)); i++) {
        struct policy_host h;
        struct policy_world w = {ops->name, 1u << 22, NPAGES, 1, ref, 64, {0}, 0};
        policy_host_open(&h, &w);
        for (size_t k = 0; k < 64; k++)
            policy_host_step(&h, ref[k]);
        assert_in_range(host_pages(&h.arena), 1, 40);
        policy_host_close(&h);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_have_names_of_their_own_by_which_they_are_found),
        cmocka_unit_test(rows_have_all_their_functions),
        cmocka_unit_test(parameters_have_fallbacks_that_parse_and_echo),
        cmocka_unit_test(the_size_of_batches_does_not_matter),
        cmocka_unit_test(runs_references_and_single_calls_do_the_same),
        cmocka_unit_test(the_same_seed_does_the_same),
        cmocka_unit_test(touches_that_need_not_be_told_change_nothing),
        cmocka_unit_test(hosts_may_drop_pages_and_tick_at_any_time),
        cmocka_unit_test(hosts_may_call_in_any_order_that_the_contract_allows),
        cmocka_unit_test(the_state_stays_in_its_block),
        cmocka_unit_test(frames_that_never_come_cost_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
