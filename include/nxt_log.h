/*
 * The log.  Formats are in the language of Unit's own: %V string with length,
 * %s text, %*s length and bytes, %E error number with its text, %d int,
 * %D 32 bits, %L 64 bits, %z size, %O offset, %T time, %M milliseconds,
 * %PI process, %PT thread, %FD descriptor, %p address, %f double, %c byte;
 * before the letter: 0 and width, u unsigned, x and X hexadecimal.
 */

#ifndef NXT_LOG_H
#define NXT_LOG_H

/** Something is broken that needs a person. */
#define NXT_LOG_ALERT 0

/** An operation failed. */
#define NXT_LOG_ERR 1

/** Something is suspicious. */
#define NXT_LOG_WARN 2

/** A significant normal event. */
#define NXT_LOG_NOTICE 3

/** A normal event. */
#define NXT_LOG_INFO 4

/** Detail for developers. */
#define NXT_LOG_DEBUG 5

/** The longest record in bytes, its newline included. */
#define NXT_MAX_ERROR_STR 2048

/**
 * Writes one record of `level`; `fmt` is in the format language of `nxt_sprintf.h`.
 */
typedef void (*nxt_log_handler_t)(nxt_uint_t level,
                                  nxt_log_t *log,
                                  const char *fmt,
                                  ...);

/**
 * Adds the context of a record at `pos`, never past `end`; answers the new end of the text.
 */
typedef uint8_t *(*nxt_log_ctx_handler_t)(void *ctx,
                                          uint8_t *pos,
                                          uint8_t *end);

/** A log: where records go, and which are written at all. */
struct nxt_log_s {
    /** The least important level that is still written. */
    uint32_t level;
    /** The number that follows `*` in a record; 0 is none. */
    uint32_t ident;
    /** The writer. */
    nxt_log_handler_t handler;
    /** What appends the context, or none. */
    nxt_log_ctx_handler_t ctx_handler;
    /** The argument of `ctx_handler`. */
    void *ctx;
};

/**
 * Writes one record to standard error: the program's name, the level, the text (defined in
 * `src/capi/format_variadic.c`).
 *
 * Requires:
 * `log` is NULL or valid; `fmt` ends with a NUL and the arguments are those that it announces.
 */
extern void nxt_log_handler(nxt_uint_t level,
                            nxt_log_t *log,
                            const char *fmt,
                            ...);

/**
 * Gives the program's name to the records of nxt_log_handler; NULL or nothing changes nothing.
 *
 * Requires:
 * `name` is NULL or a string that stays as it is as long as the program runs.
 */
void nxt_log_start(const char *name);

/**
 * Makes `log` the calling thread's log, with level and handler of the present one, and a context of
 * its own; answers the present one.
 *
 * Requires:
 * `log` is NULL or writable and outlives its use as the thread's log; `handler` takes `ctx`.
 */
nxt_log_t *nxt_log_set_ctx(nxt_log_t *log,
                           nxt_log_ctx_handler_t handler,
                           void *ctx);

/** The log of the process, and what it shows. */
NXT_EXPORT extern nxt_log_t nxt_main_log;
NXT_EXPORT extern nxt_uint_t nxt_debug;
NXT_EXPORT extern nxt_uint_t nxt_trace;

/** The names of the levels. */
NXT_EXPORT extern nxt_str_t nxt_log_levels[];

#define nxt_log_level_enough(log, wanted)  ((wanted) <= (log)->level)

/** Records whatever the log's level. */
#define nxt_log_alert(where, ...)                                             \
    do {                                                                      \
        nxt_log_t  *_where = (where);                                         \
                                                                              \
        _where->handler(NXT_LOG_ALERT, _where, __VA_ARGS__);                  \
    } while (0)

/** Records if the log's level admits it. */
#define nxt_log_error(level_, where, ...)                                     \
    do {                                                                      \
        nxt_log_t   *_where = (where);                                        \
        nxt_uint_t  _wanted = (level_);                                       \
                                                                              \
        if (nxt_slow_path(nxt_log_level_enough(_where, _wanted))) {           \
            _where->handler(_wanted, _where, __VA_ARGS__);                    \
        }                                                                     \
    } while (0)

#define nxt_alert(task, ...)  nxt_log_alert((task)->log, __VA_ARGS__)
#define nxt_log(task, level_, ...)  \
    nxt_log_error(level_, (task)->log, __VA_ARGS__)

#define nxt_trace(task, ...)                                                  \
    do {                                                                      \
        nxt_log_t  *_where = (task)->log;                                     \
                                                                              \
        if (nxt_slow_path(nxt_trace                                           \
                          || nxt_log_level_enough(_where, NXT_LOG_NOTICE)))   \
        {                                                                     \
            _where->handler(NXT_LOG_NOTICE, _where, __VA_ARGS__);             \
        }                                                                     \
    } while (0)

#define nxt_main_log_alert(...)  nxt_log_alert(&nxt_main_log, __VA_ARGS__)
#define nxt_main_log_error(level_, ...)  \
    nxt_log_error(level_, &nxt_main_log, __VA_ARGS__)
#define nxt_main_log_debug(...)  nxt_log_debug(&nxt_main_log, __VA_ARGS__)

#define nxt_debug_alloc(...)

#if !(NXT_DEBUG)

#define nxt_debug(...)
#define nxt_log_debug(...)
#define nxt_assert(condition)

#else

#define nxt_debug(task, ...)  nxt_log_debug((task)->log, __VA_ARGS__)

/** Records for developers: if the log's level or the program asks for them. */
#define nxt_log_debug(where, ...)                                             \
    do {                                                                      \
        nxt_log_t  *_here = (where);                                          \
                                                                              \
        if (nxt_slow_path(nxt_debug                                           \
                          || nxt_log_level_enough(_here, NXT_LOG_DEBUG)))     \
        {                                                                     \
            _here->handler(NXT_LOG_DEBUG, _here, __VA_ARGS__);                \
        }                                                                     \
    } while (0)

/** Ends the program, with an alert, unless the condition holds. */
#define nxt_assert(condition)                                                 \
    do {                                                                      \
        if (nxt_fast_path(condition)) {                                       \
            break;                                                            \
        }                                                                     \
                                                                              \
        nxt_thread_log_alert("%s:%d assertion failed: %s", __FILE__,          \
                             __LINE__, #condition);                           \
        nxt_abort();                                                          \
    } while (0)

#endif

#endif /* NXT_LOG_H */
