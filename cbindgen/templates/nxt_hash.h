/* A level hash together with its prototype and pool. */

#ifndef NXT_HASH_H
#define NXT_HASH_H

@ nxt_hash_t

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
