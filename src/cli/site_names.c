/* site_names.c - see site_names.h. The symbols of a file are read when it is first asked for. */
#include "cli/site_names.h"

#include "base/symbols.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct site_names {
    const struct request_module *module;
    uint32_t n;
    struct names_of_module {
        bool opened;
        struct vm_symbols *symbols; /* NULL: it has none */
    } of[];                         /* [n] */
};

struct site_names *site_names_open(const struct request_module *module, uint32_t n,
                                   struct vm_error *e)
{
    struct site_names *s = calloc(1, sizeof *s + n * sizeof s->of[0]);
    if (!s) {
        vm_fail(e, VM_ESYSTEM, "out of memory for names of sites");
        return NULL;
    }
    s->module = module;
    s->n = n;
    return s;
}

void site_names_close(struct site_names *s)
{
    for (uint32_t i = 0; s && i < s->n; i++)
        vm_symbols_close(s->of[i].symbols);
    free(s);
}

static uint32_t find_module(const struct site_names *s, uint32_t image, uint64_t pc)
{
    uint32_t i = 0;
    while (i < s->n &&
           (s->module[i].image != image || pc < s->module[i].start || pc >= s->module[i].end))
        i++;
    return i;
}

static const struct vm_symbols *open_symbols(struct site_names *s, uint32_t i)
{
    if (!s->of[i].opened)
        s->of[i].symbols = vm_symbols_open(s->module[i].path);
    s->of[i].opened = true;
    return s->of[i].symbols;
}

/* `back`: how far before the address the instruction is that is meant. */
static const char *put_name(struct site_names *s, uint32_t image, uint64_t pc, uint64_t back,
                            char out[SITE_NAME])
{
    uint64_t offset = 0;
    uint32_t i = find_module(s, image, pc);
    if (i == s->n) {
        snprintf(out, SITE_NAME, "0x%llx", (unsigned long long)pc);
        return out;
    }
    const struct request_module *m = &s->module[i];
    const char *slash = strrchr(m->path, '/'), *file = slash ? slash + 1 : m->path;
    const struct vm_symbols *symbols = open_symbols(s, i);
    uint64_t address = pc - m->bias;
    const char *name = symbols ? vm_symbols_find(symbols, address - back, &offset) : NULL;
    if (name)
        snprintf(out, SITE_NAME, "%s+0x%llx (%.200s+0x%llx)", file, (unsigned long long)address,
                 name, (unsigned long long)(offset + back));
    else
        snprintf(out, SITE_NAME, "%s+0x%llx", file, (unsigned long long)address);
    return out;
}

const char *site_name(struct site_names *s, uint32_t image, uint64_t pc, char out[SITE_NAME])
{
    return put_name(s, image, pc, 1, out);
}

const char *site_name_at(struct site_names *s, uint32_t image, uint64_t pc, char out[SITE_NAME])
{
    return put_name(s, image, pc, 0, out);
}
