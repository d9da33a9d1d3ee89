/* Messages with passed descriptors and credentials. */

#ifndef NXT_SOCKET_MSG_H
#define NXT_SOCKET_MSG_H

@ nxt_iobuf_t

@ NXT_OOB_SEND_SIZE

@ NXT_OOB_RECV_SIZE

@ nxt_send_oob_t

@ nxt_recv_oob_t

@ nxt_sendmsg

@ nxt_recvmsg

#endif /* NXT_SOCKET_MSG_H */
