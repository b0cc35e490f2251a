/* heap_findings.h - the memory that a checked program and `pagoda heapcheck` share: the mistakes
 * that were found, each with where it was made and where its block came from.
 *
 * The library in the program writes, under its lock; the command reads when the program has ended.
 * Addresses of code are the program's; `module` says which file lies where.
 */
#ifndef BASE_HEAP_FINDINGS_H
#define BASE_HEAP_FINDINGS_H

#include "base/request_ring.h"

#include <stdatomic.h>
#include <stdint.h>

#define HEAP_FINDINGS_ENV     "PAGODA_HEAP_FINDINGS" /* the path of the file that has them */
#define HEAP_FINDINGS_MAX     512
#define HEAP_FINDINGS_MODULES 512
#define HEAP_STACK_DEPTH      12

enum heap_mistake {
    HEAP_OVERFLOW,       /* an access behind the end of a block: not enough was asked for */
    HEAP_UNDERFLOW,      /* an access before its start */
    HEAP_USE_AFTER_FREE, /* an access to a block that was freed */
    HEAP_WILD_ACCESS,    /* an access to where no block ever was */
    HEAP_OVERWRITTEN, /* bytes beside a block were changed; seen when it was freed, or at the end */
    HEAP_FREED_WRITTEN, /* bytes of a freed block were changed; seen at the end */
    HEAP_FREE_TWICE,
    HEAP_FREE_INSIDE,   /* free of an address within a block */
    HEAP_FREE_STRANGER, /* free of what no malloc gave */
    HEAP_UNINITIALISED, /* what was never written decides something (guests) */
    HEAP_LEAK,          /* never freed, and nothing that the program has points to it */
    HEAP_REACHABLE,     /* never freed, but something points to it */
    HEAP_MISTAKES       /* how many kinds */
};

struct heap_stack {
    uint32_t n;
    uint64_t
        pc[HEAP_STACK_DEPTH]; /* innermost first; but the first of an access, return addresses */
};

/* What an uninitialised value decides. */
enum heap_use {
    HEAP_USE_NONE,
    HEAP_USE_BRANCH,   /* which way a branch goes, or a comparison of strings */
    HEAP_USE_ADDRESS,  /* where an access goes */
    HEAP_USE_JUMP,     /* where a jump goes */
    HEAP_USE_CALL,     /* which system call, or what one reads */
    HEAP_USE_ARGUMENT, /* how much is asked for, or what is freed */
    HEAP_USES
};

struct heap_finding {
    uint32_t kind;    /* enum heap_mistake */
    uint32_t process; /* whose it is; 0: the only one's */
    uint32_t thread;  /* as Linux numbers it */
    uint32_t image;   /* of request_module: which program's addresses they are */
    enum { HEAP_ACCESS_NONE, HEAP_ACCESS_READ, HEAP_ACCESS_WRITE, HEAP_ACCESS_SOME } access;
    enum heap_use use;
    uint64_t address;                           /* of the access, or given to free; of an
                                                   uninitialised value: its first byte */
    uint64_t start, bytes;                      /* of the block; both 0: there is none */
    uint64_t blocks, total;                     /* of a leak: from one site, and their bytes */
    struct heap_stack misuse, allocated, freed; /* n = 0: there is none */
};

struct heap_findings {
    uint32_t process;                 /* whose heap is checked: not that of its children */
    _Atomic uint32_t started;         /* the library runs */
    uint32_t ended;                   /* by exit, so that what was left was looked at */
    uint64_t blocks, bytes;           /* that were asked for in all */
    uint64_t unguarded;               /* of the blocks, those that have no page of their own */
    uint64_t live_blocks, live_bytes; /* at the end */
    uint64_t lost;                    /* findings beyond HEAP_FINDINGS_MAX */
    uint64_t blind;                   /* programs that were run unchecked: no malloc was found */
    uint32_t n, nmodules;
    struct heap_finding finding[HEAP_FINDINGS_MAX];
    struct request_module module[HEAP_FINDINGS_MODULES];
};

#endif
