/* naive_requests.c - see naive_requests.h. Nothing is kept that can be counted. */
#include "oracle/naive_requests.h"

#include "base/assert.h"

uint64_t naive_requests_asked(const struct naive_requests *s)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < s->n; i++)
        sum += s->block[i].live ? s->block[i].bytes : 0;
    return sum;
}

uint64_t naive_requests_live(const struct naive_requests *s)
{
    uint64_t n = 0;
    for (size_t i = 0; i < s->n; i++)
        n += s->block[i].live;
    return n;
}

/* The newest block that was at an address. */
static struct naive_block *block_at(struct naive_requests *s, vm_va va)
{
    for (size_t i = s->n; i > 0; i--)
        if (s->block[i - 1].va == va)
            return &s->block[i - 1];
    return NULL;
}

static void fault(struct naive_requests *s, enum vm_request_fault_kind kind)
{
    s->faults[kind]++;
    s->last_fault = kind;
}

static void add(struct naive_requests *s, vm_va va, uint64_t bytes)
{
    VM_ASSERT(s->n < NAIVE_BLOCKS);
    s->block[s->n++] = (struct naive_block){va, bytes, true};
    s->asked_all += bytes;
    s->zeros += bytes == 0;
}

static bool is_power(uint64_t n)
{
    for (int i = 0; i < 64; i++)
        if (n == UINT64_C(1) << i)
            return true;
    return false;
}

static void alloc(struct naive_requests *s, const struct vm_event *v)
{
    const struct naive_block *b = block_at(s, v->va);
    if (!v->va) {
        s->refused++;
        return;
    }
    if (v->bytes > VM_REQUEST_BYTES_MAX) {
        fault(s, VM_FAULT_BYTES_MOST);
        return;
    }
    if (b && b->live) {
        fault(s, VM_FAULT_ALLOC_LIVE);
        return;
    }
    if (v->align && !is_power(v->align))
        fault(s, VM_FAULT_ALIGN_POWER);
    add(s, v->va, v->bytes);
    s->takes++;
}

static void give(struct naive_requests *s, const struct vm_event *v)
{
    struct naive_block *b = block_at(s, v->va);
    if (!b)
        fault(s, VM_FAULT_FREE_UNKNOWN);
    else if (!b->live)
        fault(s, VM_FAULT_FREE_TWICE);
    else
        s->gives++;
    if (b)
        b->live = false;
}

static void resize(struct naive_requests *s, const struct vm_event *v)
{
    struct naive_block *b = block_at(s, v->from);
    if (!v->va) {
        s->refused++;
        return;
    }
    if (!b || !b->live) {
        fault(s, b ? VM_FAULT_RESIZE_FREED : VM_FAULT_RESIZE_UNKNOWN);
        return;
    }
    if (v->bytes > VM_REQUEST_BYTES_MAX) {
        fault(s, VM_FAULT_BYTES_MOST);
        return;
    }
    b->live = false;
    const struct naive_block *there = block_at(s, v->va);
    if (there && there->live)
        fault(s, VM_FAULT_ALLOC_LIVE);
    add(s, v->va, v->bytes);
    s->changes++;
}

void naive_requests_event(struct naive_requests *s, const struct vm_event *v)
{
    bool is_end = v->kind == VM_EVENT_EXEC || v->kind == VM_EVENT_EXIT;
    s->last_fault = -1;
    if (!vm_event_is_request(v->kind) && !(is_end && s->number))
        return;
    s->number++;
    if (is_end) {
        s->n = 0;
        s->resets++;
    } else if (v->kind == VM_EVENT_ALLOC) {
        alloc(s, v);
    } else if (v->kind == VM_EVENT_FREE) {
        give(s, v);
    } else {
        resize(s, v);
    }
    if (naive_requests_asked(s) > s->asked_peak) {
        s->asked_peak = naive_requests_asked(s);
        s->peak_number = s->number;
    }
}
