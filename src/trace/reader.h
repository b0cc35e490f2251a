/* reader.h - what the readers of the foreign formats share.
 *
 * A reader's state begins with a struct vm_reader, so that opening, closing and the ops that these
 * formats have no use for are written once. A text format is recognised by reading it: what its
 * own reader accepts is its language, so probe and reader cannot drift apart.
 */
#ifndef TRACE_READER_H
#define TRACE_READER_H

#include "base/intern.h"
#include "trace/format.h"

#define FORMAT(name) extern const struct vm_format_ops vm_format_##name;
#include "trace/formats.def"
#undef FORMAT

struct vm_reader {
    struct vm_bytes *bytes; /* the trace owns it */
    uint64_t line;          /* of a text: the number of the line last begun, from 1 */
    uint64_t offset;        /* of records: the byte where the record being read begins */
    struct vm_intern ids;   /* where a format has names: their dense ids */
    uint64_t process;       /* the current one, by the format's number; if ids.n */
    vm_asid asid;           /* its address space */
};

/* A zeroed state of `bytes` that begins with a struct vm_reader. NULL: error (VM_ESYSTEM). */
void *vm_reader_open(size_t state_bytes, struct vm_bytes *bytes, struct vm_error *e);
/* The same with `ids` opened; NULL (state closed, or was NULL): error. */
void *vm_reader_with_ids(void *state, struct vm_error *e);
void vm_reader_close(void *state);

/* The ops of a format that has no index and tells nothing of the whole in advance. */
bool vm_reader_skip(void *state, uint64_t n, uint64_t *skipped, struct vm_error *e);
void vm_reader_info(const void *state, struct vm_trace_info *out);

/* Whether `ops` with its default parameters reads every complete line of `head`, and finds a
 * reference or event there. As a probe: see format.h. */
bool vm_reader_accepts(const struct vm_format_ops *ops, const uint8_t *head, size_t n, bool whole,
                       struct vm_error *e);

/* "NAME:LINE: bad WHAT "TOKEN": expected EXPECTED"; the token begins at `token` and ends before a
 * character of `ends` or the newline. Returns NULL. */
const uint8_t *vm_line_bad(const struct vm_reader *r, const char *what, const uint8_t *token,
                           const char *ends, const char *expected, struct vm_error *e);
/* "NAME: byte OFFSET: ...": the record at r->offset is wrong, or cut short. Both return false. */
bool vm_record_bad(const struct vm_reader *r, struct vm_error *e, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
bool vm_record_cut(const struct vm_reader *r, size_t got, size_t want, struct vm_error *e);

/* The references from here on are those of the process that the format calls `process`: a switch
 * event if it is another than before. The process named first is address space 0, where a trace is
 * before any switch. Errors: VM_EINPUT (over VM_ASID_MAX + 1 processes), VM_ESYSTEM. */
bool vm_reader_switch(struct vm_reader *r, uint64_t process, struct vm_batch_builder *out,
                      struct vm_error *e);
static inline bool vm_reader_enter(struct vm_reader *r, uint64_t process,
                                   struct vm_batch_builder *out, struct vm_error *e)
{
    return (r->ids.n && r->process == process) || vm_reader_switch(r, process, out, e);
}

/* Little-endian fields of a record, at any alignment. */
static inline uint16_t vm_field16(const uint8_t *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

static inline uint32_t vm_field32(const uint8_t *p)
{
    return vm_field16(p) | (uint32_t)vm_field16(p + 2) << 16;
}

static inline uint64_t vm_field64(const uint8_t *p)
{
    return vm_field32(p) | (uint64_t)vm_field32(p + 4) << 32;
}

/* An address of 48 bits, sign-extended, as x86-64 programs have: with five levels of tables too,
 * Linux gives out higher ones only where a program asks for them. */
static inline bool vm_field_canonical(uint64_t va)
{
    return va >> 47 == 0 || va >> 47 == 0x1ffff;
}

#endif
