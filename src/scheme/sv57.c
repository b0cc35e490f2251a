/* sv57.c - RISC-V Sv57: 128 PiB in five levels of 512 words of 64 bits.
 *
 *      va   VPN[4] 56:48   VPN[3] 47:39   VPN[2] 38:30   VPN[1] 29:21   VPN[0] 20:12   offset 11:0
 *      pte  as Sv39's
 *
 * Bits 63:57 of a virtual address must equal bit 56.
 *
 * Source: The RISC-V Instruction Set Manual, volume II: Privileged Architecture, section
 * "Sv57: Page-Based 57-bit Virtual-Memory System".
 */
#define PTE_PFN_BITS 44
#include "scheme/riscv.inc.h"

#include "scheme/entry.inc.h"

#define RADIX_OPS            vm_scheme_sv57
#define RADIX_NAME           "sv57"
#define RADIX_SUMMARY        "RISC-V Sv57: 57-bit addresses, 5 levels of 512 entries of 8 bytes"
#define RADIX_PAGE_SHIFT     12
#define RADIX_LEVELS         5
#define RADIX_LEAF_LEVEL_MAX 3
#define RADIX_WORD           uint64_t
#define RADIX_VA_NAMES       "VPN[0]", "VPN[1]", "VPN[2]", "VPN[3]", "VPN[4]"
#define RADIX_SIGN_EXTENDED  1
#include "scheme/radix_even.inc.h"

#include "scheme/radix_template.inc.h"
