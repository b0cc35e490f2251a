/* exec.c - lesson: exec puts another program into the same process.
 *
 * The process keeps its number and its descriptors but for those that are to be closed; memory,
 * handlers and threads are gone. The program begins again as itself, with other arguments.
 *
 * Try:  pagoda run --trace syscalls -- guests/exec
 * See:  execve does not return; the address space is empty, and pages come anew from the file.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int remembered;

static void on_signal(int number)
{
    (void)number;
}

static int again(char **argv)
{
    struct sigaction caught, ignored;
    sigaction(SIGUSR1, NULL, &caught);
    sigaction(SIGUSR2, NULL, &ignored);
    printf("%s %s, LESSON=%s\n", argv[1], argv[2], getenv("LESSON"));
    printf("the same process: %d\n", atoi(argv[3]) == (int)getpid());
    printf("memory is new: %d\n", remembered == 0);
    printf("the kept descriptor is open: %d, the other: %d\n", fcntl(atoi(argv[4]), F_GETFD) >= 0,
           fcntl(atoi(argv[5]), F_GETFD) >= 0);
    printf("a handler is the default again: %d, what was ignored still is: %d\n",
           caught.sa_handler == SIG_DFL, ignored.sa_handler == SIG_IGN);
    return 4;
}

int main(int argc, char **argv)
{
    char self[32], kept[16], closed[16];
    char *const words[] = {argv[0], "hello", "again", self, kept, closed, NULL};
    char *const environment[] = {"LESSON=exec", NULL};
    if (argc > 1)
        return again(argv);
    remembered = 1;
    signal(SIGUSR1, on_signal);
    signal(SIGUSR2, SIG_IGN);
    snprintf(self, sizeof self, "%d", (int)getpid());
    snprintf(kept, sizeof kept, "%d", dup(1));
    snprintf(closed, sizeof closed, "%d", fcntl(1, F_DUPFD_CLOEXEC, 0));
    execve("/there/is/none", words, environment);
    printf("no such program: %d\n", errno == ENOENT);
    fflush(stdout);
    execve(argv[0], words, environment);
    perror(argv[0]);
    return 1;
}
