#ifndef NXT_PROCESS_TYPE_H
#define NXT_PROCESS_TYPE_H

/**
 * What a process does: one of the `NXT_PROCESS_*` numbers. Also on the wire.
 */
typedef unsigned int nxt_process_type_t;

/** Owns the sockets and the state, starts the others. */
#define NXT_PROCESS_MAIN 0

/** Loads each module once to learn what it is. */
#define NXT_PROCESS_DISCOVERY 1

/** Serves the control API. */
#define NXT_PROCESS_CONTROLLER 2

/** Serves HTTP. */
#define NXT_PROCESS_ROUTER 3

/** Starts the processes of one application. */
#define NXT_PROCESS_PROTOTYPE 4

/** Runs an application. */
#define NXT_PROCESS_APP 5

/** How many kinds there are. */
#define NXT_PROCESS_MAX 6

#endif /* NXT_PROCESS_TYPE_H */
