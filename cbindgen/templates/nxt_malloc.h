/* The heap, which is that of the C library. */

#ifndef NXT_MALLOC_H
#define NXT_MALLOC_H

@ nxt_malloc

@ nxt_zalloc

#define nxt_free(memory)  free(memory)

#endif /* NXT_MALLOC_H */
