/* Threads that do what an engine must not wait for. */

#ifndef NXT_THREAD_POOL_H
#define NXT_THREAD_POOL_H

#include <semaphore.h>

typedef sem_t nxt_sem_t;

@ nxt_thread_pool_init_t

@ struct nxt_thread_pool_t

@ nxt_thread_pool_create

@ nxt_thread_pool_destroy

@ nxt_thread_pool_post

#endif /* NXT_THREAD_POOL_H */
