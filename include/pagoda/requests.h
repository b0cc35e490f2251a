/* requests.h - a program's requests to its heap, and what heap allocators make of them.
 *
 *     trace --vm_requests_load--> requests (blocks by number) --vm_heap_replay--> one result a heap
 *
 * Loading finds what no allocator could answer: blocks freed that were never there, freed twice.
 * Such a request is a fault of the trace; it is counted, kept for the report, and passed over.
 *
 * Of a heap at a moment, asked: bytes that live blocks were asked for. Then
 *
 *     held = live + free + overhead         live = asked + internal fragmentation
 *     external fragmentation = 1 - (largest free block) / free
 *
 * Wilson, Johnstone, Neely & Boles, "Dynamic storage allocation: a survey and critical review",
 * IWMM 1995, for the method: real programs' requests, replayed, and memory at its peak.
 */
#ifndef PAGODA_REQUESTS_H
#define PAGODA_REQUESTS_H

#include <pagoda/error.h>
#include <pagoda/heap.h>
#include <pagoda/trace.h>

/* What is wrong with a request. */
enum vm_request_fault_kind {
    VM_FAULT_FREE_UNKNOWN,   /* of an address that no block ever had */
    VM_FAULT_FREE_TWICE,     /* of a block that was freed, or was resized to somewhere else */
    VM_FAULT_RESIZE_UNKNOWN, /* as the two above, of a resize */
    VM_FAULT_RESIZE_FREED,
    VM_FAULT_ALLOC_LIVE,  /* at the address of a block that is live */
    VM_FAULT_BYTES_MOST,  /* of more than VM_REQUEST_BYTES_MAX, and it was served */
    VM_FAULT_ALIGN_POWER, /* aligned to no power of two */
};
#define VM_REQUEST_FAULTS      7
#define VM_REQUEST_FAULTS_KEPT 100
#define VM_REQUEST_BYTES_MAX   (UINT64_C(1) << 47)
#define VM_REQUESTS_MAX        (UINT64_C(1) << 31)

struct vm_request_fault {
    uint64_t number; /* of the request in the trace, from 1 */
    enum vm_request_fault_kind kind;
    struct vm_event event;
};
const char *vm_request_fault_text(enum vm_request_fault_kind kind); /* "frees a block twice" */

enum vm_request_kind {
    VM_REQUEST_TAKE,
    VM_REQUEST_GIVE,
    VM_REQUEST_CHANGE, /* the block has other bytes from now on */
    VM_REQUEST_RESET,  /* another program: the heap is as at the beginning */
    VM_REQUEST_NONE,   /* a fault, or what the program did not get either */
};

struct vm_request {
    uint64_t bytes;
    uint32_t block;      /* dense, a number for each take */
    uint8_t kind;        /* enum vm_request_kind */
    uint8_t align_shift; /* take: at least that of VM_HEAP_ALIGN */
    uint16_t thread;     /* modulo 2^16 */
};

struct vm_requests {
    struct vm_request *request; /* [n]: request k of the trace is [k - 1] */
    size_t n;
    uint32_t nblocks;
    uint32_t nthreads;
    uint64_t takes, gives, changes, resets;
    uint64_t zeros;                   /* takes and changes of 0 bytes: served as 1 */
    uint64_t refused;                 /* that the recorded program did not get */
    uint64_t asked_peak, peak_number; /* most bytes asked for at a time, and after which request */
    uint64_t asked_end, asked_all;    /* still live at the end; of all takes and changes */
    uint64_t faults[VM_REQUEST_FAULTS], nfaults;
    struct vm_request_fault fault[VM_REQUEST_FAULTS_KEPT]; /* the first of them */
};

/* Read a trace to its end. References and other events are passed over; an exec or exit resets the
 * heap. Errors: VM_EINPUT (no requests, too many), VM_ESYSTEM. */
bool vm_requests_load(struct vm_requests *out, struct vm_trace *t, struct vm_error *e);
void vm_requests_free(struct vm_requests *r); /* a zeroed struct is fine */

#define VM_HEAP_SAMPLES 512
#define VM_HEAP_LIMIT   (UINT64_C(1) << 36) /* the region, if nobody says: nothing of it is used */

/* A heap after a request. */
struct vm_heap_moment {
    uint64_t number; /* of the request; 0: before the first */
    uint64_t asked;
    struct vm_heap_usage usage;
};

struct vm_heap_options {
    uint64_t limit; /* bytes that the heap may grow to; 0: VM_HEAP_LIMIT */
    uint32_t cpus;  /* threads are dealt out to them in turn; 0: 1 */
    uint64_t at;    /* after which request the map is drawn; 0: no map */
};

struct vm_heap_result {
    const struct vm_heap_ops *ops;
    char spec[128];
    struct vm_heap_moment peak, end; /* when most was asked for; after the last request */
    uint64_t held_peak;
    uint64_t failures;           /* takes and changes that were not served */
    uint64_t lost;               /* gives and changes of blocks that had not been served */
    uint64_t moves, moved_bytes; /* changes for which the block went elsewhere */
    uint64_t requests;           /* that the heap was asked */
    uint64_t searched, splits, merges, grows, shrinks;
    size_t nsamples;
    struct vm_heap_moment
        sample[VM_HEAP_SAMPLES]; /* evenly over the requests, the last at the end */
    struct vm_heap_moment map;
    struct vm_heap_piece *piece; /* [npieces] of the map */
    size_t npieces;
};

/* The requests through the heap `spec` ("best_fit:order=address"). Errors: VM_EUSAGE (an unknown
 * heap, a parameter, a limit), VM_ESYSTEM. */
bool vm_heap_replay(const struct vm_requests *r, const char *spec,
                    const struct vm_heap_options *options, struct vm_heap_result *out,
                    struct vm_error *e);
void vm_heap_result_free(struct vm_heap_result *r); /* a zeroed struct is fine */

/* The requests again, with nothing looked at: nanoseconds a request, measured. */
bool vm_heap_time(const struct vm_requests *r, const char *spec,
                  const struct vm_heap_options *options, double *ns, struct vm_error *e);

/* The requests in a process of the host's own, under an allocator of its libraries. */
struct vm_heap_measured {
    char name[32];     /* "glibc" */
    uint64_t rss_peak; /* bytes of memory beyond what the process had before the first request */
    double ns;         /* a request */
    uint64_t failures;
};

/* Run the program `player` (preload/heap_play.c) on the requests, with the shared object `library`
 * loaded before others, or none. Errors: VM_ESYSTEM. */
bool vm_heap_measure(const struct vm_requests *r, const char *name, const char *player,
                     const char *library, struct vm_heap_measured *out, struct vm_error *e);

/* Shares of 1; 0 where there is nothing to share. */
double vm_heap_internal(const struct vm_heap_moment *m); /* of live */
double vm_heap_external(const struct vm_heap_moment *m);

#endif
