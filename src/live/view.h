/* view.h - what both ends of the live view agree on. Private to live/. */
#ifndef LIVE_VIEW_H
#define LIVE_VIEW_H

#include <pagoda/live_view.h>

/* Members of struct vm_live_stats that are numbers, beside the counts: X(member). */
#define VIEW_STATS(X)                                                                              \
    X(page_bytes)                                                                                  \
    X(limit_pages)                                                                                 \
    X(resident_pages)                                                                              \
    X(mapped_pages)                                                                                \
    X(pinned_pages)                                                                                \
    X(zero_pages_unstored)                                                                         \
    X(waits)                                                                                       \
    X(failures)                                                                                    \
    X(store_bytes)                                                                                 \
    X(store_pages)

/* Where pager `nth` of the process listens. Errors: VM_ESYSTEM: the name is too long. */
bool view_path(int pid, unsigned nth, char *out, size_t cap, struct vm_error *e);

#endif
