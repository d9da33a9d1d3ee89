/* The frame header of RFC 6455. */

#ifndef NXT_WEBSOCKET_H
#define NXT_WEBSOCKET_H

/** The length of `Sec-WebSocket-Accept` in bytes. */
#define NXT_WEBSOCKET_ACCEPT_SIZE 28

/**
 * Writes the 28 bytes that answer the 24 bytes of a client's key.
 *
 * Requires:
 * `accept` is NULL or has room for 28 bytes; `key` is NULL or has 24 bytes.
 */
void nxt_websocket_accept(uint8_t *accept, const void *key);

/**
 * How many bytes the header at `data` has: 2 to 14. 0 if `data` is NULL.
 *
 * Requires:
 * `data` is NULL or points at two readable bytes.
 */
size_t nxt_websocket_frame_header_size(const void *data);

/**
 * How long the payload is that the header at `data` announces. 0 if `data` is NULL.
 *
 * Requires:
 * `data` is NULL or points at a whole header.
 */
uint64_t nxt_websocket_frame_payload_len(const void *data);

/**
 * Writes the length of a payload into the header at `data`, in its shortest form, and answers
 * where the header ends. The first byte and the mask bit are the caller's.
 *
 * Requires:
 * `data` is NULL or points at ten bytes that are writable and of which the first two have a value.
 */
void *nxt_websocket_frame_init(void *data,
                               uint64_t payload_len);

#endif /* NXT_WEBSOCKET_H */
