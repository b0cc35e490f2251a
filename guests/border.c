/* border.c - lesson: one store, two pages, and only the second is not there.
 *
 * A misaligned store across a page's end either happens as a whole or not at all: the first page
 * is not changed before the second has come, and a trap tells the second one's address.
 *
 * Try:  pagoda run --trace traps,faults -- guests/border     and with --misaligned-traps
 * See:  stval is the border, not the address of the store; the same instruction is executed again.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static sigjmp_buf back;
static unsigned char *where;

static void on_fault(int number, siginfo_t *info, void *context)
{
    (void)number;
    (void)context;
    where = info->si_addr;
    siglongjmp(back, 1);
}

static void store(unsigned char *at, uint64_t value)
{
    __asm__ volatile("sd %1, 0(%0)" : : "r"(at), "r"(value) : "memory");
}

int main(void)
{
    size_t bytes = (size_t)sysconf(_SC_PAGESIZE);
    unsigned char *two =
        mmap(NULL, 2 * bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    unsigned char *border = two + bytes;
    uint64_t value = 0;
    two[0] = 1; /* the first page is there, the second never was */
    store(border - 3, UINT64_C(0x1122334455667788));
    memcpy(&value, border - 3, 8);
    printf("across the border: %llx\n", (unsigned long long)value);

    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
    sigaction(SIGSEGV, &action, NULL);
    mprotect(border, bytes, PROT_READ);
    if (sigsetjmp(back, 1) == 0)
        store(border - 3, 0);
    memcpy(&value, border - 3, 8);
    printf("refused at the border: %d, nothing changed: %llx\n", where == border,
           (unsigned long long)value);

    munmap(border, bytes);
    if (sigsetjmp(back, 1) == 0)
        store(border - 7, 0);
    printf("refused again: %d, still %x\n", where == border, border[-1]);
    return 0;
}
