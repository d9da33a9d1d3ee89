/* Lists that grow part by part, so that elements never move. */

#ifndef NXT_LIST_H
#define NXT_LIST_H

typedef struct nxt_list_part_s nxt_list_part_t;

@ struct nxt_list_part_t

/* The elements of the first part follow the list, which ISO C does not know. */
#pragma GCC diagnostic push
#if defined(__clang__)
#pragma GCC diagnostic ignored "-Wflexible-array-extensions"
#else
#pragma GCC diagnostic ignored "-Wpedantic"
#endif

@ nxt_list_t

#pragma GCC diagnostic pop

@ nxt_list_next_t

#define nxt_list_part(list)  (&(list)->part)
#define nxt_list_data(part)  ((void *) (part)->data)
#define nxt_list_first(list)  nxt_list_data(nxt_list_part(list))

@ nxt_list_create

@ nxt_list_add

@ nxt_list_zero_add

@ nxt_list_next

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
