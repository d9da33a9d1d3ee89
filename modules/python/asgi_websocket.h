/*
 * asgi_websocket.h: shared by the WebSocket files.
 */

#ifndef NXTPY_ASGI_WEBSOCKET_H
#define NXTPY_ASGI_WEBSOCKET_H

#include "asgi.h"

#include <nxt_unit_websocket.h>
#include <nxt_websocket_header.h>


typedef enum {
    WS_INIT,            /* websocket.connect is not delivered yet */
    WS_CONNECT,         /* the application is to accept or to refuse */
    WS_ACCEPTED,
    WS_DISCONNECTED,    /* by the client, or its connection is lost */
    WS_CLOSED,          /* by this side */
} websocket_state_t;

typedef struct inbox_item_s  inbox_item_t;

typedef struct {
    nxtpy_exchange_t   exchange;

    websocket_state_t  state;
    bool               close_received;  /* a close frame is to be answered */
    uint16_t           code;            /* of websocket.disconnect */
    PyObject           *reason;         /* the same, or NULL */

    inbox_item_t       *inbox;          /* messages not yet asked for */
    inbox_item_t       **inbox_end;
    uint64_t           inbox_size;      /* bytes of payload in there */

    char               *partial;        /* a message whose end is missing */
    size_t             partial_size;
    size_t             partial_capacity;
    uint8_t            partial_opcode;  /* 0: there is none */
} websocket_t;


/* A control frame has at most 125 bytes, two of them for the code. */
#define NXTPY_CLOSE_REASON_MAX  123

/* asgi_websocket_frame.c */
int nxtpy_websocket_send_frame(websocket_t *ws, uint8_t opcode,
    const void *start, size_t length, PyObject **awaitable);
void nxtpy_websocket_send_close(websocket_t *ws, uint16_t code,
    const char *reason, size_t reason_length);

/* asgi_websocket_inbox.c */
void nxtpy_websocket_disconnect(websocket_t *ws, websocket_state_t state,
    uint16_t code);
PyObject *nxtpy_websocket_disconnect_message(nxtpy_exchange_t *exchange);
PyObject *nxtpy_websocket_next_message(websocket_t *ws);
void nxtpy_websocket_inbox_clear(websocket_t *ws);


#endif  /* NXTPY_ASGI_WEBSOCKET_H */
