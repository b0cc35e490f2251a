/* walk.c - a path below the root, component by component: for hosts that lack openat2.
 *
 * Each directory on the way is opened from the one before it, without following links; ".." goes
 * back to the descriptor before, and at the root stays there; a link's text is put in the path's
 * place. So nothing outside the root is ever opened, whatever changes meanwhile: the same promise
 * as openat2(RESOLVE_IN_ROOT), at a system call a component.
 */
#include "kernel/kernel.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEPTH_MAX 128
#define LINKS_MAX 40

struct walk {
    int dir[DEPTH_MAX]; /* dir[0]: the root, which is the kernel's */
    unsigned depth;
    unsigned links;
    char rest[2 * PATH_BYTES]; /* of the path */
};

static void leave(struct walk *w)
{
    if (w->depth)
        close(w->dir[w->depth--]);
}

/* `fd` is a link: its text comes before the rest. 0 or -errno. */
static int follow(struct walk *w, int fd)
{
    char text[PATH_BYTES], whole[2 * PATH_BYTES];
    ssize_t n = readlinkat(fd, "", text, sizeof text - 1);
    if (n < 0)
        return -errno;
    text[n] = 0;
    if (++w->links > LINKS_MAX)
        return -ELOOP;
    if ((size_t)snprintf(whole, sizeof whole, "%s/%s", text, w->rest) >= sizeof whole)
        return -ENAMETOOLONG;
    strcpy(w->rest, whole);
    while (text[0] == '/' && w->depth)
        leave(w);
    return 0;
}

static bool is_link(int fd)
{
    struct stat s;
    return fstat(fd, &s) == 0 && S_ISLNK(s.st_mode);
}

/* Into the directory, or through the link, `name`. 0 or -errno. */
static int enter(struct walk *w, const char *name)
{
    int fd = openat(w->dir[w->depth], name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    if (is_link(fd)) {
        int error = follow(w, fd);
        close(fd);
        return error;
    }
    if (w->depth + 1 == DEPTH_MAX) {
        close(fd);
        return -ENAMETOOLONG;
    }
    w->dir[++w->depth] = fd;
    return 0;
}

/* Takes the next component off the rest; false: there is none. */
static bool next(struct walk *w, char name[PATH_BYTES])
{
    const char *at = w->rest + strspn(w->rest, "/");
    size_t n = strcspn(at, "/");
    if (n == 0 || n >= PATH_BYTES)
        return false;
    memcpy(name, at, n);
    name[n] = 0;
    memmove(w->rest, at + n, strlen(at + n) + 1);
    return true;
}

static bool is_last(const struct walk *w)
{
    return w->rest[strspn(w->rest, "/")] == 0;
}

/* The last component. *again: it was a link, which is in the rest now. */
static int finish(struct walk *w, const char *name, int flags, unsigned mode, bool *again)
{
    int at = w->dir[w->depth];
    *again = false;
    int link = flags & O_NOFOLLOW ? -1 : openat(at, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (link >= 0 && is_link(link)) {
        int error = follow(w, link);
        close(link);
        *again = error == 0;
        return error;
    }
    if (link >= 0)
        close(link);
    int fd = openat(at, name, flags | O_NOFOLLOW | O_CLOEXEC, mode);
    return fd < 0 ? -errno : fd;
}

static int go(struct walk *w, int flags, unsigned mode)
{
    char name[PATH_BYTES];
    bool again = true;
    int result = 0;
    while (result >= 0 && next(w, name)) {
        if (strcmp(name, ".") == 0)
            continue;
        if (strcmp(name, "..") == 0) {
            leave(w);
            continue;
        }
        if (!is_last(w)) {
            result = enter(w, name);
            continue;
        }
        result = finish(w, name, flags, mode, &again);
        if (!again)
            return result;
    }
    if (result < 0)
        return result;
    int fd =
        openat(w->dir[w->depth], ".", flags & ~(O_CREAT | O_EXCL), 0); /* it ends in a directory */
    return fd < 0 ? -errno : fd;
}

int vm_path_walk(int root_fd, const char *absolute, int flags, unsigned mode)
{
    struct walk w = {.dir = {root_fd}};
    if (strlen(absolute) >= PATH_BYTES)
        return -ENAMETOOLONG;
    strcpy(w.rest, absolute);
    int result = go(&w, flags | O_NOCTTY, mode);
    while (w.depth)
        leave(&w);
    return result;
}
