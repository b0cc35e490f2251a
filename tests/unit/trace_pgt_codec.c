/* trace_pgt_codec.c - the laws of single .pgt blocks: trace/pgt_encode.c and trace/pgt_decode.c. */
#include "trace/pgt.h"

#include "story.h"

#include <string.h>
#include <zstd.h>

/* A block's columns and header with some bytes changed: whatever they say, either it is refused or
 * valid batches of as many references as it claims come out. */
static void decode_anything(struct pgt_decoder *d, struct pgt_block h, const uint8_t *raw)
{
    static uint8_t stored[PGT_STORED_BYTES];
    static struct vm_batch_builder b;
    size_t n = ZSTD_compress(stored, sizeof stored, raw, h.raw_bytes, 1);
    assert_false(ZSTD_isError(n));
    h.stored_bytes = (uint32_t)n;
    if (!pgt_block_plausible(&h) || !pgt_decoder_load(d, &h, stored))
        return;
    uint64_t refs = 0, events = 0;
    while (!pgt_decoder_done(d)) {
        b.nrefs = b.nevents = 0;
        if (!pgt_decode(d, &b))
            return;
        assert_batch_is_valid(&b);
        assert_true(b.nrefs || b.nevents);
        refs += b.nrefs;
        events += b.nevents;
    }
    assert_int_equal(refs, h.refs);
    assert_int_equal(events, h.events);
}

static bool decodes(struct pgt_decoder *d, struct pgt_block h, const uint8_t *raw)
{
    static uint8_t stored[PGT_STORED_BYTES];
    static struct vm_batch_builder b;
    b.nrefs = b.nevents = 0;
    h.stored_bytes = (uint32_t)ZSTD_compress(stored, sizeof stored, raw, h.raw_bytes, 1);
    return pgt_block_plausible(&h) && pgt_decoder_load(d, &h, stored) && pgt_decode(d, &b);
}

/* The columns of a block whose runs are of these fragments, each one fetch. */
static struct pgt_block runs_of(struct pgt_encoder *c, const char *fragments, uint8_t *raw)
{
    static const uint16_t meta[] = {VM_FETCH | 4 << 2};
    struct pgt_block h = {.magic = PGT_BLOCK_MAGIC};
    for (; *fragments; fragments++)
        pgt_encode_run(c, &(vm_va){UINT64_C(0x1000) * (uint8_t)*fragments}, meta, 1);
    pgt_encoder_take(c, raw, &h);
    return h;
}

static void a_run_of_a_fragment_that_is_not_there_is_refused(void **state)
{
    (void)state;
    static uint8_t raw[PGT_RAW_BYTES];
    struct vm_error e;
    struct pgt_encoder *c = pgt_encoder_open(&e);
    struct pgt_decoder *d = pgt_decoder_open(&e);
    assert_non_null(c);
    assert_non_null(d);
    /* A larger block before it: what is left of its fragments must not be taken for others'. */
    struct pgt_block h = runs_of(c, "abcdefghij", raw);
    assert_true(decodes(d, h, raw));
    h = runs_of(c, "abaa", raw);
    assert_int_equal(h.named, 2);
    uint8_t *name = raw + h.raw_bytes - 2; /* the last column that is not empty */
    for (unsigned number = 2; number <= 0xffff; number += number < 9 ? 1 : 331) {
        pgt_store(name, number, 2);
        assert_false(decodes(d, h, raw));
    }
    pgt_store(name, 1, 2);
    assert_true(decodes(d, h, raw));
    h = runs_of(c, "aaa", raw);
    uint8_t *code = raw + h.raw_bytes - 2 - 1;
    assert_int_equal(*code, PGT_LAST);
    assert_true(decodes(d, h, raw));
    *code = PGT_BEFORE;
    assert_false(decodes(d, h, raw));
    pgt_encoder_close(c);
    pgt_decoder_close(d);
}

static void encode_story(struct pgt_encoder *c, const struct story *s)
{
    vm_va va[PGT_BARE_REFS];
    uint16_t meta[PGT_BARE_REFS];
    for (size_t i = 0; i < s->nrefs; i++) {
        bool fetch = vm_ref_access(s->ref[i].meta) == VM_FETCH;
        uint32_t n = 0;
        do {
            va[n] = s->ref[i].va;
            meta[n++] = s->ref[i].meta;
        } while (n < PGT_BARE_REFS && i + 1 < s->nrefs &&
                 vm_ref_access(s->ref[i + 1].meta) != VM_FETCH && (fetch || n < 3) && ++i);
        if (pgt_encoder_fits(c, meta, n))
            pgt_encode_run(c, va, meta, n);
    }
    for (size_t i = 0; i < s->nevents; i++)
        pgt_encode_event(c, &s->event[i].event);
}

static void whatever_a_block_says_it_is_refused_or_yields_valid_batches(void **state)
{
    (void)state;
    static uint8_t raw[PGT_RAW_BYTES], torn[PGT_RAW_BYTES];
    struct vm_random r;
    struct vm_error e;
    vm_random_seed(&r, 23);
    struct pgt_encoder *c = pgt_encoder_open(&e);
    struct pgt_decoder *d = pgt_decoder_open(&e);
    assert_non_null(c);
    assert_non_null(d);
    for (int i = 0; i < 200; i++) {
        struct story s = {0};
        struct pgt_block h = {.magic = PGT_BLOCK_MAGIC};
        invent(&s, &r, 1 + vm_random_below(&r, 200), 20);
        encode_story(c, &s);
        pgt_encoder_take(c, raw, &h);
        decode_anything(d, h, raw);
        for (int j = 0; j < 200; j++) {
            struct pgt_block changed = h;
            memcpy(torn, raw, h.raw_bytes);
            for (uint64_t k = 1 + vm_random_below(&r, 3); k; k--)
                torn[vm_random_below(&r, h.raw_bytes)] = (uint8_t)vm_random_below(&r, 12);
            uint32_t *const field[] = {&changed.refs, &changed.runs, &changed.moves, &changed.reads,
                                       &changed.fragments};
            if (vm_random_below(&r, 4) == 0) {
                *field[vm_random_below(&r, 5)] += (uint32_t)vm_random_below(&r, 5) - 2;
                changed.raw_bytes = (uint32_t)pgt_columns_bytes(&changed);
                if (changed.raw_bytes > h.raw_bytes + 64)
                    continue;
                memset(torn + h.raw_bytes, 0, 64);
            }
            decode_anything(d, changed, torn);
        }
        story_free(&s);
    }
    pgt_encoder_close(c);
    pgt_decoder_close(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_of_a_fragment_that_is_not_there_is_refused),
        cmocka_unit_test(whatever_a_block_says_it_is_refused_or_yields_valid_batches),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
