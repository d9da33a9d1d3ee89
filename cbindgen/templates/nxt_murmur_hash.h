/* MurmurHash2. */

#ifndef NXT_MURMUR_HASH_H
#define NXT_MURMUR_HASH_H

@ nxt_murmur_hash2

@ nxt_murmur_hash2_uint32

#endif /* NXT_MURMUR_HASH_H */
