#ifndef NXT_SOCKET_H
#define NXT_SOCKET_H

@ nxt_socket_t

@ NXT_NONBLOCK

#endif /* NXT_SOCKET_H */
