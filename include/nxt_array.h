/* Arrays that grow in a pool. */

#ifndef NXT_ARRAY_H
#define NXT_ARRAY_H

/** `nelts` elements of `size` bytes each, one after the other. */
typedef struct nxt_array_s {
    /** The first element. */
    void *elts;
    /** How many elements are in use. */
    uint32_t nelts;
    /** The size of one element in bytes. */
    uint16_t size;
    /** How many elements there is room for. */
    uint16_t nalloc;
    /** The pool the elements were taken from. */
    nxt_mp_t *mem_pool;
} nxt_array_t;

/**
 * An empty array with room for `n` elements of `size` bytes; NULL when there is no memory, or one of
 * the numbers does not fit 16 bits.
 *
 * Requires:
 * `mp` is NULL or a pool, which outlives the array.
 */
nxt_array_t *nxt_array_create(nxt_mp_t *mp,
                              nxt_uint_t n,
                              size_t size);

/**
 * Frees an array that was created in a pool.
 *
 * Requires:
 * `array` is NULL or from `nxt_array_create`, and is not used afterwards.
 */
void nxt_array_destroy(nxt_array_t *array);

/**
 * The address of a new element, whose content may be anything; NULL when there is no memory. It may
 * move all elements.
 *
 * Requires:
 * `array` is NULL or valid.
 */
void *nxt_array_add(nxt_array_t *array);

/**
 * As `nxt_array_add`, for an element of value zero.
 *
 * Requires:
 * As `nxt_array_add`.
 */
void *nxt_array_zero_add(nxt_array_t *array);

/**
 * Removes an element; the last one takes its place.
 *
 * Requires:
 * `array` is NULL or valid; `elt` is NULL or one of its elements.
 */
void nxt_array_remove(nxt_array_t *array, void *elt);

/**
 * Makes `dst`, or, if that is NULL, a new array in `mp`, a copy of `src`. NULL when there is no
 * memory, or the elements of the two differ in size.
 *
 * Requires:
 * `mp` is NULL or a pool; both arrays are NULL or valid.
 */
nxt_array_t *nxt_array_copy(nxt_mp_t *mp,
                            nxt_array_t *dst,
                            nxt_array_t *src);

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
