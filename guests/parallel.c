/* parallel.c - lesson: work that does not depend on each other, on several processors.
 *
 * Four processes count, each in memory of its own. With four processors they take a quarter of the
 * time of one; with three the fourth has to wait for a place, or to be shared out in turns.
 *
 * Try:  pagoda run --cpus 4 --report -- guests/parallel 4000000, and with 1, 2, 3; --sched mqms
 * See:  the time, and how long each processor was idle.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PROCESSES = 4, LOOPS = 400000 };

static int count(int loops)
{
    unsigned x = 1;
    for (int i = 0; i < loops; i++)
        __asm__ volatile("" : "+r"(x));
    return x == 1;
}

int main(int argc, char **argv)
{
    int loops = argc > 1 ? atoi(argv[1]) : LOOPS;
    int done = 0, status;
    for (int i = 0; i < PROCESSES; i++)
        if (fork() == 0)
            _exit(count(loops) ? 7 : 1);
    while (wait(&status) > 0)
        done += WIFEXITED(status) && WEXITSTATUS(status) == 7;
    printf("%d of %d have counted\n", done, PROCESSES);
    return 0;
}
