/* log.h - what the pager hears, written down as it hears it. Private to live/.
 *
 * Whoever adds holds the pager's lock, and may be a handler of a signal: a record is one store into
 * a window of a file that is mapped beside. When the window is full the next one is mapped, by raw
 * system calls. So no record waits for a thread, and none is lost if the process is killed: what
 * the file has then can still be finished (vm_live_log_finish).
 *
 *      PATH.part   a head, records, zeros     --finish-->     PATH: a .pgt (docs/formats/pgt.md)
 *
 * A record is a word: what, 4 bits; a page, 28; how many pages, 32. What happens to pages that
 * adjoin, one after the other, is one record; touches and regions are one each.
 */
#ifndef LIVE_LOG_H
#define LIVE_LOG_H

#include <pagoda/error.h>
#include <stdint.h>

enum log_what {
    LOG_NOTHING, /* the end */
    LOG_READ,
    LOG_WRITE,
    LOG_REGION,
    LOG_NO_REGION,
    LOG_FORGET,
    LOG_KEEP,
    LOG_CLEAN,
    LOG_LEAVE,
    LOG_PIN,
    LOG_UNPIN,
    LOG_NORMAL, /* and the other advice, in the order of enum vm_pager_advice */
    LOG_RANDOM,
    LOG_SEQUENTIAL,
    LOG_OPEN, /* pages may come along, or not (vm_live_options.may_come) */
    LOG_SHUT,
};

struct vm_log;

/* `origin` goes into the .pgt. Errors: VM_ESYSTEM. */
struct vm_log *vm_log_open(const char *path, const char *origin, uint32_t page_bytes,
                           struct vm_error *e);
void vm_log_add(struct vm_log *g, enum log_what what, uint32_t first, uint32_t n); /* NULL: does
                                                                                      nothing */
/* Nothing more is added; the file is the .pgt. Errors: VM_ESYSTEM: a record found no room, or the
 * file cannot be written. Then what there is stays in PATH.part. NULL is fine. */
bool vm_log_close(struct vm_log *g, struct vm_error *e);
/* In a child of fork, whose touches are not the log's: it is the parent's alone. NULL is fine. */
void vm_log_leave(struct vm_log *g);

#endif
