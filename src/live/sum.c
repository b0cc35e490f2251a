/* sum.c - a page's checksum: what came back from a store is what went there.
 *
 * XXH3, inlined: it calls nothing, and so can be asked in the middle of anything.
 */
#include "live/live.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

uint64_t vm_page_sum(const void *page, size_t bytes)
{
    return XXH3_64bits(page, bytes);
}
