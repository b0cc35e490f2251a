/* requests.c - a trace's requests with blocks by number, and the faults among them; see requests.h.
 *
 * Invariant: state[id] says of the address with that id what is there: nothing yet, a block that
 * was, or the number of the live block and its bytes.
 */
#include <pagoda/requests.h>

#include "base/assert.h"
#include "base/intern.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define SPACE_SHIFT 48 /* of an address's key: its address space is above */

enum where { NEVER, WAS, LIVE };

struct place {
    uint64_t bytes;
    uint32_t block;
    uint8_t where; /* enum where */
};

struct loader {
    struct vm_requests r;
    size_t cap;
    struct vm_intern addresses;
    struct place *place; /* [addresses.n], room for places_cap */
    size_t places_cap;
    uint64_t asked;
};

const char *vm_request_fault_text(enum vm_request_fault_kind kind)
{
    static const char *const texts[VM_REQUEST_FAULTS] = {
        [VM_FAULT_FREE_UNKNOWN] = "frees what was never allocated",
        [VM_FAULT_FREE_TWICE] = "frees a block that is free",
        [VM_FAULT_RESIZE_UNKNOWN] = "resizes what was never allocated",
        [VM_FAULT_RESIZE_FREED] = "resizes a block that is free",
        [VM_FAULT_ALLOC_LIVE] = "is given a block that is live",
        [VM_FAULT_BYTES_MOST] = "asks for more bytes than there are addresses",
        [VM_FAULT_ALIGN_POWER] = "asks for an alignment that is no power of two",
    };
    return texts[kind];
}

static bool no_memory(const struct loader *l, struct vm_error *e)
{
    return vm_fail(e, VM_ESYSTEM, "out of memory after %zu requests", l->r.n);
}

/* The place at an address; NULL: no memory. */
static struct place *place_at(struct loader *l, const struct vm_event *event, vm_va va)
{
    uint32_t id = vm_intern_id(&l->addresses, va | (uint64_t)event->asid << SPACE_SHIFT);
    if (id == UINT32_MAX)
        return NULL;
    if (id >= l->places_cap) {
        size_t cap = l->places_cap ? 2 * l->places_cap : 1024;
        struct place *place = reallocarray(l->place, cap, sizeof *place);
        if (!place)
            return NULL;
        memset(place + l->places_cap, 0, (cap - l->places_cap) * sizeof *place);
        l->place = place;
        l->places_cap = cap;
    }
    return &l->place[id];
}

static void fault(struct loader *l, const struct vm_event *event, enum vm_request_fault_kind kind)
{
    if (l->r.nfaults < VM_REQUEST_FAULTS_KEPT)
        l->r.fault[l->r.nfaults] = (struct vm_request_fault){l->r.n, kind, *event};
    l->r.faults[kind]++;
    l->r.nfaults++;
}

/* ---- what requests do ---- */

static void ask(struct loader *l, uint64_t more, uint64_t less)
{
    l->asked += more - less;
    l->r.asked_all += more;
    if (l->asked > l->r.asked_peak) {
        l->r.asked_peak = l->asked;
        l->r.peak_number = l->r.n;
    }
}

static void become_live(struct place *p, uint32_t block, uint64_t bytes)
{
    *p = (struct place){bytes, block, LIVE};
}

static bool take(struct loader *l, struct vm_request *out, const struct vm_event *event,
                 struct vm_error *e)
{
    if (event->va == 0) {
        l->r.refused++;
        return true;
    }
    struct place *p = place_at(l, event, event->va);
    if (!p)
        return no_memory(l, e);
    if (event->bytes > VM_REQUEST_BYTES_MAX) {
        fault(l, event, VM_FAULT_BYTES_MOST);
        return true;
    }
    if (p->where == LIVE) { /* that its free is missing is likelier than that two blocks overlap */
        fault(l, event, VM_FAULT_ALLOC_LIVE);
        return true;
    }
    if (event->align & (event->align - 1))
        fault(l, event, VM_FAULT_ALIGN_POWER);
    uint64_t align = event->align > VM_HEAP_ALIGN ? event->align : VM_HEAP_ALIGN;
    *out = (struct vm_request){.bytes = event->bytes,
                               .block = l->r.nblocks++,
                               .kind = VM_REQUEST_TAKE,
                               .align_shift = (uint8_t)(63 - __builtin_clzll(align))};
    become_live(p, out->block, event->bytes);
    ask(l, event->bytes, 0);
    l->r.takes++;
    l->r.zeros += event->bytes == 0;
    return true;
}

static bool give(struct loader *l, struct vm_request *out, const struct vm_event *event,
                 struct vm_error *e)
{
    struct place *p = place_at(l, event, event->va);
    if (!p)
        return no_memory(l, e);
    if (p->where != LIVE) {
        fault(l, event, p->where == WAS ? VM_FAULT_FREE_TWICE : VM_FAULT_FREE_UNKNOWN);
        return true;
    }
    *out = (struct vm_request){.block = p->block, .kind = VM_REQUEST_GIVE};
    ask(l, 0, p->bytes);
    p->where = WAS;
    l->r.gives++;
    return true;
}

static bool change(struct loader *l, struct vm_request *out, const struct vm_event *event,
                   struct vm_error *e)
{
    struct place *p = place_at(l, event, event->from);
    if (!p)
        return no_memory(l, e);
    if (event->va == 0) {
        l->r.refused++;
        return true;
    }
    if (p->where != LIVE) {
        fault(l, event, p->where == WAS ? VM_FAULT_RESIZE_FREED : VM_FAULT_RESIZE_UNKNOWN);
        return true;
    }
    if (event->bytes > VM_REQUEST_BYTES_MAX) {
        fault(l, event, VM_FAULT_BYTES_MOST);
        return true;
    }
    struct place old = *p;
    p->where = WAS;
    if (!(p = place_at(l, event, event->va)))
        return no_memory(l, e);
    if (p->where == LIVE)
        fault(l, event, VM_FAULT_ALLOC_LIVE);
    *out =
        (struct vm_request){.bytes = event->bytes, .block = old.block, .kind = VM_REQUEST_CHANGE};
    become_live(p, old.block, event->bytes);
    ask(l, event->bytes, old.bytes);
    l->r.changes++;
    l->r.zeros += event->bytes == 0;
    return true;
}

static void reset(struct loader *l, struct vm_request *out)
{
    for (uint32_t i = 0; i < l->addresses.n && i < l->places_cap; i++)
        l->place[i].where = NEVER;
    out->kind = VM_REQUEST_RESET;
    l->asked = 0;
    l->r.resets++;
}

/* ---- reading ---- */

static struct vm_request *next_request(struct loader *l)
{
    if (l->r.n == l->cap) {
        size_t cap = l->cap ? 2 * l->cap : 4096;
        struct vm_request *request = reallocarray(l->r.request, cap, sizeof *request);
        if (!request)
            return NULL;
        l->r.request = request;
        l->cap = cap;
    }
    struct vm_request *r = &l->r.request[l->r.n++];
    *r = (struct vm_request){.kind = VM_REQUEST_NONE};
    return r;
}

static bool load_event(struct loader *l, const struct vm_event *event, struct vm_error *e)
{
    bool is_end = event->kind == VM_EVENT_EXEC || event->kind == VM_EVENT_EXIT;
    if (!vm_event_is_request(event->kind) && !(is_end && l->r.n))
        return true;
    if (l->r.n == VM_REQUESTS_MAX)
        return vm_fail(e, VM_EINPUT, "more than %" PRIu64 " requests", VM_REQUESTS_MAX);
    struct vm_request *out = next_request(l);
    if (!out)
        return no_memory(l, e);
    if (is_end) {
        reset(l, out);
        return true;
    }
    l->r.nthreads = event->thread > l->r.nthreads ? event->thread : l->r.nthreads;
    bool good = event->kind == VM_EVENT_ALLOC  ? take(l, out, event, e)
                : event->kind == VM_EVENT_FREE ? give(l, out, event, e)
                                               : change(l, out, event, e);
    out->thread = (uint16_t)(event->thread ? event->thread - 1 : 0);
    return good;
}

static bool load(struct loader *l, struct vm_trace *t, struct vm_error *e)
{
    struct vm_batch b;
    do {
        if (!vm_trace_read(t, &b, e))
            return false;
        for (uint32_t i = 0; i < b.nevents; i++)
            if (!load_event(l, &b.event[i], e))
                return false;
    } while (b.nrefs || b.nevents);
    if (l->r.n)
        return true;
    struct vm_trace_info info;
    vm_trace_info(t, &info);
    vm_fail(e, VM_EINPUT, "%s: no requests to a heap: expected a trace of them", info.name);
    return vm_hint(e, "pagoda record --heap -- PROGRAM makes one");
}

bool vm_requests_load(struct vm_requests *out, struct vm_trace *t, struct vm_error *e)
{
    struct loader *l = calloc(1, sizeof *l);
    if (!l)
        return vm_fail(e, VM_ESYSTEM, "out of memory for requests");
    bool good = vm_intern_open(&l->addresses, e) && load(l, t, e);
    vm_intern_close(&l->addresses);
    free(l->place);
    l->r.asked_end = l->asked;
    if (good)
        *out = l->r;
    else
        vm_requests_free(&l->r);
    free(l);
    return good;
}

void vm_requests_free(struct vm_requests *r)
{
    free(r->request);
    r->request = NULL;
    r->n = 0;
}
