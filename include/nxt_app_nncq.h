/* The queue of numbers of nxt_nncq.h, with the size that applications need. */

#ifndef NXT_APP_NNCQ_H
#define NXT_APP_NNCQ_H

#include <nxt_nncq.h>

#define NXT_APP_NNCQ_SIZE  131072

/** A position, or an entry: a number under the cycle of its position. */
typedef uint32_t nxt_app_nncq_atomic_t;

/** How often the positions have gone round. */
typedef uint16_t nxt_app_nncq_cycle_t;

typedef struct {
    /** The position that is read next. */
    nxt_app_nncq_atomic_t head;
    nxt_app_nncq_atomic_t entries[NXT_APP_NNCQ_SIZE];
    /** The position that is written next. */
    nxt_app_nncq_atomic_t tail;
} nxt_app_nncq_t;

nxt_inline nxt_app_nncq_atomic_t
nxt_app_nncq_head(const volatile nxt_app_nncq_t *q)
{
    return q->head;
}

nxt_inline nxt_app_nncq_atomic_t
nxt_app_nncq_tail(const volatile nxt_app_nncq_t *q)
{
    return q->tail;
}

/** Moves the tail on, unless somebody else did. */
nxt_inline void
nxt_app_nncq_tail_cmp_inc(volatile nxt_app_nncq_t *q, nxt_app_nncq_atomic_t t)
{
    (void) nxt_atomic_cmp_set(&q->tail, t, t + 1);
}

/** The number in an entry. */
nxt_inline nxt_app_nncq_atomic_t
nxt_app_nncq_index(const volatile nxt_app_nncq_t *q, nxt_app_nncq_atomic_t i)
{
    (void) q;

    return i & (NXT_APP_NNCQ_SIZE - 1);
}

/** The slot of a position. */
nxt_inline nxt_app_nncq_atomic_t
nxt_app_nncq_map(const volatile nxt_app_nncq_t *q, nxt_app_nncq_atomic_t i)
{
    return nxt_app_nncq_index(q, i);
}

/** The cycle of a position, or of an entry. */
nxt_inline nxt_app_nncq_cycle_t
nxt_app_nncq_cycle(const volatile nxt_app_nncq_t *q, nxt_app_nncq_atomic_t i)
{
    (void) q;

    return nxt_nncq_ring_cycle(NXT_APP_NNCQ_SIZE, i);
}

/** The cycle after. */
nxt_inline nxt_app_nncq_cycle_t
nxt_app_nncq_next_cycle(const volatile nxt_app_nncq_t *q,
    nxt_app_nncq_cycle_t i)
{
    (void) q;

    return nxt_nncq_ring_next_cycle(NXT_APP_NNCQ_SIZE, i);
}

nxt_inline nxt_app_nncq_atomic_t
nxt_app_nncq_new_entry(const volatile nxt_app_nncq_t *q,
    nxt_app_nncq_cycle_t cycle, nxt_app_nncq_atomic_t i)
{
    return (nxt_app_nncq_atomic_t) cycle * NXT_APP_NNCQ_SIZE
           | nxt_app_nncq_index(q, i);
}

/** What nxt_app_nncq_dequeue() answers when there is nothing. */
nxt_inline nxt_app_nncq_atomic_t
nxt_app_nncq_empty(const volatile nxt_app_nncq_t *q)
{
    (void) q;

    return NXT_APP_NNCQ_SIZE;
}

/** Makes a queue empty that nobody uses yet. */
nxt_inline void
nxt_app_nncq_init(volatile nxt_app_nncq_t *q)
{
    size_t  i;

    for (i = 0; i < NXT_APP_NNCQ_SIZE; i++) {
        q->entries[i] = 0;
    }

    q->head = NXT_APP_NNCQ_SIZE;
    q->tail = NXT_APP_NNCQ_SIZE;
}

/** Appends a number, for which there must be room. */
nxt_inline void
nxt_app_nncq_enqueue(volatile nxt_app_nncq_t *q, nxt_app_nncq_atomic_t val)
{
    nxt_nncq_ring_put(q->entries, &q->tail, NXT_APP_NNCQ_SIZE, val);
}

/** Takes the oldest number, or nxt_app_nncq_empty(). */
nxt_inline nxt_app_nncq_atomic_t
nxt_app_nncq_dequeue(volatile nxt_app_nncq_t *q)
{
    return nxt_nncq_ring_take(q->entries, &q->head, NXT_APP_NNCQ_SIZE);
}

#endif /* NXT_APP_NNCQ_H */
