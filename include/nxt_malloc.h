/* The heap, which is that of the C library. */

#ifndef NXT_MALLOC_H
#define NXT_MALLOC_H

#include <malloc.h>

/**
 * Allocates `size` bytes; NULL when there is no memory, with an alert in the log.
 */
void *nxt_malloc(size_t size);

/**
 * Allocates `size` bytes of value zero; NULL when there is no memory, with an alert in the log.
 */
void *nxt_zalloc(size_t size);

/**
 * Makes an allocation `size` bytes long, maybe somewhere else; NULL when there is no memory, with
 * an alert in the log, and `p` is as it was.
 *
 * Requires:
 * `p` is NULL or from the C library's heap; if the answer is not NULL, it is not used afterwards.
 */
void *nxt_realloc(void *p,
                  size_t size);

/**
 * Allocates `size` bytes at a multiple of `alignment`, a power of two of at least 8; NULL when
 * there is no memory, with an alert in the log.
 */
void *nxt_memalign(size_t alignment,
                   size_t size);

#if (NXT_DEBUG)

/**
 * Frees what is from the C library's heap. Only in the debug ABI: else it is a macro for `free`.
 *
 * Requires:
 * `p` is NULL or from the C library's heap, and not used afterwards.
 */
void nxt_free(void *p);

#else
#define nxt_free(memory)  free(memory)
#endif

/** Tells in `size` how many bytes an allocation really has. */
#define nxt_malloc_usable_size(memory, size)  \
    ((size) = malloc_usable_size(memory))

#define nxt_malloc_cutback(cut, size)                                         \
    ((size) = ((cut) && (size) > 127 * 1024) ? (size) - 32 : (size))

#define NXT_MAX_MEMALIGN_SHIFT  32

#endif /* NXT_MALLOC_H */
