/* zstd.c - compressed memory by Zstandard: smaller than LZ4 makes it, and slower. */
#include "live/packed.h"

static const struct vm_param params[] = {
    {"level", VM_PARAM_COUNT, "1", 1, 19, NULL, "1 is quick, 19 packs best"},
    {"limit", VM_PARAM_BYTES, "0", 0, 0, NULL, "memory that it takes at most; 0: no limit"},
};

static void *zstd_open(const struct vm_store_env *env, struct vm_error *e)
{
    return vm_packed_open(env,
                          &(struct vm_packed_config){
                              .packer = &vm_packer_zstd,
                              .level = (int)vm_params_count(env->params, "level"),
                              .limit_bytes = vm_params_count(env->params, "limit"),
                          },
                          e);
}

const struct vm_store_ops vm_store_zstd = {
    .name = "zstd",
    .summary = "compressed memory (Zstandard): small",
    .param = params,
    .nparams = sizeof params / sizeof params[0],
    .open = zstd_open,
    VM_PACKED_OPS,
};
