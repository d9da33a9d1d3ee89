/* What threads are called. */

#ifndef NXT_THREAD_ID_H
#define NXT_THREAD_ID_H

#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

@ nxt_thread_handle_t

#define nxt_thread_handle_clear(handle)  ((handle) = (pthread_t) 0)
#define nxt_thread_handle_equal(a, b)  pthread_equal(a, b)

/** The kernel's number of the calling thread. */
nxt_inline nxt_tid_t
nxt_thread_get_tid(void)
{
    return (nxt_tid_t) syscall(SYS_gettid);
}

@ nxt_thread_tid

#endif /* NXT_THREAD_ID_H */
