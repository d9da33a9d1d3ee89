/* The frame header of RFC 6455. */

#ifndef NXT_WEBSOCKET_H
#define NXT_WEBSOCKET_H

@ NXT_WEBSOCKET_ACCEPT_SIZE

@ nxt_websocket_accept

@ nxt_websocket_frame_header_size

@ nxt_websocket_frame_payload_len

@ nxt_websocket_frame_init

#endif /* NXT_WEBSOCKET_H */
