/* stack.c - lesson: a stack grows down by itself, page after page, as far as it may.
 *
 * A function calls itself 3000 times with 1 KiB of its own each time: about 3 MB, where the stack
 * began with a few pages. On the way back each finds what it had put there.
 *
 * Try:  pagoda run --trace faults -- guests/stack      and with --stack 1MiB: SIGSEGV
 * See:  write faults just below the stack's mapping, which then begins lower.
 */
#include <stdio.h>
#include <string.h>

enum { DEPTH = 3000, BYTES = 1024 };

static unsigned down(unsigned depth)
{
    volatile unsigned char own[BYTES];
    memset((void *)own, (int)depth, sizeof own);
    unsigned below = depth < DEPTH ? down(depth + 1) : 0;
    return below + (own[0] == (unsigned char)depth && own[BYTES - 1] == (unsigned char)depth);
}

int main(void)
{
    printf("%u calls found what they had\n", down(1));
    return 0;
}
