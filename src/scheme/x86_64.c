/* x86_64.c - x86-64 4-level paging: 256 TiB in four levels of 512 words of 64 bits.
 *
 *      va   PML4 47:39   PDPT 38:30   PD 29:21   PT 20:12   offset 11:0
 *
 * An address is canonical if bits 63:48 equal bit 47; for others the processor raises a
 * general-protection exception, not a page fault (here VM_WALK_BOUNDS).
 *
 * Source: Intel 64 and IA-32 Architectures Software Developer's Manual, volume 3A, section 4.5
 * ("4-Level Paging and 5-Level Paging"); AMD64 Architecture Programmer's Manual, volume 2,
 * section 5.3 ("Long-Mode Page Translation").
 */
#include "scheme/x86.inc.h"

#include "scheme/entry.inc.h"

#define RADIX_OPS            vm_scheme_x86_64
#define RADIX_NAME           "x86-64"
#define RADIX_SUMMARY        "x86-64: 48-bit addresses, 4 levels of 512 entries of 8 bytes"
#define RADIX_PAGE_SHIFT     12
#define RADIX_LEVELS         4
#define RADIX_LEAF_LEVEL_MAX 2
#define RADIX_WORD           uint64_t
#define RADIX_VA_NAMES       "PT", "PD", "PDPT", "PML4"
#define RADIX_SIGN_EXTENDED  1
#include "scheme/radix_even.inc.h"

#include "scheme/radix_template.inc.h"
