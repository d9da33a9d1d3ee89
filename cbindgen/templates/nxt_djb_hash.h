/* Daniel J. Bernstein's hash. */

#ifndef NXT_DJB_HASH_H
#define NXT_DJB_HASH_H

#define NXT_DJB_HASH_INIT  5381

#define nxt_djb_hash_add(hash, byte)  \
    ((uint32_t) ((hash) * 33) ^ (uint32_t) (byte))

@ nxt_djb_hash

@ nxt_djb_hash_lowcase

#endif /* NXT_DJB_HASH_H */
