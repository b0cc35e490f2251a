/* heapcheck_guest.c - see heapcheck_guest.h.
 *
 * The machine is as large as it may have to be: blocks are never used again, so that a program
 * takes more memory than it would. Nobody prices its references.
 */
#include "cli/heapcheck_guest.h"

#include <elf.h>
#include <pagoda/kernel.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define MEMORY (UINT64_C(4) << 30) /* the host gives what of it is touched */

bool heapcheck_is_guest(const struct args *a)
{
    Elf64_Ehdr head;
    if (args_has(a, "root"))
        return true;
    FILE *f = strchr(a->rest[0], '/') ? fopen(a->rest[0], "re") : NULL;
    bool read = f && fread(&head, sizeof head, 1, f) == 1;
    if (f)
        fclose(f);
    return read && !memcmp(head.e_ident, ELFMAG, SELFMAG) && head.e_machine == EM_RISCV;
}

bool heapcheck_run_guest(const struct args *a, struct heap_findings *f, int *status,
                         struct vm_error *e)
{
    struct vm_run_config config = {0};
    struct vm_run_result result;
    char *own = NULL;
    signal(SIGPIPE, SIG_IGN); /* it is the program's that writes */
    bool good = run_configure(a, &config, &own, e);
    config.machine.memory_bytes = MEMORY;
    config.model = VM_RUN_NONE;
    config.heap = f;
    good = good && vm_kernel_run(&config, &result, e);
    free(own);
    if (!good)
        return false;
    *status = result.status;
    vm_run_result_free(&result);
    return true;
}
