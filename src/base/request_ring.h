/* request_ring.h - the memory that a recorded program and its recorder share: what the program asks
 * of its heap goes in at one end, in one order, and comes out at the other.
 *
 *     tail                    head
 *      | slot | slot | slot |  .  |         a turn is a number, its slot the turn modulo the slots
 *      ^ the recorder's next  ^ the next turn that a thread takes
 *
 * The idea: taking a turn is one atomic addition, and puts the requests of all threads in one
 * order. A thread then fills its slot and marks it as told. What was told is there when the program
 * has ended, by whatever means. Vyukov, "Bounded MPMC queue", 1024cores.net, 2010, with one reader.
 *
 * Invariants
 *  1. A slot is filled by who has its turn, once tail is past the turn that used it before.
 *  2. A slot whose `told` is its turn + 1 is whole.
 *  3. A free takes its turn before the block goes back, an alloc after it has its block: so in the
 *     order of turns no two live blocks overlap. A realloc is two turns, one before and one after.
 *  4. Modules up to `modules` are whole and never change.
 */
#ifndef BASE_REQUEST_RING_H
#define BASE_REQUEST_RING_H

#include <stdatomic.h>
#include <stdint.h>

#define REQUEST_RING_SLOTS   (UINT64_C(1) << 16)
#define REQUEST_RING_MODULES 1024
#define REQUEST_RING_PATH    232
#define REQUEST_RING_ENV     "PAGODA_REQUEST_RING" /* the path of the file that has it */

enum request_told {
    REQUEST_TOLD_ALLOC,
    REQUEST_TOLD_FREE,
    REQUEST_TOLD_RESIZE,  /* before: of the block `from` */
    REQUEST_TOLD_RESIZED, /* after: it is at `va`; 0: it stays */
    REQUEST_TOLD_EXEC,    /* another program in the same process: its heap is empty */
};

struct request_slot {
    _Atomic uint64_t told;
    uint64_t va, bytes, from, align;
    uint64_t pc; /* where the call returns to */
    uint32_t thread;
    uint8_t kind, call; /* enum request_told; enum vm_request_call */
    uint16_t image;     /* programs before it in this process */
    uint64_t unused;    /* a slot is a line of the cache: threads next to each other do not share */
};

/* What lies at some addresses of the program: a file that it was loaded from. */
struct request_module {
    uint64_t start, end;
    uint64_t bias; /* less this, an address is that of the file's symbols */
    uint32_t image;
    char path[REQUEST_RING_PATH];
};

struct request_ring {
    _Atomic uint32_t process; /* who is recorded; other processes that have the ring tell nothing */
    _Atomic uint32_t images;  /* programs that began to tell in it */
    uint32_t reader;          /* the recorder's process */
    _Atomic uint32_t modules;
    _Atomic uint32_t modules_lock;
    _Alignas(64) _Atomic uint64_t head;
    _Alignas(64) _Atomic uint64_t tail;
    _Alignas(64) struct request_module module[REQUEST_RING_MODULES];
    _Alignas(64) struct request_slot slot[REQUEST_RING_SLOTS];
};

#endif
