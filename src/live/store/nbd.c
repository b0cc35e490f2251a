/* nbd.c - pages on a network block device: the memory or the disk of another machine.
 *
 * A process of its own speaks to the server (io_nbd.h). Where the server is gone, reads wait for it
 * up to the timeout, then fail; what could not be written stays here, is read from here, and
 * further writes are refused until it can be.
 *
 * What is there already is only overwritten if it is zeros, or its header says that a store left
 * it. Two programs must not have the same device: the protocol has no lock. A child of fork has no
 * store, since both would write the same device.
 */
#include "live/depot.h"
#include "live/io_nbd.h"

static const struct vm_param params[] = {
    {"uri", VM_PARAM_TEXT, "nbd://localhost", 0, 0, NULL,
     "the server: nbd://HOST:PORT, nbd+unix:///?socket=PATH"},
    {"timeout", VM_PARAM_REAL, "30", 0, 86400, NULL, "seconds that a server may be gone"},
};

static void nothing_to_close(void *medium)
{
    (void)medium;
}

/* Written is with the server: what it does with it is its own. */
static int nothing_to_sync(void *medium, int file)
{
    (void)medium, (void)file;
    return 0;
}

static void *nbd_open(const struct vm_store_env *env, struct vm_error *e)
{
    struct vm_io_nbd_config config = {
        .uri = vm_params_text(env->params, "uri"),
        .timeout_ms = (uint64_t)(vm_params_real(env->params, "timeout") * 1000),
        .page_bytes = env->page_bytes,
        .buffer_bytes = vm_depot_buffers(env->page_bytes),
    };
    void *io = vm_io_nbd.open(&config, e);
    if (!io)
        return NULL;
    uint64_t room = vm_io_nbd_bytes(io) / env->page_bytes - 1, most = 2 * env->pages_max;
    void *store = vm_depot_open(env,
                                &(struct vm_medium){
                                    .io_ops = &vm_io_nbd,
                                    .io = io,
                                    .file = -1,
                                    .buffers = vm_io_nbd_buffers(io),
                                    .nslots = room < most ? room : most,
                                    .sync = nothing_to_sync,
                                    .close = nothing_to_close,
                                },
                                e);
    if (!store)
        vm_io_nbd.close(io);
    return store;
}

const struct vm_store_ops vm_store_nbd = {
    .name = "nbd",
    .summary = "a network block device, through libnbd",
    .param = params,
    .nparams = sizeof params / sizeof params[0],
    .open = nbd_open,
    VM_DEPOT_OPS,
};
