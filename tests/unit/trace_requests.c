/* trace_requests.c - the generators of requests to a heap, and requests as comma-separated values.
 */
#include "base/random.h"

#include "test.h"

#include <pagoda/requests.h>
#include <stdlib.h>
#include <string.h>

static const char *const generators[] = {
    "@heap-random:requests=20000,live=300",
    "@heap-random:requests=20000,live=1,min=1,max=1",
    "@heap-random:requests=20000,live=50,sizes=halving,max=100000",
    "@heap-phases:requests=20000,live=100",
    "@heap-phases:requests=20000,live=30,phases=1",
    "@heap-phases:requests=20000,live=30,stay=1",
    "@heap-phases:requests=20000,live=30,stay=0,phases=16",
};
#define NGENERATORS (sizeof generators / sizeof generators[0])

static struct vm_requests requests_of(const char *spec, uint64_t seed)
{
    struct vm_error e;
    struct vm_trace_options options = {.seed = seed};
    struct vm_requests r;
    struct vm_trace *t = vm_trace_open(spec, &options, &e);
    assert_non_null(t);
    assert_true(vm_requests_load(&r, t, &e));
    vm_trace_close(t);
    return r;
}

static bool same(const struct vm_requests *a, const struct vm_requests *b)
{
    return a->n == b->n && !memcmp(a->request, b->request, a->n * sizeof *a->request);
}

static void generators_ask_only_what_a_heap_can_answer(void **state)
{
    (void)state;
    for (size_t i = 0; i < NGENERATORS; i++) {
        struct vm_requests r = requests_of(generators[i], 3);
        assert_int_equal(r.n, 20000);
        assert_int_equal(r.nfaults, 0);
        assert_true(r.takes && r.gives);
        vm_requests_free(&r);
    }
}

static void a_seed_is_all_that_makes_requests_differ(void **state)
{
    (void)state;
    for (size_t i = 0; i < NGENERATORS; i++) {
        struct vm_requests a = requests_of(generators[i], 3), b = requests_of(generators[i], 3),
                           c = requests_of(generators[i], 4);
        assert_true(same(&a, &b));
        assert_false(same(&a, &c));
        vm_requests_free(&a);
        vm_requests_free(&b);
        vm_requests_free(&c);
    }
}

static void as_many_blocks_are_live_as_was_asked(void **state)
{
    (void)state;
    struct vm_requests r = requests_of("@heap-random:requests=200000,live=1000,min=16,max=16", 5);
    /* Binomial of 2000 at one half: 1000, give or take 22.4. */
    uint64_t live = r.asked_end / 16;
    assert_in_range(live, 1000 - 120, 1000 + 120);
    assert_in_range(r.asked_peak / 16, 1000, 1000 + 150);
    vm_requests_free(&r);
}

static void sizes_that_halve_are_each_half_as_likely(void **state)
{
    (void)state;
    struct vm_requests r =
        requests_of("@heap-random:requests=200000,sizes=halving,min=16,max=1024", 5);
    uint64_t n[2] = {0};
    for (size_t i = 0; i < r.n; i++)
        if (r.request[i].kind == VM_REQUEST_TAKE && r.request[i].bytes <= 32)
            n[r.request[i].bytes / 32]++;
    /* Of some 100,000: a half and a quarter, give or take 160. */
    assert_in_range(n[0], r.takes / 2 - 800, r.takes / 2 + 800);
    assert_in_range(n[1], r.takes / 4 - 800, r.takes / 4 + 800);
    vm_requests_free(&r);
}

static void a_phase_leaves_its_share_and_doubles_the_size(void **state)
{
    (void)state;
    /* Phases: 100 come, 90 go; 100 twice as large come, 90 go; 100 come, all 120 go. */
    struct vm_requests r = requests_of("@heap-phases:requests=600,live=100,min=16,phases=3", 1);
    static const struct {
        size_t upto;
        enum vm_request_kind kind;
        uint64_t bytes;
    } parts[] = {{100, VM_REQUEST_TAKE, 16}, {190, VM_REQUEST_GIVE, 0},  {290, VM_REQUEST_TAKE, 32},
                 {380, VM_REQUEST_GIVE, 0},  {480, VM_REQUEST_TAKE, 64}, {600, VM_REQUEST_GIVE, 0}};
    size_t i = 0;
    for (size_t k = 0; k < sizeof parts / sizeof parts[0]; k++)
        for (; i < parts[k].upto; i++) {
            assert_int_equal(r.request[i].kind, parts[k].kind);
            assert_int_equal(r.request[i].bytes, parts[k].bytes);
        }
    assert_int_equal(r.asked_end, 0);
    assert_int_equal(r.asked_peak, 10 * 16 + 10 * 32 + 100 * 64);
    vm_requests_free(&r);
}

static void generators_refuse_what_they_cannot_make(void **state)
{
    (void)state;
    static const char *const bad[] = {"@heap-random:min=2000,max=1000",
                                      "@heap-phases:phases=16,min=1MiB",
                                      "@heap-phases:live=1M,phases=16"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct vm_error e;
        assert_null(vm_trace_open(bad[i], NULL, &e));
        assert_int_equal(e.code, VM_EUSAGE);
    }
}

#define HEADER "request,call,address,bytes,align,from,thread,site\n"

static struct vm_trace *open_text(const char *text, struct vm_error *e)
{
    struct vm_trace_options options = {.format = "requests"};
    return vm_trace_open_bytes(text, strlen(text), "t.csv", &options, e);
}

static void each_column_of_a_row_is_read(void **state)
{
    (void)state;
    struct vm_error e;
    struct vm_batch b;
    struct vm_trace_info info;
    struct vm_trace *t = open_text(HEADER "alloc,memalign,0x5010,24,64,7,3,main.c:12, a comma\r\n"
                                          "\n# nothing\n"
                                          "resize,reallocarray,0x6000,48,5,0x5010,4,there\n"
                                          "free,free,24576,9,9,9,0,main.c:12, a comma\n"
                                          "exec,unknown,0,0,0,0,0,\n",
                                   &e);
    assert_non_null(t);
    assert_true(vm_trace_read(t, &b, &e));
    vm_trace_info(t, &info);
    assert_int_equal(b.nevents, 4);
    const struct vm_event *v = b.event;
    assert_true(v[0].kind == VM_EVENT_ALLOC && v[0].detail == VM_REQUEST_MEMALIGN);
    assert_true(v[0].va == 0x5010 && v[0].bytes == 24 && v[0].align == 64 && v[0].from == 0);
    assert_true(v[0].thread == 3 && v[0].site == 1);
    assert_true(v[1].kind == VM_EVENT_RESIZE && v[1].detail == VM_REQUEST_REALLOCARRAY);
    assert_true(v[1].va == 0x6000 && v[1].bytes == 48 && v[1].align == 0 && v[1].from == 0x5010);
    assert_true(v[1].thread == 4 && v[1].site == 2);
    assert_true(v[2].kind == VM_EVENT_FREE && v[2].va == 0x6000 && v[2].bytes == 0);
    assert_true(v[2].thread == 0 && v[2].site == 1);
    assert_true(v[3].kind == VM_EVENT_EXEC && v[3].site == 0);
    assert_int_equal(info.nsites, 2);
    assert_string_equal(info.site[0], "main.c:12, a comma");
    assert_string_equal(info.site[1], "there");
    vm_trace_close(t);
}

static void a_row_that_is_none_is_refused_with_its_line(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } bad[] = {
        {"alloc,malloc,1,2,3,4,5,x\n", "t.csv:1: bad header \"alloc,malloc"},
        {HEADER "take,malloc,1,2,3,4,5,x\n", "t.csv:2: bad request \"take\": expected alloc, free"},
        {HEADER "alloc,mallok,1,2,3,4,5,x\n", "t.csv:2: bad call \"mallok\": expected malloc"},
        {HEADER "\nalloc,malloc,1g,2,3,4,5,x\n", "t.csv:3: bad address \"1g\": expected decimal"},
        {HEADER "alloc,malloc,1,,3,4,5,x\n", "t.csv:2: bad bytes \"\": expected decimal"},
        {HEADER "alloc,malloc,1,2,3,4,4294967296,x\n", "t.csv:2: bad thread \"4294967296\""},
        {HEADER "alloc,malloc,1,2,3,4\n", "t.csv:2: bad from \"4\""},
        {HEADER "alloc,malloc,1,18446744073709551616,3,4,5,x\n", "t.csv:2: bad bytes"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct vm_error e;
        struct vm_batch b;
        struct vm_trace *t = open_text(bad[i].text, &e);
        assert_non_null(t);
        assert_false(vm_trace_read(t, &b, &e));
        assert_int_equal(e.code, VM_EINPUT);
        if (!strstr(e.text, bad[i].says))
            fail_msg("%s: expected %s", e.text, bad[i].says);
        vm_trace_close(t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(generators_ask_only_what_a_heap_can_answer),
        cmocka_unit_test(a_seed_is_all_that_makes_requests_differ),
        cmocka_unit_test(as_many_blocks_are_live_as_was_asked),
        cmocka_unit_test(sizes_that_halve_are_each_half_as_likely),
        cmocka_unit_test(a_phase_leaves_its_share_and_doubles_the_size),
        cmocka_unit_test(generators_refuse_what_they_cannot_make),
        cmocka_unit_test(each_column_of_a_row_is_read),
        cmocka_unit_test(a_row_that_is_none_is_refused_with_its_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
