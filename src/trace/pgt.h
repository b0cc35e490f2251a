/* pgt.h - the layout of Pagoda's trace container and the codec of its blocks. Private to trace/.
 *
 *     file header | block | block | ... | index | tail        docs/formats/pgt.md has every byte
 *
 * The idea: programs run the same straight pieces of code over and over. A block of up to 256 Ki
 * references is a dictionary of *fragments* and the order in which they ran. A fragment is a start
 * address and a list of kinds (access and size): its fetches follow each other without a jump, and
 * each of its data references is a *slot* that remembers the address it had last time. A run of a
 * fragment is then one code (mostly: what followed the last fragment last time too) and for each
 * slot one code for how its address moved (mostly: not at all). All columns of a block go through
 * one zstd frame. References without fetches (traces that have none) are cut into fragments of 16.
 *
 * Invariants
 *  1. Every block decodes alone, and carries the ordinal of its first reference and the address
 *     space that was current before it.
 *  2. An event happens between two runs: an event ends the fragment being made.
 *  3. The same references and events make the same bytes, however they were cut into batches.
 *  4. A block with its header fits a peek of base/bytes.h; every count has a limit, so that a
 *     hostile file makes a reader hold some 7 MiB at most, and 72 MiB of names.
 *  5. No byte is unprotected: header, block headers, stored blocks, names, index and tail each
 *     carry an XXH64 (seed 0).
 *  6. A block without requests to a heap is as it was before there were any (pgt_requests.h), so
 *     that such files are read by older readers.
 */
#ifndef TRACE_PGT_H
#define TRACE_PGT_H

#include "trace/format.h"

/* All numbers are little-endian; a magic is its four letters in file order. */
#define PGT_MAGIC(a, b, c, d)                                                                      \
    ((uint32_t)(a) | (uint32_t)(b) << 8 | (uint32_t)(c) << 16 | (uint32_t)(d) << 24)
#define PGT_FILE_MAGIC  PGT_MAGIC('P', 'G', 'T', '1')
#define PGT_BLOCK_MAGIC PGT_MAGIC('P', 'G', 'T', 'B')
#define PGT_HEAP_MAGIC  PGT_MAGIC('P', 'G', 'T', 'H') /* a block that has requests */
#define PGT_NAMES_MAGIC PGT_MAGIC('P', 'G', 'T', 'N')
#define PGT_INDEX_MAGIC PGT_MAGIC('P', 'G', 'T', 'I')
#define PGT_TAIL_MAGIC  PGT_MAGIC('P', 'G', 'T', 'E')

#define PGT_COMPLETE_MAPS 1u /* the file header's only flag */

#define PGT_BLOCK_REFS    (1u << 18)
#define PGT_BLOCK_EVENTS  (1u << 14)
#define PGT_FRAGMENTS     65535u /* so that a u16 names one and 0xffff none */
#define PGT_FRAGMENT_REFS 64u
#define PGT_BARE_REFS     16u /* of a fragment without fetches; the writer's choice, no limit */
#define PGT_KINDS         256u
#define PGT_RAW_BYTES     (VM_BYTES_PEEK_MAX - (1u << 16)) /* zstd may add n / 256 and a little */
#define PGT_STORED_BYTES  (VM_BYTES_PEEK_MAX - 1024)
#define PGT_ORIGIN_BYTES  (1u << 16)
#define PGT_NAME_BYTES    4096u      /* of one name, with its end */
#define PGT_NAMES_BYTES   (1u << 26) /* of all */

/* Fixed records as lists of FIELD(bits, name) in file order; each makes the struct, its size in the
 * file and the functions that store and load it (pgt_layout.c). */
#define PGT_FILE_FIELDS(FIELD)                                                                     \
    FIELD(32, magic)                                                                               \
    FIELD(32, flags)                                                                               \
    FIELD(32, origin_bytes) /* the text and then an XXH64 of all before follow */

#define PGT_BLOCK_FIELDS(FIELD)                                                                    \
    FIELD(32, magic)                                                                               \
    FIELD(32, stored_bytes) /* of the zstd frame that follows this header */                       \
    FIELD(64, first)        /* ordinal in the trace of the block's first reference */              \
    FIELD(32, refs)                                                                                \
    FIELD(32, reads)                                                                               \
    FIELD(32, writes)                                                                              \
    FIELD(32, kinds)                                                                               \
    FIELD(32, fragments)                                                                           \
    FIELD(32, fragment_refs) /* in all fragments together */                                       \
    FIELD(32, start_bytes)                                                                         \
    FIELD(32, runs)                                                                                \
    FIELD(32, named) /* runs whose fragment is named by its number */                              \
    FIELD(32, moves) /* data references */                                                         \
    FIELD(32, move_bytes)                                                                          \
    FIELD(32, events)                                                                              \
    FIELD(32, raw_bytes)   /* of the columns, decompressed */                                      \
    FIELD(32, asid)        /* current before the block's first event and reference */              \
    FIELD(64, base)        /* what every slot remembers before its first run */                    \
    FIELD(64, stored_hash) /* XXH64 of the stored bytes */                                         \
    FIELD(64, hash)        /* XXH64 of this header up to here */

#define PGT_EVENT_FIELDS(FIELD)                                                                    \
    FIELD(32, run) /* it happens before this run of the block */                                   \
    FIELD(8, kind)                                                                                 \
    FIELD(8, prot)                                                                                 \
    FIELD(8, detail)                                                                               \
    FIELD(8, zero)                                                                                 \
    FIELD(16, asid)                                                                                \
    FIELD(16, child)                                                                               \
    FIELD(64, va)                                                                                  \
    FIELD(64, bytes)

#define PGT_NAMES_FIELDS(FIELD)                                                                    \
    FIELD(32, magic)                                                                               \
    FIELD(32, stored_bytes) /* of the zstd frame that follows this header */                       \
    FIELD(32, names)        /* each ends with a zero byte */                                       \
    FIELD(32, raw_bytes)                                                                           \
    FIELD(64, stored_hash) /* XXH64 of the stored bytes */                                         \
    FIELD(64, hash)        /* XXH64 of this record up to here */

#define PGT_INDEX_FIELDS(FIELD)                                                                    \
    FIELD(32, magic)                                                                               \
    FIELD(32, blocks)                                                                              \
    FIELD(64, refs) /* of the whole trace */                                                       \
    FIELD(64, hash) /* XXH64 of this record up to here; `blocks` entries follow */

#define PGT_ENTRY_FIELDS(FIELD)                                                                    \
    FIELD(64, offset) /* of the block's header in the file */                                      \
    FIELD(64, first)  /* as in that header */                                                      \
    FIELD(64, events) /* in all blocks before it */

#define PGT_TAIL_FIELDS(FIELD)                                                                     \
    FIELD(32, magic)                                                                               \
    FIELD(32, blocks)                                                                              \
    FIELD(64, index_offset)                                                                        \
    FIELD(64, refs)                                                                                \
    FIELD(64, reads)                                                                               \
    FIELD(64, writes)                                                                              \
    FIELD(64, events)                                                                              \
    FIELD(64, index_hash) /* XXH64 of the index record and its entries */                          \
    FIELD(64, hash)       /* XXH64 of this record up to here; the file ends after it */

#define PGT_RECORDS(RECORD)                                                                        \
    RECORD(file, PGT_FILE_FIELDS)                                                                  \
    RECORD(block, PGT_BLOCK_FIELDS)                                                                \
    RECORD(event, PGT_EVENT_FIELDS)                                                                \
    RECORD(names, PGT_NAMES_FIELDS)                                                                \
    RECORD(index, PGT_INDEX_FIELDS)                                                                \
    RECORD(entry, PGT_ENTRY_FIELDS)                                                                \
    RECORD(tail, PGT_TAIL_FIELDS)

#define PGT_MEMBER(bits, name) uint##bits##_t name;
#define PGT_WIDTH(bits, name)  +(bits) / 8
#define PGT_DECLARE(record, FIELDS)                                                                \
    struct pgt_##record {                                                                          \
        FIELDS(PGT_MEMBER)                                                                         \
    };                                                                                             \
    enum { pgt_##record##_bytes = 0 FIELDS(PGT_WIDTH) };                                           \
    void pgt_store_##record(uint8_t *to, const struct pgt_##record *from);                         \
    void pgt_load_##record(const uint8_t *from, struct pgt_##record *to);
PGT_RECORDS(PGT_DECLARE)
#undef PGT_DECLARE
#undef PGT_MEMBER
#undef PGT_WIDTH

/* A record whose last field is an XXH64 of its `bytes` - 8 before: set it, or see whether it holds.
 */
void pgt_seal(uint8_t *record, size_t bytes);
bool pgt_sealed(const uint8_t *record, size_t bytes);

/* How a run names its fragment. */
enum pgt_code {
    PGT_LAST,   /* the one that ran after the previous fragment last time */
    PGT_BEFORE, /* the one that did before that */
    PGT_NEW,    /* the next of the dictionary */
    PGT_NAMED,  /* its number is next in the column of numbers */
    PGT_CODES,
};
#define PGT_NONE 0xffffu /* a fragment that nothing has followed yet */

/* How a slot's address moved since its last run. `change` is the latest move of any slot that was
 * not 0, `near` the address of the data reference before this one. */
enum pgt_move {
    PGT_SAME,  /* not */
    PGT_AGAIN, /* by `change` */
    PGT_OWN1,  /* by a signed number of 1 byte, 2, 4 or 8 bytes */
    PGT_OWN2,
    PGT_OWN4,
    PGT_OWN8,
    PGT_NEAR1, /* to `near` plus a signed number of 1 byte, 2 or 4 bytes */
    PGT_NEAR2,
    PGT_NEAR4,
    PGT_MOVES,
};

/* The columns of a block in the order in which they lie, decompressed, one after the other. */
#define PGT_COLUMNS(COLUMN)                                                                        \
    COLUMN(kind, 2, kinds)           /* u16: size << 2 | access, as struct vm_batch's meta */      \
    COLUMN(length, 1, fragments)     /* references of the fragment */                              \
    COLUMN(ref, 1, fragment_refs)    /* the kind's index, for each reference of each fragment */   \
    COLUMN(start_move, 1, fragments) /* PGT_SAME, PGT_OWNn: from the end of the one before */      \
    COLUMN(start, 1, start_bytes)                                                                  \
    COLUMN(code, 1, runs)  /* enum pgt_code */                                                     \
    COLUMN(name, 2, named) /* u16 */                                                               \
    COLUMN(move, 1, moves) /* enum pgt_move, for each data reference of each run */                \
    COLUMN(bytes, 1, move_bytes)                                                                   \
    COLUMN(event, pgt_event_bytes, events)

/* Bytes of all columns as the header's counts tell. */
uint64_t pgt_columns_bytes(const struct pgt_block *h);

/* -- Making blocks: pgt_encode.c ------------------------------------------------------------- */

struct pgt_encoder;

struct pgt_encoder *pgt_encoder_open(struct vm_error *e);
void pgt_encoder_close(struct pgt_encoder *c); /* NULL is fine */
/* Whether a run of n references of these kinds still fits, and one event more. */
bool pgt_encoder_fits(const struct pgt_encoder *c, const uint16_t *meta, uint32_t n);
/* Add a run: n <= PGT_FRAGMENT_REFS references that make a fragment, and that fit. */
void pgt_encode_run(struct pgt_encoder *c, const vm_va *va, const uint16_t *meta, uint32_t n);
/* Add an event after the runs so far; it fits. */
void pgt_encode_event(struct pgt_encoder *c, const struct vm_event *event);
/* The columns of what was added into raw[PGT_RAW_BYTES], their counts and sizes and the block's
 * magic into *h (its other fields are untouched), and the encoder is empty again. */
void pgt_encoder_take(struct pgt_encoder *c, uint8_t *raw, struct pgt_block *h);
/* Counts of what was added since. */
uint32_t pgt_encoder_refs(const struct pgt_encoder *c);
uint32_t pgt_encoder_events(const struct pgt_encoder *c);

/* -- Reading blocks: pgt_decode.c ------------------------------------------------------------ */

struct pgt_decoder;

struct pgt_decoder *pgt_decoder_open(struct vm_error *e);
void pgt_decoder_close(struct pgt_decoder *d); /* NULL is fine */
/* Whether a block's counts keep their limits and agree with each other. */
bool pgt_block_plausible(const struct pgt_block *h);
/* Decompress and check a plausible block; false if it is not what its header says. What was decoded
 * before is gone. */
bool pgt_decoder_load(struct pgt_decoder *d, const struct pgt_block *h, const uint8_t *stored);
/* Fill the builder from the loaded block until there is no room or nothing left. False if the
 * columns contradict the header or each other: the builder is then undefined and nothing left. */
bool pgt_decode(struct pgt_decoder *d, struct vm_batch_builder *out);
/* Only the events of what is left, as many as there is room for. */
void pgt_decode_events(struct pgt_decoder *d, struct vm_batch_builder *out);
/* Decompress what is stored, into `bytes`; false if it is not as many. It needs no memory, so that
 * want of it is never taken for damage. */
bool pgt_decompress(struct pgt_decoder *d, void *to, size_t bytes, const uint8_t *stored,
                    size_t stored_bytes);
bool pgt_decoder_done(const struct pgt_decoder *d); /* nothing left; true if nothing was loaded */

/* For tests: end blocks at `refs` references, so that small traces have many. */
void vm_pgt_limit_blocks(struct vm_pgt_writer *w, uint32_t refs);

/* Little-endian loads and stores that compilers turn into one instruction. */
static inline uint16_t pgt_load16(const uint8_t *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}
static inline uint32_t pgt_load32(const uint8_t *p)
{
    return pgt_load16(p) | (uint32_t)pgt_load16(p + 2) << 16;
}
static inline uint64_t pgt_load64(const uint8_t *p)
{
    return pgt_load32(p) | (uint64_t)pgt_load32(p + 4) << 32;
}
static inline void pgt_store(uint8_t *p, uint64_t value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        p[i] = (uint8_t)(value >> 8 * i);
}

#endif
