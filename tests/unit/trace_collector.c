/* trace_collector.c - the collector: what several threads told, as events. */
#include "base/random.h"
#include "rounds.h"
#include "trace/collector.h"
#include "unit/folder.h"
#include "unit/test.h"

#include <pagoda/requests.h>

struct tape {
    struct folder folder;
    char path[256];
    struct vm_pgt_writer *out;
    struct collector collector;
};

static void tape_open(struct tape *t)
{
    struct vm_error e;
    *t = (struct tape){.folder = folder_new()};
    t->out = vm_pgt_create(folder_path(&t->folder, "t.pgt", t->path), NULL, &e);
    assert_non_null(t->out);
    assert_true(collector_open(&t->collector, t->out, &e));
}

static void tell(struct tape *t, struct request_slot slot)
{
    struct vm_error e;
    assert_true(collector_take(&t->collector, &slot, &e));
}

static void tell_alloc(struct tape *t, uint32_t thread, uint64_t va, uint64_t bytes)
{
    tell(t, (struct request_slot){
                .kind = REQUEST_TOLD_ALLOC, .thread = thread, .va = va, .bytes = bytes});
}

static void tell_free(struct tape *t, uint32_t thread, uint64_t va)
{
    tell(t, (struct request_slot){.kind = REQUEST_TOLD_FREE, .thread = thread, .va = va});
}

static void tell_resize(struct tape *t, uint32_t thread, uint64_t from)
{
    tell(t, (struct request_slot){.kind = REQUEST_TOLD_RESIZE, .thread = thread, .from = from});
}

static void tell_resized(struct tape *t, uint32_t thread, uint64_t from, uint64_t va,
                         uint64_t bytes)
{
    tell(t, (struct request_slot){.kind = REQUEST_TOLD_RESIZED,
                                  .thread = thread,
                                  .from = from,
                                  .va = va,
                                  .bytes = bytes});
}

/* The trace that was made; the tape is closed. */
static struct vm_trace *tape_play(struct tape *t)
{
    struct vm_error e;
    assert_true(collector_flush(&t->collector, &e));
    assert_true(vm_pgt_finish(t->out, &e));
    collector_close(&t->collector);
    struct vm_trace *trace = vm_trace_open(t->path, NULL, &e);
    assert_non_null(trace);
    folder_remove(&t->folder);
    return trace;
}

/* "alloc 1 1000 | resize 2 1000 to 2000 | ..." with threads by number and addresses in hex. */
static void expect(struct tape *t, const char *expected)
{
    char text[512] = "";
    size_t used = 0;
    struct vm_batch b;
    struct vm_error e;
    struct vm_trace *trace = tape_play(t);
    do {
        assert_true(vm_trace_read(trace, &b, &e));
        for (uint32_t i = 0; i < b.nevents; i++) {
            const struct vm_event *v = &b.event[i];
            const char *kind = v->kind == VM_EVENT_ALLOC    ? "alloc"
                               : v->kind == VM_EVENT_FREE   ? "free"
                               : v->kind == VM_EVENT_RESIZE ? "resize"
                                                            : "exec";
            used += (size_t)snprintf(text + used, sizeof text - used, "%s %u %llx", kind, v->thread,
                                     (unsigned long long)v->va);
            if (v->from)
                used += (size_t)snprintf(text + used, sizeof text - used, " from %llx",
                                         (unsigned long long)v->from);
            used += (size_t)snprintf(text + used, sizeof text - used, "; ");
        }
    } while (b.nevents || b.nrefs);
    vm_trace_close(trace);
    assert_string_equal(text, expected);
}

static void a_realloc_is_one_resize_when_it_is_done(void **unused)
{
    (void)unused;
    struct tape t;
    tape_open(&t);
    tell_alloc(&t, 70, 0x1000, 10);
    tell_resize(&t, 70, 0x1000);
    tell_alloc(&t, 80, 0x3000, 5);
    tell_resized(&t, 70, 0x1000, 0x2000, 20);
    tell_resize(&t, 80, 0x2000);
    tell_resized(&t, 80, 0x2000, 0x2000, 30);
    expect(&t, "alloc 1 1000; alloc 2 3000; resize 1 2000 from 1000; resize 2 2000 from 2000; ");
}

static void an_old_place_that_another_thread_got_was_free_before(void **unused)
{
    (void)unused;
    struct tape t;
    tape_open(&t);
    tell_alloc(&t, 70, 0x1000, 10);
    tell_resize(&t, 70, 0x1000);
    tell_alloc(&t, 80, 0x1000, 5);
    tell_resized(&t, 70, 0x1000, 0x2000, 20);
    expect(&t, "alloc 1 1000; free 1 1000; alloc 2 1000; alloc 1 2000; ");
}

static void so_it_was_if_another_realloc_ends_there(void **unused)
{
    (void)unused;
    struct tape t;
    tape_open(&t);
    tell_alloc(&t, 70, 0x1000, 10);
    tell_alloc(&t, 80, 0x5000, 10);
    tell_resize(&t, 70, 0x1000);
    tell_resize(&t, 80, 0x5000);
    tell_resized(&t, 80, 0x5000, 0x1000, 9);
    tell_resized(&t, 70, 0x1000, 0x5000, 20);
    expect(&t, "alloc 1 1000; alloc 2 5000; free 1 1000; resize 2 1000 from 5000; alloc 1 5000; ");
}

static void an_old_place_is_freed_once_however_often_it_is_got(void **unused)
{
    (void)unused;
    struct tape t;
    tape_open(&t);
    tell_alloc(&t, 70, 0x1000, 10);
    tell_resize(&t, 70, 0x1000);
    tell_alloc(&t, 80, 0x1000, 5);
    tell_free(&t, 80, 0x1000);
    tell_alloc(&t, 80, 0x1000, 6);
    tell_resized(&t, 70, 0x1000, 0x2000, 20);
    expect(&t,
           "alloc 1 1000; free 1 1000; alloc 2 1000; free 2 1000; alloc 2 1000; alloc 1 2000; ");
}

static void another_program_knows_of_no_realloc(void **unused)
{
    (void)unused;
    struct tape t;
    tape_open(&t);
    tell_alloc(&t, 70, 0x1000, 10);
    tell_resize(&t, 70, 0x1000);
    tell(&t, (struct request_slot){.kind = REQUEST_TOLD_EXEC});
    tell_alloc(&t, 80, 0x1000, 5);
    expect(&t, "alloc 1 1000; exec 0 0; alloc 2 1000; ");
}

/* ---- any threads of a sound heap ---- */

enum { PLACES = 12, THREADS = 4 };

struct sound_heap {
    struct vm_random random;
    struct tape tape;
    uint64_t bytes[PLACES]; /* of the block there; 0: none */
    bool busy[PLACES];      /* a realloc of it is under way */
    struct {
        bool begun, moved;
        unsigned from, to;
    } realloc[THREADS];
};

static uint64_t va_of(unsigned place)
{
    return 0x1000 * (place + UINT64_C(1));
}

static unsigned any_place(struct sound_heap *h)
{
    return (unsigned)vm_random_below(&h->random, PLACES);
}

/* A thread's realloc goes on: the block moves, or stays; and only later that is told. */
static void go_on(struct sound_heap *h, unsigned thread)
{
    unsigned from = h->realloc[thread].from, to = h->realloc[thread].to;
    uint64_t bytes = 1 + vm_random_below(&h->random, 100);
    if (h->realloc[thread].moved) {
        tell_resized(&h->tape, thread, va_of(from), va_of(to), h->bytes[to]);
        h->busy[to] = false;
        h->realloc[thread].begun = h->realloc[thread].moved = false;
        return;
    }
    to = any_place(h);
    to = h->bytes[to] ? from : to;
    h->bytes[from] = 0;
    h->busy[from] = false;
    h->bytes[to] = bytes;
    h->busy[to] = true;
    h->realloc[thread].to = to;
    h->realloc[thread].moved = true;
}

static void sound_step(struct sound_heap *h)
{
    unsigned thread = (unsigned)vm_random_below(&h->random, THREADS), place = any_place(h);
    if (h->realloc[thread].begun) {
        go_on(h, thread);
    } else if (!h->bytes[place]) {
        h->bytes[place] = 1 + vm_random_below(&h->random, 100);
        tell_alloc(&h->tape, thread, va_of(place), h->bytes[place]);
    } else if (h->busy[place]) {
        return;
    } else if (vm_random_below(&h->random, 3)) {
        tell_resize(&h->tape, thread, va_of(place));
        h->busy[place] = h->realloc[thread].begun = true;
        h->realloc[thread].from = place;
    } else {
        tell_free(&h->tape, thread, va_of(place));
        h->bytes[place] = 0;
    }
}

static void what_threads_of_a_sound_heap_told_is_a_trace_without_faults(void **unused)
{
    (void)unused;
    for (unsigned seed = 0; seed < test_rounds(300); seed++) {
        struct sound_heap h = {0};
        struct vm_requests r;
        struct vm_error e;
        vm_random_seed(&h.random, seed);
        tape_open(&h.tape);
        tell_alloc(&h.tape, 0, 0x100000, 1);
        for (unsigned i = 0; i < 200; i++)
            sound_step(&h);
        uint64_t live = 1;
        for (unsigned thread = 0; thread < THREADS; thread++)
            while (h.realloc[thread].begun)
                go_on(&h, thread);
        for (unsigned i = 0; i < PLACES; i++)
            live += h.bytes[i];
        struct vm_trace *trace = tape_play(&h.tape);
        assert_true(vm_requests_load(&r, trace, &e));
        vm_trace_close(trace);
        if (r.nfaults)
            fail_msg("seed %u: request %llu %s", seed, (unsigned long long)r.fault[0].number,
                     vm_request_fault_text(r.fault[0].kind));
        assert_int_equal(r.asked_end, live);
        vm_requests_free(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_realloc_is_one_resize_when_it_is_done),
        cmocka_unit_test(an_old_place_that_another_thread_got_was_free_before),
        cmocka_unit_test(so_it_was_if_another_realloc_ends_there),
        cmocka_unit_test(an_old_place_is_freed_once_however_often_it_is_got),
        cmocka_unit_test(another_program_knows_of_no_realloc),
        cmocka_unit_test(what_threads_of_a_sound_heap_told_is_a_trace_without_faults),
    };
    return cmocka_run_group_tests_name("trace_collector", tests, NULL, NULL);
}
