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

static uint64_t none_transfer(void *state, enum vm_transfer kind, uint64_t position, uint64_t bytes)
{
    (void)state;
    (void)kind;
    (void)position;
    (void)bytes;
    return 0;
}

const struct vm_device_ops vm_device_none = {
    .name = "none",
    .summary = "a store that costs nothing",
    .size = none_size,
    .init = none_init,
    .transfer = none_transfer,
};
