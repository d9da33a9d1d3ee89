/* Lists that grow part by part, so that elements never move. */

#ifndef NXT_LIST_H
#define NXT_LIST_H

typedef struct nxt_list_part_s nxt_list_part_t;

/** A part; the elements follow. */
struct nxt_list_part_s {
    /** The next part. */
    nxt_list_part_t *next;
    /** How many elements are in use. */
    size_t nelts;
    /** The elements. */
    char data[];
};

/* The elements of the first part follow the list, which ISO C does not know. */
#pragma GCC diagnostic push
#if defined(__clang__)
#pragma GCC diagnostic ignored "-Wflexible-array-extensions"
#else
#pragma GCC diagnostic ignored "-Wpedantic"
#endif

/** A list. */
typedef struct nxt_list_s {
    /** The part that grows. */
    nxt_list_part_t *last;
    /** The size of an element in bytes. */
    uint32_t size;
    /** The elements of a part. */
    uint32_t nalloc;
    /** The pool that parts come from. */
    nxt_mp_t *mem_pool;
    /** The first part. */
    nxt_list_part_t part;
} nxt_list_t;

#pragma GCC diagnostic pop

/** Where a walk over a list stands; all zero at the start. */
typedef struct nxt_list_next_s {
    /** The part. */
    nxt_list_part_t *part;
    /** The element's number in it. */
    size_t elt;
} nxt_list_next_t;

#define nxt_list_part(list)  (&(list)->part)
#define nxt_list_data(part)  ((void *) (part)->data)
#define nxt_list_first(list)  nxt_list_data(nxt_list_part(list))

/**
 * An empty list of elements of `size` bytes, `n` in each part; NULL when there is no memory.
 *
 * Requires:
 * `mp` is NULL or a pool, which outlives the list.
 */
nxt_list_t *nxt_list_create(nxt_mp_t *mp,
                            nxt_uint_t n,
                            size_t size);

/**
 * The address of a new element, whose content may be anything; NULL when there is no memory.
 *
 * Requires:
 * `list` is NULL or valid.
 */
void *nxt_list_add(nxt_list_t *list);

/**
 * As `nxt_list_add`, for an element of value zero.
 *
 * Requires:
 * As `nxt_list_add`.
 */
void *nxt_list_zero_add(nxt_list_t *list);

/**
 * The next element of a walk, or NULL after the last. `next` is all zero at the start.
 *
 * Requires:
 * `list` is NULL or valid; `next` is NULL or stands in this list.
 */
void *nxt_list_next(nxt_list_t *list,
                    nxt_list_next_t *next);

/** The element that a walk stands at. */
#define nxt_list_next_value(list, next)  \
    ((void *) ((next)->part->data + (next)->elt * (list)->size))

/** The element with a number, or NULL. */
nxt_inline void *
nxt_list_elt(nxt_list_t *list, nxt_uint_t number)
{
    nxt_list_part_t  *part;

    part = (list != NULL) ? nxt_list_part(list) : NULL;

    while (part != NULL && part->nelts <= number) {
        number -= (nxt_uint_t) part->nelts;
        part = part->next;
    }

    return (part != NULL) ? part->data + (size_t) number * list->size : NULL;
}

/** How many elements there are. */
nxt_inline nxt_uint_t
nxt_list_nelts(nxt_list_t *list)
{
    nxt_uint_t       count;
    nxt_list_part_t  *part;

    count = 0;

    if (list != NULL) {
        for (part = nxt_list_part(list); part != NULL; part = part->next) {
            count += (nxt_uint_t) part->nelts;
        }
    }

    return count;
}

/** Opens a loop over the elements; nxt_list_loop closes it. */
#define nxt_list_each(element, list)                                          \
    do {                                                                      \
        if (nxt_fast_path((list) != NULL)) {                                  \
            nxt_list_next_t  _next = { NULL, 0 };                             \
                                                                              \
            for ((element) = nxt_list_next((list), &_next);                   \
                 (element) != NULL;                                           \
                 (element) = nxt_list_next((list), &_next))                   \
            {

#define nxt_list_loop                                                         \
            }                                                                 \
        }                                                                     \
    } while (0)

#endif /* NXT_LIST_H */
