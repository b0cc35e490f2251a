/* base_workers.c - unit tests of base/workers.h. */
#include "base/workers.h"
#include "unit/test.h"

#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

enum { JOBS = 1000 };

struct count {
    atomic_uint done[JOBS];
};

static void one(void *host, size_t i)
{
    struct count *c = host;
    atomic_fetch_add(&c->done[i], 1);
}

static void every_job_is_done_once(void **state)
{
    (void)state;
    struct vm_error e;
    for (unsigned n = 0; n <= 5; n++) {
        struct vm_workers *w = vm_workers_open(n, &e);
        assert_non_null(w);
        assert_true(n == 0 || vm_workers_count(w) <= n);
        for (unsigned round = 0; round < 20; round++) {
            static struct count c;
            size_t njobs = round % 3 == 0 ? round : JOBS;
            memset(&c, 0, sizeof c);
            vm_workers_run(w, njobs, one, &c);
            for (size_t i = 0; i < JOBS; i++)
                assert_int_equal(atomic_load(&c.done[i]), i < njobs);
        }
        vm_workers_close(w);
    }
}

/* Two jobs of which each ends only when the other has begun. */
static void meet(void *host, size_t i)
{
    struct count *c = host;
    atomic_store(&c->done[i], 1);
    while (!atomic_load(&c->done[1 - i]))
        continue;
}

static void two_workers_work_at_the_same_time(void **state)
{
    (void)state;
    static struct count c;
    struct vm_error e;
    struct vm_workers *w = vm_workers_open(2, &e);
    assert_non_null(w);
    if (vm_workers_count(w) < 2) {
        vm_workers_close(w);
        skip();
    }
    memset(&c, 0, sizeof c);
    vm_workers_run(w, 2, meet, &c);
    vm_workers_close(w);
}

/* One of two jobs goes on for long after they met: whoever does it, sooner or later not the caller.
 */
static void meet_and_linger(void *host, size_t i)
{
    struct count *c = host;
    meet(host, i);
    if (i == atomic_load(&c->done[2]) % 2)
        usleep(3000);
    atomic_fetch_add(&c->done[3], 1);
}

static void all_jobs_are_over_at_the_end(void **state)
{
    (void)state;
    static struct count c;
    struct vm_error e;
    struct vm_workers *w = vm_workers_open(2, &e);
    assert_non_null(w);
    for (unsigned round = 0; round < 20 && vm_workers_count(w) == 2; round++) {
        memset(&c, 0, sizeof c);
        atomic_store(&c.done[2], round);
        vm_workers_run(w, 2, meet_and_linger, &c);
        assert_int_equal(atomic_load(&c.done[3]), 2);
    }
    vm_workers_close(w);
}

static void none_is_closed_like_any(void **state)
{
    (void)state;
    vm_workers_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_job_is_done_once),
        cmocka_unit_test(two_workers_work_at_the_same_time),
        cmocka_unit_test(all_jobs_are_over_at_the_end),
        cmocka_unit_test(none_is_closed_like_any),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
