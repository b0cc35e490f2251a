/* trace.h - streams of memory references and events.
 *
 * A trace is what a program did to its address spaces: references (read, write, fetch of some
 * bytes at an address) and events (map, unmap, protect, advise, fork, exec, exit, switch, and what
 * a program asks of its heap: alloc, free, resize). It comes from a file in one of the formats of
 * formats.def, from a workload generator (workloads.def, written "@zipf:pages=1M"), or from memory.
 * Readers hand out batches that they own.
 *
 * Invariants of a batch
 *  1. Events are ordered by `at`, and event k happens before reference `at` of the batch
 *     (at == nrefs: after the last).
 *  2. A reference belongs to the address space of the last switch event, in this batch or an
 *     earlier one; before any, to address space 0.
 *  3. size >= 1 and va + size - 1 does not wrap.
 */
#ifndef PAGODA_TRACE_H
#define PAGODA_TRACE_H

#include <pagoda/error.h>
#include <pagoda/params.h>
#include <pagoda/types.h>

#define VM_BATCH_REFS   4096 /* references in a reader's batch at most: 40 KiB of columns */
#define VM_BATCH_EVENTS 512
#define VM_SIZE_MAX     16383 /* bytes of one reference at most */

enum vm_event_kind {
    VM_EVENT_MAP = 1, /* [va, va + bytes) becomes a mapping with prot and backing, replacing any */
    VM_EVENT_UNMAP,
    VM_EVENT_PROTECT,
    VM_EVENT_ADVISE, /* detail: enum vm_advice */
    VM_EVENT_FORK,   /* `child` becomes a copy of `asid` */
    VM_EVENT_EXEC,   /* every mapping of `asid` goes */
    VM_EVENT_EXIT,   /* every mapping of `asid` goes, and its tables */
    VM_EVENT_SWITCH, /* the following references belong to `asid` */
    /* Requests to a heap, by which no mapping changes. */
    VM_EVENT_ALLOC,  /* `bytes` at `va` became a block; va 0: they could not be had */
    VM_EVENT_FREE,   /* the block at `va` goes back */
    VM_EVENT_RESIZE, /* the block at `from` has `bytes` at `va` now; va 0: it stays as it was */
};
#define VM_EVENT_KINDS 12 /* one past the last */

/* Whether an event is a request to a heap: nothing that address spaces are told of. */
static inline bool vm_event_is_request(unsigned kind)
{
    return kind >= VM_EVENT_ALLOC;
}

/* The function that a request was made by. */
enum vm_request_call {
    VM_REQUEST_UNKNOWN,
    VM_REQUEST_MALLOC,
    VM_REQUEST_CALLOC,
    VM_REQUEST_REALLOC, /* of no block an alloc, to no bytes a free */
    VM_REQUEST_REALLOCARRAY,
    VM_REQUEST_ALIGNED_ALLOC,
    VM_REQUEST_POSIX_MEMALIGN,
    VM_REQUEST_MEMALIGN,
    VM_REQUEST_VALLOC,
    VM_REQUEST_PVALLOC,
    VM_REQUEST_FREE,
};
#define VM_REQUEST_CALLS 11
extern const char *const vm_request_call_names[VM_REQUEST_CALLS]; /* "malloc" */

enum vm_backing {
    VM_BACKING_UNKNOWN,
    VM_BACKING_ANON,
    VM_BACKING_FILE,  /* private: what is written to it is the process's own */
    VM_BACKING_SHARED /* a file: what is written to it is the file's, for all who map it */
};
#define VM_BACKINGS 4
enum vm_advice {
    VM_ADVICE_NORMAL,
    VM_ADVICE_RANDOM,
    VM_ADVICE_SEQUENTIAL,
    VM_ADVICE_WILLNEED,
    VM_ADVICE_DONTNEED,
    VM_ADVICE_FREE,
    VM_ADVICE_OTHER,
    VM_ADVICE_LOCK, /* from now on what is there stays in memory, and what comes */
    VM_ADVICE_UNLOCK,
    VM_ADVICE_COLD,      /* as if it had not been touched lately */
    VM_ADVICE_PAGEOUT,   /* it leaves memory, where nobody shares it */
    VM_ADVICE_HUGE,      /* huge pages are welcome */
    VM_ADVICE_SMALL,     /* they are not */
    VM_ADVICE_COLLAPSE,  /* what is there becomes huge pages at once, where that can be */
    VM_ADVICE_DONT_FORK, /* a child does not get it */
    VM_ADVICE_DO_FORK,
    VM_ADVICE_WIPE_ON_FORK, /* a child gets it empty */
    VM_ADVICE_KEEP_ON_FORK,
    VM_ADVICE_READ_ONLY, /* whose file is open for reading: it will never be written to */
    VM_ADVICE_OF_FILE,   /* of a mapping that was just made: its pages are those of the file whose
                            number is `child`, by their own numbers */
    VM_ADVICE_SYNC,      /* what is dirty was written to its backing, and stays, clean */
    VM_ADVICE_STORED,    /* it has contents in its backing, though nobody wrote them here */
};
#define VM_ADVICES (VM_ADVICE_STORED + 1)

struct vm_event {
    uint32_t at;    /* the reference of the batch before which it happens */
    uint8_t kind;   /* enum vm_event_kind */
    uint8_t prot;   /* map, protect: enum vm_prot bits */
    uint8_t detail; /* map: enum vm_backing; advise: enum vm_advice; request: its call */
    vm_asid asid;   /* whose address space; switch: the new one */
    vm_asid child;  /* fork; advise of a file: its number, from 1 */
    vm_va va;       /* page-aligned down by the consumer */
    uint64_t bytes;
    /* map: which file, and the page of it that va is, where they are known; 0: a file of its own.
     * Traces do not say; a kernel that runs programs does. */
    uint32_t file; /* 1 to VM_FILE_NUMBER_MAX */
    uint64_t file_page;
    /* requests only */
    uint32_t thread; /* 1, 2, ... in the order in which they were first seen; 0: unknown */
    uint32_t site;   /* where it was called from: 1 to VM_SITES_MAX, vm_trace_info's; 0: unknown */
    uint64_t align;  /* alloc: what was asked for; 0: nothing beyond what every block has */
    vm_va from;      /* resize: the block's address before */
};
#define VM_SITES_MAX (UINT32_C(1) << 20)

#define VM_FILE_NUMBER_MAX ((UINT32_C(1) << 20) - 1)

/* Of a map event; what a trace writes there and nobody knows here is unknown. */
static inline enum vm_backing vm_event_backing(const struct vm_event *event)
{
    return event->detail < VM_BACKINGS ? (enum vm_backing)event->detail : VM_BACKING_UNKNOWN;
}

/* meta[i]: the access in the low 2 bits, the size in bytes above them. */
static inline uint16_t vm_ref_meta(enum vm_access access, unsigned bytes)
{
    return (uint16_t)(bytes << 2 | access);
}
static inline enum vm_access vm_ref_access(uint16_t meta)
{
    return (enum vm_access)(meta & 3);
}
static inline unsigned vm_ref_bytes(uint16_t meta)
{
    return meta >> 2;
}

/* A view: the columns belong to the reader and are valid until its next read. */
struct vm_batch {
    uint32_t nrefs, nevents;
    const vm_va *va;              /* [nrefs] */
    const uint16_t *meta;         /* [nrefs] */
    const struct vm_event *event; /* [nevents] */
};

struct vm_trace; /* an open trace */

struct vm_trace_options {
    const char *format; /* "csv:address=addr", or NULL: found by content */
    uint64_t seed;      /* of a workload */
    uint64_t skip;      /* references to pass over first (by the index where there is one) */
    uint64_t limit;     /* references to deliver at most; 0: all */
    enum { VM_DAMAGE_FAILS, VM_DAMAGE_SKIPPED } damage; /* what a torn block of a .pgt does */
};

struct vm_trace_info {
    const char *name;   /* as the user gave it */
    const char *format; /* the row's name: "lackey", or "workload" */
    bool complete_maps; /* its events name every mapping: a touch elsewhere is a violation */
    uint64_t refs;      /* references in all, 0: not known before the end */
    uint64_t bytes_done, bytes_all; /* of the file as stored, for a progress bar; all 0: unknown */
    uint64_t hash;      /* XXH3-64 of the content read so far; of a workload: of its spec, seed */
    uint64_t refs_lost; /* in torn blocks passed over */
    const char *origin; /* how a .pgt was made, as its writer was told; or NULL */
    /* Names of the sites of its requests, site 1 first; complete when the trace has been read to
     * its end. */
    const char *const *site; /* [nsites], the trace's */
    uint32_t nsites;
};

/* Open `spec`: a path, "-" (standard input), or "@workload:params". options may be NULL.
 * Errors: VM_EUSAGE (unknown format, workload, parameter), VM_EINPUT, VM_ESYSTEM. */
struct vm_trace *vm_trace_open(const char *spec, const struct vm_trace_options *options,
                               struct vm_error *e);

/* The same over bytes in memory that outlive the trace; `name` is for messages. */
struct vm_trace *vm_trace_open_bytes(const void *data, size_t bytes, const char *name,
                                     const struct vm_trace_options *options, struct vm_error *e);

/* The next batch. At the end, a batch with nrefs == 0 and nevents == 0. Errors: VM_EINPUT. */
bool vm_trace_read(struct vm_trace *t, struct vm_batch *out, struct vm_error *e);

void vm_trace_info(const struct vm_trace *t, struct vm_trace_info *out);
void vm_trace_close(struct vm_trace *t); /* NULL is fine */

/* A trace held whole in memory as columns, 10 bytes a reference. */
struct vm_columns {
    uint64_t nrefs, nevents;
    vm_va *va;
    uint16_t *meta;
    struct vm_event *event; /* ordered by ref[]; their `at` is unused */
    uint64_t *event_ref;    /* the reference before which event k happens */
    bool complete_maps;
};
bool vm_columns_load(struct vm_columns *out, struct vm_trace *t, struct vm_error *e);
void vm_columns_free(struct vm_columns *c);
/* A trace over columns that outlive it; its batches point into them, nothing is copied but events.
 */
struct vm_trace *vm_trace_open_columns(const struct vm_columns *c, const char *name,
                                       struct vm_error *e);

/* Writing .pgt. The file appears under its name only when vm_pgt_finish succeeds. */
struct vm_pgt_writer;
struct vm_pgt_options {
    const char *origin; /* how the trace was made, for `pagoda info`: the command line; or NULL */
    bool complete_maps;
    int level; /* zstd level; 0: the default, 9 */
};
struct vm_pgt_writer *vm_pgt_create(const char *path, const struct vm_pgt_options *options,
                                    struct vm_error *e);
bool vm_pgt_append(struct vm_pgt_writer *w, const struct vm_batch *batch, struct vm_error *e);
/* The name of the next site, from 1 on: any text of fewer than 4096 bytes. */
bool vm_pgt_name_site(struct vm_pgt_writer *w, const char *name, struct vm_error *e);
bool vm_pgt_finish(struct vm_pgt_writer *w, struct vm_error *e); /* frees w either way */
void vm_pgt_abort(struct vm_pgt_writer *w);                      /* nothing is left; NULL is fine */

/* Row i of formats.def and workloads.def, for `pagoda list` and the man page; false past the end.
 */
bool vm_format_list(size_t i, struct vm_listed *out);
bool vm_workload_list(size_t i, struct vm_listed *out);

#endif
