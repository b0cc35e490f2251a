/* sink.c - see sink.h.
 *
 * Three ways that bytes can take, chosen when the sink opens:
 *
 *     UNNAMED  an O_TMPFILE file; commit links it to the target, or, as a link cannot replace a
 *              file, to a *.part beside it that is then renamed over the target
 *     NAMED    a *.part beside the target from the start; commit renames it
 *     DIRECT   the target itself: a pipe, a device, standard output; nothing to commit but the rest
 *              of the buffer
 *
 * Invariants
 *  1. An existing target is not changed before everything, the host's caches included, is written.
 *  2. Once a write has failed the sink stays failed: commit fails with the same error.
 *  3. A target that is replaced keeps its permissions; a symbolic link to it stays one.
 */
#include "base/sink.h"

#include "base/assert.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUFFER_BYTES (256u << 10)

enum way { WAY_UNNAMED, WAY_NAMED, WAY_DIRECT };

struct vm_sink {
    enum way way;
    int file;
    uint64_t offset;
    size_t buffered; /* bytes at the start of buffer[] that are not yet written */
    bool failed;
    struct vm_error error; /* of the failed write */
    char *name;            /* the target as the user gave it, for messages */
    char *target;          /* symbolic links resolved */
    char *part;            /* the target's name with a suffix of our own; NULL: DIRECT */
    uint8_t buffer[BUFFER_BYTES];
};

/* Close and free, leaving nothing of the output but what DIRECT has already passed on. */
static void sink_drop(struct vm_sink *s)
{
    if (s->file >= 0 && strcmp(s->name, "-") != 0)
        close(s->file);
    if (s->way == WAY_NAMED && s->part)
        unlink(s->part);
    free(s->name);
    free(s->target);
    free(s->part);
    free(s);
}

static bool direct_open(struct vm_sink *s, struct vm_error *e)
{
    s->file = open(s->name, O_WRONLY | O_CLOEXEC | O_NOCTTY);
    return s->file >= 0 ||
           vm_fail(e, VM_ESYSTEM, "%s: cannot open for writing: %s", s->name, strerror(errno));
}

static int unnamed_open(const char *target)
{
    /* Only a process whose own descriptors have names can give the file one later. */
    if (access("/proc/self/fd", X_OK) != 0)
        return -1;
    const char *slash = strrchr(target, '/');
    char folder[PATH_MAX] = ".";
    if (slash)
        snprintf(folder, sizeof folder, "%.*s", (int)(slash - target) + 1, target);
    return open(folder, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666);
}

/* A file beside the target; `old` is the target's state if it exists, else NULL. */
static bool beside_open(struct vm_sink *s, const struct stat *old, struct vm_error *e)
{
    s->target = old ? realpath(s->name, NULL) : strdup(s->name);
    if (!s->target || asprintf(&s->part, "%s.%ld.part", s->target, (long)getpid()) < 0) {
        s->part = NULL;
        return vm_fail(e, VM_ESYSTEM, "%s: cannot prepare writing: %s", s->name, strerror(errno));
    }
    /* The folder would allow replacing a file that its owner has protected. */
    if (old && access(s->target, W_OK) != 0)
        return vm_fail(e, VM_ESYSTEM, "%s: cannot replace it: %s", s->name, strerror(errno));
    s->way = WAY_UNNAMED;
    s->file = unnamed_open(s->target);
    if (s->file < 0) {
        s->file = open(s->part, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0666);
        if (s->file < 0)
            return vm_fail(e, VM_ESYSTEM, "%s: cannot create it: %s", s->name, strerror(errno));
        s->way = WAY_NAMED;
    }
    if (old && fchmod(s->file, old->st_mode & 07777) != 0)
        return vm_fail(e, VM_ESYSTEM, "%s: cannot keep its permissions: %s", s->name,
                       strerror(errno));
    return true;
}

static bool sink_open(struct vm_sink *s, struct vm_error *e)
{
    struct stat old;
    if (!strcmp(s->name, "-")) {
        s->file = STDOUT_FILENO;
        return true;
    }
    if (stat(s->name, &old) != 0)
        return beside_open(s, NULL, e);
    if (S_ISDIR(old.st_mode))
        return vm_fail(e, VM_ESYSTEM, "%s: is a directory: expected a file", s->name);
    return S_ISREG(old.st_mode) ? beside_open(s, &old, e) : direct_open(s, e);
}

struct vm_sink *vm_sink_open(const char *path, struct vm_error *e)
{
    struct vm_sink *s = calloc(1, sizeof *s);
    if (!s || !(s->name = strdup(path))) {
        free(s);
        vm_fail(e, VM_ESYSTEM, "%s: out of memory for writing it", path);
        return NULL;
    }
    s->file = -1;
    s->way = WAY_DIRECT;
    if (!sink_open(s, e)) {
        sink_drop(s);
        return NULL;
    }
    return s;
}

/* Remember and report that the host refused (errno) to `verb`. */
static bool sink_fail(struct vm_sink *s, const char *verb, struct vm_error *e)
{
    const char *name = strcmp(s->name, "-") ? s->name : "standard output";
    if (errno == ENOSPC || errno == EDQUOT)
        vm_fail(&s->error, VM_ESYSTEM,
                "%s: the disk is full: expected room for at least %llu bytes: "
                "nothing was left behind",
                name, (unsigned long long)s->offset);
    else
        vm_fail(&s->error, VM_ESYSTEM, "%s: cannot %s: %s%s", name, verb, strerror(errno),
                s->way == WAY_DIRECT ? "" : ": nothing was left behind");
    s->failed = true;
    *e = s->error;
    return false;
}

static bool write_all(struct vm_sink *s, const uint8_t *data, size_t bytes, struct vm_error *e)
{
    while (bytes) {
        ssize_t wrote = write(s->file, data, bytes);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote < 0)
            return sink_fail(s, "write", e);
        data += wrote;
        bytes -= (size_t)wrote;
    }
    return true;
}

static bool buffer_flush(struct vm_sink *s, struct vm_error *e)
{
    size_t bytes = s->buffered;
    s->buffered = 0;
    return write_all(s, s->buffer, bytes, e);
}

bool vm_sink_write(struct vm_sink *s, const void *data, size_t bytes, struct vm_error *e)
{
    if (s->failed) {
        *e = s->error;
        return false;
    }
    s->offset += bytes;
    if (bytes > BUFFER_BYTES - s->buffered && !buffer_flush(s, e))
        return false;
    if (bytes > BUFFER_BYTES)
        return write_all(s, data, bytes, e);
    memcpy(s->buffer + s->buffered, data, bytes);
    s->buffered += bytes;
    return true;
}

uint64_t vm_sink_offset(const struct vm_sink *s)
{
    return s->offset;
}

static bool part_rename(struct vm_sink *s, struct vm_error *e)
{
    return rename(s->part, s->target) == 0 || sink_fail(s, "put it in place", e);
}

/* Give the unnamed file the target's name. */
static bool unnamed_place(struct vm_sink *s, struct vm_error *e)
{
    char self[64];
    snprintf(self, sizeof self, "/proc/self/fd/%d", s->file);
    if (linkat(AT_FDCWD, self, AT_FDCWD, s->target, AT_SYMLINK_FOLLOW) == 0)
        return true;
    if (errno != EEXIST || linkat(AT_FDCWD, self, AT_FDCWD, s->part, AT_SYMLINK_FOLLOW) != 0)
        return sink_fail(s, "put it in place", e);
    s->way = WAY_NAMED;
    return part_rename(s, e);
}

static bool sink_place(struct vm_sink *s, struct vm_error *e)
{
    if (s->way == WAY_DIRECT)
        return true;
    /* A full disk may show only here, and after a power cut a name must not stand for less. */
    if (fsync(s->file) != 0)
        return sink_fail(s, "write", e);
    return s->way == WAY_UNNAMED ? unnamed_place(s, e) : part_rename(s, e);
}

bool vm_sink_commit(struct vm_sink *s, struct vm_error *e)
{
    bool placed = false;
    if (s->failed)
        *e = s->error;
    else
        placed = buffer_flush(s, e) && sink_place(s, e);
    sink_drop(s); /* a part that was renamed is no more; another is removed */
    return placed;
}

void vm_sink_abort(struct vm_sink *s)
{
    if (s)
        sink_drop(s);
}
