/* A level hash together with its prototype and pool. */

#ifndef NXT_HASH_H
#define NXT_HASH_H

/**
 * A level hash together with its prototype and its allocator's pool (`nxt_hash.h`).
 */
typedef struct nxt_hash_s {
    /** The root. */
    nxt_lvlhsh_t lvlhsh;
    /** The prototype. */
    const nxt_lvlhsh_proto_t *proto;
    /** The first argument of the allocator. */
    void *pool;
} nxt_hash_t;

nxt_inline nxt_int_t
nxt_hash_find(nxt_hash_t *hash, nxt_lvlhsh_query_t *query)
{
    query->proto = hash->proto;

    return nxt_lvlhsh_find(&hash->lvlhsh, query);
}

nxt_inline nxt_int_t
nxt_hash_insert(nxt_hash_t *hash, nxt_lvlhsh_query_t *query)
{
    query->pool = hash->pool;
    query->proto = hash->proto;

    return nxt_lvlhsh_insert(&hash->lvlhsh, query);
}

nxt_inline nxt_int_t
nxt_hash_delete(nxt_hash_t *hash, nxt_lvlhsh_query_t *query)
{
    query->pool = hash->pool;
    query->proto = hash->proto;

    return nxt_lvlhsh_delete(&hash->lvlhsh, query);
}

#endif /* NXT_HASH_H */
