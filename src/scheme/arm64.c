/* arm64.c - Arm VMSAv8-64 with the 4 KiB granule: 256 TiB in four levels of 512 words of 64 bits.
 *
 *      va   L0 47:39   L1 38:30   L2 29:21   L3 20:12   offset 11:0
 *
 * Blocks of 2 MiB stand at L2 and of 1 GiB at L1. The tables are those of TTBR0_EL1, a process's
 * own: bits 63:48 of its addresses are zero. The range of TTBR1_EL1, where they are ones, is the
 * kernel's and the same for all; it is not here.
 *
 * Source: Arm Architecture Reference Manual for A-profile architecture, DDI 0487, section D8.2
 * ("Translation process"), "VMSAv8-64 translation using the 4KB granule".
 */
#define PTE_PFN_SHIFT 12
#include "scheme/arm.inc.h"

#include "scheme/entry.inc.h"

#define RADIX_OPS            vm_scheme_arm64
#define RADIX_NAME           "arm64"
#define RADIX_SUMMARY        "Arm 64-bit, 4 KiB granule: 48-bit addresses, 4 levels of 512 entries"
#define RADIX_PAGE_SHIFT     12
#define RADIX_LEVELS         4
#define RADIX_LEAF_LEVEL_MAX 2
#define RADIX_WORD           uint64_t
#define RADIX_VA_NAMES       "L3", "L2", "L1", "L0"
#define RADIX_SIGN_EXTENDED  0
#include "scheme/radix_even.inc.h"

#include "scheme/radix_template.inc.h"
