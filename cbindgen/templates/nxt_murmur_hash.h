#ifndef NXT_MURMUR_HASH_H
#define NXT_MURMUR_HASH_H

@ nxt_murmur_hash2

#endif /* NXT_MURMUR_HASH_H */
