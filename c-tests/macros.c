/* The macros and inline functions of the headers. */

#include <nxt_main.h>

#include "check.h"

typedef struct {
    int               number;
    nxt_queue_link_t  link;
} item_t;


static int
sum_of(nxt_queue_t *queue)
{
    int     digits = 0;
    item_t  *item;

    nxt_queue_each(item, queue, item_t, link) {

        digits = digits * 10 + item->number;

    } nxt_queue_loop;

    return digits;
}


static void
queues(void)
{
    int          i;
    item_t       items[5], *item;
    nxt_queue_t  queue;

    nxt_queue_init(&queue);
    CHECK(nxt_queue_is_empty(&queue));
    CHECK(nxt_queue_first(&queue) == nxt_queue_tail(&queue));
    CHECK(sum_of(&queue) == 0);

    for (i = 0; i < 4; i++) {
        items[i].number = i + 1;
        nxt_queue_insert_tail(&queue, &items[i].link);
    }

    CHECK(sum_of(&queue) == 1234);

    items[4].number = 5;
    nxt_queue_insert_head(&queue, &items[4].link);
    CHECK(sum_of(&queue) == 51234);

    nxt_queue_remove(&items[1].link);
    CHECK(sum_of(&queue) == 5134);
    CHECK(items[1].link.next == NULL && items[1].link.prev == NULL);

    nxt_queue_insert_before(&items[3].link, &items[1].link);
    CHECK(sum_of(&queue) == 51324);

    CHECK(nxt_queue_link_data(nxt_queue_first(&queue), item_t, link)
          == &items[4]);
    CHECK(nxt_queue_link_data(nxt_queue_last(&queue), item_t, link)
          == &items[3]);

    /* A loop may remove what it is at. */

    nxt_queue_each(item, &queue, item_t, link) {

        nxt_queue_remove(&item->link);

    } nxt_queue_loop;

    CHECK(nxt_queue_is_empty(&queue));
}


static void
strings(void)
{
    u_char     room[8], *end;
    nxt_str_t  hello = nxt_string("hello"), zero = nxt_string_zero("ab");
    nxt_str_t  empty = nxt_null_string, other;

    CHECK(hello.length == 5 && zero.length == 3 && zero.start[2] == '\0');
    CHECK(empty.length == 0 && empty.start == NULL);
    CHECK(nxt_str_eq(&hello, "hello", 5));
    CHECK(!nxt_str_eq(&hello, "hello!", 6));
    CHECK(!nxt_str_eq(&hello, "hellO", 5));
    CHECK(nxt_str_start(&hello, "hell", 4));
    CHECK(!nxt_str_start(&hello, "hello, you", 10));

    nxt_str_set(&other, "hello");
    CHECK(nxt_strstr_eq(&hello, &other));
    nxt_str_null(&other);
    CHECK(other.length == 0 && other.start == NULL);

    end = nxt_cpymem(room, "abc", 3);
    CHECK(end == room + 3 && memcmp(room, "abc", 3) == 0);
    nxt_memzero(room, sizeof(room));
    CHECK(room[0] == 0 && room[7] == 0);

    CHECK(nxt_strlen((u_char *) "four") == 4);
    CHECK(nxt_length("four") == 4);
    CHECK(nxt_lowcase('Z') == 'z' && nxt_lowcase('[') == '[');
    CHECK(nxt_upcase('a') == 'A' && nxt_upcase('1') == '1');
}


static void
expressions(void)
{
    int     numbers[7] = { 0 };
    item_t  item;

    CHECK(nxt_nitems(numbers) == 7);
    CHECK(nxt_min(2, 3) == 2 && nxt_max(2, 3) == 3 && nxt_abs(-4) == 4);
    CHECK(nxt_container_of(&item.link, item_t, link) == &item);
    CHECK(nxt_align_size(17, 16) == 32 && nxt_align_size(16, 16) == 16);
    CHECK(nxt_is_power_of_two(64) && !nxt_is_power_of_two(65));

    if (nxt_slow_path(numbers[0] != 0) || !nxt_fast_path(numbers[0] == 0)) {
        CHECK(0);
    }
}


int
main(void)
{
    queues();
    strings();
    expressions();

    return REPORT("macros");
}
