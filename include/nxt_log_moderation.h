/* Records of a failure that comes often. */

#ifndef NXT_LOG_MODERATION_H
#define NXT_LOG_MODERATION_H

/**
 * What tells of a failure that comes often, without filling the log.
 */
typedef struct nxt_log_moderation_s {
    /** The level of the record that tells how many were left out. */
    uint32_t level;
    /** How many records a second may be written. */
    uint32_t limit;
    /** What that record tells of. */
    const char *msg;
    /** Guards the rest. */
    nxt_thread_spinlock_t lock;
    /** The process that the timer runs in. */
    nxt_pid_t pid;
    /** How many there were in the current second. */
    nxt_uint_t count;
    /** The current second. */
    nxt_time_t last;
    /** When it runs out, the record is written. */
    nxt_timer_t timer;
} nxt_log_moderation_t;

/** The members after the first three. */
#define NXT_LOG_MODERATION  0, -1, 0, 0, NXT_TIMER

/**
 * Whether one more record of a failure that comes often may be written this second. How many were left
 * out is told a second later by a timer of the thread's engine; on a thread without one, before the
 * next record.
 *
 * Requires:
 * `mod` is NULL or valid, and stays until a second after the last call.
 */
nxt_bool_t nxt_log_moderate_allow(nxt_log_moderation_t *mod);

#define nxt_log_moderate(moderation, level_, where, ...)                      \
    do {                                                                      \
        nxt_log_t  *_to = (where);                                            \
                                                                              \
        if (nxt_log_level_enough(_to, level_)                                 \
            && nxt_log_moderate_allow(moderation))                            \
        {                                                                     \
            _to->handler(level_, _to, __VA_ARGS__);                           \
        }                                                                     \
    } while (0)

#define nxt_log_alert_moderate(moderation, where, ...)                        \
    do {                                                                      \
        nxt_log_t  *_to = (where);                                            \
                                                                              \
        if (nxt_log_moderate_allow(moderation)) {                             \
            _to->handler(NXT_LOG_ALERT, _to, __VA_ARGS__);                    \
        }                                                                     \
    } while (0)

#endif /* NXT_LOG_MODERATION_H */
