/*
 * The log.  Formats are in the language of Unit's own: %V string with length,
 * %s text, %*s length and bytes, %E error number with its text, %d int,
 * %D 32 bits, %L 64 bits, %z size, %O offset, %T time, %M milliseconds,
 * %PI process, %PT thread, %FD descriptor, %p address, %f double, %c byte;
 * before the letter: 0 and width, u unsigned, x and X hexadecimal.
 */

#ifndef NXT_LOG_H
#define NXT_LOG_H

@ NXT_LOG_ALERT

@ NXT_LOG_ERR

@ NXT_LOG_WARN

@ NXT_LOG_NOTICE

@ NXT_LOG_INFO

@ NXT_LOG_DEBUG

@ NXT_MAX_ERROR_STR

@ nxt_log_handler_t

@ nxt_log_ctx_handler_t

@ struct nxt_log_t

@ nxt_log_handler

@ nxt_log_start

@ nxt_log_set_ctx

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
