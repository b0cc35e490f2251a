/* partition.c - every row of partitions.def keeps the contract of include/pagoda/partition.h, and
 * puts each job where a memory that is looked at byte by byte has it. */
#include "base/arena.h"
#include "base/assert.h"
#include "base/random.h"
#include "oracle/naive_partition.h"
#include "rounds.h"
#include "unit/test.h"

#include <pagoda/partition.h>
#include <stdlib.h>
#include <string.h>

#define STEPS 200

static const struct naive_rule_of_memory rules[] = {
    {.spec = "single"},
    {"fixed:sizes=32B+8B+64B+24B", RULE_FIXED, PICK_BEST, {32, 8, 64, 24}, 0, 0},
    {"fixed:fit=first,sizes=64B+32B+32B", RULE_FIXED, PICK_FIRST, {64, 32, 32}, 0, 0},
    {"fixed:fit=own,sizes=16B+16B+32B+64B", RULE_FIXED, PICK_OWN, {16, 16, 32, 64}, 0, 0},
    {"fixed:parts=5", RULE_FIXED, PICK_BEST, {25, 25, 25, 25, 28}, 0, 0},
    {"variable:unit=1B", RULE_VARIABLE, PICK_FIRST, {0}, 1, MOVE_NEVER},
    {"variable:fit=next-fit,unit=1B", RULE_VARIABLE, PICK_NEXT, {0}, 1, MOVE_NEVER},
    {"variable:fit=best-fit,unit=4B", RULE_VARIABLE, PICK_BEST, {0}, 4, MOVE_NEVER},
    {"variable:fit=worst-fit,unit=2B", RULE_VARIABLE, PICK_WORST, {0}, 2, MOVE_NEVER},
    {"variable:unit=1B,compact=needed", RULE_VARIABLE, PICK_FIRST, {0}, 1, MOVE_NEEDED},
    {"variable:fit=best-fit,unit=4B,compact=needed", RULE_VARIABLE, PICK_BEST, {0}, 4, MOVE_NEEDED},
    {"variable:fit=worst-fit,unit=1B,compact=exit", RULE_VARIABLE, PICK_WORST, {0}, 1, MOVE_EXIT},
    {"variable:fit=next-fit,unit=1B,compact=exit", RULE_VARIABLE, PICK_NEXT, {0}, 1, MOVE_EXIT},
};
/* Without a naive rule: the contract alone. */
static const char *const others[] = {"variable:fit=buddy,unit=1B", "variable:fit=buddy,unit=4B"};

#define MEMORY 128

struct world {
    const struct vm_partition_ops *ops;
    struct vm_params params;
    struct vm_partition_env env;
    struct vm_arena arena;
    void *state;
    struct vm_random random;
    uint64_t asked[NAIVE_TENANTS]; /* 0: the job is not in memory */
    /* What areas said last. */
    uint64_t end;
    struct vm_area seat[NAIVE_TENANTS];
};

static void open_world(struct world *w, const char *spec, uint64_t memory, uint64_t seed)
{
    struct vm_error e = {0};
    char name[32];
    *w = (struct world){0};
    const char *text = vm_spec_split(spec, name, sizeof name);
    w->ops = vm_partition_find(name, &e);
    if (!w->ops || !vm_params_parse(&w->params, name, w->ops->param, w->ops->nparams, text, &e))
        fail_msg("%s: %s", spec, e.text);
    w->env = (struct vm_partition_env){memory, NAIVE_TENANTS, &w->params};
    size_t bytes = w->ops->size(&w->env, &e);
    if (!bytes || !vm_arena_open(&w->arena, vm_arena_room(bytes), &e))
        fail_msg("%s: %s", spec, e.text);
    w->state = vm_arena_take(&w->arena, bytes);
    w->ops->init(w->state, &w->env);
    vm_random_seed(&w->random, seed);
}

static void close_world(struct world *w)
{
    vm_arena_close(&w->arena);
}

static void see_area(void *host, const struct vm_area *a)
{
    struct world *w = host;
    assert_int_equal(a->start, w->end);
    assert_true(a->bytes > 0);
    w->end = a->start + a->bytes;
    if (a->job == VM_NOTENANT) {
        assert_int_equal(a->asked, 0);
        return;
    }
    assert_true(a->job < NAIVE_TENANTS && w->seat[a->job].bytes == 0);
    assert_int_equal(a->asked, w->asked[a->job]);
    assert_true(a->bytes >= a->asked);
    w->seat[a->job] = *a;
}

/* Areas name every byte once, and have exactly the jobs that are in memory. */
static void inspect(struct world *w)
{
    memset(w->seat, 0, sizeof w->seat);
    w->end = 0;
    w->ops->areas(w->state, w, see_area);
    assert_int_equal(w->end, w->env.memory);
    for (uint32_t i = 0; i < NAIVE_TENANTS; i++)
        assert_int_equal(w->asked[i] != 0, w->seat[i].bytes != 0);
}

static bool is_empty(const struct world *w)
{
    for (uint32_t i = 0; i < NAIVE_TENANTS; i++)
        if (w->asked[i])
            return false;
    return true;
}

/* A job that is there leaves, one that is not is put: its number, and whether it was put. */
static uint32_t step(struct world *w, uint64_t *bytes, bool *put)
{
    uint32_t job = (uint32_t)vm_random_below(&w->random, NAIVE_TENANTS);
    uint64_t most = w->ops->most(w->state);
    *bytes = 0;
    *put = false;
    if (w->asked[job]) {
        w->ops->leave(w->state, job);
        w->asked[job] = 0;
        return job;
    }
    *bytes = 1 + vm_random_below(&w->random, vm_random_below(&w->random, 4) ? most / 4 : most);
    bool alone = is_empty(w);
    *put = w->ops->put(w->state, job, *bytes);
    assert_true(*put || !alone);
    if (*put)
        w->asked[job] = *bytes;
    return job;
}

static void moved_only_by_compaction_and_in_order(const struct world *w,
                                                  const struct vm_area *before,
                                                  uint64_t compactions)
{
    struct vm_partition_usage usage;
    w->ops->usage(w->state, &usage);
    for (uint32_t i = 0; i < NAIVE_TENANTS; i++) {
        if (!before[i].bytes || !w->seat[i].bytes || before[i].asked != w->seat[i].asked)
            continue;
        if (usage.compactions == compactions)
            assert_int_equal(before[i].start, w->seat[i].start);
        for (uint32_t k = 0; k < i; k++)
            if (before[k].bytes && w->seat[k].bytes && before[k].asked == w->seat[k].asked)
                assert_int_equal(before[k].start < before[i].start,
                                 w->seat[k].start < w->seat[i].start);
    }
}

static void play(const char *spec, uint64_t memory, uint64_t seed)
{
    struct world w;
    open_world(&w, spec, memory, seed);
    inspect(&w);
    for (unsigned i = 0; i < STEPS; i++) {
        struct vm_area before[NAIVE_TENANTS];
        struct vm_partition_usage usage;
        uint64_t bytes;
        bool put;
        memcpy(before, w.seat, sizeof before);
        w.ops->usage(w.state, &usage);
        step(&w, &bytes, &put);
        inspect(&w);
        moved_only_by_compaction_and_in_order(&w, before, usage.compactions);
    }
    close_world(&w);
}

static void areas_are_disjoint_and_whole_and_nobody_moves_unasked(void **unused)
{
    (void)unused;
    for (unsigned seed = 0; seed < test_rounds(200); seed++) {
        for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
            play(rules[i].spec, MEMORY, seed);
        for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
            play(others[i], MEMORY, seed);
        for (size_t i = 0; vm_partition_at(i); i++)
            play(vm_partition_at(i)->name, 1 << 20, seed); /* also of rows that nobody knows here */
    }
}

static void jobs_are_put_where_looking_at_every_byte_puts_them(void **unused)
{
    (void)unused;
    for (unsigned seed = 0; seed < test_rounds(300); seed++)
        for (const struct naive_rule_of_memory *r = rules;
             r < rules + sizeof rules / sizeof rules[0]; r++) {
            struct world w;
            struct naive_partition n;
            struct vm_partition_usage usage;
            open_world(&w, r->spec, MEMORY, seed);
            naive_partition_open(&n, r, MEMORY);
            for (unsigned i = 0; i < STEPS; i++) {
                uint64_t bytes;
                bool put;
                uint32_t job = step(&w, &bytes, &put);
                if (bytes)
                    assert_int_equal(naive_partition_put(&n, job, (uint32_t)bytes), put);
                else
                    naive_partition_leave(&n, job);
                inspect(&w);
                for (uint32_t k = 0; k < NAIVE_TENANTS; k++)
                    if (w.asked[k] && w.seat[k].start != naive_partition_start(&n, k))
                        fail_msg("%s, seed %u, step %u: job %u at %llu: expected %u", r->spec, seed,
                                 i, k, (unsigned long long)w.seat[k].start,
                                 naive_partition_start(&n, k));
            }
            w.ops->usage(w.state, &usage);
            assert_int_equal(usage.moved_bytes, n.moved_bytes);
            assert_int_equal(usage.relocations, n.moved_jobs);
            assert_int_equal(usage.compactions, n.moves);
            close_world(&w);
        }
}

static void rows_have_names_of_their_own_by_which_they_are_found(void **unused)
{
    (void)unused;
    struct vm_error e;
    struct vm_listed listed;
    size_t n = 0;
    for (const struct vm_partition_ops *ops; (ops = vm_partition_at(n)); n++) {
        assert_ptr_equal(vm_partition_find(ops->name, &e), ops);
        assert_true(vm_partition_list(n, &listed));
        assert_string_equal(listed.name, ops->name);
        assert_true(strlen(listed.summary) > 0);
    }
    assert_true(n > 0);
    assert_false(vm_partition_list(n, &listed));
    assert_null(vm_partition_find("no such storage", &e));
    assert_int_equal(e.code, VM_EUSAGE);
}

static void refused(const char *spec, const char *says)
{
    struct vm_error e = {0};
    struct vm_params params;
    char name[32];
    const char *text = vm_spec_split(spec, name, sizeof name);
    const struct vm_partition_ops *ops = vm_partition_find(name, &e);
    assert_non_null(ops);
    assert_true(vm_params_parse(&params, name, ops->param, ops->nparams, text, &e));
    assert_int_equal(ops->size(&(struct vm_partition_env){MEMORY, 4, &params}, &e), 0);
    assert_int_equal(e.code, VM_EUSAGE);
    if (!strstr(e.text, says))
        fail_msg("%s: \"%s\": expected \"%s\"", spec, e.text, says);
}

static void contradictions_are_refused(void **unused)
{
    (void)unused;
    refused("fixed:sizes=64B+32B", "add up to memory");
    refused("fixed:sizes=64B+128B", "add up to memory");
    refused("fixed:sizes=0B+128B", "at least a byte");
    refused("fixed:sizes=64B+x", "sizes");
    refused("variable:unit=100B", "multiple of unit");
    refused("variable:fit=tightest,unit=1B", "tightest");
    refused("variable:fit=buddy,compact=needed,unit=1B", "compact=never");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_have_names_of_their_own_by_which_they_are_found),
        cmocka_unit_test(contradictions_are_refused),
        cmocka_unit_test(areas_are_disjoint_and_whole_and_nobody_moves_unasked),
        cmocka_unit_test(jobs_are_put_where_looking_at_every_byte_puts_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
