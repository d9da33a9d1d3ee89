#ifndef NXT_SOCKET_H
#define NXT_SOCKET_H

/** A socket's descriptor. */
typedef int nxt_socket_t;

#endif /* NXT_SOCKET_H */
