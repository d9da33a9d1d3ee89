/*
 * The level hash: a trie over the bits of a hash.  The root is one word, zero
 * when the hash is empty; equality and memory are the caller's.
 */

#ifndef NXT_LVLHSH_H
#define NXT_LVLHSH_H

typedef struct nxt_lvlhsh_query_s nxt_lvlhsh_query_t;

/**
 * `NXT_OK` if `data` is the entry the query looks for, `NXT_DECLINED` if not.
 */
typedef nxt_int_t (*nxt_lvlhsh_test_t)(nxt_lvlhsh_query_t *lhq, void *data);

/**
 * Allocates `size` bytes aligned to `size`; NULL when there is no memory.
 */
typedef void *(*nxt_lvlhsh_alloc_t)(void *ctx, size_t size);

/** Frees what the allocator gave. */
typedef void (*nxt_lvlhsh_free_t)(void *ctx, void *p);

/** The shape of a hash and its callbacks. */
typedef struct nxt_lvlhsh_proto_s {
    /**
     * Words that the entries of a bucket take; the link to the next bucket follows.
     */
    uint32_t bucket_end;
    /** The size of a bucket in bytes, a power of two. */
    uint32_t bucket_size;
    /** `bucket_size - 1`. */
    uint32_t bucket_mask;
    /** How many bits of the hash each level takes; 0 ends the levels. */
    uint8_t shift[8];
    /** Compares. */
    nxt_lvlhsh_test_t test;
    /** Allocates. */
    nxt_lvlhsh_alloc_t alloc;
    /** Frees. */
    nxt_lvlhsh_free_t free;
} nxt_lvlhsh_proto_t;

/** The root of a hash; all zero is empty. */
typedef struct nxt_lvlhsh_s {
    /** The first level or bucket. */
    void *slot;
} nxt_lvlhsh_t;

/** What is looked for, and what was found. */
struct nxt_lvlhsh_query_s {
    /** The hash of the key. */
    uint32_t key_hash;
    /** Whether an insertion replaces an equal entry. */
    uint32_t replace;
    /** The key. */
    nxt_str_t key;
    /** In: what is inserted. Out: what was found, removed or replaced. */
    void *value;
    /** The prototype. */
    const nxt_lvlhsh_proto_t *proto;
    /** The first argument of the allocator. */
    void *pool;
    /** The caller's own. */
    void *data;
};

/** The cursor of a walk over all entries. */
typedef struct nxt_lvlhsh_each_s {
    /** The prototype. */
    const nxt_lvlhsh_proto_t *proto;
    /** The bucket the walk is in. */
    uint32_t *bucket;
    /** The position among the levels. */
    uint32_t current;
    /** The position in the bucket. */
    uint32_t entry;
    /** The entries of the bucket that are still to come. */
    uint32_t entries;
} nxt_lvlhsh_each_t;

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

/**
 * Looks for the entry that the query's key names. `NXT_OK`: it is in `value`. `NXT_DECLINED`: none.
 *
 * Requires:
 * `lh` is a root of this prototype; the query has `key_hash`, `key` and `proto`.
 */
nxt_int_t nxt_lvlhsh_find(nxt_lvlhsh_t *lh,
                          nxt_lvlhsh_query_t *lhq);

/**
 * Adds `value`. `NXT_OK`: added, or with `replace` exchanged for the equal entry, which is then in
 * `value`. `NXT_DECLINED`: there is an equal entry, now in `value`. `NXT_ERROR`: no memory.
 *
 * Requires:
 * `lh` is a root of this prototype; the query has `key_hash`, `key`, `replace`, `value`, `proto`, `pool`.
 */
nxt_int_t nxt_lvlhsh_insert(nxt_lvlhsh_t *lh,
                            nxt_lvlhsh_query_t *lhq);

/**
 * Removes the entry that the query's key names. `NXT_OK`: it is in `value`. `NXT_DECLINED`: none.
 *
 * Requires:
 * `lh` is a root of this prototype; the query has `key_hash`, `key`, `proto` and `pool`.
 */
nxt_int_t nxt_lvlhsh_delete(nxt_lvlhsh_t *lh,
                            nxt_lvlhsh_query_t *lhq);

/**
 * Removes some entry and answers it; NULL when the hash is empty.
 *
 * Requires:
 * `lh` is a root of this prototype; `pool` is what its callbacks take.
 */
void *nxt_lvlhsh_retrieve(nxt_lvlhsh_t *lh,
                          const nxt_lvlhsh_proto_t *proto,
                          void *pool);

/**
 * Some entry, which stays in the hash; NULL when the hash is empty.
 *
 * Requires:
 * `lh` is a root of this prototype.
 */
void *nxt_lvlhsh_peek(nxt_lvlhsh_t *lh, const nxt_lvlhsh_proto_t *proto);

/** Prepares the cursor of a walk over all entries. */
#define nxt_lvlhsh_each_init(cursor, prototype)                               \
    do {                                                                      \
        (cursor)->bucket = NULL;                                              \
        (cursor)->proto = (prototype);                                        \
    } while (0)

/**
 * The next entry of a walk over all of them, or NULL after the last. The cursor is prepared with
 * nxt_lvlhsh_each_init; during the walk the hash must not be changed, but for a removal of the entry
 * that was answered last.
 *
 * Requires:
 * `lh` is a root of the prototype that the cursor was prepared with.
 */
void *nxt_lvlhsh_each(nxt_lvlhsh_t *lh,
                      nxt_lvlhsh_each_t *lhe);

/**
 * An allocator for prototypes: `size` bytes of the heap, aligned to `size`.
 */
void *nxt_lvlhsh_alloc(void *data, size_t size);

/**
 * Frees what `nxt_lvlhsh_alloc` has answered.
 *
 * Requires:
 * `p` is NULL or was answered by it, and is not used afterwards.
 */
void nxt_lvlhsh_free(void *data, void *p);

#endif /* NXT_LVLHSH_H */
