/* Locks that spin. */

#ifndef NXT_SPINLOCK_H
#define NXT_SPINLOCK_H

typedef nxt_atomic_t nxt_thread_spinlock_t;

@ nxt_thread_spin_init

@ nxt_thread_spin_lock

@ nxt_thread_spin_trylock

@ nxt_thread_spin_unlock

#endif /* NXT_SPINLOCK_H */
