/* The log of the calling thread. */

#ifndef NXT_THREAD_LOG_H
#define NXT_THREAD_LOG_H

nxt_inline nxt_log_t *
nxt_thread_log(void)
{
    return nxt_thread()->log;
}

#define nxt_thread_log_alert(...)  nxt_log_alert(nxt_thread_log(), __VA_ARGS__)
#define nxt_thread_log_error(level_, ...)  \
    nxt_log_error(level_, nxt_thread_log(), __VA_ARGS__)

#if (NXT_DEBUG)
#define nxt_thread_log_debug(...)  nxt_log_debug(nxt_thread_log(), __VA_ARGS__)
#define nxt_thread_debug(name)  nxt_thread_t  *name = nxt_thread()
#else
#define nxt_thread_log_debug(...)
#define nxt_thread_debug(name)
#endif

#endif /* NXT_THREAD_LOG_H */
