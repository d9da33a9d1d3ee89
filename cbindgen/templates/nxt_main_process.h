/* The main process. */

#ifndef NXT_MAIN_PROCESS_H
#define NXT_MAIN_PROCESS_H

#include <nxt_event_engine.h>

@ nxt_main_process_start

/** The signals of the main process, and those of the others. */
extern const nxt_sig_event_t nxt_main_process_signals[];
extern const nxt_sig_event_t nxt_process_signals[];

/** The version of the program that the stored configuration is of. */
NXT_EXPORT extern nxt_uint_t nxt_conf_ver;

#endif /* NXT_MAIN_PROCESS_H */
