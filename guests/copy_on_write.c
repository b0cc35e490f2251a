/* copy_on_write.c - lesson: after a fork pages are shared until one of the two writes.
 *
 * 64 pages are written and the process forks. The child writes every second one, reads the others,
 * and ends; the parent still has what it wrote, and then writes the first 16, of which nobody else
 * has a copy any more.
 *
 * Try:  pagoda run --trace faults -- guests/copy_on_write
 * See:  32 pages of `page` "copied on write" in the child; the parent's 16 fault too, as the fork
 *       took its right to write, but of those that the child has copied it only gets that back.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAGES = 64, BYTES = 4096 };

static unsigned sum(const unsigned char *page)
{
    unsigned all = 0;
    for (int i = 0; i < PAGES; i++)
        all += page[i * BYTES];
    return all;
}

int main(void)
{
    unsigned char *page =
        mmap(NULL, PAGES * BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int status;
    for (int i = 0; i < PAGES; i++)
        page[i * BYTES] = 1;
    pid_t child = fork();
    if (child == 0) {
        for (int i = 0; i < PAGES; i += 2)
            page[i * BYTES] = 3;
        printf("the child's sum: %u\n", sum(page));
        fflush(stdout);
        _exit(0);
    }
    waitpid(child, &status, 0);
    printf("the parent's sum: %u\n", sum(page));
    for (int i = 0; i < 16; i++)
        page[i * BYTES] = 2;
    printf("and now: %u\n", sum(page));
    return 0;
}
