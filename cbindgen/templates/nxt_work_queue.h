/* The task: the context that every callback gets. */

#ifndef NXT_WORK_QUEUE_H
#define NXT_WORK_QUEUE_H

@ nxt_work_handler_t

@ struct nxt_work_t

@ struct nxt_task_t

#endif /* NXT_WORK_QUEUE_H */
