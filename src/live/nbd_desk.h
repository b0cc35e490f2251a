/* nbd_desk.h - how a process that faults asks another one, which may use libnbd: shared memory with
 * requests, and a socket whose bytes say "look there" and whose end says that the other is gone.
 * Private to live/.
 *
 *      FREE --asker--> ASKED --helper--> TAKEN --helper--> DONE --asker--> FREE
 *                        ^------- server gone -------'
 */
#ifndef LIVE_NBD_DESK_H
#define LIVE_NBD_DESK_H

#include "live/io.h"

#include <stdatomic.h>

#define VM_NBD_DEPTH   64
#define VM_NBD_MESSAGE 200

enum vm_nbd_state { VM_NBD_FREE, VM_NBD_ASKED, VM_NBD_TAKEN, VM_NBD_DONE };

struct vm_nbd_desk;
struct vm_nbd_asked {
    _Atomic uint32_t state;
    enum vm_io_kind kind;
    uint64_t offset, data; /* on the server; in the buffers */
    uint32_t bytes;
    int32_t result;           /* bytes, or -errno */
    uint64_t tag;             /* the asker's */
    uint64_t begun_ms;        /* the helper's */
    struct vm_nbd_desk *desk; /* the helper's */
};

struct vm_nbd_desk {
    _Atomic uint32_t opened; /* 0: not yet; 1, or an enum vm_code + 1 and the message */
    _Atomic uint32_t ndone;  /* counts what was done: a futex */
    uint64_t server_bytes;
    char message[VM_NBD_MESSAGE];
    struct vm_nbd_asked asked[VM_NBD_DEPTH];
};

/* What the helper needs to know. */
struct vm_nbd_job {
    struct vm_nbd_desk *desk;
    uint8_t *buffers;
    int socket;
    const char *uri;
    uint64_t timeout_ms;
    uint32_t header_bytes;
};

/* The helper's life: returns when the asker is gone, or nothing could be opened. */
void vm_nbd_help(const struct vm_nbd_job *job);

#endif
