/* none.c - a store that costs nothing: for counting faults without pricing them. */
#include <pagoda/device.h>

static size_t none_size(void)
{
    return 0;
}

static void none_init(void *state, const struct vm_params *params)
{
    (void)state;
    (void)params;
}

static uint32_t none_depth(const void *state)
{
    (void)state;
    return 1;
}

static struct vm_service none_service(void *state, enum vm_transfer kind, uint64_t position,
                                      uint64_t bytes, uint64_t start_ns)
{
    (void)state, (void)kind, (void)position, (void)bytes, (void)start_ns;
    return (struct vm_service){0};
}

const struct vm_device_ops vm_device_none = {
    .name = "none",
    .summary = "a store that costs nothing",
    .server = VM_SERVED_BY_DEVICE,
    .size = none_size,
    .init = none_init,
    .depth = none_depth,
    .service = none_service,
    .kept = vm_device_kept_outside,
};
