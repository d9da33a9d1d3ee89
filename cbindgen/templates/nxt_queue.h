/* A doubly linked list whose links lie inside the objects they chain. */

#ifndef NXT_QUEUE_H
#define NXT_QUEUE_H

typedef struct nxt_queue_link_s nxt_queue_link_t;

@ struct nxt_queue_link_t

@ nxt_queue_t

#define nxt_queue_head(queue)  (&(queue)->head)
#define nxt_queue_tail(queue)  (&(queue)->head)
#define nxt_queue_first(queue)  ((queue)->head.next)
#define nxt_queue_last(queue)  ((queue)->head.prev)
#define nxt_queue_next(link)  ((link)->next)
#define nxt_queue_prev(link)  ((link)->prev)
#define nxt_queue_is_empty(queue)  ((queue)->head.next == &(queue)->head)

/** The object that contains a link. */
#define nxt_queue_link_data(address, type, member)  \
    nxt_container_of(address, type, member)

#define nxt_queue_self(link)                                                  \
    do {                                                                      \
        (link)->next = (link);                                                \
        (link)->prev = (link);                                                \
    } while (0)

#define nxt_queue_init(queue)  nxt_queue_self(&(queue)->head)

#define nxt_queue_insert_after(target, link)                                  \
    do {                                                                      \
        (link)->prev = (target);                                              \
        (link)->next = (target)->next;                                        \
        (link)->next->prev = (link);                                          \
        (target)->next = (link);                                              \
    } while (0)

#define nxt_queue_insert_before(target, link)                                 \
    do {                                                                      \
        (link)->next = (target);                                              \
        (link)->prev = (target)->prev;                                        \
        (link)->prev->next = (link);                                          \
        (target)->prev = (link);                                              \
    } while (0)

#define nxt_queue_insert_head(queue, link)  \
    nxt_queue_insert_after(&(queue)->head, link)

#define nxt_queue_insert_tail(queue, link)  \
    nxt_queue_insert_before(&(queue)->head, link)

/** Takes a link out of its list; its own addresses become NULL. */
#define nxt_queue_remove(link)                                                \
    do {                                                                      \
        (link)->prev->next = (link)->next;                                    \
        (link)->next->prev = (link)->prev;                                    \
        (link)->prev = NULL;                                                  \
        (link)->next = NULL;                                                  \
    } while (0)

/**
 * Opens a loop over the objects of a list; the loop may remove the current
 * one. nxt_queue_loop closes it.
 */
#define nxt_queue_each(object, queue, type, member)                           \
    do {                                                                      \
        nxt_queue_link_t  *_at, *_after;                                      \
                                                                              \
        for (_at = nxt_queue_first(queue);                                    \
             _at != nxt_queue_tail(queue);                                    \
             _at = _after)                                                    \
        {                                                                     \
            _after = nxt_queue_next(_at);                                     \
            (object) = nxt_queue_link_data(_at, type, member);

#define nxt_queue_loop                                                        \
        }                                                                     \
    } while (0)

/** Marks a link as the end of a walk. */
#define nxt_queue_sentinel(link)  ((link)->prev = NULL)

/** Moves `link` and all after it to the empty list `tail`. */
#define nxt_queue_split(queue, link, tail)                                    \
    do {                                                                      \
        (tail)->head.next = (link);                                           \
        (tail)->head.prev = (queue)->head.prev;                               \
        (queue)->head.prev = (link)->prev;                                    \
        (queue)->head.prev->next = &(queue)->head;                            \
        (link)->prev = &(tail)->head;                                         \
        (tail)->head.prev->next = &(tail)->head;                              \
    } while (0)

/** Drops `link` and all after it. */
#define nxt_queue_truncate(queue, link)                                       \
    do {                                                                      \
        (queue)->head.prev = (link)->prev;                                    \
        (queue)->head.prev->next = &(queue)->head;                            \
    } while (0)

/** Appends the links of `tail`, which is not empty, to a list. */
#define nxt_queue_add(queue, tail)                                            \
    do {                                                                      \
        (queue)->head.prev->next = (tail)->head.next;                         \
        (tail)->head.next->prev = (queue)->head.prev;                         \
        (queue)->head.prev = (tail)->head.prev;                               \
        (queue)->head.prev->next = &(queue)->head;                            \
    } while (0)

@ nxt_queue_middle

@ nxt_queue_compare_t

@ nxt_queue_sort

#endif /* NXT_QUEUE_H */
