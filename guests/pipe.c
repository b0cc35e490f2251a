/* pipe.c - lesson: a producer and a consumer, with the kernel's buffer between them.
 *
 * The child writes 300,000 bytes, more than a pipe holds; the parent reads them in pieces of other
 * lengths. Each waits when the pipe is full, or empty; the end comes when the last writer closes.
 *
 * Try:  pagoda run --trace sched,syscalls -- guests/pipe
 * See:  write and read that do not return at once, and a switch each time.
 */
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BYTES = 300000 };

static void produce(int fd)
{
    unsigned char piece[1000];
    for (int at = 0; at < BYTES; at += (int)sizeof piece) {
        for (int i = 0; i < (int)sizeof piece; i++)
            piece[i] = (unsigned char)((at + i) % 251);
        if (write(fd, piece, sizeof piece) != sizeof piece)
            _exit(1);
    }
    _exit(5);
}

int main(void)
{
    unsigned char piece[777];
    int fd[2], status, wrong = 0;
    long all = 0;
    ssize_t n;
    if (pipe(fd) != 0)
        return 1;
    if (fork() == 0) {
        close(fd[0]);
        produce(fd[1]);
    }
    close(fd[1]);
    while ((n = read(fd[0], piece, sizeof piece)) > 0)
        for (ssize_t i = 0; i < n; i++, all++)
            wrong += piece[i] != all % 251;
    wait(&status);
    printf("%ld bytes, %d of them wrong; the producer ended with %d\n", all, wrong,
           WEXITSTATUS(status));
    return 0;
}
