/* fuzz_machine.c - any text as a machine description, and a short run on the machine it makes.
 *
 * The input is INI text, then optionally a zero byte and what references derive from: five bytes
 * each (page, offset, access and size, an event now and then). Memory is clamped to 4 MiB, and
 * machines with more than a thousand TLB entries or 16 Ki cache lines are only parsed, for speed. A
 * description that parses must print back to itself.
 */
#include <pagoda/engine.h>
#include <pagoda/policy.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { REFS = 400, TEXT = 4096 };

static void require(bool condition)
{
    if (!condition)
        abort();
}

static void check_echo(const struct vm_config *c)
{
    char text[VM_CONFIG_TEXT], echo[VM_CONFIG_TEXT];
    struct vm_config again;
    struct vm_error e;
    const struct vm_option *o;
    vm_config_init(&again);
    for (size_t i = 0; (o = vm_option_at(i)); i++) {
        require(vm_config_set(&again, o, vm_config_text(c, o, text, sizeof text), &e));
        require(!strcmp(text, vm_config_text(&again, o, echo, sizeof echo)));
    }
}

/* Whether a run of it takes no more than a moment. */
static bool is_small(struct vm_config *c)
{
    struct vm_tlb_plan plan;
    struct vm_cache_plan caches;
    struct vm_walk_cache_plan walk_caches;
    struct vm_error e = {0};
    uint64_t entries = c->prefetch == VM_PREFETCH_NONE ? 0 : c->prefetch_entries, lines = 0;
    char name[VM_CONFIG_TEXT];
    if (c->memory_bytes > 4 << 20)
        c->memory_bytes = 4 << 20;
    if (vm_tlb_plan_parse(&plan, c->tlb, &e))
        for (size_t i = 0; i < plan.n; i++)
            entries += plan.tlb[i].entries;
    if (vm_cache_plan_parse(&caches, c->cache, &e))
        for (size_t i = 0; i < caches.caches.n; i++)
            lines += caches.caches.cache[i].bytes / caches.caches.cache[i].line_bytes;
    if (vm_walk_cache_plan_parse(&walk_caches, c->walk_caches, &e))
        for (size_t i = 0; i < walk_caches.n; i++)
            entries += walk_caches.cache[i].entries;
    vm_spec_split(c->policy, name, sizeof name);
    const struct vm_policy_ops *policy = vm_policy_find(name, &e);
    bool flat =
        !strncmp(c->scheme, "linear", 6); /* its tables may be large, and are looked through */
    return entries <= 1000 && lines <= 16384 && !flat &&
           (!policy || policy->future == VM_FUTURE_UNUSED);
}

struct input {
    const uint8_t *at, *end;
};

static unsigned take(struct input *in)
{
    return in->at < in->end ? *in->at++ : 0;
}

static struct vm_event some_event(struct input *in, uint32_t at)
{
    return (struct vm_event){
        .at = at,
        .kind = (uint8_t)(1 + take(in) % (VM_EVENT_KINDS - 1)),
        .prot = (uint8_t)take(in) & (VM_PROT_ALL | VM_PROT_GLOBAL),
        .detail = (uint8_t)take(in) % 7,
        .asid = (vm_asid)(take(in) % 3),
        .child = (vm_asid)(3 + take(in) % 2),
        .va = (uint64_t)take(in) << 12,
        .bytes = 1 + ((uint64_t)take(in) << 10),
    };
}

static void run(struct vm_engine *m, struct input in)
{
    vm_va va[REFS];
    uint16_t meta[REFS];
    struct vm_event event[REFS];
    struct vm_batch b = {.va = va, .meta = meta, .event = event};
    struct vm_error e = {0};
    struct vm_counts counts;
    while (b.nrefs < REFS && in.at < in.end) {
        unsigned page = take(&in), what = take(&in);
        if (what >= 240)
            event[b.nevents++] = some_event(&in, b.nrefs);
        va[b.nrefs] =
            ((uint64_t)page << 12) + (what & 63 ? 0 : (uint64_t)take(&in) << 40) + take(&in) * 16;
        meta[b.nrefs++] = vm_ref_meta((enum vm_access)(what % 3), 1 + what * 20);
    }
    if (vm_engine_run(m, &b, &e)) {
        vm_engine_check(m);
        vm_engine_counts(m, &counts);
        require(counts.refs == b.nrefs);
        return;
    }
    require((e.code == VM_EMACHINE || e.code == VM_EINPUT) && e.text[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    char text[TEXT];
    struct vm_config c;
    struct vm_error e = {0};
    size_t length = strnlen((const char *)data, n < TEXT - 1 ? n : TEXT - 1);
    memcpy(text, data, length);
    text[length] = 0;
    vm_config_init(&c);
    if (!vm_config_parse(&c, "fuzz", text, &e)) {
        require(e.code == VM_EUSAGE || e.code == VM_EMACHINE);
        require(!strncmp(e.text, "fuzz:", 5));
        return 0;
    }
    check_echo(&c);
    if (!is_small(&c))
        return 0;
    struct vm_engine *m = vm_engine_open(
        &c, c.stray == VM_STRAY_OPTION_FAULTS ? VM_STRAY_FAULTS : VM_STRAY_MAPS, NULL, &e);
    if (m)
        run(m, (struct input){data + length, data + n});
    else
        require(e.code && e.text[0]);
    vm_engine_close(m);
    return 0;
}
