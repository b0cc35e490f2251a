/* json.c - see json.h. */
#include "report/json.h"

json_t *vm_json_trace(const struct vm_trace_info *t)
{
    char hash[32];
    return json_pack("{s:s, s:s, s:s, s:b, s:I}", "name", t->name, "format", t->format, "hash",
                     vm_json_hex(t->hash, hash), "complete_maps", t->complete_maps, "refs_lost",
                     (json_int_t)t->refs_lost);
}

const char *vm_json_hex(uint64_t x, char out[32])
{
    snprintf(out, 32, "0x%llx", (unsigned long long)x);
    return out;
}

bool vm_json_write(FILE *out, json_t *root, struct vm_error *e)
{
    if (!root)
        return vm_fail(e, VM_ESYSTEM, "no memory for the JSON report, or a name that is not UTF-8");
    bool written = json_dumpf(root, out, JSON_INDENT(2) | JSON_REAL_PRECISION(12)) == 0 &&
                   fputc('\n', out) != EOF;
    json_decref(root);
    return written || vm_fail(e, VM_ESYSTEM, "cannot write the JSON report");
}
