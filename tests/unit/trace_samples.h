/* trace_samples.h - a small sample of each trace format, and traces written out as text to compare.
 *
 * Not every test uses every function.
 */
#ifndef TEST_TRACE_SAMPLES_H
#define TEST_TRACE_SAMPLES_H

#include "test.h"

#include <inttypes.h>
#include <pagoda/trace.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAYBE_UNUSED __attribute__((unused))

/* Everything a trace delivered, in order: "r1000/4 w1000/4 x400/1 [map 1000+2000 p3 d1]". */
struct transcript {
    char *text;
    size_t n, cap;
    uint64_t refs;
    bool good;         /* it ended without an error */
    struct vm_error e; /* if not good */
};

MAYBE_UNUSED __attribute__((format(printf, 2, 3))) static void say(struct transcript *t,
                                                                   const char *fmt, ...)
{
    char word[200];
    va_list args;
    va_start(args, fmt);
    size_t n = (size_t)vsnprintf(word, sizeof word, fmt, args);
    va_end(args);
    if (t->n + n + 2 > t->cap)
        t->text = realloc(t->text, t->cap = (t->cap + n + 100) * 2);
    t->n += (size_t)sprintf(t->text + t->n, "%s%s", t->n ? " " : "", word);
}

MAYBE_UNUSED static void say_event(struct transcript *t, const struct vm_event *v)
{
    static const char *const kinds[] = {"",     "map",  "unmap", "protect", "advise",
                                        "fork", "exec", "exit",  "switch",
                                        "alloc", "free", "resize"};
    assert_in_range(v->kind, VM_EVENT_MAP, VM_EVENT_KINDS - 1);
    if (v->kind == VM_EVENT_SWITCH)
        say(t, "[switch %u]", v->asid);
    else
        say(t, "[%s %" PRIx64 "+%" PRIx64 " p%u d%u]", kinds[v->kind], v->va, v->bytes, v->prot,
            v->detail);
}

/* Check a batch's invariants (trace.h) and write it down. */
MAYBE_UNUSED static void say_batch(struct transcript *t, const struct vm_batch *b)
{
    assert_true(b->nrefs <= VM_BATCH_REFS && b->nevents <= VM_BATCH_EVENTS);
    uint32_t k = 0;
    for (uint32_t i = 0; i <= b->nrefs; i++) {
        for (; k < b->nevents && b->event[k].at <= i; k++) {
            assert_int_equal(b->event[k].at, i);
            say_event(t, &b->event[k]);
        }
        if (i == b->nrefs)
            break;
        unsigned bytes = vm_ref_bytes(b->meta[i]);
        assert_true(bytes >= 1 && b->va[i] + (bytes - 1) >= b->va[i]);
        assert_true(vm_ref_access(b->meta[i]) < VM_ACCESSES);
        say(t, "%c%" PRIx64 "/%u", "rwx"[vm_ref_access(b->meta[i])], b -> va[i], bytes);
    }
    assert_int_equal(k, b->nevents);
    t->refs += b->nrefs;
}

/* Read `trace` to its end or its error, and close it. */
MAYBE_UNUSED static void transcribe_trace(struct transcript *t, struct vm_trace *trace)
{
    struct vm_batch b;
    while ((t->good = vm_trace_read(trace, &b, &t->e)) && (b.nrefs || b.nevents))
        say_batch(t, &b);
    vm_trace_close(trace);
}

MAYBE_UNUSED static struct transcript transcribe_with(const void *data, size_t n, const char *name,
                                                      const struct vm_trace_options *options)
{
    struct transcript t = {.cap = 64, .text = calloc(1, 64)};
    struct vm_trace *trace = vm_trace_open_bytes(data, n, name, options, &t.e);
    if (trace)
        transcribe_trace(&t, trace);
    return t;
}

MAYBE_UNUSED static struct transcript transcribe(const void *data, size_t n, const char *format)
{
    return transcribe_with(data, n, "sample", &(struct vm_trace_options){.format = format});
}

MAYBE_UNUSED static void assert_reads(const void *data, size_t n, const char *format,
                                      const char *expected)
{
    struct transcript t = transcribe(data, n, format);
    if (!t.good)
        fail_msg("%s", t.e.text);
    assert_string_equal(t.text, expected);
    free(t.text);
}

MAYBE_UNUSED static void assert_refuses(const void *data, size_t n, const char *format,
                                        const char *error)
{
    struct transcript t = transcribe(data, n, format);
    assert_false(t.good);
    assert_string_equal(t.e.text, error);
    assert_int_equal(t.e.code, VM_EINPUT);
    free(t.text);
}

MAYBE_UNUSED static void assert_text_reads(const char *text, const char *format,
                                           const char *expected)
{
    assert_reads(text, strlen(text), format, expected);
}

MAYBE_UNUSED static void assert_text_refuses(const char *text, const char *format,
                                             const char *error)
{
    assert_refuses(text, strlen(text), format, error);
}

/* Little-endian fields. */
MAYBE_UNUSED static void put(uint8_t *at, uint64_t value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        at[i] = (uint8_t)(value >> 8 * i);
}

/* ---- the samples: content and what it says ---- */

struct sample {
    const char *format;
    size_t n;
    size_t record; /* bytes of a record, 0: text */
    uint8_t data[1024];
    const char *says;
};

MAYBE_UNUSED static void sample_text(struct sample *s, const char *format, const char *text,
                                     const char *says)
{
    *s = (struct sample){.format = format, .n = strlen(text), .says = says};
    memcpy(s->data, text, s->n);
}

MAYBE_UNUSED static void add_drmemtrace(struct sample *s, unsigned type, unsigned size,
                                        uint64_t value)
{
    uint8_t *r = s->data + s->n;
    put(r, type, 2);
    put(r + 2, size, 2);
    put(r + 4, value, 8);
    s->n += 12;
}

MAYBE_UNUSED static void sample_drmemtrace(struct sample *s)
{
    static const struct {
        unsigned type, size;
        uint64_t value;
    } records[] = {
        {25, 0, 5},        {28, 12, 5},       {28, 9, 0xe40},    {22, 0, 77},
        {24, 0, 70},       {28, 10, 0x40},    {28, 18, 0x1000},  {47, 5, 0x909090},
        {10, 5, 0x401000}, {0, 8, 0x7ffe10},  {28, 15, 0x12345}, {28, 17, 0x7000},
        {48, 2, 0x401005}, {1, 4, 0x7ffe20},  {29, 2, 0x401005}, {0, 8, 0x7ffe28},
        {17, 2, 0x0403},   {2, 1, 0x9000},    {24, 0, 71},       {16, 1, 0x500000},
        {24, 0, 70},       {12, 6, 0x401100}, {23, 0, 77},       {26, 0, 0},
    };
    *s = (struct sample){.format = "drmemtrace",
                         .record = 12,
                         .says = "x401000/5 r7ffe10/8 x401005/2 w7ffe20/4 r7ffe28/8 x401007/3 "
                                 "x40100a/4 [switch 1] x500000/1 [switch 0] x401100/6"};
    for (size_t i = 0; i < sizeof records / sizeof records[0]; i++)
        add_drmemtrace(s, records[i].type, records[i].size, records[i].value);
}

MAYBE_UNUSED static void sample_champsim(struct sample *s)
{
    *s = (struct sample){.format = "champsim",
                         .record = 64,
                         .n = 3 * 64,
                         .says = "x401000/1 r7ffe1000/1 r7ffe2000/1 w602000/1 x401004/1 "
                                 "xffffffff81000000/1 wffff888000001000/1"};
    put(s->data, 0x401000, 8);
    put(s->data + 16, 0x602000, 8);
    put(s->data + 32, 0x7ffe1000, 8);
    put(s->data + 48, 0x7ffe2000, 8);
    put(s->data + 64, 0x401004, 8);
    put(s->data + 72, 0x0101, 2);
    put(s->data + 128, 0xffffffff81000000, 8);
    put(s->data + 128 + 24, 0xffff888000001000, 8);
}

MAYBE_UNUSED static void sample_cloudsuite(struct sample *s)
{
    *s = (struct sample){.format = "cloudsuite",
                         .record = 96,
                         .n = 3 * 96,
                         .says = "x401000/1 r7ffe1000/1 w602000/1 [switch 1] x700000/1 "
                                 "[switch 0] x401004/1"};
    put(s->data, 0x401000, 8);
    put(s->data + 24, 0x602000, 8);
    put(s->data + 56, 0x7ffe1000, 8);
    put(s->data + 88, 9, 2);
    put(s->data + 96, 0x700000, 8);
    put(s->data + 96 + 88, 0x0203, 2);
    put(s->data + 192, 0x401004, 8);
    put(s->data + 192 + 8, 1, 1);
    put(s->data + 192 + 88, 9, 2);
}

MAYBE_UNUSED static void sample_oracle(struct sample *s)
{
    static const uint64_t ids[] = {0xdeadbeefcafe, 17, 0xdeadbeefcafe, 3};
    *s = (struct sample){
        .format = "oracle", .record = 24, .n = 4 * 24, .says = "r0/1 r1000/1 r0/1 r2000/1"};
    for (unsigned i = 0; i < 4; i++) {
        put(s->data + 24 * i, 1000 + i / 2, 4);
        put(s->data + 24 * i + 4, ids[i], 8);
        put(s->data + 24 * i + 12, 4096, 4);
        put(s->data + 24 * i + 16, i ? UINT64_MAX : 2, 8);
    }
}

#define SAMPLES 11
MAYBE_UNUSED static void samples_fill(struct sample s[SAMPLES])
{
    sample_drmemtrace(&s[0]);
    sample_text(&s[1], "lackey",
                "==12== Lackey, an example Valgrind tool\n==12== \n"
                "I  0401ab70,3\n L 1fff000638,8\n S 1fff000640,4\n M 04020000,16\n"
                "SYSCALL[12,1](9) sys_mmap ( 0x0, 8192, 3, 34, 4294967295, 0 ) --> [pre-success] "
                "Success(0x4835000) \nI  0401ab73,15\n==12== \n",
                "x401ab70/3 r1fff000638/8 w1fff000640/4 r4020000/16 w4020000/16 "
                "[map 4835000+2000 p3 d1] x401ab73/15");
    sample_text(&s[2], "pin", "0x401ab70: R 0x7ffd3c2e8b40\n0x401ab75: W 0x602010\n#eof\n",
                "r7ffd3c2e8b40/1 w602010/1");
    sample_text(&s[3], "din", "2 400190\n0 1000F0\n1 7fff00a0\n3 0\n4 0\n",
                "x400190/1 r1000f0/1 w7fff00a0/1");
    sample_text(&s[4], "rwi", "# comment\nR 0041f7a0\nw 0x13f5e2c0\n\nI 401000\n05e78900 R\n",
                "r41f7a0/1 w13f5e2c0/1 x401000/1 r5e78900/1");
    sample_text(&s[5], "csv",
                "time,address,access,size\n1,0x1000,R,8\n2,8192,write,4\n3,\"0x3000\",i,1\n",
                "r1000/8 w2000/4 x3000/1");
    sample_text(&s[6], "pages", "# a reference string\n7\n0x1f # twice\n\n  12  \n",
                "r7000/1 r1f000/1 rc000/1");
    sample_oracle(&s[7]);
    sample_champsim(&s[8]);
    sample_cloudsuite(&s[9]);
    sample_text(&s[10], "requests",
                "request,call,address,bytes,align,from,thread,site\n"
                "alloc,malloc,0x5010,24,0,0,1,here\nresize,realloc,0x6000,48,0,0x5010,1,there\n"
                "free,free,24576,0,0,0,2,here\n",
                "[alloc 5010+18 p0 d1] [resize 6000+30 p0 d3] [free 6000+0 p0 d10]");
}

#endif
