/* policy_trace.c - see policy_trace.h: a page number on each line. */
#include "oracle/policy_trace.h"

#include "base/assert.h"
#include "base/bytes.h"

#include <stdio.h>
#include <stdlib.h>

void policy_trace_read(vm_pageref *ref)
{
    struct vm_error e = {0};
    char path[4096];
    size_t got, n = 0;
    const char *source = getenv("PAGODA_SOURCE");
    snprintf(path, sizeof path, "%s/tests/golden/data/pages-200k.txt.xz", source ? source : ".");
    struct vm_bytes *b = vm_bytes_open(path, &e);
    if (!b)
        fprintf(stderr, "%s\n", e.text);
    VM_ASSERT(b);
    for (const uint8_t *line; (line = vm_bytes_peek(b, 16, &got, &e)) && got;) {
        uint32_t page = 0;
        size_t i = 0;
        for (; i < got && line[i] >= '0' && line[i] <= '9'; i++)
            page = page * 10 + line[i] - '0';
        VM_ASSERT(i > 0 && i < got && line[i] == '\n' && n < POLICY_TRACE_REFS &&
                  page < POLICY_TRACE_PAGES);
        ref[n++] = page * 2;
        vm_bytes_skip(b, i + 1);
    }
    vm_bytes_close(b);
    VM_ASSERT(n == POLICY_TRACE_REFS);
}
