/* curve_words.c - see curve_words.h. */
#include "report/curve_words.h"

#include <pagoda/params.h>
#include <stdio.h>
#include <string.h>

size_t vm_curve_page_sizes(const struct vm_curves *s)
{
    size_t n = s->ncurves != 0;
    for (size_t i = 1; i < s->ncurves; i++)
        n += s->curve[i].page_bytes != s->curve[i - 1].page_bytes;
    return n;
}

const char *vm_curve_unit(const struct vm_curves *s)
{
    return s->of == VM_CURVE_OF_TLB ? "entries" : "frames";
}

const char *vm_curve_policy(const struct vm_curve *c, char out[VM_CURVE_NAME])
{
    snprintf(out, VM_CURVE_NAME, "%s%s", c->policy, c->way == VM_CURVE_SAMPLED ? " sampled" : "");
    return out;
}

const char *vm_curve_name(const struct vm_curves *s, const struct vm_curve *c,
                          char out[VM_CURVE_NAME])
{
    char page[32];
    vm_curve_policy(c, out);
    size_t n = strlen(out);
    if (vm_curve_page_sizes(s) > 1)
        snprintf(out + n, VM_CURVE_NAME - n, ", pages of %s",
                 vm_text_bytes(c->page_bytes, page, sizeof page));
    return out;
}
