/* fork_wait.c - lesson: fork makes a process of its own, wait hears how it ended.
 *
 * Three children count on in their own copy of a number and end with a status each; the parent
 * waits for them in the order that they began, and its own number is what it was.
 *
 * Try:  pagoda run --trace sched,syscalls -- guests/fork_wait
 * See:  clone answers twice, with a pid and with 0; wait4 puts the parent to sleep until a child
 *       has ended, and the scheduler lets others run meanwhile.
 */
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CHILDREN = 3 };

static void count_on(int *number, int by)
{
    for (int i = 0; i < 1000; i++)
        *number += by;
}

int main(void)
{
    int number = 7, status;
    pid_t child[CHILDREN];
    for (int i = 0; i < CHILDREN; i++) {
        child[i] = fork();
        if (child[i] == 0) {
            count_on(&number, i);
            _exit(number == 7 + 1000 * i ? 10 + i : 1);
        }
    }
    for (int i = 0; i < CHILDREN; i++) {
        if (waitpid(child[i], &status, 0) != child[i])
            return 1;
        printf("child %d ended with %d\n", i, WEXITSTATUS(status));
    }
    printf("the parent's number is %d; another wait: %d\n", number, (int)wait(&status));
    return 3;
}
