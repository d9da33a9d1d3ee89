/* A doubly linked list whose links lie inside the objects they chain. */

#ifndef NXT_QUEUE_H
#define NXT_QUEUE_H

typedef struct nxt_queue_link_s nxt_queue_link_t;

@ struct nxt_queue_link_t

@ nxt_queue_t

#define nxt_queue_next(link)  ((link)->next)
#define nxt_queue_prev(link)  ((link)->prev)

/** The queue is a ring: one link is before the first and after the last. */
#define nxt_queue_head(queue)  (&(queue)->head)
#define nxt_queue_tail(queue)  nxt_queue_head(queue)
#define nxt_queue_first(queue)  nxt_queue_next(nxt_queue_head(queue))
#define nxt_queue_last(queue)  nxt_queue_prev(nxt_queue_tail(queue))
#define nxt_queue_is_empty(queue)  \
    (nxt_queue_first(queue) == nxt_queue_tail(queue))

/** The object that contains a link. */
#define nxt_queue_link_data(address, type, member)  \
    nxt_container_of(address, type, member)

/** Makes two links neighbours: every operation below is made of this. */
static inline void
nxt_queue_join(nxt_queue_link_t *before, nxt_queue_link_t *after)
{
    before->next = after;
    after->prev = before;
}

static inline void
nxt_queue_self(nxt_queue_link_t *link)
{
    nxt_queue_join(link, link);
}

static inline void
nxt_queue_init(nxt_queue_t *queue)
{
    nxt_queue_self(&queue->head);
}

static inline void
nxt_queue_insert_after(nxt_queue_link_t *target, nxt_queue_link_t *link)
{
    nxt_queue_join(link, target->next);
    nxt_queue_join(target, link);
}

static inline void
nxt_queue_insert_before(nxt_queue_link_t *target, nxt_queue_link_t *link)
{
    nxt_queue_insert_after(target->prev, link);
}

static inline void
nxt_queue_insert_head(nxt_queue_t *queue, nxt_queue_link_t *link)
{
    nxt_queue_insert_after(&queue->head, link);
}

static inline void
nxt_queue_insert_tail(nxt_queue_t *queue, nxt_queue_link_t *link)
{
    nxt_queue_insert_before(&queue->head, link);
}

/** Takes a link out of its list; its own addresses become NULL. */
static inline void
nxt_queue_remove(nxt_queue_link_t *link)
{
    nxt_queue_join(link->prev, link->next);
    link->prev = NULL;
    link->next = NULL;
}

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

/** Drops `link` and all after it. */
static inline void
nxt_queue_truncate(nxt_queue_t *queue, nxt_queue_link_t *link)
{
    nxt_queue_join(link->prev, &queue->head);
}

/** Moves `link` and all after it to the empty list `tail`. */
static inline void
nxt_queue_split(nxt_queue_t *queue, nxt_queue_link_t *link, nxt_queue_t *tail)
{
    nxt_queue_link_t  *last;

    last = queue->head.prev;
    nxt_queue_truncate(queue, link);
    nxt_queue_join(&tail->head, link);
    nxt_queue_join(last, &tail->head);
}

/** Appends the links of `tail`, which is not empty, to a list. */
static inline void
nxt_queue_add(nxt_queue_t *queue, nxt_queue_t *tail)
{
    nxt_queue_join(queue->head.prev, tail->head.next);
    nxt_queue_join(tail->head.prev, &queue->head);
}

@ nxt_queue_middle

@ nxt_queue_compare_t

@ nxt_queue_sort

#endif /* NXT_QUEUE_H */
