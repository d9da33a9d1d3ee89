/* A received websocket frame. */

#ifndef NXT_UNIT_WEBSOCKET_H
#define NXT_UNIT_WEBSOCKET_H

#include <inttypes.h>

#include "nxt_unit_typedefs.h"
#include "nxt_websocket_header.h"

/** A received WebSocket frame. */
struct nxt_unit_websocket_frame_s {
    /** The connection's request. */
    nxt_unit_request_info_t *req;
    /** Bytes of payload. */
    uint64_t payload_len;
    /** The frame header. */
    nxt_websocket_header_t *header;
    /** The mask or null. */
    uint8_t *mask;
    /** The payload that has not been read yet. */
    nxt_unit_buf_t *content_buf;
    /** Bytes of it. */
    uint64_t content_length;
};

#endif /* NXT_UNIT_WEBSOCKET_H */
