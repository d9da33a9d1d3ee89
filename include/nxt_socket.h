#ifndef NXT_SOCKET_H
#define NXT_SOCKET_H

/** A socket. */
typedef int nxt_socket_t;

/** A socket does not wait. */
#define NXT_NONBLOCK 1

#endif /* NXT_SOCKET_H */
