/* sv48.c - RISC-V Sv48: 256 TiB in four levels of 512 words of 64 bits.
 *
 *      va   VPN[3] 47:39   VPN[2] 38:30   VPN[1] 29:21   VPN[0] 20:12   offset 11:0
 *      pte  as Sv39's
 *
 * Bits 63:48 of a virtual address must equal bit 47.
 *
 * Source: The RISC-V Instruction Set Manual, volume II: Privileged Architecture, section
 * "Sv48: Page-Based 48-bit Virtual-Memory System".
 */
#define PTE_PFN_BITS 44
#include "scheme/riscv.inc.h"

#include "scheme/entry.inc.h"

#define RADIX_OPS            vm_scheme_sv48
#define RADIX_NAME           "sv48"
#define RADIX_SUMMARY        "RISC-V Sv48: 48-bit addresses, 4 levels of 512 entries of 8 bytes"
#define RADIX_PAGE_SHIFT     12
#define RADIX_LEVELS         4
#define RADIX_LEAF_LEVEL_MAX 3
#define RADIX_WORD           uint64_t
#define RADIX_VA_NAMES       "VPN[0]", "VPN[1]", "VPN[2]", "VPN[3]"
#define RADIX_SIGN_EXTENDED  1
#include "scheme/radix_even.inc.h"

#include "scheme/radix_template.inc.h"
