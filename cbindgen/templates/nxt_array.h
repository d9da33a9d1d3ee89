/* Arrays that grow in a pool. */

#ifndef NXT_ARRAY_H
#define NXT_ARRAY_H

@ nxt_array_t

@ nxt_array_create

@ nxt_array_destroy

@ nxt_array_add

@ nxt_array_zero_add

@ nxt_array_remove

@ nxt_array_copy

/** Makes an array that lies in an object of the caller's empty. */
nxt_inline void
nxt_array_init(nxt_array_t *array, nxt_mp_t *mp, size_t size)
{
    array->elts = array + 1;
    array->nelts = 0;
    array->size = (uint16_t) size;
    array->nalloc = 0;
    array->mem_pool = mp;
}

/** The last element, which there must be. */
#define nxt_array_last(array)                                                 \
    ((void *) ((u_char *) (array)->elts                                       \
               + (size_t) (array)->size * ((array)->nelts - 1)))

#define nxt_array_reset(array)  ((array)->nelts = 0)
#define nxt_array_is_empty(array)  ((array)->nelts == 0)

/** Removes the last element, and answers where it was. */
nxt_inline void *
nxt_array_remove_last(nxt_array_t *array)
{
    void  *last = nxt_array_last(array);

    array->nelts -= 1;

    return last;
}

#endif /* NXT_ARRAY_H */
