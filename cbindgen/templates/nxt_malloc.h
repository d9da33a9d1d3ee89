/* The heap, which is that of the C library. */

#ifndef NXT_MALLOC_H
#define NXT_MALLOC_H

#include <malloc.h>

@ nxt_malloc

@ nxt_zalloc

@ nxt_realloc

@ nxt_memalign

#if (NXT_DEBUG)

@ nxt_free

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
