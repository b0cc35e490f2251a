/* proc.c - /proc: the tree of processes as names of files, made up when they are asked for.
 *
 *      /proc/meminfo ...       texts, of the system (proc.def)
 *      /proc/PID/stat ...      texts, of a process; /proc/self is a link to one's own number
 *      /proc/PID/exe, cwd      links
 *      /proc/PID/fd/N          links, to what a descriptor is of
 *
 * A text is written when its file is opened, and a directory listed: a reader sees one moment. The
 * tree hides what the root has at these names, and nothing else: a name that is not here is the
 * host's to find.
 *
 * Source: Linux, proc(5).
 */
#include "kernel/proc.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* ---- texts ---- */

void vm_text_add(struct text *x, const void *bytes, size_t n)
{
    char *grown = x->failed ? NULL : realloc(x->bytes, x->n + n + 1);
    if (!grown) {
        x->failed = true;
        return;
    }
    x->bytes = grown;
    memcpy(x->bytes + x->n, bytes, n);
    x->n += n;
    x->bytes[x->n] = 0;
}

void vm_text_say(struct text *x, const char *format, ...)
{
    char line[PATH_BYTES + 128];
    va_list list;
    va_start(list, format);
    int n = vsnprintf(line, sizeof line, format, list);
    va_end(list);
    vm_text_add(x, line, (size_t)n < sizeof line ? (size_t)n : sizeof line - 1);
}

/* ---- names ---- */

static const struct {
    const char *name;
    void (*write)(struct kernel *k, struct text *x);
} of_system[] = {
#define PROC_SYSTEM(name) {#name, vm_proc_##name},
#include "kernel/proc.def"
};

static const struct {
    const char *name;
    void (*write)(struct kernel *k, struct process *p, struct text *x);
} of_process[] = {
#define PROC_PROCESS(name) {#name, vm_proc_##name},
#include "kernel/proc.def"
};

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* Two have names that texts of the system have, too. */
static const char *file_name(const char *name)
{
    return strncmp(name, "process_", 8) == 0 ? name + 8 : name;
}

static const char *const links[] = {"cwd", "exe", "root"};

enum kind {
    NOTHING,
    CPUS,
    SYSTEM_TEXT,
    PROCESS_TEXT,
    TOP,
    PROCESS,
    DESCRIPTORS,
    SELF,
    LINK,
    DESCRIPTOR
};

struct place {
    enum kind kind;
    struct process *process;
    size_t row; /* of a text or a link */
    uint32_t fd;
};

/* A number, and nothing behind it. */
static bool is_number(const char *text, uint32_t *n)
{
    char *end;
    *n = (uint32_t)strtoul(text, &end, 10);
    return end != text && !*end && text[0] != '-';
}

static struct place find_of_process(struct process *p, const char *name)
{
    struct place at = {.kind = NOTHING, .process = p};
    if (strcmp(name, "fd") == 0)
        at.kind = DESCRIPTORS;
    else if (strncmp(name, "fd/", 3) == 0 && is_number(name + 3, &at.fd) && p->files &&
             at.fd < p->files->n && p->files->fd[at.fd].file)
        at.kind = DESCRIPTOR;
    for (size_t i = 0; i < COUNT(of_process); i++)
        if (strcmp(name, file_name(of_process[i].name)) == 0)
            at = (struct place){.kind = PROCESS_TEXT, .process = p, .row = i};
    for (size_t i = 0; i < COUNT(links); i++)
        if (strcmp(name, links[i]) == 0)
            at = (struct place){.kind = LINK, .process = p, .row = i};
    return at;
}

static struct place find_of_system(const char *name)
{
    for (size_t i = 0; i < COUNT(of_system); i++)
        if (strcmp(name, of_system[i].name) == 0)
            return (struct place){.kind = SYSTEM_TEXT, .row = i};
    return (struct place){.kind = NOTHING};
}

static struct place find(struct kernel *k, const struct thread *t, const char *path)
{
    char first[32];
    uint32_t pid;
    if (strcmp(path, "/proc") == 0)
        return (struct place){.kind = TOP};
    if (strcmp(path, "/sys/devices/system/cpu/online") == 0 ||
        strcmp(path, "/sys/devices/system/cpu/possible") == 0)
        return (struct place){.kind = CPUS};
    if (strncmp(path, "/proc/", 6) != 0)
        return (struct place){.kind = NOTHING};
    const char *name = path + 6, *rest = name + strcspn(name, "/");
    snprintf(first, sizeof first, "%.*s", (int)(rest - name), name);
    bool self = strcmp(first, "self") == 0;
    if (self && !*rest)
        return (struct place){.kind = SELF, .process = t->process};
    if (!self && !is_number(first, &pid))
        return find_of_system(name);
    struct process *p = self ? t->process : vm_process_find(k, pid);
    if (!p)
        return (struct place){.kind = NOTHING};
    return *rest ? find_of_process(p, rest + 1) : (struct place){.kind = PROCESS, .process = p};
}

/* ---- directories ---- */

static void list(struct text *x, uint64_t number, unsigned char kind, const char *name)
{
    struct dirent64 entry = {.d_ino = number, .d_type = kind};
    size_t bytes = (offsetof(struct dirent64, d_name) + strlen(name) + 1 + 7) & ~(size_t)7;
    entry.d_reclen = (unsigned short)bytes;
    entry.d_off = (off_t)(x->n + bytes);
    snprintf(entry.d_name, sizeof entry.d_name, "%s", name);
    vm_text_add(x, &entry, bytes);
}

static void list_number(struct text *x, uint64_t number, unsigned char kind, uint32_t name)
{
    char text[16];
    snprintf(text, sizeof text, "%u", name);
    list(x, number, kind, text);
}

static void list_top(struct kernel *k, struct text *x)
{
    for (size_t i = 0; i < COUNT(of_system); i++)
        list(x, 100 + i, DT_REG, of_system[i].name);
    list(x, 99, DT_LNK, "self");
    for (uint32_t pid = 1; pid < k->pid_next; pid++) /* the kernel's list has the youngest first */
        if (vm_process_find(k, pid))
            list_number(x, 1000 + pid, DT_DIR, pid);
}

static void list_process(struct text *x)
{
    for (size_t i = 0; i < COUNT(of_process); i++)
        list(x, 200 + i, DT_REG, file_name(of_process[i].name));
    for (size_t i = 0; i < COUNT(links); i++)
        list(x, 300 + i, DT_LNK, links[i]);
    list(x, 301, DT_DIR, "fd");
}

static void list_descriptors(const struct process *p, struct text *x)
{
    for (uint32_t fd = 0; p->files && fd < p->files->n; fd++)
        if (p->files->fd[fd].file)
            list_number(x, 400 + fd, DT_LNK, fd);
}

/* A file that has the text from now on. */
static struct open_file *made_up(struct text *x, const struct file_ops *ops, int flags,
                                 const char *path, int64_t *error)
{
    struct open_file *f = x->failed ? NULL : vm_open_file_new(ops, flags, path);
    *error = f ? 0 : -ENOMEM;
    if (!f) {
        free(x->bytes);
        return NULL;
    }
    f->text = x->bytes;
    f->size = x->n;
    return f;
}

static struct open_file *listing(struct kernel *k, const struct place *at, int flags,
                                 const char *path, int64_t *error)
{
    struct text x = {0};
    *error = (flags & O_ACCMODE) != O_RDONLY ? -EISDIR : 0;
    if (*error)
        return NULL;
    list(&x, 1, DT_DIR, ".");
    list(&x, 1, DT_DIR, "..");
    if (at->kind == TOP)
        list_top(k, &x);
    else if (at->kind == PROCESS)
        list_process(&x);
    else
        list_descriptors(at->process, &x);
    return made_up(&x, &vm_file_listing, flags, path, error);
}

/* ---- links ---- */

static const char *link_of(const struct process *p, size_t row)
{
    if (strcmp(links[row], "root") == 0)
        return "/";
    if (strcmp(links[row], "cwd") == 0)
        return p->where ? p->where->path : NULL;
    const struct inode *program = p->threads ? p->threads->space->program : NULL;
    return program ? program->path : NULL;
}

static void describe(const struct open_file *f, char out[PATH_BYTES])
{
    if (f->path)
        snprintf(out, PATH_BYTES, "%s", f->path);
    else if (f->pipe)
        snprintf(out, PATH_BYTES, "pipe:[%u]", vm_pipe_number(f->pipe));
    else
        snprintf(out, PATH_BYTES, "%s:[%d]", f->ops->name, f->host_fd);
}

int64_t vm_proc_link(struct kernel *k, struct thread *t, const char *path, char out[PATH_BYTES])
{
    struct place at = find(k, t, path);
    const char *target = at.kind == LINK ? link_of(at.process, at.row) : NULL;
    if (at.kind == NOTHING || (at.kind == LINK && !target))
        return -ENOENT;
    if (at.kind == SELF)
        snprintf(out, PATH_BYTES, "%u", t->process->pid);
    else if (at.kind == LINK)
        snprintf(out, PATH_BYTES, "%s", target);
    else if (at.kind == DESCRIPTOR)
        describe(at.process->files->fd[at.fd].file, out);
    else
        return -EINVAL;
    return 0;
}

/* ---- opening ---- */

/* The file of another descriptor, opened anew. */
static struct open_file *open_again(struct kernel *k, struct thread *t, struct open_file *of,
                                    int flags, int64_t *error)
{
    struct open_file *f = NULL;
    *error = -ENXIO;
    if (of->path && of->path[0] == '/' && strncmp(of->path, "/memfd:", 7) != 0) {
        *error = vm_path_open(k, t, of->path, flags & ~(O_CREAT | O_EXCL), 0, &f);
        return *error ? NULL : f;
    }
    if (of->pipe) {
        struct pipe *p = of->pipe;
        f = vm_pipe_attach(k, &p, flags & (O_ACCMODE | O_NONBLOCK), NULL);
    } else if (of->inode) {
        f = vm_open_file_new(&vm_file_regular, flags & (O_ACCMODE | O_APPEND), of->path);
        if (f)
            vm_inode_hold(f->inode = of->inode);
    } else if (of->ops == &vm_file_host) {
        f = vm_stream_open(of->host_fd, flags & O_ACCMODE);
    } else {
        return NULL;
    }
    *error = f ? 0 : -ENOMEM;
    return f;
}

static struct open_file *open_text(struct kernel *k, const struct place *at, int flags,
                                   const char *path, int64_t *error)
{
    struct text x = {0};
    *error = (flags & O_ACCMODE) != O_RDONLY ? -EACCES : flags & O_DIRECTORY ? -ENOTDIR : 0;
    if (*error)
        return NULL;
    if (at->kind == CPUS)
        vm_proc_cpus(k, &x);
    else if (at->kind == SYSTEM_TEXT)
        of_system[at->row].write(k, &x);
    else
        of_process[at->row].write(k, at->process, &x);
    return made_up(&x, &vm_file_text, flags, path, error);
}

struct open_file *vm_proc_open(struct kernel *k, struct thread *t, const char *path, int flags,
                               int64_t *error)
{
    struct place at = find(k, t, path);
    struct open_file *f = NULL;
    const char *target;
    *error = 0;
    switch (at.kind) {
    case NOTHING:
        return NULL;
    case CPUS:
    case SYSTEM_TEXT:
    case PROCESS_TEXT:
        return open_text(k, &at, flags, path, error);
    case SELF:
        at.kind = PROCESS;
        return listing(k, &at, flags, path, error);
    case TOP:
    case PROCESS:
    case DESCRIPTORS:
        return listing(k, &at, flags, path, error);
    case DESCRIPTOR:
        return open_again(k, t, at.process->files->fd[at.fd].file, flags, error);
    case LINK:
        target = link_of(at.process, at.row);
        *error = target ? vm_path_open(k, t, target, flags & ~(O_CREAT | O_EXCL), 0, &f) : -ENOENT;
        return *error ? NULL : f;
    }
    return NULL;
}

/* ---- the kinds of files ---- */

static int listing_stat(struct kernel *k, struct open_file *f, struct stat *out)
{
    (void)k;
    (void)f;
    *out = (struct stat){.st_mode = S_IFDIR | 0555, .st_nlink = 2, .st_ino = 1, .st_blksize = 4096};
    return 0;
}

const struct file_ops vm_file_listing = {
    .name = "listing",
    .read = vm_file_directory_read,
    .write = vm_file_no_write,
    .ready = vm_file_always_ready,
    .stat = listing_stat,
    .ioctl = vm_file_no_ioctl,
    .close = vm_file_close_nothing,
};

int64_t vm_listing_read(struct open_file *f, void *out, uint64_t n)
{
    uint64_t done = 0;
    while (f->offset < f->size) {
        struct dirent64 entry;
        memcpy(&entry, f->text + f->offset, offsetof(struct dirent64, d_name));
        if (entry.d_reclen > n - done)
            return done ? (int64_t)done : -EINVAL;
        memcpy((char *)out + done, f->text + f->offset, entry.d_reclen);
        done += entry.d_reclen;
        f->offset += entry.d_reclen;
    }
    return (int64_t)done;
}
