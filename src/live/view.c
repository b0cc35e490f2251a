/* view.c - the other end of serve.c: connects to a pager and takes its answers apart.
 *
 * In /tmp anybody can make a socket of any name: only an answer by the process itself counts, as
 * the kernel tells (SO_PEERCRED, unix(7)).
 */
#include "live/view.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define ANSWER_SECONDS 5

struct vm_live_view {
    int pid;
    unsigned nth;
    int fd;
    FILE *in;
};

bool view_path(int pid, unsigned nth, char *out, size_t cap, struct vm_error *e)
{
    const char *folder = getenv("XDG_RUNTIME_DIR");
    int n =
        snprintf(out, cap, "%s/pagoda-live.%d.%u", folder && *folder ? folder : "/tmp", pid, nth);
    return (n > 0 && (size_t)n < cap) ||
           vm_fail(e, VM_ESYSTEM, "XDG_RUNTIME_DIR: \"%.40s...\" is too long for a socket's name",
                   folder ? folder : "");
}

/* ---- connecting ---- */

static bool is_of_process(int fd, int pid)
{
    struct ucred peer;
    socklen_t bytes = sizeof peer;
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &bytes) == 0 && peer.pid == pid;
}

static bool connect_to(struct vm_live_view *v, struct vm_error *e)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    const struct timeval patience = {.tv_sec = ANSWER_SECONDS};
    if (!view_path(v->pid, v->nth, at.sun_path, sizeof at.sun_path, e))
        return false;
    v->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (v->fd < 0)
        return vm_fail(e, VM_ESYSTEM, "no socket: %s", strerror(errno));
    setsockopt(v->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (connect(v->fd, (const struct sockaddr *)&at, sizeof at) != 0) {
        if (errno != ENOENT && errno != ECONNREFUSED)
            return vm_fail(e, VM_ESYSTEM, "%s: %s", at.sun_path, strerror(errno));
        vm_fail(e, VM_ESYSTEM, "process %d has no pager that tells what it does", v->pid);
        return vm_hint(e, "expected a socket at %s: vm_live_options.serve", at.sun_path);
    }
    if (!is_of_process(v->fd, v->pid))
        return vm_fail(e, VM_ESYSTEM, "%s is not of process %d", at.sun_path, v->pid);
    int copy = dup(v->fd);
    v->in = copy < 0 ? NULL : fdopen(copy, "r");
    return v->in || vm_fail(e, VM_ESYSTEM, "no memory for a view");
}

struct vm_live_view *vm_live_view_open(int pid, unsigned nth, struct vm_error *e)
{
    struct vm_live_view *v = calloc(1, sizeof *v);
    if (!v) {
        vm_fail(e, VM_ESYSTEM, "no memory for a view");
        return NULL;
    }
    *v = (struct vm_live_view){.pid = pid, .nth = nth, .fd = -1};
    if (connect_to(v, e))
        return v;
    vm_live_view_close(v);
    return NULL;
}

void vm_live_view_close(struct vm_live_view *v)
{
    if (!v)
        return;
    if (v->in)
        fclose(v->in);
    if (v->fd >= 0)
        close(v->fd);
    free(v);
}

/* ---- answers ---- */

static uint64_t number(const json_t *object, const char *name)
{
    return (uint64_t)json_integer_value(json_object_get(object, name));
}

static void copy_text(const json_t *object, const char *name, char *out, size_t cap)
{
    const char *text = json_string_value(json_object_get(object, name));
    snprintf(out, cap, "%s", text ? text : "");
}

static void parse_times(const json_t *times, struct vm_live_times *out)
{
    size_t i;
    json_t *pair;
    *out = (struct vm_live_times){.n = number(times, "n"),
                                  .sum_ns = number(times, "sum_ns"),
                                  .max_ns = number(times, "max_ns")};
    json_array_foreach(json_object_get(times, "buckets"), i, pair)
    {
        json_int_t bucket = json_integer_value(json_array_get(pair, 0));
        if (bucket >= 0 && bucket < VM_LIVE_BUCKETS)
            out->bucket[bucket] = (uint64_t)json_integer_value(json_array_get(pair, 1));
    }
}

static void parse(const struct vm_live_view *v, const json_t *root, struct vm_live_told *out)
{
    *out = (struct vm_live_told){.pid = v->pid, .pager = v->nth, .at_ns = number(root, "at_ns")};
    copy_text(root, "policy", out->policy, sizeof out->policy);
    copy_text(root, "store", out->store, sizeof out->store);
    copy_text(root, "degraded", out->stats.degraded, sizeof out->stats.degraded);
#define TAKE_COUNT(name, what) out->stats.counts.name = number(root, #name);
    VM_PAGER_COUNTS(TAKE_COUNT)
#undef TAKE_COUNT
#define TAKE_STAT(name) out->stats.name = number(root, #name);
    VIEW_STATS(TAKE_STAT)
#undef TAKE_STAT
    parse_times(json_object_get(root, "times"), &out->stats.times);
}

bool vm_live_view_ask(struct vm_live_view *v, struct vm_live_told *out, struct vm_error *e)
{
    char *line = NULL;
    size_t cap = 0;
    json_error_t wrong;
    ssize_t n = send(v->fd, "stats\n", 6, MSG_NOSIGNAL) == 6 ? getline(&line, &cap, v->in) : -1;
    json_t *root = n > 0 ? json_loadb(line, (size_t)n, 0, &wrong) : NULL;
    free(line);
    if (n <= 0)
        return vm_fail(e, VM_ESYSTEM, "process %d: its pager is gone", v->pid);
    const char *kind = json_string_value(json_object_get(root, "kind"));
    bool is_answer = kind && !strcmp(kind, "live");
    if (is_answer)
        parse(v, root, out);
    json_decref(root);
    return is_answer || vm_fail(e, VM_EINPUT, "process %d: what it says is not of a pager", v->pid);
}

/* ---- an interval ---- */

void vm_live_between(const struct vm_live_told *a, const struct vm_live_told *b,
                     struct vm_live_told *out)
{
    *out = *b;
    out->at_ns = b->at_ns - a->at_ns;
#define SUBTRACT(name, what) out->stats.counts.name -= a->stats.counts.name;
    VM_PAGER_COUNTS(SUBTRACT)
#undef SUBTRACT
    out->stats.zero_pages_unstored -= a->stats.zero_pages_unstored;
    out->stats.waits -= a->stats.waits;
    out->stats.failures -= a->stats.failures;
    out->stats.times.n -= a->stats.times.n;
    out->stats.times.sum_ns -= a->stats.times.sum_ns;
    for (uint32_t i = 0; i < VM_LIVE_BUCKETS; i++)
        out->stats.times.bucket[i] -= a->stats.times.bucket[i];
}
