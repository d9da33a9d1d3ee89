/* Listening sockets. */

#ifndef NXT_LISTEN_SOCKET_H
#define NXT_LISTEN_SOCKET_H

/** A listening socket, or what one is to be like. */
struct nxt_listen_socket_s {
    /** The socket; -1 is none yet. */
    int socket;
    /**
     * How many connections may wait; negative is as many as the system allows.
     */
    int backlog;
    /** Where the work of connections goes. */
    nxt_work_queue_t *work_queue;
    /** Takes new connections. */
    nxt_work_handler_t handler;
    /** Where it listens. */
    nxt_sockaddr_t *sockaddr;
    /** How many use it. */
    uint32_t count;
    /** `NXT_NONBLOCK`. */
    uint8_t flags;
    /** Whether connections arrive with their first bytes. */
    uint8_t read_after_accept;
    /** Whether connections are encrypted. */
    uint8_t tls;
    /** 1: IPv6 only, 2: IPv4, too, 0: as the system wants. */
    uint8_t ipv6only;
    /** The size of a client's address. */
    uint8_t socklen;
    /** The length of its text. */
    uint8_t address_length;
};

/** As many waiting connections as the system allows. */
#define NXT_LISTEN_BACKLOG -1

/**
 * listen(2); what goes wrong is in the task's log.
 *
 * Requires:
 * `task` is NULL or valid.
 */
nxt_int_t nxt_listen_socket(nxt_task_t *task, int s, int backlog);

/**
 * Makes a socket as `ls` describes it, bound and listening, in `ls->socket`. A socket file gets mode
 * and owner as the runtime has them for the control socket, before others find it.
 *
 * Requires:
 * `task` is NULL or valid; `ls` is NULL or valid, with an address.
 */
nxt_int_t nxt_listen_socket_create(nxt_task_t *task,
                                   nxt_mp_t *mp,
                                   nxt_listen_socket_t *ls);

/**
 * Goes on with the socket of another program or configuration, with the backlog of `ls`.
 *
 * Requires:
 * `task` is NULL or valid, `ls` and `prev` are NULL or valid.
 */
nxt_int_t nxt_listen_socket_update(nxt_task_t *task,
                                   nxt_listen_socket_t *ls,
                                   nxt_listen_socket_t *prev);

/**
 * Notes how much the address of a client and its text need.
 *
 * Requires:
 * `ls` is NULL or valid, its address is NULL or valid.
 */
void nxt_listen_socket_remote_size(nxt_listen_socket_t *ls);

#endif /* NXT_LISTEN_SOCKET_H */
