/* io_nbd.h - transfers to a server of network block devices, through a process of their own
 * (nbd_helper.c). Private to live/.
 */
#ifndef LIVE_IO_NBD_H
#define LIVE_IO_NBD_H

#include "live/io.h"

struct vm_io_nbd_config {
    const char *uri;
    uint64_t timeout_ms;
    uint32_t page_bytes;
    size_t buffer_bytes; /* all `data` of requests will lie in the buffers */
};

/* `how` is a struct vm_io_nbd_config. Errors: VM_ESYSTEM (no server), VM_EUSAGE (what is there is
 * not ours, or cannot be written). */
extern const struct vm_io_ops vm_io_nbd;
void *vm_io_nbd_buffers(void *io);
uint64_t vm_io_nbd_bytes(const void *io); /* of the server's device */

#endif
