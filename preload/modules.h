/* modules.h - which file of a program lies where, as its loader knows it: for libraries that tell
 * of places in code. Asks for no memory. */
#ifndef PRELOAD_MODULES_H
#define PRELOAD_MODULES_H

#include "base/request_ring.h"

#include <link.h>
#include <stdbool.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The loader says no name of the program itself. */
static inline void module_name(struct request_module *m, const char *name)
{
    size_t n = strnlen(name, sizeof m->path - 1);
    if (n) {
        memcpy(m->path, name, n);
        return;
    }
    long got = syscall(SYS_readlink, "/proc/self/exe", m->path, sizeof m->path - 1);
    m->path[got > 0 ? got : 0] = '\0';
}

/* Where the instructions of what dl_iterate_phdr tells of lie; start >= end: it has none. Its name
 * is module_name's to fill in. */
static inline struct request_module module_of(const struct dl_phdr_info *info)
{
    struct request_module m = {.start = UINT64_MAX, .bias = info->dlpi_addr};
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];
        uint64_t start = info->dlpi_addr + p->p_vaddr;
        if (p->p_type != PT_LOAD || !(p->p_flags & PF_X))
            continue;
        m.start = start < m.start ? start : m.start;
        m.end = start + p->p_memsz > m.end ? start + p->p_memsz : m.end;
    }
    return m;
}

#endif
