/* A queue of numbers below its size, for many writers and readers, no locks. */

#ifndef NXT_NNCQ_H
#define NXT_NNCQ_H

/*
 * Head and tail only grow.  A position modulo the size is its slot, divided by
 * the size its cycle; a slot holds a number together with the cycle it was
 * written in, so that a slot of the cycle before is empty.
 */

#define NXT_NNCQ_SIZE  16384

typedef uint32_t nxt_nncq_atomic_t;
typedef uint16_t nxt_nncq_cycle_t;

/*
 * The steps for a ring of any size that is a power of two.  A cycle has 16
 * bits, or fewer where positions of 32 bits have fewer, and comes round to 0.
 */

nxt_inline nxt_nncq_cycle_t
nxt_nncq_ring_cycle(nxt_nncq_atomic_t size, nxt_nncq_atomic_t position)
{
    return (nxt_nncq_cycle_t) (position / size);
}

nxt_inline nxt_nncq_cycle_t
nxt_nncq_ring_next_cycle(nxt_nncq_atomic_t size, nxt_nncq_cycle_t cycle)
{
    return (nxt_nncq_cycle_t) ((cycle + 1) & (UINT32_MAX / size));
}

nxt_inline void
nxt_nncq_ring_put(volatile nxt_nncq_atomic_t *entries,
    volatile nxt_nncq_atomic_t *tail, nxt_nncq_atomic_t size,
    nxt_nncq_atomic_t val)
{
    nxt_nncq_cycle_t            now, written;
    nxt_nncq_atomic_t           position, entry;
    volatile nxt_nncq_atomic_t  *slot;

    for ( ;; ) {
        position = *tail;
        slot = &entries[position & (size - 1)];
        entry = *slot;

        now = nxt_nncq_ring_cycle(size, position);
        written = nxt_nncq_ring_cycle(size, entry);

        if (written == now) {
            /* Another writer is between its two steps; this is the second. */
            (void) nxt_atomic_cmp_set(tail, position, position + 1);

        } else if (nxt_nncq_ring_next_cycle(size, written) == now
                   && nxt_atomic_cmp_set(slot, entry,
                                         now * size | (val & (size - 1))))
        {
            (void) nxt_atomic_cmp_set(tail, position, position + 1);
            return;
        }
    }
}

/* Answers the size when there is nothing. */

nxt_inline nxt_nncq_atomic_t
nxt_nncq_ring_take(volatile nxt_nncq_atomic_t *entries,
    volatile nxt_nncq_atomic_t *head, nxt_nncq_atomic_t size)
{
    nxt_nncq_cycle_t   now, written;
    nxt_nncq_atomic_t  position, entry;

    for ( ;; ) {
        position = *head;
        entry = entries[position & (size - 1)];

        now = nxt_nncq_ring_cycle(size, position);
        written = nxt_nncq_ring_cycle(size, entry);

        if (nxt_nncq_ring_next_cycle(size, written) == now) {
            return size;
        }

        if (written == now
            && nxt_atomic_cmp_set(head, position, position + 1))
        {
            return entry & (size - 1);
        }
    }
}

typedef struct {
    nxt_nncq_atomic_t head;
    nxt_nncq_atomic_t entries[NXT_NNCQ_SIZE];
    nxt_nncq_atomic_t tail;
} nxt_nncq_t;

nxt_inline nxt_nncq_atomic_t
nxt_nncq_head(const volatile nxt_nncq_t *q)
{
    return q->head;
}

nxt_inline nxt_nncq_atomic_t
nxt_nncq_tail(const volatile nxt_nncq_t *q)
{
    return q->tail;
}

/** Moves the tail on, unless somebody else did. */
nxt_inline void
nxt_nncq_tail_cmp_inc(volatile nxt_nncq_t *q, nxt_nncq_atomic_t t)
{
    (void) nxt_atomic_cmp_set(&q->tail, t, t + 1);
}

/** The number in an entry. */
nxt_inline nxt_nncq_atomic_t
nxt_nncq_index(const volatile nxt_nncq_t *q, nxt_nncq_atomic_t i)
{
    (void) q;

    return i & (NXT_NNCQ_SIZE - 1);
}

/** The slot of a position. */
nxt_inline nxt_nncq_atomic_t
nxt_nncq_map(const volatile nxt_nncq_t *q, nxt_nncq_atomic_t i)
{
    return nxt_nncq_index(q, i);
}

/** The cycle of a position, or of an entry. */
nxt_inline nxt_nncq_cycle_t
nxt_nncq_cycle(const volatile nxt_nncq_t *q, nxt_nncq_atomic_t i)
{
    (void) q;

    return nxt_nncq_ring_cycle(NXT_NNCQ_SIZE, i);
}

/** The cycle after. */
nxt_inline nxt_nncq_cycle_t
nxt_nncq_next_cycle(const volatile nxt_nncq_t *q, nxt_nncq_cycle_t i)
{
    (void) q;

    return nxt_nncq_ring_next_cycle(NXT_NNCQ_SIZE, i);
}

nxt_inline nxt_nncq_atomic_t
nxt_nncq_new_entry(const volatile nxt_nncq_t *q, nxt_nncq_cycle_t cycle,
    nxt_nncq_atomic_t i)
{
    return (nxt_nncq_atomic_t) cycle * NXT_NNCQ_SIZE | nxt_nncq_index(q, i);
}

/** What nxt_nncq_dequeue() answers when there is nothing. */
nxt_inline nxt_nncq_atomic_t
nxt_nncq_empty(const volatile nxt_nncq_t *q)
{
    (void) q;

    return NXT_NNCQ_SIZE;
}

/** Makes a queue empty that nobody uses yet. */
nxt_inline void
nxt_nncq_init(volatile nxt_nncq_t *q)
{
    size_t  i;

    for (i = 0; i < NXT_NNCQ_SIZE; i++) {
        q->entries[i] = 0;
    }

    q->head = NXT_NNCQ_SIZE;
    q->tail = NXT_NNCQ_SIZE;
}

/** Appends a number, for which there must be room. */
nxt_inline void
nxt_nncq_enqueue(volatile nxt_nncq_t *q, nxt_nncq_atomic_t val)
{
    nxt_nncq_ring_put(q->entries, &q->tail, NXT_NNCQ_SIZE, val);
}

/** Takes the oldest number, or nxt_nncq_empty(). */
nxt_inline nxt_nncq_atomic_t
nxt_nncq_dequeue(volatile nxt_nncq_t *q)
{
    return nxt_nncq_ring_take(q->entries, &q->head, NXT_NNCQ_SIZE);
}

#endif /* NXT_NNCQ_H */
