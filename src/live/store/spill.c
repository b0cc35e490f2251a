/* spill.c - compressed memory up to a limit, and behind it a file: what has been there longest goes
 * to the file, as it was before it was compressed, in batches of 64 pages.
 *
 * Whole pages and not packed ones, since they can be read by themselves, in runs, ahead, and leave
 * no holes of their own: what the file store has for them. The price is the file's bandwidth.
 */
#include "live/packed.h"

#include <stdio.h>

enum { CODEC_LZ4, CODEC_ZSTD };
static const struct vm_param params[] = {
    {"limit", VM_PARAM_BYTES, "256MiB", 65536, 0x1p60, NULL, "memory that it takes at most"},
    {"codec", VM_PARAM_WORD, "lz4", 0, 0, "lz4|zstd", "what compresses"},
    {"path", VM_PARAM_TEXT, "", 0, 0, NULL, "the file, as of the store `file`"},
    {"io", VM_PARAM_WORD, "uring", 0, 0, "uring|sync", "how, as of the store `file`"},
};

static void *file_open(const struct vm_store_env *env, const struct vm_store_ops *file,
                       struct vm_error *e)
{
    char text[160];
    struct vm_params given;
    const char *path = vm_params_text(env->params, "path");
    snprintf(text, sizeof text, "io=%s%s%s", vm_params_text(env->params, "io"),
             path[0] ? ",path=" : "", path);
    if (!vm_params_parse(&given, "spill", file->param, file->nparams, text, e))
        return NULL;
    return file->open(&(struct vm_store_env){.page_bytes = env->page_bytes,
                                             .pages_max = env->pages_max,
                                             .params = &given},
                      e);
}

static void *spill_open(const struct vm_store_env *env, struct vm_error *e)
{
    const struct vm_store_ops *file = vm_store_find("file", e);
    void *behind = file ? file_open(env, file, e) : NULL;
    if (!behind)
        return NULL;
    bool is_lz4 = vm_params_count(env->params, "codec") == CODEC_LZ4;
    void *store = vm_packed_open(env,
                                 &(struct vm_packed_config){
                                     .packer = is_lz4 ? &vm_packer_lz4 : &vm_packer_zstd,
                                     .level = 1,
                                     .limit_bytes = vm_params_count(env->params, "limit"),
                                     .behind = file,
                                     .behind_store = behind,
                                 },
                                 e);
    if (!store)
        file->close(behind);
    return store;
}

const struct vm_store_ops vm_store_spill = {
    .name = "spill",
    .summary = "compressed memory up to a limit, behind it a file",
    .param = params,
    .nparams = sizeof params / sizeof params[0],
    .open = spill_open,
    VM_PACKED_OPS,
};
