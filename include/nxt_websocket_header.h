/* The frame header of RFC 6455, and its numbers. */

#ifndef NXT_WEBSOCKET_HEADER_H
#define NXT_WEBSOCKET_HEADER_H

#include <stdint.h>

#include "nxt_auto_config.h"

/**
 * A frame header as on the wire. The mask, if any, follows the length, whose
 * extended part is in network order.
 */
typedef struct nxt_websocket_header_s {
#if defined(NXT_HAVE_BIG_ENDIAN)
    uint8_t fin:1, rsv1:1, rsv2:1, rsv3:1, opcode:4;
    uint8_t mask:1, payload_len:7;
#else
    uint8_t opcode:4, rsv3:1, rsv2:1, rsv1:1, fin:1;
    uint8_t payload_len:7, mask:1;
#endif
    /** The extended part of the length: none, 2 or 8 bytes. */
    uint8_t payload_len_[8];
} nxt_websocket_header_t;

/** Continues a message. */
#define NXT_WEBSOCKET_OP_CONT 0

/** A message of text. */
#define NXT_WEBSOCKET_OP_TEXT 1

/** A message of bytes. */
#define NXT_WEBSOCKET_OP_BINARY 2

/** Closes the connection. */
#define NXT_WEBSOCKET_OP_CLOSE 8

/** Asks for a pong. */
#define NXT_WEBSOCKET_OP_PING 9

/** Answers a ping. */
#define NXT_WEBSOCKET_OP_PONG 10

/** The bit that control frames have. */
#define NXT_WEBSOCKET_OP_CTRL 8

/** The exchange is complete. */
#define NXT_WEBSOCKET_CR_NORMAL 1000

/** The peer goes away. */
#define NXT_WEBSOCKET_CR_GOING_AWAY 1001

/** The peer broke the protocol. */
#define NXT_WEBSOCKET_CR_PROTOCOL_ERROR 1002

/** The peer cannot take this kind of data. */
#define NXT_WEBSOCKET_CR_UNPROCESSABLE_INPUT 1003

/** Reserved by RFC 6455. */
#define NXT_WEBSOCKET_CR_RESERVED 1004

/** No code was given; never sent. */
#define NXT_WEBSOCKET_CR_NOT_PROVIDED 1005

/** The connection broke off; never sent. */
#define NXT_WEBSOCKET_CR_ABNORMAL 1006

/**
 * The data does not fit its message, such as text that is not UTF-8.
 */
#define NXT_WEBSOCKET_CR_INVALID_DATA 1007

/** The message is against the receiver's policy. */
#define NXT_WEBSOCKET_CR_POLICY_VIOLATION 1008

/** The message is too big. */
#define NXT_WEBSOCKET_CR_MESSAGE_TOO_BIG 1009

/** An extension that the client needs was not offered. */
#define NXT_WEBSOCKET_CR_EXTENSION_REQUIRED 1010

/** The server cannot go on. */
#define NXT_WEBSOCKET_CR_INTERNAL_SERVER_ERROR 1011

/** The TLS handshake failed; never sent. */
#define NXT_WEBSOCKET_CR_TLS_HANDSHAKE_FAILED 1015

#endif /* NXT_WEBSOCKET_HEADER_H */
