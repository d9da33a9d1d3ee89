/* The queue of requests that the processes of an application share. */

#ifndef NXT_APP_QUEUE_H
#define NXT_APP_QUEUE_H

#include <nxt_app_nncq.h>

#define NXT_APP_QUEUE_SIZE  NXT_APP_NNCQ_SIZE
#define NXT_APP_QUEUE_MSG_SIZE  31

typedef struct {
    /** The bytes of `data` that are the message. */
    uint8_t size;
    uint8_t data[NXT_APP_QUEUE_MSG_SIZE];
    /**
     * The stream of the request.  Its reader and its writer race to change it
     * to 0, and the one that does owns the request.
     */
    uint32_t tracking;
} nxt_app_queue_item_t;

typedef struct {
    /** 1 from a wake-up until a reader has got it. */
    nxt_app_nncq_atomic_t notified;
    /** The items that may be filled. */
    nxt_app_nncq_t free_items;
    /** The items that wait for a reader, the oldest first. */
    nxt_app_nncq_t queue;
    nxt_app_queue_item_t items[NXT_APP_QUEUE_SIZE];
} nxt_app_queue_t;

/** Makes a queue empty that nobody uses yet. */
nxt_inline void
nxt_app_queue_init(volatile nxt_app_queue_t *q)
{
    nxt_app_nncq_atomic_t  number;

    nxt_app_nncq_init(&q->queue);
    nxt_app_nncq_init(&q->free_items);

    for (number = 0; number < NXT_APP_QUEUE_SIZE; number++) {
        nxt_app_nncq_enqueue(&q->free_items, number);
    }

    q->notified = 0;
}

/**
 * Appends a message.  `cookie` is its item, to take it back; `notify`, which
 * may be NULL, says whether a reader must be woken.  NXT_AGAIN: the queue is
 * full.  NXT_ERROR: the message is too long.
 */
nxt_inline nxt_int_t
nxt_app_queue_send(volatile nxt_app_queue_t *q, const void *p, uint8_t size,
    uint32_t tracking, int *notify, uint32_t *cookie)
{
    int                    wake;
    nxt_app_queue_item_t   *item;
    nxt_app_nncq_atomic_t  number;

    if (size > NXT_APP_QUEUE_MSG_SIZE) {
        return NXT_ERROR;
    }

    number = nxt_app_nncq_dequeue(&q->free_items);

    if (number == nxt_app_nncq_empty(&q->free_items)) {
        return NXT_AGAIN;
    }

    item = (nxt_app_queue_item_t *) &q->items[number];
    nxt_memcpy(item->data, p, size);
    item->size = size;
    item->tracking = tracking;
    *cookie = number;

    nxt_app_nncq_enqueue(&q->queue, number);

    wake = nxt_atomic_cmp_set(&q->notified, 0, 1);

    if (notify != NULL) {
        *notify = wake;
    }

    return NXT_OK;
}

/** A reader got the wake-up; it must look into the queue after this. */
nxt_inline void
nxt_app_queue_notification_received(volatile nxt_app_queue_t *q)
{
    /* No store: the reads of the queue that follow must not overtake it. */
    (void) nxt_atomic_and_fetch(&q->notified, 0);
}

/** Makes the request the caller's; whether nobody else was faster. */
nxt_inline nxt_bool_t
nxt_app_queue_cancel(volatile nxt_app_queue_t *q, uint32_t cookie,
    uint32_t tracking)
{
    nxt_app_queue_item_t  *item;

    item = (nxt_app_queue_item_t *)
               &q->items[cookie & (NXT_APP_QUEUE_SIZE - 1)];

    return nxt_atomic_cmp_set(&item->tracking, tracking, 0);
}

/**
 * Takes the oldest message into 31 bytes; its size, or -1 without one.  It is
 * the reader's once nxt_app_queue_cancel() says so, to be called at once: the
 * item is already free, and a writer that comes round to it takes the word.
 */
nxt_inline ssize_t
nxt_app_queue_recv(volatile nxt_app_queue_t *q, void *p, uint32_t *cookie)
{
    size_t                 size;
    nxt_app_queue_item_t   *item;
    nxt_app_nncq_atomic_t  number;

    *cookie = 0;
    number = nxt_app_nncq_dequeue(&q->queue);

    if (number == nxt_app_nncq_empty(&q->queue)) {
        return -1;
    }

    item = (nxt_app_queue_item_t *) &q->items[number];

    /* The memory is shared, so it may hold any size. */
    size = *(volatile uint8_t *) &item->size;
    size = nxt_min(size, (size_t) NXT_APP_QUEUE_MSG_SIZE);
    nxt_memcpy(p, item->data, size);
    *cookie = number;

    nxt_app_nncq_enqueue(&q->free_items, number);

    return (ssize_t) size;
}

#endif /* NXT_APP_QUEUE_H */
