/* sockets.c - a twin: sockets between processes, by name and in pairs; files that go through. */
#include "twin.h"

#include <poll.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>

static int pair[2], ready[2];

static void new_pair(int type)
{
    close(pair[0]);
    close(pair[1]);
    if (socketpair(AF_UNIX, type, 0, pair) != 0)
        said("socketpair", -1);
}

static void say_received(const char *name, int s, size_t most, int flags)
{
    char text[100] = "";
    ssize_t n = recv(s, text, most, flags);
    if (n < 0)
        said(name, -1);
    else
        say("%s: \"%s\", %ld", name, text, (long)n);
}

static int is_ready(int s)
{
    struct pollfd p = {.fd = s, .events = POLLIN | POLLOUT | POLLRDHUP};
    poll(&p, 1, 0);
    return p.revents;
}

/* ---- pairs ---- */

static void streams(void)
{
    int n;
    new_pair(SOCK_STREAM);
    said("nothing", recv(pair[0], &n, 1, MSG_DONTWAIT));
    said("ready", is_ready(pair[0]));
    said("write", write(pair[0], "one", 3));
    said("send", send(pair[0], "two", 3, 0));
    said("ready", is_ready(pair[1]));
    ioctl(pair[1], FIONREAD, &n);
    say("there: %d", n);
    say_received("peek", pair[1], 4, MSG_PEEK);
    say_received("some", pair[1], 4, 0);
    say_received("the rest", pair[1], 50, 0);
    said("the other way", write(pair[1], "back", 4));
    say_received("it", pair[0], 50, MSG_WAITALL | MSG_DONTWAIT);
    said("no more from here", shutdown(pair[0], SHUT_WR));
    said("pipe", send(pair[0], "x", 1, MSG_NOSIGNAL));
    said("ready", is_ready(pair[1]));
    say_received("the end", pair[1], 50, 0);
    said("the other way", write(pair[1], "back", 4));
    close(pair[1]);
    pair[1] = -1;
    said("ready", is_ready(pair[0]));
    say_received("what came before", pair[0], 50, 0);
    say_received("the end", pair[0], 50, 0);
    signal(SIGPIPE, SIG_IGN);
    said("nobody there", write(pair[0], "x", 1));
    new_pair(SOCK_STREAM);
    (void)!write(pair[0], "lost", 4);
    close(pair[1]);
    pair[1] = -1;
    say_received("the peer has left something", pair[0], 50, 0);
    say_received("that is told once", pair[0], 50, 0);
}

static void datagrams(void)
{
    new_pair(SOCK_DGRAM);
    said("three", send(pair[0], "three", 5, 0));
    said("none", send(pair[0], "", 0, 0));
    said("four", send(pair[0], "four", 4, 0));
    say_received("peek", pair[1], 50, MSG_PEEK);
    say_received("cut", pair[1], 3, 0);
    say_received("empty", pair[1], 3, 0);
    say_received("longer than it was asked for", pair[1], 2, MSG_TRUNC);
    say_received("nothing", pair[1], 2, MSG_DONTWAIT);
    new_pair(SOCK_SEQPACKET);
    said("a packet", send(pair[0], "packet", 6, 0));
    say_received("cut", pair[1], 3, 0);
    said("another", send(pair[0], "x", 1, 0));
    close(pair[0]);
    pair[0] = -1;
    say_received("it", pair[1], 3, 0);
    say_received("the end", pair[1], 3, 0);
}

static void write_much(void)
{
    static char bytes[500000];
    close(pair[1]);
    memset(bytes, 'b', sizeof bytes);
    long n = write(pair[0], bytes, sizeof bytes);
    _exit(n == sizeof bytes ? 5 : 6);
}

static void more_than_fits(void)
{
    char bytes[30000];
    long all = 0, n;
    new_pair(SOCK_STREAM);
    pid_t pid = child(write_much);
    close(pair[0]);
    pair[0] = -1;
    pause_ms(30);
    while ((n = read(pair[1], bytes, sizeof bytes)) > 0)
        all += n;
    say("all of it: %ld, %d", all, ended(pid));
}

static void mistakes(void)
{
    int v[2], f = open("/dev/null", O_RDONLY);
    said("no such domain", socket(99, SOCK_STREAM, 0));
    said("no such type", socket(AF_UNIX, 9, 0));
    said("no such protocol", socket(AF_UNIX, SOCK_STREAM, 7));
    said("nowhere", syscall(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, 8));
    said("no socket", send(f, "x", 1, 0));
    said("nothing", send(99, "x", 1, 0));
    int s = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    say("%d %d", fcntl(s, F_GETFD), (fcntl(s, F_GETFL) & O_NONBLOCK) != 0);
    said("not connected", send(s, "x", 1, MSG_NOSIGNAL));
    said("nor to receive", recv(s, v, 1, 0));
    said("without a name", listen(s, 1));
    said("nobody listens", accept(s, NULL, NULL));
    said("not connected", shutdown(s, SHUT_WR));
    said("ready", is_ready(s));
    socklen_t bytes = sizeof v;
    said("peer", getpeername(s, (void *)v, &bytes));
    said("option", getsockopt(s, SOL_SOCKET, 999, v, &bytes));
    bytes = sizeof v;
    said("type", getsockopt(s, SOL_SOCKET, SO_TYPE, v, &bytes));
    say("%d, %u", v[0], bytes);
    bytes = sizeof v[0];
    said("error", getsockopt(s, SOL_SOCKET, SO_ERROR, v, &bytes));
    said("set", setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int)));
    said("seek", lseek(s, 0, SEEK_SET));
    close(s);
    close(f);
}

/* ---- names ---- */

static struct sockaddr_un named(const char *name)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    memcpy(a.sun_path, name, strlen(name));
    return a;
}

static void say_name(const char *name, int s, int (*of)(int, struct sockaddr *, socklen_t *))
{
    struct sockaddr_un a = named("");
    socklen_t bytes = sizeof a;
    long result = of(s, (void *)&a, &bytes);
    said(name, result);
    if (result == 0)
        say("  %u, \"%s%s\"", bytes, a.sun_path[0] ? "" : "@",
            a.sun_path[0] ? a.sun_path : a.sun_path + 1);
}

static void talk(void)
{
    struct sockaddr_un a = named("door");
    int s = socket(AF_UNIX, SOCK_STREAM, 0);
    said("connect", connect(s, (void *)&a, sizeof a));
    said("twice", connect(s, (void *)&a, sizeof a));
    (void)!write(ready[1], "x", 1);
    say_received("hears", s, 5, MSG_WAITALL);
    say_name("its peer", s, getpeername);
    (void)!write(s, "good bye", 8);
    close(s);
}

static void by_name(void)
{
    struct sockaddr_un a = named("door");
    struct stat st;
    int s = socket(AF_UNIX, SOCK_STREAM, 0), other = socket(AF_UNIX, SOCK_STREAM, 0);
    said("nobody there", connect(other, (void *)&a, sizeof a));
    said("bind", bind(s, (void *)&a, sizeof a));
    said("another", bind(other, (void *)&a, sizeof a));
    said("again", bind(s, (void *)&a, sizeof a));
    stat("door", &st);
    say("a socket: %d", S_ISSOCK(st.st_mode));
    said("open", open("door", O_RDWR));
    said("not yet", connect(other, (void *)&a, sizeof a));
    said("listen", listen(s, 2));
    say_name("its name", s, getsockname);
    pid_t pid = child(talk);
    (void)!read(ready[0], &st, 1);
    int c = accept(s, NULL, NULL);
    say_name("who came", c, getpeername);
    struct {
        int pid, uid, gid;
    } who;
    socklen_t bytes = sizeof who;
    getsockopt(c, SOL_SOCKET, SO_PEERCRED, &who, &bytes);
    say("it is the child: %d", who.pid == pid);
    pause_ms(20); /* it waits for all five by then */
    (void)!write(c, "he", 2);
    pause_ms(20);
    (void)!write(c, "llo", 3);
    say("%d", ended(pid));
    say_received("hears", c, 50, 0);
    say_received("the end", c, 50, 0);
    fcntl(s, F_SETFL, O_NONBLOCK);
    said("nobody waits", accept(s, NULL, NULL));
    said("connect", connect(other, (void *)&a, sizeof a));
    said("ready", is_ready(s) & POLLIN);
    close(s);
    said("nobody listens now", connect(socket(AF_UNIX, SOCK_STREAM, 0), (void *)&a, sizeof a));
    close(creat("file", 0600));
    a = named("file");
    said("a file", connect(socket(AF_UNIX, SOCK_STREAM, 0), (void *)&a, sizeof a));
    said("too short", connect(other, (void *)&a, 1));
    a.sun_family = AF_INET;
    said("another domain", bind(socket(AF_UNIX, SOCK_STREAM, 0), (void *)&a, sizeof a));
    close(other);
    close(c);
}

static void abstract_names(void)
{
    struct sockaddr_un a = named("");
    memcpy(a.sun_path, "\0hidden", 7);
    socklen_t bytes = offsetof(struct sockaddr_un, sun_path) + 7;
    int to = socket(AF_UNIX, SOCK_DGRAM, 0), from = socket(AF_UNIX, SOCK_DGRAM, 0);
    said("bind", bind(to, (void *)&a, bytes));
    said("taken", bind(from, (void *)&a, bytes));
    say_name("its name", to, getsockname);
    said("send", sendto(from, "unnamed", 7, 0, (void *)&a, bytes));
    char text[20] = "";
    struct sockaddr_un b = named("sender"), who = named("");
    socklen_t its = sizeof who;
    said("from nobody", recvfrom(to, text, 20, 0, (void *)&who, &its));
    say("%s", text);
    bind(from, (void *)&b, sizeof b);
    said("connect", connect(from, (void *)&a, bytes));
    said("send", send(from, "named", 5, 0));
    bytes = sizeof who;
    memset(text, 0, sizeof text);
    said("from somebody", recvfrom(to, text, 20, 0, (void *)&who, &bytes));
    say("%s, %u, %s", text, bytes, who.sun_path);
    said("an answer", sendto(to, "yes", 3, 0, (void *)&who, bytes));
    say_received("it", from, 20, 0);
    close(to);
    said("it is gone", send(from, "x", 1, 0));
    int stream = socket(AF_UNIX, SOCK_STREAM, 0);
    said("another type", connect(stream, (void *)&b, sizeof b));
    close(stream);
    close(from);
}

/* ---- files ---- */

static long send_files(int s, const int *fd, int n, const char *text)
{
    char space[CMSG_SPACE(4 * sizeof(int))] = {0};
    struct iovec piece = {(void *)text, strlen(text)};
    struct msghdr m = {.msg_iov = &piece,
                       .msg_iovlen = 1,
                       .msg_control = space,
                       .msg_controllen = CMSG_SPACE((size_t)n * sizeof(int))};
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN((size_t)n * sizeof(int));
    memcpy(CMSG_DATA(c), fd, (size_t)n * sizeof(int));
    return sendmsg(s, &m, 0);
}

/* How many came, in `fd`; what came with them is said. */
static int receive_files(int s, int *fd, size_t room)
{
    char space[CMSG_SPACE(4 * sizeof(int))], text[50] = "";
    struct iovec pieces[2] = {{text, 2}, {text + 2, 40}};
    struct msghdr m = {.msg_iov = pieces,
                       .msg_iovlen = 2,
                       .msg_control = space,
                       .msg_controllen = room ? CMSG_LEN(room * sizeof(int)) : 0};
    said("recvmsg", recvmsg(s, &m, MSG_CMSG_CLOEXEC));
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    int n = c ? (int)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int)) : 0;
    if (n)
        memcpy(fd, CMSG_DATA(c), (size_t)n * sizeof(int));
    say("\"%s\", %d files, cut %d", text, n, (m.msg_flags & MSG_CTRUNC) != 0);
    return n;
}

static void send_from_child(void)
{
    int fd[2];
    (void)!pipe(fd);
    (void)!write(fd[1], "inside", 6);
    send_files(pair[0], fd, 1, "here it is");
}

static void files(void)
{
    int fd[2], got[4];
    char text[20] = "";
    new_pair(SOCK_STREAM);
    pid_t pid = child(send_from_child);
    receive_files(pair[1], got, 1);
    ended(pid);
    said("what is in it", read(got[0], text, sizeof text));
    say("%s, %d", text, fcntl(got[0], F_GETFD));
    (void)!pipe(fd);
    said("before", write(pair[0], "before", 6));
    said("two", send_files(pair[0], fd, 2, "two"));
    said("behind", write(pair[0], "behind", 6));
    receive_files(pair[1], got, 4);
    receive_files(pair[1], got, 4);
    said("too little room", send_files(pair[0], fd, 2, "two"));
    receive_files(pair[1], got, 1);
    said("no room", send_files(pair[0], fd, 2, "two"));
    receive_files(pair[1], got, 0);
    said("not open", send_files(pair[0], (int[]){99}, 1, "none"));
    said("itself", send_files(pair[0], pair, 2, "both ends"));
}

int main(void)
{
    pair[0] = pair[1] = -1;
    (void)!pipe(ready);
    streams();
    datagrams();
    more_than_fits();
    mistakes();
    by_name();
    abstract_names();
    files();
    return 0;
}
