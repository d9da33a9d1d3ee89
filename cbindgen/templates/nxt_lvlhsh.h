/*
 * The level hash: a trie over the bits of a hash.  The root is one word, zero
 * when the hash is empty; equality and memory are the caller's.
 */

#ifndef NXT_LVLHSH_H
#define NXT_LVLHSH_H

typedef struct nxt_lvlhsh_query_s nxt_lvlhsh_query_t;

@ nxt_lvlhsh_test_t

@ nxt_lvlhsh_alloc_t

@ nxt_lvlhsh_free_t

@ nxt_lvlhsh_proto_t

@ nxt_lvlhsh_t

@ struct nxt_lvlhsh_query_t

@ nxt_lvlhsh_each_t

#define NXT_LVLHSH_DEFAULT_BUCKET_SIZE  128
#define NXT_LVLHSH_ENTRY_SIZE  3
#define NXT_LVLHSH_BATCH_ALLOC  16

/** The words that entries take in a bucket: what is left before the link. */
#define NXT_LVLHSH_BUCKET_END(size)                                           \
    (((size) - sizeof(void *)) / sizeof(uint32_t)                             \
     / NXT_LVLHSH_ENTRY_SIZE * NXT_LVLHSH_ENTRY_SIZE)

/** The first three members of a prototype. */
#define NXT_LVLHSH_BUCKET_SIZE(size)  \
    NXT_LVLHSH_BUCKET_END(size), (size), (size) - 1

/** Those, and the bits that each level takes of the hash. */
#define NXT_LVLHSH_LEVELS(...)  \
    NXT_LVLHSH_BUCKET_SIZE(NXT_LVLHSH_DEFAULT_BUCKET_SIZE), { __VA_ARGS__ }

/** The members of a prototype before the callbacks. */
#define NXT_LVLHSH_DEFAULT  NXT_LVLHSH_LEVELS(4, 4, 4, 4, 4, 4, 4, 0)

/** The same with a first level of 1024 places. */
#define NXT_LVLHSH_LARGE_SLAB  NXT_LVLHSH_LEVELS(10, 4, 4, 4, 4, 4, 4, 0)

#define NXT_LVLHSH_MEMALIGN_SHIFT  29
#define NXT_LVLHSH_MAX_MEMALIGN_SHIFT  29

/** The same with a first level as large as an alignment may be. */
#define NXT_LVLHSH_LARGE_MEMALIGN  \
    NXT_LVLHSH_LEVELS(NXT_LVLHSH_MAX_MEMALIGN_SHIFT, 4, 4, 4, 4, 0, 0, 0)

#define nxt_lvlhsh_init(root)  (root)->slot = NULL
#define nxt_lvlhsh_is_empty(root)  ((root)->slot == NULL)

@ nxt_lvlhsh_find

@ nxt_lvlhsh_insert

@ nxt_lvlhsh_delete

@ nxt_lvlhsh_retrieve

@ nxt_lvlhsh_peek

/** Prepares the cursor of a walk over all entries. */
#define nxt_lvlhsh_each_init(cursor, prototype)                               \
    do {                                                                      \
        (cursor)->bucket = NULL;                                              \
        (cursor)->proto = (prototype);                                        \
    } while (0)

@ nxt_lvlhsh_each

@ nxt_lvlhsh_alloc

@ nxt_lvlhsh_free

#endif /* NXT_LVLHSH_H */
