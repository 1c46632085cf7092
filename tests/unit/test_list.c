#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "core/list.h"

struct item {
    int value;
    struct kpi_link link;
};

static int value_of(const struct kpi_link *link)
{
    return KPI_HOLDER(link, struct item, link)->value;
}

static void fill(struct kpi_link *list, struct item *items, int n, int first)
{
    kpi_list_init(list);
    for (int i = 0; i < n; i++) {
        items[i].value = first + i;
        kpi_list_init(&items[i].link);
        kpi_list_append(list, &items[i].link);
    }
}

static void pop_gives_nodes_in_the_order_of_append(void **state)
{
    struct kpi_link list;
    struct item items[3];
    (void)state;
    fill(&list, items, 3, 1);
    for (int i = 1; i <= 3; i++)
        assert_int_equal(value_of(kpi_list_pop(&list)), i);
    assert_null(kpi_list_pop(&list));
    assert_true(kpi_list_empty(&list));
}

static void popped_node_is_unlinked(void **state)
{
    struct kpi_link list;
    struct item items[2];
    (void)state;
    fill(&list, items, 2, 1);
    struct kpi_link *node = kpi_list_pop(&list);
    assert_true(kpi_list_empty(node));
    kpi_list_remove(node); /* harmless */
    assert_int_equal(value_of(list.next), 2);
}

static void remove_takes_a_node_out_of_the_middle(void **state)
{
    struct kpi_link list;
    struct item items[3];
    (void)state;
    fill(&list, items, 3, 1);
    kpi_list_remove(&items[1].link);
    assert_int_equal(value_of(kpi_list_pop(&list)), 1);
    assert_int_equal(value_of(kpi_list_pop(&list)), 3);
}

static void remove_of_an_unlinked_node_changes_nothing(void **state)
{
    struct item lone;
    (void)state;
    kpi_list_init(&lone.link);
    kpi_list_remove(&lone.link);
    assert_true(kpi_list_empty(&lone.link));
}

static void splice_moves_all_nodes_behind_those_there(void **state)
{
    struct kpi_link to;
    struct kpi_link from;
    struct item first[2];
    struct item second[2];
    (void)state;
    fill(&to, first, 2, 1);
    fill(&from, second, 2, 3);
    kpi_list_splice(&to, &from);
    assert_true(kpi_list_empty(&from));
    for (int i = 1; i <= 4; i++)
        assert_int_equal(value_of(kpi_list_pop(&to)), i);
}

static void splice_of_an_empty_list_changes_nothing(void **state)
{
    struct kpi_link to;
    struct kpi_link from;
    struct item items[1];
    (void)state;
    fill(&to, items, 1, 1);
    kpi_list_init(&from);
    kpi_list_splice(&to, &from);
    assert_int_equal(value_of(kpi_list_pop(&to)), 1);
    assert_null(kpi_list_pop(&to));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pop_gives_nodes_in_the_order_of_append),
        cmocka_unit_test(popped_node_is_unlinked),
        cmocka_unit_test(remove_takes_a_node_out_of_the_middle),
        cmocka_unit_test(remove_of_an_unlinked_node_changes_nothing),
        cmocka_unit_test(splice_moves_all_nodes_behind_those_there),
        cmocka_unit_test(splice_of_an_empty_list_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
