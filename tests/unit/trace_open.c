/* Opening, skip, limit, columns: what is laid over any source of references. */
#include "folder.h"
#include "trace_samples.h"

/* 10,000 references and an event before every third. */
static char *long_text(size_t *n)
{
    char *text = malloc(10000 * 120);
    *n = 0;
    for (unsigned i = 0; i < 10000; i++) {
        if (i % 3 == 0)
            *n += (size_t)sprintf(text + *n,
                                  "SYSCALL[1,1](11) sys_munmap ( 0x%x000, 4096 )[sync] --> "
                                  "Success(0x0) \n",
                                  i + 1);
        *n += (size_t)sprintf(text + *n, " L %08x,1\n", i);
    }
    return text;
}

/* What skip and limit should leave of it. */
static char *long_says(uint64_t skip, uint64_t limit)
{
    struct transcript t = {.cap = 64, .text = calloc(1, 64)};
    for (unsigned i = 0; i < 10000; i++) {
        if (limit && i >= skip + limit)
            break;
        if (i % 3 == 0)
            say(&t, "[unmap %x000+1000 p0 d0]", i + 1);
        if (i >= skip)
            say(&t, "r%x/1", i);
    }
    return t.text;
}

static const struct {
    uint64_t skip, limit;
} cuts[] = {{0, 0},     {1, 0},    {0, 1},       {3, 1},      {4, 7},    {4081, 10},
            {8162, 3},  {9999, 5}, {10000, 5},   {20000, 0},  {0, 9999}, {0, 10000},
            {0, 10001}, {1, 4081}, {5000, 5000}, {5000, 4999}};
#define CUTS (sizeof cuts / sizeof cuts[0])

static void skip_and_limit_cut_references_and_keep_events_before(void **state)
{
    (void)state;
    size_t n;
    char *text = long_text(&n);
    for (size_t i = 0; i < CUTS; i++) {
        char *says = long_says(cuts[i].skip, cuts[i].limit);
        struct transcript t = transcribe_with(
            text, n, "sample",
            &(struct vm_trace_options){.skip = cuts[i].skip, .limit = cuts[i].limit});
        assert_true(t.good);
        assert_string_equal(t.text, says);
        free(t.text);
        free(says);
    }
    free(text);
}

/* An index skips what reading would skip: the same is left. */
static void skip_by_an_index_equals_skip_by_reading(void **state)
{
    (void)state;
    size_t n;
    char *text = long_text(&n), path[256];
    struct folder folder = folder_new();
    folder_path(&folder, "long.pgt", path);
    struct vm_error e;
    struct vm_batch b;
    struct vm_trace *t = vm_trace_open_bytes(text, n, "sample", NULL, &e);
    struct vm_pgt_writer *w = vm_pgt_create(path, &(struct vm_pgt_options){0}, &e);
    assert_true(t && w);
    while (vm_trace_read(t, &b, &e) && (b.nrefs || b.nevents))
        assert_true(vm_pgt_append(w, &b, &e));
    assert_true(vm_pgt_finish(w, &e));
    vm_trace_close(t);
    for (size_t i = 0; i < CUTS; i++) {
        char *says = long_says(cuts[i].skip, cuts[i].limit);
        struct transcript said = {.cap = 64, .text = calloc(1, 64)};
        struct vm_trace_options options = {.skip = cuts[i].skip, .limit = cuts[i].limit};
        struct vm_trace *pgt = vm_trace_open(path, &options, &said.e);
        assert_non_null(pgt);
        transcribe_trace(&said, pgt);
        assert_true(said.good);
        assert_string_equal(said.text, says);
        free(said.text);
        free(says);
    }
    folder_remove(&folder);
    free(text);
}

static struct vm_columns load(const char *text, size_t n)
{
    struct vm_error e;
    struct vm_columns c;
    struct vm_trace *t = vm_trace_open_bytes(text, n, "sample", NULL, &e);
    assert_non_null(t);
    assert_true(vm_columns_load(&c, t, &e));
    vm_trace_close(t);
    return c;
}

static void columns_say_what_was_loaded_as_often_as_asked(void **state)
{
    (void)state;
    size_t n;
    char *text = long_text(&n), *says = long_says(0, 0);
    struct vm_columns c = load(text, n);
    assert_int_equal(c.nrefs, 10000);
    assert_int_equal(c.nevents, 3334);
    assert_int_equal(c.event_ref[1], 3);
    uint64_t hash = 0;
    for (int round = 0; round < 2; round++) {
        struct vm_error e;
        struct vm_trace_info info;
        struct transcript t = {.cap = 64, .text = calloc(1, 64)};
        struct vm_trace *trace = vm_trace_open_columns(&c, "columns", &e);
        assert_non_null(trace);
        struct vm_batch b;
        while (vm_trace_read(trace, &b, &e) && (b.nrefs || b.nevents))
            say_batch(&t, &b);
        vm_trace_info(trace, &info);
        assert_string_equal(info.name, "columns");
        assert_int_equal(info.refs, 10000);
        assert_true(round == 0 || info.hash == hash);
        hash = info.hash;
        vm_trace_close(trace);
        assert_string_equal(t.text, says);
        free(t.text);
    }
    vm_columns_free(&c);
    free(says);
    free(text);
}

/* More events before one reference than a batch holds. */
static void events_without_references_fill_batches_of_their_own(void **state)
{
    (void)state;
    size_t n = 0;
    char *text = malloc(2000 * 100);
    struct transcript says = {0};
    for (unsigned i = 1; i <= 1500; i++) {
        n += (size_t)sprintf(
            text + n, "SYSCALL[1,1](11) sys_munmap ( 0x%x000, 1 )[sync] --> Success(0x0) \n", i);
        say(&says, "[unmap %x000+1000 p0 d0]", i);
    }
    n += (size_t)sprintf(text + n, "I  04,1\n");
    say(&says, "x4/1");
    assert_reads(text, n, NULL, says.text);
    struct vm_columns c = load(text, n);
    struct transcript t = {.cap = 64, .text = calloc(1, 64)};
    transcribe_trace(&t, vm_trace_open_columns(&c, "columns", &t.e));
    assert_string_equal(t.text, says.text);
    free(t.text);
    free(says.text);
    vm_columns_free(&c);
    free(text);
}

static void columns_of_a_bad_trace_are_an_error_and_nothing(void **state)
{
    (void)state;
    struct vm_error e;
    struct vm_columns c = {.nrefs = 77};
    struct vm_trace *t = vm_trace_open_bytes("R 1\nR x\n", 8, "sample",
                                             &(struct vm_trace_options){.format = "rwi"}, &e);
    assert_non_null(t);
    assert_false(vm_columns_load(&c, t, &e));
    assert_string_equal(e.text, "sample:2: bad line \"R x\": expected R, W or I and a hex address");
    assert_int_equal(c.nrefs, 77);
    vm_trace_close(t);
}

static void an_info_tells_how_far_the_trace_is(void **state)
{
    (void)state;
    struct vm_error e;
    struct vm_batch b;
    struct vm_trace_info before, after;
    struct vm_trace *t = vm_trace_open_bytes("R 1\nW 2\n", 8, "x.rwi", NULL, &e);
    assert_non_null(t);
    vm_trace_info(t, &before);
    assert_true(vm_trace_read(t, &b, &e) && b.nrefs == 2);
    assert_true(vm_trace_read(t, &b, &e) && b.nrefs == 0 && b.nevents == 0);
    assert_true(vm_trace_read(t, &b, &e) && b.nrefs == 0 && b.nevents == 0);
    vm_trace_info(t, &after);
    assert_string_equal(after.name, "x.rwi");
    assert_string_equal(after.format, "rwi");
    assert_int_equal(before.bytes_done, 0);
    assert_int_equal(after.bytes_done, 8);
    assert_int_equal(after.bytes_all, 8);
    assert_true(before.hash != after.hash);
    assert_false(after.complete_maps);
    vm_trace_close(t);
}

static void a_missing_file_is_the_systems_error(void **state)
{
    (void)state;
    struct vm_error e;
    assert_null(vm_trace_open("/nowhere/x.lackey", NULL, &e));
    assert_int_equal(e.code, VM_ESYSTEM);
    assert_non_null(strstr(e.text, "/nowhere/x.lackey"));
}

static void an_unknown_workload_is_refused(void **state)
{
    (void)state;
    struct vm_error e;
    assert_null(vm_trace_open("@nosuch:refs=1", NULL, &e));
    assert_int_equal(e.code, VM_EUSAGE);
    assert_non_null(strstr(e.text, "nosuch"));
}

/* Every row of workloads.def delivers what it promises, and its spec and seed are its hash. */
static void workloads_are_opened_by_their_spec(void **state)
{
    (void)state;
    struct vm_listed row;
    for (size_t i = 0; vm_workload_list(i, &row); i++) {
        char spec[60];
        struct vm_error e;
        struct vm_trace_info info, other;
        if (!strncmp(row.name, "heap-", 5)) /* requests, no references: unit/trace_requests.c */
            continue;
        snprintf(spec, sizeof spec, "@%s:refs=5000", row.name);
        struct vm_trace *t = vm_trace_open(spec, &(struct vm_trace_options){.limit = 4500}, &e);
        assert_non_null(t);
        vm_trace_info(t, &info);
        assert_string_equal(info.format, "workload");
        assert_string_equal(info.name, spec);
        assert_int_equal(info.refs, 5000);
        struct vm_trace *seeded = vm_trace_open(spec, &(struct vm_trace_options){.seed = 1}, &e);
        assert_non_null(seeded);
        vm_trace_info(seeded, &other);
        assert_true(info.hash != other.hash);
        vm_trace_close(seeded);
        struct transcript said = {.cap = 64, .text = calloc(1, 64)};
        transcribe_trace(&said, t);
        assert_true(said.good);
        assert_int_equal(said.refs, 4500);
        free(said.text);
    }
}

static void every_format_is_listed_by_name(void **state)
{
    (void)state;
    struct sample samples[SAMPLES];
    samples_fill(samples);
    struct vm_listed row;
    for (size_t s = 0; s < SAMPLES; s++) {
        size_t found = 0;
        for (size_t i = 0; vm_format_list(i, &row); i++)
            found += !strcmp(row.name, samples[s].format) && row.summary[0];
        assert_int_equal(found, 1);
    }
}

/* Each sample through each compressor that base/ undoes. */
static void compressed_traces_read_as_plain_ones(void **state)
{
    (void)state;
    static const char *const tools[] = {"cat", "gzip -c", "xz -c", "zstd -qc", "zip -q - -"};
    struct sample samples[SAMPLES];
    samples_fill(samples);
    struct folder folder = folder_new();
    for (size_t i = 0; i < SAMPLES; i++)
        for (size_t k = 0; k < sizeof tools / sizeof tools[0]; k++) {
            char path[256], command[300];
            folder_path(&folder, "trace", path);
            snprintf(command, sizeof command, "%s > %s", tools[k], path);
            FILE *pipe = popen(command, "w");
            assert_non_null(pipe);
            fwrite(samples[i].data, 1, samples[i].n, pipe);
            if (pclose(pipe)) /* a host without this tool */
                continue;
            struct transcript t = {.cap = 64, .text = calloc(1, 64)};
            struct vm_trace *trace = vm_trace_open(path, NULL, &t.e);
            if (!trace)
                fail_msg("%s: %s", tools[k], t.e.text);
            transcribe_trace(&t, trace);
            assert_true(t.good);
            assert_string_equal(t.text, samples[i].says);
            free(t.text);
        }
    folder_remove(&folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(skip_and_limit_cut_references_and_keep_events_before),
        cmocka_unit_test(skip_by_an_index_equals_skip_by_reading),
        cmocka_unit_test(columns_say_what_was_loaded_as_often_as_asked),
        cmocka_unit_test(events_without_references_fill_batches_of_their_own),
        cmocka_unit_test(columns_of_a_bad_trace_are_an_error_and_nothing),
        cmocka_unit_test(an_info_tells_how_far_the_trace_is),
        cmocka_unit_test(a_missing_file_is_the_systems_error),
        cmocka_unit_test(an_unknown_workload_is_refused),
        cmocka_unit_test(workloads_are_opened_by_their_spec),
        cmocka_unit_test(every_format_is_listed_by_name),
        cmocka_unit_test(compressed_traces_read_as_plain_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
