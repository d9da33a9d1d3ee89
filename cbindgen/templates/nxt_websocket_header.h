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

@ NXT_WEBSOCKET_OP_CONT

@ NXT_WEBSOCKET_OP_TEXT

@ NXT_WEBSOCKET_OP_BINARY

@ NXT_WEBSOCKET_OP_CLOSE

@ NXT_WEBSOCKET_OP_PING

@ NXT_WEBSOCKET_OP_PONG

@ NXT_WEBSOCKET_OP_CTRL

@ NXT_WEBSOCKET_CR_NORMAL

@ NXT_WEBSOCKET_CR_GOING_AWAY

@ NXT_WEBSOCKET_CR_PROTOCOL_ERROR

@ NXT_WEBSOCKET_CR_UNPROCESSABLE_INPUT

@ NXT_WEBSOCKET_CR_RESERVED

@ NXT_WEBSOCKET_CR_NOT_PROVIDED

@ NXT_WEBSOCKET_CR_ABNORMAL

@ NXT_WEBSOCKET_CR_INVALID_DATA

@ NXT_WEBSOCKET_CR_POLICY_VIOLATION

@ NXT_WEBSOCKET_CR_MESSAGE_TOO_BIG

@ NXT_WEBSOCKET_CR_EXTENSION_REQUIRED

@ NXT_WEBSOCKET_CR_INTERNAL_SERVER_ERROR

@ NXT_WEBSOCKET_CR_TLS_HANDSHAKE_FAILED

#endif /* NXT_WEBSOCKET_HEADER_H */
