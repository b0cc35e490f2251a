/* orphan.c - lesson: a process that has ended is a zombie until its parent has heard of it, and one
 * whose parent has ended first gets another.
 *
 * Try:  pagoda run --trace syscalls,sched -- guests/orphan
 * See:  the zombie can be sent a signal, and waited for once; the orphan's getppid changes.
 */
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static void zombie(void)
{
    siginfo_t info = {0};
    pid_t child = fork();
    if (child == 0)
        _exit(9);
    waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT);
    printf("a zombie with status %d: kill %d\n", info.si_status, kill(child, 0));
    printf("waited for: %d", waitpid(child, NULL, 0) == child);
    printf(", then: kill %d\n", kill(child, 0));
}

/* The grandchild's words come through a pipe: its end tells that it has ended. */
static void orphan(void)
{
    char word[16] = "";
    int fd[2];
    if (pipe(fd) != 0)
        return;
    pid_t child = fork();
    if (child == 0) {
        pid_t parent = getpid();
        if (fork() == 0) {
            while (getppid() == parent)
                usleep(1000);
            (void)!write(fd[1], "another", 7);
        }
        _exit(0);
    }
    waitpid(child, NULL, 0);
    close(fd[1]);
    (void)!read(fd[0], word, sizeof word - 1);
    printf("the orphan's parent is %s\n", word);
}

int main(void)
{
    zombie();
    orphan();
    return 0;
}
