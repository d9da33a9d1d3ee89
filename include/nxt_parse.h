/* Decimal numbers. */

#ifndef NXT_PARSE_H
#define NXT_PARSE_H

/**
 * Reads `length` digits at `p` as a number up to 2^31 - 1; -1 if they are no number, -2 if it is too large.
 *
 * Requires:
 * `p` is NULL or points at `length` readable bytes.
 */
nxt_int_t nxt_int_parse(const uint8_t *p,
                        size_t length);

/**
 * Reads `length` digits at `p` as a number up to 2^63 - 1; -1 if they are no number, -2 if it is too large.
 *
 * Requires:
 * `p` is NULL or points at `length` readable bytes.
 */
nxt_off_t nxt_off_t_parse(const uint8_t *p,
                          size_t length);

#endif /* NXT_PARSE_H */
