/* detector.c - see detector.h; and rules of thrashing by name, detections.def as a table. */
#include "analysis/detector.h"
#include "base/assert.h"

#include <string.h>

#define DETECTION(name) extern const struct vm_detection_ops vm_detection_##name;
#include "analysis/detections.def"
#undef DETECTION

static const struct vm_detection_ops *const rows[] = {
#define DETECTION(name) &vm_detection_##name,
#include "analysis/detections.def"
#undef DETECTION
};

#define REGISTRY      detection
#define REGISTRY_NOUN "thrashing rule"
#include "base/registry.inc.h"

bool detector_open(struct detector *d, const char *spec, uint64_t window_ns, struct vm_error *e)
{
    char name[VM_CONFIG_TEXT];
    struct vm_params params;
    const char *text = vm_spec_split(spec ? spec : VM_DETECTION_USUAL, name, sizeof name);
    *d = (struct detector){.window_ns = window_ns ? window_ns : VM_DETECTION_WINDOW_NS,
                           .ops = vm_detection_find(name, e)};
    if (!d->ops || !vm_params_parse(&params, name, d->ops->param, d->ops->nparams, text, e))
        return false;
    d->high = vm_params_real(&params, "high");
    d->low = vm_params_real(&params, "low");
    return d->low <= d->high ||
           vm_fail(e, VM_EUSAGE, "%s: high=%g and low=%g: expected low at most high", name, d->high,
                   d->low);
}

static struct vm_detection_view since(const struct detector_meter *from,
                                      const struct detector_meter *to)
{
    return (struct vm_detection_view){
        .elapsed_ns = to->now_ns - from->now_ns,
        .idle_ns = to->idle_ns - from->idle_ns,
        .processor_ns = to->processor_ns - from->processor_ns,
        .transfer_ns = to->transfer_ns - from->transfer_ns,
        .majors = to->majors - from->majors,
    };
}

static void begin(struct detector *d, uint64_t now_ns)
{
    struct vm_detected *r = &d->result;
    if (r->times++ == 0)
        r->first_ns = now_ns;
    d->thrashes = true;
    d->since_ns = now_ns;
}

static void end(struct detector *d, uint64_t now_ns)
{
    d->result.lasted_ns += now_ns - d->since_ns;
    d->thrashes = false;
}

bool detector_look(struct detector *d, const struct detector_meter *now)
{
    VM_ASSERT(now->now_ns >= d->start.now_ns);
    if (now->now_ns - d->start.now_ns < d->window_ns)
        return false;
    const struct vm_detection_view v = since(&d->start, now);
    double rate = d->ops->rate(&v);
    d->start = *now;
    d->level = rate > d->high ? VM_RATE_HIGH : rate < d->low ? VM_RATE_LOW : VM_RATE_BETWEEN;
    d->result.windows++;
    if (rate > d->result.rate_peak)
        d->result.rate_peak = rate;
    if (d->level == VM_RATE_HIGH && !d->thrashes)
        begin(d, now->now_ns);
    else if (d->level == VM_RATE_LOW && d->thrashes)
        end(d, now->now_ns);
    return true;
}

void detector_end(struct detector *d, uint64_t now_ns)
{
    if (d->thrashes)
        end(d, now_ns);
}
