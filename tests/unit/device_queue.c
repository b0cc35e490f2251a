/* device_queue.c - when requests before a device are done: laws, and the naive queue. */
#include "oracle/naive_queue.h"

#include "base/random.h"
#include "rounds.h"
#include "test.h"

#define READ  VM_TRANSFER_READ
#define WRITE VM_TRANSFER_WRITE

/* A device that takes what it is told to, and writes down when it was to begin. */
struct told {
    uint32_t depth;
    struct vm_service next;
    uint64_t start_ns;
};

static size_t told_size(void)
{
    return sizeof(struct told);
}

static void told_init(void *state, const struct vm_params *params)
{
    (void)state, (void)params;
}

static uint32_t told_depth(const void *state)
{
    return ((const struct told *)state)->depth;
}

static struct vm_service told_service(void *state, enum vm_transfer kind, uint64_t position,
                                      uint64_t bytes, uint64_t start_ns)
{
    (void)kind, (void)position, (void)bytes;
    struct told *d = state;
    d->start_ns = start_ns;
    return d->next;
}

static const struct vm_device_ops told_device = {
    .name = "told",
    .summary = "takes what it is told to",
    .size = told_size,
    .init = told_init,
    .depth = told_depth,
    .service = told_service,
    .kept = vm_device_kept_outside,
};

struct bench {
    struct told device;
    struct vm_queue queue;
};

static void bench_open(struct bench *b, uint32_t depth)
{
    *b = (struct bench){.device.depth = depth};
    vm_queue_init(&b->queue, &told_device, &b->device);
}

static uint64_t submit(struct bench *b, uint64_t now, uint64_t latency, uint64_t bus)
{
    b->device.next = (struct vm_service){latency, bus};
    uint64_t done = vm_queue_submit(&b->queue, READ, 0, 4096, now);
    vm_queue_check(&b->queue);
    return done;
}

static void one_channel_takes_the_sum_of_services(void **unused)
{
    (void)unused;
    struct bench b;
    bench_open(&b, 1);
    assert_int_equal(submit(&b, 100, 70, 30), 200);
    assert_int_equal(submit(&b, 100, 70, 30), 300);
    assert_int_equal(submit(&b, 250, 70, 30), 400);
    assert_int_equal(b.device.start_ns, 300);
    assert_int_equal(submit(&b, 1000, 70, 30), 1100); /* idle between */
    assert_int_equal(b.queue.counts.busy_ns, 400);
    assert_int_equal(b.queue.counts.queued_ns, 0 + 100 + 50 + 0);
}

static void latencies_overlap_and_bytes_do_not(void **unused)
{
    (void)unused;
    struct bench b;
    bench_open(&b, 4);
    assert_int_equal(submit(&b, 0, 70, 30), 100);
    assert_int_equal(submit(&b, 0, 70, 30), 130);
    assert_int_equal(submit(&b, 0, 70, 30), 160);
    assert_int_equal(submit(&b, 0, 70, 30), 190);
    assert_int_equal(submit(&b, 0, 70, 30), 220); /* the first channel is free at 100 */
    assert_int_equal(b.device.start_ns, 100);
    assert_int_equal(b.queue.counts.busy_ns, 220);
}

static void a_chain_of_requests_takes_one_channel(void **unused)
{
    (void)unused;
    struct bench b;
    bench_open(&b, 2);
    uint64_t written = submit(&b, 0, 100, 10); /* somebody writes, waits for it, and reads */
    assert_int_equal(submit(&b, written, 100, 10), 220);
    assert_int_equal(submit(&b, 5, 100, 10), 120); /* the other channel is as it was */
}

static void bytes_pass_in_a_gap_before_those_submitted_ahead_of_time(void **unused)
{
    (void)unused;
    struct bench b;
    bench_open(&b, 4);
    submit(&b, 1000, 0, 100);
    assert_int_equal(submit(&b, 0, 0, 100), 100);
    assert_int_equal(submit(&b, 950, 0, 100), 1200); /* 50 before the first are too few */
    assert_int_equal(submit(&b, 850, 0, 150), 1000); /* and 150 just enough */
    assert_int_equal(b.queue.nspans, 2);
}

static void the_queue_counts_what_passed_it(void **unused)
{
    (void)unused;
    struct bench b;
    bench_open(&b, 2);
    b.device.next = (struct vm_service){5, 2};
    vm_queue_submit(&b.queue, READ, 0, 4096, 0);
    vm_queue_submit(&b.queue, WRITE, 0, 8192, 0);
    vm_queue_submit(&b.queue, WRITE, 0, 512, 0);
    assert_int_equal(b.queue.counts.requests[READ], 1);
    assert_int_equal(b.queue.counts.requests[WRITE], 2);
    assert_int_equal(b.queue.counts.bytes[READ], 4096);
    assert_int_equal(b.queue.counts.bytes[WRITE], 8704);
    assert_int_equal(b.queue.counts.service_ns[WRITE], 14);
}

static void the_distant_past_of_the_bus_counts_as_taken(void **unused)
{
    (void)unused;
    struct bench b;
    bench_open(&b, 1);
    for (uint64_t i = 1; i <= 3 * VM_QUEUE_BUS_SPANS; i++)
        assert_int_equal(submit(&b, 100 * i, 1, 10), 100 * i + 11);
    assert_int_equal(b.queue.nspans, VM_QUEUE_BUS_SPANS);
    assert_int_equal(b.queue.bus_from, 200 * VM_QUEUE_BUS_SPANS + 11);
}

/* Processes that submit, wait, and sometimes submit the next at once: some ahead of others. */
static void random_world(uint64_t seed)
{
    static struct naive_queue naive;
    struct vm_random random;
    struct bench b;
    uint64_t now = 0, bytes_ns = 0, last = 0;
    vm_random_seed(&random, seed);
    bench_open(&b, 1 + (uint32_t)vm_random_below(&random, 5));
    naive.n = 0;
    naive.depth = b.device.depth;
    uint64_t pause = 1 + vm_random_below(&random, 100);
    for (int i = 0; i < 60; i++) {
        uint64_t latency = vm_random_below(&random, 60), bus = vm_random_below(&random, 20);
        uint64_t when = vm_random_below(&random, 3) ? now : last; /* what it waited for */
        if (when < now)
            when = now;
        last = submit(&b, when, latency, bus);
        assert_int_equal(last, naive_queue_submit(&naive, when, (struct vm_service){latency, bus}));
        assert_int_equal(b.device.start_ns, naive.request[naive.n - 1].start);
        assert_true(last >= when + latency + bus);
        bytes_ns += bus;
        now += vm_random_below(&random, pause);
    }
    assert_int_equal(b.queue.counts.busy_ns, naive_queue_busy(&naive));
    assert_int_equal(b.queue.counts.queued_ns, naive_queue_queued(&naive));
    assert_true(b.queue.counts.busy_ns >= bytes_ns);
}

static void random_worlds_equal_the_naive_queue(void **unused)
{
    (void)unused;
    for (unsigned round = 0; round < test_rounds(3000); round++)
        random_world(round);
}

static void every_device_is_a_queue_of_its_depth(void **unused)
{
    (void)unused;
    for (size_t i = 0; vm_device_at(i); i++) {
        _Alignas(64) uint8_t state[256] = {0};
        const struct vm_device_ops *ops = vm_device_at(i);
        struct vm_params params;
        struct vm_queue q;
        struct vm_error e;
        assert_true(vm_params_parse(&params, ops->name, ops->param, ops->nparams, "", &e));
        ops->init(state, &params);
        vm_queue_init(&q, ops, state);
        uint64_t alone = vm_queue_submit(&q, READ, 0, 4096, 0), done = alone;
        for (uint32_t n = 1; n < q.depth; n++)
            done = vm_queue_submit(&q, READ, 0, 4096, 0);
        assert_true(done <= alone * q.depth);
        vm_queue_check(&q);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_channel_takes_the_sum_of_services),
        cmocka_unit_test(latencies_overlap_and_bytes_do_not),
        cmocka_unit_test(a_chain_of_requests_takes_one_channel),
        cmocka_unit_test(bytes_pass_in_a_gap_before_those_submitted_ahead_of_time),
        cmocka_unit_test(the_queue_counts_what_passed_it),
        cmocka_unit_test(the_distant_past_of_the_bus_counts_as_taken),
        cmocka_unit_test(random_worlds_equal_the_naive_queue),
        cmocka_unit_test(every_device_is_a_queue_of_its_depth),
    };
    return cmocka_run_group_tests_name("device_queue", tests, NULL, NULL);
}
