/* signals.c - what is not a fault of a pager's goes where it would have gone; and children have no
 * regions.
 */
#include "live/live_test.h"

#include <errno.h>
#include <setjmp.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define LIMIT (128 * 4 * KIB)

static sigjmp_buf back;
static _Atomic int seen;
static void *_Atomic blamed;

static void note(int number, siginfo_t *info, void *context)
{
    (void)number, (void)context;
    atomic_store(&blamed, info->si_addr);
    atomic_fetch_add(&seen, 1);
    if (info->si_code > 0)
        siglongjmp(back, 1);
}

static void note_plainly(int number)
{
    (void)number;
    atomic_fetch_add(&seen, 1);
}

/* A page of a file that is shorter: a touch of it is SIGBUS, whoever pages. */
static uint8_t *map_past_an_end(void)
{
    FILE *f = tmpfile();
    assert_non_null(f);
    uint8_t *at = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fileno(f), 0);
    assert_true(at != MAP_FAILED);
    fclose(f);
    return at;
}

static struct vm_live *open_small(void)
{
    return open_pager(&(struct vm_live_options){.limit_bytes = LIMIT, .store = "memory"});
}

static void a_fault_elsewhere_goes_to_the_action_before(void **state)
{
    (void)state;
    struct sigaction action = {.sa_sigaction = note, .sa_flags = SA_SIGINFO};
    sigaction(SIGBUS, &action, NULL);
    struct vm_live *l = open_small();
    uint8_t *mine = map_region(l, MIB), *foreign = map_past_an_end();
    atomic_store(&seen, 0);
    mine[5] = 1;
    assert_int_equal(seen, 0);
    if (!sigsetjmp(back, 1))
        (void)*(volatile uint8_t *)foreign;
    assert_int_equal(seen, 1);
    assert_ptr_equal(atomic_load(&blamed), foreign);
    mine[MIB - 1] = 2; /* and the pager goes on */
    assert_int_equal(mine[5] + mine[MIB - 1], 3);
    munmap(foreign, 4096);
    vm_live_close(l);
}

static void a_signal_that_somebody_sent_goes_to_the_action_before(void **state)
{
    (void)state;
    signal(SIGBUS, note_plainly);
    struct vm_live *l = open_small();
    atomic_store(&seen, 0);
    kill(getpid(), SIGBUS);
    assert_int_equal(seen, 1);
    raise(SIGBUS);
    assert_int_equal(seen, 2);
    vm_live_close(l);
}

/* How a child ended that did `what`. */
static int end_of_child(void (*what)(void *), void *argument)
{
    int status;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        what(argument);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void touch_foreign(void *argument)
{
    struct vm_error e;
    signal(SIGBUS, SIG_DFL);
    signal(SIGSEGV, SIG_DFL);
    struct vm_live *l = vm_live_open(argument, &e);
    if (l)
        (void)*(volatile uint8_t *)map_past_an_end();
}

static void be_sent(void *argument)
{
    struct vm_error e;
    signal(SIGBUS, SIG_DFL);
    if (vm_live_open(argument, &e))
        kill(getpid(), SIGBUS);
}

static void be_sent_what_is_ignored(void *argument)
{
    struct vm_error e;
    signal(SIGBUS, SIG_IGN);
    if (vm_live_open(argument, &e))
        kill(getpid(), SIGBUS);
}

static void where_no_action_was_the_process_dies_of_it(void **state)
{
    (void)state;
    struct vm_live_options o = {.limit_bytes = LIMIT, .store = "memory"};
    vm_live_close(open_small()); /* or skip */
    int status = end_of_child(touch_foreign, &o);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS);
    status = end_of_child(be_sent, &o);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS);
    status = end_of_child(be_sent_what_is_ignored, &o);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* ---- children ---- */

static void touch(void *argument)
{
    signal(SIGSEGV, SIG_DFL);
    (void)*(volatile uint8_t *)argument;
}

static void a_child_has_no_regions(void **state)
{
    (void)state;
    struct vm_live *l = open_small();
    uint8_t *data = map_region(l, MIB);
    data[0] = 1;
    for (int i = 0; i < 2; i++) { /* a page that is there, and one that is not */
        int status = end_of_child(touch, data + (size_t)i * (MIB / 2));
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
    }
    assert_int_equal(data[0], 1);
    vm_live_close(l);
}

/* ---- pagers that come and go while others work ---- */

struct touching {
    uint8_t *data;
    _Atomic bool is_over;
};

static void *touch_on(void *argument)
{
    struct touching *t = argument;
    for (uint64_t i = 0; !atomic_load(&t->is_over); i++)
        t->data[i * 4096 % (4 * MIB)]++;
    return NULL;
}

static void a_pager_can_close_while_others_have_faults(void **state)
{
    (void)state;
    struct vm_live *l = open_small();
    struct touching t = {.data = map_region(l, 4 * MIB)};
    pthread_t thread;
    pthread_create(&thread, NULL, touch_on, &t);
    for (int i = 0; i < 200; i++) {
        struct vm_live *other = open_small();
        uint8_t *data = map_region(other, MIB);
        data[i] = 1;
        vm_live_close(other);
    }
    atomic_store(&t.is_over, true);
    pthread_join(thread, NULL);
    vm_live_close(l);
}

/* However deep other threads of the parent's were in faults. */
static void a_child_can_close_what_it_inherited(void **state)
{
    (void)state;
    struct vm_error e;
    struct vm_live *l = open_pager(&(struct vm_live_options){
        .limit_bytes = LIMIT, .store = "memory", .fork = VM_LIVE_FORK_COPY});
    struct touching t = {.data = map_region(l, 4 * MIB)};
    pthread_t thread;
    pthread_create(&thread, NULL, touch_on, &t);
    for (int i = 0; i < 10; i++) {
        uint64_t signals;
        int status;
        vm_live_fork_before(l, &signals);
        usleep(2000); /* nobody moves a page now: the thread waits in its handler */
        pid_t child = fork();
        bool done = vm_live_fork_after(l, child == 0, &signals, &e);
        if (child == 0) {
            alarm(20);
            vm_live_close(l);
            _exit(done ? 0 : 1);
        }
        assert_true(done);
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
    }
    atomic_store(&t.is_over, true);
    pthread_join(thread, NULL);
    vm_live_close(l);
}

/* A fault keeps errno, which belongs to whom it interrupted. */
static void a_fault_leaves_errno_alone(void **state)
{
    (void)state;
    struct vm_live *l = open_small();
    volatile uint8_t *data = map_region(l, 4 * MIB);
    errno = 1234;
    for (size_t i = 0; i < 4 * MIB; i += 4096)
        data[i] = 1;
    assert_int_equal(errno, 1234);
    vm_live_close(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fault_elsewhere_goes_to_the_action_before),
        cmocka_unit_test(a_signal_that_somebody_sent_goes_to_the_action_before),
        cmocka_unit_test(where_no_action_was_the_process_dies_of_it),
        cmocka_unit_test(a_child_has_no_regions),
        cmocka_unit_test(a_pager_can_close_while_others_have_faults),
        cmocka_unit_test(a_child_can_close_what_it_inherited),
        cmocka_unit_test(a_fault_leaves_errno_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
