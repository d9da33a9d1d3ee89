/* Records of a failure that comes often. */

#ifndef NXT_LOG_MODERATION_H
#define NXT_LOG_MODERATION_H

@ nxt_log_moderation_t

/** The members after the first three. */
#define NXT_LOG_MODERATION  0, -1, 0, 0, NXT_TIMER

@ nxt_log_moderate_allow

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
