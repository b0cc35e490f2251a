/* instruction.h - the instruction records that ChampSim and its CloudSuite variant read: an
 * instruction pointer, two branch flags, register numbers, and the memory it writes and reads.
 *
 * Such a file has no magic number. What tells it from others is that every record makes sense:
 * flags are 0 or 1, all addresses canonical, the instruction pointer not 0.
 *
 * The record gives no sizes: each reference is of 1 byte. Source memory is read before
 * destination memory is written; an address of 0 is none.
 */
#ifndef TRACE_INSTRUCTION_H
#define TRACE_INSTRUCTION_H

#include "trace/reader.h"

/* Where the fields of a record are. ip is at 0, is_branch at 8, branch_taken at 9. */
struct vm_instruction {
    size_t bytes;
    size_t dest, ndest; /* 8-byte addresses */
    size_t src, nsrc;
};

static inline bool vm_instruction_sane(const struct vm_instruction *shape, const uint8_t *record)
{
    bool sane = vm_field64(record) && vm_field_canonical(vm_field64(record)) && record[8] <= 1 &&
                record[9] <= 1;
    for (size_t i = 0; i < shape->ndest; i++)
        sane = sane && vm_field_canonical(vm_field64(record + shape->dest + 8 * i));
    for (size_t i = 0; i < shape->nsrc; i++)
        sane = sane && vm_field_canonical(vm_field64(record + shape->src + 8 * i));
    return sane;
}

/* Whether every complete record in head[n] makes sense, and there is one. */
static inline bool vm_instructions_sane(const struct vm_instruction *shape, const uint8_t *head,
                                        size_t n)
{
    size_t at = 0;
    while (at + shape->bytes <= n && vm_instruction_sane(shape, head + at))
        at += shape->bytes;
    return at && at + shape->bytes > n;
}

static inline void vm_instruction_touch(struct vm_batch_builder *out, enum vm_access access,
                                        vm_va va)
{
    if (va)
        vm_builder_ref(out, access, va, 1);
}

static inline void vm_instruction_refs(const struct vm_instruction *shape, const uint8_t *record,
                                       struct vm_batch_builder *out)
{
    vm_instruction_touch(out, VM_FETCH, vm_field64(record));
    for (size_t i = 0; i < shape->nsrc; i++)
        vm_instruction_touch(out, VM_READ, vm_field64(record + shape->src + 8 * i));
    for (size_t i = 0; i < shape->ndest; i++)
        vm_instruction_touch(out, VM_WRITE, vm_field64(record + shape->dest + 8 * i));
}

#endif
