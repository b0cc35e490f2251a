/* serve.c - the live view: a thread of the pager's tells who connects what the pager did.
 *
 * The protocol is in live_view.h. The thread has all signals blocked, and so touches no memory that
 * a pager may manage: it has its stack, and neither allocates nor prints through a library's
 * buffers. Numbers are integers, so that nothing depends on a locale.
 *
 * A socket whose process died stays behind as a file; who finds that nobody answers there takes the
 * name. The mode is set before the name exists.
 */
#include "live/live.h"
#include "live/view.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

enum { CLIENTS = 8, ANSWER_BYTES = 24576 };

/* ---- the answer ---- */

struct line {
    size_t n;
    char text[ANSWER_BYTES];
};

__attribute__((format(printf, 2, 3))) static void add(struct line *line, const char *fmt, ...)
{
    va_list list;
    va_start(list, fmt);
    int n = vsnprintf(line->text + line->n, sizeof line->text - line->n, fmt, list);
    va_end(list);
    line->n += n > 0 ? (size_t)n : 0;
    if (line->n >= sizeof line->text)
        line->n = sizeof line->text - 1;
}

/* As a JSON string: of a specification's letters only quotes and backslashes need care. */
static void add_text(struct line *line, const char *name, const char *text)
{
    add(line, "\"%s\":\"", name);
    for (; *text; text++)
        if ((unsigned char)*text >= ' ')
            add(line, *text == '"' || *text == '\\' ? "\\%c" : "%c", *text);
    add(line, "\",");
}

static void add_number(struct line *line, const char *name, uint64_t number)
{
    add(line, "\"%s\":%llu,", name, (unsigned long long)number);
}

static void add_times(struct line *line, const struct vm_live_times *t)
{
    const char *comma = "";
    add(line, "\"times\":{\"n\":%llu,\"sum_ns\":%llu,\"max_ns\":%llu,\"buckets\":[",
        (unsigned long long)t->n, (unsigned long long)t->sum_ns, (unsigned long long)t->max_ns);
    for (uint32_t b = 0; b < VM_LIVE_BUCKETS; b++)
        if (t->bucket[b]) {
            add(line, "%s[%u,%llu]", comma, b, (unsigned long long)t->bucket[b]);
            comma = ",";
        }
    add(line, "]}");
}

static void answer(struct vm_live *l, struct line *line)
{
    struct vm_live_stats s;
    vm_live_stats(l, &s);
    line->n = 0;
    add(line, "{\"schema\":1,\"kind\":\"live\",\"pid\":%d,", (int)getpid());
    add_text(line, "policy", l->options.policy ? l->options.policy : VM_LIVE_POLICY);
    add_text(line, "store", l->options.store ? l->options.store : "lz4");
    add_text(line, "degraded", s.degraded);
    add_number(line, "at_ns", vm_now_ns());
#define ADD_COUNT(name, what) add_number(line, #name, s.counts.name);
    VM_PAGER_COUNTS(ADD_COUNT)
#undef ADD_COUNT
#define ADD_STAT(name) add_number(line, #name, s.name);
    VIEW_STATS(ADD_STAT)
#undef ADD_STAT
    add_times(line, &s.times);
    add(line, "}\n");
}

/* ---- who asks ---- */

/* Whether the client is still there. A line asks; what is in it must be known. */
static bool serve_client(struct vm_live *l, int client, struct line *line)
{
    char asked[256];
    ssize_t n = recv(client, asked, sizeof asked - 1, MSG_DONTWAIT);
    if (n <= 0)
        return n < 0 && (errno == EAGAIN || errno == EINTR);
    asked[n] = 0;
    if (strncmp(asked, "stats\n", 6) != 0) {
        static const char refusal[] = "{\"error\":\"expected a line: stats\"}\n";
        send(client, refusal, sizeof refusal - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
        return false;
    }
    answer(l, line);
    return send(client, line->text, line->n, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)line->n;
}

/* A client more than there is room for is sent away. */
static void welcome(struct pollfd *client, int listener)
{
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    for (int i = 0; fd >= 0 && i < CLIENTS; i++)
        if (client[i].fd < 0) {
            client[i] = (struct pollfd){.fd = fd, .events = POLLIN};
            return;
        }
    if (fd >= 0)
        close(fd);
}

static void *run(void *argument)
{
    struct vm_live *l = argument;
    struct line line;
    struct pollfd fd[2 + CLIENTS] = {{.fd = l->stop[0], .events = POLLIN},
                                     {.fd = l->server.listener, .events = POLLIN}};
    struct pollfd *client = fd + 2;
    for (int i = 0; i < CLIENTS; i++)
        client[i].fd = -1;
    while (poll(fd, 2 + CLIENTS, -1) >= 0 || errno == EINTR) {
        if (fd[0].revents)
            break;
        for (int i = 0; i < CLIENTS; i++)
            if (client[i].fd >= 0 && client[i].revents && !serve_client(l, client[i].fd, &line)) {
                close(client[i].fd);
                client[i].fd = -1;
            }
        if (fd[1].revents)
            welcome(client, l->server.listener);
    }
    for (int i = 0; i < CLIENTS; i++)
        if (client[i].fd >= 0)
            close(client[i].fd);
    return NULL;
}

/* ---- its socket ---- */

/* Whether nobody listens there any more: then the name is free. */
static bool is_left_behind(const struct sockaddr_un *at)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool is_left = fd >= 0 && connect(fd, (const struct sockaddr *)at, sizeof *at) != 0 &&
                   errno == ECONNREFUSED;
    if (fd >= 0)
        close(fd);
    return is_left && unlink(at->sun_path) == 0;
}

static bool bind_to(int fd, const struct sockaddr_un *at)
{
    const struct sockaddr *address = (const struct sockaddr *)at;
    return bind(fd, address, sizeof *at) == 0 ||
           (errno == EADDRINUSE && is_left_behind(at) && bind(fd, address, sizeof *at) == 0);
}

static bool listen_somewhere(struct vm_live *l, struct vm_error *e)
{
    struct server *s = &l->server;
    s->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (s->listener < 0 || fchmod(s->listener, 0600) != 0)
        return vm_fail(e, VM_ESYSTEM, "no socket for the live view: %s", strerror(errno));
    for (unsigned nth = 0; nth < VM_LIVE_VIEWS_MAX; nth++) {
        struct sockaddr_un at = {.sun_family = AF_UNIX};
        if (!view_path(getpid(), nth, at.sun_path, sizeof at.sun_path, e))
            return false;
        if (!bind_to(s->listener, &at)) {
            if (errno == EADDRINUSE)
                continue;
            return vm_fail(e, VM_ESYSTEM, "%s: no socket for the live view: %s", at.sun_path,
                           strerror(errno));
        }
        memcpy(s->path, at.sun_path, sizeof s->path);
        return listen(s->listener, CLIENTS) == 0 ||
               vm_fail(e, VM_ESYSTEM, "%s: %s", s->path, strerror(errno));
    }
    return vm_fail(e, VM_ESYSTEM, "a process has %d live views at most", VM_LIVE_VIEWS_MAX);
}

bool vm_serve_start(struct vm_live *l, struct vm_error *e)
{
    l->server.is_running = listen_somewhere(l, e) && vm_thread_start(&l->server.thread, run, l, e);
    return l->server.is_running;
}

void vm_serve_end(struct vm_live *l)
{
    struct server *s = &l->server;
    if (s->is_running)
        pthread_join(s->thread, NULL);
    if (s->listener >= 0)
        close(s->listener);
    if (*s->path)
        unlink(s->path);
    *s = (struct server){.listener = -1};
}

bool vm_serve_again(struct vm_live *l, struct vm_error *e)
{
    close(l->server.listener);
    l->server = (struct server){.listener = -1};
    return vm_serve_start(l, e);
}
