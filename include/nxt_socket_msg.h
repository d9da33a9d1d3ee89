/* Messages with passed descriptors and credentials. */

#ifndef NXT_SOCKET_MSG_H
#define NXT_SOCKET_MSG_H

/** A piece of a scattered buffer. */
typedef struct iovec nxt_iobuf_t;

/** Room for two passed descriptors. */
#define NXT_OOB_SEND_SIZE 24

/** Room for two passed descriptors and the sender's credentials. */
#define NXT_OOB_RECV_SIZE 56

/** Control messages to send. */
typedef struct nxt_send_oob_s {
    /** How many bytes of `buf` count; 0 sends none. */
    size_t size;
    /** The control messages as the kernel wants them. */
    uint8_t buf[24];
} nxt_send_oob_t;

/** Control messages received. */
typedef struct nxt_recv_oob_s {
    /** How many bytes of `buf` count. */
    size_t size;
    /** The control messages as the kernel gave them. */
    uint8_t buf[56];
} nxt_recv_oob_t;

/**
 * Sends the `niob` pieces at `iob` as one message, with the control messages of `oob`, if any.
 *
 * Requires:
 * `iob` points at `niob` pieces that are readable; `oob` is NULL or points at a filled structure.
 */
ssize_t nxt_sendmsg(nxt_socket_t s,
                    nxt_iobuf_t *iob,
                    nxt_uint_t niob,
                    const nxt_send_oob_t *oob);

/**
 * Receives a message into the `niob` pieces at `iob`, and its control messages into `oob`.
 *
 * Requires:
 * `iob` points at `niob` pieces that are writable; `oob` is NULL or points at a writable structure.
 */
ssize_t nxt_recvmsg(nxt_socket_t s,
                    nxt_iobuf_t *iob,
                    nxt_uint_t niob,
                    nxt_recv_oob_t *oob);

#endif /* NXT_SOCKET_MSG_H */
