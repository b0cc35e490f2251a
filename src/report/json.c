/* json.c - see json.h. */
#include "report/json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void vm_json_put(struct vm_json *j, json_t *object, const char *key, json_t *value)
{
    j->failed |= json_object_set_new(object, key, value) != 0;
}

void vm_json_add(struct vm_json *j, json_t *array, json_t *value)
{
    j->failed |= json_array_append_new(array, value) != 0;
}

json_t *vm_json_trace(const struct vm_trace_info *t)
{
    char hash[32];
    return json_pack("{s:o, s:s, s:s, s:b, s:I}", "name", vm_json_text(t->name), "format",
                     t->format, "hash", vm_json_hex(t->hash, hash), "complete_maps",
                     t->complete_maps, "refs_lost", (json_int_t)t->refs_lost);
}

json_t *vm_json_footprint(const struct vm_footprint *f)
{
    return json_pack("{s:I, s:I, s:I}", "own_bytes", (json_int_t)f->own_bytes, "shared_bytes",
                     (json_int_t)f->shared_bytes, "kernel_bytes", (json_int_t)f->kernel_bytes);
}

static json_t *option_json(const struct vm_config *c, const struct vm_option *o)
{
    char text[VM_CONFIG_TEXT];
    const void *field = (const char *)c + o->offset;
    switch (o->kind) {
    case VM_PARAM_BYTES:
    case VM_PARAM_COUNT:
        return json_integer((json_int_t) * (const uint64_t *)field);
    case VM_PARAM_REAL:
        return json_real(*(const double *)field);
    case VM_PARAM_WORD:
    case VM_PARAM_TEXT:
        break;
    }
    return json_string(vm_config_text(c, o, text, sizeof text));
}

json_t *vm_json_config(struct vm_json *j, const struct vm_config *c)
{
    json_t *config = json_object();
    for (size_t i = 0; vm_option_at(i); i++) {
        const struct vm_option *o = vm_option_at(i);
        if (!json_object_get(config, o->section))
            vm_json_put(j, config, o->section, json_object());
        json_t *section = json_object_get(config, o->section);
        vm_json_put(j, section, o->key, option_json(c, o));
    }
    return config;
}

static json_t *device_json(const struct vm_queue_counts *c)
{
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "reads",
                     (json_int_t)c->requests[VM_TRANSFER_READ], "writes",
                     (json_int_t)c->requests[VM_TRANSFER_WRITE], "read_bytes",
                     (json_int_t)c->bytes[VM_TRANSFER_READ], "written_bytes",
                     (json_int_t)c->bytes[VM_TRANSFER_WRITE], "busy_ns", (json_int_t)c->busy_ns,
                     "queued_ns", (json_int_t)c->queued_ns);
}

static double share(uint64_t part, uint64_t other)
{
    return part ? (double)part / ((double)part + (double)other) : 0;
}

static json_t *share_json(struct vm_json *j, const struct vm_queue_counts *c,
                          const struct vm_queue_counts *other)
{
    static const char *const keys[] = {"read_share", "written_share"};
    json_t *device = device_json(c);
    for (int kind = 0; kind < VM_TRANSFERS; kind++)
        vm_json_put(j, device, keys[kind], json_real(share(c->bytes[kind], other->bytes[kind])));
    return device;
}

void vm_json_put_devices(struct vm_json *j, json_t *object, const struct vm_config *c,
                         const struct vm_queue_counts device[VM_SWAP_LEVELS])
{
    const struct vm_queue_counts *fast = &device[VM_SWAP_FAST], *slow = &device[VM_SWAP_SLOW];
    if (!vm_config_has_slow(c)) {
        vm_json_put(j, object, "device", device_json(fast));
        return;
    }
    vm_json_put(j, object, "device", share_json(j, fast, slow));
    vm_json_put(j, object, "slow_device", share_json(j, slow, fast));
}

json_t *vm_json_text(const char *text)
{
    json_t *string = json_string(text);
    if (string)
        return string;
    char *plain = strdup(text);
    for (char *c = plain; c && *c; c++)
        if (*c & 0x80)
            *c = '?';
    string = plain ? json_string(plain) : NULL;
    free(plain);
    return string;
}

const char *vm_json_hex(uint64_t x, char out[32])
{
    snprintf(out, 32, "0x%llx", (unsigned long long)x);
    return out;
}

static bool write_as(FILE *out, const struct vm_json *j, json_t *root, size_t layout,
                     struct vm_error *e)
{
    if (!root || j->failed) {
        json_decref(root);
        return vm_fail(e, VM_ESYSTEM, "no memory for the JSON report");
    }
    bool written =
        json_dumpf(root, out, layout | JSON_REAL_PRECISION(12)) == 0 && fputc('\n', out) != EOF;
    json_decref(root);
    return written || vm_fail(e, VM_ESYSTEM, "the JSON report: cannot write: %s", strerror(errno));
}

bool vm_json_write(FILE *out, const struct vm_json *j, json_t *root, struct vm_error *e)
{
    return write_as(out, j, root, JSON_INDENT(2), e);
}

bool vm_json_line(FILE *out, const struct vm_json *j, json_t *root, struct vm_error *e)
{
    return write_as(out, j, root, JSON_COMPACT, e);
}
