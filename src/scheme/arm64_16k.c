/* arm64_16k.c - Arm VMSAv8-64 with the 16 KiB granule: 128 TiB in three levels of 2048 words of 64
 * bits.
 *
 *      va   L1 46:36   L2 35:25   L3 24:14   offset 13:0
 *
 * 47 bits of address are what Apple's systems and Linux use: every table is full, and L0, which
 * the 48th bit would need, is left out. Blocks of 32 MiB stand at L2; one of 64 GiB at L1 would
 * need FEAT_LPA2. The tables are those of TTBR0_EL1: bits 63:47 of an address are zero.
 *
 * Source: Arm Architecture Reference Manual for A-profile architecture, DDI 0487, section D8.2
 * ("Translation process"), "VMSAv8-64 translation using the 16KB granule".
 */
#define PTE_PFN_SHIFT 14
#include "scheme/arm.inc.h"

#include "scheme/entry.inc.h"

#define RADIX_OPS            vm_scheme_arm64_16k
#define RADIX_NAME           "arm64-16k"
#define RADIX_SUMMARY        "Arm, 16 KiB granule: 47-bit addresses, 3 levels of 2048 entries"
#define RADIX_PAGE_SHIFT     14
#define RADIX_LEVELS         3
#define RADIX_LEAF_LEVEL_MAX 1
#define RADIX_WORD           uint64_t
#define RADIX_VA_NAMES       "L3", "L2", "L1"
#define RADIX_SIGN_EXTENDED  0
#include "scheme/radix_even.inc.h"

#include "scheme/radix_template.inc.h"
