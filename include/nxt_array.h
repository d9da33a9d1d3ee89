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

#endif /* NXT_ARRAY_H */
