/* json.h - what the JSON reports share. */
#ifndef REPORT_JSON_H
#define REPORT_JSON_H

#include <jansson.h>
#include <pagoda/report.h>

/* A document being made. Memory may run out at any member: that sticks here, so that half a
 * document is never written. */
struct vm_json {
    bool failed;
};

/* Give `value` (NULL: it could not be made) to a member of an object, to an array's end. */
void vm_json_put(struct vm_json *j, json_t *object, const char *key, json_t *value);
void vm_json_add(struct vm_json *j, json_t *array, json_t *value);

/* The trace: name, format, hash, references lost. A new reference. */
json_t *vm_json_trace(const struct vm_trace_info *t);
/* The whole effective machine, by section. A new reference. */
json_t *vm_json_config(struct vm_json *j, const struct vm_config *c);
/* Bytes of tables. A new reference. */
json_t *vm_json_footprint(const struct vm_footprint *f);
/* A file's name or a command line, which may hold any bytes: what is not UTF-8 becomes ASCII with
 * question marks. A new reference, or NULL. */
json_t *vm_json_text(const char *text);
/* What the swap devices did, as members `device` and, where there are two, `slow_device`, then with
 * the part of all bytes that each one moved. */
void vm_json_put_devices(struct vm_json *j, json_t *object, const struct vm_config *c,
                         const struct vm_queue_counts device[VM_SWAP_LEVELS]);
/* What a machine is, and all that it counted, as members. */
void vm_json_put_machine(struct vm_json *j, json_t *object, const struct vm_result *r);
/* "0x7fff0000": JSON numbers cannot hold all addresses. */
const char *vm_json_hex(uint64_t x, char out[32]);
/* Write `root` and a newline; gives up the reference. Errors: VM_ESYSTEM: memory ran out while the
 * document was made, or it cannot be written. */
bool vm_json_write(FILE *out, const struct vm_json *j, json_t *root, struct vm_error *e);
/* The same in one line, of reports that follow each other. */
bool vm_json_line(FILE *out, const struct vm_json *j, json_t *root, struct vm_error *e);

#endif
