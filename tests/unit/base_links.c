/* base_links.c - the laws of base/links.h, against an array of nodes in order. */
#include "base/links.h"

#include "base/random.h"
#include "test.h"

#include <string.h>

#define NODES 40
#define HEADS 2
#define ALL   (NODES + HEADS)

struct naive {
    uint32_t node[NODES];
    size_t n;
};

static void check_list(const struct vm_links *l, uint32_t head, const struct naive *naive)
{
    uint32_t forward = head, backward = head;
    assert_int_equal(vm_links_empty(l, head), naive->n == 0);
    for (size_t i = 0; i < naive->n; i++) {
        forward = l[forward].next;
        backward = l[backward].prev;
        assert_int_equal(forward, naive->node[i]);
        assert_int_equal(backward, naive->node[naive->n - 1 - i]);
    }
    assert_int_equal(l[forward].next, head);
    assert_int_equal(l[backward].prev, head);
}

static void naive_insert(struct naive *naive, size_t at, uint32_t node)
{
    memmove(&naive->node[at + 1], &naive->node[at], (naive->n - at) * sizeof naive->node[0]);
    naive->node[at] = node;
    naive->n++;
}

static size_t naive_remove(struct naive *naive, uint32_t node)
{
    size_t at = 0;
    while (at < naive->n && naive->node[at] != node)
        at++;
    if (at == naive->n)
        return 0;
    naive->n--;
    memmove(&naive->node[at], &naive->node[at + 1], (naive->n - at) * sizeof naive->node[0]);
    return 1;
}

static void a_new_list_is_empty(void **state)
{
    (void)state;
    struct vm_links l[1];
    vm_links_head(l, 0);
    assert_true(vm_links_empty(l, 0));
}

static void pushing_keeps_the_order_of_both_ends(void **state)
{
    (void)state;
    struct vm_links l[5];
    vm_links_head(l, 4);
    vm_links_push_last(l, 4, 1);
    vm_links_push_last(l, 4, 2);
    vm_links_push_first(l, 4, 0);
    vm_links_insert_after(l, 1, 3);
    check_list(l, 4, &(struct naive){{0, 1, 3, 2}, 4});
}

static void two_lists_in_one_array_equal_arrays_under_random_operations(void **state)
{
    (void)state;
    struct vm_links l[ALL];
    struct naive list[HEADS] = {{.n = 0}, {.n = 0}};
    struct vm_random random;
    vm_random_seed(&random, 9);
    for (uint32_t h = 0; h < HEADS; h++)
        vm_links_head(l, NODES + h);
    for (int step = 0; step < 20000; step++) {
        uint32_t node = (uint32_t)vm_random_below(&random, NODES);
        uint32_t which = (uint32_t)vm_random_below(&random, HEADS), head = NODES + which;
        struct naive *to = &list[which];
        if (naive_remove(&list[0], node) + naive_remove(&list[1], node))
            vm_links_remove(l, node);
        uint64_t how = vm_random_below(&random, 4);
        if (how == 0) {
            vm_links_push_first(l, head, node);
            naive_insert(to, 0, node);
        } else if (how == 1) {
            vm_links_push_last(l, head, node);
            naive_insert(to, to->n, node);
        } else if (how == 2 && to->n) {
            size_t at = vm_random_below(&random, to->n);
            vm_links_insert_after(l, to->node[at], node);
            naive_insert(to, at + 1, node);
        }
        check_list(l, NODES, &list[0]);
        check_list(l, NODES + 1, &list[1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_list_is_empty),
        cmocka_unit_test(pushing_keeps_the_order_of_both_ends),
        cmocka_unit_test(two_lists_in_one_array_equal_arrays_under_random_operations),
    };
    return cmocka_run_group_tests_name("base_links", tests, NULL, NULL);
}
