/* child.c - see child.h. */
#include "base/child.h"

#include <errno.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* The three standard streams of the child. */
struct streams {
    FILE *in, *out, *errors;
};

static void streams_close(struct streams *s)
{
    if (s->in)
        fclose(s->in);
    if (s->out)
        fclose(s->out);
    if (s->errors)
        fclose(s->errors);
}

static bool streams_open(struct streams *s, const char *text, size_t bytes)
{
    *s = (struct streams){tmpfile(), tmpfile(), tmpfile()};
    if (!s->in || !s->out || !s->errors)
        return false;
    return fwrite(text, 1, bytes, s->in) == bytes && fflush(s->in) == 0 &&
           lseek(fileno(s->in), 0, SEEK_SET) == 0;
}

static int spawn(const char *const *argv, const struct streams *s, pid_t *child)
{
    posix_spawn_file_actions_t actions;
    int error = posix_spawn_file_actions_init(&actions);
    if (error)
        return error;
    FILE *const files[] = {s->in, s->out, s->errors};
    for (int i = 0; i < 3 && !error; i++)
        error = posix_spawn_file_actions_adddup2(&actions, fileno(files[i]), i);
    if (!error)
        error =
            posix_spawnp(child, argv[0], &actions, NULL, (char *const *)(uintptr_t)argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    return error;
}

/* The last line that says something. */
static void last_line(FILE *from, char *out, size_t cap)
{
    char line[512];
    rewind(from);
    *out = 0;
    while (fgets(line, sizeof line, from)) {
        line[strcspn(line, "\n")] = 0;
        if (line[strspn(line, " \t")])
            snprintf(out, cap, "%.*s", (int)cap - 1, line + strspn(line, " \t"));
    }
}

static bool copy_all(FILE *from, FILE *to)
{
    char block[16384];
    size_t n;
    rewind(from);
    while ((n = fread(block, 1, sizeof block, from)) > 0)
        if (fwrite(block, 1, n, to) != n)
            return false;
    return !ferror(from);
}

static enum vm_child_end finish(const struct streams *s, pid_t child, FILE *out, char *complaint)
{
    int status;
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR) {
            snprintf(complaint, VM_CHILD_COMPLAINT, "%s", strerror(errno));
            return VM_CHILD_FAILED;
        }
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
        if (copy_all(s->out, out))
            return VM_CHILD_DONE;
        snprintf(complaint, VM_CHILD_COMPLAINT, "its output: %s", strerror(errno));
        return VM_CHILD_FAILED;
    }
    last_line(s->errors, complaint, VM_CHILD_COMPLAINT);
    if (!*complaint)
        snprintf(complaint, VM_CHILD_COMPLAINT, "it ended by %s %d",
                 WIFEXITED(status) ? "status" : "signal",
                 WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
    return VM_CHILD_FAILED;
}

enum vm_child_end vm_child_filter(const char *const *argv, const char *text, size_t bytes,
                                  FILE *out, char complaint[VM_CHILD_COMPLAINT])
{
    struct streams s;
    enum vm_child_end end = VM_CHILD_FAILED;
    pid_t child = 0;
    *complaint = 0;
    int error = streams_open(&s, text, bytes) ? spawn(argv, &s, &child) : errno;
    if (!error)
        end = finish(&s, child, out, complaint);
    else if (error == ENOENT && s.in && s.out && s.errors)
        end = VM_CHILD_ABSENT;
    else
        snprintf(complaint, VM_CHILD_COMPLAINT, "%s", strerror(error));
    streams_close(&s);
    return end;
}
