/* The times that a thread keeps. */

#ifndef NXT_THREAD_TIME_H
#define NXT_THREAD_TIME_H

@ NXT_THREAD_TIME_LOCAL

@ NXT_THREAD_TIME_GMT

@ NXT_THREAD_TIME_SEC

@ NXT_THREAD_TIME_MSEC

@ nxt_time_string_handler_t

@ nxt_time_string_t

@ nxt_time_string_cache_t

@ nxt_thread_time_t

/** The clock that never goes back, in nanoseconds, as it was read last. */
#define nxt_thread_monotonic_time(thread)  (thread)->time.now.monotonic

#if (NXT_DEBUG)
#define nxt_thread_time_debug_update(thread)  nxt_thread_time_update(thread)
#else
#define nxt_thread_time_debug_update(thread)
#endif

@ nxt_thread_time_update

@ nxt_thread_time_free

@ nxt_thread_time

@ nxt_thread_realtime

@ nxt_thread_time_string

@ nxt_time_thread_start

@ nxt_gmtime

#endif /* NXT_THREAD_TIME_H */
