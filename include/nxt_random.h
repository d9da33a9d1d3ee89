/* Pseudo-random numbers. */

#ifndef NXT_RANDOM_H
#define NXT_RANDOM_H

/** Its state. */
typedef struct nxt_random_s {
    /** The index that runs. */
    uint8_t i;
    /** The index that jumps. */
    uint8_t j;
    /** The permutation. */
    uint8_t s[256];
    /** How many numbers may be drawn before it is stirred again. */
    int32_t count;
} nxt_random_t;

/**
 * Prepares a generator with randomness from the kernel.
 *
 * Requires:
 * `r` is NULL or writable.
 */
void nxt_random_init(nxt_random_t *r);

/**
 * The next number.
 *
 * Requires:
 * `r` is NULL or was prepared.
 */
uint32_t nxt_random(nxt_random_t *r);

/**
 * Draws numbers from a known key and tells the thread's log whether they are the right ones.
 *
 * Requires:
 * `thr` is NULL or a thread with a log.
 */
nxt_int_t nxt_random_test(nxt_thread_t *thr);

#endif /* NXT_RANDOM_H */
