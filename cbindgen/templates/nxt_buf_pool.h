/* Buffers that are used again and again. */

#ifndef NXT_BUF_POOL_H
#define NXT_BUF_POOL_H

@ nxt_buf_pool_t

@ nxt_buf_pool_mem_alloc

@ nxt_buf_pool_file_alloc

@ nxt_buf_pool_mmap_alloc

@ nxt_buf_pool_free

@ nxt_buf_pool_destroy

/** Whether a buffer with room is there. */
#define nxt_buf_pool_ready(pool)                                              \
    ((pool)->free != NULL                                                     \
     || ((pool)->current != NULL                                              \
         && (pool)->current->mem.free < (pool)->current->mem.end))

/** Whether one more may be allocated. */
#define nxt_buf_pool_obtainable(pool)  ((pool)->num < (pool)->max)

#define nxt_buf_pool_available(pool)  \
    (nxt_buf_pool_ready(pool) || nxt_buf_pool_obtainable(pool))

/** Counts buffers as if they were allocated, and takes that back. */
#define nxt_buf_pool_reserve(pool, count)  ((pool)->num += (count))
#define nxt_buf_pool_release(pool, count)  ((pool)->num -= (count))

#endif /* NXT_BUF_POOL_H */
