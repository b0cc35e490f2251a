/* The system calls in a valgrind log become events: every shape of line that valgrind 3.19 wrote
 * for programs that map, grow, move, share, fork, execute and run threads. */
#include "trace_samples.h"

static void brk_maps_what_it_adds_and_unmaps_what_it_drops(void **state)
{
    (void)state;
    assert_text_reads(
        "I  04,1\n"
        "SYSCALL[12,1](12) sys_brk ( 0x0 ) --> [pre-success] Success(0x4035000) \n"
        "SYSCALL[12,1](12) sys_brk ( 0x4056000 ) --> [pre-success] Success(0x4056000) \n"
        "SYSCALL[12,1](12) sys_brk ( 0x406e6a0 ) --> [pre-success] Success(0x406e6a0) \n"
        "SYSCALL[12,1](12) sys_brk ( 0x406e700 ) --> [pre-success] Success(0x406e700) \n"
        "SYSCALL[12,1](12) sys_brk ( 0x4062350 ) --> [pre-success] Success(0x4062350) \n",
        "lackey",
        "x4/1 [map 4035000+21000 p3 d1] [map 4056000+19000 p3 d1] [unmap 4063000+c000 p0 d0]");
}

static void mmap_tells_protection_and_backing(void **state)
{
    (void)state;
    assert_text_reads(
        "SYSCALL[12,1](9) sys_mmap ( 0x0, 8392704, 0, 131106, 4294967295, 0 ) --> [pre-success] "
        "Success(0x4a2c000) \n"
        "SYSCALL[12,1](9) sys_mmap ( 0x4838000, 4097, 5, 2066, 3, 4096 ) --> [pre-success] "
        "Success(0x4838000) \n"
        "SYSCALL[12,1](9) sys_mmap ( 0x0, 65536, 3, 1, 3, 0 ) --> [pre-success] "
        "Success(0x5000000) \n"
        "SYSCALL[12,1](9) sys_mmap ( 0x0, 4096, 3, 32771, 3, 0 ) --> [pre-success] "
        "Success(0x5100000) \n"
        "SYSCALL[12,1](9) sys_mmap ( 0x0, 4096, 3, 33, 4294967295, 0 ) --> [pre-success] "
        "Success(0x5200000) \n"
        "SYSCALL[12,1](9) sys_mmap ( 0x1, 4096, 1, 18, 77, 0 ) --> [pre-fail] Failure(0x16) \n"
        "SYSCALL[12,1](10) sys_mprotect ( 0x4a2d000, 8388608, 3 )[sync] --> Success(0x0) \n"
        "SYSCALL[12,1](11) sys_munmap ( 0x4838000, 43815 )[sync] --> Success(0x0) \n"
        "SYSCALL[12,1](11) sys_munmap ( 0x3, 55 )[sync] --> Failure(0x16) \n",
        "lackey",
        "[map 4a2c000+801000 p0 d1] [map 4838000+2000 p5 d2] [map 5000000+10000 p3 d3] "
        "[map 5100000+1000 p3 d3] [map 5200000+1000 p3 d1] [protect 4a2d000+800000 p3 d0] "
        "[unmap 4838000+b000 p0 d0]");
}

static void an_asynchronous_call_happens_when_it_is_answered(void **state)
{
    (void)state;
    assert_text_reads("SYSCALL[12,2](28) sys_madvise ( 0x4a2c000, 8368128, 4 ) --> [async] ... \n"
                      "I  0401ab70,3\n"
                      "SYSCALL[12,3](28) sys_madvise ( 0x522d000, 4096, 8 ) --> [async] ... \n"
                      "SYSCALL[12,1](202) sys_futex ( 0x5a2d990, 265 ) --> [async] ... \n"
                      "SYSCALL[12,3](28) ... [async] --> Success(0x0) \n"
                      "SYSCALL[12,1](202) ... [async] --> Success(0x0) \n"
                      "I  0401ab73,3\n"
                      "SYSCALL[12,2](28) ... [async] --> Success(0x0) \n"
                      "SYSCALL[12,2](28) ... [async] --> Success(0x0) \n"
                      "SYSCALL[12,2](28) sys_madvise ( 0x4a2c000, 4096, 14 ) --> [async] ... \n"
                      "SYSCALL[12,2](28) ... [async] --> Failure(0x16) \n",
                      "lackey",
                      "x401ab70/3 [advise 522d000+1000 p0 d5] x401ab73/3 "
                      "[advise 4a2c000+7fb000 p0 d4]");
}

static void mremap_grows_shrinks_and_moves(void **state)
{
    (void)state;
    assert_text_reads(
        "SYSCALL[12,1](9) sys_mmap ( 0x0, 40960, 1, 34, 4294967295, 0 ) --> [pre-success] "
        "Success(0x483c000) \n"
        "SYSCALL[12,1](25) sys_mremap ( 0x483c000, 40960, 1048576, 0x1 ) --> [pre-success] "
        "Success(0x622f000) \n"
        "SYSCALL[12,1](25) sys_mremap ( 0x622f000, 1048576, 2097152, 0x1 ) --> [pre-success] "
        "Success(0x622f000) \n"
        "SYSCALL[12,1](25) sys_mremap ( 0x622f000, 2097152, 4096, 0x0 ) --> [pre-success] "
        "Success(0x622f000) \n"
        "SYSCALL[12,1](25) sys_mremap ( 0x622f000, 4096, 8192, 0x0 ) --> [pre-fail] Failure(0xc) \n"
        "SYSCALL[12,1](25) sys_mremap ( 0x622f000, 4096, 4096, 0x3, 0x483c000 ) --> [pre-success] "
        "Success(0x483c000) \n"
        "SYSCALL[12,1](25) sys_mremap ( 0x900000, 4096, 8192, 0x1 ) --> [pre-success] "
        "Success(0xa00000) \n",
        "lackey",
        "[map 483c000+a000 p1 d1] [unmap 483c000+a000 p0 d0] [map 622f000+100000 p1 d1] "
        "[map 632f000+100000 p1 d1] [unmap 6230000+1ff000 p0 d0] "
        "[unmap 622f000+1000 p0 d0] [map 483c000+1000 p1 d1] "
        "[unmap 900000+1000 p0 d0] [map a00000+2000 p3 d0]");
}

static void a_line_glued_to_an_answer_is_read(void **state)
{
    (void)state;
    assert_text_reads("I  0494fb40,2\n"
                      "SYSCALL[12,1](56) sys_clone ( 3d0f00, 0x5a2cf70, 0x5a2d990, 0x5a2d990, "
                      "0x5a2d6c0 ) --> [pre-success] Success(0x15f4) I  0494fb42,3\n"
                      "SYSCALL[12,1](56) sys_clone ( 3d0f00 ) --> [pre-success] Success(0x15f4) "
                      " M 0494fb42,3\n"
                      "SYSCALL[12,1](56) sys_clone ( 3d0f00 ) --> [pre-success] Success(0x15f4) "
                      "SYSCALL[12,1](11) sys_munmap ( 0x1000, 4096 )[sync] --> Success(0x0) \n",
                      "lackey",
                      "x494fb40/2 x494fb42/3 r494fb42/3 w494fb42/3 [unmap 1000+1000 p0 d0]");
}

static void lines_of_valgrind_itself_are_passed_over(void **state)
{
    (void)state;
    assert_text_reads(
        "==12== Command: ./a\n--12-- verbose\n**12** said by the program\n"
        "SYSCALL[12,1](334) unimplemented (by the kernel) syscall: 334! (ni_syscall)\n"
        " --> [pre-fail] Failure(0x26) \n"
        "SYSCALL[12,1](11) sys_munmap ( 0xffffffffffffffff, 524288 )==12== Warning: client syscall "
        "munmap tried to modify addresses 0xffffffffffffffff-0x7fffe\n"
        " --> [pre-fail] Failure(0x16) \n"
        "SYSCALL[12,1](56) sys_clone ( 1200011, 0x0 )   clone(fork): process 12 created child 13\n"
        " --> [pre-success] Success(0x15f5) \n"
        "SYSCALL[12,1](257) sys_openat ( 4294967196, 0x40290b1(/a (b) --> c), 524288 ) --> [async] "
        "... \n"
        "SYSCALL[12,1](257) ... [async] --> Success(0x3) \n"
        "SYSCALL[12,1](11) ... [async] --> Success(0x0) \n"
        "I  04,1\n",
        "lackey", "x4/1");
}

static void execve_ends_every_mapping(void **state)
{
    (void)state;
    assert_text_reads(
        "SYSCALL[12,1](12) sys_brk ( 0x0 ) --> [pre-success] Success(0x4035000) \n"
        "SYSCALL[12,1](59) sys_execve ( 0x1fff00093f(./x), 0x1fff0004b0, 0x1fff000658 ) --> "
        "[pre-fail] Failure(0x2) \n"
        "SYSCALL[12,1](59) sys_execve ( 0x1fff00093f(./b), 0x1fff0004b0, 0x1fff000658 )==12== "
        "Lackey, an example Valgrind tool\n==12== \nI  0401ab70,3\n"
        "SYSCALL[12,1](12) sys_brk ( 0x0 ) --> [pre-success] Success(0x5035000) \n",
        "lackey", "[exec 0+0 p0 d0] x401ab70/3");
}

static void a_call_with_impossible_numbers_changes_nothing(void **state)
{
    (void)state;
    assert_text_reads(
        "SYSCALL[12,1](9) sys_mmap ( 0x0, 0, 3, 34, 0, 0 ) --> [pre-success] Success(0x1000) \n"
        "SYSCALL[12,1](9) sys_mmap ( 0x0, 0xffffffffffffffff, 3, 34 ) --> Success(0x1000) \n"
        "SYSCALL[12,1](9) sys_mmap ( 0x0, 8192, 3, 34 ) --> Success(0xfffffffffffff000) \n"
        "SYSCALL[12,1](9) sys_mmap ( 0x0, zz, 3, 34 ) --> Success(0x1000) \n"
        "SYSCALL[12,1](9) sys_mmap ( 0x0, 99999999999999999999, 3, 34 ) --> Success(0x1000) \n"
        "SYSCALL[12,9999](11) sys_munmap ( 0x1000, 4096 ) --> [async] ... \n"
        "SYSCALL[12,9999](11) ... [async] --> Success(0x0) \n"
        "SYSCALL[12](9) sys_mmap\nSYSCALL[\nI  04,1\n",
        "lackey", "x4/1");
}

static void a_line_longer_than_the_bound_is_refused(void **state)
{
    (void)state;
    char text[5000];
    for (size_t n = 4090; n <= 4100; n++) {
        memset(text, '=', sizeof text);
        snprintf(text + n, 20, "\nI  04,1\n");
        struct transcript t = transcribe(text, strlen(text), "lackey");
        assert_int_equal(t.good, n <= 4096);
        if (!t.good)
            assert_string_equal(t.e.text, "sample:1: line too long: expected at most 4096 bytes");
        free(t.text);
    }
}

/* Each byte at each place of the eight digits that are parsed at once. */
static void an_address_has_hexadecimal_digits_only(void **state)
{
    (void)state;
    for (unsigned byte = 0; byte < 256; byte++)
        for (size_t place = 0; place < 8; place++) {
            char text[] = "I  12345678,4\n";
            text[3 + place] = (char)byte;
            struct transcript t = transcribe(text, sizeof text - 1, "lackey");
            bool digit = byte && strchr("0123456789abcdefABCDEF", (int)byte);
            /* A comma ends the address sooner; the size that is then there is wrong. */
            assert_int_equal(t.good, digit);
            if (digit) {
                uint64_t va = strtoull(text + 3, NULL, 16);
                char says[40];
                snprintf(says, sizeof says, "x%" PRIx64 "/4", va);
                assert_string_equal(t.text, says);
            }
            free(t.text);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(brk_maps_what_it_adds_and_unmaps_what_it_drops),
        cmocka_unit_test(mmap_tells_protection_and_backing),
        cmocka_unit_test(an_asynchronous_call_happens_when_it_is_answered),
        cmocka_unit_test(mremap_grows_shrinks_and_moves),
        cmocka_unit_test(a_line_glued_to_an_answer_is_read),
        cmocka_unit_test(lines_of_valgrind_itself_are_passed_over),
        cmocka_unit_test(execve_ends_every_mapping),
        cmocka_unit_test(a_call_with_impossible_numbers_changes_nothing),
        cmocka_unit_test(an_address_has_hexadecimal_digits_only),
        cmocka_unit_test(a_line_longer_than_the_bound_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
