/* Requests that wait for answers. */

#ifndef NXT_PORT_RPC_H
#define NXT_PORT_RPC_H

#include <nxt_port.h>

@ nxt_port_rpc_handler_t

@ nxt_port_rpc_init

@ nxt_port_rpc_register_handler

@ nxt_port_rpc_register_handler_ex

@ nxt_port_rpc_ex_stream

@ nxt_port_rpc_ex_set_peer

@ nxt_port_rpc_handler

@ nxt_port_rpc_remove_peer

@ nxt_port_rpc_cancel

@ nxt_port_rpc_close

#endif /* NXT_PORT_RPC_H */
