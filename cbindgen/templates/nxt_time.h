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

@ nxt_realtime_t

@ nxt_monotonic_time_t

@ nxt_realtime

@ nxt_monotonic_time

@ nxt_localtime

@ nxt_timezone_update

#endif /* NXT_TIME_H */
