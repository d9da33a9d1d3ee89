/* Clocks and local time. */

#ifndef NXT_TIME_H
#define NXT_TIME_H

#include <time.h>

#define NXT_INFINITE_MSEC  ((nxt_msec_t) -1)
#define NXT_INFINITE_NSEC  ((nxt_nsec_t) -1)

/** The difference of two moments in milliseconds, which may have wrapped. */
#define nxt_msec_diff(a, b)  ((nxt_msec_int_t) ((a) - (b)))

/** Seconds that local time is ahead of UTC. */
#define nxt_timezone(parts)  ((parts)->tm_gmtoff)

/** A time since the epoch. */
typedef struct nxt_realtime_s {
    /** Whole seconds. */
    nxt_time_t sec;
    /** The nanoseconds beyond. */
    nxt_uint_t nsec;
} nxt_realtime_t;

/** A moment by two clocks. */
typedef struct nxt_monotonic_time_s {
    /** By the clock on the wall, as far as it was asked for. */
    nxt_realtime_t realtime;
    /** By the clock that never goes back, in nanoseconds. */
    nxt_nsec_t monotonic;
    /**
     * When `realtime` has to be read anew, by the clock that never goes back.
     */
    nxt_nsec_t update;
} nxt_monotonic_time_t;

/**
 * Reads the clock on the wall.
 *
 * Requires:
 * `now` is NULL or writable.
 */
void nxt_realtime(nxt_realtime_t *now);

/**
 * Reads the clock that never goes back into `monotonic`; the other members stay as they are.
 *
 * Requires:
 * `now` is NULL or writable.
 */
void nxt_monotonic_time(nxt_monotonic_time_t *now);

/**
 * Splits a time into the parts of local time.
 *
 * Requires:
 * `tm` is NULL or writable.
 */
void nxt_localtime(nxt_time_t s, struct tm *tm);

/** Has the C library look at the time zone of the system again. */
void nxt_timezone_update(void);

#endif /* NXT_TIME_H */
