/* sv39.c - RISC-V Sv39: 512 GiB in three levels of 512 words of 64 bits.
 *
 *      va   VPN[2] 38:30   VPN[1] 29:21   VPN[0] 20:12   offset 11:0
 *      pte  PPN 53:10; N 63, PBMT 62:61 and the reserved bits between are 0 here
 *
 * Bits 63:39 of a virtual address must equal bit 38.
 *
 * Source: The RISC-V Instruction Set Manual, volume II: Privileged Architecture, section
 * "Sv39: Page-Based 39-bit Virtual-Memory System".
 */
#define PTE_PFN_BITS 44
#include "scheme/riscv.inc.h"

#include "scheme/entry.inc.h"

#define RADIX_OPS            vm_scheme_sv39
#define RADIX_NAME           "sv39"
#define RADIX_SUMMARY        "RISC-V Sv39: 39-bit addresses, 3 levels of 512 entries of 8 bytes"
#define RADIX_PAGE_SHIFT     12
#define RADIX_LEVELS         3
#define RADIX_LEAF_LEVEL_MAX 2
#define RADIX_WORD           uint64_t
#define RADIX_VA_NAMES       "VPN[0]", "VPN[1]", "VPN[2]"
#define RADIX_SIGN_EXTENDED  1
#include "scheme/radix_even.inc.h"

#include "scheme/radix_template.inc.h"
