/* watch.h - how much memory any running process uses, without paging it.
 *
 * The processor marks each page that is touched. Who clears the marks (`mark`), waits and reads
 * them (`look`) sees what was touched meanwhile: the working set of that interval (Denning, "The
 * working set model for program behavior", CACM 11(5) 1968). Three methods, by what the kernel lets
 * do:
 *
 *  clear-refs     /proc/PID/clear_refs and the "Referenced" of smaps: the accessed bits of the
 *                 process's own tables, so that what others touch of shared pages does not count
 *  idle           /sys/kernel/mm/page_idle, by frames: tells reclaim what it clears, and counts
 *                 shared pages whoever touched them; root
 *  pagemap-scan   soft-dirty bits, by PAGEMAP_SCAN where the kernel has it (6.7): what was written,
 *                 not what was read
 *
 * What it changes: each mark takes the page tables through; the first touch of a page afterwards is
 * slower (touch_ns, measured on pages of our own when watching begins); and clear-refs takes from
 * the kernel's own reclaim the bits by which it chooses what to evict.
 *
 * proc_pid_smaps(5), proc_pid_clear_refs(5), Linux's Documentation/admin-guide/mm/pagemap.rst,
 * idle_page_tracking.rst.
 */
#ifndef PAGODA_WATCH_H
#define PAGODA_WATCH_H

#include <pagoda/error.h>
#include <stdbool.h>
#include <stdint.h>

#define VM_WATCH_METHODS 3
extern const char *const vm_watch_methods[VM_WATCH_METHODS];

enum vm_watch_kind {
    VM_WATCH_HEAP,   /* what brk(2) gave */
    VM_WATCH_ANON,   /* mappings without a file */
    VM_WATCH_STACK,  /* the first thread's; others' are anonymous */
    VM_WATCH_FILE,   /* private mappings of files */
    VM_WATCH_SHARED, /* MAP_SHARED, of files or not */
    VM_WATCH_OTHER,  /* the kernel's own: vdso and the like */
    VM_WATCH_KINDS
};
extern const char *const vm_watch_kinds[VM_WATCH_KINDS];

#define VM_WATCH_UNKNOWN UINT64_MAX /* the method does not tell */

struct vm_watch_use {
    uint64_t rss, swapped; /* bytes */
    uint64_t touched;      /* bytes of pages that were touched since the mark, or UNKNOWN */
    uint64_t written;      /* or UNKNOWN */
};

struct vm_watch_sample {
    uint64_t at_ns;       /* since watching began */
    uint64_t interval_ns; /* since the mark */
    struct vm_watch_use all, kind[VM_WATCH_KINDS];
    uint64_t minor_faults, major_faults; /* since the mark */
    uint64_t mark_ns, look_ns;           /* what marking and looking took us */
};

struct vm_watch_info {
    int pid;
    char command[64];
    const char *method;
    double touch_ns; /* what the first touch after a mark takes more, of pages of our own */
};

struct vm_watch;

/* `method` NULL: the first that this kernel and our rights allow. Errors: VM_EUSAGE (an unknown
 * method), VM_ESYSTEM (no such process, no permission, a kernel thread, a method that the kernel
 * has not). */
struct vm_watch *vm_watch_open(int pid, const char *method, struct vm_error *e);
void vm_watch_close(struct vm_watch *w); /* NULL is fine */
void vm_watch_info(const struct vm_watch *w, struct vm_watch_info *out);
/* From now on. Errors: VM_ESYSTEM. */
bool vm_watch_mark(struct vm_watch *w, struct vm_error *e);
/* What was touched since the mark, which stays. Errors: VM_ESYSTEM. */
bool vm_watch_look(struct vm_watch *w, struct vm_watch_sample *out, struct vm_error *e);
/* Whether the process has ended: marks and looks fail then. */
bool vm_watch_is_over(const struct vm_watch *w);

#endif
