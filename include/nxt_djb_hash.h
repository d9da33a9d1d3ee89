/* Daniel J. Bernstein's hash. */

#ifndef NXT_DJB_HASH_H
#define NXT_DJB_HASH_H

#define NXT_DJB_HASH_INIT  5381

#define nxt_djb_hash_add(hash, byte)  \
    ((uint32_t) ((hash) * 33) ^ (uint32_t) (byte))

/**
 * The hash of `len` bytes at `data`.
 *
 * Requires:
 * `data` is NULL or points at `len` readable bytes.
 */
uint32_t nxt_djb_hash(const void *data, size_t len);

/**
 * The hash of `len` bytes at `data` with ASCII letters in lower case.
 *
 * Requires:
 * `data` is NULL or points at `len` readable bytes.
 */
uint32_t nxt_djb_hash_lowcase(const void *data, size_t len);

#endif /* NXT_DJB_HASH_H */
