/* registry.c - the backing stores by name: devices.def as a table. */
#include <pagoda/device.h>
#include <string.h>

#define DEVICE(name) extern const struct vm_device_ops vm_device_##name;
#include "device/devices.def"
#undef DEVICE

static const struct vm_device_ops *const rows[] = {
#define DEVICE(name) &vm_device_##name,
#include "device/devices.def"
#undef DEVICE
};

uint64_t vm_device_kept_outside(const void *state, uint64_t bytes)
{
    (void)state, (void)bytes;
    return 0;
}

#define REGISTRY      device
#define REGISTRY_NOUN "device"
#include "base/registry.inc.h"
