/* Signals of an engine. */

#ifndef NXT_SIGNAL_H
#define NXT_SIGNAL_H

#include <signal.h>

@ struct nxt_sig_event_t

#define nxt_event_signal(signo, handler)  { signo, handler, #signo }
#define nxt_event_signal_end  { 0, NULL, NULL }

@ nxt_event_signals_t

@ nxt_event_engine_signals

@ nxt_signal_thread_start

@ nxt_signal_thread_stop

#define nxt_event_engine_signals_start(engine)  nxt_signal_thread_start(engine)
#define nxt_event_engine_signals_stop(engine)  nxt_signal_thread_stop(engine)

#endif /* NXT_SIGNAL_H */
