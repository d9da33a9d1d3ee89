/* The heap, which is that of the C library. */

#ifndef NXT_MALLOC_H
#define NXT_MALLOC_H

/**
 * Allocates `size` bytes; NULL when there is no memory, with an alert in the log.
 */
void *nxt_malloc(size_t size);

/**
 * Allocates `size` bytes of value zero; NULL when there is no memory, with an alert in the log.
 */
void *nxt_zalloc(size_t size);

#define nxt_free(memory)  free(memory)

#endif /* NXT_MALLOC_H */
