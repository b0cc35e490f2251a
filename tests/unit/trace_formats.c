/* Every trace format: what its sample says, what it refuses and with which words, and that each
 * content is recognised as what it is and nothing else. */
#include "trace_samples.h"

static struct sample samples[SAMPLES];

static int fill(void **state)
{
    (void)state;
    samples_fill(samples);
    return 0;
}

static void a_sample_reads_as_what_it_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < SAMPLES; i++)
        assert_reads(samples[i].data, samples[i].n, samples[i].format, samples[i].says);
}

static void a_sample_is_recognised_by_its_content(void **state)
{
    (void)state;
    for (size_t i = 0; i < SAMPLES; i++) {
        struct vm_error e;
        struct vm_trace_info info;
        struct vm_trace *t =
            vm_trace_open_bytes(samples[i].data, samples[i].n, samples[i].format, NULL, &e);
        assert_non_null(t);
        vm_trace_info(t, &info);
        assert_string_equal(info.format, samples[i].format);
        assert_string_equal(info.name, samples[i].format);
        vm_trace_close(t);
    }
}

/* However many records or lines of it there are. */
static void a_repeated_sample_is_recognised_too(void **state)
{
    (void)state;
    for (size_t i = 0; i < SAMPLES; i++) {
        const struct sample *s = &samples[i];
        if (!strcmp(s->format, "csv") || !strcmp(s->format, "requests")) /* a header comes once */
            continue;
        size_t times = (80 << 10) / s->n;
        uint8_t *data = malloc(times * s->n);
        for (size_t k = 0; k < times; k++)
            memcpy(data + k * s->n, s->data, s->n);
        if (!strcmp(s->format, "oracle")) /* its time does not go back */
            for (size_t k = 0; k < times * 4; k++)
                put(data + 24 * k, k, 4);
        struct transcript t = transcribe(data, times * s->n, NULL);
        assert_true(t.good);
        struct transcript once = transcribe(s->data, s->n, s->format);
        assert_int_equal(t.refs, once.refs * times);
        free(once.text);
        free(t.text);
        free(data);
    }
}

static void assert_unknown(const void *data, size_t n)
{
    struct transcript t = transcribe(data, n, NULL);
    assert_false(t.good);
    assert_int_equal(t.e.code, VM_EINPUT);
    assert_int_equal(t.refs, 0);
    if (!strstr(t.e.text, "content of no known trace format: expected one of "))
        fail_msg("%s", t.e.text);
    assert_non_null(
        strstr(t.e.text, "lackey, pin, din, rwi, requests, csv, pages, oracle, champsim"));
    assert_non_null(strstr(t.e.hint, "--format"));
    free(t.text);
}

static void content_of_no_format_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "hello world\n",
        "{\"a\": 1}\n",
        "name,age\nann,3\n",
        "# only a comment\n",
        "==12== Lackey, an example Valgrind tool\n",
        "1 2 3\n4 5 6\n",
        "R\n",
        "deadbeef\n",
        "SYSCALL[\n",
        "PX",
        "a",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_unknown(texts[i], strlen(texts[i]));
    static const uint8_t zeros[70000];
    assert_unknown(zeros, sizeof zeros);
    assert_unknown(zeros, 1);
}

static const struct sample *sample_of(const char *format)
{
    const struct sample *s = samples;
    while (strcmp(s->format, format))
        s++;
    return s;
}

/* Records without a magic number are refused when a single one makes no sense. */
static void records_that_make_no_sense_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *format;
        size_t at;
        unsigned bytes;
        uint64_t value;
    } spoils[] = {
        {"oracle", 48, 4, 999},            /* time goes back */
        {"oracle", 64, 8, 0},              /* the next access is this one */
        {"oracle", 64, 8, UINT64_MAX - 1}, /* or before it */
        {"champsim", 128, 8, 0},           /* no instruction */
        {"champsim", 136, 1, 2},           /* flags that are none */
        {"champsim", 137, 1, 2},
        {"champsim", 128 + 16, 8, 1ull << 60}, /* addresses that are none */
        {"champsim", 128 + 56, 8, 1ull << 60},
        {"cloudsuite", 96 + 80, 8, 1ull << 60},
        {"cloudsuite", 96 + 8, 1, 3},
        {"drmemtrace", 24, 2, 50}, /* no type of a record */
        {"drmemtrace", 2, 2, 1},   /* no header */
    };
    for (size_t i = 0; i < sizeof spoils / sizeof spoils[0]; i++) {
        struct sample s = *sample_of(spoils[i].format);
        put(s.data + spoils[i].at, spoils[i].value, spoils[i].bytes);
        assert_unknown(s.data, s.n);
    }
}

static void one_cloudsuite_record_is_no_champsim(void **state)
{
    (void)state;
    assert_reads(sample_of("cloudsuite")->data, 96, NULL, "x401000/1 r7ffe1000/1 w602000/1");
    assert_reads(sample_of("champsim")->data, 64, NULL,
                 "x401000/1 r7ffe1000/1 r7ffe2000/1 w602000/1");
}

static void random_bytes_are_refused(void **state)
{
    (void)state;
    uint64_t x = 88172645463325252;
    uint8_t data[960];
    for (int round = 0; round < 2000; round++) {
        for (size_t i = 0; i < sizeof data; i++) {
            x ^= x << 13, x ^= x >> 7, x ^= x << 17;
            data[i] = (uint8_t)(x >> 32);
        }
        data[0] |= 0x80; /* no magic number of a compressed stream */
        data[1] = 0;
        assert_unknown(data, 1 + (size_t)(x % sizeof data));
    }
}

static void a_program_is_refused(void **state)
{
    (void)state;
    struct vm_error e;
    assert_null(vm_trace_open("/proc/self/exe", NULL, &e));
    assert_int_equal(e.code, VM_EINPUT);
    assert_non_null(strstr(e.text, "content of no known trace format"));
}

static void empty_content_is_refused_by_name(void **state)
{
    (void)state;
    assert_text_refuses("", NULL, "sample: empty: expected a trace");
    assert_text_refuses("", "din", "sample: empty: expected a trace");
}

static void a_format_that_is_unknown_gets_the_nearest_name(void **state)
{
    (void)state;
    struct transcript t = transcribe("R 1\n", 4, "lacky");
    assert_false(t.good);
    assert_int_equal(t.e.code, VM_EUSAGE);
    assert_non_null(strstr(t.e.hint, "lackey"));
    free(t.text);
    t = transcribe("R 1\n", 4, "rwi:x=1");
    assert_false(t.good);
    assert_int_equal(t.e.code, VM_EUSAGE);
    free(t.text);
}

/* Records cut anywhere are an error that names the place; text cut anywhere is a prefix. */
static void truncation_anywhere_gives_a_prefix(void **state)
{
    (void)state;
    for (size_t i = 0; i < SAMPLES; i++)
        for (size_t n = 1; n < samples[i].n; n++) {
            const struct sample *s = &samples[i];
            uint8_t *cut = malloc(n); /* exactly, so that a sanitizer sees a step beyond */
            memcpy(cut, s->data, n);
            struct transcript t = transcribe(cut, n, s->format);
            if (s->record && n % s->record) {
                char end[100];
                snprintf(end, sizeof end,
                         "sample: byte %zu: record cut short: %zu bytes, expected %zu",
                         n - n % s->record, n % s->record, s->record);
                assert_string_equal(t.e.text, end);
            }
            if (s->record || !t.good) /* a cut number is a shorter number */
                assert_memory_equal(t.text, s->says, t.n);
            struct transcript found = transcribe(cut, n, NULL);
            /* 96 bytes are a whole CloudSuite record as well as one and a half of ChampSim. */
            if (found.good && s->record && n != 96)
                assert_memory_equal(found.text, s->says, found.n);
            free(found.text);
            free(t.text);
            free(cut);
        }
}

static void a_last_line_needs_no_newline(void **state)
{
    (void)state;
    assert_text_reads("I  04,3\nI  0401ab70,31", "lackey", "x4/3 x401ab70/31");
    assert_text_reads("R 1f", NULL, "r1f/1");
    assert_text_reads("12", NULL, "rc000/1");
    assert_text_reads("address\n0x5", NULL, "r5/1");
}

static void dos_line_ends_are_read(void **state)
{
    (void)state;
    assert_text_reads("I  0401ab70,3\r\n L 08,4\r\n\r\n", NULL, "x401ab70/3 r8/4");
    assert_text_reads("0x10: R 0x20\r\n#eof\r\n", NULL, "r20/1");
    assert_text_reads("R 1f\r\n1e W\r\n", NULL, "r1f/1 w1e/1");
    assert_text_reads("0 1f\r\n", NULL, "r1f/1");
    assert_text_reads("3\r\n0x4\r\n", NULL, "r3000/1 r4000/1");
    assert_text_reads("addr,op\r\n0x5,W\r\n", NULL, "w5/1");
}

static void bad_text_is_told_with_line_and_word(void **state)
{
    (void)state;
    static const struct {
        const char *format, *text, *error;
    } cases[] = {
        {"lackey", "I  04,3\n L 0x7fz,8\n", "sample:2: bad address \"0x7fz\": expected hex digits"},
        {"lackey", "I  ,3\n", "sample:1: bad address \"\": expected hex digits"},
        {"lackey", "I  12345678901234567,3\n",
         "sample:1: bad address \"12345678901234567\": expected hex digits"},
        {"lackey", "\n\nI  04,\n", "sample:3: bad size \"\": expected decimal digits"},
        {"lackey", "I  04,3x\n", "sample:1: bad size \"3x\": expected decimal digits"},
        {"lackey", " X 04,3\n",
         "sample:1: bad line \" X 04,3\": expected \"I  ADDRESS,SIZE\", or \" L\", \" S\" or \" "
         "M\""},
        {"lackey", "L  04,3\n",
         "sample:1: bad line \"L  04,3\": expected \"I  ADDRESS,SIZE\", or \" L\", \" S\" or \" "
         "M\""},
        {"pin", "0x1: X 0x2\n", "sample:1: bad access \"X\": expected R or W"},
        {"pin", "0x1 R 0x2\n",
         "sample:1: bad instruction address \"0x1\": expected 0x, hex digits and a colon"},
        {"pin", "0x1: R 0xg\n", "sample:1: bad address \"0xg\": expected hex digits"},
        {"din", "5 10\n",
         "sample:1: bad label \"5\": expected 0 to 4 (read, write, fetch, escapes)"},
        {"din", "0 10\n0 1x\n", "sample:2: bad address \"1x\": expected hex digits"},
        {"rwi", "R ffffffffffffffff\nR 1ffffffffffffffff\n",
         "sample:2: bad line \"R 1ffffffffffffffff\": expected R, W or I and a hex address"},
        {"pages", "18446744073709551616\n",
         "sample:1: bad page number \"18446744073709551616\": expected decimal, or 0x and hex "
         "digits"},
        {"rwi", "R\n", "sample:1: bad line \"R\": expected R, W or I and a hex address"},
        {"rwi", "12 Q\n", "sample:1: bad access \"Q\": expected R, W or I"},
        {"rwi", "R 12 W\n", "sample:1: bad end of line \" W\": expected nothing more"},
        {"pages", "1\n2 3\n",
         "sample:2: bad page number \"2 3\": expected decimal, or 0x and hex digits"},
        {"pages", "99999999999999999\n",
         "sample:1: bad page number \"99999999999999999\": expected its address to fit 64 bits"},
        {"csv", "a,b\n1,2\n", "sample:1: no column \"address\": expected it in the header row"},
        {"csv:address=a,size=n", "a,b\n1,2\n",
         "sample:1: no column \"n\": expected it in the header row"},
        {"csv", "address,op\n1,R\n2\n",
         "sample:3: bad row \"2\": expected as many fields as the header"},
        {"csv", "address,op\n1,Z\n",
         "sample:2: bad access \"Z\": expected R, W or I (or read, write, fetch)"},
        {"csv:radix=decimal", "address\n0x10\n",
         "sample:2: bad address \"0x10\": expected decimal digits, or 0x and hex digits"},
        {"csv", "address,size\n1,0xz\n", "sample:2: bad size \"0xz\": expected decimal digits"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_text_refuses(cases[i].text, cases[i].format, cases[i].error);
}

static void a_csv_is_read_by_the_columns_that_are_named(void **state)
{
    (void)state;
    const char *text = "T,\"OP\",ADDR,LEN\n1, W ,ff,2\n\n2,\"R\",\"1000\",16\n";
    assert_text_reads(text, "csv:address=ADDR,access=OP,size=LEN,radix=hex", "wff/2 r1000/16");
    assert_text_reads(text, "csv:address=LEN", "w2/2 r10/16");
    assert_text_reads("VA,TYPE\n10,x\n", NULL, "xa/1");
    assert_text_reads("\"a \"\"b, c\"\"\",\"va\"\n\"1,\"\"\",5\n", NULL, "r5/1");
}

static void pages_have_the_size_that_is_given(void **state)
{
    (void)state;
    assert_text_reads("3\n", "pages:bytes=2M", "r600000/1");
    assert_text_reads("0x10\n", "pages:bytes=1", "r10/1");
}

static void sizes_are_clamped_to_what_a_reference_can_be(void **state)
{
    (void)state;
    assert_text_reads(" L 1000,0\n L 1000,99999\n L ffffffffffffffff,8\n", "lackey",
                      "r1000/1 r1000/16383 rffffffffffffffff/1");
}

static void a_drmemtrace_without_footer_is_cut_short(void **state)
{
    (void)state;
    const struct sample *s = &samples[0];
    assert_refuses(s->data, s->n - 12, NULL,
                   "sample: byte 276: trace cut short: expected a footer");
}

static void a_drmemtrace_may_repeat_its_head(void **state)
{
    (void)state;
    struct sample s = samples[0];
    add_drmemtrace(&s, 25, 0, 7);
    add_drmemtrace(&s, 24, 0, 71);
    add_drmemtrace(&s, 30, 2, 0x1000);
    add_drmemtrace(&s, 30, 2, 0x1000);
    add_drmemtrace(&s, 26, 0, 0);
    char says[400];
    snprintf(says, sizeof says, "%s [switch 1] x1000/2", samples[0].says);
    assert_reads(s.data, s.n, NULL, says);
}

static void a_drmemtrace_record_that_is_wrong_is_told_with_its_place(void **state)
{
    (void)state;
    struct sample s = samples[0];
    put(s.data + 4, 8, 8);
    assert_refuses(s.data, s.n, NULL, "sample: byte 0: version 8: expected 1 to 7");
    s = samples[0];
    put(s.data + 36, 50, 2);
    assert_refuses(s.data, s.n, "drmemtrace",
                   "sample: byte 36: unknown record type 50: expected 0 to 49");
    s = samples[0];
    put(s.data + 16 * 12 + 2, 9, 2);
    assert_refuses(s.data, s.n, NULL,
                   "sample: byte 192: bundle of 9 instructions: expected at most 8");
    assert_refuses(s.data + 12, s.n - 12, "drmemtrace",
                   "sample: byte 0: record type 28: expected a header, 25");
}

static void more_processes_than_ids_are_refused(void **state)
{
    (void)state;
    size_t n = 4095;
    uint8_t *data = calloc(n, 96);
    for (size_t i = 0; i < n; i++) {
        put(data + 96 * i, 0x401000, 8);
        put(data + 96 * i + 88, i, 2);
    }
    struct transcript t = transcribe(data, (n - 1) * 96, "cloudsuite");
    assert_true(t.good);
    assert_int_equal(t.refs, n - 1);
    free(t.text);
    assert_refuses(data, n * 96, "cloudsuite",
                   "sample: byte 393024: one process too many: expected at most 4094");
    free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sample_reads_as_what_it_says),
        cmocka_unit_test(a_sample_is_recognised_by_its_content),
        cmocka_unit_test(a_repeated_sample_is_recognised_too),
        cmocka_unit_test(content_of_no_format_is_refused),
        cmocka_unit_test(records_that_make_no_sense_are_refused),
        cmocka_unit_test(one_cloudsuite_record_is_no_champsim),
        cmocka_unit_test(random_bytes_are_refused),
        cmocka_unit_test(a_program_is_refused),
        cmocka_unit_test(empty_content_is_refused_by_name),
        cmocka_unit_test(a_format_that_is_unknown_gets_the_nearest_name),
        cmocka_unit_test(truncation_anywhere_gives_a_prefix),
        cmocka_unit_test(a_last_line_needs_no_newline),
        cmocka_unit_test(dos_line_ends_are_read),
        cmocka_unit_test(bad_text_is_told_with_line_and_word),
        cmocka_unit_test(a_csv_is_read_by_the_columns_that_are_named),
        cmocka_unit_test(pages_have_the_size_that_is_given),
        cmocka_unit_test(sizes_are_clamped_to_what_a_reference_can_be),
        cmocka_unit_test(a_drmemtrace_without_footer_is_cut_short),
        cmocka_unit_test(a_drmemtrace_may_repeat_its_head),
        cmocka_unit_test(a_drmemtrace_record_that_is_wrong_is_told_with_its_place),
        cmocka_unit_test(more_processes_than_ids_are_refused),
    };
    return cmocka_run_group_tests(tests, fill, NULL);
}
