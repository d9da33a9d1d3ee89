/* Threads that do what an engine must not wait for. */

#ifndef NXT_THREAD_POOL_H
#define NXT_THREAD_POOL_H

#include <semaphore.h>

typedef sem_t nxt_sem_t;

/** Prepares a thread of a pool. */
typedef void (*nxt_thread_pool_init_t)(void);

/** Threads that do what an engine must not wait for. */
struct nxt_thread_pool_s {
    /** Whether there are threads. */
    nxt_atomic_t ready;
    /** How many wait for work. */
    nxt_atomic_t waiting;
    /** How many there are. */
    nxt_atomic_t threads;
    /** How many there may be; 0 in a pool that is being destroyed. */
    nxt_uint_t max_threads;
    /** Counts the works. */
    nxt_sem_t sem;
    /** After which time a thread without work ends. */
    nxt_nsec_t timeout;
    /** The end of the pool. */
    nxt_work_t work;
    /** The task of that work. */
    nxt_task_t task;
    /** The works. */
    nxt_locked_work_queue_t work_queue;
    /** The first thread. */
    nxt_thread_handle_t main;
    /** The engine that learns of the pool's end. */
    nxt_event_engine_t *engine;
    /** What prepares each thread. */
    nxt_thread_pool_init_t init;
    /** What the engine does when the pool has no thread any more. */
    nxt_work_handler_t exit;
};

/**
 * A pool of at most `max_threads` threads; one that waits for work longer than `timeout` ends, but
 * for the last. `init` is called in each thread, `exit` on `engine` when the pool has ended, and must
 * free it. NULL when there is no memory. Threads start with the first work.
 *
 * Requires:
 * `engine` is NULL or an engine that outlives the pool.
 */
nxt_thread_pool_t *nxt_thread_pool_create(nxt_uint_t max_threads,
                                          nxt_nsec_t timeout,
                                          nxt_thread_pool_init_t init,
                                          nxt_event_engine_t *engine,
                                          nxt_work_handler_t exit);

/**
 * Ends a pool: its threads do the work that was posted before, then `exit` is called on the engine.
 *
 * Requires:
 * `tp` is NULL or a pool that gets no work any more; the caller runs the pool's engine.
 */
void nxt_thread_pool_destroy(nxt_thread_pool_t *tp);

/**
 * Gives a pool work. The work is the pool's until it is done.
 *
 * Requires:
 * `tp` is NULL or a pool; `work` is NULL or valid with a task of its own.
 */
nxt_int_t nxt_thread_pool_post(nxt_thread_pool_t *tp, nxt_work_t *work);

#endif /* NXT_THREAD_POOL_H */
