/*
 * asgi_websocket_frame.c: frames to the client (RFC 6455).
 */

#include "asgi_websocket.h"


/* A frame up to this size is put together on the stack. */
#define SMALL_FRAME       4096
#define FRAME_HEADER_MAX  10


static size_t put_header(uint8_t *p, uint8_t opcode, uint64_t length);


/*
 * Sends a whole frame.  After the handshake the router relays response data
 * to the client as it is, so a frame takes the same way as a response body,
 * with the same back-pressure; nxt_unit_websocket_send() would block the
 * event loop when a slow client has used up the shared memory.
 */
int
nxtpy_websocket_send_frame(websocket_t *ws, uint8_t opcode, const void *start,
    size_t length, PyObject **awaitable)
{
    size_t     header_size, size;
    ssize_t    sent;
    uint8_t    frame[FRAME_HEADER_MAX + SMALL_FRAME];
    PyObject   *bytes;
    Py_buffer  body;

    header_size = put_header(frame, opcode, length);
    size = header_size + length;
    sent = 0;

    if (length <= SMALL_FRAME) {
        if (length != 0) {
            memcpy(frame + header_size, start, length);
        }

        if (ws->exchange.sends == NULL) {
            sent = nxt_unit_response_write_nb(ws->exchange.req, frame, size, 0);

            if (sent < 0) {
                PyErr_SetString(PyExc_RuntimeError, "failed to send frame");
                return -1;
            }

            if ((size_t) sent == size) {
                *awaitable = nxtpy_awaitable_completed();
                return 0;
            }
        }

        bytes = PyBytes_FromStringAndSize((char *) frame + sent,
                                          (Py_ssize_t) size - sent);

    } else {
        bytes = PyBytes_FromStringAndSize(NULL, (Py_ssize_t) size);

        if (bytes != NULL) {
            memcpy(PyBytes_AS_STRING(bytes), frame, header_size);
            memcpy(PyBytes_AS_STRING(bytes) + header_size, start, length);
        }
    }

    if (bytes == NULL) {
        return -1;
    }

    (void) PyObject_GetBuffer(bytes, &body, PyBUF_SIMPLE);

    Py_DECREF(bytes);

    *awaitable = nxtpy_exchange_write(&ws->exchange, &body);

    return (*awaitable != NULL) ? 0 : -1;
}


/* Frames of a server are neither masked nor, here, fragmented (RFC 6455). */
static size_t
put_header(uint8_t *p, uint8_t opcode, uint64_t length)
{
    int     shift;
    size_t  size;

    p[0] = (uint8_t) (0x80 | opcode);

    if (length < 126) {
        p[1] = (uint8_t) length;
        return 2;
    }

    if (length <= UINT16_MAX) {
        p[1] = 126;
        shift = 8;

    } else {
        p[1] = 127;
        shift = 56;
    }

    for (size = 2; shift >= 0; shift -= 8) {
        p[size++] = (uint8_t) (length >> shift);
    }

    return size;
}


void
nxtpy_websocket_send_close(websocket_t *ws, uint16_t code, const char *reason,
    size_t reason_length)
{
    uint8_t   payload[2 + NXTPY_CLOSE_REASON_MAX];
    PyObject  *awaitable;

    if (ws->exchange.req == NULL) {
        return;
    }

    payload[0] = (uint8_t) (code >> 8);
    payload[1] = (uint8_t) code;

    if (reason_length != 0) {
        memcpy(payload + 2, reason, reason_length);
    }

    if (nxtpy_websocket_send_frame(ws, NXT_WEBSOCKET_OP_CLOSE, payload,
                                   2 + reason_length, &awaitable) != 0)
    {
        nxt_unit_req_error(ws->exchange.req, "failed to send close frame");
        nxtpy_print_exception();
        return;
    }

    Py_DECREF(awaitable);
}
