/* MurmurHash2. */

#ifndef NXT_MURMUR_HASH_H
#define NXT_MURMUR_HASH_H

/**
 * The 32-bit MurmurHash2, seed 0, of `len` bytes at `data`.
 *
 * Requires:
 * `data` points at `len` readable bytes; with `len` 0 it may be NULL.
 */
uint32_t nxt_murmur_hash2(const void *data, size_t len);

/**
 * The same of the four bytes at `data`.
 *
 * Requires:
 * `data` is NULL or points at four readable bytes.
 */
uint32_t nxt_murmur_hash2_uint32(const void *data);

#endif /* NXT_MURMUR_HASH_H */
