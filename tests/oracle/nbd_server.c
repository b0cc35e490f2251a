/* nbd_server.c - see nbd_server.h. */
#include "oracle/nbd_server.h"

#include "unit/test.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

bool nbd_server_open(struct nbd_server *s)
{
    *s = (struct nbd_server){0};
    if (system("command -v nbdkit >/dev/null 2>&1") != 0)
        return false;
    snprintf(s->folder, sizeof s->folder, "/tmp/pagoda-nbd-XXXXXX");
    assert_non_null(mkdtemp(s->folder));
    snprintf(s->socket, sizeof s->socket, "%s/s", s->folder);
    return true;
}

static bool listens(const struct nbd_server *s)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    snprintf(address.sun_path, sizeof address.sun_path, "%s", s->socket);
    bool does = connect(fd, (struct sockaddr *)&address, sizeof address) == 0;
    close(fd);
    return does;
}

void nbd_server_start(struct nbd_server *s, const char *const *words)
{
    const char *argv[24] = {"nbdkit", "-f", "-U", s->socket};
    for (size_t i = 0; words[i]; i++)
        argv[4 + i] = words[i];
    unlink(s->socket);
    s->pid = fork();
    if (s->pid == 0) {
        int nowhere = open("/dev/null", O_RDWR);
        dup2(nowhere, 1);
        dup2(nowhere, 2);
        execvp(argv[0], (char *const *)argv);
        _exit(127);
    }
    for (int i = 0; i < 500 && !listens(s); i++)
        usleep(10000);
    assert_true(listens(s));
}

void nbd_server_stop(struct nbd_server *s)
{
    if (!s->pid)
        return;
    kill(s->pid, SIGKILL);
    waitpid(s->pid, NULL, 0);
    s->pid = 0;
}

void nbd_server_close(struct nbd_server *s)
{
    char command[96];
    nbd_server_stop(s);
    snprintf(command, sizeof command, "rm -rf %s", s->folder);
    assert_int_equal(system(command), 0);
}
