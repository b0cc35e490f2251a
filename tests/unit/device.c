/* device.c - what each backing store charges for a transfer, and the laws that all keep. */
#include <pagoda/device.h>

#include "base/random.h"
#include "test.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define READ  VM_TRANSFER_READ
#define WRITE VM_TRANSFER_WRITE
#define PAGE  4096

struct opened {
    const struct vm_device_ops *ops;
    _Alignas(64) uint8_t state[256];
};

static struct opened device_open(const char *spec)
{
    struct opened d = {0};
    struct vm_error e;
    struct vm_params params;
    char name[32];
    const char *text = vm_spec_split(spec, name, sizeof name);
    d.ops = vm_device_find(name, &e);
    assert_non_null(d.ops);
    assert_true(vm_params_parse(&params, name, d.ops->param, d.ops->nparams, text, &e));
    assert_in_range(d.ops->size(), 0, sizeof d.state);
    d.ops->init(d.state, &params);
    return d;
}

/* What one request takes, if it is served at once. */
static uint64_t service_ns(struct opened *d, enum vm_transfer kind, uint64_t position,
                           uint64_t bytes)
{
    struct vm_service s = d->ops->service(d->state, kind, position, bytes, 0);
    return s.latency_ns + s.bus_ns;
}

/* The price of one request to a device on which nothing has happened yet. */
static uint64_t first(const char *spec, enum vm_transfer kind, uint64_t bytes)
{
    struct opened d = device_open(spec);
    return service_ns(&d, kind, 0, bytes);
}

static void hdd_pays_seek_and_half_a_turn_and_the_bytes(void **unused)
{
    (void)unused;
    /* 8.2 ms + 60 s / 7200 / 2 = 4,166,667 ns; 4096 bytes at 171 MB/s = 23,953 ns. */
    assert_int_equal(first("hdd", READ, PAGE), 8200000 + 4166667 + 23953);
    assert_int_equal(first("hdd:seek_us=1000,rpm=60000,mbps=4096", READ, PAGE),
                     1000000 + 500000 + 1000);
}

static uint64_t served_at(struct opened *d, uint64_t position, uint64_t start_ns)
{
    struct vm_service s = d->ops->service(d->state, READ, position, PAGE, start_ns);
    return s.latency_ns + s.bus_ns;
}

static void hdd_pays_only_the_bytes_where_the_last_request_ended(void **unused)
{
    (void)unused;
    struct opened d = device_open("hdd");
    uint64_t far = service_ns(&d, WRITE, 10 * PAGE, PAGE);
    uint64_t next = service_ns(&d, WRITE, 11 * PAGE, PAGE);
    assert_int_equal(next, 23953);
    assert_true(far > 100 * next);
    assert_int_equal(served_at(&d, 12 * PAGE, 123456789), next); /* it has read on */
    assert_true(served_at(&d, 12 * PAGE, 0) > next);             /* behind the head */
}

/* A turn of 10 ms passes 10^6 bytes: a track. Without seeks only the angle counts. */
static void hdd_waits_until_the_place_comes_by(void **unused)
{
    (void)unused;
    struct opened d = device_open("hdd:rpm=6000,mbps=100,seek_us=0,settle_us=0");
    served_at(&d, 0, 0);
    assert_int_equal(served_at(&d, 250000, 0), 2500000 + 40960);
    assert_int_equal(served_at(&d, 500000, 1000000), 4000000 + 40960);
    assert_int_equal(served_at(&d, 250000, 3000000), 9500000 + 40960); /* it has just gone by */
    assert_int_equal(served_at(&d, 7250000, 22500000), 40960);         /* another track, in time */
}

/* HP 97560: 3.24 + 0.4 sqrt(d) ms, 8.00 + 0.008 d beyond 383 of 1962 cylinders; its mean by summing
 * over all pairs. A turn that takes no time leaves the seek alone. */
static void hdd_seeks_as_ruemmler_and_wilkes_measured(void **unused)
{
    (void)unused;
    double sum = 0, pairs = 0;
    for (int n = 1; n < 1962; n++) {
        sum += (1962 - n) * (n <= 383 ? 3.24 + 0.4 * sqrt(n) : 8.00 + 0.008 * n);
        pairs += 1962 - n;
    }
    char spec[128];
    snprintf(spec, sizeof spec, "hdd:seek_us=%.6f,settle_us=3240,rpm=1000000,mbps=1000,bytes=%d",
             1e3 * sum / pairs, 1962 * 60000); /* 60 us a turn: 60,000 bytes a track */
    for (int n = 1; n < 1962; n += 7) {
        double wanted = 1e6 * (n <= 383 ? 3.24 + 0.4 * sqrt(n) : 8.00 + 0.008 * n);
        struct opened d = device_open(spec);
        served_at(&d, 0, 0);
        double took = (double)served_at(&d, (uint64_t)n * 60000, 0) - 4096;
        assert_true(took > wanted * 0.995 && took < wanted * 1.005 + 60000);
    }
}

static void hdd_seeks_on_average_what_its_data_sheet_says(void **unused)
{
    (void)unused;
    struct vm_random random;
    struct opened d = device_open("hdd");
    double sum = 0;
    uint64_t now = 0, n = 200000;
    vm_random_seed(&random, 1);
    for (uint64_t i = 0; i < n; i++) {
        uint64_t took = served_at(&d, vm_random_below(&random, 4000000000000), now);
        now += took + vm_random_below(&random, 10000000);
        sum += (double)took;
    }
    double wanted = 8200000 + 4166667 + 23953, mean = sum / (double)n;
    assert_true(mean > wanted * 0.995 && mean < wanted * 1.005);
}

static void hdd_reads_a_cluster_cheaper_than_its_pages_apart(void **unused)
{
    (void)unused;
    struct opened d = device_open("hdd");
    uint64_t apart = 0, cluster = first("hdd", READ, 8 * PAGE);
    for (uint64_t i = 0; i < 8; i++)
        apart += served_at(&d, (7 - i) * PAGE, apart);
    assert_true(cluster * 4 < apart); /* backwards, each page waits for nearly a turn */
}

static void flash_pays_a_request_then_bandwidth(void **unused)
{
    (void)unused;
    assert_int_equal(first("nvme", READ, PAGE), 71000);
    assert_int_equal(first("nvme", WRITE, PAGE), 111000);
    assert_int_equal(first("ssd", READ, PAGE), 100000);
    assert_int_equal(first("ssd", WRITE, PAGE), 25000);
    assert_int_equal(first("nvme", READ, 512), 71000); /* a request is never smaller */
    /* 60 KiB more at 1389 MB/s = 44,233 ns. */
    assert_int_equal(first("nvme", READ, 16 * PAGE), 71000 + 44233);
    assert_int_equal(first("ssd:read_us=1,read_mbps=1000", READ, 2 * PAGE), 1000 + 4096);
    assert_int_equal(first("ssd:write_us=2,write_mbps=500", WRITE, 2 * PAGE), 2000 + 8192);
}

static void zram_pays_for_each_page(void **unused)
{
    (void)unused;
    assert_int_equal(first("zram", READ, PAGE), 390);
    assert_int_equal(first("zram", WRITE, PAGE), 3700);
    assert_int_equal(first("zram", READ, 8 * PAGE), 8 * 390);
    assert_int_equal(first("zram", READ, PAGE + 1), 2 * 390);
    assert_int_equal(first("zram:compress_us=1.5", WRITE, PAGE), 1500);
    assert_int_equal(first("zram:decompress_us=2", READ, PAGE), 2000);
}

static uint64_t kept(const char *spec, uint64_t bytes)
{
    struct opened d = device_open(spec);
    return d.ops->kept(d.state, bytes);
}

static void zram_keeps_a_page_in_its_size_by_the_ratio(void **unused)
{
    (void)unused;
    assert_int_equal(kept("zram", PAGE), 2080); /* 4096 / 1.97 = 2079.2 */
    assert_int_equal(kept("zram:ratio=2", PAGE), 2048);
    assert_int_equal(kept("zram:ratio=1", PAGE), PAGE);
    assert_int_equal(kept("zram:ratio=4096", PAGE), 1);
}

static void no_device_keeps_more_than_is_written(void **unused)
{
    (void)unused;
    for (size_t i = 0; vm_device_at(i); i++)
        for (uint64_t bytes = 512; bytes <= 65536; bytes *= 2)
            assert_in_range(kept(vm_device_at(i)->name, bytes), 0, bytes);
}

static void more_bytes_never_cost_less(void **unused)
{
    (void)unused;
    for (size_t i = 0; vm_device_at(i); i++)
        for (enum vm_transfer kind = READ; kind <= WRITE; kind++)
            for (uint64_t bytes = 512, last = 0; bytes <= 1 << 20; bytes += 512) {
                uint64_t ns = first(vm_device_at(i)->name, kind, bytes);
                assert_true(ns >= last);
                last = ns;
            }
}

static void the_stores_are_ordered_as_their_kinds_are(void **unused)
{
    (void)unused;
    static const char *const faster_first[] = {"none", "zram", "nvme", "ssd", "hdd"};
    for (size_t i = 0; i + 1 < sizeof faster_first / sizeof faster_first[0]; i++)
        assert_true(first(faster_first[i], READ, PAGE) < first(faster_first[i + 1], READ, PAGE));
}

static void a_device_that_does_not_exist_is_an_error(void **unused)
{
    (void)unused;
    struct vm_error e;
    assert_null(vm_device_find("nmve", &e));
    assert_int_equal(e.code, VM_EUSAGE);
    assert_non_null(strstr(e.hint, "nvme"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hdd_pays_seek_and_half_a_turn_and_the_bytes),
        cmocka_unit_test(hdd_pays_only_the_bytes_where_the_last_request_ended),
        cmocka_unit_test(hdd_waits_until_the_place_comes_by),
        cmocka_unit_test(hdd_seeks_as_ruemmler_and_wilkes_measured),
        cmocka_unit_test(hdd_seeks_on_average_what_its_data_sheet_says),
        cmocka_unit_test(hdd_reads_a_cluster_cheaper_than_its_pages_apart),
        cmocka_unit_test(flash_pays_a_request_then_bandwidth),
        cmocka_unit_test(zram_pays_for_each_page),
        cmocka_unit_test(zram_keeps_a_page_in_its_size_by_the_ratio),
        cmocka_unit_test(no_device_keeps_more_than_is_written),
        cmocka_unit_test(more_bytes_never_cost_less),
        cmocka_unit_test(the_stores_are_ordered_as_their_kinds_are),
        cmocka_unit_test(a_device_that_does_not_exist_is_an_error),
    };
    return cmocka_run_group_tests_name("device", tests, NULL, NULL);
}
