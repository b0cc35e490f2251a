/* json.h - what the JSON reports share. */
#ifndef REPORT_JSON_H
#define REPORT_JSON_H

#include <jansson.h>
#include <pagoda/report.h>

/* The trace: name, format, hash, references lost. A new reference. */
json_t *vm_json_trace(const struct vm_trace_info *t);
/* A file's name or a command line, which may hold any bytes: what is not UTF-8 becomes ASCII with ?. */
json_t *vm_json_text(const char *text);
/* "0x7fff0000": JSON numbers cannot hold all addresses. */
const char *vm_json_hex(uint64_t x, char out[32]);
/* Write `root` (NULL: memory ran out while it was made) and a newline; gives up the reference. */
bool vm_json_write(FILE *out, json_t *root, struct vm_error *e);

#endif
