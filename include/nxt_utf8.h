/* UTF-8. */

#ifndef NXT_UTF8_H
#define NXT_UTF8_H

/** What `nxt_utf8_casecmp` answers for a text that is not UTF-8. */
#define NXT_UTF8_SORT_INVALID 250482414

/**
 * Writes the one to four bytes of the character `u` to `p`: the end of them, or NULL if there is no
 * such character.
 *
 * Requires:
 * `p` is NULL or has room for four bytes.
 */
uint8_t *nxt_utf8_encode(uint8_t *p,
                         uint32_t u);

/**
 * The character at `*start`, which is moved behind it; `0xFFFFFFFF` if there is none.
 *
 * Requires:
 * `start` is NULL or names readable bytes up to `end`.
 */
uint32_t nxt_utf8_decode(const uint8_t **start,
                         const uint8_t *end);

/**
 * As `nxt_utf8_decode`, for characters of two bytes and more.
 *
 * Requires:
 * As `nxt_utf8_decode`.
 */
uint32_t nxt_utf8_decode2(const uint8_t **start, const uint8_t *end);

/**
 * Compares two texts up to the end of the shorter one, regardless of case; `NXT_UTF8_SORT_INVALID`
 * if one of them is not UTF-8.
 *
 * Requires:
 * Each text is NULL or has the given number of readable bytes.
 */
nxt_int_t nxt_utf8_casecmp(const uint8_t *start1,
                           const uint8_t *start2,
                           size_t len1,
                           size_t len2);

/**
 * As `nxt_utf8_decode`, with the character in lower case.
 *
 * Requires:
 * As `nxt_utf8_decode`.
 */
uint32_t nxt_utf8_lowcase(const uint8_t **start, const uint8_t *end);

/**
 * How many characters there are in `len` bytes; -1 if they are not UTF-8.
 *
 * Requires:
 * `p` is NULL or has `len` readable bytes.
 */
ssize_t nxt_utf8_length(const uint8_t *p, size_t len);

/**
 * Whether `len` bytes are UTF-8.
 *
 * Requires:
 * `p` is NULL or has `len` readable bytes.
 */
nxt_bool_t nxt_utf8_is_valid(const uint8_t *p, size_t len);

/** The end of the character at `p`; `end` if it goes no further. */
nxt_inline const u_char *
nxt_utf8_next(const u_char *p, const u_char *end)
{
    do {
        p++;
    } while (p < end && (*p & 0xC0) == 0x80);

    return p;
}

#endif /* NXT_UTF8_H */
