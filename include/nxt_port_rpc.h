/* Requests that wait for answers. */

#ifndef NXT_PORT_RPC_H
#define NXT_PORT_RPC_H

#include <nxt_port.h>

/** Takes the answer of an RPC, or its failure. */
typedef void (*nxt_port_rpc_handler_t)(nxt_task_t *task,
                                       nxt_port_recv_msg_t *msg,
                                       void *data);

/**
 * Prepares the numbers of streams, to be shared with all processes forked from now on.
 */
nxt_int_t nxt_port_rpc_init(void);

/**
 * Registers a request whose answers come to `port`: its stream, or 0 when there is no memory. If
 * the process `peer` dies, unless that is -1, the request fails.
 *
 * Requires:
 * `task` and `port` are NULL or valid; `data` is what the handlers take.
 */
uint32_t nxt_port_rpc_register_handler(nxt_task_t *task,
                                       nxt_port_t *port,
                                       nxt_port_rpc_handler_t ready_handler,
                                       nxt_port_rpc_handler_t error_handler,
                                       nxt_pid_t peer,
                                       void *data);

/**
 * Registers a request with `ex_size` bytes for the caller, of value zero, which its handlers get:
 * their address, or NULL when there is no memory or the port cannot be read.
 *
 * Requires:
 * `task` and `port` are NULL or valid.
 */
void *nxt_port_rpc_register_handler_ex(nxt_task_t *task,
                                       nxt_port_t *port,
                                       nxt_port_rpc_handler_t ready_handler,
                                       nxt_port_rpc_handler_t error_handler,
                                       size_t ex_size);

/**
 * The stream of a request; 0 of NULL.
 *
 * Requires:
 * `ex` is NULL or from `nxt_port_rpc_register_handler_ex`, of a request that still waits.
 */
uint32_t nxt_port_rpc_ex_stream(void *ex);

/**
 * Changes the process that a request depends on; -1 is none.
 *
 * Requires:
 * `port` is NULL or valid, `ex` is NULL or from `nxt_port_rpc_register_handler_ex`, of a request
 * that still waits.
 */
void nxt_port_rpc_ex_set_peer(nxt_task_t *task,
                              nxt_port_t *port,
                              void *ex,
                              nxt_pid_t peer);

/**
 * Gives an answer to its request: the port handler of the two RPC kinds. An answer that nobody
 * waits for is dropped.
 *
 * Requires:
 * `task` and `msg` are NULL or valid.
 */
void nxt_port_rpc_handler(nxt_task_t *task,
                          nxt_port_recv_msg_t *msg);

/**
 * The process `peer` has gone: the requests that depend on it fail with a message of the kind
 * `remove_pid`. A handler that sets the message's `last` to 0 keeps its request.
 *
 * Requires:
 * `task` and `port` are NULL or valid.
 */
void nxt_port_rpc_remove_peer(nxt_task_t *task,
                              nxt_port_t *port,
                              nxt_pid_t peer);

/**
 * Takes a request back; its handlers are not called.
 *
 * Requires:
 * `task` and `port` are NULL or valid.
 */
void nxt_port_rpc_cancel(nxt_task_t *task, nxt_port_t *port, uint32_t stream);

/**
 * All requests of a port fail.
 *
 * Requires:
 * `task` and `port` are NULL or valid.
 */
void nxt_port_rpc_close(nxt_task_t *task, nxt_port_t *port);

#endif /* NXT_PORT_RPC_H */
