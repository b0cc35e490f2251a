/* sum.c - what a page's contents are: their checksum, by which what came back from a store is what
 * went there; and whether they are zeros, which need no store.
 *
 * XXH3, inlined: it calls nothing, and so can be asked in the middle of anything.
 */
#include "live/live.h"

#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

uint64_t vm_page_sum(const void *page, size_t bytes)
{
    return XXH3_64bits(page, bytes);
}

bool vm_page_is_zero(const void *page, size_t bytes)
{
    const uint64_t *word = page;
    return word[0] == 0 && memcmp(page, word + 1, bytes - sizeof *word) == 0;
}
