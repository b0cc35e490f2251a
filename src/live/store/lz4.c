/* lz4.c - compressed memory by LZ4: a page packs in few microseconds, and unpacks in less than
 * one. */
#include "live/packed.h"

static const struct vm_param params[] = {
    {"level", VM_PARAM_COUNT, "1", 1, 65537, NULL, "acceleration: 1 packs best, more is quicker"},
    {"limit", VM_PARAM_BYTES, "0", 0, 0, NULL, "memory that it takes at most; 0: no limit"},
};

static void *lz4_open(const struct vm_store_env *env, struct vm_error *e)
{
    return vm_packed_open(env,
                          &(struct vm_packed_config){
                              .packer = &vm_packer_lz4,
                              .level = (int)vm_params_count(env->params, "level"),
                              .limit_bytes = vm_params_count(env->params, "limit"),
                          },
                          e);
}

const struct vm_store_ops vm_store_lz4 = {
    .name = "lz4",
    .summary = "compressed memory (LZ4): quick",
    .param = params,
    .nparams = sizeof params / sizeof params[0],
    .open = lz4_open,
    VM_PACKED_OPS,
};
