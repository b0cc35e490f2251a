/* requests.c - requests to a heap as comma-separated values, as `pagoda convert -o FILE.csv` writes
 * them.
 *
 *     request,call,address,bytes,align,from,thread,site
 *     alloc,malloc,0x5010,24,0,0,1,cc1+0x81d5 (xmalloc+0x1b)
 *     resize,realloc,0x6000,48,0,0x5010,1,cc1+0x81f0 (xrealloc+0x17)
 *     free,free,0x6000,0,0,0,1,
 *
 * The first line is as it stands here. Numbers are decimal, or hexadecimal after 0x. Requests are
 * alloc, free and resize; exec is a program that takes the process's place. An alloc or resize
 * without an address (0) was not served. The site is any text without a newline; equal texts are
 * one site. Blank lines and # lines are passed over.
 */
#include "trace/text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#define HEADER "request,call,address,bytes,align,from,thread,site"

struct requests {
    struct vm_reader reader; /* ids: hashes of the sites' names */
    bool headed;
    char **site; /* [nsites], room for sites_cap */
    uint32_t nsites, sites_cap;
};

static bool word_is(const uint8_t *p, size_t n, const char *word)
{
    return strlen(word) == n && !memcmp(p, word, n);
}

/* The number of the row's word among `words`, and what follows its comma; NULL: none of them. */
static const uint8_t *parse_word(const uint8_t *p, const char *const *words, unsigned n,
                                 unsigned *out)
{
    size_t length = 0;
    while (p[length] != ',' && p[length] != '\n')
        length++;
    for (*out = 0; *out < n; ++*out)
        if (words[*out] && word_is(p, length, words[*out]))
            return p[length] == ',' ? p + length + 1 : NULL;
    return NULL;
}

static const uint8_t *parse_number(const uint8_t *p, uint64_t *out)
{
    p = vm_text_number(p, out);
    return p && *p == ',' ? p + 1 : NULL;
}

static bool add_site(struct requests *s, const uint8_t *name, size_t n)
{
    if (s->nsites == s->sites_cap) {
        uint32_t cap = s->sites_cap ? 2 * s->sites_cap : 64;
        char **site = realloc(s->site, cap * sizeof *site);
        if (!site)
            return false;
        s->site = site;
        s->sites_cap = cap;
    }
    char *text = calloc(n + 1, 1);
    if (!text)
        return false;
    memcpy(text, name, n);
    s->site[s->nsites++] = text;
    return true;
}

/* The number of a site's name, 0 of an empty one. */
static bool site_of(struct requests *s, const uint8_t *name, uint32_t *out, struct vm_error *e)
{
    size_t n = 0;
    while (name[n] != '\n' && name[n] != '\r')
        n++;
    *out = 0;
    if (!n)
        return true;
    uint32_t id = vm_intern_id(&s->reader.ids, XXH3_64bits(name, n));
    if (id == UINT32_MAX || (id == s->nsites && !add_site(s, name, n)))
        return vm_fail(e, VM_ESYSTEM, "%s: out of memory for sites",
                       vm_bytes_name(s->reader.bytes));
    if (id >= VM_SITES_MAX)
        return vm_record_bad(&s->reader, e, "one site too many: expected at most %u", VM_SITES_MAX);
    *out = id + 1;
    return true;
}

/* A line is read up to its newline, and no further. */
static bool is_header(const uint8_t *line)
{
    size_t n = 0;
    while (HEADER[n] && line[n] == (uint8_t)HEADER[n])
        n++;
    return !HEADER[n] && vm_text_end(line + n);
}

static const uint8_t *parse_header(struct requests *s, const uint8_t *line, struct vm_error *e)
{
    if (!is_header(line))
        return vm_line_bad(&s->reader, "header", line, "\r", HEADER, e);
    s->headed = true;
    return vm_text_next(line);
}

static const uint8_t *parse_numbers(const struct requests *s, const uint8_t *p,
                                    struct vm_event *event, struct vm_error *e)
{
    uint64_t thread = 0;
    uint64_t *const number[] = {&event->va, &event->bytes, &event->align, &event->from, &thread};
    static const char *const names[] = {"address", "bytes", "align", "from", "thread"};
    for (int i = 0; i < 5; i++) {
        const uint8_t *next = parse_number(p, number[i]);
        if (!next || thread > UINT32_MAX)
            return vm_line_bad(&s->reader, names[i], p, ",\r",
                               "decimal digits, or 0x and hex digits", e);
        p = next;
    }
    event->thread = (uint32_t)thread;
    return p;
}

static inline const uint8_t *parse_line(struct requests *s, const uint8_t *line,
                                        struct vm_batch_builder *out, struct vm_error *e)
{
    static const char *const kinds[] = {"alloc", "free", "resize", "exec"};
    static const uint8_t kind_of[] = {VM_EVENT_ALLOC, VM_EVENT_FREE, VM_EVENT_RESIZE,
                                      VM_EVENT_EXEC};
    if (vm_text_silent(line))
        return vm_text_next(line);
    if (!s->headed)
        return parse_header(s, line, e);
    unsigned kind, call;
    struct vm_event event = {0};
    const uint8_t *p = parse_word(line, kinds, 4, &kind);
    if (!p)
        return vm_line_bad(&s->reader, "request", line, ",\r", "alloc, free, resize or exec", e);
    const uint8_t *word = p;
    if (!(p = parse_word(word, vm_request_call_names, VM_REQUEST_CALLS, &call)))
        return vm_line_bad(&s->reader, "call", word, ",\r", "malloc, free, ... or unknown", e);
    if (!(p = parse_numbers(s, p, &event, e)) || !site_of(s, p, &event.site, e))
        return NULL;
    event.kind = kind_of[kind];
    event.detail = kind_of[kind] == VM_EVENT_EXEC ? 0 : (uint8_t)call;
    /* What a kind has no use for is not kept: a .pgt has no place for it. */
    event.bytes = event.kind == VM_EVENT_FREE ? 0 : event.bytes;
    event.align = event.kind == VM_EVENT_ALLOC ? event.align : 0;
    event.from = event.kind == VM_EVENT_RESIZE ? event.from : 0;
    vm_builder_event(out, event);
    return vm_text_next(p);
}

#define TEXT_STATE requests
#include "trace/text_template.inc.h"

static void *requests_open(struct vm_bytes *bytes, const struct vm_params *params,
                           const struct vm_trace_options *options, struct vm_error *e)
{
    return vm_reader_with_ids(open_lines(bytes, params, options, e), e);
}

static void requests_info(const void *state, struct vm_trace_info *out)
{
    const struct requests *s = state;
    out->site = (const char *const *)s->site;
    out->nsites = s->nsites;
}

static void requests_close(void *state)
{
    struct requests *s = state;
    for (uint32_t i = 0; i < s->nsites; i++)
        free(s->site[i]);
    free(s->site);
    vm_reader_close(state);
}

const struct vm_format_ops vm_format_requests = {
    .name = "requests",
    .summary = "requests to a heap: comma-separated values, as `pagoda convert` writes them",
    .probe = probe_lines,
    .open = requests_open,
    .read = read_lines,
    .info = requests_info,
    .skip = vm_reader_skip,
    .close = requests_close,
};
