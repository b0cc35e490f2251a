/* sv32.c - RISC-V Sv32: 4 GiB in two levels of 1024 words of 32 bits.
 *
 *      va   VPN[1] 31:22   VPN[0] 21:12   offset 11:0
 *      pte  PPN 31:10 (a 34-bit physical address)
 *
 * A virtual address has 32 bits; the bits above must be zero.
 *
 * Source: The RISC-V Instruction Set Manual, volume II: Privileged Architecture, section
 * "Sv32: Page-Based 32-bit Virtual-Memory Systems".
 */
#define PTE_PFN_BITS 22
#include "scheme/riscv.inc.h"

#include "scheme/entry.inc.h"

#define RADIX_OPS            vm_scheme_sv32
#define RADIX_NAME           "sv32"
#define RADIX_SUMMARY        "RISC-V Sv32: 32-bit addresses, 2 levels of 1024 entries of 4 bytes"
#define RADIX_PAGE_SHIFT     12
#define RADIX_LEVELS         2
#define RADIX_LEAF_LEVEL_MAX 1
#define RADIX_WORD           uint32_t
#define RADIX_VA_NAMES       "VPN[0]", "VPN[1]"
#define RADIX_SIGN_EXTENDED  0
#include "scheme/radix_even.inc.h"

#include "scheme/radix_template.inc.h"
