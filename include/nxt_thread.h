/* Threads, mutexes and conditions. */

#ifndef NXT_THREAD_H
#define NXT_THREAD_H

#define nxt_thread_extern_data(type, name)  \
    NXT_EXPORT extern __thread type name
#define nxt_thread_declare_data(type, name)  __thread type name
#define nxt_thread_init_data(name)
#define nxt_thread_get_data(name)  (&(name))

/** What a thread runs. */
typedef void (*nxt_thread_start_t)(void *data);

/** How a thread is started. */
typedef struct nxt_thread_link_s {
    /** What it runs, with `work.data`. */
    nxt_thread_start_t start;
    /** The engine that learns of its end. */
    nxt_event_engine_t *engine;
    /** What that engine does then, if there is a handler. */
    nxt_work_t work;
} nxt_thread_link_t;

/** A lock that sleeps. */
typedef pthread_mutex_t nxt_thread_mutex_t;

/** A condition to wait for. */
typedef pthread_cond_t nxt_thread_cond_t;

/** A thread's state. */
struct nxt_thread_s {
    /** The log that is written to now. */
    nxt_log_t *log;
    /** A log of its own. */
    nxt_log_t main_log;
    /** The task that runs now. */
    nxt_task_t *task;
    /** Its number; 0 before it was asked for. */
    nxt_tid_t tid;
    /** Its name in the C library. */
    nxt_thread_handle_t handle;
    /** How it was started. */
    nxt_thread_link_t *link;
    /** The pool it belongs to. */
    nxt_thread_pool_t *thread_pool;
    /** The times it keeps. */
    nxt_thread_time_t time;
    /** The runtime it works for. */
    nxt_runtime_t *runtime;
    /** The engine it runs. */
    nxt_event_engine_t *engine;
    /** The program's own. */
    void *data;
    /** Its random numbers. */
    nxt_random_t random;
};

#define nxt_thread_handle()  pthread_self()
#define nxt_thread_yield()  sched_yield()

/**
 * Starts a thread that runs `link->start` with `link->work.data`. The link, from nxt_malloc, then
 * belongs to the thread, or is freed on failure.
 *
 * Requires:
 * `handle` is NULL or writable; `link` is NULL or valid, and what it starts may run on a thread.
 */
nxt_int_t nxt_thread_create(nxt_thread_handle_t *handle,
                            nxt_thread_link_t *link);

/** Prepares the calling thread's state, and answers it. */
nxt_thread_t *nxt_thread_init(void);

/**
 * Ends the calling thread.
 */
NXT_EXPORT void nxt_thread_exit(nxt_thread_t *thr);

/** Asks a thread to end where it waits next. */
void nxt_thread_cancel(nxt_thread_handle_t handle);

/** Waits for a thread to end. */
void nxt_thread_wait(nxt_thread_handle_t handle);

/**
 * Makes a mutex that tells mistakes of its user.
 *
 * Requires:
 * `mtx` is NULL or writable.
 */
nxt_int_t nxt_thread_mutex_create(nxt_thread_mutex_t *mtx);

/**
 * Gives a mutex up.
 *
 * Requires:
 * `mtx` is NULL or a mutex that is open.
 */
void nxt_thread_mutex_destroy(nxt_thread_mutex_t *mtx);

/**
 * Waits for a mutex and closes it; `NXT_ERROR` if the thread has closed it already.
 *
 * Requires:
 * `mtx` is NULL or a mutex.
 */
nxt_int_t nxt_thread_mutex_lock(nxt_thread_mutex_t *mtx);

/**
 * Closes a mutex if it is open: 1, or 0 if it was not.
 *
 * Requires:
 * `mtx` is NULL or a mutex.
 */
nxt_bool_t nxt_thread_mutex_trylock(nxt_thread_mutex_t *mtx);

/**
 * Opens a mutex; `NXT_ERROR` if the thread has not closed it.
 *
 * Requires:
 * `mtx` is NULL or a mutex.
 */
nxt_int_t nxt_thread_mutex_unlock(nxt_thread_mutex_t *mtx);

/**
 * Makes a condition.
 *
 * Requires:
 * `cond` is NULL or writable.
 */
nxt_int_t nxt_thread_cond_create(nxt_thread_cond_t *cond);

/**
 * Gives a condition up.
 *
 * Requires:
 * `cond` is NULL or a condition that nobody waits for.
 */
void nxt_thread_cond_destroy(nxt_thread_cond_t *cond);

/**
 * Wakes one thread that waits for a condition.
 *
 * Requires:
 * `cond` is NULL or a condition.
 */
nxt_int_t nxt_thread_cond_signal(nxt_thread_cond_t *cond);

/**
 * Opens the mutex and waits for the condition, at most `timeout` nanoseconds
 * unless that is NXT_INFINITE_NSEC; the mutex is closed again then.  0,
 * ETIMEDOUT, or NXT_ERROR.
 */
NXT_EXPORT nxt_err_t nxt_thread_cond_wait(nxt_thread_cond_t *cond,
    nxt_thread_mutex_t *mtx, nxt_nsec_t timeout);

#endif /* NXT_THREAD_H */
