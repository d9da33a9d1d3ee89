/* The times that a thread keeps. */

#ifndef NXT_THREAD_TIME_H
#define NXT_THREAD_TIME_H

/** `timezone` of a text in local time. */
#define NXT_THREAD_TIME_LOCAL 0

/** `timezone` of a text in UTC. */
#define NXT_THREAD_TIME_GMT 1

/** `msec` of a text that changes with the second. */
#define NXT_THREAD_TIME_SEC 0

/** `msec` of a text that changes with the millisecond. */
#define NXT_THREAD_TIME_MSEC 1

/** Prints a time; answers the end of the text. */
typedef uint8_t *(*nxt_time_string_handler_t)(uint8_t *buf,
                                              nxt_realtime_t *now,
                                              struct tm *tm,
                                              size_t size,
                                              const char *format);

/** A text made of the time, which each thread keeps for a second. */
typedef struct nxt_time_string_s {
    /**
     * Its place among the texts that threads keep; -1 before its first use.
     */
    nxt_atomic_t slot;
    /** Prints it. */
    nxt_time_string_handler_t handler;
    /** The last argument of `handler`. */
    const char *format;
    /** The most bytes it takes. */
    size_t size;
    /** `NXT_THREAD_TIME_LOCAL` or `NXT_THREAD_TIME_GMT`. */
    uint8_t timezone;
    /** `NXT_THREAD_TIME_SEC` or `NXT_THREAD_TIME_MSEC`. */
    uint8_t msec;
} nxt_time_string_t;

/** A text that a thread keeps. */
typedef struct nxt_time_string_cache_s {
    /** The second it is of. */
    nxt_time_t last;
#if (NXT_DEBUG)
    /** The millisecond it is of. */
    nxt_msec_t last_msec;
#endif
    /** The text. */
    nxt_str_t string;
} nxt_time_string_cache_t;

/** The times that a thread keeps. */
typedef struct nxt_thread_time_s {
    /** The last time that was read. */
    nxt_monotonic_time_t now;
    /** The second of `gmtime`. */
    nxt_time_t last_gmtime;
    /** The second of `localtime`. */
    nxt_time_t last_localtime;
    /** In UTC. */
    struct tm gmtime;
    /** In local time. */
    struct tm localtime;
    /** Whether texts are printed anew each time. */
    uint32_t no_cache;
    /** Negative on a thread that never runs a signal handler. */
    nxt_atomic_int_t signal;
    /** How many texts there are. */
    nxt_atomic_uint_t nstrings;
    /** The texts. */
    nxt_time_string_cache_t *strings;
} nxt_thread_time_t;

/** The clock that never goes back, in nanoseconds, as it was read last. */
#define nxt_thread_monotonic_time(thread)  (thread)->time.now.monotonic

#if (NXT_DEBUG)
#define nxt_thread_time_debug_update(thread)  nxt_thread_time_update(thread)
#else
#define nxt_thread_time_debug_update(thread)
#endif

/**
 * Reads the clock for a thread.
 *
 * Requires:
 * `thr` is NULL or the calling thread's state.
 */
void nxt_thread_time_update(nxt_thread_t *thr);

/**
 * Frees the texts that a thread keeps.
 *
 * Requires:
 * `thr` is NULL or a thread's state that nobody uses meanwhile.
 */
void nxt_thread_time_free(nxt_thread_t *thr);

/**
 * Seconds since the epoch.
 *
 * Requires:
 * `thr` is NULL or the calling thread's state.
 */
nxt_time_t nxt_thread_time(nxt_thread_t *thr);

/**
 * The time since the epoch, in the thread's state.
 *
 * Requires:
 * `thr` is NULL or the calling thread's state.
 */
nxt_realtime_t *nxt_thread_realtime(nxt_thread_t *thr);

/**
 * Writes a text made of the time to `buf`, which has room for it: the end of the text. The text is
 * made once a second and thread; `thr` NULL, or one that keeps no texts, makes it each time.
 *
 * Requires:
 * `thr` is NULL or the calling thread's state, `ts` is NULL or valid, `buf` has room.
 */
uint8_t *nxt_thread_time_string(nxt_thread_t *thr,
                                nxt_time_string_t *ts,
                                uint8_t *buf);

/**
 * Starts a thread that reads the clock each `interval` milliseconds, so that others need not.
 */
void nxt_time_thread_start(nxt_msec_t interval);

/**
 * Splits a time into the parts of UTC; the other members of `tm` stay as they are.
 *
 * Requires:
 * `tm` is NULL or writable.
 */
void nxt_gmtime(nxt_time_t s,
                struct tm *tm);

#endif /* NXT_THREAD_TIME_H */
