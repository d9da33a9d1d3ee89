/* The queue of short messages beside the socket of a port. */

#ifndef NXT_PORT_QUEUE_H
#define NXT_PORT_QUEUE_H

#include <nxt_nncq.h>

#define NXT_PORT_QUEUE_SIZE  NXT_NNCQ_SIZE
#define NXT_PORT_QUEUE_MSG_SIZE  31

typedef struct {
    /** The bytes of `data` that are the message. */
    uint8_t size;
    uint8_t data[NXT_PORT_QUEUE_MSG_SIZE];
} nxt_port_queue_item_t;

/**
 * A writer takes the number of a free item, fills the item and queues the
 * number.
 */
typedef struct {
    /** The messages, and one more while the reader is awake. */
    nxt_nncq_atomic_t nitems;
    /** The items that may be filled. */
    nxt_nncq_t free_items;
    /** The items that wait for the reader, the oldest first. */
    nxt_nncq_t queue;
    nxt_port_queue_item_t items[NXT_PORT_QUEUE_SIZE];
} nxt_port_queue_t;

/** Makes a queue empty that nobody uses yet. */
nxt_inline void
nxt_port_queue_init(volatile nxt_port_queue_t *q)
{
    nxt_nncq_atomic_t  number;

    nxt_nncq_init(&q->queue);
    nxt_nncq_init(&q->free_items);

    for (number = 0; number < NXT_PORT_QUEUE_SIZE; number++) {
        nxt_nncq_enqueue(&q->free_items, number);
    }

    q->nitems = 0;
}

/**
 * Appends a message; `notify` says whether the reader must be woken through the
 * socket.  NXT_AGAIN: the queue is full.  NXT_ERROR: the message is too long.
 */
nxt_inline nxt_int_t
nxt_port_queue_send(volatile nxt_port_queue_t *q, const void *p, uint8_t size,
    int *notify)
{
    nxt_nncq_atomic_t      number;
    nxt_port_queue_item_t  *item;

    *notify = 0;

    if (size > NXT_PORT_QUEUE_MSG_SIZE) {
        return NXT_ERROR;
    }

    number = nxt_nncq_dequeue(&q->free_items);

    if (number == nxt_nncq_empty(&q->free_items)) {
        return NXT_AGAIN;
    }

    item = (nxt_port_queue_item_t *) &q->items[number];
    nxt_memcpy(item->data, p, size);
    item->size = size;

    nxt_nncq_enqueue(&q->queue, number);

    *notify = (nxt_atomic_fetch_add(&q->nitems, 1) == 0);

    return NXT_OK;
}

/** Takes the oldest message into 31 bytes; its size, or -1 without one. */
nxt_inline ssize_t
nxt_port_queue_recv(volatile nxt_port_queue_t *q, void *p)
{
    size_t                 size;
    nxt_nncq_atomic_t      number;
    nxt_port_queue_item_t  *item;

    number = nxt_nncq_dequeue(&q->queue);

    if (number == nxt_nncq_empty(&q->queue)) {
        return -1;
    }

    item = (nxt_port_queue_item_t *) &q->items[number];

    /* The memory is shared, so it may hold any size. */
    size = *(volatile uint8_t *) &item->size;
    size = nxt_min(size, (size_t) NXT_PORT_QUEUE_MSG_SIZE);
    nxt_memcpy(p, item->data, size);

    nxt_nncq_enqueue(&q->free_items, number);
    (void) nxt_atomic_fetch_add(&q->nitems, -1);

    return (ssize_t) size;
}

#endif /* NXT_PORT_QUEUE_H */
