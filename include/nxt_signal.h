/* Signals of an engine. */

#ifndef NXT_SIGNAL_H
#define NXT_SIGNAL_H

#include <signal.h>

/**
 * A signal and what is done when it arrives; an array of them ends with `signo` 0.
 */
struct nxt_sig_event_s {
    /** The signal. */
    int signo;
    /** Gets the signal's number and name. */
    nxt_work_handler_t handler;
    /** Its name. */
    const char *name;
};

#define nxt_event_signal(signo, handler)  { signo, handler, #signo }
#define nxt_event_signal_end  { 0, NULL, NULL }

/** The signals of an engine. */
typedef struct nxt_event_signals_s {
    /** Finds the handler of a signal. */
    nxt_work_handler_t handler;
    /** The handlers. */
    const nxt_sig_event_t *sigev;
    /** The signals that they are for. */
    sigset_t sigmask;
    /** The process of the signal thread. */
    nxt_pid_t process;
    /** The signal thread. */
    nxt_thread_handle_t thread;
} nxt_event_signals_t;

/**
 * What is to be done with the signals of an array that ends with 0: they are blocked, and SIGPIPE
 * and SIGSYS are ignored. NULL when there is no memory.
 *
 * Requires:
 * `sigev` is NULL or such an array, and stays.
 */
nxt_event_signals_t *nxt_event_engine_signals(const nxt_sig_event_t *sigev);

/**
 * Starts a thread that waits for an engine's signals: of use for interfaces to which signals do not
 * come as events, and there is none here. A program's own interface gets the error.
 *
 * Requires:
 * `engine` is NULL or an engine.
 */
nxt_int_t nxt_signal_thread_start(nxt_event_engine_t *engine);

/**
 * Ends the thread of `nxt_signal_thread_start`, of which there is none.
 *
 * Requires:
 * `engine` is NULL or an engine.
 */
void nxt_signal_thread_stop(nxt_event_engine_t *engine);

#define nxt_event_engine_signals_start(engine)  nxt_signal_thread_start(engine)
#define nxt_event_engine_signals_stop(engine)  nxt_signal_thread_stop(engine)

#endif /* NXT_SIGNAL_H */
