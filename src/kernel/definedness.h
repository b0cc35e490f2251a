/* definedness.h - which bits of an instruction's result are undefined where operands' bits are.
 *
 * The idea: a bit is undefined if it could be otherwise for other values of the undefined bits. A
 * sum is bounded by what it is for the least and the greatest values that the operands can have;
 * an AND with a bit that is known to be 0 is known. For most operations that is exact; of others
 * (multiplication, division, floating point) it is on the safe side, and the functions say which.
 * A copy is no use: it makes nothing known or unknown.
 *
 * Sources: Seward and Nethercote, "Using Valgrind to detect undefined value errors with
 * bit-precision", USENIX 2005, section 2.5; for sums by bounds their "expensive" add and subtract.
 */
#ifndef KERNEL_DEFINEDNESS_H
#define KERNEL_DEFINEDNESS_H

#include <stdbool.h>
#include <stdint.h>

/* An operand: its value, and the bits of it that are undefined. */
struct partial {
    uint64_t value, undefined;
};

/* Of an instruction of integer registers, or of one and an immediate: code is enum rv64_code's. */
uint64_t vm_undefined_result(unsigned code, struct partial a, struct partial b);
/* Whether the branch could go the other way. */
bool vm_undefined_decides(unsigned code, struct partial a, struct partial b);
/* What a load of these bits leaves in its register. */
uint64_t vm_undefined_loaded(unsigned code, uint64_t undefined);

#endif
