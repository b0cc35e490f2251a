/* forkbomb.c - a guest that forks for ever, and whose children do too, until there are no more to
 * be had. It then waits for its own, and says which error the last fork had.
 *
 * Without an end it would tell nothing: each process counts down from 100 forks.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void)
{
    pid_t first = getpid();
    int forks = 0, refused = 0;
    for (int i = 0; i < 100 && !refused; i++) {
        pid_t child = fork();
        if (child < 0)
            refused = errno;
        else if (child == 0)
            forks = 0;
        else
            forks++;
    }
    while (wait(NULL) > 0)
        ;
    if (getpid() != first)
        _exit(0);
    printf("forks: %s, then EAGAIN: %d\n", forks > 0 ? "some" : "none", refused == EAGAIN);
    pid_t child = fork(); /* they have all ended: there is room again */
    if (child == 0)
        _exit(7);
    int status = 0;
    waitpid(child, &status, 0);
    printf("and again: %d\n", child > 0 ? WEXITSTATUS(status) : -1);
    return 0;
}
