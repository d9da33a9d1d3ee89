/* Words that several threads change at once. */

#ifndef NXT_ATOMIC_H
#define NXT_ATOMIC_H

/** Puts `new` in the place of `old`; whether it did. */
#define nxt_atomic_cmp_set(address, old, new)  \
    __sync_bool_compare_and_swap(address, old, new)

/** Puts a new value in the place of the old one, which it answers. */
#define nxt_atomic_xchg(address, new)  __sync_lock_test_and_set(address, new)

/** Adds, and answers the value before. */
#define nxt_atomic_fetch_add(address, number)  \
    __sync_fetch_and_add(address, number)

/** Changes bits, and answers the value after. */
#define nxt_atomic_or_fetch(address, bits)  __sync_or_and_fetch(address, bits)
#define nxt_atomic_and_fetch(address, bits)  \
    __sync_and_and_fetch(address, bits)

/** A word as a lock: 0 is open. */
#define nxt_atomic_try_lock(address)  nxt_atomic_cmp_set(address, 0, 1)
#define nxt_atomic_release(address)  __sync_lock_release(address)

/** A hint that the processor waits in a loop. */
#if defined(__x86_64__) || defined(__i386__)
#define nxt_cpu_pause()  __builtin_ia32_pause()
#elif defined(__aarch64__)
#define nxt_cpu_pause()  __asm__ volatile ("isb")
#else
#define nxt_cpu_pause()  ((void) 0)
#endif

#endif /* NXT_ATOMIC_H */
