/* The main process. */

#ifndef NXT_MAIN_PROCESS_H
#define NXT_MAIN_PROCESS_H

#include <nxt_event_engine.h>

/**
 * Runs Unit with the settings of a runtime. It has its own event loop, so that this only returns,
 * with `NXT_ERROR`, if it cannot start; the process exits when Unit ends.
 *
 * Requires:
 * The addresses are NULL or valid; the process has one thread.
 */
nxt_int_t nxt_main_process_start(nxt_thread_t *thr,
                                 nxt_task_t *task,
                                 nxt_runtime_t *runtime);

/** The signals of the main process, and those of the others. */
extern const nxt_sig_event_t nxt_main_process_signals[];
extern const nxt_sig_event_t nxt_process_signals[];

/** The version of the program that the stored configuration is of. */
NXT_EXPORT extern nxt_uint_t nxt_conf_ver;

#endif /* NXT_MAIN_PROCESS_H */
