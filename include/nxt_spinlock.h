/* Locks that spin. */

#ifndef NXT_SPINLOCK_H
#define NXT_SPINLOCK_H

typedef nxt_atomic_t nxt_thread_spinlock_t;

/**
 * Sets how long locks spin: `count` times with `ncpu` 0, else as is good with so many processors.
 */
void nxt_thread_spin_init(nxt_uint_t ncpu,
                          nxt_uint_t count);

/**
 * Waits for a lock and closes it.
 *
 * Requires:
 * `lock` is NULL or a lock.
 */
void nxt_thread_spin_lock(nxt_thread_spinlock_t *lock);

/**
 * Closes a lock if it is open: 1, or 0 if it was not.
 *
 * Requires:
 * `lock` is NULL or a lock.
 */
nxt_bool_t nxt_thread_spin_trylock(nxt_thread_spinlock_t *lock);

/**
 * Opens a lock.
 *
 * Requires:
 * `lock` is NULL or a lock that the calling thread has closed.
 */
void nxt_thread_spin_unlock(nxt_thread_spinlock_t *lock);

#endif /* NXT_SPINLOCK_H */
