/* device.h - backing stores: what a transfer of a page costs.
 *
 * A device is told of each read and write with its position and answers the nanoseconds it takes.
 * It may remember where its head is. It never holds data: a replay has none.
 */
#ifndef PAGODA_DEVICE_H
#define PAGODA_DEVICE_H

#include <pagoda/error.h>
#include <pagoda/params.h>
#include <pagoda/types.h>

enum vm_transfer { VM_TRANSFER_READ, VM_TRANSFER_WRITE };

struct vm_device_ops {
    const char *name;
    const char *summary;
    const struct vm_param *param; /* each default with its source in the device's file */
    size_t nparams;
    size_t (*size)(void);
    void (*init)(void *state, const struct vm_params *params);
    /* Nanoseconds of one request of `bytes` at byte `position` of the device. */
    uint64_t (*transfer)(void *state, enum vm_transfer kind, uint64_t position, uint64_t bytes);
};

/* The row of devices.def with that name. Errors: VM_EUSAGE with the nearest name. */
const struct vm_device_ops *vm_device_find(const char *name, struct vm_error *e);
const struct vm_device_ops *vm_device_at(size_t i); /* NULL past the end */
bool vm_device_list(size_t i, struct vm_listed *out);

#endif
