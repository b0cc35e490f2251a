/* kernel_world.h - what both fuzzers of the kernel have: a small machine, a root of its own, and
 * what must hold after a run.
 *
 *     FOLDER/outside     which nobody may change
 *     FOLDER/root/       p, the program    f, a file    o, a link to outside
 *
 * Nothing else of the host is there to be changed: the root is all that programs see, and standard
 * output is closed, or goes nowhere, before a program could do more to it than write.
 */
#ifndef FUZZ_KERNEL_WORLD_H
#define FUZZ_KERNEL_WORLD_H

#include <fcntl.h>
#include <ftw.h>
#include <pagoda/kernel.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { INSTRUCTIONS = 20000, PROCESSES = 4 };

static void require(bool condition)
{
    if (!condition)
        abort();
}

static void write_file(const char *folder, const char *name, const void *bytes, size_t n)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0700);
    require(fd >= 0 && write(fd, bytes, n) == (ssize_t)n);
    close(fd);
}

struct fuzz_root {
    char folder[32], path[40];
    struct stat outside;
};

static void stat_outside(const struct fuzz_root *r, struct stat *out)
{
    char path[64];
    snprintf(path, sizeof path, "%s/outside", r->folder);
    require(lstat(path, out) == 0);
}

static void root_make(struct fuzz_root *r, const void *program, size_t n)
{
    static const char text[10000] = "text";
    char link[64], target[64];
    strcpy(r->folder, "/tmp/pagoda-fuzz-XXXXXX");
    require(mkdtemp(r->folder));
    snprintf(r->path, sizeof r->path, "%s/root", r->folder);
    require(mkdir(r->path, 0700) == 0);
    write_file(r->folder, "outside", text, 100);
    write_file(r->path, "p", program, n);
    write_file(r->path, "f", text, sizeof text);
    snprintf(target, sizeof target, "%s/outside", r->folder);
    snprintf(link, sizeof link, "%s/o", r->path);
    require(symlink(target, link) == 0);
    stat_outside(r, &r->outside);
}

static int remove_one(const char *path, const struct stat *s, int kind, struct FTW *where)
{
    (void)s;
    (void)kind;
    (void)where;
    return remove(path);
}

/* What is outside is as it was, and nothing has come to it: the folder is empty without it. */
static void root_remove(const struct fuzz_root *r)
{
    struct stat now;
    char path[64];
    stat_outside(r, &now);
    require(now.st_ino == r->outside.st_ino && now.st_mode == r->outside.st_mode &&
            now.st_size == r->outside.st_size && now.st_nlink == 1 &&
            memcmp(&now.st_ctim, &r->outside.st_ctim, sizeof now.st_ctim) == 0);
    require(nftw(r->path, remove_one, 8, FTW_DEPTH | FTW_PHYS) == 0);
    snprintf(path, sizeof path, "%s/outside", r->folder);
    require(unlink(path) == 0 && rmdir(r->folder) == 0);
}

/* 64 frames, 64 pages of swap, and an end to everything. */
static struct vm_run_config small_machine(const char *root)
{
    static char program[] = "/p";
    static char *argv[] = {program, NULL}, *envp[] = {NULL};
    struct vm_run_config c = {
        .model = VM_RUN_TLB,
        .sched = "rr",
        .tick_ns = 1000,
        .quantum_ns = 2000,
        .instruction_ns = 0.4,
        .processes_max = PROCESSES,
        .stack_bytes = 1 << 20,
        .instructions = INSTRUCTIONS,
        .root = root,
        .cwd = "/",
        .argv = argv,
        .envp = envp,
    };
    vm_config_init(&c.machine);
    c.machine.memory_bytes = 64 << 12;
    c.machine.swap_bytes = 64 << 12;
    c.machine.oom = VM_OOM_KILL;
    strcpy(c.machine.scheme, "sv39");
    return c;
}

/* Run it. It is refused in words, or runs; whoever has ended has left no frame. */
static void run_checked(const struct vm_run_config *c)
{
    struct vm_run_result r;
    struct vm_error e = {0};
    if (!vm_kernel_run(c, &r, &e)) {
        require((e.code == VM_EINPUT || e.code == VM_EMACHINE) && e.text[0]);
        return;
    }
    require(r.ended[0] || r.frames_left == 0);
    vm_run_result_free(&r);
}

#endif
