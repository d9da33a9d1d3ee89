/* Listening sockets. */

#ifndef NXT_LISTEN_SOCKET_H
#define NXT_LISTEN_SOCKET_H

@ struct nxt_listen_socket_t

@ NXT_LISTEN_BACKLOG

@ nxt_listen_socket

@ nxt_listen_socket_create

@ nxt_listen_socket_update

@ nxt_listen_socket_remote_size

#endif /* NXT_LISTEN_SOCKET_H */
