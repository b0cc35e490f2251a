/* kernel_world.h - what both fuzzers of the kernel have: a small machine, a root of its own with
 * one program and one file in it, and what must hold after a run.
 */
#ifndef FUZZ_KERNEL_WORLD_H
#define FUZZ_KERNEL_WORLD_H

#include <fcntl.h>
#include <ftw.h>
#include <pagoda/kernel.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

/* A new root, with the program "p" and a file "f" of 10,000 bytes. */
static void root_make(char root[64], const void *program, size_t n)
{
    static const char text[10000] = "text";
    strcpy(root, "/tmp/pagoda-fuzz-XXXXXX");
    require(mkdtemp(root));
    write_file(root, "p", program, n);
    write_file(root, "f", text, sizeof text);
}

static int remove_one(const char *path, const struct stat *s, int kind, struct FTW *where)
{
    (void)s;
    (void)kind;
    (void)where;
    return remove(path);
}

static void root_remove(const char *root)
{
    require(nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS) == 0);
}

/* 64 frames, 64 pages of swap, and an end to everything. */
static struct vm_run_config small_machine(const char *root)
{
    static char program[] = "/p";
    static char *argv[] = {program, NULL}, *envp[] = {NULL};
    struct vm_run_config c = {
        .model = VM_RUN_TLB,
        .sched = "rr",
        .cpus = 1,
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
