/* thrash.c - lesson: what happens when memory is a little smaller than what is used in turn.
 *
 * 600 pages (2.4 MB) are written, then read in a loop 4 times, and then again 4 times in an order
 * that a generator gives. Whatever memory there is, the sums are the same.
 *
 * Try:  pagoda run --memory 8MiB -- guests/thrash      then 2MiB, with --policy lru, mru, opt ...
 * See:  from "no page comes twice" to "each page comes in each round" in one step: least recently
 *       used is what a loop makes the worst of.
 */
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>

enum { PAGES = 600, BYTES = 4096, ROUNDS = 4 };

int main(void)
{
    unsigned char *page = mmap(NULL, (size_t)PAGES * BYTES, PROT_READ | PROT_WRITE,
                               MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    uint32_t random = 1;
    unsigned long sum = 0;
    for (int i = 0; i < PAGES; i++)
        page[(size_t)i * BYTES + i] = (unsigned char)(i + 1);
    for (int round = 0; round < ROUNDS; round++)
        for (int i = 0; i < PAGES; i++)
            sum += page[(size_t)i * BYTES + i];
    printf("in order: %lu\n", sum);
    sum = 0;
    for (int step = 0; step < ROUNDS * PAGES; step++) {
        random = random * 1664525 + 1013904223;
        unsigned i = (random >> 8) % PAGES;
        sum += page[(size_t)i * BYTES + i]++;
    }
    printf("at random: %lu\n", sum);
    return 0;
}
