/* Threads, mutexes and conditions. */

#ifndef NXT_THREAD_H
#define NXT_THREAD_H

#define nxt_thread_extern_data(type, name)  \
    NXT_EXPORT extern __thread type name
#define nxt_thread_declare_data(type, name)  __thread type name
#define nxt_thread_init_data(name)
#define nxt_thread_get_data(name)  (&(name))

@ nxt_thread_start_t

@ nxt_thread_link_t

@ nxt_thread_mutex_t

@ nxt_thread_cond_t

@ struct nxt_thread_t

#define nxt_thread_handle()  pthread_self()
#define nxt_thread_yield()  sched_yield()

@ nxt_thread_create

@ nxt_thread_init

/**
 * Ends the calling thread.
 */
NXT_EXPORT void nxt_thread_exit(nxt_thread_t *thr);

@ nxt_thread_cancel

@ nxt_thread_wait

@ nxt_thread_mutex_create

@ nxt_thread_mutex_destroy

@ nxt_thread_mutex_lock

@ nxt_thread_mutex_trylock

@ nxt_thread_mutex_unlock

@ nxt_thread_cond_create

@ nxt_thread_cond_destroy

@ nxt_thread_cond_signal

/**
 * Opens the mutex and waits for the condition, at most `timeout` nanoseconds
 * unless that is NXT_INFINITE_NSEC; the mutex is closed again then.  0,
 * ETIMEDOUT, or NXT_ERROR.
 */
NXT_EXPORT nxt_err_t nxt_thread_cond_wait(nxt_thread_cond_t *cond,
    nxt_thread_mutex_t *mtx, nxt_nsec_t timeout);

#endif /* NXT_THREAD_H */
