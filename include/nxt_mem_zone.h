/* An allocator inside of memory that the caller brings. */

#ifndef NXT_MEM_ZONE_H
#define NXT_MEM_ZONE_H

typedef struct nxt_mem_zone_s nxt_mem_zone_t;

/**
 * Makes a zone of `zone_size` bytes at `start`, where its bookkeeping goes, too: the answer is `start`,
 * or NULL if the page size is no power of two or no page fits.
 *
 * Requires:
 * `start` is NULL or has `zone_size` bytes, which belong to the zone from now on.
 */
nxt_mem_zone_t *nxt_mem_zone_init(uint8_t *start,
                                  size_t zone_size,
                                  nxt_uint_t page_size);

/**
 * Memory at a multiple of `alignment`, a power of two; NULL when there is none, with an alert in the
 * log.
 *
 * Requires:
 * `zone` is NULL or a zone.
 */
void *nxt_mem_zone_align(nxt_mem_zone_t *zone,
                         size_t alignment,
                         size_t size);

/**
 * Memory of value zero; NULL when there is none.
 *
 * Requires:
 * `zone` is NULL or a zone.
 */
void *nxt_mem_zone_zalloc(nxt_mem_zone_t *zone, size_t size);

/**
 * Frees memory of a zone. Anything else is an alert in the log.
 *
 * Requires:
 * `zone` is NULL or a zone; memory of it that is freed is not used afterwards.
 */
void nxt_mem_zone_free(nxt_mem_zone_t *zone,
                       void *p);

/** Memory with any alignment. */
#define nxt_mem_zone_alloc(zone, size)  nxt_mem_zone_align((zone), 1, (size))

#endif /* NXT_MEM_ZONE_H */
