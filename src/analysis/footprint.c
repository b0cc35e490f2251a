/* footprint.c - see footprint.h. */
#include "base/bits.h"
#include "engine/pages.h"
#include "engine/replay.h"

#include <math.h>
#include <pagoda/footprint.h>
#include <string.h>

static bool stream_batch(void *host, const struct vm_batch *b, struct vm_error *e)
{
    return vm_page_stream_batch(host, b, e);
}

static bool no_runs(void *host, const struct vm_page_run *run, size_t n, struct vm_error *e)
{
    (void)host, (void)run, (void)n, (void)e;
    return true;
}

static bool count(struct replay *r, unsigned page_shift, struct vm_footprint_pages *out,
                  struct vm_error *e)
{
    struct vm_page_stream s;
    if (!vm_page_stream_open(&s, page_shift, e))
        return false;
    s.emit = no_runs;
    bool done = vm_replay_read(r, "counting pages", (struct replay_consumer){&s, stream_batch}, e);
    out->refs = s.kinds[VM_READ] + s.kinds[VM_WRITE] + s.kinds[VM_FETCH];
    out->touches = out->refs + s.crossings;
    out->pages = s.ids.n;
    vm_page_stream_close(&s);
    return done;
}

bool vm_footprint_count(const struct vm_source *source, uint64_t page_bytes, const char *who,
                        const struct vm_progress *progress, struct vm_footprint_pages *out,
                        struct vm_trace_info *info, struct vm_error *e)
{
    struct vm_config c;
    struct replay r = {.config = &c, .source = source, .progress = progress};
    vm_config_init(&c);
    c.page_bytes = page_bytes;
    bool done = vm_pages_check(&c, e) && vm_replay_may_reread(&r, who, e) &&
                vm_replay_begin(&r, e) && vm_replay_may_reread(&r, who, e) &&
                count(&r, vm_log2(page_bytes), out, e);
    if (done) {
        vm_trace_info(r.trace, info);
        info->name = source->spec;
    }
    vm_replay_end(&r);
    return done;
}

static bool parse_percent(const char *text, const char *what, double *out, struct vm_error *e)
{
    char number[32];
    size_t n = strlen(text) - 1; /* without the sign */
    double percent;
    struct vm_error unused;
    if (n < sizeof number) {
        memcpy(number, text, n);
        number[n] = 0;
        if (vm_parse_real(number, what, &percent, &unused) && percent > 0 && percent <= 100) {
            *out = percent;
            return true;
        }
    }
    return vm_fail(e, VM_EUSAGE,
                   "%s: \"%s\" is no part of a footprint: expected above 0%% to 100%%", what, text);
}

bool vm_size_parse(const char *text, const char *what, struct vm_size *out, struct vm_error *e)
{
    size_t n = strlen(text);
    *out = (struct vm_size){0};
    if (n && text[n - 1] == '%')
        return parse_percent(text, what, &out->percent, e);
    return vm_parse_bytes(text, what, &out->bytes, e) &&
           (out->bytes > 0 ||
            vm_fail(e, VM_EUSAGE, "%s: a memory of nothing: expected a size or a part: 64KiB, 10%%",
                    what));
}

uint64_t vm_size_bytes(struct vm_size s, uint64_t pages, uint64_t page_bytes)
{
    if (s.percent == 0)
        return s.bytes;
    uint64_t n = (uint64_t)llround((double)pages * s.percent / 100);
    return (n ? n : 1) * page_bytes;
}
