/* Buffers that are used again and again. */

#ifndef NXT_BUF_POOL_H
#define NXT_BUF_POOL_H

/**
 * At most `max` buffers of one kind, which are used again and again.
 */
typedef struct nxt_buf_pool_s {
    /** The buffer that is being filled. */
    nxt_buf_t *current;
    /** Buffers that are free. */
    nxt_buf_t *free;
    /** Where they come from. */
    nxt_mp_t *mem_pool;
    /** How many there are. */
    uint16_t num;
    /** How many there may be. */
    uint16_t max;
    /** The size of one in bytes. */
    uint32_t size;
    /** What they are allocated with. */
    uint8_t flags;
    /** Whether those that become free are given back. */
    uint8_t destroy;
    /** Whether they are mapped stretches of files. */
    uint8_t mmap;
} nxt_buf_pool_t;

/**
 * Makes sure that the current buffer has room: `NXT_AGAIN` if no more buffers are allowed,
 * `NXT_ERROR` when there is no memory.
 *
 * Requires:
 * `bp` is NULL or valid.
 */
nxt_int_t nxt_buf_pool_mem_alloc(nxt_buf_pool_t *bp,
                                 size_t size);

/**
 * The same with buffers for stretches of files.
 *
 * Requires:
 * `bp` is NULL or valid.
 */
nxt_int_t nxt_buf_pool_file_alloc(nxt_buf_pool_t *bp, size_t size);

/**
 * The same with buffers for mapped stretches of files; any current buffer will do.
 *
 * Requires:
 * `bp` is NULL or valid.
 */
nxt_int_t nxt_buf_pool_mmap_alloc(nxt_buf_pool_t *bp,
                                  size_t size);

/**
 * Empties a buffer, for the next use; one that was mapped is mapped no more. A pool that was
 * destroyed frees it.
 *
 * Requires:
 * `bp` is NULL or valid; `b` is NULL or a buffer of it, which nobody uses.
 */
void nxt_buf_pool_free(nxt_buf_pool_t *bp,
                       nxt_buf_t *b);

/**
 * Frees the free buffers; the others follow when they are given back.
 *
 * Requires:
 * `bp` is NULL or valid.
 */
void nxt_buf_pool_destroy(nxt_buf_pool_t *bp);

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
