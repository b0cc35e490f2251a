/* watch.h - the ways to see what a process touches (watch_methods.c), and what they stand on
 * (watch.c). Private to live/.
 */
#ifndef LIVE_WATCH_H
#define LIVE_WATCH_H

#include <pagoda/watch.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>

struct vm_watch {
    int folder; /* /proc/PID: it stays this process's, whoever has the number later */
    int pagemap, idle;
    struct vm_watch_info info;
    const struct watch_method *method;
    uint64_t began_ns, marked_ns, mark_ns;
    uint64_t minor, major; /* faults until the mark */
};

/* A mapping of the process. */
struct watch_area {
    uint64_t start, end;
    enum vm_watch_kind kind;
};

struct watch_method {
    const char *name;
    const char
        *clears; /* of clear_refs: what it writes there, or what costs the next touch as much */
    /* Whether this kernel has it, for us, as a try on pages of our own shows. */
    bool (*may)(struct vm_watch *w, struct vm_error *e);
    bool (*mark)(struct vm_watch *w, struct vm_error *e);
    /* Touched and written of a mapping since the mark; what smaps said is there already. */
    void (*look)(struct vm_watch *w, const struct watch_area *a, struct vm_watch_use *use);
};

const struct watch_method *watch_method_at(size_t i); /* in the order of vm_watch_methods */
uint64_t watch_now_ns(void);
/* A file of the process's, below /proc/PID; -1 with errno. */
int watch_file(const struct vm_watch *w, const char *name, int flags);
bool watch_write_clear_refs(struct vm_watch *w, const char *what, struct vm_error *e);

#endif
