/* locks.c - a twin: locks of bytes and of files, between processes and between open files. */
#include "twin.h"

#include <sys/file.h>

static int file;

static struct flock range(int type, off_t start, off_t bytes)
{
    return (struct flock){.l_type = (short)type, .l_start = start, .l_len = bytes};
}

static int lock(int how, int type, off_t start, off_t bytes)
{
    struct flock l = range(type, start, bytes);
    return fcntl(file, how, &l);
}

/* What stands in the way of a lock, as another process is told. */
static void ask(const char *name, int type, off_t start, off_t bytes)
{
    pid_t pid = fork();
    if (pid == 0) {
        struct flock l = range(type, start, bytes);
        if (fcntl(file, F_GETLK, &l) != 0)
            said(name, -1);
        else if (l.l_type == F_UNLCK)
            say("%s: free", name);
        else
            say("%s: %s %ld %ld, its parent's %d", name, l.l_type == F_RDLCK ? "read" : "write",
                (long)l.l_start, (long)l.l_len, l.l_pid == getppid());
        _exit(0);
    }
    ended(pid);
}

static void ranges(void)
{
    said("write 10 to 20", lock(F_SETLK, F_WRLCK, 10, 10));
    ask("all of it", F_RDLCK, 0, 0);
    ask("before", F_WRLCK, 0, 10);
    ask("behind", F_WRLCK, 20, 0);
    said("its middle may be read", lock(F_SETLK, F_RDLCK, 13, 3));
    ask("its middle", F_WRLCK, 13, 3);
    ask("its middle to read", F_RDLCK, 13, 3);
    ask("what is before", F_RDLCK, 0, 13);
    ask("what is behind", F_RDLCK, 16, 100);
    said("the rest, too", lock(F_SETLK, F_RDLCK, 10, 10));
    ask("one lock again", F_WRLCK, 0, 0);
    said("its middle is free", lock(F_SETLK, F_UNLCK, 14, 2));
    ask("the middle", F_WRLCK, 14, 2);
    ask("below", F_WRLCK, 0, 14);
    ask("above", F_WRLCK, 16, 0);
    said("to the end", lock(F_SETLK, F_WRLCK, 100, 0));
    ask("far away", F_RDLCK, 1L << 40, 1);
    said("backwards", lock(F_SETLK, F_WRLCK, 60, -10));
    ask("that is 50 to 60", F_RDLCK, 40, 30);
    said("all free", lock(F_SETLK, F_UNLCK, 0, 0));
    ask("all", F_WRLCK, 0, 0);
}

static void from_elsewhere(void)
{
    struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_CUR, .l_start = -2, .l_len = 4};
    lseek(file, 30, SEEK_SET);
    said("from the offset", fcntl(file, F_SETLK, &l));
    ask("28 to 32", F_RDLCK, 0, 0);
    l = (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_END, .l_start = -5};
    said("from the end", fcntl(file, F_SETLK, &l));
    ask("95 on", F_RDLCK, 50, 0);
    lock(F_SETLK, F_UNLCK, 0, 0);
}

static void refuse(void)
{
    struct flock l = {.l_type = 7};
    int reader = open("locked", O_RDONLY), writer = open("locked", O_WRONLY);
    said("no such type", fcntl(file, F_SETLK, &l));
    l = (struct flock){.l_type = F_RDLCK, .l_whence = 9};
    said("no such whence", fcntl(file, F_SETLK, &l));
    said("before the beginning", lock(F_SETLK, F_RDLCK, -1, 1));
    said("back before the beginning", lock(F_SETLK, F_RDLCK, 5, -6));
    said("behind the end of numbers", lock(F_SETLK, F_RDLCK, INT64_MAX, 2));
    said("not of a descriptor", fcntl(99, F_SETLK, &l));
    said("nowhere", fcntl(file, F_SETLK, (void *)8));
    l = range(F_WRLCK, 0, 1);
    said("not to be written", fcntl(reader, F_SETLK, &l));
    l = range(F_RDLCK, 0, 1);
    said("not to be read", fcntl(writer, F_SETLK, &l));
    l.l_pid = 1;
    said("a number with an open file's", fcntl(file, F_OFD_SETLK, &l));
    said("flock of nothing", flock(99, LOCK_EX));
    said("flock, no such thing", flock(file, 16));
    close(reader);
    close(writer);
}

/* ---- waiting ---- */

static int ready[2], go[2]; /* pipes: that somebody has come so far */

static void tell(int pipe[2])
{
    (void)!write(pipe[1], "x", 1);
}

static void hear(int pipe[2])
{
    char c;
    (void)!read(pipe[0], &c, 1);
}

static void hold_for_a_while(void)
{
    lock(F_SETLK, F_WRLCK, 0, 10);
    say("held");
    tell(ready);
    hear(go);
    pause_ms(50);
    say("let go");
}

static void want_it(void)
{
    said("not at once", lock(F_SETLK, F_WRLCK, 5, 1));
    said("nor to read", lock(F_SETLK, F_RDLCK, 5, 1));
    tell(go);
    said("in the end", lock(F_SETLKW, F_WRLCK, 5, 1));
}

static void wait_for_one(void)
{
    pid_t first = child(hold_for_a_while);
    hear(ready);
    pid_t second = child(want_it);
    int its = ended(second);
    say("%d %d", ended(first), its);
}

static void on_alarm(int signal)
{
    (void)signal;
}

static void give_up(void)
{
    struct sigaction a = {.sa_handler = on_alarm};
    sigaction(SIGALRM, &a, NULL);
    alarm(1);
    said("a signal ends the wait", lock(F_SETLKW, F_RDLCK, 0, 0));
}

static void be_interrupted(void)
{
    lock(F_SETLK, F_WRLCK, 0, 0);
    say("%d", ended(child(give_up)));
    lock(F_SETLK, F_UNLCK, 0, 0);
}

/* Two that want what the other has: who asks last is refused. */
static void in_each_others_way(void)
{
    pid_t pid = fork();
    if (pid == 0) {
        lock(F_SETLK, F_WRLCK, 1, 1);
        tell(ready);
        int result = lock(F_SETLKW, F_WRLCK, 0, 1);
        lock(F_SETLK, F_UNLCK, 0, 2);
        _exit(result == 0 ? 3 : 4);
    }
    lock(F_SETLK, F_WRLCK, 0, 1);
    hear(ready);
    pause_ms(200); /* it waits by then */
    said("a deadlock", lock(F_SETLKW, F_WRLCK, 1, 1));
    lock(F_SETLK, F_UNLCK, 0, 0);
    say("the other has it: %d", ended(pid));
}

/* ---- whose they are ---- */

static void any_close_lets_go(void)
{
    int other = open("locked", O_RDWR);
    lock(F_SETLK, F_WRLCK, 0, 0);
    ask("held", F_RDLCK, 0, 0);
    close(other);
    ask("another descriptor was closed", F_RDLCK, 0, 0);
}

static void not_inherited(void)
{
    lock(F_SETLK, F_WRLCK, 0, 0);
    pid_t pid = fork();
    if (pid == 0) {
        said("a child has it not", lock(F_SETLK, F_WRLCK, 0, 1));
        close(file);
        _exit(0);
    }
    ended(pid);
    ask("and cannot let it go", F_RDLCK, 0, 0);
    lock(F_SETLK, F_UNLCK, 0, 0);
}

static void of_open_files(void)
{
    int other = open("locked", O_RDWR), copy = dup(file);
    struct flock l = range(F_WRLCK, 0, 5);
    said("an open file's", fcntl(file, F_OFD_SETLK, &l));
    l = range(F_WRLCK, 0, 5);
    said("its copy's, too", fcntl(copy, F_OFD_SETLK, &l));
    l = range(F_WRLCK, 3, 5);
    said("not another's", fcntl(other, F_OFD_SETLK, &l));
    said("nor the process's", lock(F_SETLK, F_RDLCK, 0, 1));
    l = range(F_WRLCK, 3, 5);
    fcntl(other, F_OFD_GETLK, &l);
    say("%d %ld %ld %d", l.l_type, (long)l.l_start, (long)l.l_len, l.l_pid);
    close(open("locked", O_RDWR));
    l = range(F_WRLCK, 0, 5);
    said("closing any does not matter", fcntl(other, F_OFD_SETLK, &l));
    close(copy);
    said("nor one of two", fcntl(other, F_OFD_SETLK, &l));
    l = range(F_UNLCK, 0, 0);
    fcntl(file, F_OFD_SETLK, &l);
    l = range(F_WRLCK, 0, 5);
    said("free", fcntl(other, F_OFD_SETLK, &l));
    close(other);
    said("closed, so free", lock(F_SETLK, F_WRLCK, 0, 5));
    lock(F_SETLK, F_UNLCK, 0, 0);
}

static void want_the_file(void)
{
    int own = open("locked", O_RDWR);
    said("not at once", flock(own, LOCK_SH | LOCK_NB));
    tell(ready);
    said("in the end", flock(own, LOCK_SH));
}

static void of_whole_files(void)
{
    int other = open("locked", O_RDONLY), copy = dup(file);
    said("flock", flock(file, LOCK_EX));
    said("its copy", flock(copy, LOCK_EX | LOCK_NB));
    said("another", flock(other, LOCK_SH | LOCK_NB));
    said("bytes are something else", lock(F_SETLK, F_WRLCK, 0, 0));
    pid_t pid = child(want_the_file);
    hear(ready);
    int shares = flock(copy, LOCK_SH);
    say("%d", ended(pid));
    said("shared now", shares);
    said("two that share", flock(other, LOCK_SH | LOCK_NB));
    said("no longer both", flock(other, LOCK_EX | LOCK_NB));
    said("what failed let go of it", flock(file, LOCK_EX | LOCK_NB));
    close(copy);
    said("one copy is closed", flock(other, LOCK_SH | LOCK_NB));
    said("free", flock(file, LOCK_UN));
    said("so it can be had", flock(other, LOCK_SH | LOCK_NB));
    close(other);
    int one = open(".", O_RDONLY), two = open(".", O_RDONLY);
    said("a directory", flock(one, LOCK_EX | LOCK_NB));
    said("is one file", flock(two, LOCK_EX | LOCK_NB));
    close(one);
    close(two);
}

int main(void)
{
    file = open("locked", O_RDWR | O_CREAT | O_TRUNC, 0600);
    (void)!ftruncate(file, 100);
    (void)!pipe(ready);
    (void)!pipe(go);
    ranges();
    from_elsewhere();
    refuse();
    wait_for_one();
    be_interrupted();
    in_each_others_way();
    any_close_lets_go();
    not_inherited();
    of_open_files();
    of_whole_files();
    return 0;
}
