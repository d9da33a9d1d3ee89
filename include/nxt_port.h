/* Ports: what processes talk through. */

#ifndef NXT_PORT_H
#define NXT_PORT_H

#include <nxt_event_engine.h>

/** One handler for each kind of message; the position is the kind. */
struct nxt_port_handlers_s {
    /** An answer. */
    nxt_port_handler_t rpc_ready;
    /** A failure. */
    nxt_port_handler_t rpc_error;
    /** The router wants a process of an application. */
    nxt_port_handler_t start_process;
    /** The router wants a listening socket. */
    nxt_port_handler_t socket;
    /** The router gives a listening socket up. */
    nxt_port_handler_t socket_unlink;
    /** Discovery has found the modules. */
    nxt_port_handler_t modules;
    /** The controller has a configuration to store. */
    nxt_port_handler_t conf_store;
    /** A certificate is wanted. */
    nxt_port_handler_t cert_get;
    /** A certificate is to be deleted. */
    nxt_port_handler_t cert_delete;
    /** A script is wanted. */
    nxt_port_handler_t script_get;
    /** A script is to be deleted. */
    nxt_port_handler_t script_delete;
    /** An access log is to be opened. */
    nxt_port_handler_t access_log;
    /** A log file was opened anew. */
    nxt_port_handler_t change_file;
    /** A new port. */
    nxt_port_handler_t new_port;
    /** A port is wanted. */
    nxt_port_handler_t get_port;
    /** A port has arrived. */
    nxt_port_handler_t port_ack;
    /** A segment of shared memory. */
    nxt_port_handler_t mmap;
    /** A segment of shared memory is wanted. */
    nxt_port_handler_t get_mmap;
    /** A process was created. */
    nxt_port_handler_t process_created;
    /** A process is ready. */
    nxt_port_handler_t process_ready;
    /** A process wants to know its number. */
    nxt_port_handler_t whoami;
    /** A process has gone. */
    nxt_port_handler_t remove_pid;
    /** The process is to end. */
    nxt_port_handler_t quit;
    /** A request. */
    nxt_port_handler_t req_headers;
    /** A request was taken. */
    nxt_port_handler_t req_headers_ack;
    /** More of a request. */
    nxt_port_handler_t req_body;
    /** A WebSocket frame. */
    nxt_port_handler_t websocket_frame;
    /** Data. */
    nxt_port_handler_t data;
    /** An application is to be started anew. */
    nxt_port_handler_t app_restart;
    /** A report is wanted. */
    nxt_port_handler_t status;
    /** The sender is out of shared memory. */
    nxt_port_handler_t oosm;
    /** There is shared memory again. */
    nxt_port_handler_t shm_ack;
    /** The queue is to be read. */
    nxt_port_handler_t read_queue;
    /** The socket is to be read. */
    nxt_port_handler_t read_socket;
};

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

/** The head of every message. */
typedef struct nxt_port_msg_s {
    /** The RPC it belongs to. */
    uint32_t stream;
    /** The sender. */
    nxt_pid_t pid;
    /** Where the answer goes. */
    nxt_port_id_t reply_port;
    /** The kind. */
    uint8_t type;
    /** The last one of its stream. */
    uint8_t last;
    /** The content is in shared memory. */
    uint8_t mmap;
    /** Not the first fragment. */
    uint8_t nf;
    /** More fragments follow. */
    uint8_t mf;
} nxt_port_msg_t;

/** A message that waits to be sent. */
typedef struct nxt_port_send_msg_s {
    /** Its link among those of the port. */
    nxt_queue_link_t link;
    /** Its content. */
    nxt_buf_t *buf;
    /** How much was sent in a row. */
    size_t share;
    /** Its descriptors. */
    nxt_fd_t fd[2];
    /** Its head. */
    nxt_port_msg_t port_msg;
    /** Whether the descriptors are closed afterwards. */
    uint8_t close_fd;
    /** Whether it is on the heap. */
    uint8_t allocated;
} nxt_port_send_msg_t;

/**
 * A message that came in. Its descriptors are the handler's. A handler that keeps the buffers sets
 * `buf` to NULL.
 */
struct nxt_port_recv_msg_s {
    /** Its descriptors; -1 is none. */
    nxt_fd_t fd[2];
    /** Its content. */
    nxt_buf_t *buf;
    /** The port it came to. */
    nxt_port_t *port;
    /** Its head. */
    nxt_port_msg_t port_msg;
    /** The size of its content. */
    size_t size;
    /** The sender as the kernel says. */
    nxt_pid_t cmsg_pid;
    /** Whether it was taken back. */
    nxt_bool_t cancelled;
    /** What a handler says of it. */
    union {
        /** The port that was made. */
        nxt_port_t *new_port;
        /** The process that has gone. */
        nxt_pid_t removed_pid;
        /** The program's own. */
        void *data;
    } u;
};

/** The sender of a message as the kernel says. */
#define nxt_recv_msg_cmsg_pid(msg)  ((msg)->cmsg_pid)
#define nxt_recv_msg_cmsg_pid_ref(msg)  (&(msg)->cmsg_pid)

typedef struct nxt_app_s nxt_app_t;

/** A port: of this process, to read; of another one, to write. */
struct nxt_port_s {
    /** The end that is watched. */
    nxt_fd_event_t socket;
    /** Its link among those of its process. */
    nxt_queue_link_t link;
    /** Its process. */
    nxt_process_t *process;
    /** Its link among those of its application. */
    nxt_queue_link_t app_link;
    /** Its application. */
    nxt_app_t *app;
    /** The application's main port of its process. */
    nxt_port_t *main_app_port;
    /** Its link among those without work. */
    nxt_queue_link_t idle_link;
    /** Since when it has no work. */
    nxt_msec_t idle_start;
    /** Messages that wait. */
    nxt_queue_t messages;
    /** Guards them. */
    nxt_thread_mutex_t write_mutex;
    /** The longest piece of a message. */
    uint32_t max_size;
    /** How much of a message is sent in a row. */
    uint32_t max_share;
    /** WebSockets. */
    uint32_t active_websockets;
    /** Requests. */
    uint32_t active_requests;
    /** Takes the messages that come in. */
    nxt_port_handler_t handler;
    /** The handlers of each kind. */
    nxt_port_handler_t *data;
    /** Its pool. */
    nxt_mp_t *mem_pool;
    /** The engine that watches it. */
    nxt_event_engine_t *engine;
    /** Buffers to read into. */
    nxt_buf_t *free_bufs;
    /** The end to read and the end to write; -1 is none. */
    nxt_socket_t pair[2];
    /** Its number. */
    nxt_port_id_t id;
    /** Its process's number. */
    nxt_pid_t pid;
    /** RPCs by stream. */
    nxt_lvlhsh_t rpc_streams;
    /** RPCs by peer. */
    nxt_lvlhsh_t rpc_peers;
    /** Messages that are not whole yet. */
    nxt_lvlhsh_t frags;
    /** How many hold it. */
    nxt_atomic_t use_count;
    /** What its process is. */
    nxt_process_type_t type;
    /** The memory of its queue; -1 is none. */
    nxt_fd_t queue_fd;
    /** Its queue. */
    void *queue;
    /** A message of the socket that is ahead of the queue. */
    void *socket_msg;
    /** How many messages of the socket are due. */
    int from_socket;
};

/** The content of a `new_port` message. */
typedef struct nxt_port_msg_new_port_s {
    /** The port's number. */
    nxt_port_id_t id;
    /** Its process. */
    nxt_pid_t pid;
    /** The longest piece of a message. */
    size_t max_size;
    /** How much of a message is sent in a row. */
    size_t max_share;
    /** The lowest 8 bits: what its process is. */
    nxt_process_type_t type:8;
} nxt_port_msg_new_port_t;

/** The content of a `get_port` message. */
typedef struct nxt_port_msg_get_port_s {
    /** The port's number. */
    nxt_port_id_t id;
    /** Its process. */
    nxt_pid_t pid;
} nxt_port_msg_get_port_t;

/** The content of a `get_mmap` message. */
typedef struct nxt_port_msg_get_mmap_s {
    /** The segment's number. */
    uint32_t id;
} nxt_port_msg_get_mmap_t;

/**
 * As large as any of the two, so that pools can use the memory again.
 */
typedef union nxt_port_data_u {
    /** A buffer. */
    nxt_buf_t buf;
    /** A port. */
    nxt_port_msg_new_port_t new_port;
} nxt_port_data_t;

/** Does something for a port on the port's own engine. */
typedef void (*nxt_port_post_handler_t)(nxt_task_t *task,
                                        nxt_port_t *port,
                                        void *data);

/**
 * A port of a process, without descriptors yet. NULL when there is no memory.
 *
 * Requires:
 * `task` is NULL or valid.
 */
nxt_port_t *nxt_port_new(nxt_task_t *task,
                         nxt_port_id_t id,
                         nxt_pid_t pid,
                         nxt_process_type_t type);

/** A number for a new port of this process. */
nxt_port_id_t nxt_port_get_next_id(void);

/** The numbers begin anew, as they do in a new process. */
void nxt_port_reset_next_id(void);

/**
 * Gives a port its two ends. `max_size` is the longest piece of a message, 0 the usual 16 KiB, which
 * is also the most.
 *
 * Requires:
 * `task` and `port` are NULL or valid.
 */
nxt_int_t nxt_port_socket_init(nxt_task_t *task,
                               nxt_port_t *port,
                               size_t max_size);

/**
 * Frees a port at once, whoever holds it.
 *
 * Requires:
 * `port` is NULL or a port that nobody uses afterwards.
 */
void nxt_port_destroy(nxt_port_t *port);

/**
 * Closes a port: RPCs that wait for answers fail, messages that wait are lost.
 *
 * Requires:
 * `task` and `port` are NULL or valid.
 */
void nxt_port_close(nxt_task_t *task,
                    nxt_port_t *port);

/**
 * Prepares a port for sending through `pair[1]`, from the calling thread's engine.
 *
 * Requires:
 * `task` and `port` are NULL or valid.
 */
void nxt_port_write_enable(nxt_task_t *task,
                           nxt_port_t *port);

/**
 * Closes the end to write.
 *
 * Requires:
 * `port` is NULL or a port.
 */
void nxt_port_write_close(nxt_port_t *port);

/**
 * Starts to read `pair[0]` of a port on the calling thread's engine.
 *
 * Requires:
 * `task` and `port` are NULL or valid.
 */
void nxt_port_read_enable(nxt_task_t *task, nxt_port_t *port);

/**
 * Closes the end to read.
 *
 * Requires:
 * `port` is NULL or a port.
 */
void nxt_port_read_close(nxt_port_t *port);

/**
 * Sends a message of a kind of `NXT_PORT_MSG_*` with up to two descriptors (-1 is none) and the
 * content of a chain of buffers, whose completion handlers are queued then. Content in buffers of
 * shared memory stays where it is. The receiver of what `reply_port` answers is this process.
 *
 * `NXT_OK` also if the receiver is gone. `NXT_AGAIN` if it does not keep up by far, `NXT_ERROR` if
 * the port cannot be used at all: then the buffers and the descriptors remain the caller's.
 *
 * Requires:
 * `task` and `port` are NULL or valid; `b` is NULL or a chain of buffers.
 */
nxt_int_t nxt_port_socket_write2(nxt_task_t *task,
                                 nxt_port_t *port,
                                 nxt_uint_t type,
                                 nxt_fd_t fd,
                                 nxt_fd_t fd2,
                                 uint32_t stream,
                                 nxt_port_id_t reply_port,
                                 nxt_buf_t *b);

/** The same with one descriptor. */
nxt_inline nxt_int_t
nxt_port_socket_write(nxt_task_t *task, nxt_port_t *port, nxt_uint_t type,
    nxt_fd_t fd, uint32_t stream, nxt_port_id_t reply_port, nxt_buf_t *b)
{
    return nxt_port_socket_write2(task, port, type, fd, -1, stream, reply_port,
                                  b);
}

/**
 * Starts to read a port of this process and to give each message to the handler of its kind.
 *
 * Requires:
 * `task` and `port` are NULL or valid; `handlers` stays as long as the port.
 */
void nxt_port_enable(nxt_task_t *task,
                     nxt_port_t *port,
                     const nxt_port_handlers_t *handlers);

/**
 * Sends a port to the process of another one.
 *
 * Requires:
 * The addresses are NULL or valid.
 */
nxt_int_t nxt_port_send_port(nxt_task_t *task,
                             nxt_port_t *port,
                             nxt_port_t *new_port,
                             uint32_t stream);

/**
 * Sends all other processes the new descriptor of a log file.
 *
 * Requires:
 * `task` and `rt` are NULL or valid; `fd` is open.
 */
void nxt_port_change_log_file(nxt_task_t *task,
                              nxt_runtime_t *rt,
                              nxt_uint_t slot,
                              nxt_fd_t fd);

/**
 * Tells the processes that depend on one that it has gone.
 *
 * Requires:
 * `task` and `process` are NULL or valid.
 */
void nxt_port_remove_notify_others(nxt_task_t *task, nxt_process_t *process);

/**
 * Ends this process.
 *
 * Requires:
 * `task` is NULL or valid.
 */
void nxt_port_quit_handler(nxt_task_t *task, nxt_port_recv_msg_t *msg);

/**
 * Takes a port of another process; `u.new_port` is it then. One that is known already stays.
 *
 * Requires:
 * `task` and `msg` are NULL or valid.
 */
void nxt_port_new_port_handler(nxt_task_t *task,
                               nxt_port_recv_msg_t *msg);

/**
 * A child is ready: its port is sent to all that need it.
 *
 * Requires:
 * `task` and `msg` are NULL or valid.
 */
void nxt_port_process_ready_handler(nxt_task_t *task,
                                    nxt_port_recv_msg_t *msg);

/**
 * Takes the new descriptor of a log file; the first file is also standard error.
 *
 * Requires:
 * `task` and `msg` are NULL or valid.
 */
void nxt_port_change_log_file_handler(nxt_task_t *task,
                                      nxt_port_recv_msg_t *msg);

/**
 * Takes a segment of shared memory of another process.
 *
 * Requires:
 * `task` and `msg` are NULL or valid.
 */
void nxt_port_mmap_handler(nxt_task_t *task, nxt_port_recv_msg_t *msg);

/**
 * Takes data that nobody wants.
 *
 * Requires:
 * `task` and `msg` are NULL or valid.
 */
void nxt_port_data_handler(nxt_task_t *task, nxt_port_recv_msg_t *msg);

/**
 * A process has gone: the requests of the port that depend on it fail, and its ports are closed.
 *
 * Requires:
 * `task` and `msg` are NULL or valid.
 */
void nxt_port_remove_pid_handler(nxt_task_t *task,
                                 nxt_port_recv_msg_t *msg);

/**
 * Takes a message that nobody wants, with its descriptors.
 *
 * Requires:
 * `task` and `msg` are NULL or valid.
 */
void nxt_port_empty_handler(nxt_task_t *task, nxt_port_recv_msg_t *msg);

/**
 * Does something for a port on the port's own engine: at once if that is the caller's. `NXT_ERROR`
 * when there is no memory.
 *
 * Requires:
 * `task` and `port` are NULL or valid; `data` is what the handler takes.
 */
nxt_int_t nxt_port_post(nxt_task_t *task,
                        nxt_port_t *port,
                        nxt_port_post_handler_t handler,
                        void *data);

/**
 * Adds holders to a port, or takes some away. Without any the port ends, on its own engine.
 *
 * Requires:
 * `task` and `port` are NULL or valid; a holder that was taken away does not use the port any more.
 */
void nxt_port_use(nxt_task_t *task,
                  nxt_port_t *port,
                  int32_t i);

/** Adds a holder. */
nxt_inline void
nxt_port_inc_use(nxt_port_t *port)
{
    nxt_atomic_fetch_add(&port->use_count, 1);
}

#endif /* NXT_PORT_H */
