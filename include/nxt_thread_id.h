/* What threads are called. */

#ifndef NXT_THREAD_ID_H
#define NXT_THREAD_ID_H

#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

/** A thread as the C library names it. */
typedef pthread_t nxt_thread_handle_t;

#define nxt_thread_handle_clear(handle)  ((handle) = (pthread_t) 0)
#define nxt_thread_handle_equal(a, b)  pthread_equal(a, b)

/** The kernel's number of the calling thread. */
nxt_inline nxt_tid_t
nxt_thread_get_tid(void)
{
    return (nxt_tid_t) syscall(SYS_gettid);
}

/**
 * The kernel's number of the calling thread, which `thr` keeps.
 *
 * Requires:
 * `thr` is NULL or the calling thread's state.
 */
nxt_tid_t nxt_thread_tid(nxt_thread_t *thr);

#endif /* NXT_THREAD_ID_H */
