/* Memory pools. */

#ifndef NXT_MP_H
#define NXT_MP_H

/**
 * Makes a pool with one owner. Memory is taken from the heap in clusters of pages, and pages are
 * divided into chunks from `min_chunk_size` up. NULL when there is no memory, or the sizes do not
 * fit each other.
 */
nxt_mp_t *nxt_mp_create(size_t cluster_size,
                        size_t page_alignment,
                        size_t page_size,
                        size_t min_chunk_size);

/** Whether `nxt_mp_create` takes these sizes. */
nxt_bool_t nxt_mp_test_sizes(size_t cluster_size,
                             size_t page_alignment,
                             size_t page_size,
                             size_t min_chunk_size);

/**
 * Frees the pool with all its memory, whoever owns it, after running its cleanups.
 *
 * Requires:
 * `mp` is NULL or a pool, which nobody uses afterwards.
 */
void nxt_mp_destroy(nxt_mp_t *mp);

/**
 * Adds an owner.
 *
 * Requires:
 * `mp` is NULL or a pool.
 */
void nxt_mp_retain(nxt_mp_t *mp);

/**
 * Takes an owner away; without owners the pool is destroyed.
 *
 * Requires:
 * `mp` is NULL or a pool, which this owner does not use afterwards.
 */
void nxt_mp_release(nxt_mp_t *mp);

/**
 * Whether everything that was allocated is free again.
 *
 * Requires:
 * `mp` is NULL or a pool.
 */
nxt_bool_t nxt_mp_is_empty(nxt_mp_t *mp);

/**
 * Memory that can be freed; NULL when there is none.
 *
 * Requires:
 * `mp` is NULL or a pool.
 */
void *nxt_mp_alloc(nxt_mp_t *mp, size_t size);

/**
 * Memory of value zero that can be freed; NULL when there is none.
 *
 * Requires:
 * `mp` is NULL or a pool.
 */
void *nxt_mp_zalloc(nxt_mp_t *mp, size_t size);

/**
 * Aligned memory that can be freed; NULL when there is none, or the alignment is no power of two.
 *
 * Requires:
 * `mp` is NULL or a pool.
 */
void *nxt_mp_align(nxt_mp_t *mp,
                   size_t alignment,
                   size_t size);

/**
 * Aligned memory of value zero that can be freed; NULL as for `nxt_mp_align`.
 *
 * Requires:
 * `mp` is NULL or a pool.
 */
void *nxt_mp_zalign(nxt_mp_t *mp,
                    size_t alignment,
                    size_t size);

/**
 * Frees what one of the four functions above has answered. Anything else is an alert in the log.
 *
 * Requires:
 * `mp` is NULL or a pool; memory of it that is freed is not used afterwards.
 */
void nxt_mp_free(nxt_mp_t *mp,
                 void *p);

/**
 * Memory without alignment that is freed with the pool; NULL when there is none.
 *
 * Requires:
 * `mp` is NULL or a pool.
 */
void *nxt_mp_nget(nxt_mp_t *mp,
                  size_t size);

/**
 * Memory that is freed with the pool; NULL when there is none.
 *
 * Requires:
 * `mp` is NULL or a pool.
 */
void *nxt_mp_get(nxt_mp_t *mp, size_t size);

/**
 * Memory of value zero that is freed with the pool; NULL when there is none.
 *
 * Requires:
 * `mp` is NULL or a pool.
 */
void *nxt_mp_zget(nxt_mp_t *mp, size_t size);

/**
 * Has `handler` called with the three arguments when the pool is destroyed, before its memory is
 * freed; the last one registered comes first. `NXT_ERROR` when there is no memory.
 *
 * Requires:
 * `mp` is NULL or a pool; the handler may be called with these arguments then.
 */
nxt_int_t nxt_mp_cleanup(nxt_mp_t *mp,
                         nxt_work_handler_t handler,
                         nxt_task_t *task,
                         void *obj,
                         void *data);

/**
 * Lets the calling thread use the pool from now on. Pools do not check who uses them, so that
 * there is nothing to note.
 */
void nxt_mp_thread_adopt(nxt_mp_t *mp);

/**
 * The allocator of level hashes that lie in a pool: `size` bytes aligned to `size`.
 *
 * Requires:
 * `pool` is NULL or a pool.
 */
void *nxt_mp_lvlhsh_alloc(void *pool,
                          size_t size);

/**
 * Frees what `nxt_mp_lvlhsh_alloc` has answered.
 *
 * Requires:
 * As `nxt_mp_free`.
 */
void nxt_mp_lvlhsh_free(void *pool, void *p);

#endif /* NXT_MP_H */
