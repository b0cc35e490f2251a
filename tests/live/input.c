/* input.c - what a pager is asked that it cannot do, and kernels that lack something: each says
 * what was wrong and what was expected, and nothing is left behind.
 *
 * Kernels that refuse are ours: the linker puts functions of ours before syscall and ioctl.
 */
#include "live/live_test.h"

#include <errno.h>
#include <linux/userfaultfd.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define LIMIT (128 * 4 * KIB)

/* ---- kernels that refuse ---- */

static struct {
    int user_faults;   /* errno of userfaultfd(2), 0: as it is */
    int kernel_faults; /* the same of one that also gets the kernel's faults, and of the device */
    int features;      /* of UFFDIO_API */
    int pidfd;
} refuses;

long __real_syscall(long number, long a, long b, long c, long d, long e, long f);
long __wrap_syscall(long number, long a, long b, long c, long d, long e, long f);
int __real_ioctl(int fd, unsigned long request, void *argument);
int __wrap_ioctl(int fd, unsigned long request, void *argument);

static int refusal(long number, long flags)
{
    if (number == SYS_userfaultfd)
        return flags & 1 ? refuses.user_faults : refuses.kernel_faults;
    return number == SYS_pidfd_open ? refuses.pidfd : 0;
}

long __wrap_syscall(long number, long a, long b, long c, long d, long e, long f)
{
    int failed = refusal(number, a);
    if (!failed)
        return __real_syscall(number, a, b, c, d, e, f);
    errno = failed;
    return -1;
}

int __wrap_ioctl(int fd, unsigned long request, void *argument)
{
    int failed = request == UFFDIO_API          ? refuses.features
                 : request == _IO(UFFDIO, 0x00) ? refuses.kernel_faults /* the device's */
                                                : 0;
    if (!failed)
        return __real_ioctl(fd, request, argument);
    errno = failed;
    return -1;
}

/* ---- what is asked ---- */

static struct vm_live_options small(void)
{
    return (struct vm_live_options){.limit_bytes = LIMIT, .store = "memory"};
}

/* It does not open, and says so in these words. */
static void does_not_open(struct vm_live_options o, enum vm_code code, const char *words,
                          const char *hint)
{
    struct vm_error e = {0};
    struct vm_live *l = vm_live_open(&o, &e);
    if (l || e.code != code || !strstr(e.text, words) || !strstr(e.hint, hint))
        print_message("# wanted \"%s\" and \"%s\", got \"%s\" and \"%s\"\n", words, hint, e.text,
                      e.hint);
    assert_null(l);
    assert_int_equal(e.code, code);
    assert_non_null(strstr(e.text, words));
    assert_non_null(strstr(e.hint, hint));
}

static void options_that_cannot_be_are_told(void **state)
{
    (void)state;
    struct vm_live_options o = small();
    o.limit_bytes = LIMIT - 1;
    does_not_open(o, VM_EUSAGE, "is 127 pages: expected 128 at least", "512 KiB");
    o.limit_bytes = 0;
    does_not_open(o, VM_EUSAGE, "expected 128 at least", "");
    o.limit_bytes = UINT64_C(1) << 62;
    does_not_open(o, VM_EUSAGE, "at most", "");
    static const uint32_t pages[] = {1, 2048, 5000, 4 << 20};
    for (size_t i = 0; i < sizeof pages / sizeof pages[0]; i++) {
        o = small();
        o.page_bytes = pages[i];
        does_not_open(o, VM_EUSAGE, "expected a power of two from 4096 to 2 MiB", "");
    }
    o = small();
    o.batch_pages = 257;
    does_not_open(o, VM_EUSAGE, "batches of 257 pages: expected 256 at most", "");
    o = small();
    o.free_low = 2;
    o.free_high = 1;
    does_not_open(o, VM_EUSAGE, "watermarks of 2 and 1 per mille", "");
    o.free_high = 501;
    does_not_open(o, VM_EUSAGE, "expected low <= high <= 500", "");
}

static void names_that_there_are_not_are_told(void **state)
{
    (void)state;
    struct vm_live_options o = small();
    o.policy = "clokc";
    does_not_open(o, VM_EUSAGE, "unknown policy \"clokc\"", "clock");
    o.policy = "opt";
    does_not_open(o, VM_EUSAGE, "policy opt reads the future: a pager has none", "replay");
    o.policy = "clock:steps=3";
    does_not_open(o, VM_EUSAGE, "steps", "");
    o = small();
    o.store = "memroy";
    does_not_open(o, VM_EUSAGE, "unknown store \"memroy\"", "memory");
    o.store = "memory:size=1";
    does_not_open(o, VM_EUSAGE, "size", "");
}

/* ---- regions ---- */

static void regions_that_cannot_be_are_told(void **state)
{
    (void)state;
    struct vm_error e = {0};
    struct vm_live_options o = small();
    struct vm_live *l = open_pager(&o);
    uint8_t *data = map_region(l, MIB);
    assert_null(vm_live_map(l, 0, &e));
    assert_int_equal(e.code, VM_EUSAGE);
    assert_null(vm_live_map(l, SIZE_MAX / 2, &e));
    assert_non_null(strstr(e.text, "pages at most"));
    assert_false(vm_live_map_at(l, data + 1, 4096, &e));
    assert_non_null(strstr(e.text, "expected a multiple of 4096"));
    assert_false(vm_live_map_at(l, data + 4096, 4096, &e));
    assert_non_null(strstr(e.text, "another is there"));
    assert_false(vm_live_unmap(l, data + 1, 4096, &e));
    assert_int_equal(e.code, VM_EUSAGE);
    assert_null(vm_live_resize(l, data, MIB + 4096, 2 * MIB, &e));
    assert_non_null(strstr(e.text, "not of one region"));
    assert_false(vm_live_limit(l, LIMIT - 1, &e));
    assert_false(vm_live_limit(l, 2 * LIMIT, &e));
    data[MIB - 1] = 1;
    assert_int_equal(data[MIB - 1], 1);
    vm_live_close(l);
}

static void regions_too_many_are_told(void **state)
{
    (void)state;
    struct vm_error e = {0};
    struct vm_live_options o = small();
    struct vm_live *l = open_pager(&o);
    uint8_t *first = map_region(l, 9 * 4096), *last = first;
    size_t n = 1;
    for (uint8_t *next; n < 5000 && (next = vm_live_map(l, 4096, &e)); n++)
        *(last = next) = (uint8_t)n;
    assert_in_range(n, 1000, 4999);
    assert_int_equal(e.code, VM_ESYSTEM);
    assert_non_null(strstr(e.text, "regions at most"));
    first[0] = 1;
    first[8 * 4096] = 2;
    /* A hole makes one region more: there is room for one, and then no more. */
    bool done = true;
    for (int hole = 1; done && hole < 8; hole += 2)
        done = vm_live_unmap(l, first + (size_t)hole * 4096, 4096, &e);
    assert_false(done);
    assert_non_null(strstr(e.text, "regions at most"));
    assert_int_equal(first[0] + first[8 * 4096], 3);
    assert_true(vm_live_unmap(l, last, 4096, &e));
    assert_true(vm_live_unmap(l, first, 9 * 4096, &e));
    check_regions(l);
    vm_live_close(l);
}

/* ---- kernels ---- */

/* Whether it pages: more is written than may be there, and read again. */
static bool works(const struct vm_live_options *o)
{
    struct vm_error e = {0};
    struct vm_live *l = vm_live_open(o, &e);
    uint8_t *data = l ? vm_live_map(l, 4 * LIMIT, &e) : NULL;
    bool good = data;
    for (size_t at = 0; good && at < 4 * LIMIT; at += 4096)
        data[at] = (uint8_t)(at / 4096 * 7 + 1);
    for (size_t at = 0; good && at < 4 * LIMIT; at += 4096)
        good = data[at] == (uint8_t)(at / 4096 * 7 + 1);
    vm_live_close(l);
    return good;
}

static void a_kernel_that_refuses_is_told_with_what_would_help(void **state)
{
    (void)state;
    refuses.user_faults = EPERM;
    does_not_open(small(), VM_ESYSTEM, "userfaultfd is refused: Operation not permitted",
                  "vm.unprivileged_userfaultfd=1");
    does_not_open(small(), VM_ESYSTEM, "userfaultfd is refused", "CAP_SYS_PTRACE");
    refuses.user_faults = ENOSYS;
    does_not_open(small(), VM_ESYSTEM, "this kernel has no userfaultfd (CONFIG_USERFAULTFD, 5.11)",
                  "");
    refuses.user_faults = 0;
}

static void a_kernel_without_a_feature_is_told_by_name(void **state)
{
    (void)state;
    struct vm_live_options o = small();
    vm_live_close(open_pager(&o)); /* or skip */
    refuses.features = EINVAL;
    does_not_open(o, VM_ESYSTEM, "lacks a feature: SIGBUS, PAGEFAULT_FLAG_WP", "");
    o.resolve = VM_LIVE_BY_HANDLER;
    does_not_open(o, VM_ESYSTEM, "lacks a feature: PAGEFAULT_FLAG_WP", "");
    refuses.features = 0;
}

static void without_privilege_a_handler_serves_touches_and_says_what_it_does_not(void **state)
{
    (void)state;
    struct vm_live_options o = small();
    struct vm_live_stats s;
    o.resolve = VM_LIVE_BY_HANDLER;
    refuses.kernel_faults = EPERM;
    struct vm_live *l = open_pager(&o);
    vm_live_stats(l, &s);
    vm_live_close(l);
    assert_non_null(strstr(s.degraded, "system calls on absent pages fail (EFAULT)"));
    assert_true(works(&o));
    refuses.kernel_faults = 0;
}

static void without_process_madvise_pages_leave_one_range_at_a_time(void **state)
{
    (void)state;
    struct vm_live_options o = small();
    vm_live_close(open_pager(&o)); /* or skip */
    refuses.pidfd = ENOSYS;
    assert_true(works(&o));
    refuses.pidfd = 0;
}

static void anybody_can_page_his_own_memory(void **state)
{
    (void)state;
    struct vm_live_options o = small();
    int status;
    vm_live_close(open_pager(&o)); /* or skip */
    if (geteuid() != 0) {
        print_message("# skipped: takes root to be somebody else\n");
        skip();
    }
    pid_t child = fork();
    if (child == 0) {
        bool is_nobody = setresgid(65534, 65534, 65534) == 0 && setresuid(65534, 65534, 65534) == 0;
        _exit(is_nobody && works(&o) ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_that_cannot_be_are_told),
        cmocka_unit_test(names_that_there_are_not_are_told),
        cmocka_unit_test(regions_that_cannot_be_are_told),
        cmocka_unit_test(regions_too_many_are_told),
        cmocka_unit_test(a_kernel_that_refuses_is_told_with_what_would_help),
        cmocka_unit_test(a_kernel_without_a_feature_is_told_by_name),
        cmocka_unit_test(without_privilege_a_handler_serves_touches_and_says_what_it_does_not),
        cmocka_unit_test(without_process_madvise_pages_leave_one_range_at_a_time),
        cmocka_unit_test(anybody_can_page_his_own_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
