/* fuzz_elf.c - any bytes as a program file: refused in words, or run for a moment. */
#include "fuzz/kernel_world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct fuzz_root root;
    root_make(&root, data, n);
    struct vm_run_config c = small_machine(root.path);
    c.instructions = 2000;
    int kept = dup(1), nowhere = open("/dev/null", O_WRONLY); /* what it writes is nobody's */
    require(kept >= 0 && nowhere >= 0 && dup2(nowhere, 1) == 1);
    run_checked(&c);
    dup2(kept, 1);
    close(kept);
    close(nowhere);
    root_remove(&root);
    return 0;
}
