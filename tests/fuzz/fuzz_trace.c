/* fuzz_trace.c - any bytes as a trace: it reads to an error or its end, and every batch keeps the
 * invariants of trace.h.
 *
 * The first byte chooses the format: row i of formats.def, or the content's own past the last row.
 * Built with libFuzzer (clang -fsanitize=fuzzer,address,undefined).
 */
#include <pagoda/trace.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void require(bool condition)
{
    if (!condition)
        abort();
}

static void check_batch(const struct vm_batch *b)
{
    require(b->nrefs <= VM_BATCH_REFS && b->nevents <= VM_BATCH_EVENTS);
    for (uint32_t i = 0; i < b->nrefs; i++) {
        unsigned bytes = vm_ref_bytes(b->meta[i]);
        require(vm_ref_access(b->meta[i]) < VM_ACCESSES);
        require(bytes >= 1 && bytes <= VM_SIZE_MAX && b->va[i] + (bytes - 1) >= b->va[i]);
    }
    uint32_t at = 0;
    for (uint32_t k = 0; k < b->nevents; k++) {
        const struct vm_event *v = &b->event[k];
        require(v->at >= at && v->at <= b->nrefs);
        require(v->kind >= VM_EVENT_MAP && v->kind < VM_EVENT_KINDS);
        require(v->asid <= VM_ASID_MAX && v->child <= VM_ASID_MAX);
        require(v->kind > VM_EVENT_ADVISE || (v->bytes && v->va + (v->bytes - 1) >= v->va));
        at = v->at;
    }
}

static void read_all(const uint8_t *data, size_t n, const struct vm_trace_options *options)
{
    struct vm_error e = {0};
    struct vm_batch b;
    struct vm_trace_info info;
    struct vm_trace *t = vm_trace_open_bytes(data, n, "fuzz", options, &e);
    if (!t) {
        require(e.code == VM_EINPUT && e.text[0]);
        return;
    }
    bool good;
    while ((good = vm_trace_read(t, &b, &e)) && (b.nrefs || b.nevents))
        check_batch(&b);
    require(good || (e.code == VM_EINPUT && e.text[0]));
    vm_trace_info(t, &info);
    require(info.name && info.format);
    vm_trace_close(t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct vm_listed row;
    struct vm_trace_options options = {0};
    if (n == 0)
        return 0;
    if (vm_format_list(data[0], &row))
        options.format = row.name;
    options.skip = data[0] >> 6;
    read_all(data + 1, n - 1, &options);
    return 0;
}
