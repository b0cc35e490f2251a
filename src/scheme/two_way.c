/* two_way.c - two flat tables an address space, each with a length register: one for the lower half
 * of the addresses, that grows up with the heap, and one for the upper half, that begins with the
 * last page and grows down with the stack. As VAX's P0 and P1, but in physical memory.
 */
#define FLAT_OPS     vm_scheme_two_way
#define FLAT_NAME    "two-way"
#define FLAT_SUMMARY "two flat tables with length registers: one grows up, one down"
#define FLAT_TABLES  2
#define FLAT_GROWS   1
#include "scheme/flat_template.inc.h"
