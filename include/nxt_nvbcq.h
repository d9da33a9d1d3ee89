/* A queue of numbers below its size, for many writers and readers, no locks. */

#ifndef NXT_NVBCQ_H
#define NXT_NVBCQ_H

/*
 * A slot holds a number, or the size for nothing.  Head and tail are where to
 * begin to look: numbers come out in about the order they went in.
 */

#define NXT_NVBCQ_SIZE  16384

typedef uint32_t nxt_nvbcq_atomic_t;

typedef struct nxt_nvbcq_s {
    nxt_nvbcq_atomic_t head;
    nxt_nvbcq_atomic_t entries[NXT_NVBCQ_SIZE];
    nxt_nvbcq_atomic_t tail;
} nxt_nvbcq_t;

nxt_inline nxt_nvbcq_atomic_t
nxt_nvbcq_head(const volatile nxt_nvbcq_t *q)
{
    return q->head;
}

nxt_inline nxt_nvbcq_atomic_t
nxt_nvbcq_tail(const volatile nxt_nvbcq_t *q)
{
    return q->tail;
}

/** Moves the tail on, unless somebody else did. */
nxt_inline void
nxt_nvbcq_tail_cmp_inc(volatile nxt_nvbcq_t *q, nxt_nvbcq_atomic_t t)
{
    (void) nxt_atomic_cmp_set(&q->tail, t, t + 1);
}

nxt_inline nxt_nvbcq_atomic_t
nxt_nvbcq_index(const volatile nxt_nvbcq_t *q, nxt_nvbcq_atomic_t i)
{
    (void) q;

    return i & (NXT_NVBCQ_SIZE - 1);
}

/** The slot of a position. */
nxt_inline nxt_nvbcq_atomic_t
nxt_nvbcq_map(const volatile nxt_nvbcq_t *q, nxt_nvbcq_atomic_t i)
{
    return nxt_nvbcq_index(q, i);
}

/** What a slot without a number holds. */
nxt_inline nxt_nvbcq_atomic_t
nxt_nvbcq_empty(const volatile nxt_nvbcq_t *q)
{
    (void) q;

    return NXT_NVBCQ_SIZE;
}

/** Makes a queue empty that nobody uses yet. */
nxt_inline void
nxt_nvbcq_init(volatile nxt_nvbcq_t *q)
{
    size_t  i;

    for (i = 0; i < NXT_NVBCQ_SIZE; i++) {
        q->entries[i] = nxt_nvbcq_empty(q);
    }

    q->head = 0;
    q->tail = NXT_NVBCQ_SIZE;
}

/** Puts a number into a slot; if the queue is full, the number is dropped. */
nxt_inline void
nxt_nvbcq_enqueue(volatile nxt_nvbcq_t *q, nxt_nvbcq_atomic_t val)
{
    int                          round;
    nxt_nvbcq_atomic_t           position, nothing, end;
    volatile nxt_nvbcq_atomic_t  *slot;

    nothing = nxt_nvbcq_empty(q);

    /*
     * A round can miss a slot that becomes free behind it, as the few of an
     * almost full queue do all the time.  So many in a row do not.
     */

    for (round = 0; round < 100; round++) {
        position = nxt_nvbcq_tail(q);

        for (end = position + NXT_NVBCQ_SIZE; position != end; position++) {
            slot = &q->entries[nxt_nvbcq_map(q, position)];

            if (*slot == nothing && nxt_atomic_cmp_set(slot, nothing, val)) {
                nxt_nvbcq_tail_cmp_inc(q, position);
                return;
            }
        }
    }
}

/** Takes a number out of a slot, or answers nxt_nvbcq_empty(). */
nxt_inline nxt_nvbcq_atomic_t
nxt_nvbcq_dequeue(volatile nxt_nvbcq_t *q)
{
    nxt_nvbcq_atomic_t           position, nothing, end, val;
    volatile nxt_nvbcq_atomic_t  *slot;

    nothing = nxt_nvbcq_empty(q);
    position = nxt_nvbcq_head(q);

    for (end = position + NXT_NVBCQ_SIZE; position != end; position++) {

        /* Nothing stands from the tail on: the tail is one round ahead. */

        if (nxt_nvbcq_tail(q) - position == NXT_NVBCQ_SIZE
            && q->entries[nxt_nvbcq_map(q, position)] == nothing)
        {
            return nothing;
        }

        slot = &q->entries[nxt_nvbcq_map(q, position)];
        val = *slot;

        if (val < nothing && nxt_atomic_cmp_set(slot, val, nothing)) {
            (void) nxt_atomic_cmp_set(&q->head, position, position + 1);
            return val;
        }
    }

    return nothing;
}

#endif /* NXT_NVBCQ_H */
