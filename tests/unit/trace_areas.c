/* The sorted areas equal an array that says of each page who mapped it. */
#include "base/random.h"
#include "test.h"
#include "trace/areas.h"

#include <string.h>

#define PAGES 60

static void areas_equal_an_array_of_pages(void **state)
{
    (void)state;
    struct vm_error e;
    for (uint64_t seed = 0; seed < 200; seed++) {
        struct vm_areas areas = {0};
        uint8_t prot[PAGES] = {0}, backing[PAGES] = {0}; /* backing 0: not mapped */
        struct vm_random r;
        vm_random_seed(&r, seed);
        for (int step = 0; step < 200; step++) {
            vm_va start = vm_random_below(&r, PAGES);
            vm_va end = start + 1 + vm_random_below(&r, PAGES - start);
            uint8_t bits = (uint8_t)vm_random_below(&r, 8);
            uint64_t what = vm_random_below(&r, 3);
            if (what == 0) {
                assert_true(vm_areas_map(&areas, (struct vm_area){start, end, bits, 1}, &e));
                memset(prot + start, bits, end - start);
                memset(backing + start, 1, end - start);
            } else if (what == 1) {
                assert_true(vm_areas_unmap(&areas, start, end, &e));
                memset(backing + start, 0, end - start);
            } else {
                assert_true(vm_areas_protect(&areas, start, end, bits, &e));
                memset(prot + start, bits, end - start);
            }
            vm_areas_check(&areas);
            for (vm_va page = 0; page < PAGES; page++) {
                const struct vm_area *found = vm_areas_find(&areas, page);
                assert_int_equal(found != NULL, backing[page]);
                if (found)
                    assert_int_equal(found->prot, prot[page]);
            }
        }
        vm_areas_close(&areas);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(areas_equal_an_array_of_pages)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
