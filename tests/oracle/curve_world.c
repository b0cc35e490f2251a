/* curve_world.c - see curve_world.h. */
#include "oracle/curve_world.h"

#include "base/assert.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void measure(struct vm_curve_request *r, struct vm_curves *out)
{
    struct vm_error e = {0};
    if (!r->npages)
        r->page_bytes[r->npages++] = 4096;
    if (!vm_curve_measure(r, out, &e))
        fprintf(stderr, "%s: %s\n", r->source.spec, e.text);
    VM_ASSERT(e.code == VM_OK);
}

void curve_of_pages(struct vm_curve_request request, const uint32_t *page, size_t n,
                    struct vm_curves *out)
{
    char *text = malloc(12 * n + 1), *at = text;
    struct vm_trace_options options = {.format = "pages"};
    VM_ASSERT(text);
    for (size_t i = 0; i < n; i++)
        at += sprintf(at, "%u\n", page[i]);
    request.source = (struct vm_source){
        .spec = "world", .options = &options, .bytes = text, .nbytes = (size_t)(at - text)};
    measure(&request, out);
    free(text);
}

void curve_of_trace(struct vm_curve_request request, const char *spec, struct vm_curves *out)
{
    struct vm_trace_options options = {.seed = 1};
    request.source = (struct vm_source){.spec = spec, .options = &options};
    measure(&request, out);
}

const struct vm_curve *curve_find(const struct vm_curves *s, const char *policy,
                                  enum vm_curve_way way, uint64_t page_bytes)
{
    for (size_t i = 0; i < s->ncurves; i++)
        if (s->curve[i].way == way && s->curve[i].page_bytes == page_bytes &&
            !strcmp(s->curve[i].policy, policy))
            return &s->curve[i];
    VM_ASSERT(!"there is such a curve");
    return NULL;
}
