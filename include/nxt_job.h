/* Jobs: work with memory of its own, which a pool of threads may do. */

#ifndef NXT_JOB_H
#define NXT_JOB_H

/** The head of a job; what is the program's own follows. */
typedef struct nxt_job_s {
    /** The handlers' third argument. */
    void *data;
    /** The handlers' task. */
    nxt_task_t *task;
    /**
     * What is called instead when the job cannot start, or was cancelled.
     */
    nxt_work_handler_t abort_handler;
    /** The size of a job in another's pool; 0 if the pool is its own. */
    uint16_t cache_size;
    /** Whether it was cancelled. */
    uint8_t cancel;
    /** Its pool. */
    nxt_mp_t *mem_pool;
    /** A link of the program's. */
    nxt_queue_link_t link;
    /** The threads that do it; NULL if the caller does. */
    nxt_thread_pool_t *thread_pool;
    /** The engine that it returns to. */
    nxt_event_engine_t *engine;
    /** Its log. */
    nxt_log_t *log;
    /** How it waits. */
    nxt_work_t work;
#if (NXT_DEBUG)
    /** What it is called. */
    const char *name;
#endif
} nxt_job_t;

/**
 * A job of `size` bytes, `nxt_job_t` at its head: out of `mp`, or, if that is NULL, with a pool of
 * its own. NULL when there is no memory, or `size` is less than the head.
 *
 * Requires:
 * `mp` is NULL or a pool.
 */
void *nxt_job_create(nxt_mp_t *mp,
                     size_t size);

/**
 * Prepares memory of the caller's as a job of `size` bytes.
 *
 * Requires:
 * `job` is NULL or has `size` writable bytes.
 */
void nxt_job_init(nxt_job_t *job, size_t size);

/**
 * Takes a job out of its list and frees it, with its pool if that is its own. Fits as a handler that
 * aborts, with the job as `data`.
 *
 * Requires:
 * `data` is NULL or a job that nobody uses any more.
 */
void nxt_job_destroy(nxt_task_t *task,
                     void *data);

/**
 * Starts a job: `handler` is called by a thread of the job's pool, or at once by the caller if it has
 * none. If the pool has no thread, the job is aborted.
 *
 * Requires:
 * The addresses are NULL or valid; the task is that of the calling thread; the job's work is in no
 * queue.
 */
void nxt_job_start(nxt_task_t *task,
                   nxt_job_t *job,
                   nxt_work_handler_t handler);

/**
 * Ends the work on a job: `handler`, or that which aborts if the job was cancelled, is called on the
 * engine that the job came from, or on that of `task`.
 *
 * Requires:
 * The addresses are NULL or valid; the task is that of the calling thread.
 */
void nxt_job_return(nxt_task_t *task,
                    nxt_job_t *job,
                    nxt_work_handler_t handler);

/** The job's aborting handler is called in place of the one it returns to. */
#define nxt_job_cancel(job)  ((job)->cancel = 1)

#if (NXT_DEBUG)
#define nxt_job_set_name(job, text)  ((job)->name = (text))
#else
#define nxt_job_set_name(job, text)
#endif

#endif /* NXT_JOB_H */
