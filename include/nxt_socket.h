#ifndef NXT_SOCKET_H
#define NXT_SOCKET_H

/** A socket. */
typedef int nxt_socket_t;

#endif /* NXT_SOCKET_H */
