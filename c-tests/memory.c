/* Pools, zones, and what lies in them: arrays, lists, buffers, trees, queues. */

#include <nxt_main.h>

#include "check.h"

static nxt_mp_t  *mp;
static int       cleaned;


static void
clean(nxt_task_t *task, void *obj, void *data)
{
    CHECK(task == NULL && obj == &cleaned);
    cleaned = cleaned * 10 + (int) (intptr_t) data;
}


static void
pools(void)
{
    void      *p, *q;
    nxt_mp_t  *pool;

    CHECK(nxt_mp_test_sizes(1024, 128, 128, 16));
    CHECK(!nxt_mp_test_sizes(1000, 128, 128, 16));
    CHECK(nxt_mp_create(1000, 128, 128, 16) == NULL);

    pool = nxt_mp_create(1024, 128, 128, 16);
    CHECK(pool != NULL && nxt_mp_is_empty(pool));

    p = nxt_mp_alloc(pool, 10);
    q = nxt_mp_zalloc(pool, 5000);
    memset(p, 1, 10);
    CHECK(((char *) q)[4999] == 0);
    CHECK(!nxt_mp_is_empty(pool));
    nxt_mp_free(pool, p);
    nxt_mp_free(pool, q);
    CHECK(nxt_mp_is_empty(pool));

    CHECK(((uintptr_t) nxt_mp_align(pool, 4096, 10) & 4095) == 0);
    CHECK(nxt_mp_align(pool, 3, 10) == NULL);
    CHECK(nxt_mp_alloc(pool, SIZE_MAX) == NULL);
    CHECK(nxt_mp_get(pool, SIZE_MAX) == NULL);
    CHECK(nxt_mp_nget(pool, 0) != NULL);
    CHECK(nxt_mp_zget(pool, 100) != NULL);
    nxt_mp_free(pool, NULL);
    nxt_mp_free(pool, &pool);

    CHECK(nxt_mp_cleanup(pool, clean, NULL, &cleaned, (void *) 1) == NXT_OK);
    CHECK(nxt_mp_cleanup(pool, clean, NULL, &cleaned, (void *) 2) == NXT_OK);
    nxt_mp_retain(pool);
    nxt_mp_release(pool);
    CHECK(cleaned == 0);
    nxt_mp_release(pool);
    CHECK(cleaned == 21);

    CHECK(nxt_mp_alloc(NULL, 1) == NULL);
    CHECK(nxt_mp_cleanup(NULL, clean, NULL, NULL, NULL) == NXT_ERROR);
    nxt_mp_destroy(NULL);
    nxt_mp_release(NULL);
}


static void
heap(void)
{
    void  *p;

    p = nxt_memalign(64, 100);
    CHECK(p != NULL && ((uintptr_t) p & 63) == 0);
    nxt_free(p);
    CHECK(nxt_memalign(7, 100) == NULL);
    CHECK(nxt_memalign(64, SIZE_MAX / 2) == NULL);
    p = nxt_realloc(NULL, 10);
    p = nxt_realloc(p, 1000);
    CHECK(p != NULL);
    nxt_free(p);
}


static void
zones(void)
{
    void            *p, *start;
    nxt_mem_zone_t  *zone;

    start = nxt_memalign(4096, 65536);
    CHECK(nxt_mem_zone_init(start, 65536, 1000) == NULL);
    CHECK(nxt_mem_zone_init(NULL, 65536, 4096) == NULL);
    zone = nxt_mem_zone_init(start, 65536, 4096);
    CHECK((void *) zone == start);

    p = nxt_mem_zone_alloc(zone, 100);
    CHECK(p > start);
    memset(p, 1, 100);
    nxt_mem_zone_free(zone, p);
    nxt_mem_zone_free(zone, p);
    p = nxt_mem_zone_zalloc(zone, 9000);
    CHECK(p != NULL && ((char *) p)[8999] == 0);
    CHECK(nxt_mem_zone_align(zone, 1, 65536) == NULL);
    nxt_mem_zone_free(zone, p);
    CHECK(nxt_mem_zone_alloc(NULL, 1) == NULL);
    nxt_free(start);
}


static void
arrays(void)
{
    int          i, *element;
    nxt_array_t  *array, *copy, local;

    array = nxt_array_create(mp, 2, sizeof(int));

    for (i = 0; i < 100; i++) {
        element = nxt_array_add(array);
        *element = i;
    }

    CHECK(array->nelts == 100 && ((int *) array->elts)[77] == 77);
    CHECK(*(int *) nxt_array_last(array) == 99);

    copy = nxt_array_copy(mp, NULL, array);
    nxt_array_remove(array, array->elts);
    CHECK(array->nelts == 99 && *(int *) array->elts == 99);
    CHECK(copy->nelts == 100 && *(int *) copy->elts == 0);
    CHECK(*(int *) nxt_array_remove_last(copy) == 99);
    CHECK(*(int *) nxt_array_zero_add(copy) == 0);

    nxt_array_init(&local, mp, sizeof(long));
    CHECK(nxt_array_is_empty(&local) && nxt_array_create(mp, 70000, 4) == NULL);
    CHECK(nxt_array_create(mp, 1, 70000) == NULL);
    CHECK(nxt_array_add(NULL) == NULL && nxt_array_copy(mp, NULL, NULL) == NULL);

    nxt_array_destroy(array);
    nxt_array_destroy(copy);
    nxt_array_destroy(NULL);
}


static void
lists(void)
{
    int         i, *element;
    nxt_list_t  *list;

    list = nxt_list_create(mp, 3, sizeof(int));

    for (i = 0; i < 10; i++) {
        element = nxt_list_add(list);
        *element = i;
    }

    i = 0;
    nxt_list_each(element, list) {
        CHECK(*element == i);
        i++;
    } nxt_list_loop;

    CHECK(i == 10 && nxt_list_nelts(list) == 10);
    CHECK(*(int *) nxt_list_elt(list, 7) == 7 && nxt_list_elt(list, 10) == NULL);
    CHECK(*(int *) nxt_list_zero_add(list) == 0);
    CHECK(nxt_list_add(NULL) == NULL && nxt_list_next(NULL, NULL) == NULL);
    CHECK(nxt_list_create(mp, 0xFFFFFFFF, SIZE_MAX / 2) == NULL);
}


static void
buffers(void)
{
    nxt_buf_t  *one, *two, *plain, *chain = NULL;

    one = nxt_buf_mem_alloc(mp, 10, 0);
    two = nxt_buf_mem_alloc(mp, 10, 0);
    nxt_buf_cpy(one, "abc", 3);
    nxt_buf_cpy(two, "defg", 4);
    nxt_buf_chain_add(&chain, one);
    nxt_buf_chain_add(&chain, two);
    nxt_buf_chain_add(&chain, nxt_buf_sync_alloc(mp, NXT_BUF_SYNC_LAST));

    CHECK(two->next->is_sync && two->next->is_last && !two->next->is_flush);
    CHECK(nxt_buf_chain_length(chain) == 7);
    plain = nxt_buf_make_plain(mp, chain, 0);
    CHECK(nxt_buf_mem_used_size(&plain->mem) == 7);
    CHECK(memcmp(plain->mem.pos, "abcdefg", 7) == 0);
    plain->completion_handler(NULL, plain, plain->parent);

    plain = nxt_buf_file_alloc(mp, 0, 0);
    CHECK(nxt_buf_is_file(plain) && !nxt_buf_is_mem(plain));
    one->parent = plain;
    plain->retain = 1;
    chain->completion_handler(NULL, chain, chain->parent);

    plain = nxt_buf_mmap_alloc(mp, 77);
    CHECK(nxt_buf_is_mmap(plain) && nxt_buf_mem_size(&plain->mem) == 77);
    nxt_buf_free(mp, plain);
    CHECK(nxt_buf_mem_alloc(NULL, 1, 0) == NULL);
    CHECK(nxt_buf_mem_alloc(mp, SIZE_MAX, 0) == NULL);
    CHECK(nxt_buf_chain_length(NULL) == 0);
    nxt_buf_parent_completion(NULL, NULL);
}


typedef struct {
    NXT_RBTREE_NODE  (node);
    int              key;
    nxt_queue_link_t link;
} item_t;


static intptr_t
compare(nxt_rbtree_node_t *a, nxt_rbtree_node_t *b)
{
    return ((item_t *) a)->key - ((item_t *) b)->key;
}


static nxt_int_t
by_key(const void *data, const nxt_queue_link_t *a, const nxt_queue_link_t *b)
{
    CHECK(data == NULL);

    return nxt_queue_link_data(a, item_t, link)->key
           - nxt_queue_link_data(b, item_t, link)->key;
}


static void
trees_and_queues(void)
{
    int                i, last;
    static item_t      items[500];
    item_t             *item, wanted;
    nxt_queue_t        queue;
    nxt_rbtree_t       tree;
    nxt_rbtree_node_t  *node;

    nxt_rbtree_init(&tree, compare);
    nxt_queue_init(&queue);
    CHECK(nxt_rbtree_is_empty(&tree) && nxt_queue_middle(&queue) == &queue.head);

    for (i = 0; i < 500; i++) {
        items[i].key = (i * 7919) % 1000;
        nxt_rbtree_insert(&tree, &items[i].node);
        nxt_queue_insert_tail(&queue, &items[i].link);
    }

    last = -1;
    i = 0;

    for (node = nxt_rbtree_min(&tree);
         nxt_rbtree_is_there_successor(&tree, node);
         node = nxt_rbtree_node_successor(&tree, node))
    {
        CHECK(((item_t *) node)->key > last);
        last = ((item_t *) node)->key;
        i++;
    }

    CHECK(i == 500);

    wanted.key = items[77].key;
    CHECK(nxt_rbtree_find(&tree, &wanted.node) == (void *) &items[77]);
    wanted.key = 5000;
    CHECK(nxt_rbtree_find(&tree, &wanted.node) == NULL);
    CHECK(nxt_rbtree_find_greater_or_equal(&tree, &wanted.node) == NULL);
    CHECK(((item_t *) nxt_rbtree_find_less_or_equal(&tree, &wanted.node))->key
          == last);

    nxt_rbtree_delete(&tree, &items[77].node);
    wanted.key = items[77].key;
    CHECK(nxt_rbtree_find(&tree, &wanted.node) == NULL);
    CHECK(nxt_rbtree_find(NULL, NULL) == NULL);
    nxt_rbtree_delete(&tree, NULL);

    node = nxt_rbtree_root(&tree);
    for (i = 0; nxt_rbtree_is_there_successor(&tree, node); i++) {
        nxt_rbtree_destroy_next(&tree, &node);
    }
    CHECK(i == 499);

    nxt_queue_sort(&queue, by_key, NULL);
    nxt_queue_sort(NULL, by_key, NULL);
    last = -1;
    i = 0;
    nxt_queue_each(item, &queue, item_t, link) {
        CHECK(item->key > last && item->link.next->prev == &item->link);
        if (i++ == 250) {
            CHECK(nxt_queue_middle(&queue) == &item->link);
        }
        last = item->key;
    } nxt_queue_loop;
    CHECK(i == 500);
}


int
main(void)
{
    mp = nxt_mp_create(4096, 128, 1024, 64);

    pools();
    heap();
    zones();
    arrays();
    lists();
    buffers();
    trees_and_queues();

    nxt_mp_destroy(mp);

    return REPORT("memory");
}
