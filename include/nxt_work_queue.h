/* The task, which is the context that every callback gets, and the work of engines. */

#ifndef NXT_WORK_QUEUE_H
#define NXT_WORK_QUEUE_H

/** A piece of work to be done later. */
struct nxt_work_s {
    /** The next in the queue. */
    nxt_work_t *next;
    /** What is called. */
    nxt_work_handler_t handler;
    /** Its first argument. */
    nxt_task_t *task;
    /** Its second argument. */
    void *obj;
    /** Its third argument. */
    void *data;
};

/** The context of a call: its thread and its log. */
struct nxt_task_s {
    /** The thread the task runs on. */
    nxt_thread_t *thread;
    /** The log the task writes to; never NULL. */
    nxt_log_t *log;
    /** A number for records; 0 is none. */
    uint32_t ident;
    /** The work that follows this one. */
    nxt_work_t *next_work;
};

typedef struct nxt_work_queue_chunk_s nxt_work_queue_chunk_t;

/** A block of works. */
struct nxt_work_queue_chunk_s {
    /** The next block. */
    nxt_work_queue_chunk_t *next;
    /** The first work; the others follow. */
    nxt_work_t work;
};

/** Works that are not in use. */
typedef struct nxt_work_queue_cache_s {
    /** The next one that was given back. */
    nxt_work_t *next;
    /** The next one that was never used. */
    nxt_work_t *spare;
    /** All blocks. */
    nxt_work_queue_chunk_t *chunk;
    /** How many works a block has. */
    size_t chunk_size;
} nxt_work_queue_cache_t;

/** Work of an engine that waits in order. */
struct nxt_work_queue_s {
    /** The first. */
    nxt_work_t *head;
    /** The last. */
    nxt_work_t *tail;
    /** Where memory for more comes from. */
    nxt_work_queue_cache_t *cache;
#if (NXT_DEBUG)
    /** What it is called. */
    const char *name;
    /** The process whose thread uses it. */
    int32_t pid;
    /** The thread that uses it. */
    nxt_tid_t tid;
#endif
};

/** Work that comes from other threads. */
typedef struct nxt_locked_work_queue_s {
    /** Guards the rest. */
    nxt_atomic_t lock;
    /** The first. */
    nxt_work_t *head;
    /** The last. */
    nxt_work_t *tail;
    /** Where memory for more comes from. */
    nxt_work_queue_cache_t cache;
} nxt_locked_work_queue_t;

/**
 * Prepares memory for works in blocks of `chunk_size`, or of the usual size for 0.
 *
 * Requires:
 * `cache` is NULL or writable.
 */
void nxt_work_queue_cache_create(nxt_work_queue_cache_t *cache,
                                 size_t chunk_size);

/**
 * Frees the memory of works, none of which may be in use.
 *
 * Requires:
 * `cache` is NULL or valid.
 */
void nxt_work_queue_cache_destroy(nxt_work_queue_cache_t *cache);

/**
 * Adds work to the end of a queue. If there is no memory it waits until there is: work is never
 * lost.
 *
 * Requires:
 * `wq` is NULL or a queue of the calling thread; the rest is what `handler` takes.
 */
void nxt_work_queue_add(nxt_work_queue_t *wq,
                        nxt_work_handler_t handler,
                        nxt_task_t *task,
                        void *obj,
                        void *data);

/**
 * Takes the first work of a queue: its handler, or NULL of an empty queue.
 *
 * Requires:
 * `wq` is NULL or a queue of the calling thread; the other addresses are writable.
 */
nxt_work_handler_t nxt_work_queue_pop(nxt_work_queue_t *wq,
                                      nxt_task_t **task,
                                      void **obj,
                                      void **data);

/**
 * Adds work to the end of a queue of any thread.
 *
 * Requires:
 * `lwq` is NULL or valid; `work` is NULL or valid until it is done.
 */
void nxt_locked_work_queue_add(nxt_locked_work_queue_t *lwq,
                               nxt_work_t *work);

/**
 * Takes the first work of a queue of any thread: its handler, or NULL of an empty queue.
 *
 * Requires:
 * `lwq` is NULL or valid; the other addresses are writable.
 */
nxt_work_handler_t nxt_locked_work_queue_pop(nxt_locked_work_queue_t *lwq,
                                             nxt_task_t **task,
                                             void **obj,
                                             void **data);

/**
 * Moves all works of a queue of any thread to one of the calling thread, which is `thr`.
 *
 * Requires:
 * The addresses are NULL or valid, and so are the works.
 */
void nxt_locked_work_queue_move(nxt_thread_t *thr,
                                nxt_locked_work_queue_t *lwq,
                                nxt_work_queue_t *wq);

/** A number for a new task. */
#define nxt_task_next_ident()  \
    ((uint32_t) nxt_atomic_fetch_add(&nxt_task_ident, 1) & 0x3FFFFFFF)

/** Says what a work is: `handler(task, obj, data)`.  Its link stays. */
nxt_inline void
nxt_work_set(nxt_work_t *work, nxt_work_handler_t handler, nxt_task_t *task,
    void *obj, void *data)
{
    work->handler = handler;
    work->task = task;
    work->obj = obj;
    work->data = data;
}

#if (NXT_DEBUG)

/**
 * Gives a queue a name, for those who debug; only in the debug ABI.
 *
 * Requires:
 * `wq` is NULL or a queue of the calling thread; `name` stays as long as the queue.
 */
void nxt_work_queue_name(nxt_work_queue_t *wq,
                         const char *name);

/**
 * Makes a queue that of the calling thread; only in the debug ABI.
 *
 * Requires:
 * `wq` is NULL or a queue that no other thread uses.
 */
void nxt_work_queue_thread_adopt(nxt_work_queue_t *wq);

#else
#define nxt_work_queue_name(queue, name)
#define nxt_work_queue_thread_adopt(queue)
#endif

#endif /* NXT_WORK_QUEUE_H */
