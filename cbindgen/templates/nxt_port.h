/* Ports: what processes talk through. */

#ifndef NXT_PORT_H
#define NXT_PORT_H

#include <nxt_event_engine.h>

@ struct nxt_port_handlers_t

/** The kind of the messages that a handler takes. */
#define nxt_port_handler_idx(name)  \
    (offsetof(nxt_port_handlers_t, name) / sizeof(nxt_port_handler_t))

#define nxt_msg_last(kind)  ((kind) | NXT_PORT_MSG_LAST)

/** Each kind, and each kind with the flags that its messages have. */
#define NXT_PORT_MSG_KINDS(kind)                                              \
    kind(RPC_READY, rpc_ready)                                                \
    kind(RPC_ERROR, rpc_error)                                                \
    kind(START_PROCESS, start_process)                                        \
    kind(SOCKET, socket)                                                      \
    kind(SOCKET_UNLINK, socket_unlink)                                        \
    kind(MODULES, modules)                                                    \
    kind(CONF_STORE, conf_store)                                              \
    kind(CERT_GET, cert_get)                                                  \
    kind(CERT_DELETE, cert_delete)                                            \
    kind(SCRIPT_GET, script_get)                                              \
    kind(SCRIPT_DELETE, script_delete)                                        \
    kind(ACCESS_LOG, access_log)                                              \
    kind(CHANGE_FILE, change_file)                                            \
    kind(NEW_PORT, new_port)                                                  \
    kind(GET_PORT, get_port)                                                  \
    kind(PORT_ACK, port_ack)                                                  \
    kind(MMAP, mmap)                                                          \
    kind(GET_MMAP, get_mmap)                                                  \
    kind(PROCESS_CREATED, process_created)                                    \
    kind(PROCESS_READY, process_ready)                                        \
    kind(WHOAMI, whoami)                                                      \
    kind(REMOVE_PID, remove_pid)                                              \
    kind(QUIT, quit)                                                          \
    kind(REQ_HEADERS, req_headers)                                            \
    kind(REQ_HEADERS_ACK, req_headers_ack)                                    \
    kind(REQ_BODY, req_body)                                                  \
    kind(WEBSOCKET, websocket_frame)                                          \
    kind(DATA, data)                                                          \
    kind(APP_RESTART, app_restart)                                            \
    kind(STATUS, status)                                                      \
    kind(OOSM, oosm)                                                          \
    kind(SHM_ACK, shm_ack)                                                    \
    kind(READ_QUEUE, read_queue)                                              \
    kind(READ_SOCKET, read_socket)

#define NXT_PORT_MSG_LASTS(kind)                                              \
    kind(RPC_ERROR) kind(START_PROCESS) kind(SOCKET) kind(SOCKET_UNLINK)      \
    kind(MODULES) kind(CONF_STORE) kind(CERT_GET) kind(CERT_DELETE)           \
    kind(SCRIPT_GET) kind(SCRIPT_DELETE) kind(ACCESS_LOG) kind(CHANGE_FILE)   \
    kind(NEW_PORT) kind(GET_PORT) kind(PORT_ACK) kind(GET_MMAP)               \
    kind(PROCESS_CREATED) kind(PROCESS_READY) kind(WHOAMI) kind(QUIT)         \
    kind(REMOVE_PID) kind(APP_RESTART) kind(STATUS) kind(OOSM) kind(SHM_ACK)

#define NXT_PORT_MSG_PLAIN(kind)                                              \
    kind(RPC_READY) kind(REQ_HEADERS) kind(REQ_BODY) kind(WEBSOCKET)          \
    kind(DATA) kind(READ_QUEUE) kind(READ_SOCKET)

typedef enum {
    NXT_PORT_MSG_LAST = 0x100,
    NXT_PORT_MSG_CLOSE_FD = 0x200,
    NXT_PORT_MSG_SYNC = 0x400,
    NXT_PORT_MSG_MASK = 0xFF,

#define nxt_port_msg_kind(name, handler)  \
    _NXT_PORT_MSG_##name = nxt_port_handler_idx(handler),
#define nxt_port_msg_last_kind(name)  \
    NXT_PORT_MSG_##name = nxt_msg_last(_NXT_PORT_MSG_##name),
#define nxt_port_msg_plain_kind(name)  \
    NXT_PORT_MSG_##name = _NXT_PORT_MSG_##name,

    NXT_PORT_MSG_KINDS(nxt_port_msg_kind)
    NXT_PORT_MSG_LASTS(nxt_port_msg_last_kind)
    NXT_PORT_MSG_PLAIN(nxt_port_msg_plain_kind)

#undef nxt_port_msg_kind
#undef nxt_port_msg_last_kind
#undef nxt_port_msg_plain_kind

    NXT_PORT_MSG_MMAP = nxt_msg_last(_NXT_PORT_MSG_MMAP) | NXT_PORT_MSG_SYNC,
    NXT_PORT_MSG_RPC_READY_LAST = nxt_msg_last(_NXT_PORT_MSG_RPC_READY),
    NXT_PORT_MSG_WEBSOCKET_LAST = nxt_msg_last(_NXT_PORT_MSG_WEBSOCKET),
    NXT_PORT_MSG_DATA_LAST = nxt_msg_last(_NXT_PORT_MSG_DATA),

    NXT_PORT_MSG_MAX = sizeof(nxt_port_handlers_t) / sizeof(nxt_port_handler_t)
} nxt_port_msg_type_t;

#define NXT_USE_CMSG_PID  1

@ nxt_port_msg_t

@ nxt_port_send_msg_t

@ struct nxt_port_recv_msg_t

/** The sender of a message as the kernel says. */
#define nxt_recv_msg_cmsg_pid(msg)  ((msg)->cmsg_pid)
#define nxt_recv_msg_cmsg_pid_ref(msg)  (&(msg)->cmsg_pid)

typedef struct nxt_app_s nxt_app_t;

@ struct nxt_port_t

@ nxt_port_msg_new_port_t

@ nxt_port_msg_get_port_t

@ nxt_port_msg_get_mmap_t

@ nxt_port_data_t

@ nxt_port_post_handler_t

@ nxt_port_new

@ nxt_port_get_next_id

@ nxt_port_reset_next_id

@ nxt_port_socket_init

@ nxt_port_destroy

@ nxt_port_close

@ nxt_port_write_enable

@ nxt_port_write_close

@ nxt_port_read_enable

@ nxt_port_read_close

@ nxt_port_socket_write2

/** The same with one descriptor. */
nxt_inline nxt_int_t
nxt_port_socket_write(nxt_task_t *task, nxt_port_t *port, nxt_uint_t type,
    nxt_fd_t fd, uint32_t stream, nxt_port_id_t reply_port, nxt_buf_t *b)
{
    return nxt_port_socket_write2(task, port, type, fd, -1, stream, reply_port,
                                  b);
}

@ nxt_port_enable

@ nxt_port_send_port

@ nxt_port_change_log_file

@ nxt_port_remove_notify_others

@ nxt_port_quit_handler

@ nxt_port_new_port_handler

@ nxt_port_process_ready_handler

@ nxt_port_change_log_file_handler

@ nxt_port_mmap_handler

@ nxt_port_data_handler

@ nxt_port_remove_pid_handler

@ nxt_port_empty_handler

@ nxt_port_post

@ nxt_port_use

/** Adds a holder. */
nxt_inline void
nxt_port_inc_use(nxt_port_t *port)
{
    nxt_atomic_fetch_add(&port->use_count, 1);
}

#endif /* NXT_PORT_H */
