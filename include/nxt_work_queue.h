/* The task: the context that every callback gets. */

#ifndef NXT_WORK_QUEUE_H
#define NXT_WORK_QUEUE_H

/** Does a piece of work. */
typedef void (*nxt_work_handler_t)(nxt_task_t *task, void *obj, void *data);

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

#endif /* NXT_WORK_QUEUE_H */
