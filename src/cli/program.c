/* program.c - see program.h. ELF: System V ABI, AMD64, chapters 4 and 5; ld.so(8), secure-execution
 * mode. */
#include "cli/program.h"

#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static bool may_run(const char *path)
{
    struct stat file;
    return stat(path, &file) == 0 && S_ISREG(file.st_mode) && access(path, X_OK) == 0;
}

bool program_find(const char *name, char out[PROGRAM_PATH])
{
    char dirs[4096], *rest = dirs, *dir;
    snprintf(out, PROGRAM_PATH, "%s", name);
    if (strchr(name, '/'))
        return may_run(out);
    const char *all = getenv("PATH");
    snprintf(dirs, sizeof dirs, "%s", all ? all : "/usr/local/bin:/usr/bin:/bin");
    while ((dir = strsep(&rest, ":"))) {
        snprintf(out, PROGRAM_PATH, "%s/%s", *dir ? dir : ".", name);
        if (may_run(out))
            return true;
    }
    return false;
}

/* ---- what a file is ---- */

#define INTERPRETERS_MAX 4 /* scripts of scripts, as the kernel follows them */

static bool has_interpreter(FILE *file, const Elf64_Ehdr *h)
{
    for (unsigned i = 0; i < h->e_phnum; i++) {
        Elf64_Phdr p;
        if (fseek(file, (long)(h->e_phoff + i * h->e_phentsize), SEEK_SET) != 0 ||
            fread(&p, sizeof p, 1, file) != 1)
            return false;
        if (p.p_type == PT_INTERP)
            return true;
    }
    return false;
}

static bool check_elf(const char *path, FILE *file, const Elf64_Ehdr *h, struct vm_error *e)
{
    struct stat s;
    if (h->e_ident[EI_CLASS] != ELFCLASS64 || h->e_machine != EM_X86_64)
        return vm_fail(e, VM_EUSAGE,
                       "%s: a program of another processor, or of 32 bits: expected x86-64", path);
    if (!has_interpreter(file, h))
        return vm_fail(e, VM_EUSAGE,
                       "%s: linked statically: no library can be loaded into it: expected a "
                       "program that is linked dynamically",
                       path);
    if (fstat(fileno(file), &s) == 0 && (s.st_mode & (S_ISUID | S_ISGID)) && geteuid() != 0)
        return vm_fail(e, VM_EUSAGE,
                       "%s: it runs with its owner's rights (setuid): the loader lets nobody load "
                       "a library into it",
                       path);
    return true;
}

/* The path after "#!", in place. */
static char *interpreter(char *line)
{
    char *at = line + 2 + strspn(line + 2, " \t");
    at[strcspn(at, " \t\r\n")] = '\0';
    return at;
}

static bool check(const char *path, unsigned depth, struct vm_error *e)
{
    union {
        Elf64_Ehdr elf;
        char line[PROGRAM_PATH];
    } head = {0};
    FILE *file = fopen(path, "re");
    if (!file)
        return vm_fail(e, VM_ESYSTEM, "%s: cannot be read", path);
    size_t n = fread(&head, 1, sizeof head - 1, file);
    bool done = true;
    if (n > 2 && !memcmp(head.line, "#!", 2) && depth < INTERPRETERS_MAX)
        done = check(interpreter(head.line), depth + 1, e);
    else if (n >= sizeof head.elf && !memcmp(head.elf.e_ident, ELFMAG, SELFMAG))
        done = check_elf(path, file, &head.elf, e);
    else
        done = vm_fail(e, VM_EUSAGE, "%s: neither a program nor a script with #!", path);
    fclose(file);
    return done;
}

bool program_takes_library(const char *path, struct vm_error *e)
{
    return check(path, 0, e);
}

void *program_share(const char *name, size_t bytes, int *fd, struct vm_error *e)
{
    void *at = MAP_FAILED;
    *fd = memfd_create(name, MFD_CLOEXEC);
    if (*fd >= 0 && ftruncate(*fd, (off_t)bytes) == 0)
        at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, *fd, 0);
    if (at != MAP_FAILED)
        return at;
    vm_fail(e, VM_ESYSTEM, "memory to share with a program: %s", strerror(errno));
    if (*fd >= 0)
        close(*fd);
    return NULL;
}
