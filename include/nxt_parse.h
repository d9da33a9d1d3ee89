/* Numbers, terms and dates. */

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
ssize_t nxt_size_t_parse(const uint8_t *p,
                           size_t length);

/**
 * As `nxt_size_t_parse`, with an optional unit `K`, `M` or `G` in either case.
 *
 * Requires:
 * `p` is NULL or points at `length` readable bytes.
 */
ssize_t nxt_size_parse(const uint8_t *p,
                         size_t length);

/**
 * Reads `length` digits at `p` as a number up to 2^63 - 1; -1 if they are no number, -2 if it is too large.
 *
 * Requires:
 * `p` is NULL or points at `length` readable bytes.
 */
nxt_off_t nxt_off_t_parse(const uint8_t *p,
                          size_t length);

/**
 * Reads the digits that `s` begins with as a number up to 2^31 - 1, and takes them off `s`; -1 if
 * there are none, -2 if the number is too large.
 *
 * Requires:
 * `s` is NULL or a valid string.
 */
nxt_int_t nxt_str_int_parse(nxt_str_t *s);

/**
 * Reads the number, maybe with decimals, that stands at `*start` before `end`, and moves `*start`
 * behind it; -1 if there is none, -2 if it is too large or has too many decimals.
 *
 * Requires:
 * `start` is NULL or names readable bytes up to `end`.
 */
double nxt_number_parse(const uint8_t **start,
                        const uint8_t *end);

/**
 * Reads a date of one of HTTP's three forms: seconds since the epoch, or -1.
 *
 * Requires:
 * `p` is NULL or points at `length` readable bytes.
 */
nxt_time_t nxt_time_parse(const uint8_t *p, size_t length);

/**
 * Reads a term such as `1d 6h`, in seconds or in milliseconds; -1 if it is none, -2 if it is too long.
 *
 * Requires:
 * `p` is NULL or points at `length` readable bytes.
 */
nxt_int_t nxt_term_parse(const uint8_t *p,
                         size_t length,
                         nxt_bool_t seconds);

#endif /* NXT_PARSE_H */
