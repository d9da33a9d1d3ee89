/* The task, which is the context that every callback gets, and the work of engines. */

#ifndef NXT_WORK_QUEUE_H
#define NXT_WORK_QUEUE_H

@ struct nxt_work_t

@ struct nxt_task_t

typedef struct nxt_work_queue_chunk_s nxt_work_queue_chunk_t;

@ struct nxt_work_queue_chunk_t

@ nxt_work_queue_cache_t

@ struct nxt_work_queue_t

@ nxt_locked_work_queue_t

@ nxt_work_queue_cache_create

@ nxt_work_queue_cache_destroy

@ nxt_work_queue_add

@ nxt_work_queue_pop

@ nxt_locked_work_queue_add

@ nxt_locked_work_queue_pop

@ nxt_locked_work_queue_move

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

@ nxt_work_queue_name

@ nxt_work_queue_thread_adopt

#else
#define nxt_work_queue_name(queue, name)
#define nxt_work_queue_thread_adopt(queue)
#endif

#endif /* NXT_WORK_QUEUE_H */
